import gzip
import hashlib
import struct

import numpy as np
import pytest

from course_tools.datasets import bring
from course_tools.datasets.idx import read_idx
from course_utils import datasets
from course_utils.datasets import registry
from course_utils.errors import InputError


def opened(name, **options):
    bring.prepare_all([name])
    return datasets.open(name, **options)


@pytest.fixture(autouse=True)
def folders(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "홍 길동"))
    monkeypatch.delenv("COURSE_REGISTRY", raising=False)


def idx(array):
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return gzip.compress(header + array.tobytes())


@pytest.fixture
def fashion(monkeypatch, tmp_path):
    """A small set in the layout of the published one, with a registry of its own."""
    rng = np.random.default_rng(0)
    arrays = {
        "train-images-idx3": rng.integers(0, 256, (50, 28, 28), dtype=np.uint8),
        "train-labels-idx1": rng.integers(0, 10, 50, dtype=np.uint8),
        "t10k-images-idx3": rng.integers(0, 256, (20, 28, 28), dtype=np.uint8),
        "t10k-labels-idx1": rng.integers(0, 10, 20, dtype=np.uint8),
    }
    folder = tmp_path / "홍 길동" / "fashion_mnist"
    folder.mkdir(parents=True)
    lines = [
        "[fashion_mnist]",
        'licence = "MIT"',
        f"classes = {[str(k) for k in range(10)]}",
        "split = { train = 40, validation = 10, test = 20 }",
    ]
    for stem, array in arrays.items():
        content = idx(array)
        (folder / f"{stem}-ubyte.gz").write_bytes(content)
        lines += [
            "[[fashion_mnist.files]]",
            f'name = "{stem}-ubyte.gz"',
            f'urls = ["https://example.org/{stem}-ubyte.gz"]',
            f"bytes = {len(content)}",
            f'sha256 = "{hashlib.sha256(content).hexdigest()}"',
        ]
    (tmp_path / "registry.toml").write_text("\n".join(lines))
    monkeypatch.setenv("COURSE_REGISTRY", str(tmp_path / "registry.toml"))
    return folder, arrays


def rows(part):
    return {image.tobytes() for image in part.images}


def test_a_real_set_is_split_by_index(fashion):
    _, arrays = fashion
    data = opened("fashion_mnist")
    assert np.array_equal(data.train.images[..., 0], arrays["train-images-idx3"][:40])
    assert np.array_equal(data.validation.labels, arrays["train-labels-idx1"][40:])
    assert np.array_equal(data.test.images[..., 0], arrays["t10k-images-idx3"])
    assert data.image_shape == (28, 28, 1)


def test_fewer_pictures_are_the_first_ones(fashion):
    whole, some = opened("fashion_mnist"), opened("fashion_mnist", train=7, test=3)
    assert np.array_equal(some.train.images, whole.train.images[:7])
    assert len(some.validation) == 10


def test_more_pictures_than_there_are(fashion):
    with pytest.raises(InputError, match="expected 1 to 40 pictures of the train part, received 4"):
        opened("fashion_mnist", train=41)


def test_a_missing_file_says_where_and_whence(fashion):
    folder, _ = fashion
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(
        InputError, match=r"expected t10k-labels.* it is not there: download it from https.*"
    ) as caught:
        opened("fashion_mnist")
    assert str(folder) in str(caught.value) and "COURSE_DATA_DIR" in str(caught.value)


def test_a_truncated_file_is_told_by_its_size(fashion):
    path = fashion[0] / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="the file is not whole; delete it and download it again"):
        opened("fashion_mnist")


def test_an_altered_file_is_told_by_its_hash(fashion):
    path = fashion[0] / "train-images-idx3-ubyte.gz"
    content = bytearray(path.read_bytes())
    content[500] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"expected SHA-256 .* the file was altered"):
        opened("fashion_mnist")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html>not found</html>", "expected a whole gzip file"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x03abc")[:-9], "expected a whole gzip file"),
        (gzip.compress(b"\0\0\x0d\x01\0\0\0\x03abc"), "received one that begins 00 00 0d 01"),
        (gzip.compress(b""), "expected an IDX file"),
        (gzip.compress(b"\0\0\x08\x03\0\0"), "expected a header of 16 bytes"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x04abc"), r"expected 4 values \(4,\).*received 3"),
    ],
    ids=["html", "cut", "floats", "empty", "half a header", "too short"],
)
def test_what_is_no_idx_file_is_refused(tmp_path, content, message):
    (tmp_path / "x.gz").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_idx(tmp_path / "x.gz")


def test_another_registry_must_be_there_and_be_toml(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_REGISTRY", str(tmp_path / "none.toml"))
    with pytest.raises(InputError, match="it cannot be read: No such file"):
        registry.registry()
    (tmp_path / "bad.toml").write_text("x = ")
    monkeypatch.setenv("COURSE_REGISTRY", str(tmp_path / "bad.toml"))
    with pytest.raises(InputError, match="expected TOML in the registry"):
        registry.registry()


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(InputError, match="received 'thing': did you mean 'things'"):
        datasets.open("thing")
    with pytest.raises(InputError, match="did you mean 'fashion_mnist'"):
        registry.entry("fashion-mnist")


@pytest.mark.parametrize("name", ["things", "creatures", "colour_things"])
def test_parts_of_a_drawn_set_share_no_picture(name):
    data = datasets.open(name, train=60, validation=40, test=40)
    parts = [rows(part) for part in (data.train, data.validation, data.test)]
    assert [len(part) for part in parts] == [60, 40, 40]
    assert len(set.union(*parts)) == 140


def test_a_drawn_set_is_the_same_when_drawn_again(monkeypatch, tmp_path):
    first = datasets.open("things", train=20, validation=10, test=10, seed=4)
    monkeypatch.setenv("COURSE_CACHE_DIR", str(tmp_path / "elsewhere"))
    second = datasets.open("things", train=20, validation=10, test=10, seed=4)
    assert np.array_equal(first.train.images, second.train.images)
    other = datasets.open("things", train=20, validation=10, test=10, seed=5)
    assert not np.array_equal(first.train.images, other.train.images)


@pytest.mark.parametrize("name", ["things", "creatures", "colour_things"])
def test_a_drawn_set_has_one_size_that_may_be_named(name):
    parts = {"train": 4, "validation": 2, "test": 2}
    usual = datasets.open(name, **parts)
    height = usual.image_shape[0]
    same = datasets.open(name, **parts, size=height)
    assert np.array_equal(usual.train.images, same.train.images)
    for size in (height // 2, height + 1, 0):
        with pytest.raises(InputError, match=f"{name}.* {height} .*received {size}"):
            datasets.open(name, **parts, size=size)


@pytest.mark.parametrize("count", [0, -1, True, 2.5])
def test_a_count_of_drawn_pictures_is_a_whole_number(count):
    with pytest.raises(InputError, match=r"expected 1 to 1,000,000 train pictures of things, rec"):
        datasets.open("things", train=count)


def part(count=10):
    images = np.arange(count, dtype=np.uint8).reshape(-1, 1, 1, 1)
    return datasets.Part("train", images, np.arange(count, dtype=np.int32))


def order(dataset):
    return [int(label) for _, labels in dataset for label in labels]


def test_batches_keep_pictures_with_their_labels_and_scale_them():
    for images, labels in part().batches(4, shuffle_seed=0):
        assert images.dtype == "float32"
        assert np.allclose(images.numpy().ravel() * 255, labels.numpy())


def test_shuffling_follows_the_seed_and_changes_with_the_epoch():
    shuffled = part().batches(4, shuffle_seed=1)
    first, second = order(shuffled), order(shuffled)
    assert sorted(first) == list(range(10)) and first != second
    again = part().batches(4, shuffle_seed=1)
    assert [order(again), order(again)] == [first, second]
    assert order(part().batches(4)) == list(range(10))


@pytest.mark.parametrize("size", [0, -1, 2.0, True])
def test_a_batch_size_is_a_whole_number(size):
    with pytest.raises(InputError, match="expected a batch size of 1 or more, received"):
        part().batches(size)
