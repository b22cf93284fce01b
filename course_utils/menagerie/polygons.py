"""Straight-sided shapes by their signed distance, and cutting a shape along a line.

`shapes` says what a signed distance is. The rounded box is Quilez's exact formula; polygon and cut
take the largest of several distances, which is exact inside and too small outside a corner. That
rounds no outline, it only makes a smooth edge a trifle wider there.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from course_utils.menagerie.shapes import Bounds, Capsule, Ellipse, Frame, Ring

__all__ = ["Box", "Cut", "Shape", "Wedge"]

_TINY = 1e-6


class Box(NamedTuple):
    """Rectangle with centre (x, y), half sides wide and high, corners rounded by `corner`."""

    x: float
    y: float
    wide: float
    high: float
    angle: float = 0.0
    corner: float = 0.02

    def placed(self, frame: Frame) -> Box:
        """The same box in the picture."""
        scale = frame.scale
        sides = (self.wide * scale, self.high * scale)
        centre = frame.point(self.x, self.y)
        return Box(*centre, *sides, frame.turned(self.angle), self.corner * scale)

    def bounds(self) -> Bounds:
        """The smallest upright box around it."""
        cos, sin = abs(math.cos(self.angle)), abs(math.sin(self.angle))
        wide, high = self.wide * cos + self.high * sin, self.wide * sin + self.high * cos
        return self.x - wide, self.y - high, self.x + wide, self.y + high

    def distance(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Signed distance on the grid of a row x and a column y."""
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        x, y = x - self.x, y - self.y
        along, across = x * cos + y * sin, x * -sin + y * cos
        np.abs(along, out=along)
        np.abs(across, out=across)
        corner = min(self.corner, self.wide, self.high)
        along -= self.wide - corner
        across -= self.high - corner
        inside = np.maximum(along, across)
        np.minimum(inside, 0.0, out=inside)
        np.maximum(along, 0.0, out=along)
        np.maximum(across, 0.0, out=across)
        along *= along
        across *= across
        along += across
        np.sqrt(along, out=along)
        along += inside
        along -= corner
        return along


class Wedge(NamedTuple):
    """Convex polygon, its corners given in order; exact inside and along its sides."""

    corners: tuple[tuple[float, float], ...]

    def placed(self, frame: Frame) -> Wedge:
        """The same polygon in the picture."""
        return Wedge(tuple(frame.point(x, y) for x, y in self.corners))

    def bounds(self) -> Bounds:
        """The smallest upright box around it."""
        xs, ys = [x for x, _ in self.corners], [y for _, y in self.corners]
        return min(xs), min(ys), max(xs), max(ys)

    def distance(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Signed distance on the grid of a row x and a column y."""
        nexts = self.corners[1:] + self.corners[:1]
        sides = list(zip(self.corners, nexts, strict=True))
        area = sum(ax * by - bx * ay for (ax, ay), (bx, by) in sides)
        way = math.copysign(1.0, area)
        d = None
        for (ax, ay), (bx, by) in sides:
            length = math.hypot(bx - ax, by - ay) * way
            nx, ny = (by - ay) / length, (ax - bx) / length
            side = (x - ax) * nx + (y - ay) * ny
            d = side if d is None else np.maximum(d, side, out=d)
        return d


class Cut(NamedTuple):
    """What is left of a shape on the far side of a line through (x, y) looking along `angle`."""

    shape: Ellipse | Capsule | Box
    x: float
    y: float
    angle: float

    def placed(self, frame: Frame) -> Cut:
        """The same cut shape in the picture."""
        point = frame.point(self.x, self.y)
        return Cut(self.shape.placed(frame), *point, frame.turned(self.angle))

    def bounds(self) -> Bounds:
        """A box around it: that of the whole shape, clipped if the line is level or upright."""
        left, low, right, high = self.shape.bounds()
        if abs(math.sin(self.angle) - 1.0) < _TINY:
            low = max(low, self.y)
        if abs(math.sin(self.angle) + 1.0) < _TINY:
            high = min(high, self.y)
        return left, low, right, high

    def distance(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Signed distance on the grid of a row x and a column y."""
        d = self.shape.distance(x, y)
        line = (self.x - x) * math.cos(self.angle) + (self.y - y) * math.sin(self.angle)
        return np.maximum(d, line, out=d)


Shape = Ellipse | Ring | Capsule | Box | Wedge | Cut
