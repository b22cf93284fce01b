"""Gradients by pixel: how the score would change with each value of the picture.

    gradients             ∂y/∂x
    SmoothGrad            the mean of ∂y/∂x over noisy copies of the picture
    integrated gradients  (x − x′) · mean of ∂y/∂x along the straight way from x′ to x

They are as fine as the picture, and grainy: neighbours often have opposite signs. Gradients say
what a small change would do, integrated gradients share the whole difference y(x) − y(x′) out.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.errors import InputError
from course_utils.explain.explanations import Explanation
from course_utils.explain.passes import pixel_pass, run, run_forward
from course_utils.explain.scoring import Output
from course_utils.explain.tracing import check_pictures, check_whole

if TYPE_CHECKING:
    import keras

__all__ = ["gradients", "integrated_gradients", "smooth_grad"]


def gradients(
    network: keras.Model,
    pictures: np.ndarray,
    targets: Any = None,
    *,
    output: Output = None,
    batch_size: int = 64,
) -> Explanation:
    """The gradient of the class by each value of the picture (Simonyan et al. 2014).

    Cost: one forward and one backward pass. Misleads where the network is saturated: what it
    relies on most may have a gradient of nearly 0.

    Args:
        network: as for `grad_cam`, and so are the others.
        pictures: likewise.
        targets: likewise.
        output: likewise.
        batch_size: likewise.

    Returns:
        `values` (count, height, width, channels), signed; `maps` their size in [0, 1].

    Raises:
        InputError: as `grad_cam`; a network without a gradient.

    Example:
        >>> import keras
        >>> network = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten(),
        ...     keras.layers.Dense(3, kernel_initializer="ones")])
        >>> gradients(network, np.zeros((1, 2, 2, 1)), 2).values.ravel()
        array([1., 1., 1., 1.], dtype=float32)
    """
    checked = check_pictures(network, pictures)
    traced = pixel_pass(network, checked.shape[1:], output=output)
    chosen, scores, values = run(traced, checked, targets, batch_size=batch_size)
    return Explanation("gradients", values, chosen, scores, checked.shape[1:3])


def smooth_grad(
    network: keras.Model,
    pictures: np.ndarray,
    targets: Any = None,
    *,
    samples: int = 25,
    noise: float = 0.15,
    seed: int = 0,
    output: Output = None,
    batch_size: int = 64,
) -> Explanation:
    """The mean gradient over noisy copies of the picture (Smilkov et al. 2017).

    Cost: `samples` times that of `gradients`. Easier on the eye than plain gradients; not
    therefore truer.

    Args:
        network: as for `grad_cam`, and so are the others.
        pictures: likewise.
        targets: likewise; None is the answer to the picture without noise.
        samples: noisy copies of each picture.
        noise: standard deviation, as a share of the picture's own range, above 0.
        seed: of the noise.
        output: likewise.
        batch_size: noisy copies at a time.

    Returns:
        As `gradients`.

    Raises:
        InputError: as `gradients`; samples or noise out of range.

    Example:
        >>> import keras
        >>> network = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten(),
        ...     keras.layers.Dense(3, kernel_initializer="ones")])
        >>> smooth_grad(network, np.ones((1, 2, 2, 1)), 2, samples=3).values.ravel()
        array([1., 1., 1., 1.], dtype=float32)
    """
    samples = check_whole("samples", samples)
    if not isinstance(noise, int | float) or not 0 < noise < math.inf:
        raise InputError(
            f"expected noise above 0, such as 0.15, received {noise!r}: it is a share of the "
            "picture's range; without noise it is plain `gradients`"
        )
    checked = check_pictures(network, pictures)
    traced = pixel_pass(network, checked.shape[1:], output=output)
    chosen, scores, _ = run(traced, checked, targets, batch_size=batch_size)
    spread = noise * np.ptp(checked, axis=(1, 2, 3), keepdims=True)

    def noisy(numbers: np.ndarray) -> np.ndarray:
        copies = checked[numbers // samples]
        # Each copy's noise follows from its own number: batches of any size give the same.
        grain = [
            np.random.default_rng((seed, int(v))).standard_normal(copies.shape[1:], np.float32)
            for v in numbers
        ]
        return copies + spread[numbers // samples] * np.stack(grain)

    _, _, found = run_forward(traced, noisy, chosen, of_each=samples, batch_size=batch_size)
    return Explanation("SmoothGrad", found.mean(axis=1), chosen, scores, checked.shape[1:3])


def integrated_gradients(
    network: keras.Model,
    pictures: np.ndarray,
    targets: Any = None,
    *,
    baseline: float | np.ndarray = 0.0,
    steps: int = 32,
    output: Output = None,
    batch_size: int = 64,
) -> Explanation:
    """Gradients along the way from a baseline to the picture (Sundararajan et al. 2017, eq. 1–3).

    Complete: the values of a picture add up to y(x) − y(x′), up to the error of the sum over
    steps, which is seen by comparing the two. Cost: `steps` times that of `gradients`. Depends on
    the baseline: where the picture equals it, nothing can be attributed, however much it matters.

    Args:
        network: as for `grad_cam`, and so are the others.
        pictures: likewise.
        targets: likewise.
        baseline: x′, the picture "of nothing": one value (0 is black where pictures are in
            [0, 1]), one picture, or one for each picture.
        steps: points on the way, in the middle of as many equal pieces.
        output: likewise.
        batch_size: points at a time.

    Returns:
        As `gradients`; `values` add up to the difference of the scores.

    Raises:
        InputError: as `gradients`; a baseline of another shape.

    Example:
        >>> import keras
        >>> network = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten(),
        ...     keras.layers.Dense(3, kernel_initializer="ones")])
        >>> integrated_gradients(network, np.full((1, 2, 2, 1), 0.5), 2).values.sum().item()
        2.0
    """
    steps = check_whole("steps", steps)
    checked = check_pictures(network, pictures)
    start = filled(baseline, checked, name="baseline")
    traced = pixel_pass(network, checked.shape[1:], output=output)
    chosen, scores, _ = run(traced, checked, targets, batch_size=batch_size)

    def on_the_way(numbers: np.ndarray) -> np.ndarray:
        share = ((numbers % steps + 0.5) / steps).astype(np.float32)[:, None, None, None]
        rows = numbers // steps
        return start[rows] + share * (checked[rows] - start[rows])

    _, _, found = run_forward(traced, on_the_way, chosen, of_each=steps, batch_size=batch_size)
    values = (checked - start) * found.mean(axis=1)
    return Explanation("integrated gradients", values, chosen, scores, checked.shape[1:3])


def filled(fill: Any, pictures: np.ndarray, *, name: str) -> np.ndarray:
    """A value, a picture or pictures, as one picture for each, float32.

    Raises:
        InputError: a shape that fits none.
    """
    array = np.asarray(fill, np.float32)
    if array.shape not in ((), pictures.shape[-1:], pictures.shape[1:], pictures.shape):
        raise InputError(
            f"expected {name} to be one value, one for each channel, one picture "
            f"{pictures.shape[1:]} or one for each, received {array.shape}: 0.0 is black where "
            "pictures are in [0, 1]"
        )
    return np.broadcast_to(array, pictures.shape)
