"""A folder of generated files in which a person's work is never written over.

A generated file may be generated again; but from the moment somebody has changed a single byte of
it, it is his. A manifest in the folder remembers what was generated, and a file that is none of
that is left alone: the new version is put beside it, once.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from course_tools.notebooks import documents
from course_utils.errors import InputError, WorldError

__all__ = ["MANIFEST", "Copy", "Report", "Shelf", "write_copies", "write_zip"]

MANIFEST = ".generated.json"

_WORDS = {
    "written": "written",
    "updated": "updated, nobody had changed it",
    "unchanged": "up to date",
    "kept": "kept, it was changed there and there is nothing new",
    "beside": "kept, it was changed there; the new version is beside it",
}


@dataclass(frozen=True)
class Copy:
    """What was done about one file: a state of `_WORDS`, and where the generated version lies.

    For "kept" the path is that of the student's own file.
    """

    name: str
    state: str
    path: Path

    def __str__(self) -> str:
        """One line for the command line."""
        beside = f": {self.path.name}" if self.state == "beside" else ""
        return f"{self.name}: {_WORDS[self.state]}{beside}"


@dataclass(frozen=True)
class Report:
    """What was done about each file; `leftover` was generated earlier, from chapters now gone."""

    copies: tuple[Copy, ...]
    leftover: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether any file was written."""
        return any(copy.state in ("written", "updated", "beside") for copy in self.copies)

    def __str__(self) -> str:
        """One line a file, and one when there was nothing to do."""
        lines = [str(copy) for copy in self.copies]
        lines += [f"{name}: left there, its chapter is gone" for name in self.leftover]
        if not self.changed:
            lines.append("nothing to do")
        return "\n".join(lines)


def write_copies(target: Path, files: Mapping[str, bytes], *, whole: bool = True) -> Report:
    """Write generated files into a folder, and never over what somebody changed there.

    Where the files are not the `whole` course, nothing there is called left over.
    """
    shelf = Shelf(target)
    copies = tuple(shelf.put(name, content) for name, content in files.items())
    gone = sorted(set(shelf.generated) - set(files)) if whole else []
    return Report(copies, tuple(name for name in gone if (target / name).exists()))


def write_zip(path: Path, files: Mapping[str, bytes]) -> Path:
    """Write files into a zip, the same bytes for the same files; its folder is made."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            # The date of every member: a zip that differs says that a file does.
            entry = zipfile.ZipInfo(name, date_time=(2026, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, files[name])
    with documents.writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    documents.write_bytes(path, buffer.getvalue())
    return path


class Shelf:
    """A folder of generated files with its memory of what was generated there.

    `generated` is each name with the hashes of all that was ever generated under it, newest last.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:
            raise InputError(
                f"expected a folder for the copies, received the file {folder}: choose another"
            ) from error
        except OSError as error:
            raise WorldError(f"cannot make the folder {folder}: {error.strerror}") from error
        self.generated = self._load()

    def put(self, name: str, content: bytes) -> Copy:
        """Write one file, its name with "/" between folders, or leave a person's work alone."""
        path = self.folder / name
        digest = _digest(content)
        known = self.generated.get(name, [])
        there = _bytes_of(path)
        if there == content:
            self._remember(name, digest)
            return Copy(name, "unchanged", path)
        if there is None or _digest(there) in known:
            self._write(name, path, content)
            return Copy(name, "written" if there is None else "updated", path)
        if known and known[-1] == digest:
            return Copy(name, "kept", path)
        beside = self._place_beside(path, digest, known)
        if _bytes_of(beside) == content:
            self._remember(name, digest)
            return Copy(name, "kept", path)
        self._write(name, beside, content)
        return Copy(name, "beside", beside)

    def _place_beside(self, path: Path, digest: str, known: list[str]) -> Path:
        """The first name beside a file that is free or holds nothing of a student's."""
        count = 1
        while True:
            place = path.with_name(f"{path.stem}.new{count if count > 1 else ''}{path.suffix}")
            there = _bytes_of(place)
            if there is None or _digest(there) in (digest, *known):
                return place
            count += 1

    def _write(self, name: str, path: Path, content: bytes) -> None:
        # Remembered first: if the power fails in between, the old file is still known as
        # generated. The other way round, the new file would pass for a student's work.
        self._remember(name, _digest(content))
        with documents.writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        documents.write_bytes(path, content)

    def _remember(self, name: str, digest: str) -> None:
        known = self.generated.get(name, [])
        if known[-1:] == [digest]:
            return
        self.generated[name] = [old for old in known if old != digest] + [digest]
        text = json.dumps({"generated": self.generated}, indent=1, sort_keys=True)
        documents.write_bytes(self.folder / MANIFEST, (text + "\n").encode("utf-8"))

    def _load(self) -> dict[str, list[str]]:
        stored = _bytes_of(self.folder / MANIFEST)
        if stored is None:
            return {}
        try:
            generated = json.loads(stored)["generated"]
            return {str(name): [str(digest) for digest in generated[name]] for name in generated}
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"expected {self.folder / MANIFEST} to list what was generated, received something "
                "else: delete it, and every copy that differs will be kept"
            ) from error


def _bytes_of(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise WorldError(f"cannot read {path}: {error.strerror}") from error


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
