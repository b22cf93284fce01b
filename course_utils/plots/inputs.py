"""What a figure accepts: checks on the arrays, with messages that say what to do instead."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

import numpy as np

from course_utils.errors import InputError

# Interpolation leaves a picture a hair outside [0, 1]; more than that is another scale.
SLACK = 1e-3


def numbers(values: object, *, where: str, rank: int | tuple[int, ...]) -> np.ndarray:
    """Return finite real numbers of the wanted rank, as float64.

    Args:
        values: Array, list or tensor.
        where: Name of the argument, for the message.
        rank: Wanted number of dimensions, or several that will do.

    Raises:
        InputError: If it is empty, not numeric, of another rank, or holds NaN or infinity.

    Example:
        >>> numbers([1, 2], where="x", rank=1)
        array([1., 2.])
    """
    array = numeric(values, where=where)
    ranks = (rank,) if isinstance(rank, int) else rank
    if array.ndim not in ranks or array.size == 0:
        wanted = " or ".join(str(r) for r in ranks)
        raise InputError(
            f"{where}: expected an array with {wanted} dimensions and something in it, received "
            f"shape {array.shape}: pick or reshape the part to draw"
        )
    bad = int(array.size - np.isfinite(array).sum())
    if bad:
        raise InputError(
            f"{where}: expected finite numbers, received {bad} of {array.size} that are NaN or "
            "infinite: find the step that made them, or leave them out"
        )
    return array.astype(np.float64)


def numeric(values: object, *, where: str) -> np.ndarray:
    """Return `values` as an array of numbers of any shape; half precision becomes float32.

    Raises:
        InputError: If it is ragged, or not numbers.

    Example:
        >>> numeric([True, False], where="x").dtype
        dtype('bool')
    """
    try:
        array = np.asarray(values)
        # bfloat16, as mixed precision gives it, is a type that NumPy does not know.
        if array.dtype.kind not in "buifcSU":
            array = array.astype(np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{where}: expected an array of numbers, received {type(values).__name__} ({error}): "
            "give one array with rows of equal length"
        ) from error
    if array.dtype.kind in "cSU":
        raise InputError(
            f"{where}: expected real numbers, received {array.dtype}: convert them with float(...)"
        )
    return array


def pictures(images: object, *, where: str) -> list[np.ndarray]:
    """Return pictures as float32 in [0, 1], each (height, width) or (height, width, 3).

    Args:
        images: (n, height, width), (n, height, width, 1), (n, height, width, 3), or a sequence of
            single pictures of any sizes; uint8 in [0, 255], float in [0, 1], or bool.
        where: Name of the caller, for the message.

    Raises:
        InputError: If there is none, or one is of another shape, type or range.

    Example:
        >>> [p.shape for p in pictures(np.zeros((2, 8, 8, 1)), where="example")]
        [(8, 8), (8, 8)]
    """
    is_batch = not isinstance(images, list | tuple)
    items = numeric(images, where=f"{where}: images") if is_batch else images
    if is_batch and items.ndim not in (3, 4):
        raise InputError(
            f"{where}: expected a batch (n, height, width[, channels]) or a list of pictures, "
            f"received shape {items.shape}: put a single picture in a list, [picture]"
        )
    if len(items) == 0:
        raise InputError(f"{where}: expected at least one picture, received none: pass some")
    return [picture(item, where=f"{where}: image {i}") for i, item in enumerate(items)]


def picture(image: object, *, where: str) -> np.ndarray:
    """Return one picture as float32 in [0, 1]; see `pictures`.

    Example:
        >>> picture(np.full((1, 2), 255, "uint8"), where="example")
        array([[1., 1.]], dtype=float32)
    """
    array = numeric(image, where=where)
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[-1] == 3)) or array.size == 0:
        raise InputError(
            f"{where}: expected shape (height, width), (height, width, 1) or (height, width, 3), "
            f"received {array.shape}: {_shape_advice(array.shape)}"
        )
    if array.dtype == np.uint8:
        return array.astype(np.float32) / np.float32(255)
    if array.dtype.kind in "iu":
        raise InputError(
            f"{where}: expected uint8 in [0, 255] or float in [0, 1], received {array.dtype}: "
            "convert it with .astype('uint8')"
        )
    if not np.isfinite(array).all():
        raise InputError(
            f"{where}: expected finite values, received NaN or infinity: find the step before it"
        )
    low, high = float(array.min()), float(array.max())
    if low < -SLACK or high > 1 + SLACK:
        raise InputError(
            f"{where}: expected float values in [0, 1], received {low:.4g} to {high:.4g}: "
            f"{_range_advice(low, high)}"
        )
    return np.clip(array.astype(np.float32), 0, 1)


def _shape_advice(shape: tuple[int, ...]) -> str:
    if len(shape) == 4:
        return "take one picture of the batch, images[0]"
    if len(shape) == 3 and shape[0] in (1, 3):
        return "put the channels last, np.moveaxis(image, 0, -1)"
    if len(shape) == 3 and shape[-1] == 4:
        return "drop the alpha channel, image[..., :3]"
    if len(shape) == 3:
        return "draw feature maps with tile_figure"
    return "reshape it to a picture"


def _range_advice(low: float, high: float) -> str:
    if low >= -SLACK and high > 1.5:
        return "divide by 255"
    if low >= -1 - SLACK and high <= 1 + SLACK:
        return "undo the preprocessing, (image + 1) / 2"
    if low > -0.5 and high < 1.5:
        return "clip it, np.clip(image, 0, 1)"
    return "undo the preprocessing, or rescale it to [0, 1]"


def same_count(given: Sequence, wanted: int, *, where: str, what: str) -> None:
    """Raise unless there are as many as wanted.

    Example:
        >>> same_count(["a", "b"], 2, where="image_grid: titles", what="pictures")
    """
    if isinstance(given, str) or len(given) != wanted:
        received = f"the text {given!r}" if isinstance(given, str) else str(len(given))
        raise InputError(
            f"{where}: expected {wanted}, one for each of the {what}, received {received}: "
            f"give {wanted}"
        )


def named(values: object, *, where: str, most: int) -> Mapping:
    """Return a mapping from name to values that is neither empty nor too full to tell apart.

    Example:
        >>> named({"convnet": 0.9}, where="bars", most=3)
        {'convnet': 0.9}
    """
    if not isinstance(values, Mapping):
        raise InputError(
            f"{where}: expected a mapping from name to values, received "
            f'{type(values).__name__}: write {{"name": values}}'
        )
    if not 1 <= len(values) <= most:
        raise InputError(
            f"{where}: expected 1 to {most} names, received {len(values)}: more than {most} cannot "
            "be told apart; draw fewer, or several figures"
        )
    return {str(name): value for name, value in values.items()}


def one_of(value: object, allowed: Sequence, *, where: str) -> None:
    """Raise, naming what is available and the nearest to it, unless the value is allowed.

    Example:
        >>> one_of("log", ("linear", "log"), where="xscale")
    """
    if value in allowed:
        return
    near = get_close_matches(str(value), [str(a) for a in allowed], n=1, cutoff=0.4)
    advice = f"did you mean {near[0]!r}?" if near else "choose one of them"
    raise InputError(
        f"{where}: expected one of {', '.join(repr(a) for a in allowed)}, received {value!r}: "
        f"{advice}"
    )
