"""CIFAR-10's binary archive: records of one label byte and 3,072 bytes of picture, channels first.

See "CIFAR-10 binary version" at https://www.cs.toronto.edu/~kriz/cifar.html.
"""

from __future__ import annotations

import gzip
import io
import re
import tarfile
import zlib
from pathlib import Path

import numpy as np

from course_utils.errors import InputError

__all__ = ["read_cifar10"]

_SIDE, _CHANNELS, _CLASSES = 32, 3, 10
_RECORD = 1 + _CHANNELS * _SIDE * _SIDE
_MEMBER = re.compile(r"(?:^|/)(?:data_batch_\d+|test_batch)\.bin$")


def read_cifar10(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The pictures and labels in CIFAR-10's binary archive, whole or cut to fewer records.

    Nothing is unpacked to disk. The training files are joined in the order of their names.

    Args:
        path: of the `.tar.gz` file.

    Returns:
        Training pictures uint8 (count, 32, 32, 3) and labels int32 (count,), then the test
        pictures and labels likewise. In the file the three colours are planes, one after another;
        here they are the last axis, as everywhere in the course.

    Raises:
        InputError: not a whole tar.gz file, no training or no test file in it, one that does not
            hold whole records, or a label above 9.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "two.tar.gz")
        >>> with tarfile.open(path, "w:gz") as archive:
        ...     for name, label in (("data_batch_1.bin", 3), ("test_batch.bin", 8)):
        ...         member = tarfile.TarInfo(name)
        ...         member.size = 3073
        ...         archive.addfile(member, io.BytesIO(bytes([label]) + bytes(3072)))
        >>> images, labels, test_images, test_labels = read_cifar10(path)
        >>> images.shape, labels, test_labels
        ((1, 32, 32, 3), array([3], dtype=int32), array([8], dtype=int32))
    """
    files = _batches(path)
    train = sorted(name for name in files if name.startswith("data_batch_"))
    if not train or "test_batch.bin" not in files:
        raise InputError(
            f"expected data_batch_1.bin and test_batch.bin in {path}, received "
            f"{', '.join(sorted(files)) or 'neither'}: take the binary version of CIFAR-10, "
            "not the one for Python or Matlab"
        )
    parts = [_records(files[name], f"{name} of {path}") for name in train]
    images, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return images, labels, *_records(files["test_batch.bin"], f"test_batch.bin of {path}")


def _batches(path: Path) -> dict[str, bytes]:
    """The content of the archive's batches, by file name."""
    try:
        # Unpacked first and as a whole: only at its end does gzip compare the checksum, and
        # tarfile stops reading before.
        with gzip.open(path) as file:
            content = io.BytesIO(file.read())
        with tarfile.open(fileobj=content) as archive:
            members = [m for m in archive if m.isfile() and _MEMBER.search(m.name)]
            return {Path(m.name).name: archive.extractfile(m).read() for m in members}
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise InputError(f"expected a whole tar.gz file at {path}, received: {error}") from None


def _records(content: bytes, where: str) -> tuple[np.ndarray, np.ndarray]:
    if not content or len(content) % _RECORD:
        raise InputError(
            f"expected whole records of {_RECORD:,} bytes in {where}, received "
            f"{len(content):,} bytes, {len(content) % _RECORD:,} too many"
        )
    records = np.frombuffer(content, np.uint8).reshape(-1, _RECORD)
    labels = records[:, 0].astype(np.int32)
    if labels.max() >= _CLASSES:
        place = int((labels >= _CLASSES).argmax())
        raise InputError(
            f"expected labels from 0 to {_CLASSES - 1} in {where}, received {labels[place]} in "
            f"record {place}"
        )
    planes = records[:, 1:].reshape(-1, _CHANNELS, _SIDE, _SIDE)
    return np.ascontiguousarray(np.moveaxis(planes, 1, -1)), labels
