"""From proportions to an animal: one code path for every kind.

A creature faces right and stands with its body around (0, 0). Layers come back to front: far legs
and tail, the trunk with the near legs, what lies on the back, ears and horns behind the head, the
head, the muzzle, hanging ears, the eyes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import SimpleNamespace

from course_utils.menagerie.creatures import Creature
from course_utils.menagerie.dice import Dice
from course_utils.menagerie.figure import Figure, Layer, around
from course_utils.menagerie.polygons import Cut, Shape
from course_utils.menagerie.shapes import Capsule, Ellipse, chain

__all__ = ["animal"]

HEADS = 1.45  # toy proportions: what tells a cat from a dog must survive 64 pixels
_HANGING = 1.9  # radians from upright beyond which an ear hangs in front of the head
_FAR, _LIGHT = 0.72, 1.22  # tones of what lies behind and of the muzzle


def animal(creature: Creature, dice: Dice) -> Figure:
    """One animal in a random pose.

    Args:
        creature: Ranges of its proportions.
        dice: Dice of the picture; every kind of animal takes as many numbers.

    Returns:
        Its figure. The box by which it is sized holds trunk, legs, neck and head, which cat and
        dog draw from the same ranges: neither is larger than the other.

    Example:
        >>> from course_utils.menagerie.creatures import CREATURES
        >>> animal(CREATURES["cat"], Dice(0)).span
        1.0
    """
    b = creature.sample(dice)
    sits = dice.chance(1 / 3)
    lean = (0.5 * min(1.0, b.leg_long / 0.2) if sits else 0.0) + dice.wobble(0.06)
    nod, yaw = dice.wobble(0.12), dice.between(0.2, 1.0)  # yaw: 0 looks at us, 1 to the side
    stance = dice.between(0.75, 1.0)
    swings = [dice.wobble(0.22) for _ in range(4)]
    ear_wobbles = [dice.wobble(0.12) for _ in range(2)]

    trunk = _Turned(0.0, 0.0, lean)
    shoulder = trunk.point(0.72 * b.body_long, 0.35 * b.body_high)
    reach = b.neck_long + HEADS * b.head_high * 1.05 + 0.05
    upward = b.neck_angle + 0.3 * lean + nod
    hx, hy = shoulder[0] + reach * math.cos(upward), shoulder[1] + reach * math.sin(upward)
    skull = _Turned(hx, hy, 0.8 * nod)

    body = Ellipse(0.0, 0.0, b.body_long, b.body_high, lean)
    neck = Capsule(*shoulder, hx, hy, 1.25 * HEADS * b.neck_thick, HEADS * b.neck_thick)
    head = Ellipse(hx, hy, HEADS * b.head_long, HEADS * b.head_high, skull.angle)
    legs = _legs(b, trunk, 0.6 * stance if sits else stance, swings)
    ears, linings = _ears(b, skull, yaw, ear_wobbles)

    layers = [
        _layer(legs[: b.legs // 2], "legs", "coat", _FAR),
        _layer(_tail(b, trunk), "tail", "coat", _FAR),
        *_behind(b, trunk),
    ]
    near = legs[b.legs // 2 :]
    names = ("body", "neck") + ("legs",) * len(near)
    layers.append(Layer((body, neck, *near), names, "coat", 1.0, 0.08))
    layers += _on_the_back(b, trunk)
    if b.mane:
        layers.append(_layer(_mane(hx, hy, HEADS * b.mane), "other", "accent"))
    hanging = b.ear_angle > _HANGING
    ear_layers = [_layer(ears, "ears", "coat", _FAR)]
    if not hanging:
        ear_layers.append(_layer(linings, "ears", "coat", _LIGHT))
        layers += ear_layers
    layers += _horns(b, skull)
    layers.append(_layer([head], "head", "coat"))
    layers += _face(b, skull, yaw, ear_layers if hanging else [])
    core = [body, neck, head, *legs]
    return Figure([layer for layer in layers if layer.shapes], around(core), (hx, hy), b.span)


class _Turned:
    """A corner of the animal with its own middle and turn: the trunk, or the head."""

    def __init__(self, x: float, y: float, angle: float) -> None:
        self.x, self.y, self.angle = x, y, angle
        self._cos, self._sin = math.cos(angle), math.sin(angle)

    def point(self, x: float, y: float) -> tuple[float, float]:
        cos, sin = self._cos, self._sin
        return self.x + x * cos - y * sin, self.y + x * sin + y * cos


def _layer(shapes: Sequence[Shape], part: str, paint: str, tone: float = 1.0) -> Layer:
    return Layer(tuple(shapes), (part,) * len(shapes), paint, tone)


def _legs(b: SimpleNamespace, trunk: _Turned, stance: float, swings: list[float]) -> list[Capsule]:
    """Far legs, then near legs: four, two in the middle, or none; all feet on one level."""
    sides = {4: (-0.62, 0.62), 2: (0.06,), 0: ()}[b.legs]
    hips = [
        trunk.point(side * b.body_long + step, -0.45 * b.body_high)
        for step in (0.09, -0.02)  # the far legs stand a little ahead
        for side in sides
    ]
    ground = min((y for _, y in hips), default=0.0) - (b.leg_long + 0.55 * b.body_high) * stance
    return [
        Capsule(x, y, x + (y - ground) * swing, ground, 1.25 * b.leg_thick, b.leg_thick)
        for (x, y), swing in zip(hips, swings, strict=False)
    ]


def _tail(b: SimpleNamespace, trunk: _Turned) -> tuple[Capsule, ...]:
    x, y = trunk.point(-0.92 * b.body_long, 0.25 * b.body_high)
    angle = math.pi - b.tail_angle + trunk.angle
    if b.tail_fork:
        ends = [(angle + side * b.tail_fork) for side in (-1, 1)]
        lobes = (chain(x, y, a, b.tail_long, b.tail_base, b.tail_tip, links=1) for a in ends)
        return tuple(capsule for lobe in lobes for capsule in lobe)
    links = 2 if b.tail_long < 0.3 else 5
    return chain(x, y, angle, b.tail_long, b.tail_base, b.tail_tip, bend=-b.tail_bend, links=links)


def _mane(x: float, y: float, radius: float) -> list[Ellipse]:
    """A disc and nine locks around it."""
    lock, ring = 0.36 * radius, 0.70 * radius
    turns = [(k + 0.5) * math.tau / 9 for k in range(9)]
    locks = [Ellipse(x + ring * math.cos(a), y + ring * math.sin(a), lock, lock) for a in turns]
    return [Ellipse(x, y, 0.85 * radius, 0.85 * radius), *locks]


def _behind(b: SimpleNamespace, trunk: _Turned) -> list[Layer]:
    """A hump or a back fin, rising from behind the body."""
    if not b.hump:
        return []
    x, y = trunk.point(0.0, 0.9 * b.body_high)
    return [_layer([Ellipse(x, y, 0.9 * b.hump, b.hump, trunk.angle)], "other", "coat", _FAR)]


def _on_the_back(b: SimpleNamespace, trunk: _Turned) -> list[Layer]:
    """Wool, a shell, a wing."""
    made = []
    if b.wool:
        places = [(t, 0.55 - 0.3 * t * t) for t in (-0.9, -0.3, 0.3, 0.9)]
        places += [(t, -0.25) for t in (-0.6, 0.0, 0.6)]
        lumps = [trunk.point(t * b.body_long, up * b.body_high) for t, up in places]
        made.append(_layer([Ellipse(x, y, b.wool, b.wool) for x, y in lumps], "body", "coat"))
    if b.shell:
        x, y = trunk.point(0.0, -0.35 * b.body_high)
        dome = Ellipse(x, y, 1.08 * b.body_long, b.shell, trunk.angle)
        made.append(_layer([Cut(dome, x, y, trunk.angle + math.pi / 2)], "other", "accent"))
    if b.wing:
        x, y = trunk.point(-0.15, 0.05)
        wing = Ellipse(x, y, 1.4 * b.wing, 0.75 * b.wing, trunk.angle - 0.3)
        made.append(_layer([wing], "other", "coat", _FAR))
    return made


def _ears(
    b: SimpleNamespace, skull: _Turned, yaw: float, wobbles: list[float]
) -> tuple[list[Capsule], list[Capsule]]:
    """Both ears and the lighter lining in each."""
    if not b.ear_long:
        return [], []
    ears, linings = [], []
    long = HEADS * b.ear_long
    for side, wobble in zip((-1, 1), wobbles, strict=True):
        out = side * HEADS * b.ear_out * (1.0 - 0.35 * yaw) - 0.05 * yaw
        x, y = skull.point(out, HEADS * b.ear_up)
        angle = math.pi / 2 - side * b.ear_angle + skull.angle + wobble
        cos, sin = math.cos(angle), math.sin(angle)
        base, tip = HEADS * b.ear_base, HEADS * b.ear_tip
        ears.append(Capsule(x, y, x + long * cos, y + long * sin, base, tip))
        near, far = 0.15 * long, 0.85 * long
        inner = (x + near * cos, y + near * sin, x + far * cos, y + far * sin)
        linings.append(Capsule(*inner, 0.5 * base, 0.5 * tip))
    return ears, linings


def _horns(b: SimpleNamespace, skull: _Turned) -> list[Layer]:
    if not b.horn_long:
        return []
    made: list[Shape] = []
    thick = HEADS * b.horn_thick
    for side in (-1, 1):
        x, y = skull.point(side * HEADS * b.ear_out * 0.6, HEADS * b.ear_up)
        angle = math.pi / 2 - side * b.horn_angle + skull.angle
        bend = side * b.horn_bend
        made += chain(x, y, angle, HEADS * b.horn_long, thick, 0.4 * thick, bend=bend)
    return [_layer(made, "other", "accent")]


def _face(b: SimpleNamespace, skull: _Turned, yaw: float, ears: list[Layer]) -> list[Layer]:
    """Muzzle and nose, hanging ears, eyes with a glint."""
    x, y = skull.point(0.25 * HEADS * b.head_long * yaw, -0.25 * HEADS * b.head_high)
    angle = b.muzzle_angle * (1.0 - 0.5 * yaw) - (1.0 - yaw) * 0.6 + skull.angle
    long = HEADS * b.muzzle_long * (0.75 + 0.5 * yaw) + 0.06
    cos, sin = math.cos(angle), math.sin(angle)
    base, tip = HEADS * b.muzzle_base, HEADS * b.muzzle_tip
    muzzle = Capsule(x, y, x + long * cos, y + long * sin, base, tip)
    ahead = long + 0.7 * tip
    nose = Ellipse(x + ahead * cos, y + ahead * sin, 0.035 + 0.1 * tip, 0.03 + 0.1 * tip, angle)
    eyes: list[Shape] = []
    glints: list[Shape] = []
    for side in (-1, 1):
        out = side * 0.085 * (1.0 - 0.3 * yaw) + 0.06 * yaw
        x, y = skull.point(HEADS * out, HEADS * 0.05)
        eyes.append(Ellipse(x, y, HEADS * 0.034, HEADS * 0.038, skull.angle))
        glints.append(Ellipse(x + HEADS * 0.01, y + HEADS * 0.014, HEADS * 0.011, HEADS * 0.011))
    return [
        _layer([muzzle], "muzzle", "coat", _LIGHT),
        _layer([nose], "muzzle", "ink"),
        *ears,
        _layer(eyes, "eyes", "ink"),
        _layer(glints, "eyes", "glint"),
    ]
