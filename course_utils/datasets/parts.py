"""What a data set is made of: three parts that share no picture, as arrays or as `tf.data`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from course_utils.errors import InputError

if TYPE_CHECKING:
    import tensorflow as tf

    from course_utils.datasets.streams import StreamedPart

__all__ = ["DataSet", "Part", "check_batches", "check_count"]


@dataclass(frozen=True, eq=False)
class Part:
    """Pictures and what is known about each.

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
        """(height, width, channels) of each picture."""
        return self.images.shape[1:]

    def first(self, count: int) -> Part:
        """The first `count` pictures, as a part.

        Raises:
            InputError: there are fewer.

        Example:
            >>> zeros = np.zeros((3, 2, 2, 1), np.uint8)
            >>> len(Part("train", zeros, np.arange(3)).first(2))
            2
        """
        check_count(self, count)
        parts = None if self.parts is None else self.parts[:count]
        return Part(self.name, self.images[:count], self.labels[:count], parts)

    def scaled(self) -> np.ndarray:
        """The pictures as float32 in [0, 1], shape (count, height, width, channels).

        Example:
            >>> Part("test", np.full((1, 1, 1, 1), 255, np.uint8), np.zeros(1)).scaled().item()
            1.0
        """
        return self.images.astype(np.float32) / np.float32(255)

    def batches(
        self, batch_size: int, *, shuffle_seed: int | None = None, target: str = "labels"
    ) -> tf.data.Dataset:
        """Batches of (pictures float32 in [0, 1], labels int32), ready for `fit` or `evaluate`.

        The order of the steps is the one that works: what is in memory is not cached again,
        single pictures are shuffled (all of them, anew each epoch), then batched, then scaled a
        batch at a time, and the next batches are prepared while the model works on this one.

        Args:
            batch_size: pictures in a batch; the last one may be smaller.
            shuffle_seed: shuffles, the same way in every run with the same seed; None keeps the
                order, as evaluating wants it.
            target: "labels", or "parts" for uint8 (batch, height, width) beside the pictures.

        Raises:
            InputError: `batch_size` is not a whole number of 1 or more, or no such target.

        Example:
            >>> part = Part("train", np.zeros((5, 2, 2, 1), np.uint8), np.arange(5))
            >>> [labels.numpy().tolist() for _, labels in part.batches(2)]
            [[0, 1], [2, 3], [4]]
        """
        import tensorflow as tf

        check_batches(self, batch_size, target, has_parts=self.parts is not None)
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


def check_count(part: Part | StreamedPart, count: int) -> None:
    """Refuse a number of pictures that a part does not have."""
    if not 0 < count <= len(part):
        raise InputError(
            f"expected 1 to {len(part)} pictures of the {part.name} part, received {count}"
        )


def check_batches(
    part: Part | StreamedPart, batch_size: int, target: str, *, has_parts: bool
) -> None:
    """Refuse batches that cannot be made."""
    if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
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
            f"expected a part with pictures, received the {part.name} part, which has none: "
            "this set's split has no such part"
        )


@dataclass(frozen=True, eq=False)
class DataSet:
    """A data set that is split once and for all: by index or by file, never by shuffling again.

    Attributes:
        name: as `open` was asked.
        classes: the name of each label.
        train, validation, test: the parts; no picture is in two of them.
        origin: where the pictures come from, in words.
        licence: under which they may be used.
        part_names: the name of each value in a part's `parts`; empty where there are none.
        folder: where the pictures lie as files, PART/CLASS/NAME for a set with class folders;
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
        """(height, width, channels) of each picture."""
        return self.train.image_shape

    def __repr__(self) -> str:
        height, width, channels = self.image_shape
        kind = "grey" if channels == 1 else "colour"
        return (
            f"{self.name}: {len(self.train):,} training, {len(self.validation):,} validation and "
            f"{len(self.test):,} test pictures, {height}×{width} {kind}, "
            f"{len(self.classes)} classes; {self.origin} ({self.licence})"
        )
