"""The readers of IDX files and CIFAR-10's records: order of axes, and every way of being broken."""

import gzip

import numpy as np
import pytest

from course_tools.datasets.formats import read_cifar10, read_idx
from course_utils.errors import InputError


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html>not found</html>", "whole gzip"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x03abc")[:-9], "whole gzip"),
        (gzip.compress(b"\0\0\x0d\x01\0\0\0\x03abc"), "00 00 0d 01"),
        (gzip.compress(b""), "IDX"),
        (gzip.compress(b"\0\0\x08\x03\0\0"), "16 bytes"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x04abc"), r"4 values \(4,\).* received 3"),
    ],
    ids=["html", "cut", "floats", "empty", "half a header", "too short"],
)
def test_what_is_no_idx_file_is_refused(tmp_path, content, words):
    (tmp_path / "x.gz").write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_idx(tmp_path / "x.gz")


def record(label, image):
    """One record, written pixel by pixel as the format describes it."""
    body = bytearray([label])
    for channel in range(3):
        for row in range(32):
            for column in range(32):
                body.append(image[row, column, channel])
    return bytes(body)


@pytest.fixture
def read(tmp_path):
    def write_and_read(files):
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        return read_cifar10([tmp_path / name for name in files])

    return write_and_read


def test_images_come_channels_last_and_files_in_the_order_of_their_names(read):
    pixels = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    images, labels, test_images, test_labels = read(
        {
            "data_batch_2.bin": record(7, pixels[2]),
            "test_batch.bin": record(9, pixels[3]),
            "data_batch_1.bin": record(0, pixels[0]) + record(5, pixels[1]),
        }
    )
    assert np.array_equal(images, pixels[:3])
    assert np.array_equal(test_images, pixels[3:])
    assert labels.tolist() == [0, 5, 7] and test_labels.tolist() == [9]
    assert images.dtype == np.uint8 and labels.dtype == np.int32
    assert images.flags.c_contiguous and images.flags.writeable
    # One image in the wrong order would be seen.
    unmoved = np.frombuffer(record(0, pixels[0]), np.uint8)[1:].reshape(32, 32, 3)
    assert not np.array_equal(images[0], unmoved)


@pytest.mark.parametrize(
    ("train", "test", "words"),
    [
        (None, None, "neither"),
        (bytes(3073), None, r"received data_batch_1\.bin"),
        (None, bytes(3073), r"received test_batch\.bin"),
        (bytes(3073 + 12), bytes(3073), r"data_batch_1\.bin, received 3,085 bytes, 12 too"),
        (bytes(3073), b"", r"test_batch\.bin, received 0 bytes"),
        (bytes(3073) + bytes([10]) + bytes(3072), bytes(3073), "received 10 in record 1"),
    ],
)
def test_what_is_no_whole_set_of_records_is_refused(read, train, test, words):
    files = {"data_batch_1.bin": train, "test_batch.bin": test}
    with pytest.raises(InputError, match=words):
        read({name: content for name, content in files.items() if content is not None})
