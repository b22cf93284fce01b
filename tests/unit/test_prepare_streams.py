"""Parts that stay in files, against Keras' own reader of folders."""

import numpy as np
import pytest
from PIL import Image

from course_utils.datasets import StreamedPart
from course_utils.errors import InputError

COUNT = 11


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("홍 길동")
    rng = np.random.default_rng(0)
    for name in ("pictures", "masks"):
        (folder / name).mkdir()
    for k in range(COUNT):
        size = (40 + k, 50)
        smooth = Image.fromarray(rng.integers(0, 256, (6, 7, 3), dtype=np.uint8))
        smooth.resize(size).save(folder / "pictures" / f"{k:02}.jpg", quality=95)
        mask = rng.integers(1, 4, (50, 40 + k), dtype=np.uint8)
        Image.fromarray(mask).save(folder / "masks" / f"{k:02}.png")
    return folder


@pytest.fixture
def part(folder):
    return StreamedPart(
        "train",
        sorted((folder / "pictures").iterdir()),
        np.arange(COUNT, dtype=np.int32),
        size=24,
        masks=sorted((folder / "masks").iterdir()),
        offset=1,
    )


def test_pictures_are_those_of_keras(folder, part):
    import keras

    theirs = keras.utils.image_dataset_from_directory(
        folder / "pictures",
        labels=None,
        image_size=(24, 24),
        batch_size=COUNT,
        shuffle=False,
        verbose=False,
    )
    [expected] = [batch.numpy() for batch in theirs]
    [(images, labels)] = list(part.batches(COUNT))
    assert np.allclose(images.numpy() * 255, expected, atol=1e-3)
    assert labels.numpy().tolist() == list(range(COUNT)) and labels.dtype == "int32"
    assert images.dtype == "float32" and images.shape == (COUNT, 24, 24, 3)
    assert part.batches(4).element_spec[0].shape.as_list() == [None, 24, 24, 3]


def test_arrays_agree_with_batches(part):
    [(images, masks)] = list(part.batches(COUNT, target="parts"))
    assert np.abs(part.scaled() - images.numpy()).max() <= 0.5 / 255 + 1e-6
    assert part.images.dtype == np.uint8 and part.images.shape == (COUNT, 24, 24, 3)
    assert np.array_equal(part.parts, masks.numpy()) and masks.dtype == "uint8"


def test_masks_are_resized_by_nearest_neighbour(part):
    assert set(np.unique(part.parts)) == {0, 1, 2}
    for k, path in enumerate(part.masks):
        mask = np.asarray(Image.open(path)) - 1
        # The pixel under the middle of each new one.
        rows, columns = ((2 * np.arange(24) + 1) * side // 48 for side in mask.shape)
        assert np.array_equal(part.parts[k], mask[np.ix_(rows, columns)])


def test_shuffling_follows_the_seed_changes_with_the_epoch_and_keeps_pairs(part):
    def order(batches):
        return [int(label) for _, labels in batches for label in labels]

    shuffled = part.batches(4, shuffle_seed=3)
    first, second = order(shuffled), order(shuffled)
    assert sorted(first) == list(range(COUNT)) and first != second
    assert order(part.batches(4, shuffle_seed=3)) == first
    for images, masks in part.batches(4, shuffle_seed=5, target="parts"):
        for image, mask in zip(images.numpy(), masks.numpy(), strict=True):
            distances = np.abs(part.scaled() - image).max(axis=(1, 2, 3))
            assert distances.min() < 0.003 and np.sort(distances)[1] > 0.1
            assert np.array_equal(mask, part.parts[distances.argmin()])


def test_the_first_pictures(part):
    some = part.first(3)
    assert len(some) == 3 and np.array_equal(some.images, part.images[:3])
    assert np.array_equal(some.parts, part.parts[:3])
    with pytest.raises(
        InputError, match="expected 1 to 11 pictures of the train part, received 12"
    ):
        part.first(12)


def test_nothing_is_decoded_before_it_is_asked_for(tmp_path):
    missing = StreamedPart("test", [tmp_path / "none.jpg"], np.zeros(1, np.int32), size=24)
    assert missing.image_shape == (24, 24, 3) and len(missing.first(1)) == 1


def test_what_cannot_be_batched(part):
    for size in (0, True, 2.0):
        with pytest.raises(InputError, match="expected a batch size of 1 or more"):
            part.batches(size)
    with pytest.raises(InputError, match="expected the target 'labels' or 'parts', received 'mas"):
        part.batches(4, target="masks")
    bare = StreamedPart("test", part.paths, part.labels, size=24)
    assert bare.parts is None
    with pytest.raises(InputError, match="this set does not know which part each pixel shows"):
        bare.batches(4, target="parts")
    empty = StreamedPart("test", [], np.zeros(0, np.int32), size=24)
    assert empty.images.shape == (0, 24, 24, 3)
    with pytest.raises(InputError, match="the test part, which has none"):
        empty.batches(4)


def test_a_png_among_the_jpegs(folder, tmp_path):
    pixels = np.random.default_rng(1).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    part = StreamedPart("train", [tmp_path / "a.png"], np.zeros(1, np.int32), size=24)
    assert np.array_equal(part.images[0], pixels)
