"""The door of the package: check what is asked, draw picture after picture, hand back arrays."""

from __future__ import annotations

import difflib
import operator
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from course_utils.errors import InputError
from course_utils.menagerie.creatures import CREATURES
from course_utils.menagerie.figure import PARTS, number
from course_utils.menagerie.picture import picture
from course_utils.menagerie.scene import CLUTTERED, Scene
from course_utils.menagerie.things import MAKERS

__all__ = ["CLASSES", "SOURCE", "TARGET", "THINGS", "TRANSFER_SOURCE", "Pictures", "draw"]

TARGET = ("cat", "dog")
"""The look-alikes to be told apart from few pictures."""

THINGS = tuple(MAKERS)
"""Ten things that stay distinct at 28×28."""

SOURCE = tuple(name for name in CREATURES if name not in TARGET) + THINGS
"""Everything else: what a base is pretrained on."""

TRANSFER_SOURCE = (
    "car", "house", "tree", "cup", "mushroom", "boat", "flower", "lamp",
    "snake", "crocodile", "hen", "swan", "fish", "giraffe", "mouse", "horse", "camel", "deer",
    "cow", "sheep", "rabbit",
)  # fmt: skip
"""The part of `SOURCE` that leaves fine-tuning something to do.

With every look-alike of cat and dog in the source (fox, bear, lion, …) frozen features are already
nearly as good as fine-tuned ones; with none of them they are hardly better than no pretraining.
"""

CLASSES = TARGET + SOURCE
"""Every class that can be drawn."""

_SMALLEST, _LARGEST = 16, 512
_LIMIT = 2**32


@dataclass(frozen=True, eq=False)
class Pictures:
    """Drawn pictures with their labels and what every pixel shows.

    Attributes:
        images: (n, size, size, 3) uint8, or (n, size, size, 1) when grey.
        labels: (n,) int32, position of the class in the classes asked for.
        parts: (n, size, size) uint8, position in `PARTS` of what the pixel shows. A pixel belongs
            to the topmost part that covers more than half of it. What stands in front of the
            object counts as background.
    """

    images: np.ndarray
    labels: np.ndarray
    parts: np.ndarray

    @property
    def masks(self) -> np.ndarray:
        """(n, size, size) bool, true on the object."""
        return self.parts != 0

    def where(self, *names: str) -> np.ndarray:
        """(n, size, size) bool, true on any of the parts named.

        Raises:
            InputError: A name is not one of `PARTS`.

        Example:
            >>> one = draw(("cat",), 1)
            >>> bool((one.where("head", "ears") <= one.masks).all())
            True
        """
        for name in names:
            _known(name, PARTS, "part", "PARTS")
        return np.isin(self.parts, [number(name) for name in names])

    def __len__(self) -> int:
        return len(self.labels)


def draw(
    classes: Sequence[str],
    count: int,
    *,
    size: int = 64,
    seed: int = 0,
    start: int = 0,
    scene: Scene = CLUTTERED,
    grey: bool = False,
) -> Pictures:
    """Draw pictures of animals and things.

    Picture i depends on `seed`, i, `classes`, `size`, `scene` and `grey` and on nothing else, so
    any piece of a set can be drawn anywhere: `start=100, count=50` gives the pictures 100 to 149
    of a longer draw, to the bit. Classes come in shuffled rounds: every run of `len(classes)`
    pictures from a multiple of it holds each class once.

    At another size, or grey, it is the same picture but for the grain.

    A class is told by its shape alone. Ground, clutter, light, coat, pose, place and size are
    chosen before the class is looked at: picture i of ("cat",) and of ("dog",) are twins.

    Args:
        classes: Names out of `CLASSES`, each once; label k means `classes[k]`.
        count: How many pictures, 0 or more.
        size: Side of the square pictures in pixels, 16 to 512.
        seed: Names the set, 0 to 2**32 - 1. Sets of different seeds share no picture.
        start: Number of the first picture.
        scene: What surrounds the object, and with it the difficulty.
        grey: One channel, the luminance, in place of three.

    Returns:
        Images uint8 from 0 to 255, labels and part maps.

    Raises:
        InputError: A class is unknown or named twice, or a number is out of range.

    Example:
        >>> pets = draw(TARGET, 6, size=32)
        >>> pets.images.shape, sorted(pets.labels.tolist())
        ((6, 32, 32, 3), [0, 0, 0, 1, 1, 1])
    """
    names = _checked_classes(classes)
    count = _whole("count", count, 0, _LIMIT)
    size = _whole("size", size, _SMALLEST, _LARGEST)
    seed = _whole("seed", seed, 0, _LIMIT - 1)
    start = _whole("start", start, 0, _LIMIT - 1 - count)
    if not isinstance(scene, Scene):
        raise InputError(
            f"draw expected scene to be a Scene, received {scene!r}: "
            "give EASY, WANDER, CLUTTERED, CATALOGUE or Scene(…)"
        )
    if not isinstance(grey, bool):
        raise InputError(
            f"draw expected grey to be True or False, received {grey!r}: "
            "give grey=True for one channel"
        )
    images = np.empty((count, size, size, 1 if grey else 3), np.uint8)
    labels = np.empty(count, np.int32)
    parts = np.empty((count, size, size), np.uint8)
    order, round_drawn = None, -1
    for row in range(count):
        turn, position = divmod(start + row, len(names))
        if turn != round_drawn:
            order, round_drawn = _order(seed, turn, len(names)), turn
        labels[row] = label = int(order[position])
        images[row], parts[row] = picture(
            names[label], seed, start + row, size=size, scene=scene, grey=grey
        )
    return Pictures(images, labels, parts)


def _order(seed: int, turn: int, classes: int) -> np.ndarray:
    """Order of the classes in one round; the third number keeps it apart from the pictures."""
    return np.random.default_rng((seed, turn, 1)).permutation(classes)


def _checked_classes(classes: Sequence[str]) -> tuple[str, ...]:
    if isinstance(classes, str) or not isinstance(classes, Sequence):
        raise InputError(
            f"draw expected classes to be a list or tuple of names, received {classes!r}: "
            'give for example TARGET or ("cat", "dog")'
        )
    if not classes:
        raise InputError(
            "draw expected at least one class, received none: "
            'give for example TARGET or ("cat", "dog")'
        )
    for name in classes:
        _known(name, CLASSES, "class", "CLASSES")
    twice = sorted({name for name in classes if list(classes).count(name) > 1})
    if twice:
        raise InputError(
            f"draw expected each class once, received {', '.join(twice)} more than once: "
            "name it once; classes are drawn equally often"
        )
    return tuple(classes)


def _known(name: object, names: Sequence[str], kind: str, constant: str) -> None:
    if name in names:
        return
    near = difflib.get_close_matches(str(name).lower(), names, n=1, cutoff=0.0)
    raise InputError(
        f"expected a {kind} of the menagerie, received {name!r}: "
        f"did you mean {near[0]!r}? menagerie.{constant} lists all {len(names)}"
    )


def _whole(name: str, value: object, least: int, most: int) -> int:
    try:
        if isinstance(value, bool | np.bool_):
            raise TypeError
        whole = operator.index(value)
    except TypeError:
        whole = None
    if whole is None or not least <= whole <= most:
        raise InputError(
            f"draw expected {name} to be a whole number from {least} to {most}, "
            f"received {value!r}: change {name}"
        )
    return whole
