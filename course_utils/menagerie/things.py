"""Ten things, each a few lines of shapes.

Their proportions are drawn anew for every picture. `coat` paints the main piece ("body"), `second`,
`accent` and `ink` the rest ("other").
"""

from __future__ import annotations

import math
from collections.abc import Callable

from course_utils.menagerie.dice import Dice
from course_utils.menagerie.figure import Figure, Layer, around
from course_utils.menagerie.polygons import Box, Cut, Shape, Wedge
from course_utils.menagerie.shapes import Capsule, Ellipse, Ring, chain

__all__ = ["MAKERS", "thing"]

_UP, _DOWN = math.pi / 2, -math.pi / 2


def thing(name: str, dice: Dice) -> Figure:
    """One thing with random proportions.

    Args:
        name: One of `MAKERS`.
        dice: Dice of the picture.

    Returns:
        Its figure; the box by which it is sized holds all of it.
    """
    layers = MAKERS[name](dice.between)
    left, low, right, high = box = around([shape for layer in layers for shape in layer.shapes])
    return Figure(layers, box, ((left + right) / 2, (low + high) / 2))


Between = Callable[[float, float], float]


def _body(*shapes: Shape, paint: str = "coat", blend: float = 0.0) -> Layer:
    return Layer(shapes, ("body",) * len(shapes), paint, 1.0, blend)


def _other(*shapes: Shape, paint: str = "second", tone: float = 1.0) -> Layer:
    return Layer(shapes, ("other",) * len(shapes), paint, tone)


def _car(u: Between) -> list[Layer]:
    wide, high, wheel = u(0.60, 0.75), u(0.13, 0.18), u(0.15, 0.19)
    roof, cabin, lean = wide * u(0.40, 0.58), u(0.26, 0.34), u(-0.12, 0.04) * wide
    axles = [(s * 0.60 * wide, -high - 0.04) for s in (-1, 1)]
    glass = 0.72 * roof, high + 0.42 * cabin
    shell = Wedge(
        (
            (lean - 1.25 * roof, high - 0.04),
            (lean + 1.25 * roof, high - 0.04),
            (lean + 0.85 * roof, high + cabin),
            (lean - 0.85 * roof, high + cabin),
        )
    )
    return [
        _body(shell, Box(0, 0, wide, high, 0, 0.10)),
        _other(
            Box(lean - 0.45 * roof, glass[1], 0.40 * roof, 0.30 * cabin, 0, 0.03),
            Box(lean + 0.45 * roof, glass[1], 0.40 * roof, 0.30 * cabin, 0, 0.03),
        ),
        _other(*(Ellipse(x, y, wheel, wheel) for x, y in axles), paint="ink"),
        _other(*(Ellipse(x, y, 0.42 * wheel, 0.42 * wheel) for x, y in axles), paint="accent"),
    ]


def _house(u: Between) -> list[Layer]:
    wide, high, eaves = u(0.40, 0.55), u(0.30, 0.42), u(0.08, 0.14)
    top = u(0.40, 0.60)
    door, pane = u(-0.5, 0.5) * wide, u(0.08, 0.11)
    window_x = door + math.copysign(0.75 * wide, -door) * 0.75
    chimney = u(0.25, 0.45) * wide
    return [
        _other(Box(chimney, high + 0.62 * top, 0.07, 0.35 * top), paint="accent"),
        _body(Box(0, 0, wide, high)),
        _other(Wedge(((-wide - eaves, high), (wide + eaves, high), (0, high + top)))),
        _other(Box(door, -0.45 * high, u(0.08, 0.11), 0.55 * high), paint="ink"),
        _other(Box(window_x, 0.15 * high, pane, pane), paint="glint", tone=0.9),
    ]


def _tree(u: Between) -> list[Layer]:
    crown = [
        Ellipse(u(-0.38, -0.24), u(0.00, 0.18), u(0.26, 0.34), u(0.25, 0.32)),
        Ellipse(u(0.24, 0.38), u(0.00, 0.18), u(0.26, 0.34), u(0.25, 0.32)),
        Ellipse(u(-0.18, 0.18), u(0.30, 0.50), u(0.30, 0.38), u(0.26, 0.34)),
        Ellipse(u(-0.10, 0.10), u(0.05, 0.20), 0.32, 0.30),
    ]
    trunk = Capsule(0, -0.62, u(-0.08, 0.08), 0.0, u(0.12, 0.16), u(0.07, 0.09))
    return [_other(trunk), _body(*crown, blend=0.06)]


def _cup(u: Between) -> list[Layer]:
    wide, high, taper = u(0.28, 0.38), u(0.30, 0.42), u(0.70, 0.95)
    corners = ((-wide, high), (wide, high), (wide * taper, -high), (-wide * taper, -high))
    handle = Ring(wide * 0.95, 0.05 * high, u(0.18, 0.24), u(0.55, 0.68) * high, 0.05)
    rim = u(0.06, 0.10)
    return [
        _other(handle, paint="coat", tone=0.8),
        _body(Wedge(corners), Ellipse(0, -high, wide * taper, 0.06), blend=0.04),
        _other(Ellipse(0, high, wide + 0.02, rim)),
        _other(Ellipse(0, high, wide - 0.05, 0.55 * rim), paint="ink"),
    ]


def _mushroom(u: Between) -> list[Layer]:
    wide, high, foot = u(0.45, 0.60), u(0.34, 0.46), u(0.14, 0.20)
    spots = [
        Ellipse(u(-0.6, -0.35) * wide, u(0.25, 0.45) * high, 0.08, 0.07),
        Ellipse(u(-0.1, 0.15) * wide, u(0.5, 0.7) * high, 0.09, 0.08),
        Ellipse(u(0.35, 0.6) * wide, u(0.2, 0.4) * high, 0.07, 0.06),
    ]
    return [
        _other(Capsule(0, -0.55, 0, 0.0, foot, 0.75 * foot)),
        _body(Cut(Ellipse(0, 0, wide, high), 0, -0.06, _UP)),
        _other(*spots, paint="glint", tone=0.92),
    ]


def _boat(u: Between) -> list[Layer]:
    wide, deep, mast = u(0.60, 0.75), u(0.30, 0.40), u(0.75, 0.95)
    boom, jib = u(0.42, 0.60), u(0.28, 0.45)
    return [
        _other(Capsule(0, -0.1, 0, mast, 0.035, 0.025), paint="ink"),
        _other(Wedge(((0.05, 0.03), (boom, 0.03), (0.05, mast - 0.04)))),
        _other(Wedge(((-0.05, 0.05), (-jib, 0.05), (-0.05, 0.75 * mast))), paint="accent"),
        _body(Cut(Ellipse(0, -0.08, wide, deep), 0, -0.08, _DOWN)),
    ]


def _flower(u: Between) -> list[Layer]:
    ring, first, petals = u(0.24, 0.30), u(0.0, 1.0), 6
    angles = [first + math.tau * k / petals for k in range(petals)]
    blossom = [
        Ellipse(ring * math.cos(a), 0.3 + ring * math.sin(a), 0.62 * ring, 0.40 * ring, a)
        for a in angles
    ]
    sway, leaf = u(-0.5, 0.5), u(0.22, 0.30)
    return [
        _other(*chain(0, 0.2, _DOWN, 0.95, 0.035, 0.035, bend=sway)),
        _other(
            Ellipse(-0.6 * leaf, -0.42, leaf * 0.62, 0.07, -0.5),
            Ellipse(0.6 * leaf, -0.32, leaf * 0.62, 0.07, 0.5),
        ),
        _body(*blossom),
        _other(Ellipse(0, 0.3, 0.48 * ring, 0.48 * ring), paint="accent"),
    ]


def _lamp(u: Between) -> list[Layer]:
    top, bottom, foot = u(0.14, 0.24), u(0.36, 0.48), u(0.24, 0.34)
    shade = Wedge(((-bottom, 0.1), (bottom, 0.1), (top, 0.6), (-top, 0.6)))
    return [
        _other(Capsule(0, -0.62, 0, 0.3, 0.035, 0.035), paint="ink"),
        _other(Ellipse(0, -0.64, foot, u(0.06, 0.09)), paint="ink"),
        _body(shade),
    ]


def _chair(u: Between) -> list[Layer]:
    wide, seat, back = u(0.30, 0.40), u(0.05, 0.08), u(0.60, 0.80)
    leg, pen, lean = u(0.45, 0.60), u(0.04, 0.055), u(0.02, 0.12)
    post = wide - pen
    legs = [Capsule(x, 0, x * 1.08, -leg, pen, 0.8 * pen) for x in (-post, post)]
    rear = [Capsule(x, 0, x, -0.85 * leg, pen, 0.8 * pen) for x in (-0.45 * post, 0.7 * post)]
    rest = Capsule(-post, 0, -post - lean, back, 1.3 * pen, 1.3 * pen)
    return [
        _other(*rear, paint="coat", tone=0.6),
        _other(*legs, paint="second"),
        _body(rest, Box(0, 0.02, wide + 0.03, seat, 0, 0.04)),
    ]


def _key(u: Between) -> list[Layer]:
    bow, pen, long = u(0.20, 0.27), u(0.06, 0.085), u(0.75, 0.95)
    tooth, second = u(0.16, 0.24), u(0.12, 0.20)
    shaft = Capsule(bow, 0, bow + long, 0, 0.055, 0.055)
    end = bow + long
    bits = [
        Box(end - 0.04, -tooth / 2, 0.05, tooth / 2 + 0.05),
        Box(end - 0.22, -second / 2, 0.05, second / 2 + 0.05),
    ]
    return [_body(Ring(0, 0, bow, bow * u(0.9, 1.2), pen), shaft, *bits)]


MAKERS: dict[str, Callable[[Between], list[Layer]]] = {
    "car": _car,
    "house": _house,
    "tree": _tree,
    "cup": _cup,
    "mushroom": _mushroom,
    "boat": _boat,
    "flower": _flower,
    "lamp": _lamp,
    "chair": _chair,
    "key": _key,
}
