"""A reader's own images: a folder made by hand with every trouble that phones and people make."""

import hashlib
import json
import os
import unicodedata
import warnings

import numpy as np
import pytest
from PIL import Image
from skimage import data as bundled
from small_archives import encoded

from course_tools.cli import main
from course_utils import cache, datasets
from course_utils.datasets import image_files, own
from course_utils.errors import InputError, WorldError

PARTS = ("train", "validation", "test")
CLASSES = ("강아지", "gray cats", "Zebra")


def pixels(seed, size=(30, 40)):
    """A smooth image that is like no other, uint8 (height, width, 3)."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (6, 7, 3), dtype=np.uint8))
    return np.asarray(small.resize(size[::-1], Image.Resampling.BICUBIC))


def png(seed, **options):
    return encoded(Image.fromarray(pixels(seed)), "PNG", **options)


def expected_part(*contents):
    """The documented rule, in whole numbers."""
    first = min(hashlib.sha256(content).digest() for content in contents)
    share = int.from_bytes(first[:4], "big")
    return "train" if 10 * share < 6 * 2**32 else "validation" if 10 * share < 8 * 2**32 else "test"


def seeds_of(part, count, start=0):
    """Seeds of images that the rule puts into a part."""
    found, seed = [], start
    while len(found) < count:
        if expected_part(png(seed)) == part:
            found.append(seed)
        seed += 1
    return found


def parts_of(data):
    """CLASS/FILE to part, of an opened set."""
    paths = [path for part in PARTS for path in getattr(data, part).paths]
    return {f"{path.parent.name}/{path.name}": path.parts[-3] for path in paths}


def left_out(data):
    return {row["file"]: row["reason"] for row in cache.about(data.folder)["left_out"]}


def everything(folder):
    return {
        str(path): (path.lstat().st_mtime_ns, path.lstat().st_size) for path in folder.rglob("*")
    }


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_CACHE_DIR", str(tmp_path / "홍 길동"))
    return tmp_path


@pytest.fixture
def photos(home):
    """Three classes, each with four training images, two of validation and two of test."""
    folder = home / "내 사진"
    for number, title in enumerate(CLASSES):
        (folder / title).mkdir(parents=True)
        for part, count in zip(PARTS, (4, 2, 2), strict=True):
            for seed in seeds_of(part, count, 1000 * number):
                (folder / title / f"{seed}.png").write_bytes(png(seed))
    return folder


def test_a_plain_folder(photos):
    data = datasets.open(f"{photos}/", size=20)
    # By code points, as every system sorts alike.
    assert data.classes == ("Zebra", "gray cats", "강아지")
    assert [len(getattr(data, part)) for part in PARTS] == [12, 6, 6]
    assert data.image_shape == (20, 20, 3)
    assert datasets.open(photos).image_shape == (150, 150, 3)
    assert datasets.open(str(photos)).classes == data.classes
    for part in PARTS:
        streamed = getattr(data, part)
        assert [data.classes[label] for label in streamed.labels] == [
            path.parent.name for path in streamed.paths
        ]
        assert streamed.labels[:6].tolist() == [0, 1, 2, 0, 1, 2]
    for name, part in parts_of(data).items():
        assert expected_part((photos / name).read_bytes()) == part, name
        assert (data.folder / part / name).read_bytes() == (photos / name).read_bytes()
    assert "Zebra 8, gray cats 8, 강아지 8 (your own)" in repr(data)
    assert data.name in repr(data) and "left out" not in repr(data)


def test_the_first_images_of_each_part(photos):
    whole = datasets.open(photos)
    some = datasets.open(photos, train=5, validation=3, test=3)
    assert [len(getattr(some, part)) for part in PARTS] == [5, 3, 3]
    assert some.train.paths == whole.train.paths[:5]
    with pytest.raises(InputError, match="1 to 12 images of the train part, received 13"):
        datasets.open(photos, train=13)
    with pytest.raises(InputError, match="8 to 2048"):
        datasets.open(photos, size=4)


def test_every_trouble_is_left_out_with_its_reason(photos):
    cats, outside = photos / "gray cats", photos.parent / "outside"
    outside.mkdir()
    (outside / "secret.png").write_bytes(png(77))
    whole = encoded(Image.fromarray(pixels(5)))
    whole_png = png(6)
    contents = {
        "zero.jpg": (b"", "empty"),
        "clip.mp4": (b"\0\0\0\x18ftypmp42\0\0\0\0", "a video: only JPEG and PNG"),
        "clip.MOV": (b"\0\0\0\x14ftypqt  \0\0\0\0", "a video: only"),
        "IMG_1.HEIC": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC: only JPEG and PNG are read"),
        "really.jpg": (encoded(Image.fromarray(pixels(7)), "WEBP"), "WebP: only"),
        "moves.gif": (encoded(Image.fromarray(pixels(7)), "GIF"), "GIF: only"),
        "scan.tif": (encoded(Image.fromarray(pixels(7)), "TIFF"), "TIFF"),
        "notes.txt": (b"cats that I have known", "no image: only"),
        "cut.jpg": (whole[: len(whole) // 2], "truncated"),
        "cut.png": (whole_png[: len(whole_png) // 2], "truncated"),
        "broken.jpg": (b"\xff\xd8\xff nothing", "unreadable"),
        "dot.png": (encoded(Image.new("RGB", (1, 1)), "PNG"), "1×1 pixels"),
        "thin.png": (encoded(Image.new("RGB", (7, 90)), "PNG"), "90×7 pixels"),
        "huge.png": (encoded(Image.new("1", (20_000, 10_000)), "PNG"), "more than 89 megapixels"),
    }
    for name, (content, _) in contents.items():
        (cats / name).write_bytes(content)
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._1.png", ".hidden.png"):
        (cats / name).write_bytes(b"system")
    (photos / ".DS_Store").write_bytes(b"system")
    (photos / "@eaDir").mkdir()
    (cats / "out.png").symlink_to(outside / "secret.png")
    (cats / "nowhere.png").symlink_to(photos / "Zebra" / "gone.png")
    (photos / "others").symlink_to(outside)
    (photos / "list.txt").write_text("three classes")
    reasons = {f"gray cats/{name}": reason for name, (_, reason) in contents.items()}
    reasons |= {
        "gray cats/out.png": "a link that leads out",
        "gray cats/nowhere.png": "a link to nothing",
        "others": "a link that leads out",
        "list.txt": "in no folder of a class",
    }
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        data = datasets.open(photos)
    assert not warned
    told = left_out(data)
    assert set(told) == set(reasons)
    for name, reason in reasons.items():
        assert told[name].startswith(reason), name
        assert "\n" not in told[name] and str(photos) not in told[name]
    assert f"{len(reasons)} left out" in repr(data)
    assert data.classes == ("Zebra", "gray cats", "강아지")
    assert [len(getattr(data, part)) for part in PARTS] == [12, 6, 6]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_fifo_and_a_file_that_may_not_be_read(photos, monkeypatch):
    os.mkfifo(photos / "Zebra" / "pipe.jpg")
    (photos / "Zebra" / "locked.png").write_bytes(png(3))
    real_access = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: path.name != "locked.png" and real_access(path, mode)
    )
    told = left_out(datasets.open(photos))
    assert told["Zebra/pipe.jpg"] == "neither file nor folder"
    assert told["Zebra/locked.png"].startswith("may not be read")


def test_a_name_that_is_not_in_utf_8(photos):
    try:
        (photos / "Zebra" / os.fsdecode(b"\xff.png")).write_bytes(png(3))
    except OSError:
        pytest.skip("this file system takes names in UTF-8 only")
    assert left_out(datasets.open(photos)) == {
        "Zebra/?.png": "a name that is no text in UTF-8: rename it"
    }


def test_a_folder_named_by_a_mac(photos):
    decomposed = unicodedata.normalize("NFD", "강아지")
    (photos / "강아지").rename(photos / decomposed)
    data = datasets.open(photos)
    assert data.classes[2] == "강아지" and len(data.classes[2]) == 3


def by_pillow(image, kind, **options):
    return encoded(image, kind, **options), np.asarray(image.convert("RGB"))


def rotated():
    """As a phone stores a portrait photo: lying, with a note to turn it by 90 degrees."""
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = pixels(50_001)
    content = encoded(Image.fromarray(lying), exif=exif, quality=95, subsampling=0)
    return content, np.rot90(lying, -1)


def deep():
    gray = np.linspace(0, 65535, 1200).astype(np.uint16).reshape(30, 40)
    eight = (gray // 256).astype(np.uint8)
    return encoded(Image.fromarray(gray), "PNG"), np.stack([eight] * 3, -1)


def transparent():
    color = pixels(50_002)
    alpha = np.full((30, 40, 1), 90, np.uint8)
    return encoded(Image.fromarray(np.concatenate([color, alpha], -1)), "PNG"), color


IMAGE = Image.fromarray(pixels(50_003))
MODES = {
    "turned.jpg": rotated(),
    "16 bit.png": deep(),
    "transparent.png": transparent(),
    "one color transparent.png": by_pillow(IMAGE, "PNG", transparency=(9, 9, 9)),
    "palette.png": by_pillow(IMAGE.convert("P"), "PNG"),
    "gray.png": by_pillow(IMAGE.convert("L"), "PNG"),
    "bit.png": by_pillow(IMAGE.convert("1"), "PNG"),
    "gray.jpg": by_pillow(IMAGE.convert("L"), "JPEG", quality=95),
    "cmyk.jpg": by_pillow(IMAGE.convert("CMYK"), "JPEG", quality=95),
    "plain.JPG": by_pillow(IMAGE, "JPEG", quality=95, subsampling=0),
    "no suffix": by_pillow(IMAGE, "PNG"),
    "wrong.png": by_pillow(IMAGE, "JPEG", quality=95, subsampling=0),
}


@pytest.mark.parametrize("name", MODES)
def test_every_color_mode_becomes_one_that_all_decoders_read_alike(photos, name):
    content, expected = MODES[name]
    (photos / "Zebra" / name).write_bytes(content)
    data = datasets.open(photos)
    assert left_out(data) == {}
    paths = [path for part in PARTS for path in getattr(data, part).paths]
    [path] = [path for path in paths if path.name.startswith(name)]
    image_files.check_plain([path])
    with Image.open(path) as opened:
        assert opened.mode in ("RGB", "L") and (path.suffix.lower() == ".png") == (
            opened.format == "PNG"
        )
        assert "transparency" not in opened.info and 0x0112 not in opened.getexif()
        received = np.asarray(opened.convert("RGB")).astype(int)
    assert received.shape == expected.shape
    # Twice through JPEG; exact through PNG.
    assert abs(received - expected).mean() < (2.5 if path.suffix.lower() == ".jpg" else 1e-9)
    told = {row["file"] for row in cache.about(data.folder)["rewritten"]}
    kept = name in ("gray.png", "gray.jpg", "plain.JPG", "no suffix", "wrong.png")
    assert told == (set() if kept else {f"Zebra/{name}"})
    assert not kept or path.read_bytes() == content


def test_names_that_become_the_same(photos):
    names = ("a", "A.PNG", "a.png")
    seeds = seeds_of("train", 3, 50_000)
    for name, seed in zip(names, seeds, strict=True):
        (photos / "Zebra" / name).write_bytes(png(seed))
    if len(list((photos / "Zebra").glob("[aA].*"))) < 2:
        pytest.skip("this file system does not tell A from a")
    data = datasets.open(photos)
    assert sum(len(getattr(data, part)) for part in PARTS) == 27
    names = [name.casefold() for name in parts_of(data)]
    assert len(set(names)) == 27


def test_training_and_prediction_read_the_same_pixels(photos):
    import tensorflow as tf

    exif = Image.Exif()
    exif[0x0112] = 6
    coffee, cup = (Image.fromarray(bundled.coffee()[:, at : at + 200]) for at in (100, 300))
    (photos / "Zebra" / "turned.jpg").write_bytes(encoded(coffee, exif=exif))
    (photos / "Zebra" / "plain.JPG").write_bytes(encoded(cup))
    (photos / "Zebra" / "16 bit.png").write_bytes(deep()[0])
    # JPEG: Pillow's cosine transform is not TensorFlow's, and what was turned is encoded twice.
    most, mean = {"turned.jpg": 16, "plain.JPG": 6}, {"turned.jpg": 1.5, "plain.JPG": 1.5}
    opened = datasets.open(photos, size=24)
    for part in PARTS:
        streamed = getattr(opened, part)
        for path, image in zip(streamed.paths, streamed.images, strict=True):
            mine = datasets.photograph(photos / path.parent.name / path.name).image
            resized = np.rint(tf.image.resize(mine, (24, 24)).numpy())
            difference = abs(resized - image.astype(int))
            assert difference.max() <= most.get(path.name, 0), path
            assert difference.mean() <= mean.get(path.name, 0), path


def test_parts_stay_when_images_are_added(photos):
    before = parts_of(datasets.open(photos))
    for seed in range(5000, 5030):
        (photos / CLASSES[seed % 3] / f"{seed}.png").write_bytes(png(seed))
    (photos / "Aardvark").mkdir()
    for part in PARTS:
        [seed] = seeds_of(part, 1, 7000)
        (photos / "Aardvark" / f"{seed}.png").write_bytes(png(seed))
    data = datasets.open(photos)
    after = parts_of(data)
    assert len(after) == len(before) + 33 and data.classes[0] == "Aardvark"
    assert {name: after[name] for name in before} == before
    # By content: another name for the file, or another time, moves nothing.
    name = next(iter(before))
    (photos / name).rename((photos / name).with_name("renamed.png"))
    again = parts_of(datasets.open(photos))
    assert again == {
        f"{name.partition('/')[0]}/renamed.png" if old == name else old: part
        for old, part in after.items()
    }


def test_the_shares_of_the_parts():
    parts = [own.part_of(hashlib.sha256(str(k).encode()).hexdigest()) for k in range(10_000)]
    assert [round(parts.count(part) / 10_000, 1) for part in PARTS] == [0.6, 0.2, 0.2]
    assert own.part_of("f" * 64) == "test" and own.part_of("0" * 64) == "train"


def test_near_identical_images_go_where_their_first_hash_says(photos):
    image = Image.fromarray(pixels(900, (120, 160)))
    copies = [encoded(image, quality=quality) for quality in (95, 80, 70, 60, 50)]
    copies.append(encoded(image.resize((80, 60))))
    assert len({expected_part(content) for content in copies}) > 1  # alone, they would part
    for k, content in enumerate(copies):
        # Of two classes: what looks alike is no proof that a label is wrong.
        (photos / CLASSES[k % 2] / f"copy {k}.jpg").write_bytes(content)
    data = datasets.open(photos)
    assert left_out(data) == {}
    together = {part for name, part in parts_of(data).items() if "copy" in name}
    assert together == {expected_part(*copies)}
    [group] = cache.about(data.folder)["kept_together"]
    assert sorted(group) == sorted(f"{CLASSES[k % 2]}/copy {k}.jpg" for k in range(6))


def test_a_link_within_the_folder_is_followed(photos):
    name = next(path.name for path in (photos / "Zebra").iterdir())
    (photos / "Zebra" / "link.png").symlink_to(photos / "Zebra" / name)
    opened = datasets.open(photos)
    assert left_out(opened) == {} and "Zebra 9" in repr(opened)
    assert not any(path.is_symlink() for path in opened.folder.rglob("*"))


def test_one_file_in_two_classes_is_left_out_of_both(photos):
    for title in CLASSES[:2]:
        (photos / title / "same.png").write_bytes(png(4321))
    (photos / "Zebra" / "twice 1.png").write_bytes(png(4322))
    (photos / "Zebra" / "twice 2.png").write_bytes(png(4322))
    assert left_out(datasets.open(photos)) == {
        "강아지/same.png": "in two classes: gray cats/same.png is the same file",
        "gray cats/same.png": "in two classes: 강아지/same.png is the same file",
    }


def test_it_is_prepared_once_and_the_folder_is_only_read(photos, monkeypatch):
    before = everything(photos)
    first = datasets.open(photos)
    assert everything(photos) == before
    with monkeypatch.context() as patched:

        def refuse(*arguments, **options):
            raise AssertionError("nothing is to be done")

        for name in ("_good", "_split", "_write"):
            patched.setattr(own, name, refuse)
        patched.setattr(image_files, "inspect", refuse)
        again = datasets.open(f"{photos}/", size=16)
    assert again.train.paths == first.train.paths
    written = (photos / "Zebra").stat()
    added = photos / "Zebra" / "new.png"
    added.write_bytes(png(8888))
    assert len(parts_of(datasets.open(photos))) == 25
    added.unlink()
    os.utime(photos / "Zebra", ns=(written.st_atime_ns, written.st_mtime_ns))
    data = datasets.open(photos)
    assert parts_of(data) == parts_of(first)
    # Images that are gone are gone from the cache, too.
    assert not list(cache.cache_folder().rglob("new.png"))
    assert len([path for path in cache.cache_folder().iterdir() if path.is_dir()]) == 1


def test_an_image_that_was_changed_in_its_place_is_prepared_anew(photos):
    name, part = next(iter(parts_of(datasets.open(photos)).items()))
    old = (photos / name).read_bytes()
    # Of the same size, so that only the time tells; what is behind a PNG's end counts for nothing.
    padded = (png(seed).ljust(len(old), b"\0") for seed in range(9000, 9999))
    new = next(c for c in padded if len(c) == len(old) and expected_part(c) == part)
    (photos / name).write_bytes(new)
    opened = datasets.open(photos)
    assert (opened.folder / part / name).read_bytes() == new != old


def test_a_read_only_folder(photos):
    folders = [photos, *(path for path in photos.iterdir())]
    for folder in folders:
        for path in folder.iterdir():
            if path.is_file():
                path.chmod(0o444)
        folder.chmod(0o555)
    try:
        first = datasets.open(photos)
        # The copies are no more read-only than other files of the cache.
        assert all(os.access(path, os.W_OK) for path in first.train.paths)
        assert len(first.train) == 12
    finally:
        for folder in folders:
            folder.chmod(0o755)


def test_a_damaged_cache_is_prepared_anew(photos):
    data = datasets.open(photos)
    path = data.train.paths[0]
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert datasets.open(photos).train.paths[0].read_bytes() == whole
    path.unlink()
    assert datasets.open(photos).train.paths[0].read_bytes() == whole
    (data.folder / "manifest.json").write_text("{")
    assert datasets.open(photos).train.paths[0].read_bytes() == whole


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interrupted_preparation_leaves_nothing(photos, monkeypatch, error):
    copied, copy = [], own._copy

    def interrupt(*arguments):
        copied.append(arguments)
        if len(copied) > 5:
            raise error
        copy(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(own, "_copy", interrupt)
        with pytest.raises(error):
            datasets.open(photos)
    assert [path for path in cache.cache_folder().iterdir() if path.is_dir()] == []
    assert len(datasets.open(photos).train) == 12


def test_a_full_disk_is_no_fault_of_the_photos(photos, monkeypatch):
    import errno

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(own, "_copy", full)
    with pytest.raises(WorldError, match="is full"):
        datasets.open(photos)


def test_a_file_that_changes_or_goes_meanwhile(photos, monkeypatch):
    good = own._good

    def then(change):
        def looked(candidates):
            found = good(candidates)
            change(photos / "Zebra")
            return found

        monkeypatch.setattr(own, "_good", looked)

    def grow(folder):
        for path in folder.iterdir():
            path.write_bytes(path.read_bytes() + b"more")

    then(lambda folder: folder.rename(photos.parent / "away"))
    with pytest.raises(InputError, match=r"expected to read .*Zebra.* in "):
        datasets.open(photos)
    (photos.parent / "away").rename(photos / "Zebra")
    then(grow)
    with pytest.raises(InputError, match=r"to stay as it was, it has just changed"):
        datasets.open(photos)


def made(home, *names):
    folder = home / "made"
    folder.mkdir()
    for k, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if name.endswith("/") else path.write_bytes(png(k))
    return folder


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "it is empty: make a folder for each class"),
        ((".DS_Store", ".git/config"), "it is empty"),
        (("a/1.png",), "received one, a: make a folder for each class"),
        (("notes.txt",), "one for each class, received none"),
        (("1.png", "2.JPG"), r"received 2 images that lie directly in it, as 1\.png: make a"),
        (("a/1.png", "b/2.png", "3.heic"), r"1 images that lie directly in it, as 3\.heic"),
        (("a/1.png", "b/c/2.png"), "received the folder b/c in .*: put its images into b"),
        (("train/a/1.png", "test/a/2.png"), "whose own folders are the classes"),
        (("a/1.png", "b/"), "a with [01], [01] and [01], b with 0, 0 and 0: add images"),
    ],
)
def test_a_folder_that_is_arranged_otherwise(home, names, message):
    folder = made(home, *names)
    with pytest.raises(InputError, match=message) as caught:
        datasets.open(folder)
    assert str(folder) in str(caught.value) and "\n" not in str(caught.value)
    root = cache.cache_folder()
    assert not root.exists() or not [path for path in root.iterdir() if path.is_dir()]


def test_empty_folders_within_a_class_are_nothing(photos):
    (photos / "Zebra" / "more").mkdir()
    (photos / "Zebra" / ".thumbnails").mkdir()
    (photos / "Zebra" / ".thumbnails" / "1.png").write_bytes(png(1))
    assert len(datasets.open(photos).train) == 12


def test_folders_whose_names_are_one_on_other_systems(photos):
    (photos / "zebra").mkdir(exist_ok=True)
    if len([path for path in photos.iterdir() if path.name.lower() == "zebra"]) < 2:
        pytest.skip("this file system does not tell Z from z")
    with pytest.raises(InputError, match=r"received Zebra and zebra, .*: rename one of them"):
        datasets.open(photos)


def test_many_classes_are_told_in_one_line(photos):
    for k in range(10):
        (photos / f"empty {k}").mkdir()
    with pytest.raises(InputError, match=r"empty 0 with 0, 0 and 0, .*empty 9 with 0, 0 and 0:"):
        datasets.open(photos)
    for k in range(10):
        for part in PARTS:
            [seed] = seeds_of(part, 1, 20_000 + 1000 * k)
            (photos / f"empty {k}" / f"{seed}.png").write_bytes(png(seed))
    assert "empty 8 3 and 3 more classes (your own)" in repr(datasets.open(photos))


def test_no_such_folder(home):
    with pytest.raises(InputError, match=r"folder of images at .*/nothing, received none"):
        datasets.open(f"{home}/nothing/")
    (home / "a file.txt").write_text("")
    with pytest.raises(InputError, match="received a file"):
        datasets.open(home / "a file.txt")
    with pytest.raises(InputError, match="expected one of the data sets"):
        datasets.open("photos")


def test_a_class_without_an_image_of_each_part_is_refused_by_name(photos):
    for path in (photos / "Zebra").iterdir():
        if expected_part(path.read_bytes()) == "test":
            path.unlink()
    with pytest.raises(InputError, match=r"received Zebra with 4, 2 and 0: add images"):
        datasets.open(photos)


def test_a_name_of_the_course_is_no_folder_and_a_path_is(home, monkeypatch):
    monkeypatch.chdir(home)
    (home / "things").mkdir()
    few = {"train": 4, "validation": 4, "test": 4}
    assert datasets.open("things", **few).origin == "drawn by the course"
    with pytest.raises(InputError, match="it is empty"):
        datasets.open("things/", **few)


def test_the_command_reports(photos, capsys):
    (photos / "Zebra" / "zero.jpg").write_bytes(b"")
    (photos / "Zebra" / "one.png").write_bytes(png(4322))
    (photos / "Zebra" / "two.png").write_bytes(png(4322))
    for _ in range(2):
        assert main(["data", f"{photos}/"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == f"{photos}/: 3 classes, 26 images"
        assert lines[1].split() == ["class", "images", "train", "validation", "test"]
        assert lines[4].split() == ["강아지", "8", "4", "2", "2"]
        assert "left out: 1" in lines and "  Zebra/zero.jpg: empty" in lines
        assert "  Zebra/one.png, Zebra/two.png" in lines
        assert f"datasets.open('{photos}/') opens it" in lines[-1]


def test_the_command_reports_what_it_then_refuses(photos, capsys):
    for path in list((photos / "Zebra").iterdir())[1:]:
        path.unlink()
    assert main(["data", str(photos)]) == 2
    told = capsys.readouterr()
    assert "Zebra" in told.out and "left out: 0" in told.out
    assert told.err.startswith("course: expected training, validation and test images")
    assert len(told.err.splitlines()) == 1
    assert main(["data", "photos-that-are-not/"]) == 2
    assert "received none" in capsys.readouterr().err


def test_the_index_is_the_folder(photos):
    data = datasets.open(photos)
    index = json.loads((data.folder / "index.json").read_text(encoding="utf-8"))
    assert sorted(f"{data.folder}/{row[0]}" for rows in index.values() for row in rows) == sorted(
        str(path) for path in data.folder.glob("*/*/*")
    )
