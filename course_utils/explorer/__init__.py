"""Things to play with under a cell: self-contained HTML and JavaScript, data inside.

An explorer needs neither a running kernel nor a network, so it works alike in JupyterLab, VS Code,
Colab and an exported page. Where scripts do not run, a picture stands in its place.
"""

import base64
import hashlib
import html
import io
import json
from pathlib import Path

import numpy as np

from course_utils import showing
from course_utils.convolution import PADDINGS, convolve2d
from course_utils.errors import InputError

__all__ = ["convolution"]

_SCRIPT = Path(__file__).with_name("convolution.js")
_LARGEST = 64


def convolution(
    picture: np.ndarray,
    *,
    kernel: np.ndarray,
    padding: str = "valid",
    stride: int = 1,
    dilation: int = 1,
) -> None:
    """Show a convolution to play with: kernel, padding, stride, dilation, one window at a time.

    The reader moves the window, edits the weights, loads a picture of his own, and sees the
    arithmetic of one output pixel and the formula of the map's size. The numbers are those of
    `keras.layers.Conv2D` without bias; a test compares them in a browser.

    Args:
        picture: grey, (height, width) or (height, width, 1), 3 to 64 pixels a side, finite.
        kernel: (height, width), 1 to 7 weights a side, finite.
        padding: "valid" or "same", to begin with.
        stride: 1 to 6, to begin with.
        dilation: 1 to 6, to begin with.

    Raises:
        InputError: an argument of another shape or range.

    Example:
        >>> convolution(np.eye(6), kernel=np.ones((3, 3)))
        [explorer] A convolution of a 6×6 picture with a 3×3 kernel, to play with in a notebook.
    """
    pixels = _checked("picture", picture, least=3, most=_LARGEST)
    weights = _checked("kernel", kernel, least=1, most=7)
    if padding not in PADDINGS:
        raise InputError(
            f"expected padding to be {' or '.join(map(repr, PADDINGS))}, received {padding!r}"
        )
    for name, value in (("stride", stride), ("dilation", dilation)):
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 6:
            raise InputError(
                f"expected {name} to be a whole number from 1 to 6, received {value!r}"
            )
    data = {
        "picture": np.round(pixels, 4).tolist(),
        "kernel": weights.tolist(),
        "padding": padding,
        "stride": stride,
        "dilation": dilation,
    }
    size = "×".join(map(str, pixels.shape))
    reach = "×".join(map(str, weights.shape))
    what = f"A convolution of a {size} picture with a {reach} kernel"
    showing.show(
        {
            "text/html": _page(data, _still(pixels, weights), what),
            "text/plain": f"[explorer] {what}, to play with in a notebook.",
        }
    )


def _checked(name: str, given: object, *, least: int, most: int) -> np.ndarray:
    try:
        array = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim != 2 or not all(least <= side <= most for side in array.shape):
        received = getattr(given, "shape", type(given).__name__)
        raise InputError(
            f"expected the {name} as (height, width) with {least} to {most} a side, "
            f"received {received}: take one channel, or a smaller part"
        )
    if not np.isfinite(array).all():
        raise InputError(f"expected a {name} of finite numbers, received some that are not")
    return array


def _page(data: dict, still: bytes, what: str) -> str:
    """The HTML: the picture that stands in, and the script that takes its place."""
    script = _SCRIPT.read_text(encoding="utf-8").strip()
    text = json.dumps(data, separators=(",", ":"))
    # The same output for the same input; a second copy on a page would only show the picture.
    id = f"course-explorer-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    picture = base64.b64encode(still).decode("ascii")
    alt = html.escape(f"{what}: the picture on the left, its feature map on the right.")
    return (
        f'<div class="course-explorer" id="{id}" data-lm-suppress-shortcuts="true">'
        f'<img alt="{alt}" src="data:image/png;base64,{picture}" style="max-width:100%"></div>\n'
        f'<script>{script}("{id}", {text});</script>'
    )


def _still(pixels: np.ndarray, weights: np.ndarray) -> bytes:
    """Picture and feature map side by side, as PNG."""
    from PIL import Image

    padding = (
        "valid" if all(w <= p for w, p in zip(weights.shape, pixels.shape, strict=True)) else ""
    )
    panels = [pixels]
    if padding:
        panels.append(convolve2d(pixels[None, :, :, None], weights[:, :, None, None])[0, :, :, 0])
    sheet = Image.new("L", (300 * len(panels) - 20, 280), 255)
    for place, values in enumerate(panels):
        span = float(np.ptp(values)) or 1.0
        levels = np.uint8(255 * (values - values.min()) / span)
        sheet.paste(
            Image.fromarray(levels).resize((280, 280), Image.Resampling.NEAREST), (300 * place, 0)
        )
    buffer = io.BytesIO()
    sheet.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
