"""A policy: how far images may be changed in training so that their labels stay true."""

from __future__ import annotations

import functools
import math
import numbers
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from course_utils import checks
from course_utils.augmentation.geometry import FILLS, Amounts, compiled, flip, matrices, warp
from course_utils.backend import tf
from course_utils.errors import InputError

__all__ = ["Policy", "averaged_over_views", "draw"]

# Pixels that are a mean of others may leave [0, 1] by a rounding error.
_SLACK = 1e-3


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What may be done to an image at random. The default does nothing.

    Angles are fractions of a full turn, as in Keras' layers: 20 degrees are 20 / 360. Each image
    of a batch is given amounts of its own. All that moves pixels is one matrix and one
    resampling, in the order rotation, shift, shear, zoom, flips; then come brightness, contrast
    and channel shift, each kept within [0, 1].

    Which policy keeps the labels is a fact about the classes, not about images: a cat in a mirror
    is a cat, a 6 upside down is a 9. Only training images are augmented: what is evaluated or
    predicted never passes through a policy.

    All methods take images as float32 (batch, height, width, 1 or 3) in [0, 1], and masks as whole
    numbers (batch, height, width) or (batch, height, width, 1). Masks are moved by the same
    amounts as their images, drawn once for both, by nearest neighbor; they never change color.

    Attributes:
        rotation: up to this fraction of a turn, either way; 0 to 0.5.
        shift: up to this fraction of the height and of the width, either way, below 1; or a pair
            (of the height, of the width).
        shear: up to this fraction of a turn, either way, below 0.25. Keras' `RandomShear` wants
            the slope instead, sin(2π · shear), and leans about a corner, which shifts as well.
        zoom: 0.2 shows between 0.8 and 1.2 of the image's height and width; or the two ends,
            both above 0. Above 1 the object shrinks.
        zoom_keeps_proportions: the same zoom for height and width; else one for each.
        flip_horizontal: left and right change places in half of the images.
        flip_vertical: top and bottom change places in half of the images.
        brightness: up to this much light is added or taken away; 0 to 1.
        contrast: 0.2 multiplies the distance from each channel's mean by 0.8 to 1.2; 0 to 1.
        channel_shift: up to this much is added or taken away, another amount for each channel.
        fill: what lies outside the image: "reflect", "nearest", "wrap" or "constant".
        fill_value: of "constant"; in [0, 1].

    Raises:
        InputError: an argument out of its range.

    Example:
        >>> policy = Policy(rotation=20 / 360, shift=0.1, zoom=0.2, flip_horizontal=True)
        >>> images = np.random.default_rng(0).random((2, 8, 8, 3), np.float32)
        >>> policy.augmented(images, seed=0).shape
        (2, 8, 8, 3)
    """

    rotation: float = 0.0
    shift: float | tuple[float, float] = 0.0
    shear: float = 0.0
    zoom: float | tuple[float, float] = 0.0
    zoom_keeps_proportions: bool = True
    flip_horizontal: bool = False
    flip_vertical: bool = False
    brightness: float = 0.0
    contrast: float = 0.0
    channel_shift: float = 0.0
    fill: str = "reflect"
    fill_value: float = 0.0

    def __post_init__(self) -> None:
        _check_ranges(self)

    @property
    def shifts(self) -> tuple[float, float]:
        """Of the height, of the width."""
        return self.shift if isinstance(self.shift, tuple) else (self.shift, self.shift)

    @property
    def zoom_range(self) -> tuple[float, float]:
        """The least and the most that is shown, as a share of the image's side."""
        return self.zoom if isinstance(self.zoom, tuple) else (1 - self.zoom, 1 + self.zoom)

    def apply(self, dataset: tf.data.Dataset, *, seed: int) -> tf.data.Dataset:
        """Augment the images of a training set; what stands beside them passes unchanged.

        Each batch is given a number by a random sequence that starts from `seed`, and its
        amounts depend on that number alone: batches are augmented in parallel and still the same
        in every run, and other ones in every epoch.

        Args:
            dataset: batches of images, or of tuples that begin with them. Batch before, not
                after; cache before, too.
            seed: of the sequence; as everywhere in `tf.data`, the global seed counts as well.

        Raises:
            InputError: elements that are not such batches. Values outside [0, 1] are found when
                the batch is read, and stop `fit` with the same message.

        Example:
            >>> images, labels = np.zeros((5, 8, 8, 3), np.float32), np.arange(5)
            >>> training = tf.data.Dataset.from_tensor_slices((images, labels)).batch(2)
            >>> training = Policy(flip_horizontal=True).apply(training, seed=0)
            >>> [labels.numpy().tolist() for _, labels in training]
            [[0, 1], [2, 3], [4]]
        """
        return self._mapped(dataset, seed, None, masks=0)

    def apply_to_pairs(
        self, dataset: tf.data.Dataset, *, seed: int, outside: int | None = None
    ) -> tf.data.Dataset:
        """Augment images and their masks by the same amounts, drawn once for both.

        Two random layers with the same seed, one for the images and one for the masks, come apart
        when batches are made in parallel, since each counts its own calls. Here there is one
        call, and one matrix for both.

        Args:
            dataset: as for `apply`, with masks second. What stands after them passes unchanged.
            seed: as for `apply`.
            outside: the label of mask pixels that lie outside the image, such as one that the
                loss ignores; None fills them as the image is filled.

        Raises:
            InputError: as for `apply`; masks that are not one whole number for each pixel.

        Example:
            >>> images, masks = np.zeros((4, 8, 8, 3), np.float32), np.ones((4, 8, 8), np.uint8)
            >>> pairs = tf.data.Dataset.from_tensor_slices((images, masks)).batch(4)
            >>> pairs = Policy(shift=0.4).apply_to_pairs(pairs, seed=0, outside=2)
            >>> [np.unique(masks).tolist() for _, masks in pairs]
            [[1, 2]]
        """
        return self._mapped(dataset, seed, outside, masks=1)

    def augmented(self, images: np.ndarray, *, seed: int) -> np.ndarray:
        """A batch of images, augmented once.

        Raises:
            InputError: not a batch of images float32 in [0, 1].

        Example:
            >>> Policy(flip_vertical=True).augmented(np.eye(3), seed=0)
            Traceback (most recent call last):
                ...
            course_utils.errors.InputError: expected images of shape (batch, height, width, ...
        """
        return self._once(seed, None, images)[0]

    def augmented_pair(
        self, images: np.ndarray, masks: np.ndarray, *, seed: int, outside: int | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """A batch of images and their masks, augmented once by the same amounts.

        Raises:
            InputError: as for `apply_to_pairs`.

        Example:
            >>> mask = np.array([[[0, 1]]], np.uint8)
            >>> mirror = Policy(flip_horizontal=True)
            >>> images, masks = mirror.augmented_pair(np.float32(mask[..., None]), mask, seed=1)
            >>> bool((images[..., 0] == masks).all())
            True
        """
        return self._once(seed, outside, images, masks)

    def _mapped(
        self, dataset: tf.data.Dataset, seed: int, outside: int | None, *, masks: int
    ) -> tf.data.Dataset:
        """Change the images, and masks, of each element, by a random number of its own.

        A random layer, or a random operation with a state, counts its calls: in a parallel map
        the count that an element meets depends on the threads, and no two runs agree. Here the
        numbers are dealt out one by one before the parallel step, which remembers nothing.
        """
        checks.seed(seed)
        _check(outside, *_specifications(dataset, masks))
        is_tuple = isinstance(dataset.element_spec, tuple)

        def step(number: tf.Tensor, element: tf.Tensor | tuple) -> tf.Tensor | tuple:
            parts = element if is_tuple else (element,)
            changed = self._changed(tf.stack([number, seed]), outside, *parts[: 1 + masks])
            return (*changed, *parts[1 + masks :]) if is_tuple else changed[0]

        numbers = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True)
        step = tf.autograph.experimental.do_not_convert(step)
        zipped = tf.data.Dataset.zip(numbers, dataset)
        mapped = zipped.map(step, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        return mapped.prefetch(tf.data.AUTOTUNE)

    def _once(self, seed: int, outside: int | None, *arrays: np.ndarray) -> tuple[np.ndarray, ...]:
        number = tf.constant([checks.seed(seed), 0], tf.int64)
        tensors = [tf.convert_to_tensor(array) for array in arrays]
        _check(outside, *tensors)
        return tuple(part.numpy() for part in self._changed(number, outside, *tensors))

    def _changed(
        self, number: tf.Tensor, outside: int | None, images: tf.Tensor, *masks: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        # Drawn outside the compiled function, in which the same seed gives other numbers.
        amounts = draw(self, images, number)
        changed, *moved = _compiled_change(self, outside)(amounts, images, *masks)
        return _require_range(images, changed), *moved


def averaged_over_views(
    predict: Callable[[np.ndarray], np.ndarray],
    images: np.ndarray,
    policy: Policy | None = None,
    *,
    views: int = 2,
    seed: int = 0,
) -> np.ndarray:
    """Test-time augmentation: the mean of the predictions for several views of each image.

    It costs as many predictions as there are views, and helps where the errors of the views
    differ. Average probabilities, not logits, and never use a view that changes the label.

    Args:
        predict: from images to probabilities (count, classes) or (count, 1).
        images: float32 (count, height, width, 1 or 3) in [0, 1].
        policy: how the views differ from the image; None for the image and its mirror image.
        views: how many, the unchanged image among them; 2 or more.
        seed: of the views.

    Returns:
        Like what `predict` returns.

    Raises:
        InputError: fewer than two views, or more than the image and its mirror image without a
            policy; not a batch of images.

    Example:
        >>> left_edge = lambda images: images[:, 0, 0]
        >>> image = np.array([[[[0.0], [1.0]]]], np.float32)
        >>> averaged_over_views(left_edge, image).tolist()
        [[0.5]]
    """
    checks.whole("the number of views", views, least=2, most=2 if policy is None else None)
    checks.seed(seed)
    _check(None, images := tf.convert_to_tensor(images))
    images = _require_range(images, images).numpy()
    total = np.asarray(predict(images))
    for view in range(1, views):
        if policy is None:
            changed = images[:, :, ::-1]
        else:
            changed = policy.augmented(images, seed=seed + view)
        total = total + np.asarray(predict(changed))
    return total / views


def draw(policy: Policy, images: tf.Tensor, number: tf.Tensor) -> Amounts:
    """The amounts for a batch of images, of which only the shape is used.

    Nothing is remembered from one call to the next: the same number, int64 (2,), gives the same
    amounts, in any order and on any number of threads. Each amount has a row of random numbers of
    its own, so that another range for the one leaves the others as they were.
    """
    shape = tf.shape(images)
    count, height, width, channels = shape[0], shape[1], shape[2], shape[3]
    # The algorithm is named: left to TensorFlow, it depends on the device. Row 10 is not used any
    # more; without it, every seed would give other images.
    rows = tf.random.stateless_uniform([11 + channels, count], number, alg="philox")
    even = tf.unstack(rows[:11], num=11)
    low, high = policy.zoom_range
    zoom_y, zoom_x = low + even[4] * (high - low), low + even[5] * (high - low)
    no = tf.zeros([count], tf.bool)

    def either_way(row: tf.Tensor, most: float) -> tf.Tensor:
        return (2.0 * row - 1.0) * most

    return Amounts(
        angle=either_way(even[0], 2 * math.pi * policy.rotation),
        shift_y=either_way(even[1], policy.shifts[0]) * tf.cast(height, tf.float32),
        shift_x=either_way(even[2], policy.shifts[1]) * tf.cast(width, tf.float32),
        shear=either_way(even[3], 2 * math.pi * policy.shear),
        zoom_y=zoom_y,
        zoom_x=zoom_y if policy.zoom_keeps_proportions else zoom_x,
        flip_horizontal=even[6] < 0.5 if policy.flip_horizontal else no,
        flip_vertical=even[7] < 0.5 if policy.flip_vertical else no,
        brightness=either_way(even[8], policy.brightness),
        contrast=1.0 + either_way(even[9], policy.contrast),
        channels=either_way(tf.transpose(rows[11:]), policy.channel_shift),
    )


@functools.lru_cache(maxsize=64)
def _compiled_change(policy: Policy, outside: int | None) -> Callable[..., tuple[tf.Tensor, ...]]:
    """Compiled once for a policy, not for each dataset."""
    still = (0.0, 0.0, (0.0, 0.0), (1.0, 1.0))
    resamples = (policy.rotation, policy.shear, policy.shifts, policy.zoom_range) != still
    # A gray level of the image's fill is no class: unless told, what is outside a mask is 0.
    mask_fill = policy.fill if outside is None else "constant"

    def move(images: tf.Tensor, amounts: Amounts, how: str, fill: str, value: float) -> tf.Tensor:
        if resamples:
            shape = tf.shape(images)
            transforms = matrices(amounts, shape[1], shape[2])
            return warp(images, transforms, interpolation=how, fill=fill, fill_value=value)
        if policy.flip_horizontal or policy.flip_vertical:
            return flip(images, amounts)
        return images

    def clip(images: tf.Tensor) -> tf.Tensor:
        return tf.clip_by_value(images, 0.0, 1.0)

    def change(amounts: Amounts, images: tf.Tensor, *masks: tf.Tensor) -> tuple[tf.Tensor, ...]:
        images = move(images, amounts, "bilinear", policy.fill, policy.fill_value)
        if policy.brightness:
            images = clip(images + amounts.brightness[:, None, None, None])
        if policy.contrast:
            means = tf.reduce_mean(images, axis=(1, 2), keepdims=True)
            images = clip((images - means) * amounts.contrast[:, None, None, None] + means)
        if policy.channel_shift:
            images = clip(images + amounts.channels[:, None, None, :])
        moved = []
        for mask in masks:
            channel = mask[..., tf.newaxis] if mask.shape.rank == 3 else mask
            channel = move(channel, amounts, "nearest", mask_fill, outside or 0)
            moved.append(channel[..., 0] if mask.shape.rank == 3 else channel)
        return images, *moved

    return compiled(change)


def _check_ranges(policy: Policy) -> None:
    def expect(good: bool, name: str, expected: str, hint: str = "") -> None:
        if not good:
            value = getattr(policy, name)
            raise InputError(f"expected {name} to be {expected}, received {value!r}{hint}")

    for name, most in (("rotation", 0.5), ("shear", 0.25)):
        value = getattr(policy, name)
        good = _is_number(value) and 0 <= value <= most and (name, value) != ("shear", most)
        limit = "0.5, included" if name == "rotation" else "below 0.25"
        degrees = _is_number(value) and value > most
        hint = f": for {value:g} degrees say {value:g} / 360" if degrees else ""
        expect(good, name, f"a fraction of a full turn from 0 to {limit}", hint)
    shifts = policy.shifts
    expect(
        len(shifts) == 2 and all(_is_number(one) and 0 <= one < 1 for one in shifts),
        "shift",
        "a fraction of the size, 0 or more and below 1, or a pair (of the height, of the width)",
        ": divide pixels by the image's size",
    )
    if isinstance(policy.zoom, tuple):
        ends = policy.zoom
        good = len(ends) == 2 and all(map(_is_number, ends)) and 0 < ends[0] <= ends[1]
    else:
        good = _is_number(policy.zoom) and 0 <= policy.zoom < 1
    expect(good, "zoom", "a number of 0 or more and below 1, or (low, high) with 0 < low ≤ high")
    for name in ("zoom_keeps_proportions", "flip_horizontal", "flip_vertical"):
        expect(isinstance(getattr(policy, name), bool), name, "True or False")
    for name in ("brightness", "contrast", "channel_shift", "fill_value"):
        value = getattr(policy, name)
        good = _is_number(value) and 0 <= value <= 1
        hint = ": divide by 255" if _is_number(value) and value > 1 else ""
        expect(good, name, "a number from 0 to 1, as images are in [0, 1]", hint)
    expect(policy.fill in FILLS, "fill", f"one of {', '.join(FILLS)}")


def _is_number(value: Any) -> bool:
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return real and math.isfinite(value)


def _check(outside: int | None, images: tf.TensorSpec, *masks: tf.TensorSpec) -> None:
    """Refuse what is not a batch of images, and of masks that can hold the label for outside."""
    checks.image_batch(images)
    shape, dtype = images.shape, images.dtype.name
    if shape[3] not in (None, 1, 3):
        raise InputError(
            "expected images with 1 or 3 channels, last, received shape "
            f"{checks.written(shape)}: put the channels last"
        )
    if dtype != "float32":
        advice = "divide by 255 first" if dtype == "uint8" else "cast them first"
        raise InputError(f"expected images as float32 in [0, 1], received {dtype}: {advice}")
    for mask in masks:
        checks.mask_batch(mask, images)
        if outside is not None:
            name = mask.dtype.name
            whole = np.iinfo("uint8" if name == "bool" else name)
            least, most = max(whole.min, -(2**31)), min(whole.max, 2**31 - 1)
            checks.whole(f"the label for outside in {name} masks", outside, least=least, most=most)


def _require_range(images: tf.Tensor, changed: tf.Tensor) -> tf.Tensor:
    """What became of images, refused at once, or when the graph is run, if they left [0, 1].

    Not-a-number is refused, too: no comparison with it holds.
    """
    low, high = tf.reduce_min(images), tf.reduce_max(images)
    good = (low >= -_SLACK) & (high <= 1 + _SLACK)
    expected = "expected images with values in [0, 1], received values from"
    advice = (
        "divide images of 0 to 255 by 255, look for not-a-number, and augment before a network's "
        "own preprocessing"
    )
    if tf.executing_eagerly():
        if not good:
            raise InputError(f"{expected} {float(low):.3g} to {float(high):.3g}: {advice}")
        return changed
    with tf.control_dependencies([tf.debugging.Assert(good, [expected, low, high, advice])]):
        return tf.identity(changed)


def _specifications(dataset: tf.data.Dataset, masks: int) -> tuple[tf.TensorSpec, ...]:
    """Of the images, and masks, in a dataset's elements."""
    if not isinstance(dataset, tf.data.Dataset):
        raise InputError(
            f"expected a tf.data.Dataset of batches, received {type(dataset).__name__}: use "
            "`augmented` for an array"
        )
    spec = dataset.element_spec
    parts = (spec if isinstance(spec, tuple) else (spec,))[: 1 + masks]
    if len(parts) < 1 + masks or not all(isinstance(part, tf.TensorSpec) for part in parts):
        wanted = "(images, masks, …)" if masks else "images or (images, labels, …)"
        raise InputError(
            f"expected elements {wanted}, received {type(spec).__name__} {spec!r:.80}: map or zip "
            "them to that first"
        )
    return parts
