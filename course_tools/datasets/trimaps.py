"""Pictures with a trimap each: what is pet, what is background, what is border between them."""

from __future__ import annotations

import io
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from course_tools.datasets.folders import write_index
from course_tools.datasets.unpack import unpack
from course_utils.datasets.pictures import look
from course_utils.datasets.splits import shuffled

__all__ = ["prepare_trimaps"]

_VALUES = {1, 2, 3}
_WANTED = ("images/", "annotations/trimaps/")


def prepare_trimaps(
    facts: Mapping[str, Any], files: Mapping[str, Path], target: Path
) -> dict[str, Any]:
    """Match pictures and trimaps by name, check each pair, shuffle the pairs once, and cut.

    Into `target` go images/NAME.jpg and trimaps/NAME.png as they came, and an index of
    (picture, label, trimap). A picture of another format under the name .jpg becomes a PNG, which
    loses nothing. A name with a capital first letter is a cat's.

    Args:
        facts: the set's entry in the registry, with `split` and `shuffle_seed`.
        files: the verified archives.
        target: an empty folder.

    Returns:
        What the manifest should tell: what was left out and why, and what was rewritten.

    Raises:
        InputError: too few good pairs for the split.
        WorldError: an archive that cannot be unpacked safely.
    """
    unpacked = target / "unpacked"
    names = []
    for archive in files.values():
        names += unpack(archive, unpacked, wanted=lambda name: name.startswith(_WANTED))
    pictures, trimaps, left_out = _matched(names)
    for folder in ("images", "trimaps"):
        (target / folder).mkdir()
    stems = sorted(pictures)

    def take(stem: str) -> tuple[str, str]:
        return _take(unpacked / pictures[stem], unpacked / trimaps[stem], target)

    pairs, rewritten = [], []
    with ThreadPoolExecutor() as pool:
        for stem, (fault, picture) in zip(stems, pool.map(take, stems), strict=True):
            if fault:
                left_out.append({"file": pictures[stem], "reason": fault})
                continue
            if picture.endswith(".png"):
                rewritten.append({"file": pictures[stem], "reason": f"no JPEG: now {picture}"})
            pairs.append((picture, 0 if stem[0].isupper() else 1, f"trimaps/{stem}.png"))
    index = shuffled(
        pairs, counts=facts["split"], seed=facts["shuffle_seed"], what="pictures with trimaps"
    )
    write_index(target, index)
    shutil.rmtree(unpacked)
    return {
        "parts": {part: len(rows) for part, rows in index.items()},
        "left_out": sorted(left_out, key=lambda row: row["file"]),
        "rewritten": rewritten,
    }


def _matched(
    names: list[str],
) -> tuple[dict[str, str], dict[str, str], list[dict[str, str]]]:
    """Pictures and trimaps by stem, only those that have each other; and what is left over."""
    pictures, trimaps, left_out = {}, {}, []
    for name in names:
        path = PurePosixPath(name)
        if path.name.startswith("._"):
            left_out.append({"file": name, "reason": "stray file (a Mac's resource fork)"})
        elif path.parent.name == "images" and path.suffix.lower() in (".jpg", ".jpeg"):
            pictures[path.stem] = name
        elif path.parent.name == "trimaps" and path.suffix.lower() == ".png":
            trimaps[path.stem] = name
        else:
            left_out.append({"file": name, "reason": "stray file"})
    for here, there, reason in (
        (pictures, trimaps, "no trimap of this name"),
        (trimaps, pictures, "no picture of this name"),
    ):
        alone = sorted(set(here) - set(there))
        left_out += [{"file": here.pop(stem), "reason": reason} for stem in alone]
    return pictures, trimaps, left_out


def _take(picture: Path, trimap: Path, target: Path) -> tuple[str, str]:
    """Check a pair and move it: ("", the picture's new name), or (its fault, "")."""
    seen = look(picture, jpeg_only=False)
    if seen.fault:
        return seen.fault, ""
    try:
        with Image.open(io.BytesIO(trimap.read_bytes())) as opened:
            values = np.asarray(opened)
    except Exception as error:
        # As in `look`: a broken file may raise anything.
        return f"trimap unreadable: {str(error).partition('<_io')[0].strip()}", ""
    if values.shape != seen.size:
        return f"trimap of {values.shape}, picture of {seen.size} (height, width)", ""
    strange = sorted(set(np.unique(values).tolist()) - _VALUES)
    if strange:
        return f"trimap with the value {strange[0]}, which is none of 1, 2 and 3", ""
    trimap.replace(target / "trimaps" / f"{picture.stem}.png")
    if seen.kind == "JPEG":
        picture.replace(target / "images" / f"{picture.stem}.jpg")
        return "", f"images/{picture.stem}.jpg"
    with Image.open(picture) as opened:
        opened.convert("RGB").save(target / "images" / f"{picture.stem}.png")
    return "", f"images/{picture.stem}.png"
