"""Policies: amounts distributed as in Keras' layers, seeds, colours, and what does nothing."""

import doctest
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from course_utils import augmentation
from course_utils.augmentation import (
    Policy,
    affine,
    averaged_over_views,
    batches,
    colour,
    compiling,
    draws,
    generator,
    keras_layers,
    layers,
    migration,
    pipeline,
    policy,
    ranges,
    resampling,
    seeding,
    standardising,
    views,
)
from course_utils.errors import InputError

EVERYTHING = Policy(
    rotation=0.1,
    shift=(0.2, 0.1),
    shear=0.03,
    zoom=0.3,
    zoom_keeps_proportions=False,
    flip_horizontal=True,
    flip_vertical=True,
    brightness=0.2,
    contrast=0.4,
    channel_shift=0.1,
    exposure=(0.5, 1.5),
)
MANY = 4000


def pictures(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, np.float32)


def amounts(chosen, count=MANY, seed=0):
    return draws.draw(chosen, tf.zeros((count, 10, 20, 3)), tf.constant([seed, 0], tf.int64))


def alike(ours, theirs):
    """Kolmogorov–Smirnov: whether two samples may come from one distribution."""
    return stats.ks_2samp(np.ravel(ours), np.ravel(theirs), method="asymp").pvalue > 1e-3


@pytest.mark.parametrize(
    "module",
    [
        *(augmentation, affine, batches, colour, compiling, draws, generator, layers),
        *(migration, pipeline, policy, ranges, resampling, seeding, standardising, views),
    ],
    ids=lambda module: module.__name__.rpartition(".")[2],
)
def test_doctests(module):
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert doctest.testmod(module, optionflags=flags).failed == 0


def of_keras(layer, name, size=(10, 20)):
    data = tf.zeros((MANY, *size, 3))
    return np.asarray(layer.get_random_transformation(data, training=True)[name])


def test_amounts_are_distributed_as_in_keras_layers():
    rotation, translation, shear, zoom, flip, _, brightness, contrast = keras_layers(
        _without_extras(), seed=0
    )
    ours = amounts(EVERYTHING)
    place = ours.geometry
    angles = np.radians(of_keras(rotation, "angle"))
    pairs = {
        "angle": (place.angle, angles),
        "shift_x": (place.shift_x, of_keras(translation, "translations")[:, 0]),
        "shift_y": (place.shift_y, of_keras(translation, "translations")[:, 1]),
        "shear": (np.sin(place.shear), of_keras(shear, "shear_factor")[:, 0]),
        "zoom_y": (place.zoom_y, of_keras(zoom, "height_zoom")),
        "zoom_x": (place.zoom_x, of_keras(zoom, "width_zoom")),
        "brightness": (ours.brightness, of_keras(brightness, "rgb_delta")),
        "contrast": (ours.contrast, of_keras(contrast, "contrast_factor")),
    }
    for name, (mine, theirs) in pairs.items():
        assert alike(mine, theirs), name
        # The comparison sees a range that is a tenth wider.
        middle = np.mean(theirs)
        assert not alike(mine, (np.asarray(theirs) - middle) * 1.15 + middle), name
    flips = of_keras(flip, "flips").mean()
    for ours_flipped in (place.flip_horizontal, place.flip_vertical):
        assert abs(np.mean(ours_flipped) - flips) < 0.05


def _without_extras():
    return Policy(
        **{
            name: getattr(EVERYTHING, name)
            for name in EVERYTHING.__dataclass_fields__
            if name not in ("channel_shift", "exposure")
        }
    )


def test_amounts_reach_their_ranges_and_go_no_further():
    ours = amounts(EVERYTHING)
    place = ours.geometry
    for values, low, high in (
        (place.angle, -0.2 * math.pi, 0.2 * math.pi),
        (place.shift_y, -2, 2),
        (place.shift_x, -2, 2),
        (place.shear, -0.06 * math.pi, 0.06 * math.pi),
        (place.zoom_y, 0.7, 1.3),
        (place.zoom_x, 0.7, 1.3),
        (ours.brightness, -0.2, 0.2),
        (ours.contrast, 0.6, 1.4),
        (ours.exposure, 0.5, 1.5),
        (ours.channels, -0.1, 0.1),
    ):
        values, slack = np.asarray(values), 1e-5 * (high - low)
        assert low - slack <= values.min() < low + 0.01 * (high - low)
        assert high - 0.01 * (high - low) < values.max() <= high + slack


def test_amounts_do_not_go_together():
    ours = amounts(EVERYTHING)
    rows = np.stack(
        [
            *(np.asarray(part, float) for part in ours.geometry),
            *(ours.brightness, ours.contrast, ours.exposure),
            *np.transpose(ours.channels),
        ]
    )
    correlation = np.corrcoef(rows) - np.eye(len(rows))
    assert np.abs(correlation).max() < 5 / math.sqrt(MANY)


def test_both_flips_of_one_keras_layer_go_together_and_ours_do_not():
    row = np.zeros((200, 2, 2, 1), np.float32)
    row[:, 0, 0] = 1
    both = keras.layers.RandomFlip("horizontal_and_vertical", seed=0)(row, training=True)
    corners = {tuple(np.argwhere(one[..., 0] == 1)[0].tolist()) for one in np.asarray(both)}
    assert corners == {(0, 0), (1, 1)}
    ours = Policy(flip_horizontal=True, flip_vertical=True).augmented(row, seed=0)
    corners = {tuple(np.argwhere(one[..., 0] == 1)[0].tolist()) for one in ours}
    assert corners == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_zoom_keeps_proportions_unless_told():
    place = amounts(Policy(zoom=(0.5, 3.0))).geometry
    np.testing.assert_array_equal(place.zoom_x, place.zoom_y)
    assert 0.5 <= np.min(place.zoom_x) < 0.53 < 2.97 < np.max(place.zoom_x) <= 3


def test_pixels_are_chosen_either_way():
    chosen = amounts(Policy(shift=((1, 3), (0.1, 0.5)))).geometry
    values, counts = np.unique(chosen.shift_y, return_counts=True)
    assert values.tolist() == [-3, -1, 1, 3]
    assert stats.chisquare(counts).pvalue > 1e-3
    assert np.unique(chosen.shift_x).tolist() == [-10, -2, 2, 10]


def test_another_range_leaves_the_other_amounts_alone():
    one, other = amounts(Policy(rotation=0.1, zoom=0.2)), amounts(Policy(zoom=0.2, shear=0.1))
    np.testing.assert_array_equal(one.geometry.zoom_x, other.geometry.zoom_x)


def test_default_does_nothing():
    some = pictures(3, 9, 7, 3)
    np.testing.assert_array_equal(Policy().augmented(some, seed=0), some)


def dataset(count=24, size=8, batch=4):
    images = pictures(count, size, size, 3)
    return tf.data.Dataset.from_tensor_slices((images, np.arange(count))).batch(batch)


def read(batches_):
    return np.concatenate([images for images, _ in batches_.as_numpy_iterator()])


def test_same_seed_same_pictures_in_every_pipeline_and_others_in_every_epoch():
    first, again = (EVERYTHING.apply(dataset(), seed=5) for _ in range(2))
    epochs, epochs_again = [[read(one) for _ in range(3)] for one in (first, again)]
    np.testing.assert_array_equal(epochs, epochs_again)
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(epochs[one] - epochs[other]).max() > 0.1
    assert np.abs(read(EVERYTHING.apply(dataset(), seed=6)) - epochs[0]).max() > 0.1


def test_repeating_inside_the_pipeline_changes_the_pictures_too():
    twice = read(Policy(rotation=0.3).apply(dataset(), seed=5).repeat(2))
    assert np.abs(twice[:24] - twice[24:]).max() > 0.1


def test_batches_of_a_run_and_pictures_of_a_batch_differ():
    same = tf.data.Dataset.from_tensor_slices(np.repeat(pictures(1, 8, 8, 1), 8, axis=0)).batch(4)
    changed = np.concatenate(list(Policy(rotation=0.4).apply(same, seed=0).as_numpy_iterator()))
    assert len(np.unique(changed.round(4), axis=0)) == 8


def test_labels_weights_and_order_pass():
    weighted = dataset().map(lambda images, labels: (images, labels, tf.ones_like(labels)))
    elements = list(EVERYTHING.apply(weighted, seed=0).as_numpy_iterator())
    assert np.concatenate([labels for _, labels, _ in elements]).tolist() == list(range(24))
    assert all(len(element) == 3 for element in elements)
    alone = Policy(zoom=0.1).apply(dataset().map(lambda images, _: images), seed=0)
    assert alone.element_spec.shape.as_list() == [None, 8, 8, 3]


def test_colours_are_those_of_keras():
    some = pictures(3, 6, 5, 3)
    by = tf.constant([-0.4, 0.1, 0.3])
    brightness = keras.layers.RandomBrightness(0.1, value_range=(0, 1))
    theirs = brightness.transform_images(some, {"rgb_delta": tf.reshape(by, (3, 1, 1, 1))})
    np.testing.assert_allclose(colour.brighten(some, by), theirs, atol=1e-6)
    contrast = keras.layers.RandomContrast(0.1, value_range=(0, 1))
    factors = {"contrast_factor": tf.reshape(1 + by, (3, 1, 1, 1))}
    theirs = contrast.transform_images(tf.constant(some), factors)
    np.testing.assert_allclose(colour.stretch_contrast(some, 1 + by), theirs, atol=1e-6)


def test_colours_are_arithmetic_within_bounds():
    some = pictures(2, 6, 5, 3)
    by = np.array([[0.5, -0.5, 0.0], [1.0, 0.2, -1.0]], np.float32)
    wanted = np.clip(some + by[:, None, None], 0, 1)
    np.testing.assert_allclose(colour.shift_channels(some, by), wanted, atol=1e-6)
    factors = np.array([0.5, 3.0], np.float32)
    wanted = np.clip(some * factors[:, None, None, None], 0, 1)
    np.testing.assert_allclose(colour.expose(some, factors), wanted, atol=1e-6)


def test_everything_at_its_most_stays_in_range():
    wild = Policy(
        rotation=0.5,
        shift=0.9,
        shear=0.24,
        zoom=0.9,
        brightness=1.0,
        contrast=1.0,
        channel_shift=1.0,
        exposure=(0, 5),
    )
    changed = wild.augmented(pictures(64, 8, 8, 3), seed=0)
    assert np.isfinite(changed).all()
    assert changed.min() >= 0 and changed.max() <= 1


def test_colours_are_used_only_when_asked():
    some = np.full((16, 4, 4, 3), 0.5, np.float32)
    grey = Policy(brightness=0.3, contrast=0.2, exposure=(0.5, 1)).augmented(some, seed=0)
    assert np.ptp(grey, axis=-1).max() < 1e-6 < np.ptp(grey, axis=0).max()
    tinted = Policy(channel_shift=0.3).augmented(some, seed=0)
    assert np.ptp(tinted, axis=-1).min() > 1e-4
    np.testing.assert_allclose(Policy(rotation=0.3).augmented(some, seed=0), some, atol=1e-6)


def test_views_are_averaged():
    some = pictures(4, 6, 6, 1)

    def predict(images):
        return images[:, 0]

    wanted = (some[:, 0] + some[:, 0, ::-1]) / 2
    np.testing.assert_allclose(averaged_over_views(predict, some), wanted, atol=1e-6)
    turned = Policy(rotation=0.3)
    wanted = (some + turned.augmented(some, seed=8) + turned.augmented(some, seed=9)) / 3
    ours = averaged_over_views(lambda images: images, some, turned, views=3, seed=7)
    np.testing.assert_allclose(ours, wanted, atol=1e-6)


@pytest.mark.parametrize(
    ("policy_", "count", "message"),
    [
        (None, 3, "expected 2 views without a policy, received 3"),
        (Policy(), 1, "expected 2 views or more, received 1"),
        (Policy(), 2.0, "expected 2 views or more, received 2.0"),
    ],
)
def test_views_that_cannot_be_are_refused(policy_, count, message):
    with pytest.raises(InputError, match=message):
        averaged_over_views(lambda images: images, pictures(1, 2, 2, 1), policy_, views=count)
