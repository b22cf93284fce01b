"""What is wrong with the claims of an executed chapter.

A claim counts only if its source declares it, exactly one record of it exists, the record answers
to the job, and its band and its verdict follow from the source and from its own number.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from course_utils.notebooks.chapters import ClaimText
from course_utils.notebooks.jobs import Job, Reason
from course_utils.notebooks.records import Record

__all__ = ["inside", "missed", "notes", "record_faults"]


def inside(value: object, low: float | None, high: float | None) -> bool:
    """Tell whether a number lies in a band.

    Args:
        value: what was observed; what is not a finite number lies in no band.
        low: the lower end, inclusive; None for an open end.
        high: the upper end, likewise.

    Returns:
        Whether it does.

    Example:
        >>> inside(0.8, 0.7, None), inside(None, None, 1.0)
        (True, False)
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return False
    return (low is None or value >= low) and (high is None or value <= high)


def record_faults(job: Job, found: Sequence[Record], *, complete: bool) -> Iterator[Reason]:
    """Find claims without a record, records without a claim, and records that contradict.

    Args:
        job: what was asked for.
        found: the claim records.
        complete: whether all cells ran; if not, missing records are no news.

    Returns:
        The faults.
    """
    declared = {claim.id: claim for claim in job.chapter.claims}
    counts = Counter(record.content.get("id") for record in found)
    for name in declared:
        if complete and not counts[name]:
            yield Reason(f"claim {name} stands in the source and was not recorded")
    seen = set()
    for record in found:
        name = record.content.get("id")
        if record.missing:
            yield Reason(f"a claim record without {', '.join(record.missing)}", record.where)
            continue
        if name in seen:
            yield Reason(f"claim {name} is recorded {counts[name]} times", record.where)
        seen.add(name)
        if name not in declared:
            yield Reason(f"claim {name} is recorded and does not stand in the source", record.where)
        else:
            yield from _disagreements(job, declared[name], record)


def missed(job: Job, found: Sequence[Record]) -> Iterator[Reason]:
    """Find the claims that were missed; in a sabotaged run, those broken ones that were not.

    Args:
        job: what was asked for.
        found: the claim records.

    Returns:
        One reason for each.
    """
    if not job.sabotage:
        for record in filter(_is_missed, found):
            facts = f"claim {record.content['id']} missed: {_number_and_band(record)}"
            yield Reason(facts, record.where)
        return
    broken = [record for record in found if record.content.get("id") in job.sabotage]
    for record in broken:
        if record.missing or _is_missed(record):
            continue
        if not record.content["judged"]:
            yield Reason(f"claim {record.content['id']} was sabotaged and not judged", record.where)
        else:
            yield Reason(
                f"claim {record.content['id']} was sabotaged and still holds "
                f"({_number_and_band(record)}): as it stands it cannot fail",
                record.where,
            )


def notes(job: Job, found: Sequence[Record]) -> Iterator[str]:
    """Say which claims a sabotage brought down besides its own.

    Args:
        job: what was asked for.
        found: the claim records.

    Returns:
        At most one sentence.
    """
    others = [record.content["id"] for record in filter(_is_missed, found)]
    others = [str(name) for name in others if name not in job.sabotage]
    if job.sabotage and others:
        names = " and ".join(job.sabotage)
        yield f"sabotaging {names} made others miss too: {', '.join(others)}"


def _disagreements(job: Job, claim: ClaimText, record: Record) -> Iterator[Reason]:
    """What a record says and the job, the source or its own number do not."""
    content = record.content
    asked = {name: job.parameters.get(name.upper()) for name in ("profile", "data", "seed")}
    asked["chapter"] = job.chapter.number
    for name, value in asked.items():
        if content[name] != value:
            yield Reason(
                f"claim {claim.id} records {name} {content[name]!r}, asked was {value!r}",
                record.where,
            )
    band = None
    if content["profile"] != "smoke":
        keys = (f"{content['profile']}/{content['data']}", "any")
        band = next((tuple(claim.bands[key]) for key in keys if key in claim.bands), None)
    recorded = (content["low"], content["high"]) if content["judged"] else None
    if band != recorded:
        yield Reason(
            f"claim {claim.id} was judged by {recorded}, its source says {band}", record.where
        )
    held = inside(content["observed"], content["low"], content["high"])
    if content["held"] is not (held if content["judged"] else None):
        yield Reason(
            f"claim {claim.id} records held {content['held']!r} "
            f"for {content['observed']!r} in {recorded}",
            record.where,
        )


def _is_missed(record: Record) -> bool:
    return not record.missing and bool(record.content["judged"]) and not record.content["held"]


def _number_and_band(record: Record) -> str:
    low, high, observed = (record.content[name] for name in ("low", "high", "observed"))
    observed = f"{observed:.4g}" if isinstance(observed, int | float) else "not a number"
    ends = [f"from {low:.4g}"] if low is not None else []
    ends += [f"to {high:.4g}"] if high is not None else []
    return f"observed {observed}, band {' '.join(ends)}"
