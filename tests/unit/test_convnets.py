"""The shared networks: weights counted by hand, sizes that fit and that do not, messages."""

import re

import keras
import numpy as np
import pytest

from course_utils import convnets
from course_utils.errors import InputError


def conv(channels, filters, side=3):
    return filters * (side * side * channels + 1)


def dense(inputs, units):
    return units * (inputs + 1)


BY_HAND = {
    # 28 → 9 → 3 by averages of 3×3, convolutions padded.
    "average_pool_net": [conv(1, 32), conv(32, 32), dense(3 * 3 * 32, 100), dense(100, 10)],
    # 28 → 14 → 7 by maxima of 2×2, convolutions padded.
    "max_pool_net": [conv(1, 32), conv(32, 64), dense(7 * 7 * 64, 100), dense(100, 10)],
    # 28 → 26 → 24 → 22.
    "unpooled_net": [
        conv(1, 16),
        conv(16, 32),
        conv(32, 64),
        dense(22 * 22 * 64, 128),
        dense(128, 10),
    ],
    # 28 → 26 → 13 → 11 → 5 → 3.
    "pooled_net": [
        conv(1, 32),
        conv(32, 64),
        conv(64, 128),
        dense(3 * 3 * 128, 128),
        dense(128, 10),
    ],
    # 28 → 14 → 12 → 6.
    "vgg_like_net": [
        conv(1, 32),
        conv(32, 64),
        conv(64, 128),
        conv(128, 256),
        dense(6 * 6 * 256, 512),
        dense(512, 256),
        dense(256, 10),
    ],
    # 64 → 32 by the stride, → 16 → 8 → 4 by maxima of 2×2, convolutions padded.
    "small_data_net": [
        conv(3, 16),
        conv(16, 32),
        conv(32, 64),
        conv(64, 96),
        dense(4 * 4 * 96, 64),
        dense(64, 2),
    ],
}
SMALLEST = {
    "average_pool_net": 9,
    "max_pool_net": 4,
    "unpooled_net": 7,
    "pooled_net": 18,
    "vgg_like_net": 8,
    "small_data_net": 15,
}


@pytest.mark.parametrize("name", BY_HAND)
def test_weights_counted_by_hand(name):
    network = getattr(convnets, name)()
    counts = [layer.count_params() for layer in network.layers if layer.count_params()]
    assert counts == BY_HAND[name]
    assert sum(counts) == network.count_params()
    # The docstring says the number.
    assert f"{sum(counts):,} weights" in getattr(convnets, name).__doc__


@pytest.mark.parametrize("name", SMALLEST)
def test_the_smallest_image_fits_and_a_smaller_one_is_refused(name):
    side = SMALLEST[name]
    build = getattr(convnets, name)
    network = build((side, side, 3), 4)
    assert network(np.ones((2, side, side, 3), np.float32)).shape == (2, 4)
    # Logits, not probabilities.
    assert network.layers[-1].activation is keras.activations.linear
    with pytest.raises(InputError, match=f"{side}×{side - 1}"):
        build((side, side - 1, 1), 2)


@pytest.mark.parametrize(
    "shape", [(28, 28), (None, 28, 28, 1), (28, 28, 0), (28, 28, -1), (28.0, 28, 1), 28, "28"]
)
def test_the_shape_of_one_image_is_asked_for(shape):
    with pytest.raises(InputError, match=re.escape(repr(shape))):
        convnets.max_pool_net(shape)


@pytest.mark.parametrize("classes", [1, 0, True, 2.0, "ten"])
def test_two_classes_or_more(classes):
    with pytest.raises(InputError, match=f"classes.*{classes!r}"):
        convnets.average_pool_net(classes=classes)


@pytest.mark.parametrize("name", ["max_pool_net", "pooled_net", "vgg_like_net", "small_data_net"])
@pytest.mark.parametrize("dropout", [1, 1.0, -0.1, 40, True, "0.4", float("nan")])
def test_dropout_is_a_share_below_one(name, dropout):
    with pytest.raises(InputError, match=f"dropout.*{dropout!r}"):
        getattr(convnets, name)(dropout=dropout)


@pytest.mark.parametrize("l2", [-1e-3, float("nan"), float("inf"), True, None])
def test_l2_is_not_negative(l2):
    with pytest.raises(InputError, match=repr(l2)):
        convnets.pooled_net(l2=l2)


def test_l2_adds_the_squares_of_all_kernels_and_of_no_bias():
    network = convnets.pooled_net((18, 18, 1), 3, l2=0.01)
    kernels = [layer.kernel.numpy() for layer in network.layers if hasattr(layer, "kernel")]
    assert len(kernels) == 5
    for layer in network.layers:
        if hasattr(layer, "bias"):
            layer.bias.assign(np.ones(layer.bias.shape))
    expected = 0.01 * sum((kernel.astype(float) ** 2).sum() for kernel in kernels)
    assert float(sum(network.losses)) == pytest.approx(expected, rel=1e-5)
    assert convnets.pooled_net((18, 18, 1), 3).losses == []


@pytest.mark.parametrize("weights", [805, 2_000, 39_478, 333_526])
def test_the_dense_net_comes_as_near_as_one_unit_allows(weights):
    received = convnets.dense_net(weights=weights).count_params()
    assert abs(received - weights) <= (28 * 28 + 1 + 10) / 2


@pytest.mark.parametrize("weights", [804, 0, -5, 333_526.0, True])
def test_the_dense_net_needs_one_unit(weights):
    with pytest.raises(InputError, match=f"805.*{weights!r}"):
        convnets.dense_net(weights=weights)


def test_dropout_changes_neither_first_weights_nor_what_is_predicted():
    def built(dropout):
        keras.utils.set_random_seed(5)
        return convnets.small_data_net((16, 16, 3), 3, dropout=dropout)

    plain, dropped = built(0.0), built(0.5)
    assert all(
        np.array_equal(a, b)
        for a, b in zip(plain.get_weights(), dropped.get_weights(), strict=True)
    )
    pictures = np.random.default_rng(0).random((4, 16, 16, 3), np.float32)
    expected = plain(pictures).numpy()
    assert np.allclose(dropped(pictures, training=False).numpy(), expected, atol=1e-6)
    assert not np.allclose(dropped(pictures, training=True).numpy(), expected, atol=1e-3)


def normalized(channels, filters):
    return conv(channels, filters) - filters + 4 * filters  # without bias


def test_the_net_of_the_notes_has_its_weights_and_its_shapes():
    network = convnets.strided_net()
    down = [conv(3, 64), conv(64, 64), conv(64, 128), conv(128, 128), conv(128, 256)]
    up = [conv(256, 256), conv(256, 256), conv(256, 128), conv(128, 128), conv(128, 64)]
    ends = [conv(256, 256), conv(64, 64), conv(64, 3)]
    assert network.count_params() == sum(down + up + ends) == 2_880_643
    narrowest = min(network.layers, key=lambda layer: layer.output.shape[1:][0])
    assert narrowest.output.shape == (None, 25, 25, 256)
    assert network.output_shape == (None, 200, 200, 3)


def test_pooling_instead_of_strides_has_as_many_weights():
    sizes = {"image_shape": (16, 24, 1), "classes": 2, "width": 4, "normalise": True}
    nets = [convnets.strided_net(**sizes, narrow_by=by) for by in ("strides", "pooling")]
    assert nets[0].count_params() == nets[1].count_params()
    assert [net.output_shape for net in nets] == [(None, 16, 24, 2)] * 2
    kinds = [sum(isinstance(x, keras.layers.MaxPooling2D) for x in net.layers) for net in nets]
    assert kinds == [0, 3]


@pytest.mark.parametrize("skips", [True, False])
def test_the_weights_of_a_unet_by_hand(skips):
    extra = (lambda count: count) if skips else (lambda count: 0)
    wanted = (
        normalized(3, 4)
        + normalized(4, 6)
        + normalized(6, 8)
        + normalized(8 + extra(6), 6)
        + normalized(6 + extra(4), 4)
        + conv(4, 5, side=1)
    )
    network = convnets.unet((12, 20, 3), 5, filters=(4, 6, 8), skips=skips)
    assert network.count_params() == wanted
    assert network(np.zeros((2, 12, 20, 3), np.float32)).shape == (2, 12, 20, 5)


def test_only_skips_carry_single_pixels_through():
    """A chessboard is the same grey after the first pooling by its maximum, wherever it starts."""
    board = np.indices((16, 16)).sum(axis=0) % 2
    pictures = np.stack([board, 1 - board])[..., None].astype(np.float32)
    for skips, sees in ((True, True), (False, False)):
        keras.utils.set_random_seed(0)
        network = convnets.unet((16, 16, 1), filters=(4, 8, 8), skips=skips)
        # The first convolution hands its picture on, so that only the pooling can lose it.
        kernel = np.zeros((3, 3, 1, 4), np.float32)
        kernel[1, 1] = 1
        first = next(x for x in network.layers if isinstance(x, keras.layers.Conv2D))
        first.set_weights([kernel])
        one, other = network(pictures).numpy()
        assert bool(np.abs(one - other).max() > 1e-4) is sees


@pytest.mark.parametrize(
    ("build", "shape", "value"),
    [
        (convnets.unet, (64, 100, 3), "64×100: 64×96 or 64×112 would"),
        (convnets.unet, (10, 16, 3), "10×16: 16×16 would"),
        (convnets.strided_net, (150, 150, 3), "150×150: 144×144 or 152×152 would"),
        (convnets.unet, (64, 64), r"\(64, 64\)"),
    ],
)
def test_sizes_that_do_not_fit_are_told_with_those_that_do(build, shape, value):
    with pytest.raises(InputError, match=value):
        build(shape)


@pytest.mark.parametrize(
    ("build", "options", "value"),
    [
        (convnets.unet, {"classes": 1}, "classes.*1"),
        (convnets.unet, {"filters": (8,)}, r"\(8,\)"),
        (convnets.unet, {"filters": (8, 0)}, "filters.*0"),
        (convnets.strided_net, {"narrow_by": "stride"}, "'stride'"),
        (convnets.strided_net, {"width": 0}, "width.*0"),
    ],
)
def test_options_that_do_not_fit_are_refused(build, options, value):
    with pytest.raises(InputError, match=value):
        build((64, 64, 3), **options)
