"""Forward hooks: what each layer gives, noted while the model runs.

A model is not taken apart and not rebuilt. For the time of one forward pass each layer's `call` is
replaced by one that runs the old one and notes what came out. It makes no difference who calls the
layer: a Sequential model, a functional one, another model in which it is nested, or a `call`
written by hand. Where the pass runs under a gradient tape, the notes hold the very tensors that
the output was computed from, so that gradients reach them.

The layers are replaced while TensorFlow traces the pass, which happens once; the traced function
runs without them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from course_utils.backend import keras, tf
from course_utils.errors import InputError
from course_utils.explain.passes import Compiled, batches, check_images, compiled
from course_utils.layers import find, walk

__all__ = ["Heard", "Silence", "activations", "lookup", "run_with_hooks", "silent_channels"]


@dataclass(eq=False)
class Heard:
    """What a layer gave in one use of it; `path` tells the uses of one layer apart by a number."""

    path: str
    layer: keras.Layer
    output: tf.Tensor
    passed_on: bool
    """Whether a layer before it gave the same tensor: its own last, or it did nothing to it."""

    @property
    def is_spatial(self) -> bool:
        """Whether it is maps: (batch, height, width, channels) of more than one position."""
        shape = self.output.shape
        return shape.rank == 4 and tuple(shape[1:3]) != (1, 1)


def run_with_hooks(
    model: keras.Model, images: tf.Tensor, watch: Callable[[Heard], None] | None = None
) -> tuple[Any, list[Heard]]:
    """The outputs, and what each layer gave, in the order of the pass; `watch` is told at once."""
    heard: list[Heard] = []

    def hooked(path: str, layer: keras.Layer, run: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **options: Any) -> Any:
            output = run(*given, **options)
            if hasattr(output, "shape"):
                passed_on = any(one.output is output for one in heard)
                heard.append(Heard(path, layer, output, passed_on))
                if watch is not None and not passed_on:
                    watch(heard[-1])
            return output

        return call

    replaced = []
    try:
        for path, layer in walk(model):
            own = vars(layer).get("call")
            # Layers are changed on the object itself, past Keras' own bookkeeping of attributes.
            object.__setattr__(layer, "call", hooked(path, layer, layer.call))
            replaced.append((layer, own))
        outputs = model(images, training=False)
    finally:
        for layer, own in replaced:
            if own is None:
                object.__delattr__(layer, "call")
            else:
                object.__setattr__(layer, "call", own)
    uses, so_far = Counter(one.path for one in heard), Counter()
    for one in heard:
        so_far[one.path] += 1
        if uses[one.path] > 1:
            one.path = f"{one.path}:{so_far[one.path]}"
    return outputs, heard


def lookup(heard: Sequence[Heard], name: str, *, what: str) -> Heard:
    """The one that a name or path means; also a layer that only passed on what it was given."""
    by_path = {one.path: one for one in heard}
    try:
        return by_path[find(list(by_path), name, what=what)]
    except InputError:
        own = [path for path, one in by_path.items() if not one.passed_on]
        return by_path[find(own, name, what=what)]  # lists these, where there is none


def activations(
    model: keras.Model,
    images: np.ndarray,
    *,
    layers: Sequence[str] | None = None,
    batch_size: int = 64,
) -> dict[str, np.ndarray]:
    """What layers give for images, all in one pass.

    Other arguments as for `grad_cam`.

    Args:
        layers: names or paths of those wanted; None is all, which for many images is much.

    Returns:
        Path to array (count, …) in the layer's own dtype, in the order of the pass. Of a layer
        that is used several times, each use, as "conv:1" and "conv:2".

    Raises:
        InputError: no such layer (lists them), or images that the model cannot take.

    Example:
        >>> model = keras.Sequential([keras.Input((4, 4, 1)),
        ...     keras.layers.Conv2D(2, 3, name="a"), keras.layers.Flatten(name="b")])
        >>> given = activations(model, np.ones((5, 4, 4, 1)))
        >>> {path: array.shape for path, array in given.items()}
        {'a': (5, 2, 2, 2), 'b': (5, 8)}
    """
    parts = _run(model, images, layers, batch_size, "activations", lambda output: (output,))
    return {path: columns[0] for path, columns in parts.items()}


@dataclass(frozen=True, eq=False)
class Silence:
    """Which channels of a layer say nothing.

    Attributes:
        channels: how many there are.
        dead: numbers of those that give the same at every position of every image, as 0 behind a
            ReLU: they say nothing about any image.
        empty: mean over images of the share of channels that are the same all over one image.
    """

    channels: int
    dead: tuple[int, ...]
    empty: float


def silent_channels(
    model: keras.Model,
    images: np.ndarray,
    *,
    layers: Sequence[str] | None = None,
    batch_size: int = 64,
) -> dict[str, Silence]:
    """Dead and empty channels of layers, over a whole data set.

    One image misleads: a channel that is silent on it may be meant for another. Only the lowest
    and the highest value of each channel are kept, so the images may be many.

    Arguments and errors as for `activations`; without `layers` it is all that have maps.

    Returns:
        Path to what is silent, in the order of the pass.

    Example:
        >>> conv = keras.layers.Conv2D(3, 1, activation="relu", name="conv")
        >>> model = keras.Sequential([keras.Input((4, 4, 1)), conv])
        >>> conv.set_weights([np.array([[[[1.0, -1.0, 2.0]]]]), np.zeros(3)])
        >>> images = np.random.default_rng(0).random((5, 4, 4, 1))
        >>> silent_channels(model, images)["conv"].dead
        (1,)
    """

    def ends(output: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        output = tf.cast(output, tf.float32)
        return tf.reduce_min(output, axis=(1, 2)), tf.reduce_max(output, axis=(1, 2))

    parts = _run(model, images, layers, batch_size, "silence", ends, spatial=True)
    return {
        path: Silence(
            low.shape[-1],
            tuple(int(k) for k in np.flatnonzero(low.min(axis=0) == high.max(axis=0))),
            float((low == high).mean()),
        )
        for path, (low, high) in parts.items()
    }


def _run(
    model: keras.Model,
    images: Any,
    layers: Any,
    batch_size: int,
    method: str,
    reduce: Callable[[tf.Tensor], tuple[tf.Tensor, ...]],
    *,
    spatial: bool = False,
) -> dict[str, list[np.ndarray]]:
    """Path to what `reduce` makes of a layer's output, over all images."""
    checked = check_images(model, images)
    listed = layers is None or np.ndim(layers) == 1
    if not listed or not all(isinstance(name, str) for name in layers or ()):
        raise InputError(
            f"expected a list of names of layers, received {layers!r}: "
            'give for example layers=["conv1", "conv2"]'
        )
    wanted = None if layers is None else tuple(layers)
    shape = checked.shape[1:]

    def make(model: Callable[[], keras.Model]) -> Compiled:
        def function(images: tf.Tensor) -> dict[str, tuple[tf.Tensor, ...]]:
            _, heard = run_with_hooks(model(), images)
            known = [
                one
                for one in heard
                if one.output.graph is images.graph and (one.is_spatial or not spatial)
            ]
            what = "layers with maps" if spatial else "layers"
            if wanted is None:
                chosen = [one for one in known if not one.passed_on]
            else:
                chosen = [lookup(known, name, what=what) for name in wanted]
            return {one.path: reduce(one.output) for one in chosen}

        return Compiled(function, [tf.TensorSpec((None, *shape), tf.float32)])

    function = compiled(model, (method, shape, wanted), make)
    parts = [function(checked[rows]) for rows in batches(len(checked), batch_size)]
    return {
        path: [np.concatenate(column) for column in zip(*(p[path] for p in parts), strict=True)]
        for path in parts[0]
    }
