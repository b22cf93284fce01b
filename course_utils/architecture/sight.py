"""The receptive field: the patch of the input that a unit can depend on.

It follows from kernels, strides and dilations alone. Weights play no part, so it is what a unit
*can* see, not what it uses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from course_utils.architecture.walk import Use, walk
from course_utils.errors import InputError

if TYPE_CHECKING:
    import keras

__all__ = ["ALL", "Side", "Sight", "receptive_field", "sights"]

ALL = "all"
"""What a unit sees once nothing of the input is out of its reach."""

# Each unit depends on the units at its own place in the inputs, and on nothing else.
_POINTWISE = {
    "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax", "Identity",
    "BatchNormalization", "Normalization", "Rescaling", "Dropout", "SpatialDropout2D",
    "GaussianNoise", "GaussianDropout", "Add", "Subtract", "Multiply", "Average", "Maximum",
    "Minimum", "Concatenate", "Positions",
}  # fmt: skip
_SLIDING = {"Conv2D", "DepthwiseConv2D", "SeparableConv2D", "MaxPooling2D", "AveragePooling2D"}
_WHOLE = {
    "Flatten", "GlobalMaxPooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling1D",
    "GlobalAveragePooling1D", "MultiHeadAttention", "GroupQueryAttention", "GroupNormalization",
}  # fmt: skip


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
_PIXELS = (Side(), Side())  # a pixel sees itself


def receptive_field(model: keras.Model, layer: str | None = None) -> tuple[int, int]:
    """How many pixels of the input one unit of a layer can depend on.

    Every convolution and pooling of kernel k, stride s and dilation d adds (k − 1) · d times the
    product of all strides before it. The border of the picture is left out of account: a unit
    near it sees padding where others see pixels.

    Args:
        model: built Sequential or functional model with one input and one output.
        layer: name of one of its layers, or "base/conv" for the layer "conv" of a nested model
            "base"; its last one without.

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
    entering, uses = walk(model)
    seen = {use.path: sight for use, sight in zip(uses, sights(entering, uses), strict=True)}
    name = next(reversed(seen)) if layer is None else layer
    if name not in seen:
        known = ", ".join(path for path in seen if "/" not in path)
        raise InputError(f"expected a layer of the model ({known}), received {name!r}")
    if isinstance(seen[name], tuple):
        rows, columns = seen[name]
        return rows.size, columns.size
    whole = tuple(entering.shape[1:3])
    if seen[name] is None or None in whole:
        raise InputError(
            f"expected layers of known reach and an input of fixed size, received for {name} one "
            f"that cannot be told (input {whole}): measure it by a gradient"
        )
    return whole


def sights(entering: Any, uses: Sequence[Use]) -> list[Sight]:
    """What the units of each layer see.

    Args:
        entering: what `walk` gives as what enters the model.
        uses: the uses of layers that it gives.

    Returns:
        For each use (rows, columns), or `ALL`, or None where no rule tells.
    """
    known: dict[int, Sight] = {id(entering): _PIXELS}
    found: list[Sight] = []
    for use in uses:
        if not use.is_model:  # what a nested model gives was met within it
            sight = _after(use, [known[id(tensor)] for tensor in use.arrives])
            known |= {id(tensor): sight for tensor in use.leaves}
        found.append(known[id(use.leaves[0])])
    return found


def _after(use: Use, before: list[Sight]) -> Sight:
    """What a layer sees, given what each of its inputs sees."""
    layer, kind = use.layer, use.kind
    if None in before or not before:
        return None
    if ALL in before or kind in _WHOLE:
        return ALL
    arriving = tuple(map(_joined, zip(*before, strict=True)))
    if None in arriving:
        return None
    if kind in _POINTWISE or _along_channels(use):
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
        for side, (reach, first, stride) in zip(arriving, _windows(use), strict=True)
    )


def _along_channels(use: Use) -> bool:
    """Whether a layer mixes the channels of one place, or only lays the places in one row."""
    shape = use.arrives[0].shape
    if use.kind == "Dense":
        return len(shape) > 2
    if use.kind == "LayerNormalization":
        axes = use.layer.axis if isinstance(use.layer.axis, list | tuple) else [use.layer.axis]
        return all(axis in (-1, len(shape) - 1) for axis in axes)
    # (height, width, channels) to (tokens, channels): each token is one place.
    given = use.leaves[0].shape
    return use.kind == "Reshape" and len(given) == 3 and given[-1] == shape[-1]


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
