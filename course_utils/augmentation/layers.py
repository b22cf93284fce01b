"""The same policy as a stack of Keras' own random layers, for inside a model or to compare."""

from __future__ import annotations

import math

from course_utils import checks
from course_utils.augmentation.policy import Policy
from course_utils.backend import keras
from course_utils.errors import InputError

__all__ = ["keras_layers"]


def keras_layers(policy: Policy, *, seed: int) -> list[keras.layers.Layer]:
    """One random layer for each transform of a policy, in the policy's order.

    Each amount has the same distribution as under the policy, and each layer that moves pixels
    resamples once more, so that images are a little softer, and slower to come. Layers do nothing
    unless they are called with `training=True`, as `fit` does for a model that holds them.

    `RandomShear` differs: it draws a slope and leans about the upper left corner, not the center,
    without the policy's slight squeeze by the cosine of the angle. Two layers are not used as
    they are usually written: one `RandomFlip("horizontal_and_vertical")` turns both ways or
    neither, and `RandomContrast(0.2)` only raises contrast, never lowers it.

    Args:
        policy: without channel shift, which no layer does, and with a zoom of at most 2.
        seed: of the first layer; the others count on from it.

    Returns:
        The layers, to be unpacked into `keras.Sequential`; none for the policy that does nothing.

    Raises:
        InputError: a part of the policy that no Keras layer has.

    Example:
        >>> stack = keras_layers(Policy(rotation=0.1, flip_horizontal=True), seed=0)
        >>> [type(layer).__name__ for layer in stack]
        ['RandomRotation', 'RandomFlip']
    """
    checks.seed(seed)
    if policy.zoom_range[1] > 2:
        raise InputError(
            f"expected a zoom of at most 2, received {policy.zoom_range[1]:g}: Keras' RandomZoom "
            "goes no further; use the policy in the dataset"
        )
    if policy.channel_shift:
        raise InputError(
            f"expected no channel_shift, received {policy.channel_shift!r}: no Keras layer does "
            "it; use the policy in the dataset"
        )
    layers = keras.layers
    outside = {"fill_mode": policy.fill, "fill_value": policy.fill_value}
    in_range = {"value_range": (0.0, 1.0)}
    made = []
    if policy.rotation:
        made.append((layers.RandomRotation, {"factor": policy.rotation, **outside}))
    if policy.shifts != (0, 0):
        height, width = policy.shifts
        factors = {"height_factor": height, "width_factor": width}
        made.append((layers.RandomTranslation, {**factors, **outside}))
    if policy.shear:
        slope = math.sin(2 * math.pi * policy.shear)
        # The layer draws the size of the slope from this range, and then its side.
        made.append((layers.RandomShear, {"x_factor": (0.0, slope), **outside}))
    low, high = (end - 1.0 for end in policy.zoom_range)
    if (low, high) != (0, 0):
        width = None if policy.zoom_keeps_proportions else (low, high)
        factors = {"height_factor": (low, high), "width_factor": width}
        made.append((layers.RandomZoom, {**factors, **outside}))
    if policy.flip_horizontal:
        made.append((layers.RandomFlip, {"mode": "horizontal"}))
    if policy.flip_vertical:
        made.append((layers.RandomFlip, {"mode": "vertical"}))
    if policy.brightness:
        made.append((layers.RandomBrightness, {"factor": policy.brightness, **in_range}))
    if policy.contrast:
        # A pair: given one number, the layer only ever raises the contrast.
        factors = (policy.contrast, policy.contrast)
        made.append((layers.RandomContrast, {"factor": factors, **in_range}))
    return [layer(seed=seed + number, **options) for number, (layer, options) in enumerate(made)]
