"""Whether an executed chapter may be called green: what must be there is looked for, not assumed.

Everything here is read from two notebooks, the source and the executed one, so a stored result is
judged again in the same way as a fresh one. Nothing of papermill's own status is believed: it calls
cells completed that never ran (see `engine`). A cell counts as executed only if the kernel gave it
a number and replied to it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import nbformat

from course_tools.notebooks import documents
from course_tools.run import claim_verdict, records
from course_tools.run.jobs import STANDARD, Job, Reason

__all__ = ["Verdict", "judge"]

_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_COURSE_ERRORS = ("InputError", "WorldError", "CourseError")


@dataclass(frozen=True)
class Verdict:
    """What an executed notebook shows.

    Attributes:
        reasons: what makes it red; empty when all is well.
        notes: what a reader should know besides.
        executed: code cells that ran to their end.
        cells: code cells of the source that are not blank.
        claims: contents of the well-formed claim records.
        exercises: contents of the well-formed exercise records.
    """

    reasons: tuple[Reason, ...]
    notes: tuple[str, ...]
    executed: int
    cells: int
    claims: tuple[dict[str, object], ...]
    exercises: tuple[dict[str, object], ...]


def judge(
    job: Job,
    source: nbformat.NotebookNode,
    executed: nbformat.NotebookNode,
    *,
    failure: Reason | None = None,
) -> Verdict:
    """Judge an executed chapter.

    Args:
        job: what was asked for.
        source: the notebook as it was before.
        executed: the notebook as it is now.
        failure: why the execution ended early, where no output can show it.

    Returns:
        The verdict; its reasons name the cells as the source numbers them.
    """
    before = [(n, cell) for n, cell in records.own_cells(source) if _is_code(cell)]
    after = [(n, cell) for n, cell in records.own_cells(executed) if _is_code(cell)]
    ran = [cell for _, cell in after if _ran(cell)]
    reasons = list(_source_faults(job, source))
    broken = [failure] if failure else []
    broken += _cell_faults(before, after, failure)
    reasons += broken
    reasons += _stderr_faults(after)
    # After an early end what comes later is missing as a matter of course: no news.
    reasons += _session_faults(job, executed, complete=not broken)
    claims = records.read(executed, records.CLAIM)
    reasons += claim_verdict.record_faults(job, claims, complete=not broken)
    reasons += claim_verdict.missed(job, claims)
    exercises = records.read(executed, records.EXERCISE)
    if not job.mutants:
        reasons += _exercise_faults(job, exercises, complete=not broken)
    return Verdict(
        reasons=tuple(reasons),
        notes=tuple(claim_verdict.notes(job, claims)),
        executed=len(ran),
        cells=len(before),
        claims=tuple(r.content for r in claims if not claim_verdict.malformed(r)),
        exercises=tuple(record.content for record in exercises if not record.missing),
    )


def _is_code(cell: nbformat.NotebookNode) -> bool:
    return cell.cell_type == "code" and bool(cell.source.strip())


def _ran(cell: nbformat.NotebookNode) -> bool:
    # The number comes when a cell begins; only the reply says that it ended.
    replied = "shell.execute_reply" in cell.metadata.get("execution", {})
    return cell.get("execution_count") is not None and replied


def _source_faults(job: Job, source: nbformat.NotebookNode) -> Iterator[Reason]:
    for number, cell in documents.numbered(source):
        where = documents.label(number, cell)
        # By its tag: a mutated run has some cells only, and its own numbers.
        if cell.cell_type == "code" and "contract" in documents.tags(cell):
            if cell.get("execution_count") is None:
                yield Reason("a contract cell without an execution count is never compared", where)
            if not cell.get("outputs"):
                yield Reason("a contract cell without stored output is never compared", where)
        if "injected-parameters" in documents.tags(cell):
            yield Reason("the source is itself an executed copy: remove this cell", where)
    for name in STANDARD:
        if name not in job.chapter.parameters:
            yield Reason(f"the parameters cell does not set {name}, so no run can settle it")


def _cell_faults(before: list, after: list, failure: Reason | None) -> Iterator[Reason]:
    if [cell.source for _, cell in before] != [cell.source for _, cell in after]:
        yield Reason("the executed notebook does not hold the code cells of its source")
    if not any(_ran(cell) for _, cell in after):
        yield Reason("no code cell was executed")
        return
    idle = []
    for number, cell in after:
        where = documents.label(number, cell)
        if failure and failure.where == where:
            continue
        if not _ran(cell):
            idle.append(where)
        for output in cell.outputs:
            if output.output_type == "error":
                yield Reason(_raised(output), where, users=output.ename == "InputError")
    if idle:
        many = f"{len(idle)} code cells were" if len(idle) > 1 else "this code cell was"
        yield Reason(
            f"{many} not executed" + (", first this one" if len(idle) > 1 else ""), idle[0]
        )


def _raised(output: nbformat.NotebookNode) -> str:
    first = _COLOURS.sub("", output.evalue).strip().partition("\n")[0][:400]
    # The course's own errors are whole sentences for the reader.
    return first if output.ename in _COURSE_ERRORS else f"raised {output.ename}: {first}"


def _stderr_faults(after: list) -> Iterator[Reason]:
    for number, cell in after:
        said = "".join(o.text for o in cell.outputs if o.get("name") == "stderr").strip()
        if said:
            first = _COLOURS.sub("", said).partition("\n")[0][:200]
            yield Reason(f"wrote to stderr: {first}", documents.label(number, cell))


def _session_faults(
    job: Job, executed: nbformat.NotebookNode, *, complete: bool
) -> Iterator[Reason]:
    sessions = records.read(executed, records.SESSION)
    if not sessions and complete:
        yield Reason("no session record: the chapter does not begin with session.begin")
    asked = {name.lower(): job.parameters.get(name) for name in STANDARD}
    asked["chapter"] = job.chapter.number
    for record in sessions:
        for name, value in asked.items():
            got = record.content.get(name)
            if got != value or type(got) is not type(value):
                yield Reason(
                    f"the session records {name} {got!r}, asked was {value!r}", record.where
                )


def _exercise_faults(job: Job, found: list, *, complete: bool) -> Iterator[Reason]:
    checked = {record.content.get("name") for record in found}
    for name in job.chapter.exercises:
        if complete and name not in checked:
            yield Reason(f"exercise {name} stands in the source and was not checked")
    for record in found:
        if record.missing:
            yield Reason(f"an exercise record without {', '.join(record.missing)}", record.where)
        elif record.content["passed"] is not True:
            yield Reason(
                f"exercise {record.content['name']} failed: {record.content['message']}",
                record.where,
            )
