"""Readers of two binary formats: the IDX files of the MNIST family, and CIFAR-10's records."""

from __future__ import annotations

import gzip
import re
import struct
import zlib
from pathlib import Path

import numpy as np

from course_utils.errors import InputError

__all__ = ["CIFAR10_FILE", "read_cifar10", "read_idx"]

CIFAR10_FILE = re.compile(r"(^|/)(data_batch_\d+|test_batch)\.bin$")
_SIDE, _CHANNELS, _CLASSES = 32, 3, 10
_RECORD = 1 + _CHANNELS * _SIDE * _SIDE


def read_idx(path: Path) -> np.ndarray:
    """The array in a gzipped IDX file of unsigned bytes: a magic number, the sizes, then bytes."""
    try:
        with gzip.open(path) as file:
            content = file.read()
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"expected a whole gzip file at {path}, received: {error}") from None
    if len(content) < 4 or content[:3] != b"\0\0\x08":
        raise InputError(
            f"expected an IDX file of unsigned bytes (it begins 00 00 08) at {path}, "
            f"received one that begins {content[:4].hex(' ')}"
        )
    start = 4 + 4 * content[3]
    if len(content) < start:
        raise InputError(
            f"expected a header of {start} bytes in {path}, received {len(content)} bytes in all"
        )
    shape = struct.unpack(f">{content[3]}I", content[4:start])
    if len(content) - start != int(np.prod(shape)):
        raise InputError(
            f"expected {int(np.prod(shape)):,} values {shape} in {path}, "
            f"received {len(content) - start:,}"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def read_cifar10(paths: list[Path]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Training images and labels, then those of the test, from the files of the binary version.

    A record is one byte of label and 3,072 of image, the three colors as planes (see
    https://www.cs.toronto.edu/~kriz/cifar.html); here colors are the last axis. Training files
    are joined in the order of their names.
    """
    files = {path.name: path for path in paths}
    train = sorted(name for name in files if name.startswith("data_batch_"))
    if not train or "test_batch.bin" not in files:
        raise InputError(
            "expected data_batch_1.bin and test_batch.bin in the archive, received "
            f"{', '.join(sorted(files)) or 'neither'}: take the binary version of CIFAR-10, "
            "not the one for Python or Matlab"
        )
    images, labels = zip(*(_records(files[name]) for name in train), strict=True)
    return np.concatenate(images), np.concatenate(labels), *_records(files["test_batch.bin"])


def _records(path: Path) -> tuple[np.ndarray, np.ndarray]:
    content = path.read_bytes()
    if not content or len(content) % _RECORD:
        raise InputError(
            f"expected whole records of {_RECORD:,} bytes in {path.name}, received "
            f"{len(content):,} bytes, {len(content) % _RECORD:,} too many"
        )
    records = np.frombuffer(content, np.uint8).reshape(-1, _RECORD)
    labels = records[:, 0].astype(np.int32)
    if labels.max() >= _CLASSES:
        place = int((labels >= _CLASSES).argmax())
        raise InputError(
            f"expected labels from 0 to {_CLASSES - 1} in {path.name}, received {labels[place]} "
            f"in record {place}"
        )
    planes = records[:, 1:].reshape(-1, _CHANNELS, _SIDE, _SIDE)
    return np.ascontiguousarray(np.moveaxis(planes, 1, -1)), labels
