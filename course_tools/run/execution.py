"""Execute one chapter and say what came of it.

`execute` takes a plain value and returns a plain value, needs nothing but the files that the job
names, and leaves one notebook behind: the finished one, moved into place in one step. So a process
that is killed leaves the results of before, and a pool of threads or a cluster can run it alike.
"""

import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat

from course_tools.notebooks import documents, mutants
from course_tools.run import engine, verdict
from course_tools.run.jobs import Job, Outcome, Reason
from course_utils import session
from course_utils.errors import CourseError

__all__ = ["PARTIAL", "Job", "Outcome", "Progress", "execute", "recall", "rows", "stored"]

# The folder in which notebooks are in the making, inside the folder in which they will be.
PARTIAL = ".in_the_making"

_KEY = "course"


@dataclass(frozen=True)
class Progress:
    """How far a job is.

    Attributes:
        job: the job.
        done: code cells done.
        cells: code cells in all, with the one that papermill injects.
        line: the first line of the cell that begins.
    """

    job: Job
    done: int
    cells: int
    line: str


def execute(job: Job, *, on_progress: Callable[[Progress], None] | None = None) -> Outcome:
    """Execute a chapter, judge it, and put the executed notebook into its folder.

    A red chapter's notebook is put there too, to be looked into; it never counts as done.

    Args:
        job: what to execute; its folder exists and is writable.
        on_progress: called as each code cell begins, in the thread of the call.

    Returns:
        What came of it. Whatever a chapter does, it is told in the outcome's reasons.

    Raises:
        kernels.Interrupted: `kernels.end_all` was called meanwhile; nothing was put anywhere.
    """
    started = time.monotonic()
    partial = job.folder / PARTIAL / job.chapter.stem
    shutil.rmtree(partial, ignore_errors=True)

    def on_cell(done: int, cells: int, source: str) -> None:
        if on_progress:
            first = next((line for line in source.splitlines() if line.strip()), "")
            on_progress(Progress(job, done, cells, first.strip()))

    try:
        source = mutants.apply(documents.read(job.chapter.path), job.chapter.sheet, job.mutants)
        partial.mkdir(parents=True)
        attempt = engine.Attempt(
            folder=partial,
            timeout=job.timeout,
            on_cell=on_cell,
            variables={"COURSE_LESSONS": str(job.chapter.lessons)},
        )
        known = {k: v for k, v in job.parameters.items() if k in job.chapter.parameters}
        known[session.SETTLED] = True
        executed = engine.attempt(source, known, attempt)
        failure = _failure(attempt, source)
        if executed is None:
            return Outcome(job, reasons=(failure,), seconds=time.monotonic() - started)
        outcome = _outcome(
            job,
            verdict.judge(job, source, executed, failure=failure),
            seconds=round(time.monotonic() - started, 2),
            peak_mb=round(attempt.peak_mb, 1),
        )
        _keep(outcome, executed)
        return outcome
    except (CourseError, OSError) as error:
        # The chapter's file went away, the disk is full: red, and the other chapters go on.
        return Outcome(job, reasons=(Reason(str(error)),), seconds=time.monotonic() - started)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def recall(job: Job) -> Outcome | None:
    """Take over an earlier execution of the same job.

    What was stored is judged again, so a mark in a file alone never makes a chapter green.

    Args:
        job: the job.

    Returns:
        Its outcome; None when there is none, its key is another, or it was not all well.
    """
    try:
        executed = documents.read(job.notebook)
        facts = executed.metadata.get(_KEY, {})
        if not job.key or facts.get("key") != job.key or facts.get("state") != "ok":
            return None
        source = mutants.apply(documents.read(job.chapter.path), job.chapter.sheet, job.mutants)
        outcome = _outcome(
            job,
            verdict.judge(job, source, executed),
            seconds=facts["seconds"],
            peak_mb=facts["peak_mb"],
            cached=True,
        )
    except (CourseError, KeyError):
        return None
    return outcome if outcome.ok else None


def stored(path: Path) -> tuple[dict[str, object], nbformat.NotebookNode] | None:
    """Read an executed notebook with what `execute` noted in it.

    Args:
        path: the file.

    Returns:
        The notes (`key`, `state`, `parameters`, `mutants`, `seconds`, `peak_mb`) and the notebook;
        None when the file is not the work of `execute`.
    """
    try:
        notebook = documents.read(path)
    except CourseError:
        return None
    facts = notebook.metadata.get(_KEY)
    needed = ("key", "state", "parameters", "mutants", "seconds", "peak_mb")
    if not isinstance(facts, dict) or not all(name in facts for name in needed):
        return None
    return json.loads(json.dumps(facts)), notebook


def rows(claims: tuple[dict[str, object], ...], *, seconds: float, mutated: Sequence[str]):
    """Turn claim records into rows of `claims.json`.

    Args:
        claims: the contents of the records.
        seconds: of the chapter.
        mutated: the claims whose mutants the run applied.

    Returns:
        A tuple of rows; `mutant` says whose mutant was applied: the row's own claim's if it was,
        else all that were.
    """
    both = "+".join(mutated)
    return tuple(
        {
            **claim,
            "seconds": seconds,
            "mutant": claim["id"] if claim["id"] in mutated else both,
        }
        for claim in claims
    )


def _outcome(
    job: Job, found: verdict.Verdict, *, seconds: float, peak_mb: float, cached: bool = False
) -> Outcome:
    return Outcome(
        job,
        reasons=found.reasons,
        notes=found.notes,
        seconds=seconds,
        peak_mb=peak_mb,
        executed=found.executed,
        cells=found.cells,
        claims=rows(found.claims, seconds=seconds, mutated=job.mutants),
        exercises=found.exercises,
        cached=cached,
    )


def _failure(attempt: engine.Attempt, source: nbformat.NotebookNode) -> Reason | None:
    if not attempt.failure:
        return None
    number = attempt.failed_at
    where = documents.label(number, source.cells[number - 1]) if number else ""
    return Reason(attempt.failure, where)


def _keep(outcome: Outcome, executed: nbformat.NotebookNode) -> None:
    job = outcome.job
    executed.metadata[_KEY] = {
        "key": job.key,
        "state": "ok" if outcome.ok else "red",
        "reasons": [str(reason) for reason in outcome.reasons],
        "parameters": dict(job.parameters),
        "mutants": list(job.mutants),
        "seconds": outcome.seconds,
        "peak_mb": outcome.peak_mb,
    }
    documents.write(job.notebook, executed)
