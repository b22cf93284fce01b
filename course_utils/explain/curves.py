"""Deletion and insertion: does the answer hang on what the map marks?

Pixels are taken away, or put back, in the order of the map, the highest first; the probability of
the class is measured on the way (Petsiuk et al. 2018). A good map lets it fall early when pixels
go, and rise early when they come.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.errors import InputError
from course_utils.explain.passes import run, run_forward, score_pass
from course_utils.explain.pixels import filled
from course_utils.explain.scoring import Output
from course_utils.explain.tracing import check_pictures, check_whole

if TYPE_CHECKING:
    import keras

__all__ = ["Curves", "baseline_maps", "deletion", "insertion"]


@dataclass(frozen=True, eq=False)
class Curves:
    """The probability of a class while pixels go or come.

    Attributes:
        shares: (steps + 1,) of the pixels changed so far, 0 to 1.
        probabilities: float32 (count, steps + 1).
        targets: int32 (count,), the class.
    """

    shares: np.ndarray
    probabilities: np.ndarray
    targets: np.ndarray

    @property
    def areas(self) -> np.ndarray:
        """Under each picture's curve (trapezoids), in [0, 1]: (count,)."""
        return np.trapezoid(self.probabilities, self.shares, axis=1)

    @property
    def mean(self) -> np.ndarray:
        """The mean curve, (steps + 1,)."""
        return self.probabilities.mean(axis=0)


def deletion(
    network: keras.Model,
    pictures: np.ndarray,
    maps: np.ndarray,
    targets: Any = None,
    *,
    fill: float | np.ndarray = 0.5,
    steps: int = 16,
    output: Output = None,
    batch_size: int = 64,
) -> Curves:
    """Cover the pixels that a map marks, the highest first. Small areas speak for the map.

    Args:
        network: as for `grad_cam`, and so are the others.
        pictures: likewise.
        maps: (count, height, width), an explanation's `maps`, or `baseline_maps`.
        targets: likewise.
        fill: what covers: as for `occlusion`.
        steps: equal shares of the pixels.
        output: likewise.
        batch_size: changed pictures at a time.

    Returns:
        One curve for each picture, from whole to covered.

    Raises:
        InputError: as `grad_cam`; maps of another shape.

    Example:
        >>> import keras
        >>> network = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten(),
        ...     keras.layers.Dense(1, activation="sigmoid", kernel_initializer="ones")])
        >>> picture, level = np.ones((1, 2, 2, 1)), np.ones((1, 2, 2))
        >>> fall = deletion(network, picture, level, 1, fill=0.0, steps=2)
        >>> fall.probabilities.round(2)
        array([[0.98, 0.88, 0.5 ]], dtype=float32)
    """
    return _curves(network, pictures, maps, targets, fill, steps, output, batch_size, insert=False)


def insertion(
    network: keras.Model,
    pictures: np.ndarray,
    maps: np.ndarray,
    targets: Any = None,
    *,
    fill: float | np.ndarray = 0.5,
    steps: int = 16,
    output: Output = None,
    batch_size: int = 64,
) -> Curves:
    """Uncover the pixels that a map marks, the highest first. Large areas speak for the map.

    Args:
        network: as for `deletion`, and so are the others.
        pictures: likewise.
        maps: likewise.
        targets: likewise.
        fill: likewise.
        steps: likewise.
        output: likewise.
        batch_size: likewise.

    Returns:
        One curve for each picture, from covered to whole.

    Raises:
        InputError: as `deletion`.

    Example:
        >>> import keras
        >>> network = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten(),
        ...     keras.layers.Dense(1, activation="sigmoid", kernel_initializer="ones")])
        >>> picture, level = np.ones((1, 2, 2, 1)), np.ones((1, 2, 2))
        >>> rise = insertion(network, picture, level, 1, fill=0.0, steps=2)
        >>> rise.probabilities.round(2)
        array([[0.5 , 0.88, 0.98]], dtype=float32)
    """
    return _curves(network, pictures, maps, targets, fill, steps, output, batch_size, insert=True)


def baseline_maps(shape: tuple[int, int, int], *, seed: int = 0) -> dict[str, np.ndarray]:
    """Two maps for each picture that know nothing of it, to compare with.

    Args:
        shape: (count, height, width).
        seed: of the random one.

    Returns:
        "centre", falling from 1 in the middle to 0 in the corners, and "random", noise; float32.

    Example:
        >>> {name: maps.shape for name, maps in baseline_maps((2, 4, 4)).items()}
        {'centre': (2, 4, 4), 'random': (2, 4, 4)}
    """
    _, height, width = shape
    y = np.linspace(-1, 1, height)[:, None]
    x = np.linspace(-1, 1, width)
    centre = (1 - np.sqrt((x**2 + y**2) / 2)).astype(np.float32)
    noise = np.random.default_rng(seed).random(shape, np.float32)
    return {"centre": np.broadcast_to(centre, shape), "random": noise}


def _curves(
    network: keras.Model,
    pictures: Any,
    maps: Any,
    targets: Any,
    fill: Any,
    steps: int,
    output: Output,
    batch_size: int,
    *,
    insert: bool,
) -> Curves:
    checked = check_pictures(network, pictures)
    maps = np.asarray(maps)
    if maps.shape != checked.shape[:3]:
        raise InputError(
            f"expected one map for each picture, {checked.shape[:3]}, received {maps.shape}: "
            "give an explanation's `maps`"
        )
    cover = filled(fill, checked, name="fill")
    places = maps[0].size
    steps = min(check_whole("steps", steps), places)
    # The place of each pixel in the order, the highest first; equals in the order of reading.
    order = np.argsort(-maps.reshape(len(maps), -1), axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(places)[None], axis=1)
    rank = rank.reshape(maps.shape)
    ends = np.round(np.linspace(0, places, steps + 1)).astype(int)
    traced = score_pass(network, checked.shape[1:], output=output)
    chosen, _, _ = run(traced, checked, targets, batch_size=batch_size)

    def changed(numbers: np.ndarray) -> np.ndarray:
        rows = numbers // (steps + 1)
        marked = rank[rows] < ends[numbers % (steps + 1)][:, None, None]
        return np.where((marked == insert)[..., None], checked[rows], cover[rows])

    _, _, found = run_forward(traced, changed, chosen, of_each=steps + 1, batch_size=batch_size)
    return Curves(ends / places, found, chosen)
