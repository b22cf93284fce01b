"""How difficult a picture is: what stands around the object, where and how large it is.

Nothing here knows which class is drawn. That is the point: if clutter, place or size depended on
the class, a network could read the class from them and would learn nothing about shape.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

from course_utils.errors import InputError

__all__ = ["BACKDROPS", "CATALOGUE", "CLUTTERED", "EASY", "WANDER", "Scene"]

BACKDROPS = ("scenery", "dark")
_MOST_SHAPES = 40


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Settings of everything around the object, the same law for every class.

    Attributes:
        clutter: Shapes of any colour behind the object.
        occluders: Small shapes in front of it.
        portrait: Share of close-ups, from 0 to 1, in which an animal is drawn larger and around
            its head, and a thing larger.
        shift: Furthest the object's middle lies from the picture's, across and down, as a share
            of the picture's side.
        extent: Smallest and largest length of the object's longer side, as a share of the
            picture's side. Ears, muzzle and tail come on top of it.
        tilt: Standard deviation of the object's turn, in radians.
        grain: Strongest noise of the camera, as a share of full brightness.
        backdrop: "scenery", coloured ground and sky, or "dark", a nearly black ground before
            which the object is light.

    Raises:
        InputError: A setting is outside its range.

    Example:
        >>> from dataclasses import replace
        >>> replace(EASY, shift=0.1).clutter
        0
    """

    clutter: int = 8
    occluders: int = 3
    portrait: float = 0.3
    shift: float = 0.11
    extent: tuple[float, float] = (0.46, 0.76)
    tilt: float = 0.10
    grain: float = 0.03
    backdrop: str = "scenery"

    def __post_init__(self) -> None:
        for name in ("clutter", "occluders"):
            value = getattr(self, name)
            if not _is_whole(value) or not 0 <= value <= _MOST_SHAPES:
                raise _wrong(name, f"a whole number from 0 to {_MOST_SHAPES}", value)
        for name, most in (("portrait", 1.0), ("shift", 0.5), ("tilt", math.pi), ("grain", 0.5)):
            value = getattr(self, name)
            if not _is_number(value) or not 0 <= value <= most:
                raise _wrong(name, f"a number from 0 to {most:.4g}", value)
        pair = self.extent
        good = isinstance(pair, tuple) and len(pair) == 2 and all(map(_is_number, pair))
        if not good or not 0.1 <= pair[0] <= pair[1] <= 2.0:
            raise _wrong("extent", "two rising numbers from 0.1 to 2, such as (0.6, 0.8)", pair)
        if self.backdrop not in BACKDROPS:
            raise _wrong("backdrop", " or ".join(map(repr, BACKDROPS)), self.backdrop)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _wrong(name: str, expected: str, received: object) -> InputError:
    known = ", ".join(field.name for field in fields(Scene))
    return InputError(
        f"Scene expected {name} to be {expected}, received {received!r}: "
        f"change {name}; the settings are {known}"
    )


EASY = Scene(clutter=0, occluders=0, portrait=0.0, shift=0.04, extent=(0.62, 0.82))
"""Large, centred objects before an empty scenery."""

WANDER = Scene(clutter=0, occluders=0, portrait=0.0, shift=0.2, extent=(0.52, 0.70))
"""The same, anywhere in the picture: what is learnt must not depend on place."""

CLUTTERED = Scene()
"""Shapes behind and before the object, close-ups: the course's default."""

CATALOGUE = replace(EASY, shift=0.08, extent=(0.55, 0.80), tilt=0.15, grain=0.06, backdrop="dark")
"""Light objects on a nearly black ground, as in Fashion-MNIST."""
