"""Show how far the chapters of a run are.

On a terminal each running chapter has one line that moves. Elsewhere (a log of CI) a line stands at
the start and at the end of each, and one now and then between, so that a silent hour is never
mistaken for work.
"""

import threading
import time
from typing import TextIO

from tqdm import tqdm

from course_tools.run.execution import Progress
from course_tools.run.jobs import Job, Outcome

__all__ = ["Lines", "Moving", "display"]


def display(stream: TextIO) -> "Lines | Moving":
    """Choose the display that suits a stream.

    Args:
        stream: a terminal or not.

    Returns:
        The display; a context manager.

    Example:
        >>> import io
        >>> type(display(io.StringIO())).__name__
        'Lines'
    """
    return Moving(stream) if stream.isatty() else Lines(stream)


def verdict_line(outcome: Outcome) -> str:
    """Say in one line how a job ended.

    Args:
        outcome: what came of it.

    Returns:
        For example `02 first_convnet: ok, 61 s`.

    Example:
        >>> from pathlib import Path
        >>> from course_tools.notebooks.chapters import Chapter, Sheet
        >>> sheet, a = Sheet("00", {}, {}), Path("00_a.ipynb")
        >>> none = Chapter(a, "00", "a", "00_a", "", "", "", {}, (), Path(), sheet, (), ())
        >>> verdict_line(Outcome(Job(none, {}, Path("runs")), seconds=3.2))
        '00 a: ok, 3 s'
    """
    label = outcome.job.label
    if outcome.cached:
        return f"{label}: unchanged since its last run, not executed again"
    if outcome.ok:
        return f"{label}: ok, {outcome.seconds:.0f} s"
    more = f" (and {len(outcome.reasons) - 1} more)" if len(outcome.reasons) > 1 else ""
    return f"{label}: RED, {outcome.seconds:.0f} s: {outcome.reasons[0]}{more}"


class Lines:
    """Plain lines: at the start, at the end, and a sign of life between.

    Args:
        stream: where to.
        interval: seconds between two signs of life.
    """

    def __init__(self, stream: TextIO, *, interval: float = 30.0) -> None:
        self._stream = stream
        self._interval = interval
        self._lock = threading.Lock()
        self._running: dict[str, tuple[float, Progress | None]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True, name="signs of life")

    def __enter__(self) -> "Lines":
        """Begin the signs of life."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End them."""
        self._stop.set()
        self._thread.join()

    def began(self, job: Job) -> None:
        """Say that a job begins."""
        with self._lock:
            self._running[job.label] = (time.monotonic(), None)
            self._say(f"{job.label}: begins")

    def moved(self, progress: Progress) -> None:
        """Take note of where a job is."""
        with self._lock:
            started, _ = self._running.get(progress.job.label, (time.monotonic(), None))
            self._running[progress.job.label] = (started, progress)

    def ended(self, outcome: Outcome) -> None:
        """Say how a job ended."""
        with self._lock:
            self._running.pop(outcome.job.label, None)
            self._say(verdict_line(outcome))

    def _beat(self) -> None:
        while not self._stop.wait(self._interval):
            with self._lock:
                for label, (started, at) in self._running.items():
                    self._say(f"{label}: {time.monotonic() - started:.0f} s, {_where(at)}")

    def _say(self, line: str) -> None:
        print(line, file=self._stream, flush=True)


def _where(at: Progress | None) -> str:
    if at is None:
        return "starts"
    # Whoever executes it elsewhere knows no cells.
    return f"cell {at.done + 1} of {at.cells}, {at.line[:60]}" if at.cells else at.line


class Moving:
    """One line for each running chapter: cells, seconds, and the cell that runs.

    Args:
        stream: a terminal.
        interval: seconds between two refreshes of the clock.
    """

    def __init__(self, stream: TextIO, *, interval: float = 1.0) -> None:
        self._stream = stream
        self._interval = interval
        self._lock = threading.Lock()
        self._bars: dict[str, tqdm] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._tick, daemon=True, name="clock of progress")

    def __enter__(self) -> "Moving":
        """Start the clock."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the clock and clear the lines."""
        self._stop.set()
        self._thread.join()
        for bar in self._bars.values():
            bar.close()

    def began(self, job: Job) -> None:
        """Open a line."""
        with self._lock:
            self._bars[job.label] = tqdm(
                desc=job.label,
                file=self._stream,
                leave=False,
                dynamic_ncols=True,
                bar_format="{desc}  {n_fmt}/{total_fmt} cells  {elapsed}{postfix}",
                total=0,
                postfix="the kernel starts",
            )

    def moved(self, progress: Progress) -> None:
        """Show where a job is."""
        with self._lock:
            bar = self._bars.get(progress.job.label)
            if bar is not None:
                bar.total, bar.n = progress.cells, progress.done
                bar.set_postfix_str(progress.line[:60])

    def ended(self, outcome: Outcome) -> None:
        """Close the line and leave one that stays."""
        with self._lock:
            bar = self._bars.pop(outcome.job.label, None)
            if bar is not None:
                bar.close()
            tqdm.write(verdict_line(outcome), file=self._stream)

    def _tick(self) -> None:
        while not self._stop.wait(self._interval):
            with self._lock:
                for bar in self._bars.values():
                    bar.refresh()
