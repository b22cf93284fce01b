"""The shared networks: weights counted by hand, sizes that fit and that do not, messages."""

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
PUBLISHED = {
    "average_pool_net": 39_478,
    "max_pool_net": 333_526,
    "unpooled_net": 3_989_642,
    "pooled_net": 241_546,
    "vgg_like_net": 5_240_842,
    "small_data_net": 177_474,
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
    assert sum(counts) == network.count_params() == PUBLISHED[name]


@pytest.mark.parametrize("name", BY_HAND)
def test_logits_not_probabilities(name):
    network = getattr(convnets, name)((32, 32, 3), 4)
    logits = network(np.ones((2, 32, 32, 3), np.float32)).numpy()
    assert logits.shape == (2, 4)
    assert network.layers[-1].activation is keras.activations.linear


@pytest.mark.parametrize("name", SMALLEST)
def test_the_smallest_picture_fits_and_a_smaller_one_is_refused(name):
    side = SMALLEST[name]
    build = getattr(convnets, name)
    assert build((side, side, 1), 2).output_shape == (None, 2)
    with pytest.raises(InputError, match=rf"expected pictures of {side}×{side} or more, received"):
        build((side, side - 1, 1), 2)


@pytest.mark.parametrize(
    "shape", [(28, 28), (None, 28, 28, 1), (28, 28, 0), (28, 28, -1), (28.0, 28, 1), 28, "28"]
)
def test_the_shape_of_one_picture_is_asked_for(shape):
    with pytest.raises(InputError, match=r"expected the shape of one picture, .*leave the batch"):
        convnets.max_pool_net(shape)


@pytest.mark.parametrize("classes", [1, 0, True, 2.0, "ten"])
def test_two_classes_or_more(classes):
    with pytest.raises(InputError, match=r"expected 2 or more classes, .* received"):
        convnets.average_pool_net(classes=classes)


@pytest.mark.parametrize("name", ["max_pool_net", "pooled_net", "vgg_like_net", "small_data_net"])
@pytest.mark.parametrize("dropout", [1, 1.0, -0.1, 40, True, "0.4", float("nan")])
def test_dropout_is_a_share_below_one(name, dropout):
    with pytest.raises(InputError, match="expected dropout to be a share from 0 to below 1"):
        getattr(convnets, name)(dropout=dropout)


@pytest.mark.parametrize("l2", [-1e-3, float("nan"), float("inf"), True, None])
def test_l2_is_not_negative(l2):
    with pytest.raises(InputError, match="expected an L2 factor of 0 or more"):
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
    with pytest.raises(InputError, match="expected at least 805 weights, which one hidden unit"):
        convnets.dense_net(weights=weights)


def test_the_same_seed_gives_the_same_network():
    def first():
        keras.utils.set_random_seed(3)
        return convnets.max_pool_net((8, 8, 1)).get_weights()

    assert all(np.array_equal(a, b) for a, b in zip(first(), first(), strict=True))


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
