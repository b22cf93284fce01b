"""Weights out of a PyTorch file, without PyTorch, and without running anything that it holds.

A PyTorch file of the older kind is a row of pickles followed by the raw numbers. A pickle may name
any function of Python and have it called as it is read, so a stranger's file can do anything. This
reader knows the three names that a file of weights needs, and refuses every other.
"""

from __future__ import annotations

import collections
import os
import pickle
import struct
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from course_utils.errors import WorldError

__all__ = ["read"]

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_DTYPES = {"FloatStorage": "<f4", "LongStorage": "<i8"}


class _Tensor(NamedTuple):
    storage: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]  # in elements; a file made from TensorFlow's has its order of axes


class _Restricted(pickle.Unpickler):
    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.storages: dict[str, tuple[str, int]] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *_: _Tensor(
                storage, offset, tuple(shape), tuple(strides)
            )
        if module == "torch" and name in _DTYPES:
            return name
        raise pickle.UnpicklingError(f"it names {module}.{name}, which is no part of weights")

    def persistent_load(self, reference: Any) -> str:
        _, kind, key, _, count, *_ = reference
        self.storages[key] = (kind, count)
        return key


def read(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a file that `torch.save` wrote before PyTorch 1.6, by name.

    Args:
        path: of the file.

    Returns:
        Name to array, in the file's order: float32 or int64, of the shape that PyTorch gave it
        (a kernel is filters × channels × height × width).

    Raises:
        WorldError: the file is missing, not whole, of another kind, or holds anything else than
            weights.
    """
    try:
        with path.open("rb") as file:
            return _tensors(file)
    except (
        *(OSError, EOFError, pickle.UnpicklingError, struct.error),
        *(ValueError, TypeError, KeyError, IndexError, AttributeError, ImportError, MemoryError),
    ) as error:
        reason = str(error) or type(error).__name__
        raise WorldError(
            f"expected the weights of a network in {path.name}, they cannot be read ({reason}): "
            "install the package that brings them again"
        ) from None


def _tensors(file: BinaryIO) -> dict[str, np.ndarray]:
    size = os.fstat(file.fileno()).st_size
    if _Restricted(file).load() != _MAGIC or _Restricted(file).load() != _PROTOCOL:
        raise ValueError("no PyTorch file of the older kind")
    _Restricted(file).load()  # the byte order and sizes of the machine that wrote it
    reader = _Restricted(file)
    state, data = reader.load(), {}
    for key in _Restricted(file).load():
        kind, wanted = reader.storages[key]
        (count,) = struct.unpack("<q", file.read(8))
        dtype = np.dtype(_DTYPES[kind])
        if count != wanted or not 0 <= count * dtype.itemsize <= size:
            raise ValueError(f"{count} numbers where {wanted} should be")
        data[key] = np.frombuffer(file.read(count * dtype.itemsize), dtype)
        if len(data[key]) != count:
            raise EOFError("it ends too early")
    return {name: _array(data[tensor.storage], tensor) for name, tensor in state.items()}


def _array(numbers: np.ndarray, tensor: _Tensor) -> np.ndarray:
    """A tensor out of its storage; what would reach outside of it is refused."""
    pairs = list(zip(tensor.shape, tensor.strides, strict=True))
    last = tensor.offset + sum((size - 1) * stride for size, stride in pairs)
    negative = min((tensor.offset, *tensor.shape, *tensor.strides), default=0) < 0
    if negative or last >= len(numbers):
        raise ValueError("a tensor that lies outside of the file's numbers")
    start = numbers[tensor.offset :]
    steps = [stride * numbers.itemsize for stride in tensor.strides]
    return np.lib.stride_tricks.as_strided(start, tensor.shape, steps).copy()
