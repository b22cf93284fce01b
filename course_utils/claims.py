"""A lesson is a tested claim: measure it, show it among the kept seeds, record it.

Two questions are never mixed. *Is the sentence true?* is judged on the kept seeds: `verdict`. *Is
this run as expected?* is judged on every run, by the prediction interval that the kept seeds give:
`expected_range`. A run in which the sentence is false is never shown as held.
"""

from __future__ import annotations

import math
import numbers
import statistics
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from course_utils import card, lessons, session, showing
from course_utils.errors import InputError

__all__ = ["MIME", "Verdict", "beyond", "check", "expected_range", "verdict"]

MIME = "application/vnd.course.claim+json"
_LEVEL = 0.9995
_SHARE = 0.6


def check(id: str, observed: float, *, standard_error: float | None = None) -> None:
    """Show a claim of the chapter with the number that this run observed.

    Sentence, threshold and mutant stand in the chapter's sheet, the kept seeds in its evidence. A
    run outside the expected range is shown in red and does not stop the notebook: the run fails
    after its last cell, so that all of them are seen at once. Where nothing can be judged (in
    `smoke`, without kept seeds, with other parameters) the card shows the number and says why.

    Args:
        id: of the claim in the sheet.
        observed: what was measured, one number.
        standard_error: of it, from the size of the test set.

    Raises:
        InputError: the sheet has no such claim, the number is none, or a claim on a test set comes
            without its standard error.

    Example:
        >>> from course_utils import session
        >>> values = lessons.sheet("00").values("smoke", "embedded")
        >>> cell = {"PROFILE": "smoke", "DATA": "embedded", "SEED": 0, **values}
        >>> _ = session.begin("00", cell, tensorflow=False)
        Chapter 00 ...
        >>> check("convnet-beats-guessing", 0.95, standard_error=0.01)
        ○ Not judged: ... · this run 95.0 % · smoke is too small to judge
    """
    course = session.current()
    claims = lessons.sheet(course.chapter).claims
    if id not in claims:
        raise InputError(
            f"expected a claim of the sheet of chapter {course.chapter}, received {id!r}: "
            f"choose from {', '.join(claims) or 'none'}, or add it to the sheet"
        )
    claim = claims[id]
    value = _number(id, observed)
    error = _standard_error(claim, standard_error, smoke=course.profile == "smoke")
    kept = lessons.kept(course.chapter, id, f"{course.profile}/{course.data}")
    threshold = claim.threshold(course.data)
    why = _why_not_judged(course, threshold, kept)
    record = {
        "chapter": course.chapter,
        "id": id,
        "statement": claim.sentence,
        "unit": claim.unit,
        "observed": value,
        "judged": not why,
        **judged(value, claim, threshold, kept, judge=not why),
        "resolution": claim.resolution,
        "timing": claim.timing,
        "profile": course.profile,
        "data": course.data,
        "seed": course.seed,
        "device": course.device,
        "standard_error": error,
    }
    showing.show({MIME: record, **card.bundle(record, why=why, kept=kept)})


def judged(
    value: float | None,
    claim: lessons.Claim,
    threshold: lessons.Threshold | None,
    kept: lessons.Kept | None,
    *,
    judge: bool,
) -> dict[str, Any]:
    """What a record says of its number: by the sheet and, where they judge it, the kept seeds."""
    low = high = share = held = None
    if judge:
        values = list(kept.seeds.values())
        low, high = expected_range(values, kept.standard_error, claim.resolution)
        share = verdict(values, threshold).share
        held = value is not None and low <= value <= high
    return {
        "low": low,
        "high": high,
        "held": held,
        "threshold": None if threshold is None else list(threshold),
        "true_here": None if threshold is None else value is not None and beyond(value, threshold),
        "seeds": len(kept.seeds) if kept else 0,
        "share": share,
    }


def expected_range(
    values: Collection[float], standard_error: float | None = None, resolution: float = 0.0
) -> tuple[float, float]:
    """Where one more run should lie: the prediction interval that n ≥ 2 kept seeds give.

    mean ± t(0.9995, n−1) · s · √(1 + 1/n): of 1,000 further runs one lies outside. It is never
    narrower than three standard errors of one value, or the resolution, to each side.
    """
    mean, deviation, n = _moments(values)
    from scipy.special import stdtrit

    half = float(stdtrit(n - 1, _LEVEL)) * deviation * math.sqrt(1 + 1 / n)
    half = max(half, 3 * (standard_error or 0.0), resolution)
    return mean - half, mean + half


def _moments(values: Collection[float]) -> tuple[float, float, int]:
    if len(values) < 2:
        raise InputError(
            f"expected two kept seeds or more, received {len(values)}: measure more seeds"
        )
    # Exact, as fmean is not: equal seeds are expected again.
    return statistics.mean(values), statistics.stdev(values), len(values)


@dataclass(frozen=True)
class Verdict:
    """Whether the kept seeds bear out a sentence.

    Attributes:
        mean: over the seeds.
        standard_error: of that mean, s/√n.
        share: of the seeds on the sentence's side of the threshold.
        true: whether the mean lies beyond the threshold by three standard errors, and 60 % of the
            seeds or more lie on its side.
    """

    mean: float
    standard_error: float
    share: float
    true: bool


def verdict(values: Collection[float], threshold: lessons.Threshold) -> Verdict:
    """Judge a sentence on two kept seeds or more."""
    mean, deviation, n = _moments(values)
    error = deviation / math.sqrt(n)
    low, high = threshold
    distances = ([] if low is None else [mean - low]) + ([] if high is None else [high - mean])
    share = sum(beyond(value, threshold) for value in values) / n
    far = min(distances) > 3 * error or (error == 0 and beyond(mean, threshold))
    return Verdict(mean, error, share, far and share >= _SHARE)


def beyond(value: float, threshold: lessons.Threshold) -> bool:
    """Whether a number lies on the side of the threshold that a sentence promises.

    A threshold is (low, high); a single end is exclusive, two ends are inclusive.
    """
    low, high = threshold
    if low is not None and high is not None:
        return low <= value <= high
    return value > low if high is None else value < high


def _why_not_judged(course: session.Course, threshold, kept: lessons.Kept | None) -> str:
    """Why a run cannot be judged; "" if it can."""
    if course.profile == "smoke":
        return "smoke is too small to judge"
    if threshold is None:
        return f"the sentence does not speak of {course.data} data"
    for name, (given, usual) in course.changed().items():
        return f"{name} is {given!r}, the kept seeds used {usual!r}"
    if kept is None or len(kept.seeds) < 2:
        return f"no seeds are kept for {course.profile} on {course.data} data"
    return ""


def _number(id: str, observed: Any) -> float | None:
    """A plain float (NumPy's and TensorFlow's scalars too); None for what is not finite."""
    try:
        if isinstance(observed, str | bytes):  # float() would read the digits in them
            raise TypeError
        value = float(observed)
    except (TypeError, ValueError):
        raise InputError(
            f"expected what claim {id} observed to be one number, received "
            f"{type(observed).__name__} {observed!r:.80}"
        ) from None
    return value if math.isfinite(value) else None


def _standard_error(claim: lessons.Claim, given: Any, *, smoke: bool) -> float | None:
    """A standard error as a plain float; a handful of images in smoke may have none."""
    if given is None:
        if claim.test_set:
            raise InputError(
                f"expected the standard error of claim {claim.id}, which its sheet measures on a "
                "test set, received none: pass standard_error="
            )
        return None
    good = isinstance(given, numbers.Real) and math.isfinite(given) and given >= 0
    if not good and not (smoke and isinstance(given, numbers.Real)):
        raise InputError(
            f"expected the standard error of claim {claim.id} to be a finite number of 0 or more, "
            f"received {given!r}"
        )
    return float(given) if good else None
