"""Image files read and inspected: bad ones are found before they turn up in the middle of an epoch.

Pillow inspects files when a set is prepared; TensorFlow reads them while a network trains, in half
the time, as Keras' own reader of folders does. Both give the same values for a *plain* file: JPEG
or PNG with nothing to turn, masks in 8-bit gray. (JPEGs up to 5 levels of 255, 1 on average, since
TensorFlow takes the faster of two cosine transforms.) TensorFlow would read all others otherwise:
preparation rewrites them as plain PNGs, and `StreamedPart` refuses them.
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps

from course_utils.errors import InputError

__all__ = [
    "Inspection",
    "check_plain",
    "in_words",
    "inspect",
    "near_duplicates",
    "quiet",
    "read_image",
    "read_mask",
    "rgb",
]

_SIDE = 16
_ALIKE = 0.97


@dataclass(frozen=True, eq=False)
class Inspection:
    """What one look at an image file tells.

    `fault` says why it is of no use, `rewrite` why it is to be rewritten ("": neither), `size` is
    (height, width). `thumbnail` is float32 (256,), the image in gray at 16×16 with mean 0 and
    length 1, so that the product of two is their correlation.
    """

    fault: str
    rewrite: str = ""
    size: tuple[int, int] = (0, 0)
    thumbnail: np.ndarray | None = None


def read_image(path: Path) -> np.ndarray:
    """An image by Pillow, uint8 (height, width, 3), turned as its EXIF data says."""
    with quiet(), Image.open(io.BytesIO(path.read_bytes())) as opened:
        return np.asarray(rgb(opened))


def read_mask(path: Path) -> tuple[np.ndarray, bool]:
    """The classes in a mask of any depth, (height, width), and whether its file is plain.

    Classes are gray values, or the indices of a palette.
    """
    with Image.open(io.BytesIO(path.read_bytes())) as opened:
        if not (opened.mode in ("1", "L", "P") or opened.mode.startswith("I")):
            raise ValueError(f"one class for each pixel is expected, not mode {opened.mode}")
        classes = np.asarray(opened) * 1  # of a mask of one bit, 0 and 1
        return classes, not _not_plain(opened, mask=True)


def check_plain(paths: Sequence[Path], *, masks: bool = False) -> None:
    """Refuse files that TensorFlow would read otherwise than Pillow, told from their headers."""
    for path in paths:
        try:
            with quiet(), Image.open(path) as opened:
                received = _not_plain(opened, mask=masks)
        except OSError as error:
            received = in_words(error)
        if received:
            expected = "a mask as PNG in 8-bit gray" if masks else "a JPEG or PNG not turned"
            raise InputError(
                f"expected {expected} at {path}, received {received}: save it so with Pillow"
            )


def inspect(paths: Sequence[Path], *, jpeg_only: bool = True) -> list[Inspection]:
    """Decode images whole, on all cores, and say what is wrong with each.

    What is without fault is also read by TensorFlow's decoder, which wants the end mark of a JPEG
    that others do without. `jpeg_only` makes a fault of any other format, whatever the name says.
    """
    # Pillow decodes without holding the interpreter.
    with quiet(), ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(lambda path: _inspect(path, jpeg_only), paths))


def near_duplicates(thumbnails: np.ndarray) -> list[list[int]]:
    """Groups of images that show the same, sent twice, scaled, recompressed or recolored.

    Two images are near-duplicates if their thumbnails (see `Inspection`) correlate by 0.97 or
    more; a near-duplicate of one of a group belongs to it. Measured on 890 photographs of cats,
    dogs and flowers: unrelated images reach at most 0.94, halved or recompressed ones 0.99.
    Each group is rising indices; groups are ordered by their first.
    """
    root = list(range(len(thumbnails)))

    def find(index: int) -> int:
        while root[index] != index:
            root[index] = root[root[index]]
            index = root[index]
        return index

    # In blocks: 25,000 images at once would be 2.5 GB of correlations.
    for start in range(0, len(thumbnails), 1024):
        alike = thumbnails[start : start + 1024] @ thumbnails[start:].T >= _ALIKE
        for first, second in np.argwhere(np.triu(alike, 1)):
            one, other = find(start + int(first)), find(start + int(second))
            root[max(one, other)] = min(one, other)
    groups: dict[int, list[int]] = {}
    for index in range(len(root)):
        groups.setdefault(find(index), []).append(index)
    return [group for group in groups.values() if len(group) > 1]


def in_words(error: Exception) -> str:
    """What a decoder says of a broken file, without folder or address, which differ in each run."""
    text = " ".join(str(error).split())
    cut = "truncated" in text.lower() or isinstance(error, EOFError)
    plain = text.partition("<_io")[0].partition(" '")[0].strip()
    return f"{'truncated' if cut else 'unreadable'}: {plain or 'the decoder gave up'}"


@contextmanager
def quiet() -> Iterator[None]:
    """Without Pillow's warnings of odd EXIF data: an image is judged by what it gives.

    Around threads and not in one of them: what is ignored is ignored in all.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _inspect(path: Path, jpeg_only: bool) -> Inspection:
    content = path.read_bytes()
    if not content:
        return Inspection("empty")
    if jpeg_only and not content.startswith(b"\xff\xd8\xff"):
        return Inspection(f"no JPEG: begins with {content[:12]!r}")
    try:
        with Image.open(io.BytesIO(content)) as opened:
            image = rgb(opened)
            jpeg = opened.format in ("JPEG", "MPO")
            turned = _orientation(opened) != 1
    except Exception as error:
        # Anything may be raised for a file that is broken: no list of errors is complete.
        return Inspection(in_words(error))
    if jpeg and content.rfind(b"\xff\xd9") < content.rfind(b"\xff\xda"):
        return Inspection("truncated: no end mark")
    rewrite = "turned by its EXIF data" if turned else "" if jpeg else "no JPEG"
    gray = np.asarray(image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX), np.float32)
    return Inspection("", rewrite, (image.height, image.width), _normalized(gray))


def _not_plain(opened: Image.Image, *, mask: bool) -> str:
    """What TensorFlow would read otherwise than Pillow, told from a header; "" if nothing is."""
    if mask:
        plain = opened.format == "PNG" and opened.mode == "L"
        return "" if plain else f"{opened.format} of mode {opened.mode}"
    if opened.format not in ("JPEG", "MPO", "PNG"):
        return str(opened.format)
    return "" if _orientation(opened) == 1 else "one that its EXIF data turns"


def rgb(opened: Image.Image) -> Image.Image:
    """An opened image of any mode as 8-bit RGB, turned as its EXIF data says."""
    image = opened if _orientation(opened) == 1 else ImageOps.exif_transpose(opened)
    if image.mode.startswith("I"):
        # Gray of 16 bits, of which `convert` would make white of all above 255.
        gray = np.asarray(image)
        if gray.max(initial=0) > 65535:
            raise ValueError(f"gray up to {gray.max()}, more than 16 bits hold")
        image = Image.fromarray((gray >> 8).astype(np.uint8))
    return image.convert("RGB")


def _orientation(opened: Image.Image) -> int:
    try:
        orientation = opened.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:
        return 1  # broken EXIF data, for which Pillow may raise anything
    return orientation if orientation in range(1, 9) else 1


def _normalized(gray: np.ndarray) -> np.ndarray:
    values = gray.ravel() - gray.mean()
    length = np.linalg.norm(values)
    # Of one single gray: alike to every other such image, and to nothing else.
    return values / length if length > 1e-3 else np.full(values.size, 1 / _SIDE, np.float32)
