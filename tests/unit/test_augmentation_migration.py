"""From the legacy generator's arguments: same ranges, same distributions, same pictures."""

import inspect
import re
import warnings

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from course_utils.augmentation import MIGRATION, draws, from_generator_arguments, migration_table
from course_utils.errors import InputError

ImageDataGenerator = tf.keras.preprocessing.image.ImageDataGenerator
MANY = 3000
SHAPE = (10, 20, 3)


def pictures(*shape, seed=0):
    """float32 in [0, 1], whole grey levels, each picture spanning all of them."""
    grey = np.random.default_rng(seed).integers(0, 256, shape)
    grey[:, 0, 0], grey[:, -1, -1] = 0, 255
    return grey.astype(np.float32) / np.float32(255)


def legacy_amounts(**arguments):
    generator = ImageDataGenerator(**arguments)
    np.random.seed(0)
    drawn = [generator.get_random_transform(SHAPE) for _ in range(MANY)]
    return {name: np.array([one[name] for one in drawn], float) for name in drawn[0]}


def our_amounts(**arguments):
    policy = from_generator_arguments(**arguments).policy
    drawn = draws.draw(policy, tf.zeros((MANY, *SHAPE)), tf.constant([1, 0], tf.int64))
    place = drawn.geometry
    return {
        "theta": np.degrees(place.angle),
        "tx": place.shift_y,
        "ty": place.shift_x,
        "shear": np.degrees(place.shear),
        "zx": place.zoom_x,
        "zy": place.zoom_y,
        "flip_horizontal": place.flip_horizontal,
        "flip_vertical": place.flip_vertical,
        "channel_shift_intensity": np.asarray(drawn.brightness) * 255,
        "brightness": drawn.exposure,
    }


RANGES = [
    ("theta", {"rotation_range": 40}),
    ("shear", {"shear_range": 20}),
    ("tx", {"height_shift_range": 0.2}),
    ("ty", {"width_shift_range": 0.3}),
    ("zx", {"zoom_range": 0.2}),
    ("zy", {"zoom_range": (0.5, 1.8)}),
    ("channel_shift_intensity", {"channel_shift_range": 60}),
    ("brightness", {"brightness_range": (0.4, 1.3)}),
]


@pytest.mark.parametrize(("name", "arguments"), RANGES)
def test_amounts_are_distributed_as_in_the_legacy_class(name, arguments):
    theirs, ours = legacy_amounts(**arguments), our_amounts(**arguments)

    def alike(one, other):
        return stats.ks_2samp(one, other, method="asymp").pvalue > 1e-3

    assert alike(ours[name], theirs[name])
    # The comparison sees a range that is wider by three twentieths.
    middle = theirs[name].mean()
    assert not alike(ours[name], (theirs[name] - middle) * 1.15 + middle)
    for other in set(ours) - {name, "zx", "zy"}:
        assert np.ptp(np.asarray(ours[other], float)) == 0, f"{other} is drawn unasked"


def test_both_zooms_are_drawn_apart_as_in_the_legacy_class():
    ours, theirs = our_amounts(zoom_range=0.2), legacy_amounts(zoom_range=0.2)
    for amounts in (ours, theirs):
        assert abs(np.corrcoef(amounts["zx"], amounts["zy"])[0, 1]) < 5 / MANY**0.5


@pytest.mark.parametrize("shift", [3, 1, [1, 4], [0.1, 0.25], (0.0, 0.5)])
@pytest.mark.parametrize(
    ("name", "argument"), [("tx", "height_shift_range"), ("ty", "width_shift_range")]
)
def test_whole_pixels_and_lists_are_chosen_as_in_the_legacy_class(shift, name, argument):
    theirs = legacy_amounts(**{argument: shift})[name].round(4)
    ours = np.asarray(our_amounts(**{argument: shift})[name], float).round(4)
    values, counts = np.unique(ours, return_counts=True)
    their_values, their_counts = np.unique(theirs, return_counts=True)
    np.testing.assert_array_equal(np.abs(values), np.abs(their_values))
    assert (np.abs(counts - their_counts) < 5 * np.sqrt(2 * their_counts)).all()


@pytest.mark.parametrize("flip", ["horizontal_flip", "vertical_flip"])
def test_flips_are_as_frequent(flip):
    name = flip.partition("_")[2] + "_" + flip.partition("_")[0]
    theirs, ours = legacy_amounts(**{flip: True}), our_amounts(**{flip: True})
    assert abs(np.mean(ours[name]) - np.mean(theirs[name])) < 0.06
    other = ({"flip_horizontal", "flip_vertical"} - {name}).pop()
    assert not np.any(ours[other]) and not theirs[other].any()


def test_flips_are_drawn_apart_as_in_the_legacy_class():
    for draw in (legacy_amounts, our_amounts):
        both = draw(horizontal_flip=True, vertical_flip=True)
        across, down = (np.asarray(both[f"flip_{way}"]) for way in ("horizontal", "vertical"))
        joint = np.mean((across > 0) & (down > 0))
        assert abs(joint - 0.25) < 0.04


def legacy_picture(picture, arguments, amounts):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return ImageDataGenerator(**arguments).apply_transform(picture * 255, amounts) / 255


def fixed(seed, **arguments):
    """A policy's own amounts for one square picture, in the legacy class's words."""
    steps = from_generator_arguments(**arguments)
    some = pictures(1, 15, 15, 3, seed=seed)
    drawn = draws.draw(steps.policy, tf.constant(some), tf.constant([seed, 0], tf.int64))
    place = drawn.geometry
    amounts = {
        "theta": np.degrees(float(place.angle[0])),
        # The legacy class applies tx to columns; that is tested with the warp.
        "tx": float(place.shift_x[0]),
        "ty": float(place.shift_y[0]),
        "shear": np.degrees(float(place.shear[0])),
        "zx": float(place.zoom_x[0]),
        "zy": float(place.zoom_y[0]),
        "flip_horizontal": bool(place.flip_horizontal[0]),
        "flip_vertical": bool(place.flip_vertical[0]),
    }
    return steps, some, drawn, amounts


@pytest.mark.parametrize("fill_mode", ["nearest", "reflect"])
@pytest.mark.parametrize("seed", range(4))
def test_same_amounts_give_the_same_picture(fill_mode, seed):
    arguments = {
        "rotation_range": 40,
        "width_shift_range": 0.2,
        "height_shift_range": 0.1,
        "shear_range": 15,
        "zoom_range": 0.3,
        "horizontal_flip": True,
        "vertical_flip": True,
        "fill_mode": fill_mode,
    }
    steps, some, _, amounts = fixed(seed, **arguments)
    theirs = legacy_picture(some[0], arguments, amounts)
    ours = steps.policy.augmented(some, seed=seed)[0]
    np.testing.assert_allclose(ours, theirs, atol=2e-4)


@pytest.mark.parametrize("seed", range(4))
def test_same_light_gives_the_same_picture(seed):
    arguments = {"channel_shift_range": 90}
    steps, some, drawn, amounts = fixed(seed, **arguments)
    amounts["channel_shift_intensity"] = float(drawn.brightness[0]) * 255
    theirs = legacy_picture(some[0], arguments, amounts)
    np.testing.assert_allclose(steps.policy.augmented(some, seed=seed)[0], theirs, atol=1e-5)

    arguments = {"brightness_range": (0.3, 1.6)}
    steps, some, drawn, amounts = fixed(seed, **arguments)
    amounts["brightness"] = float(drawn.exposure[0])
    theirs = legacy_picture(some[0], arguments, amounts)
    # The legacy class rounds to whole grey levels.
    np.testing.assert_allclose(steps.policy.augmented(some, seed=seed)[0], theirs, atol=1.01 / 255)


STANDARD = [
    {},
    {"rescale": 1 / 255},
    {"rescale": 2.0, "samplewise_center": True},
    {"samplewise_std_normalization": True},
    {"featurewise_center": True},
    {"rescale": 1 / 255, "featurewise_std_normalization": True},
    {"rescale": 1 / 255, "zca_whitening": True, "zca_epsilon": 1e-2},
    {"zca_whitening": True, "zca_epsilon": 0.5, "featurewise_std_normalization": True},
    {"preprocessing_function": lambda images: images / 127.5 - 1.0},
    {"preprocessing_function": lambda images: images + 3.0, "rescale": 0.5},
]


@pytest.mark.parametrize("arguments", STANDARD, ids=lambda one: "+".join(one) or "nothing")
def test_every_picture_comes_out_as_the_legacy_class_standardises_it(arguments):
    train, some = pictures(40, 4, 3, 2, seed=1), pictures(5, 4, 3, 2, seed=2)
    train, some = (np.repeat(one[..., :1], 3, axis=-1) * [1, 0.7, 0.4] for one in (train, some))
    train, some = train.astype(np.float32), some.astype(np.float32)
    with warnings.catch_warnings():
        # It warns that one of its arguments sets another.
        warnings.simplefilter("ignore")
        generator = ImageDataGenerator(**arguments)
    generator.fit(train * 255)
    theirs = np.stack([generator.standardize(one * 255) for one in some])
    steps = from_generator_arguments(**arguments).fitted(train)
    batches = tf.data.Dataset.from_tensor_slices((some, np.arange(5))).batch(2)
    for prepared in (steps.evaluation(batches), steps.training(batches, seed=0)):
        ours = np.concatenate([images for images, _ in prepared.as_numpy_iterator()])
        scale = np.abs(theirs).max()
        np.testing.assert_allclose(ours / scale, theirs / scale, atol=2e-4)


def test_the_comparison_sees_a_mean_of_other_pictures():
    train, some = pictures(40, 4, 3, 3, seed=1), pictures(5, 4, 3, 3, seed=2)
    steps = from_generator_arguments(featurewise_center=True)
    right, wrong = (steps.fitted(of).standardising(some).numpy() for of in (train, some))
    assert np.abs(right - wrong).max() > 1


def test_only_training_pictures_are_augmented():
    some = tf.data.Dataset.from_tensor_slices(pictures(4, 8, 8, 3)).batch(4)
    steps = from_generator_arguments(rotation_range=40, rescale=1 / 255)
    still = next(steps.evaluation(some).as_numpy_iterator())
    np.testing.assert_allclose(still, pictures(4, 8, 8, 3), atol=1e-6)
    assert np.abs(next(steps.training(some, seed=0).as_numpy_iterator()) - still).max() > 0.1


def test_the_table_has_every_argument_of_the_legacy_class_in_its_order():
    arguments = list(inspect.signature(ImageDataGenerator.__init__).parameters)[1:]
    named = [one.argument for one in MIGRATION]
    assert sorted(named) == sorted(arguments)
    assert all(one.meaning and one.policy and one.layer for one in MIGRATION)


def test_layers_that_the_table_names_exist():
    for one in MIGRATION:
        for name in re.findall(r"\b(Random\w+|Normalization|Rescaling)\b", one.layer):
            assert hasattr(tf.keras.layers, name), name


def test_the_legacy_class_s_own_defaults_are_taken_and_do_nothing():
    parameters = inspect.signature(ImageDataGenerator.__init__).parameters
    defaults = {name: one.default for name, one in list(parameters.items())[1:]}
    steps = from_generator_arguments(**defaults)
    some = pictures(2, 6, 6, 3)
    np.testing.assert_array_equal(steps.policy.augmented(some, seed=0), some)
    assert steps.policy.fill == "nearest"


def test_markdown_table_has_a_row_for_each_argument():
    lines = migration_table().splitlines()
    assert len(lines) == len(MIGRATION) + 2
    assert {line.count("|") for line in lines} == {6}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rotation": 10}, "received 'rotation': did you mean 'rotation_range'?"),
        ({"rotation_range": 200}, "expected rotation_range in degrees, at most 180, received 200"),
        ({"shear_range": 90}, "expected shear_range in degrees, below 90, received 90"),
        ({"rotation_range": "20"}, "expected rotation_range as a number, received '20'"),
        ({"width_shift_range": 2.5}, "use 2.5 divided by the picture's size"),
        ({"height_shift_range": [1.5, 2]}, "parts of a pixel have no equal; round them"),
        ({"zoom_range": 1.5}, "below 1, or (low, high), received 1.5"),
        ({"zoom_range": [1, 2, 3]}, "expected zoom_range as (low, high), received [1, 2, 3]"),
        ({"brightness_range": 0.5}, "expected brightness_range as (low, high), received 0.5"),
        ({"channel_shift_range": 300}, "expected channel_shift_range from 0 to 255"),
        ({"cval": -1}, "expected cval from 0 to 255"),
        ({"fill_mode": "mirror"}, "expected fill to be one of reflect, nearest, wrap, constant"),
        ({"interpolation_order": 3}, "TensorFlow's operation has no other; 1 is what"),
        ({"validation_split": 0.25}, "split before anything is random"),
        ({"data_format": "channels_first"}, "keras.ops.transpose(images, (0, 2, 3, 1))"),
        ({"dtype": "float16"}, 'keras.mixed_precision.set_global_policy("mixed_float16")'),
        ({"preprocessing_function": 3}, "expected preprocessing_function to be a function"),
    ],
)
def test_what_has_no_equal_is_refused_with_what_to_use(arguments, message):
    with pytest.raises(InputError) as error:
        from_generator_arguments(**arguments)
    assert message in str(error.value)
