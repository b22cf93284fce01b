"""One transfer of one file: pooch speaks HTTP, this keeps what came and goes on from there.

What has come lies in a file beside the final one; a broken transfer leaves it, the next one asks
the server for the rest (RFC 9110, section 14). Nothing here is trusted yet: see `fetch`.
"""

from __future__ import annotations

import os
import re
import shutil
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

__all__ = ["Cut", "Partial", "Refused", "transfer"]

_CHUNK = 1 << 15


class Refused(Exception):
    """The server sends what cannot be the file; what came before is kept."""


class Cut(Exception):
    """The transfer ended too early, and may be continued."""


class Partial:
    """A file that is being filled, over several transfers if need be.

    Args:
        path: of the file; what it holds already is kept.
        expected: bytes of the whole file, None where that is not known.
        bar: of tqdm, shows progress; None for none.
    """

    def __init__(self, path: Path, *, expected: int | None, bar: Any = None) -> None:
        self.path, self.expected, self._bar = path, expected, bar
        self._file = path.open("ab")
        self._answer: Any = None
        self._total = expected

    @property
    def size(self) -> int:
        """Bytes that have come."""
        return self._file.tell()

    def __enter__(self) -> Partial:
        return self

    def __exit__(self, *_: object) -> None:
        self.hang_up()
        self._file.close()

    def write(self, chunk: bytes) -> None:
        """Append what came; pooch calls this."""
        if self._total is not None and self.size + len(chunk) > self._total:
            self.keep(0)
            raise Refused(f"more than the {self._total:,} bytes that it should have")
        self._file.write(chunk)
        if self._bar is not None:
            self._bar.update(len(chunk))

    def flush(self) -> None:
        """Nothing: pooch asks for it after each chunk, the disk need not."""

    def keep(self, count: int) -> None:
        """Drop all but the first `count` bytes."""
        self._file.truncate(count)
        self._file.seek(count)
        self._show()

    def begin(self, answer: Any, **_: object) -> None:
        """Look at the answer before its body is read; requests calls this for each answer.

        A page of a login or of an error must not cost what came before: what cannot be the file
        is refused here.
        """
        self._answer = answer
        # Some servers declare an archive's own gzip as an encoding of the transfer; undone, the
        # file would not be the published one.
        if "gzip" in answer.headers.get("Content-Encoding", ""):
            answer.raw.headers.pop("Content-Encoding", None)
        if answer.status_code == 416:
            self.keep(0)
            raise Cut("the server has nothing after the bytes that came before")
        if answer.status_code not in (200, 206):
            return  # redirections go on; errors are raised by pooch
        kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind in ("text/html", "application/xhtml+xml"):
            raise Refused("an HTML page (a login or an error page?)")
        if answer.status_code == 206:
            self.keep(self._start(answer.headers.get("Content-Range", "")))
            return
        length = answer.headers.get("Content-Length")
        if self.expected is not None and length and int(length) != self.expected:
            raise Refused(f"{int(length):,} bytes instead of {self.expected:,}")
        self._total = self.expected or (int(length) if length else None)
        self.keep(0)

    def end(self) -> None:
        """Look whether all has come, and have the disk take it.

        Raises:
            Cut: it has not.
        """
        self._file.flush()
        if self._total is not None and self.size < self._total:
            raise Cut(f"the connection was cut after {self.size:,} of {self._total:,} bytes")
        os.fsync(self._file.fileno())

    def hang_up(self) -> None:
        """Close the connection, if one is open."""
        if self._answer is not None:
            self._answer.close()

    def _start(self, content_range: str) -> int:
        """Where the part that is sent begins: servers may send more than was asked for."""
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", content_range.strip())
        if found is None or int(found[1]) > self.size:
            self.keep(0)
            raise Cut(f"the server sent another part than asked for ({content_range!r})")
        if found[2] != "*":
            if self.expected is not None and int(found[2]) != self.expected:
                raise Refused(f"a part of {int(found[2]):,} bytes instead of {self.expected:,}")
            self._total = int(found[2])
        return int(found[1])

    def _show(self) -> None:
        if self._bar is not None:
            self._bar.reset(self._total)
            # What came in an earlier call must not count for the speed of this one.
            self._bar.initial = self._bar.n = self._bar.last_print_n = self.size
            self._bar.refresh()


def transfer(url: str, partial: Partial, *, timeout: float) -> None:
    """Bring the rest of a file.

    Args:
        url: http, https or file.
        partial: what has come, and takes the rest.
        timeout: seconds without an answer after which the transfer is given up.

    Raises:
        Refused: what is sent cannot be the file.
        Cut: too few bytes came.
        OSError: no connection, or the disk refuses (requests' errors are OSErrors too).
    """
    scheme = urllib.parse.urlsplit(url).scheme
    if scheme == "file":
        _copy(url, partial)
    elif scheme in ("http", "https"):
        import pooch

        headers = {"Accept-Encoding": "identity"}
        if partial.size:
            headers["Range"] = f"bytes={partial.size}-"
        download = pooch.HTTPDownloader(
            chunk_size=_CHUNK, timeout=timeout, headers=headers, hooks={"response": partial.begin}
        )
        try:
            download(url, partial, None)
        finally:
            partial.hang_up()
    else:
        raise Refused(f"an address that is neither http, https nor file ({url})")
    partial.end()


def _copy(url: str, partial: Partial) -> None:
    parts = urllib.parse.urlsplit(url)
    host = "" if parts.netloc in ("", "localhost") else f"//{parts.netloc}"
    source = Path(urllib.request.url2pathname(host + parts.path))
    try:
        file = source.open("rb")
    except OSError as error:
        raise Refused(f"no file that can be read ({error.strerror})") from None
    with file:
        if source.stat().st_size < partial.size:
            partial.keep(0)
        file.seek(partial.size)
        shutil.copyfileobj(file, partial, _CHUNK)
