"""The camera: exposure, cast, contrast, vignette, grain."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from course_utils.menagerie.canvas import Canvas, clamp, ramp
from course_utils.menagerie.dice import Dice
from course_utils.menagerie.noise import window
from course_utils.menagerie.scene import Scene

__all__ = ["Camera"]


class Camera:
    """Settings of one shot, chosen before the object is known."""

    def __init__(self, canvas: Canvas, dice: Dice, scene: Scene) -> None:
        channels, size = canvas.channels, canvas.size
        exposure, contrast = dice.between(0.80, 1.20), dice.between(0.85, 1.20)
        cast = [dice.between(0.94, 1.06) for _ in range(3)]
        vignette, grain = dice.between(0.0, 0.25), dice.between(0.1, 1.0) * scene.grain
        tint = np.array(cast if channels == 3 else [1.0], np.float32).reshape(-1, 1, 1)
        self._gain = (tint * (exposure * contrast)) * (1.0 - vignette * _corners(size))
        # Contrast turns about a mid grey; a dark ground stays dark.
        self._lift = 0.0 if scene.backdrop == "dark" else 0.5 * (1.0 - contrast)
        self._grain = grain
        self._noise = [window(dice, "grain", size) for _ in range(3)][:channels]

    def develop(self, canvas: Canvas) -> np.ndarray:
        """The finished picture, (size, size, channels) uint8; the canvas is used up."""
        image = canvas.image
        image *= self._gain
        for channel, noise in zip(image, self._noise, strict=True):
            channel += noise * self._grain
        image += self._lift
        clamp(image)
        image *= 255.0
        image += 0.5  # to the nearest whole number
        return image.astype(np.uint8).transpose(1, 2, 0)


@lru_cache(maxsize=16)
def _corners(size: int) -> np.ndarray:
    """Squared distance from the middle, 1 in the corners, (size, size) float32."""
    line = 2.0 * ramp(size) - 1.0
    corners = 0.5 * (line * line + (line * line)[:, None])
    corners.setflags(write=False)
    return corners
