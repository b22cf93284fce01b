"""Light and colour of a batch of pictures: each picture by an amount of its own, within [0, 1]."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["brighten", "expose", "shift_channels", "stretch_contrast"]


def brighten(images: tf.Tensor, amounts: tf.Tensor) -> tf.Tensor:
    """Add light to all channels alike, as Keras' `RandomBrightness` does.

    Args:
        images: float32 (batch, height, width, channels) in [0, 1].
        amounts: float32 (batch,), -1 makes a picture black, 1 white.

    Returns:
        Like `images`.

    Example:
        >>> import tensorflow as tf
        >>> pixels = brighten(tf.reshape([0.25, 0.75], (1, 1, 2, 1)), tf.constant([0.5]))
        >>> pixels.numpy().ravel().tolist()
        [0.75, 1.0]
    """
    return _within(images + _a_picture(amounts))


def stretch_contrast(images: tf.Tensor, factors: tf.Tensor) -> tf.Tensor:
    """Stretch each channel about its mean in its picture, as Keras' `RandomContrast` does.

    Args:
        images: float32 (batch, height, width, channels) in [0, 1].
        factors: float32 (batch,), 0 leaves the mean alone, 1 changes nothing.

    Returns:
        Like `images`.

    Example:
        >>> import tensorflow as tf
        >>> pixels = stretch_contrast(tf.reshape([0.25, 0.75], (1, 1, 2, 1)), tf.constant([1.5]))
        >>> pixels.numpy().ravel().tolist()
        [0.125, 0.875]
    """
    import tensorflow as tf

    means = tf.reduce_mean(images, axis=(1, 2), keepdims=True)
    return _within((images - means) * _a_picture(factors) + means)


def shift_channels(images: tf.Tensor, amounts: tf.Tensor) -> tf.Tensor:
    """Add to each channel an amount of its own: another light, or another white balance.

    Args:
        images: float32 (batch, height, width, channels) in [0, 1].
        amounts: float32 (batch, channels).

    Returns:
        Like `images`.

    Example:
        >>> import tensorflow as tf
        >>> grey = tf.fill((1, 1, 1, 3), 0.5)
        >>> shift_channels(grey, tf.constant([[0.25, 0.0, -0.75]])).numpy().ravel().tolist()
        [0.75, 0.5, 0.0]
    """
    return _within(images + amounts[:, None, None, :])


def expose(images: tf.Tensor, factors: tf.Tensor) -> tf.Tensor:
    """Multiply the light, as `brightness_range` of the legacy generator does: black stays black.

    Args:
        images: float32 (batch, height, width, channels) in [0, 1].
        factors: float32 (batch,), 0 makes a picture black, 1 changes nothing.

    Returns:
        Like `images`.

    Example:
        >>> import tensorflow as tf
        >>> pixels = expose(tf.reshape([0.0, 0.25, 0.75], (1, 1, 3, 1)), tf.constant([2.0]))
        >>> pixels.numpy().ravel().tolist()
        [0.0, 0.5, 1.0]
    """
    return _within(images * _a_picture(factors))


def _a_picture(amounts: tf.Tensor) -> tf.Tensor:
    return amounts[:, None, None, None]


def _within(images: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    return tf.clip_by_value(images, 0.0, 1.0)
