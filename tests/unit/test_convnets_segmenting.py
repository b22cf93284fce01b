"""The nets that label pixels: weights by hand, shapes, what skips are good for, messages."""

import keras
import numpy as np
import pytest

from course_utils import convnets
from course_utils.errors import InputError


def conv(channels, filters, side=3, bias=1):
    return filters * (side * side * channels + bias)


def normalised(channels, filters):
    return conv(channels, filters, bias=0) + 4 * filters


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
        normalised(3, 4)
        + normalised(4, 6)
        + normalised(6, 8)
        + normalised(8 + extra(6), 6)
        + normalised(6 + extra(4), 4)
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
    ("build", "shape", "message"),
    [
        (convnets.unet, (64, 100, 3), "divisible by 16, received 64×100: 64×96 or 64×112 would do"),
        (convnets.unet, (10, 16, 3), "received 10×16: 16×16 would do"),
        (convnets.strided_net, (150, 150, 3), "divisible by 8, received 150×150: 144×144 or 152×1"),
        (convnets.unet, (64, 64), "the shape of one picture"),
    ],
)
def test_sizes_that_do_not_fit_are_told_with_those_that_do(build, shape, message):
    with pytest.raises(InputError, match=message):
        build(shape)


@pytest.mark.parametrize(
    ("build", "options", "message"),
    [
        (convnets.unet, {"classes": 1}, "2 or more classes"),
        (convnets.unet, {"filters": (8,)}, "two levels or more"),
        (convnets.unet, {"filters": (8, 0)}, "two levels or more"),
        (convnets.strided_net, {"narrow_by": "stride"}, "strides, pooling, received 'stride'"),
        (convnets.strided_net, {"width": 0}, "1 filter or more"),
    ],
)
def test_options_that_do_not_fit_are_refused(build, options, message):
    with pytest.raises(InputError, match=message):
        build((64, 64, 3), **options)
