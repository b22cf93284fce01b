"""The walk through a model's layers, held against Keras' own list of weights."""

import keras
import numpy as np
import pytest
from keras import layers as L

from course_utils import layers
from course_utils.errors import InputError


class Block(keras.layers.Layer):
    """A block of layers, two of one name, with two weights of one name of its own."""

    def __init__(self, **options):
        super().__init__(**options)
        self.layers = [L.Conv2D(2, 1, name="conv"), L.Conv2D(2, 1, name="conv")]
        self.aside = L.Dense(2, name="aside")  # not in `layers`
        self.scale, self.shift = (self.add_weight(shape=(2,), name="own") for _ in range(2))

    def call(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.aside(x) * self.scale + self.shift


class Written(keras.Model):
    """A model with a `call`, a weight and a base of its own."""

    def __init__(self):
        super().__init__()
        self.base = keras.Sequential([L.Conv2D(2, 3, name="conv")], name="base")
        self.token = self.add_weight(shape=(2,), name="token")

    def call(self, images):
        return self.base(images) + self.token


def nested():
    block = keras.Sequential([keras.Input((8, 8, 3)), L.Conv2D(2, 3), Block(name="block")])
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, block(inputs))
    model.own = model.add_weight(shape=(1,), name="own")
    model.aside = L.Dense(2, name="aside")  # in no output
    return model


def recurrent():
    layer = L.Bidirectional(L.LSTM(2))
    return keras.Sequential([keras.Input((4, 3)), L.TimeDistributed(L.Dense(3)), layer])


def attention():
    tokens = keras.Input((4, 8))
    return keras.Model(tokens, L.MultiHeadAttention(2, 4, name="attention")(tokens, tokens))


def shared():
    """A base and a layer that are used twice."""
    inputs, base = keras.Input((3,)), keras.Sequential([L.Dense(3)], name="base")
    dense = L.Dense(3, name="dense")
    return keras.Model(inputs, dense(base(dense(base(inputs)))))


def written():
    model = Written()
    model(np.zeros((1, 4, 4, 3), np.float32))
    return model


@pytest.mark.parametrize("build", [nested, recurrent, attention, shared, written])
def test_every_weight_is_met_once_under_a_name_of_its_own(build):
    model = build()
    named = [
        (f"{place.path}/{name}", weight)
        for place, own in layers.weights(model)
        for name, weight in own.items()
    ]
    assert len({name for name, _ in named}) == len(named)
    met = [id(weight) for _, weight in named]
    assert len(met) == len(set(met)) and set(met) == {id(weight) for weight in model.weights}
    paths = [place.path for place in layers.walk(model)]
    assert len(set(paths)) == len(paths)


def test_paths_inner_layers_first():
    assert [place.path for place in layers.walk(written())] == ["base/conv", "base"]
    own = [(place.path, list(names)) for place, names in layers.weights(written())]
    assert own == [("base/conv", ["kernel", "bias"]), ("", ["token"])]


def test_what_has_one_name_is_numbered():
    model = keras.Sequential([keras.Input((4, 4, 2)), Block(name="block")])
    found = {place.path: list(names) for place, names in layers.weights(model)}
    assert found["block"] == ["own:1", "own:2"]
    assert list(found)[:3] == ["block/conv:1", "block/conv:2", "block/aside"]


PATHS = ["left/conv", "left", "right/conv", "right", "conv", "right/a/head"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [("left/conv", "left/conv"), ("conv", "conv"), ("head", "right/a/head"), ("left", "left"),
     ("a/head", "right/a/head"), ("a", "right/a/head")],
)  # fmt: skip
def test_a_name_means_one_path(name, meant):
    assert layers.find(PATHS, name) == meant


@pytest.mark.parametrize(
    ("paths", "name", "told"),
    [
        (["left/conv", "right/conv"], "conv", "left/conv, right/conv"),
        (["block/conv:1", "block/conv:2"], "block/conv", "block/conv:1, block/conv:2"),
        (["base/conv1", "head"], "cov1", "'conv1'"),
        ([], "conv", "none"),
    ],
)
def test_a_name_of_several_or_of_none_is_refused(paths, name, told):
    with pytest.raises(InputError) as error:
        layers.find(paths, name)
    assert repr(name) in str(error.value) and told in str(error.value)


@pytest.mark.parametrize("odd", ["base", L.Dense(2), None])
def test_what_is_no_model_is_refused(odd):
    with pytest.raises(InputError, match=type(odd).__name__):
        layers.walk(odd)
