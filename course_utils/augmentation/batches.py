"""What a batch of pictures, and of masks beside them, must be before it is augmented."""

from __future__ import annotations

from typing import TYPE_CHECKING

from course_utils.errors import InputError

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = [
    "RANGE_MESSAGE",
    "check_dataset",
    "check_images",
    "check_masks",
    "check_pairs",
    "in_range",
    "require",
]

RANGE_MESSAGE = (
    "expected pictures with values in [0, 1], received values outside: divide pictures of "
    "0 to 255 by 255, and augment before a network's own preprocessing"
)
# Pixels that are a mean of others may leave [0, 1] by a rounding error.
_SLACK = 1e-3
_MASK_DTYPES = ("uint8", "int32", "int64")


def check_images(images: tf.Tensor | tf.TensorSpec) -> None:
    """Refuse what is not a batch of pictures float32 (batch, height, width, 1 or 3)."""
    shape, dtype = images.shape, images.dtype.name
    if shape.rank is not None and shape.rank != 4:
        raise InputError(
            "expected a batch of pictures (batch, height, width, channels), received shape "
            f"{_written(shape)}: "
            + ("batch the dataset first, or add an axis" if shape.rank == 3 else "reshape them")
        )
    if shape.rank == 4 and shape[3] not in (None, 1, 3):
        hint = ": put the channels last" if shape[1] in (1, 3) else ""
        raise InputError(
            f"expected pictures with 1 or 3 channels, last, received shape {_written(shape)}{hint}"
        )
    if dtype != "float32":
        raise InputError(
            f"expected pictures as float32 in [0, 1], received {dtype}: "
            + ("divide by 255 first" if dtype == "uint8" else "cast them first")
        )


def check_masks(masks: tf.Tensor | tf.TensorSpec, images: tf.Tensor | tf.TensorSpec) -> None:
    """Refuse what is not one mask of whole numbers for each picture, of the picture's size."""
    shape, dtype = masks.shape, masks.dtype.name
    if dtype not in _MASK_DTYPES:
        raise InputError(
            f"expected masks as whole numbers ({', '.join(_MASK_DTYPES)}), a class a pixel, "
            f"received {dtype}: take the argmax of one-hot masks, cast the others"
        )
    if shape.rank is None or images.shape.rank is None:
        return
    if shape.rank not in (3, 4):
        raise InputError(
            "expected masks (batch, height, width) or (batch, height, width, 1), received shape "
            f"{_written(shape)}"
        )
    if shape.rank == 4 and shape[3] not in (None, 1):
        raise InputError(
            f"expected masks with one channel, received {shape[3]} in shape {_written(shape)}: "
            "take the argmax over the channels of a one-hot mask"
        )
    if not shape[:3].is_compatible_with(images.shape[:3]):
        raise InputError(
            f"expected masks of their pictures' size, received pictures {_written(images.shape)} "
            f"and masks {_written(shape)}: resize masks by nearest neighbour"
        )


def in_range(images: tf.Tensor) -> tf.Tensor:
    """Whether the values are in [0, 1], as a bool tensor.

    One pixel in 16 is looked at, so that it costs next to nothing; pictures of 0 to 255 are
    always found.
    """
    import tensorflow as tf

    some = images[:, ::4, ::4]
    return tf.reduce_all((some >= -_SLACK) & (some <= 1 + _SLACK))


def require(good: tf.Tensor, changed: tf.Tensor) -> tf.Tensor:
    """Refuse pictures whose values were not in range: at once, or when the graph is run.

    Args:
        good: as `in_range` gives it.
        changed: what became of the pictures.

    Returns:
        `changed`, to be used in place of it, so that the check is not dropped from the graph.
    """
    import tensorflow as tf

    if tf.executing_eagerly():
        if not good:
            raise InputError(RANGE_MESSAGE)
        return changed
    with tf.control_dependencies([tf.debugging.Assert(good, [RANGE_MESSAGE])]):
        return tf.identity(changed)


def check_dataset(dataset: tf.data.Dataset) -> None:
    """Refuse a dataset whose elements do not begin with a batch of pictures."""
    check_images(_parts(dataset)[0])


def check_pairs(dataset: tf.data.Dataset) -> None:
    """Refuse a dataset whose elements are not batches of pictures and their masks."""
    parts = _parts(dataset)
    if len(parts) < 2:
        raise InputError(
            "expected a dataset of (pictures, masks), received one of pictures only: zip the "
            "masks with them before anything is changed"
        )
    check_images(parts[0])
    check_masks(parts[1], parts[0])


def _parts(dataset: tf.data.Dataset) -> tuple[tf.TensorSpec, ...]:
    import tensorflow as tf

    if not isinstance(dataset, tf.data.Dataset):
        raise InputError(
            f"expected a tf.data.Dataset of batches, received {type(dataset).__name__}: use "
            "`augmented` for an array"
        )
    spec = dataset.element_spec
    parts = spec if isinstance(spec, tuple) else (spec,)
    if not parts or not isinstance(parts[0], tf.TensorSpec):
        raise InputError(
            "expected elements (pictures, labels), received "
            f"{type(spec).__name__} {spec!r:.80}: map them to that first"
        )
    return parts


def _written(shape: tf.TensorShape) -> str:
    return "(" + ", ".join("any" if size is None else str(size) for size in shape) + ")"
