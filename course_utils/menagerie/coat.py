"""The coat: fur, paint or leaves, whatever wears it."""

from __future__ import annotations

import math

import numpy as np

from course_utils.menagerie.canvas import Canvas, clamp, luminance, ramp
from course_utils.menagerie.dice import Dice
from course_utils.menagerie.noise import window
from course_utils.menagerie.scene import Scene

__all__ = ["Coat"]

_PATTERNS = ("plain", "stripes", "patches", "spots")


class Coat:
    """A random coat: plain, striped, patched or spotted, the same law for every class.

    Of two colours drawn, the one further in brightness from the canvas as it is now is worn, so
    that few objects melt into their ground.

    Attributes:
        colour: The main colour as (red, green, blue), each from 0 to 1.
    """

    def __init__(self, canvas: Canvas, dice: Dice, scene: Scene) -> None:
        law = ((0.10, 0.75), (0.60, 1.0) if scene.backdrop == "dark" else (0.40, 1.0))
        main, other = dice.colour(*law), dice.colour(*law)
        ground = canvas.brightness()
        if abs(luminance(other) - ground) > abs(luminance(main) - ground):
            main = other
        self.colour = main
        change = dice.between(0.40, 0.70) if dice.chance(0.6) else dice.between(1.2, 1.6)
        self._second = tuple(min(max(c * change + dice.wobble(0.08), 0.03), 1.0) for c in main)
        self._pattern = _PATTERNS[dice.below(4)]
        self._angle, self._pitch = dice.between(0.0, math.pi), dice.between(0.10, 0.20)
        size = canvas.size
        self._soft, self._fine = window(dice, "soft", size), window(dice, "fine", size)

    def woven(self, canvas: Canvas) -> np.ndarray:
        """The coat over the whole canvas, (channels, size, size) float32."""
        grain = self._fine * 0.035
        grain += 1.0
        base = canvas.ink(self.colour)
        if self._pattern == "plain":
            return base * grain
        share = self._stripes(canvas.size) if self._pattern == "stripes" else self._blotches()
        share += 0.5
        clamp(share)
        worn = (canvas.ink(self._second) - base) * share
        worn += base
        worn *= grain
        return worn

    def _stripes(self, size: int) -> np.ndarray:
        """A zigzag across the coat, bent by the noise; half of it above 0."""
        line = ramp(size) * (1.0 / self._pitch)
        share = line * math.cos(self._angle) + (line * math.sin(self._angle))[:, None]
        share += 0.35 * self._soft
        share -= np.rint(share)
        np.abs(share, out=share)
        share -= 0.25
        share *= 8.0
        return share

    def _blotches(self) -> np.ndarray:
        """Half the coat in large patches, or a fifth of it in spots."""
        if self._pattern == "patches":
            return 3.0 * self._soft
        share = 4.0 * self._soft
        share -= 3.2
        return share
