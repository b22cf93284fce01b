"""Class activation maps: where the maps of a layer speak for a class.

All add up a layer's maps A_k, of k = 1 … K channels, and differ in the weights. With y the logit
of the class, g_k = ∂y/∂A_k, and Z positions in a map:

    CAM         w_k = the last layer's weight from channel k to the class
    Grad-CAM    w_k = 1/Z Σ g_k                       ReLU(Σ_k w_k A_k)
    Grad-CAM++  w_k = Σ α_k ReLU(g_k),  α_k = g_k² / (2 g_k² + g_k³ Σ A_k)
    Layer-CAM   a weight for each position: ReLU(g_k)    ReLU(Σ_k ReLU(g_k) A_k)
    Score-CAM   w_k = softmax over k of y(image seen through A_k)

The sum Σ A_k in the denominator of α runs over the positions of map k (Chattopadhyay et al. 2018,
equation 19). It is a sum and no average.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from course_utils.backend import keras, tf
from course_utils.errors import InputError
from course_utils.explain.explanation import Explanation
from course_utils.explain.hooks import Heard, lookup, run_with_hooks
from course_utils.explain.passes import check_images
from course_utils.explain.perturbation import covers
from course_utils.explain.scores import Output, Pass, answer_of, score_pass, traced

__all__ = ["cam", "grad_cam", "grad_cam_plus_plus", "layer_cam", "score_cam"]

_NO_CAM = (
    "expected a model that ends in global average pooling of the layer's maps and one dense layer, "
    "received another: use grad_cam, which is the same where CAM is possible"
)

# These only pass on what a layer before them has found; the default layer is none of them.
_FINDS_NOTHING = (
    "Pooling", "Dropout", "ZeroPadding", "Cropping", "UpSampling", "Resizing", "Rescaling",
    "Identity",
)  # fmt: skip


def grad_cam(
    model: keras.Model,
    images: np.ndarray,
    targets: Any = None,
    *,
    layer: str | None = None,
    output: Output = None,
    batch_size: int = 64,
) -> Explanation:
    """Grad-CAM: maps weighted by the mean gradient of the class (Selvaraju et al. 2017, eq. 1–2).

    Cost: one forward and one backward pass. Misleads where several objects are in the image (one
    weight for a whole map), and in early layers, whose maps mean different things at each position.

    Args:
        model: Sequential, functional, subclassed, or with others nested in it; one input,
            channels last.
        images: float (count, height, width, channels), as the model takes them.
        targets: the class to explain, one for all or one for each image; None is what the model
            itself answers. With one sigmoid unit the classes are 0 and 1.
        layer: name or path ("base/block5_relu") of a layer with maps; that of a nested model is
            its output. None is the last layer that finds something: no pooling, no dropout.
        output: name or number of the output, where there are several.
        batch_size: images at a time.

    Returns:
        `values` (count, h, w) at the layer's size, before the ReLU; `maps` in [0, 1] at the
        images'.

    Raises:
        InputError: no such layer (lists the candidates), target or output; images that the model
            cannot take; an output of which it cannot be told whether it is probabilities;
            gradients that overflow.

    Example:
        >>> keras.utils.set_random_seed(0)
        >>> model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3, name="c"),
        ...     keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)])
        >>> grad_cam(model, np.random.default_rng(0).random((3, 8, 8, 1)), 1)
        Grad-CAM at c: 3 maps of 8×8
    """

    def combine(maps: tf.Tensor, slope: tf.Tensor) -> tf.Tensor:
        weights = tf.reduce_mean(slope, axis=(1, 2), keepdims=True)
        return tf.reduce_sum(weights * maps, axis=-1)

    return _explain("Grad-CAM", combine, model, images, targets, layer, output, batch_size)


def grad_cam_plus_plus(
    model: keras.Model,
    images: np.ndarray,
    targets: Any = None,
    *,
    layer: str | None = None,
    output: Output = None,
    batch_size: int = 64,
) -> Explanation:
    """Grad-CAM++: positions count by how much they raise the class (Chattopadhyay et al. 2018).

    Made for several objects of a class in one image. Cost as Grad-CAM. Takes only positive
    gradients, so it shows what raises a score even where the whole map lowers it.

    Arguments, result and errors as for `grad_cam`.

    Example:
        >>> model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3, name="c"),
        ...     keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)])
        >>> grad_cam_plus_plus(model, np.random.default_rng(0).random((3, 8, 8, 1))).layer
        'c'
    """

    def combine(maps: tf.Tensor, slope: tf.Tensor) -> tf.Tensor:
        # The gradients are those of exp(y), whose common factor exp(y) leaves the map's form as it
        # is and is left out: it would overflow.
        square = slope**2
        total = tf.reduce_sum(maps, axis=(1, 2), keepdims=True)
        alpha = tf.math.divide_no_nan(square, 2 * square + square * slope * total)
        weights = tf.reduce_sum(alpha * tf.nn.relu(slope), axis=(1, 2), keepdims=True)
        return tf.reduce_sum(weights * maps, axis=-1)

    return _explain("Grad-CAM++", combine, model, images, targets, layer, output, batch_size)


def layer_cam(
    model: keras.Model,
    images: np.ndarray,
    targets: Any = None,
    *,
    layer: str | None = None,
    output: Output = None,
    batch_size: int = 64,
) -> Explanation:
    """Layer-CAM: each position has its own weight (Jiang et al. 2021, equation 5 and 6).

    The one of this family that may be asked of early layers too. Cost as Grad-CAM.

    Arguments, result and errors as for `grad_cam`.

    Example:
        >>> model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3, name="c"),
        ...     keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)])
        >>> layer_cam(model, np.random.default_rng(0).random((3, 8, 8, 1))).values.shape
        (3, 6, 6)
    """

    def combine(maps: tf.Tensor, slope: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(tf.nn.relu(slope) * maps, axis=-1)

    return _explain("Layer-CAM", combine, model, images, targets, layer, output, batch_size)


def cam(
    model: keras.Model,
    images: np.ndarray,
    targets: Any = None,
    *,
    layer: str | None = None,
    output: Output = None,
    batch_size: int = 64,
) -> Explanation:
    """CAM: maps weighted by the last layer's own weights (Zhou et al. 2016, equation 2).

    Exact and needs no gradient, but only for models that end in global average pooling and one
    dense layer (or 1×1 convolution). Whether this one does is tried out on the images: the mean of
    the map is the logit, up to the bias.

    Arguments, result and errors as for `grad_cam`; also refused is a model that does not end so.

    Example:
        >>> model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3, name="c"),
        ...     keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)])
        >>> found = cam(model, np.random.default_rng(0).random((3, 8, 8, 1)), 0)
        >>> np.allclose(found.values.mean(axis=(1, 2)), found.scores, atol=1e-5)  # the bias is 0
        True
    """

    def combine(maps: tf.Tensor, slope: tf.Tensor, weights: tf.Tensor | None) -> tf.Tensor:
        if weights is None or weights.shape[-1] != maps.shape[-1]:
            raise InputError(_NO_CAM)
        # Where pooling and one linear layer follow, each place of map k has the gradient w_k / Z.
        positions = tf.cast(tf.reduce_prod(tf.shape(maps)[1:3]), tf.float32)
        error = tf.reduce_max(tf.abs(slope * positions - weights[:, None, None, :]), axis=(1, 2, 3))
        size = tf.reduce_max(tf.abs(weights), axis=-1)
        summed = tf.einsum("bhwk,bk->bhw", maps, weights)
        # Marked where it does not hold, so that the check needs no pass of its own.
        return tf.where((error <= 0.02 * size + 1e-6)[:, None, None], summed, float("nan"))

    return _explain("CAM", combine, model, images, targets, layer, output, batch_size)


def score_cam(
    model: keras.Model,
    images: np.ndarray,
    targets: Any = None,
    *,
    layer: str | None = None,
    fill: float | np.ndarray = 0.0,
    output: Output = None,
    batch_size: int = 64,
) -> Explanation:
    """Score-CAM: a map counts by the score of the image seen through it (Wang et al. 2020).

    Each channel's map, stretched over the image and scaled to [0, 1], is laid over it as a mask;
    the weights are the softmax, over channels, of how far the score then lies above that of the
    empty image (algorithm 1). Cost: one forward pass for each channel.

    Other arguments, result and errors as for `grad_cam`.

    Args:
        fill: the empty image, seen where a mask is 0: as for `occlusion`.
        batch_size: masked images at a time.

    Example:
        >>> keras.utils.set_random_seed(0)
        >>> model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3, name="c"),
        ...     keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)])
        >>> score_cam(model, np.random.default_rng(0).random((2, 8, 8, 1)), 1)
        Score-CAM at c: 2 maps of 8×8
    """
    checked = check_images(model, images)
    shape = checked.shape[1:]
    empty = covers("fill", fill, checked)
    heard = _pass(model, shape, layer, output, "maps", lambda maps, _: maps)
    answer, maps = heard.run(checked, targets, batch_size)
    low = maps.min(axis=(1, 2), keepdims=True)
    span = maps.max(axis=(1, 2), keepdims=True) - low
    # A map that is the same everywhere masks nothing out and says nothing: weight 0.
    speaks = span[:, 0, 0] > 0
    masks = np.divide(maps - low, span, out=np.zeros_like(maps), where=span > 0)
    channels = maps.shape[-1]
    scored = score_pass(model, shape, output)

    def masked(which: np.ndarray) -> np.ndarray:
        rows, channel = which // channels, which % channels
        seen = tf.image.resize(masks[rows, :, :, channel][..., None], shape[:2]).numpy()
        return empty[rows] + seen * (checked[rows] - empty[rows])

    _, seen, *_ = scored.run_variants(masked, answer.targets, channels, batch_size)
    _, nothing, *_ = scored.run_variants(empty.__getitem__, answer.targets, 1, batch_size)
    gain = np.where(speaks, seen - nothing, -np.inf)
    top = gain.max(axis=1, keepdims=True)
    weights = np.exp(gain - np.where(np.isfinite(top), top, 0))
    total = weights.sum(axis=1, keepdims=True)
    weights = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
    values = np.einsum("nhwk,nk->nhw", maps, weights).astype(np.float32)
    at = heard.notes["layer"]
    return Explanation("Score-CAM", values, answer.targets, answer.scores, shape[:2], at)


def _explain(
    method: str,
    combine: Callable,
    model: keras.Model,
    images: Any,
    targets: Any,
    layer: str | None,
    output: Output,
    batch_size: int,
) -> Explanation:
    checked = check_images(model, images)
    shape = checked.shape[1:]
    passed = _pass(model, shape, layer, output, method, combine)
    answer, values = passed.run(checked, targets, batch_size)
    if method == "CAM" and np.isnan(values).any():
        raise InputError(_NO_CAM)
    at = passed.notes["layer"]
    return Explanation(method, values, answer.targets, answer.scores, shape[:2], at)


def _pass(
    model: keras.Model,
    shape: tuple[int, ...],
    layer: str | None,
    output: Output,
    method: str,
    combine: Callable[..., tf.Tensor],
) -> Pass:
    """Answers, and what `combine` makes of a layer's maps and the score's gradients by them.

    Both are float32 (batch, h, w, channels). CAM is given the last layer's weights for each
    target, too, (batch, channels), or None.
    """

    def body(model: keras.Model, images: Any, targets: Any, scale: Any, notes: dict) -> tuple:
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:

            def watch(one: Heard) -> None:
                if one.is_spatial and one.output.dtype.is_floating:
                    tape.watch(one.output)

            outputs, heard = run_with_hooks(model, images, watch)
            answer, chain = answer_of(model, outputs, targets, output, notes)
            score = scale * tf.reduce_sum(answer.scores)
        chosen, slope = _choose_layer(heard, layer, tape, score, outputs, images)
        notes["layer"] = chosen.path
        given = [tf.cast(chosen.output, tf.float32), tf.cast(slope, tf.float32) / scale]
        if method == "CAM":
            given.append(_head_weights(heard, chain, answer.targets))
        return *answer, combine(*given)

    return traced(model, shape, (method, layer, output), body)


def _choose_layer(
    heard: list[Heard],
    layer: str | None,
    tape: tf.GradientTape,
    score: tf.Tensor,
    outputs: Any,
    images: tf.Tensor,
) -> tuple[Heard, tf.Tensor]:
    """The layer to explain, and the gradients of the score by its maps.

    Without a name it is the last that has found something: maps of more than one position, on
    which the score depends, and no pooling, dropout or the like.
    """
    # What a model's own `tf.function` has inside cannot be reached from here.
    reached = [one for one in heard if one.output.graph is images.graph]
    spatial = [one for one in reached if one.is_spatial]
    if not spatial:
        inside = len(heard) - len(reached)
        raise InputError(
            "expected a layer with maps (batch, height, width, channels), received a model "
            + (
                f"that runs {inside} layers in a tf.function of its own: leave the decorator out"
                if inside
                else "without: gradients and occlusion need none"
            )
        )
    if layer is not None:
        chosen = lookup(spatial, layer, what="layers with maps")
        slope = tape.gradient(score, chosen.output)
        if slope is None:
            raise InputError(
                f"expected a layer on which the explained output depends, received {layer!r}, "
                "which leads elsewhere: name one before it, or another output"
            )
        return chosen, slope
    given = tf.nest.flatten(outputs)
    for one in reversed(spatial):
        idle = any(kind in type(one.layer).__name__ for kind in _FINDS_NOTHING)
        if one.passed_on or idle or any(one.output is tensor for tensor in given):
            continue
        slope = tape.gradient(score, one.output)
        if slope is not None:
            return one, slope
    listed = ", ".join(one.path for one in spatial if not one.passed_on)
    raise InputError(f"expected a layer that finds something, received only {listed}: name one")


def _head_weights(
    heard: list[Heard], chain: list[tf.Tensor], targets: tf.Tensor
) -> tf.Tensor | None:
    """The weights for each target, (batch, channels), of the layer that the logits come from."""
    for one in heard:
        kernel = getattr(one.layer, "kernel", None)
        if kernel is None or not any(one.output is tensor for tensor in chain):
            continue
        kernel = tf.cast(tf.convert_to_tensor(kernel), tf.float32)
        if isinstance(one.layer, keras.layers.Conv2D) and tuple(kernel.shape[:2]) == (1, 1):
            kernel = kernel[0, 0]
        elif not isinstance(one.layer, keras.layers.Dense):
            return None
        columns = tf.transpose(kernel)
        if columns.shape[0] == 1:
            return columns * (2.0 * tf.cast(targets, tf.float32)[:, None] - 1.0)
        return tf.gather(columns, targets)
    return None
