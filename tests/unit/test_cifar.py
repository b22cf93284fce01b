"""The reader of CIFAR-10's archive: orders of axes and files, and every way of being broken."""

import hashlib
import io
import tarfile

import numpy as np
import pytest

from course_tools.datasets import bring
from course_tools.datasets.cifar import read_cifar10
from course_utils import datasets
from course_utils.errors import InputError

FOLDER = "cifar-10-batches-bin"


def opened(name, **options):
    bring.prepare_all([name])
    return datasets.open(name, **options)


def record(label, picture):
    """One record, written pixel by pixel as the format describes it."""
    body = bytearray([label])
    for channel in range(3):
        for row in range(32):
            for column in range(32):
                body.append(picture[row, column, channel])
    return bytes(body)


def write(path, files):
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture
def pictures():
    return np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)


@pytest.fixture
def archive(tmp_path, pictures):
    folder = tmp_path / "홍 길동"
    folder.mkdir()
    return write(
        folder / "cifar.tar.gz",
        {
            f"{FOLDER}/batches.meta.txt": b"airplane\n",
            f"{FOLDER}/data_batch_2.bin": record(7, pictures[2]),
            f"{FOLDER}/test_batch.bin": record(9, pictures[3]),
            f"{FOLDER}/data_batch_1.bin": record(0, pictures[0]) + record(5, pictures[1]),
            f"{FOLDER}/readme.html": b"<html>",
        },
    )


def test_pictures_come_channels_last_and_files_in_the_order_of_their_names(archive, pictures):
    images, labels, test_images, test_labels = read_cifar10(archive)
    assert np.array_equal(images, pictures[:3])
    assert np.array_equal(test_images, pictures[3:])
    assert labels.tolist() == [0, 5, 7] and test_labels.tolist() == [9]
    assert images.dtype == np.uint8 and labels.dtype == np.int32
    assert images.flags.c_contiguous and images.flags.writeable


def test_one_picture_in_the_wrong_order_would_be_seen(archive, pictures):
    images = read_cifar10(archive)[0]
    unmoved = np.frombuffer(record(0, pictures[0]), np.uint8)[1:].reshape(32, 32, 3)
    assert not np.array_equal(images[0], unmoved)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "received neither: take the binary version"),
        ({"data_batch_1.bin": bytes(3073)}, r"received data_batch_1\.bin: take the binary"),
        ({"test_batch.bin": bytes(3073)}, r"received test_batch\.bin: take the binary"),
        ({"data_batch_1": bytes(3073), "test_batch": bytes(3073)}, "received neither"),
        (
            {"data_batch_1.bin": bytes(3073 + 12), "test_batch.bin": bytes(3073)},
            r"expected whole records of 3,073 bytes in data_batch_1\.bin of .* received 3,085 "
            "bytes, 12 too many",
        ),
        (
            {"data_batch_1.bin": bytes(3073), "test_batch.bin": b""},
            r"whole records of 3,073 bytes in test_batch\.bin of .* received 0 bytes",
        ),
        (
            {
                "data_batch_1.bin": bytes(3073) + bytes([10]) + bytes(3072),
                "test_batch.bin": bytes(3073),
            },
            r"expected labels from 0 to 9 in data_batch_1\.bin of .*, received 10 in record 1",
        ),
    ],
)
def test_what_is_in_the_archive_is_checked(tmp_path, files, message):
    with pytest.raises(InputError, match=message):
        read_cifar10(write(tmp_path / "x.tar.gz", files))


def test_what_is_no_whole_archive_is_refused(tmp_path, archive):
    whole = archive.read_bytes()
    altered = bytearray(whole)
    altered[len(whole) // 2] ^= 255
    for content in (b"", b"<html>not found</html>", whole[: len(whole) // 2], bytes(altered)):
        path = tmp_path / "broken.tar.gz"
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"expected a whole tar\.gz file at"):
            read_cifar10(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"at .*none\.tar\.gz, received: .*No such file"):
        read_cifar10(tmp_path / "none.tar.gz")


def test_a_link_in_the_archive_is_not_followed(tmp_path):
    path = tmp_path / "link.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo("data_batch_1.bin")
        member.type, member.linkname = tarfile.SYMTYPE, "secret"
        archive.addfile(member)
    with pytest.raises(InputError, match="received neither"):
        read_cifar10(path)


def test_the_set_is_split_by_index(archive, pictures, monkeypatch, tmp_path):
    folder = archive.parent / "cifar10"
    folder.mkdir()
    content = archive.rename(folder / archive.name).read_bytes()
    lines = [
        "[cifar10]",
        'licence = "none stated"',
        f"classes = {[str(k) for k in range(10)]}",
        "split = { train = 2, validation = 1, test = 1 }",
        "[[cifar10.files]]",
        f'name = "{archive.name}"',
        f'urls = ["https://example.org/{archive.name}"]',
        f"bytes = {len(content)}",
        f'sha256 = "{hashlib.sha256(content).hexdigest()}"',
    ]
    (tmp_path / "registry.toml").write_text("\n".join(lines))
    monkeypatch.setenv("COURSE_REGISTRY", str(tmp_path / "registry.toml"))
    monkeypatch.setenv("COURSE_DATA_DIR", str(archive.parent))

    data = opened("cifar10")
    assert np.array_equal(data.train.images, pictures[:2])
    assert np.array_equal(data.validation.images, pictures[2:3])
    assert np.array_equal(data.test.images, pictures[3:])
    assert data.image_shape == (32, 32, 3) and data.test.labels.tolist() == [9]
    assert len(opened("cifar10", train=1).train) == 1
    with pytest.raises(InputError, match="expected 1 to 2 pictures of the train part, received 3"):
        opened("cifar10", train=3)
