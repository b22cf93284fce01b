"""A policy: how far pictures may be changed in training so that their labels stay true."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from course_utils.augmentation import batches, colour, ranges
from course_utils.augmentation.affine import flip, matrices
from course_utils.augmentation.compiling import compiled
from course_utils.augmentation.draws import Amounts, draw
from course_utils.augmentation.resampling import warp
from course_utils.augmentation.seeding import in_parallel

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["Policy"]


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What may be done to a picture at random. The default does nothing.

    Angles are fractions of a full turn, as in Keras' layers: 20 degrees are 20 / 360. Each
    picture of a batch is given amounts of its own. All that moves pixels is one matrix and one
    resampling, in the order rotation, shift, shear, zoom, flips; then come brightness, contrast,
    channel shift and exposure, each kept within [0, 1].

    Which policy keeps the labels is a fact about the classes, not about pictures: a cat in a
    mirror is a cat, a 6 upside down is a 9. Only training pictures are augmented: what is
    evaluated or predicted never passes through a policy.

    Attributes:
        rotation: up to this fraction of a turn, either way; 0 to 0.5.
        shift: up to this fraction of the height and of the width, either way, below 1; or a pair
            (of the height, of the width). In a pair, a tuple is a list of values to choose from,
            either way: whole numbers are pixels, others fractions.
        shear: up to this fraction of a turn, either way, below 0.25. Keras' `RandomShear` wants
            the slope instead, sin(2π · shear), and leans about a corner, which shifts as well.
        zoom: 0.2 shows between 0.8 and 1.2 of the picture's height and width; or the two ends,
            both above 0. Above 1 the object shrinks.
        zoom_keeps_proportions: the same zoom for height and width; else one for each.
        flip_horizontal: left and right change places in half of the pictures.
        flip_vertical: top and bottom change places in half of the pictures.
        brightness: up to this much light is added or taken away; 0 to 1.
        contrast: 0.2 multiplies the distance from each channel's mean by 0.8 to 1.2; 0 to 1.
        channel_shift: up to this much is added or taken away, another amount for each channel.
        exposure: the two ends of a factor for the light, 0 or more.
        fill: what lies outside the picture: "reflect", "nearest", "wrap" or "constant".
        fill_value: of "constant"; in [0, 1].
        interpolation: "bilinear" or "nearest".

    Raises:
        InputError: an argument out of its range.

    Example:
        >>> policy = Policy(rotation=20 / 360, shift=0.1, zoom=0.2, flip_horizontal=True)
        >>> pictures = np.random.default_rng(0).random((2, 8, 8, 3), np.float32)
        >>> policy.augmented(pictures, seed=0).shape
        (2, 8, 8, 3)
        >>> bool((Policy().augmented(pictures, seed=0) == pictures).all())
        True
    """

    rotation: float = 0.0
    shift: ranges.Shift | tuple[ranges.Shift, ranges.Shift] = 0.0
    shear: float = 0.0
    zoom: float | tuple[float, float] = 0.0
    zoom_keeps_proportions: bool = True
    flip_horizontal: bool = False
    flip_vertical: bool = False
    brightness: float = 0.0
    contrast: float = 0.0
    channel_shift: float = 0.0
    exposure: tuple[float, float] = (1.0, 1.0)
    fill: str = "reflect"
    fill_value: float = 0.0
    interpolation: str = "bilinear"

    def __post_init__(self) -> None:
        ranges.check(self)

    @property
    def shifts(self) -> tuple[ranges.Shift, ranges.Shift]:
        """Of the height, of the width."""
        return self.shift if isinstance(self.shift, tuple) else (self.shift, self.shift)

    @property
    def zoom_range(self) -> tuple[float, float]:
        """The least and the most that is shown, as a share of the picture's side."""
        return self.zoom if isinstance(self.zoom, tuple) else (1 - self.zoom, 1 + self.zoom)

    @property
    def resamples(self) -> bool:
        """Whether pixels are interpolated: not where there are only flips."""
        still = (0.0, (0.0, 0.0), (1.0, 1.0))
        return (self.rotation, self.shifts, self.zoom_range) != still or self.shear != 0

    def apply(self, dataset: tf.data.Dataset, *, seed: int) -> tf.data.Dataset:
        """Augment the pictures of a training set; what stands beside them passes unchanged.

        Each batch is given a number by a random sequence that starts from `seed`, and its
        amounts depend on that number alone: batches are augmented in parallel and still the same
        in every run, and other ones in every epoch.

        Args:
            dataset: batches of pictures float32 (batch, height, width, channels) in [0, 1], or
                of tuples that begin with them. Batch before, not after; cache before, too.
            seed: of the sequence; as everywhere in `tf.data`, the global seed counts as well.

        Raises:
            InputError: elements that are not such batches. Values outside [0, 1] are found when
                the batch is read, and stop `fit` with the same message.

        Example:
            >>> import tensorflow as tf
            >>> pictures, labels = np.zeros((5, 8, 8, 3), np.float32), np.arange(5)
            >>> training = tf.data.Dataset.from_tensor_slices((pictures, labels)).batch(2)
            >>> training = Policy(rotation=0.1).apply(training, seed=0)
            >>> [labels.numpy().tolist() for _, labels in training]
            [[0, 1], [2, 3], [4]]
        """
        batches.check_dataset(dataset)

        def change(number: tf.Tensor, images: tf.Tensor, *others: tf.Tensor) -> tuple:
            return self._changed(images, number), *others

        return in_parallel(dataset, change, seed=seed)

    def apply_to_pairs(
        self, dataset: tf.data.Dataset, *, seed: int, outside: int | None = None
    ) -> tf.data.Dataset:
        """Augment pictures and their masks by the same amounts, drawn once for both.

        Two random layers with the same seed, one for the pictures and one for the masks, come
        apart when batches are made in parallel, since each counts its own calls. Here there is
        one call, and one matrix for both.

        Args:
            dataset: as for `apply`, with masks second: whole numbers (batch, height, width) or
                (batch, height, width, 1). They are resampled by nearest neighbour, and never
                change colour. What stands after them passes unchanged.
            seed: as for `apply`.
            outside: the label of mask pixels that lie outside the picture, such as one that the
                loss ignores; None fills them as the picture is filled.

        Raises:
            InputError: as for `apply`; masks that are not one whole number for each pixel.

        Example:
            >>> import tensorflow as tf
            >>> pictures, masks = np.zeros((4, 8, 8, 3), np.float32), np.ones((4, 8, 8), np.uint8)
            >>> pairs = tf.data.Dataset.from_tensor_slices((pictures, masks)).batch(4)
            >>> pairs = Policy(shift=0.4).apply_to_pairs(pairs, seed=0, outside=2)
            >>> [np.unique(masks).tolist() for _, masks in pairs]
            [[1, 2]]
        """
        batches.check_pairs(dataset)
        ranges.check_outside(outside, dataset.element_spec[1].dtype.name)

        def change(number: tf.Tensor, images: tf.Tensor, masks: tf.Tensor, *others) -> tuple:
            return *self._changed_pair(images, masks, number, outside), *others

        return in_parallel(dataset, change, seed=seed)

    def augmented(self, images: np.ndarray, *, seed: int) -> np.ndarray:
        """A batch of pictures, augmented once: float32 (batch, height, width, channels).

        Raises:
            InputError: not a batch of pictures float32 in [0, 1].

        Example:
            >>> Policy(flip_vertical=True).augmented(np.eye(3), seed=0)
            Traceback (most recent call last):
                ...
            course_utils.errors.InputError: expected a batch of pictures (batch, height, ...
        """
        import tensorflow as tf

        ranges.check_seed(seed)
        images = tf.convert_to_tensor(images)
        batches.check_images(images)
        return self._changed(images, tf.constant([seed, 0], tf.int64)).numpy()

    def augmented_pair(
        self, images: np.ndarray, masks: np.ndarray, *, seed: int, outside: int | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """A batch of pictures and their masks, augmented once by the same amounts.

        Raises:
            InputError: as for `apply_to_pairs`.

        Example:
            >>> mask = np.array([[[0, 1]]], np.uint8)
            >>> mirrored = Policy(flip_horizontal=True)
            >>> pictures, masks = mirrored.augmented_pair(mask[..., None] / np.float32(1), mask,
            ...                                           seed=1)
            >>> bool((pictures[..., 0] == masks).all())
            True
        """
        import tensorflow as tf

        ranges.check_seed(seed)
        images, masks = tf.convert_to_tensor(images), tf.convert_to_tensor(masks)
        batches.check_images(images)
        batches.check_masks(masks, images)
        ranges.check_outside(outside, masks.dtype.name)
        number = tf.constant([seed, 0], tf.int64)
        return tuple(part.numpy() for part in self._changed_pair(images, masks, number, outside))

    def _changed(self, images: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
        # Drawn outside the compiled function, in which the same seed gives other numbers. Nor
        # does it hold assertions: what it found is judged here.
        changed, good = _changing(self)(images, draw(self, images, number))
        return batches.require(good, changed)

    def _changed_pair(
        self, images: tf.Tensor, masks: tf.Tensor, number: tf.Tensor, outside: int | None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        amounts = draw(self, images, number)
        changed, moved, good = _changing_pairs(self, outside)(images, masks, amounts)
        return batches.require(good, changed), moved

    def _change(self, images: tf.Tensor, amounts: Amounts) -> tf.Tensor:
        images = self._placed(images, amounts, self.interpolation, self.fill, self.fill_value)
        if self.brightness:
            images = colour.brighten(images, amounts.brightness)
        if self.contrast:
            images = colour.stretch_contrast(images, amounts.contrast)
        if self.channel_shift:
            images = colour.shift_channels(images, amounts.channels)
        if self.exposure != (1, 1):
            images = colour.expose(images, amounts.exposure)
        return images

    def _move(self, masks: tf.Tensor, amounts: Amounts, outside: int | None) -> tf.Tensor:
        import tensorflow as tf

        flat = masks.shape.rank == 3
        masks = masks[..., tf.newaxis] if flat else masks
        # A grey level of the picture's fill is no class: unless told, what is outside is 0.
        fill = self.fill if outside is None else "constant"
        masks = self._placed(masks, amounts, "nearest", fill, outside or 0)
        return masks[..., 0] if flat else masks

    def _placed(
        self, images: tf.Tensor, amounts: Amounts, interpolation: str, fill: str, value: float
    ) -> tf.Tensor:
        import tensorflow as tf

        geometry = amounts.geometry
        if self.resamples:
            shape = tf.shape(images)
            return warp(
                images,
                matrices(geometry, shape[1], shape[2]),
                interpolation=interpolation,
                fill=fill,
                fill_value=float(value),
            )
        if self.flip_horizontal or self.flip_vertical:
            return flip(
                images, horizontal=geometry.flip_horizontal, vertical=geometry.flip_vertical
            )
        return images


@functools.cache
def _changing(policy: Policy) -> Callable[..., tuple[tf.Tensor, ...]]:
    """Compiled once for a policy, not for each dataset."""

    def change(images: tf.Tensor, amounts: Amounts) -> tuple[tf.Tensor, ...]:
        return policy._change(images, amounts), batches.in_range(images)

    return compiled(change)


@functools.cache
def _changing_pairs(policy: Policy, outside: int | None) -> Callable[..., tuple[tf.Tensor, ...]]:
    def change(images: tf.Tensor, masks: tf.Tensor, amounts: Amounts) -> tuple[tf.Tensor, ...]:
        moved = policy._move(masks, amounts, outside)
        return policy._change(images, amounts), moved, batches.in_range(images)

    return compiled(change)
