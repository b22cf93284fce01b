"""The nets of small grey pictures in ten classes, and what they are compared with.

The five numbers of weights in the docstrings hold for 28×28 grey pictures of ten classes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from course_utils.convnets.building import (
    Shape,
    check_dropout,
    check_size,
    is_real,
    is_whole,
    stack,
)
from course_utils.errors import InputError

if TYPE_CHECKING:
    import keras

__all__ = [
    "average_pool_net",
    "dense_net",
    "max_pool_net",
    "pooled_net",
    "unpooled_net",
    "vgg_like_net",
]


def average_pool_net(image_shape: Shape = (28, 28, 1), classes: int = 10) -> keras.Sequential:
    """Two convolutions of 32 filters, each followed by the average of 3×3: 39,478 weights.

    Args:
        image_shape: (height, width, channels), at least 9×9.
        classes: 2 or more.

    Returns:
        From float32 pictures (batch, height, width, channels) to logits (batch, classes).

    Raises:
        InputError: a shape or a number of classes that it cannot be built for.

    Example:
        >>> average_pool_net().count_params()
        39478
    """
    from keras import layers

    check_size(image_shape, classes, smallest=9)
    return stack(
        image_shape,
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.AveragePooling2D(3),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.AveragePooling2D(3),
        layers.Flatten(),
        layers.Dense(100, activation="relu"),
        layers.Dense(classes),
    )


def max_pool_net(
    image_shape: Shape = (28, 28, 1), classes: int = 10, *, dropout: float = 0.4
) -> keras.Sequential:
    """32 and 64 filters, each followed by the maximum of 2×2, then 100 units: 333,526 weights.

    Args:
        image_shape: (height, width, channels), at least 4×4.
        classes: 2 or more.
        dropout: share of the 100 units that is set to zero in training, from 0 to below 1.

    Returns:
        From float32 pictures (batch, height, width, channels) to logits (batch, classes).

    Raises:
        InputError: a shape, number of classes or `dropout` that it cannot be built for.

    Example:
        >>> max_pool_net().count_params()
        333526
    """
    from keras import layers

    check_size(image_shape, classes, smallest=4)
    check_dropout(dropout)
    return stack(
        image_shape,
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(64, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(100, activation="relu"),
        layers.Dropout(dropout),
        layers.Dense(classes),
    )


def unpooled_net(image_shape: Shape = (28, 28, 1), classes: int = 10) -> keras.Sequential:
    """16, 32 and 64 filters and no pooling: 3,989,642 weights, nearly all behind `Flatten`.

    Args:
        image_shape: (height, width, channels), at least 7×7.
        classes: 2 or more.

    Returns:
        From float32 pictures (batch, height, width, channels) to logits (batch, classes).

    Raises:
        InputError: a shape or a number of classes that it cannot be built for.

    Example:
        >>> unpooled_net().count_params()
        3989642
    """
    from keras import layers

    check_size(image_shape, classes, smallest=7)
    return stack(
        image_shape,
        layers.Conv2D(16, 3, activation="relu"),
        layers.Conv2D(32, 3, activation="relu"),
        layers.Conv2D(64, 3, activation="relu"),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.Dense(classes),
    )


def pooled_net(
    image_shape: Shape = (28, 28, 1),
    classes: int = 10,
    *,
    dropout: float = 0.3,
    l2: float = 0.0,
) -> keras.Sequential:
    """32, 64 and 128 filters with two poolings and dropout around 128 units: 241,546 weights.

    Args:
        image_shape: (height, width, channels), at least 18×18.
        classes: 2 or more.
        dropout: share that is set to zero in training, before and behind the 128 units, from 0 to
            below 1.
        l2: factor of the sum of squared kernel weights that is added to the loss, 0 or more.

    Returns:
        From float32 pictures (batch, height, width, channels) to logits (batch, classes).

    Raises:
        InputError: a shape, number of classes, `dropout` or `l2` that it cannot be built for.

    Example:
        >>> pooled_net().count_params()
        241546
    """
    from keras import layers, regularizers

    check_size(image_shape, classes, smallest=18)
    check_dropout(dropout)
    if not is_real(l2) or not 0 <= l2 < math.inf:
        raise InputError(f"expected an L2 factor of 0 or more, such as 0.001, received {l2!r}")
    decay = {"kernel_regularizer": regularizers.L2(l2)} if l2 else {}
    return stack(
        image_shape,
        layers.Conv2D(32, 3, activation="relu", **decay),
        layers.MaxPooling2D(2),
        layers.Conv2D(64, 3, activation="relu", **decay),
        layers.MaxPooling2D(2),
        layers.Conv2D(128, 3, activation="relu", **decay),
        layers.Flatten(),
        layers.Dropout(dropout),
        layers.Dense(128, activation="relu", **decay),
        layers.Dropout(dropout),
        layers.Dense(classes, **decay),
    )


def vgg_like_net(
    image_shape: Shape = (28, 28, 1), classes: int = 10, *, dropout: float = 0.5
) -> keras.Sequential:
    """Two blocks of two convolutions and one pooling, 32 to 256 filters: 5,240,842 weights.

    Blocks of convolutions between poolings, filters that double: VGG's pattern (Simonyan and
    Zisserman, 2015), cut to small pictures.

    Args:
        image_shape: (height, width, channels), at least 8×8.
        classes: 2 or more.
        dropout: share that is set to zero in training, four times, from 0 to below 1.

    Returns:
        From float32 pictures (batch, height, width, channels) to logits (batch, classes).

    Raises:
        InputError: a shape, number of classes or `dropout` that it cannot be built for.

    Example:
        >>> vgg_like_net().count_params()
        5240842
    """
    from keras import layers

    check_size(image_shape, classes, smallest=8)
    check_dropout(dropout)
    return stack(
        image_shape,
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.Conv2D(64, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Dropout(dropout),
        layers.Conv2D(128, 3, padding="same", activation="relu"),
        layers.Conv2D(256, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Dropout(dropout),
        layers.Flatten(),
        layers.Dense(512, activation="relu"),
        layers.Dropout(dropout),
        layers.Dense(256, activation="relu"),
        layers.Dropout(dropout),
        layers.Dense(classes),
    )


def dense_net(
    image_shape: Shape = (28, 28, 1),
    classes: int = 10,
    *,
    weights: int,
    dropout: float = 0.4,
) -> keras.Sequential:
    """A net without convolution of about a given size: what a convnet is to be compared with.

    One hidden layer; a unit of it brings one weight for each pixel value, one bias and one weight
    for each class, so the number that comes nearest to `weights` follows by division.

    Args:
        image_shape: (height, width, channels).
        classes: 2 or more.
        weights: how many it should have; it comes as near as one hidden unit allows.
        dropout: share of the hidden units that is set to zero in training, from 0 to below 1.

    Returns:
        From float32 pictures (batch, height, width, channels) to logits (batch, classes).

    Raises:
        InputError: fewer weights than one hidden unit needs, or a shape, number of classes or
            `dropout` that it cannot be built for.

    Example:
        >>> dense_net(weights=333_526).count_params()
        333910
    """
    from keras import layers

    check_size(image_shape, classes, smallest=1)
    check_dropout(dropout)
    each = math.prod(image_shape) + 1 + classes
    if not is_whole(weights) or weights < each + classes:
        raise InputError(
            f"expected at least {each + classes:,} weights, which one hidden unit needs for "
            f"pictures of shape {tuple(image_shape)} and {classes} classes, received {weights!r}"
        )
    return stack(
        image_shape,
        layers.Flatten(),
        layers.Dense(round((weights - classes) / each), activation="relu"),
        layers.Dropout(dropout),
        layers.Dense(classes),
    )
