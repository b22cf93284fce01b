"""Archives unpacked as if a stranger had packed them.

Only files and folders come out, only inside the target, only up to a limit that counts the bytes
that really come, whatever the archive's headers say. One member that breaks a rule stops it all.
"""

from __future__ import annotations

import contextlib
import gzip
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from course_utils.errors import WorldError

__all__ = ["limit", "look_through", "unpack"]

_CHUNK = 1 << 20
_FILES = 200_000
_BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)


def limit(archive: Path) -> int:
    """Bytes that an archive may unpack to: pictures hardly shrink, so ten times its own size.

    Example:
        >>> import tempfile
        >>> limit(Path(tempfile.mkstemp()[1]))
        100000000
    """
    return 100_000_000 + 10 * archive.stat().st_size


def unpack(
    archive: Path,
    folder: Path,
    *,
    wanted: Callable[[str], bool] = lambda name: True,
    most: int | None = None,
) -> list[str]:
    """Unpack a zip or tar archive into a folder.

    Args:
        archive: `.zip`, `.tar`, `.tar.gz` or `.tgz`; told by content, not by name.
        folder: the target; made if it is not there.
        wanted: tells by name which files are written; all are checked.
        most: bytes that may come out, `limit(archive)` if None.

    Returns:
        Names of the files written, with "/", in the archive's order.

    Raises:
        WorldError: no archive, a broken one, a member outside the target, a link or device, or
            more than `most` bytes or 200,000 members. What was written is left: unpack into a
            folder that is thrown away.

    Example:
        >>> import tempfile
        >>> there = Path(tempfile.mkdtemp())
        >>> with zipfile.ZipFile(there / "a.zip", "w") as new:
        ...     new.writestr("PetImages/Cat/0.jpg", b"...")
        >>> unpack(there / "a.zip", there / "out")
        ['PetImages/Cat/0.jpg']
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for name, chunks in _members(archive, limit(archive) if most is None else most):
        if not wanted(name):
            for _ in chunks:
                pass
            continue
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            for chunk in chunks:
                file.write(chunk)
        names.append(name)
    return names


def look_through(archive: Path, *, most: int | None = None) -> None:
    """Apply the rules of `unpack` and write nothing.

    Raises:
        WorldError: as `unpack`.
    """
    for _, chunks in _members(archive, limit(archive) if most is None else most):
        for _ in chunks:
            pass


def _members(archive: Path, most: int) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Name and content of each file; the content must be read before the next is asked for."""
    left = [most]
    count = 0
    with _told(archive):
        for name, file in _opened(archive, most):
            count += 1
            if count > _FILES:
                raise WorldError(
                    f"expected at most {_FILES:,} members in {archive.name}, received more: "
                    "it is not unpacked; look at where it came from"
                )
            inside = _inside(name, archive)
            if file is not None:
                with file:
                    yield inside, _chunks(file, left, most, archive)


@contextlib.contextmanager
def _told(archive: Path) -> Iterator[None]:
    """Say in one line that an archive is broken."""
    try:
        yield
    except (*_BROKEN, OSError) as error:
        # With a number it is the disk that refuses, and not the archive.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise WorldError(
            f"expected a whole zip or tar archive in {archive.name}, received a broken one "
            f"({error}): delete {archive} and fetch it again"
        ) from None


def _opened(archive: Path, most: int) -> Iterator[tuple[str, IO[bytes] | None]]:
    return _zip(archive) if zipfile.is_zipfile(archive) else _tar(archive, most)


def _zip(archive: Path) -> Iterator[tuple[str, IO[bytes] | None]]:
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            mode = member.external_attr >> 16
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise WorldError(_refused(archive, member.filename, "a link or device"))
            if member.flag_bits & 1:
                raise WorldError(_refused(archive, member.filename, "encrypted"))
            yield member.filename, None if member.is_dir() else opened.open(member)


def _tar(archive: Path, most: int) -> Iterator[tuple[str, IO[bytes] | None]]:
    with archive.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    # As a stream, so that members are read in their order and only once. Not by tarfile's own
    # "r|gz", which never compares gzip's checksum.
    with (
        gzip.open(archive) if zipped else archive.open("rb") as content,
        tarfile.open(fileobj=_Metered(content, most), mode="r|") as opened,
    ):
        for member in opened:
            if not (member.isreg() or member.isdir()):
                raise WorldError(_refused(archive, member.name, "a link or device"))
            yield member.name, None if member.isdir() else opened.extractfile(member)
        while opened.fileobj.read(_CHUNK):
            pass


class _Metered:
    """Counts all that a tar archive gives, headers and padding too: a bomb may be hidden there."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file = file
        self._left = most + 2 * 512 * _FILES

    def read(self, count: int) -> bytes:
        if count > self._left:
            raise tarfile.ReadError("more headers and padding than files")
        content = self._file.read(count)
        self._left -= len(content)
        return content


def _chunks(file: IO[bytes], left: list[int], most: int, archive: Path) -> Iterator[bytes]:
    while chunk := _read(file, archive):
        left[0] -= len(chunk)
        if left[0] < 0:
            raise WorldError(
                f"expected at most {most / 1e6:,.0f} MB out of {archive.name}, received more: "
                "it is not unpacked; look at where it came from"
            )
        yield chunk


def _read(file: IO[bytes], archive: Path) -> bytes:
    with _told(archive):
        return file.read(_CHUNK)


def _inside(name: str, archive: Path) -> str:
    """The name, if it stays inside the target on any system."""
    parts = name.replace("\\", "/").split("/")
    if (
        name.startswith(("/", "\\"))
        or re.match(r"[A-Za-z]:", name)
        or ".." in parts
        or "\0" in name
        or not any(part not in ("", ".") for part in parts)
    ):
        raise WorldError(_refused(archive, name, "outside the folder it is unpacked into"))
    return "/".join(part for part in parts if part not in ("", "."))


def _refused(archive: Path, name: str, what: str) -> str:
    return (
        f"expected plain files and folders in {archive.name}, received {name!r}, which is {what}: "
        "it is not unpacked; look at where it came from"
    )
