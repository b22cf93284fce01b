"""What a drawn object is made of, before it has a colour, a size or a place."""

from __future__ import annotations

from typing import NamedTuple

from course_utils.menagerie.polygons import Shape
from course_utils.menagerie.shapes import Bounds

__all__ = ["PARTS", "Figure", "Layer", "number"]

PARTS = (
    "background",
    "body",
    "legs",
    "tail",
    "neck",
    "head",
    "ears",
    "muzzle",
    "eyes",
    "other",
)
"""Names of the numbers in a part map. A thing has only "body", its main piece, and "other"."""

_NUMBERS = {name: number for number, name in enumerate(PARTS)}


class Layer(NamedTuple):
    """Shapes painted together, in units of the figure with y upwards.

    `parts` names the part of each shape. `paint` says what they are painted with: "coat" or
    "second", two coats; "accent", a plain colour; "ink", nearly black; "glint", white.
    """

    shapes: tuple[Shape, ...]
    parts: tuple[str, ...]
    paint: str
    tone: float = 1.0
    blend: float = 0.0


class Figure(NamedTuple):
    """Layers from back to front, the box by which the figure is sized, and where its head is."""

    layers: list[Layer]
    box: Bounds
    head: tuple[float, float]
    span: float = 1.0


def number(part: str) -> int:
    """The number of a part in a part map."""
    return _NUMBERS[part]


def around(shapes: list[Shape]) -> Bounds:
    """The smallest upright box around several shapes."""
    lefts, lows, rights, highs = zip(*(shape.bounds() for shape in shapes), strict=True)
    return min(lefts), min(lows), max(rights), max(highs)
