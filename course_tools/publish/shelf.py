"""A folder of generated files in which a person's work is never written over.

A generated file may be generated again; but from the moment somebody has changed a single byte of
it, it is his. A manifest in the folder remembers what was generated, and a file that is none of
that is left alone: the new version is put beside it, once.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from course_tools.notebooks import documents
from course_utils.errors import InputError, WorldError

__all__ = ["MANIFEST", "Copy", "Shelf"]

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
    """What was done about one file.

    Attributes:
        name: the file's name in the target folder, with "/" between folders.
        state: "written", "updated", "unchanged", "kept" or "beside" (see `str(copy)`).
        path: the file that holds the generated version; for "kept" the student's own.
    """

    name: str
    state: str
    path: Path

    def __str__(self) -> str:
        """One line for the command line."""
        beside = f": {self.path.name}" if self.state == "beside" else ""
        return f"{self.name}: {_WORDS[self.state]}{beside}"


class Shelf:
    """A folder of generated files with its memory of what was generated there.

    Attributes:
        folder: the folder; made if it is not there.
        generated: name to the hashes of all that was ever generated under it, newest last.

    Raises:
        InputError: the folder is a file, or its manifest is not one.
        WorldError: the folder cannot be made or read.

    Example:
        >>> import tempfile
        >>> shelf = Shelf(Path(tempfile.mkdtemp()))
        >>> shelf.put("a.txt", b"one").state, shelf.put("a.txt", b"one").state
        ('written', 'unchanged')
        >>> _ = (shelf.folder / "a.txt").write_bytes(b"my own words")
        >>> print(shelf.put("a.txt", b"two"))
        a.txt: kept, it was changed there; the new version is beside it: a.new.txt
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
        """Write one file, or leave a person's work alone.

        Args:
            name: its name in the folder, with "/" between folders.
            content: its bytes.

        Returns:
            What was done.

        Raises:
            WorldError: the disk does not take it.
        """
        path = self.folder / name
        digest = _digest(content)
        known = self.generated.get(name, [])
        there = _bytes_of(path)
        if there == content:
            self._remember(name, digest)
            return Copy(name, "unchanged", path)
        if there is None or _digest(there) in known:
            self._write(name, path, digest, content)
            return Copy(name, "written" if there is None else "updated", path)
        if known and known[-1] == digest:
            return Copy(name, "kept", path)
        beside = self._place_beside(path, digest, known)
        if _bytes_of(beside) == content:
            self._remember(name, digest)
            return Copy(name, "kept", path)
        self._write(name, beside, digest, content)
        return Copy(name, "beside", beside)

    def leftover(self, wanted: Iterable[str]) -> tuple[str, ...]:
        """Name what was generated once, is not any more, and is still there.

        Args:
            wanted: the names that are generated now.

        Returns:
            The other names, sorted.
        """
        gone = sorted(set(self.generated) - set(wanted))
        return tuple(name for name in gone if (self.folder / name).exists())

    def _place_beside(self, path: Path, digest: str, known: list[str]) -> Path:
        """The first name beside a file that is free or holds nothing of a student's."""
        count = 1
        while True:
            place = path.with_name(f"{path.stem}.new{count if count > 1 else ''}{path.suffix}")
            there = _bytes_of(place)
            if there is None or _digest(there) in (digest, *known):
                return place
            count += 1

    def _write(self, name: str, path: Path, digest: str, content: bytes) -> None:
        # Remembered first: if the power fails in between, the old file is still known as
        # generated. The other way round, the new file would pass for a student's work.
        self._remember(name, digest)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WorldError(f"cannot make the folder {path.parent}: {error.strerror}") from error
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
