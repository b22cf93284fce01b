"""A reader's own images: a folder of folders, one a class, made ready in the cache once.

The folder is only read. What every decoder reads alike is copied as it came; what is turned by its
EXIF data, or has other colors than 8-bit RGB or gray, is written anew.

An image's part follows from the SHA-256 of its file alone, so that it stays when others are added:
the first 32 bits, as a share of all, lie below 0.6 (training), below 0.8 (validation) or above
(test). No rule that never moves an image can also promise each class an image in each part, since
such a rule must decide by each file alone; a class that lacks one is refused.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache as once
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from course_utils import cache
from course_utils.datasets import image_files, real
from course_utils.datasets.parts import DataSet
from course_utils.datasets.splits import PARTS
from course_utils.errors import InputError

__all__ = ["is_folder", "open_own", "part_of", "prepare"]

_ENDS = {"train": 0.6, "validation": 0.8, "test": 1.0}
_SIDE, _PIXELS = 8, Image.MAX_IMAGE_PIXELS  # 89 megapixels
_TOO_LARGE = f"more than {_PIXELS / 1e6:.0f} megapixels: save it smaller"
_SHOWN = 10  # classes in one line
_PLAIN_MODES = ("RGB", "L")
_ENOUGH = 30  # of which all parts have one in 997 of 1,000 classes
_SYSTEM = {"thumbs.db", "desktop.ini", "ehthumbs.db", "__macosx", "@eadir"}
_NAMED_IMAGES = (
    ".jpg",
    ".jpeg",
    ".png",
    ".heic",
    ".heif",
    ".webp",
    ".gif",
    ".bmp",
    ".tif",
    ".tiff",
)
_ARRANGE = "make a folder for each class in it, and put the images of the class into that"


@dataclass(frozen=True, eq=False)
class _Candidate:
    name: str  # CLASS/FILE, as it lies in the folder
    path: Path
    label: int
    digest: str = ""
    seen: image_files.Inspection | None = None


def is_folder(name: object) -> bool:
    """Whether what `open` was given names a folder: a path, or text that looks like one."""
    if isinstance(name, Path):
        return True
    return isinstance(name, str) and ("/" in name or os.sep in name or Path(name).is_dir())


def part_of(digest: str) -> str:
    """The part of an image, from the SHA-256 of its file (or of the first of its group)."""
    share = int(digest[:8], 16) / 2**32
    return next(part for part, end in _ENDS.items() if share < end)


def open_own(name: str | Path, counts: Mapping[str, int | None], *, size: int | None) -> DataSet:
    """Open a folder of images, prepared now if need be; of each part the first `counts`."""
    folder = prepare(name)
    about = cache.about(folder)
    parts = real.streamed_parts(folder, {}, size)
    for part, count in counts.items():
        if count is not None:
            parts[part] = parts[part].first(count)
    per_class = [f"{title} {sum(own.values())}" for title, own in about["classes"].items()]
    more = f" and {len(per_class) - _SHOWN} more classes" if len(per_class) > _SHOWN else ""
    left_out = len(about["left_out"])
    rest = f"; {left_out} left out, `course data {name}` says why" if left_out else ""
    return DataSet(
        name=str(name),
        classes=tuple(about["classes"]),
        origin=f"{', '.join(per_class[:_SHOWN])}{more}{rest}",
        licence="your own",
        folder=folder,
        **parts,
    )


def prepare(name: str | Path, *, tell: Callable[[dict[str, Any]], object] | None = None) -> Path:
    """The prepared folder, made now if it is not there whole or the images have changed.

    `tell` is given what was found (as `cache.about` has it), also if the split is refused then.
    """
    root = Path(name).expanduser().absolute()
    with _readable(root):
        classes, candidates, left_out = _listed(root)
        states = [(one.name, *_state(one.path)) for one in candidates]
    refused = []

    def make(target: Path) -> dict[str, Any]:
        with _readable(root):
            good, bad = _good(candidates)
        about, index = _split(classes, good, left_out + bad)
        short = _short(about["classes"])
        if short:
            refused.append(about)
            raise InputError(_too_few(root, short))
        with _readable(root, target):
            about["rewritten"] = _write(target, classes, index)
        return about

    made_by = json.dumps([_code(), states, left_out])
    try:
        # In one place for each folder: the copies of images that are gone go, too.
        folder = cache.prepared(
            "own-images",
            json.dumps(str(root)),
            make,
            made_by=hashlib.sha256(made_by.encode()).hexdigest(),
        )
    finally:
        if refused and tell is not None:
            tell(refused[0])
    if tell is not None:
        tell(cache.about(folder))
    return folder


@once
def _code() -> str:
    """Of all that makes a prepared folder: another digest makes it anew."""
    texts = [Path(file).read_bytes() for file in (__file__, image_files.__file__)]
    return hashlib.sha256(b"".join(texts).replace(b"\r\n", b"\n")).hexdigest()[:12]


def _listed(root: Path) -> tuple[list[str], list[_Candidate], list[dict[str, str]]]:
    """The classes, every file in their folders, and what is left out unopened."""
    if not root.is_dir():
        received = "a file" if root.exists() else "none"
        raise InputError(
            f"expected a folder of images at {root}, received {received}: give the path of a "
            "folder that holds a folder for each class"
        )
    files, folders, left_out = _entries(root, root)
    if not files and not folders and not left_out:
        raise InputError(f"expected images in {root}, it is empty: {_ARRANGE}")
    loose = [path.name for path in files if path.suffix.lower() in _NAMED_IMAGES]
    if loose:
        raise InputError(
            f"expected only folders in {root}, received {len(loose)} images that lie directly in "
            f"it, as {loose[0]}: {_ARRANGE}"
        )
    left_out += [{"file": path.name, "reason": "in no folder of a class"} for path in files]
    if len(folders) < 2:
        received = f"one, {_title(folders[0])}" if folders else "none"
        raise InputError(
            f"expected two or more folders in {root}, one for each class, received {received}: "
            f"{_ARRANGE}"
        )
    folders.sort(key=_title)
    known: dict[str, str] = {}
    for folder in folders:
        other = known.setdefault(_title(folder).casefold(), folder.name)
        if other != folder.name:
            raise InputError(
                f"expected folders with different names in {root}, received {other} and "
                f"{folder.name}, which are one on other systems: rename one of them"
            )
    candidates = []
    for label, folder in enumerate(folders):
        inside, deeper, linked = _entries(folder, root)
        left_out += linked
        for path in deeper:
            if any(_entries(path, root)):
                raise InputError(
                    f"expected images directly in the folder of each class, received the folder "
                    f"{folder.name}/{path.name} in {root}: put its images into {folder.name}, or "
                    "open the folder whose own folders are the classes"
                )
        candidates += [_Candidate(f"{folder.name}/{p.name}", p, label) for p in inside]
    return [_title(folder) for folder in folders], candidates, left_out


def _entries(folder: Path, root: Path) -> tuple[list[Path], list[Path], list[dict[str, str]]]:
    """Files and folders in a folder, sorted, without the system's own; links that are refused."""
    files, folders, refused = [], [], []
    inside = Path(os.path.realpath(root))
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name.lower() in _SYSTEM:
            continue
        reason = ""
        if path.is_symlink() and inside not in Path(os.path.realpath(path)).parents:
            reason = "a link that leads out of the folder"
        elif path.is_dir() and _is_text(path.name):
            folders.append(path)
        elif not path.exists():
            reason = "a link to nothing"
        elif not (path.is_file() or path.is_dir()):
            reason = "neither file nor folder"
        elif not _is_text(path.name):
            reason = "a name that is no text in UTF-8: rename it"
        elif not os.access(path, os.R_OK):
            reason = "may not be read: permission is refused"
        else:
            files.append(path)
        if reason:
            name = path.relative_to(root).as_posix().encode("utf-8", "replace").decode()
            refused.append({"file": name, "reason": reason})
    return files, folders, refused


def _good(candidates: Sequence[_Candidate]) -> tuple[list[_Candidate], list[dict[str, str]]]:
    """Images that can be decoded whole, with their hashes; the others with their reasons."""
    with image_files.quiet(), ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        reasons = list(pool.map(lambda one: _unfit(one.path), candidates))
        rest = [one for one, reason in zip(candidates, reasons, strict=True) if not reason]
        digests = pool.map(lambda one: cache.file_hash(one.path), rest)
        seen = image_files.inspect([one.path for one in rest], jpeg_only=False)
        known = [
            _Candidate(one.name, one.path, one.label, digest, inspection)
            for one, digest, inspection in zip(rest, digests, seen, strict=True)
        ]
    bad = [(one, reason) for one, reason in zip(candidates, reasons, strict=True) if reason]
    bad += [(one, one.seen.fault) for one in known if one.seen.fault]
    good = [one for one in known if not one.seen.fault]
    # The same file in two classes: one of the labels is wrong, and nobody here knows which.
    first: dict[str, list[_Candidate]] = {}
    for one in good:
        first.setdefault(one.digest, []).append(one)
    for same in first.values():
        for one in same:
            others = [other.name for other in same if other.label != one.label]
            if others:
                bad.append((one, f"in two classes: {others[0]} is the same file"))
    wrong = {one.name for one, _ in bad}
    left_out = [{"file": one.name, "reason": reason} for one, reason in bad]
    return [one for one in good if one.name not in wrong], left_out


def _unfit(path: Path) -> str:
    """Why a file is not decoded at all, told from its first bytes; "" if it may be good."""
    with path.open("rb") as file:
        head = file.read(32)
    if not head:
        return "empty"
    if not head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")):
        return f"{_kind(head)}: only JPEG and PNG are read"
    try:
        with Image.open(path) as opened:
            width, height = opened.size
    except Image.DecompressionBombError:
        return _TOO_LARGE
    except Exception as error:
        # A broken file may raise anything.
        return image_files.in_words(error)
    if min(width, height) < _SIDE:
        return f"{height}×{width} pixels: a side of less than {_SIDE} shows nothing"
    if width * height > _PIXELS:
        return _TOO_LARGE
    return ""


def _kind(head: bytes) -> str:
    """What a file is that is no JPEG or PNG, in a word or two."""
    if head[4:8] == b"ftyp":
        brands = head[8:]
        if b"avif" in brands or b"avis" in brands:
            return "AVIF"
        heic = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")
        return "HEIC" if any(brand in brands for brand in heic) else "a video"
    if head[:4] == b"RIFF" and head[8:12] in (b"WEBP", b"AVI "):
        return "WebP" if head[8:12] == b"WEBP" else "a video"
    starts = {
        b"GIF8": "GIF",
        b"BM": "BMP",
        b"II*\0": "TIFF or raw",
        b"MM\0*": "TIFF or raw",
        b"\x1aE\xdf\xa3": "a video",
    }
    return next((kind for start, kind in starts.items() if head.startswith(start)), "no image")


def _split(
    classes: Sequence[str], good: Sequence[_Candidate], left_out: list[dict[str, str]]
) -> tuple[dict[str, Any], dict[str, list[_Candidate]]]:
    """The images of each part, classes in turn, each in the order of hashes; and what to tell."""
    thumbnails = [one.seen.thumbnail for one in good]
    groups = image_files.near_duplicates(np.stack(thumbnails)) if good else []
    first = {i: min(good[j].digest for j in group) for group in groups for i in group}
    rows = {part: [[] for _ in classes] for part in PARTS}
    for i, one in enumerate(good):
        rows[part_of(first.get(i, one.digest))][one.label].append(one)
    index = {}
    for part, own in rows.items():
        turns = zip_longest(*(sorted(row, key=lambda one: (one.digest, one.name)) for row in own))
        index[part] = [one for turn in turns for one in turn if one is not None]
    about = {
        "classes": {
            title: {part: len(rows[part][label]) for part in PARTS}
            for label, title in enumerate(classes)
        },
        "parts": {part: len(own) for part, own in index.items()},
        "left_out": sorted(left_out, key=lambda row: row["file"]),
        "kept_together": [[good[i].name for i in group] for group in groups],
    }
    return about, index


def _short(classes: Mapping[str, Mapping[str, int]]) -> dict[str, Mapping[str, int]]:
    return {title: own for title, own in classes.items() if not all(own.values())}


def _too_few(root: Path, short: Mapping[str, Mapping[str, int]]) -> str:
    told = [
        f"{title} with {own['train']}, {own['validation']} and {own['test']}"
        for title, own in short.items()
    ]
    more = f" and {len(told) - _SHOWN} more classes" if len(told) > _SHOWN else ""
    return (
        f"expected training, validation and test images of each class in {root}, received "
        f"{', '.join(told[:_SHOWN])}{more}: add images, since the part of each follows from its "
        f"file alone; {_ENOUGH} of a class are nearly always enough (`course data` lists what was "
        "left out, and what is near-identical)"
    )


def _write(
    target: Path, classes: Sequence[str], index: Mapping[str, Sequence[_Candidate]]
) -> list[dict[str, str]]:
    """Put the images into PART/CLASS/NAME, and the index beside; what was rewritten, and why."""
    rows: dict[str, list[tuple[str, int]]] = {}
    jobs, used = [], set()
    for part, images in index.items():
        rows[part] = []
        for one in images:
            suffix, reason = _form(one)
            name = one.path.name
            if not name.lower().endswith((suffix, ".jpeg") if suffix == ".jpg" else suffix):
                name += suffix
            # Names that differ in case alone are one on other systems.
            while f"{part}/{one.label}/{name}".casefold() in used:
                name = f"_{name}"
            used.add(f"{part}/{one.label}/{name}".casefold())
            final = f"{part}/{classes[one.label]}/{name}"
            (target / final).parent.mkdir(parents=True, exist_ok=True)
            rows[part].append((final, one.label))
            jobs.append((one, target / final, suffix, reason))
    with image_files.quiet(), ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        list(pool.map(lambda job: _copy(*job), jobs))
    text = json.dumps(rows, indent=0, ensure_ascii=False)
    (target / real.INDEX).write_text(text, encoding="utf-8")
    return [{"file": one.name, "reason": reason} for one, _, _, reason in jobs if reason]


def _form(one: _Candidate) -> tuple[str, str]:
    """The suffix that fits an image's content, and why it is to be rewritten ("": it is not)."""
    with image_files.quiet(), Image.open(one.path) as opened:
        suffix = ".png" if opened.format == "PNG" else ".jpg"
        plain = opened.mode in _PLAIN_MODES and "transparency" not in opened.info
        reason = "" if plain else f"of mode {opened.mode}"
    turned = one.seen.rewrite if one.seen.rewrite.startswith("turned") else ""
    return suffix, turned or reason


def _copy(one: _Candidate, target: Path, suffix: str, rewrite: str) -> None:
    content = one.path.read_bytes()
    if hashlib.sha256(content).hexdigest() != one.digest:
        raise InputError(f"expected {one.path} to stay as it was, it has just changed: try again")
    if not rewrite:
        target.write_bytes(content)
        return
    # A JPEG stays one: as PNG, a photo of a phone would take ten times the room.
    options = {"quality": 95, "subsampling": 0} if suffix == ".jpg" else {}
    with Image.open(io.BytesIO(content)) as opened:
        pixels = np.asarray(image_files.rgb(opened))
    Image.fromarray(pixels).save(target, **options)  # without the original's EXIF data


def _title(folder: Path) -> str:
    """A folder's name as a class: Macs take letters such as é and 한 apart."""
    return unicodedata.normalize("NFC", folder.name)


def _is_text(name: str) -> bool:
    """Whether a name holds no bytes that are no UTF-8, which Python keeps as surrogates."""
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


def _state(path: Path) -> tuple[int, int]:
    told = path.stat()
    return told.st_size, told.st_mtime_ns


@contextmanager
def _readable(root: Path, target: Path | None = None) -> Iterator[None]:
    """Say in one line what of the reader's folder may not be read, or went while it was."""
    try:
        yield
    except OSError as error:
        name = error.filename
        if name is None or (target is not None and Path(name).is_relative_to(target)):
            raise
        raise InputError(
            f"expected to read {name} in {root}, received from the system: {error.strerror}: "
            "give yourself the right to read it, or leave the folder as it is meanwhile"
        ) from None
