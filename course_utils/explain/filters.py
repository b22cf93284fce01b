"""What filters look for: images made to please them, by gradient ascent, many at a time."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from course_utils import checks
from course_utils.backend import keras, tf
from course_utils.errors import InputError
from course_utils.explain.hooks import lookup, run_with_hooks
from course_utils.explain.passes import Compiled, batches, check_images, compiled

__all__ = ["FilterPictures", "filter_pictures"]

MEMORY = 512 << 20
"""Bytes that the layers' outputs may take; filters are cut into chunks by it."""

_SHIFT = 4  # pixels that a regularized image is shifted by, at most
_COPIES = 3  # of each layer's output are in memory at once: itself, its gradient, what it came from


@dataclass(frozen=True, eq=False)
class FilterPictures:
    """Images that filters respond to.

    Attributes:
        layer: path of the layer.
        filters: numbers of the filters, (count,).
        pictures: float32 (count, height, width, channels), as the model takes them.
        before: float32 (count,), mean response of each filter to the gray noise it began with.
        after: float32 (count,), to its image.
        dead: numbers of the filters that no step moved, since their gradient was 0 throughout:
            not to be drawn, for their image is the noise.
    """

    layer: str
    filters: np.ndarray
    pictures: np.ndarray
    before: np.ndarray
    after: np.ndarray
    dead: tuple[int, ...]

    def drawn(self, *, crop: int = 0) -> np.ndarray:
        """Images to look at: each around mid gray, two standard deviations to black and white.

        Args:
            crop: pixels to cut off on each side, where the border leaves its mark.

        Returns:
            float32 (living filters, height, width, channels) in [0, 1], without dead ones.

        Raises:
            InputError: nothing would be left of the image.
        """
        most = (min(self.pictures.shape[1:3]) - 1) // 2
        crop = checks.whole("crop", crop, least=0, most=most)
        living = self.pictures[~np.isin(self.filters, self.dead)]
        inner = living[:, crop : living.shape[1] - crop, crop : living.shape[2] - crop]
        middle = inner.mean(axis=(1, 2, 3), keepdims=True)
        spread = inner.std(axis=(1, 2, 3), keepdims=True)
        return np.clip(0.5 + (inner - middle) / np.maximum(4 * spread, 1e-9), 0, 1)


def filter_pictures(
    model: keras.Model,
    layer: str,
    *,
    filters: Sequence[int] | None = None,
    shape: tuple[int, int, int] | None = None,
    bounds: tuple[float, float] = (0.0, 1.0),
    steps: int = 30,
    step: float = 0.03,
    regularise: bool = False,
    seed: int = 0,
) -> FilterPictures:
    """Begin with gray noise and climb: which image does each filter respond to most?

    All filters of a layer climb together, in one compiled loop. The gradient of each image is
    scaled by its own length (L2), so that none depends on what else is in the batch. A filter's
    response is the mean of its map without a border of two positions, which padding distorts.

    Regularized, the image is shifted by a few random pixels before each step, smoothed a little
    after it, and kept within its bounds: less exact, and nearer to what an image looks like.

    Args:
        model: as for `grad_cam`.
        layer: name or path of a layer with maps.
        filters: their numbers; None is all.
        shape: (height, width, channels) of the images; None is what the model takes.
        bounds: lowest and highest value that the model takes.
        steps: of ascent.
        step: length of one, root mean square over the image's values, as a share of the range
            between the bounds. 0.03 is a rate of 10 for images of 200×200×3.
        regularise: as said above.
        seed: of the noise and the shifts.

    Returns:
        Images, responses before and after, and the dead filters.

    Raises:
        InputError: no such layer (lists them) or filter, no shape where the model has none, or a
            number out of range.

    Example:
        >>> keras.utils.set_random_seed(0)
        >>> model = keras.Sequential([keras.Input((16, 16, 1)),
        ...     keras.layers.Conv2D(4, 3, activation="relu", name="conv")])
        >>> found = filter_pictures(model, "conv", filters=[1, 3])
        >>> found.pictures.shape, bool((found.after > found.before).all())
        ((2, 16, 16, 1), True)
    """
    steps, seed = checks.whole("steps", steps), checks.seed(seed)
    inputs = getattr(model, "inputs", None)
    if shape is None:
        shape = tuple(inputs[0].shape[1:]) if inputs else (None, None, None)
    if np.ndim(shape) == 1 and None in shape:
        raise InputError(
            f"expected the shape of one image, received {shape}: give it, "
            "shape=(height, width, channels); this model leaves its size open"
        )
    shape = checks.image_shape(shape)
    good = np.shape(bounds) == (2,) and isinstance(step, numbers.Real)
    if not good or not bounds[0] < bounds[1] or not 0 < step < np.inf:
        raise InputError(
            f"expected bounds (low, high) and a step above 0, received {bounds} and {step!r}: "
            "give for example bounds=(-1, 1), step=0.03"
        )
    low, high = (float(end) for end in bounds)
    noise = np.random.default_rng(seed).uniform(0.4, 0.6, (1, *shape)).astype(np.float32)
    start = check_images(model, low + (high - low) * noise)
    climb = compiled(
        model,
        ("filters", layer, shape, (low, high), steps, step, regularise),
        lambda model: _ascent(model, layer, shape, (low, high), steps, step, regularise),
    )
    known = range(climb.notes["channels"])
    chosen = known if filters is None else np.atleast_1d(filters)
    chosen = [checks.whole("a filter", k, least=0, most=known[-1]) for k in chosen]
    chosen = np.array(chosen, np.int32)
    chunk = max(1, int(MEMORY // (_COPIES * climb.notes["bytes"])))
    parts = [
        [np.asarray(part) for part in climb(start, chosen[rows], np.uint32(seed).astype(np.int32))]
        for rows in batches(len(chosen), chunk)
    ]
    images, before, after, moved = (np.concatenate(column) for column in zip(*parts, strict=True))
    if not np.isfinite(images).all():
        raise InputError(
            "expected finite gradients, received NaN or infinity: look at the model's weights; "
            "training may have diverged, or half precision overflowed"
        )
    dead = tuple(int(k) for k in chosen[~moved])
    return FilterPictures(climb.notes["layer"], chosen, images, before, after, dead)


def _ascent(
    model: Callable[[], keras.Model],
    layer: str,
    shape: tuple[int, ...],
    bounds: tuple[float, float],
    steps: int,
    step: float,
    regularise: bool,
) -> Compiled:
    """A function of (start, filters, seed)."""
    notes: dict[str, Any] = {}
    low, high = bounds
    # The length of a step over all values of one image.
    length = step * (high - low) * float(np.sqrt(np.prod(shape)))

    def responses(images: tf.Tensor, filters: tf.Tensor) -> tf.Tensor:
        _, heard = run_with_hooks(model(), images)
        chosen = lookup([one for one in heard if one.is_spatial], layer, what="layers with maps")
        maps = chosen.output
        notes["layer"], notes["channels"] = chosen.path, int(maps.shape[-1])
        needed = [one for one in heard[: heard.index(chosen) + 1] if not one.passed_on]
        sizes = [shape, *(one.output.shape[1:] for one in needed)]
        notes["bytes"] = 4 * sum(int(np.prod(size)) for size in sizes)
        edge = [2 if size > 5 else 0 for size in maps.shape[1:3]]
        inner = maps[:, edge[0] : maps.shape[1] - edge[0], edge[1] : maps.shape[2] - edge[1]]
        own = tf.gather(tf.transpose(inner, (0, 3, 1, 2)), filters, batch_dims=1)
        return tf.reduce_mean(tf.cast(own, tf.float32), axis=(1, 2))

    def gradient(images: tf.Tensor, filters: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(images)
            response = tf.reduce_sum(responses(images, filters))
        return tape.gradient(response, images)

    def smoothed(images: tf.Tensor) -> tf.Tensor:
        kernel = np.outer([1, 6, 1], [1, 6, 1]).astype(np.float32) / 64
        kernel = np.tile(kernel[:, :, None, None], (1, 1, shape[-1], 1))
        padded = tf.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), "SYMMETRIC")
        return tf.nn.depthwise_conv2d(padded, kernel, (1, 1, 1, 1), "VALID")

    def function(start: tf.Tensor, filters: tf.Tensor, seed: tf.Tensor) -> tuple:
        images = tf.repeat(start, tf.shape(filters)[0], axis=0)
        before = responses(images, filters)

        def one_step(number: tf.Tensor, images: tf.Tensor, moved: tf.Tensor) -> tuple:
            shift = tf.zeros(2, tf.int32)
            if regularise:
                shift = tf.random.stateless_uniform(
                    (2,), tf.stack([seed, number]), -_SHIFT, _SHIFT + 1, tf.int32
                )
            shifted = tf.roll(images, shift, axis=(1, 2)) if regularise else images
            slope = gradient(shifted, filters)
            size = tf.sqrt(tf.reduce_sum(slope**2, axis=(1, 2, 3), keepdims=True))
            shifted += length * tf.math.divide_no_nan(slope, size)
            if regularise:
                shifted = tf.clip_by_value(smoothed(shifted), low, high)
            back = tf.roll(shifted, -shift, axis=(1, 2)) if regularise else shifted
            return number + 1, back, moved | (size[:, 0, 0, 0] > 0)

        _, images, moved = tf.while_loop(
            lambda number, *_: number < steps,
            one_step,
            (tf.constant(0), images, tf.zeros_like(filters, tf.bool)),
            parallel_iterations=1,
        )
        return images, before, responses(images, filters), moved

    signature = (
        tf.TensorSpec((1, *shape), tf.float32),
        tf.TensorSpec((None,), tf.int32),
        tf.TensorSpec((), tf.int32),
    )
    return Compiled(function, signature, notes)
