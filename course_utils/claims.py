"""A lesson is a tested claim: state it, measure it, show it, record it, judge it.

A claim is judged against a band, keyed by profile and data, that several seeds justify. A claim
that cannot fail is worthless, so each one declares its sabotage: the one thing to break so that
it must miss its band.
"""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Mapping
from typing import Any

from course_utils import session, showing
from course_utils.errors import InputError

__all__ = ["MIME", "check", "written", "written_band"]

MIME = "application/vnd.course.claim+json"

Band = tuple[float | None, float | None]


def check(
    id: str,
    statement: str,
    *,
    observed: float,
    bands: Mapping[str, Band],
    sabotage: str = "",
    unit_sabotage: str = "",
    standard_error: float | None = None,
    mean_bands: Mapping[str, Band] | None = None,
    unit: str = "",
) -> None:
    """Show a claim with its number and its band, and record it for whoever runs the notebook.

    A missed claim is shown in red and does not stop the notebook: the run fails after its last
    cell, so that every miss is seen at once. In the profile `smoke`, and where there is no band
    for the profile and data of the run, the claim is recorded and not judged.

    Args:
        id: name of the claim in its chapter, words joined by "-".
        statement: the sentence that the lesson teaches.
        observed: what was measured. A value that is not finite misses every band.
        bands: "PROFILE/DATA" (such as "quick/embedded") or "any" to (low, high), both inclusive;
            None is an open end.
        sabotage: what the chapter breaks when it is run with this claim sabotaged.
        unit_sabotage: for exact mathematics instead: the test that breaks it.
        standard_error: of `observed`, from the size of the test set; the width of a band from
            several seeds is never below three of them.
        mean_bands: like `bands`, for the mean over seeds, judged by `course claims`.
        unit: shown after the number; "%" shows a share in per cent, "points" a difference of
            shares in percentage points.

    Raises:
        InputError: a claim without a name, a sentence, a sabotage; a band that is not one.

    Example:
        >>> from course_utils import session
        >>> _ = session.begin("00", profile="quick", data="embedded", seed=0, tensorflow=False)
        Chapter 00 ...
        >>> check("twice-two", "Twice two is four.", observed=2 * 2, bands={"any": (4, 4)},
        ...       sabotage="three instead of two")
        ✔ held: Twice two is four. · observed 4 · band 4 to 4
    """
    course = session.current()
    _check_declaration(id, statement, sabotage, unit_sabotage)
    for name, given in (("bands", bands), ("mean_bands", mean_bands or {})):
        if not isinstance(given, Mapping):
            raise InputError(
                f'expected {name} of claim {id} as {{"quick/embedded": (low, high)}}, '
                f"received {given!r}"
            )
        for key, band in given.items():
            _check_band(id, name, key, band)
    value = _number(id, observed)
    if course.profile == "smoke" and isinstance(standard_error, numbers.Real):
        # Of a handful of pictures there may be no spread, and nothing is judged by it.
        standard_error = standard_error if math.isfinite(standard_error) else None
    if standard_error is not None and not _is_size(standard_error):
        raise InputError(
            f"expected the standard error of claim {id} to be a finite number of 0 or more, "
            f"received {standard_error!r}"
        )

    band = _band(bands, course)
    judged = band is not None
    low, high = band if band is not None else (None, None)
    held = _inside(value, low, high) if judged else None
    mean_low, mean_high = _band(mean_bands or {}, course) or (None, None)
    record = {
        "chapter": course.chapter,
        "id": id,
        "statement": statement,
        "observed": value,
        "low": low,
        "high": high,
        "judged": judged,
        "held": held,
        "profile": course.profile,
        "data": course.data,
        "seed": course.seed,
        "device": course.device,
        "sabotage": sabotage or unit_sabotage,
        "standard_error": None if standard_error is None else float(standard_error),
        "mean_low": mean_low,
        "mean_high": mean_high,
    }
    showing.show(_bundle(record, unit, broken=course.sabotaged(id)))


def _bundle(record: dict[str, Any], unit: str, *, broken: bool) -> dict[str, Any]:
    mark, word, colour = {
        True: ("✔", "held", "#117733"),
        False: ("✘", "NOT HELD", "#b00020"),
        None: ("○", "recorded, not judged", "#777777"),
    }[record["held"]]
    facts = [f"observed {written(record['observed'], unit)}"]
    if record["judged"]:
        facts.append(f"band {written_band(record['low'], record['high'], unit)}")
    elif record["profile"] == "smoke":
        facts.append("the smoke profile judges nothing")
    else:
        facts.append(f"no band for {record['profile']}/{record['data']} yet")
    if broken:
        facts.append(f"broken on purpose: {record['sabotage']}")
    line = " · ".join(facts)
    title = f"{word}: {record['statement']}"
    return {
        MIME: record,
        "text/plain": f"{mark} {title} · {line}",
        "text/html": showing.box(mark, title, [line], colour=colour),
    }


def _band(bands: Mapping[str, Band], course: session.Course) -> Band | None:
    if course.profile == "smoke":
        return None
    return bands.get(f"{course.profile}/{course.data}", bands.get("any"))


def _inside(value: float | None, low: float | None, high: float | None) -> bool:
    if value is None:
        return False
    return (low is None or value >= low) and (high is None or value <= high)


def _check_declaration(id: str, statement: str, sabotage: str, unit_sabotage: str) -> None:
    if not isinstance(id, str) or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", id):
        raise InputError(f'expected a claim named in small letters joined by "-", received {id!r}')
    if not isinstance(statement, str) or not statement.strip().endswith("."):
        raise InputError(
            f"expected claim {id} to state a sentence that ends with a full stop, "
            f"received {statement!r}"
        )
    if bool(sabotage) == bool(unit_sabotage):
        raise InputError(
            f"expected claim {id} to name either `sabotage` (what the chapter breaks) or "
            f"`unit_sabotage` (the test that breaks it), received "
            f"{'both' if sabotage else 'neither'}: a claim that cannot fail is worthless"
        )


def _check_band(id: str, name: str, key: str, band: Any) -> None:
    keys = {f"{p}/{d}" for p in session.PROFILES if p != "smoke" for d in session.DATA} | {"any"}
    if key not in keys:
        raise InputError(
            f"expected the {name} of claim {id} to be keyed by one of {', '.join(sorted(keys))}, "
            f"received {key!r}"
        )
    good = (
        isinstance(band, tuple)
        and len(band) == 2
        and all(
            end is None or (isinstance(end, numbers.Real) and math.isfinite(end)) for end in band
        )
        and band != (None, None)
        and (None in band or band[0] <= band[1])
    )
    if not good:
        raise InputError(
            f"expected {name}[{key!r}] of claim {id} to be finite (low, high) with low ≤ high and "
            f"at most one open end (None), received {band!r}"
        )


def _is_size(value: Any) -> bool:
    try:
        return math.isfinite(value) and value >= 0
    except (TypeError, ValueError):
        return False


def _number(id: str, observed: Any) -> float | None:
    """A plain float (NumPy's and TensorFlow's scalars too); None for what is not finite."""
    try:
        value = float(observed)
    except (TypeError, ValueError):
        raise InputError(
            f"expected what claim {id} observed to be one number, received "
            f"{type(observed).__name__} {observed!r:.80}"
        ) from None
    return value if math.isfinite(value) else None


def written(value: float | None, unit: str = "") -> str:
    """A measured number as a claim shows it.

    Args:
        value: the number; None stands for one that is not finite.
        unit: as `check` takes it.

    Example:
        >>> written(0.9534, "%"), written(0.5), written(12, "pixels")
        ('95.3 %', '0.5', '12 pixels')
    """
    if value is None:
        return "not a number"
    if unit in ("%", "points"):
        return f"{100 * value:.1f} {unit}"
    return f"{value:.4g}{' ' + unit if unit else ''}"


def written_band(low: float | None, high: float | None, unit: str = "") -> str:
    """A band as a claim shows it.

    Args:
        low: its lower end; None if it is open.
        high: its upper end; None if it is open.
        unit: as `check` takes it.

    Example:
        >>> written_band(0.6, None, "%"), written_band(1, 2)
        ('60.0 % or more', '1 to 2')
    """
    if high is None:
        return f"{written(low, unit)} or more"
    if low is None:
        return f"{written(high, unit)} or less"
    return f"{written(low, unit)} to {written(high, unit)}"
