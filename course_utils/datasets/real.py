"""Real sets opened, from their prepared folders."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from course_utils.datasets import prepared, registry
from course_utils.datasets.parts import DataSet, Part
from course_utils.datasets.prepared import INDEX
from course_utils.datasets.splits import PARTS
from course_utils.datasets.streams import StreamedPart
from course_utils.errors import InputError

__all__ = ["REAL", "open_real"]

REAL = tuple(prepared.NEEDS)


def open_real(name: str, counts: Mapping[str, int | None], *, size: int | None = None) -> DataSet:
    """Open a real set.

    Args:
        name: one of `REAL`.
        counts: part to number of pictures, the first ones; None is all.
        size: height and width for a set of photographs; its usual size if None.

    Raises:
        InputError: more pictures than there are, a size for a set that has one, or a set
            that is not prepared.
    """
    facts = registry.entry(name)
    folder = prepared.found(name)
    streamed = (folder / INDEX).is_file()
    parts = _streamed(folder, facts, size) if streamed else _arrays(name, folder, size)
    for part, count in counts.items():
        if count is not None:
            parts[part] = parts[part].first(count)
    return DataSet(
        name=name,
        classes=tuple(facts["classes"]),
        origin=facts.get("origin", "see the registry"),
        licence=facts.get("licence", "see the registry"),
        part_names=tuple(facts.get("mask_classes", ())),
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
        raise InputError(f"expected no size for {name}, whose pictures are {own}×{own}: leave it")
    return parts


def _streamed(folder: Path, facts: Mapping, size: int | None) -> dict[str, StreamedPart]:
    size = facts.get("size", 150) if size is None else size
    if isinstance(size, bool) or not isinstance(size, int) or not 8 <= size <= 2048:
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
