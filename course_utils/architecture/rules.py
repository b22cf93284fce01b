"""What each use of a layer costs and sees, by rules for Keras' own layers.

A rule is an allow-list: what is not in it is unknown, never free.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from course_utils import compat
from course_utils.backend import keras
from course_utils.errors import InputError

__all__ = ["ALL", "Side", "Sight", "Use", "multiply_adds", "sights", "walk"]


@dataclass(frozen=True, eq=False)
class Use:
    """One use of one layer, or of an operation such as `keras.ops.add`.

    `arrives` and `leaves` are symbolic tensors; `args` and `kwargs` are all that it is called on.
    Where the layer is a model (`is_model`), the uses of its own layers stand just before.
    """

    path: str
    layer: Any
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    arrives: tuple[Any, ...]
    leaves: tuple[Any, ...]
    is_model: bool

    @property
    def kind(self) -> str:
        """The class of the layer."""
        return type(self.layer).__name__

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        """Of what it gives first, without the batch."""
        return tuple(self.leaves[0].shape[1:])

    @property
    def known_as(self) -> tuple[str, bool]:
        """Its class and whether that is a layer; a reader's own class is known as nothing."""
        is_own = type(self.layer).__module__.split(".")[0] not in ("keras", "course_utils")
        return "" if is_own else self.kind, isinstance(self.layer, keras.Layer)


def walk(model: keras.Model) -> tuple[Any, list[Use]]:
    """What enters a model, and every use of a layer in the order of computing.

    Layers of nested models are reached at any depth, and a layer that is used twice is met twice.
    Only shapes run through the graph, so a base that was built for images of any size shows the
    sizes that it has here.

    Raises:
        InputError: no such model, several inputs or outputs, or channels that come first.

    Example:
        >>> base = keras.Sequential(
        ...     [keras.Input((None, None, 3)), keras.layers.Conv2D(4, 3, name="conv")], name="base"
        ... )
        >>> _, uses = walk(keras.Sequential([keras.Input((9, 9, 3)), base]))
        >>> [(use.path, use.output_shape) for use in uses]
        [('base/conv', (7, 7, 4)), ('base', (7, 7, 4))]
    """
    graph = compat.graph_of(model)
    if graph is None:
        raise InputError(
            "expected a built Sequential or functional Keras model, received "
            f"{type(model).__name__}: begin it with keras.Input(shape)"
        )
    if len(graph.inputs) != 1 or len(graph.inputs[0].shape) != 4:
        raise InputError(
            "expected a model with one input of shape (batch, height, width, channels), received "
            f"{', '.join(str(each.shape) for each in graph.inputs)}"
        )
    if len(graph.outputs) != 1:
        raise InputError(
            f"expected a model with one output, received {len(graph.outputs)} of shapes "
            f"{', '.join(str(each.shape) for each in graph.outputs)}: take one at a time, as "
            "keras.Model(model.inputs, model.outputs[0])"
        )
    entering = keras.KerasTensor(graph.inputs[0].shape, dtype=graph.inputs[0].dtype)
    uses: list[Use] = []
    _through(graph, [entering], "", uses)
    return entering, uses


def _through(graph: Any, tensors: list[Any], prefix: str, uses: list[Use]) -> Any:
    def followed(layer: Any) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            path = prefix + layer.name
            if getattr(layer, "data_format", None) == "channels_first":
                raise InputError(
                    f"expected channels last, received {path} with data_format='channels_first': "
                    "build the model for (height, width, channels)"
                )
            arrives = _tensors((args, kwargs))
            inner = compat.graph_of(layer)
            if inner is None:
                given = layer.compute_output_spec(*args, **kwargs)
            else:
                given = _through(inner, list(arrives), f"{path}/", uses)
            uses.append(Use(path, layer, args, kwargs, arrives, _tensors(given), inner is not None))
            return given

        return call

    return compat.run_through_graph(graph, tensors, followed)


def _tensors(nested: Any) -> tuple[Any, ...]:
    return tuple(each for each in keras.tree.flatten(nested) if isinstance(each, keras.KerasTensor))


# Each unit depends on the units at its own position in the inputs, and on nothing else. "Positions"
# adds one learnt vector to each token.
_POINTWISE_LAYERS = {
    "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Identity", "BatchNormalization",
    "Normalization", "Rescaling", "Dropout", "SpatialDropout1D", "SpatialDropout2D",
    "GaussianNoise", "GaussianDropout", "Add", "Subtract", "Multiply", "Average", "Maximum",
    "Minimum", "Positions",
}  # fmt: skip
_POINTWISE_OPERATIONS = {
    "Abs", "Absolute", "Add", "Cast", "Clip", "Divide", "Elu", "Erf", "Exp", "Expm1", "Gelu",
    "HardSigmoid", "HardSilu", "LeakyRelu", "Log", "Log1p", "Maximum", "Minimum", "Multiply",
    "Negative", "Power", "Reciprocal", "Relu", "Relu6", "Rsqrt", "Selu", "Sigmoid", "Sign", "Silu",
    "Softplus", "Softsign", "Sqrt", "Square", "StopGradient", "Subtract", "Tanh", "TrueDivide",
}  # fmt: skip
# Likewise, as long as their axis is that of the channels.
_ALONG_AXIS = {"Softmax", "LogSoftmax", "Concatenate", "LayerNormalization", "UnitNormalization"}
_SLIDING = {"Conv2D", "DepthwiseConv2D", "SeparableConv2D", "MaxPooling2D", "AveragePooling2D"}
_WHOLE = {
    "Flatten", "GlobalMaxPooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling1D",
    "GlobalAveragePooling1D", "GroupNormalization",
}  # fmt: skip
_ATTENTION = {"MultiHeadAttention", "GroupQueryAttention"}

# Nothing to count: no product of a weight and a value, and none of two values.
_FREE_LAYERS = {
    "Softmax", "LayerNormalization", "GroupNormalization", "UnitNormalization", "Embedding",
    "Concatenate", "Flatten", "Reshape", "Permute", "RepeatVector", "ZeroPadding2D", "Cropping2D",
    "UpSampling2D", "Resizing", "CenterCrop", "MaxPooling1D", "AveragePooling1D", "MaxPooling2D",
    "AveragePooling2D", "GlobalMaxPooling1D", "GlobalAveragePooling1D", "GlobalMaxPooling2D",
    "GlobalAveragePooling2D",
}  # fmt: skip
_FREE_OPERATIONS = {
    "Softmax", "LogSoftmax", "Concatenate", "Stack", "Split", "Reshape", "Transpose", "Swapaxes",
    "Moveaxis", "Squeeze", "ExpandDims", "GetItem", "Take", "Flip", "Repeat", "Tile", "BroadcastTo",
    "Pad", "Mean", "Sum", "Max", "Min", "Amax", "Amin", "Average", "Var", "Std", "Argmax",
    "MaxPool", "AveragePool", "DepthToSpace", "SpaceToDepth", "Resize", "Where",
}  # fmt: skip


def multiply_adds(use: Use) -> int | None:
    """Multiply–adds of one use of a layer, not a model, for one image; None where no rule tells.

    Counted are the products of a weight and a value and those of two values in attention, each with
    the addition that follows it as one. As in most papers, nothing is counted for biases,
    activations, pooling, normalization and sums of maps: together they are a few in a hundred of
    the arithmetic, though not of the time. Tools that speak of FLOPs usually count two for each
    multiply–add.

    Example:
        >>> layer = keras.layers.Conv2D(16, 3, padding="same")
        >>> _, (use,) = walk(keras.Sequential([keras.Input((28, 28, 1)), layer]))
        >>> multiply_adds(use) == 28 * 28 * 3 * 3 * 1 * 16
        True
    """
    kind, is_layer = use.known_as
    if is_layer and kind in _RULES:
        try:
            return _RULES[kind](use)
        except TypeError:  # a side without a fixed size is None
            return None
    pointwise = _POINTWISE_LAYERS if is_layer else _POINTWISE_OPERATIONS
    free = _FREE_LAYERS if is_layer else _FREE_OPERATIONS
    return 0 if kind in pointwise | free else None


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


def _attention(use: Use) -> int | None:
    layer = use.layer
    if not _is_plain_attention(use) or layer.get_config().get("use_gate"):
        return None
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


def _is_plain_attention(use: Use) -> bool:
    """Whether every token attends to every other one."""
    config = use.layer.get_config()
    between = range(1, len(use.arrives[0].shape) - 1)  # batch and channels
    axes = config.get("attention_axes") or between
    is_narrow = list(axes) != list(between) or config.get("sliding_window") is not None
    return not is_narrow and not use.kwargs.get("use_causal_mask")


_RULES = {
    **dict.fromkeys(("Conv1D", "Conv2D", "Conv3D"), _convolution),
    **dict.fromkeys(("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"), _transposed),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), _depthwise),
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D"), _separable),
    "Dense": _dense,
    "MultiHeadAttention": _attention,
}

ALL = "all"
"""What a unit sees once nothing of the input is out of its reach."""


class Side(NamedTuple):
    """What a map sees along one side: unit j covers pixels start + j·step to end + j·step."""

    start: int = 0
    end: int = 0
    step: int = 1

    @property
    def size(self) -> int:
        """Pixels that one unit covers."""
        return self.end - self.start + 1

    def under(self, reach: int, *, before: int = 0, stride: int = 1) -> Side:
        """What a map sees whose unit j covers `reach` units of this one from j·stride − before."""
        return Side(
            self.start - before * self.step,
            self.end + (reach - 1 - before) * self.step,
            self.step * stride,
        )


Sight = tuple[Side, Side] | str | None
"""(rows, columns), `ALL`, or None where no rule tells."""


def sights(entering: Any, uses: Sequence[Use]) -> list[Sight]:
    """What the units of each layer can depend on, for what `walk` gives.

    It follows from kernels, strides and dilations alone. Weights play no part, so it is what a
    unit *can* see, not what it uses.
    """
    known: dict[int, Sight] = {id(entering): (Side(), Side())}  # a pixel sees itself
    found: list[Sight] = []
    for use in uses:
        if not use.is_model:  # what a nested model gives was met within it
            sight = _after(use, [known[id(tensor)] for tensor in use.arrives])
            known |= {id(tensor): sight for tensor in use.leaves}
        found.append(known[id(use.leaves[0])])
    return found


def _after(use: Use, before: list[Sight]) -> Sight:
    """What a layer sees, given what each of its inputs sees."""
    kind, is_layer = use.known_as
    if None in before or not before:
        return None
    if ALL in before:
        return ALL
    if kind in _ATTENTION:
        return ALL if _is_plain_attention(use) else None
    if is_layer and kind in _WHOLE:
        return ALL
    arriving = tuple(map(_joined, zip(*before, strict=True)))
    if None in arriving:
        return None
    if _is_pointwise(use):
        return arriving
    if kind in ("ZeroPadding2D", "Cropping2D"):
        sign, name = (1, "padding") if kind == "ZeroPadding2D" else (-1, "cropping")
        return tuple(
            side.under(1, before=sign * first)
            for side, (first, _) in zip(arriving, getattr(use.layer, name), strict=True)
        )
    if not is_layer or kind not in _SLIDING:
        return None
    return tuple(
        side.under(reach, before=first, stride=stride)
        for side, (reach, first, stride) in zip(arriving, _windows(use), strict=True)
    )


def _is_pointwise(use: Use) -> bool:
    """Whether each unit depends on its own position alone, or the positions are only laid in a row.

    Arrays of several sizes are no case of it: to stretch one to another moves its units.
    """
    kind, is_layer = use.known_as
    shape = use.arrives[0].shape
    if len({tuple(each.shape[1:-1]) for each in use.arrives}) > 1:
        return False
    if kind == "Dense":
        return len(shape) > 2
    if kind in _ALONG_AXIS:
        axes = use.layer.axis if isinstance(use.layer.axis, list | tuple) else [use.layer.axis]
        return all(axis in (-1, len(shape) - 1) for axis in axes)
    if is_layer and kind == "Reshape":
        # (height, width, channels) to (tokens, channels): each token is one position.
        return len(use.leaves[0].shape) == 3 and use.output_shape[-1] == shape[-1]
    return kind in (_POINTWISE_LAYERS if is_layer else _POINTWISE_OPERATIONS)


def _joined(sides: tuple[Side, ...]) -> Side | None:
    """What a map sees that takes several, unit by unit; None if they step differently."""
    if len({side.step for side in sides}) > 1:
        return None
    return Side(min(s.start for s in sides), max(s.end for s in sides), sides[0].step)


def _windows(use: Use) -> Iterator[tuple[int, int, int]]:
    """(reach, units before, stride) of a sliding layer, for rows and for columns."""
    layer = use.layer
    kernels = layer.kernel_size if hasattr(layer, "kernel_size") else layer.pool_size
    dilations = getattr(layer, "dilation_rate", 1)
    dilations = (dilations, dilations) if isinstance(dilations, int) else dilations
    for kernel, stride, dilation, size in zip(
        kernels, layer.strides, dilations, use.arrives[0].shape[1:3], strict=True
    ):
        reach = (kernel - 1) * dilation + 1
        # A size that is not fixed is taken for a multiple of the stride.
        rest = -size % stride if size else 0
        added = max(reach - stride + rest, 0) if layer.padding == "same" else 0
        yield reach, added // 2, stride
