"""The range of each argument of a policy, and what to say outside it."""

from __future__ import annotations

import math
import numbers
from typing import TYPE_CHECKING, Any

from course_utils.augmentation.resampling import FILLS, INTERPOLATIONS
from course_utils.errors import InputError

if TYPE_CHECKING:
    from course_utils.augmentation.policy import Policy

__all__ = ["Shift", "check", "check_outside", "check_seed"]

# A fraction of the size, or values to choose from.
Shift = float | tuple[float, ...]


def check(policy: Policy) -> None:
    """Refuse a policy with an argument out of its range."""
    _angle("rotation", policy.rotation, 0.5, "0.5, included", included=True)
    _angle("shear", policy.shear, 0.25, "below 0.25", included=False)
    _check_shift(policy.shift)
    _check_zoom(policy.zoom)
    for name in ("zoom_keeps_proportions", "flip_horizontal", "flip_vertical"):
        if not isinstance(getattr(policy, name), bool):
            _refuse(name, "True or False", getattr(policy, name))
    for name in ("brightness", "contrast", "channel_shift", "fill_value"):
        value = getattr(policy, name)
        if not (_is_number(value) and 0 <= value <= 1):
            hint = ": divide by 255" if _is_number(value) and value > 1 else ""
            _refuse(name, "a number from 0 to 1, as pictures are in [0, 1]", value, hint)
    _check_ends("exposure", policy.exposure, "(low, high) with 0 ≤ low ≤ high", least=0)
    for name, choices in (("fill", FILLS), ("interpolation", INTERPOLATIONS)):
        if getattr(policy, name) not in choices:
            _refuse(name, f"one of {', '.join(choices)}", getattr(policy, name))


def check_seed(seed: int) -> None:
    """Refuse a seed that is not a whole number of 0 or more."""
    if isinstance(seed, bool) or not isinstance(seed, numbers.Integral) or seed < 0:
        raise InputError(f"expected a seed that is a whole number of 0 or more, received {seed!r}")


def check_outside(label: int | None, dtype: str) -> None:
    """Refuse a label for outside pixels that a mask of this dtype cannot hold."""
    most = {"uint8": 255}.get(dtype, 2**24)
    whole = isinstance(label, numbers.Integral) and not isinstance(label, bool)
    if label is not None and not (whole and 0 <= label <= most):
        raise InputError(
            f"expected the label for outside to be None or a whole number from 0 to {most:,} "
            f"for {dtype} masks, received {label!r}"
        )


def _angle(name: str, value: Any, most: float, words: str, *, included: bool) -> None:
    if _is_number(value) and (0 <= value < most or (included and value == most)):
        return
    hint = f": for {value:g} degrees say {value:g} / 360" if _is_number(value) and value > 0 else ""
    _refuse(name, f"a fraction of a full turn from 0 to {words}", value, hint)


def _check_shift(shift: Any) -> None:
    if not isinstance(shift, tuple):
        _check_one_shift("shift", shift)
        return
    if len(shift) != 2:
        _refuse("shift", "one fraction, or a pair (of the height, of the width)", shift)
    for name, one in zip(("the shift of the height", "the shift of the width"), shift, strict=True):
        _check_one_shift(name, one)


def _check_one_shift(name: str, shift: Any) -> None:
    if not isinstance(shift, tuple):
        if not (_is_number(shift) and 0 <= shift < 1):
            hint = ": whole pixels to choose from are a tuple in a pair, such as ((0, 4), (0, 4))"
            _refuse(name, "a fraction of the size, 0 or more and below 1", shift, hint)
        return
    pixels = all(isinstance(value, int) and not isinstance(value, bool) for value in shift)
    fractions = all(isinstance(value, float) and -1 < value < 1 for value in shift)
    if not shift or not (pixels or fractions):
        _refuse(name, "values to choose from, all whole pixels or all fractions below 1", shift)


def _check_zoom(zoom: Any) -> None:
    if isinstance(zoom, tuple):
        _check_ends("zoom", zoom, "the ends (low, high) with 0 < low ≤ high", least=0)
        if zoom[0] == 0:
            _refuse("zoom", "the ends (low, high) with 0 < low ≤ high", zoom)
    elif not (_is_number(zoom) and 0 <= zoom < 1):
        _refuse("zoom", "a number of 0 or more and below 1, or the ends (low, high)", zoom)


def _check_ends(name: str, ends: Any, expected: str, *, least: float) -> None:
    good = isinstance(ends, tuple) and len(ends) == 2 and all(_is_number(end) for end in ends)
    if not good or not least <= ends[0] <= ends[1]:
        _refuse(name, expected, ends)


def _is_number(value: Any) -> bool:
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return real and math.isfinite(value)


def _refuse(name: str, expected: str, value: Any, hint: str = "") -> None:
    raise InputError(f"expected {name} to be {expected}, received {value!r}{hint}")
