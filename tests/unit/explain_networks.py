"""Small models of every kind, with maps that are known not to be zero.

All hold the same layers with the same weights where they can: only how they are put together
differs, so that an explanation must not.
"""

import re

import keras
import numpy as np
import pytest
from keras import layers

from course_utils.errors import InputError

SHAPE = (12, 10, 3)
CLASSES = 3
IMAGES = np.random.default_rng(0).random((7, *SHAPE), dtype=np.float32)


def refused(offending):
    """An `InputError` that shows what was offending."""
    return pytest.raises(InputError, match=re.escape(str(offending)))


def parts(*, classes=CLASSES, activation=None, seed=1):
    """Two convolutions, pooling, a head, with weights that keep every map alive."""
    made = {
        "first": layers.Conv2D(5, 3, padding="same", activation="relu", name="first"),
        "second": layers.Conv2D(6, 3, activation="relu", name="second"),
        "pool": layers.GlobalAveragePooling2D(name="pool"),
        "head": layers.Dense(classes, activation=activation, name="head"),
    }
    flat = keras.Sequential([layers.Input(SHAPE), *made.values()])
    rng = np.random.default_rng(seed)
    for weight in flat.weights:
        weight.assign(rng.normal(0.05, 0.3, weight.shape))
    return made


class Block(layers.Layer):
    """A layer made of layers, with an activation of its own."""

    def __init__(self, first, second):
        super().__init__(name="block")
        self.second, self.first = second, first  # not in the order of the pass

    def call(self, images):
        return self.second(self.first(images)) * 1.0


class Written(keras.Model):
    """A model with a `call` of its own."""

    def __init__(self, made, block=False):
        super().__init__()
        self.head, self.pool = made["head"], made["pool"]
        self.base = Block(made["first"], made["second"]) if block else None
        if not block:
            self.steps = [made["first"], made["second"]]

    def call(self, images, training=False):
        flow = images
        for step in self.steps if self.base is None else [self.base]:
            flow = step(flow)
        return self.head(self.pool(flow))


def sequential(**options):
    return keras.Sequential([layers.Input(SHAPE), *parts(**options).values()])


def without_input(**options):
    return keras.Sequential(list(parts(**options).values()))


def functional(**options):
    inputs = flow = layers.Input(SHAPE)
    for layer in parts(**options).values():
        flow = layer(flow)
    return keras.Model(inputs, flow)


def nested(**options):
    made = parts(**options)
    base = keras.Sequential([layers.Input(SHAPE), made["first"], made["second"]], name="base")
    return keras.Sequential([layers.Input(SHAPE), base, made["pool"], made["head"]])


def nested_twice(**options):
    made = parts(**options)
    inputs = layers.Input(SHAPE)
    base = keras.Model(inputs, made["second"](made["first"](inputs)), name="base")
    middle = keras.Sequential([layers.Input(SHAPE), base], name="middle")
    inputs = layers.Input(SHAPE)
    return keras.Model(inputs, made["head"](made["pool"](middle(inputs))))


def subclassed(**options):
    return Written(parts(**options))


def subclassed_with_block(**options):
    return Written(parts(**options), block=True)


def several_outputs(**options):
    made = parts(**options)
    inputs = layers.Input(SHAPE)
    flow = made["second"](made["first"](inputs))
    aside = layers.Conv2D(2, 3, name="aside")(inputs)
    aside = layers.Dense(4, name="other")(layers.GlobalAveragePooling2D()(aside))
    return keras.Model(inputs, [made["head"](made["pool"](flow)), aside])


def one_sigmoid(**options):
    return sequential(**{"classes": 1, "activation": "sigmoid", **options})


def softmax(**options):
    return sequential(**{"activation": "softmax", **options})


def half_precision(**options):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        return sequential(**options)
    finally:
        keras.config.set_dtype_policy(before)


KINDS = {
    "Sequential": sequential,
    "Sequential without Input": without_input,
    "functional": functional,
    "nested": nested,
    "nested twice": nested_twice,
    "subclassed": subclassed,
    "subclassed with a block": subclassed_with_block,
    "several outputs": several_outputs,
    "one sigmoid": one_sigmoid,
    "softmax": softmax,
    "mixed precision": half_precision,
}
