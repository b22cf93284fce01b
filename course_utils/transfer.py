"""Transfer: freeze and unfreeze, cache features, see what learns and what moved.

Keras asks each layer's `trainable`, and reads it when a model is compiled: after any change,
`compile` again (`recompile_guard` watches over it). Layers of nested models and blocks are named
by path, as "base/block1_conv"; see `course_utils.layers`. Every `model` here is a built model, or
a base that is nested in one; what is no model is refused with InputError.

Example:
    >>> keep, learn = (keras.layers.Dense(2, name=name) for name in ("keep", "learn"))
    >>> model = keras.Sequential([keras.Input((3,)), keep, learn])
    >>> print(unfreeze(model, start="learn"))
    layer  kind   learns  tensors  parameters
    keep   Dense  no            2           8
    learn  Dense  yes           2           6
    trainable: 2 of 4 tensors, 6 of 14 parameters
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils import cache, checks, compat, layers
from course_utils.backend import keras
from course_utils.errors import InputError
from course_utils.formatting import aligned

if TYPE_CHECKING:
    from course_utils.datasets import Part, StreamedPart

__all__ = [
    "Drift",
    "Report",
    "Row",
    "cached_features",
    "check_compiled",
    "check_labels",
    "drift",
    "features",
    "freeze",
    "hold_batch_norm",
    "is_stale",
    "recompile_guard",
    "report",
    "snapshot",
    "unfreeze",
]

_OWN = "(own)"  # stands for the path of the weights that a model itself holds
_READING = 2  # of the cache of features: raised when the course decodes files otherwise


@dataclass(frozen=True)
class Row:
    """What learns of one layer.

    Attributes:
        path: its name, with the models and blocks it is nested in before it: "base/block1_conv".
        kind: its class.
        tensors: how many weight tensors it has.
        trainable: how many of them learn.
        parameters: how many numbers are in its tensors.
        trainable_parameters: how many of those learn.
    """

    path: str
    kind: str
    tensors: int
    trainable: int
    parameters: int
    trainable_parameters: int

    @property
    def learns(self) -> str:
        """ "yes", "no" or "in part" (batch normalization: its moving averages never learn)."""
        if not self.trainable:
            return "no"
        return "yes" if self.trainable == self.tensors else "in part"


@dataclass(frozen=True)
class Report:
    """What learns in a model. Printed, it is a table; in a notebook, it shows itself.

    Attributes:
        rows: one for each layer with weights, from input to output.
        trainable_tensors: "path/weight" of each tensor that learns.
        stale: whether the model was compiled before `trainable` was last changed.
    """

    rows: tuple[Row, ...]
    trainable_tensors: tuple[str, ...]
    stale: bool = False

    @property
    def tensors(self) -> int:
        """Number of all weight tensors."""
        return sum(row.tensors for row in self.rows)

    @property
    def parameters(self) -> int:
        """Number of all weights."""
        return sum(row.parameters for row in self.rows)

    @property
    def trainable_parameters(self) -> int:
        """Number of weights that learn."""
        return sum(row.trainable_parameters for row in self.rows)

    @property
    def summary(self) -> str:
        """One line: how many tensors and parameters learn."""
        return (
            f"trainable: {len(self.trainable_tensors)} of {self.tensors} tensors, "
            f"{self.trainable_parameters:,} of {self.parameters:,} parameters"
        )

    def __str__(self) -> str:
        cells = [("layer", "kind", "learns", "tensors", "parameters")]
        for row in self.rows:
            counts = (str(row.tensors), f"{row.parameters:,}")
            cells.append((row.path, row.kind, row.learns, *counts))
        lines = [*aligned(cells, left=3), self.summary]
        if self.stale:
            lines.append("compile the model again before fit: it was compiled before this change")
        return "\n".join(lines)

    __repr__ = __str__


def report(model: keras.Model) -> Report:
    """Say what learns: what Keras will update when the model is compiled now.

    A layer that is trainable in a model that is not, does not learn.

    Example:
        >>> head = keras.Sequential([keras.Input((8,)), keras.layers.Dense(2)])
        >>> report(head).summary
        'trainable: 2 of 2 tensors, 18 of 18 parameters'
    """
    rows, tensors = [], []
    held = layers.weights(model)
    learning = _ids(model.trainable_weights)
    for place, weights in held:
        path = place.path or _OWN
        learns = {name: each for name, each in weights.items() if id(each) in learning}
        sizes = [sum(math.prod(each.shape) for each in of.values()) for of in (weights, learns)]
        rows.append(Row(path, type(place.layer).__name__, len(weights), len(learns), *sizes))
        tensors += [f"{path}/{name}" for name in learns]
    return Report(tuple(rows), tuple(tensors), is_stale(model))


def freeze(model: keras.Model, *, up_to: str | None = None) -> Report:
    """Let layers learn no more: all of them, or all up to one.

    Args:
        model: as everywhere here.
        up_to: name or path of the last layer to be frozen, or of a nested model, which is frozen
            whole; layers behind it stay as they are. None freezes all.

    Returns:
        What learns now.

    Raises:
        InputError: no such layer (names the nearest), or a name that several have.

    Example:
        >>> base = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> freeze(base).trainable_tensors
        ()
    """
    chosen = layers.walk(model)
    if up_to is None:
        model.trainable = False
    else:
        paths = [place.path for place in chosen]
        chosen = chosen[: paths.index(layers.find(paths, up_to)) + 1]
    # Keras skips the layers inside where the outer one is frozen already: each is told.
    for place in chosen:
        place.layer.trainable = False
    return report(model)


def unfreeze(model: keras.Model, *, start: str | None = None, batch_norm: bool = False) -> Report:
    """Let layers learn: all of them, or exactly those from one on.

    Layers before `start` are frozen, so that the result does not depend on what was before.

    Args:
        model: a nested base's layers count in its place, so of a whole model the head, which
            stands behind, learns too.
        start: name or path of the first layer that is to learn, or of a nested model, which
            learns whole; None is the first of all.
        batch_norm: whether batch normalization learns too. By default it is kept still, its
            scale and shift as well as its moving averages: a few small batches would spoil what
            many taught it.

    Returns:
        What learns now.

    Raises:
        InputError: no such layer (names the nearest), or a name that several have.

    Example:
        >>> dense = [keras.layers.Dense(2, name=name) for name in "abc"]
        >>> base = keras.Sequential([keras.Input((2,)), *dense])
        >>> unfreeze(base, start="b").trainable_tensors
        ('b/kernel', 'b/bias', 'c/kernel', 'c/bias')
    """
    places = layers.walk(model)
    first = 0
    if start is not None:
        named = layers.find([place.path for place in places], start)
        first = next(
            row for row, place in enumerate(places) if f"{place.path}/".startswith(f"{named}/")
        )
    # A model or block that is frozen itself hides what its layers say: all are thawed, each by
    # itself, since Keras skips what is in an outer one that learns already.
    for layer in [model, *(place.layer for place in places)]:
        layer.trainable = True
    for place in places[:first]:
        place.layer.trainable = False
    if not batch_norm:
        hold_batch_norm(model)
    return report(model)


def hold_batch_norm(model: keras.Model) -> tuple[str, ...]:
    """Keep all batch normalization still: weights and moving averages, in training too.

    Moving averages are no trainable weights: they move because a batch passes through in training,
    whatever the optimizer does. In Keras 3 only `trainable = False` on the layer itself keeps them
    still. Calling a base with `training=False` while a functional model is built does not: `fit`
    calls the model with `training=True`, and that wins.

    Returns:
        The paths of the layers held; none in a model without any.

    Example:
        >>> norm = keras.layers.BatchNormalization(name="norm")
        >>> hold_batch_norm(keras.Sequential([keras.Input((2,)), norm])), norm.trainable
        (('norm',), False)
    """
    held = [
        place
        for place in layers.walk(model)
        if isinstance(place.layer, keras.layers.BatchNormalization)
    ]
    for place in held:
        place.layer.trainable = False
    return tuple(place.path for place in held)


def is_stale(model: keras.Model) -> bool:
    """Whether a model was compiled, and what is trainable changed afterwards.

    A compiled model goes on updating the tensors that it knew: Keras trains as before, an hour of
    "fine-tuning" that moves the head only. Ask the model that is trained, not a base nested in it:
    only the former was compiled.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> model.layers[0].trainable = False
        >>> is_stale(model)
        True
    """
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None or not model.compiled:
        return False
    # What an optimizer updates is known from its first step on.
    known = compat.updated_variables(optimizer)
    if optimizer.built and _ids(known) != _ids(model.trainable_variables):
        return True
    # The moving averages of a normalization are none of these. Older versions of Keras note nothing
    # when they compile.
    return any(
        layer.trainable != before
        for layer, before in compat.trainable_when_compiled(model).items()
        if layer.weights and not compat.inner_layers(layer)
    )


def check_compiled(model: keras.Model) -> None:
    """Raise InputError for a model that was compiled before `trainable` was last changed.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> check_compiled(model)
    """
    if not is_stale(model):
        return
    known, now = compat.updated_variables(model.optimizer), model.trainable_variables
    new = [weight.path for weight in now if id(weight) not in _ids(known)]
    gone = [weight.path for weight in known if id(weight) not in _ids(now)]
    detail = ""
    if model.optimizer.built and (new or gone):
        what = "tensors would not learn" if new else "frozen tensors would go on learning"
        detail = f": {len(new or gone)} {what}, the first is {(new or gone)[0]}"
    raise InputError(
        "expected a model that was compiled after `trainable` was last changed, received one "
        f"compiled before{detail}. Call model.compile again, with a new optimizer, then fit"
    )


class RecompileGuard(keras.callbacks.Callback):
    """Calls `check_compiled` before the first batch."""

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Refuse a model that should have been compiled again."""
        check_compiled(self.model)


def recompile_guard() -> keras.callbacks.Callback:
    """A callback for `fit`: it calls `check_compiled` before the first batch.

    Example:
        >>> isinstance(recompile_guard(), keras.callbacks.Callback)
        True
    """
    return RecompileGuard()


def check_labels(model: keras.Model, labels: np.ndarray) -> None:
    """Refuse labels that do not fit a model's last layer or its loss.

    A label too large makes TensorFlow stop on a CPU with a message about `logits`, and gives
    not-a-number, without a word, on a GPU.

    Args:
        model: ends in (batch, units); if it was compiled, its loss is looked at too.
        labels: whole numbers (count,), for a loss such as SparseCategoricalCrossentropy or, with
            one unit, BinaryCrossentropy; or one-hot (count, units).

    Raises:
        InputError: labels that are no whole numbers or that no unit stands for, a one-hot width
            that is not the number of units, labels that the loss reads otherwise, or a model with
            several outputs.

    Example:
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        >>> check_labels(model, np.array([0, 1, 1]))
    """
    outputs = getattr(model, "outputs", None) or ()
    if len(outputs) != 1:
        raise InputError(
            f"expected a built Sequential or functional model with one output, received "
            f"{type(model).__name__} with {len(outputs)}: take one output at a time, as "
            "keras.Model(model.inputs, model.outputs[0])"
        )
    units, labels, loss = outputs[0].shape[-1], np.asarray(labels), _loss(model)
    one_hot = labels.ndim == 2 and labels.shape[1] > 1
    if not labels.size or labels.ndim > 2 or (one_hot and labels.shape[1] != units):
        raise InputError(
            f"expected labels (count,) or one-hot (count, {units}) for a last layer of {units} "
            f"units, received shape {labels.shape}: one answer for each image, or other units"
        )
    numbers = labels.ravel()
    checks.class_labels(numbers, count=len(numbers), classes=2 if one_hot else max(units, 2))
    if one_hot and "sparse" in loss:
        raise InputError(
            f"expected whole numbers (count,) for the loss {loss}, received one-hot labels "
            f"{labels.shape}: compile with CategoricalCrossentropy, or give labels.argmax(axis=1)"
        )
    if not one_hot and "categorical" in loss and "sparse" not in loss:
        raise InputError(
            f"expected one-hot labels (count, {units}) for the loss {loss}, received whole "
            f"numbers {labels.shape}: compile with SparseCategoricalCrossentropy, or give "
            f"keras.utils.to_categorical(labels, {units})"
        )


def snapshot(model: keras.Model) -> dict[str, np.ndarray]:
    """A copy of all weights, batch normalization's moving averages too: "path/weight" to array.

    Example:
        >>> layer = keras.layers.Dense(2, name="head")
        >>> list(snapshot(keras.Sequential([keras.Input((3,)), layer])))
        ['head/kernel', 'head/bias']
    """
    return {
        f"{place.path or _OWN}/{name}": np.array(weight.numpy())
        for place, weights in layers.weights(model)
        for name, weight in weights.items()
    }


@dataclass(frozen=True)
class Drift:
    """How far weights moved between two snapshots.

    Attributes:
        layers: path to ‖after − before‖ / ‖before‖ over all tensors of the layer (L2 norms); 0 is
            unmoved, 1 is as far as the weights were long. Infinite if all began as zeros.
        tensors: the same for each "path/weight".
        moved: the tensors of which at least one bit changed.
        unmoved: the others.
    """

    layers: dict[str, float]
    tensors: dict[str, float]
    moved: tuple[str, ...]
    unmoved: tuple[str, ...]


def drift(before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray]) -> Drift:
    """Compare two snapshots: relative distances, and which tensors are the same to the bit.

    Raises:
        InputError: they are not of the same model.

    Example:
        >>> change = drift({"a/w": np.array([3.0, 4.0])}, {"a/w": np.array([3.0, 5.0])})
        >>> change.layers, change.moved
        ({'a': 0.2}, ('a/w',))
    """
    shapes = [{name: array.shape for name, array in each.items()} for each in (before, after)]
    odd = [name for name in {**before, **after} if shapes[0].get(name) != shapes[1].get(name)]
    if odd:
        raise InputError(
            "expected two snapshots of the same model, received two that differ in "
            f"{', '.join(odd[:3])}: take both of the same model, before and after training"
        )
    by_layer: dict[str, list[str]] = {}
    for name in before:
        by_layer.setdefault(name.rpartition("/")[0], []).append(name)
    # By bits, so that −0.0 and not-a-number count as what they are.
    same = {name: before[name].tobytes() == after[name].tobytes() for name in before}
    return Drift(
        {path: _distance(before, after, of_layer) for path, of_layer in by_layer.items()},
        {name: _distance(before, after, [name]) for name in before},
        tuple(name for name in before if not same[name]),
        tuple(name for name in before if same[name]),
    )


def features(
    model: keras.Model, images: np.ndarray | Part | StreamedPart, *, batch_size: int = 64
) -> np.ndarray:
    """What a model makes of images, at inference.

    A frozen base gives the same features for the same image every time, so a head can be trained
    on features that were computed once. Not so for images that augmentation changes each time.

    Args:
        model: a base, or a base with its preprocessing before it and pooling behind it.
        images: float (count, height, width, channels) as the model takes them; or a part of a
            data set, which gives its images in [0, 1], a batch at a time.
        batch_size: images at a time.

    Returns:
        float32 (count, …), the model's output for each image.

    Raises:
        InputError: images that the model cannot take: their number of channels, their size, whole
            numbers, or none at all; a model without weights yet or with several outputs.

    Example:
        >>> pool = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.GlobalMaxPooling2D()])
        >>> features(pool, np.ones((5, 4, 4, 3), np.float32)).shape
        (5, 3)
    """
    _check_images(model, images, batch_size)
    return np.concatenate(list(_batches(model, images, batch_size)))


def cached_features(
    model: keras.Model,
    images: np.ndarray | Part | StreamedPart,
    *,
    name: str = "features",
    batch_size: int = 64,
) -> np.ndarray:
    """The same, kept on disk: computed when first asked for, then read.

    The file is found by all that the features follow from: the model's layers and their settings,
    every weight, every image. Change one of them, and they are computed anew.

    Args:
        model: Sequential or functional, of Keras' own layers: what code of your own does, in a
            Lambda layer or a class, is in no setting.
        images: as for `features`.
        name: of the folder in the cache, for people: letters, digits, "-" and "_".
        batch_size: images at a time; only this many go through the model at once.

    Returns:
        float32 (count, …).

    Raises:
        InputError: as `features`, or a model with code of your own in it.
        WorldError: the cache cannot be written.

    Example:
        >>> pool = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.GlobalMaxPooling2D()])
        >>> cached_features(pool, np.ones((5, 4, 4, 3), np.float32)).shape
        (5, 3)
    """
    _check_images(model, images, batch_size)

    def make(folder: Path) -> None:
        # Written batch by batch: features of many images need not fit into memory twice.
        kept, row = None, 0
        for batch in _batches(model, images, batch_size):
            if kept is None:
                kept = np.lib.format.open_memmap(
                    folder / "features.npy",
                    mode="w+",
                    dtype=np.float32,
                    shape=(len(images), *batch.shape[1:]),
                )
            kept[row : row + len(batch)] = batch
            row += len(batch)
        kept.flush()

    key = f"{_model_key(model)} {_images_key(images)}"
    return np.load(cache.prepared(name, key, make) / "features.npy")


def _check_images(model: keras.Model, images: Any, batch_size: object) -> None:
    checks.whole("batch_size", batch_size)
    is_array = isinstance(images, np.ndarray)
    if not is_array and not hasattr(images, "batches"):
        raise InputError(
            "expected images as an array or as a part of a data set, "
            f"received {type(images).__name__}: give for example data.train"
        )
    if not isinstance(model, keras.Model) or not model.built:
        raise InputError(
            f"expected a model that has its weights, received {type(model).__name__} that is not "
            "built: begin it with keras.Input(shape)"
        )
    shape = images.shape if is_array else (len(images), *images.image_shape)
    checks.model_input(model, shape, images.dtype if is_array else np.float32)


def _batches(model: keras.Model, images: Any, batch_size: int) -> Iterator[np.ndarray]:
    if isinstance(images, np.ndarray):
        given = (images[row : row + batch_size] for row in range(0, len(images), batch_size))
    else:
        given = (batch.numpy() for batch, _ in images.batches(batch_size))
    # What Keras traced earlier does not know of settings that were changed since.
    model.make_predict_function(force=True)
    for batch in given:
        count = len(batch)
        # All batches have one shape: the last one, if short, would make Keras compile again.
        full = np.concatenate([batch, np.repeat(batch[-1:], batch_size - count, axis=0)])
        outputs = keras.tree.flatten(model.predict_on_batch(full))
        if len(outputs) != 1:
            raise InputError(
                f"expected a model with one output, received one with {len(outputs)}: take one at "
                "a time, as keras.Model(model.inputs, model.outputs[0])"
            )
        yield np.asarray(outputs[0], np.float32)[:count]


def _model_key(model: keras.Model) -> str:
    """A hash of a model's layers, settings and weights.

    Names that Keras numbers through, and what is trainable, do not count.
    """
    for place in [layers.Place("", model), *layers.walk(model)]:
        for part in [place.layer, *getattr(place.layer, "operations", ())]:
            code = [type(part)]
            code += [v for name, v in vars(part).items() if "activation" in name and callable(v)]
            modules = {each.__module__.split(".")[0] for each in code}
            if modules - {"keras", "tensorflow"} or isinstance(part, keras.layers.Lambda):
                raise InputError(
                    "expected a model of Keras' own layers, whose settings say all that they do, "
                    f"received {type(part).__name__} at {place.path or 'the top'}: its code may "
                    "change unseen. Use `features`, which keeps nothing"
                )
    settings = json.dumps(_anonymous(model.get_config(), {}), sort_keys=True)
    digest = hashlib.sha256(f"{_READING} {keras.__version__} {settings}".encode())
    for _, weights in layers.weights(model):
        for weight in weights.values():
            array = weight.numpy()
            digest.update(f"{array.dtype} {array.shape}".encode() + array.tobytes())
    return digest.hexdigest()


def _images_key(images: np.ndarray | Part | StreamedPart) -> str:
    """A hash of every image; of those that lie in files, of the files and their size."""
    digest = hashlib.sha256()
    if hasattr(images, "paths"):
        digest.update(f"files at {images.image_shape}".encode())
        for path in images.paths:
            digest.update(bytes.fromhex(cache.file_hash(path)))
    else:
        is_array = isinstance(images, np.ndarray)
        array = np.ascontiguousarray(images if is_array else images.images)
        origin = "array" if is_array else "part"
        digest.update(f"{origin} {array.dtype} {array.shape}".encode())
        digest.update(array.view(np.uint8).data)  # not copied: images may be many
    return digest.hexdigest()


def _anonymous(value: Any, numbers: dict[str, str], *, is_wiring: bool = False) -> Any:
    """Settings in which layers are numbered in the order of appearance, not named."""
    if isinstance(value, list | tuple):
        return [_anonymous(part, numbers, is_wiring=is_wiring) for part in value]
    if is_wiring and isinstance(value, str):
        return numbers.setdefault(value, f"#{len(numbers)}")
    if not isinstance(value, dict):
        return value
    if value.get("class_name") == "__keras_tensor__":
        return _anonymous(value["config"]["keras_history"], numbers, is_wiring=True)
    told = {}
    for key, part in value.items():
        if key == "dtype":
            told[key] = part  # has a name, too, which counts
        # What a layer was built for follows from its weights; whether they learn does not matter.
        elif key not in ("build_config", "build_input_shape", "trainable"):
            names_layers = is_wiring or key in ("name", "input_layers", "output_layers")
            told[key] = _anonymous(part, numbers, is_wiring=names_layers)
    return told


def _distance(
    before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray], names: list[str]
) -> float:
    old = np.concatenate([np.ravel(before[name]) for name in names]).astype(np.float64)
    new = np.concatenate([np.ravel(after[name]) for name in names]).astype(np.float64)
    length, way = float(np.linalg.norm(old)), float(np.linalg.norm(new - old))
    if length == 0:
        return 0.0 if way == 0 else float("inf")
    return way / length


def _loss(model: keras.Model) -> str:
    """The name of a model's loss in lower case, words joined by "_"; "" if there is none."""
    loss: Any = getattr(model, "loss", None) if getattr(model, "compiled", False) else None
    if isinstance(loss, str):
        return loss
    return getattr(loss, "name", None) or getattr(loss, "__name__", "")


def _ids(variables: list[keras.Variable]) -> set[int]:
    return {id(variable) for variable in variables}
