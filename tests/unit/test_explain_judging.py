"""Judging maps: by hand, by what blind guesses reach, by a network that is known."""

import numpy as np
import pytest
from explain_networks import PICTURES, SHAPE, nested, sequential

from course_utils import explain
from course_utils.errors import InputError

DICE = np.random.default_rng(0)


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
    masks = DICE.random((4000, 6, 6)) < 0.3
    found = explain.pointing_game(DICE.random(masks.shape), masks)
    assert found.mean == pytest.approx(found.random, abs=0.03)
    energy = explain.energy_inside(DICE.random(masks.shape), masks)
    assert energy.mean == pytest.approx(energy.random, abs=0.03)


def test_empty_masks_are_left_out():
    masks = np.zeros((3, 4, 4), bool)
    masks[1, 0, 0] = True
    found = explain.energy_inside(np.ones((3, 4, 4)), masks)
    assert found.used.tolist() == [1]
    assert found.values.tolist() == [1 / 16]
    with pytest.raises(InputError, match="only empty ones"):
        explain.energy_inside(np.ones((3, 4, 4)), masks & False)


@pytest.mark.parametrize(
    ("maps", "masks", "message"),
    [
        (np.ones((2, 4, 4)), np.ones((2, 5, 5), bool), "of one shape"),
        (np.ones((2, 4, 4)), np.ones((2, 4, 4)), "true or false"),
        (-np.ones((2, 4, 4)), np.ones((2, 4, 4), bool), "0 or more"),
        (np.full((2, 4, 4), np.nan), np.ones((2, 4, 4), bool), "finite"),
    ],
)
def test_maps_and_masks_that_do_not_fit_are_refused(maps, masks, message):
    with pytest.raises(InputError, match=message):
        explain.pointing_game(maps, masks)


def test_deletion_and_insertion_by_hand():
    network = sequential(activation="softmax")
    maps = DICE.random(PICTURES.shape[:3])
    fall = explain.deletion(network, PICTURES, maps, 1, fill=0.2, steps=4, batch_size=5)
    rise = explain.insertion(network, PICTURES, maps, 1, fill=0.2, steps=4)
    assert fall.shares.tolist() == [0, 0.25, 0.5, 0.75, 1]
    for i, picture in enumerate(PICTURES):
        order = np.argsort(-maps[i].ravel())
        for step in range(5):
            gone = np.zeros(SHAPE[0] * SHAPE[1], bool)
            gone[order[: 30 * step]] = True
            gone = gone.reshape(SHAPE[:2])[..., None]
            for curve, one in ((fall, gone), (rise, ~gone)):
                copy = np.where(one, np.float32(0.2), picture)
                right = np.asarray(network(copy[None]))[0, 1]
                assert curve.probabilities[i, step] == pytest.approx(right, abs=1e-5)
    by_hand = (fall.probabilities[:, :-1] + fall.probabilities[:, 1:]).mean(axis=1) / 2
    np.testing.assert_allclose(fall.areas, by_hand, rtol=1e-5)
    assert fall.mean.shape == (5,)


def test_a_true_map_is_better_than_blind_ones():
    """The network adds up one square; a map of it must beat centre and noise, both ways."""
    import keras

    truth = np.zeros(SHAPE[:2], np.float32)
    truth[1:4, 1:4] = 1
    network = keras.Sequential([keras.Input(SHAPE), keras.layers.Flatten(), keras.layers.Dense(1)])
    network.layers[-1].set_weights([np.repeat(truth.ravel(), 3)[:, None], np.array([-6.0])])
    maps = {"true": np.broadcast_to(truth, PICTURES.shape[:3])}
    maps |= explain.baseline_maps(PICTURES.shape[:3])
    fall = {
        k: explain.deletion(network, PICTURES, m, 1, fill=0.0).areas.mean() for k, m in maps.items()
    }
    rise = {
        k: explain.insertion(network, PICTURES, m, 1, fill=0.0).areas.mean()
        for k, m in maps.items()
    }
    assert fall["true"] < min(fall["centre"], fall["random"])
    assert rise["true"] > max(rise["centre"], rise["random"])


def test_curves_need_maps_of_the_pictures_size():
    with pytest.raises(InputError, match="an explanation's `maps`"):
        explain.deletion(sequential(), PICTURES, np.ones((7, 3, 3)))


def test_maps_of_the_network_change_and_maps_of_the_picture_do_not():
    network = nested()
    before = network.get_weights()
    found = explain.randomisation_check(
        network, lambda network: explain.grad_cam(network, PICTURES, 0, layer="second")
    )
    assert list(found) == ["head", "base/second", "base/first"]
    assert found["base/first"] < 0.9
    blind = explain.randomisation_check(network, lambda network: PICTURES[..., 0], layers=2)
    assert blind == {"head": pytest.approx(1), "base/second": pytest.approx(1)}
    for now, then in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_weights_come_back_if_the_explanation_fails():
    network = nested()
    before = network.get_weights()

    def fails(network):
        if not np.array_equal(network.get_weights()[0], before[0]):
            raise ZeroDivisionError
        return np.ones((1, 2, 2))

    with pytest.raises(ZeroDivisionError):
        explain.randomisation_check(network, fails)
    for now, then in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)
    with explain.randomised(network):
        assert not np.array_equal(network.get_weights()[0], before[0])
        assert np.sort(network.get_weights()[0].ravel()) == pytest.approx(
            np.sort(before[0].ravel())
        )
    np.testing.assert_array_equal(network.get_weights()[0], before[0])


def test_likeness_is_spearmans():
    from scipy.stats import spearmanr

    one, other = DICE.random((2, 3, 5, 5))
    one[0, :2] = 0.5  # ties
    right = [spearmanr(a.ravel(), b.ravel()).statistic for a, b in zip(one, other, strict=True)]
    np.testing.assert_allclose(explain.likeness(one, other), right)
    assert explain.likeness(one, np.zeros_like(one)).tolist() == [0, 0, 0]


def test_a_check_needs_weights_and_maps():
    import keras

    with pytest.raises(InputError, match="without"):
        explain.randomisation_check(
            keras.Sequential([keras.Input(SHAPE), keras.layers.Flatten()]),
            lambda _: np.ones((1, 2, 2)),
        )
    with pytest.raises(InputError, match="to give maps"):
        explain.randomisation_check(sequential(), lambda _: np.ones(3))
