"""Real sets opened from where `course data NAME` prepared them.

A prepared set is a folder in the cache, whose name follows from what the registry says of the set:
the hashes of the downloads, the classes, the split.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from course_utils import cache
from course_utils.datasets import registry
from course_utils.datasets.parts import DataSet, Part, StreamedPart, is_whole_number
from course_utils.datasets.splits import PARTS
from course_utils.errors import InputError

__all__ = ["INDEX", "NEEDS", "facts", "key", "open_real", "place", "streamed_parts"]

# Of a set whose images are files: part to rows of (file, label) or (file, label, mask).
INDEX = "index.json"

# What the registry must say of each set that is prepared.
NEEDS: dict[str, tuple[str, ...]] = {
    "fashion_mnist": ("classes", "split"),
    "cifar10": ("classes", "split"),
    "cats_vs_dogs": ("classes", "folders", "split"),
    "flowers": ("classes", "folders", "split"),
    "oxford_pets": ("classes", "split", "shuffle_seed"),
}


def facts(name: str) -> dict[str, Any]:
    """What the registry says of a set that is prepared, with its split in order."""
    told = registry.entry(name)
    if name not in NEEDS:
        raise InputError(
            f"expected one of the sets that are prepared, {', '.join(NEEDS)}, received {name!r}"
        )
    split = told.get("split", {})
    # Of a set that is shuffled once, the rest trains.
    parts = ("validation",) if "shuffle_seed" in NEEDS[name] else PARTS
    missing = [key for key in NEEDS[name] if key not in told]
    missing += [f"split.{part}" for part in parts if part not in split]
    if missing:
        raise InputError(
            f"expected {', '.join(missing)} of {name} in the registry, received none: "
            "copy what is missing from the course's own registry.toml"
        )
    return told | {"split": {part: split[part] for part in PARTS if part in split}}


def key(name: str, told: Mapping[str, Any]) -> str:
    """All that a prepared set follows from, but for the code that makes it."""
    hashes = [(file["name"], file["sha256"]) for file in told["files"]]
    return json.dumps([name, hashes, {key: told[key] for key in NEEDS[name]}], sort_keys=True)


def place(name: str) -> Path:
    """Where the prepared folder is, or would be."""
    return cache.place(name, key(name, facts(name)))


def open_real(name: str, counts: Mapping[str, int | None], *, size: int | None) -> DataSet:
    """Open a real set, of each part the first `counts` images."""
    told = facts(name)
    folder = cache.found(name, key(name, told))
    if folder is None:
        raise InputError(
            f"expected {name} to be prepared, it is not (or not whole) in {place(name)}: run "
            f"`course data {name}` (in a notebook, `!course data {name}`), which takes it from "
            "COURSE_DATA_DIR or downloads it, and prepares it"
        )
    streamed = (folder / INDEX).is_file()
    parts = streamed_parts(folder, told, size) if streamed else _arrays(name, folder, size)
    for part, count in counts.items():
        if count is not None:
            parts[part] = parts[part].first(count)
    return DataSet(
        name=name,
        classes=tuple(told["classes"]),
        origin=told.get("origin", "see the registry"),
        licence=told.get("licence", "see the registry"),
        part_names=tuple(told.get("mask_classes", ())),
        folder=folder if streamed else None,
        **parts,
    )


def _arrays(name: str, folder: Path, size: int | None) -> dict[str, Part]:
    parts = {
        part: Part(
            part,
            np.load(folder / f"{part}-images.npy"),
            np.load(folder / f"{part}-labels.npy"),
        )
        for part in PARTS
    }
    own = parts["train"].image_shape[0]
    if size not in (None, own):
        raise InputError(
            f"expected no size for {name}, whose images are {own}×{own}, received {size!r}: "
            "leave it"
        )
    return parts


def streamed_parts(
    folder: Path, told: Mapping[str, Any], size: int | None
) -> dict[str, StreamedPart]:
    """The parts of a prepared folder of image files, as its index has them."""
    size = told.get("size", 150) if size is None else size
    if not is_whole_number(size) or not 8 <= size <= 2048:
        raise InputError(f"expected a size of 8 to 2048 pixels, received {size!r}")
    index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    has_masks = any(len(row) > 2 for rows in index.values() for row in rows)
    parts = {}
    for part in PARTS:
        rows = index.get(part, [])
        parts[part] = StreamedPart(
            part,
            [folder / row[0] for row in rows],
            np.array([row[1] for row in rows], np.int32),
            size=size,
            masks=[folder / row[2] for row in rows] if has_masks else None,
            offset=1,
        )
    return parts
