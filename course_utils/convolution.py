"""Convolution as deep learning computes it, in plain NumPy: every window a row, one matrix product.

Slow beside Keras, and easy to check by hand; that is its purpose. Like every deep-learning
library, `convolve2d` computes a cross-correlation: the kernel is not turned round.
"""

from __future__ import annotations

import numpy as np

from course_utils import checks
from course_utils.errors import InputError

__all__ = ["PADDINGS", "convolve2d", "output_size", "windows"]

PADDINGS = ("valid", "same")


def output_size(
    size: int, kernel: int, *, stride: int = 1, padding: str = "valid", dilation: int = 1
) -> int:
    """How many positions a kernel has along one side of an image.

    A dilated kernel reaches over (kernel − 1) · dilation + 1 pixels. With padding "valid" it must
    lie inside the image: ⌊(size − reach) / stride⌋ + 1 positions. With "same", zeros are added at
    the border until a stride of 1 gives a map of the image's own size: ⌈size / stride⌉.

        >>> output_size(150, 3), output_size(28, 5, padding="same"), output_size(28, 3, stride=2)
        (148, 28, 13)
    """
    numbers = {"size": size, "kernel": kernel, "stride": stride, "dilation": dilation}
    for name, value in numbers.items():
        checks.whole(name, value)
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
    """Every window that a kernel (height, width) meets, as a row: the matrix called "im2col".

    It is (batch, rows, columns, kernel height · kernel width · channels), ordered in each row by
    kernel row, kernel column, channel, as the weights of a Keras layer are. The other arguments
    are those of `convolve2d`.

        >>> image = np.arange(9.0).reshape(1, 3, 3, 1)
        >>> windows(image, (2, 2))[0, 0]
        array([[0., 1., 3., 4.],
               [1., 2., 4., 5.]])
    """
    images = _checked_images(images)
    placing = {"stride": stride, "padding": padding, "dilation": dilation}
    sides = images.shape[1:3]
    rows, columns = (output_size(n, k, **placing) for n, k in zip(sides, kernel, strict=True))
    if padding == "same":
        border = [_border(n, k, stride, dilation) for n, k in zip(sides, kernel, strict=True)]
        images = np.pad(images, [(0, 0), *border, (0, 0)])
    reach = tuple(_reach(k, dilation) for k in kernel)
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
    """Lay each kernel on each window of each image: multiply, add up.

    Args:
        images: floating-point (batch, height, width, channels), finite, of any range.
        kernels: floating-point (kernel height, kernel width, channels, filters), as in the weights
            of `keras.layers.Conv2D`.
        stride: pixels from one window to the next, down and across, 1 or more.
        padding: "valid", or "same" with odd kernels: zeros at the border, where their number is
            odd the last one below and to the right, as TensorFlow does.
        dilation: pixels from one weight to the next, 1 or more. Unlike Keras, stride and dilation
            may both be above 1.

    Returns:
        (batch, rows, columns, filters), without bias and activation; the dtype is the wider one of
        the two, and float32 for bfloat16.

    Raises:
        InputError: wrong rank or dtype, values that are not finite, channels that do not agree,
            stride or dilation below 1, an unknown padding, an even kernel with "same", a kernel
            that reaches further than the image with "valid".

    Example:
        >>> edge = np.zeros((1, 3, 4, 1))
        >>> edge[:, :, 2:] = 1.0
        >>> kernel = np.array([[-1.0, 0.0, 1.0]] * 3).reshape(3, 3, 1, 1)
        >>> convolve2d(edge, kernel)[0, :, :, 0]
        array([[3., 3.]])
    """
    images = _checked_images(images)
    kernels = np.asarray(kernels)
    if kernels.ndim != 4:
        raise InputError(
            "expected kernels of shape (height, width, channels, filters), received shape "
            f"{kernels.shape}: one kernel for grayscale images is kernel[:, :, None, None]"
        )
    kernels = checks.finite_floats("kernels", kernels)
    height, width, channels, filters = kernels.shape
    if channels != images.shape[-1]:
        raise InputError(
            f"expected kernels as deep as the images, which have {images.shape[-1]} channels, "
            f"received kernels of shape {kernels.shape}, made for {channels}: their axes are "
            "(height, width, channels, filters)"
        )
    rows = windows(images, (height, width), stride=stride, padding=padding, dilation=dilation)
    return rows @ kernels.reshape(-1, filters)


def _reach(kernel: int, dilation: int) -> int:
    return (kernel - 1) * dilation + 1


def _border(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """Zeros before and after, for padding "same"."""
    positions = -(-size // stride)
    total = max((positions - 1) * stride + _reach(kernel, dilation) - size, 0)
    return total // 2, total - total // 2


def _checked_images(images: np.ndarray) -> np.ndarray:
    images = np.asarray(images)
    checks.image_batch(images)
    advice = "divide bytes by 255, or use .astype('float32')"
    return checks.finite_floats("images", images, advice=advice)
