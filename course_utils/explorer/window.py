"""One convolution of one picture, to be moved window by window."""

import numpy as np

from course_utils.convolution import PADDINGS, convolve2d
from course_utils.errors import InputError
from course_utils.explorer.page import one_of, show, whole

__all__ = ["convolution"]

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
    one_of("padding", padding, PADDINGS)
    whole("stride", stride, most=6)
    whole("dilation", dilation, most=6)
    data = {
        "picture": np.round(pixels, 4).tolist(),
        "kernel": weights.tolist(),
        "padding": padding,
        "stride": stride,
        "dilation": dilation,
    }
    size = "×".join(map(str, pixels.shape))
    reach = "×".join(map(str, weights.shape))
    show(
        ["convolution"],
        data,
        _still(pixels, weights),
        what=f"A convolution of a {size} picture with a {reach} kernel",
        alt="the picture on the left, its feature map on the right.",
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


def _still(pixels: np.ndarray, weights: np.ndarray):
    """Picture and feature map side by side; the picture alone where the kernel does not fit."""
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
