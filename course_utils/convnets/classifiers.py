"""Nets that classify small images, and what they are compared with.

They share their arguments: `image_shape` (height, width, channels) of one image, at least as large
as each net says; `classes`, 2 or more; and where they have one, `dropout`, the share of units that
is set to zero in training, from 0 to below 1. Each goes from float32 images (batch, height, width,
channels), best in 0 to 1, to logits (batch, classes), and raises InputError for a shape, number of
classes or option that it cannot be built for. The numbers of weights hold for the defaults.
"""

from __future__ import annotations

import math

from course_utils import checks
from course_utils.backend import keras
from course_utils.errors import InputError

__all__ = [
    "average_pool_net",
    "dense_net",
    "max_pool_net",
    "pooled_net",
    "small_data_net",
    "unpooled_net",
    "vgg_like_net",
]

layers = keras.layers

Shape = tuple[int, int, int]


def average_pool_net(image_shape: Shape = (28, 28, 1), classes: int = 10) -> keras.Sequential:
    """Two convolutions of 32 filters, each followed by the average of 3×3: 39,478 weights.

    For images of 9×9 or more; arguments and errors as all nets of this module.

    Example:
        >>> average_pool_net().count_params()
        39478
    """
    _check(image_shape, classes, smallest=9)
    return keras.Sequential(
        [
            layers.Input(image_shape),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.AveragePooling2D(3),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.AveragePooling2D(3),
            layers.Flatten(),
            layers.Dense(100, activation="relu"),
            layers.Dense(classes),
        ]
    )


def max_pool_net(
    image_shape: Shape = (28, 28, 1), classes: int = 10, *, dropout: float = 0.4
) -> keras.Sequential:
    """32 and 64 filters, each followed by the maximum of 2×2, then 100 units: 333,526 weights.

    For images of 4×4 or more; dropout of the 100 units. Arguments and errors as all nets of this
    module.

    Example:
        >>> max_pool_net().count_params()
        333526
    """
    _check(image_shape, classes, smallest=4, dropout=dropout)
    return keras.Sequential(
        [
            layers.Input(image_shape),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(100, activation="relu"),
            layers.Dropout(dropout),
            layers.Dense(classes),
        ]
    )


def unpooled_net(image_shape: Shape = (28, 28, 1), classes: int = 10) -> keras.Sequential:
    """16, 32 and 64 filters and no pooling: 3,989,642 weights, nearly all behind `Flatten`.

    For images of 7×7 or more; arguments and errors as all nets of this module.

    Example:
        >>> unpooled_net().count_params()
        3989642
    """
    _check(image_shape, classes, smallest=7)
    return keras.Sequential(
        [
            layers.Input(image_shape),
            layers.Conv2D(16, 3, activation="relu"),
            layers.Conv2D(32, 3, activation="relu"),
            layers.Conv2D(64, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(classes),
        ]
    )


def pooled_net(
    image_shape: Shape = (28, 28, 1),
    classes: int = 10,
    *,
    dropout: float = 0.3,
    l2: float = 0.0,
) -> keras.Sequential:
    """32, 64 and 128 filters with two poolings and dropout around 128 units: 241,546 weights.

    For images of 18×18 or more; dropout before and behind the 128 units; `l2` is the factor, 0 or
    more, of the sum of squared kernel weights that is added to the loss. Arguments and errors as
    all nets of this module.

    Example:
        >>> pooled_net().count_params()
        241546
    """
    _check(image_shape, classes, smallest=18, dropout=dropout)
    if not _is_real(l2) or not 0 <= l2 < math.inf:
        raise InputError(f"expected an L2 factor of 0 or more, such as 0.001, received {l2!r}")
    decay = {"kernel_regularizer": keras.regularizers.L2(l2)} if l2 else {}
    return keras.Sequential(
        [
            layers.Input(image_shape),
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
        ]
    )


def vgg_like_net(
    image_shape: Shape = (28, 28, 1), classes: int = 10, *, dropout: float = 0.5
) -> keras.Sequential:
    """Two blocks of two convolutions and one pooling, 32 to 256 filters: 5,240,842 weights.

    Blocks of convolutions between poolings, filters that double: VGG's pattern (Simonyan and
    Zisserman, 2015), cut to small images, of 8×8 or more; dropout four times. Arguments and errors
    as all nets of this module.

    Example:
        >>> vgg_like_net().count_params()
        5240842
    """
    _check(image_shape, classes, smallest=8, dropout=dropout)
    return keras.Sequential(
        [
            layers.Input(image_shape),
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
        ]
    )


def dense_net(
    image_shape: Shape = (28, 28, 1),
    classes: int = 10,
    *,
    weights: int,
    dropout: float = 0.4,
) -> keras.Sequential:
    """A net without convolution of about a given size: what a convnet is to be compared with.

    One hidden layer, with dropout; a unit of it brings one weight for each pixel value, one bias
    and one weight for each class, so the number that comes nearest to `weights` follows by
    division. Arguments and errors as all nets of this module, and InputError for fewer weights
    than one hidden unit needs.

    Example:
        >>> dense_net(weights=333_526).count_params()
        333910
    """
    _check(image_shape, classes, smallest=1, dropout=dropout)
    each = math.prod(image_shape) + 1 + classes
    checks.whole("weights", weights, least=each + classes)
    return keras.Sequential(
        [
            layers.Input(image_shape),
            layers.Flatten(),
            layers.Dense(round((weights - classes) / each), activation="relu"),
            layers.Dropout(dropout),
            layers.Dense(classes),
        ]
    )


def small_data_net(
    image_shape: Shape = (64, 64, 3), classes: int = 2, *, dropout: float = 0.0
) -> keras.Sequential:
    """16, 32, 64 and 96 filters, then 64 units: 177,474 weights. For a few hundred color images.

    The first convolution halves the image by its stride, which saves half of the time of a step;
    each of the other three is followed by the maximum of 2×2. At 64×64, 4×4 positions are left
    behind the last; images of another size, 15×15 or more, need no other layers, only more weights
    behind `Flatten`. Dropout of the flattened features: the same seed gives the same first weights
    with and without. Arguments and errors as all nets of this module.

    Example:
        >>> small_data_net().count_params()
        177474
    """
    _check(image_shape, classes, smallest=15, dropout=dropout)
    features = [
        layers.Conv2D(16, 3, strides=2, padding="same", activation="relu"),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(64, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(96, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
    ]
    head = [layers.Dense(64, activation="relu"), layers.Dense(classes)]
    # Made last: it draws a seed of its own, which would shift those of the layers behind it.
    drop = layers.Dropout(dropout)
    return keras.Sequential([layers.Input(image_shape), *features, drop, *head])


def _check(image_shape: Shape, classes: int, *, smallest: int, dropout: float = 0.0) -> None:
    checks.image_shape(image_shape, smallest=smallest)
    # A single logit for a yes or no needs another loss.
    checks.whole("classes", classes, least=2)
    if not _is_real(dropout) or not 0 <= dropout < 1:
        raise InputError(
            f"expected dropout to be a share from 0 to below 1, such as 0.4, received {dropout!r}: "
            "it says how much is dropped, not how much is kept"
        )


def _is_real(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
