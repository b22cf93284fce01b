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
    for name in ("images", "masks"):
        (folder / name).mkdir()
    for k in range(COUNT):
        size = (40 + k, 50)
        smooth = Image.fromarray(rng.integers(0, 256, (6, 7, 3), dtype=np.uint8))
        smooth.resize(size).save(folder / "images" / f"{k:02}.jpg", quality=95)
        mask = rng.integers(1, 4, (50, 40 + k), dtype=np.uint8)
        Image.fromarray(mask).save(folder / "masks" / f"{k:02}.png")
    return folder


@pytest.fixture
def part(folder):
    return StreamedPart(
        "train",
        sorted((folder / "images").iterdir()),
        np.arange(COUNT, dtype=np.int32),
        size=24,
        masks=sorted((folder / "masks").iterdir()),
        offset=1,
    )


def test_images_are_those_of_keras(folder, part):
    import keras

    theirs = keras.utils.image_dataset_from_directory(
        folder / "images",
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


def test_masks_are_resized_by_nearest_neighbor(part):
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


def test_the_first_images(part):
    some = part.first(3)
    assert len(some) == 3 and np.array_equal(some.images, part.images[:3])
    assert np.array_equal(some.parts, part.parts[:3])


def test_nothing_is_decoded_before_it_is_asked_for(tmp_path):
    missing = StreamedPart("test", [tmp_path / "none.jpg"], np.zeros(1, np.int32), size=24)
    assert missing.image_shape == (24, 24, 3) and len(missing.first(1)) == 1
    with pytest.raises(InputError, match=r"none\.jpg"):
        missing.batches(1)


def test_a_part_without_masks_or_without_images(part):
    bare = StreamedPart("test", part.paths, part.labels, size=24)
    assert bare.parts is None
    with pytest.raises(InputError, match="'parts'"):
        bare.batches(4, target="parts")
    empty = StreamedPart("test", [], np.zeros(0, np.int32), size=24)
    assert empty.images.shape == (0, 24, 24, 3)
    with pytest.raises(InputError, match="test part"):
        empty.batches(4)


def test_a_png_among_the_jpegs(tmp_path):
    pixels = np.random.default_rng(1).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    part = StreamedPart("train", [tmp_path / "a.png"], np.zeros(1, np.int32), size=24)
    assert np.array_equal(part.images[0], pixels)


def test_files_that_two_decoders_would_read_differently_are_refused(part, tmp_path):
    classes = np.full((24, 24), 2, np.uint8)
    palette = Image.fromarray(classes, "L").convert("P")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(classes.astype(np.uint16)).save(tmp_path / "16.png")
    palette.save(tmp_path / "palette.png")
    Image.fromarray(classes).save(tmp_path / "lossy.jpg")
    palette.save(tmp_path / "moving.gif")
    Image.new("RGB", (24, 24)).save(tmp_path / "turned.jpg", exif=exif)
    for name in ("16.png", "palette.png", "lossy.jpg"):
        masked = StreamedPart("train", part.paths[:1], [0], size=24, masks=[tmp_path / name])
        for call in (
            lambda masked=masked: masked.parts,
            lambda m=masked: m.batches(1, target="parts"),
        ):
            with pytest.raises(InputError, match=name):
                call()
    for name in ("moving.gif", "turned.jpg"):
        with pytest.raises(InputError, match=name):
            StreamedPart("train", [tmp_path / name], [0], size=24).scaled()
