"""A stack of convolutions and poolings in one dimension, and what each of its units sees."""

from collections.abc import Sequence

import numpy as np

from course_utils.convolution import PADDINGS, output_size, windows
from course_utils.errors import InputError
from course_utils.explorer.page import one_of, show, whole

__all__ = ["receptive_field"]

_KINDS = ("convolution", "max pooling")
_MOST = {"layers": 6, "size": 64, "kernel": 7, "stride": 4, "dilation": 8}


def receptive_field(layers: Sequence[tuple], *, size: int = 24, padding: str = "valid") -> None:
    """Show a stack of layers to play with: which pixels each unit of it depends on.

    One dimension: a row of pixels, and above it a row of units for each layer. The reader chooses
    a unit and sees its cone down to the pixels, in how many ways each counts, or with numbers the
    sums and maxima; adds, edits and removes layers; and reads the arithmetic layer by layer. It is
    that of `architecture.receptive_field` and of the Keras layers; a test compares them in a
    browser.

    Args:
        layers: 1 to 6 of (kernel, stride, dilation), each a convolution, or of (kernel, stride,
            dilation, kind) with the kind "convolution" or "max pooling"; to begin with. Kernels
            are 1 to 7, strides 1 to 4, dilations 1 to 8; pooling has dilation 1.
        size: pixels of the input, 4 to 64, to begin with.
        padding: of all layers, "valid", or "same" with odd kernels; to begin with.

    Raises:
        InputError: an argument of another form or range; a layer whose kernel does not fit.

    Example:
        >>> receptive_field([(3, 1, 1), (2, 2, 1, "max pooling")])
        [explorer] What the units of 2 layers over 24 pixels see, to play with in a notebook.
    """
    whole("size", size, most=_MOST["size"], least=4)
    one_of("padding", padding, PADDINGS)
    stack = _checked(layers)
    rows = _rows(stack, size, padding)
    count = f"{len(stack)} layer{'s' if len(stack) > 1 else ''}"
    show(
        ["layers", "receptive_field"],
        {"layers": stack, "size": size, "padding": padding, "kinds": _KINDS, "most": _MOST},
        _still(rows, size),
        what=f"What the units of {count} over {size} pixels see",
        alt="a row of boxes for the pixels, above it one for the units of each layer; lines lead "
        "from a unit in the middle of the last layer down to all that it depends on.",
    )


def _checked(layers: object) -> list[dict]:
    form = 'such as [(3, 1, 1), (2, 2, 1, "max pooling")]'
    if not isinstance(layers, list | tuple) or not 1 <= len(layers) <= _MOST["layers"]:
        received = f"{len(layers)}" if isinstance(layers, list | tuple) else repr(layers)
        raise InputError(
            f"expected a list of 1 to {_MOST['layers']} layers, received {received}: give each as "
            f"(kernel, stride, dilation), {form}"
        )
    stack = []
    for number, layer in enumerate(layers, 1):
        if not isinstance(layer, list | tuple) or len(layer) not in (3, 4):
            raise InputError(
                f"expected layer {number} as (kernel, stride, dilation), or with its kind as a "
                f"fourth, received {layer!r}: {form}"
            )
        kind = layer[3] if len(layer) == 4 else _KINDS[0]
        one_of(f"the kind of layer {number}", kind, _KINDS)
        for name, value in zip(("kernel", "stride", "dilation"), layer, strict=False):
            whole(f"the {name} of layer {number}", value, most=_MOST[name])
        kernel, stride, dilation = layer[:3]
        if kind != _KINDS[0] and dilation > 1:
            raise InputError(
                f"expected dilation 1 in layer {number}, received {dilation}: Keras has no max "
                "pooling with a dilation"
            )
        stack.append({"kind": kind, "kernel": kernel, "stride": stride, "dilation": dilation})
    return stack


def _rows(stack: list[dict], size: int, padding: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each layer: the unit below each weight of each unit, or −1 for padding; where it lies."""
    rows = []
    middles = np.arange(float(size))  # of the units below, in pixels
    jump = 1
    for number, layer in enumerate(stack, 1):
        kernel, stride, dilation = layer["kernel"], layer["stride"], layer["dilation"]
        placing = {"stride": stride, "padding": padding, "dilation": dilation}
        try:
            output_size(len(middles), kernel, **placing)
        except InputError as error:
            raise InputError(f"layer {number}: {error}") from error
        # What a window finds in a picture of its own numbers is which units it looks at.
        numbers = np.arange(1.0, len(middles) + 1)[None, None, :, None]
        below = windows(numbers, (1, kernel), **placing)[0, 0].astype(int) - 1
        middle = (kernel - 1) // 2
        middles = middles[below[:, middle]] + ((kernel - 1) / 2 - middle) * dilation * jump
        jump *= stride
        rows.append((below, middles))
    return rows


def _still(rows: list[tuple[np.ndarray, np.ndarray]], size: int):
    """The rows and the cone of the last one's middle unit."""
    from PIL import Image, ImageDraw

    cell, step, box = 840 / size, 60, 22
    side = min(0.8 * cell, 26)
    sheet = Image.new("L", (860, step * len(rows) + box + 20), 255)
    pen = ImageDraw.Draw(sheet)
    middles = [np.arange(float(size)), *(places for _, places in rows)]
    seen = {len(middles[-1]) // 2}
    for row in range(len(rows), -1, -1):
        top = 10 + step * (len(rows) - row)
        for unit, place in enumerate(middles[row]):
            x = 10 + (place + 0.5) * cell
            on = unit in seen
            pen.rectangle(
                (x - side / 2, top, x + side / 2, top + box), fill=60 if on else 255, outline=90
            )
            for under in rows[row - 1][0][unit] if on and row else ():
                if under >= 0:
                    to = 10 + (middles[row - 1][under] + 0.5) * cell
                    pen.line((x, top + box, to, top + step), fill=60, width=1)
        if row:
            seen = {int(under) for unit in seen for under in rows[row - 1][0][unit] if under >= 0}
    return sheet
