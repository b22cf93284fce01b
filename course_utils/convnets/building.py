"""What every net here needs: its layers put behind an input, and its arguments checked first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from course_utils.errors import InputError

if TYPE_CHECKING:
    import keras

__all__ = ["Shape", "check_dropout", "check_size", "is_real", "is_whole", "stack"]

Shape = tuple[int, int, int]
"""(height, width, channels) of one picture."""


def stack(image_shape: Shape, *layers: keras.Layer) -> keras.Sequential:
    """The layers behind an input of `image_shape`, as a model that is built."""
    import keras

    return keras.Sequential([keras.layers.Input(tuple(image_shape)), *layers])


def check_size(image_shape: object, classes: object, *, smallest: int) -> None:
    """Check the shape of one picture and the number of classes.

    Raises:
        InputError: no shape of one picture, one smaller than `smallest`, fewer than 2 classes.
    """
    good = (
        isinstance(image_shape, tuple | list)
        and len(image_shape) == 3
        and all(is_whole(size) and size > 0 for size in image_shape)
    )
    if not good:
        raise InputError(
            "expected the shape of one picture, (height, width, channels), such as (28, 28, 1), "
            f"received {image_shape!r}: leave the batch out, and give a grey picture one channel"
        )
    if min(image_shape[:2]) < smallest:
        raise InputError(
            f"expected pictures of {smallest}×{smallest} or more, received "
            f"{image_shape[0]}×{image_shape[1]}: less than one pixel would be left at the end"
        )
    if not is_whole(classes) or classes < 2:
        raise InputError(
            f"expected 2 or more classes, one logit for each, received {classes!r}: a single logit "
            "for a yes or no needs another loss"
        )


def check_dropout(dropout: object) -> None:
    """Check a share that is dropped.

    Raises:
        InputError: not a number from 0 to below 1.
    """
    if not is_real(dropout) or not 0 <= dropout < 1:
        raise InputError(
            f"expected dropout to be a share from 0 to below 1, such as 0.4, received {dropout!r}: "
            "it says how much is dropped, not how much is kept"
        )


def is_whole(value: object) -> bool:
    """Whether `value` is a whole number; True and False are not meant."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_real(value: object) -> bool:
    """Whether `value` is a number; True and False are not meant."""
    return isinstance(value, int | float) and not isinstance(value, bool)
