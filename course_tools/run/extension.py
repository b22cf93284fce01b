"""An extension of IPython, for what must happen inside of the kernel that executes a chapter.

A failing `!command` or `%pip` raises, as a failing line of Python does: a reader would miss it.

And what C libraries write belongs to the cell that made them write it. ipykernel reads the
descriptors of stdout and stderr in threads of its own. On a busy machine such a thread may come
late: the cell is over, nobody listens for its outputs any more, and a warning is lost. So at each
cell's end a mark goes down each descriptor, and the kernel waits until it has come out at the
other end: all that was written before it has come out then too.
"""

import os
import re
import sys
import threading
import uuid

__all__ = ["drain", "load_ipython_extension", "without_marks"]

# Long for a thread that only has to run once; a kernel must never hang here.
_SECONDS = 30


def load_ipython_extension(shell) -> None:
    """Let failing commands raise, and drain both descriptors after each cell."""
    shell.system_raise_on_error = True
    shell.events.register("post_run_cell", lambda *_: drain(sys.stdout) and drain(sys.stderr))


def drain(stream, *, seconds: float = _SECONDS) -> bool:
    """Wait until all that was written to a stream's descriptor has reached the stream.

    True also for a stream whose descriptor nobody reads, which is any but ipykernel's.
    """
    reader = getattr(stream, "watch_fd_thread", None)
    descriptor = getattr(stream, "_original_stdstream_fd", None)
    if reader is None or descriptor is None or not reader.is_alive():
        return True
    mark, write, arrived = f"\0{uuid.uuid4().hex}\0", stream.write, threading.Event()
    was_its_own = "write" in vars(stream)  # IPython puts one there while a cell runs.
    held = ""

    def write_until_mark(text: str) -> int | None:
        nonlocal held
        if threading.current_thread() is not reader:
            return write(text)
        # The mark may come in two pieces, or together with what was written before it.
        held += text
        if mark not in held and "\0" in held:
            return len(text)
        rest, is_whole, held = held.replace(mark, ""), mark in held, ""
        if rest:
            write(rest)
        if is_whole:
            arrived.set()
        return len(text)

    stream.write = write_until_mark
    try:
        os.write(descriptor, mark.encode())
        return arrived.wait(seconds)
    finally:
        if was_its_own:
            stream.write = write
        else:
            del stream.write
        if held:
            write(held.replace(mark, ""))


def without_marks(text: str) -> str:
    """What a kernel's process wrote without the marks that went the same way."""
    return re.sub("\0[0-9a-f]{32}\0", "", text)
