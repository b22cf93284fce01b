"""Explanations by covering: what happens to the score when a part of the picture is hidden.

They need no gradient, only answers, and many of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.errors import InputError
from course_utils.explain.explanations import Explanation
from course_utils.explain.passes import map_pass, run, run_forward, score_pass
from course_utils.explain.pixels import filled
from course_utils.explain.scoring import Output
from course_utils.explain.tracing import check_pictures, check_whole

if TYPE_CHECKING:
    import keras

__all__ = ["occlusion", "score_cam"]


def occlusion(
    network: keras.Model,
    pictures: np.ndarray,
    targets: Any = None,
    *,
    patch: int = 8,
    stride: int | None = None,
    fill: float | np.ndarray = 0.5,
    output: Output = None,
    batch_size: int = 64,
) -> Explanation:
    """How far the score falls when a square is covered (Zeiler and Fergus 2014).

    Cost: one forward pass for each place of the square. Misleads where two parts can each stand in
    for the other: covering one changes nothing. A covered picture is also one of a kind that the
    network has never seen.

    Args:
        network: as for `grad_cam`, and so are the others.
        pictures: likewise.
        targets: likewise.
        patch: side of the square in pixels.
        stride: from one place to the next; None is half the square. The last row and column of
            places lie at the edge, so that every pixel is covered.
        fill: what covers: a value, one for each channel, a picture, or one for each picture.
        output: likewise.
        batch_size: covered pictures at a time.

    Returns:
        `values` (count, height, width), signed: the mean fall of the score over the squares that
        cover a pixel. Positive where the picture speaks for the class.

    Raises:
        InputError: as `grad_cam`; a square larger than the picture.

    Example:
        >>> import keras
        >>> network = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(),
        ...     keras.layers.Dense(2, kernel_initializer="ones")])
        >>> occlusion(network, np.ones((1, 4, 4, 1)), 0, patch=2, stride=2, fill=0.0).values[0, 0]
        array([4., 4., 4., 4.], dtype=float32)
    """
    checked = check_pictures(network, pictures)
    patch = check_whole("patch", patch)
    stride = check_whole("stride", max(1, patch // 2) if stride is None else stride)
    height, width = checked.shape[1:3]
    if patch > min(height, width):
        raise InputError(
            f"expected a patch of at most {min(height, width)} pixels, received {patch}: "
            "it has to fit into the picture"
        )
    cover = filled(fill, checked, name="fill")
    corners = np.array(
        [
            (top, left)
            for top in _starts(height, patch, stride)
            for left in _starts(width, patch, stride)
        ]
    )
    traced = score_pass(network, checked.shape[1:], output=output)
    chosen, scores, _ = run(traced, checked, targets, batch_size=batch_size)

    def covered(numbers: np.ndarray) -> np.ndarray:
        rows = numbers // len(corners)
        copies = checked[rows]
        for copy, row, (top, left) in zip(
            copies, rows, corners[numbers % len(corners)], strict=True
        ):
            square = slice(top, top + patch), slice(left, left + patch)
            copy[square] = cover[row][square]
        return copies

    _, left_over, _ = run_forward(
        traced, covered, chosen, of_each=len(corners), batch_size=batch_size
    )
    falls = scores[:, None] - left_over
    values = np.zeros(checked.shape[:3], np.float32)
    times = np.zeros((height, width), np.float32)
    for place, (top, left) in enumerate(corners):
        values[:, top : top + patch, left : left + patch] += falls[:, place, None, None]
        times[top : top + patch, left : left + patch] += 1
    # A stride longer than the square leaves gaps, of which nothing is known: 0.
    values /= np.maximum(times, 1)
    return Explanation("occlusion", values, chosen, scores, (height, width))


def _starts(side: int, patch: int, stride: int) -> list[int]:
    starts = list(range(0, side - patch + 1, stride))
    return starts if starts[-1] == side - patch else [*starts, side - patch]


def score_cam(
    network: keras.Model,
    pictures: np.ndarray,
    targets: Any = None,
    *,
    layer: str | None = None,
    fill: float | np.ndarray = 0.0,
    output: Output = None,
    batch_size: int = 64,
) -> Explanation:
    """Score-CAM: a map counts by the score of the picture seen through it (Wang et al. 2020).

    Each channel's map, stretched over the picture and scaled to [0, 1], is laid over it as a mask;
    the weights are the softmax, over channels, of how far the score then lies above that of the
    empty picture (algorithm 1). Cost: one forward pass for each channel.

    Args:
        network: as for `grad_cam`, and so are the others.
        pictures: likewise.
        targets: likewise.
        layer: likewise.
        fill: the empty picture, seen where a mask is 0: as for `occlusion`.
        output: likewise.
        batch_size: masked pictures at a time.

    Returns:
        As `grad_cam`.

    Raises:
        InputError: as `grad_cam`.

    Example:
        >>> import keras
        >>> keras.utils.set_random_seed(0)
        >>> network = keras.Sequential([
        ...     keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3, name="conv"),
        ...     keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)])
        >>> score_cam(network, np.random.default_rng(0).random((2, 8, 8, 1)), 1)
        Score-CAM at conv: 2 maps of 8×8
    """
    checked = check_pictures(network, pictures)
    shape = checked.shape[1:]
    empty = filled(fill, checked, name="fill")
    listening = map_pass(
        network, shape, layer=layer, output=output, name="maps", combine=lambda maps, *_: maps
    )
    chosen, scores, maps = run(listening, checked, targets, batch_size=batch_size)
    low = maps.min(axis=(1, 2), keepdims=True)
    span = maps.max(axis=(1, 2), keepdims=True) - low
    # A map that is the same everywhere masks nothing out and says nothing: weight 0.
    speaks = span[:, 0, 0] > 0
    masks = np.divide(maps - low, span, out=np.zeros_like(maps), where=span > 0)
    channels = maps.shape[-1]
    traced = score_pass(network, shape, output=output)

    def masked(numbers: np.ndarray) -> np.ndarray:
        import tensorflow as tf

        rows, which = numbers // channels, numbers % channels
        seen = tf.image.resize(masks[rows, :, :, which][..., None], shape[:2]).numpy()
        return empty[rows] + seen * (checked[rows] - empty[rows])

    _, seen, _ = run_forward(traced, masked, chosen, of_each=channels, batch_size=batch_size)
    _, nothing, _ = run(traced, np.array(empty), chosen, batch_size=batch_size)
    gain = np.where(speaks, seen - nothing[:, None], -np.inf)
    top = gain.max(axis=1, keepdims=True)
    weights = np.exp(gain - np.where(np.isfinite(top), top, 0))
    total = weights.sum(axis=1, keepdims=True)
    weights = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
    values = np.einsum("nhwk,nk->nhw", maps, weights).astype(np.float32)
    return Explanation("Score-CAM", values, chosen, scores, shape[:2], listening.notes["layer"])
