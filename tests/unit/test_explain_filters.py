"""Filters against a loop over single filters; dead ones told, chunks alike, errors said."""

import keras
import numpy as np
import pytest
from explain_networks import SHAPE, nested
from keras import layers

from course_utils import explain
from course_utils.errors import InputError


@pytest.fixture(scope="module")
def network():
    return nested()


def climb_by_hand(model, start, k, steps, length):
    """Chollet's loop, one filter at a time."""
    import tensorflow as tf

    picture = tf.Variable(start)
    for _ in range(steps):
        with tf.GradientTape() as tape:
            response = tf.reduce_mean(model(picture)[:, 2:-2, 2:-2, k])
        slope = tape.gradient(response, picture)
        picture.assign_add(length * slope / tf.norm(slope))
    return picture.numpy()[0]


def test_all_at_once_is_one_after_the_other(network):
    found = explain.filter_pictures(network, "second", steps=4)
    base = network.get_layer("base")
    noise = np.random.default_rng(0).uniform(0.4, 0.6, (1, *SHAPE)).astype(np.float32)
    for k, picture in zip(found.filters, found.pictures, strict=True):
        if k not in found.dead:
            right = climb_by_hand(base, noise, k, 4, 0.03 * np.sqrt(np.prod(SHAPE)))
            np.testing.assert_allclose(picture, right, atol=1e-4)


@pytest.mark.parametrize("regularise", [False, True])
def test_climbing_raises_the_response_in_any_chunks(network, regularise):
    options = {"steps": 12, "regularise": regularise}
    whole = explain.filter_pictures(network, "base/second", **options)
    alone = explain.filter_pictures(network, "second", memory=1, **options)
    np.testing.assert_allclose(whole.pictures, alone.pictures, atol=1e-4)
    living = ~np.isin(whole.filters, whole.dead)
    assert living.any()
    assert (whole.after > whole.before)[living].all()
    assert whole.layer == "base/second"
    if regularise:
        assert whole.pictures.min() >= 0 and whole.pictures.max() <= 1


def test_dead_filters_are_told_and_not_drawn():
    conv = layers.Conv2D(3, 3, activation="relu", name="conv")
    network = keras.Sequential([layers.Input((16, 16, 1)), conv])
    kernel, _ = conv.get_weights()
    conv.set_weights([np.abs(kernel), np.array([0.0, -100, 0])])
    found = explain.filter_pictures(network, "conv", steps=3)
    assert found.dead == (1,)
    assert found.after[1] == 0
    assert found.drawn().shape == (2, 16, 16, 1)
    assert found.drawn(crop=3).shape == (2, 10, 10, 1)
    assert found.drawn().mean() == pytest.approx(0.5, abs=0.02)


def test_some_filters_other_bounds_other_size():
    network = keras.Sequential(
        [layers.Input((None, None, 3)), layers.Conv2D(4, 3, name="conv", activation="tanh")]
    )
    found = explain.filter_pictures(
        network, "conv", filters=[3, 1], shape=(20, 24, 3), bounds=(-1, 1), regularise=True
    )
    assert found.filters.tolist() == [3, 1]
    assert found.pictures.shape == (2, 20, 24, 3)
    assert found.pictures.min() >= -1


def test_what_does_not_fit_is_refused(network):
    with pytest.raises(InputError, match="did you mean 'second'"):
        explain.filter_pictures(network, "secnd")
    with pytest.raises(InputError, match="from 0 to 5"):
        explain.filter_pictures(network, "second", filters=[6])
    with pytest.raises(InputError, match="bounds"):
        explain.filter_pictures(network, "second", bounds=(1, 0))
    with pytest.raises(InputError, match="leaves its size open"):
        explain.filter_pictures(keras.Sequential([layers.Conv2D(2, 3)]), "conv2d")
    with pytest.raises(InputError, match="crop"):
        explain.filter_pictures(network, "second", steps=1).drawn(crop=5)
