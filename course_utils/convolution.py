"""Convolution as deep learning computes it, in plain NumPy: every window a row, one matrix product.

Slow beside Keras, and easy to check by hand; that is its purpose. Like every deep-learning
library, `convolve2d` computes a cross-correlation: the kernel is not turned round.
"""

from __future__ import annotations

import operator

import numpy as np

from course_utils.errors import InputError

__all__ = ["PADDINGS", "convolve2d", "output_size", "windows"]

PADDINGS = ("valid", "same")


def output_size(
    size: int, kernel: int, *, stride: int = 1, padding: str = "valid", dilation: int = 1
) -> int:
    """How many places a kernel has along one side of a picture.

    A dilated kernel reaches over (kernel − 1) · dilation + 1 pixels. With padding "valid" it must
    lie inside the picture; with "same" zeros are added at the border until a stride of 1 gives a
    map of the picture's own size.

    Args:
        size: of the picture along this side, in pixels, 1 or more.
        kernel: weights along this side, 1 or more; odd with padding "same".
        stride: pixels from one place to the next, 1 or more.
        padding: "valid" or "same".
        dilation: pixels from one weight to the next, 1 or more.

    Returns:
        ⌊(size − reach) / stride⌋ + 1 for "valid", ⌈size / stride⌉ for "same".

    Raises:
        InputError: a number below 1, an unknown padding, an even kernel with "same", a kernel that
            reaches further than the picture with "valid".

    Example:
        >>> output_size(150, 3), output_size(28, 5, padding="same"), output_size(28, 3, stride=2)
        (148, 28, 13)
    """
    for name, value in (
        ("size", size),
        ("kernel", kernel),
        ("stride", stride),
        ("dilation", dilation),
    ):
        _whole(name, value)
    if padding not in PADDINGS:
        raise InputError(
            f"expected padding to be {' or '.join(map(repr, PADDINGS))}, received {padding!r}"
        )
    if padding == "same":
        if kernel % 2 == 0:
            raise InputError(
                f'expected an odd kernel with padding "same", received a kernel of {kernel}: an '
                f"even one has no middle to lay on a pixel; take {kernel - 1} or {kernel + 1}"
            )
        return -(-size // stride)
    reach = _reach(kernel, dilation)
    if reach > size:
        spread = f" (it reaches over {reach} pixels at dilation {dilation})" if dilation > 1 else ""
        raise InputError(
            f"expected a kernel that fits into its input of {size}, received a kernel of "
            f'{kernel}{spread}: take a smaller one, or padding "same"'
        )
    return (size - reach) // stride + 1


def windows(
    images: np.ndarray,
    kernel: tuple[int, int],
    *,
    stride: int = 1,
    padding: str = "valid",
    dilation: int = 1,
) -> np.ndarray:
    """Every window that a kernel meets, as a row: the matrix called "im2col".

    Args:
        images: floating-point (batch, height, width, channels), finite.
        kernel: (height, width) of the kernel.
        stride: pixels from one window to the next, down and across.
        padding: "valid", or "same" with odd kernels: zeros at the border, where their number is
            odd the last one below and to the right, as TensorFlow does.
        dilation: pixels from one row or column of the window to the next.

    Returns:
        (batch, rows, columns, kernel height · kernel width · channels), ordered in each row by
        kernel row, kernel column, channel, as the weights of a Keras layer are.

    Raises:
        InputError: `images` of another rank or dtype or not finite; otherwise as `output_size`.

    Example:
        >>> image = np.arange(9.0).reshape(1, 3, 3, 1)
        >>> windows(image, (2, 2))[0, 0]
        array([[0., 1., 3., 4.],
               [1., 2., 4., 5.]])
    """
    images = _checked_images(images)
    try:
        shape = tuple(kernel)
    except TypeError:
        shape = ()
    if len(shape) != 2:
        raise InputError(
            f"expected the kernel's (height, width), received {kernel!r}: give a pair, such as "
            "(3, 3)"
        )
    placing = {"stride": stride, "padding": padding, "dilation": dilation}
    sides = images.shape[1:3]
    rows, columns = (output_size(n, k, **placing) for n, k in zip(sides, shape, strict=True))
    if padding == "same":
        border = [_border(n, k, stride, dilation) for n, k in zip(sides, shape, strict=True)]
        images = np.pad(images, [(0, 0), *border, (0, 0)])
    reach = tuple(_reach(k, dilation) for k in shape)
    seen = np.lib.stride_tricks.sliding_window_view(images, reach, axis=(1, 2))
    # (batch, row, column, channel, kernel row, kernel column), of which a stride keeps some
    # windows and a dilation some pixels of each.
    seen = seen[:, ::stride, ::stride, :, ::dilation, ::dilation]
    return np.moveaxis(seen, 3, -1).reshape(len(images), rows, columns, -1)


def convolve2d(
    images: np.ndarray,
    kernels: np.ndarray,
    *,
    stride: int = 1,
    padding: str = "valid",
    dilation: int = 1,
) -> np.ndarray:
    """Lay each kernel on each window of each picture: multiply, add up.

    Args:
        images: floating-point (batch, height, width, channels), finite, of any range.
        kernels: floating-point (kernel height, kernel width, channels, filters), as in the weights
            of `keras.layers.Conv2D`.
        stride: pixels from one window to the next, 1 or more.
        padding: "valid" or "same".
        dilation: pixels from one weight to the next, 1 or more. Unlike Keras, stride and dilation
            may both be above 1.

    Returns:
        (batch, rows, columns, filters), without bias and activation; the dtype is the wider one of
        the two.

    Raises:
        InputError: wrong rank or dtype, values that are not finite, channels that do not agree;
            otherwise as `output_size`.

    Example:
        >>> edge = np.zeros((1, 3, 4, 1))
        >>> edge[:, :, 2:] = 1.0
        >>> kernel = np.array([[-1.0, 0.0, 1.0]] * 3).reshape(3, 3, 1, 1)
        >>> convolve2d(edge, kernel)[0, :, :, 0]
        array([[3., 3.]])
    """
    images = _checked_images(images)
    kernels = _checked_kernels(kernels)
    height, width, channels, filters = kernels.shape
    if channels != images.shape[-1]:
        raise InputError(
            f"expected kernels as deep as the pictures, which have {images.shape[-1]} channels, "
            f"received kernels of shape {kernels.shape}, made for {channels}: their axes are "
            "(height, width, channels, filters)"
        )
    rows = windows(images, (height, width), stride=stride, padding=padding, dilation=dilation)
    return rows @ kernels.reshape(-1, filters)


def _reach(kernel: int, dilation: int) -> int:
    return (kernel - 1) * dilation + 1


def _border(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """Zeros before and after, for padding "same"."""
    places = -(-size // stride)
    total = max((places - 1) * stride + _reach(kernel, dilation) - size, 0)
    return total // 2, total - total // 2


def _whole(name: str, value: object) -> None:
    try:
        # True is a whole number to Python, and a mistake here.
        number = None if isinstance(value, bool | np.bool_) else operator.index(value)
    except TypeError:
        number = None
    if number is None or number < 1:
        raise InputError(f"expected {name} to be a whole number of 1 or more, received {value!r}")


def _checked_images(images: np.ndarray) -> np.ndarray:
    array = np.asarray(images)
    if array.ndim != 4:
        advice = {
            2: "a grey picture becomes a batch by picture[None, :, :, None]",
            3: "a colour picture becomes a batch by picture[None], a batch of grey ones gets its "
            "channel by pictures[..., None]",
        }.get(array.ndim, "reshape it")
        raise InputError(
            "expected pictures of shape (batch, height, width, channels), received shape "
            f"{array.shape}: {advice}"
        )
    return _checked_numbers("pictures", array, "divide bytes by 255, or use .astype('float32')")


def _checked_kernels(kernels: np.ndarray) -> np.ndarray:
    array = np.asarray(kernels)
    if array.ndim != 4:
        raise InputError(
            "expected kernels of shape (height, width, channels, filters), received shape "
            f"{array.shape}: one kernel for grey pictures is kernel[:, :, None, None]"
        )
    return _checked_numbers("kernels", array, "use .astype('float32')")


def _checked_numbers(name: str, array: np.ndarray, advice: str) -> np.ndarray:
    if array.dtype.kind != "f":
        # Bytes would wrap round in silence: 200 + 100 is 44.
        raise InputError(f"expected floating-point {name}, received dtype {array.dtype}: {advice}")
    if array.size == 0:
        raise InputError(f"expected {name} with something in them, received shape {array.shape}")
    bad = int(array.size - np.isfinite(array).sum())
    if bad:
        raise InputError(
            f"expected {name} of finite numbers, received {bad} of {array.size:,} that are NaN or "
            "infinite: find the step that made them"
        )
    return array
