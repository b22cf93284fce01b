"""The legacy generator's arguments: same ranges, same distributions, same images; and the table."""

import inspect
import re
import warnings

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from course_utils.augmentation import from_generator_arguments, migration_table
from course_utils.augmentation.policy import draw
from course_utils.errors import InputError

ImageDataGenerator = tf.keras.preprocessing.image.ImageDataGenerator
MANY = 3000
SHAPE = (10, 20, 3)


def images_of(*shape, seed=0):
    """float32 in [0, 1], whole gray levels, each image spanning all of them."""
    gray = np.random.default_rng(seed).integers(0, 256, shape)
    gray[:, 0, 0], gray[:, -1, -1] = 0, 255
    return gray.astype(np.float32) / np.float32(255)


def legacy_amounts(**arguments):
    generator = ImageDataGenerator(**arguments)
    np.random.seed(0)
    drawn = [generator.get_random_transform(SHAPE) for _ in range(MANY)]
    return {name: np.array([one[name] for one in drawn], float) for name in drawn[0]}


def in_legacy_words(amounts):
    return {
        "theta": np.degrees(amounts.angle),
        "tx": amounts.shift_y,
        "ty": amounts.shift_x,
        "shear": np.degrees(amounts.shear),
        "zx": amounts.zoom_x,
        "zy": amounts.zoom_y,
        "flip_horizontal": amounts.flip_horizontal,
        "flip_vertical": amounts.flip_vertical,
        "channel_shift_intensity": np.asarray(amounts.brightness) * 255,
    }


def our_amounts(**arguments):
    policy = from_generator_arguments(**arguments).policy
    return in_legacy_words(draw(policy, tf.zeros((MANY, *SHAPE)), tf.constant([1, 0], tf.int64)))


RANGES = [
    ("theta", {"rotation_range": 40}),
    ("shear", {"shear_range": 20}),
    ("tx", {"height_shift_range": 0.2}),
    ("ty", {"width_shift_range": 0.3}),
    ("zx", {"zoom_range": 0.2}),
    ("zy", {"zoom_range": (0.5, 1.8)}),
    ("channel_shift_intensity", {"channel_shift_range": 60}),
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


def test_both_zooms_and_both_flips_are_drawn_apart_as_in_the_legacy_class():
    arguments = {"zoom_range": 0.2, "horizontal_flip": True, "vertical_flip": True}
    for amounts in (our_amounts(**arguments), legacy_amounts(**arguments)):
        assert abs(np.corrcoef(amounts["zx"], amounts["zy"])[0, 1]) < 5 / MANY**0.5
        across, down = (
            np.asarray(amounts[f"flip_{way}"]) > 0 for way in ("horizontal", "vertical")
        )
        for share, wanted in ((across, 0.5), (down, 0.5), (across & down, 0.25)):
            assert abs(np.mean(share) - wanted) < 0.04


@pytest.mark.parametrize("way", ["horizontal", "vertical"])
def test_a_flip_is_the_one_that_was_asked_for(way):
    ours = our_amounts(**{f"{way}_flip": True})
    for name in ("horizontal", "vertical"):
        assert np.any(ours[f"flip_{name}"]) == (name == way)


def legacy_image(image, arguments, amounts):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return ImageDataGenerator(**arguments).apply_transform(image * 255, amounts) / 255


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "arguments",
    [
        {
            "rotation_range": 40,
            "width_shift_range": 0.2,
            "height_shift_range": 0.1,
            "shear_range": 15,
            "zoom_range": 0.3,
            "horizontal_flip": True,
            "vertical_flip": True,
            "fill_mode": fill_mode,
        }
        for fill_mode in ("nearest", "reflect")
    ]
    + [{"channel_shift_range": 90}],
)
def test_same_amounts_give_the_same_image(arguments, seed):
    policy = from_generator_arguments(**arguments).policy
    some = images_of(1, 15, 15, 3, seed=seed)
    amounts = in_legacy_words(draw(policy, tf.constant(some), tf.constant([seed, 0], tf.int64)))
    amounts = {name: np.asarray(value)[0].item() for name, value in amounts.items()}
    # The legacy class moves columns where the height is meant.
    amounts["tx"], amounts["ty"] = amounts["ty"], amounts["tx"]
    theirs = legacy_image(some[0], arguments, amounts)
    np.testing.assert_allclose(policy.augmented(some, seed=seed)[0], theirs, atol=2e-4)


def test_legacy_class_moves_columns_where_the_height_is_meant():
    dot = np.zeros((9, 9, 1), np.float32)
    dot[4, 4] = 1
    still = dict.fromkeys(("theta", "ty", "shear"), 0) | {"zx": 1, "zy": 1}
    assert legacy_image(dot, {}, still | {"tx": 2})[4, 2, 0] == 1


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"rescale": 1 / 255},
        {"rescale": -0.5},
        {"rescale": 1 / 255, "zca_whitening": True, "zca_epsilon": 1e-2},
        {"zca_whitening": True, "zca_epsilon": 0.5},
    ],
    ids=lambda one: "+".join(one) or "nothing",
)
def test_every_image_comes_out_as_the_legacy_class_standardizes_it(arguments):
    train, some = images_of(40, 4, 3, 3, seed=1), images_of(5, 4, 3, 3, seed=2)
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


def test_the_comparison_sees_a_whitening_of_other_images():
    train, some = images_of(40, 4, 3, 3, seed=1), images_of(5, 4, 3, 3, seed=2)
    steps = from_generator_arguments(zca_whitening=True, zca_epsilon=0.5)
    right, wrong = (
        next(steps.fitted(of).evaluation(batched(some)).as_numpy_iterator()) for of in (train, some)
    )
    assert np.abs(right - wrong).max() > 1


def batched(images):
    return tf.data.Dataset.from_tensor_slices(images).batch(8)


def test_only_training_images_are_augmented():
    some = images_of(4, 8, 8, 3)
    steps = from_generator_arguments(rotation_range=40, rescale=1 / 255)
    still = next(steps.evaluation(batched(some)).as_numpy_iterator())
    np.testing.assert_allclose(still, some, atol=1e-6)
    turned = next(steps.training(batched(some), seed=0).as_numpy_iterator())
    assert np.abs(turned - still).max() > 0.1


def test_the_legacy_class_s_own_defaults_are_taken_and_do_nothing():
    parameters = inspect.signature(ImageDataGenerator.__init__).parameters
    defaults = {name: one.default for name, one in list(parameters.items())[1:]}
    policy = from_generator_arguments(**defaults).policy
    some = images_of(2, 6, 6, 3)
    np.testing.assert_array_equal(policy.augmented(some, seed=0), some)
    assert policy.fill == "nearest"


def rows():
    return [line.strip("|").split("|") for line in migration_table().splitlines()]


def test_the_table_has_every_argument_of_the_legacy_class_and_five_columns():
    arguments = list(inspect.signature(ImageDataGenerator.__init__).parameters)[1:]
    assert sorted(row[0].strip(" `") for row in rows()[2:]) == sorted(arguments)
    assert all(len(row) == 5 and all(cell.strip() for cell in row[:4]) for row in rows())


def test_layers_that_the_table_names_exist():
    for row in rows():
        for name in re.findall(r"\b(Random\w+|Normalization|Rescaling)\b", row[3]):
            assert hasattr(tf.keras.layers, name), name


@pytest.mark.parametrize(
    ("arguments", "received"),
    [
        ({"rotation": 10}, "'rotation': did you mean 'rotation_range'"),
        ({"rotation_range": 200}, "200"),
        ({"rotation_range": "20"}, "'20'"),
        ({"shear_range": 90}, "90"),
        ({"width_shift_range": 2.5}, "2.5"),
        ({"width_shift_range": -3}, "-3"),
        ({"height_shift_range": [0.1, 0.2]}, "[0.1, 0.2]"),
        ({"zoom_range": 1.5}, "1.5"),
        ({"zoom_range": [1, 2, 3]}, "[1, 2, 3]"),
        ({"channel_shift_range": 300}, "300"),
        ({"cval": -1}, "-1"),
        ({"zca_epsilon": 0}, "0"),
        ({"fill_mode": "mirror"}, "'mirror'"),
        ({"featurewise_center": True}, "True: today Normalization"),
        ({"samplewise_std_normalization": True}, "True: today none: two lines of NumPy"),
        ({"brightness_range": np.array([0.5, 1.5])}, "array([0.5, 1.5])"),
        ({"preprocessing_function": abs}, "<built-in function abs>: today none: `dataset.map`"),
        ({"interpolation_order": 3}, "3"),
        ({"validation_split": 0.25}, "0.25: today image_dataset_from_directory("),
        ({"data_format": "channels_first"}, "'channels_first'"),
        ({"dtype": "float16"}, "'float16'"),
    ],
)
def test_what_has_no_equal_is_refused_with_what_to_use(arguments, received):
    with pytest.raises(InputError) as error:
        from_generator_arguments(**arguments)
    assert f"received {received}" in str(error.value)


WHITENING = from_generator_arguments(zca_whitening=True)


@pytest.mark.parametrize(
    ("call", "received"),
    [
        (lambda: WHITENING.evaluation(batched(images_of(1, 2, 2, 1))), "received images"),
        (lambda: WHITENING.fitted(np.zeros((1, 150, 150, 3))), "67,500, whose matrix takes 18.2"),
        (lambda: WHITENING.fitted(np.zeros((2, 4, 4))), "(2, 4, 4)"),
        (lambda: WHITENING.fitted(np.zeros((0, 4, 4, 1))), "(0, 4, 4, 1)"),
        (
            lambda: WHITENING.fitted(images_of(3, 4, 1, 1)).evaluation(
                batched(images_of(1, 3, 1, 1))
            ),
            "(None, 3, 1, 1)",
        ),
    ],
)
def test_images_that_cannot_be_whitened_are_refused(call, received):
    with pytest.raises(InputError) as error:
        call()
    assert received in str(error.value)
