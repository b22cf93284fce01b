"""One sheet a chapter: the sizes of its runs, and what it claims; beside them, the evidence.

A notebook says `claims.check("augmentation-helps", gain)` and no more. The sentence, what it
promises as a number, and the mutant that must contradict it stand in `lessons/NN.toml`; what the
kept seeds measured stands in `lessons/evidence.json`, written by `course claims --update`.
Chapters of your own keep theirs in `lessons` beside them, or where `COURSE_LESSONS` says.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course_utils.errors import InputError
from course_utils.lessons.sheets import DATA, PROFILES, Claim, Mutant, Sheet, Threshold, read

__all__ = ["DATA", "ENOUGH", "EVIDENCE", "PROFILES", "Claim", "Kept", "Mutant", "Sheet",
           "Threshold", "evidence", "folder", "kept", "kept_of", "read", "read_evidence",
           "sheet"]  # fmt: skip

EVIDENCE = "evidence.json"
# Grows when evidence is kept in another form.
FORMAT = 2
# With fewer kept seeds a run outside the expected range is unexpected, and fails nothing.
ENOUGH = 10


@dataclass(frozen=True)
class Kept:
    """What the kept seeds measured of one claim with one profile and data.

    Attributes:
        seeds: seed to the number observed.
        standard_error: of one such number, from the size of its test set; None without one.
        mutant: seed to what the mutated chapter observed; empty if it was never run.
    """

    seeds: Mapping[int, float]
    standard_error: float | None = None
    mutant: Mapping[int, float | None] = field(default_factory=dict)


def folder(notebooks: Path | None = None) -> Path:
    """The folder of the sheets: COURSE_LESSONS, else `lessons` beside chapters, else the package's.

    Args:
        notebooks: the folder of the chapters, for whoever knows it.
    """
    if named := os.environ.get("COURSE_LESSONS"):
        return Path(named).expanduser().absolute()
    # A kernel works in another folder, where a relative path would mean something else.
    beside = (notebooks or Path()).absolute() / "lessons"
    return beside if notebooks and beside.is_dir() else Path(__file__).parent


def sheet(chapter: str) -> Sheet:
    """Read the sheet of a chapter from `folder()`.

    Args:
        chapter: its number, "05".

    Raises:
        InputError: there is none, or it is not well-formed.

    Example:
        >>> sheet("00").claims["convnet-beats-guessing"].unit
        '%'
    """
    return read(folder() / f"{chapter}.toml")


def evidence() -> dict[str, Any]:
    """Read what the kept seeds measured, from `folder()`."""
    return read_evidence(folder() / EVIDENCE)


def read_evidence(file: Path) -> dict[str, Any]:
    """Read a file of evidence.

    Args:
        file: as `course claims --update` writes it.

    Returns:
        Chapter to `digest` ("PROFILE/DATA" to text) and `claims` (id, then "PROFILE/DATA", then
        `seeds`, `standard_error`, `mutant`, `changed`); {} if the file is not there.

    Raises:
        InputError: the file is something else, or an older version wrote it.

    Example:
        >>> read_evidence(Path("no such file"))
        {}
    """
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        found = None
    found = found if isinstance(found, dict) else {}
    if found.get("format") != FORMAT or not isinstance(found.get("chapters"), dict):
        version = found.get("format", "none")
        raise InputError(
            f"expected {file} to hold evidence of format {FORMAT}, received format {version}: "
            "restore the file, or measure the chapters anew with `course claims … --update`"
        )
    return found["chapters"]


def kept(chapter: str, claim: str, case: str) -> Kept | None:
    """What the kept seeds measured of a claim; None if nothing is kept.

    Args:
        chapter: its number.
        claim: its id.
        case: "PROFILE/DATA".
    """
    facts = evidence().get(chapter, {}).get("claims", {}).get(claim, {}).get(case)
    return None if facts is None else kept_of(facts)


def kept_of(facts: Mapping[str, Any]) -> Kept:
    """Turn an entry of the evidence into `Kept`; seeds without a finite number are left out."""
    return Kept(
        {int(seed): value for seed, value in facts["seeds"].items() if value is not None},
        facts["standard_error"],
        {int(seed): value for seed, value in facts.get("mutant", {}).items()},
    )
