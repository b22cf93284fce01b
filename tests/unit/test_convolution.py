"""Convolution in NumPy against Keras, against SciPy, and against what a user may get wrong."""

from itertools import product

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import signal

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


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def of_keras(images, kernels, stride, padding, dilation):
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


def test_equals_keras_for_every_combination():
    assert len(COMBINATIONS) > 80
    for height, width, kernel, stride, padding, dilation in COMBINATIONS:
        images = noise(2, height, width, 3)
        kernels = noise(*kernel, 3, 4, seed=1)
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
    layer = keras.layers.Conv2D(1, kernel, strides=stride, padding=padding, dilation_rate=dilation)
    rows, columns = layer.compute_output_shape((1, size, size, 1))[1:3]
    assert rows == columns
    return rows


def test_stride_and_dilation_together_keep_some_windows_of_stride_one():
    images, kernels = noise(1, 12, 12, 2), noise(3, 3, 2, 2, seed=1)
    every = convolve2d(images, kernels, dilation=2)
    both = convolve2d(images, kernels, dilation=2, stride=3)
    np.testing.assert_array_equal(both, every[:, ::3, ::3])


def test_a_kernel_that_is_turned_round_gives_the_convolution_of_scipy():
    image, kernel = noise(9, 8), noise(3, 4, seed=1)
    ours = convolve2d(image[None, :, :, None], kernel[::-1, ::-1, None, None])[0, :, :, 0]
    np.testing.assert_allclose(ours, signal.convolve2d(image, kernel, mode="valid"), atol=1e-5)


def test_the_comparison_with_scipy_sees_a_kernel_that_is_not_turned():
    image, kernel = noise(9, 8), noise(3, 4, seed=1)
    ours = convolve2d(image[None, :, :, None], kernel[..., None, None])[0, :, :, 0]
    assert np.abs(ours - signal.convolve2d(image, kernel, mode="valid")).max() > 0.1


def test_wider_dtype_wins():
    images, kernels = noise(1, 4, 4, 1), noise(2, 2, 1, 1).astype("float64")
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


def test_bfloat16_is_computed_in_float32():
    images, kernels = (tf.cast(noise(*shape), "bfloat16") for shape in ((1, 6, 5, 2), (3, 3, 2, 4)))
    wanted = keras.ops.conv(tf.cast(images, "float32"), tf.cast(kernels, "float32"))
    ours = convolve2d(images.numpy(), kernels.numpy())
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "options", "received"),
    [
        ((5, 7), {}, "a kernel of 7"),
        ((5, 3), {"dilation": 3}, r"a kernel of 3 \(it reaches over 7 pixels"),
        ((5, 4), {"padding": "same"}, "a kernel of 4"),
        ((5, 3), {"stride": 0}, "0"),
        ((5, 3), {"stride": 1.0}, "1.0"),
        ((5, 3), {"dilation": 0}, "0"),
        ((5, 0), {}, "0"),
        ((0, 3), {}, "0"),
        ((True, 3), {}, "True"),
        ((5, 3), {"padding": "full"}, "'full'"),
    ],
)
def test_sizes_that_cannot_be_are_refused(arguments, options, received):
    with pytest.raises(InputError, match=f"received {received}"):
        output_size(*arguments, **options)
    size, kernel = arguments
    if size == 5 and kernel:
        with pytest.raises(InputError, match=f"received {received}"):
            convolve2d(np.zeros((1, 5, 5, 1)), np.zeros((kernel, kernel, 1, 1)), **options)


ONE_KERNEL = np.zeros((3, 3, 1, 1))


@pytest.mark.parametrize(
    ("images", "kernels", "received"),
    [
        (np.zeros((8, 8)), ONE_KERNEL, "(8, 8)"),
        (np.zeros((8, 8, 3)), ONE_KERNEL, "(8, 8, 3)"),
        (np.zeros(8), ONE_KERNEL, "(8)"),
        (np.zeros((1, 8, 8, 1), "uint8"), ONE_KERNEL, "dtype uint8: divide"),
        (np.zeros((1, 8, 8, 1), bool), ONE_KERNEL, "dtype bool"),
        (np.full((1, 8, 8, 1), np.nan), ONE_KERNEL, "64 of 64"),
        (np.zeros((0, 8, 8, 1)), ONE_KERNEL, "shape (0, 8, 8, 1)"),
        (np.zeros((1, 8, 8, 1)), np.zeros((3, 3)), "shape (3, 3)"),
        (np.zeros((1, 8, 8, 1)), ONE_KERNEL.astype(int), "dtype int64"),
        (np.zeros((1, 8, 8, 3)), np.zeros((3, 3, 1, 4)), "kernels of shape (3, 3, 1, 4)"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(images, kernels, received):
    with pytest.raises(InputError) as error:
        convolve2d(images, kernels)
    assert received in str(error.value)
