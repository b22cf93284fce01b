"""Candidates for the same job take turns, each in a process of its own.

A number of seconds from a machine that does other work means little; a ratio of two that ran by
turns means something. (pytest-benchmark and pyperf time one candidate after the other, so that a
load which comes and goes befalls one of them alone; and pytest-benchmark measures no memory.)
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import psutil

__all__ = ["Candidate", "Job", "Measured", "measure", "memory_peak"]


@dataclass(frozen=True)
class Candidate:
    """One way to do a job.

    Attributes:
        name: as the table shows it.
        make: a module's function that prepares, and returns the function to be timed. If that
            returns a number, it counts as the seconds instead of what the clock said.
        arguments: for `make`.
        share: how many times the whole job is what one call does (a slow loop does a part).
        needs: the peer or the real data set that it needs, as `needs` knows them, or "".
    """

    name: str
    make: Callable
    arguments: tuple = ()
    share: float = 1.0
    needs: str = ""


@dataclass(frozen=True)
class Job:
    """What is done, by the course and otherwise.

    Attributes:
        name: of the job, with its size.
        course: the course's way.
        others: the other ways, at least one.
        rounds: turns of each after one to warm up.
        core: count the processor time of all threads instead of the clock: what one core does,
            which other work on the machine slows far less.
        goal: name of another way to the least ratio that the course wants, for the table.
        outside: the work is done by processes that are started for it, so that the memory of the
            one that waits says nothing.
    """

    name: str
    course: Candidate
    others: tuple[Candidate, ...]
    rounds: int = 5
    core: bool = False
    goal: tuple[tuple[str, float], ...] = ()
    outside: bool = False


@dataclass(frozen=True)
class Measured:
    """What was found of one candidate.

    Attributes:
        name: of the candidate.
        seconds: median of the turns, for the whole job.
        ratio: how many times the course's seconds that is: median over the turns, each against
            the course's own of the same turn. Of the course itself 1.
        first: seconds of the first call, in which functions are traced and caches filled.
        memory: highest use in MiB above what the process had when ready; None where it is not
            known.
        why: why there are no numbers, for the terminal, or "".
        needs: what it lacked, or "".
    """

    name: str
    seconds: float = float("nan")
    ratio: float = float("nan")
    first: float = float("nan")
    memory: float | None = None
    why: str = ""
    needs: str = ""


def memory_peak(*, forget: bool = False) -> float | None:
    """Highest memory of this process so far in MiB, on Linux; `forget` starts again from now."""
    try:
        if forget:
            Path("/proc/self/clear_refs").write_text("5")
        status = Path("/proc/self/status").read_text()
    except OSError:
        return None
    return next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line) / 1024


def measure(job: Job, lacking: Collection[str] = ()) -> list[Measured]:
    """Run a job by turns.

    Returns:
        The course first, then the others in their order. One that needs what is `lacking` is not
        started; one that fails says why. Neither has numbers; if it is the course's, none has.
    """
    candidates = (job.course, *job.others)
    absent = [
        next((need for need in (job.course.needs, one.needs) if need in lacking), "")
        for one in candidates
    ]
    sides = {one: _Side(one) for one, need in zip(candidates, absent, strict=True) if not need}
    turns: list[dict[Candidate, dict]] = []
    try:
        # All are made before the first is timed: loading TensorFlow would disturb the others.
        for side in sides.values():
            side.ask()
        while sides and len(turns) <= job.rounds and not sides[job.course].why:
            turns.append({one: side.ask() for one, side in sides.items()})
    finally:
        for side in sides.values():
            side.end()
    at = "work" if job.core else "clock"
    found = []
    for one, need in zip(candidates, absent, strict=True):
        why = (
            "" if need else sides[one].why or (sides[job.course].why and "nothing to compare with")
        )
        if need or why:
            found.append(Measured(one.name, why=why, needs=need))
            continue
        own = [turn[one][at] * one.share for turn in turns]
        course = [turn[job.course][at] * job.course.share for turn in turns]
        ratio = statistics.median(a / b for a, b in zip(own[1:], course[1:], strict=True))
        memory = None if job.outside else turns[-1][one]["memory"]
        found.append(Measured(one.name, statistics.median(own[1:]), ratio, own[0], memory))
    return found


class _Side:
    """The process of a candidate, and the pipe to it."""

    def __init__(self, candidate: Candidate) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, candidate), daemon=False)
        self._process.start()
        theirs.close()
        self.why = ""

    def ask(self) -> dict | None:
        """The next answer: the first says that it is ready, each later one what a call took."""
        if self.why:
            return None
        try:
            self._pipe.send("next")
            answer = self._pipe.recv()
        except (EOFError, OSError):
            self._process.join()
            answer = {"why": f"its process ended with exit code {self._process.exitcode}"}
        self.why = answer.get("why", "")
        return answer

    def end(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(10)
        if self._process.is_alive():
            self._process.kill()


def _serve(pipe, candidate: Candidate) -> None:
    # What libraries have to say when they are loaded would drown the table; what a candidate
    # fails with goes through the pipe.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    try:
        pipe.recv()
        run = candidate.make(*candidate.arguments)
        start = psutil.Process().memory_info().rss / 2**20
        memory_peak(forget=True)
        pipe.send({"ready": True})
        while True:
            pipe.recv()
            pipe.send(_timed(run, start))
    except EOFError:
        return
    except Exception as error:  # Whatever it is, the terminal says so.
        pipe.send({"why": f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"})


def _timed(run: Callable[[], object], start: float) -> dict:
    began, worked = time.perf_counter(), time.process_time()
    said = run()
    clock, work = time.perf_counter() - began, time.process_time() - worked
    if isinstance(said, float):
        clock = work = said
    peak = memory_peak()
    return {"clock": clock, "work": work, "memory": None if peak is None else peak - start}
