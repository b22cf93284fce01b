"""Where prepared real sets lie. `course data NAME` fetches and prepares them; here they are found.

A prepared set is a folder in the cache. Its name follows from what the registry says of the set:
the hashes of the downloads, the classes, the split.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from course_utils import cache
from course_utils.datasets import registry
from course_utils.datasets.splits import PARTS
from course_utils.errors import InputError

__all__ = ["INDEX", "NEEDS", "facts", "found", "key", "place"]

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
    """What the registry says of a set that is prepared, with its split in order.

    Raises:
        InputError: unknown set, or a registry that lacks something.
    """
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


def found(name: str) -> Path:
    """The prepared folder of a set.

    Raises:
        InputError: it is not there whole; an unknown set, or a registry that lacks something.
    """
    folder = cache.found(name, key(name, facts(name)))
    if folder is None:
        raise InputError(
            f"expected {name} to be prepared, it is not (or not whole) in {place(name)}: run "
            f"`course data {name}` (in a notebook, `!course data {name}`), which takes it from "
            "COURSE_DATA_DIR or downloads it, and prepares it"
        )
    return folder
