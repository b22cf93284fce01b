"""Sets made ready once: unpacked, inspected, split, and there whole or not at all."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache as once
from itertools import zip_longest
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from course_tools.datasets import archives, formats
from course_utils import cache
from course_utils.datasets import image_files, real, registry, splits
from course_utils.errors import InputError

__all__ = ["prepare_class_folders", "prepare_trimaps", "prepared_set", "ready"]

_JPEG = re.compile(r"\.jpe?g$", re.IGNORECASE)
_NOTICE = re.compile(r"^(licen[cs]e|readme|copying)", re.IGNORECASE)
_TRIMAP_VALUES = {1, 2, 3}
_TRIMAP_FOLDERS = ("images/", "annotations/trimaps/")


def prepared_set(name: str, *, files: Mapping[str, Path] | None = None) -> Path:
    """The prepared folder of a set, made now from the verified downloads if it is not there whole.

    `cache.about` tells what was prepared from what, and what was left out and why.
    """
    facts = real.facts(name)

    def make(folder: Path) -> dict[str, Any]:
        here = registry.verified(name) if files is None else files
        told = _MAKERS[name](facts, here, folder)
        sources = [
            {key: file[key] for key in ("name", "bytes", "sha256") if key in file}
            for file in facts["files"]
        ]
        return {"set": name, "from": sources, "split": facts["split"], **told}

    return cache.prepared(name, real.key(name, facts), make, made_by=_code())


def ready(name: str) -> Path | None:
    """The prepared folder of a set, if it is there whole and this code would make the same."""
    return cache.found(name, real.key(name, real.facts(name)), made_by=_code())


@once
def _code() -> str:
    """Of all that makes a prepared set: another digest makes it anew."""
    digest = hashlib.sha256(Path(__file__).read_bytes().replace(b"\r\n", b"\n"))
    for module in (archives, formats, image_files, splits):
        digest.update(Path(module.__file__).read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:12]


def _prepare_fashion_mnist(
    facts: Mapping[str, Any], files: Mapping[str, Path], target: Path
) -> dict[str, Any]:
    stems = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    images, labels, test_images, test_labels = (
        formats.read_idx(files[f"{stem}-ubyte.gz"]) for stem in stems
    )
    training, test = (images[..., np.newaxis], labels), (test_images[..., np.newaxis], test_labels)
    return _save_arrays(facts, target, training, test)


def _prepare_cifar10(
    facts: Mapping[str, Any], files: Mapping[str, Path], target: Path
) -> dict[str, Any]:
    unpacked, names = _unpack(files, target, wanted=formats.CIFAR10_FILE.search)
    images, labels, test_images, test_labels = formats.read_cifar10(
        [unpacked / name for name in names]
    )
    shutil.rmtree(unpacked)
    return _save_arrays(facts, target, (images, labels), (test_images, test_labels))


def _save_arrays(
    facts: Mapping[str, Any],
    target: Path,
    training: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
) -> dict[str, Any]:
    """Split the training images by index, and keep each part as two arrays."""
    split = facts["split"]
    cut, wanted = split["train"], split["train"] + split["validation"]
    for what, have, need in (
        ("training", len(training[0]), wanted),
        ("test", len(test[0]), split["test"]),
    ):
        if have < need:
            raise InputError(
                f"expected at least {need:,} {what} images for the split of the registry, "
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


@dataclass(frozen=True, eq=False)
class _Candidate:
    name: str  # in the archive
    label: int
    seen: image_files.Inspection


def prepare_class_folders(
    facts: Mapping[str, Any], files: Mapping[str, Path], target: Path
) -> dict[str, Any]:
    """Unpack images, leave out the bad ones, and split what remains.

    Into `target` go PART/CLASS/NAME, as `image_dataset_from_directory` reads it, the license as
    it came, and an index with the classes in turn, so that the first images of a part are
    balanced. Returns what the manifest should tell.
    """
    unpacked, names = _unpack(files, target)
    good, left_out = _good(unpacked, sorted(names, key=_natural), facts["folders"])
    for name in names:
        if _NOTICE.match(Path(name).name):
            shutil.copy(unpacked / name, target / Path(name).name)
    thumbnails = [one.seen.thumbnail for one in good]
    groups = image_files.near_duplicates(np.stack(thumbnails)) if good else []
    good, groups, contradictions = _without_contradictions(good, groups)
    split = splits.by_index(
        [one.label for one in good],
        counts=facts["split"],
        together=groups,
        classes=facts["classes"],
    )
    index: dict[str, list[tuple[str, int]]] = {}
    rewritten = []
    for part, indices in split.items():
        rows: list[list[tuple[str, int]]] = [[] for _ in facts["classes"]]
        for one in (good[i] for i in indices):
            wanted = f"{part}/{facts['classes'][one.label]}/{Path(one.name).name}"
            final = _move(unpacked / one.name, target, wanted, one.seen)
            rewritten += _rewriting(one.name, one.seen, final)
            rows[one.label].append((final, one.label))
        index[part] = [row for turn in zip_longest(*rows) for row in turn if row is not None]
    _write_index(target, index)
    shutil.rmtree(unpacked)
    return {
        "parts": {part: len(rows) for part, rows in index.items()},
        "left_out": sorted(left_out + contradictions, key=lambda row: _natural(row["file"])),
        "rewritten": rewritten,
        "kept_together": [[good[i].name for i in group] for group in groups],
        "good_but_not_needed": len(good) - sum(map(len, index.values())),
    }


def _good(
    unpacked: Path, names: Sequence[str], folders: Sequence[str]
) -> tuple[list[_Candidate], list[dict[str, str]]]:
    """The images of use, by class and index, and what is none, with its reason."""
    labels = {folder: label for label, folder in enumerate(folders)}
    rows = [(name, labels.get(name.rpartition("/")[0])) for name in names]
    images = [(name, label) for name, label in rows if label is not None and _JPEG.search(name)]
    strays = {n for n in names if not _NOTICE.match(Path(n).name)} - {n for n, _ in images}
    left_out = [{"file": name, "reason": "stray file"} for name in strays]
    good = []
    inspected = image_files.inspect([unpacked / name for name, _ in images])
    for (name, label), seen in zip(images, inspected, strict=True):
        if seen.fault:
            left_out.append({"file": name, "reason": seen.fault})
        else:
            good.append(_Candidate(name, label, seen))
    return good, left_out


def _without_contradictions(
    good: Sequence[_Candidate], groups: Sequence[Sequence[int]]
) -> tuple[list[_Candidate], list[list[int]], list[dict[str, str]]]:
    """Leave out near-duplicates of different classes: one of the labels is wrong."""
    reasons = {}
    for group in groups:
        for i in group:
            others = [good[j].name for j in group if good[j].label != good[i].label]
            if others:
                reasons[i] = f"mislabelled, or {others[0]} is: the two are near-identical"
    kept = [i for i in range(len(good)) if i not in reasons]
    place = {old: new for new, old in enumerate(kept)}
    return (
        [good[i] for i in kept],
        [[place[i] for i in group] for group in groups if group[0] not in reasons],
        [{"file": good[i].name, "reason": reason} for i, reason in reasons.items()],
    )


def _natural(name: str) -> list[tuple[int, int, str]]:
    """A sorting key by which 9.jpg comes before 10.jpg."""
    pieces = re.split(r"(\d+)", name)
    return [(0, int(piece), "") if piece.isdecimal() else (1, 0, piece) for piece in pieces]


def prepare_trimaps(
    facts: Mapping[str, Any], files: Mapping[str, Path], target: Path
) -> dict[str, Any]:
    """Match images and trimaps by name, check each pair, shuffle the pairs once, and cut.

    A trimap says of each pixel whether it is pet, background or the border between them. Into
    `target` go images/NAME.jpg, trimaps/NAME.png and an index of (image, label, trimap). A name
    with a capital first letter is a cat's. Returns what the manifest should tell.
    """
    unpacked, names = _unpack(files, target, wanted=lambda name: name.startswith(_TRIMAP_FOLDERS))
    images, trimaps, left_out = _matched(names)
    for folder in ("images", "trimaps"):
        (target / folder).mkdir()
    stems = sorted(images)
    inspected = image_files.inspect([unpacked / images[stem] for stem in stems], jpeg_only=False)
    with ThreadPoolExecutor() as pool:
        faults = pool.map(_pair_fault, inspected, [unpacked / trimaps[stem] for stem in stems])
        pairs, rewritten = [], []
        for stem, seen, fault in zip(stems, inspected, faults, strict=True):
            if fault:
                left_out.append({"file": images[stem], "reason": fault})
                continue
            image = _move(unpacked / images[stem], target, f"images/{stem}.jpg", seen)
            rewritten += _rewriting(images[stem], seen, image)
            trimap = f"trimaps/{stem}.png"
            (unpacked / trimaps[stem]).replace(target / trimap)
            pairs.append((image, 0 if stem[0].isupper() else 1, trimap))
    index = splits.shuffled(
        pairs, counts=facts["split"], seed=facts["shuffle_seed"], what="images with trimaps"
    )
    _write_index(target, index)
    shutil.rmtree(unpacked)
    return {
        "parts": {part: len(rows) for part, rows in index.items()},
        "left_out": sorted(left_out, key=lambda row: row["file"]),
        "rewritten": rewritten,
    }


def _matched(
    names: Sequence[str],
) -> tuple[dict[str, str], dict[str, str], list[dict[str, str]]]:
    """Images and trimaps by stem, only those that have each other; and what is left over."""
    images, trimaps, left_out = {}, {}, []
    for name in names:
        path = PurePosixPath(name)
        if path.name.startswith("._"):
            left_out.append({"file": name, "reason": "stray file (a Mac's resource fork)"})
        elif path.parent.name == "images" and path.suffix.lower() in (".jpg", ".jpeg"):
            images[path.stem] = name
        elif path.parent.name == "trimaps" and path.suffix.lower() == ".png":
            trimaps[path.stem] = name
        else:
            left_out.append({"file": name, "reason": "stray file"})
    for here, there, reason in (
        (images, trimaps, "no trimap of this name"),
        (trimaps, images, "no image of this name"),
    ):
        alone = sorted(set(here) - set(there))
        left_out += [{"file": here.pop(stem), "reason": reason} for stem in alone]
    return images, trimaps, left_out


def _pair_fault(seen: image_files.Inspection, trimap: Path) -> str:
    """What is wrong with an image and its trimap; a trimap that is not plain is made so."""
    if seen.fault:
        return seen.fault
    try:
        values, plain = image_files.read_mask(trimap)
    except Exception as error:
        # As in `inspect`: a broken file may raise anything.
        return f"trimap {image_files.in_words(error)}"
    if values.shape != seen.size:
        return f"trimap of {values.shape}, image of {seen.size} (height, width)"
    strange = sorted(set(np.unique(values).tolist()) - _TRIMAP_VALUES)
    if strange:
        return f"trimap with the value {strange[0]}, which is none of 1, 2 and 3"
    if not plain:
        Image.fromarray(values.astype(np.uint8)).save(trimap, "PNG")
    return ""


def _unpack(
    files: Mapping[str, Path],
    target: Path,
    *,
    wanted: Callable[[str], object] = lambda name: True,
) -> tuple[Path, list[str]]:
    """Unpack a set's archives into one folder; the folder, and the names in it, each once."""
    folder = target / "unpacked"
    names = [
        name for file in files.values() for name in archives.unpack(file, folder, wanted=wanted)
    ]
    return folder, list(dict.fromkeys(names))


def _move(source: Path, target: Path, name: str, seen: image_files.Inspection) -> str:
    """Put an image where it belongs, as it came or, where that is not plain, as a PNG; its name."""
    (target / name).parent.mkdir(parents=True, exist_ok=True)
    if not seen.rewrite:
        source.replace(target / name)
        return name
    name = f"{name.removesuffix('.jpg')}.png"
    Image.fromarray(image_files.read_image(source)).save(target / name)
    return name


def _rewriting(source: str, seen: image_files.Inspection, name: str) -> list[dict[str, str]]:
    return [{"file": source, "reason": f"{seen.rewrite}: now {name}"}] if seen.rewrite else []


def _write_index(folder: Path, index: Mapping[str, Sequence[Sequence[object]]]) -> None:
    text = json.dumps(index, indent=0, ensure_ascii=False)
    (folder / real.INDEX).write_text(text, encoding="utf-8")


_MAKERS: dict[str, Callable[..., dict[str, Any]]] = {
    "fashion_mnist": _prepare_fashion_mnist,
    "cifar10": _prepare_cifar10,
    "cats_vs_dogs": prepare_class_folders,
    "flowers": prepare_class_folders,
    "oxford_pets": prepare_trimaps,
}
