"""Sets prepared from small archives made here, each with one thing wrong."""

import io
import multiprocessing
import random
from pathlib import Path

import numpy as np
import pytest
import small_archives
from PIL import Image
from small_archives import encoded, jpeg, tar_of, zip_of

from course_tools.datasets import command, prepare
from course_tools.datasets.prepare import prepared_set
from course_tools.run import needs
from course_utils import cache, datasets
from course_utils.datasets import real
from course_utils.errors import InputError, WorldError


def trimap(size=(40, 60), values=(1, 2, 3)):
    rows = np.resize(np.array(values, np.uint8), size)
    return encoded(Image.fromarray(rows), "PNG")


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_CACHE_DIR", str(tmp_path / "홍 길동"))
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "downloads"))
    return tmp_path


@pytest.fixture
def known(monkeypatch, home):
    """Lay archives into the folder of downloads, and write a registry that knows them."""

    def write(name, archives, **facts):
        (home / "downloads" / name).mkdir(parents=True, exist_ok=True)
        for title, content in archives.items():
            (home / "downloads" / name / title).write_bytes(content)
        text = small_archives.entry(name, archives, licence="none", **facts)
        (home / "registry.toml").write_text(text)
        monkeypatch.setenv("COURSE_REGISTRY", str(home / "registry.toml"))

    return write


PETS = {
    f"PetImages/{pet}/{k}.jpg": jpeg(100 * n + k)
    for n, pet in enumerate(("Cat", "Dog"))
    for k in range(12)
}
CATS_VS_DOGS = {
    "classes": ["cat", "dog"],
    "folders": ["PetImages/Cat", "PetImages/Dog"],
    "size": 32,
    "split": {"train": 4, "validation": 2, "test": 3},
}


@pytest.fixture
def pets(known):
    def write(changes=(), pack=zip_of, **facts):
        files = PETS | dict(changes)
        archive = pack({name: content for name, content in files.items() if content is not None})
        known("cats_vs_dogs", {"pets.zip": archive}, **CATS_VS_DOGS | facts)

    return write


def opened(name, **options):
    command.prepare_all([name])
    return datasets.open(name, **options)


def names(part):
    return [f"{path.parent.name}/{path.name}" for path in part.paths]


def left_out(folder):
    return {row["file"]: row["reason"] for row in cache.about(folder)["left_out"]}


def test_class_folders_are_split_by_index_with_the_classes_in_turn(pets):
    pets()
    data = opened("cats_vs_dogs")
    assert names(data.train) == [f"{pet}/{k}.jpg" for k in range(4) for pet in ("cat", "dog")]
    assert names(data.validation) == [f"{p}/{k}.jpg" for k in (4, 5) for p in ("cat", "dog")]
    assert names(data.test) == [f"{p}/{k}.jpg" for k in (6, 7, 8) for p in ("cat", "dog")]
    assert data.train.labels.tolist() == [0, 1] * 4
    assert (data.classes, data.image_shape) == (("cat", "dog"), (32, 32, 3))
    assert (data.folder / "test" / "dog" / "8.jpg").read_bytes() == PETS["PetImages/Dog/8.jpg"]
    assert sorted(path.name for path in data.folder.iterdir()) == [
        "index.json",
        "manifest.json",
        "test",
        "train",
        "validation",
    ]


@pytest.mark.parametrize(
    "pack",
    [
        lambda files: tar_of([("./", None), *((f"./{name}", c) for name, c in files.items())]),
        lambda files: zip_of({name.replace("/", "\\"): c for name, c in files.items()}),
        lambda files: tar_of([(next(iter(files)), b"earlier"), *files.items()], "w:xz"),
    ],
    ids=["a folder itself", "backslashes", "twice"],
)
def test_archives_as_ordinary_programs_write_them(pets, pack):
    pets(pack=pack)
    data = opened("cats_vs_dogs")
    assert names(data.train) == [f"{pet}/{k}.jpg" for k in range(4) for pet in ("cat", "dog")]
    assert left_out(data.folder) == {}


def test_bad_images_and_stray_files_are_listed_and_left_out(pets):
    pets(
        {
            "PetImages/Cat/1.jpg": b"",
            "PetImages/Dog/2.jpg": PETS["PetImages/Dog/2.jpg"][:700],
            "PetImages/Dog/3.jpg": b"GIF89a",
            "PetImages/Cat/Thumbs.db": b"thumbs",
            "PetImages/Cat/old/0.jpg": jpeg(999),
            "readme[1].txt": b"notice",
        }
    )
    data = opened("cats_vs_dogs")
    reasons = {file: reason.split(":")[0] for file, reason in left_out(data.folder).items()}
    assert list(reasons.items()) == [
        ("PetImages/Cat/1.jpg", "empty"),
        ("PetImages/Cat/Thumbs.db", "stray file"),
        ("PetImages/Cat/old/0.jpg", "stray file"),
        ("PetImages/Dog/2.jpg", "truncated"),
        ("PetImages/Dog/3.jpg", "no JPEG"),
    ]
    assert names(data.train.first(4)) == ["cat/0.jpg", "dog/0.jpg", "cat/2.jpg", "dog/1.jpg"]
    assert (data.folder / "readme[1].txt").read_bytes() == b"notice"


def test_near_duplicates_are_in_one_part(pets):
    copy = Image.open(io.BytesIO(PETS["PetImages/Dog/1.jpg"])).resize((45, 30))
    pets({"PetImages/Dog/7.jpg": encoded(copy)})
    data = opened("cats_vs_dogs")
    assert {"dog/1.jpg", "dog/7.jpg"} <= set(names(data.train))
    assert len(data.train) == 8
    assert cache.about(data.folder)["kept_together"] == [
        ["PetImages/Dog/1.jpg", "PetImages/Dog/7.jpg"]
    ]


def test_an_image_filed_under_both_classes_is_left_out_of_both(pets):
    pets({"PetImages/Dog/7.jpg": PETS["PetImages/Cat/3.jpg"]})
    reasons = left_out(opened("cats_vs_dogs").folder)
    assert set(reasons) == {"PetImages/Cat/3.jpg", "PetImages/Dog/7.jpg"}
    assert "PetImages/Dog/7.jpg" in reasons["PetImages/Cat/3.jpg"]


def test_an_image_turned_by_its_exif_data_is_turned_for_every_reader(pets):
    import keras

    exif = Image.Exif()
    exif[0x0112] = 6  # row 0 of the file is the right side of the scene
    pets({"PetImages/Cat/0.jpg": jpeg(0, exif=exif)})
    data = opened("cats_vs_dogs")
    with Image.open(io.BytesIO(PETS["PetImages/Cat/0.jpg"])) as raw:
        expected = np.rot90(np.asarray(raw), -1)
    assert names(data.train)[0] == "cat/0.png"
    with Image.open(data.train.paths[0]) as image:
        assert np.array_equal(np.asarray(image), expected)
    assert cache.about(data.folder)["rewritten"][0]["file"] == "PetImages/Cat/0.jpg"
    theirs = keras.utils.image_dataset_from_directory(
        data.folder / "train", labels=None, image_size=(32, 32), shuffle=False, verbose=False
    )
    (batch,) = (images.numpy() for images in theirs)
    assert np.allclose(batch[0], data.train.images[0], atol=0.51)


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda known: known(split={"train": 10, "validation": 1, "test": 2}), "13 .*received 12"),
        (lambda known: known({f"PetImages/Dog/{k}.jpg": None for k in range(4)}), "9 .*dog.* 8"),
        (lambda known: known(dict.fromkeys(PETS, b"")), "9 .*cat.* received 0"),
    ],
)
def test_too_few_images_for_the_split(pets, write, words):
    write(pets)
    with pytest.raises(InputError, match=words):
        opened("cats_vs_dogs")


def test_the_manifest_tells_what_was_prepared_from_what(pets, home):
    pets()
    folder = prepared_set("cats_vs_dogs")
    about = cache.about(folder)
    archive = home / "downloads" / "cats_vs_dogs" / "pets.zip"
    assert about["set"] == "cats_vs_dogs" and about["split"] == CATS_VS_DOGS["split"]
    assert about["from"][0]["sha256"] == cache.file_hash(archive)
    assert about["parts"] == {"train": 8, "validation": 4, "test": 6}
    assert about["good_but_not_needed"] == 24 - 18
    # Nothing of this machine's folders: the manifest may be passed on.
    assert str(home) not in (folder / "manifest.json").read_text(encoding="utf-8")


def test_a_wrong_name_does_nothing_and_so_does_a_second_call(pets, home):
    pets()
    lines = []
    with pytest.raises(InputError, match="'dogs'"):
        command.bring(["cats_vs_dogs", "dogs"], say=lines.append)
    assert prepare.ready("cats_vs_dogs") is None and lines == []
    command.bring(["cats_vs_dogs"], say=lines.append)
    assert "8 train, 4 validation, 6 test" in lines[1]
    before = {path: path.stat().st_mtime_ns for path in (home / "홍 길동").rglob("*")}
    lines.clear()
    command.bring(["cats_vs_dogs"], say=lines.append)
    assert len(lines) == 1 and lines[0].endswith("nothing to do")
    assert {path: path.stat().st_mtime_ns for path in (home / "홍 길동").rglob("*")} == before


def test_a_prepared_set_needs_its_downloads_no_more_unless_it_was_damaged(pets, home):
    pets()
    assert command.state("cats_vs_dogs") == "downloaded"
    with pytest.raises(InputError, match="course data cats_vs_dogs"):
        datasets.open("cats_vs_dogs")
    folder = prepared_set("cats_vs_dogs")
    assert command.state("cats_vs_dogs") == "prepared"
    archive = home / "downloads" / "cats_vs_dogs" / "pets.zip"
    archive.rename(home / "pets.zip")
    assert opened("cats_vs_dogs").folder == folder
    (folder / "train" / "cat" / "0.jpg").write_bytes(b"damaged")
    assert prepare.ready("cats_vs_dogs") is None
    (home / "pets.zip").rename(archive)
    assert opened("cats_vs_dogs").folder == folder
    assert (folder / "train" / "cat" / "0.jpg").read_bytes() == PETS["PetImages/Cat/0.jpg"]


def test_an_unsafe_archive_leaves_the_earlier_state_usable(pets, home):
    pets()
    folder = prepared_set("cats_vs_dogs")
    pets({"../../outside.jpg": b"bad"})
    with pytest.raises(WorldError, match=r"'\.\./\.\./outside\.jpg'"):
        opened("cats_vs_dogs")
    assert not list(home.rglob("outside.jpg"))
    assert not [path for path in (home / "홍 길동").iterdir() if path.name.startswith(".")]
    pets()
    assert opened("cats_vs_dogs").folder == folder


def test_another_split_is_another_set_and_other_code_makes_it_anew(pets, monkeypatch):
    pets()
    first = prepared_set("cats_vs_dogs")
    made = (first / "manifest.json").stat().st_mtime_ns
    assert prepared_set("cats_vs_dogs") == first
    assert (first / "manifest.json").stat().st_mtime_ns == made
    monkeypatch.setattr(prepare, "_code", lambda: "another")
    assert prepare.ready("cats_vs_dogs") is None
    assert prepared_set("cats_vs_dogs") == first
    assert (first / "manifest.json").stat().st_mtime_ns > made
    pets(split={"test": 1, "train": 2, "validation": 1})
    second = opened("cats_vs_dogs")
    assert first != second.folder and first.is_dir()
    assert names(second.train)[:2] == ["cat/0.jpg", "dog/0.jpg"]


def make(_):
    return str(prepared_set("cats_vs_dogs"))


def test_two_calls_at_once_prepare_once(pets):
    pets()
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        one, other = pool.map(make, [0, 1])
    assert one == other and prepare.ready("cats_vs_dogs") == Path(one)


def oxford(changes=()):
    stems = [f"{name}_{k}" for name in ("Abyssinian", "pug", "Bengal") for k in range(4)]
    files = {f"images/{stem}.jpg": jpeg(500 + k) for k, stem in enumerate(stems)}
    files |= {f"annotations/trimaps/{stem}.png": trimap() for stem in stems}
    files |= {"annotations/trimaps/._pug_0.png": b"Mac OS X", "annotations/README": b"read me"}
    files |= dict(changes)
    return {name: content for name, content in files.items() if content is not None}


OXFORD = {
    "classes": ["cat", "dog"],
    "mask_classes": ["pet", "background", "border"],
    "size": 16,
    "shuffle_seed": 1337,
    "split": {"validation": 3},
}
IMAGE, TRIMAP = "images/pug_1.jpg", "annotations/trimaps/pug_1.png"


@pytest.fixture
def trimaps(known):
    def write(changes=(), **facts):
        files = oxford(changes)
        images = {name: content for name, content in files.items() if name.startswith("images")}
        others = {name: files[name] for name in files if name not in images}
        archives = {"images.tar.gz": tar_of(images), "annotations.tar.gz": tar_of(others)}
        known("oxford_pets", archives, **OXFORD | facts)

    return write


def test_trimaps_are_matched_by_name_and_shuffled_as_one(trimaps):
    trimaps()
    data = opened("oxford_pets")
    order = sorted(name[7:-4] for name in oxford() if name.startswith("images"))
    random.Random(1337).shuffle(order)
    assert [path.stem for path in data.train.paths] == order[:-3]
    assert [path.stem for path in data.validation.paths] == order[-3:]
    for part in (data.train, data.validation):
        assert [path.stem for path in part.masks] == [path.stem for path in part.paths]
        assert part.labels.tolist() == [int(path.stem.startswith("pug")) for path in part.paths]
    assert len(data.test) == 0 and data.part_names == ("pet", "background", "border")
    assert list(left_out(data.folder)) == ["annotations/trimaps/._pug_0.png"]


@pytest.mark.parametrize(
    ("changes", "file", "reason"),
    [
        ({TRIMAP: None}, IMAGE, "no trimap of this name"),
        ({IMAGE: None}, TRIMAP, "no image of this name"),
        ({TRIMAP: trimap((60, 40))}, IMAGE, "trimap of (60, 40), image of (40, 60)"),
        ({TRIMAP: trimap(values=(1, 2, 3, 0))}, IMAGE, "trimap with the value 0"),
        ({TRIMAP: b"no image"}, IMAGE, "trimap unreadable: cannot identify image file"),
        ({TRIMAP: jpeg(1)}, IMAGE, "trimap unreadable: one class for each pixel"),
        ({IMAGE: b""}, IMAGE, "empty"),
        ({"images/pug.mat": b"matlab"}, "images/pug.mat", "stray file"),
    ],
)
def test_a_pair_that_does_not_agree_is_left_out(trimaps, changes, file, reason):
    trimaps(changes)
    folder = prepared_set("oxford_pets")
    assert left_out(folder)[file].startswith(reason)
    # A stray file costs no pair.
    assert cache.about(folder)["parts"]["train"] == (9 if file.endswith(".mat") else 8)


CLASSES = np.resize(np.array([1, 2, 3], np.uint8), (16, 16))


def palette():
    mask = Image.fromarray(CLASSES).convert("P")
    mask.putdata(CLASSES.ravel().tolist())
    mask.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0] + [0] * 756)
    return mask


@pytest.mark.parametrize(
    "mask",
    [Image.fromarray(CLASSES), palette(), Image.fromarray(CLASSES.astype(np.uint16))],
    ids=["8-bit gray", "palette", "16 bits"],
)
def test_a_trimap_has_the_same_classes_whatever_it_was_stored_as(trimaps, mask):
    trimaps({IMAGE: jpeg(1, (16, 16)), TRIMAP: encoded(mask, "PNG")}, split={"validation": 11})
    data = opened("oxford_pets")
    parts = [data.train, data.validation]
    (found,) = (p.parts[k] for p in parts for k, path in enumerate(p.paths) if path.stem == "pug_1")
    assert np.array_equal(found, CLASSES - 1)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (Image.fromarray(CLASSES * 28).convert("P"), CLASSES * 28),
        (Image.fromarray(np.arange(0, 65536, 257, np.uint16).reshape(16, 16)), range(256)),
    ],
    ids=["GIF", "16 bits"],
)
def test_an_image_of_another_format_becomes_a_png_and_loses_nothing(trimaps, image, expected):
    kind = "GIF" if image.mode == "P" else "PNG"
    trimaps({IMAGE: encoded(image, kind), TRIMAP: trimap((16, 16))})
    folder = prepared_set("oxford_pets")
    with Image.open(folder / "images" / "pug_1.png") as written:
        gray = np.reshape(np.array(expected, np.uint8), (16, 16))
        assert np.array_equal(np.asarray(written), np.stack([gray] * 3, -1))
    assert cache.about(folder)["rewritten"] == [
        {"file": IMAGE, "reason": "no JPEG: now images/pug_1.png"}
    ]


def test_too_few_pairs(trimaps):
    trimaps(split={"train": 10, "validation": 3})
    with pytest.raises(InputError, match=r"13 .* received 12"):
        opened("oxford_pets")


def cifar(count, first=0):
    labels = (np.arange(count) + first) % 10
    pixels = np.random.default_rng(first).integers(0, 256, (count, 3072))
    return np.column_stack([labels, pixels]).astype(np.uint8).tobytes()


@pytest.fixture
def records(known):
    def write(training=9):
        files = {"data_batch_1.bin": cifar(training), "test_batch.bin": cifar(4, 50)}
        files |= {"readme.html": b"<html>", "batches.meta.txt": b"airplane"}
        archive = tar_of({f"cifar-10-batches-bin/{name}": c for name, c in files.items()})
        split = {"train": 6, "validation": 3, "test": 4}
        known("cifar10", {"cifar.tar.gz": archive}, classes=list("0123456789"), split=split)

    return write


def test_records_are_split_by_index(records):
    records(training=11)
    data = opened("cifar10", train=5)
    assert data.train.labels.tolist() == [0, 1, 2, 3, 4]
    assert data.validation.labels.tolist() == [6, 7, 8] and data.test.labels.tolist() == [
        0,
        1,
        2,
        3,
    ]
    expected = np.frombuffer(cifar(11), np.uint8).reshape(11, 3073)[6, 1:].reshape(3, 32, 32)
    assert np.array_equal(data.validation.images[0], expected.transpose(1, 2, 0))
    assert data.folder is None and {path.suffix for path in real.place("cifar10").iterdir()} == {
        ".npy",
        ".json",
    }
    for options in ({"train": 7}, {"size": 64}):
        with pytest.raises(InputError, match=f"received {next(iter(options.values()))}"):
            datasets.open("cifar10", **options)
    assert datasets.open("cifar10", size=32).image_shape == (32, 32, 3)


def test_too_few_records(records):
    records(training=8)
    with pytest.raises(InputError, match=r"9 training .* received 8"):
        opened("cifar10")


def test_a_bomb_in_the_place_of_records(records, monkeypatch):
    records()
    monkeypatch.setattr("course_tools.datasets.archives._limit", lambda path: 10_000)
    with pytest.raises(WorldError, match=r"cifar\.tar\.gz"):
        opened("cifar10")


def test_clothes_are_split_by_index(known):
    rng = np.random.default_rng(0)
    arrays = {
        "train-images-idx3": rng.integers(0, 256, (50, 28, 28), dtype=np.uint8),
        "train-labels-idx1": rng.integers(0, 10, 50, dtype=np.uint8),
        "t10k-images-idx3": rng.integers(0, 256, (20, 28, 28), dtype=np.uint8),
        "t10k-labels-idx1": rng.integers(0, 10, 20, dtype=np.uint8),
    }
    files = {f"{stem}-ubyte.gz": small_archives.idx(array) for stem, array in arrays.items()}
    split = {"train": 40, "validation": 10, "test": 20}
    known("fashion_mnist", files, classes=list("0123456789"), split=split)
    data = opened("fashion_mnist", test=3)
    assert np.array_equal(data.train.images[..., 0], arrays["train-images-idx3"][:40])
    assert np.array_equal(data.validation.labels, arrays["train-labels-idx1"][40:])
    assert np.array_equal(data.test.images[..., 0], arrays["t10k-images-idx3"][:3])
    assert data.image_shape == (28, 28, 1)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.unlink(), "not there.*COURSE_DATA_DIR"),
        (lambda path: path.write_bytes(path.read_bytes()[:-100]), "not whole.*course data"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1] + b"x"), "SHA-256.*course data"),
    ],
    ids=["missing", "truncated", "altered"],
)
def test_a_wrong_download_says_where_it_is_and_what_to_do(pets, home, damage, words):
    pets()
    path = home / "downloads" / "cats_vs_dogs" / "pets.zip"
    damage(path)
    with pytest.raises(InputError, match=words) as caught:
        prepared_set("cats_vs_dogs")
    assert str(path.parent) in str(caught.value)


@pytest.mark.parametrize("size", [0, 7, 5000, True, 32.0])
def test_a_size_is_a_number_of_pixels(pets, size):
    pets()
    with pytest.raises(InputError, match=f"received {size!r}"):
        opened("cats_vs_dogs", size=size)


@pytest.mark.parametrize(
    ("text", "missing"), [("folders", "folders"), ("validation = 2, ", r"split\.validation")]
)
def test_a_registry_that_lacks_something(pets, home, text, missing):
    pets()
    file = home / "registry.toml"
    file.write_text(file.read_text().replace(text, "" if "=" in text else "other"))
    with pytest.raises(InputError, match=f"{missing} of cats_vs_dogs"):
        opened("cats_vs_dogs")


def test_a_set_that_needs_no_preparing(known):
    known("images", {"a.jpg": jpeg(1)})
    with pytest.raises(InputError, match="'images'"):
        prepared_set("images")
    lines = []
    command.bring(["images"], say=lines.append)
    assert len(lines) == 1 and lines[0].endswith("nothing to do")


def test_a_run_names_all_that_is_missing_before_it_begins(home):
    with pytest.raises(InputError) as refused:
        needs.prepare(["02", "03", "06"], say=print)
    assert "course data fashion_mnist cifar10 cats_vs_dogs flowers oxford_pets" in str(
        refused.value
    )


def test_a_run_prepares_what_is_downloaded(pets, monkeypatch):
    pets()
    monkeypatch.setattr(needs, "used", lambda chapter: ("cats_vs_dogs",))
    lines = []
    needs.prepare(["04", "05"], say=lines.append)
    assert prepare.ready("cats_vs_dogs") is not None and lines[0].startswith("cats_vs_dogs")
    needs.prepare(["04"], say=lines.clear)
