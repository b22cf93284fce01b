"""The most memory that a process and its children held, measured while they run."""

import contextlib
import threading
from pathlib import Path

import psutil

__all__ = ["Peak"]


class Peak:
    """Watches the resident memory of a process, from `with` to the end of its block.

    Where the system keeps a high-water mark (Linux) the mark of the process itself counts, so that
    no short peak is missed; children are only sampled.

    Example:
        >>> import os
        >>> with Peak(os.getpid()) as peak:
        ...     pass
        >>> peak.megabytes > 1
        True
    """

    def __init__(self, pid: int, *, interval: float = 0.25) -> None:
        self.megabytes = 0.0
        self._pid = pid
        self._interval = interval
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True, name=f"memory of {pid}")

    def __enter__(self) -> "Peak":
        """Begin to watch."""
        self.sample()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop watching; `megabytes` stays."""
        self._stop.set()
        self._thread.join()

    def sample(self) -> None:
        """Measure now."""
        # A process may end between two questions about it.
        with contextlib.suppress(psutil.Error, OSError):
            process = psutil.Process(self._pid)
            held = process.memory_info().rss
            for child in process.children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    held += child.memory_info().rss
            self.megabytes = max(self.megabytes, held / 1e6, _high_water_mark(self._pid) / 1e6)

    def _watch(self) -> None:
        while not self._stop.wait(self._interval):
            self.sample()


def _high_water_mark(pid: int) -> int:
    """Bytes, from the system's own record; 0 where it keeps none."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
