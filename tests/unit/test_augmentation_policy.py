"""Policies: amounts distributed as in Keras' layers, seeds, color, views, and what is refused."""

import math
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from course_utils.augmentation import Policy, averaged_over_views, keras_layers
from course_utils.augmentation.policy import draw
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
)
TURN = Policy(rotation=0.1)
MANY = 4000


def noise(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, np.float32)


def zeros(*shape, dtype=np.float32):
    return np.zeros(shape, dtype)


def amounts(policy, count=MANY, seed=0):
    return draw(policy, tf.zeros((count, 10, 20, 3)), tf.constant([seed, 0], tf.int64))


def alike(ours, theirs):
    """Kolmogorov–Smirnov: whether two samples may come from one distribution."""
    return stats.ks_2samp(np.ravel(ours), np.ravel(theirs), method="asymp").pvalue > 1e-3


def of_keras(layer, name):
    data = tf.zeros((MANY, 10, 20, 3))
    return np.asarray(layer.get_random_transformation(data, training=True)[name])


def test_amounts_are_distributed_as_in_keras_layers():
    layers = keras_layers(replace(EVERYTHING, channel_shift=0.0), seed=0)
    rotation, translation, shear, zoom, flip, _, brightness, contrast = layers
    ours = amounts(EVERYTHING)
    pairs = {
        "angle": (ours.angle, np.radians(of_keras(rotation, "angle"))),
        "shift_x": (ours.shift_x, of_keras(translation, "translations")[:, 0]),
        "shift_y": (ours.shift_y, of_keras(translation, "translations")[:, 1]),
        "shear": (np.sin(ours.shear), of_keras(shear, "shear_factor")[:, 0]),
        "zoom_y": (ours.zoom_y, of_keras(zoom, "height_zoom")),
        "zoom_x": (ours.zoom_x, of_keras(zoom, "width_zoom")),
        "brightness": (ours.brightness, of_keras(brightness, "rgb_delta")),
        "contrast": (ours.contrast, of_keras(contrast, "contrast_factor")),
    }
    for name, (mine, theirs) in pairs.items():
        assert alike(mine, theirs), name
        # The comparison sees a range that is wider by three twentieths.
        middle = np.mean(theirs)
        assert not alike(mine, (np.asarray(theirs) - middle) * 1.15 + middle), name
    flips = of_keras(flip, "flips").mean()
    for ours_flipped in (ours.flip_horizontal, ours.flip_vertical):
        assert abs(np.mean(ours_flipped) - flips) < 0.05


def test_amounts_reach_their_ranges_and_go_no_further():
    ours = amounts(EVERYTHING)
    for values, low, high in (
        (ours.angle, -0.2 * math.pi, 0.2 * math.pi),
        (ours.shift_y, -2, 2),
        (ours.shift_x, -2, 2),
        (ours.shear, -0.06 * math.pi, 0.06 * math.pi),
        (ours.zoom_y, 0.7, 1.3),
        (ours.zoom_x, 0.7, 1.3),
        (ours.brightness, -0.2, 0.2),
        (ours.contrast, 0.6, 1.4),
        (ours.channels, -0.1, 0.1),
    ):
        values, slack = np.asarray(values), 1e-5 * (high - low)
        assert low - slack <= values.min() < low + 0.01 * (high - low)
        assert high - 0.01 * (high - low) < values.max() <= high + slack


def test_amounts_do_not_go_together():
    *others, channels = amounts(EVERYTHING)
    rows = np.stack([*(np.asarray(part, float) for part in others), *np.transpose(channels)])
    correlation = np.corrcoef(rows) - np.eye(len(rows))
    assert np.abs(correlation).max() < 5 / math.sqrt(MANY)


def test_both_flips_of_one_keras_layer_go_together_and_ours_do_not():
    row = zeros(200, 2, 2, 1)
    row[:, 0, 0] = 1
    both = keras.layers.RandomFlip("horizontal_and_vertical", seed=0)(row, training=True)
    ours = Policy(flip_horizontal=True, flip_vertical=True).augmented(row, seed=0)

    def corners(images):
        return {tuple(np.argwhere(one[..., 0] == 1)[0].tolist()) for one in np.asarray(images)}

    assert corners(both) == {(0, 0), (1, 1)}
    assert corners(ours) == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_zoom_keeps_proportions_unless_told():
    ours = amounts(Policy(zoom=(0.5, 3.0)))
    np.testing.assert_array_equal(ours.zoom_x, ours.zoom_y)
    assert 0.5 <= np.min(ours.zoom_x) < 0.53 < 2.97 < np.max(ours.zoom_x) <= 3


def test_another_range_leaves_the_other_amounts_alone():
    one, other = amounts(Policy(rotation=0.1, zoom=0.2)), amounts(Policy(zoom=0.2, shear=0.1))
    np.testing.assert_array_equal(one.zoom_x, other.zoom_x)


def test_a_seed_gives_the_amounts_that_it_always_gave():
    # Kept from the first edition: what chapters measured with a seed stays as it was measured.
    ours = amounts(EVERYTHING, count=2, seed=3)
    channels = [[0.031685, 0.09018, 0.041764], [0.052545, -0.075341, 0.012225]]
    np.testing.assert_allclose(ours.angle, [-0.382127, 0.552097], atol=1e-6)
    np.testing.assert_allclose(ours.zoom_y, [1.011281, 1.168695], atol=1e-6)
    np.testing.assert_allclose(ours.channels, channels, atol=1e-6)


def test_the_default_does_nothing():
    images = noise(3, 9, 7, 3)
    np.testing.assert_array_equal(Policy().augmented(images, seed=0), images)


def dataset(count=24, size=8, batch=4):
    images = noise(count, size, size, 3)
    return tf.data.Dataset.from_tensor_slices((images, np.arange(count))).batch(batch)


def read(batches):
    return np.concatenate([images for images, _ in batches.as_numpy_iterator()])


def test_same_seed_same_images_in_every_pipeline_and_others_in_every_epoch():
    policy = Policy(rotation=0.3, brightness=0.2)
    first, again = (policy.apply(dataset(), seed=5) for _ in range(2))
    epochs, epochs_again = [[read(one) for _ in range(3)] for one in (first, again)]
    np.testing.assert_array_equal(epochs, epochs_again)
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(epochs[one] - epochs[other]).max() > 0.1
    assert np.abs(read(policy.apply(dataset(), seed=6)) - epochs[0]).max() > 0.1
    twice = read(policy.apply(dataset(), seed=5).repeat(2))
    assert np.abs(twice[:24] - twice[24:]).max() > 0.1


def test_batches_of_a_run_and_images_of_a_batch_differ():
    same = tf.data.Dataset.from_tensor_slices(np.repeat(noise(1, 8, 8, 1), 8, axis=0)).batch(4)
    changed = np.concatenate(list(Policy(rotation=0.4).apply(same, seed=0).as_numpy_iterator()))
    assert len(np.unique(changed.round(4), axis=0)) == 8


def test_labels_weights_and_order_pass():
    weighted = dataset().map(lambda images, labels: (images, labels, tf.ones_like(labels)))
    elements = list(TURN.apply(weighted, seed=0).as_numpy_iterator())
    assert np.concatenate([labels for _, labels, _ in elements]).tolist() == list(range(24))
    assert all(len(element) == 3 for element in elements)
    alone = TURN.apply(dataset().map(lambda images, _: images), seed=0)
    assert alone.element_spec.shape.as_list() == [None, 8, 8, 3]


def one_by_one(by):
    return np.asarray(by)[:, None, None, None]


def test_color_is_that_of_keras_and_arithmetic_within_bounds():
    images, number = noise(8, 6, 5, 3), tf.constant([2, 0], tf.int64)
    bright, stark = Policy(brightness=0.4), Policy(contrast=0.9)
    layer = keras.layers.RandomBrightness(0.1, value_range=(0, 1))
    delta = {"rgb_delta": one_by_one(draw(bright, images, number).brightness)}
    wanted = layer.transform_images(images, delta)
    np.testing.assert_allclose(bright.augmented(images, seed=2), wanted, atol=1e-6)
    layer = keras.layers.RandomContrast(0.1, value_range=(0, 1))
    factor = {"contrast_factor": one_by_one(draw(stark, images, number).contrast)}
    wanted = layer.transform_images(tf.constant(images), factor)
    np.testing.assert_allclose(stark.augmented(images, seed=2), wanted, atol=1e-6)
    tinted = Policy(channel_shift=0.8)
    by = np.asarray(draw(tinted, images, number).channels)[:, None, None]
    ours = tinted.augmented(images, seed=2)
    np.testing.assert_allclose(ours, np.clip(images + by, 0, 1), atol=1e-6)


def test_everything_at_its_most_stays_in_range():
    wild = Policy(
        rotation=0.5,
        shift=0.9,
        shear=0.24,
        zoom=0.9,
        brightness=1.0,
        contrast=1.0,
        channel_shift=1.0,
    )
    changed = wild.augmented(noise(64, 8, 8, 3), seed=0)
    assert np.isfinite(changed).all()
    assert changed.min() >= 0 and changed.max() <= 1


def test_channels_are_shifted_apart_only_when_asked():
    images = np.full((16, 4, 4, 3), 0.5, np.float32)
    gray = Policy(rotation=0.3, brightness=0.3, contrast=0.2).augmented(images, seed=0)
    assert np.ptp(gray, axis=-1).max() < 1e-6 < np.ptp(gray, axis=0).max()
    assert np.ptp(Policy(channel_shift=0.3).augmented(images, seed=0), axis=-1).min() > 1e-4


def test_views_are_averaged():
    images = noise(4, 6, 6, 1)
    wanted = (images[:, 0] + images[:, 0, ::-1]) / 2
    ours = averaged_over_views(lambda images: images[:, 0], images)
    np.testing.assert_allclose(ours, wanted, atol=1e-6)
    turned = Policy(rotation=0.3)
    wanted = (images + turned.augmented(images, seed=8) + turned.augmented(images, seed=9)) / 3
    ours = averaged_over_views(lambda images: images, images, turned, views=3, seed=7)
    np.testing.assert_allclose(ours, wanted, atol=1e-6)


@pytest.mark.parametrize(("policy", "views"), [(None, 3), (Policy(), 1), (Policy(), 2.0)])
def test_views_that_cannot_be_are_refused(policy, views):
    with pytest.raises(InputError, match=f"received {views}"):
        averaged_over_views(lambda images: images, zeros(1, 2, 2, 1), policy, views=views)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("rotation", (20, -0.1, float("nan"), True, (0.1, 0.2))),
        ("shear", (0.25, 10)),
        ("shift", (1.0, -0.1, (0.1,), (0.1, 2), ((0, 1), 0.1))),
        ("zoom", (1.0, (0.0, 1.0), (1.2, 0.8), "0.2")),
        ("zoom_keeps_proportions", (1,)),
        ("flip_horizontal", (0.5,)),
        ("flip_vertical", (None,)),
        ("brightness", (30,)),
        ("contrast", (-0.1,)),
        ("channel_shift", (1.5,)),
        ("fill_value", (128,)),
        ("fill", ("mirror",)),
    ],
)
def test_arguments_out_of_range_are_refused(name, values):
    for value in values:
        with pytest.raises(InputError) as error:
            Policy(**{name: value})
        assert name in str(error.value) and f"received {value!r}" in str(error.value)


def test_degrees_are_told_how_to_be_a_fraction():
    with pytest.raises(InputError, match="20 / 360"):
        Policy(rotation=20)


def test_ends_of_the_ranges_are_accepted():
    Policy(rotation=0.5, shift=0.99, shear=0.249, zoom=0.99, brightness=1, contrast=1)
    Policy(rotation=np.float64(0.1), zoom=(0.1, 9))


def not_finite(value):
    """An image with one bad value, between those that a sample of every fourth would look at."""
    images = zeros(1, 16, 16, 3)
    images[0, 1, 1] = value
    return images


@pytest.mark.parametrize(
    ("images", "received"),
    [
        (zeros(4, 4, 3), r"\(4, 4, 3\): batch the dataset first"),
        (zeros(4, 4), r"\(4, 4\)"),
        (zeros(2, 4, 4, 2), r"\(2, 4, 4, 2\)"),
        (zeros(2, 3, 4, 4), r"\(2, 3, 4, 4\): put the channels last"),
        (zeros(2, 4, 4, 3, dtype=np.uint8), "uint8: divide by 255"),
        (zeros(2, 4, 4, 3, dtype=np.float64), "float64"),
        (zeros(2, 4, 4, 3) + 255, "255"),
        (zeros(2, 4, 4, 3) - 1, "-1"),
        (not_finite(np.nan), "nan"),
        (not_finite(np.inf), "inf"),
    ],
)
def test_what_is_no_batch_of_images_is_refused(images, received):
    with pytest.raises(InputError, match=received):
        TURN.augmented(images, seed=0)
    with pytest.raises(InputError, match=received):
        averaged_over_views(lambda images: images, images)


def of(images):
    return tf.data.Dataset.from_tensor_slices(images).batch(2)


@pytest.mark.parametrize(
    ("data", "received"),
    [
        (zeros(2, 4, 4, 3), "ndarray"),
        (of(zeros(2, 4, 4, 3)).unbatch(), r"\(4, 4, 3\)"),
        (of(zeros(2, 4, 4, 3, dtype=np.uint8)), "uint8"),
        (of(zeros(2, 4, 4, 3)).map(lambda x: {"images": x}), "dict"),
        (
            tf.data.Dataset.from_generator(lambda: iter(()), output_types=tf.float32),
            "tells none: give `from_generator` an output_signature",
        ),
    ],
)
def test_datasets_of_something_else_are_refused_before_they_are_read(data, received):
    with pytest.raises(InputError, match=received):
        TURN.apply(data, seed=0)


@pytest.mark.parametrize("images", [zeros(2, 8, 8, 3) + 255, not_finite(np.nan)])
def test_values_out_of_range_stop_a_dataset_with_the_same_message(images):
    with pytest.raises(tf.errors.InvalidArgumentError, match="divide images of 0 to 255 by 255"):
        next(iter(TURN.apply(of(images), seed=0)))


@pytest.mark.parametrize("seed", [-1, 0.5, None, True, 2**63])
def test_seeds_that_are_none_are_refused(seed):
    calls = (
        lambda: TURN.augmented(zeros(1, 2, 2, 1), seed=seed),
        lambda: TURN.apply(of(zeros(1, 2, 2, 1)), seed=seed),
        lambda: averaged_over_views(lambda images: images, zeros(1, 2, 2, 1), seed=seed),
        lambda: keras_layers(TURN, seed=seed),
    )
    for call in calls:
        with pytest.raises(InputError, match=f"received {seed!r}"):
            call()


def test_layers_are_in_the_order_of_the_matrix():
    stack = keras_layers(replace(EVERYTHING, channel_shift=0.0), seed=3)
    assert [type(layer).__name__.removeprefix("Random") for layer in stack] == [
        *("Rotation", "Translation", "Shear", "Zoom", "Flip", "Flip", "Brightness", "Contrast")
    ]
    assert [layer.seed for layer in stack] == [3, 4, 5, 6, 7, 8, 9, 10]
    assert keras_layers(Policy(), seed=0) == []


def test_layers_are_the_identity_at_inference():
    images = noise(2, 8, 8, 3)
    still = keras.Sequential(keras_layers(Policy(rotation=0.2, brightness=0.3), seed=0))
    np.testing.assert_array_equal(still(images, training=False), images)
    assert np.abs(still(images, training=True) - images).max() > 0.05


@pytest.mark.parametrize(
    ("policy", "received"), [(Policy(zoom=(1, 3)), "3"), (Policy(channel_shift=0.1), "0.1")]
)
def test_policies_that_no_layer_follows_are_refused(policy, received):
    with pytest.raises(InputError, match=f"received {received}"):
        keras_layers(policy, seed=0)
