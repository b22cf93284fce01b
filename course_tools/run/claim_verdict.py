"""Whether the claims of an executed chapter may be believed, and whether the run is as expected.

A claim counts only if exactly one record of it exists, the record answers to the job, and its
judgment follows from the sheet, the evidence and its own number. A mutated run is not judged here:
that several runs may have to tell is the affair of `mutants`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from course_tools.run.jobs import Job, Reason
from course_tools.run.records import Record
from course_utils import card, claims, lessons
from course_utils.lessons import Claim

__all__ = ["malformed", "missed", "notes", "record_faults"]

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


def malformed(record: Record) -> tuple[str, ...]:
    """The keys that a claim's record lacks, or holds in another form than `claims.check` does.

    Example:
        >>> malformed(Record(1, "cell 1", {"id": "a-b", "judged": False, "low": "none"}))
        ('low',)
    """
    content = record.content
    kinds = _KINDS | (_JUDGED if content.get("judged") else _UNJUDGED)
    other = (
        key for key, kind in kinds.items() if key in content and not isinstance(content[key], kind)
    )
    return (*record.missing, *other)


def record_faults(job: Job, found: Sequence[Record], *, complete: bool) -> Iterator[Reason]:
    """Find claims without a record, records without a claim, and records that contradict.

    Args:
        job: what was asked for.
        found: the claim records.
        complete: whether all cells ran; if not, missing records are no news.

    Returns:
        The faults.
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
        if wrong := malformed(record):
            yield Reason(f"a claim record without a sound {', '.join(wrong)}", record.where)
            continue
        if name in seen:
            yield Reason(f"claim {name} is recorded {counts[name]} times", record.where)
        seen.add(name)
        if name not in declared:
            yield Reason(f"claim {name} is recorded and does not stand in the sheet", record.where)
        else:
            yield from _disagreements(job, declared[name], known.get(name, {}), record)


def missed(job: Job, found: Sequence[Record]) -> Iterator[Reason]:
    """Find the claims whose run lies outside the expected range; none in a mutated run.

    Args:
        job: what was asked for.
        found: the claim records.

    Returns:
        One reason for each.
    """
    for record in () if job.mutants else found:
        if not malformed(record) and card.status(record.content) == "red":
            yield Reason(f"claim {_outside(record.content)}", record.where)


def notes(job: Job, found: Sequence[Record]) -> Iterator[str]:
    """Say which sentences are not true in this run, and which runs are unexpected.

    Args:
        job: what was asked for.
        found: the claim records.

    Returns:
        One line each; none for a mutated run.
    """
    for record in () if job.mutants else found:
        if malformed(record):
            continue
        state, content = card.status(record.content), record.content
        if state == "not here":
            true = round(content["share"] * content["seeds"])
            yield f"claim {content['id']}: not in this run ({true} of {content['seeds']} seeds)"
        elif state == "unexpected":
            yield f"unexpected, of {content['seeds']} seeds: claim {_outside(content)}"


def _disagreements(job: Job, claim: Claim, evidence: Mapping, record: Record) -> Iterator[Reason]:
    """What a record says and the job, the sheet, the evidence or its own number do not."""
    content = record.content
    asked = {name: job.parameters.get(name.upper()) for name in ("profile", "data", "seed")}
    asked["chapter"] = job.chapter.number
    for name, value in asked.items():
        if content[name] != value:
            yield Reason(
                f"claim {claim.id} records {name} {content[name]!r}, asked was {value!r}",
                record.where,
            )
    # Mutants change parameters too, and what one of them left unjudged is no news.
    judgeable = _judgeable(job, claim, evidence)
    if content["judged"] != judgeable and not (job.mutants and judgeable):
        how = "not judged, and its kept seeds can judge it"
        if content["judged"]:
            how = "judged, and nothing can judge it"
        yield Reason(f"claim {claim.id} was {how}", record.where)
        return
    for name, value in _expected(job, claim, evidence, content).items():
        if not _same(content[name], value):
            yield Reason(
                f"claim {claim.id} records {name} {content[name]!r}; sheet and evidence say "
                f"{value!r} of {content['observed']!r}",
                record.where,
            )


def _judgeable(job: Job, claim: Claim, evidence: Mapping) -> bool:
    """Whether kept seeds speak of this run: of its profile, its data, and all its parameters."""
    profile, data = str(job.parameters["PROFILE"]), str(job.parameters["DATA"])
    usual = job.chapter.sheet.values(profile, data)
    return (
        profile != "smoke"
        and claim.threshold(data) is not None
        and all(job.parameters.get(name) == value for name, value in usual.items())
        and f"{profile}/{data}" in evidence
        and len(lessons.kept_of(evidence[f"{profile}/{data}"]).seeds) >= 2
    )


def _expected(job: Job, claim: Claim, evidence: Mapping, content: Mapping) -> dict[str, object]:
    """What a record must say of the number that it observed."""
    data = str(job.parameters["DATA"])
    case = f"{job.parameters['PROFILE']}/{data}"
    kept = lessons.kept_of(evidence[case]) if case in evidence else lessons.Kept({})
    threshold, observed = claim.threshold(data), content["observed"]
    low = high = share = held = true = None
    if threshold is not None:
        true = observed is not None and claims.beyond(observed, threshold)
    if content["judged"]:
        values = list(kept.seeds.values())
        low, high = claims.expected_range(values, kept.standard_error, claim.resolution)
        share = claims.verdict(values, threshold).share
        held = observed is not None and low <= observed <= high
    return {
        "threshold": None if threshold is None else list(threshold),
        "seeds": len(kept.seeds),
        "low": low,
        "high": high,
        "share": share,
        "held": held,
        "true_here": true,
    }


def _same(one: object, other: object) -> bool:
    """Equal; of two numbers of a computation, but for its rounding."""
    if isinstance(other, float):
        return isinstance(one, int | float) and abs(one - other) <= 1e-9 * max(1.0, abs(other))
    return one == other


def _outside(content: Mapping) -> str:
    unit = content.get("unit", "")
    return (
        f"{content['id']} is outside its expected range: observed "
        f"{card.written(content['observed'], unit)}, expected "
        f"{card.written_range(content['low'], content['high'], unit)}"
    )
