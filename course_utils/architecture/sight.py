"""The receptive field: the patch of the input that a unit can depend on.

It follows from kernels, strides and dilations alone. Weights play no part, so it is what a unit
*can* see, not what it uses.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from course_utils.errors import InputError

if TYPE_CHECKING:
    import keras

__all__ = ["ALL", "Side", "receptive_field", "sights"]

ALL = "all"
"""What a unit sees once nothing of the input is out of its reach."""

# Each unit depends on the units at its own place in the inputs, and on nothing else.
_POINTWISE = {
    "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax", "Identity",
    "BatchNormalization", "Normalization", "Rescaling", "Dropout", "SpatialDropout2D",
    "GaussianNoise", "GaussianDropout", "Add", "Subtract", "Multiply", "Average", "Maximum",
    "Minimum", "Concatenate",
}  # fmt: skip
_SLIDING = {"Conv2D", "DepthwiseConv2D", "SeparableConv2D", "MaxPooling2D", "AveragePooling2D"}
_WHOLE = {"Flatten", "GlobalMaxPooling2D", "GlobalAveragePooling2D"}


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


_PIXELS = (Side(), Side())  # a pixel sees itself


def receptive_field(model: keras.Model, layer: str | None = None) -> tuple[int, int]:
    """How many pixels of the input one unit of a layer can depend on.

    Every convolution and pooling of kernel k, stride s and dilation d adds (k − 1) · d times the
    product of all strides before it. The border of the picture is left out of account: a unit
    near it sees padding where others see pixels.

    Args:
        model: built Sequential or functional model with one input.
        layer: name of one of its layers; its last one without.

    Returns:
        (height, width) in pixels; those of the whole input after flattening or global pooling.

    Raises:
        InputError: no such model or layer; a layer on the way of which no rule tells how far it
            sees, such as resizing; the whole of an input that has no fixed size.

    Example:
        >>> import keras
        >>> convolutions = [keras.layers.Conv2D(8, 3) for _ in range(3)]
        >>> receptive_field(keras.Sequential([keras.Input((64, 64, 3)), *convolutions]))
        (7, 7)
    """
    seen = {each.name: sight for each, sight in sights(model).items()}
    name = next(reversed(seen)) if layer is None else layer
    if name not in seen:
        raise InputError(f"expected a layer of the model ({', '.join(seen)}), received {name!r}")
    if isinstance(seen[name], tuple):
        rows, columns = seen[name]
        return rows.size, columns.size
    whole = tuple(model.inputs[0].shape[1:3])
    if seen[name] is None or None in whole:
        raise InputError(
            f"expected layers of known reach and an input of fixed size, received for {name} one "
            f"that cannot be told (input {whole}): measure it by a gradient"
        )
    return whole


def sights(model: keras.Model, arriving: Any = _PIXELS) -> dict[Any, Any]:
    """What each layer of a model sees, in order.

    Args:
        model: built Sequential or functional model with one input.
        arriving: what the model's own input sees; a pixel sees itself.

    Returns:
        Layer to (rows, columns), or to `ALL`, or to None where no rule tells.

    Raises:
        InputError: no such model.
    """
    inputs = getattr(model, "inputs", None)
    if not inputs or not hasattr(model, "layers"):
        raise InputError(
            "expected a built Sequential or functional Keras model, received "
            f"{type(model).__name__}: begin it with keras.Input(shape)"
        )
    if len(inputs) != 1 or len(inputs[0].shape) != 4:
        raise InputError(
            "expected a model with one input of shape (batch, height, width, channels), received "
            f"{', '.join(str(each.shape) for each in inputs)}"
        )
    found: dict[Any, Any] = {}
    if type(model).__name__ == "Sequential":
        for layer in model.layers:
            found[layer] = arriving = _after(layer, [arriving])
        return found
    by_tensor = {id(inputs[0]): arriving}
    for layer in model.operations:
        if type(layer).__name__ == "InputLayer":
            continue
        # A tensor may be unknown: Keras tells only of the first use of a layer.
        before = [by_tensor.get(id(tensor)) for tensor in _flat(layer.input)]
        found[layer] = _after(layer, before)
        by_tensor |= {id(tensor): found[layer] for tensor in _flat(layer.output)}
    return found


def _after(layer: Any, before: list[Any]) -> Any:
    """What a layer sees, given what each of its inputs sees."""
    kind = type(layer).__name__
    if None in before:
        return None
    if ALL in before or kind in _WHOLE:
        return ALL
    if hasattr(layer, "layers"):
        return list(sights(layer, before[0]).values())[-1]
    arriving = tuple(map(_joined, zip(*before, strict=True)))
    if None in arriving:
        return None
    if kind in _POINTWISE or (kind == "Dense" and len(layer.input.shape) == 4):
        return arriving
    if kind in ("ZeroPadding2D", "Cropping2D"):
        sign, sides = (1, layer.padding) if kind == "ZeroPadding2D" else (-1, layer.cropping)
        return tuple(
            side.under(1, before=sign * first)
            for side, (first, _) in zip(arriving, sides, strict=True)
        )
    if kind not in _SLIDING:
        return None
    return tuple(
        side.under(reach, before=first, stride=stride)
        for side, (reach, first, stride) in zip(arriving, _windows(layer), strict=True)
    )


def _joined(sides: tuple[Side, ...]) -> Side | None:
    """What a map sees that takes several, unit by unit; None if they step differently."""
    if len({side.step for side in sides}) > 1:
        return None
    return Side(min(s.start for s in sides), max(s.end for s in sides), sides[0].step)


def _windows(layer: Any) -> Iterator[tuple[int, int, int]]:
    """(reach, units before, stride) of a sliding layer, for rows and for columns."""
    kernels = layer.kernel_size if hasattr(layer, "kernel_size") else layer.pool_size
    dilations = getattr(layer, "dilation_rate", 1)
    dilations = (dilations, dilations) if isinstance(dilations, int) else dilations
    for kernel, stride, dilation, size in zip(
        kernels, layer.strides, dilations, layer.input.shape[1:3], strict=True
    ):
        reach = (kernel - 1) * dilation + 1
        # A size that is not fixed is taken for a multiple of the stride.
        rest = -size % stride if size else 0
        added = max(reach - stride + rest, 0) if layer.padding == "same" else 0
        yield reach, added // 2, stride


def _flat(nested: Any) -> list[Any]:
    import keras

    return keras.tree.flatten(nested)
