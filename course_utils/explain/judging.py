"""Do maps point at what is there? Judged by true masks, against what pointing blindly gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from course_utils.errors import InputError

__all__ = ["Pointing", "energy_inside", "pointing_game"]


@dataclass(frozen=True, eq=False)
class Pointing:
    """How often, or how far, maps lie where they should, and what two blind guesses reach.

    Attributes:
        values: float (count,), one for each picture whose mask holds something.
        centre: the mean that the middle of each picture reaches.
        random: the mean that a place drawn by chance reaches: the masks' share of the pictures.
        used: numbers of the pictures judged.
    """

    values: np.ndarray
    centre: float
    random: float
    used: np.ndarray

    @property
    def mean(self) -> float:
        """Of the values, in [0, 1]."""
        return float(self.values.mean())

    def __str__(self) -> str:
        return f"{self.mean:.3f}; the centre {self.centre:.3f}, chance {self.random:.3f}"


def pointing_game(maps: Any, masks: Any, *, tolerance: int = 0) -> Pointing:
    """How often the highest place of a map lies inside the mask (Zhang et al. 2018).

    Args:
        maps: (count, height, width), 0 or more: an explanation's `maps`. Where several places are
            equally high, each counts by its share; a map of zeros points nowhere and misses.
        masks: bool (count, height, width), what the maps should point at. Pictures with an empty
            mask are left out.
        tolerance: pixels that a peak may lie beside the mask (a square around it).

    Returns:
        Hits, 0 to 1 for each picture, with the two baselines.

    Raises:
        InputError: other shapes, negative or non-finite maps, no mask with something in it.

    Example:
        >>> maps = np.zeros((1, 4, 4))
        >>> maps[0, 1, 2] = 1
        >>> print(pointing_game(maps, maps > 0))
        1.000; the centre 0.250, chance 0.062
    """
    maps, masks, used = _checked(maps, masks)
    if isinstance(tolerance, bool) or not isinstance(tolerance, int) or tolerance < 0:
        raise InputError(f"expected a tolerance of 0 or more pixels, received {tolerance!r}")
    if tolerance:
        from scipy.ndimage import maximum_filter

        side = 2 * tolerance + 1
        masks = maximum_filter(masks, size=(1, side, side), mode="constant")
    peaks = maps.max(axis=(1, 2), keepdims=True)
    # Stretched maps differ by rounding where they are level.
    highest = (maps >= peaks * (1 - 1e-6)) & (peaks > 0)
    number = highest.sum(axis=(1, 2))
    inside = (highest & masks).sum(axis=(1, 2))
    hits = np.divide(inside, number, out=np.zeros(len(maps)), where=number > 0)
    return Pointing(hits, _at_the_centre(masks), float(masks.mean()), used)


def energy_inside(maps: Any, masks: Any) -> Pointing:
    """Which share of a map's sum lies inside the mask (Wang et al. 2020, "energy-based").

    Args:
        maps: as for `pointing_game`; a map of zeros has nothing inside.
        masks: likewise.

    Returns:
        Shares, 0 to 1 for each picture. The baselines are those of a single point; a level map
        reaches `random` too.

    Raises:
        InputError: as `pointing_game`.

    Example:
        >>> masks = np.zeros((1, 4, 4), bool)
        >>> masks[0, :2] = True
        >>> energy_inside(np.ones((1, 4, 4)), masks).mean
        0.5
    """
    maps, masks, used = _checked(maps, masks)
    whole = maps.sum(axis=(1, 2))
    inside = (maps * masks).sum(axis=(1, 2))
    shares = np.divide(inside, whole, out=np.zeros(len(maps)), where=whole > 0)
    return Pointing(shares, _at_the_centre(masks), float(masks.mean()), used)


def _at_the_centre(masks: np.ndarray) -> float:
    height, width = masks.shape[1:]
    # An even side has no middle pixel: the two, or four, around it count alike.
    rows = slice((height - 1) // 2, height // 2 + 1)
    columns = slice((width - 1) // 2, width // 2 + 1)
    return float(masks[:, rows, columns].mean())


def _checked(maps: Any, masks: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    maps, masks = np.asarray(maps, np.float64), np.asarray(masks)
    if maps.ndim != 3 or maps.shape != masks.shape:
        raise InputError(
            "expected maps and masks of one shape (count, height, width), received "
            f"{maps.shape} and {masks.shape}: give an explanation's `maps`, which are of the "
            "pictures' size"
        )
    if masks.dtype != bool:
        raise InputError(
            f"expected masks that are true or false, received {masks.dtype}: "
            "compare, for example part.parts != 0"
        )
    if not np.isfinite(maps).all() or maps.min(initial=0) < 0:
        raise InputError(
            "expected maps of finite values of 0 or more, received others: "
            "give an explanation's `maps`, not its `values`"
        )
    used = np.flatnonzero(masks.any(axis=(1, 2)))
    if not len(used):
        raise InputError("expected a mask with something in it, received only empty ones")
    return maps[used], masks[used], used
