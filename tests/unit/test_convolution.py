"""Convolution in NumPy against Keras, against SciPy, and against what a user may get wrong."""

import doctest
from itertools import product

import numpy as np
import pytest

from course_utils import convolution
from course_utils.convolution import convolve2d, output_size, windows
from course_utils.errors import InputError

COMBINATIONS = [
    (height, width, kernel, stride, padding, dilation)
    for height, width in ((7, 7), (8, 11))
    for kernel in ((1, 1), (2, 2), (3, 3), (3, 1), (5, 3))
    for stride in (1, 2, 3)
    for padding in ("valid", "same")
    for dilation in (1, 2, 3)
    if not (padding == "same" and 2 in kernel)
    and not (stride > 1 and dilation > 1)
    and (padding == "same" or (max(kernel) - 1) * dilation < min(height, width))
]


def pictures(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def of_keras(images, kernels, stride, padding, dilation):
    import keras

    layer = keras.layers.Conv2D(
        kernels.shape[-1],
        kernels.shape[:2],
        strides=stride,
        padding=padding,
        dilation_rate=dilation,
        use_bias=False,
    )
    layer.build(images.shape)
    layer.set_weights([kernels])
    return layer(images).numpy()


def test_doctests():
    assert doctest.testmod(convolution).failed == 0


def test_equals_keras_for_every_combination():
    assert len(COMBINATIONS) > 80
    for height, width, kernel, stride, padding, dilation in COMBINATIONS:
        images = pictures(2, height, width, 3)
        kernels = pictures(*kernel, 3, 4, seed=1)
        how = {"stride": stride, "padding": padding, "dilation": dilation}
        ours = convolve2d(images, kernels, **how)
        theirs = of_keras(images, kernels, **how)
        assert ours.dtype == np.float32
        assert ours.shape == theirs.shape, (height, width, kernel, how)
        np.testing.assert_allclose(ours, theirs, atol=1e-5, err_msg=f"{kernel} {how}")


def test_size_equals_keras_for_every_combination():
    for size, kernel, stride, dilation, padding in product(
        range(1, 20), range(1, 6), (1, 2, 3, 4), (1, 2, 3), ("valid", "same")
    ):
        impossible = padding == "valid" and (kernel - 1) * dilation + 1 > size
        if impossible or (padding == "same" and kernel % 2 == 0) or (stride > 1 < dilation):
            continue
        layer_size = _size_of_keras(size, kernel, stride, padding, dilation)
        ours = output_size(size, kernel, stride=stride, padding=padding, dilation=dilation)
        assert ours == layer_size, (size, kernel, stride, dilation, padding)


def _size_of_keras(size, kernel, stride, padding, dilation):
    import keras

    layer = keras.layers.Conv2D(1, kernel, strides=stride, padding=padding, dilation_rate=dilation)
    rows, columns = layer.compute_output_shape((1, size, size, 1))[1:3]
    assert rows == columns
    return rows


def test_stride_and_dilation_together_keep_some_windows_of_stride_one():
    images, kernels = pictures(1, 12, 12, 2), pictures(3, 3, 2, 2, seed=1)
    every = convolve2d(images, kernels, dilation=2)
    both = convolve2d(images, kernels, dilation=2, stride=3)
    np.testing.assert_array_equal(both, every[:, ::3, ::3])


def test_a_kernel_that_is_turned_round_gives_the_convolution_of_scipy():
    from scipy import signal

    image, kernel = pictures(9, 8), pictures(3, 4, seed=1)
    ours = convolve2d(image[None, :, :, None], kernel[::-1, ::-1, None, None])[0, :, :, 0]
    np.testing.assert_allclose(ours, signal.convolve2d(image, kernel, mode="valid"), atol=1e-5)


def test_the_comparison_with_scipy_sees_a_kernel_that_is_not_turned():
    from scipy import signal

    image, kernel = pictures(9, 8), pictures(3, 4, seed=1)
    ours = convolve2d(image[None, :, :, None], kernel[..., None, None])[0, :, :, 0]
    assert np.abs(ours - signal.convolve2d(image, kernel, mode="valid")).max() > 0.1


def test_wider_dtype_wins():
    images, kernels = pictures(1, 4, 4, 1), pictures(2, 2, 1, 1).astype("float64")
    assert convolve2d(images, kernels).dtype == np.float64


def test_windows_are_ordered_as_the_weights_are():
    image = np.arange(2 * 3 * 2, dtype="float64").reshape(1, 2, 3, 2)
    np.testing.assert_array_equal(
        windows(image, (2, 2))[0, 0], [[0, 1, 2, 3, 6, 7, 8, 9], [2, 3, 4, 5, 8, 9, 10, 11]]
    )


def test_zeros_are_added_evenly_and_the_odd_one_last():
    # Four pixels, kernel 3, stride 2: one zero in all, at the end, as TensorFlow does.
    image = np.array([1.0, 2.0, 3.0, 4.0]).reshape(1, 1, 4, 1)
    rows = windows(image, (1, 3), stride=2, padding="same")
    np.testing.assert_array_equal(rows[0, 0], [[1, 2, 3], [3, 4, 0]])
    rows = windows(image, (1, 3), padding="same")
    np.testing.assert_array_equal(rows[0, 0], [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 0]])


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((5, 7), {}, "a kernel that fits into its input of 5, received a kernel of 7"),
        ((5, 3), {"dilation": 3}, "reaches over 7 pixels at dilation 3"),
        ((5, 4), {"padding": "same"}, 'odd kernel with padding "same", received a kernel of 4'),
        ((5, 3), {"stride": 0}, "stride to be a whole number of 1 or more, received 0"),
        ((5, 3), {"stride": 1.0}, "stride to be a whole number of 1 or more, received 1.0"),
        ((5, 3), {"dilation": 0}, "dilation to be a whole number of 1 or more, received 0"),
        ((5, 0), {}, "kernel to be a whole number of 1 or more, received 0"),
        ((0, 3), {}, "size to be a whole number of 1 or more, received 0"),
        ((True, 3), {}, "size to be a whole number of 1 or more, received True"),
        ((5, 3), {"padding": "full"}, "padding to be 'valid' or 'same', received 'full'"),
    ],
)
def test_sizes_that_cannot_be_are_refused(arguments, options, message):
    with pytest.raises(InputError) as error:
        output_size(*arguments, **options)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("images", "kernels", "message"),
    [
        (np.zeros((8, 8)), np.zeros((3, 3, 1, 1)), "picture[None, :, :, None]"),
        (np.zeros((8, 8, 3)), np.zeros((3, 3, 3, 1)), "received shape (8, 8, 3)"),
        (np.zeros(8), np.zeros((3, 3, 1, 1)), "(batch, height, width, channels)"),
        (np.zeros((1, 8, 8, 1), "uint8"), np.zeros((3, 3, 1, 1)), "received dtype uint8: divide"),
        (np.zeros((1, 8, 8, 1), bool), np.zeros((3, 3, 1, 1)), "received dtype bool"),
        (np.full((1, 8, 8, 1), np.nan), np.zeros((3, 3, 1, 1)), "64 of 64 that are NaN"),
        (np.zeros((0, 8, 8, 1)), np.zeros((3, 3, 1, 1)), "something in them"),
        (np.zeros((1, 8, 8, 1)), np.zeros((3, 3)), "kernel[:, :, None, None]"),
        (np.zeros((1, 8, 8, 1)), np.zeros((3, 3, 1, 1), int), "floating-point kernels"),
        (np.zeros((1, 8, 8, 3)), np.zeros((3, 3, 1, 4)), "have 3 channels, received kernels of"),
        (np.zeros((1, 8, 8, 1)), np.zeros((9, 9, 1, 1)), "fits into its input of 8"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(images, kernels, message):
    with pytest.raises(InputError) as error:
        convolve2d(images, kernels)
    assert message in str(error.value)


@pytest.mark.parametrize("option", [{"stride": 0}, {"dilation": 0}, {"padding": "reflect"}])
def test_options_are_checked_before_anything_is_computed(option):
    with pytest.raises(InputError, match=next(iter(option))):
        convolve2d(np.zeros((1, 8, 8, 1)), np.zeros((3, 3, 1, 1)), **option)


def test_an_even_kernel_with_same_is_refused():
    with pytest.raises(InputError, match="odd kernel"):
        convolve2d(np.zeros((1, 8, 8, 1)), np.zeros((3, 2, 1, 1)), padding="same")


def test_windows_want_a_pair():
    with pytest.raises(InputError, match="such as"):
        windows(np.zeros((1, 8, 8, 1)), 3)
