"""Rotation, shift, shear, zoom and flips of a picture as one matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["Geometry", "flip", "matrices"]


class Geometry(NamedTuple):
    """What is done to each picture of a batch: tensors float32 (batch,), flips bool (batch,).

    As usual in resampling, they say where an output pixel is read from, so that the object in the
    picture moves the other way.

    Attributes:
        angle: radians; the object turns counter-clockwise where positive.
        shift_y: pixels; the object moves up where positive.
        shift_x: pixels; the object moves left where positive.
        shear: radians; the object leans, its upper part to the left where positive.
        zoom_y: height shown, as a share of the picture's; above 1 the object shrinks.
        zoom_x: width shown, likewise.
        flip_horizontal: left and right change places.
        flip_vertical: top and bottom change places.
    """

    angle: tf.Tensor
    shift_y: tf.Tensor
    shift_x: tf.Tensor
    shear: tf.Tensor
    zoom_y: tf.Tensor
    zoom_x: tf.Tensor
    flip_horizontal: tf.Tensor
    flip_vertical: tf.Tensor


def matrices(geometry: Geometry, height: int | tf.Tensor, width: int | tf.Tensor) -> tf.Tensor:
    """One matrix a picture, from output to input pixels, about the centre of the picture.

    The matrix is the product rotation · shift · shear · zoom · flip: the same picture as when it
    is first rotated, then shifted, sheared, zoomed and flipped, each by a resampling of its own.
    With x to the right and y downwards, counted from the centre:

        rotation [cos a, −sin a; sin a, cos a]      shear [1, −sin s; 0, cos s]

    Args:
        geometry: what is done to each picture.
        height: of the pictures, in pixels.
        width: of the pictures, in pixels.

    Returns:
        float32 (batch, 8), as `tf.raw_ops.ImageProjectiveTransformV3` wants it:
        x_in = m[0]·x + m[1]·y + m[2], y_in = m[3]·x + m[4]·y + m[5], and two zeros.

    Example:
        >>> import tensorflow as tf
        >>> zero, one, no = tf.zeros(1), tf.ones(1), tf.constant([False])
        >>> still = Geometry(zero, zero, zero + 2, zero, one, one, no, no)
        >>> matrices(still, 5, 5).numpy().astype(int).tolist()
        [[1, 0, 2, 0, 1, 0, 0, 0]]
    """
    import tensorflow as tf

    centre_y = (tf.cast(height, tf.float32) - 1.0) / 2.0
    centre_x = (tf.cast(width, tf.float32) - 1.0) / 2.0
    cos_a, sin_a = tf.cos(geometry.angle), tf.sin(geometry.angle)
    cos_s, sin_s = tf.cos(geometry.shear), tf.sin(geometry.shear)
    zoom_x = tf.where(geometry.flip_horizontal, -geometry.zoom_x, geometry.zoom_x)
    zoom_y = tf.where(geometry.flip_vertical, -geometry.zoom_y, geometry.zoom_y)

    xx = cos_a * zoom_x
    xy = -(cos_a * sin_s + sin_a * cos_s) * zoom_y
    yx = sin_a * zoom_x
    yy = (cos_a * cos_s - sin_a * sin_s) * zoom_y
    # The shift comes after the rotation, so it is turned with it.
    x = cos_a * geometry.shift_x - sin_a * geometry.shift_y
    y = sin_a * geometry.shift_x + cos_a * geometry.shift_y
    x += centre_x - xx * centre_x - xy * centre_y
    y += centre_y - yx * centre_x - yy * centre_y
    zero = tf.zeros_like(xx)
    return tf.stack([xx, xy, x, yx, yy, y, zero, zero], axis=1)


def flip(images: tf.Tensor, *, horizontal: tf.Tensor, vertical: tf.Tensor) -> tf.Tensor:
    """Mirror some pictures of a batch: exact, and several times faster than a resampling.

    Args:
        images: (batch, height, width, channels), any dtype.
        horizontal: bool (batch,), which pictures have left and right changed.
        vertical: bool (batch,), which pictures have top and bottom changed.

    Returns:
        Same shape and dtype as `images`.

    Example:
        >>> import tensorflow as tf
        >>> row = tf.reshape(tf.range(3), (1, 1, 3, 1))
        >>> flip(row, horizontal=[True], vertical=[False]).numpy().ravel().tolist()
        [2, 1, 0]
    """
    import tensorflow as tf

    for which, axis in ((horizontal, 2), (vertical, 1)):
        images = tf.where(tf.reshape(which, (-1, 1, 1, 1)), tf.reverse(images, axis=[axis]), images)
    return images
