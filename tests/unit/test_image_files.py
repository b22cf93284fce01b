"""Image files, read and inspected, against TensorFlow's decoder and a plain double loop."""

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from skimage import data
from small_archives import encoded

from course_utils.datasets.image_files import check_plain, inspect, near_duplicates, read_image
from course_utils.errors import InputError

CHELSEA, COFFEE = Image.fromarray(data.chelsea()), Image.fromarray(data.coffee())
WHOLE = encoded(CHELSEA)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "홍 길동.jpg"


@pytest.fixture
def see(path):
    def inspect_bytes(content, **options):
        path.write_bytes(content)
        return inspect([path], **options)[0]

    return inspect_bytes


def of_mode(mode):
    if mode == "I;16":
        return Image.fromarray(np.linspace(0, 65535, 3000).astype(np.uint16).reshape(50, 60))
    return COFFEE.crop((100, 100, 160, 150)).convert(mode)


def turned(orientation, kind="JPEG"):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(COFFEE.crop((100, 100, 160, 150)), kind, exif=exif)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "RGB", "I;16"])
def test_both_decoders_give_the_same_of_a_png(path, mode):
    import tensorflow as tf

    path.write_bytes(encoded(of_mode(mode), "PNG"))
    theirs = tf.io.decode_image(path.read_bytes(), channels=3).numpy()
    assert np.array_equal(read_image(path), theirs)
    check_plain([path])


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGB"])
def test_both_decoders_give_the_same_of_a_jpeg_but_for_the_cosine_transform(path, mode):
    import tensorflow as tf

    path.write_bytes(encoded(COFFEE.convert(mode)))
    exact = tf.io.decode_jpeg(path.read_bytes(), channels=3, dct_method="INTEGER_ACCURATE")
    assert np.array_equal(read_image(path), exact.numpy())
    fast = tf.io.decode_image(path.read_bytes(), channels=3).numpy().astype(int)
    assert abs(read_image(path) - fast).max() <= 6 and abs(read_image(path) - fast).mean() < 1.5
    check_plain([path])


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_is_turned_as_its_exif_data_says(path, kind, orientation):
    path.write_bytes(turned(orientation, kind))
    raw = np.asarray(Image.open(path).convert("RGB"))
    # As the standard names them: the side of the scene at which row 0 and column 0 lie.
    flip = {2: raw[:, ::-1], 3: raw[::-1, ::-1], 4: raw[::-1]}
    transposed = raw.transpose(1, 0, 2)
    flip |= {5: transposed, 6: transposed[:, ::-1], 7: transposed[::-1, ::-1], 8: transposed[::-1]}
    assert np.array_equal(read_image(path), flip.get(orientation, raw))
    (seen,) = inspect([path], jpeg_only=False)
    assert seen.size == read_image(path).shape[:2]
    assert bool(seen.rewrite) == (orientation > 1 or kind == "PNG")
    if orientation > 1:
        with pytest.raises(InputError, match=path.name):
            check_plain([path])


@pytest.mark.parametrize(
    "exif", [b"", b"Exif\0\0nothing", b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12"]
)
def test_broken_exif_data_turns_nothing(see, path, exif):
    assert see(encoded(CHELSEA, exif=exif)).fault == ""
    assert read_image(path).shape == (300, 451, 3)


def test_a_good_image(see):
    seen = see(WHOLE)
    assert (seen.fault, seen.rewrite, seen.size) == ("", "", (300, 451))
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
def test_a_bad_image_and_a_reason_that_is_the_same_in_every_run(see, content, fault):
    seen = see(content)
    assert seen.fault.startswith(fault) and seen.fault == see(content).fault
    assert "0x" not in seen.fault and "/" not in seen.fault


def test_every_format_is_good_where_it_is_allowed_and_is_rewritten(see):
    for kind in ("PNG", "GIF", "BMP"):
        seen = see(encoded(CHELSEA.convert("P"), kind), jpeg_only=False)
        assert (seen.fault, seen.rewrite) == ("", "no JPEG")


def test_gray_of_more_than_16_bits_is_a_fault(see):
    content = encoded(Image.fromarray(np.full((9, 9), 70_000, np.int32)), "TIFF")
    assert "70000" in see(content, jpeg_only=False).fault


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

    # In some images, not in all, Pillow has every row before it comes to the mark.
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


def test_many_are_inspected_in_their_order(tmp_path):
    paths = []
    for k in range(6):
        paths.append(tmp_path / f"{k}.jpg")
        paths[-1].write_bytes(WHOLE if k % 2 else b"")
    assert [seen.fault for seen in inspect(paths)] == ["empty", ""] * 3


@pytest.mark.parametrize(
    "copy",
    [
        WHOLE,
        encoded(CHELSEA, quality=50),
        encoded(CHELSEA.resize((CHELSEA.width // 2, CHELSEA.height // 2))),
        encoded(ImageEnhance.Brightness(CHELSEA).enhance(1.15)),
        encoded(CHELSEA.convert("L")),
    ],
    ids=["same", "recompressed", "half", "brighter", "gray"],
)
def test_a_changed_copy_is_a_near_duplicate(see, copy):
    thumbnails = [see(content).thumbnail for content in (WHOLE, encoded(COFFEE), copy)]
    assert near_duplicates(np.stack(thumbnails)) == [[0, 2]]


def test_a_mirrored_image_is_another(see):
    mirrored = encoded(CHELSEA.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    assert near_duplicates(np.stack([see(WHOLE).thumbnail, see(mirrored).thumbnail])) == []


def test_images_of_one_gray_are_alike_and_like_nothing_else(see):
    flat = [see(encoded(Image.new("RGB", (50, 40), gray))).thumbnail for gray in ("white", "black")]
    assert near_duplicates(np.stack([flat[0], see(WHOLE).thumbnail, flat[1]])) == [[0, 2]]


def test_groups_against_a_plain_double_loop_over_the_borders_of_blocks():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 256)).astype(np.float32)
    # 2,200 in all, more than two blocks of 1,024; a few are copies of others.
    many = np.concatenate([vectors, rng.normal(size=(2120, 256)).astype(np.float32), vectors])
    many -= many.mean(axis=1, keepdims=True)
    many /= np.linalg.norm(many, axis=1, keepdims=True)
    assert near_duplicates(many) == [[k, 2160 + k] for k in range(40)]


def test_what_is_near_to_one_of_a_group_belongs_to_it():
    angles = np.deg2rad([0, 10, 20, 90])  # neighbors correlate by 0.985, the ends by 0.94
    vectors = np.zeros((4, 256), np.float32)
    vectors[:, 0], vectors[:, 1] = np.cos(angles), np.sin(angles)
    assert near_duplicates(vectors) == [[0, 1, 2]]
