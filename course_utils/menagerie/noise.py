"""Value noise: the soft blotches behind grounds, coats and light.

Random numbers on a coarse lattice, blended smoothly in between, make blotches of one size; a sum
of several sizes ("octaves") looks like cloud, earth or fur. Blending every picture anew would cost
more than drawing the animal. So each roughness is blended once, as a tile four pictures wide that
repeats without a seam, and a picture looks at the tile through a window of its own.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from course_utils.menagerie.dice import Dice

__all__ = ["OCTAVES", "window"]

# name: (blotches across one picture, amplitude of each octave)
OCTAVES = {
    "soft": ((2, 4, 8), (1.0, 0.55, 0.3)),
    "rough": ((2, 4, 8, 32), (1.0, 0.8, 0.64, 0.5)),
    "fine": ((16, 32, 64), (1.0, 0.8, 0.64)),
    "grain": ((), ()),  # every pixel for itself
}
_PICTURES = 4  # a tile is this many pictures wide
_SEED = 1959


def window(dice: Dice, kind: str, size: int) -> np.ndarray:
    """A random look at one kind of noise.

    Args:
        dice: Dice of the picture; three numbers are taken.
        kind: One of `OCTAVES`.
        size: Side of the picture in pixels.

    Returns:
        Read-only view, (size, size) float32, mean about 0, standard deviation about 1.

    Example:
        >>> window(Dice(0), "soft", 32).shape
        (32, 32)
    """
    tile = _tile(kind, size)
    left, top = (dice.below((_PICTURES - 1) * size) for _ in range(2))
    view = tile[top : top + size, left : left + size]
    return view[:, ::-1] if dice.chance(0.5) else view


@lru_cache(maxsize=16)
def _tile(kind: str, size: int) -> np.ndarray:
    """The tile of one kind of noise, (4 size, 4 size) float32."""
    side = _PICTURES * size
    octaves = [(cells, amplitude) for cells, amplitude in zip(*OCTAVES[kind], strict=True)]
    seen = [(c, a) for c, a in octaves if 2 * c <= size]  # the rest is finer than the pixels
    if not seen:
        # Uniform numbers in ±√3 have standard deviation 1.
        tile = np.random.default_rng((_SEED, side)).uniform(-(3**0.5), 3**0.5, (side, side))
        tile = tile.astype(np.float32)
    else:
        tile = sum(np.float32(a) * _octave(_PICTURES * c, side) for c, a in seen)
        # A smoothly blended lattice of uniform numbers in ±1 has standard deviation 0.42.
        tile *= np.float32(1.0 / (0.42 * sum(a * a for _, a in seen) ** 0.5))
    tile.setflags(write=False)
    return tile


def _octave(cells: int, side: int) -> np.ndarray:
    """One size of blotch on a torus, (side, side) float32 in ±1, alike at every `side`."""
    lattice = np.random.default_rng((_SEED, cells)).uniform(-1.0, 1.0, (cells, cells))
    lattice = lattice.astype(np.float32)
    place = np.arange(side) * cells / side
    cell = place.astype(int)
    share = (place - cell).astype(np.float32)
    share = share * share * (3.0 - 2.0 * share)  # no creases where two cells meet
    after = (cell + 1) % cells
    rows = lattice[cell] * (1.0 - share[:, None]) + lattice[after] * share[:, None]
    return rows[:, cell] * (1.0 - share) + rows[:, after] * share
