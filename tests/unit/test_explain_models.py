"""Every method on every kind of model: as on the plain one, to rounding. And which layer it is."""

import keras
import numpy as np
import pytest
from explain_networks import IMAGES, KINDS, SHAPE, parts, refused, sequential
from keras import layers

from course_utils import explain
from course_utils.backend import tf

METHODS = {
    "CAM": explain.cam,
    "Grad-CAM": explain.grad_cam,
    "Grad-CAM++": explain.grad_cam_plus_plus,
    "Layer-CAM": explain.layer_cam,
    "Score-CAM": explain.score_cam,
    "gradients": explain.gradients,
    "SmoothGrad": lambda *given, **options: explain.smooth_grad(*given, samples=4, **options),
    "integrated gradients": lambda *given, **options: explain.integrated_gradients(
        *given, steps=4, **options
    ),
    "occlusion": lambda *given, **options: explain.occlusion(*given, patch=5, **options),
}


@pytest.fixture(scope="module")
def models():
    return {kind: build() for kind, build in KINDS.items()}


@pytest.fixture(scope="module")
def plain():
    return {1: sequential(classes=1), 3: sequential()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", METHODS)
def test_a_method_gives_the_same_on_any_kind_of_model(method, kind, models, plain):
    explained = METHODS[method]
    options = {"output": 0} if kind == "several outputs" else {}
    found = explained(models[kind], IMAGES, 1, **options)
    right = explained(plain[1 if kind == "one sigmoid" else 3], IMAGES, 1)
    tolerance = 0.03 if kind == "mixed precision" else 1e-4
    size = np.abs(right.values).max()
    assert size > 1e-3, "a fixture whose maps are zero proves nothing"
    np.testing.assert_allclose(found.values, right.values, atol=tolerance * size)
    assert found.maps.shape == IMAGES.shape[:3]
    assert found.maps.dtype == np.float32
    assert found.maps.min() >= 0 and found.maps.max() <= 1 + 1e-6
    assert np.isfinite(found.maps).all()


@pytest.mark.parametrize(
    ("kind", "output", "layer"),
    [
        ("Sequential", None, "second"),
        ("Sequential without Input", None, "second"),
        ("nested", None, "base/second"),
        ("nested twice", None, "middle/base/second"),
        ("subclassed", None, "second"),
        ("subclassed with a block", None, "block"),
        ("several outputs", "head", "second"),
        ("several outputs", "other", "aside"),  # it leads to the output that is explained
    ],
)
def test_the_default_layer_is_the_last_that_found_something(kind, output, layer, models):
    assert explain.grad_cam(models[kind], IMAGES, 0, output=output).layer == layer


def test_the_default_layer_is_no_pooling_and_no_dropout():
    model = keras.Sequential(
        [
            layers.Input(SHAPE),
            layers.Conv2D(4, 3, name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(name="relu"),
            layers.MaxPooling2D(name="halved"),
            layers.Dropout(0.5),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    assert explain.grad_cam(model, IMAGES, 0).layer == "relu"
    assert explain.grad_cam(model, IMAGES, 0, layer="halved").values.shape == (7, 5, 4)


def test_a_layer_is_named_by_its_path_or_its_last_part(models):
    for name in ("first", "middle/base/first"):
        found = explain.layer_cam(models["nested twice"], IMAGES, 0, layer=name)
        assert found.layer == "middle/base/first"
        assert found.values.shape == (7, 12, 10)


def test_a_nested_model_is_named_for_its_output(models):
    whole, last = (
        explain.grad_cam(models["nested"], IMAGES, 0, layer=name) for name in ("base", "second")
    )
    np.testing.assert_array_equal(whole.values, last.values)


def test_layers_that_cannot_be_explained_are_refused(models):
    for name, offending in (("secnd", "'second'"), ("head", "first, second")):
        with refused(offending):
            explain.grad_cam(models["functional"], IMAGES, layer=name)
    with refused("'aside'"):
        explain.grad_cam(models["several outputs"], IMAGES, output="head", layer="aside")


def test_a_name_that_several_layers_have_is_refused():
    def base(name):
        return keras.Sequential([layers.Input(SHAPE), layers.Conv2D(3, 1, name="conv")], name=name)

    model = keras.Sequential(
        [layers.Input(SHAPE), base("a"), base("b"), layers.GlobalMaxPooling2D(), layers.Dense(2)]
    )
    with refused("a/conv, b/conv"):
        explain.grad_cam(model, IMAGES, layer="conv")
    assert explain.grad_cam(model, IMAGES, layer="a/conv").layer == "a/conv"


def test_other_things_are_refused():
    flat = [layers.Input(SHAPE), layers.Flatten(), layers.Dense(2)]
    pair = [layers.Input(SHAPE), layers.Input(SHAPE)]
    for model, offending in (
        ("network", "str"),
        (keras.Sequential([layers.Input(SHAPE), layers.Conv2D(3, 3)]), "(None, 10, 8, 3)"),
        (keras.Sequential(flat), "maps"),
        (keras.Model(pair, layers.Dense(2)(layers.Flatten()(layers.Add()(pair)))), "with 2"),
    ):
        with refused(offending):
            explain.grad_cam(model, IMAGES)
    with refused("batch_size"):
        explain.gradients(sequential(), IMAGES, batch_size=0)


class Closed(keras.Model):
    """Its layers are in a tf.function of their own."""

    def __init__(self):
        super().__init__()
        self.made = list(parts(activation="softmax").values())

    @tf.function
    def call(self, images):
        for layer in self.made:
            images = layer(images)
        return images


def test_layers_in_a_function_of_their_own_cannot_be_reached():
    with refused("4 layers"):
        explain.grad_cam(Closed(), IMAGES)
    found, own = Closed(), Closed()
    assert explain.gradients(found, IMAGES).values.any()
    own = np.asarray(found(IMAGES)).max(axis=1)
    np.testing.assert_allclose(explain.answers(found, IMAGES).probabilities, own, rtol=1e-5)
