"""The bases: weights counted by hand, what the course's own says of itself, missing files."""

import ast
import hashlib
import os
from pathlib import Path

import keras
import numpy as np
import pytest

from course_utils import menagerie, pretrained
from course_utils.errors import InputError, WorldError
from course_utils.pretrained import creatures

ROOT = Path(__file__).resolve().parent.parent.parent
GIVEN = Path(os.environ.get("COURSE_DATA_DIR", "nowhere"))


def test_weights_counted_by_hand():
    # Kernels without bias, and four numbers for each normalised filter.
    by_hand, channels = 0, 3
    for filters in (16, 32, 64, 128, 128):
        by_hand += 9 * channels * filters + 4 * filters
        channels = filters
    assert pretrained.open("creatures").network.count_params() == by_hand
    assert pretrained.creature_classifier().count_params() == by_hand + 128 * 21 + 21


def test_the_file_of_weights_is_small():
    folder = Path(creatures.__file__).parent
    assert sum(path.stat().st_size for path in folder.glob("creatures.*")) < 2_000_000


def test_no_target_was_seen():
    facts = pretrained.provenance()["pictures"]
    assert tuple(facts["classes"]) == menagerie.TRANSFER_SOURCE
    assert not set(facts["classes"]) & set(menagerie.TARGET)


def test_it_was_made_from_the_pictures_that_are_drawn_today():
    """A menagerie that draws other pictures asks for another base."""
    assert pretrained.provenance()["pictures"]["generation"] == menagerie.GENERATION


def test_the_facts_are_those_of_the_script():
    text = (ROOT / "data_scripts" / "make_base.py").read_text(encoding="utf-8")
    constants = {
        node.targets[0].id: node.value
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    facts = pretrained.provenance()
    assert ast.literal_eval(constants["DRAWING_SEEDS"]) == facts["pictures"]["drawing_seeds"]
    assert facts["made_by"] == "data_scripts/make_base.py"


def test_the_accuracy_is_as_stated():
    """On pictures that nobody has used: another seed than training, validation and chapters."""
    facts = pretrained.provenance()
    fresh = menagerie.draw(menagerie.TRANSFER_SOURCE, 630, size=64, seed=990_017)
    logits = pretrained.creature_classifier().predict(
        fresh.images.astype(np.float32) / 127.5 - 1, verbose=0
    )
    accuracy = float((logits.argmax(axis=1) == fresh.labels).mean())
    stated = facts["validation_accuracy"]
    assert abs(accuracy - stated) < 4 * (stated * (1 - stated) / 630) ** 0.5
    low, high = facts["band"]
    assert low <= stated <= high
    assert all(low <= value <= high for value in facts["seeds"].values())


def test_preprocessing_belongs_to_the_base():
    """Pictures that were not brought to −1 to 1 cost it dearly, on what it knows best."""
    drawn = menagerie.draw(menagerie.TRANSFER_SOURCE, 210, size=64, seed=990_018)
    model = pretrained.creature_classifier()
    scaled = drawn.images.astype(np.float32) / 255

    def accuracy(pictures):
        return (model.predict(pictures, verbose=0).argmax(axis=1) == drawn.labels).mean()

    right = accuracy(np.asarray(pretrained.open("creatures").preprocessing()(scaled)))
    assert right > accuracy(scaled) + 0.1
    assert right > accuracy(drawn.images.astype(np.float32)) + 0.5


def test_half_precision_is_read_back_to_its_own_precision(tmp_path):
    keras.utils.set_random_seed(0)
    model = creatures.build((32, 32, 3))
    creatures.write(model, tmp_path / "w.npz")
    other = creatures.build((32, 32, 3))
    creatures.fill(other, creatures.read(tmp_path / "w.npz"))
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(two, one, rtol=2**-11, atol=1e-7)


def test_random_weights_are_the_same_network_and_follow_the_seed():
    def built(seed):
        keras.utils.set_random_seed(seed)
        return pretrained.open("creatures", weights="random")

    one, same, other = (built(seed).network.get_weights()[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    trained = pretrained.open("creatures").network
    assert [w.shape for w in trained.weights] == [w.shape for w in built(0).network.weights]
    assert not np.array_equal(one, trained.get_weights()[0])


@pytest.mark.parametrize("name", pretrained.NAMES)
def test_every_base_is_used_in_the_same_way(name):
    base = pretrained.open(name, image_shape=(64, 96, 3), weights="random")
    pictures = base.preprocessing()(np.random.default_rng(0).random((2, 64, 96, 3)))
    assert float(keras.ops.min(pictures)) < -0.9 and float(keras.ops.max(pictures)) > 0.9
    assert base.network(pictures).shape == (2, *base.network.output_shape[1:])
    names = [layer.name for layer in base.network.layers]
    places = [names.index(stage) for stage in base.stages]
    assert places == sorted(places) and base.stages[-1] == names[-1]
    sizes = [base.network.get_layer(stage).output.shape[1] for stage in base.stages]
    assert sizes == sorted(sizes, reverse=True)
    assert "random weights" in repr(base) and "(64, 96, 3)" in repr(base)


@pytest.mark.parametrize(
    ("name", "options", "value"),
    [
        ("creature", {}, "'creature'.*'creatures'"),
        ("creatures", {"image_shape": (64, 64, 1)}, "received 1"),
        ("mobilenet", {"image_shape": (64, 64, 4)}, "received 4"),
        ("creatures", {"image_shape": (64, 64)}, r"\(64, 64\)"),
        ("creatures", {"image_shape": (16, 64, 3)}, "16×64"),
        ("creatures", {"weights": "imagenet"}, "'imagenet'"),
    ],
)
def test_what_does_not_fit_is_refused(name, options, value):
    with pytest.raises(InputError, match=value):
        pretrained.open(name, **options)


def test_weights_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(WorldError, match=r"creatures.npz"):
        creatures.read(tmp_path / "creatures.npz")
    broken = tmp_path / "broken.npz"
    broken.write_bytes(b"PK\x03\x04 not whole")
    with pytest.raises(WorldError, match=r"broken.npz"):
        creatures.read(broken)
    cut = tmp_path / "cut.npz"
    whole = Path(creatures.__file__).with_name("creatures.npz").read_bytes()
    cut.write_bytes(whole[:50_000] + bytes(50_000) + whole[100_000:])
    with pytest.raises(WorldError, match=r"cut.npz"):
        creatures.read(cut)


@pytest.fixture
def a_registry(tmp_path, monkeypatch):
    """Weights that stand for MobileNet's, in a registry and a folder of downloads of their own."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("COURSE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "given 데이터"))
    name = "mobilenet_2_5_224_tf_no_top.h5"
    content = b"weights"
    registry = tmp_path / "registry.toml"
    digest = hashlib.sha256(content).hexdigest()
    registry.write_text(
        f'[imagenet]\n[[imagenet.files]]\nname = "{name}"\nurls = ["http://127.0.0.1:9/{name}"]\n'
        f'bytes = {len(content)}\nsha256 = "{digest}"\n'
    )
    monkeypatch.setenv("COURSE_REGISTRY", str(registry))
    return name, content


def test_without_files_and_network_one_line_says_what_to_do(a_registry):
    with pytest.raises(WorldError, match=r"mobilenet_2_5_224.*course data imagenet") as caught:
        pretrained.open("mobilenet", image_shape=(64, 64, 3))
    assert "\n" not in str(caught.value)


def test_an_altered_file_is_refused(a_registry, tmp_path):
    name, content = a_registry
    folder = tmp_path / "given 데이터" / "imagenet"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(content[:-1] + b"!")
    with pytest.raises(InputError, match="altered"):
        pretrained.open("mobilenet", image_shape=(64, 64, 3))


@pytest.mark.skipif(
    not (GIVEN / "imagenet").is_dir(), reason="ImageNet weights are not in COURSE_DATA_DIR"
)
@pytest.mark.parametrize("name", pretrained.NAMES[1:])
def test_real_weights_open_without_a_network(name):
    random = pretrained.open(name, image_shape=(96, 96, 3), weights="random")
    base = pretrained.open(name, image_shape=(96, 96, 3))
    assert base.network.count_params() == random.network.count_params()
    assert not np.array_equal(base.network.get_weights()[0], random.network.get_weights()[0])
    assert "trained on ImageNet" in repr(base)
