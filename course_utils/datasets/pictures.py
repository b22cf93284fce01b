"""Bad pictures found before they are met in the middle of an epoch, and near-identical ones."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

__all__ = ["Look", "look", "look_at", "near_identical"]

_SIDE = 16
_ALIKE = 0.97


@dataclass(frozen=True, eq=False)
class Look:
    """What one look at a picture file tells.

    Attributes:
        fault: why the picture is of no use; "" if it is.
        kind: "JPEG", "PNG", …, by content; "" with a fault.
        size: (height, width).
        thumbnail: float32 (256,), the picture in grey at 16×16 with mean 0 and length 1, so that
            the product of two is their correlation.
    """

    fault: str
    kind: str = ""
    size: tuple[int, int] = (0, 0)
    thumbnail: np.ndarray | None = None


def look(path: Path, *, jpeg_only: bool = True) -> Look:
    """Decode a picture whole, and say what is wrong with it.

    Args:
        path: of the file.
        jpeg_only: whether any other format is a fault, whatever the file's name says.

    Returns:
        What was seen. A picture without fault is also read by TensorFlow's decoder, which wants
        the end mark that others do without.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "666.jpg")
        >>> path.touch()
        >>> look(path).fault
        'empty'
    """
    content = path.read_bytes()
    if not content:
        return Look("empty")
    if jpeg_only and not content.startswith(b"\xff\xd8\xff"):
        return Look(f"no JPEG: begins with {content[:12]!r}")
    try:
        with Image.open(io.BytesIO(content)) as picture:
            picture.load()
            kind = "JPEG" if picture.format == "MPO" else picture.format or ""
            size = (picture.height, picture.width)
            grey = picture.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    except Exception as error:
        # Anything may be raised for a file that is broken: no list of errors is complete.
        text = " ".join(str(error).split())
        cut = "truncated" in text or isinstance(error, EOFError)
        return Look(f"{'truncated' if cut else 'unreadable'}: {_plain(text)}")
    if kind == "JPEG" and content.rfind(b"\xff\xd9") < content.rfind(b"\xff\xda"):
        return Look("truncated: no end mark")
    return Look("", kind, size, _normalised(np.asarray(grey, np.float32)))


def look_at(paths: Sequence[Path], *, jpeg_only: bool = True) -> list[Look]:
    """`look` at many files, on all cores: Pillow decodes without holding the interpreter."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(lambda path: look(path, jpeg_only=jpeg_only), paths))


def near_identical(thumbnails: np.ndarray) -> list[list[int]]:
    """Groups of pictures that show the same, sent twice, scaled, recompressed or recoloured.

    Two pictures are near-identical if their thumbnails correlate by 0.97 or more; what is
    near-identical to one of a group belongs to it. Measured on 890 photographs of cats, dogs and
    flowers: unrelated pictures reach at most 0.94, halved or recompressed ones 0.99.

    Args:
        thumbnails: float32 (count, 256), see `Look`.

    Returns:
        Each group of two or more, as rising indices; ordered by their first.

    Example:
        >>> twice = np.eye(3, 256, dtype=np.float32)[[0, 1, 0, 2]]
        >>> near_identical(twice)
        [[0, 2]]
    """
    root = list(range(len(thumbnails)))

    def find(index: int) -> int:
        while root[index] != index:
            root[index] = root[root[index]]
            index = root[index]
        return index

    # In blocks: 25,000 pictures at once would be 2.5 GB of correlations.
    for start in range(0, len(thumbnails), 1024):
        alike = thumbnails[start : start + 1024] @ thumbnails[start:].T >= _ALIKE
        for first, second in np.argwhere(np.triu(alike, 1)):
            one, other = find(start + int(first)), find(start + int(second))
            root[max(one, other)] = min(one, other)
    groups: dict[int, list[int]] = {}
    for index in range(len(root)):
        groups.setdefault(find(index), []).append(index)
    return [group for group in groups.values() if len(group) > 1]


def _normalised(grey: np.ndarray) -> np.ndarray:
    values = grey.ravel() - grey.mean()
    length = np.linalg.norm(values)
    # Of one single grey: alike to every other such picture, and to nothing else.
    return values / length if length > 1e-3 else np.full(values.size, 1 / _SIDE, np.float32)


def _plain(text: str) -> str:
    """A decoder's message without the address of an object in it, which differs in each run."""
    return text.partition("<_io")[0].strip() or "the decoder gave up"
