"""The embedded sets: drawn by `menagerie` when first asked for, then kept in the cache."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from course_utils import cache, menagerie
from course_utils.datasets.parts import DataSet, Part, is_whole_number
from course_utils.errors import InputError

__all__ = ["RECIPES", "open_embedded"]

# Parts are index ranges of one endless sequence of images, so far apart that they never meet.
_STARTS = {"train": 0, "validation": 1_000_000, "test": 2_000_000}
_ARRAYS = ("images", "labels", "parts")


@dataclass(frozen=True)
class Recipe:
    """How an embedded set is drawn, and its usual sizes."""

    classes: tuple[str, ...]
    settings: dict[str, Any]
    counts: dict[str, int]


# Light things on a dark ground, as in Fashion-MNIST, but in any place and of many sizes: a method
# that compares pixels place by place must fail on them, and a convolution need not.
_WANDERING = replace(menagerie.CATALOGUE, shift=0.16, extent=(0.45, 0.75))

RECIPES: dict[str, Recipe] = {
    "things": Recipe(
        menagerie.THINGS,
        {"size": 28, "scene": _WANDERING, "grey": True},
        {"train": 3000, "validation": 1000, "test": 1000},
    ),
    # In color, before a plain scenery and anywhere in it: little to learn from but shape.
    "colour_things": Recipe(
        menagerie.THINGS,
        {"size": 32, "scene": replace(menagerie.EASY, shift=0.15, extent=(0.55, 0.75))},
        {"train": 1600, "validation": 500, "test": 2000},
    ),
    "creatures": Recipe(
        menagerie.TARGET,
        {"size": 64, "scene": menagerie.CLUTTERED},
        {"train": 400, "validation": 400, "test": 1000},
    ),
}


def open_embedded(
    name: str, counts: Mapping[str, int | None], *, seed: int, size: int | None
) -> DataSet:
    """Draw an embedded set, or find it drawn; a count of None is the set's usual number."""
    recipe = RECIPES[name]
    own = recipe.settings["size"]
    if size not in (None, own):
        raise InputError(
            f"expected no size for {name}, which is drawn at {own} pixels, received {size!r}: "
            "leave it"
        )
    parts = {}
    for part, start in _STARTS.items():
        count = recipe.counts[part] if counts[part] is None else counts[part]
        if not is_whole_number(count) or not 0 < count <= 1_000_000:
            raise InputError(f"expected 1 to 1,000,000 {part} images of {name}, received {count!r}")
        parts[part] = _drawn(name, recipe, part, start, int(count), seed)
    return DataSet(
        name=name,
        classes=recipe.classes,
        origin="drawn by the course",
        licence="CC BY 4.0",
        **parts,
    )


def _drawn(name: str, recipe: Recipe, part: str, start: int, count: int, seed: int) -> Part:
    def draw(folder: Path) -> None:
        drawn = menagerie.draw(recipe.classes, count, start=start, seed=seed, **recipe.settings)
        for array in _ARRAYS:
            np.save(folder / f"{array}.npy", getattr(drawn, array))

    key = f"{menagerie.fingerprint()} {recipe.classes} {recipe.settings} {start} {count} {seed}"
    folder = cache.prepared(f"{name}-{part}-{count}", key, draw)
    return Part(part, *(np.load(folder / f"{array}.npy") for array in _ARRAYS))
