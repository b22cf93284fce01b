"""What a run shows: how far its chapters are, and a report at its end.

On a terminal each running chapter has one line that moves. Elsewhere (a log of CI) a line stands at
the start and at the end of each, and one now and then between, so that a silent hour is never
mistaken for work. Where to look is no part of the work: a terminal that is gone ends no run.
"""

import contextlib
import threading
import time
from typing import TextIO

from tqdm import tqdm

from course_tools.run.plan import Job, Outcome, Progress, Run
from course_tools.tables import aligned
from course_utils import card

__all__ = ["Lines", "Moving", "display", "report"]

_REASON_WIDTH = 90


def display(stream: TextIO) -> "Lines | Moving":
    """The display that suits a stream; a context manager."""
    return Moving(stream) if stream.isatty() else Lines(stream)


class _Lasting:
    """A stream that may go away. (An error inside of tqdm would leave it locked for ever.)"""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str):
        return getattr(self._stream, name)

    def write(self, text: str) -> None:
        """Write, if the stream is still there."""
        # A closed terminal gives OSError, a closed stream ValueError.
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)

    def flush(self) -> None:
        """Flush, if the stream is still there."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()


class Lines:
    """Plain lines: at the start, at the end, and a sign of life between."""

    def __init__(self, stream: TextIO, *, interval: float = 30.0) -> None:
        self._stream = _Lasting(stream)
        self._interval = interval
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._tick, daemon=True, name="signs of life")
        # Of each running job: its line on a terminal, or when it began and where it is.
        self._running: dict = {}

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
            self._say(_verdict_line(outcome))

    def _tick(self) -> None:
        while not self._stop.wait(self._interval):
            with self._lock:
                self._sign_of_life()

    def _sign_of_life(self) -> None:
        for label, (started, at) in self._running.items():
            where = "starts"
            if at is not None:
                # Whoever executes it elsewhere knows no cells.
                cell = f"cell {at.done + 1} of {at.cells}, {at.line[:60]}"
                where = cell if at.cells else at.line
            self._say(f"{label}: {time.monotonic() - started:.0f} s, {where}")

    def _say(self, line: str) -> None:
        print(line, file=self._stream, flush=True)


class Moving(Lines):
    """One line for each running chapter: cells, seconds, and the cell that runs."""

    def __init__(self, stream: TextIO, *, interval: float = 1.0) -> None:
        super().__init__(stream, interval=interval)

    def __exit__(self, *_: object) -> None:
        """Stop the clock and clear the lines."""
        super().__exit__()
        with self._lock:
            for bar in self._running.values():
                bar.close()

    def began(self, job: Job) -> None:
        """Open a line."""
        with self._lock:
            self._running[job.label] = tqdm(
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
            bar = self._running.get(progress.job.label)
            if bar is not None:
                bar.total, bar.n = progress.cells, progress.done
                bar.set_postfix_str(progress.line[:60])

    def ended(self, outcome: Outcome) -> None:
        """Close the line and leave one that stays."""
        with self._lock:
            bar = self._running.pop(outcome.job.label, None)
            if bar is not None:
                bar.close()
            tqdm.write(_verdict_line(outcome), file=self._stream)

    def _sign_of_life(self) -> None:
        for bar in self._running.values():
            bar.refresh()


def _verdict_line(outcome: Outcome) -> str:
    label = outcome.job.label
    if outcome.cached:
        return f"{label}: unchanged since its last run, not executed again"
    if outcome.ok:
        return f"{label}: ok, {outcome.seconds:.0f} s"
    more = f" (and {len(outcome.reasons) - 1} more)" if len(outcome.reasons) > 1 else ""
    return f"{label}: RED, {outcome.seconds:.0f} s: {outcome.reasons[0]}{more}"


def report(run: Run) -> str:
    """What a run says at its end: a table, every reason of every red chapter, where to look.

    In the column of claims stands: held and true here / judged (recorded).
    """
    if not run.outcomes:
        nothing = "interrupted before any chapter was done"
        return nothing if run.interrupted else "nothing was executed"
    header = ("chapter", "seconds", "peak MB", "cells", "claims", "exercises", "state")
    parts = [aligned(header, [_row(outcome) for outcome in run.outcomes], right=(1, 2, 3))]
    reasons = [f"  {o.job.label}, {reason}" for o in run.outcomes for reason in o.reasons]
    if reasons:
        parts.append("\n".join(["What is red:", *reasons]))
    notes = [f"  {o.job.label}: {note}" for o in run.outcomes for note in o.notes]
    if notes:
        parts.append("\n".join(["Also:", *notes]))
    if run.interrupted:
        parts.append("Interrupted: what is listed above is done and will not be executed again.")
    folders = dict.fromkeys(str(outcome.job.folder) for outcome in run.outcomes)
    parts.append("\n".join(["Executed notebooks and claims.json:", *(f"  {f}" for f in folders)]))
    return "\n\n".join(parts)


def _row(outcome: Outcome) -> tuple[str, ...]:
    judged = [claim for claim in outcome.claims if claim["judged"]]
    held = sum(card.status(claim) == "held" for claim in judged)
    passed = sum(exercise["passed"] is True for exercise in outcome.exercises)
    state = "cached" if outcome.cached else "ok"
    if not outcome.ok:
        first = str(outcome.reasons[0])
        state = f"RED {first[: _REASON_WIDTH - 1] + '…' if len(first) > _REASON_WIDTH else first}"
    return (
        outcome.job.label,
        f"{outcome.seconds:.1f}",
        f"{outcome.peak_mb:.0f}",
        f"{outcome.executed}/{outcome.cells}",
        f"{held}/{len(judged)} ({len(outcome.claims)})",
        f"{passed}/{len(outcome.exercises)}",
        state,
    )
