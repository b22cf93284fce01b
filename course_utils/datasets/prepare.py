"""Sets made ready once: unpacked, looked through, split, and there whole or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import cache as once
from pathlib import Path
from typing import Any

import numpy as np

from course_utils import cache
from course_utils.datasets import registry
from course_utils.datasets.cifar import read_cifar10
from course_utils.datasets.folders import prepare_class_folders
from course_utils.datasets.idx import read_idx
from course_utils.datasets.splits import PARTS
from course_utils.datasets.trimaps import prepare_trimaps
from course_utils.datasets.unpack import look_through
from course_utils.errors import InputError

__all__ = ["SETS", "found", "place", "prepare"]

_Maker = Callable[[Mapping[str, Any], Mapping[str, Path], Path], dict[str, Any]]


def prepare(name: str, *, files: Mapping[str, Path] | None = None) -> Path:
    """The prepared folder of a set, made now if it is not there whole.

    Args:
        name: a key of `SETS`.
        files: the verified downloads; looked up where they are needed if None.

    Returns:
        A folder with a manifest: `cache.about` tells what was prepared from what.

    Raises:
        InputError: a download is missing or wrong, or too few pictures are good for the split.
        WorldError: an archive that is broken or not safe to unpack, or the disk refuses.
    """
    facts = _facts(name)

    def make(folder: Path) -> dict[str, Any]:
        here = registry.verified(name) if files is None else files
        told = SETS[name][0](facts, here, folder)
        sources = [
            {key: file[key] for key in ("name", "bytes", "sha256") if key in file}
            for file in facts["files"]
        ]
        return {"set": name, "from": sources, "split": facts["split"], **told}

    return cache.prepared(name, _key(name, facts), make)


def found(name: str) -> Path | None:
    """The prepared folder, if it is there whole; nothing is made.

    Raises:
        InputError: unknown set, or a registry that lacks something.
    """
    return cache.found(name, _key(name, _facts(name)))


def place(name: str) -> Path:
    """Where the prepared folder is, or would be."""
    return cache.place(name, _key(name, _facts(name)))


def _facts(name: str) -> dict[str, Any]:
    facts = registry.entry(name)
    if name not in SETS:
        raise InputError(
            f"expected one of the sets that are prepared, {', '.join(SETS)}, received {name!r}"
        )
    wanted = SETS[name][1]
    split = facts.get("split", {})
    missing = [key for key in wanted if key not in facts]
    missing += [f"split.{part}" for part in _parts(name) if part not in split]
    if missing:
        raise InputError(
            f"expected {', '.join(missing)} of {name} in the registry, received none: "
            "copy what is missing from the course's own registry.toml"
        )
    return facts | {"split": {part: split[part] for part in PARTS if part in split}}


def _parts(name: str) -> tuple[str, ...]:
    """The parts whose sizes the registry must give; of a shuffled set, the rest trains."""
    return ("validation",) if SETS[name][0] is prepare_trimaps else PARTS


def _key(name: str, facts: Mapping[str, Any]) -> str:
    """All that a prepared set follows from: hashes and split, and the code that makes it."""
    hashes = [(file["name"], file["sha256"]) for file in facts["files"]]
    settings = {key: facts[key] for key in SETS[name][1]}
    return json.dumps([name, hashes, settings, _code()], sort_keys=True)


@once
def _code() -> str:
    digest = hashlib.sha256()
    for module in ("cifar", "folders", "idx", "pictures", "prepare", "splits", "trimaps"):
        path = Path(__file__).with_name(f"{module}.py")
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:12]


def _fashion_mnist(
    facts: Mapping[str, Any], files: Mapping[str, Path], target: Path
) -> dict[str, Any]:
    images, labels, test_images, test_labels = (
        read_idx(files[f"{stem}-ubyte.gz"])
        for stem in (
            "train-images-idx3",
            "train-labels-idx1",
            "t10k-images-idx3",
            "t10k-labels-idx1",
        )
    )
    return _save(
        facts,
        target,
        (images[..., np.newaxis], labels),
        (test_images[..., np.newaxis], test_labels),
    )


def _cifar10(facts: Mapping[str, Any], files: Mapping[str, Path], target: Path) -> dict[str, Any]:
    (archive,) = files.values()
    look_through(archive)
    images, labels, test_images, test_labels = read_cifar10(archive)
    return _save(facts, target, (images, labels), (test_images, test_labels))


def _save(
    facts: Mapping[str, Any],
    target: Path,
    training: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
) -> dict[str, Any]:
    """Split the training pictures by index, and keep each part as two arrays."""
    split = facts["split"]
    cut, wanted = split["train"], split["train"] + split["validation"]
    for what, have, need in (
        ("training", len(training[0]), wanted),
        ("test", len(test[0]), split["test"]),
    ):
        if have < need:
            raise InputError(
                f"expected at least {need:,} {what} pictures for the split of the registry, "
                f"received {have:,}: lower `split` in the registry, or give it the whole files"
            )
    ranges = {
        "train": (training, slice(0, cut)),
        "validation": (training, slice(cut, wanted)),
        "test": (test, slice(0, split["test"])),
    }
    for part, ((images, labels), which) in ranges.items():
        np.save(target / f"{part}-images.npy", images[which])
        np.save(target / f"{part}-labels.npy", labels[which].astype(np.int32))
    return {"parts": dict(split), "left_out": []}


SETS: dict[str, tuple[_Maker, tuple[str, ...]]] = {
    "fashion_mnist": (_fashion_mnist, ("classes", "split")),
    "cifar10": (_cifar10, ("classes", "split")),
    "cats_vs_dogs": (prepare_class_folders, ("classes", "folders", "split")),
    "flowers": (prepare_class_folders, ("classes", "folders", "split")),
    "oxford_pets": (prepare_trimaps, ("classes", "split", "shuffle_seed")),
}
"""Each set that is prepared: how, and what it needs to know from the registry."""
