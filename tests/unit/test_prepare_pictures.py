"""Bad pictures and near-identical ones, against TensorFlow's decoder and a plain double loop."""

import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from skimage import data

from course_utils.datasets.pictures import look, look_at, near_identical

CHELSEA, COFFEE = Image.fromarray(data.chelsea()), Image.fromarray(data.coffee())


def encoded(picture, kind="JPEG", **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


WHOLE = encoded(CHELSEA)


@pytest.fixture
def see(tmp_path):
    def look_at_bytes(content, **options):
        (tmp_path / "홍 길동.jpg").write_bytes(content)
        return look(tmp_path / "홍 길동.jpg", **options)

    return look_at_bytes


def test_a_good_picture(see):
    seen = see(WHOLE)
    assert (seen.fault, seen.kind, seen.size) == ("", "JPEG", (300, 451))
    assert seen.thumbnail.shape == (256,) and np.linalg.norm(seen.thumbnail) == pytest.approx(1)
    assert seen.thumbnail.mean() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "empty"),
        (b"GIF89a not really a picture", "no JPEG: begins with b'GIF89a not r'"),
        (encoded(CHELSEA, "PNG"), "no JPEG: begins with b'\\x89PNG"),
        (WHOLE[:2000], "truncated: image file is truncated"),
        (WHOLE[:-2], "truncated"),
        (b"\xff\xd8\xff nothing more", "unreadable: cannot identify image file"),
    ],
)
def test_a_bad_picture(see, content, fault):
    assert see(content).fault.startswith(fault)


def test_the_reason_is_the_same_in_every_run(see):
    content = b"\xff\xd8\xff nothing more"
    assert see(content).fault == see(content).fault
    assert "0x" not in see(content).fault


def test_every_format_is_good_where_it_is_allowed(see):
    for kind in ("PNG", "GIF", "BMP"):
        seen = see(encoded(CHELSEA.convert("P"), kind), jpeg_only=False)
        assert (seen.fault, seen.kind) == ("", kind)


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGB"])
@pytest.mark.parametrize("progressive", [False, True])
def test_what_is_called_good_is_read_by_tensorflow_and_what_is_bad_is_not(see, mode, progressive):
    import tensorflow as tf

    whole = encoded(COFFEE.convert(mode), progressive=progressive)
    for cut in (0, 1, 2, 3, 4, 10, 100, len(whole) // 2):
        content = whole[: len(whole) - cut]
        try:
            tf.io.decode_jpeg(content, channels=3)
            readable = True
        except tf.errors.InvalidArgumentError:
            readable = False
        assert (see(content).fault == "") == readable, cut
    assert see(whole + b"what some cameras put behind").fault == ""


def test_an_end_mark_that_is_missed_by_tensorflow_alone(see):
    import tensorflow as tf

    # In some pictures, not in all, Pillow has every row before it comes to the mark.
    rng = np.random.default_rng(0)
    contents = [
        encoded(Image.fromarray(rng.integers(0, 256, (size, size, 3), dtype=np.uint8)))[:-2]
        for size in range(16, 64)
    ]
    faults = [see(content).fault for content in contents]
    assert all(fault.startswith("truncated") for fault in faults)
    [*missed] = (k for k, fault in enumerate(faults) if fault == "truncated: no end mark")
    assert missed
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.io.decode_jpeg(contents[missed[0]])


def test_many_are_looked_at_in_their_order(tmp_path):
    paths = []
    for k in range(6):
        paths.append(tmp_path / f"{k}.jpg")
        paths[-1].write_bytes(WHOLE if k % 2 else b"")
    assert [seen.fault for seen in look_at(paths)] == ["empty", ""] * 3


CHANGES = {
    "same": lambda picture: (picture, {}),
    "recompressed": lambda picture: (picture, {"quality": 50}),
    "half": lambda picture: (picture.resize((picture.width // 2, picture.height // 2)), {}),
    "brighter": lambda picture: (ImageEnhance.Brightness(picture).enhance(1.15), {}),
    "grey": lambda picture: (picture.convert("L"), {}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_near_identical(see, change):
    picture, options = CHANGES[change](CHELSEA)
    thumbnails = np.stack(
        [see(c).thumbnail for c in (WHOLE, encoded(COFFEE), encoded(picture, **options))]
    )
    assert near_identical(thumbnails) == [[0, 2]]


def test_a_mirrored_picture_is_another(see):
    mirrored = encoded(CHELSEA.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    assert near_identical(np.stack([see(WHOLE).thumbnail, see(mirrored).thumbnail])) == []


def test_pictures_of_one_grey_are_alike_and_like_nothing_else(see):
    flat = [see(encoded(Image.new("RGB", (50, 40), grey))).thumbnail for grey in ("white", "black")]
    assert near_identical(np.stack([flat[0], see(WHOLE).thumbnail, flat[1]])) == [[0, 2]]


def test_groups_against_a_plain_double_loop_over_the_borders_of_blocks():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 256)).astype(np.float32)
    # 2,200 in all, more than two blocks of 1,024; a few are copies of others.
    many = np.concatenate([vectors, rng.normal(size=(2120, 256)).astype(np.float32), vectors])
    many -= many.mean(axis=1, keepdims=True)
    many /= np.linalg.norm(many, axis=1, keepdims=True)
    assert near_identical(many) == [[k, 2160 + k] for k in range(40)]


def test_what_is_near_to_one_of_a_group_belongs_to_it():
    angles = np.deg2rad([0, 10, 20, 90])  # neighbours correlate by 0.985, the ends by 0.94
    vectors = np.zeros((4, 256), np.float32)
    vectors[:, 0], vectors[:, 1] = np.cos(angles), np.sin(angles)
    assert near_identical(vectors) == [[0, 1, 2]]
