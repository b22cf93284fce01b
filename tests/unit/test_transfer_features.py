"""Cached features against live ones: what a cache follows from, what is refused."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from course_utils import transfer
from course_utils.datasets import Part, StreamedPart
from course_utils.errors import InputError

IMAGES = np.random.default_rng(0).random((11, 8, 8, 3), dtype=np.float32)


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
def test_cached_features_are_the_live_ones(batch_size):
    base = network()
    live = base(IMAGES, training=False).numpy()
    for call in (transfer.features, transfer.cached_features, transfer.cached_features):
        np.testing.assert_allclose(call(base, IMAGES, batch_size=batch_size), live, atol=1e-5)


def test_they_are_computed_once_and_by_batches(counted):
    transfer.cached_features(network(), IMAGES, batch_size=4)
    assert counted.batches == 3
    # Another object of the same kind, frozen: only Keras' numbering of names differs.
    same = network()
    transfer.freeze(same)
    transfer.cached_features(same, IMAGES.copy(), batch_size=4)
    assert counted.batches == 3


@pytest.mark.parametrize(
    "other",
    [
        lambda: (network(scale=1.0), IMAGES),
        lambda: (network(activation="tanh"), IMAGES),
        lambda: (network(), IMAGES[::-1]),
        lambda: (network(), IMAGES + np.float32(1e-6)),
        lambda: (network(5), IMAGES),
    ],
)
def test_another_network_or_image_is_another_file(other, counted):
    first = transfer.cached_features(network(), IMAGES)
    base, images = other()
    second = transfer.cached_features(base, images)
    assert counted.batches == 2
    np.testing.assert_allclose(second, base(images, training=False).numpy(), atol=1e-5)
    assert first.shape != second.shape or not np.array_equal(first, second)


def moved_average(base):
    average = base.layers[1].layers[1].moving_mean
    average.assign(average + 1)


def adapted(base):
    convolution = base.layers[1].layers[0]
    convolution.enable_lora(2)
    convolution.lora_kernel_b.assign(convolution.lora_kernel_b + 1)


def other_setting(base):
    base.layers[3].activation = keras.activations.tanh


@pytest.mark.parametrize("change", [moved_average, adapted, other_setting])
def test_a_weight_or_setting_that_changed_later_is_enough(counted, change):
    base = network()
    before = transfer.cached_features(base, IMAGES)
    change(base)
    after = transfer.cached_features(base, IMAGES)
    assert counted.batches == 2
    np.testing.assert_allclose(after, base(IMAGES, training=False).numpy(), atol=1e-5)
    assert not np.allclose(before, after)


def test_functional_networks_are_told_apart_by_their_wiring(counted):
    def wired(twice):
        inputs = layers.Input((8, 8, 3))
        flow = layers.ReLU()(inputs)
        flow = layers.Add()([flow, flow if twice else inputs])
        return keras.Model(inputs, layers.GlobalAveragePooling2D()(flow))

    images = IMAGES - 0.5
    kept = [transfer.cached_features(wired(twice), images) for twice in (True, False, True)]
    assert counted.batches == 2
    assert not np.array_equal(kept[0], kept[1])
    np.testing.assert_array_equal(kept[0], kept[2])


def test_settings_that_only_look_like_names_count(counted):
    def cast(policy):
        pool = layers.GlobalAveragePooling2D(dtype=policy)
        return keras.Sequential([layers.Input((8, 8, 3)), pool])

    for policy in ("float32", "float16", "float32"):
        transfer.cached_features(cast(policy), IMAGES)
    assert counted.batches == 2


class Own(layers.Layer):
    """A layer of the reader's own, with a setting that is called as a network's layers are."""

    def get_config(self):
        return {**super().get_config(), "layers": 2}

    def call(self, x):
        return x


class OwnOperation(keras.Operation):
    """Likewise, without weights."""

    def call(self, x):
        return x

    def compute_output_spec(self, x):
        return keras.KerasTensor(x.shape, x.dtype)


def tanh(x):
    """An activation called as one of Keras' own."""
    return x


@pytest.mark.parametrize(
    "step",
    [
        Own(),
        OwnOperation(),
        layers.Lambda(lambda x: 2 * x),
        layers.Activation(tanh),
        layers.Conv2D(2, 1, activation=tanh),
    ],
)
def test_code_that_may_change_unseen_is_not_kept(step):
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, layers.GlobalAveragePooling2D()(step(inputs)))
    outer = keras.Sequential([layers.Input((8, 8, 3)), model])
    for each in (model, outer):
        with pytest.raises(InputError, match=type(step).__name__):
            transfer.cached_features(each, IMAGES)
        assert len(transfer.features(each, IMAGES)) == 11


class Subclassed(keras.Model):
    """A model that cannot say what it is made of."""

    def call(self, images):
        return keras.ops.mean(images, axis=(1, 2))


def test_a_subclassed_model_has_features_and_no_cache():
    model = Subclassed()
    model(IMAGES[:1])
    expected = IMAGES.mean(axis=(1, 2))
    np.testing.assert_allclose(transfer.features(model, IMAGES), expected, atol=1e-5)
    with pytest.raises(InputError, match="Subclassed"):
        transfer.cached_features(model, IMAGES)


def two_outputs():
    inputs = keras.Input((8, 8, 3))
    pooled = layers.GlobalAveragePooling2D()(inputs)
    return keras.Model(inputs, [layers.Dense(2)(pooled), layers.Dense(2)(pooled)])


@pytest.mark.parametrize(
    ("model", "value"),
    [
        (two_outputs, "with 2"),
        (lambda: keras.Sequential([layers.Conv2D(2, 3)]), "Sequential"),
        (Subclassed, "Subclassed"),
        (lambda: "base", "str"),
    ],
)
@pytest.mark.parametrize("call", [transfer.features, transfer.cached_features])
def test_models_that_give_no_features_are_refused(call, model, value):
    with pytest.raises(InputError, match=value):
        call(model(), IMAGES)


def test_a_part_gives_its_images_in_0_to_1(counted):
    part = Part("train", (IMAGES * 255).astype(np.uint8), np.zeros(11, np.int32))
    base = network()
    kept = transfer.cached_features(base, part, batch_size=4)
    np.testing.assert_allclose(kept, base(part.scaled(), training=False).numpy(), atol=1e-5)
    # The same numbers, not scaled, are other images.
    transfer.cached_features(base, part.images.astype(np.float32), batch_size=4)
    assert counted.batches == 6


def test_images_in_files_are_known_by_what_is_in_them(tmp_path, counted):
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
    ("images", "value"),
    [
        (np.zeros((2, 8, 8, 1), np.float32), r"\(2, 8, 8, 1\)"),
        (np.zeros((2, 9, 8, 3), np.float32), r"\(2, 9, 8, 3\)"),
        (np.zeros((8, 8, 3), np.float32), r"\(8, 8, 3\)"),
        (np.zeros((0, 8, 8, 3), np.float32), r"\(0, 8, 8, 3\)"),
        (np.zeros((2, 8, 8, 3), np.uint8), "uint8"),
        ([[1.0]], "list"),
    ],
)
def test_images_that_do_not_fit_are_refused(images, value):
    with pytest.raises(InputError, match=value):
        transfer.features(network(), images)
    with pytest.raises(InputError, match="batch_size"):
        transfer.cached_features(network(), IMAGES, batch_size=0)
