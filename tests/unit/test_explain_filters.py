"""Filters against a loop over single filters; dead ones told, chunks alike, errors said."""

import keras
import numpy as np
import pytest
from explain_networks import SHAPE, nested, refused
from keras import layers

from course_utils import explain
from course_utils.backend import tf
from course_utils.explain import filters


@pytest.fixture(scope="module")
def model():
    return nested()


def climb_by_hand(model, start, k, steps, length):
    """Chollet's loop, one filter at a time."""
    image = tf.Variable(start)
    for _ in range(steps):
        with tf.GradientTape() as tape:
            response = tf.reduce_mean(model(image)[:, 2:-2, 2:-2, k])
        slope = tape.gradient(response, image)
        image.assign_add(length * slope / tf.norm(slope))
    return image.numpy()[0]


def test_all_at_once_is_one_after_the_other(model):
    found = explain.filter_pictures(model, "second", steps=4)
    base = model.get_layer("base")
    noise = np.random.default_rng(0).uniform(0.4, 0.6, (1, *SHAPE)).astype(np.float32)
    for k, image in zip(found.filters, found.pictures, strict=True):
        if k not in found.dead:
            right = climb_by_hand(base, noise, k, 4, 0.03 * np.sqrt(np.prod(SHAPE)))
            np.testing.assert_allclose(image, right, atol=1e-4)


@pytest.mark.parametrize("regularise", [False, True])
def test_climbing_raises_the_response_in_any_chunks(model, regularise, monkeypatch):
    options = {"steps": 12, "regularise": regularise}
    whole = explain.filter_pictures(model, "base/second", **options)
    monkeypatch.setattr(filters, "MEMORY", 1)
    alone = explain.filter_pictures(model, "second", **options)
    np.testing.assert_allclose(whole.pictures, alone.pictures, atol=1e-4)
    living = ~np.isin(whole.filters, whole.dead)
    assert living.any()
    assert (whole.after > whole.before)[living].all()
    assert whole.layer == "base/second"
    if regularise:
        assert whole.pictures.min() >= 0 and whole.pictures.max() <= 1


def test_dead_filters_are_told_and_not_drawn():
    conv = layers.Conv2D(3, 3, activation="relu", name="conv")
    model = keras.Sequential([layers.Input((16, 16, 1)), conv])
    kernel, _ = conv.get_weights()
    conv.set_weights([np.abs(kernel), np.array([0.0, -100, 0])])
    found = explain.filter_pictures(model, "conv", steps=3)
    assert found.dead == (1,)
    assert found.after[1] == 0
    assert found.drawn().shape == (2, 16, 16, 1)
    assert found.drawn(crop=3).shape == (2, 10, 10, 1)
    assert found.drawn().mean() == pytest.approx(0.5, abs=0.02)


def test_some_filters_other_bounds_other_size():
    model = keras.Sequential(
        [layers.Input((None, None, 3)), layers.Conv2D(4, 3, name="conv", activation="tanh")]
    )
    found = explain.filter_pictures(
        model,
        "conv",
        filters=[3, 1],
        shape=(20, 24, 3),
        bounds=(-1, 1),
        regularise=True,
        seed=2**32 - 1,
    )
    assert found.filters.tolist() == [3, 1]
    assert found.pictures.shape == (2, 20, 24, 3)
    assert found.pictures.min() >= -1


@pytest.mark.parametrize(
    ("options", "offending"),
    [
        ({"layer": "secnd"}, "'second'"),
        ({"filters": [6]}, 6),
        ({"bounds": (1, 0)}, (1, 0)),
        ({"bounds": (1,)}, (1,)),
        ({"step": "far"}, "far"),
        ({"shape": (4, 4)}, (4, 4)),
        ({"shape": 4}, 4),
        ({"seed": -1}, -1),
    ],
)
def test_what_does_not_fit_is_refused(model, options, offending):
    with refused(offending):
        explain.filter_pictures(model, **{"layer": "second", **options})


def test_a_size_left_open_and_a_crop_too_wide_are_refused(model):
    with refused((None, None, None)):
        explain.filter_pictures(keras.Sequential([layers.Conv2D(2, 3)]), "conv2d")
    with refused(5):
        explain.filter_pictures(model, "second", steps=1).drawn(crop=5)
