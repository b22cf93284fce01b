"""Logits and probabilities, however a model ends; which output; half precision."""

import keras
import numpy as np
import pytest
from explain_networks import IMAGES, SHAPE, half_precision, parts, refused, sequential
from keras import layers

from course_utils import explain
from course_utils.backend import tf


def ending(*behind, classes=3, activation=None, factor=5.0):
    """The usual model with other layers behind its head; and its logits, in NumPy."""
    made = parts(classes=classes, activation=activation)
    model = keras.Sequential([layers.Input(SHAPE), *made.values(), *behind])
    kernel, bias = (factor * weight for weight in made["head"].get_weights())
    made["head"].set_weights([kernel, bias])
    pooled = made["pool"](made["second"](made["first"](IMAGES)))
    return model, np.asarray(pooled) @ kernel + bias


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def function(run):
    return layers.Lambda(run, output_shape=(None,))


@keras.saving.register_keras_serializable("course-tests")
class Compiled(layers.Layer):
    """A softmax inside a tf.function of its own."""

    @tf.function
    def call(self, logits):
        return tf.nn.softmax(logits)


SEEN_THROUGH = {
    "Keras' softmax": lambda: ending(activation="softmax"),
    "tf.nn.softmax": lambda: ending(activation=tf.nn.softmax),
    "a layer of its own": lambda: ending(layers.Softmax()),
    "Reshape": lambda: ending(layers.Reshape((3, 1)), layers.Reshape((3,)), activation="softmax"),
    "a cast": lambda: ending(layers.Activation("linear", dtype="float64"), activation="softmax"),
}
HIDDEN = {
    "clip": lambda: ending(
        function(lambda p: tf.clip_by_value(p, 1e-6, 1.0)), activation="softmax"
    ),
    "arithmetic": lambda: ending(function(lambda p: (p + 1) / 1 - 1), activation="softmax"),
    "by hand": lambda: ending(function(lambda z: tf.exp(z) / tf.reduce_sum(tf.exp(z), -1, True))),
    "tf.function": lambda: ending(Compiled()),
}


@pytest.mark.parametrize("kind", SEEN_THROUGH | HIDDEN)
def test_scores_and_probabilities_are_the_models_own(kind):
    model, logits = (SEEN_THROUGH | HIDDEN)[kind]()
    own = softmax(logits)
    np.testing.assert_allclose(model.predict(IMAGES, verbose=0), own, atol=1e-5)
    for target in (None, 2):
        rows = np.arange(len(IMAGES)), own.argmax(axis=1) if target is None else target
        found = explain.answers(model, IMAGES, target)
        np.testing.assert_allclose(found.probabilities, own[rows], atol=1e-5)
        scores = logits if kind in SEEN_THROUGH else np.log(own)
        np.testing.assert_allclose(found.scores, scores[rows], rtol=2e-3, atol=1e-3)
    fall = explain.deletion(model, IMAGES, np.ones(IMAGES.shape[:3]), 2, steps=2)
    np.testing.assert_allclose(fall.probabilities[:, 0], own[:, 2], atol=1e-5)


def test_a_mean_of_two_models_is_explained_by_its_own_probabilities():
    one, other = ending(activation="softmax"), ending(activation="softmax", factor=2.0)
    inputs = layers.Input(SHAPE)
    mean = keras.Model(inputs, layers.Average()([one[0](inputs), other[0](inputs)]))
    own = (softmax(one[1]) + softmax(other[1])) / 2
    found = explain.answers(mean, IMAGES, 1)
    np.testing.assert_allclose(found.probabilities, own[:, 1], atol=1e-5)
    np.testing.assert_allclose(found.scores, np.log(own[:, 1]), rtol=1e-3)


def test_a_mixed_precision_softmax_that_is_cast_is_not_softmaxed_again():
    before = half_precision(activation="softmax")
    model = keras.Sequential(
        [layers.Input(SHAPE), before, layers.Activation("linear", dtype="float32")]
    )
    found = explain.answers(model, IMAGES, 1).probabilities
    np.testing.assert_allclose(found, model.predict(IMAGES, verbose=0)[:, 1], atol=2e-3)


@pytest.mark.parametrize("activation", ["sigmoid", tf.nn.sigmoid])
def test_one_unit_is_looked_behind_its_sigmoid(activation):
    model, logits = ending(layers.Reshape((1,)), classes=1, activation=activation)
    found = explain.answers(model, IMAGES, 1)
    np.testing.assert_allclose(found.scores, logits[:, 0], rtol=1e-4)
    np.testing.assert_allclose(found.probabilities, 1 / (1 + np.exp(-logits[:, 0])), rtol=1e-4)


@pytest.mark.parametrize(
    "run",
    [
        lambda p: tf.clip_by_value(p, 1e-6, 1.0),
        lambda p: (p + tf.sigmoid(p)) / 2,
        lambda p: 1 / (1 + tf.exp(-p)),
    ],
)
def test_one_unit_that_may_be_a_probability_or_not_is_refused(run):
    model, _ = ending(function(run), classes=1, activation="sigmoid")
    with refused("0 to 1"):
        explain.answers(model, IMAGES)


def test_logits_that_lie_between_0_and_1_stay_logits():
    model, _ = ending(classes=1, factor=0.1)
    model.layers[-1].bias.assign([0.5])
    own = model.predict(IMAGES, verbose=0)[:, 0]
    assert ((own > 0) & (own < 1)).all()
    found = explain.answers(model, IMAGES, 1)
    np.testing.assert_allclose(found.scores, own, rtol=1e-5)
    np.testing.assert_allclose(found.probabilities, 1 / (1 + np.exp(-own)), rtol=1e-5)


def test_logits_are_explained_where_a_softmax_is_sure():
    (sure, _), (plain, _) = ending(activation=tf.nn.softmax, factor=300.0), ending(factor=300.0)
    assert np.asarray(sure(IMAGES)).max(axis=1) == pytest.approx(1)
    right = explain.grad_cam(plain, IMAGES).values
    np.testing.assert_allclose(explain.grad_cam(sure, IMAGES).values, right, rtol=1e-4)
    assert np.abs(right).max() > 1


# Outputs and targets


def test_outputs_of_one_name_are_told_apart_by_their_number():
    inputs, head = layers.Input(SHAPE), layers.Dense(2, name="head")
    branches = [layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(inputs)) for _ in range(2)]
    model = keras.Model(inputs, [head(branch) for branch in branches])
    own = model.predict(IMAGES, verbose=0)
    for number in (0, 1):
        found = explain.answers(model, IMAGES, 1, output=number).scores
        np.testing.assert_allclose(found, own[number][:, 1], atol=1e-5)
    for output in (None, "head"):
        with refused("head, head"):
            explain.answers(model, IMAGES, 1, output=output)


class Two(keras.Model):
    """Two outputs in a dictionary."""

    def __init__(self):
        super().__init__()
        self.made = list(parts().values())

    def call(self, images):
        for layer in self.made:
            images = layer(images)
        return {"wide": images, "narrow": -images}


def test_outputs_in_a_dictionary_are_named_by_it():
    model = Two()
    wide, narrow = (
        explain.answers(model, IMAGES, 0, output=name).scores for name in ("wide", "narrow")
    )
    np.testing.assert_allclose(wide, -narrow)
    for output, offending in (("wid", "'wid'"), (2, 2), (True, True), (None, "wide, narrow")):
        with refused(offending):
            explain.gradients(model, IMAGES, output=output)


@pytest.mark.parametrize(("targets", "offending"), [([0, 1], "(2,)"), (3, 3), (-1, -1), (0.5, 0.5)])
def test_targets_that_do_not_fit_are_refused(targets, offending):
    with refused(offending):
        explain.grad_cam(sequential(), IMAGES, targets)


# Numbers too large


def steep(factor):
    """In half precision; by hand, the gradient of each pixel inside is factor · 4 · 9."""
    keras.config.set_dtype_policy("mixed_float16")
    try:
        conv = layers.Conv2D(4, 3, name="conv", kernel_initializer="ones")
    finally:
        keras.config.set_dtype_policy("float32")
    kernel = keras.initializers.Constant(factor)
    dense = layers.Dense(3, kernel_initializer=kernel, dtype="float32")
    return keras.Sequential([layers.Input((8, 8, 3)), conv, layers.Flatten(), dense])


@pytest.mark.parametrize("factor", [1e-3, 100.0, 3000.0])
def test_half_precision_gives_gradients_of_any_size(factor):
    model, images = steep(factor), IMAGES[:2, :8, :8] * 0.01
    found = explain.gradients(model, images, 1)
    assert found.values[:, 2:-2, 2:-2] == pytest.approx(36 * factor, rel=1e-2)
    maps = np.asarray(model.layers[0](images), np.float32).sum(axis=-1)
    found = explain.grad_cam(model, images, 1)
    np.testing.assert_allclose(found.values, factor * maps, rtol=1e-2)
    assert found.heat.max() == 1


def test_an_image_does_not_change_the_scale_of_another():
    half = half_precision()
    pair = np.stack([IMAGES[0], IMAGES[1] * 2000])
    alone = explain.gradients(half, IMAGES[:1], 0).values[0]
    np.testing.assert_array_equal(explain.gradients(half, pair, 0).values[0], alone)


def test_what_is_infinite_all_the_same_is_refused():
    with refused("NaN"):
        explain.gradients(steep(1e30), IMAGES[:2, :8, :8] * 1e-3, 1)
    model = sequential()
    model.layers[-1].bias.assign([np.nan] * 3)
    with refused("7 of 7"):
        explain.grad_cam(model, IMAGES)
