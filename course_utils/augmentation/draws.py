"""Random amounts of a policy, a picture at a time, that depend on a seed and on nothing else."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from course_utils.augmentation.affine import Geometry

if TYPE_CHECKING:
    import tensorflow as tf

    from course_utils.augmentation.policy import Policy

__all__ = ["Amounts", "draw"]


class Amounts(NamedTuple):
    """What is done to each picture of a batch.

    Attributes:
        geometry: where its pixels are read from.
        brightness: float32 (batch,), added.
        contrast: float32 (batch,), a factor about the mean.
        exposure: float32 (batch,), a factor.
        channels: float32 (batch, channels), added.
    """

    geometry: Geometry
    brightness: tf.Tensor
    contrast: tf.Tensor
    exposure: tf.Tensor
    channels: tf.Tensor


def draw(policy: Policy, images: tf.Tensor, seed: tf.Tensor) -> Amounts:
    """The amounts for a batch of pictures.

    Nothing is remembered from one call to the next: the same seed gives the same amounts, in any
    order and on any number of threads. Each amount has a row of random numbers of its own, so
    that another range for the one leaves the others as they were.

    Args:
        policy: the ranges.
        images: (batch, height, width, channels); only the shape is used.
        seed: int64 (2,).

    Returns:
        One amount of each kind for each picture.
    """
    import tensorflow as tf

    shape = tf.shape(images)
    count, height, width, channels = shape[0], shape[1], shape[2], shape[3]
    # The algorithm is named: left to TensorFlow, it depends on the device.
    rows = tf.random.stateless_uniform([11 + channels, count], seed, alg="philox")
    even = tf.unstack(rows[:11], num=11)
    zoom_y = _between(even[4], policy.zoom_range)
    zoom_x = zoom_y if policy.zoom_keeps_proportions else _between(even[5], policy.zoom_range)
    no = tf.zeros([count], tf.bool)
    shift_height, shift_width = policy.shifts
    return Amounts(
        geometry=Geometry(
            angle=_either_way(even[0], 2 * math.pi * policy.rotation),
            shift_y=_shift(even[1], shift_height, height),
            shift_x=_shift(even[2], shift_width, width),
            shear=_either_way(even[3], 2 * math.pi * policy.shear),
            zoom_y=zoom_y,
            zoom_x=zoom_x,
            flip_horizontal=even[6] < 0.5 if policy.flip_horizontal else no,
            flip_vertical=even[7] < 0.5 if policy.flip_vertical else no,
        ),
        brightness=_either_way(even[8], policy.brightness),
        contrast=1.0 + _either_way(even[9], policy.contrast),
        exposure=_between(even[10], policy.exposure),
        channels=_either_way(tf.transpose(rows[11:]), policy.channel_shift),
    )


def _between(even: tf.Tensor, ends: tuple[float, float]) -> tf.Tensor:
    """From numbers spread evenly over [0, 1) to the same over [low, high)."""
    low, high = ends
    return low + even * (high - low)


def _either_way(even: tf.Tensor, most: float) -> tf.Tensor:
    return (2.0 * even - 1.0) * most


def _shift(even: tf.Tensor, shift: float | tuple[float, ...], size: tf.Tensor) -> tf.Tensor:
    """Pixels: a share of the size, drawn evenly; or one of several values, either way."""
    import tensorflow as tf

    size = tf.cast(size, tf.float32)
    if not isinstance(shift, tuple):
        return _either_way(even, shift) * size
    ways = [sign * float(value) for value in shift for sign in (-1, 1)]
    # A number just below 1 may be rounded up to the number of ways.
    index = tf.minimum(tf.cast(even * len(ways), tf.int32), len(ways) - 1)
    pixels = tf.gather(tf.constant(ways, tf.float32), index)
    return pixels if all(isinstance(value, int) for value in shift) else pixels * size
