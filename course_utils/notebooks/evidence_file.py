"""Evidence for bands, kept in a file that is committed, and summaries for other programs."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from course_utils.errors import InputError
from course_utils.notebooks import documents
from course_utils.notebooks.evidence import Row, Summary, by_claim, standard_error

__all__ = ["as_json", "merge"]


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
    known: dict = {}
    if file.exists():
        try:
            known = json.loads(documents.path_bytes(file))
        except ValueError:
            known = []
        if not isinstance(known, dict):
            raise InputError(f"expected {file} to be a file of evidence, received something else")
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
