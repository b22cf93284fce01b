"""Archives unpacked as if a stranger had packed them.

Only files and folders come out, only inside the target, only up to a limit that counts the bytes
that really come, whatever the archive's headers say. One member that breaks a rule stops it all.
(`tarfile`'s own data filter knows neither a limit nor zip archives, strips a leading "/" where
this refuses it, and lets links in.)
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import IO

from course_utils.errors import WorldError

__all__ = ["unpack"]

_CHUNK = 1 << 20
_MEMBERS = 200_000
_COMPRESSED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
_BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError)


def unpack(
    archive: Path,
    folder: Path,
    *,
    wanted: Callable[[str], object] = lambda name: True,
    most: int | None = None,
) -> list[str]:
    """Unpack the wanted files of a zip or tar archive, told by content; their names, with "/".

    All are checked. Of two with one name the later one counts, as with `tar`. What was written
    before an error is left: unpack into a folder that is thrown away.
    """
    most = _limit(archive) if most is None else most
    left = most
    names: dict[str, None] = {}
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for name, file in _members(archive, most):
            if file is None:
                continue
            target = _new(folder / name, name, archive) if wanted(name) else nullcontext()
            with file, target as written:
                while chunk := file.read(_CHUNK):
                    left -= len(chunk)
                    if left < 0:
                        raise WorldError(_too_much(archive, f"{most / 1e6:,.0f} MB"))
                    if written is not None:
                        written.write(chunk)
            if written is not None:
                names[name] = None
    except NotImplementedError as error:
        raise WorldError(
            f"expected a zip archive that Python can read in {archive.name}, received one of "
            f"another kind ({error}): unpack it and pack it again"
        ) from None
    except (*_BROKEN, OSError) as error:
        # With a number it is the disk that refuses, and not the archive.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise WorldError(
            f"expected a whole zip or tar archive (plain, gzip, bzip2 or xz) in {archive.name}, "
            f"received another file or a broken one ({error}): delete {archive} and fetch it again"
        ) from None
    return list(names)


def _limit(archive: Path) -> int:
    """Bytes that an archive may unpack to: images hardly shrink, so ten times its own size."""
    return 100_000_000 + 10 * archive.stat().st_size


def _members(archive: Path, most: int) -> Iterator[tuple[str, IO[bytes] | None]]:
    """Name and content of each file, None for a folder; to be read before the next is asked for."""
    members = _zip(archive) if zipfile.is_zipfile(archive) else _tar(archive, most)
    for number, member in enumerate(members):
        if number >= _MEMBERS:
            raise WorldError(_too_much(archive, f"{_MEMBERS:,} members"))
        yield member


def _zip(archive: Path) -> Iterator[tuple[str, IO[bytes] | None]]:
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            mode = member.external_attr >> 16
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise WorldError(_refused(archive, member.filename, "a link or device"))
            if member.flag_bits & 1:
                raise WorldError(_refused(archive, member.filename, "encrypted"))
            # Some of Windows' programs end a folder's name with their own separator.
            is_folder = member.filename.endswith(("/", "\\"))
            name = _inside(member.filename, archive, is_folder=is_folder)
            yield name, None if is_folder else opened.open(member)


def _tar(archive: Path, most: int) -> Iterator[tuple[str, IO[bytes] | None]]:
    with archive.open("rb") as file:
        head = file.read(6)
    unzip = next((unzip for magic, unzip in _COMPRESSED.items() if head.startswith(magic)), None)
    # As a stream, so that members are read in their order and only once. Not by tarfile's own
    # "r|gz", which never compares gzip's checksum.
    with (
        unzip(archive) if unzip else archive.open("rb") as content,
        tarfile.open(fileobj=_Metered(content, most), mode="r|") as opened,
    ):
        for member in opened:
            if not (member.isreg() or member.isdir()):
                raise WorldError(_refused(archive, member.name, "a link or device"))
            name = _inside(member.name, archive, is_folder=member.isdir())
            yield name, opened.extractfile(member)
        while opened.fileobj.read(_CHUNK):
            pass


class _Metered:
    """Counts all that a tar archive gives, headers and padding too: a bomb may be hidden there."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file = file
        self._left = most + 2 * 512 * _MEMBERS

    def read(self, count: int) -> bytes:
        if count > self._left:
            raise tarfile.ReadError("more headers and padding than files")
        content = self._file.read(count)
        self._left -= len(content)
        return content


def _inside(name: str, archive: Path, *, is_folder: bool) -> str:
    """The name with "/", if it stays inside the target on any system."""
    parts = [part for part in re.split(r"[/\\]", name) if part not in ("", ".")]
    if (
        name.startswith(("/", "\\"))
        or re.match(r"[A-Za-z]:", name)
        or ".." in parts
        or "\0" in name
        or not (parts or is_folder)  # "./", the folder itself, is the first of many archives
    ):
        raise WorldError(_refused(archive, name, "outside the folder it is unpacked into"))
    return "/".join(parts)


def _new(target: Path, name: str, archive: Path) -> IO[bytes]:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        return target.open("wb")
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        raise WorldError(_refused(archive, name, "a file and a folder at once")) from None


def _too_much(archive: Path, what: str) -> str:
    return (
        f"expected at most {what} out of {archive.name}, received more: "
        "it is not unpacked; look at where it came from"
    )


def _refused(archive: Path, name: str, what: str) -> str:
    return (
        f"expected plain files and folders in {archive.name}, received {name!r}, which is {what}: "
        "it is not unpacked; look at where it came from"
    )
