"""Nets that label every pixel: what goes in as a picture comes out as a map of logits.

Both narrow the maps on the way down and widen them again on the way up, so height and width must
be divisible by what they narrow by; an error names the sizes that are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from course_utils.convnets.building import Shape, check_size, is_whole
from course_utils.errors import InputError

if TYPE_CHECKING:
    import keras

__all__ = ["strided_net", "unet"]

_NARROWING = ("strides", "pooling")


def unet(
    image_shape: Shape = (64, 64, 3),
    classes: int = 2,
    *,
    filters: Sequence[int] = (8, 24, 48, 64, 64),
    skips: bool = True,
) -> keras.Model:
    """A small U-Net: down by pooling, up by repeating, with a skip between maps of one size.

    One normalised convolution of 3×3 a level, down and up. Without skips the way up has to make
    up every outline from the narrowest maps; the rest of the net is the same.

    Ronneberger, Fischer, Brox: U-Net (2015), arXiv:1505.04597, figure 1; here with padding,
    normalisation and fewer filters.

    Args:
        image_shape: (height, width, channels); both divisible by 2 for each level but the first.
        classes: 2 or more.
        filters: of each level, from full size downwards; two levels or more.
        skips: whether the maps of the way down are joined to those of the way up.

    Returns:
        From float32 pictures (batch, height, width, channels), best in 0 to 1, to logits
        (batch, height, width, classes).

    Raises:
        InputError: a shape, number of classes or filters that it cannot be built for; a size that
            is not divisible, with the next ones that are.

    Example:
        >>> unet().count_params(), unet(skips=False).count_params()
        (218218, 154858)
        >>> unet((64, 100, 3))
        Traceback (most recent call last):
            ...
        course_utils.errors.InputError: expected height and width divisible by 16, ...
    """
    import keras
    from keras import layers

    check_size(image_shape, classes, smallest=1)
    if len(filters) < 2 or not all(is_whole(count) and count > 0 for count in filters):
        raise InputError(
            f"expected filters of two levels or more, such as (8, 16, 32), received {filters!r}"
        )
    _check_divisible(image_shape, 2 ** (len(filters) - 1))
    inputs = keras.Input(tuple(image_shape))
    x, kept = inputs, []
    for level, count in enumerate(filters):
        x = layers.MaxPooling2D(2)(x) if level else x
        x = _normalised(x, count)
        kept.append(x)
    for count, skipped in zip(filters[-2::-1], kept[-2::-1], strict=True):
        x = layers.UpSampling2D(2)(x)
        x = layers.Concatenate()([x, skipped]) if skips else x
        x = _normalised(x, count)
    return keras.Model(inputs, layers.Conv2D(classes, 1)(x))


def strided_net(
    image_shape: Shape = (200, 200, 3),
    classes: int = 3,
    *,
    width: int = 64,
    narrow_by: str = "strides",
    normalise: bool = False,
) -> keras.Model:
    """Encoder and decoder without skips, from 200×200 to 25×25×256 and back: 2,880,643 weights.

    Six convolutions, of which every second one has a stride of 2, then six transposed ones.
    After Chollet: Deep Learning with Python, second edition (2021), section 9.2.

    Args:
        image_shape: (height, width, channels); both divisible by 8.
        classes: 2 or more.
        width: filters of the first convolutions; then twice and four times as many.
        narrow_by: "strides"; or "pooling", where the convolution keeps the size and the maximum
            of 2×2 follows: as many weights, and the work of a whole convolution more.
        normalise: puts a batch normalisation behind each convolution but the last.

    Returns:
        From float32 pictures (batch, height, width, channels), best in 0 to 1, to logits
        (batch, height, width, classes).

    Raises:
        InputError: a shape, number of classes or option that it cannot be built for; a size that
            is not divisible, with the next ones that are.

    Example:
        >>> strided_net().count_params()
        2880643
    """
    import keras
    from keras import layers

    check_size(image_shape, classes, smallest=1)
    _check_divisible(image_shape, 8)
    if not is_whole(width) or width < 1:
        raise InputError(f"expected a width of 1 filter or more, received {width!r}")
    if narrow_by not in _NARROWING:
        raise InputError(
            f"expected narrow_by to be one of {', '.join(_NARROWING)}, received {narrow_by!r}"
        )

    def act(layer: keras.Layer, x: keras.KerasTensor) -> keras.KerasTensor:
        x = layer(x)
        return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x) if normalise else x)

    def convolution(kind: type, count: int, strides: int = 1) -> keras.Layer:
        return kind(count, 3, strides=strides, padding="same", use_bias=not normalise)

    inputs = keras.Input(tuple(image_shape))
    x = inputs
    for count in (width, 2 * width, 4 * width):
        pooled = narrow_by == "pooling"
        x = act(convolution(layers.Conv2D, count, 1 if pooled else 2), x)
        x = layers.MaxPooling2D(2)(x) if pooled else x
        x = act(convolution(layers.Conv2D, count), x)
    for count in (4 * width, 2 * width, width):
        x = act(convolution(layers.Conv2DTranspose, count), x)
        x = act(convolution(layers.Conv2DTranspose, count, 2), x)
    return keras.Model(inputs, layers.Conv2D(classes, 3, padding="same")(x))


def _normalised(x: keras.KerasTensor, count: int) -> keras.KerasTensor:
    from keras import layers

    # No bias before a normalisation, which subtracts it again. Runs of a few hundred steps want
    # a shorter memory for its means than Keras' 0.99.
    x = layers.Conv2D(count, 3, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))


def _check_divisible(image_shape: Shape, by: int) -> None:
    height, width = image_shape[:2]
    if height % by == 0 and width % by == 0:
        return

    def fitting(size: int) -> tuple[int, int]:
        return max(by, size // by * by), -(-size // by) * by

    (low, high), (left, right) = fitting(height), fitting(width)
    fits = f"{low}×{left}" + (f" or {high}×{right}" if (low, left) != (high, right) else "")
    raise InputError(
        f"expected height and width divisible by {by}, received {height}×{width}: {fits} would "
        f"do; resize the pictures, or cut or pad them, and their masks alike"
    )
