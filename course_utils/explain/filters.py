"""What filters look for: pictures made to please them, by gradient ascent, many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.errors import InputError
from course_utils.explain.taps import Heard, find, listening
from course_utils.explain.tracing import Compiled, batches, check_pictures, check_whole, compiled

if TYPE_CHECKING:
    import keras

__all__ = ["FilterPictures", "filter_pictures"]

_DRIFT = 4  # pixels that a regularised picture is shifted by, at most
_COPIES = 3  # of each layer's output are in memory at once: itself, its gradient, what it came from


@dataclass(frozen=True, eq=False)
class FilterPictures:
    """Pictures that filters respond to.

    Attributes:
        layer: path of the layer.
        filters: numbers of the filters, (count,).
        pictures: float32 (count, height, width, channels), as the network takes them.
        before: float32 (count,), mean response of each filter to the grey noise it began with.
        after: float32 (count,), to its picture.
        dead: numbers of the filters that no step moved, since their gradient was 0 throughout:
            not to be drawn, for their picture is the noise.
    """

    layer: str
    filters: np.ndarray
    pictures: np.ndarray
    before: np.ndarray
    after: np.ndarray
    dead: tuple[int, ...]

    def drawn(self, *, crop: int = 0) -> np.ndarray:
        """Pictures to look at: each around mid grey, two standard deviations to black and white.

        Args:
            crop: pixels to cut off on each side, where the border leaves its mark.

        Returns:
            float32 (living filters, height, width, channels) in [0, 1], without dead ones.

        Raises:
            InputError: nothing would be left of the picture.
        """
        crop = check_whole("crop", crop, least=0)
        if 2 * crop >= min(self.pictures.shape[1:3]):
            raise InputError(
                f"expected a crop below half the picture, received {crop} of "
                f"{self.pictures.shape[1:3]}: something has to be left"
            )
        living = self.pictures[~np.isin(self.filters, self.dead)]
        inner = living[:, crop : living.shape[1] - crop, crop : living.shape[2] - crop]
        middle = inner.mean(axis=(1, 2, 3), keepdims=True)
        spread = inner.std(axis=(1, 2, 3), keepdims=True)
        return np.clip(0.5 + (inner - middle) / np.maximum(4 * spread, 1e-9), 0, 1)


def filter_pictures(
    network: keras.Model,
    layer: str,
    *,
    filters: Sequence[int] | None = None,
    shape: tuple[int, int, int] | None = None,
    bounds: tuple[float, float] = (0.0, 1.0),
    steps: int = 30,
    step: float = 0.03,
    regularise: bool = False,
    seed: int = 0,
    memory: int = 512 << 20,
) -> FilterPictures:
    """Begin with grey noise and climb: which picture does each filter respond to most?

    All filters of a layer climb together, in one compiled loop. The gradient of each picture is
    scaled by its own length (L2), so that none depends on what else is in the batch. A filter's
    response is the mean of its map without a border of two places, which padding distorts.

    Regularised, the picture is shifted by a few random pixels before each step, smoothed a little
    after it, and kept within its bounds: less exact, and nearer to what a picture looks like.

    Args:
        network: as for `grad_cam`.
        layer: name or path of a layer with maps.
        filters: their numbers; None is all.
        shape: (height, width, channels) of the pictures; None is what the network takes.
        bounds: lowest and highest value that the network takes.
        steps: of ascent.
        step: length of one, root mean square over the picture's values, as a share of the range
            between the bounds. 0.03 is a rate of 10 for pictures of 200×200×3.
        regularise: as said above.
        seed: of the noise and the shifts.
        memory: bytes that the layers' outputs may take; filters are cut into chunks by it.

    Returns:
        Pictures, responses before and after, and the dead filters.

    Raises:
        InputError: no such layer (lists them) or filter, no shape where the network has none, or a
            number out of range.

    Example:
        >>> import keras
        >>> keras.utils.set_random_seed(0)
        >>> network = keras.Sequential([keras.Input((16, 16, 1)),
        ...     keras.layers.Conv2D(4, 3, activation="relu", name="conv")])
        >>> found = filter_pictures(network, "conv", filters=[1, 3])
        >>> found.pictures.shape, bool((found.after > found.before).all())
        ((2, 16, 16, 1), True)
    """
    steps = check_whole("steps", steps)
    shape = _checked_shape(network, shape)
    low, high = (float(end) for end in bounds)
    if not low < high or not 0 < step < np.inf:
        raise InputError(
            f"expected bounds (low, high) and a step above 0, received {bounds} and {step!r}: "
            "give for example bounds=(-1, 1), step=0.03"
        )
    dice = np.random.default_rng(seed)
    noise = dice.uniform(0.4, 0.6, (1, *shape)).astype(np.float32)
    start = check_pictures(network, low + (high - low) * noise)
    climb, facts = _climb(network, layer, shape, (low, high), steps, step, regularise)
    _ = climb.traced  # traces, where it was not: now the layer is known
    chosen = _checked_filters(filters, facts["channels"])
    chunk = max(1, int(memory // (_COPIES * facts["bytes"])))
    parts = [
        [np.asarray(part) for part in climb(start, chosen[rows], np.int32(seed))]
        for rows in batches(len(chosen), chunk)
    ]
    pictures, before, after, moved = (np.concatenate(column) for column in zip(*parts, strict=True))
    dead = tuple(int(k) for k in chosen[~moved])
    return FilterPictures(facts["layer"], chosen, pictures, before, after, dead)


def _climb(
    network: keras.Model,
    layer: str,
    shape: tuple[int, ...],
    bounds: tuple[float, float],
    steps: int,
    step: float,
    regularise: bool,
) -> tuple[Compiled, dict]:
    """A compiled function of (start, filters, seed), and what was found while tracing it."""

    def make(model: Any) -> tuple[Any, dict]:
        import tensorflow as tf

        facts: dict[str, Any] = {}
        low, high = bounds
        # The length of a step over all values of one picture.
        length = step * (high - low) * float(np.sqrt(np.prod(shape)))

        def responses(pictures: Any, filters: Any) -> Any:
            heard: list[Heard] = []
            with listening(model(), heard.append):
                model()(pictures, training=False)
            spatial = {one.path: one for one in heard if one.is_spatial}
            path = find(list(spatial), layer, what="layers with maps")
            maps = spatial[path].output
            facts["layer"], facts["channels"] = path, int(maps.shape[-1])
            sizes = [int(np.prod(one.output.shape[1:])) for one in heard]
            facts["bytes"] = 4 * (
                sum(sizes[: heard.index(spatial[path]) + 1]) + int(np.prod(shape))
            )
            edge = [2 if size > 5 else 0 for size in maps.shape[1:3]]
            inner = maps[:, edge[0] : maps.shape[1] - edge[0], edge[1] : maps.shape[2] - edge[1]]
            own = tf.gather(tf.transpose(inner, (0, 3, 1, 2)), filters, batch_dims=1)
            return tf.reduce_mean(tf.cast(own, tf.float32), axis=(1, 2))

        def gradient(pictures: Any, filters: Any) -> Any:
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(pictures)
                response = tf.reduce_sum(responses(pictures, filters))
            return tape.gradient(response, pictures)

        def smoothed(pictures: Any) -> Any:
            kernel = np.outer([1, 6, 1], [1, 6, 1]).astype(np.float32) / 64
            kernel = np.tile(kernel[:, :, None, None], (1, 1, shape[-1], 1))
            padded = tf.pad(pictures, ((0, 0), (1, 1), (1, 1), (0, 0)), "SYMMETRIC")
            return tf.nn.depthwise_conv2d(padded, kernel, (1, 1, 1, 1), "VALID")

        def function(start: Any, filters: Any, seed: Any) -> tuple:
            pictures = tf.repeat(start, tf.shape(filters)[0], axis=0)
            before = responses(pictures, filters)

            def one_step(number: Any, pictures: Any, moved: Any) -> tuple:
                shift = tf.zeros(2, tf.int32)
                if regularise:
                    shift = tf.random.stateless_uniform(
                        (2,), tf.stack([seed, number]), -_DRIFT, _DRIFT + 1, tf.int32
                    )
                shifted = tf.roll(pictures, shift, axis=(1, 2)) if regularise else pictures
                slope = gradient(shifted, filters)
                size = tf.sqrt(tf.reduce_sum(slope**2, axis=(1, 2, 3), keepdims=True))
                shifted += length * tf.math.divide_no_nan(slope, size)
                if regularise:
                    shifted = tf.clip_by_value(smoothed(shifted), low, high)
                back = tf.roll(shifted, -shift, axis=(1, 2)) if regularise else shifted
                return number + 1, back, moved | (size[:, 0, 0, 0] > 0)

            _, pictures, moved = tf.while_loop(
                lambda number, *_: number < steps,
                one_step,
                (tf.constant(0), pictures, tf.zeros_like(filters, tf.bool)),
                parallel_iterations=1,
            )
            return pictures, before, responses(pictures, filters), moved

        signature = (
            tf.TensorSpec((1, *shape), tf.float32),
            tf.TensorSpec((None,), tf.int32),
            tf.TensorSpec((), tf.int32),
        )
        return Compiled(function, signature), facts

    key = ("filters", layer, shape, bounds, steps, step, regularise)
    return compiled(network, key, make)


def _checked_shape(network: keras.Model, shape: Any) -> tuple[int, ...]:
    inputs = getattr(network, "inputs", None)
    if shape is None and inputs:
        shape = tuple(inputs[0].shape[1:])
    good = isinstance(shape, tuple) and len(shape) == 3 and all(isinstance(n, int) for n in shape)
    if not good or min(shape) < 1:
        raise InputError(
            f"expected the shape of one picture, received {shape!r}: give it, "
            "shape=(height, width, channels); this network leaves its size open"
        )
    return shape


def _checked_filters(filters: Any, channels: int) -> np.ndarray:
    if filters is None:
        return np.arange(channels, dtype=np.int32)
    array = np.asarray(filters)
    good = array.ndim == 1 and array.dtype.kind in "iu" and len(array) > 0
    if not good or (array.min() < 0 or array.max() >= channels):
        raise InputError(
            f"expected a list of filters from 0 to {channels - 1}, received {filters!r}: "
            "leave it out for all"
        )
    return array.astype(np.int32)
