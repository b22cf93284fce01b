"""Sets made ready once: unpacked, looked through, split, and there whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import cache as once
from pathlib import Path
from typing import Any

import numpy as np

from course_tools.datasets import cifar, folders, idx, trimaps
from course_tools.datasets.cifar import read_cifar10
from course_tools.datasets.folders import prepare_class_folders
from course_tools.datasets.idx import read_idx
from course_tools.datasets.trimaps import prepare_trimaps
from course_tools.datasets.unpack import look_through
from course_utils import cache
from course_utils.datasets import pictures, prepared, registry, splits
from course_utils.errors import InputError

__all__ = ["prepare", "ready"]

_Maker = Callable[[Mapping[str, Any], Mapping[str, Path], Path], dict[str, Any]]


def prepare(name: str, *, files: Mapping[str, Path] | None = None) -> Path:
    """The prepared folder of a set, made now if it is not there whole.

    Args:
        name: of a set that is prepared.
        files: the verified downloads; looked up where they are needed if None.

    Returns:
        A folder with a manifest: `cache.about` tells what was prepared from what.

    Raises:
        InputError: a download is missing or wrong, or too few pictures are good for the split.
        WorldError: an archive that is broken or not safe to unpack, or the disk refuses.
    """
    facts = prepared.facts(name)

    def make(folder: Path) -> dict[str, Any]:
        here = registry.verified(name) if files is None else files
        told = _MAKERS[name](facts, here, folder)
        sources = [
            {key: file[key] for key in ("name", "bytes", "sha256") if key in file}
            for file in facts["files"]
        ]
        return {"set": name, "from": sources, "split": facts["split"], **told}

    return cache.prepared(name, prepared.key(name, facts), make, made_by=_code())


def ready(name: str) -> Path | None:
    """The prepared folder of a set, if it is there whole and this code would make the same."""
    return cache.found(name, prepared.key(name, prepared.facts(name)), made_by=_code())


@once
def _code() -> str:
    """Of all that makes a prepared set: another digest makes it anew."""
    digest = hashlib.sha256()
    for module in (cifar, folders, idx, pictures, splits, trimaps):
        digest.update(Path(module.__file__).read_bytes().replace(b"\r\n", b"\n"))
    digest.update(Path(__file__).read_bytes().replace(b"\r\n", b"\n"))
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


_MAKERS: dict[str, _Maker] = {
    "fashion_mnist": _fashion_mnist,
    "cifar10": _cifar10,
    "cats_vs_dogs": prepare_class_folders,
    "flowers": prepare_class_folders,
    "oxford_pets": prepare_trimaps,
}
