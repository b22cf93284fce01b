"""Execute the jobs of a run, some at a time, and keep their results.

A folder of results holds executed notebooks, and `claims.json` with what they measured. A run may
be killed at any moment: finished chapters stay and are not executed again, and `claims.json` never
holds a number of an older state of the course.
"""

import contextlib
import functools
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from course_tools.notebooks import chapters, documents, mutants
from course_tools.run import execution, fingerprint, judge, kernels, records
from course_tools.run.plan import Job, Outcome, Run
from course_tools.run.progress import Lines, Moving
from course_utils.errors import CourseError, InputError, WorldError

__all__ = ["CLAIMS", "alone", "run", "workers"]

CLAIMS = "claims.json"
_BYTES_EACH = 2.5e9


def workers(jobs: int) -> int:
    """How many chapters to run at a time: one a core and one for each 2.5 GB free, at least 1."""
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
    """Execute jobs, except those whose result is there already; with `force`, all of them.

    `at_a_time` may be a function, asked again and again, for machines that come and go; one
    chapter at least does run. `execute` has the form of `execution.execute`, and `end` makes every
    one that runs raise `kernels.Interrupted`; it is called after Ctrl-C until all have.
    """
    folders = list(dict.fromkeys(job.folder for job in jobs))
    with contextlib.ExitStack() as locks:
        for folder in folders:
            locks.enter_context(alone(folder))
        # What an earlier run left of a job counts until the job is done anew.
        earlier = {index: execution.recall(job) for index, job in enumerate(jobs)}
        done = {i: found for i, found in earlier.items() if found and not force}
        others = {f: _still_valid(f, [j for j in jobs if j.folder == f]) for f in folders}
        for outcome in done.values():
            display.ended(outcome)

        def save(folder: Path) -> None:
            known = [
                done.get(i) or earlier[i] for i, job in enumerate(jobs) if job.folder == folder
            ]
            rows = [row for outcome in known if outcome for row in outcome.claims]
            _write_claims(folder, [*others[folder], *rows])

        for folder in folders:
            save(folder)
        waiting = [index for index in range(len(jobs)) if index not in done]
        interrupted = _execute_all(jobs, waiting, at_a_time, display, execute, end, done, save)
    return Run(tuple(done[index] for index in sorted(done)), interrupted)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Make a folder of results, and keep other runs out of it meanwhile.

    What an earlier run left in the making is removed, before and after.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Permission bits do not tell: the disk may be read-only, the user root.
        probe = folder / f".write-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except (FileExistsError, NotADirectoryError):
        raise InputError(
            f"expected a folder for the results, received {folder}, which is or lies in a file: "
            "choose another with --out"
        ) from None
    except OSError as error:
        raise InputError(
            f"expected a folder to write the results into, received {folder} ({error.strerror}): "
            "choose another with --out"
        ) from None
    lock = FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise WorldError(
            f"expected to be alone in {folder}, another run works there: "
            "wait for it, or choose another folder with --out"
        ) from None
    try:
        shutil.rmtree(folder / execution.PARTIAL, ignore_errors=True)
        yield
    finally:
        shutil.rmtree(folder / execution.PARTIAL, ignore_errors=True)
        lock.release()


def _still_valid(folder: Path, own: Sequence[Job]) -> list[dict[str, object]]:
    """The rows of chapters in a folder that a run does not touch and that are up to date."""
    mine = {job.notebook.name for job in own}
    paths = [path for path in sorted(folder.glob("*.ipynb")) if path.name not in mine]
    around = functools.cache(lambda data: fingerprint.surroundings(data=data))
    found: list[dict[str, object]] = []
    for path in paths:
        # Whatever cannot be read, or judged as the evidence says today, is not up to date.
        with contextlib.suppress(Exception):
            found += _rows_if_valid(path, own[0].chapter.path.parent / path.name, around)
    return found


def _rows_if_valid(
    path: Path, source: Path, around: Callable[[str], str]
) -> Sequence[dict[str, object]]:
    facts, notebook = execution.stored(path)
    chapter = chapters.read(source)
    ids = tuple(facts["mutants"])
    job = Job(chapter, facts["parameters"], path.parent, mutants=ids, device=facts["device"])
    now = fingerprint.key(
        mutants.apply(documents.read(source), chapter.sheet, ids),
        documents.path_bytes(chapter.lessons / f"{chapter.number}.toml"),
        job.parameters,
        around(str(job.parameters["DATA"])),
        ids,
        device=job.device,
    )
    shown = records.read(notebook, records.CLAIM)
    if facts["key"] != now or any(judge.claim_faults(job, shown, complete=False)):
        return ()
    claims = tuple(record.content for record in shown)
    return execution.rows(job, claims, seconds=facts["seconds"])


def _write_claims(folder: Path, rows: list[dict[str, object]]) -> None:
    """Write `claims.json` in one step."""
    # Stable: within a chapter the claims stay in the order in which they were measured.
    rows.sort(key=lambda row: str(row["chapter"]))
    text = json.dumps(rows, indent=1, ensure_ascii=False) + "\n"
    try:
        documents.write_bytes(folder / CLAIMS, text.encode())
    except CourseError:
        # Better none than the numbers of an older run.
        (folder / CLAIMS).unlink(missing_ok=True)
        raise


def _execute_all(jobs, waiting, at_a_time, display, execute, end, done, save) -> bool:
    """Run the waiting jobs in threads; returns whether someone interrupted."""

    def one(index: int) -> Outcome:
        display.began(jobs[index])
        try:
            return execute(jobs[index], on_progress=display.moved)
        except kernels.Interrupted:
            raise
        except Exception as error:
            return execution.broken(jobs[index], error)

    def take(futures: Iterable[Future]) -> None:
        for future in futures:
            outcome = future.result()
            done[running.pop(future)] = outcome
            display.ended(outcome)
            save(outcome.job.folder)

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
        take([future for future in running if not future.exception()])
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
