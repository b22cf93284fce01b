"""The key of an executed chapter: everything that its result follows from, in one hash.

Two runs with the same key would give the same notebook, so the second is spared. A key made of the
notebook alone would serve stale results after a change in the package, the lock or the data.
"""

import hashlib
import importlib.metadata
import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

import course_utils
from course_utils import cache

__all__ = ["PACKAGE", "ROOT", "installation", "key", "surroundings", "variables"]

PACKAGE = Path(course_utils.__file__).resolve().parent
ROOT = PACKAGE.parent

# Grows when a result is stored or judged in another way.
_FORMAT = 2

_LIBRARIES = (
    "tensorflow",
    "tensorflow-cpu",
    "keras",
    "numpy",
    "matplotlib",
    "pillow",
    "scikit-image",
    "scikit-learn",
)
_VARIABLES = (
    "CUDA_VISIBLE_DEVICES",
    # Sums of many numbers are rounded otherwise in another number of parts.
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
)
_PREFIXES = ("TF_", "KERAS_", "XLA_")


def key(
    source: bytes,
    sheet: bytes,
    parameters: Mapping[str, object],
    around: str,
    mutants: Sequence[str] = (),
) -> str:
    """Hash what a chapter's result follows from.

    Args:
        source: the bytes of the notebook file.
        sheet: the bytes of the chapter's sheet.
        parameters: the names and values that are injected.
        around: from `surroundings`.
        mutants: the claims whose mutants are applied.

    Returns:
        64 hexadecimal digits.

    Example:
        >>> key(b"{}", b"", {"SEED": 0}, "") == key(b"{}", b"", {"SEED": 1}, "")
        False
    """
    facts = {
        "format": _FORMAT,
        "notebook": hashlib.sha256(source).hexdigest(),
        "sheet": hashlib.sha256(sheet).hexdigest(),
        "mutants": sorted(mutants),
        "parameters": dict(parameters),
        "around": around,
    }
    return _hash(json.dumps(facts, sort_keys=True))


def surroundings(*, data: str, package: Path = PACKAGE, lock: Path | None = None) -> str:
    """Hash what every chapter of a run shares: package, lock, libraries, data set, Python.

    Args:
        data: "embedded" or "real". Real data counts by names, sizes and times of its files: to
            read gigabytes would cost more than to run the chapter.
        package: the folder of the package.
        lock: the lock file; `requirements.lock` beside the package by default. It may be missing.

    Returns:
        64 hexadecimal digits.

    Example:
        >>> surroundings(data="embedded") == surroundings(data="embedded")
        True
    """
    facts = _installation(package, lock) | {
        "variables": variables(),
        "data": [_registry(), _listing(cache.data_folder())] if data == "real" else [],
    }
    return _hash(json.dumps(facts, sort_keys=True))


def installation(*, package: Path = PACKAGE, lock: Path | None = None) -> str:
    """Hash what is installed: package, lock, libraries, Python. Two machines should agree in it.

    Args:
        package: the folder of the package.
        lock: the lock file, as for `surroundings`.

    Returns:
        64 hexadecimal digits.

    Example:
        >>> len(installation())
        64
    """
    return _hash(json.dumps(_installation(package, lock), sort_keys=True))


def variables() -> dict[str, str]:
    """The environment variables on which a result may depend, with their values.

    Example:
        >>> "PATH" in variables()
        False
    """
    return {
        name: value
        for name, value in sorted(os.environ.items())
        if name in _VARIABLES or name.startswith(_PREFIXES)
    }


def _installation(package: Path, lock: Path | None) -> dict[str, object]:
    lock = lock or package.parent / "requirements.lock"
    return {
        "package": [
            [path.relative_to(package).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()]
            for path in sorted(package.rglob("*"))
            # Each chapter's key holds its own sheet; evidence changes no run, only its judgment,
            # and what was stored is judged again.
            if path.is_file()
            and "__pycache__" not in path.parts
            and not (path.parent.name == "lessons" and path.suffix in (".toml", ".json"))
        ],
        "lock": hashlib.sha256(lock.read_bytes()).hexdigest() if lock.is_file() else "",
        "python": platform.python_version(),
        "machine": platform.machine(),
        # The lock says what should be installed, this what is.
        "libraries": {name: _version(name) for name in _LIBRARIES},
    }


def _registry() -> str:
    """The hash of another registry than the package's own, which counts as part of the package."""
    named = os.environ.get("COURSE_REGISTRY")
    if not named or not Path(named).is_file():
        return ""
    return hashlib.sha256(Path(named).read_bytes()).hexdigest()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _listing(folder: Path) -> list[tuple[str, int, int]]:
    """Name, bytes and time of change of each file; a walk is much faster than `rglob` + `stat`."""
    found = []
    waiting = [str(folder)] if folder.is_dir() else []
    # Folders may be links, and links may lead in circles.
    seen = set()
    while waiting:
        real = os.path.realpath(waiting[-1])
        with os.scandir(waiting.pop()) as entries:
            if real in seen:
                continue
            seen.add(real)
            for entry in entries:
                if entry.is_dir():
                    waiting.append(entry.path)
                elif entry.is_file():
                    facts = entry.stat()
                    name = os.path.relpath(entry.path, folder)
                    found.append((name, facts.st_size, facts.st_mtime_ns))
    return sorted(found)
