"""Kept features against live ones; what moved against arithmetic; labels against heads."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from course_utils import transfer
from course_utils.datasets import Part, StreamedPart
from course_utils.errors import InputError

DICE = np.random.default_rng(0)
PICTURES = DICE.random((11, 8, 8, 3), dtype=np.float32)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_CACHE_DIR", str(tmp_path / "홍 길동"))


def network(filters=4, *, activation="relu", scale=2.0):
    keras.utils.set_random_seed(3)
    inner = keras.Sequential(
        [layers.Input((8, 8, 3)), layers.Conv2D(filters, 3), layers.BatchNormalization()]
    )
    return keras.Sequential(
        [
            layers.Input((8, 8, 3)),
            layers.Rescaling(scale, offset=-1),
            inner,
            layers.Dropout(0.5),
            layers.Activation(activation),
            layers.GlobalAveragePooling2D(),
        ]
    )


@pytest.fixture
def counted(monkeypatch):
    """How many batches have gone through any network."""
    calls = SimpleNamespace(batches=0)
    live = keras.Model.predict_on_batch

    def count(self, *given):
        calls.batches += 1
        return live(self, *given)

    monkeypatch.setattr(keras.Model, "predict_on_batch", count)
    return calls


@pytest.mark.parametrize("batch_size", [4, 11, 64])
def test_kept_features_are_the_live_ones(batch_size):
    base = network()
    live = base(PICTURES, training=False).numpy()
    for call in (transfer.features, transfer.cached_features, transfer.cached_features):
        np.testing.assert_allclose(call(base, PICTURES, batch_size=batch_size), live, atol=1e-5)


def test_they_are_computed_once_and_by_batches(counted):
    transfer.cached_features(network(), PICTURES, batch_size=4)
    assert counted.batches == 3
    # Another object of the same kind: only Keras' numbering of names differs.
    transfer.cached_features(network(), PICTURES.copy(), batch_size=4)
    assert counted.batches == 3


def test_a_frozen_network_makes_the_same_features(counted):
    base = network()
    transfer.cached_features(base, PICTURES)
    transfer.freeze(base)
    transfer.cached_features(base, PICTURES)
    assert counted.batches == 1


@pytest.mark.parametrize(
    "other",
    [
        lambda: (network(scale=1.0), PICTURES),
        lambda: (network(activation="tanh"), PICTURES),
        lambda: (network(), PICTURES[::-1]),
        lambda: (network(), PICTURES + np.float32(1e-6)),
        lambda: (network(5), PICTURES),
    ],
)
def test_another_network_or_picture_is_another_file(other, counted):
    first = transfer.cached_features(network(), PICTURES)
    base, pictures = other()
    second = transfer.cached_features(base, pictures)
    assert counted.batches == 2
    np.testing.assert_allclose(second, base(pictures, training=False).numpy(), atol=1e-5)
    assert first.shape != second.shape or not np.array_equal(first, second)


def test_one_moved_weight_is_enough(counted):
    base = network()
    transfer.cached_features(base, PICTURES)
    average = base.layers[1].layers[1].moving_mean
    average.assign(average + 1)
    kept = transfer.cached_features(base, PICTURES)
    assert counted.batches == 2
    np.testing.assert_allclose(kept, base(PICTURES, training=False).numpy(), atol=1e-5)


def test_functional_networks_are_told_apart_by_their_wiring(counted):
    def wired(twice):
        inputs = layers.Input((8, 8, 3))
        flow = layers.ReLU()(inputs)
        flow = layers.Add()([flow, flow if twice else inputs])
        return keras.Model(inputs, layers.GlobalAveragePooling2D()(flow))

    pictures = PICTURES - 0.5
    kept = [transfer.cached_features(wired(twice), pictures) for twice in (True, False, True)]
    assert counted.batches == 2
    assert not np.array_equal(kept[0], kept[1])
    np.testing.assert_array_equal(kept[0], kept[2])


def test_settings_that_only_look_like_names_count(counted):
    def cast(policy):
        pool = layers.GlobalAveragePooling2D(dtype=policy)
        return keras.Sequential([layers.Input((8, 8, 3)), pool])

    for policy in ("float32", "float16", "float32"):
        transfer.cached_features(cast(policy), PICTURES)
    assert counted.batches == 2


def test_a_part_gives_its_pictures_in_0_to_1(counted):
    part = Part("train", (PICTURES * 255).astype(np.uint8), np.zeros(11, np.int32))
    base = network()
    kept = transfer.cached_features(base, part, batch_size=4)
    np.testing.assert_allclose(kept, base(part.scaled(), training=False).numpy(), atol=1e-5)
    # The same numbers, not scaled, are other pictures.
    transfer.cached_features(base, part.images.astype(np.float32), batch_size=4)
    assert counted.batches == 6


def test_pictures_in_files_are_known_by_what_is_in_them(tmp_path, counted):
    path = tmp_path / "0.png"
    base = network()

    def kept(brightness):
        Image.fromarray(np.full((8, 8, 3), brightness, np.uint8)).save(path)
        return transfer.cached_features(
            base, StreamedPart("train", [path], np.zeros(1, np.int32), size=8)
        )

    first, again, other = kept(10), kept(10), kept(200)
    assert counted.batches == 2
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("pictures", "words"),
    [
        (np.zeros((2, 8, 8, 1), np.float32), r"\(count, 8, 8, 3\).*\(2, 8, 8, 1\).*repeat"),
        (np.zeros((2, 8, 8, 4), np.float32), "transparency"),
        (np.zeros((2, 9, 8, 3), np.float32), "resize them"),
        (np.zeros((8, 8, 3), np.float32), "batch of one"),
        (np.zeros((0, 8, 8, 3), np.float32), "received none"),
        (np.zeros((2, 8, 8, 3), np.uint8), "uint8.*scaled"),
        ([[1.0]], "received list"),
    ],
)
@pytest.mark.parametrize("call", [transfer.features, transfer.cached_features])
def test_pictures_that_do_not_fit_are_refused(call, pictures, words):
    with pytest.raises(InputError, match=words):
        call(network(), pictures)


def test_a_network_that_cannot_say_what_it_is_made_of_is_not_kept():
    class Own(keras.Model):
        def call(self, pictures):
            return keras.ops.mean(pictures, axis=(1, 2))

        @property
        def input_shape(self):
            return (None, 8, 8, 3)

    model = Own()
    with pytest.raises(InputError, match=r"Sequential or functional.*received Own"):
        transfer.cached_features(model, PICTURES)


def test_drift_by_hand():
    before = {"a/kernel": np.array([3.0, 0.0]), "a/bias": np.array([4.0]), "b/w": np.zeros(2)}
    after = {"a/kernel": np.array([3.0, 5.0]), "a/bias": np.array([4.0]), "b/w": np.ones(2)}
    change = transfer.drift(before, after)
    assert change.layers == {"a": 1.0, "b": float("inf")}
    assert change.tensors["a/kernel"] == pytest.approx(5 / 3)
    assert (change.moved, change.unmoved) == (("a/kernel", "b/w"), ("a/bias",))


def test_one_bit_is_a_move():
    one = np.ones(3, np.float32)
    nudged = one.copy()
    nudged[1] = np.nextafter(np.float32(1), np.float32(2))
    assert transfer.drift({"a/w": one}, {"a/w": nudged}).moved == ("a/w",)
    assert transfer.drift({"a/w": one * 0}, {"a/w": one * -0.0}).moved == ("a/w",)
    empty = one * np.nan
    assert transfer.drift({"a/w": empty}, {"a/w": empty.copy()}).moved == ()


def test_a_snapshot_is_a_copy():
    base = network()
    before = transfer.snapshot(base)
    base.layers[1].layers[0].kernel.assign_add(keras.ops.ones((3, 3, 3, 4)))
    change = transfer.drift(before, transfer.snapshot(base))
    assert len(change.moved) == 1 and change.moved[0].endswith("/kernel")


def test_snapshots_of_two_networks_are_refused():
    with pytest.raises(InputError, match=r"differ in .*kernel"):
        transfer.drift(transfer.snapshot(network(4)), {"a/kernel": np.zeros(2)})
    with pytest.raises(InputError, match="differ in a/w"):
        transfer.drift({"a/w": np.zeros(2)}, {"a/w": np.zeros(3)})


def head(units, loss=None):
    model = keras.Sequential([layers.Input((4,)), layers.Dense(units)])
    if loss:
        model.compile("sgd", loss)
    return model


SPARSE, ONE_HOT = "sparse_categorical_crossentropy", "categorical_crossentropy"


@pytest.mark.parametrize(
    ("units", "loss", "labels"),
    [
        (3, SPARSE, [0, 2, 1]),
        (3, keras.losses.SparseCategoricalCrossentropy(), [[0], [2]]),
        (3, ONE_HOT, np.eye(3)),
        (1, "binary_crossentropy", [0, 1]),
        (1, None, [[0.0], [1.0]]),
    ],
)
def test_labels_that_fit_pass(units, loss, labels):
    transfer.check_labels(head(units, loss), np.array(labels))


@pytest.mark.parametrize(
    ("units", "loss", "labels", "words"),
    [
        (2, SPARSE, [0, 1, 2], "from 0 to 1.*received 2.*give the last layer 3 units"),
        (2, SPARSE, [1, 2, 2], "count classes from 0"),
        (2, SPARSE, [-1, 0], "received -1"),
        (1, "binary_crossentropy", [0, 2], "1 unit, received 2"),
        (2, None, [0.0, 0.5], "received 0.5"),
        (2, SPARSE, np.eye(2), "argmax"),
        (2, ONE_HOT, [0, 1], "SparseCategoricalCrossentropy, or give"),
        (2, keras.losses.CategoricalCrossentropy(), [0, 1], "one-hot labels"),
        (2, ONE_HOT, np.eye(3), "width 2.*give the last layer 3"),
        (2, None, np.zeros((2, 2, 2)), "one answer for each picture"),
        (2, None, [], "received none"),
    ],
)
def test_labels_that_do_not_fit_are_refused(units, loss, labels, words):
    with pytest.raises(InputError, match=words):
        transfer.check_labels(head(units, loss), np.array(labels))
