"""The dice of one picture: named ways of asking one random stream for a number.

Every picture has its own stream, seeded by (seed, number of the picture), so that a picture is the
same whoever draws it, alone or among thousands.
"""

from __future__ import annotations

import colorsys
from collections.abc import Iterator

import numpy as np

__all__ = ["Dice"]

_BLOCK = 128  # uniform numbers fetched at once: asking NumPy for them singly costs 1 µs each


class Dice:
    """Random choices of one picture, all taken from one seeded stream.

    Args:
        *entropy: Whole numbers from 0 to 2**32 - 1 that name the stream, such as (seed, number).

    Example:
        >>> Dice(7, 3).between(2.0, 4.0) == Dice(7, 3).between(2.0, 4.0)
        True
    """

    def __init__(self, *entropy: int) -> None:
        self._generator = np.random.default_rng(entropy)
        self._uniforms = self._refilled()

    def _refilled(self) -> Iterator[float]:
        while True:
            yield from self._generator.random(_BLOCK).tolist()

    def between(self, low: float, high: float) -> float:
        """A number drawn evenly from low to high."""
        return low + (high - low) * next(self._uniforms)

    def below(self, limit: int) -> int:
        """A whole number drawn evenly from 0, 1, …, limit - 1."""
        return int(limit * next(self._uniforms))

    def chance(self, probability: float) -> bool:
        """True with the probability given."""
        return next(self._uniforms) < probability

    def wobble(self, spread: float) -> float:
        """A bell-shaped number around 0 with standard deviation `spread`, never beyond 3 of them.

        The sum of three uniform numbers, each of variance 1/12, has standard deviation 1/2.
        """
        three = next(self._uniforms) + next(self._uniforms) + next(self._uniforms)
        return (three - 1.5) * 2.0 * spread

    def colour(
        self,
        saturation: tuple[float, float],
        value: tuple[float, float],
        *,
        hue: tuple[float, float] = (0.0, 1.0),
    ) -> tuple[float, float, float]:
        """A colour as (red, green, blue), each from 0 to 1; any hue if none is asked for.

        Hue goes round: 0 and 1 are red, 1/3 green, 2/3 blue, and -0.1 is 0.9.
        """
        turn = self.between(*hue) % 1.0
        return colorsys.hsv_to_rgb(turn, self.between(*saturation), self.between(*value))
