"""One small net of each family of architectures, for images of about 32×32.

All begin by halving the image, end in the mean of each map and one logit for each class, and
have 44,000 to 82,000 parameters. What they reached under one recipe stands in
`families_measured.json`, made by `data_scripts/compare_families.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from course_utils import checks
from course_utils.backend import keras
from course_utils.convnets import blocks
from course_utils.errors import InputError

__all__ = ["FAMILIES", "MEASURED", "family_net", "measured_families"]

layers = keras.layers

MEASURED = Path(__file__).with_name("families_measured.json")


def family_net(
    name: str, image_shape: tuple[int, int, int] = (32, 32, 3), classes: int = 10
) -> keras.Model:
    """Build the small net of a family.

    Args:
        name: one of `FAMILIES`.
        image_shape: (height, width, channels), at least 16×16; sides that 8 divides.
        classes: 2 or more.

    Returns:
        From float32 images (batch, height, width, channels) in 0 to 1 to logits
        (batch, classes).

    Raises:
        InputError: no such family, or a shape or number of classes that it cannot be built for.

    Example:
        >>> family_net("VGG").count_params()
        76978
    """
    if name not in FAMILIES:
        raise InputError(f"expected a family ({', '.join(FAMILIES)}), received {name!r}")
    height, width, _ = checks.image_shape(image_shape, smallest=16)
    checks.whole("classes", classes, least=2)
    if height % 8 or width % 8:
        raise InputError(
            f"expected sides that 8 divides, such as 32 or 48, received {height}×{width}: "
            "resize or pad the images"
        )
    image = keras.Input(image_shape)
    x = FAMILIES[name](image)
    has_tokens = len(x.shape) == 3
    pool = layers.GlobalAveragePooling1D() if has_tokens else layers.GlobalAveragePooling2D()
    # TensorFlow takes no commas and blanks in a name.
    return keras.Model(image, layers.Dense(classes)(pool(x)), name=name.replace(", ", "_"))


@cache
def measured_families() -> dict[str, Any]:
    """What each family reached under one recipe, and how that was measured.

    Returns:
        "recipe" in words and numbers, "families" by name with one accuracy a seed, "machine".
    """
    return json.loads(MEASURED.read_text(encoding="utf-8"))


def _stem(image: Any) -> Any:
    return blocks.normalised_convolution(image, 24, strides=2)


def _halved(x: Any) -> Any:
    return layers.MaxPooling2D(2)(x)


def _vgg(image: Any) -> Any:
    x = _halved(blocks.normalised_convolution(_stem(image), 48))
    x = _halved(blocks.normalised_convolution(x, 64))
    return blocks.normalised_convolution(x, 64)


def _inception(image: Any) -> Any:
    x = _halved(blocks.inception_block(_stem(image), 16, 16, 16, 8))
    x = _halved(blocks.inception_block(x, 24, 32, 24, 16))
    return blocks.inception_block(x, 32, 40, 24, 24)


def _resnet(image: Any) -> Any:
    x = blocks.residual_block(_stem(image), 24)
    x = blocks.residual_block(x, 32, strides=2)
    return blocks.residual_block(x, 48, strides=2)


def _densenet(image: Any) -> Any:
    x = layers.Conv2D(24, 3, strides=2, padding="same", use_bias=False)(image)
    for inside in (3, 4):
        x = blocks.normalised(blocks.dense_block(x, inside, 12))
        x = layers.Conv2D(x.shape[-1] // 2, 1, use_bias=False)(x)
        x = layers.AveragePooling2D(2)(x)
    return blocks.normalised(blocks.dense_block(x, 4, 12))


def _xception(image: Any) -> Any:
    x = layers.Conv2D(32, 3, strides=2, padding="same", use_bias=False)(image)
    for filters in (48, 64, 96):
        x = blocks.separable_residual_block(x, filters)
    return x


def _mobilenet(image: Any) -> Any:
    x = _stem(image)
    for filters, strides in ((48, 1), (96, 2), (128, 1), (160, 2), (160, 1)):
        x = blocks.mobile_block(x, filters, strides=strides)
    return x


def _efficientnet(image: Any) -> Any:
    x = blocks.normalised_convolution(image, 24, strides=2, activation="swish")
    for filters, strides in ((24, 1), (40, 2), (64, 2)):
        x = blocks.inverted_block(x, filters, strides=strides)
    return blocks.normalised_convolution(x, 160, 1, activation="swish")


def _convnext(image: Any) -> Any:
    x = image
    for filters in (32, 40, 56):
        x = blocks.normalised(layers.Conv2D(filters, 2, strides=2, use_bias=False)(x), None)
        x = blocks.convnext_block(x)
    return blocks.normalised(x, None)


def _vit(image: Any) -> Any:
    x = layers.Conv2D(48, 4, strides=4)(image)
    x = blocks.positions(layers.Reshape((x.shape[1] * x.shape[2], 48))(x))
    for _ in range(4):
        x = blocks.transformer_block(x, heads=3)
    return layers.LayerNormalization(epsilon=1e-6)(x)


def _wide(image: Any) -> Any:
    return blocks.normalised_convolution(_stem(image), 336)


def _deep(image: Any) -> Any:
    x = _halved(_stem(image))
    for _ in range(10):
        x = blocks.normalised_convolution(x, 28)
    return x


FAMILIES: dict[str, Callable[[Any], Any]] = {
    "VGG": _vgg,
    "Inception": _inception,
    "ResNet": _resnet,
    "DenseNet": _densenet,
    "Xception": _xception,
    "MobileNet": _mobilenet,
    "EfficientNet": _efficientnet,
    "ConvNeXt": _convnext,
    "ViT": _vit,
    "wide, shallow": _wide,
    "deep, narrow": _deep,
}
"""Name to the middle of the net; the last two are VGG's layer, arranged in two other ways."""
