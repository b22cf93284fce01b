"""The animals, each a row of ranges.

All animals are drawn by the same code; an animal *is* its proportions. The unit of length is about
one body. Angles are in radians. Every number of an animal is drawn anew for every picture, evenly
from its range (low, high); what a row leaves out has the range given here.

Cat and dog differ in their ears, their muzzle and their tail, and in nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from types import SimpleNamespace

from course_utils.menagerie.dice import Dice

__all__ = ["CREATURES", "Creature"]

Range = tuple[float, float]
_NONE: Range = (0.0, 0.0)


@dataclass(frozen=True, kw_only=True)
class Creature:
    """Ranges of an animal's proportions; half axes for body and head, radii for limbs."""

    legs: int = 4
    span: float = 1.0  # how much more of the picture its long tail, horns or trunk need
    body_long: Range = (0.40, 0.50)
    body_high: Range = (0.20, 0.27)
    leg_long: Range = (0.22, 0.34)
    leg_thick: Range = (0.045, 0.065)
    neck_long: Range = (0.02, 0.10)
    neck_angle: Range = (0.5, 1.0)  # above the horizontal
    neck_thick: Range = (0.10, 0.14)
    head_long: Range = (0.19, 0.24)
    head_high: Range = (0.17, 0.22)
    ear_angle: Range = (0.2, 0.5)  # from upright; more than 1.9 hangs, painted over the head
    ear_long: Range = (0.16, 0.22)  # 0: no ears
    ear_base: Range = (0.07, 0.09)
    ear_tip: Range = (0.005, 0.015)
    ear_out: Range = (0.10, 0.13)  # where it grows: sideways and up from the head's middle
    ear_up: Range = (0.12, 0.15)
    muzzle_long: Range = (0.08, 0.12)
    muzzle_base: Range = (0.09, 0.11)
    muzzle_tip: Range = (0.07, 0.09)
    muzzle_angle: Range = (-0.5, -0.1)
    tail_long: Range = (0.4, 0.6)
    tail_base: Range = (0.04, 0.05)
    tail_tip: Range = (0.02, 0.03)
    tail_angle: Range = (0.2, 1.0)  # above the horizontal, backwards
    tail_bend: Range = (-1.3, 1.3)  # positive: curls forwards over the back
    tail_fork: Range = _NONE  # half the angle between two lobes of a fin
    horn_long: Range = _NONE
    horn_angle: Range = (0.3, 0.6)
    horn_thick: Range = (0.03, 0.04)
    horn_bend: Range = _NONE
    mane: Range = _NONE  # radius of a collar around the head
    wing: Range = _NONE
    wool: Range = _NONE  # radius of lumps along the back
    hump: Range = _NONE  # radius of a hump or back fin
    shell: Range = _NONE  # height of a dome over the body

    def sample(self, dice: Dice) -> SimpleNamespace:
        """One animal of this kind: a number for every range, in the order of the fields.

        As many numbers are taken from the dice for every kind of animal, so that everything drawn
        afterwards is the same too.
        """
        numbers = {
            name: dice.between(*value) if isinstance(value, tuple) else value
            for name, value in ((name, getattr(self, name)) for name in _FIELDS)
        }
        return SimpleNamespace(**numbers)


_FIELDS = tuple(field.name for field in fields(Creature))

CREATURES: dict[str, Creature] = {
    "cat": Creature(
        ear_angle=(0.12, 0.42), ear_long=(0.15, 0.22), ear_base=(0.07, 0.09), ear_tip=(0.0, 0.012),
        muzzle_long=(0.05, 0.09),
        tail_long=(0.55, 0.85), tail_base=(0.035, 0.05), tail_tip=(0.025, 0.04),
    ),
    "dog": Creature(
        ear_angle=(2.2, 2.9), ear_long=(0.15, 0.24), ear_base=(0.045, 0.06), ear_tip=(0.06, 0.085),
        ear_out=(0.14, 0.18), ear_up=(0.08, 0.13),
        muzzle_long=(0.15, 0.23),
        tail_long=(0.35, 0.60), tail_base=(0.04, 0.055), tail_tip=(0.012, 0.03),
    ),
    "fox": Creature(
        ear_angle=(0.15, 0.4), ear_long=(0.17, 0.23),
        muzzle_long=(0.22, 0.30), muzzle_base=(0.08, 0.10), muzzle_tip=(0.02, 0.035),
        tail_long=(0.5, 0.7), tail_base=(0.05, 0.07), tail_tip=(0.10, 0.13),
    ),
    "rabbit": Creature(
        span=1.12, body_long=(0.32, 0.40), leg_long=(0.12, 0.20),
        ear_angle=(-0.1, 0.4), ear_long=(0.34, 0.48), ear_base=(0.045, 0.055),
        ear_tip=(0.045, 0.06), muzzle_long=(0.05, 0.08),
        tail_long=(0.04, 0.06), tail_base=(0.07, 0.09), tail_tip=(0.07, 0.09),
    ),
    "bear": Creature(
        body_high=(0.29, 0.36), leg_thick=(0.08, 0.10),
        ear_angle=(0.5, 0.8), ear_long=(0.06, 0.09), ear_base=(0.06, 0.07), ear_tip=(0.06, 0.08),
        muzzle_long=(0.12, 0.17), tail_long=(0.02, 0.04), tail_base=(0.04, 0.05),
    ),
    "mouse": Creature(
        span=1.1, leg_long=(0.08, 0.14), leg_thick=(0.03, 0.04),
        ear_angle=(0.5, 0.9), ear_long=(0.10, 0.14), ear_base=(0.07, 0.08), ear_tip=(0.11, 0.14),
        muzzle_long=(0.18, 0.24), muzzle_base=(0.08, 0.10), muzzle_tip=(0.015, 0.03),
        tail_long=(0.8, 1.1), tail_base=(0.028, 0.034), tail_tip=(0.018, 0.022),
    ),
    "squirrel": Creature(
        body_long=(0.28, 0.34), leg_long=(0.12, 0.18),
        ear_angle=(0.0, 0.3), ear_long=(0.09, 0.13), ear_base=(0.05, 0.06), ear_tip=(0.0, 0.01),
        muzzle_long=(0.08, 0.12), muzzle_tip=(0.04, 0.05),
        tail_long=(0.80, 0.95), tail_base=(0.07, 0.09), tail_tip=(0.17, 0.22),
        tail_angle=(1.3, 1.6), tail_bend=(-1.8, -1.2),
    ),
    "pig": Creature(
        body_high=(0.28, 0.33), leg_long=(0.10, 0.16), leg_thick=(0.06, 0.08),
        ear_angle=(0.9, 1.3), ear_long=(0.11, 0.15), ear_base=(0.07, 0.08), ear_tip=(0.0, 0.01),
        muzzle_long=(0.13, 0.17), muzzle_base=(0.085, 0.095), muzzle_tip=(0.09, 0.10),
        muzzle_angle=(-0.2, 0.1),
        tail_long=(0.34, 0.42), tail_base=(0.025, 0.03), tail_tip=(0.015, 0.02),
        tail_angle=(0.5, 0.9), tail_bend=(5.5, 6.5),
    ),
    "cow": Creature(
        body_long=(0.50, 0.60), body_high=(0.27, 0.32),
        ear_angle=(1.3, 1.75), ear_long=(0.14, 0.18), ear_base=(0.04, 0.05), ear_tip=(0.03, 0.04),
        horn_long=(0.14, 0.20), horn_angle=(0.4, 0.7), horn_bend=(0.9, 1.4),
        muzzle_long=(0.17, 0.22), muzzle_tip=(0.10, 0.12),
        tail_long=(0.40, 0.55), tail_base=(0.020, 0.025), tail_tip=(0.035, 0.05),
        tail_angle=(-1.6, -1.2),
    ),
    "horse": Creature(
        leg_long=(0.40, 0.50), neck_long=(0.34, 0.46), neck_angle=(0.9, 1.2),
        head_long=(0.15, 0.18), head_high=(0.13, 0.16),
        ear_angle=(0.0, 0.2), ear_long=(0.10, 0.14), ear_base=(0.035, 0.045), ear_out=(0.06, 0.08),
        muzzle_long=(0.28, 0.34), muzzle_base=(0.09, 0.10), muzzle_tip=(0.07, 0.08),
        muzzle_angle=(-0.9, -0.5),
        tail_long=(0.45, 0.60), tail_base=(0.05, 0.06), tail_tip=(0.06, 0.09),
        tail_angle=(-1.2, -0.5),
    ),
    "deer": Creature(
        span=1.15, leg_long=(0.40, 0.50), leg_thick=(0.030, 0.042), neck_long=(0.2, 0.3),
        ear_angle=(1.0, 1.4), ear_long=(0.14, 0.18), ear_base=(0.045, 0.055),
        horn_long=(0.36, 0.46), horn_angle=(0.25, 0.55), horn_bend=(-0.9, -0.3),
        horn_thick=(0.025, 0.035),
        muzzle_long=(0.16, 0.20), muzzle_tip=(0.04, 0.05),
        tail_long=(0.08, 0.12), tail_base=(0.05, 0.06),
    ),
    "giraffe": Creature(
        body_long=(0.34, 0.40), leg_long=(0.50, 0.62),
        neck_long=(0.75, 0.95), neck_angle=(1.10, 1.35), neck_thick=(0.07, 0.09),
        head_long=(0.13, 0.16), head_high=(0.11, 0.13),
        ear_angle=(1.1, 1.5), ear_long=(0.10, 0.13), ear_base=(0.030, 0.035),
        ear_out=(0.07, 0.09), ear_up=(0.06, 0.08),
        horn_long=(0.10, 0.13), horn_angle=(0.05, 0.2), muzzle_long=(0.18, 0.22),
        tail_long=(0.3, 0.4), tail_angle=(-1.5, -1.1),
    ),
    "elephant": Creature(
        body_long=(0.46, 0.54), body_high=(0.32, 0.38), leg_thick=(0.09, 0.11),
        head_long=(0.22, 0.26),
        ear_angle=(2.1, 2.5), ear_long=(0.15, 0.20), ear_base=(0.14, 0.17), ear_tip=(0.13, 0.16),
        muzzle_long=(0.50, 0.62), muzzle_base=(0.08, 0.09), muzzle_tip=(0.04, 0.05),
        muzzle_angle=(-1.5, -0.9),
        tail_long=(0.25, 0.35), tail_base=(0.020, 0.025), tail_angle=(-1.5, -1.1),
    ),
    "lion": Creature(
        mane=(0.34, 0.40),
        ear_angle=(0.6, 0.9), ear_long=(0.06, 0.08), ear_base=(0.05, 0.06), ear_tip=(0.05, 0.06),
        muzzle_long=(0.12, 0.16),
        tail_long=(0.6, 0.8), tail_base=(0.02, 0.03), tail_tip=(0.05, 0.07),
    ),
    "sheep": Creature(
        leg_long=(0.20, 0.28), leg_thick=(0.035, 0.045), wool=(0.17, 0.21),
        ear_angle=(1.5, 1.85), ear_long=(0.13, 0.17), ear_base=(0.04, 0.05), ear_tip=(0.03, 0.04),
        muzzle_long=(0.12, 0.16),
        tail_long=(0.20, 0.26), tail_base=(0.06, 0.08), tail_tip=(0.06, 0.08),
    ),
    "camel": Creature(
        hump=(0.28, 0.34), neck_long=(0.30, 0.42), neck_angle=(0.5, 0.9), leg_long=(0.42, 0.50),
        ear_long=(0.06, 0.08), ear_base=(0.035, 0.045),
        muzzle_long=(0.20, 0.26), muzzle_tip=(0.07, 0.08),
        tail_long=(0.3, 0.4), tail_angle=(-1.4, -0.9),
    ),
    "turtle": Creature(
        body_long=(0.40, 0.48), body_high=(0.14, 0.17), shell=(0.34, 0.42),
        leg_long=(0.05, 0.09), leg_thick=(0.07, 0.09),
        neck_long=(0.16, 0.26), neck_angle=(0.1, 0.5), neck_thick=(0.06, 0.08),
        head_long=(0.13, 0.16), head_high=(0.12, 0.14), ear_long=_NONE,
        muzzle_long=(0.04, 0.06), muzzle_base=(0.06, 0.07), muzzle_tip=(0.05, 0.06),
        tail_long=(0.14, 0.20), tail_base=(0.05, 0.06), tail_tip=(0.0, 0.01),
        tail_angle=(-0.5, -0.1),
    ),
    "snake": Creature(
        legs=0, span=1.45, body_long=(0.22, 0.26), body_high=(0.10, 0.12),
        neck_long=(0.3, 0.45), neck_angle=(0.6, 1.2), neck_thick=(0.065, 0.075),
        head_long=(0.12, 0.14), head_high=(0.09, 0.10), ear_long=_NONE,
        muzzle_long=(0.10, 0.14), muzzle_base=(0.07, 0.08), muzzle_tip=(0.03, 0.04),
        tail_long=(1.3, 1.6), tail_base=(0.10, 0.11), tail_tip=(0.01, 0.02),
        tail_angle=(-0.3, 0.5), tail_bend=(2.6, 4.2),
    ),
    "crocodile": Creature(
        span=1.2, body_long=(0.52, 0.60), body_high=(0.14, 0.18), leg_long=(0.06, 0.10),
        head_long=(0.17, 0.20), head_high=(0.13, 0.15), ear_long=_NONE,
        muzzle_long=(0.42, 0.52), muzzle_base=(0.09, 0.10), muzzle_tip=(0.05, 0.06),
        muzzle_angle=(-0.15, 0.10),
        tail_long=(0.7, 0.9), tail_base=(0.11, 0.13), tail_tip=(0.01, 0.02), tail_angle=(-0.3, 0.3),
    ),
    "hen": Creature(
        legs=2, wing=(0.18, 0.23), body_long=(0.32, 0.38), body_high=(0.25, 0.30),
        leg_thick=(0.02, 0.03), neck_long=(0.1, 0.2),
        head_long=(0.14, 0.17), head_high=(0.13, 0.16), ear_long=_NONE,
        ear_out=(0.03, 0.06), horn_long=(0.05, 0.07), horn_thick=(0.045, 0.055),
        horn_angle=(0.2, 0.4),
        muzzle_long=(0.18, 0.22), muzzle_base=(0.06, 0.07), muzzle_tip=(0.003, 0.01),
        tail_long=(0.25, 0.35), tail_base=(0.10, 0.12), tail_tip=(0.12, 0.15),
        tail_angle=(0.5, 1.1),
    ),
    "swan": Creature(
        legs=0, wing=(0.20, 0.26), body_long=(0.42, 0.48), body_high=(0.20, 0.24),
        neck_long=(0.50, 0.65), neck_angle=(1.2, 1.6), neck_thick=(0.05, 0.07),
        head_long=(0.11, 0.13), head_high=(0.09, 0.11), ear_long=_NONE,
        muzzle_long=(0.20, 0.25), muzzle_base=(0.045, 0.05), muzzle_tip=(0.02, 0.03),
        tail_long=(0.18, 0.25), tail_base=(0.10, 0.12),
    ),
    "fish": Creature(
        legs=0, hump=(0.16, 0.22), wing=(0.09, 0.12), body_high=(0.24, 0.30),
        neck_long=_NONE, neck_angle=(0.0, 0.2), neck_thick=(0.12, 0.14),
        head_long=(0.20, 0.23), head_high=(0.15, 0.18), ear_long=_NONE,
        muzzle_long=(0.05, 0.08), muzzle_base=(0.07, 0.09), muzzle_tip=(0.03, 0.05),
        tail_long=(0.34, 0.44), tail_base=(0.05, 0.07), tail_tip=(0.08, 0.11),
        tail_angle=(-0.15, 0.15), tail_fork=(0.5, 0.8),
    ),
}  # fmt: skip
