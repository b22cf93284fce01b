"""Gradients by pixel: how the score would change with each value of the image.

    gradients             ∂y/∂x
    SmoothGrad            the mean of ∂y/∂x over noisy copies of the image
    integrated gradients  (x − x′) · mean of ∂y/∂x along the straight way from x′ to x

They are as fine as the image, and grainy: neighbors often have opposite signs. Gradients say what
a small change would do, integrated gradients share the whole difference y(x) − y(x′) out.
"""

from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np

from course_utils import checks
from course_utils.backend import keras, tf
from course_utils.errors import InputError
from course_utils.explain.explanation import Explanation
from course_utils.explain.passes import check_images
from course_utils.explain.perturbation import covers
from course_utils.explain.scores import Output, Pass, answer_of, traced

__all__ = ["gradients", "integrated_gradients", "smooth_grad"]


def gradients(
    model: keras.Model,
    images: np.ndarray,
    targets: Any = None,
    *,
    output: Output = None,
    batch_size: int = 64,
) -> Explanation:
    """The gradient of the class by each value of the image (Simonyan et al. 2014).

    Cost: one forward and one backward pass. Misleads where the model is saturated: what it relies
    on most may have a gradient of nearly 0.

    Arguments and errors as for `grad_cam`; a model without a gradient is refused, too.

    Returns:
        `values` (count, height, width, channels), signed; `maps` their size in [0, 1].

    Example:
        >>> model = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten(),
        ...     keras.layers.Dense(3, kernel_initializer="ones")])
        >>> gradients(model, np.zeros((1, 2, 2, 1)), 2).values.ravel()
        array([1., 1., 1., 1.], dtype=float32)
    """
    checked = check_images(model, images)
    answer, values = _pass(model, checked.shape[1:], output).run(checked, targets, batch_size)
    return Explanation("gradients", values, answer.targets, answer.scores, checked.shape[1:3])


def smooth_grad(
    model: keras.Model,
    images: np.ndarray,
    targets: Any = None,
    *,
    samples: int = 25,
    noise: float = 0.15,
    seed: int = 0,
    output: Output = None,
    batch_size: int = 64,
) -> Explanation:
    """The mean gradient over noisy copies of the image (Smilkov et al. 2017).

    Cost: `samples` times that of `gradients`. Easier on the eye than plain gradients; not
    therefore truer.

    Other arguments, result and errors as for `gradients`.

    Args:
        targets: None is the answer to the image without noise.
        samples: noisy copies of each image.
        noise: standard deviation, as a share of the image's own range, above 0.
        seed: of the noise.
        batch_size: noisy copies at a time.

    Example:
        >>> model = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten(),
        ...     keras.layers.Dense(3, kernel_initializer="ones")])
        >>> smooth_grad(model, np.ones((1, 2, 2, 1)), 2, samples=3).values.ravel()
        array([1., 1., 1., 1.], dtype=float32)
    """
    samples, seed = checks.whole("samples", samples), checks.seed(seed)
    if not isinstance(noise, numbers.Real) or not 0 < noise < math.inf:
        raise InputError(
            f"expected noise above 0, such as 0.15, received {noise!r}: it is a share of the "
            "image's range; without noise it is plain `gradients`"
        )
    checked = check_images(model, images)
    passed = _pass(model, checked.shape[1:], output)
    answer, _ = passed.run(checked, targets, batch_size)
    spread = float(noise) * np.ptp(checked, axis=(1, 2, 3), keepdims=True)

    def noisy(which: np.ndarray) -> np.ndarray:
        copies = checked[which // samples]
        # Each copy's noise follows from its own number: batches of any size give the same.
        grain = [
            np.random.default_rng((seed, int(v))).standard_normal(copies.shape[1:], np.float32)
            for v in which
        ]
        return copies + spread[which // samples] * np.stack(grain)

    *_, found = passed.run_variants(noisy, answer.targets, samples, batch_size)
    values = found.mean(axis=1)
    return Explanation("SmoothGrad", values, answer.targets, answer.scores, checked.shape[1:3])


def integrated_gradients(
    model: keras.Model,
    images: np.ndarray,
    targets: Any = None,
    *,
    baseline: float | np.ndarray = 0.0,
    steps: int = 32,
    output: Output = None,
    batch_size: int = 64,
) -> Explanation:
    """Gradients along the way from a baseline to the image (Sundararajan et al. 2017, eq. 1–3).

    Complete: the values of an image add up to y(x) − y(x′), up to the error of the sum over steps,
    which is seen by comparing the two. Cost: `steps` times that of `gradients`. Depends on the
    baseline: where the image equals it, nothing can be attributed, however much it matters.

    Other arguments, result and errors as for `gradients`.

    Args:
        baseline: x′, the image "of nothing", in the range of the images: one value (0 is black
            where they are in [0, 1]), one for each channel, one image, or one for each image.
        steps: points on the way, in the middle of as many equal pieces.
        batch_size: points at a time.

    Example:
        >>> model = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten(),
        ...     keras.layers.Dense(3, kernel_initializer="ones")])
        >>> integrated_gradients(model, np.full((1, 2, 2, 1), 0.5), 2).values.sum().item()
        2.0
    """
    steps = checks.whole("steps", steps)
    checked = check_images(model, images)
    start = covers("baseline", baseline, checked)
    passed = _pass(model, checked.shape[1:], output)
    answer, _ = passed.run(checked, targets, batch_size)

    def on_the_way(which: np.ndarray) -> np.ndarray:
        share = ((which % steps + 0.5) / steps).astype(np.float32)[:, None, None, None]
        rows = which // steps
        return start[rows] + share * (checked[rows] - start[rows])

    *_, found = passed.run_variants(on_the_way, answer.targets, steps, batch_size)
    values = (checked - start) * found.mean(axis=1)
    return Explanation(
        "integrated gradients", values, answer.targets, answer.scores, checked.shape[1:3]
    )


def _pass(model: keras.Model, shape: tuple[int, ...], output: Output) -> Pass:
    """Answers, and the gradients of the score by each pixel's values."""

    def body(model: keras.Model, images: Any, targets: Any, scale: Any, notes: dict) -> tuple:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(images)
            outputs = model(images, training=False)
            answer, _ = answer_of(model, outputs, targets, output, notes)
            score = scale * tf.reduce_sum(answer.scores)
        slope = tape.gradient(score, images)
        if slope is None:
            raise InputError(
                "expected a model whose output depends on its image by steps that have a "
                "gradient, received one without: occlusion needs no gradient"
            )
        return *answer, slope / scale

    return traced(model, shape, ("gradients", output), body)
