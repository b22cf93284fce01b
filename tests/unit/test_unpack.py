"""Archives that a stranger packed: none of them may write where it should not, or without end."""

import gzip
import io
import stat
import tarfile
import zipfile

import pytest

from course_tools.datasets.unpack import limit, look_through, unpack
from course_utils.errors import WorldError

PICTURES = {"PetImages/Cat/0.jpg": b"cat" * 1000, "PetImages/개 1/1.jpg": b"dog"}


def zip_of(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def tar_of(path, files, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


MAKERS = {
    "zip": zip_of,
    "tar.gz": tar_of,
    "tar": lambda path, files: tar_of(path, files, "w"),
}


@pytest.fixture(params=MAKERS)
def make(request, tmp_path):
    return lambda files: MAKERS[request.param](tmp_path / "홍 길동.bin", files)


def written(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_files_come_out_as_they_went_in(make, tmp_path):
    names = unpack(make(PICTURES), tmp_path / "out")
    assert written(tmp_path / "out") == PICTURES
    assert names == list(PICTURES)


def test_only_what_is_wanted_is_written(make, tmp_path):
    names = unpack(make(PICTURES), tmp_path / "out", wanted=lambda name: "Cat" in name)
    assert names == ["PetImages/Cat/0.jpg"] == list(written(tmp_path / "out"))


def test_looking_through_writes_nothing(make, tmp_path):
    archive = make(PICTURES)
    look_through(archive)
    assert [path.name for path in tmp_path.iterdir()] == [archive.name]


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
def test_nothing_is_written_outside(make, tmp_path, name):
    folder = tmp_path / "deep" / "out"
    with pytest.raises(WorldError, match=r"outside the folder it is unpacked into: it is not unp"):
        unpack(make({"first.jpg": b"first", name: b"bad"}), folder)
    assert set(written(tmp_path / "deep")) <= {"out/first.jpg"}


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_a_tar_may_hold_no_link_and_no_device(tmp_path, kind):
    with tarfile.open(tmp_path / "a.tgz", "w:gz") as archive:
        member = tarfile.TarInfo("PetImages/Cat/0.jpg")
        member.type, member.linkname = kind, "/etc/passwd"
        archive.addfile(member)
    with pytest.raises(WorldError, match=r"'PetImages/Cat/0.jpg', which is a link or device"):
        unpack(tmp_path / "a.tgz", tmp_path / "out")
    assert written(tmp_path / "out") == {}


def test_a_zip_may_hold_no_link(tmp_path):
    link = zipfile.ZipInfo("PetImages/Cat/0.jpg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(WorldError, match="which is a link or device"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


def test_an_encrypted_zip(tmp_path):
    content = bytearray(zip_of(tmp_path / "a.zip", {"a.jpg": b"a"}).read_bytes())
    content[content.index(b"PK\1\2") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(WorldError, match="which is encrypted"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


def test_a_bomb_is_stopped_at_the_limit(make, tmp_path):
    archive = make({f"{k}.jpg": bytes(1 << 20) for k in range(8)})
    with pytest.raises(WorldError, match=r"expected at most 3 MB out of .* received more"):
        unpack(archive, tmp_path / "out", most=3_000_000)
    assert sum(map(len, written(tmp_path / "out").values())) <= 3_000_000


def test_a_bomb_that_lies_about_its_size(tmp_path):
    content = zip_of(tmp_path / "a.zip", {"a.jpg": bytes(4 << 20)}).read_bytes()
    small = content.replace((4 << 20).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert small != content
    (tmp_path / "a.zip").write_bytes(small)
    with pytest.raises(WorldError, match="received"):
        unpack(tmp_path / "a.zip", tmp_path / "out", most=1_000_000)


def test_a_bomb_in_the_padding_behind_the_files(tmp_path):
    plain = tar_of(tmp_path / "a.tar", PICTURES, "w").read_bytes()
    with gzip.open(tmp_path / "a.tgz", "wb", compresslevel=1) as file:
        file.write(plain)
        for _ in range(300):
            file.write(bytes(1 << 20))
    with pytest.raises(WorldError, match="more headers and padding than files"):
        unpack(tmp_path / "a.tgz", tmp_path / "out", most=1_000_000)


def test_a_bomb_in_the_name_of_a_file(tmp_path):
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = b"L", 10**12
    (tmp_path / "a.tar").write_bytes(header.tobuf(tarfile.GNU_FORMAT) + bytes(10_000))
    with pytest.raises(WorldError, match="received a broken one"):
        unpack(tmp_path / "a.tar", tmp_path / "out")


def test_too_many_members(make, tmp_path, monkeypatch):
    monkeypatch.setattr("course_tools.datasets.unpack._FILES", 3)
    with pytest.raises(WorldError, match=r"expected at most 3 members .* received more"):
        unpack(make({f"{k}.jpg": b"" for k in range(4)}), tmp_path / "out")


@pytest.mark.parametrize("cut", [1, 8, 30, 300])
def test_a_truncated_archive(tmp_path, cut):
    noise = {f"{k}.jpg": bytes((k * j * j) % 251 for j in range(3000)) for k in range(5)}
    for archive in (zip_of(tmp_path / "a.zip", noise), tar_of(tmp_path / "a.tgz", noise)):
        archive.write_bytes(archive.read_bytes()[:-cut])
        with pytest.raises(WorldError, match=r"expected a whole zip or tar archive .* broken one"):
            unpack(archive, tmp_path / "out")


def test_an_archive_with_one_flipped_bit(tmp_path):
    noise = {"0.jpg": bytes((j * j) % 251 for j in range(30_000))}
    for archive in (zip_of(tmp_path / "a.zip", noise), tar_of(tmp_path / "a.tgz", noise)):
        content = bytearray(archive.read_bytes())
        content[len(content) // 2] ^= 4
        archive.write_bytes(content)
        with pytest.raises(WorldError, match="fetch it again"):
            unpack(archive, tmp_path / "out")


@pytest.mark.parametrize(
    "content", [b"", b"<html>not found</html>", b"\x1f\x8bnot gzip", b"x" * 9999]
)
def test_what_is_no_archive(tmp_path, content):
    (tmp_path / "a.tgz").write_bytes(content)
    with pytest.raises(WorldError, match=r"expected a whole zip or tar archive in a.tgz") as caught:
        unpack(tmp_path / "a.tgz", tmp_path / "out")
    assert "\n" not in str(caught.value)


def test_a_disk_that_refuses_is_not_taken_for_a_broken_archive(make, tmp_path):
    archive = make({"a": b"a file", "a/b": b"and a folder of the same name"})
    with pytest.raises(OSError):
        unpack(archive, tmp_path / "out")


def test_photographs_stay_well_under_the_limit(tmp_path):
    archive = zip_of(tmp_path / "a.zip", PICTURES)
    assert limit(archive) == 100_000_000 + 10 * archive.stat().st_size
