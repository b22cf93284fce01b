"""Whether an executed chapter may be called green: what must be there is looked for, not assumed.

Everything here is read from two notebooks, the source and the executed one, so a stored result is
judged again in the same way as a fresh one. Nothing of papermill's own status is believed: it calls
cells completed that never ran (see `engine`). A cell counts as executed only if the kernel gave it
a number and replied to it.

A claim counts only if exactly one record of it exists, the record answers to the job, and its
judgment follows from the sheet, the evidence and its own number. A mutated run's claims are not
judged here: that several runs may have to tell is the affair of `mutants`.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import nbformat

from course_tools.notebooks import documents
from course_tools.run import records
from course_tools.run.plan import STANDARD, Job, Reason
from course_tools.run.records import Record
from course_utils import card, claims, lessons
from course_utils.formatting import written, written_range
from course_utils.lessons import Claim

__all__ = ["Verdict", "claim_faults", "verdict"]

_COLORS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_COURSE_ERRORS = ("InputError", "WorldError", "CourseError")
# Whatever a cell shows may call itself a claim's record.
_KINDS = {
    "id": str,
    "judged": bool,
    "seeds": int,
    "observed": int | float | None,
    "true_here": bool | None,
}
_UNJUDGED = dict.fromkeys(("held", "low", "high", "share"), type(None))
_JUDGED = {"held": bool, "true_here": bool, **dict.fromkeys(("low", "high", "share"), int | float)}


@dataclass(frozen=True)
class Verdict:
    """What an executed notebook shows."""

    reasons: tuple[Reason, ...]  # what makes it red; empty when all is well
    notes: tuple[str, ...]  # what a reader should know besides
    executed: int  # code cells that ran to their end
    cells: int  # code cells of the source that are not blank
    claims: tuple[dict[str, object], ...]  # contents of the well-formed records
    exercises: tuple[dict[str, object], ...]


def verdict(
    job: Job,
    source: nbformat.NotebookNode,
    executed: nbformat.NotebookNode,
    *,
    failure: Reason | None = None,
) -> Verdict:
    """Judge an executed chapter; `failure` is an early end that no output can show."""
    before = [(n, cell) for n, cell in records.own_cells(source) if _is_code(cell)]
    after = [(n, cell) for n, cell in records.own_cells(executed) if _is_code(cell)]
    reasons = list(_source_faults(job, source))
    broken = [failure] if failure else []
    broken += _cell_faults(before, after, failure)
    reasons += broken
    reasons += _stderr_faults(after)
    # After an early end what comes later is missing as a matter of course: no news.
    complete = not broken
    reasons += _session_faults(job, executed, complete=complete)
    shown = records.read(executed, records.CLAIM)
    reasons += claim_faults(job, shown, complete=complete)
    reasons += _device_faults(job, [*records.read(executed, records.SESSION), *shown])
    exercises = records.read(executed, records.EXERCISE)
    well_formed = [record for record in shown if not _malformed(record)]
    notes = []
    if not job.mutants:
        reasons += [
            Reason(f"claim {_outside(record.content)}", record.where)
            for record in well_formed
            if card.status(record.content) == "red"
        ]
        notes = _notes(well_formed)
        reasons += _exercise_faults(job, exercises, complete=complete)
    return Verdict(
        reasons=tuple(reasons),
        notes=tuple(notes),
        executed=sum(_ran(cell) for _, cell in after),
        cells=len(before),
        claims=tuple(record.content for record in well_formed),
        exercises=tuple(record.content for record in exercises if not record.missing),
    )


def claim_faults(job: Job, found: Sequence[Record], *, complete: bool) -> Iterator[Reason]:
    """Find claims without a record, records without a claim, and records that contradict.

    Where not all cells ran (`complete` is False), missing records are no news.
    """
    declared = job.chapter.sheet.claims
    counts = Counter(str(record.content.get("id")) for record in found)
    for name in job.mutants or declared:
        if complete and not counts[name]:
            yield Reason(f"claim {name} stands in the sheet and was never reached")
    known = lessons.read_evidence(job.chapter.lessons / lessons.EVIDENCE)
    known = known.get(job.chapter.number, {}).get("claims", {})
    seen = set()
    for record in found:
        name = record.content.get("id")
        if wrong := _malformed(record):
            yield Reason(f"a claim record without a sound {', '.join(wrong)}", record.where)
            continue
        if name in seen:
            yield Reason(f"claim {name} is recorded {counts[name]} times", record.where)
        seen.add(name)
        if name not in declared:
            yield Reason(f"claim {name} is recorded and does not stand in the sheet", record.where)
        else:
            yield from _disagreements(job, declared[name], known.get(name, {}), record)


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
    if len(idle) == 1:
        yield Reason("this code cell was not executed", idle[0])
    elif idle:
        yield Reason(f"{len(idle)} code cells were not executed, first this one", idle[0])


def _raised(output: nbformat.NotebookNode) -> str:
    first = _COLORS.sub("", output.evalue).strip().partition("\n")[0][:400]
    # The course's own errors are whole sentences for the reader.
    return first if output.ename in _COURSE_ERRORS else f"raised {output.ename}: {first}"


def _stderr_faults(after: list) -> Iterator[Reason]:
    for number, cell in after:
        said = "".join(o.text for o in cell.outputs if o.get("name") == "stderr").strip()
        if said:
            first = _COLORS.sub("", said).partition("\n")[0][:200]
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


def _device_faults(job: Job, shown: Sequence[Record]) -> Iterator[Reason]:
    """A run that was meant for a GPU and computed on a CPU; one reason is enough."""
    for record in shown if job.device == "GPU" else ():
        device = str(record.content.get("device"))
        if device.startswith("CPU"):
            yield Reason(f"measured on {device}: expected the GPU", record.where)
            return


def _exercise_faults(job: Job, found: Sequence[Record], *, complete: bool) -> Iterator[Reason]:
    checked = {record.content.get("name") for record in found if not record.missing}
    for name in job.chapter.exercises:
        if complete and name not in checked:
            yield Reason(f"exercise {name} stands in the source and was not checked")
    for record in found:
        content = record.content
        if record.missing:
            yield Reason(f"an exercise record without {', '.join(record.missing)}", record.where)
        elif content["passed"] is not True:
            said = f"exercise {content['name']} failed: {content['message']}"
            yield Reason(said, record.where)


def _malformed(record: Record) -> tuple[str, ...]:
    """The keys that a claim's record lacks, or holds in another form than `claims.check` does."""
    content = record.content
    kinds = _KINDS | (_JUDGED if content.get("judged") else _UNJUDGED)
    other = (
        key for key, kind in kinds.items() if key in content and not isinstance(content[key], kind)
    )
    return (*record.missing, *other)


def _disagreements(job: Job, claim: Claim, evidence: Mapping, record: Record) -> Iterator[Reason]:
    """What a record says and the job, the sheet, the evidence or its own number do not."""
    content = record.content
    asked = {name: job.parameters.get(name.upper()) for name in ("profile", "data", "seed")}
    asked["chapter"] = job.chapter.number
    for name, value in asked.items():
        if content[name] != value:
            said = f"claim {claim.id} records {name} {content[name]!r}, asked was {value!r}"
            yield Reason(said, record.where)
    kept = lessons.kept_of(evidence[job.case]) if job.case in evidence else lessons.Kept({})
    threshold = claim.threshold(str(job.parameters["DATA"]))
    usual = job.chapter.sheet.values(*job.case.split("/"))
    judgeable = (
        job.parameters["PROFILE"] != "smoke"
        and threshold is not None
        and all(job.parameters.get(name) == value for name, value in usual.items())
        and len(kept.seeds) >= 2
    )
    # Mutants change parameters too, and what one of them left unjudged is no news.
    if content["judged"] != judgeable and not (job.mutants and judgeable):
        how = "not judged, and its kept seeds can judge it"
        if content["judged"]:
            how = "judged, and nothing can judge it"
        yield Reason(f"claim {claim.id} was {how}", record.where)
        return
    expected = claims.judged(content["observed"], claim, threshold, kept, judge=content["judged"])
    for name, value in expected.items():
        if not _same(content[name], value):
            yield Reason(
                f"claim {claim.id} records {name} {content[name]!r}; sheet and evidence say "
                f"{value!r} of {content['observed']!r}",
                record.where,
            )


def _same(one: object, other: object) -> bool:
    """Equal; of two numbers of a computation, but for its rounding."""
    if isinstance(other, float):
        return isinstance(one, int | float) and abs(one - other) <= 1e-9 * max(1.0, abs(other))
    return one == other


def _notes(found: Sequence[Record]) -> Iterator[str]:
    """Which sentences are not true in this run, and which runs are unexpected."""
    for content in (record.content for record in found):
        state = card.status(content)
        if state == "not here":
            true = round(content["share"] * content["seeds"])
            yield f"claim {content['id']}: not in this run ({true} of {content['seeds']} seeds)"
        elif state == "unexpected":
            yield f"unexpected, of {content['seeds']} seeds: claim {_outside(content)}"


def _outside(content: Mapping) -> str:
    unit = content.get("unit", "")
    return (
        f"{content['id']} is outside its expected range: observed "
        f"{written(content['observed'], unit)}, expected "
        f"{written_range(content['low'], content['high'], unit)}"
    )
