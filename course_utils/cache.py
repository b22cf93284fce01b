"""Folders that are there whole or not at all.

What is costly to make (drawn images, prepared sets, cached features) is made once, in a folder
beside its final place, and moved there in one step. A manifest with the size and SHA-256 of each
file is written last and read first: whatever does not agree with it is made anew.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filelock import FileLock
from platformdirs import user_cache_path, user_data_path

from course_utils.errors import InputError, WorldError

__all__ = [
    "about",
    "cache_folder",
    "data_folder",
    "file_hash",
    "found",
    "place",
    "prepared",
    "refusal",
]

_APPLICATION = "convnet-course"
_MANIFEST = "manifest.json"
_FORMAT = 1


def cache_folder() -> Path:
    """Where prepared and drawn sets live: `COURSE_CACHE_DIR`, or the system's own place."""
    return _folder("COURSE_CACHE_DIR", user_cache_path(_APPLICATION))


def data_folder() -> Path:
    """Where downloads lie as they came: `COURSE_DATA_DIR`, which is only read, or the system's."""
    return _folder("COURSE_DATA_DIR", user_data_path(_APPLICATION))


def prepared(
    name: str, key: str, make: Callable[[Path], object], *, made_by: str | None = None
) -> Path:
    """The folder that `make` fills, made now if it is not there whole.

    `key` is all that the content follows from: another key is another folder. `made_by` stands
    for the code that makes it: what other code made is made anew, in the same place. A dictionary
    that `make` returns is kept in the manifest (see `about`).
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise InputError(f"expected a name of letters, digits, - and _, received {name!r}")
    root = cache_folder()
    final = place(name, key)
    if _whole(final, key, made_by):
        return final  # also where this process may only read
    try:
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{final}.lock", timeout=600):
            if not _whole(final, key, made_by):
                _make(final, key, make, made_by)
    except TimeoutError as error:
        raise WorldError(
            f"expected {name} to be made within 10 minutes by the process that holds "
            f"{error.lock_file}, it is still held: wait, or delete that file if none runs"
        ) from None
    except OSError as error:
        raise refusal(error, root) from error
    return final


def place(name: str, key: str) -> Path:
    """Where `prepared` puts it, whether or not it is there."""
    return cache_folder() / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def found(name: str, key: str, *, made_by: str | None = None) -> Path | None:
    """The folder that `prepared` would give, if it is there whole; nothing is made."""
    final = place(name, key)
    return final if _whole(final, key, made_by) else None


def about(folder: Path) -> dict[str, Any]:
    """What the maker of a prepared folder told of it; empty if it told nothing."""
    return json.loads((folder / _MANIFEST).read_text(encoding="utf-8")).get("about", {})


def file_hash(path: Path) -> str:
    """SHA-256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def refusal(
    error: OSError, root: Path, *, what: str = "a prepared set", remedy: str = ""
) -> WorldError:
    """What the system refused while `what` was written into `root`, in one line."""
    # NumPy tells of a write that was cut short, with no number: the disk took no more.
    cut = error.errno is None and re.fullmatch(r"\d+ requested and \d+ written", str(error))
    if cut or error.errno in (errno.ENOSPC, errno.EDQUOT):
        there = next(folder for folder in (root, *root.parents) if folder.exists())
        free = shutil.disk_usage(there).free / 1e6
        return WorldError(
            f"expected room for {what}, the disk of {root} is full ({free:.0f} MB free): "
            + (remedy or "free some space, or name another folder in COURSE_CACHE_DIR")
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return WorldError(
            f"expected to write into {root}, permission was refused: "
            + (remedy or "name a folder of your own in COURSE_CACHE_DIR")
        )
    return WorldError(f"expected to write {what} into {root}, received from the system: {error}")


def _folder(variable: str, default: Path) -> Path:
    given = os.environ.get(variable)
    try:
        path = Path(given).expanduser().absolute() if given else default
        is_file = path.exists() and not path.is_dir()
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"expected {variable} to name a folder of yours, received {given or default}: {error}"
        ) from None
    if is_file:
        raise InputError(f"expected {variable} to name a folder, received the file {path}")
    return path


def _make(final: Path, key: str, make: Callable[[Path], object], made_by: str | None) -> None:
    # Whoever calls holds the lock: what lies here is of a process that was killed.
    for abandoned in final.parent.glob(f".{final.name}-*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    # Not by `mkdtemp`, whose folders are for their owner alone: a cache may be shared.
    partial = final.with_name(f".{final.name}-{os.getpid()}")
    partial.mkdir()
    try:
        told = make(partial)
        files = {
            path.relative_to(partial).as_posix(): {
                "bytes": path.stat().st_size,
                "sha256": file_hash(path),
            }
            for path in sorted(partial.rglob("*"))
            if path.is_file()
        }
        manifest = {"format": _FORMAT, "key": key, "files": files}
        if made_by is not None:
            manifest["made_by"] = made_by
        if isinstance(told, dict):
            manifest["about"] = told
        text = json.dumps(manifest, indent=1, ensure_ascii=False)
        (partial / _MANIFEST).write_text(text, encoding="utf-8")
        if final.exists():
            shutil.rmtree(final)
        partial.replace(final)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _whole(folder: Path, key: str, made_by: str | None) -> bool:
    """Whether a folder holds exactly what its manifest says, in the format of this version."""
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        if manifest["format"] != _FORMAT or manifest["key"] != key:
            return False
        if made_by is not None and manifest.get("made_by") != made_by:
            return False
        return all(
            (folder / name).stat().st_size == facts["bytes"]
            and file_hash(folder / name) == facts["sha256"]
            for name, facts in manifest["files"].items()
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False
