"""Rotation, shift, shear, zoom and flips of a batch of images: one matrix, one resampling.

Each resampling blurs an image a little and costs time. Transforms that are matrices can be
multiplied first.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from course_utils.backend import tf

__all__ = ["FILLS", "Amounts", "compiled", "flip", "matrices", "warp"]

FILLS = ("reflect", "nearest", "wrap", "constant")


class Amounts(NamedTuple):
    """What is done to each image of a batch: float32 (batch,), flips bool, channels with an axis.

    As usual in resampling, they say where an output pixel is read from, so that the object in the
    image moves the other way.
    """

    angle: tf.Tensor  # radians; the object turns counter-clockwise where positive
    shift_y: tf.Tensor  # pixels; the object moves up where positive
    shift_x: tf.Tensor  # pixels; the object moves left where positive
    shear: tf.Tensor  # radians; the object leans, its upper part to the left where positive
    zoom_y: tf.Tensor  # height shown, as a share of the image's; above 1 the object shrinks
    zoom_x: tf.Tensor  # width shown, likewise
    flip_horizontal: tf.Tensor  # left and right change places
    flip_vertical: tf.Tensor  # top and bottom change places
    brightness: tf.Tensor  # added
    contrast: tf.Tensor  # a factor about each channel's mean
    channels: tf.Tensor  # (batch, channels), added


def matrices(amounts: Amounts, height: int | tf.Tensor, width: int | tf.Tensor) -> tf.Tensor:
    """One matrix for each image, from output to input pixels, about the center of the image.

    It is the product rotation · shift · shear · zoom · flip: the same image as when it is first
    rotated, then shifted, sheared, zoomed and flipped, each by a resampling of its own. With x to
    the right and y downwards, counted from the center:

        rotation [cos a, −sin a; sin a, cos a]      shear [1, −sin s; 0, cos s]

    The result is float32 (batch, 8), as `tf.raw_ops.ImageProjectiveTransformV3` wants it:
    x_in = m[0]·x + m[1]·y + m[2], y_in = m[3]·x + m[4]·y + m[5], and two zeros.
    """
    center_y = (tf.cast(height, tf.float32) - 1.0) / 2.0
    center_x = (tf.cast(width, tf.float32) - 1.0) / 2.0
    cos_a, sin_a = tf.cos(amounts.angle), tf.sin(amounts.angle)
    cos_s, sin_s = tf.cos(amounts.shear), tf.sin(amounts.shear)
    zoom_x = tf.where(amounts.flip_horizontal, -amounts.zoom_x, amounts.zoom_x)
    zoom_y = tf.where(amounts.flip_vertical, -amounts.zoom_y, amounts.zoom_y)

    xx = cos_a * zoom_x
    xy = -(cos_a * sin_s + sin_a * cos_s) * zoom_y
    yx = sin_a * zoom_x
    yy = (cos_a * cos_s - sin_a * sin_s) * zoom_y
    # The shift comes after the rotation, so it is turned with it.
    x = cos_a * amounts.shift_x - sin_a * amounts.shift_y
    y = sin_a * amounts.shift_x + cos_a * amounts.shift_y
    x += center_x - xx * center_x - xy * center_y
    y += center_y - yx * center_x - yy * center_y
    zero = tf.zeros_like(xx)
    return tf.stack([xx, xy, x, yx, yy, y, zero, zero], axis=1)


def flip(images: tf.Tensor, amounts: Amounts) -> tf.Tensor:
    """Only the flips: exact, and several times faster than a resampling."""
    for which, axis in ((amounts.flip_horizontal, 2), (amounts.flip_vertical, 1)):
        images = tf.where(tf.reshape(which, (-1, 1, 1, 1)), tf.reverse(images, axis=[axis]), images)
    return images


def warp(
    images: tf.Tensor,
    transforms: tf.Tensor,
    *,
    interpolation: str = "bilinear",
    fill: str = "reflect",
    fill_value: float = 0.0,
) -> tf.Tensor:
    """Resample each image once, through its matrix; shape and dtype stay.

    Compiled, it finds a pixel's position once for all channels, and is two to five times as fast
    as TensorFlow's operation, which it equals to rounding, but for "wrap" in the pixel at the
    border.

    The interpolation is "bilinear", or "nearest" for masks: a mean of two classes is no class.
    Outside an image lies, by `fill`: "reflect" (d c b a | a b c d | d c b a), "nearest"
    (a a a a | a b c d | d d d d), "wrap" (a b c d | a b c d | a b c d) or "constant".
    """
    images = tf.convert_to_tensor(images)
    count, height, width, channels = tf.unstack(tf.shape(images))
    y = tf.cast(tf.range(height), tf.float32)[None, :, None]
    x = tf.cast(tf.range(width), tf.float32)[None, None, :]
    m = [transforms[:, place, None, None] for place in range(6)]
    columns = _neighbors(m[0] * x + m[1] * y + m[2], width, interpolation, fill)
    rows = _neighbors(m[3] * x + m[4] * y + m[5], height, interpolation, fill)

    pixels = tf.reshape(images, (-1, channels))
    first = tf.range(count)[:, None, None] * (height * width)
    constant = tf.cast(fill_value, images.dtype)

    def read(row: _Line, column: _Line) -> tf.Tensor:
        values = tf.gather(pixels, first + row.index * width + column.index)
        if fill != "constant":
            return values
        return tf.where((row.inside & column.inside)[..., None], values, constant)

    if interpolation == "nearest":
        warped = read(rows[0], columns[0])
    else:
        above, below = (
            read(row, columns[0]) * columns[0].weight + read(row, columns[1]) * columns[1].weight
            for row in rows
        )
        warped = above * rows[0].weight + below * rows[1].weight
    return tf.ensure_shape(warped, images.shape)


class _Line(NamedTuple):
    """Rows, or columns, that output pixels are read from: tensors (batch, height, width)."""

    index: tf.Tensor  # int32, within the image
    inside: tf.Tensor  # whether it was so before it was moved there
    weight: tf.Tensor  # its share in the result; a last axis of 1


def _neighbors(position: tf.Tensor, size: tf.Tensor, interpolation: str, fill: str) -> list[_Line]:
    """The two lines about a position, or for "nearest" the one that is nearest."""
    length = tf.cast(size, tf.float32)
    # Without a remainder operation, which is slow where it must be right for negative numbers.
    if fill == "reflect":
        from_end = position + 0.5 - 2 * length * tf.floor((position + 0.5) / (2 * length)) - length
        position = tf.clip_by_value(length - tf.abs(from_end) - 0.5, 0.0, length - 1)
    elif fill == "wrap":
        position -= length * tf.floor(position / length)
    elif fill == "nearest":
        position = tf.clip_by_value(position, 0.0, length - 1)
    if interpolation == "nearest":
        position = tf.floor(position + 0.5)
    lower = tf.floor(position)
    share = (position - lower)[..., None]
    # Far outside, a float has no whole number: it is brought near before it becomes one.
    index = tf.cast(tf.clip_by_value(lower, -2.0, length + 1), tf.int32)
    lines = []
    for line, weight in ((index, 1 - share), (index + 1, share)):
        inside = (line >= 0) & (line < size)
        line = tf.where(line >= size, line - size, line) if fill == "wrap" else line
        lines.append(_Line(tf.clip_by_value(line, 0, size - 1), inside, weight))
    return lines


@functools.cache
def _compiles() -> bool:
    """Whether this TensorFlow compiles for the processor: not every wheel on every system does."""
    try:
        with tf.device("CPU:0"):
            tf.function(lambda: tf.gather(tf.zeros(2), [1]), jit_compile=True)()
    except (tf.errors.OpError, ValueError):
        return False
    return True


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of tensors without state, compiled by XLA for the processor where that is there.

    Uncompiled, each operation writes a whole batch to memory for the next one to read. Compiled
    ones become a single loop over the pixels of the result. It costs a fraction of a second for
    each new shape of a batch.
    """
    fast = tf.function(function, jit_compile=_compiles(), autograph=False)

    def call(*arguments: Any) -> Any:
        # In a pipeline it is the processor anyway; for a GPU it would be compiled anew.
        with tf.device("CPU:0"):
            return fast(*arguments)

    return call
