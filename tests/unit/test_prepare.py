"""Sets prepared from small archives made here, each with one thing wrong."""

import hashlib
import io
import json
import multiprocessing
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from course_tools.datasets import bring, prepare
from course_tools.run import needs
from course_utils import cache, datasets
from course_utils.datasets import prepared, registry
from course_utils.errors import InputError, WorldError

RNG = np.random.default_rng(0)


def jpeg(seed, size=(40, 60)):
    """A picture like no other: noise of 5×8 patches."""
    patches = np.random.default_rng(seed).integers(0, 256, (5, 8, 3), dtype=np.uint8)
    return encoded(Image.fromarray(patches).resize(size[::-1], Image.Resampling.BICUBIC))


def encoded(picture, kind="JPEG"):
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


def trimap(size=(40, 60), values=(1, 2, 3)):
    rows = np.resize(np.array(values, np.uint8), size)
    return encoded(Image.fromarray(rows), "PNG")


def zip_of(files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)  # of 1980: the same bytes again
    return file.getvalue()


def tar_of(files):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_CACHE_DIR", str(tmp_path / "홍 길동"))
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "downloads"))
    return tmp_path


@pytest.fixture
def known(monkeypatch, home):
    """Lay archives into the folder of downloads, and write a registry that knows them."""

    def write(name, archives, **facts):
        lines = [f"[{name}]", 'licence = "none"']
        lines += [f"{key} = {_toml(value)}" for key, value in facts.items()]
        folder = home / "downloads" / name
        folder.mkdir(parents=True, exist_ok=True)
        for title, content in archives.items():
            (folder / title).write_bytes(content)
            digest = hashlib.sha256(content).hexdigest()
            lines += [f"[[{name}.files]]", f'name = "{title}"', f'sha256 = "{digest}"']
            lines += [f'urls = ["{title}"]', f"bytes = {len(content)}"]
        (home / "registry.toml").write_text("\n".join(lines))
        monkeypatch.setenv("COURSE_REGISTRY", str(home / "registry.toml"))

    return write


def _toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {number}" for key, number in value.items()) + " }"
    return json.dumps(value)


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
    def write(changes=(), **facts):
        files = PETS | dict(changes)
        archive = zip_of({name: content for name, content in files.items() if content is not None})
        known("cats_vs_dogs", {"pets.zip": archive}, **CATS_VS_DOGS | facts)

    return write


def opened(name, **options):
    bring.prepare_all([name])
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


def test_bad_pictures_and_stray_files_are_listed_and_left_out(pets):
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
    reasons = left_out(data.folder)
    assert list(reasons) == [
        "PetImages/Cat/1.jpg",
        "PetImages/Cat/Thumbs.db",
        "PetImages/Cat/old/0.jpg",
        "PetImages/Dog/2.jpg",
        "PetImages/Dog/3.jpg",
    ]
    assert [reason.split(":")[0] for reason in reasons.values()] == [
        "empty",
        "stray file",
        "stray file",
        "truncated",
        "no JPEG",
    ]
    assert names(data.train.first(4)) == ["cat/0.jpg", "dog/0.jpg", "cat/2.jpg", "dog/1.jpg"]
    assert (data.folder / "readme[1].txt").read_bytes() == b"notice"


def test_near_identical_pictures_are_in_one_part(pets):
    copy = Image.open(io.BytesIO(PETS["PetImages/Dog/1.jpg"])).resize((45, 30))
    pets({"PetImages/Dog/7.jpg": encoded(copy)})
    data = opened("cats_vs_dogs")
    assert {"dog/1.jpg", "dog/7.jpg"} <= set(names(data.train))
    assert len(data.train) == 8
    assert cache.about(data.folder)["kept_together"] == [
        ["PetImages/Dog/1.jpg", "PetImages/Dog/7.jpg"]
    ]


def test_a_picture_filed_under_both_classes_is_left_out_of_both(pets):
    pets({"PetImages/Dog/7.jpg": PETS["PetImages/Cat/3.jpg"]})
    reasons = left_out(opened("cats_vs_dogs").folder)
    assert reasons == {
        "PetImages/Cat/3.jpg": "mislabelled, or PetImages/Dog/7.jpg is: the two are near-identical",
        "PetImages/Dog/7.jpg": "mislabelled, or PetImages/Cat/3.jpg is: the two are near-identical",
    }


def test_too_few_pictures_for_the_split(pets):
    pets({f"PetImages/Dog/{k}.jpg": None for k in range(4)})
    with pytest.raises(InputError, match=r"at least 9 good pictures of dog .* received 8: lower"):
        opened("cats_vs_dogs")


def test_the_manifest_tells_what_was_prepared_from_what(pets, home):
    pets()
    folder = prepare.prepare("cats_vs_dogs")
    about = cache.about(folder)
    archive = home / "downloads" / "cats_vs_dogs" / "pets.zip"
    assert about["set"] == "cats_vs_dogs" and about["split"] == CATS_VS_DOGS["split"]
    assert about["from"][0]["sha256"] == cache.file_hash(archive)
    assert about["parts"] == {"train": 8, "validation": 4, "test": 6}
    assert about["good_but_not_needed"] == 24 - 18
    # Nothing of this machine's folders: the manifest may be passed on.
    assert str(home) not in (folder / "manifest.json").read_text(encoding="utf-8")


def test_a_second_call_does_nothing_and_says_so(pets, home):
    pets()
    lines = []
    bring.bring(["cats_vs_dogs"], say=lines.append)
    assert "8 train, 4 validation, 6 test pictures" in lines[1]
    before = {path: path.stat().st_mtime_ns for path in (home / "홍 길동").rglob("*")}
    lines.clear()
    bring.bring(["cats_vs_dogs"], say=lines.append)
    assert len(lines) == 1 and lines[0].endswith("nothing to do")
    assert {path: path.stat().st_mtime_ns for path in (home / "홍 길동").rglob("*")} == before


def test_a_prepared_set_needs_its_downloads_no_more(pets, home):
    pets()
    folder = prepare.prepare("cats_vs_dogs")
    (home / "downloads" / "cats_vs_dogs" / "pets.zip").unlink()
    assert opened("cats_vs_dogs").folder == folder


def test_a_damaged_prepared_set_is_made_anew(pets):
    pets()
    folder = prepare.prepare("cats_vs_dogs")
    (folder / "train" / "cat" / "0.jpg").write_bytes(b"damaged")
    assert prepare.ready("cats_vs_dogs") is None
    assert opened("cats_vs_dogs").folder == folder
    assert (folder / "train" / "cat" / "0.jpg").read_bytes() == PETS["PetImages/Cat/0.jpg"]


def test_an_unsafe_archive_leaves_the_earlier_state_usable(pets, home):
    pets()
    folder = prepare.prepare("cats_vs_dogs")
    pets({"../../outside.jpg": b"bad"})
    with pytest.raises(WorldError, match="outside the folder"):
        opened("cats_vs_dogs")
    assert not list(home.rglob("outside.jpg"))
    assert not [path for path in (home / "홍 길동").iterdir() if path.name.startswith(".")]
    pets()
    assert opened("cats_vs_dogs").folder == folder


def test_what_a_killed_call_left_is_cleared_away(pets, home):
    pets()
    final = prepared.place("cats_vs_dogs")
    abandoned = final.with_name(f".{final.name}-abandoned")
    (abandoned / "unpacked").mkdir(parents=True)
    prepare.prepare("cats_vs_dogs")
    assert not abandoned.exists()


def test_another_split_is_another_prepared_set(pets):
    pets()
    first = prepare.prepare("cats_vs_dogs")
    pets(split={"test": 1, "train": 2, "validation": 1})
    second = opened("cats_vs_dogs")
    assert first != second.folder and first.is_dir()
    assert names(second.train)[:2] == ["cat/0.jpg", "dog/0.jpg"]


def make(_):
    return str(prepare.prepare("cats_vs_dogs"))


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


@pytest.fixture
def trimaps(known):
    def write(changes=(), **facts):
        files = oxford(changes)
        images = {name: content for name, content in files.items() if name.startswith("images")}
        others = {name: files[name] for name in files.keys() - images.keys()}
        archives = {"images.tar.gz": tar_of(images), "annotations.tar.gz": tar_of(others)}
        known("oxford_pets", archives, **OXFORD | facts)

    return write


def test_trimaps_are_matched_by_name_and_shuffled_as_one(trimaps):
    import random

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
    assert left_out(data.folder) == {
        "annotations/trimaps/._pug_0.png": "stray file (a Mac's resource fork)"
    }


@pytest.mark.parametrize(
    ("changes", "file", "reason"),
    [
        ({"annotations/trimaps/pug_1.png": None}, "images/pug_1.jpg", "no trimap of this name"),
        (
            {"images/pug_1.jpg": None},
            "annotations/trimaps/pug_1.png",
            "no picture of this name",
        ),
        (
            {"annotations/trimaps/pug_1.png": trimap((60, 40))},
            "images/pug_1.jpg",
            "trimap of (60, 40), picture of (40, 60) (height, width)",
        ),
        (
            {"annotations/trimaps/pug_1.png": trimap(values=(1, 2, 3, 0))},
            "images/pug_1.jpg",
            "trimap with the value 0, which is none of 1, 2 and 3",
        ),
        (
            {"annotations/trimaps/pug_1.png": b"no picture"},
            "images/pug_1.jpg",
            "trimap unreadable: cannot identify image file",
        ),
        ({"images/pug_1.jpg": b""}, "images/pug_1.jpg", "empty"),
        ({"images/pug.mat": b"matlab"}, "images/pug.mat", "stray file"),
    ],
)
def test_a_pair_that_does_not_agree_is_left_out(trimaps, changes, file, reason):
    trimaps(changes)
    folder = prepare.prepare("oxford_pets")
    assert left_out(folder)[file] == reason
    # A stray file costs no pair.
    assert cache.about(folder)["parts"]["train"] == (9 if file.endswith(".mat") else 8)


def test_a_picture_of_another_format_becomes_a_png(trimaps):
    pixels = np.resize(np.arange(9, dtype=np.uint8) * 28, (40, 60))
    trimaps({"images/pug_1.jpg": encoded(Image.fromarray(pixels), "GIF")})
    folder = prepare.prepare("oxford_pets")
    with Image.open(folder / "images" / "pug_1.png") as picture:
        assert np.array_equal(np.asarray(picture), np.stack([pixels] * 3, -1))
    assert cache.about(folder)["rewritten"] == [
        {"file": "images/pug_1.jpg", "reason": "no JPEG: now images/pug_1.png"}
    ]


def test_too_few_pairs(trimaps):
    trimaps(split={"train": 10, "validation": 3})
    with pytest.raises(InputError, match=r"at least 13 usable of pictures with trimaps .* receiv"):
        opened("oxford_pets")


def cifar(count, first=0):
    labels = (np.arange(count) + first) % 10
    pixels = np.random.default_rng(first).integers(0, 256, (count, 3072))
    return np.column_stack([labels, pixels]).astype(np.uint8).tobytes()


CIFAR = {"classes": [str(k) for k in range(10)], "split": {"train": 6, "validation": 3, "test": 4}}


@pytest.fixture
def records(known):
    def write(training=9, **facts):
        files = {"data_batch_1.bin": cifar(training), "test_batch.bin": cifar(4, 50)}
        archive = tar_of({f"cifar-10-batches-bin/{name}": c for name, c in files.items()})
        known("cifar10", {"cifar.tar.gz": archive}, **CIFAR | facts)

    return write


def test_records_are_split_by_index(records):
    records(training=11)
    data = opened("cifar10", train=5)
    assert data.train.labels.tolist() == [0, 1, 2, 3, 4]
    assert data.validation.labels.tolist() == [6, 7, 8]
    expected = np.frombuffer(cifar(11), np.uint8).reshape(11, 3073)[6, 1:].reshape(3, 32, 32)
    assert np.array_equal(data.validation.images[0], expected.transpose(1, 2, 0))
    assert data.folder is None


def test_too_few_records(records):
    records(training=8)
    with pytest.raises(InputError, match=r"at least 9 training pictures .* received 8"):
        opened("cifar10")


def test_a_bomb_in_the_place_of_records(known, monkeypatch):
    archive = tar_of({"data_batch_1.bin": bytes(3073 * 1000)})
    known("cifar10", {"cifar.tar.gz": archive}, **CIFAR)
    monkeypatch.setattr("course_tools.datasets.unpack.limit", lambda path: 1_000_000)
    with pytest.raises(WorldError, match="expected at most 1 MB out of cifar"):
        opened("cifar10")


def test_only_photographs_have_a_size_to_choose(records):
    records()
    assert opened("cifar10", size=32).image_shape == (32, 32, 3)
    with pytest.raises(InputError, match="expected no size for cifar10, whose pictures are 32×32"):
        opened("cifar10", size=64)


@pytest.mark.parametrize("size", [0, 7, 5000, True, 32.0])
def test_a_size_is_a_number_of_pixels(pets, size):
    pets()
    with pytest.raises(InputError, match="expected a size of 8 to 2048 pixels, received"):
        opened("cats_vs_dogs", size=size)


def test_a_registry_that_lacks_something(pets, home):
    pets()
    file = home / "registry.toml"
    text = file.read_text()
    file.write_text("\n".join(line for line in text.split("\n") if "folders" not in line))
    with pytest.raises(InputError, match="expected folders of cats_vs_dogs in the registry"):
        opened("cats_vs_dogs")
    file.write_text(text.replace("validation = 2, ", ""))
    with pytest.raises(InputError, match=r"expected split\.validation of cats_vs_dogs"):
        opened("cats_vs_dogs")


def test_a_set_that_is_not_prepared(known):
    known("images", {"a.jpg": jpeg(1)})
    with pytest.raises(InputError, match="expected one of the sets that are prepared, fashion_mni"):
        prepare.prepare("images")
    lines = []
    bring.bring(["images"], say=lines.append)
    assert lines[0].startswith("images: here already, in ")


def test_nothing_is_done_when_one_name_is_wrong(pets):
    pets()
    with pytest.raises(InputError, match="received 'dogs'"):
        bring.bring(["cats_vs_dogs", "dogs"])
    assert prepare.ready("cats_vs_dogs") is None


def test_the_list_tells_the_state_of_each(pets, home):
    pets()

    def state():
        return {row[0]: row[4] for row in bring.listing()}["cats_vs_dogs"]

    assert state() == "downloaded"
    prepare.prepare("cats_vs_dogs")
    assert state() == "prepared"
    pets(split={"train": 3, "validation": 2, "test": 3})
    archive = home / "downloads" / "cats_vs_dogs" / "pets.zip"
    archive.write_bytes(archive.read_bytes()[:-5])
    assert state() == "not here"
    download = registry.download_folder("cats_vs_dogs")
    download.mkdir(parents=True)
    (download / "pets.zip.part").touch()
    assert state() == "part"


def test_a_single_photograph(known, home):
    content = jpeg(1)
    known("images", {"zoo.jpg": content})
    file = home / "registry.toml"
    file.write_text(
        file.read_text().replace('name = "zoo.jpg"', 'name = "zoo.jpg"\npicture = "elephant"')
    )
    elephant = datasets.photograph("elephant")
    assert np.array_equal(elephant.image, np.asarray(Image.open(io.BytesIO(content))))
    (home / "downloads" / "images" / "zoo.jpg").unlink()
    with pytest.raises(InputError, match="`course data images`"):
        datasets.photograph("elephant")
    with pytest.raises(InputError, match="received 'elefant': did you mean 'elephant'"):
        datasets.photograph("elefant")


@pytest.mark.parametrize("name", ["astronaut", "camera", "chelsea", "coffee", "rocket"])
def test_photographs_that_need_no_network(name):
    shown = datasets.photograph(name)
    assert shown.image.dtype == np.uint8 and shown.image.shape[2] == 3 and shown.licence


def test_a_set_that_is_only_downloaded_is_not_opened_and_the_command_is_named(pets):
    pets()
    with pytest.raises(InputError, match="course data cats_vs_dogs"):
        datasets.open("cats_vs_dogs")


def test_what_other_code_prepared_is_prepared_anew(pets, monkeypatch):
    pets()
    folder = prepare.prepare("cats_vs_dogs")
    made = (folder / "manifest.json").stat().st_mtime_ns
    assert prepare.prepare("cats_vs_dogs") == folder
    assert (folder / "manifest.json").stat().st_mtime_ns == made
    monkeypatch.setattr(prepare, "_code", lambda: "another")
    assert prepare.ready("cats_vs_dogs") is None
    assert prepare.prepare("cats_vs_dogs") == folder
    assert (folder / "manifest.json").stat().st_mtime_ns > made


def test_a_run_names_all_that_is_missing_before_it_begins(home):
    with pytest.raises(InputError) as refused:
        needs.prepare(["02", "03", "06"], say=print)
    assert "course data fashion_mnist cifar10 cats_vs_dogs flowers oxford_pets" in str(refused.value)


def test_a_run_prepares_what_is_downloaded(pets, monkeypatch):
    pets()
    monkeypatch.setattr(needs, "used", lambda chapter: ("cats_vs_dogs",))
    lines = []
    needs.prepare(["04", "05"], say=lines.append)
    assert prepare.ready("cats_vs_dogs") is not None and lines[0].startswith("cats_vs_dogs")
    needs.prepare(["04"], say=lines.clear)
