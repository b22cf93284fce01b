"""Archives that a stranger packed: none of them may write where it should not, or without end."""

import errno
import gzip
import stat
import tarfile
import zipfile

import pytest
from small_archives import tar_of, zip_of

from course_tools.datasets import archives
from course_tools.datasets.archives import unpack
from course_utils.errors import WorldError

IMAGES = {"PetImages/Cat/0.jpg": b"cat" * 1000, "PetImages/개 1/1.jpg": b"dog"}
NOISE = {f"{k}.jpg": bytes((k * j * j) % 251 for j in range(9000)) for k in range(5)}
MAKERS = {
    "zip": zip_of,
    "tar": lambda files: tar_of(files, "w"),
    "gz": tar_of,
    "bz2": lambda files: tar_of(files, "w:bz2"),
    "xz": lambda files: tar_of(files, "w:xz"),
}


@pytest.fixture
def unpacked(tmp_path):
    """Unpack an archive's bytes, under a name that says nothing of what it is."""

    def go(content, **options):
        (tmp_path / "홍 길동.bin").write_bytes(content)
        return unpack(tmp_path / "홍 길동.bin", tmp_path / "deep" / "out", **options)

    return go


def written(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("kind", MAKERS)
def test_files_come_out_as_they_went_in(unpacked, tmp_path, kind):
    assert unpacked(MAKERS[kind](IMAGES)) == list(IMAGES)
    assert written(tmp_path / "deep" / "out") == IMAGES


@pytest.mark.parametrize("kind", ["zip", "gz"])
def test_only_what_is_wanted_is_written(unpacked, tmp_path, kind):
    names = unpacked(MAKERS[kind](IMAGES), wanted=lambda name: "Cat" in name)
    assert names == ["PetImages/Cat/0.jpg"] == list(written(tmp_path / "deep" / "out"))


@pytest.mark.parametrize(
    "content",
    [
        tar_of([("./", None), ("./PetImages/", None), *((f"./{n}", c) for n, c in IMAGES.items())]),
        zip_of([("PetImages\\Cat\\", b""), *((n.replace("/", "\\"), IMAGES[n]) for n in IMAGES)]),
        tar_of([(next(iter(IMAGES)), b"earlier"), *IMAGES.items()]),
        zip_of([*((f".//{name}", content) for name, content in IMAGES.items())]),
    ],
    ids=["the folder itself", "backslashes", "twice, the later one counts", "empty parts"],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_as_ordinary_programs_write_them(unpacked, tmp_path, content):
    assert unpacked(content) == list(IMAGES)
    assert written(tmp_path / "deep" / "out") == IMAGES


@pytest.mark.parametrize(
    "name",
    [
        "../outside.jpg",
        "PetImages/../../outside.jpg",
        "/tmp/outside.jpg",
        "..\\outside.jpg",
        "\\outside.jpg",
        "C:\\outside.jpg",
        "C:outside.jpg",
        "..",
        "./.",
    ],
)
@pytest.mark.parametrize("kind", ["zip", "tar", "gz"])
def test_nothing_is_written_outside(unpacked, tmp_path, kind, name):
    with pytest.raises(WorldError) as refused:
        unpacked(MAKERS[kind]({"first.jpg": b"first", name: b"bad"}))
    assert repr(name) in str(refused.value)
    assert set(written(tmp_path / "deep")) <= {"out/first.jpg"}


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_a_tar_may_hold_no_link_and_no_device(tmp_path, kind):
    with tarfile.open(tmp_path / "a.tgz", "w:gz") as archive:
        member = tarfile.TarInfo("PetImages/Cat/0.jpg")
        member.type, member.linkname = kind, "/etc/passwd"
        archive.addfile(member)
    with pytest.raises(WorldError, match=r"'PetImages/Cat/0.jpg'.* link or device"):
        unpack(tmp_path / "a.tgz", tmp_path / "out")
    assert written(tmp_path / "out") == {}


def test_a_zip_may_hold_no_link_and_nothing_encrypted(unpacked, tmp_path):
    link = zipfile.ZipInfo("PetImages/Cat/0.jpg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(WorldError, match=r"'PetImages/Cat/0.jpg'.* link or device"):
        unpack(tmp_path / "a.zip", tmp_path / "out")
    content = bytearray(zip_of({"a.jpg": b"a"}))
    content[content.index(b"PK\1\2") + 8] |= 1
    with pytest.raises(WorldError, match=r"'a.jpg'.* encrypted"):
        unpacked(content)


@pytest.mark.parametrize("kind", MAKERS)
def test_a_bomb_is_stopped_at_the_limit(unpacked, tmp_path, kind):
    with pytest.raises(WorldError, match="at most 3 MB"):
        unpacked(MAKERS[kind]({f"{k}.jpg": bytes(1 << 20) for k in range(8)}), most=3_000_000)
    assert sum(map(len, written(tmp_path / "deep").values())) <= 3_000_000


def test_what_is_not_wanted_counts_too(unpacked):
    with pytest.raises(WorldError, match="at most 3 MB"):
        unpacked(zip_of({"0.jpg": bytes(4 << 20)}), most=3_000_000, wanted=lambda name: False)


def test_a_bomb_that_lies_about_its_size(unpacked):
    content = zip_of({"a.jpg": bytes(4 << 20)})
    small = content.replace((4 << 20).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert small != content
    with pytest.raises(WorldError):
        unpacked(small, most=1_000_000)


def test_a_bomb_in_the_padding_behind_the_files(unpacked, monkeypatch):
    monkeypatch.setattr(archives, "_MEMBERS", 1000)
    padded = tar_of(IMAGES, "w") + bytes(4 << 20)
    with pytest.raises(WorldError, match="headers and padding"):
        unpacked(gzip.compress(padded, 1), most=1_000_000)


def test_a_bomb_in_the_name_of_a_file(unpacked):
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = b"L", 10**12
    with pytest.raises(WorldError):
        unpacked(header.tobuf(tarfile.GNU_FORMAT) + bytes(10_000))


@pytest.mark.parametrize("kind", ["zip", "gz"])
def test_too_many_members(unpacked, monkeypatch, kind):
    monkeypatch.setattr(archives, "_MEMBERS", 3)
    with pytest.raises(WorldError, match="at most 3 members"):
        unpacked(MAKERS[kind]({f"{k}.jpg": b"" for k in range(4)}))


def flipped(content):
    content = bytearray(content)
    content[len(content) // 2] ^= 4
    return bytes(content)


@pytest.mark.parametrize("damage", [1, 8, 30, 300, flipped])
@pytest.mark.parametrize("kind", ["zip", "gz", "xz", "bz2"])
def test_a_damaged_archive(unpacked, kind, damage):
    whole = MAKERS[kind](NOISE)
    with pytest.raises(WorldError, match="fetch it again"):
        unpacked(damage(whole) if callable(damage) else whole[:-damage])


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>not found</html>", b"\x1f\x8bnot gzip", b"x" * 9999, b"7z\xbc\xaf\x27\x1c\0\4"],
)
def test_what_is_no_archive(unpacked, content):
    with pytest.raises(WorldError, match=r"gzip, bzip2 or xz.*홍 길동\.bin") as caught:
        unpacked(content)
    assert "\n" not in str(caught.value)


def test_a_zip_of_a_kind_that_python_cannot_read(unpacked):
    content = bytearray(zip_of({"a.jpg": b"a"}))
    for mark, offset in ((b"PK\1\2", 10), (b"PK\3\4", 8)):
        content[content.index(mark) + offset] = 97
    with pytest.raises(WorldError, match="pack it again"):
        unpacked(content)


@pytest.mark.parametrize("kind", ["zip", "gz"])
def test_a_file_that_is_a_folder_too(unpacked, kind):
    with pytest.raises(WorldError, match=r"'a/b'.* file and a folder"):
        unpacked(MAKERS[kind]({"a": b"a file", "a/b": b"in a folder of its name"}))


@pytest.mark.parametrize("kind", ["zip", "gz"])
def test_a_disk_that_refuses_is_not_taken_for_a_broken_archive(unpacked, monkeypatch, kind):
    def full(*_):
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(archives, "_new", full)
    with pytest.raises(OSError, match="no space"):
        unpacked(MAKERS[kind](IMAGES))


def test_images_stay_well_under_the_limit(tmp_path):
    (tmp_path / "a.zip").write_bytes(zip_of(IMAGES))
    assert archives._limit(tmp_path / "a.zip") >= 10**8 > sum(map(len, IMAGES.values()))
