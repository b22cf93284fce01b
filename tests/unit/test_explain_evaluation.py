"""Judging maps: by hand, by what blind guesses reach, by a model that is known."""

import keras
import numpy as np
import pytest
from explain_networks import IMAGES, SHAPE, nested, refused, sequential
from keras import layers
from scipy.stats import spearmanr

from course_utils import explain

RNG = np.random.default_rng(0)

# Pointing


def test_pointing_by_hand():
    maps = np.zeros((3, 5, 5))
    maps[0, 1, 1] = maps[1, 4, 4] = 3  # a hit, a miss, and nothing at all
    masks = np.zeros((3, 5, 5), bool)
    masks[:, :3, :3] = True
    found = explain.pointing_game(maps, masks)
    assert found.values.tolist() == [1, 0, 0]
    assert found.centre == 1
    assert found.random == pytest.approx(9 / 25)
    assert explain.pointing_game(maps, masks, tolerance=2).values.tolist() == [1, 1, 0]


def test_equal_peaks_count_by_their_share():
    masks = np.zeros((1, 4, 4), bool)
    masks[0, :2] = True
    level = explain.pointing_game(np.ones((1, 4, 4)), masks)
    assert level.values.tolist() == [0.5]
    assert level.mean == level.random


def test_chance_is_what_random_maps_reach():
    masks = RNG.random((4000, 6, 6)) < 0.3
    for judged in (explain.pointing_game, explain.energy_inside):
        found = judged(RNG.random(masks.shape), masks)
        assert found.mean == pytest.approx(found.random, abs=0.03)


def test_empty_masks_are_left_out():
    masks = np.zeros((3, 4, 4), bool)
    masks[1, 0, 0] = True
    found = explain.energy_inside(np.ones((3, 4, 4)), masks)
    assert found.used.tolist() == [1]
    assert found.values.tolist() == [1 / 16]
    with refused("empty"):
        explain.energy_inside(np.ones((3, 4, 4)), masks & False)


@pytest.mark.parametrize(
    ("maps", "masks", "offending"),
    [
        (np.ones((2, 4, 4)), np.ones((2, 5, 5), bool), "(2, 4, 4)"),
        (np.ones((2, 4, 4)), np.ones((2, 4, 4)), "float64"),
        (-np.ones((2, 4, 4)), np.ones((2, 4, 4), bool), -1),
        (np.full((2, 4, 4), np.nan), np.ones((2, 4, 4), bool), "NaN"),
        (np.full((2, 4, 4), "a"), np.ones((2, 4, 4), bool), "<U1"),
    ],
)
def test_maps_and_masks_that_do_not_fit_are_refused(maps, masks, offending):
    with refused(offending):
        explain.pointing_game(maps, masks)


# Deletion and insertion


def test_deletion_and_insertion_by_hand():
    model = sequential(activation="softmax")
    maps = RNG.random(IMAGES.shape[:3])
    fall = explain.deletion(model, IMAGES, maps, 1, fill=0.2, steps=4, batch_size=5)
    rise = explain.insertion(model, IMAGES, maps, 1, fill=0.2, steps=4)
    assert fall.shares.tolist() == [0, 0.25, 0.5, 0.75, 1]
    pixels = SHAPE[0] * SHAPE[1]
    rank = np.argsort(np.argsort(-maps.reshape(7, -1), axis=1), axis=1).reshape(maps.shape)
    for step, share in enumerate(fall.shares):
        gone = (rank < share * pixels)[..., None]
        for curve, covered in ((fall, gone), (rise, ~gone)):
            right = np.asarray(model(np.where(covered, np.float32(0.2), IMAGES)))[:, 1]
            np.testing.assert_allclose(curve.probabilities[:, step], right, atol=1e-5)
    by_hand = (fall.probabilities[:, :-1] + fall.probabilities[:, 1:]).mean(axis=1) / 2
    np.testing.assert_allclose(fall.areas, by_hand, rtol=1e-5)
    assert fall.mean.shape == (5,)


def adding_up(truth, bias):
    """A model that adds up the pixels of one region."""
    model = keras.Sequential([layers.Input(SHAPE), layers.Flatten(), layers.Dense(1)])
    model.layers[-1].set_weights([np.repeat(truth.ravel(), 3)[:, None], np.array([bias])])
    return model


def test_a_true_map_is_better_than_blind_ones():
    truth = np.zeros(SHAPE[:2], np.float32)
    truth[1:4, 1:4] = 1
    model = adding_up(truth, -6.0)
    maps = {"true": np.broadcast_to(truth, IMAGES.shape[:3])}
    maps |= explain.baseline_maps(IMAGES.shape[:3])
    for curve, sign in ((explain.deletion, 1), (explain.insertion, -1)):
        areas = {k: sign * curve(model, IMAGES, m, 1, fill=0).areas.mean() for k, m in maps.items()}
        assert areas["true"] < min(areas["centre"], areas["random"])


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, bool, np.float16])
def test_only_the_order_of_a_map_counts(dtype):
    maps = RNG.integers(0, 2 if dtype is bool else 256, IMAGES.shape[:3])
    model = sequential()
    right = explain.deletion(model, IMAGES, maps.astype(np.float64), 1, steps=8)
    found = explain.deletion(model, IMAGES, maps.astype(dtype), 1, steps=8)
    np.testing.assert_allclose(found.areas, right.areas, rtol=1e-6)


@pytest.mark.parametrize(
    ("maps", "offending"),
    [(np.ones((7, 3, 3)), "(7, 3, 3)"), (np.full(IMAGES.shape[:3], np.nan), "NaN")],
)
def test_curves_need_finite_maps_of_the_images_size(maps, offending):
    for curve in (explain.deletion, explain.insertion):
        with refused(offending):
            curve(sequential(), IMAGES, maps)


def test_a_baseline_needs_a_whole_shape():
    for shape, offending in ((4, 4), (4, 4)), (4, 4), ((2, -1, 4), -1):
        with refused(offending):
            explain.baseline_maps(shape)


# Shuffled weights


def test_maps_of_the_model_change_and_maps_of_the_image_do_not():
    model = nested()
    before = model.get_weights()
    found = explain.randomisation_check(
        model, lambda model: explain.grad_cam(model, IMAGES, 0, layer="second")
    )
    assert list(found) == ["head", "base/second", "base/first"]
    assert found["base/first"] < 0.9
    blind = explain.randomisation_check(model, lambda model: IMAGES[..., 0], layers=2)
    assert blind == {"head": pytest.approx(1), "base/second": pytest.approx(1)}
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


class Own(keras.Model):
    """Weights that no leaf layer has: the model's own, and a block's."""

    def __init__(self):
        super().__init__()
        self.block = Weighed()
        self.token = self.add_weight(shape=(3,), initializer="random_normal", name="token")

    def call(self, images):
        return self.block(images + self.token)


class Weighed(layers.Layer):
    """A block with a gain of its own around a layer."""

    def __init__(self):
        super().__init__(name="block")
        self.inner = layers.Conv2D(4, 3, name="conv")
        self.gain = self.add_weight(shape=(4,), initializer="random_normal", name="gain")

    def call(self, images):
        return keras.ops.mean(self.inner(images) * self.gain, axis=(1, 2))


def bfloat16():
    keras.config.set_dtype_policy("bfloat16")
    try:
        return sequential()
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize("build", [nested, Own, bfloat16])
def test_all_that_is_learnt_is_shuffled_and_comes_back(build):
    model = build()
    explain.answers(model, IMAGES)
    before = [np.asarray(w, np.float32) for w in model.weights]
    with explain.randomised(model):
        for weight, then in zip(model.weights, before, strict=True):
            now = np.asarray(weight, np.float32)
            np.testing.assert_array_equal(np.sort(now, axis=None), np.sort(then, axis=None))
            assert np.array_equal(now, then) == (len(np.unique(then)) == 1)
    for weight, then in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(np.asarray(weight, np.float32), then)
    if build is Own:
        found = explain.randomisation_check(model, lambda model: explain.gradients(model, IMAGES))
        assert list(found) == ["", "block", "block/conv"]


def test_weights_come_back_if_the_explanation_fails():
    model = nested()
    before = model.get_weights()

    def fails(model):
        if not np.array_equal(model.get_weights()[-2], before[-2]):
            raise ZeroDivisionError
        return np.ones((1, 2, 2))

    with pytest.raises(ZeroDivisionError):
        explain.randomisation_check(model, fails)
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_rank_correlation_is_spearmans():
    one, other = RNG.random((2, 3, 5, 5))
    one[0, :2] = 0.5  # ties
    right = [spearmanr(a.ravel(), b.ravel()).statistic for a, b in zip(one, other, strict=True)]
    np.testing.assert_allclose(explain.rank_correlation(one, other), right)
    assert explain.rank_correlation(one, np.zeros_like(one)).tolist() == [0, 0, 0]
    for wrong, offending in ((other[:2], "(2, 5, 5)"), (other * np.nan, "NaN")):
        with refused(offending):
            explain.rank_correlation(one, wrong)


def test_a_check_needs_weights_and_maps():
    empty = keras.Sequential([layers.Input(SHAPE), layers.Flatten()])
    for model, maps, options, offending in (
        (empty, np.ones((1, 2, 2)), {}, "without"),
        ("model", np.ones((1, 2, 2)), {}, "str"),
        (sequential(), np.ones(3), {}, "(3,)"),
        (sequential(), np.ones((1, 2, 2)), {"layers": 0}, 0),
    ):
        with refused(offending):
            explain.randomisation_check(model, lambda _, maps=maps: maps, **options)
