"""What a figure accepts: checks on what is given, with messages that say what to do instead."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

import numpy as np

from course_utils.errors import InputError

# Interpolation leaves an image a hair outside [0, 1]; more than that is another scale.
SLACK = 1e-3


def numeric(values: object, *, where: str) -> np.ndarray:
    """Real numbers of any shape and number type, as NumPy has it; bfloat16 becomes float32."""
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


def numbers(values: object, *, where: str, rank: int | tuple[int, ...]) -> np.ndarray:
    """Finite real numbers of the wanted number of dimensions, one or more, as float64."""
    array = numeric(values, where=where)
    ranks = (rank,) if isinstance(rank, int) else rank
    if array.ndim not in ranks or array.size == 0:
        raise InputError(
            f"{where}: expected an array with {' or '.join(map(str, ranks))} dimensions and "
            f"something in it, received shape {array.shape}: pick or reshape the part to draw"
        )
    bad = int(array.size - np.isfinite(array).sum())
    if bad:
        raise InputError(
            f"{where}: expected finite numbers, received {bad} of {array.size} that are NaN or "
            "infinite: find the step that made them, or leave them out"
        )
    return array.astype(np.float64)


def as_images(images: object, *, where: str) -> list[np.ndarray]:
    """A batch, or a list of images of any sizes, as `as_image` makes each."""
    is_batch = not isinstance(images, list | tuple)
    items = numeric(images, where=f"{where}: images") if is_batch else images
    if is_batch and items.ndim not in (3, 4):
        raise InputError(
            f"{where}: expected a batch (n, height, width[, channels]) or a list of images, "
            f"received shape {items.shape}: put a single image in a list, [image]"
        )
    if len(items) == 0:
        raise InputError(f"{where}: expected at least one image, received none: pass some")
    return [as_image(item, where=f"{where}: image {i}") for i, item in enumerate(items)]


def as_image(image: object, *, where: str) -> np.ndarray:
    """One image as float32 in [0, 1], (height, width) or (height, width, 3)."""
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
        return "take one image of the batch, images[0]"
    if len(shape) == 3 and shape[0] in (1, 3):
        return "put the channels last, np.moveaxis(image, 0, -1)"
    if len(shape) == 3 and shape[-1] == 4:
        return "drop the alpha channel, image[..., :3]"
    if len(shape) == 3:
        return "draw feature maps with tile_figure"
    return "reshape it to an image"


def _range_advice(low: float, high: float) -> str:
    if low >= -SLACK and high > 1.5:
        return "divide by 255"
    if low >= -1 - SLACK and high <= 1 + SLACK:
        return "undo the preprocessing, (image + 1) / 2"
    if low > -0.5 and high < 1.5:
        return "clip it, np.clip(image, 0, 1)"
    return "undo the preprocessing, or rescale it to [0, 1]"


def same_count(given: Sequence, wanted: int, *, where: str, what: str) -> None:
    """Refuse more or fewer than wanted, and a text in place of a list of texts."""
    if isinstance(given, str) or len(given) != wanted:
        received = f"the text {given!r}" if isinstance(given, str) else str(len(given))
        raise InputError(
            f"{where}: expected {wanted}, one for each of the {what}, received {received}: "
            f"give {wanted}"
        )


def named(values: object, *, where: str, most: int) -> dict[str, object]:
    """A mapping from name to values that is neither empty nor too full to tell apart."""
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
    """Refuse what is not among the allowed, naming them and the nearest."""
    if value in allowed:
        return
    near = get_close_matches(str(value), [str(a) for a in allowed], n=1, cutoff=0.4)
    advice = f"did you mean {near[0]!r}?" if near else "choose one of them"
    raise InputError(
        f"{where}: expected one of {', '.join(repr(a) for a in allowed)}, received {value!r}: "
        f"{advice}"
    )
