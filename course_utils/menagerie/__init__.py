"""The menagerie: pictures of animals and things with exact masks and parts.

The course's embedded data. Every picture is drawn on the spot from a seed, so there is nothing to
download, masks and parts are exact, and the difficulty is a setting (`Scene`).

What makes the pictures fit for teaching is that **class is carried by shape alone**. Colour,
texture, light, pose, place, size and clutter come from the same laws for every class, and are drawn
before the class is looked at. A network that tells cat from dog here has looked at ears, muzzle or
tail, and an explanation that points elsewhere is wrong.

Example:
    >>> from course_utils import menagerie
    >>> pets = menagerie.draw(menagerie.TARGET, 4, size=64, seed=0)
    >>> pets.images.shape, pets.images.dtype, pets.masks.shape
    ((4, 64, 64, 3), dtype('uint8'), (4, 64, 64))
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from course_utils.menagerie.drawing import (
    CLASSES,
    SOURCE,
    TARGET,
    THINGS,
    TRANSFER_SOURCE,
    Pictures,
    draw,
)
from course_utils.menagerie.figure import PARTS
from course_utils.menagerie.scene import CATALOGUE, CLUTTERED, EASY, WANDER, Scene

__all__ = [
    "CATALOGUE",
    "CLASSES",
    "CLUTTERED",
    "EASY",
    "GENERATION",
    "PARTS",
    "SOURCE",
    "TARGET",
    "THINGS",
    "TRANSFER_SOURCE",
    "WANDER",
    "Pictures",
    "Scene",
    "draw",
    "fingerprint",
]

GENERATION = 1
"""Raised whenever the same call gives other pictures: claims measured before no longer stand."""


def fingerprint() -> str:
    """A short hash of this package's source, for the names of cached pictures.

    Returns:
        12 hexadecimal digits. They change with any edit, even of a comment, so that pictures drawn
        by other code are never taken from a cache; line ends do not count.

    Example:
        >>> len(fingerprint())
        12
    """
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0")
        digest.update(path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return digest.hexdigest()[:12]
