"""Changing the image, and looking what becomes of the answer.

Occlusion explains: it covers a square at each position. Deletion and insertion judge a map
(Petsiuk et al. 2018): pixels are taken away, or put back, in its order, the highest first, and the
probability of the class is measured on the way. A good map lets it fall early when pixels go, and
rise early when they come. They need no gradient, only answers, and many of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from course_utils import checks
from course_utils.backend import keras
from course_utils.errors import InputError
from course_utils.explain.explanation import Explanation, check_maps
from course_utils.explain.passes import check_images
from course_utils.explain.scores import Output, score_pass

__all__ = ["Curves", "covers", "deletion", "insertion", "occlusion"]


def occlusion(
    model: keras.Model,
    images: np.ndarray,
    targets: Any = None,
    *,
    patch: int = 8,
    stride: int | None = None,
    fill: float | np.ndarray = 0.5,
    output: Output = None,
    batch_size: int = 64,
) -> Explanation:
    """How far the score falls when a square is covered (Zeiler and Fergus 2014).

    Cost: one forward pass for each position of the square. Misleads where two parts can each stand
    in for the other: covering one changes nothing. A covered image is also one of a kind that the
    model has never seen.

    Other arguments and errors as for `grad_cam`.

    Args:
        patch: side of the square in pixels.
        stride: from one position to the next; None is half the square. The last row and column of
            squares lie at the edge, so that every pixel is covered.
        fill: what covers, in the range of the images: one value, one for each channel, one image,
            or one for each image.
        batch_size: covered images at a time.

    Returns:
        `values` (count, height, width), signed: the mean fall of the score over the squares that
        cover a pixel. Positive where the image speaks for the class.

    Example:
        >>> model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(),
        ...     keras.layers.Dense(2, kernel_initializer="ones")])
        >>> occlusion(model, np.ones((1, 4, 4, 1)), 0, patch=2, stride=2, fill=0.0).values[0, 0]
        array([4., 4., 4., 4.], dtype=float32)
    """
    checked = check_images(model, images)
    height, width = checked.shape[1:3]
    patch = checks.whole("patch", patch, most=min(height, width))
    stride = checks.whole("stride", max(1, patch // 2) if stride is None else stride)
    cover = covers("fill", fill, checked)
    corners = np.array(
        [
            (top, left)
            for top in _starts(height, patch, stride)
            for left in _starts(width, patch, stride)
        ]
    )
    passed = score_pass(model, checked.shape[1:], output)
    answer, _ = passed.run(checked, targets, batch_size)

    def covered(which: np.ndarray) -> np.ndarray:
        rows = which // len(corners)
        copies = checked[rows]
        for copy, row, (top, left) in zip(copies, rows, corners[which % len(corners)], strict=True):
            square = slice(top, top + patch), slice(left, left + patch)
            copy[square] = cover[row][square]
        return copies

    _, left_over, *_ = passed.run_variants(covered, answer.targets, len(corners), batch_size)
    falls = answer.scores[:, None] - left_over
    values = np.zeros(checked.shape[:3], np.float32)
    times = np.zeros((height, width), np.float32)
    for number, (top, left) in enumerate(corners):
        values[:, top : top + patch, left : left + patch] += falls[:, number, None, None]
        times[top : top + patch, left : left + patch] += 1
    # A stride longer than the square leaves gaps, of which nothing is known: 0.
    values /= np.maximum(times, 1)
    return Explanation("occlusion", values, answer.targets, answer.scores, (height, width))


def _starts(side: int, patch: int, stride: int) -> list[int]:
    starts = list(range(0, side - patch + 1, stride))
    return starts if starts[-1] == side - patch else [*starts, side - patch]


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
        """Under each image's curve (trapezoids), in [0, 1]: (count,)."""
        return np.trapezoid(self.probabilities, self.shares, axis=1)

    @property
    def mean(self) -> np.ndarray:
        """The mean curve, (steps + 1,)."""
        return self.probabilities.mean(axis=0)


def deletion(
    model: keras.Model,
    images: np.ndarray,
    maps: np.ndarray,
    targets: Any = None,
    *,
    fill: float | np.ndarray = 0.5,
    steps: int = 16,
    output: Output = None,
    batch_size: int = 64,
) -> Curves:
    """Cover the pixels that a map marks, the highest first. Small areas speak for the map.

    Other arguments and errors as for `occlusion`.

    Args:
        maps: (count, height, width), finite; an explanation's `maps`, or `baseline_maps`. Only
            their order counts.
        steps: equal shares of the pixels.
        batch_size: changed images at a time.

    Returns:
        One curve for each image, from whole to covered.

    Example:
        >>> model = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten(),
        ...     keras.layers.Dense(1, activation="sigmoid", kernel_initializer="ones")])
        >>> image, level = np.ones((1, 2, 2, 1)), np.ones((1, 2, 2))
        >>> deletion(model, image, level, 1, fill=0.0, steps=2).probabilities.round(2)
        array([[0.98, 0.88, 0.5 ]], dtype=float32)
    """
    return _curves(model, images, maps, targets, fill, steps, output, batch_size, insert=False)


def insertion(
    model: keras.Model,
    images: np.ndarray,
    maps: np.ndarray,
    targets: Any = None,
    *,
    fill: float | np.ndarray = 0.5,
    steps: int = 16,
    output: Output = None,
    batch_size: int = 64,
) -> Curves:
    """Uncover the pixels that a map marks, the highest first. Large areas speak for the map.

    Arguments, result and errors as `deletion`; the curves run from covered to whole.

    Example:
        >>> model = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten(),
        ...     keras.layers.Dense(1, activation="sigmoid", kernel_initializer="ones")])
        >>> image, level = np.ones((1, 2, 2, 1)), np.ones((1, 2, 2))
        >>> insertion(model, image, level, 1, fill=0.0, steps=2).probabilities.round(2)
        array([[0.5 , 0.88, 0.98]], dtype=float32)
    """
    return _curves(model, images, maps, targets, fill, steps, output, batch_size, insert=True)


def _curves(
    model: keras.Model,
    images: Any,
    maps: Any,
    targets: Any,
    fill: Any,
    steps: int,
    output: Output,
    batch_size: int,
    *,
    insert: bool,
) -> Curves:
    checked = check_images(model, images)
    maps = check_maps(maps, checked.shape[:3])
    cover = covers("fill", fill, checked)
    pixels = maps[0].size
    steps = min(checks.whole("steps", steps), pixels)
    # The rank of each pixel, the highest first; equals in the order of reading.
    order = np.argsort(-maps.reshape(len(maps), -1), axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(pixels)[None], axis=1)
    rank = rank.reshape(maps.shape)
    ends = np.round(np.linspace(0, pixels, steps + 1)).astype(int)
    passed = score_pass(model, checked.shape[1:], output)
    answer, _ = passed.run(checked, targets, batch_size)

    def changed(which: np.ndarray) -> np.ndarray:
        rows = which // (steps + 1)
        marked = rank[rows] < ends[which % (steps + 1)][:, None, None]
        return np.where((marked == insert)[..., None], checked[rows], cover[rows])

    _, _, found, *_ = passed.run_variants(changed, answer.targets, steps + 1, batch_size)
    return Curves(ends / pixels, found, answer.targets)


def covers(name: str, fill: Any, images: np.ndarray) -> np.ndarray:
    """A value, one for each channel, an image or images, as one float32 image for each."""
    array = np.asarray(fill)
    if array.ndim == 0 and array.dtype.kind in "iu":
        array = array.astype(np.float32)
    array = checks.finite_floats(name, array, advice="give it in the range of the images")
    if array.shape not in ((), images.shape[-1:], images.shape[1:], images.shape):
        raise InputError(
            f"expected {name} to be one value, one for each channel, one image {images.shape[1:]} "
            f"or one for each, received {array.shape}: 0.0 is black where images are in [0, 1]"
        )
    return np.broadcast_to(array.astype(np.float32), images.shape)
