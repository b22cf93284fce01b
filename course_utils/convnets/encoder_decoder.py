"""Nets that label every pixel: an image goes in, a map of logits comes out.

Both narrow the maps on the way down and widen them again on the way up, so height and width must
be divisible by what they narrow by; an error names the sizes that are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from course_utils import checks
from course_utils.backend import keras
from course_utils.convnets.blocks import normalised_convolution
from course_utils.errors import InputError

__all__ = ["strided_net", "unet"]

layers = keras.layers

Shape = tuple[int, int, int]


def unet(
    image_shape: Shape = (64, 64, 3),
    classes: int = 2,
    *,
    filters: Sequence[int] = (8, 24, 48, 64, 64),
    skips: bool = True,
) -> keras.Model:
    """A small U-Net: down by pooling, up by repeating, with a skip between maps of one size.

    One normalized convolution of 3×3 a level, down and up. Without skips the way up has to make
    up every outline from the narrowest maps; the rest of the net is the same.

    Ronneberger, Fischer, Brox: U-Net (2015), arXiv:1505.04597, figure 1; here with padding,
    normalization and fewer filters.

    Args:
        image_shape: (height, width, channels); both divisible by 2 for each level but the first.
        classes: 2 or more.
        filters: of each level, from full size downwards; two levels or more.
        skips: whether the maps of the way down are joined to those of the way up.

    Returns:
        From float32 images (batch, height, width, channels), best in 0 to 1, to logits
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
    if len(filters) < 2:
        raise InputError(
            f"expected filters of two levels or more, such as (8, 16, 32), received {filters!r}"
        )
    for count in filters:
        checks.whole("filters", count)
    _check(image_shape, classes, divisor=2 ** (len(filters) - 1))
    inputs = keras.Input(image_shape)
    x, kept = inputs, []
    for level, count in enumerate(filters):
        x = layers.MaxPooling2D(2)(x) if level else x
        x = normalised_convolution(x, count)
        kept.append(x)
    for count, skipped in zip(filters[-2::-1], kept[-2::-1], strict=True):
        x = layers.UpSampling2D(2)(x)
        x = layers.Concatenate()([x, skipped]) if skips else x
        x = normalised_convolution(x, count)
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
        normalise: puts a batch normalization behind each convolution but the last.

    Returns:
        From float32 images (batch, height, width, channels), best in 0 to 1, to logits
        (batch, height, width, classes).

    Raises:
        InputError: a shape, number of classes or option that it cannot be built for; a size that
            is not divisible, with the next ones that are.

    Example:
        >>> strided_net().count_params()
        2880643
    """
    _check(image_shape, classes, divisor=8)
    checks.whole("width", width)
    if narrow_by not in ("strides", "pooling"):
        raise InputError(
            f"expected narrow_by to be one of strides, pooling, received {narrow_by!r}"
        )

    def convolution(x: keras.KerasTensor, kind: type, count: int, strides: int = 1) -> Any:
        x = kind(count, 3, strides=strides, padding="same", use_bias=not normalise)(x)
        return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x) if normalise else x)

    inputs = keras.Input(image_shape)
    x = inputs
    for count in (width, 2 * width, 4 * width):
        if narrow_by == "pooling":
            x = layers.MaxPooling2D(2)(convolution(x, layers.Conv2D, count))
        else:
            x = convolution(x, layers.Conv2D, count, 2)
        x = convolution(x, layers.Conv2D, count)
    for count in (4 * width, 2 * width, width):
        x = convolution(x, layers.Conv2DTranspose, count)
        x = convolution(x, layers.Conv2DTranspose, count, 2)
    return keras.Model(inputs, layers.Conv2D(classes, 3, padding="same")(x))


def _check(image_shape: Shape, classes: int, *, divisor: int) -> None:
    height, width, _ = checks.image_shape(image_shape)
    checks.whole("classes", classes, least=2)
    if height % divisor == 0 and width % divisor == 0:
        return
    low, left = (max(divisor, size // divisor * divisor) for size in (height, width))
    high, right = (-(-size // divisor) * divisor for size in (height, width))
    fits = f"{low}×{left}" + (f" or {high}×{right}" if (low, left) != (high, right) else "")
    raise InputError(
        f"expected height and width divisible by {divisor}, received {height}×{width}: {fits} "
        "would do; resize the images, or cut or pad them, and their masks alike"
    )
