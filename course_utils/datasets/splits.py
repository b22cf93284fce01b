"""Splits that are made once, from what is good, and in which no image is in two parts."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeVar

from course_utils.errors import InputError

__all__ = ["PARTS", "by_index", "shuffled"]

PARTS = ("train", "validation", "test")

_Item = TypeVar("_Item")


def by_index(
    labels: Sequence[int],
    *,
    counts: Mapping[str, int],
    together: Sequence[Sequence[int]] = (),
    classes: Sequence[str],
) -> dict[str, list[int]]:
    """Split each class by index: the first images train, the next validate, the next test.

    Images that must stay together (groups of indices) are placed first, in the part where the
    first of them falls, or in the next that has room for all; then single ones fill what is left,
    by index. `counts` is for each class. What finds no room is in no part; indices rise.
    """
    wanted = sum(counts.values())
    have = Counter(labels)
    for label, title in enumerate(classes):
        if have[label] < wanted:
            raise InputError(_too_few(title, wanted, have[label], "good images"))
    room = {part: [count] * len(classes) for part, count in counts.items()}
    placed: dict[str, list[int]] = {part: [] for part in counts}
    natural = _natural(labels, counts, len(classes))
    groups = sorted(sorted(group) for group in together)
    held = {index for group in groups for index in group}

    def place(group: Sequence[int], first: str | None) -> None:
        needs = Counter(labels[index] for index in group)
        order = list(counts)
        start = order.index(first) if first else 0
        for part in order[start:] + order[:start]:
            if all(room[part][label] >= need for label, need in needs.items()):
                placed[part].extend(group)
                for label, need in needs.items():
                    room[part][label] -= need
                return

    for group in groups:
        if natural[group[0]]:
            place(group, natural[group[0]])
    for index in range(len(labels)):
        if index not in held:
            place([index], None)
    for group in groups:
        if not natural[group[0]]:
            place(group, None)
    for label, title in enumerate(classes):
        missing = sum(room[part][label] for part in counts)
        if missing:
            free = "images that may be in different parts"
            raise InputError(_too_few(title, wanted, wanted - missing, free))
    return {part: sorted(indices) for part, indices in placed.items()}


def shuffled(
    items: Sequence[_Item], *, counts: Mapping[str, int], seed: int, what: str
) -> dict[str, list[_Item]]:
    """Shuffle once, then cut: the last images validate, the first, or all before, train.

    This is the way of many lessons: `random.Random(seed).shuffle`, on the sorted names. Items
    that hold image and mask are shuffled as one, so the two cannot come apart.
    """
    if "validation" not in counts or not set(counts) <= {"train", "validation"}:
        raise InputError(
            f"expected a split of {what} into train and validation, received {dict(counts)}"
        )
    # At least one image must be left to train on where the number is not given.
    wanted = counts["validation"] + counts.get("train", 1)
    if len(items) < wanted:
        raise InputError(_too_few(what, wanted, len(items), "usable"))
    order = list(items)
    random.Random(seed).shuffle(order)
    cut = len(order) - counts["validation"]
    return {"train": order[: min(cut, counts.get("train", cut))], "validation": order[cut:]}


def _natural(labels: Sequence[int], counts: Mapping[str, int], classes: int) -> list[str | None]:
    """The part in which each image would be if there were no groups; None behind the last."""
    seen = [0] * classes
    order = [part for part, count in counts.items() for _ in range(count)]
    parts: list[str | None] = []
    for label in labels:
        parts.append(order[seen[label]] if seen[label] < len(order) else None)
        seen[label] += 1
    return parts


def _too_few(title: str, wanted: int, have: int, what: str) -> str:
    return (
        f"expected at least {wanted:,} {what} of {title} for the split of the registry, "
        f"received {have:,}: lower `split` in the registry, or give it the whole archive"
    )
