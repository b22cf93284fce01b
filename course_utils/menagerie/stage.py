"""What surrounds the object: backdrop, clutter and shadow.

Nothing here is told the class.
"""

from __future__ import annotations

import math

import numpy as np

from course_utils.menagerie.canvas import Canvas, Colour, clamp, ramp
from course_utils.menagerie.dice import Dice
from course_utils.menagerie.noise import window
from course_utils.menagerie.polygons import Box, Shape
from course_utils.menagerie.scene import Scene
from course_utils.menagerie.shapes import Capsule, Ellipse

__all__ = ["backdrop", "clutter", "shadow"]

Trifle = tuple[Shape, Colour]


def backdrop(canvas: Canvas, dice: Dice, scene: Scene) -> None:
    """Fill the canvas with sky and ground, or with a nearly black ground."""
    size = canvas.size
    if scene.backdrop == "dark":
        canvas.image[:] = canvas.ink(dice.colour((0.0, 0.4), (0.02, 0.10)))
        canvas.image *= 1.0 + 0.25 * window(dice, "soft", size)
        return
    # Two neighbouring hues above the skyline, two below it.
    sky, earth_hue = dice.between(0.0, 1.0), dice.between(0.0, 1.0)
    high, low, land, mould = (
        canvas.ink(dice.colour(saturation, value, hue=(hue - 0.08, hue + 0.08)))
        for hue, saturation, value in (
            (sky, (0.15, 0.55), (0.50, 0.95)),
            (sky, (0.05, 0.30), (0.75, 1.00)),
            (earth_hue, (0.15, 0.60), (0.30, 0.80)),
            (earth_hue, (0.15, 0.60), (0.30, 0.85)),
        )
    )
    soft, rough = window(dice, "soft", size), window(dice, "rough", size)
    down = ramp(size)[:, None]
    # The sky goes from one colour to another downwards and in clouds.
    share = soft * dice.between(0.06, 0.20)
    share += down
    clamp(share)
    image = canvas.image
    np.multiply(low - high, share, out=image)
    image += high
    # A skyline in most pictures; beneath it the ground, flat or hilly.
    skyline = dice.between(0.25, 1.15)
    hills = dice.between(0.0, 0.06)
    ground = soft * hills
    ground += down - skyline
    ground *= size * 0.5
    clamp(ground)
    share = rough * 0.30
    share += 0.5
    clamp(share)
    share *= dice.between(0.2, 0.8)
    earth = (mould - land) * share
    earth += land
    earth -= image
    earth *= ground
    image += earth
    fleck = window(dice, "fine", size) * dice.between(0.01, 0.07)
    fleck += 1.0
    image *= fleck


def clutter(dice: Dice, size: int, count: int, *, radius: tuple[float, float]) -> list[Trifle]:
    """Logs, stones and crates of any colour, anywhere.

    Args:
        dice: Dice of the picture.
        size: Side of the picture in pixels.
        count: How many.
        radius: Smallest and largest, as a share of half the picture's side.

    Returns:
        Pairs of a shape in pixels and its colour.
    """
    made: list[Trifle] = []
    half = size / 2
    for number in range(count):
        x, y = dice.between(0, size), dice.between(0, size)
        r, angle = half * dice.between(*radius), dice.between(0, math.tau)
        slim, colour = dice.between(0.0, 1.0), dice.colour((0.05, 0.65), (0.2, 0.95))
        shape: Shape
        if number % 3 == 0:
            far = x + 2.2 * r * math.cos(angle), y + 2.2 * r * math.sin(angle)
            shape = Capsule(x, y, *far, 0.55 * r, r * (0.1 + 0.5 * slim))
        elif number % 3 == 1:
            shape = Ellipse(x, y, r, r * (0.4 + 0.6 * slim), angle)
        else:
            shape = Box(x, y, r, r * (0.15 + 0.55 * slim), angle, 0.1 * r)
        made.append((shape, colour))
    return made


def shadow(canvas: Canvas, x: float, y: float, wide: float, strength: float) -> None:
    """Darken the ground beneath the object, most under its middle (pixels)."""
    size, high = canvas.size, 0.22 * wide
    r0, r1 = max(math.floor(y - high), 0), min(math.ceil(y + high) + 1, size)
    c0, c1 = max(math.floor(x - wide), 0), min(math.ceil(x + wide) + 1, size)
    if r0 >= r1 or c0 >= c1:
        return
    line = np.arange(size, dtype=np.float32)
    across, down = (line[c0:c1] - x) / wide, (line[r0:r1] - y) / high
    fall = 1.0 - (across * across + (down * down)[:, None])
    np.maximum(fall, 0.0, out=fall)
    fall *= -strength
    fall += 1.0
    canvas.image[:, r0:r1, c0:c1] *= fall
