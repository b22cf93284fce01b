"""Files brought from the network, or from wherever the registry says, and verified.

A file is under its final name only once its SHA-256 agrees with the registry. Whatever happens
before leaves at most `NAME.part`, from which the next call goes on (RFC 9110, section 14).
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from course_utils.cache import file_hash, refusal
from course_utils.datasets import registry
from course_utils.errors import InputError, WorldError

__all__ = ["fetch", "megabytes", "silent"]

TIMEOUT = 30.0
"""Seconds without an answer after which a mirror is given up."""
_PAUSES = (0.5, 2.0)
"""Seconds to wait before a mirror is asked again, when the last answer brought nothing."""
_CHUNK = 1 << 15
_ROOM = (
    "free some space, or name a folder of your own in COURSE_CACHE_DIR and, in COURSE_DATA_DIR, "
    "the one where downloads lie already: both are needed to move downloads"
)


class _Refused(Exception):
    """A mirror sends what cannot be the file; what came before is kept."""


class _Cut(_Refused):
    """The transfer ended too early, and may be continued."""


def silent(_: str) -> None:
    """Say nothing."""


def fetch(
    name: str, *, say: Callable[[str], None] = silent, progress: bool = False
) -> dict[str, Path]:
    """Bring the files of a set that are not here yet; file name to path, all verified.

    Mirrors are tried in turn, broken transfers are continued. Two calls at once are one after
    the other: the second finds the work done.
    """
    paths = {}
    for file in registry.entry(name)["files"]:
        path = registry.find(name, file) or _downloaded(name, file, say, progress)
        paths[file["name"]] = path
    return paths


def megabytes(count: int | None) -> str:
    """A number of bytes for people."""
    if count is None:
        return "size not published"
    return f"{max(count / 1e6, 0.1):.{0 if count >= 1e7 else 1}f} MB"


def _downloaded(
    name: str, file: dict[str, Any], say: Callable[[str], None], progress: bool
) -> Path:
    final = registry.download_folder(name) / file["name"]
    lock = FileLock(f"{final}.lock")
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0.2)
        except Timeout:
            say(f"{file['name']}: another call is bringing it; waiting for that")
            lock.acquire()
        try:
            # Whoever held the lock may have brought it.
            if (found := registry.find(name, file)) is not None:
                return found
            part = final.with_name(f"{final.name}.part")
            _look_for_room(file, part)
            _from_mirrors(name, file, part, say, progress)
            part.replace(final)
            return final
        finally:
            lock.release()
    except OSError as error:
        raise refusal(error, final.parent, what=file["name"], remedy=_ROOM) from error


def _from_mirrors(
    name: str, file: dict[str, Any], part: Path, say: Callable[[str], None], progress: bool
) -> None:
    failures = []
    for url in file["urls"]:
        host = urllib.parse.urlsplit(url).netloc or url
        say(f"{file['name']} ({megabytes(file.get('bytes'))}) from {host}")
        try:
            with _bar(file["name"], progress) as bar:
                _from_mirror(url, file, part, bar)
            return
        except _Refused as failure:
            say(f"{file['name']}: {host} gave {failure}")
            failures.append(f"from {host} {failure}")
    kept = ", what came is kept" if _size(part) else ""
    raise WorldError(
        f"expected {file['name']} ({megabytes(file.get('bytes'))}, SHA-256 "
        f"{file['sha256'][:12]}…), received {'; '.join(failures)}: check the network and call "
        f"again{kept}; or put the file into a folder {name}/ whose parent COURSE_DATA_DIR names"
    )


def _from_mirror(url: str, file: dict[str, Any], part: Path, bar: Any) -> None:
    """Fill the part from one mirror and verify it, as long as each answer brings something."""
    pauses, furthest = list(_PAUSES), _size(part)
    continued = furthest > 0
    while not (_size(part) and _verified(part, file)):
        try:
            _transfer(url, part, file.get("bytes"), bar)
        except _Cut:
            if _size(part) > furthest:
                pauses, furthest = list(_PAUSES), _size(part)
            elif not pauses:
                raise
            else:
                time.sleep(pauses.pop(0))
            continue
        if not _verified(part, file):
            received = _in_words(part)
            part.unlink()
            # What was continued may have begun with other bytes: once more, from the start.
            if not continued:
                raise _Refused(received)
            continued = False


def _transfer(url: str, part: Path, expected: int | None, bar: Any) -> None:
    """Add to the part what one answer of a mirror brings."""
    scheme = urllib.parse.urlsplit(url).scheme
    if scheme == "file":
        _copy(url, part)
        return
    if scheme not in ("http", "https"):
        raise _Refused(f"an address that is neither http, https nor file ({url})")
    with part.open("ab") as file:
        before = file.tell()
        with _answer(url, before) as answer:
            try:
                start, total = _announced(answer, before, expected)
            except _Cut:
                file.truncate(0)
                raise
            file.truncate(start)
            file.seek(start)
            if bar is not None:
                bar.reset(total)
                # What came in an earlier call must not count for the speed of this one.
                bar.initial = bar.n = bar.last_print_n = start
                bar.refresh()
            for chunk in _chunks(answer):
                if total is not None and file.tell() + len(chunk) > total:
                    file.truncate(0)
                    raise _Refused(f"more than the {total:,} bytes that it should have")
                file.write(chunk)
                if bar is not None:
                    bar.update(len(chunk))
        file.flush()
        if total is not None and file.tell() < total:
            raise _Cut(f"the connection was cut after {file.tell():,} of {total:,} bytes")
        os.fsync(file.fileno())


def _copy(url: str, part: Path) -> None:
    parts = urllib.parse.urlsplit(url)
    host = "" if parts.netloc in ("", "localhost") else f"//{parts.netloc}"
    source = Path(urllib.request.url2pathname(host + parts.path))
    if not source.is_file():
        raise _Refused(f"no file that can be read ({source})")
    shutil.copyfile(source, part)


@contextmanager
def _answer(url: str, before: int) -> Iterator[Any]:
    """What a server answers that is asked for all behind the first bytes."""
    import requests

    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={before}-"} if before else {})
    try:
        answer = requests.get(url, headers=headers, stream=True, timeout=TIMEOUT)
    except requests.Timeout:
        raise _Cut(f"no answer within {TIMEOUT:g} s") from None
    except requests.RequestException as error:
        raise _Cut(f"no connection ({_reason(error)})") from None
    except ValueError as error:
        raise _Refused(f"an answer that cannot be read ({error})") from None
    except OSError as error:
        # Before anything is asked: requests has not found the certificates that it should trust.
        raise InputError(
            f"expected certificates to know {url} by, received from the system: {error}: correct "
            "or unset REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE"
        ) from None
    with answer:
        yield answer


def _announced(answer: Any, before: int, expected: int | None) -> tuple[int, int | None]:
    """Where in the file an answer begins, and the bytes of the whole file as far as known.

    A page of a login or of an error must not cost what came before: what cannot be the file is
    refused here. Where the answer does not go on with what came before, it is `_Cut`.
    """
    if answer.status_code == 416:
        raise _Cut("nothing after the bytes that came before")
    if answer.status_code not in (200, 206):
        raise _Refused(f"the answer {answer.status_code} {answer.reason}")
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind in ("text/html", "application/xhtml+xml"):
        raise _Refused("an HTML page (a login or an error page?)")
    if answer.status_code == 200:
        length = answer.headers.get("Content-Length", "")
        told = int(length) if re.fullmatch(r"[0-9]{1,18}", length) else None
        if None not in (expected, told) and told != expected:
            raise _Refused(f"{told:,} bytes instead of {expected:,}")
        return 0, told if expected is None else expected
    content_range = answer.headers.get("Content-Range", "").strip()
    # Servers may send more than was asked for.
    found = re.fullmatch(r"bytes ([0-9]{1,18})-[0-9]+/([0-9]{1,18}|\*)", content_range)
    if found is None or int(found[1]) > before:
        raise _Cut(f"another part than asked for ({content_range!r})")
    total = expected if found[2] == "*" else int(found[2])
    if expected not in (None, total):
        raise _Refused(f"a part of {total:,} bytes instead of {expected:,}")
    return int(found[1]), total


def _chunks(answer: Any) -> Iterator[bytes]:
    """The bytes as they are sent: an archive's own gzip may be declared as an encoding."""
    import urllib3

    try:
        yield from answer.raw.stream(_CHUNK, decode_content=False)
    except urllib3.exceptions.ReadTimeoutError:
        raise _Cut(f"no answer within {TIMEOUT:g} s") from None
    except (urllib3.exceptions.HTTPError, OSError, ValueError):
        raise _Cut("a connection that was cut") from None


def _reason(error: Exception) -> str:
    """The last and plainest of the sentences that requests and urllib3 nest in one another."""
    inner = error.args[0] if error.args else error
    text = str(getattr(inner, "reason", inner) or inner)
    return text.rsplit(": ", 1)[-1].strip(")")


def _verified(part: Path, file: dict[str, Any]) -> bool:
    return file.get("bytes") in (None, _size(part)) and file_hash(part) == file["sha256"]


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _in_words(part: Path) -> str:
    """What a whole but wrong file is, for people."""
    with part.open("rb") as file:
        head = file.read(512).lstrip().lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return f"an HTML page of {_size(part):,} bytes (a login or an error page?)"
    return f"{_size(part):,} bytes with SHA-256 {file_hash(part)[:12]}…"


def _look_for_room(file: dict[str, Any], part: Path) -> None:
    missing = (file.get("bytes") or 0) - _size(part)
    free = shutil.disk_usage(part.parent).free
    if free < missing:
        raise WorldError(
            f"expected {megabytes(missing)} of room for {file['name']} in {part.parent}, "
            f"{megabytes(free)} are free: {_ROOM}"
        )


@contextmanager
def _bar(title: str, progress: bool) -> Iterator[Any]:
    """A bar with size and speed, if tqdm is installed and there is a terminal; else None."""
    try:
        from tqdm import tqdm
    except ImportError:
        progress = False
    if not progress:
        yield None
        return
    with tqdm(
        desc=title, unit="B", unit_scale=True, unit_divisor=1000, disable=None, file=sys.stderr
    ) as bar:
        yield bar
