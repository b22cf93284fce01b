"""Image and mask under a parallel map: one draw, one matrix, labels that stay labels."""

import numpy as np
import pytest
import tensorflow as tf

from course_utils.augmentation import Policy
from course_utils.errors import InputError

MOVING = Policy(
    rotation=0.2,
    shift=0.2,
    shear=0.05,
    zoom=0.3,
    flip_horizontal=True,
    flip_vertical=True,
)


def drawn(count, *, size=8, seed=0):
    """Images of 0 and 1 in blocks, and masks that repeat them."""
    blocks = np.random.default_rng(seed).integers(0, 2, (count, size // 2, size // 2), np.uint8)
    masks = blocks.repeat(2, axis=1).repeat(2, axis=2)
    return masks[..., None].astype(np.float32), masks


def apart(images, masks):
    """Pixels whose mask cannot be that of the image.

    A bilinear mean gives the nearest pixel at least a quarter of the weight: above 3/4 that pixel
    must be 1, below 1/4 it must be 0.
    """
    values = images[..., 0]
    return ((values > 0.751) & (masks == 0)) | ((values < 0.249) & (masks == 1))


def pairs(count, batch):
    return tf.data.Dataset.from_tensor_slices(drawn(count)).batch(batch)


def test_images_and_masks_never_come_apart_in_1200_parallel_batches():
    changed = MOVING.apply_to_pairs(pairs(2400, 2), seed=0)
    wrong = judged = moved = count = 0
    for (images, masks), (before, _) in zip(
        changed.as_numpy_iterator(), pairs(2400, 2).as_numpy_iterator(), strict=True
    ):
        wrong += apart(images, masks).sum()
        judged += ((images > 0.751) | (images < 0.249)).sum()
        moved += np.abs(images - before).max() > 0.5
        count += 1
    assert count == 1200
    assert moved > 1100
    assert judged > 60_000
    assert wrong == 0


def test_the_check_sees_masks_that_were_changed_apart_from_their_images():
    images = MOVING.apply(pairs(64, 2).map(lambda images, _: images), seed=0)
    masks = MOVING.apply_to_pairs(pairs(64, 2), seed=1).map(lambda _, masks: masks)
    together = tf.data.Dataset.zip(images, masks).as_numpy_iterator()
    assert sum(apart(*pair).any() for pair in together) > 25


def test_pairs_repeat_and_an_image_is_changed_as_it_is_without_its_mask():
    first, again = (MOVING.apply_to_pairs(pairs(24, 2), seed=3) for _ in range(2))
    alone = MOVING.apply(pairs(24, 2), seed=3)
    for one, other, image in zip(
        *(dataset.as_numpy_iterator() for dataset in (first, again, alone)), strict=True
    ):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])
        np.testing.assert_allclose(one[0], image[0], atol=1e-5)


@pytest.mark.parametrize(("dtype", "channel"), [("uint8", True), ("int32", False), ("int64", True)])
def test_labels_stay_labels_in_shape_and_dtype(dtype, channel):
    images, _ = drawn(30)
    masks = np.random.default_rng(1).choice([0, 3, 7], (30, 8, 8)).astype(dtype)
    masks = masks[..., None] if channel else masks
    _, changed = MOVING.augmented_pair(images, masks, seed=0)
    assert changed.dtype == masks.dtype and changed.shape == masks.shape
    assert set(np.unique(changed)) == {0, 3, 7}


@pytest.mark.parametrize("fill", ["reflect", "constant"])
def test_pixels_from_outside_have_the_label_asked_for(fill):
    images, masks = np.ones((40, 8, 8, 1), np.float32), np.ones((40, 8, 8), np.uint8)
    away = Policy(rotation=0.2, shift=0.4, zoom=(1.0, 1.5), fill=fill)
    _, marked = away.augmented_pair(images, masks, seed=0, outside=255)
    assert set(np.unique(marked)) == {1, 255}
    assert 0.1 < (marked == 255).mean() < 0.7
    images, filled = away.augmented_pair(images, masks, seed=0)
    assert set(np.unique(filled)) == ({0, 1} if fill == "constant" else {1})
    if fill == "constant":
        # Where the image is wholly black, its mask is background, and was marked above.
        np.testing.assert_array_equal(filled == 0, marked == 255)
        assert (filled[images[..., 0] < 0.249] == 0).all()


def test_color_leaves_masks_alone():
    images, masks = drawn(10)
    colored = Policy(brightness=0.3, contrast=0.5, channel_shift=0.2)
    changed, same = colored.augmented_pair(images, masks, seed=0, outside=9)
    np.testing.assert_array_equal(same, masks)
    assert np.abs(changed - images).max() > 0.1


def test_flips_alone_are_exact():
    images, masks = drawn(64)
    mirrored = Policy(flip_horizontal=True, flip_vertical=True)
    changed, changed_masks = mirrored.augmented_pair(images, masks, seed=0, outside=9)
    np.testing.assert_array_equal(changed[..., 0], changed_masks)
    assert (changed_masks != masks).any()


def test_what_stands_after_the_mask_passes():
    weighted = pairs(6, 3).map(lambda images, masks: (images, masks, tf.reduce_sum(masks, (1, 2))))
    before, after = (
        np.concatenate([weights for _, _, weights in dataset.as_numpy_iterator()])
        for dataset in (weighted, Policy(flip_vertical=True).apply_to_pairs(weighted, seed=0))
    )
    np.testing.assert_array_equal(before, after)


IMAGES = np.zeros((2, 4, 4, 3), np.float32)


def of(*arrays):
    return tf.data.Dataset.from_tensor_slices(arrays if len(arrays) > 1 else arrays[0]).batch(2)


@pytest.mark.parametrize(
    ("shape", "dtype", "received"),
    [
        ((2, 4, 4), np.float32, "float32"),
        ((2, 4, 5), np.uint8, "4×4 and masks of 4×5"),
        ((1, 4, 4), np.uint8, "2 images and 1 masks"),
        ((2, 4, 4, 3), np.uint8, r"\(2, 4, 4, 3\)"),
        ((2, 4), np.uint8, r"\(2, 4\)"),
    ],
)
def test_masks_that_are_none_are_refused(shape, dtype, received):
    with pytest.raises(InputError, match=received):
        MOVING.augmented_pair(IMAGES, np.zeros(shape, dtype), seed=0)
    if len(shape) > 2 and shape[0] == 2:
        # A dataset knows no number of images.
        with pytest.raises(InputError, match="any" if len(shape) == 4 else received):
            MOVING.apply_to_pairs(of(IMAGES, np.zeros(shape, dtype)), seed=0)


@pytest.mark.parametrize("outside", [256, -1, 1.5, True])
def test_labels_for_outside_that_a_mask_cannot_hold_are_refused(outside):
    masks = np.zeros((2, 4, 4), np.uint8)
    with pytest.raises(InputError, match=f"from 0 to 255, received {outside}"):
        MOVING.augmented_pair(IMAGES, masks, seed=0, outside=outside)
    with pytest.raises(InputError, match=f"received {outside}"):
        MOVING.apply_to_pairs(of(IMAGES, masks), seed=0, outside=outside)


def test_images_alone_are_no_pairs():
    with pytest.raises(InputError, match="TensorSpec"):
        MOVING.apply_to_pairs(of(IMAGES), seed=0)
