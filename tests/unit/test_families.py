"""The small nets of the families, and the file of what they reached."""

import doctest
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from course_utils import convnets, menagerie
from course_utils.architecture import cost_table
from course_utils.convnets import blocks, families
from course_utils.errors import InputError

layers = keras.layers
ROOT = Path(__file__).resolve().parent.parent.parent


def conv(channels, filters, side=3):
    return side * side * channels * filters + 4 * filters  # with a normalisation, without bias


BY_HAND = {
    "VGG": conv(3, 24) + conv(24, 48) + conv(48, 64) + conv(64, 64) + 65 * 10,
    "ResNet": conv(3, 24)
    + 2 * conv(24, 24)
    + conv(24, 32) + conv(32, 32) + conv(24, 32, 1)
    + conv(32, 48) + conv(48, 48) + conv(32, 48, 1)
    + 49 * 10,
    "MobileNet": conv(3, 24)
    + sum(13 * a + conv(a, b, 1) for a, b in
          ((24, 48), (48, 96), (96, 128), (128, 160), (160, 160)))
    + 161 * 10,
    "wide, shallow": conv(3, 24) + conv(24, 336) + 337 * 10,
    "deep, narrow": conv(3, 24) + conv(24, 28) + 9 * conv(28, 28) + 29 * 10,
}  # fmt: skip


@pytest.mark.parametrize("name", BY_HAND)
def test_weights_counted_by_hand(name):
    assert convnets.family_net(name).count_params() == BY_HAND[name]


@pytest.mark.parametrize("name", convnets.FAMILIES)
def test_each_gives_logits_and_is_counted_whole(name):
    net = convnets.family_net(name, (32, 24, 1), 4)
    assert net(np.ones((2, 32, 24, 1), np.float32)).shape == (2, 4)
    assert net.layers[-1].activation is keras.activations.linear
    assert cost_table(net).unknown == ()
    assert 40_000 < convnets.family_net(name).count_params() < 82_000


@pytest.mark.parametrize("name", ["VGG", "DenseNet", "EfficientNet", "ConvNeXt"])
def test_no_bias_before_a_normalisation(name):
    for layer in convnets.family_net(name).layers:
        follows = [node.operation for node in layer._outbound_nodes]
        if any(isinstance(each, layers.BatchNormalization) for each in follows):
            assert not getattr(layer, "use_bias", False)


def test_a_residual_block_that_gives_nothing_is_its_input():
    image = keras.Input((8, 8, 4))
    model = keras.Model(image, blocks.residual_block(image, 4))
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    maps = np.random.default_rng(0).random((2, 8, 8, 4), np.float32)
    np.testing.assert_allclose(model(maps), maps)


def test_a_dense_block_keeps_all_that_came_before():
    image = keras.Input((8, 8, 4))
    model = keras.Model(image, blocks.dense_block(image, 3, 5))
    maps = np.random.default_rng(0).random((2, 8, 8, 4), np.float32)
    given = model(maps)
    assert given.shape == (2, 8, 8, 4 + 3 * 5)
    np.testing.assert_allclose(given[..., :4], maps)


def test_positions_tell_tokens_apart():
    tokens = keras.Input((6, 8))
    alike = np.ones((1, 6, 8), np.float32)
    keras.utils.set_random_seed(0)
    without = keras.Model(tokens, blocks.transformer_block(tokens, 2))(alike)[0]
    with_them = keras.Model(tokens, blocks.transformer_block(blocks.positions(tokens), 2))(alike)[0]
    assert np.ptp(without, axis=0).max() < 1e-5
    assert np.ptp(with_them, axis=0).max() > 1e-3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("AlexNet",), r"expected a family \(VGG, Inception, .* received 'AlexNet'"),
        (("VGG", (8, 8, 3)), "expected pictures of 16×16 or more"),
        (("VGG", (28, 28, 3)), "expected sides that 8 divides, .* received 28×28: resize or pad"),
        (("VGG", (32, 32, 3), 1), "expected 2 or more classes"),
    ],
)
def test_what_cannot_be_built_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        convnets.family_net(*arguments)


def test_the_file_is_whole_and_says_how_it_was_made():
    measured = convnets.measured_families()
    assert (ROOT / measured["made_by"]).is_file()
    assert list(measured["families"]) == list(convnets.FAMILIES)
    assert measured["pictures"]["generation"] == menagerie.GENERATION
    for name, found in measured["families"].items():
        table = cost_table(convnets.family_net(name))
        assert (found["parameters"], found["multiply_adds"]) == (
            table.parameters,
            table.multiply_adds,
        )
        assert tuple(found["sees"]) == table.sees
        accuracies = list(found["accuracy"].values())
        assert len(accuracies) >= 3
        low, high = found["band"]
        assert low < min(accuracies) <= max(accuracies) < high


def test_the_script_knows_its_families():
    script = ROOT / "data_scripts" / "compare_families.py"
    done = subprocess.run(
        [sys.executable, str(script), "AlexNet"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "received AlexNet" in done.stderr


def test_doctests():
    assert doctest.testmod(families).failed == 0
