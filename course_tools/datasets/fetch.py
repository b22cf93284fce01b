"""Files brought from the network, or from wherever the registry says, and verified.

A file is under its final name only once its SHA-256 agrees with the registry. Whatever happens
before leaves at most `NAME.part`, from which the next call goes on.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
import time
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from course_tools.datasets.transfer import Cut, Partial, Refused, transfer
from course_utils.cache import file_hash, refusal
from course_utils.datasets import registry
from course_utils.errors import InputError, WorldError

__all__ = ["fetch", "silent"]

TIMEOUT = 30.0
"""Seconds without an answer after which a mirror is given up."""
_PAUSES = (0.5, 2.0)
"""Seconds to wait before a mirror is asked again, when the last answer brought nothing."""


def silent(_: str) -> None:
    """Say nothing."""


def fetch(
    name: str, *, say: Callable[[str], None] = silent, progress: bool = False
) -> dict[str, Path]:
    """Bring the files of a set that are not here yet.

    Each is looked for in `COURSE_DATA_DIR` first; what is missing there, or wrong, is downloaded.
    Mirrors are tried in turn, broken transfers are continued. Two calls at once are one after
    the other: the second finds the work done.

    Args:
        name: of a set in the registry.
        say: takes a line about what is done.
        progress: shows a bar with size and speed, if tqdm is installed and there is a terminal.

    Returns:
        File name to path; each agrees with the registry.

    Raises:
        InputError: unknown set, or a registry that lacks something.
        WorldError: no mirror gave the file, or it cannot be written.
    """
    paths = {}
    for facts in registry.entry(name)["files"]:
        path = registry.find(name, facts) or _downloaded(name, facts, say, progress)
        paths[facts["name"]] = path
    return paths


def _downloaded(
    name: str, facts: dict[str, Any], say: Callable[[str], None], progress: bool
) -> Path:
    if importlib.util.find_spec("pooch") is None:
        raise InputError(
            "expected the package pooch, which speaks to servers, it is not installed: "
            "`pip install pooch`, or install the course again"
        )
    final = registry.download_folder(name) / facts["name"]
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{final}.lock")
        try:
            lock.acquire(timeout=0.2)
        except Timeout:
            say(f"{facts['name']}: another call is bringing it; waiting for that")
            lock.acquire()
        try:
            # Whoever held the lock may have brought it.
            if (found := registry.find(name, facts)) is None:
                _from_mirrors(name, facts, final, say, progress)
                found = final
        finally:
            lock.release()
    except OSError as error:
        raise refusal(error, final.parent, what=facts["name"], remedy=_ROOM) from error
    return found


_ROOM = (
    "free some space, or name a folder of your own in COURSE_CACHE_DIR and, in COURSE_DATA_DIR, "
    "the one where downloads lie already: both are needed to move downloads"
)


def _from_mirrors(
    name: str, facts: dict[str, Any], final: Path, say: Callable[[str], None], progress: bool
) -> None:
    part = final.with_name(f"{final.name}.part")
    _look_for_room(facts, part)
    failures = []
    for url in facts["urls"]:
        host = urllib.parse.urlsplit(url).netloc or url
        say(f"{facts['name']} ({_megabytes(facts.get('bytes'))}) from {host}")
        failure = _from_mirror(url, facts, part, progress)
        if not failure:
            part.replace(final)
            return
        say(f"{facts['name']}: {host} gave {failure}")
        failures.append(f"from {host} {failure}")
    kept = ", what came is kept" if part.exists() and part.stat().st_size else ""
    raise WorldError(
        f"expected {facts['name']} ({_megabytes(facts.get('bytes'))}, SHA-256 "
        f"{facts['sha256'][:12]}…), received {'; '.join(failures)}: check the network and call "
        f"again{kept}; or put the file into a folder {name}/ whose parent COURSE_DATA_DIR names"
    )


def _from_mirror(url: str, facts: dict[str, Any], part: Path, progress: bool) -> str:
    """Fill the part from one mirror and verify it; "" if all is well, else what was received."""
    for fresh in (False, True):
        continued = part.exists() and part.stat().st_size > 0
        if not (continued and _is(part, facts)):
            failure = _persist(url, facts, part, progress)
            if failure:
                return failure
        if _is(part, facts):
            return ""
        received = _looks(part)
        part.unlink()
        # What was continued may have been begun with other bytes: once more, from the start.
        if fresh or not continued:
            return received
    raise AssertionError("never reached")


def _persist(url: str, facts: dict[str, Any], part: Path, progress: bool) -> str:
    """Transfer, and go on as long as each answer brings something."""
    import requests

    bar = _bar(facts["name"], progress)
    pauses = list(_PAUSES)
    try:
        while True:
            with Partial(part, expected=facts.get("bytes"), bar=bar) as partial:
                before = partial.size
                try:
                    transfer(url, partial, timeout=TIMEOUT)
                    return ""
                except Refused as error:
                    return str(error)
                except requests.HTTPError as error:
                    return f"the answer {error.response.status_code} {error.response.reason}"
                except (Cut, requests.RequestException) as error:
                    failure = str(error) if isinstance(error, Cut) else _reason(error)
                    came = partial.size > before
            if came:
                pauses = list(_PAUSES)
            elif not pauses:
                return failure
            else:
                time.sleep(pauses.pop(0))
    finally:
        if bar is not None:
            bar.close()


def _reason(error: Exception) -> str:
    """The last and plainest of the sentences that requests and urllib3 nest in one another."""
    import requests

    if isinstance(error, requests.Timeout):
        return f"no answer within {TIMEOUT:g} s"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "a connection that was cut"
    inner = error.args[0] if error.args else error
    text = str(getattr(inner, "reason", inner) or inner)
    return f"no connection ({text.rsplit(': ', 1)[-1].strip(')')})"


def _is(part: Path, facts: dict[str, Any]) -> bool:
    expected = facts.get("bytes")
    if expected is not None and part.stat().st_size != expected:
        return False
    return file_hash(part) == facts["sha256"]


def _looks(part: Path) -> str:
    """What a whole but wrong file is, for people."""
    with part.open("rb") as file:
        head = file.read(512).lstrip().lower()
    size = part.stat().st_size
    if head.startswith((b"<!doctype html", b"<html")):
        return f"an HTML page of {size:,} bytes (a login or an error page?)"
    return f"{size:,} bytes with SHA-256 {file_hash(part)[:12]}…"


def _look_for_room(facts: dict[str, Any], part: Path) -> None:
    came = part.stat().st_size if part.exists() else 0
    free = shutil.disk_usage(part.parent).free
    if free < (facts.get("bytes") or 0) - came:
        raise WorldError(
            f"expected {_megabytes(facts['bytes'] - came)} of room for {facts['name']} in "
            f"{part.parent}, {_megabytes(free)} are free: {_ROOM}"
        )


def _bar(title: str, progress: bool) -> Any:
    if not progress:
        return None
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm(
        desc=title, unit="B", unit_scale=True, unit_divisor=1000, disable=None, file=sys.stderr
    )


def _megabytes(count: int | None) -> str:
    """A number of bytes for people.

    Example:
        >>> _megabytes(228_813_984), _megabytes(5148), _megabytes(None)
        ('229 MB', '0.1 MB', 'size not published')
    """
    if count is None:
        return "size not published"
    return f"{max(count / 1e6, 0.1):.{0 if count >= 1e7 else 1}f} MB"
