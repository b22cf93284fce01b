"""What layers give: by name, by path, each use; compiled functions that are never stale."""

import gc
import weakref

import keras
import numpy as np
import pytest
from explain_networks import IMAGES, SHAPE, functional, nested, nested_twice, refused, sequential
from keras import layers

from course_utils import explain
from course_utils.backend import tf
from course_utils.explain import hooks, passes
from course_utils.layers import walk


def test_activations_of_all_layers_in_the_order_of_the_pass():
    model = nested_twice()
    given = explain.activations(model, IMAGES, batch_size=3)
    assert list(given) == ["middle/base/first", "middle/base/second", "pool", "head"]
    flow = IMAGES
    for array, layer in zip(given.values(), sequential().layers, strict=True):
        flow = np.asarray(layer(flow))
        np.testing.assert_allclose(array, flow, atol=1e-5)
    chosen = explain.activations(model, IMAGES, layers=["pool", "first"])
    assert list(chosen) == ["pool", "middle/base/first"]
    for wanted in (["pol"], "pool", [3], 3):
        with refused(repr(wanted).strip("[]")):
            explain.activations(model, IMAGES, layers=wanted)


def test_a_layer_that_passes_on_what_it_gets_is_found_by_its_name():
    model = keras.Sequential(
        [layers.Input(SHAPE), nested().layers[0], layers.Dropout(0.5, name="drop")]
    )
    given = explain.activations(model, IMAGES, layers=["drop", "base", "second"])
    assert list(given) == ["drop", "base", "base/second"]
    for array in given.values():
        np.testing.assert_array_equal(array, given["base/second"])
    assert "drop" not in explain.activations(model, IMAGES)


class Twice(keras.Model):
    """Uses the same layer for the image and for its negative."""

    def __init__(self, shared):
        super().__init__()
        self.shared, self.pool = shared, layers.GlobalAveragePooling2D()

    def call(self, images):
        return self.pool(self.shared(images)) - 2 * self.pool(self.shared(-images))


@pytest.mark.parametrize("prefix", ["", "base/"])
def test_each_use_of_what_is_used_twice_has_its_own_path(prefix):
    conv = layers.Conv2D(2, 3, name="conv")
    base = keras.Sequential([layers.Input(SHAPE), conv], name="base")
    model = Twice(base if prefix else conv)
    given = explain.activations(model, IMAGES)
    for use, images in ((1, IMAGES), (2, -IMAGES)):
        right = np.asarray(conv(images))
        np.testing.assert_allclose(given[f"{prefix}conv:{use}"], right, atol=1e-5)
        found = explain.grad_cam(model, IMAGES, 1, layer=f"{prefix}conv:{use}")
        slope = (1, -2)[use - 1] / right[0, :, :, 0].size
        np.testing.assert_allclose(found.values, slope * right[..., 1], atol=1e-5)
    with refused("conv:1"):
        explain.activations(model, IMAGES, layers=["conv"])
    with refused("conv:1"):
        explain.filter_pictures(model, "conv", shape=SHAPE)


def test_silent_channels_by_hand():
    conv = layers.Conv2D(4, 1, activation="relu", name="conv")
    model = keras.Sequential([layers.Input(SHAPE), conv])
    # Always on, never on, on in the brightest images alone, always the same.
    bright = IMAGES * np.linspace(0.1, 1, 7, dtype=np.float32)[:, None, None, None]
    kernel = np.zeros((1, 1, 3, 4))
    kernel[0, 0, 0] = [1, -1, 1, 0]
    conv.set_weights([kernel, np.array([0, 0, -0.5, 1.0])])
    silence = explain.silent_channels(model, bright, batch_size=2)["conv"]
    assert silence.dead == (1, 3)
    maps = np.asarray(model(bright))
    same = (maps == maps[:, :1, :1]).all(axis=(1, 2)).mean()
    assert silence.empty == pytest.approx(same)
    assert 0.5 < silence.empty < 0.75


def test_layers_are_as_they_were_afterwards():
    model = nested()
    before = [vars(layer).get("call") for _, layer in walk(model)]
    explain.grad_cam(model, IMAGES)
    with pytest.raises(ZeroDivisionError):
        hooks.run_with_hooks(model, tf.constant(IMAGES), lambda heard: 1 / 0)
    assert [vars(layer).get("call") for _, layer in walk(model)] == before
    assert before == [None] * len(before)


# Compiled functions


def test_a_function_is_traced_once():
    model, calls = functional(), []
    pool = model.get_layer("pool")
    run = pool.call
    object.__setattr__(
        pool, "call", lambda *given, **options: calls.append(1) or run(*given, **options)
    )
    first = explain.grad_cam(model, IMAGES, 0)
    again = explain.grad_cam(model, IMAGES[:3], [0, 1, 2])
    assert len(calls) == 1
    explain.grad_cam(model, IMAGES, 0, layer="first")
    assert len(calls) == 2
    model.get_layer("head").bias.assign_add([5.0, 0, 0])  # weights are read when it runs
    found = explain.grad_cam(model, IMAGES, 0)
    np.testing.assert_allclose(found.scores, first.scores + 5, rtol=1e-5)
    assert len(calls) == 2
    assert again.values.shape == (3, 10, 8)


class Scaled(layers.Layer):
    """Times a number that nothing but this class knows of."""

    def __init__(self):
        super().__init__()
        self.scales = [1.0]

    def call(self, logits):
        return logits * self.scales[0]


def lower(model):
    head = model.get_layer("head")
    head.enable_lora(1)
    head.lora_kernel_a.assign(np.ones(head.lora_kernel_a.shape))
    head.lora_kernel_b.assign(-np.ones(head.lora_kernel_b.shape))


@pytest.mark.parametrize(
    "change",
    [
        lambda model: setattr(model.get_layer("head"), "activation", lambda z: -z),
        lambda model: setattr(model.get_layer("lambda"), "function", lambda z: 3 * z),
        lambda model: setattr(model.get_layer("leaky"), "negative_slope", 0.9),
        lambda model: model.layers[-1].scales.__setitem__(0, 2.0),
        lower,
    ],
    ids=["activation", "code of a Lambda", "setting", "own attribute", "LoRA"],
)
def test_a_changed_model_is_traced_anew(change):
    model = keras.Sequential(
        [
            *sequential().layers,
            layers.LeakyReLU(name="leaky"),
            layers.Lambda(lambda z: z, name="lambda"),
            Scaled(),
        ]
    )
    model.get_layer("head").bias.assign([-9.0, 0, 0])
    before = explain.answers(model, IMAGES, 0).scores
    change(model)
    after = explain.answers(model, IMAGES, 0).scores
    np.testing.assert_allclose(after, np.asarray(model(IMAGES))[:, 0], rtol=1e-5)
    assert np.abs(after - before).max() > 1e-3


def test_a_new_object_is_never_taken_for_an_old_one():
    ids, numbers, known = set(), set(), len(passes._numbers)
    for _ in range(50):
        new = weakref.WeakSet()  # any object that is forgotten at once
        ids.add(id(new))
        numbers.add(passes._number(new))
        del new
    assert len(numbers) == 50 > len(ids)
    assert len(passes._numbers) <= known + 1


def test_functions_are_kept_up_to_a_limit(monkeypatch):
    monkeypatch.setattr(passes, "LIMIT", 3)
    model = keras.Sequential(
        [layers.Input((None, 10, 3)), layers.Conv2D(2, 1), layers.GlobalMaxPooling2D()]
    )
    for side in range(4, 10):
        explain.answers(model, IMAGES[:, :side])
    assert len(passes._kept[model]) == 3


def test_a_model_is_forgotten_with_its_functions():
    model = functional()
    model.compile("sgd", "mse")
    model.predict(IMAGES, verbose=0)  # Keras' own function holds the model
    explain.grad_cam(model, IMAGES)
    alive = weakref.ref(model)
    del model
    gc.collect()
    assert alive() is None


# Images


@pytest.mark.parametrize(
    ("images", "offending"),
    [
        (IMAGES[0], SHAPE),
        (IMAGES[:0], "(0, 12, 10, 3)"),
        ((IMAGES * 255).astype(np.uint8), "uint8"),
        (IMAGES[:, :8], "(7, 8, 10, 3)"),
        (np.where(IMAGES > 0.5, np.nan, IMAGES), "NaN"),
    ],
)
def test_images_that_do_not_fit_are_refused(images, offending):
    with refused(offending):
        explain.grad_cam(functional(), images)


def test_bfloat16_images_will_do():
    images = tf.cast(IMAGES, tf.bfloat16)
    found = explain.answers(functional(), images).scores
    rounded = tf.cast(images, tf.float32)
    np.testing.assert_allclose(found, np.asarray(functional()(rounded)).max(axis=1), rtol=1e-5)


def test_channels_first_is_refused():
    options = {"data_format": "channels_first"}
    model = keras.Sequential(
        [
            layers.Input((3, 12, 10)),
            layers.Conv2D(4, 3, name="first", **options),
            layers.GlobalAveragePooling2D(**options),
            layers.Dense(2),
        ]
    )
    for method in (explain.grad_cam, explain.gradients, explain.activations):
        with refused("channels_first in first"):
            method(model, np.moveaxis(IMAGES, -1, 1))
