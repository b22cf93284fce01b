import os
from pathlib import Path

import numpy as np
import pytest
import small_archives
from PIL import Image

from course_tools.datasets import command
from course_utils import datasets
from course_utils.datasets import imagenet, registry
from course_utils.errors import InputError

DRAWN = ["things", "creatures", "colour_things"]
FEW = {"train": 20, "validation": 10, "test": 10}


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "홍 길동"))
    monkeypatch.delenv("COURSE_REGISTRY", raising=False)
    return tmp_path


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(InputError, match=r"'thing'.* 'things'"):
        datasets.open("thing")
    with pytest.raises(InputError, match=r"'fashion-mnist'.* 'fashion_mnist'"):
        registry.entry("fashion-mnist")
    with pytest.raises(InputError, match=r"\['things'\]"):
        datasets.open(["things"])


@pytest.mark.parametrize("name", DRAWN)
def test_parts_of_a_drawn_set_share_no_image(name):
    data = datasets.open(name, train=60, validation=40, test=40)
    parts = [{image.tobytes() for image in part.images} for part in (data.train, data.validation)]
    parts.append({image.tobytes() for image in data.test.images})
    assert [len(part) for part in parts] == [60, 40, 40]
    assert len(set.union(*parts)) == 140


def test_a_drawn_set_is_the_same_when_drawn_again(monkeypatch, tmp_path):
    first = datasets.open("things", **FEW, seed=4)
    monkeypatch.setenv("COURSE_CACHE_DIR", str(tmp_path / "elsewhere"))
    second = datasets.open("things", **FEW, seed=4)
    assert np.array_equal(first.train.images, second.train.images)
    other = datasets.open("things", **FEW, seed=5)
    assert not np.array_equal(first.train.images, other.train.images)


@pytest.mark.parametrize("name", DRAWN)
def test_a_drawn_set_has_one_size_that_may_be_named(name):
    usual = datasets.open(name, **FEW)
    height = usual.image_shape[0]
    assert np.array_equal(usual.train.images, datasets.open(name, **FEW, size=height).train.images)
    for size in (height // 2, height + 1, 0):
        with pytest.raises(InputError, match=f"{name}.*{height}.* received {size}"):
            datasets.open(name, **FEW, size=size)


@pytest.mark.parametrize("count", [0, -1, True, 2.5, "3"])
def test_a_count_of_drawn_images_is_a_whole_number(count):
    with pytest.raises(InputError, match=f"train images of things, received {count!r}"):
        datasets.open("things", train=count)


def part(count=10):
    images = np.arange(count, dtype=np.uint8).reshape(-1, 1, 1, 1)
    return datasets.Part("train", images, np.arange(count, dtype=np.int32))


def order(dataset):
    return [int(label) for _, labels in dataset for label in labels]


def test_batches_keep_images_with_their_labels_and_scale_them():
    for images, labels in part().batches(4, shuffle_seed=0):
        assert images.dtype == "float32"
        assert np.allclose(images.numpy().ravel() * 255, labels.numpy())


def test_shuffling_follows_the_seed_and_changes_with_the_epoch():
    shuffled = part().batches(4, shuffle_seed=1)
    first, second = order(shuffled), order(shuffled)
    assert sorted(first) == list(range(10)) and first != second
    again = part().batches(4, shuffle_seed=1)
    assert [order(again), order(again)] == [first, second]
    assert order(part().batches(np.int64(4))) == list(range(10))


STREAMED = datasets.StreamedPart("train", [Path(f"{k}.jpg") for k in range(10)], [0] * 10, size=8)


@pytest.mark.parametrize("chosen", [part(), STREAMED], ids=["in memory", "in files"])
@pytest.mark.parametrize("number", [0, -1, 2.0, 1.5, True, "3", None])
def test_a_number_of_images_is_a_whole_number(chosen, number):
    with pytest.raises(InputError, match=f"received {number!r}"):
        chosen.batches(number)
    with pytest.raises(InputError, match=f"1 to 10 .*train.* received {number!r}"):
        chosen.first(number)
    with pytest.raises(InputError, match="received 11"):
        chosen.first(11)
    with pytest.raises(InputError, match=r"'masks'"):
        chosen.batches(4, target="masks")
    assert len(chosen.first(np.int64(3))) == 3


def test_a_single_photograph(home, monkeypatch):
    content = small_archives.jpeg(1)
    (home / "홍 길동" / "images").mkdir(parents=True)
    file = home / "홍 길동" / "images" / "zoo.jpg"
    file.write_bytes(content)
    text = small_archives.entry("images", {"zoo.jpg": content})
    text = text.replace('name = "zoo.jpg"', 'name = "zoo.jpg"\npicture = "elephant"')
    (home / "registry.toml").write_text(text)
    monkeypatch.setenv("COURSE_REGISTRY", str(home / "registry.toml"))
    assert datasets.photograph("elephant").image.shape == (40, 60, 3)
    file.unlink()
    with pytest.raises(InputError, match="course data images"):
        datasets.photograph("elephant")
    with pytest.raises(InputError, match=r"'elefant'.* 'elephant'"):
        datasets.photograph("elefant")


@pytest.mark.parametrize("name", ["astronaut", "camera", "chelsea", "coffee", "rocket"])
def test_photographs_that_need_no_network(name):
    shown = datasets.photograph(name)
    assert shown.image.dtype == np.uint8 and shown.image.shape[2] == 3 and shown.licence


def test_weights_in_keras_own_folder(home, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(home))
    assert imagenet.weights("vgg16.h5") == "imagenet"
    (home / "models").mkdir()
    (home / "models" / "vgg16.h5").touch()
    assert imagenet.weights("vgg16.h5") == os.fspath(home / "models" / "vgg16.h5")


def test_the_list_tells_what_is_there(home, monkeypatch):
    text = small_archives.entry("toys", {"a": b"a", "b": b"b"}, chapters=["00"], licence="MIT")
    (home / "registry.toml").write_text(text)
    monkeypatch.setenv("COURSE_REGISTRY", str(home / "registry.toml"))
    assert command.listing() == [("toys", "0.1 MB", "00", "not here", "MIT")]
    given, own = home / "홍 길동" / "toys", registry.download_folder("toys")
    given.mkdir(parents=True)
    own.mkdir(parents=True)
    for state, file, content in (
        ("part", own / "b.part", b""),
        ("part", given / "a", b"a"),
        ("part", given / "b", b"of another size"),
        ("downloaded", own / "b", b"b"),
    ):
        file.write_bytes(content)
        assert command.state("toys") == state


def test_a_photograph_of_your_own_is_turned_as_the_camera_held_it(tmp_path):
    upright = np.zeros((40, 60, 3), np.uint8)
    upright[:20] = 250  # light above
    lying = Image.fromarray(np.rot90(upright))
    turned = lying.getexif()
    turned[0x0112] = 6  # to be turned by 90 degrees, clockwise
    lying.save(tmp_path / "사진.jpg", exif=turned, quality=95)
    shown = datasets.photograph(tmp_path / "사진.jpg")
    assert shown.image.shape == (40, 60, 3) and shown.licence == "your own"
    assert shown.image[:18].mean() > 240 and shown.image[22:].mean() < 10
    assert datasets.photograph(str(tmp_path / "사진.jpg")).name == "사진.jpg"


@pytest.mark.parametrize("content", [b"", b"no image", b"\xff\xd8\xff\xe0 broken"])
def test_a_file_that_is_no_photograph_is_refused(tmp_path, content):
    (tmp_path / "mine.jpg").write_bytes(content)
    with pytest.raises(InputError, match=r"mine\.jpg"):
        datasets.photograph(tmp_path / "mine.jpg")
    with pytest.raises(InputError, match=r"yours\.png"):
        datasets.photograph("yours.png")


def test_every_list_of_sets_names_the_same():
    from course_tools.datasets import prepare
    from course_utils.datasets import embedded, real

    assert set(embedded.RECIPES) == set(datasets._EMBEDDED)
    assert prepare._MAKERS.keys() == real.NEEDS.keys() <= registry.entries().keys()
