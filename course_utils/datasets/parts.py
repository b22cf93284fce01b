"""What a data set is made of: three parts that share no image, as arrays or as `tf.data`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from course_utils.datasets.image_files import check_plain
from course_utils.errors import InputError

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["DataSet", "Part", "StreamedPart", "is_whole_number"]


@dataclass(frozen=True, eq=False)
class Part:
    """Images and what is known about each.

    Attributes:
        name: "train", "validation" or "test".
        images: uint8 (count, height, width, channels), 0 to 255.
        labels: int32 (count,), index into the set's classes.
        parts: uint8 (count, height, width), which part of the object each pixel shows, 0 the
            background; None where a set has no such truth.
    """

    name: str
    images: np.ndarray
    labels: np.ndarray
    parts: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.images)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of each image."""
        return self.images.shape[1:]

    def first(self, count: int) -> Part:
        """The first `count` images, as a part.

        Raises:
            InputError: there are fewer, or `count` is not a whole number of 1 or more.

        Example:
            >>> zeros = np.zeros((3, 2, 2, 1), np.uint8)
            >>> len(Part("train", zeros, np.arange(3)).first(2))
            2
        """
        _check_count(self, count)
        parts = None if self.parts is None else self.parts[:count]
        return Part(self.name, self.images[:count], self.labels[:count], parts)

    def scaled(self) -> np.ndarray:
        """The images as float32 in [0, 1], shape (count, height, width, channels).

        Example:
            >>> Part("test", np.full((1, 1, 1, 1), 255, np.uint8), np.zeros(1)).scaled().item()
            1.0
        """
        return self.images.astype(np.float32) / np.float32(255)

    def batches(
        self, batch_size: int, *, shuffle_seed: int | None = None, target: str = "labels"
    ) -> tf.data.Dataset:
        """Batches of (images float32 in [0, 1], labels int32), ready for `fit` or `evaluate`.

        The order of the steps is the one that works: what is in memory is not cached again,
        single images are shuffled (all of them, anew each epoch), then batched, then scaled a
        batch at a time, and the next batches are prepared while the model works on this one.

        Args:
            batch_size: images in a batch; the last one may be smaller.
            shuffle_seed: shuffles, the same way in every run with the same seed; None keeps the
                order, as evaluating wants it.
            target: "labels", or "parts" for uint8 (batch, height, width) beside the images.

        Raises:
            InputError: `batch_size` is not a whole number of 1 or more, or no such target.

        Example:
            >>> part = Part("train", np.zeros((5, 2, 2, 1), np.uint8), np.arange(5))
            >>> [labels.numpy().tolist() for _, labels in part.batches(2)]
            [[0, 1], [2, 3], [4]]
        """
        import tensorflow as tf

        _check_batches(self, batch_size, target, has_parts=self.parts is not None)
        answers = self.labels if target == "labels" else self.parts
        pairs = tf.data.Dataset.from_tensor_slices((self.images, answers))
        if shuffle_seed is not None:
            pairs = pairs.shuffle(len(self), seed=shuffle_seed)
        return (
            pairs.batch(batch_size)
            .map(
                lambda images, answers: (tf.cast(images, tf.float32) / 255.0, answers),
                num_parallel_calls=tf.data.AUTOTUNE,
            )
            .prefetch(tf.data.AUTOTUNE)
        )


class StreamedPart:
    """A part whose images stay in files: decoded in parallel, a batch at a time, resized once.

    To be used as a `Part` is: the attributes and methods of the same name do the same. `batches`
    never holds more than a few batches in memory. `images`, `parts` and `scaled` decode all of
    the part when they are first asked for: right for a few hundred images.

    Args:
        name: "train", "validation" or "test".
        paths: of the images, JPEG or PNG.
        labels: int32 (count,), index into the set's classes.
        size: height and width, in pixels, to which images are resized (bilinear, without regard
            to their proportions, as `image_dataset_from_directory` does).
        masks: of each image, the path of a PNG in 8-bit gray that says which part each pixel
            shows; resized by nearest neighbor, since a mean of two classes is no class. None
            where there are none.
        offset: what the least value in the mask files is, and becomes 0.

    Raises:
        InputError: when decoding begins, for a file that is not plain: one to be turned by its
            EXIF data, a mask in colors or in 16 bits.
    """

    def __init__(
        self,
        name: str,
        paths: Sequence[Path],
        labels: np.ndarray,
        *,
        size: int,
        masks: Sequence[Path] | None = None,
        offset: int = 0,
    ) -> None:
        self.name, self.labels, self.size = name, labels, size
        self.paths = tuple(paths)
        self.masks = None if masks is None else tuple(masks)
        self._offset = offset

    def __len__(self) -> int:
        return len(self.paths)

    def __repr__(self) -> str:
        return f"StreamedPart({self.name!r}, {len(self):,} images at {self.size}×{self.size})"

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of each image, as it is decoded and resized."""
        return (self.size, self.size, 3)

    @cached_property
    def images(self) -> np.ndarray:
        """All images decoded, uint8 (count, height, width, channels), 0 to 255."""
        return self._gathered(self._image_files, self._decode, self.image_shape)

    @cached_property
    def parts(self) -> np.ndarray | None:
        """All masks decoded, uint8 (count, height, width); None where a set has none."""
        if self.masks is None:
            return None
        return self._gathered(self._mask_files, self._decode_mask, self.image_shape[:2])

    def scaled(self) -> np.ndarray:
        """All images as float32 in [0, 1], shape (count, height, width, channels)."""
        return self.images.astype(np.float32) / np.float32(255)

    def first(self, count: int) -> StreamedPart:
        """The first `count` images, as a part; where there are classes, they come in turn."""
        _check_count(self, count)
        return StreamedPart(
            self.name,
            self.paths[:count],
            self.labels[:count],
            size=self.size,
            masks=None if self.masks is None else self.masks[:count],
            offset=self._offset,
        )

    def batches(
        self, batch_size: int, *, shuffle_seed: int | None = None, target: str = "labels"
    ) -> tf.data.Dataset:
        """As `Part.batches`, but decoded as they are asked for.

        Names are shuffled, not images, so that all of a part can be shuffled at the price of its
        names; each image is read, decoded, resized and scaled in one parallel step, while the
        processor's cache still holds it.
        """
        import tensorflow as tf

        _check_batches(self, batch_size, target, has_parts=self.masks is not None)
        answers = self.labels if target == "labels" else self._mask_files
        rows = tf.data.Dataset.from_tensor_slices((self._image_files, answers))
        if shuffle_seed is not None:
            rows = rows.shuffle(len(self), seed=shuffle_seed)

        def decode(path: tf.Tensor, answer: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            # Image and mask in one step: what is decoded together cannot come apart.
            image = self._decode(path) * (1 / 255)
            return image, answer if target == "labels" else self._decode_mask(answer)

        decoded = rows.map(decode, num_parallel_calls=tf.data.AUTOTUNE)
        return decoded.batch(batch_size).prefetch(tf.data.AUTOTUNE)

    @cached_property
    def _image_files(self) -> list[str]:
        check_plain(self.paths)
        return [str(path) for path in self.paths]

    @cached_property
    def _mask_files(self) -> list[str]:
        check_plain(self.masks, masks=True)
        return [str(path) for path in self.masks]

    def _decode(self, path: tf.Tensor) -> tf.Tensor:
        """float32 (height, width, 3), 0 to 255."""
        import tensorflow as tf

        image = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
        return tf.ensure_shape(tf.image.resize(image, (self.size, self.size)), self.image_shape)

    def _decode_mask(self, path: tf.Tensor) -> tf.Tensor:
        """uint8 (height, width), 0 and more."""
        import tensorflow as tf

        mask = tf.io.decode_png(tf.io.read_file(path), channels=1)
        mask = tf.image.resize(mask, (self.size, self.size), method="nearest")
        return tf.squeeze(mask, -1) - tf.constant(self._offset, tf.uint8)

    def _gathered(
        self, files: Sequence[str], decode: Callable, shape: tuple[int, ...]
    ) -> np.ndarray:
        import tensorflow as tf

        arrays = np.empty((len(self), *shape), np.uint8)
        if files:
            decoded = tf.data.Dataset.from_tensor_slices(files).map(decode, tf.data.AUTOTUNE)
            for number, array in enumerate(decoded.as_numpy_iterator()):
                arrays[number] = np.rint(array)
        return arrays


def is_whole_number(value: object) -> bool:
    """Whether a value may count something: an integer, of NumPy too, and no truth value."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def _check_count(part: Part | StreamedPart, count: int) -> None:
    if not is_whole_number(count) or not 0 < count <= len(part):
        raise InputError(
            f"expected 1 to {len(part)} images of the {part.name} part, received {count!r}"
        )


def _check_batches(
    part: Part | StreamedPart, batch_size: int, target: str, *, has_parts: bool
) -> None:
    if not is_whole_number(batch_size) or batch_size < 1:
        raise InputError(f"expected a batch size of 1 or more, received {batch_size!r}")
    if target not in ("labels", "parts"):
        raise InputError(f"expected the target 'labels' or 'parts', received {target!r}")
    if target == "parts" and not has_parts:
        raise InputError(
            "expected the target 'labels', received 'parts': this set does not know which part "
            "each pixel shows"
        )
    if len(part) == 0:
        raise InputError(
            f"expected a part with images, received the {part.name} part, which has none: "
            "this set's split has no such part"
        )


@dataclass(frozen=True, eq=False)
class DataSet:
    """A data set that is split once and for all: by index or by file, never by shuffling again.

    Attributes:
        name: as `open` was asked.
        classes: the name of each label.
        train, validation, test: the parts; no image is in two of them.
        origin: where the images come from, in words.
        licence: under which they may be used.
        part_names: the name of each value in a part's `parts`; empty where there are none.
        folder: where the images lie as files, PART/CLASS/NAME for a set with class folders;
            None for a set that is arrays.
    """

    name: str
    classes: tuple[str, ...]
    train: Part | StreamedPart
    validation: Part | StreamedPart
    test: Part | StreamedPart
    origin: str
    licence: str
    part_names: tuple[str, ...] = ()
    folder: Path | None = None

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of each image."""
        return self.train.image_shape

    def __repr__(self) -> str:
        height, width, channels = self.image_shape
        kind = "gray" if channels == 1 else "color"
        return (
            f"{self.name}: {len(self.train):,} training, {len(self.validation):,} validation and "
            f"{len(self.test):,} test images, {height}×{width} {kind}, "
            f"{len(self.classes)} classes; {self.origin} ({self.licence})"
        )
