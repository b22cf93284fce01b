"""What a layer computes, in multiply–adds, from its shapes alone.

Counted are the products of a weight and a value (convolutions, dense layers) and those of two
values in attention, each with the addition that follows it as one. As in most papers, nothing is
counted for biases, activations, pooling, normalisation and sums of maps: together they are a few
in a hundred of the arithmetic, though not of the time. Tools that speak of FLOPs usually count
two for each multiply–add.
"""

from __future__ import annotations

import math
from typing import Any

from course_utils.architecture.walk import Use

__all__ = ["multiply_adds"]

# Layers without a product that counts; "Positions" adds one learnt vector to each token.
_FREE = {
    "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax", "Identity", "Positions",
    "BatchNormalization", "LayerNormalization", "GroupNormalization", "UnitNormalization",
    "Normalization", "Rescaling", "Embedding",
    "Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianNoise", "GaussianDropout",
    "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate",
    "Flatten", "Reshape", "Permute", "RepeatVector", "ZeroPadding2D", "Cropping2D",
    "UpSampling2D", "Resizing", "CenterCrop",
    "MaxPooling1D", "AveragePooling1D", "MaxPooling2D", "AveragePooling2D",
    "GlobalMaxPooling1D", "GlobalAveragePooling1D", "GlobalMaxPooling2D", "GlobalAveragePooling2D",
}  # fmt: skip
# Operations of keras.ops that multiply arrays; all other ones are free.
_PRODUCTS = {"Matmul", "Einsum", "Dot", "Tensordot", "Conv", "DepthwiseConv", "SeparableConv"}


def multiply_adds(use: Use) -> int | None:
    """Multiply–adds of one use of a layer, for one picture.

    Args:
        use: as `walk` gives it; not a nested model, whose layers are counted one by one.

    Returns:
        The count; None where no rule tells (a layer of the reader's own), or where a side has no
        fixed size.

    Example:
        >>> import keras
        >>> from course_utils.architecture.walk import walk
        >>> layer = keras.layers.Conv2D(16, 3, padding="same")
        >>> _, (use,) = walk(keras.Sequential([keras.Input((28, 28, 1)), layer]))
        >>> multiply_adds(use) == 28 * 28 * 3 * 3 * 1 * 16
        True
    """
    count = _RULES.get(use.kind)
    if count is None:
        return 0 if _is_free(use) else None
    try:
        return count(use)
    except TypeError:  # a side without a fixed size is None
        return None


def _is_free(use: Use) -> bool:
    if hasattr(use.layer, "count_params"):
        return use.kind in _FREE
    return use.kind not in _PRODUCTS


def _shapes(use: Use) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Shapes (height, width, channels) that arrive and leave, or likewise in one dimension."""
    return tuple(use.arrives[0].shape[1:]), use.output_shape


def _convolution(use: Use) -> int:
    arrives, leaves = _shapes(use)
    return math.prod(leaves) * math.prod(use.layer.kernel_size) * (arrives[-1] // use.layer.groups)


def _transposed(use: Use) -> int:
    # Each value that arrives is laid down once through the whole kernel.
    arrives, leaves = _shapes(use)
    return math.prod(arrives) * math.prod(use.layer.kernel_size) * leaves[-1]


def _depthwise(use: Use) -> int:
    return math.prod(use.output_shape) * math.prod(use.layer.kernel_size)


def _separable(use: Use) -> int:
    arrives, leaves = _shapes(use)
    between = arrives[-1] * use.layer.depth_multiplier
    each = between * math.prod(use.layer.kernel_size) + between * leaves[-1]
    return math.prod(leaves[:-1]) * each


def _dense(use: Use) -> int:
    arrives, leaves = _shapes(use)
    return math.prod(leaves) * arrives[-1]


def _attention(use: Use) -> int:
    layer = use.layer
    named = dict(zip(("query", "value", "key"), use.args, strict=False)) | dict(use.kwargs)
    asking, answering = named["query"].shape, named["value"].shape
    found = named.get("key")
    found = answering if found is None else found.shape
    heads, key, value = layer.num_heads, layer.key_dim, layer.value_dim
    asks, answers = math.prod(asking[1:-1]), math.prod(answering[1:-1])
    projected = asks * asking[-1] * heads * key + answers * found[-1] * heads * key
    projected += answers * answering[-1] * heads * value
    mixed = asks * answers * heads * (key + value)
    return projected + mixed + asks * heads * value * use.output_shape[-1]


_RULES = {
    **dict.fromkeys(("Conv1D", "Conv2D", "Conv3D"), _convolution),
    **dict.fromkeys(("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"), _transposed),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), _depthwise),
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D"), _separable),
    "Dense": _dense,
    "MultiHeadAttention": _attention,
}
