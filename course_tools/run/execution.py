"""Execute one chapter and say what came of it.

`execute` takes a plain value and returns a plain value, needs nothing but the files that the job
names, and leaves one notebook behind: the finished one, moved into place in one step. So a process
that is killed leaves the results of before, and a pool of threads or a cluster can run it alike.
"""

import json
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_tools.notebooks import documents, mutants
from course_tools.run import engine, fingerprint, judge, kernels, records
from course_tools.run.plan import Job, Outcome, Progress, Reason
from course_utils import session
from course_utils.errors import CourseError

__all__ = ["PARTIAL", "broken", "execute", "recall", "rows", "stored"]

# The folder in which notebooks are in the making, inside the folder in which they will be.
PARTIAL = ".in_the_making"

_KEY = "course"
_FACTS = ("key", "state", "parameters", "mutants", "device", "seconds", "peak_mb")


def execute(job: Job, *, on_progress: Callable[[Progress], None] | None = None) -> Outcome:
    """Execute a chapter, judge it, and put the executed notebook into its folder.

    A red chapter's notebook is put there too, to be looked into; it never counts as done. Whatever
    a chapter does is told in the outcome's reasons; only `kernels.Interrupted` leaves.
    """
    started = time.monotonic()
    partial = job.folder / PARTIAL / job.chapter.stem
    shutil.rmtree(partial, ignore_errors=True)

    def on_cell(done: int, cells: int, source: str) -> None:
        if on_progress:
            first = next((line for line in source.splitlines() if line.strip()), "")
            on_progress(Progress(job, done, cells, first.strip()))

    try:
        source = _source(job)
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
        failure = None
        if attempt.failure:
            number = attempt.failed_at
            where = documents.label(number, source.cells[number - 1]) if number else ""
            failure = Reason(attempt.failure, where)
        if executed is None:
            return Outcome(job, reasons=(failure,), seconds=time.monotonic() - started)
        outcome = _outcome(
            job,
            judge.verdict(job, source, executed, failure=failure),
            seconds=round(time.monotonic() - started, 2),
            peak_mb=round(attempt.peak_mb, 1),
        )
        _keep(outcome, executed)
        return outcome
    except kernels.Interrupted:
        raise
    except Exception as error:
        return broken(job, error, seconds=time.monotonic() - started)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def broken(job: Job, error: Exception, *, seconds: float = 0.0) -> Outcome:
    """The outcome of a job that could not be finished: red, and the other chapters go on."""
    text = str(error) if isinstance(error, CourseError) else f"{type(error).__name__}: {error}"
    return Outcome(job, reasons=(Reason(text),), seconds=seconds)


def recall(job: Job) -> Outcome | None:
    """Take over an earlier execution of the same job, if there is one and it was well.

    What was stored is judged again, so a mark in a file alone never makes a chapter green. Its
    prose becomes that of today.
    """
    try:
        executed = documents.read(job.notebook)
        facts = executed.metadata.get(_KEY, {})
        if not job.key or facts.get("key") != job.key or facts.get("state") != "ok":
            return None
        source = _source(job)
        renewed = _with_prose_of(source, executed)
        outcome = _outcome(
            job,
            judge.verdict(job, source, renewed),
            seconds=facts["seconds"],
            peak_mb=facts["peak_mb"],
            cached=True,
        )
        if outcome.ok and renewed != executed:
            documents.write(job.notebook, renewed)
    except Exception:
        # Whatever cannot be taken over is executed.
        return None
    return outcome if outcome.ok else None


def stored(path: Path) -> tuple[dict[str, object], NotebookNode] | None:
    """What `execute` noted in a notebook, and the notebook; None if it is not its work."""
    try:
        notebook = documents.read(path)
    except CourseError:
        return None
    facts = notebook.metadata.get(_KEY)
    if not isinstance(facts, dict) or not all(name in facts for name in _FACTS):
        return None
    return json.loads(json.dumps(facts)), notebook


def rows(job: Job, claims: tuple[Mapping[str, object], ...], *, seconds: float):
    """Turn claim records into rows of `claims.json`.

    `mutant` says whose mutant was applied: the row's own claim's if it was, else all that were.
    `digest` and `overridden` say of which code and of which other parameters the number is.
    """
    if not claims:
        return ()
    facts = {
        "seconds": seconds,
        "digest": fingerprint.digest(job.chapter, job.case),
        "overridden": job.overridden,
    }
    both = "+".join(job.mutants)
    return tuple(
        {**claim, **facts, "mutant": claim["id"] if claim["id"] in job.mutants else both}
        for claim in claims
    )


def _source(job: Job) -> NotebookNode:
    return mutants.apply(documents.read(job.chapter.path), job.chapter.sheet, job.mutants)


def _outcome(
    job: Job, found: judge.Verdict, *, seconds: float, peak_mb: float, cached: bool = False
) -> Outcome:
    return Outcome(
        job,
        reasons=found.reasons,
        notes=found.notes,
        seconds=seconds,
        peak_mb=peak_mb,
        executed=found.executed,
        cells=found.cells,
        claims=rows(job, found.claims, seconds=seconds),
        exercises=found.exercises,
        cached=cached,
    )


def _keep(outcome: Outcome, executed: NotebookNode) -> None:
    job = outcome.job
    executed.metadata[_KEY] = {
        "key": job.key,
        "state": "ok" if outcome.ok else "red",
        "reasons": [str(reason) for reason in outcome.reasons],
        "parameters": dict(job.parameters),
        "mutants": list(job.mutants),
        "device": job.device,
        "seconds": outcome.seconds,
        "peak_mb": outcome.peak_mb,
    }
    documents.write(job.notebook, executed)


def _with_prose_of(source: NotebookNode, executed: NotebookNode) -> NotebookNode:
    """The source as it is now, with what its code cells showed when they were executed."""
    ran = [(n, cell) for n, cell in enumerate(executed.cells) if cell.cell_type == "code"]
    own = [n for n, cell in ran if not documents.tags(cell) & records.ADDED_BY_PAPERMILL]
    code = [cell for cell in source.cells if cell.cell_type == "code"]
    if [cell.source for cell in code] != [executed.cells[n].source for n in own]:
        raise ValueError("the executed notebook holds other code")
    renewed = nbformat.from_dict(executed)
    renewed.cells = []
    places = iter(own)
    for cell in source.cells:
        copy = nbformat.from_dict(cell)
        renewed.cells.append(copy)
        if cell.cell_type != "code":
            continue
        place = next(places)
        before = executed.cells[place]
        copy.outputs, copy.execution_count = before.outputs, before.execution_count
        for name in ("execution", "papermill"):
            if name in before.metadata:
                copy.metadata[name] = before.metadata[name]
        after = executed.cells[place + 1 : place + 2]
        renewed.cells += [c for c in after if "injected-parameters" in documents.tags(c)]
    renewed.metadata.update(source.metadata)
    measured = ("language_info", _KEY)
    renewed.metadata.update({k: v for k, v in executed.metadata.items() if k in measured})
    return renewed
