"""What images, masks, labels and numbers must be, checked in one place for all helpers."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.errors import InputError

if TYPE_CHECKING:
    import keras

__all__ = [
    "class_labels",
    "finite_floats",
    "image_batch",
    "image_shape",
    "is_float",
    "mask_batch",
    "model_input",
    "seed",
    "whole",
]


def whole(name: str, value: Any, *, least: int = 1, most: int | None = None) -> int:
    """A whole number within its range, as an int; True and 3.0 are none."""
    try:
        number = None if isinstance(value, bool | np.bool_) else operator.index(value)
    except TypeError:
        number = None
    if number is None or number < least or (most is not None and number > most):
        limits = f"of {least} or more" if most is None else f"from {least} to {most:,}"
        raise InputError(f"expected {name} to be a whole number {limits}, received {value!r}")
    return number


def seed(value: Any) -> int:
    """A seed that NumPy, Keras and TensorFlow all take."""
    return whole("the seed", value, least=0, most=2**32 - 1)


def is_float(dtype: Any) -> bool:
    """Whether a dtype, of NumPy or TensorFlow, is floating-point; bfloat16 and float8 are too."""
    # NumPy's `kind` of bfloat16 is that of raw bytes: only its name tells.
    return "float" in dtype.name


def finite_floats(name: str, values: Any, *, advice: str = "use .astype('float32')") -> np.ndarray:
    """A floating-point array with something in it, all finite; bfloat16 becomes float32."""
    array = np.asarray(values)
    if not is_float(array.dtype):
        # Bytes would wrap round in silence: 200 + 100 is 44.
        raise InputError(f"expected floating-point {name}, received dtype {array.dtype}: {advice}")
    if array.dtype.kind != "f":
        array = array.astype(np.float32)
    if array.size == 0:
        raise InputError(f"expected {name} with something in them, received shape {array.shape}")
    bad = int(array.size - np.isfinite(array).sum())
    if bad:
        raise InputError(
            f"expected {name} of finite numbers, received {bad} of {array.size:,} that are NaN or "
            "infinite: find the step that made them"
        )
    return array


def image_batch(images: Any) -> None:
    """Refuse an array, tensor or TensorSpec that is not (batch, height, width, channels)."""
    shape = images.shape
    rank = getattr(shape, "rank", None) if hasattr(shape, "rank") else len(shape)
    if rank is None:
        raise InputError(
            "expected images of a known shape, received a dataset that tells none: give "
            "`from_generator` an output_signature, or map tf.ensure_shape over the images"
        )
    if rank != 4:
        advice = {
            2: "a grayscale image becomes a batch by image[None, :, :, None]",
            3: "batch the dataset first; a color image becomes a batch by image[None], grayscale "
            "images get their channel by images[..., None]",
        }.get(rank, "reshape them")
        raise InputError(
            "expected images of shape (batch, height, width, channels), received shape "
            f"{written(shape)}: {advice}"
        )


def mask_batch(masks: Any, images: Any) -> None:
    """Refuse masks that are not one whole number for each pixel of the images."""
    shape, image_shape = tuple(masks.shape), tuple(images.shape)
    if is_float(masks.dtype) or ("int" not in masks.dtype.name and masks.dtype.name != "bool"):
        raise InputError(
            f"expected masks of whole numbers, a class for each pixel, received "
            f"{masks.dtype.name}: take the argmax of one-hot masks, cast the others"
        )
    if len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] not in (None, 1)):
        raise InputError(
            "expected masks (batch, height, width) or (batch, height, width, 1), received shape "
            f"{written(shape)}: give a single mask an axis in front, mask[None]; take the argmax "
            "over the channels of one-hot masks"
        )
    if _differ(shape[0], image_shape[0]):
        raise InputError(
            f"expected as many masks as images, received {image_shape[0]} images and {shape[0]} "
            "masks: match them by name, and sort both alike"
        )
    if any(map(_differ, shape[1:3], image_shape[1:3])):
        raise InputError(
            "expected masks of their images' size, received images of "
            f"{image_shape[1]}×{image_shape[2]} and masks of {shape[1]}×{shape[2]}: resize masks "
            "by nearest neighbor, and do not mix up height and width"
        )


def class_labels(labels: Any, *, count: int, classes: int) -> np.ndarray:
    """One class for each image, int64 (count,); whole floats and an axis of 1 behind will do."""
    array = np.asarray(labels)
    if array.shape == (count, 1):
        array = array[:, 0]
    advice = f"one for each image, counted from 0 to {classes - 1}"
    if array.dtype.kind not in "biuf":
        example = f" such as {array.flat[0]!r}" if array.size else ""
        raise InputError(
            f"expected labels as whole numbers, received {array.dtype}{example}: number the "
            f"classes, {advice}"
        )
    if array.shape != (count,):
        raise InputError(
            f"expected {count} labels of shape ({count},), received shape {array.shape}: "
            f"{advice}; one-hot labels by labels.argmax(axis=1)"
        )
    # Not-a-number is unequal to itself, so it is found here, too.
    wrong = array[~((array == np.floor(array)) & (array >= 0) & (array < classes))]
    if wrong.size:
        raise InputError(
            f"expected labels from 0 to {classes - 1}, received {wrong[0]} ({wrong.size} of "
            f"{count} do not fit): {advice}"
        )
    return array.astype(np.int64)


def image_shape(shape: Any, *, smallest: int = 1) -> tuple[int, int, int]:
    """The shape (height, width, channels) of one image with so many pixels a side or more."""
    try:
        height, width, channels = (whole("a side", size) for size in shape)
    except (InputError, TypeError, ValueError):
        raise InputError(
            "expected the shape of one image, (height, width, channels), such as (64, 64, 3), "
            f"received {shape!r}: leave the batch out, and give a grayscale image one channel"
        ) from None
    if min(height, width) < smallest:
        raise InputError(
            f"expected images of {smallest}×{smallest} or more, received {height}×{width}: "
            "less than one pixel would be left at the end"
        )
    return height, width, channels


def model_input(model: keras.Model, shape: Any, dtype: Any) -> None:
    """Refuse a batch, by its shape and dtype, that a model with one input cannot take.

    A subclassed model does not say what shape it takes.
    """
    inputs = getattr(model, "inputs", None) or []
    if len(inputs) > 1:
        raise InputError(
            f"expected a model with one input, received one with {len(inputs)}: wrap it in a model "
            "that takes the images and holds the others fixed"
        )
    if inputs:
        wanted = tuple(inputs[0].shape)
        if len(shape) == len(wanted) - 1:
            advice = "a single image is a batch of one, image[None]"
        elif len(shape) == 4 and (shape[3], wanted[-1]) in ((1, 3), (4, 3)):
            advice = "repeat a gray channel, np.repeat(images, 3, axis=-1); drop transparency"
        else:
            advice = "resize them, or build the model for their shape"
        if len(shape) != len(wanted) or any(map(_differ, shape[1:], wanted[1:])):
            raise InputError(
                f"expected images of shape {written(wanted)}, received {written(shape)}: {advice}"
            )
    if not len(shape) or not shape[0]:
        raise InputError(f"expected at least one image, received shape {written(shape)}")
    if not is_float(np.dtype(dtype)):
        raise InputError(
            f"expected images of dtype float32 as the model takes them, received {dtype}: "
            "scale them first (a part's `scaled()` gives them in [0, 1])"
        )


def written(shape: Any) -> str:
    """A shape as a tuple in which an unknown size is "any"."""
    return "(" + ", ".join("any" if size is None else str(size) for size in shape) + ")"


def _differ(one: int | None, other: int | None) -> bool:
    return None not in (one, other) and one != other
