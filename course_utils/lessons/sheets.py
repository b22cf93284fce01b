"""The sheet of a chapter as a file: what may stand in it, and how a mistake in it is told."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course_utils.errors import InputError

__all__ = ["DATA", "PROFILES", "Claim", "Mutant", "Sheet", "Threshold", "read"]

PROFILES = ("smoke", "quick", "full")
DATA = ("embedded", "real")

_KEYS = (*PROFILES, *(f"{profile}/{data}" for profile in PROFILES for data in DATA))
_WAYS = ("above", "below", "within")

Threshold = tuple[float | None, float | None]


@dataclass(frozen=True)
class Mutant:
    """One change of a chapter that must contradict a claim, as in mutation testing.

    Attributes:
        cell: the nbformat id of the code cell that is changed; "" for a parameter.
        replace: text that stands once in that cell.
        by: what takes its place.
        parameter: the parameter that gets another value instead; "" for none.
        value: that value.
    """

    cell: str = ""
    replace: str = ""
    by: str = ""
    parameter: str = ""
    value: Any = None

    def __str__(self) -> str:
        """What is changed, in one line."""
        if self.parameter:
            return f"{self.parameter} = {self.value!r}"
        before, after = (" ".join(text.split()) for text in (self.replace, self.by))
        return f"`{before}` becomes `{after}`"


@dataclass(frozen=True)
class Claim:
    """What a chapter claims.

    Attributes:
        id: words joined by "-".
        sentence: what the lesson teaches.
        thresholds: data to (low, high), what the sentence promises; None is an open end.
        unit: "%" for a share, "points" for a difference of shares, another word, or "".
        test_set: whether the number is measured on a test set, and so has a standard error.
        resolution: the expected range reaches at least so far to each side.
        timing: whether the number follows from measured times, and so differs in every run.
        only: the data that the sentence speaks of; "" for all.
        mutant: what contradicts it.
    """

    id: str
    sentence: str
    thresholds: Mapping[str, Threshold]
    unit: str = ""
    test_set: bool = False
    resolution: float = 0.0
    timing: bool = False
    only: str = ""
    mutant: Mutant = field(default_factory=Mutant)

    def threshold(self, data: str) -> Threshold | None:
        """What the sentence promises on this data; None where it does not speak of it."""
        return None if self.only not in ("", data) else self.thresholds[data]


@dataclass(frozen=True)
class Sheet:
    """The sheet of one chapter.

    Attributes:
        chapter: two digits, perhaps a letter.
        parameters: name to its values by "PROFILE" or "PROFILE/DATA"; "quick" is always there.
        claims: id to claim.
    """

    chapter: str
    parameters: Mapping[str, Mapping[str, Any]]
    claims: Mapping[str, Claim]

    def values(self, profile: str, data: str) -> dict[str, Any]:
        """The values of a run's parameters.

        Example:
            >>> rows = {"EPOCHS": {"quick": 8, "smoke": 1, "quick/real": 3}}
            >>> Sheet("00", rows, {}).values("smoke", "real")
            {'EPOCHS': 1}
            >>> Sheet("00", rows, {}).values("quick", "real")
            {'EPOCHS': 3}
        """
        return {
            name: next(row[key] for key in (f"{profile}/{data}", profile, "quick") if key in row)
            for name, row in self.parameters.items()
        }


def read(path: Path) -> Sheet:
    """Read a sheet.

    Args:
        path: the TOML file, named after its chapter.

    Raises:
        InputError: it is not there, or holds a key, a value or a name that no sheet has; the
            message names the chapter, the claim or parameter, and what to do.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(
            f"expected the sheet of chapter {path.stem}, received no file {path.name} in "
            f"{path.parent}: write one, or name its folder in COURSE_LESSONS"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"expected to read the sheet {path}, received {error}") from None
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"expected TOML in {path.name}, received {error}: mend it") from None
    where = f"sheet {path.name}"
    _known(content, ("parameters", "claims"), where)
    parameters = _table(content.get("parameters", {}), f"{where}: parameters")
    for name, row in parameters.items():
        _check_parameter(name, row, where)
    claims = _table(content.get("claims", {}), f"{where}: claims")
    return Sheet(path.stem, parameters, {id: _claim(id, row, where) for id, row in claims.items()})


def _known(table: Mapping, keys: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in keys:
            raise InputError(f"{where}: expected only {', '.join(keys)}, received {key!r}")


def _table(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{where}: expected a table, received {value!r}")
    return value


def _check_parameter(name: str, row: Any, where: str) -> None:
    where = f"{where}: parameter {name}"
    if not re.fullmatch(r"[A-Z][A-Z0-9_]*", name) or name in ("PROFILE", "DATA", "SEED"):
        raise InputError(f"{where}: expected a name in capitals other than PROFILE, DATA, SEED")
    _known(_table(row, where), _KEYS, where)
    if "quick" not in row:
        raise InputError(f"{where}: expected its value in quick, received {', '.join(row)}")
    kinds = {type(value) for value in row.values()}
    if len(kinds) > 1 and kinds != {int, float}:
        raise InputError(f"{where}: expected values of one type, received {row!r}")


def _claim(id: str, row: Any, where: str) -> Claim:
    where = f"{where}: claim {id}"
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", id):
        raise InputError(f'{where}: expected a name in small letters joined by "-"')
    keys = (
        "sentence",
        "unit",
        *_WAYS,
        "real",
        "test_set",
        "resolution",
        "timing",
        "only",
        "mutant",
    )
    _known(_table(row, where), keys, where)
    sentence = row.get("sentence")
    if not isinstance(sentence, str) or not re.fullmatch(r"[A-Z0-9].*\w.*\.", sentence):
        raise InputError(f"{where}: expected a sentence with its full stop, received {sentence!r}")
    resolution, timing = row.get("resolution", 0.0), row.get("timing", False)
    unit, test_set, only = row.get("unit", ""), row.get("test_set", False), row.get("only", "")
    for name, value, good in (
        ("unit", unit, isinstance(unit, str)),
        ("test_set", test_set, isinstance(test_set, bool)),
        ("timing", timing, isinstance(timing, bool)),
        ("resolution", resolution, _is_number(resolution) and resolution >= 0),
        ("only", only, only in ("", *DATA)),
    ):
        if not good:
            raise InputError(f"{where}: expected another value of {name}, received {value!r}")
    usual = _threshold({key: row[key] for key in _WAYS if key in row}, where)
    real = row.get("real")
    if real is not None:
        _known(_table(real, f"{where}, real"), _WAYS, f"{where}, real")
        real = _threshold(real, f"{where}, real")
    return Claim(
        id=id,
        sentence=sentence,
        thresholds={"embedded": usual, "real": real or usual},
        unit=unit,
        test_set=test_set,
        resolution=float(resolution),
        timing=timing,
        only=only,
        mutant=_mutant(row.get("mutant"), where),
    )


def _threshold(given: Mapping[str, Any], where: str) -> Threshold:
    if len(given) != 1:
        received = ", ".join(given) or "none"
        raise InputError(f"{where}: expected one of {', '.join(_WAYS)}, received {received}")
    (way, value), *_ = given.items()
    ends = value if way == "within" else [value]
    good = isinstance(ends, list) and all(map(_is_number, ends))
    if not good or len(ends) != (2 if way == "within" else 1) or ends != sorted(ends):
        raise InputError(f"{where}: expected {way} as numbers, received {value!r}")
    if way == "within":
        return float(ends[0]), float(ends[1])
    return (float(value), None) if way == "above" else (None, float(value))


def _mutant(row: Any, where: str) -> Mutant:
    if row is None:
        raise InputError(
            f"{where}: expected a mutant, received none: a claim that nothing contradicts says "
            "nothing"
        )
    where = f"{where}, mutant"
    _known(_table(row, where), ("cell", "replace", "with", "parameter", "value"), where)
    if set(row) == {"parameter", "value"} and isinstance(row["parameter"], str):
        return Mutant(parameter=row["parameter"], value=row["value"])
    texts = [row.get(key) for key in ("cell", "replace", "with")]
    if set(row) != {"cell", "replace", "with"} or not all(isinstance(t, str) for t in texts):
        raise InputError(
            f"{where}: expected cell, replace and with, or parameter and value, "
            f"received {', '.join(row)}"
        )
    if not texts[0] or not texts[1] or texts[1] == texts[2]:
        raise InputError(f"{where}: expected a text to replace by another, received {texts[1]!r}")
    return Mutant(*texts)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
