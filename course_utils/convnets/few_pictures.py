"""The net that chapters train on a few hundred coloured pictures, from scratch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from course_utils.convnets.building import Shape, check_dropout, check_size, stack

if TYPE_CHECKING:
    import keras

__all__ = ["small_data_net"]


def small_data_net(
    image_shape: Shape = (64, 64, 3), classes: int = 2, *, dropout: float = 0.0
) -> keras.Sequential:
    """16, 32, 64 and 96 filters, then 64 units: 177,474 weights for two classes at 64×64.

    The first convolution halves the picture by its stride, which saves half of the time of a
    step; each of the other three is followed by the maximum of 2×2. At 64×64 there are 4×4 places
    left behind the last. Pictures of another size need no other layers, only more weights behind
    `Flatten`.

    Args:
        image_shape: (height, width, channels), at least 15×15.
        classes: 2 or more.
        dropout: share of the flattened features that is set to zero in training, from 0 to below
            1. The same seed gives the same first weights with and without.

    Returns:
        From float32 pictures (batch, height, width, channels), best in 0 to 1, to logits
        (batch, classes).

    Raises:
        InputError: a shape, number of classes or `dropout` that it cannot be built for.

    Example:
        >>> small_data_net().count_params()
        177474
    """
    from keras import layers

    check_size(image_shape, classes, smallest=15)
    check_dropout(dropout)
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
    return stack(image_shape, *features, drop, *head)
