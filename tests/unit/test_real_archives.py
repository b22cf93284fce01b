"""The small real archives, over file:// and loopback HTTP: fetched, prepared, opened."""

import loopback_server
import numpy as np
import pytest
import small_archives

from course_tools.datasets import command
from course_utils import cache, datasets
from course_utils.datasets import imagenet, registry

SETS = ("fashion_mnist", "cifar10", "cats_vs_dogs", "flowers", "oxford_pets", "images", "imagenet")
EXPECTED = {
    "fashion_mnist": (48_000, 12_000, 10_000, (28, 28, 1)),
    "cifar10": (800, 200, 500, (32, 32, 3)),
    "cats_vs_dogs": (300, 100, 200, (150, 150, 3)),
    "flowers": (190, 50, 50, (180, 180, 3)),
    "oxford_pets": (20, 11, 0, (200, 200, 3)),
}


@pytest.fixture(scope="module", params=["http", "file"])
def brought(request, tmp_path_factory):
    """All sets, brought by one call into folders of their own."""
    archives = small_archives.folder()
    home = tmp_path_factory.mktemp("홍 길동")
    with pytest.MonkeyPatch.context() as patch, loopback_server.running(archives) as server:
        patch.setenv("NO_PROXY", "*")
        patch.setenv("COURSE_CACHE_DIR", str(home / "cache"))
        patch.setenv("COURSE_DATA_DIR", str(home / "no downloads here"))
        base = server.base if request.param == "http" else archives.as_uri()
        patch.setenv("COURSE_REGISTRY", str(small_archives.registry(base, home / "small.toml")))
        command.bring(SETS)
        yield home
        assert len(server.asked) == (14 if request.param == "http" else 0)


@pytest.mark.parametrize("name", EXPECTED)
def test_every_set_opens(brought, name):
    data = datasets.open(name)
    sizes = (len(data.train), len(data.validation), len(data.test), data.image_shape)
    assert sizes == EXPECTED[name]
    images, labels = next(iter(data.train.batches(8, shuffle_seed=0)))
    assert images.shape == (8, *data.image_shape) and float(images.numpy().min()) >= 0
    assert 0.5 < float(images.numpy().max()) <= 1
    assert set(labels.numpy()) <= set(range(len(data.classes)))


@pytest.mark.parametrize("name", ["cats_vs_dogs", "flowers"])
def test_every_class_is_as_often_in_each_part(brought, name):
    data = datasets.open(name)
    for part in (data.train, data.validation, data.test):
        assert len(set(np.bincount(part.labels))) == 1
        assert len(np.unique(part.first(len(data.classes)).labels)) == len(data.classes)
    paths = [path for part in (data.train, data.validation, data.test) for path in part.paths]
    assert len(paths) == len(set(paths))


def test_what_the_archive_of_cats_and_dogs_is_known_for_is_found(brought):
    folder = datasets.open("cats_vs_dogs").folder
    reasons = {row["file"]: row["reason"] for row in cache.about(folder)["left_out"]}
    assert {file: reason.split(":")[0] for file, reason in reasons.items()} == {
        "PetImages/Cat/666.jpg": "empty",
        "PetImages/Cat/10404.jpg": "truncated",
        "PetImages/Cat/Thumbs.db": "stray file",
        "PetImages/Dog/9500.jpg": "no JPEG",
        "PetImages/Dog/11702.jpg": "empty",
        "PetImages/Dog/Thumbs.db": "stray file",
    }
    assert cache.about(folder)["rewritten"] == []


def test_the_same_litter_sent_in_twice_is_in_one_part(brought):
    data = datasets.open("cats_vs_dogs")
    assert cache.about(data.folder)["kept_together"] == [
        ["PetImages/Dog/74.jpg", "PetImages/Dog/180.jpg"]
    ]
    dogs = {path.name for path in (data.folder / "train" / "dog").iterdir()}
    assert {"74.jpg", "180.jpg"} <= dogs


def test_trimaps_belong_to_their_pictures(brought):
    data = datasets.open("oxford_pets", size=64)
    assert data.part_names == ("pet", "background", "border")
    stems = [path.stem for part in (data.train, data.validation) for path in part.paths]
    assert len(set(stems)) == 31
    assert sum(stem[0].isupper() for stem in stems) == 22
    assert set(np.unique(data.train.parts)) == {0, 1, 2}
    # The pet is in the middle more often than at the edges, or masks were turned or mixed up.
    pet = data.train.parts == 0
    assert pet[:, 24:40, 24:40].mean() > 0.6 > 0.2 > pet[:, [0, -1]].mean()


def test_the_elephant_and_the_weights_are_at_hand(brought):
    assert datasets.photograph("elephant").image.shape == (351, 525, 3)
    file = "mobilenet_2_5_224_tf_no_top.h5"
    assert imagenet.weights(file) == str(registry.verified("imagenet", only=file)[file])
    assert imagenet.class_names()[386] == "African_elephant" and len(imagenet.class_names()) == 1000


def test_bringing_all_again_does_nothing(brought):
    lines = []
    command.bring(SETS, say=lines.append)
    assert len(lines) == len(SETS) and all(line.endswith("nothing to do") for line in lines)
