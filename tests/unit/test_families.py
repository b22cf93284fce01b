"""The small nets of the families, and the file of what they reached."""

import runpy
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from course_utils import convnets, menagerie
from course_utils.architecture import cost_table
from course_utils.convnets import blocks
from course_utils.errors import InputError

layers = keras.layers
ROOT = Path(__file__).resolve().parent.parent.parent


def conv(channels, filters, side=3):
    return side * side * channels * filters + 4 * filters  # with a normalization, without bias


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


@pytest.mark.parametrize("name", convnets.FAMILIES)
def test_each_gives_logits_and_is_counted_as_by_hand_and_in_the_file(name):
    net = convnets.family_net(name, (32, 24, 1), 4)
    assert net(np.ones((2, 32, 24, 1), np.float32)).shape == (2, 4)
    assert net.layers[-1].activation is keras.activations.linear
    found = convnets.measured_families()["families"][name]
    table = cost_table(convnets.family_net(name))
    assert table.unknown == ()
    assert (found["parameters"], found["multiply_adds"], tuple(found["sees"])) == (
        table.parameters,
        table.multiply_adds,
        table.sees,
    )
    assert 40_000 < table.parameters < 82_000
    assert table.parameters == BY_HAND.get(name, table.parameters)
    accuracies = list(found["accuracy"].values())
    assert len(accuracies) >= 3
    low, high = found["band"]
    assert low < min(accuracies) <= max(accuracies) < high


@pytest.mark.parametrize("name", ["VGG", "DenseNet", "EfficientNet", "ConvNeXt"])
def test_no_bias_before_a_normalization(name):
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
    ("arguments", "value"),
    [
        (("AlexNet",), "'AlexNet'"),
        (("VGG", (8, 8, 3)), "8×8"),
        (("VGG", (28, 28, 3)), "28×28"),
        (("VGG", (32, 32, 3), 1), "classes.*1"),
    ],
)
def test_what_cannot_be_built_is_refused(arguments, value):
    with pytest.raises(InputError, match=value):
        convnets.family_net(*arguments)


def test_the_file_is_whole_and_says_how_it_was_made():
    measured = convnets.measured_families()
    assert (ROOT / measured["made_by"]).is_file()
    assert list(measured["families"]) == list(convnets.FAMILIES)
    assert measured["pictures"]["generation"] == menagerie.GENERATION


# Keras and NumPy 2 disagree about a keyword when weights are written.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_saved_net_with_positions_is_loaded_again(tmp_path):
    net = convnets.family_net("ViT", (16, 16, 3))
    net.save(tmp_path / "net.keras")
    loaded = keras.saving.load_model(tmp_path / "net.keras")
    images = np.random.default_rng(0).random((2, 16, 16, 3), np.float32)
    np.testing.assert_allclose(loaded(images), net(images), atol=1e-6)


def test_the_script_knows_its_families(monkeypatch, capsys):
    script = str(ROOT / "data_scripts" / "compare_families.py")
    monkeypatch.setattr(sys, "argv", [script, "AlexNet"])
    with pytest.raises(SystemExit) as left:
        runpy.run_path(script, run_name="__main__")
    assert left.value.code == 2
    assert "AlexNet" in capsys.readouterr().err
