"""Things to play with under a cell: self-contained HTML and JavaScript, data inside.

An explorer needs neither a running kernel nor a network: nothing but a page that runs scripts. It
is tried in JupyterLab, on the site and in the slides. Without scripts, an image stands there.
"""

import base64
import hashlib
import html
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from course_utils import checks, showing
from course_utils.convolution import PADDINGS, convolve2d, output_size, windows
from course_utils.errors import InputError
from course_utils.plots.inputs import numbers, one_of

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = [
    "convolution",
    "receptive_field",
]

_HERE = Path(__file__).parent
_KINDS = ("convolution", "max pooling")
_MOST = {"layers": 6, "size": 64, "kernel": 7, "stride": 4, "dilation": 8}


def convolution(
    image: np.ndarray,
    *,
    kernel: np.ndarray,
    padding: str = "valid",
    stride: int = 1,
    dilation: int = 1,
) -> None:
    """Show a convolution to play with: kernel, padding, stride, dilation, one window at a time.

    The reader moves the window, edits the weights, loads an image of their own, and sees the
    arithmetic of one output pixel and the formula of the map's size. The numbers are those of
    `keras.layers.Conv2D` without bias; a test compares them in a browser.

    Args:
        image: gray, (height, width) or (height, width, 1), 3 to 64 pixels a side, finite.
        kernel: (height, width), 1 to 7 weights a side, finite.
        padding: "valid" or "same", to begin with.
        stride: 1 to 6, to begin with.
        dilation: 1 to 6, to begin with.

    Raises:
        InputError: an argument of another shape or range.

    Example:
        >>> convolution(np.eye(6), kernel=np.ones((3, 3)))
        [explorer] A convolution of a 6×6 image with a 3×3 kernel, to play with in a notebook.
    """
    pixels = _checked(image, "image", least=3, most=_MOST["size"])
    weights = _checked(kernel, "kernel", least=1, most=_MOST["kernel"])
    one_of(padding, PADDINGS, where="convolution: padding")
    checks.whole("stride", stride, most=6)
    checks.whole("dilation", dilation, most=6)
    data = {
        "picture": np.round(pixels, 4).tolist(),
        "kernel": weights.tolist(),
        "padding": padding,
        "stride": stride,
        "dilation": dilation,
    }
    size, reach = ("×".join(map(str, array.shape)) for array in (pixels, weights))
    _show(
        ["convolution"],
        data,
        _image_and_map(pixels, weights),
        what=f"A convolution of a {size} image with a {reach} kernel",
        alt="the image on the left, its feature map on the right.",
    )


def _checked(values: object, name: str, *, least: int, most: int) -> np.ndarray:
    array = numbers(values, where=f"convolution: {name}", rank=(2, 3))
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim != 2 or not all(least <= side <= most for side in array.shape):
        raise InputError(
            f"convolution: {name}: expected (height, width) with {least} to {most} a side, "
            f"received {array.shape}: take one channel, or a smaller part"
        )
    return array


def _image_and_map(pixels: np.ndarray, weights: np.ndarray) -> "Image":
    """Image and feature map side by side; the image alone where the kernel does not fit."""
    from PIL import Image

    panels = [pixels]
    if all(w <= p for w, p in zip(weights.shape, pixels.shape, strict=True)):
        panels.append(convolve2d(pixels[None, :, :, None], weights[:, :, None, None])[0, :, :, 0])
    sheet = Image.new("L", (300 * len(panels) - 20, 280), 255)
    for place, values in enumerate(panels):
        span = float(np.ptp(values)) or 1.0
        levels = np.uint8(255 * (values - values.min()) / span)
        sheet.paste(
            Image.fromarray(levels).resize((280, 280), Image.Resampling.NEAREST), (300 * place, 0)
        )
    return sheet


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
    checks.whole("size", size, least=4, most=_MOST["size"])
    one_of(padding, PADDINGS, where="receptive_field: padding")
    stack = _stack(layers)
    count = f"{len(stack)} layer{'s' if len(stack) > 1 else ''}"
    _show(
        ["layers", "receptive_field"],
        {"layers": stack, "size": size, "padding": padding, "kinds": _KINDS, "most": _MOST},
        _rows_and_cone(_rows(stack, size, padding), size),
        what=f"What the units of {count} over {size} pixels see",
        alt="a row of boxes for the pixels, above it one for the units of each layer; lines lead "
        "from a unit in the middle of the last layer down to all that it depends on.",
    )


def _stack(layers: object) -> list[dict]:
    form = 'such as [(3, 1, 1), (2, 2, 1, "max pooling")]'
    if not isinstance(layers, list | tuple) or not 1 <= len(layers) <= _MOST["layers"]:
        received = len(layers) if isinstance(layers, list | tuple) else repr(layers)
        raise InputError(
            f"receptive_field: expected a list of 1 to {_MOST['layers']} layers, received "
            f"{received}: give each as (kernel, stride, dilation), {form}"
        )
    stack = []
    for number, layer in enumerate(layers, 1):
        where = f"receptive_field: layer {number}"
        if not isinstance(layer, list | tuple) or len(layer) not in (3, 4):
            raise InputError(
                f"{where}: expected (kernel, stride, dilation), or with its kind as a fourth, "
                f"received {layer!r}: {form}"
            )
        kernel, stride, dilation, kind = (*layer, _KINDS[0])[:4]
        one_of(kind, _KINDS, where=f"{where}: kind")
        facts = {"kind": kind, "kernel": kernel, "stride": stride, "dilation": dilation}
        for name in ("kernel", "stride", "dilation"):
            checks.whole(f"the {name} of layer {number}", facts[name], most=_MOST[name])
        if kind != _KINDS[0] and dilation > 1:
            raise InputError(
                f"{where}: expected dilation 1, received {dilation}: Keras has no max pooling "
                "with a dilation"
            )
        stack.append(facts)
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
            raise InputError(f"receptive_field: layer {number}: {error}") from error
        # What a window finds in an image of its own numbers is which units it looks at.
        ordinals = np.arange(1.0, len(middles) + 1)[None, None, :, None]
        below = windows(ordinals, (1, kernel), **placing)[0, 0].astype(int) - 1
        middle = (kernel - 1) // 2
        middles = middles[below[:, middle]] + ((kernel - 1) / 2 - middle) * dilation * jump
        jump *= stride
        rows.append((below, middles))
    return rows


def _rows_and_cone(rows: list[tuple[np.ndarray, np.ndarray]], size: int) -> "Image":
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


def _show(scripts: Sequence[str], data: dict, still: "Image", *, what: str, alt: str) -> None:
    """Show scripts and data, and an image that stands there until the scripts run.

    The last of the scripts, files beside this one, is a function of the id of its place and the
    data; the others declare what it calls. The same input gives the same output; a second copy on
    a page would only show the image.
    """
    code = "\n".join(
        (_HERE / f"{name}.js").read_text(encoding="utf-8").strip() for name in ("frame", *scripts)
    )
    text = json.dumps(data, separators=(",", ":"))
    id = f"course-explorer-{hashlib.sha256((scripts[-1] + text).encode()).hexdigest()[:12]}"
    buffer = io.BytesIO()
    still.save(buffer, format="PNG", optimize=True)
    image = base64.b64encode(buffer.getvalue()).decode("ascii")
    page = (
        f'<div class="course-explorer" id="{id}" data-lm-suppress-shortcuts="true">'
        f'<img alt="{html.escape(f"{what}: {alt}")}" src="data:image/png;base64,{image}" '
        'style="max-width:100%"></div>\n'
        f'<script>(() => {{\n{code}("{id}", {text});\n}})();</script>'
    )
    showing.show(
        {"text/html": page, "text/plain": f"[explorer] {what}, to play with in a notebook."}
    )
