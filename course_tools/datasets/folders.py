"""Sets that come as one folder of pictures for each class."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from course_tools.datasets.unpack import unpack
from course_utils.datasets.pictures import look_at, near_identical
from course_utils.datasets.prepared import INDEX
from course_utils.datasets.splits import by_index

__all__ = ["prepare_class_folders", "write_index"]

_PICTURE = re.compile(r"\.jpe?g$", re.IGNORECASE)
_NOTICE = re.compile(r"^(licen[cs]e|readme|copying)", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class _Picture:
    name: str  # in the archive
    label: int
    thumbnail: np.ndarray


def prepare_class_folders(
    facts: Mapping[str, Any], files: Mapping[str, Path], target: Path
) -> dict[str, Any]:
    """Unpack pictures, leave out the bad ones, and split what remains.

    Into `target` go PART/CLASS/NAME, as `image_dataset_from_directory` reads it, the licence as
    it came, and an index (see `write_index`) with the classes in turn, so that the first pictures
    of a part are balanced.

    Args:
        facts: the set's entry in the registry, with `classes`, their `folders` and `split`.
        files: the verified archives.
        target: an empty folder.

    Returns:
        What the manifest should tell: what was left out and why, and what was kept together.

    Raises:
        InputError: too few good pictures for the split.
        WorldError: an archive that cannot be unpacked safely.
    """
    unpacked = target / "unpacked"
    names = [name for archive in files.values() for name in unpack(archive, unpacked)]
    pictures, left_out = _good(unpacked, sorted(names, key=_natural), facts["folders"])
    for name in names:
        if _NOTICE.match(Path(name).name):
            shutil.copy(unpacked / name, target / Path(name).name)
    groups = _near_identical(pictures)
    pictures, groups, contradictions = _without_contradictions(pictures, groups)
    left_out += contradictions
    split = by_index(
        [picture.label for picture in pictures],
        counts=facts["split"],
        together=groups,
        classes=facts["classes"],
    )
    index: dict[str, list[tuple[str, int]]] = {}
    for part, indices in split.items():
        rows: list[list[tuple[str, int]]] = [[] for _ in facts["classes"]]
        for i in indices:
            label = pictures[i].label
            final = f"{part}/{facts['classes'][label]}/{Path(pictures[i].name).name}"
            (target / final).parent.mkdir(parents=True, exist_ok=True)
            (unpacked / pictures[i].name).replace(target / final)
            rows[label].append((final, label))
        index[part] = [row for turn in zip_longest(*rows) for row in turn if row is not None]
    write_index(target, index)
    shutil.rmtree(unpacked)
    return {
        "parts": {part: len(rows) for part, rows in index.items()},
        "left_out": sorted(left_out, key=lambda row: _natural(row["file"])),
        "kept_together": [[pictures[i].name for i in group] for group in groups],
        "good_but_not_needed": len(pictures) - sum(map(len, index.values())),
    }


def write_index(folder: Path, index: Mapping[str, Sequence[Sequence[object]]]) -> None:
    """Write `index.json`: part to a list of rows: file, label and, where there is one, mask."""
    text = json.dumps(index, indent=0, ensure_ascii=False)
    (folder / INDEX).write_text(text, encoding="utf-8")


def _good(
    unpacked: Path, names: Sequence[str], folders: Sequence[str]
) -> tuple[list[_Picture], list[dict[str, str]]]:
    """The pictures of use, by class and index, and what is none, with its reason."""
    labels = {folder: label for label, folder in enumerate(folders)}
    rows = [(name, labels.get(name.rpartition("/")[0])) for name in names]
    candidates = [(n, label) for n, label in rows if label is not None and _PICTURE.search(n)]
    strays = {n for n in names if not _NOTICE.match(Path(n).name)} - {n for n, _ in candidates}
    left_out = [{"file": name, "reason": "stray file"} for name in strays]
    good = []
    looks = look_at([unpacked / name for name, _ in candidates])
    for (name, label), seen in zip(candidates, looks, strict=True):
        if seen.fault:
            left_out.append({"file": name, "reason": seen.fault})
        else:
            good.append(_Picture(name, label, seen.thumbnail))
    return good, left_out


def _near_identical(pictures: Sequence[_Picture]) -> list[list[int]]:
    if not pictures:
        return []
    return near_identical(np.stack([picture.thumbnail for picture in pictures]))


def _without_contradictions(
    pictures: Sequence[_Picture], groups: Sequence[Sequence[int]]
) -> tuple[list[_Picture], list[list[int]], list[dict[str, str]]]:
    """Leave out near-identical pictures of different classes: one of the labels is wrong."""
    reasons = {}
    for group in groups:
        for i in group:
            others = [pictures[j].name for j in group if pictures[j].label != pictures[i].label]
            if others:
                reasons[i] = f"mislabelled, or {others[0]} is: the two are near-identical"
    kept = [i for i in range(len(pictures)) if i not in reasons]
    place = {old: new for new, old in enumerate(kept)}
    return (
        [pictures[i] for i in kept],
        [[place[i] for i in group] for group in groups if group[0] not in reasons],
        [{"file": pictures[i].name, "reason": reason} for i, reason in reasons.items()],
    )


def _natural(name: str) -> list[tuple[int, int, str]]:
    """A sorting key by which 9.jpg comes before 10.jpg.

    Example:
        >>> sorted(["Cat/10.jpg", "Cat/9.jpg"], key=_natural)
        ['Cat/9.jpg', 'Cat/10.jpg']
    """
    pieces = re.split(r"(\d+)", name)
    return [(0, int(piece), "") if piece.isdecimal() else (1, 0, piece) for piece in pieces]
