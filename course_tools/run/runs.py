"""Execute the jobs of a run, some at a time, and keep their results.

A run may be killed at any moment: finished chapters stay and are not executed again, and
`claims.json` never holds a number of an older state of the course.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil

from course_tools.run import execution, kernels, results
from course_tools.run.jobs import Job, Outcome
from course_tools.run.progress import Lines, Moving

__all__ = ["Run", "run", "workers"]

_BYTES_EACH = 2.5e9


@dataclass(frozen=True)
class Run:
    """What came of a run.

    Attributes:
        outcomes: in the order of the jobs; without the jobs that an interruption left undone.
        interrupted: whether someone stopped it.
    """

    outcomes: tuple[Outcome, ...]
    interrupted: bool = False

    @property
    def ok(self) -> bool:
        """Whether all was done and nothing is red."""
        return not self.interrupted and all(outcome.ok for outcome in self.outcomes)

    @property
    def exit_code(self) -> int:
        """0 when all is well, 130 after Ctrl-C, 2 when only the user can mend it, else 1."""
        if self.interrupted:
            return 130
        # What else is red in such a chapter follows from the cell that stopped it.
        red = [any(r.users for r in outcome.reasons) for outcome in self.outcomes if not outcome.ok]
        return 0 if not red else 2 if all(red) else 1


def workers(jobs: int) -> int:
    """Return how many chapters to run at a time: one a core and one for each 2.5 GB free.

    Args:
        jobs: how many there are.

    Returns:
        At least 1.

    Example:
        >>> workers(1)
        1
    """
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    free = int(psutil.virtual_memory().available / _BYTES_EACH)
    return max(1, min(jobs, cores, free))


def run(
    jobs: Sequence[Job],
    *,
    at_a_time: int | Callable[[], int],
    display: Lines | Moving,
    force: bool = False,
    execute: Callable[..., Outcome] = execution.execute,
    end: Callable[[], None] = kernels.end_all,
) -> Run:
    """Execute jobs, except those whose result is there already.

    Args:
        jobs: the jobs.
        at_a_time: how many chapters run together; a function is asked again and again, for
            machines that come and go. One at least does run.
        display: told of every beginning, step and end.
        force: execute also what is unchanged.
        execute: what executes one job; anything with the form of `execution.execute`.
        end: makes every `execute` that runs raise `kernels.Interrupted`; called again and again
            after Ctrl-C, until all have.

    Returns:
        What came of them.

    Raises:
        InputError: a folder of the results cannot be one.
        WorldError: another run works in the same folder, or the disk refuses `claims.json`.
    """
    by_folder: dict[Path, list[Job]] = {}
    for job in jobs:
        by_folder.setdefault(job.folder, []).append(job)
    with ExitStack() as locks:
        for folder in by_folder:
            locks.enter_context(results.alone(folder))
        done: dict[int, Outcome] = {}
        kept = {folder: results.still_valid(folder, own) for folder, own in by_folder.items()}
        waiting = []
        for index, job in enumerate(jobs):
            earlier = None if force else execution.recall(job)
            if earlier:
                done[index] = earlier
                display.ended(earlier)
            else:
                waiting.append(index)

        def save(folders: Iterable[Path]) -> None:
            for folder in folders:
                fresh = [done[i] for i in sorted(done) if jobs[i].folder == folder]
                results.write_claims(folder, kept[folder], fresh)

        save(by_folder)
        interrupted = _execute_all(jobs, waiting, at_a_time, display, execute, end, done, save)
    return Run(tuple(done[index] for index in sorted(done)), interrupted)


def _execute_all(jobs, waiting, at_a_time, display, execute, end, done, save) -> bool:
    """Run the waiting jobs in threads; returns whether someone interrupted."""

    def one(index: int) -> Outcome:
        display.began(jobs[index])
        return execute(jobs[index], on_progress=display.moved)

    def take(futures: Iterable[Future]) -> None:
        for future in futures:
            outcome = future.result()
            index = running.pop(future)
            done[index] = outcome
            display.ended(outcome)
            save([outcome.job.folder])

    running: dict[Future, int] = {}
    queue = list(waiting)
    limit = at_a_time if callable(at_a_time) else lambda: at_a_time
    pool = ThreadPoolExecutor(max_workers=max(1, len(queue)), thread_name_prefix="chapter")
    try:
        while queue or running:
            while queue and len(running) < max(1, limit()):
                index = queue.pop(0)
                running[pool.submit(one, index)] = index
            # A wait without an end would not let Ctrl-C through on Windows.
            take(wait(running, timeout=0.5, return_when=FIRST_COMPLETED).done)
        return False
    except KeyboardInterrupt:
        _end(running, end)
        for future in [f for f in running if not f.exception()]:
            take([future])
        return True
    except BaseException:
        _end(running, end)
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _end(running: Iterable[Future], end: Callable[[], None]) -> None:
    """End all running chapters. One that is just starting is ended once it runs."""
    left = set(running)
    while left:
        end()
        left = set(wait(left, timeout=0.2).not_done)
