"""The IDX files of the MNIST family: a magic number, the sizes, then bytes (LeCun's format)."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np

from course_utils.errors import InputError

__all__ = ["read_idx"]


def read_idx(path: Path) -> np.ndarray:
    """The array in a gzipped IDX file of unsigned bytes.

    Args:
        path: of a `.gz` file.

    Returns:
        uint8, of the shape that the file's header gives.

    Raises:
        InputError: not gzip, not IDX of unsigned bytes, or shorter or longer than its header says.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "three.gz")
        >>> _ = path.write_bytes(gzip.compress(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9])))
        >>> read_idx(path)
        array([7, 8, 9], dtype=uint8)
    """
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
