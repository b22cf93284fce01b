"""The registry of real data: which files, from where, and how they are known to be the right ones.

Files are looked up in two folders: the one that holds downloads as they came (`COURSE_DATA_DIR`,
only read when it was given), then the one into which the course itself downloads.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from pathlib import Path
from typing import Any

from course_utils.cache import cache_folder, data_folder, file_hash
from course_utils.errors import InputError, WorldError

__all__ = ["download_folder", "entry", "fault", "find", "folders", "registry", "verified"]

_PARTS = ("train", "validation", "test")
_OWN = Path(__file__).with_name("registry.toml")


def registry() -> dict[str, dict[str, Any]]:
    """Everything real by name, from `COURSE_REGISTRY` or from the course's own file.

    Raises:
        InputError: the file is not there, or is not TOML.

    Example:
        >>> registry()["fashion_mnist"]["licence"]
        'MIT'
    """
    path = _path()
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"expected a registry of data sets at {path} (COURSE_REGISTRY), "
            f"it cannot be read: {error.strerror}"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"expected TOML in the registry {path}, received: {error}") from None


def entry(name: str) -> dict[str, Any]:
    """What the registry says of one set; relative URLs are made whole.

    Raises:
        InputError: it has no such set (names the nearest), or it is incomplete.

    Example:
        >>> [file["name"] for file in entry("cifar10")["files"]]
        ['cifar-10-binary.tar.gz']
    """
    known = registry()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
        raise InputError(
            f"expected one of the real data sets {', '.join(known)}, received {name!r}"
            + (f": did you mean {near[0]!r}?" if near else "")
        )
    facts = known[name]
    files = facts.get("files") if isinstance(facts, dict) else None
    if not isinstance(files, list) or not files:
        raise InputError(
            f"expected [[{name}.files]] in the registry {_path()}, received none: "
            "name at least one file"
        )
    split = facts.get("split", {})
    if not isinstance(split, dict) or not all(
        part in _PARTS and type(count) is int and count > 0 for part, count in split.items()
    ):
        raise InputError(
            f"expected numbers of pictures for {', '.join(_PARTS)} as `split` of {name} in the "
            f"registry {_path()}, received {split!r}"
        )
    return facts | {"files": [_checked(name, file) for file in files]}


def folders(name: str) -> tuple[Path, ...]:
    """Where the files of a set may lie, in the order of looking."""
    own = download_folder(name)
    given = data_folder() / name
    return (given,) if own == given else (given, own)


def download_folder(name: str) -> Path:
    """Where downloads of a set are written: never into a folder that was given from outside.

    Example:
        >>> import tempfile
        >>> os.environ["COURSE_DATA_DIR"] = tempfile.mkdtemp()
        >>> download_folder("flowers").is_relative_to(cache_folder())
        True
        >>> del os.environ["COURSE_DATA_DIR"]
    """
    root = cache_folder() / "downloads" if os.environ.get("COURSE_DATA_DIR") else data_folder()
    return root / name


def find(name: str, facts: dict[str, Any]) -> Path | None:
    """The file, if it lies in one of the set's folders and is the right one.

    Args:
        name: of the set.
        facts: one of the `files` of its entry.

    Raises:
        WorldError: it may not be read.
    """
    for folder in folders(name):
        path = folder / facts["name"]
        try:
            if path.is_file() and not fault(path, facts):
                return path
        except PermissionError:
            raise WorldError(
                f"expected to read {path}, permission was refused: ask whoever owns it, or name "
                "another folder in COURSE_DATA_DIR"
            ) from None
    return None


def fault(path: Path, facts: dict[str, Any]) -> str:
    """What is wrong with a file that should agree with the registry; "" if nothing is."""
    size, expected = path.stat().st_size, facts.get("bytes")
    if expected is not None and size != expected:
        return f"expected {expected:,} bytes in {path}, received {size:,}: the file is not whole"
    received = file_hash(path)
    if received != facts["sha256"]:
        return (
            f"expected SHA-256 {facts['sha256'][:12]}… of {path}, received {received[:12]}…: "
            "the file was altered"
        )
    return ""


def verified(name: str, *, only: str | None = None) -> dict[str, Path]:
    """The downloaded files of a set, each looked up and compared with its published hash.

    Args:
        name: of a set in the registry.
        only: the name of the one file that is wanted; None for all.

    Returns:
        File name to path.

    Raises:
        InputError: a file is missing, shorter or longer than published, or altered.
    """
    paths = {}
    for facts in entry(name)["files"]:
        if only not in (None, facts["name"]):
            continue
        path = find(name, facts)
        if path is None:
            raise InputError(_missing(name, facts))
        paths[facts["name"]] = path
    return paths


def _missing(name: str, facts: dict[str, Any]) -> str:
    for folder in folders(name):
        path = folder / facts["name"]
        if path.is_file():
            return f"{fault(path, facts)}; delete it and download it again: `course data {name}`"
    return (
        f"expected {facts['name']} of {name} in {folders(name)[0]}, it is not there: download it "
        f"from {facts['urls'][0]} with `course data {name}`, or name the folder that holds "
        f"{name}/ in COURSE_DATA_DIR"
    )


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
    return file | {"urls": [_whole(url) for url in urls], "sha256": digest.lower()}


def _whole(url: str) -> str:
    return url if "://" in url else (_path().parent / url).absolute().as_uri()
