"""Evidence for bands, kept in a file that is committed, and summaries for other programs."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from course_utils.errors import InputError
from course_utils.notebooks import documents
from course_utils.notebooks.chapters import Chapter, ClaimText
from course_utils.notebooks.claim_verdict import inside
from course_utils.notebooks.evidence import Row, Summary, by_claim, standard_error

__all__ = ["as_json", "merge", "read", "rows"]

NAME = "claims_measured.json"


def as_json(summaries: Sequence[Summary]) -> str:
    """Write summaries as JSON.

    Args:
        summaries: from `summarise`.

    Returns:
        A list of objects, as text.

    Example:
        >>> as_json([])
        '[]\\n'
    """
    return json.dumps([asdict(s) for s in summaries], indent=1, ensure_ascii=False) + "\n"


def read(file: Path) -> dict:
    """Read a file of evidence.

    Args:
        file: written by `merge`.

    Returns:
        What stands in it, as `merge` says; {} if it is not there.

    Raises:
        InputError: the file is something else.

    Example:
        >>> read(Path("no such file"))
        {}
    """
    if not file.is_file():
        return {}
    try:
        found = json.loads(documents.path_bytes(file))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InputError(
            f"expected {file} to be a file of evidence as `course claims --update` writes it, "
            "received something else: restore the file"
        )
    return found


def rows(chapters: Iterable[Chapter], known: Mapping) -> list[Row]:
    """Turn evidence back into rows, judged by the bands that the chapters declare today.

    Args:
        chapters: claims that they do not have are left out.
        known: from `read`.

    Returns:
        A row for each seed and each sabotaged run, as `evidence.collect` gives them.

    Example:
        >>> rows([], {})
        []
    """
    return [
        row
        for chapter in chapters
        for claim in chapter.claims
        for case, facts in known.get(chapter.number, {}).get(claim.id, {}).items()
        for row in _rows(chapter.number, claim, case, facts)
    ]


def _rows(number: str, claim: ClaimText, case: str, facts: Mapping) -> Iterator[Row]:
    profile, data = case.split("/")
    band = claim.bands.get(case, claim.bands.get("any"))
    low, high = band or (None, None)
    mean_low, mean_high = claim.mean_bands.get(case, (None, None))
    values = [(int(seed), "", value) for seed, value in facts["seeds"].items()]
    if facts["sabotaged"] is not None:
        values.append((0, claim.id, facts["sabotaged"]))
    for seed, sabotaged, observed in values:
        yield {
            "chapter": number,
            "id": claim.id,
            "profile": profile,
            "data": data,
            "seed": seed,
            "sabotaged": sabotaged,
            "observed": observed,
            "standard_error": facts["standard_error"],
            "low": low,
            "high": high,
            "mean_low": mean_low,
            "mean_high": mean_high,
            "judged": band is not None,
            "held": inside(observed, low, high) if band else None,
        }


def merge(file: Path, rows: Iterable[Row]) -> None:
    """Add measured values to a file of evidence, from which bands can be defended.

    Smoke runs are no evidence and are left out.

    Args:
        file: JSON: chapter, then claim, then "PROFILE/DATA", then `seeds` (seed to observed),
            `standard_error` and `sabotaged`. It is made if it is not there.
        rows: from `collect`.

    Raises:
        InputError: the file is there and is something else.
        WorldError: the disk does not take it.
    """
    known = read(file)
    normal, broken = by_claim(row for row in rows if row["profile"] != "smoke")
    for key in sorted(normal.keys() | broken.keys()):
        chapter, claim, profile, data = key
        entry = known.setdefault(chapter, {}).setdefault(claim, {})
        entry = entry.setdefault(
            f"{profile}/{data}", {"seeds": {}, "standard_error": None, "sabotaged": None}
        )
        seeds = normal.get(key, {})
        entry["seeds"].update({str(seed): row["observed"] for seed, row in seeds.items()})
        entry["seeds"] = dict(sorted(entry["seeds"].items(), key=lambda item: int(item[0])))
        if seeds:
            entry["standard_error"] = standard_error(seeds.values())
        if key in broken:
            entry["sabotaged"] = broken[key]["observed"]
    text = json.dumps(known, indent=1, sort_keys=False, ensure_ascii=False) + "\n"
    documents.write_bytes(file, text.encode())
