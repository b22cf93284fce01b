"""The blocks that modern convnets are built of, one short function each.

Each takes and gives symbolic feature maps (batch, height, width, channels), as the functional API
of Keras wants it: `x = residual_block(x, 32)`. A convolution that normalization follows has no
bias, since the normalization takes away whatever is added before it.
"""

from __future__ import annotations

from typing import Any

from course_utils.backend import keras

__all__ = [
    "convnext_block",
    "dense_block",
    "inception_block",
    "inverted_block",
    "mobile_block",
    "normalised",
    "normalised_convolution",
    "positions",
    "residual_block",
    "separable_residual_block",
    "transformer_block",
]

layers = keras.layers

_MOMENTUM = 0.9
"""Of the moving averages. Keras' 0.99 is for thousands of steps; ours are a few hundred."""


def normalised(x: Any, activation: str | None = "relu") -> Any:
    """Batch normalization (Ioffe and Szegedy, 2015), then an activation."""
    x = layers.BatchNormalization(momentum=_MOMENTUM)(x)
    return layers.Activation(activation)(x) if activation else x


def normalised_convolution(
    x: Any, filters: int, size: int = 3, *, strides: int = 1, activation: str | None = "relu"
) -> Any:
    """Convolution without bias, normalization, activation: VGG's layer as it is built today."""
    x = layers.Conv2D(filters, size, strides=strides, padding="same", use_bias=False)(x)
    return normalised(x, activation)


def inception_block(x: Any, one: int, three: int, five: int, pooled: int) -> Any:
    """Four views of the same maps side by side, each behind a 1×1 convolution that makes it cheap.

    Szegedy and others, 2015; the 5×5 view as two 3×3, as in their second version. Each view has so
    many filters as its argument says.
    """
    narrow = normalised_convolution(x, five, 1)
    views = [
        normalised_convolution(x, one, 1),
        normalised_convolution(normalised_convolution(x, three, 1), three),
        normalised_convolution(normalised_convolution(narrow, five), five),
        normalised_convolution(layers.MaxPooling2D(3, strides=1, padding="same")(x), pooled, 1),
    ]
    return layers.Concatenate()(views)


def residual_block(x: Any, filters: int, *, strides: int = 1) -> Any:
    """Two convolutions, and a way around them: He and others, 2016.

    Where the way around would not fit, by channels or by stride, a 1×1 convolution makes it fit.
    """
    around = x
    x = normalised_convolution(x, filters, strides=strides)
    x = normalised_convolution(x, filters, activation=None)
    if strides > 1 or around.shape[-1] != filters:
        around = normalised_convolution(around, filters, 1, strides=strides, activation=None)
    return layers.ReLU()(layers.Add()([x, around]))


def dense_block(x: Any, layers_inside: int, growth: int) -> Any:
    """Each convolution sees the maps of all before it, and adds `growth` new ones.

    Huang and others: Densely Connected Convolutional Networks, 2017.
    """
    for _ in range(layers_inside):
        new = layers.Conv2D(growth, 3, padding="same", use_bias=False)(normalised(x))
        x = layers.Concatenate()([x, new])
    return x


def separable_residual_block(x: Any, filters: int) -> Any:
    """Two separable convolutions and a pooling, with a strided 1×1 convolution around them.

    The block of Xception (Chollet, 2017), with the activation before each convolution.
    """
    around = layers.Conv2D(filters, 1, strides=2, padding="same", use_bias=False)(x)
    for _ in range(2):
        x = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False)(normalised(x))
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    return layers.Add()([x, around])


def mobile_block(x: Any, filters: int, *, strides: int = 1) -> Any:
    """A depthwise, then a pointwise convolution: MobileNet (Howard and others, 2017)."""
    x = layers.DepthwiseConv2D(3, strides=strides, padding="same", use_bias=False)(x)
    return normalised_convolution(normalised(x), filters, 1)


def inverted_block(x: Any, filters: int, *, strides: int = 1, expand: int = 4) -> Any:
    """Widen, filter each map, weigh the maps, narrow: EfficientNet's block.

    The inverted residual of MobileNetV2 (Sandler and others, 2018) with squeeze and excitation (Hu
    and others, 2018), as Tan and Le put them together in 2019.
    """
    around, wide = x, expand * x.shape[-1]
    x = normalised_convolution(x, wide, 1, activation="swish")
    x = layers.DepthwiseConv2D(3, strides=strides, padding="same", use_bias=False)(x)
    x = normalised(x, "swish")
    weights = layers.GlobalAveragePooling2D(keepdims=True)(x)
    weights = layers.Conv2D(max(wide // 16, 4), 1, activation="swish")(weights)
    weights = layers.Conv2D(wide, 1, activation="sigmoid")(weights)
    x = normalised_convolution(layers.Multiply()([x, weights]), filters, 1, activation=None)
    same = strides == 1 and around.shape[-1] == filters
    return layers.Add()([x, around]) if same else x


def convnext_block(x: Any) -> Any:
    """A 7×7 depthwise convolution, then a small dense net at each place (Liu and others, 2022).

    With batch normalization in place of their layer normalization: with the latter, and the few
    hundred steps that we can afford, it did not leave chance.
    """
    filters = x.shape[-1]
    inside = normalised(layers.DepthwiseConv2D(7, padding="same", use_bias=False)(x), None)
    inside = layers.Dense(4 * filters, activation="gelu")(inside)
    return layers.Add()([x, layers.Dense(filters)(inside)])


def transformer_block(x: Any, heads: int) -> Any:
    """Attention between all tokens, then a small dense net for each (Dosovitskiy and others, 2021).

    Takes and gives tokens (batch, tokens, channels); `heads` divides the channels.
    """
    width = x.shape[-1]
    seen = layers.LayerNormalization(epsilon=1e-6)(x)
    x = layers.Add()([x, layers.MultiHeadAttention(heads, width // heads)(seen, seen)])
    inside = layers.Dense(2 * width, activation="gelu")(layers.LayerNormalization(epsilon=1e-6)(x))
    return layers.Add()([x, layers.Dense(width)(inside)])


def positions(x: Any) -> Any:
    """Add to each token a learnt vector that says where it stands; attention has no other clue."""
    return Positions()(x)


@keras.saving.register_keras_serializable("course_utils")
class Positions(layers.Layer):
    """One learnt vector for each token."""

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Draw the vectors."""
        drawn = keras.initializers.RandomNormal(stddev=0.02)
        self.vectors = self.add_weight(shape=shape[1:], initializer=drawn, name="vectors")

    def call(self, tokens: Any) -> Any:
        """Add them."""
        return tokens + self.vectors

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """As it came."""
        return shape
