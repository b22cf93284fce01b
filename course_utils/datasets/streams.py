"""A part whose pictures stay in files: decoded in parallel, a batch at a time, resized once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from course_utils.datasets.parts import check_batches, check_count

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["StreamedPart"]


class StreamedPart:
    """Pictures in files, and what is known about each; to be used as a `Part` is.

    `batches` never holds more than a few batches in memory. `images`, `parts` and `scaled` decode
    all of the part when they are first asked for: right for a few hundred pictures.

    Args:
        name: "train", "validation" or "test".
        paths: of the pictures, JPEG or PNG.
        labels: int32 (count,), index into the set's classes.
        size: height and width, in pixels, to which pictures are resized (bilinear, without regard
            to their proportions, as `image_dataset_from_directory` does).
        masks: of each picture, the path of a PNG that says which part each pixel shows; resized by
            nearest neighbour, since a mean of two classes is no class. None where there are none.
        offset: what the least value in the mask files is, and becomes 0.
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
        return f"StreamedPart({self.name!r}, {len(self):,} pictures at {self.size}×{self.size})"

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of each picture, as it is decoded and resized."""
        return (self.size, self.size, 3)

    @cached_property
    def images(self) -> np.ndarray:
        """All pictures decoded, uint8 (count, height, width, channels), 0 to 255."""
        images = np.empty((len(self), *self.image_shape), np.uint8)
        if len(self):
            self._gather(images, self.paths, self._decode)
        return images

    @cached_property
    def parts(self) -> np.ndarray | None:
        """All masks decoded, uint8 (count, height, width); None where a set has none."""
        if self.masks is None:
            return None
        masks = np.empty((len(self), self.size, self.size), np.uint8)
        if len(self):
            self._gather(masks, self.masks, self._decode_mask)
        return masks

    def scaled(self) -> np.ndarray:
        """All pictures as float32 in [0, 1], shape (count, height, width, channels)."""
        return self.images.astype(np.float32) / np.float32(255)

    def first(self, count: int) -> StreamedPart:
        """The first `count` pictures, as a part; where there are classes, they come in turn.

        Raises:
            InputError: there are fewer.

        Example:
            >>> part = StreamedPart("train", [Path("0.jpg"), Path("1.jpg")], np.arange(2), size=8)
            >>> part.first(1)
            StreamedPart('train', 1 pictures at 8×8)
        """
        check_count(self, count)
        masks = None if self.masks is None else self.masks[:count]
        return StreamedPart(
            self.name,
            self.paths[:count],
            self.labels[:count],
            size=self.size,
            masks=masks,
            offset=self._offset,
        )

    def batches(
        self, batch_size: int, *, shuffle_seed: int | None = None, target: str = "labels"
    ) -> tf.data.Dataset:
        """Batches of (pictures float32 in [0, 1], labels int32), ready for `fit` or `evaluate`.

        The order of the steps is the one that works: names are shuffled, not pictures, so that
        all of a part can be shuffled at the price of its names; each picture is read, decoded,
        resized and scaled in one parallel step, while the processor's cache still holds it; and
        the next batches are made while the model works on this one.

        Args:
            batch_size: pictures in a batch; the last one may be smaller.
            shuffle_seed: shuffles, anew in each epoch, and the same way in every run with the
                same seed; None keeps the order, as evaluating wants it.
            target: "labels", or "parts" for uint8 (batch, height, width) beside the pictures.

        Raises:
            InputError: `batch_size` is not a whole number of 1 or more, or no such target.
        """
        import tensorflow as tf

        check_batches(self, batch_size, target, has_parts=self.masks is not None)
        answers = self.labels if target == "labels" else _texts(self.masks)
        rows = tf.data.Dataset.from_tensor_slices((_texts(self.paths), answers))
        if shuffle_seed is not None:
            rows = rows.shuffle(len(self), seed=shuffle_seed)

        def decode(path: tf.Tensor, answer: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            # Picture and mask in one step: what is decoded together cannot come apart.
            image = self._decode(path) * (1 / 255)
            return image, answer if target == "labels" else self._decode_mask(answer)

        return rows.map(decode, **_parallel()).batch(batch_size).prefetch(tf.data.AUTOTUNE)

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

    @staticmethod
    def _gather(into: np.ndarray, paths: Sequence[Path], decode: Callable) -> None:
        import tensorflow as tf

        files = tf.data.Dataset.from_tensor_slices(_texts(paths))
        for place, picture in enumerate(files.map(decode, **_parallel()).as_numpy_iterator()):
            into[place] = np.rint(picture) if into.dtype != picture.dtype else picture


def _texts(paths: Sequence[Path]) -> list[str]:
    return [str(path) for path in paths]


def _parallel() -> dict[str, int]:
    import tensorflow as tf

    return {"num_parallel_calls": tf.data.AUTOTUNE}
