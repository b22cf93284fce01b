"""Features: what a frozen base makes of pictures, computed once and kept.

A frozen base gives the same features for the same picture every time, so a head can be trained on
features from a file, hundreds of times as fast as through the base. What must not be frozen in
this way: pictures that augmentation changes each time.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils import cache
from course_utils.errors import InputError
from course_utils.transfer.keys import network_key, pictures_key

if TYPE_CHECKING:
    import keras

    from course_utils.datasets import Part, StreamedPart

__all__ = ["cached_features", "features"]


def features(
    network: keras.Model, pictures: np.ndarray | Part | StreamedPart, *, batch_size: int = 64
) -> np.ndarray:
    """What a network makes of pictures, at inference.

    Args:
        network: a base, or a base with its preprocessing before it and pooling behind it.
        pictures: float (count, height, width, channels) as the network takes them; or a part of a
            data set, which gives its pictures in [0, 1], a batch at a time.
        batch_size: pictures at a time.

    Returns:
        float32 (count, …), the network's output for each picture.

    Raises:
        InputError: pictures that the network cannot take: their number of channels, their size,
            whole numbers, or none at all; a batch size below 1.

    Example:
        >>> import keras
        >>> pool = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.GlobalMaxPooling2D()])
        >>> features(pool, np.ones((5, 4, 4, 3), np.float32)).shape
        (5, 3)
    """
    _check(network, pictures, batch_size)
    return np.concatenate(list(_batches(network, pictures, batch_size)))


def cached_features(
    network: keras.Model,
    pictures: np.ndarray | Part | StreamedPart,
    *,
    name: str = "features",
    batch_size: int = 64,
) -> np.ndarray:
    """The same, kept on disk: computed when first asked for, then read.

    The file is found by all that the features follow from: the network's layers and their
    settings, every weight, every picture. Change one of them, and they are computed anew.

    Args:
        network: Sequential or functional, as for `features`.
        pictures: as for `features`.
        name: of the folder in the cache, for people: letters, digits, "-" and "_".
        batch_size: pictures at a time; only this many go through the network at once.

    Returns:
        float32 (count, …).

    Raises:
        InputError: as `features`, or a subclassed network, which cannot say what it is made of.
        WorldError: the cache cannot be written.

    Example:
        >>> import keras
        >>> pool = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.GlobalMaxPooling2D()])
        >>> cached_features(pool, np.ones((5, 4, 4, 3), np.float32)).shape
        (5, 3)
    """
    _check(network, pictures, batch_size)

    def make(folder: Path) -> None:
        # Written batch by batch: features of many pictures need not fit into memory twice.
        kept, row = None, 0
        for batch in _batches(network, pictures, batch_size):
            if kept is None:
                kept = np.lib.format.open_memmap(
                    folder / "features.npy",
                    mode="w+",
                    dtype=np.float32,
                    shape=(len(pictures), *batch.shape[1:]),
                )
            kept[row : row + len(batch)] = batch
            row += len(batch)
        kept.flush()

    key = f"{network_key(network)} {pictures_key(pictures)}"
    return np.load(cache.prepared(name, key, make) / "features.npy")


def _batches(network: keras.Model, pictures: Any, batch_size: int) -> Iterator[np.ndarray]:
    if isinstance(pictures, np.ndarray):
        given = (pictures[row : row + batch_size] for row in range(0, len(pictures), batch_size))
    else:
        given = (images.numpy() for images, _ in pictures.batches(batch_size))
    for batch in given:
        count = len(batch)
        # All batches have one shape: the last one, if short, would make Keras compile again.
        full = np.concatenate([batch, np.repeat(batch[-1:], batch_size - count, axis=0)])
        yield np.asarray(network.predict_on_batch(full), np.float32)[:count]


def _check(network: keras.Model, pictures: Any, batch_size: object) -> None:
    if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
        raise InputError(f"expected a batch size of 1 or more, received {batch_size!r}")
    is_array = isinstance(pictures, np.ndarray)
    if not is_array and not hasattr(pictures, "batches"):
        raise InputError(
            "expected pictures as an array or as a part of a data set, "
            f"received {type(pictures).__name__}: give for example data.train"
        )
    shape = (len(pictures), *pictures.image_shape) if not is_array else pictures.shape
    wanted = tuple(network.input_shape[1:])
    fits = len(shape) == len(wanted) + 1 and all(
        want in (None, have) for want, have in zip(wanted, shape[1:], strict=True)
    )
    if not fits:
        raise InputError(
            f"expected pictures {_shown((None, *wanted))}, received {_shown(shape)}: "
            + _remedy(shape, wanted)
        )
    if not len(pictures):
        raise InputError("expected at least one picture, received none: ask for some")
    if is_array and not np.issubdtype(pictures.dtype, np.floating):
        raise InputError(
            f"expected pictures of dtype float32 as the network takes them, received "
            f"{pictures.dtype}: scale them first (a part's `scaled()` gives them in [0, 1])"
        )


def _remedy(shape: tuple, wanted: tuple) -> str:
    if len(shape) == len(wanted):
        return "a single picture is a batch of one, picture[np.newaxis]"
    if len(shape) == len(wanted) + 1 == 4 and shape[-1] != wanted[-1]:
        if (shape[-1], wanted[-1]) == (1, 3):
            return "repeat the grey channel, np.repeat(pictures, 3, axis=-1)"
        if (shape[-1], wanted[-1]) == (4, 3):
            return "leave the fourth channel (transparency) out, pictures[..., :3]"
        return f"this network looks at {wanted[-1]} channels"
    return "resize them, or build the base for their shape"


def _shown(shape: tuple) -> str:
    return "(" + ", ".join("count" if size is None else str(size) for size in shape) + ")"
