"""The registry of real data: which files, from where, and how they are known to be the right ones.

Files are looked up in two folders: the one that holds downloads as they came (`COURSE_DATA_DIR`,
only read when it was given), then the one into which the course itself downloads.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from course_utils.cache import cache_folder, data_folder, file_hash
from course_utils.datasets.splits import PARTS
from course_utils.errors import InputError, WorldError

__all__ = [
    "download_folder",
    "entries",
    "entry",
    "find",
    "folders",
    "here",
    "unknown",
    "verified",
]

_OWN = Path(__file__).with_name("registry.toml")


def entries() -> dict[str, dict[str, Any]]:
    """Everything real by name, from `COURSE_REGISTRY` or from the course's own file."""
    path = _path()
    try:
        # Windows' own editor puts a mark before UTF-8.
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(
            f"expected a registry of data sets at {path} (COURSE_REGISTRY), "
            f"it cannot be read: {error.strerror}"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(
            f"expected TOML in UTF-8 in the registry {path}, received: {error}"
        ) from None


def entry(name: str) -> dict[str, Any]:
    """What the registry says of one set, checked; relative URLs are made whole."""
    known = entries()
    if name not in known:
        raise unknown("real data sets", known, name)
    facts = known[name]
    files = facts.get("files") if isinstance(facts, dict) else None
    if not isinstance(files, list) or not files:
        raise InputError(
            f"expected [[{name}.files]] in the registry {_path()}, received none: "
            "name at least one file"
        )
    split = facts.get("split", {})
    if not isinstance(split, dict) or not all(
        part in PARTS and type(count) is int and count > 0 for part, count in split.items()
    ):
        raise InputError(
            f"expected numbers of images for {', '.join(PARTS)} as `split` of {name} in the "
            f"registry {_path()}, received {split!r}"
        )
    return facts | {"files": [_checked(name, file) for file in files]}


def unknown(what: str, known: Iterable[str], received: object) -> InputError:
    """An error for a name that is not known, with the nearest one."""
    known = tuple(known)
    near = difflib.get_close_matches(str(received), known, n=1, cutoff=0.0)
    return InputError(
        f"expected one of the {what} {', '.join(known)}, received {received!r}"
        + (f": did you mean {near[0]!r}?" if near else "")
    )


def folders(name: str) -> tuple[Path, ...]:
    """Where the files of a set may lie, in the order of looking."""
    own = download_folder(name)
    given = data_folder() / name
    return (given,) if own == given else (given, own)


def download_folder(name: str) -> Path:
    """Where downloads of a set are written: never into a folder that was given from outside."""
    root = cache_folder() / "downloads" if os.environ.get("COURSE_DATA_DIR") else data_folder()
    return root / name


def here(name: str, title: str) -> list[Path]:
    """The files of this name in a set's folders, right or wrong."""
    with _one_line():
        return [folder / title for folder in folders(name) if (folder / title).is_file()]


def find(name: str, file: dict[str, Any], *, whole: bool = True) -> Path | None:
    """One of a set's `files`, if it is the right one; without `whole`, told by its size alone."""
    with _one_line():
        for path in here(name, file["name"]):
            if _has_size(path, file) and not (whole and _fault(path, file)):
                return path
    return None


def verified(name: str, *, only: str | None = None) -> dict[str, Path]:
    """The downloaded files of a set by name, or `only` one of them, compared with their hashes."""
    paths = {}
    for file in entry(name)["files"]:
        if only in (None, file["name"]):
            path = find(name, file)
            if path is None:
                raise InputError(_missing(name, file))
            paths[file["name"]] = path
    return paths


def _fault(path: Path, file: dict[str, Any]) -> str:
    """What is wrong with a file that should agree with the registry; "" if nothing is."""
    if not _has_size(path, file):
        size = path.stat().st_size
        return f"expected {file['bytes']:,} bytes in {path}, received {size:,}: it is not whole"
    received = file_hash(path)
    if received != file["sha256"]:
        return (
            f"expected SHA-256 {file['sha256'][:12]}… of {path}, received {received[:12]}…: "
            "it was altered"
        )
    return ""


def _has_size(path: Path, file: dict[str, Any]) -> bool:
    return file.get("bytes") in (None, path.stat().st_size)


def _missing(name: str, file: dict[str, Any]) -> str:
    for path in here(name, file["name"]):
        return f"{_fault(path, file)}; delete it and download it again: `course data {name}`"
    return (
        f"expected {file['name']} of {name} in {folders(name)[0]}, it is not there: download it "
        f"from {file['urls'][0]} with `course data {name}`, or name the folder that holds "
        f"{name}/ in COURSE_DATA_DIR"
    )


@contextmanager
def _one_line() -> Iterator[None]:
    """Say in one line that a file may not be read."""
    try:
        yield
    except PermissionError as error:
        raise WorldError(
            f"expected to read {error.filename}, permission was refused: ask whoever owns it, or "
            "name another folder in COURSE_DATA_DIR"
        ) from None


def _path() -> Path:
    return Path(os.environ.get("COURSE_REGISTRY") or _OWN).expanduser().absolute()


def _checked(name: str, file: dict[str, Any]) -> dict[str, Any]:
    """A file's entry with whole URLs; its name must stay in its folder, its hash be one."""
    where = f"of a file of {name} in the registry {_path()}"
    title = file.get("name")
    if not isinstance(title, str) or not re.fullmatch(r"[\w-][\w.\- ]*", title):
        raise InputError(f"expected a plain file name as `name` {where}, received {title!r}")
    digest = file.get("sha256")
    if not isinstance(digest, str) or not re.fullmatch(r"[0-9a-fA-F]{64}", digest):
        raise InputError(
            f"expected 64 hexadecimal digits as `sha256` {where} ({title}), received {digest!r}: "
            "what has no hash cannot be trusted"
        )
    urls = file.get("urls")
    if not isinstance(urls, list) or not urls or not all(isinstance(url, str) for url in urls):
        raise InputError(f"expected a list of addresses as `urls` {where}, received {urls!r}")
    size = file.get("bytes")
    if size is not None and (not isinstance(size, int) or size < 0):
        raise InputError(f"expected a whole number as `bytes` {where}, received {size!r}")
    beside = _path().parent
    whole = [url if "://" in url else (beside / url).absolute().as_uri() for url in urls]
    return file | {"urls": whole, "sha256": digest.lower()}
