"""Shapes described by their signed distance.

The signed distance of a point to a shape says how far the outline is: 0 on it, negative inside,
positive outside. With it a picture needs no polygons and no fill rule:

- a pixel is inside where the distance is below 0: an exact mask;
- the union of two shapes is the smaller of two distances, their overlap the larger;
- within half a pixel of the outline the distance says how much of the pixel is covered, which is
  all that is needed for smooth edges.

The formulas follow Inigo Quilez, "2D distance functions",
https://iquilezles.org/articles/distfunctions2d/, and "Smooth minimum",
https://iquilezles.org/articles/smin/. Circles, capsules of one width and boxes are exact. An
ellipse and a tapered capsule have an exact outline and a distance that is right to first order
near it, which is where it is used. Straight-sided shapes are in `polygons`.

A shape is a small tuple of numbers in whatever unit its maker uses. `placed` carries it into
another frame (for us: from units of the figure to pixels), `bounds` says where it lies, and
`distance` measures a grid given as a row of x and a column of y.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

__all__ = ["Bounds", "Capsule", "Ellipse", "Frame", "Ring", "chain"]

Bounds = tuple[float, float, float, float]  # left, lower y, right, upper y
_TINY = 1e-6


class Frame(NamedTuple):
    """A similarity: mirror (if `flip` is -1), turn, scale, turn the y axis down, then move.

    Figures are designed with y upwards; rows of a picture count downwards.
    """

    x: float
    y: float
    scale: float
    angle: float = 0.0
    flip: int = 1

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Where (x, y) of the figure falls in the picture."""
        cos, sin = self.scale * math.cos(self.angle), self.scale * math.sin(self.angle)
        x *= self.flip
        return self.x + cos * x - sin * y, self.y - sin * x - cos * y

    def turned(self, angle: float) -> float:
        """The angle that a direction of the figure has in the picture."""
        return -(self.angle + (angle if self.flip > 0 else math.pi - angle))


class Ellipse(NamedTuple):
    """Ellipse with centre (x, y), half axes rx and ry, rx lying along `angle`."""

    x: float
    y: float
    rx: float
    ry: float
    angle: float = 0.0

    def placed(self, frame: Frame) -> Ellipse:
        """The same ellipse in the picture."""
        scale = frame.scale
        turned = frame.turned(self.angle)
        return Ellipse(*frame.point(self.x, self.y), self.rx * scale, self.ry * scale, turned)

    def bounds(self) -> Bounds:
        """The smallest upright box around it."""
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        wide = math.hypot(self.rx * cos, self.ry * sin)
        high = math.hypot(self.rx * sin, self.ry * cos)
        return self.x - wide, self.y - high, self.x + wide, self.y + high

    def distance(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Signed distance on the grid of a row x and a column y."""
        rx, ry = self.rx, self.ry
        x, y = x - self.x, y - self.y
        if rx == ry:
            squares = x * x + y * y
            np.sqrt(squares, out=squares)
            squares -= rx
            return squares
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        along = x * (cos / rx) + y * (sin / rx)
        across = x * (-sin / ry) + y * (cos / ry)
        # f = |p/r| is 1 on the outline; f (f - 1) / |p/r²| divides f - 1 by its slope.
        along *= along
        across *= across
        # The tiny number keeps the quotient finite, and negative, at the very middle.
        f = along + across
        f += _TINY
        np.sqrt(f, out=f)
        along *= 1.0 / (rx * rx)
        across *= 1.0 / (ry * ry)
        along += across
        along += _TINY / (rx * ry)
        np.sqrt(along, out=along)
        np.divide(f, along, out=along)
        f -= 1.0
        along *= f
        return along


class Ring(NamedTuple):
    """Outline of an ellipse drawn with a pen of half width `pen`."""

    x: float
    y: float
    rx: float
    ry: float
    pen: float
    angle: float = 0.0

    def placed(self, frame: Frame) -> Ring:
        """The same ring in the picture."""
        x, y, rx, ry, angle = self._line().placed(frame)
        return Ring(x, y, rx, ry, self.pen * frame.scale, angle)

    def bounds(self) -> Bounds:
        """The smallest upright box around it."""
        return _grown(self._line().bounds(), self.pen)

    def distance(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Signed distance on the grid of a row x and a column y."""
        d = self._line().distance(x, y)
        np.abs(d, out=d)
        d -= self.pen
        return d

    def _line(self) -> Ellipse:
        return Ellipse(self.x, self.y, self.rx, self.ry, self.angle)


class Capsule(NamedTuple):
    """Segment from (ax, ay) to (bx, by) with round ends; its radius goes from ra to rb."""

    ax: float
    ay: float
    bx: float
    by: float
    ra: float
    rb: float

    def placed(self, frame: Frame) -> Capsule:
        """The same capsule in the picture."""
        a, b = frame.point(self.ax, self.ay), frame.point(self.bx, self.by)
        return Capsule(*a, *b, self.ra * frame.scale, self.rb * frame.scale)

    def bounds(self) -> Bounds:
        """The smallest upright box around it."""
        ax, ay, bx, by, ra, rb = self
        return (
            min(ax - ra, bx - rb),
            min(ay - ra, by - rb),
            max(ax + ra, bx + rb),
            max(ay + ra, by + rb),
        )

    def distance(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Signed distance on the grid of a row x and a column y."""
        ax, ay, bx, by, ra, rb = self
        ux, uy = bx - ax, by - ay
        square = ux * ux + uy * uy + _TINY
        x, y = x - ax, y - ay
        # How far along the segment the nearest point lies, from 0 at a to 1 at b.
        share = x * (ux / square) + y * (uy / square)
        np.maximum(share, 0.0, out=share)
        np.minimum(share, 1.0, out=share)
        dx = share * -ux
        dx += x
        dx *= dx
        dy = share * -uy
        dy += y
        dy *= dy
        dx += dy
        np.sqrt(dx, out=dx)
        share *= rb - ra
        share += ra
        dx -= share
        return dx


def chain(
    x: float,
    y: float,
    angle: float,
    length: float,
    ra: float,
    rb: float,
    *,
    bend: float = 0.0,
    links: int = 3,
) -> tuple[Capsule, ...]:
    """A bent limb (tail, horn, stalk): capsules end to end, the whole turning by `bend` radians.

    Returns:
        `links` capsules from (x, y) on; the radius goes evenly from ra to rb.

    Example:
        >>> [round(link.bx, 2) for link in chain(0.0, 0.0, 0.0, 3.0, 0.1, 0.1, links=3)]
        [1.0, 2.0, 3.0]
    """
    made = []
    step, turn, grow = length / links, bend / links, (rb - ra) / links
    for link in range(links):
        bx, by = x + step * math.cos(angle), y + step * math.sin(angle)
        made.append(Capsule(x, y, bx, by, ra + grow * link, ra + grow * (link + 1)))
        x, y, angle = bx, by, angle + turn
    return tuple(made)


def _grown(bounds: Bounds, by: float) -> Bounds:
    left, low, right, high = bounds
    return left - by, low - by, right + by, high + by
