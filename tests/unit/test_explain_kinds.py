"""Every method on every kind of network: as on the plain one, to rounding."""

import gc
import weakref

import keras
import numpy as np
import pytest
from explain_networks import KINDS, PICTURES, SHAPE, functional, nested, parts, sequential
from keras import layers

from course_utils import explain
from course_utils.errors import InputError
from course_utils.explain import taps, tracing

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
LIKE = {"one sigmoid": {"classes": 1}}


@pytest.fixture(scope="module")
def networks():
    return {kind: build() for kind, build in KINDS.items()}


@pytest.fixture(scope="module")
def plain():
    return {1: sequential(classes=1), 3: sequential()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", METHODS)
def test_a_method_gives_the_same_on_any_kind_of_network(method, kind, networks, plain):
    explained = METHODS[method]
    options = {"output": 0} if kind == "several outputs" else {}
    found = explained(networks[kind], PICTURES, 1, **options)
    right = explained(plain[LIKE.get(kind, {}).get("classes", 3)], PICTURES, 1)
    tolerance = 0.03 if kind == "mixed precision" else 1e-4
    size = np.abs(right.values).max()
    assert size > 1e-3, "a fixture whose maps are zero proves nothing"
    np.testing.assert_allclose(found.values, right.values, atol=tolerance * size)
    assert found.maps.shape == PICTURES.shape[:3]
    assert found.maps.dtype == np.float32
    assert found.maps.min() >= 0 and found.maps.max() <= 1 + 1e-6
    assert np.isfinite(found.maps).all()


WHERE = {
    "Sequential": "second",
    "Sequential without Input": "second",
    "nested": "base/second",
    "nested twice": "middle/base/second",
    "subclassed": "second",
    "subclassed with a block": "block",
    "several outputs": "second",
}


@pytest.mark.parametrize("kind", WHERE)
def test_the_default_layer_is_the_last_that_found_something(kind, networks):
    options = {"output": "head"} if kind == "several outputs" else {}
    assert explain.grad_cam(networks[kind], PICTURES, 0, **options).layer == WHERE[kind]


def test_the_default_layer_leads_to_the_output_that_is_explained(networks):
    found = explain.grad_cam(networks["several outputs"], PICTURES, 0, output="other")
    assert found.layer == "aside"


def test_the_default_layer_is_no_pooling_and_no_dropout():
    network = keras.Sequential(
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
    assert explain.grad_cam(network, PICTURES, 0).layer == "relu"
    assert explain.grad_cam(network, PICTURES, 0, layer="halved").values.shape == (7, 5, 4)


def test_a_layer_is_named_by_its_path_or_its_last_part(networks):
    for name in ("first", "middle/base/first"):
        found = explain.layer_cam(networks["nested twice"], PICTURES, 0, layer=name)
        assert found.layer == "middle/base/first"
        assert found.values.shape == (7, 12, 10)


def test_a_wrong_layer_lists_the_candidates(networks):
    with pytest.raises(InputError, match=r"first, second.*'secnd': did you mean 'second'"):
        explain.grad_cam(networks["functional"], PICTURES, layer="secnd")
    with pytest.raises(InputError, match=r"did you mean"):
        explain.grad_cam(networks["functional"], PICTURES, layer="head")


def test_a_layer_that_leads_elsewhere_is_refused(networks):
    with pytest.raises(InputError, match="leads elsewhere"):
        explain.grad_cam(networks["several outputs"], PICTURES, output="head", layer="aside")


def test_a_name_that_several_layers_have_is_refused():
    def base(name):
        return keras.Sequential([layers.Input(SHAPE), layers.Conv2D(3, 1, name="conv")], name=name)

    network = keras.Sequential(
        [layers.Input(SHAPE), base("a"), base("b"), layers.GlobalMaxPooling2D(), layers.Dense(2)]
    )
    with pytest.raises(InputError, match="a/conv, b/conv"):
        explain.grad_cam(network, PICTURES, layer="conv")
    assert explain.grad_cam(network, PICTURES, layer="a/conv").layer == "a/conv"


def test_an_output_has_to_be_named_where_there_are_several(networks):
    network = networks["several outputs"]
    with pytest.raises(InputError, match=r"2 \(head, other\): name it, output='head'"):
        explain.gradients(network, PICTURES)
    with pytest.raises(InputError, match="did you mean 'other'"):
        explain.gradients(network, PICTURES, output="othr")
    with pytest.raises(InputError, match="from 0 to 1, received 2"):
        explain.gradients(network, PICTURES, output=2)


def test_outputs_in_a_dictionary_are_named_by_it():
    class Two(keras.Model):
        def __init__(self):
            super().__init__()
            self.made = list(parts().values())

        def call(self, pictures):
            flow = pictures
            for layer in self.made:
                flow = layer(flow)
            return {"wide": flow, "narrow": -flow}

    network = Two()
    wide, narrow = (
        explain.answers(network, PICTURES, 0, output=name).scores for name in ("wide", "narrow")
    )
    np.testing.assert_allclose(wide, -narrow)


@pytest.mark.parametrize(
    ("pictures", "message"),
    [
        (PICTURES[0], r"picture\[np.newaxis\]"),
        (PICTURES[:0], "at least one"),
        ((PICTURES * 255).astype(np.uint8), "scale them first"),
        (PICTURES[:, :8], r"\(12, 10, 3\), received \(8, 10, 3\)"),
        (np.where(PICTURES > 0.5, np.nan, PICTURES), "finite"),
    ],
)
def test_pictures_that_do_not_fit_are_refused(pictures, message, networks):
    with pytest.raises(InputError, match=message):
        explain.grad_cam(networks["functional"], pictures)


@pytest.mark.parametrize(
    ("targets", "message"),
    [([0, 1], "or 7 of them"), (3, "from 0 to 2"), (-1, "from 0 to 2"), (0.5, "whole number")],
)
def test_targets_that_do_not_fit_are_refused(targets, message, networks):
    with pytest.raises(InputError, match=message):
        explain.grad_cam(networks["functional"], PICTURES, targets)


def test_other_things_are_refused():
    with pytest.raises(InputError, match="expected a Keras model"):
        explain.grad_cam("network", PICTURES)
    maps = keras.Sequential([layers.Input(SHAPE), layers.Conv2D(3, 3)])
    with pytest.raises(InputError, match="one number for each class"):
        explain.grad_cam(maps, PICTURES)
    dense = keras.Sequential([layers.Input(SHAPE), layers.Flatten(), layers.Dense(2)])
    with pytest.raises(InputError, match="without: gradients and occlusion"):
        explain.grad_cam(dense, PICTURES)
    pair = [layers.Input(SHAPE), layers.Input(SHAPE)]
    both = keras.Model(pair, layers.Dense(2)(layers.Flatten()(layers.Add()(pair))))
    with pytest.raises(InputError, match="one with 2"):
        explain.gradients(both, PICTURES)
    with pytest.raises(InputError, match="batch_size"):
        explain.gradients(sequential(), PICTURES, batch_size=0)


def test_a_network_that_answers_nan_is_refused():
    network = sequential()
    network.layers[-1].bias.assign([np.nan] * 3)
    with pytest.raises(InputError, match="NaN or infinity for 7 of 7"):
        explain.grad_cam(network, PICTURES)


def test_the_function_is_traced_once(networks):
    network, calls = functional(), []
    pool = network.get_layer("pool")
    run = pool.call
    object.__setattr__(
        pool, "call", lambda *given, **options: calls.append(1) or run(*given, **options)
    )
    first = explain.grad_cam(network, PICTURES, 0)
    again = explain.grad_cam(network, PICTURES[:3], [0, 1, 2])
    assert len(calls) == 1
    explain.grad_cam(network, PICTURES, 0, layer="first")
    assert len(calls) == 2
    network.get_layer("head").bias.assign_add([5.0, 0, 0])  # weights are read when it runs
    np.testing.assert_allclose(
        explain.grad_cam(network, PICTURES, 0).scores, first.scores + 5, rtol=1e-5
    )
    assert len(calls) == 2
    assert again.values.shape == (3, 10, 8)


def test_a_changed_network_is_traced_anew():
    network = sequential(activation="relu")
    before = explain.answers(network, PICTURES, 0).scores
    network.layers[-1].activation = keras.activations.linear
    assert (explain.answers(network, PICTURES, 0).scores <= before).all()
    network.layers[-1].kernel.assign(-np.abs(network.layers[-1].kernel.numpy()))
    network.layers[-1].bias.assign([-1.0] * 3)
    assert (explain.answers(network, PICTURES, 0).scores < 0).all()


def test_a_network_is_forgotten_with_its_functions():
    network = functional()
    explain.grad_cam(network, PICTURES)
    alive = weakref.ref(network)
    del network
    gc.collect()
    assert alive() is None
    assert len(tracing._traced) == len(list(tracing._traced))


def test_layers_are_as_they_were_afterwards():
    network = nested()
    before = [vars(layer).get("call") for _, layer in taps.places(network)]
    explain.grad_cam(network, PICTURES)
    with pytest.raises(ZeroDivisionError), taps.listening(network, lambda heard: 1 / 0):
        network(PICTURES)
    assert [vars(layer).get("call") for _, layer in taps.places(network)] == before
    assert before == [None] * len(before)


def test_layers_in_a_function_of_their_own_cannot_be_reached():
    import tensorflow as tf

    class Closed(keras.Model):
        def __init__(self):
            super().__init__()
            self.made = list(parts().values())

        @tf.function
        def call(self, pictures):
            for layer in self.made:
                pictures = layer(pictures)
            return pictures

    with pytest.raises(InputError, match="leave the decorator out"):
        explain.grad_cam(Closed(), PICTURES)
    assert explain.gradients(Closed(), PICTURES).values.any()
