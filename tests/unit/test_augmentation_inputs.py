"""What a user may get wrong about policies, pictures and masks, and what is said then."""

import numpy as np
import pytest
import tensorflow as tf

from course_utils.augmentation import Pipeline, Policy, Standardising, keras_layers
from course_utils.errors import InputError

TURN = Policy(rotation=0.1)


def pictures(*shape, dtype=np.float32):
    return np.zeros(shape, dtype)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rotation": 20}, "a full turn from 0 to 0.5, included, received 20: for 20 degrees say"),
        ({"rotation": -0.1}, "expected rotation to be a fraction of a full turn"),
        ({"rotation": float("nan")}, "expected rotation to be a fraction of a full turn"),
        ({"rotation": True}, "expected rotation to be a fraction of a full turn"),
        ({"rotation": (0.1, 0.2)}, "received (0.1, 0.2)"),
        ({"shear": 0.25}, "expected shear to be a fraction of a full turn from 0 to below 0.25"),
        ({"shear": 10}, "for 10 degrees say 10 / 360"),
        ({"shift": 1.0}, "expected shift to be a fraction of the size, 0 or more and below 1"),
        ({"shift": -0.1}, "expected shift to be a fraction of the size"),
        ({"shift": (0.1,)}, "expected shift to be one fraction, or a pair (of the height,"),
        ({"shift": (0.1, 2)}, "expected the shift of the width to be a fraction"),
        ({"shift": ((), 0.1)}, "the shift of the height to be values to choose from"),
        ({"shift": ((1, 0.5), 0.1)}, "all whole pixels or all fractions below 1"),
        ({"zoom": 1.0}, "expected zoom to be a number of 0 or more and below 1, or the ends"),
        ({"zoom": (0.0, 1.0)}, "expected zoom to be the ends (low, high) with 0 < low ≤ high"),
        ({"zoom": (1.2, 0.8)}, "expected zoom to be the ends (low, high) with 0 < low ≤ high"),
        ({"zoom": "0.2"}, "received '0.2'"),
        ({"zoom_keeps_proportions": 1}, "expected zoom_keeps_proportions to be True or False"),
        ({"flip_horizontal": 0.5}, "expected flip_horizontal to be True or False, received 0.5"),
        ({"flip_vertical": None}, "expected flip_vertical to be True or False, received None"),
        ({"brightness": 30}, "as pictures are in [0, 1], received 30: divide by 255"),
        ({"contrast": -0.1}, "expected contrast to be a number from 0 to 1"),
        ({"channel_shift": 1.5}, "expected channel_shift to be a number from 0 to 1"),
        ({"fill_value": 128}, "expected fill_value to be a number from 0 to 1"),
        ({"exposure": 0.5}, "expected exposure to be (low, high) with 0 ≤ low ≤ high"),
        ({"exposure": (-0.5, 1)}, "expected exposure to be (low, high) with 0 ≤ low ≤ high"),
        ({"fill": "mirror"}, "one of reflect, nearest, wrap, constant, received 'mirror'"),
        ({"interpolation": "cubic"}, "one of bilinear, nearest, received 'cubic'"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(InputError) as error:
        Policy(**arguments)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_ends_of_the_ranges_are_accepted():
    Policy(rotation=0.5, shift=0.99, shear=0.249, zoom=0.99, brightness=1, contrast=1)
    Policy(rotation=np.float64(0.1), shift=((0, 3), (0.5,)), zoom=(0.1, 9), exposure=(0, 0))


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (pictures(4, 4, 3), "received shape (4, 4, 3): batch the dataset first, or add an axis"),
        (pictures(4, 4), "expected a batch of pictures (batch, height, width, channels)"),
        (pictures(2, 4, 4, 2), "expected pictures with 1 or 3 channels, last"),
        (pictures(2, 3, 4, 4), "received shape (2, 3, 4, 4): put the channels last"),
        (pictures(2, 4, 4, 3, dtype=np.uint8), "received uint8: divide by 255 first"),
        (pictures(2, 4, 4, 3, dtype=np.float64), "received float64: cast them first"),
        (pictures(2, 4, 4, 3) + 255, "received values outside: divide pictures of 0 to 255"),
        (pictures(2, 4, 4, 3) - 1, "augment before a network's own preprocessing"),
        (pictures(2, 4, 4, 3) + np.float32("nan"), "expected pictures with values in [0, 1]"),
    ],
)
def test_pictures_that_are_none_are_refused(images, message):
    with pytest.raises(InputError) as error:
        TURN.augmented(images, seed=0)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        (pictures(2, 4, 4), "as whole numbers (uint8, int32, int64), a class a pixel, received fl"),
        (pictures(2, 4, 5, dtype=np.uint8), "pictures (2, 4, 4, 3) and masks (2, 4, 5): resize"),
        (pictures(1, 4, 4, dtype=np.uint8), "expected masks of their pictures' size"),
        (pictures(2, 4, 4, 3, dtype=np.uint8), "expected masks with one channel, received 3 in"),
        (pictures(2, 4, dtype=np.uint8), "expected masks (batch, height, width) or"),
    ],
)
def test_masks_that_are_none_are_refused(masks, message):
    with pytest.raises(InputError) as error:
        TURN.augmented_pair(pictures(2, 4, 4, 3), masks, seed=0)
    assert message in str(error.value)
    if len(masks) == 2 and masks.shape[0] == 2:
        with pytest.raises(InputError) as error:
            TURN.apply_to_pairs(of(pictures(2, 4, 4, 3), masks), seed=0)


def of(*arrays):
    return tf.data.Dataset.from_tensor_slices(arrays if len(arrays) > 1 else arrays[0]).batch(2)


@pytest.mark.parametrize(
    ("outside", "message"),
    [
        (256, "a whole number from 0 to 255 for uint8 masks, received 256"),
        (-1, "received -1"),
        (1.5, "received 1.5"),
        (True, "received True"),
    ],
)
def test_labels_for_outside_that_a_mask_cannot_hold_are_refused(outside, message):
    masks = pictures(2, 4, 4, dtype=np.uint8)
    with pytest.raises(InputError) as error:
        TURN.augmented_pair(pictures(2, 4, 4, 3), masks, seed=0, outside=outside)
    assert message in str(error.value)
    with pytest.raises(InputError):
        TURN.apply_to_pairs(of(pictures(2, 4, 4, 3), masks), seed=0, outside=outside)


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (pictures(2, 4, 4, 3), "received ndarray: use `augmented` for an array"),
        (of(pictures(2, 4, 4, 3)).unbatch(), "batch the dataset first"),
        (of(pictures(2, 4, 4, 3, dtype=np.uint8)), "divide by 255 first"),
        (of(pictures(2, 4, 4, 3)).map(lambda x: {"images": x}), "(pictures, labels), received di"),
    ],
)
def test_datasets_of_something_else_are_refused_before_they_are_read(dataset, message):
    with pytest.raises(InputError) as error:
        TURN.apply(dataset, seed=0)
    assert message in str(error.value)
    with pytest.raises(InputError):
        Pipeline(policy=TURN).evaluation(dataset)


def test_values_out_of_range_stop_a_dataset_with_the_same_message():
    bright = TURN.apply(of(pictures(2, 8, 8, 3) + 255), seed=0)
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        next(iter(bright))
    assert "divide pictures of 0 to 255 by 255" in str(error.value)


def test_pictures_alone_are_no_pairs():
    with pytest.raises(InputError, match="received one of pictures only: zip the masks"):
        TURN.apply_to_pairs(of(pictures(2, 4, 4, 3)), seed=0)


@pytest.mark.parametrize("seed", [-1, 0.5, None, True])
def test_seeds_that_are_none_are_refused(seed):
    calls = (
        lambda: TURN.augmented(pictures(1, 2, 2, 1), seed=seed),
        lambda: TURN.apply(of(pictures(1, 2, 2, 1)), seed=seed),
        lambda: keras_layers(TURN, seed=seed),
    )
    for call in calls:
        with pytest.raises(InputError) as error:
            call()
        assert f"a whole number of 0 or more, received {seed!r}" in str(error.value)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (Policy(shift=((0, 1), 0.1)), "no Keras layer chooses among pixels"),
        (Policy(zoom=(1, 3)), "expected a zoom of at most 2, received 3"),
        (Policy(channel_shift=0.1), "expected no channel_shift, received 0.1"),
        (Policy(exposure=(0.5, 1)), "expected no exposure, received (0.5, 1)"),
    ],
)
def test_policies_that_no_layer_follows_are_refused(policy, message):
    with pytest.raises(InputError) as error:
        keras_layers(policy, seed=0)
    assert message in str(error.value)


def test_standardising_that_was_not_measured_is_refused():
    with pytest.raises(InputError, match="the training set to be measured first"):
        Standardising(featurewise_center=True)(pictures(1, 2, 2, 1))


def test_pictures_too_large_to_whiten_are_refused():
    with pytest.raises(InputError, match=r"received 67,500, whose matrix takes 18\.2 GB"):
        Standardising(whitening=True).fitted(pictures(1, 150, 150, 3))


@pytest.mark.parametrize("images", [pictures(2, 4, 4), pictures(0, 4, 4, 1)])
def test_nothing_to_measure_is_refused(images):
    with pytest.raises(InputError, match="expected training pictures"):
        Standardising(featurewise_center=True).fitted(images)


def test_pictures_of_another_size_than_measured_are_refused():
    measured = Standardising(whitening=True).fitted(np.eye(4, dtype=np.float32)[:, :, None, None])
    with pytest.raises(InputError, match="expected pictures of 4 values, as were measured"):
        measured(pictures(1, 3, 1, 1))


@pytest.mark.parametrize("function", [lambda images: images.numpy(), lambda images: images[0]])
def test_preprocessing_that_is_none_of_batches_is_refused(function):
    with pytest.raises((InputError, AttributeError)):
        Pipeline(policy=Policy(), preprocessing=function).evaluation(of(pictures(2, 4, 4, 3)))
