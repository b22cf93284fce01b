"""What several runs say together: is a claim's sentence true, and what is expected of a run?

The rules themselves stand in `course_utils.claims`; here they are applied to rows of `claims.json`.
"""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from course_tools.notebooks import mutants
from course_tools.run import records, results
from course_tools.tables import aligned
from course_utils import card, claims
from course_utils.errors import InputError

__all__ = ["Row", "Summary", "by_claim", "collect", "standard_error", "summarise", "table"]

Row = dict[str, object]


@dataclass(frozen=True)
class Summary:
    """One claim in one profile with one kind of data, over seeds.

    Attributes:
        chapter: its number.
        id: of the claim.
        profile: "smoke", "quick" or "full".
        data: "embedded" or "real".
        unit: of its number.
        seeds: how many different seeds gave a finite number.
        minimum: over the seeds; None without any, as the next three.
        median: likewise.
        maximum: likewise.
        mean: likewise.
        sd: sample standard deviation; None below two seeds, as the next five.
        standard_error: of the mean.
        threshold: what the sentence promises; None where it does not speak of this data.
        share: of the seeds on its side.
        true: whether the seeds bear out the sentence.
        low: lower end of the expected range.
        high: its upper end.
        red: runs outside the range by which they were judged, with enough seeds kept.
        mutant: seed to what the mutated chapter observed.
        contradicted: whether the mutant contradicts the claim; None where it was not run enough.
    """

    chapter: str
    id: str
    profile: str
    data: str
    unit: str
    seeds: int
    minimum: float | None
    median: float | None
    maximum: float | None
    mean: float | None
    sd: float | None = None
    standard_error: float | None = None
    threshold: tuple[float | None, float | None] | None = None
    share: float | None = None
    true: bool | None = None
    low: float | None = None
    high: float | None = None
    red: int = 0
    mutant: Mapping[int, float | None] = field(default_factory=dict)
    contradicted: bool | None = None

    @property
    def ok(self) -> bool:
        """Whether the sentence is true, as far as seeds can tell, and no run is red."""
        return self.true is not False and not self.red and self.contradicted is not False


def collect(folders: Iterable[Path]) -> list[Row]:
    """Read the claims of several runs.

    Args:
        folders: each holds `claims.json`, or folders `seed-N` that do, or folders of such folders
            (as mutated runs have them).

    Returns:
        All rows.

    Raises:
        InputError: a folder holds none, or a file is not what a run writes.

    Example:
        >>> collect([Path("no such folder")])
        Traceback (most recent call last):
        ...
        course_utils.errors.InputError: expected the folder of a run, with claims.json or \
seed-*/claims.json, received no such folder: run `course run` first
    """
    rows: list[Row] = []
    for folder in folders:
        files: list[Path] = []
        for patterns in (("", "seed-*/"), ("*/", "*/seed-*/")):
            for pattern in patterns:
                files += sorted(Path(folder).glob(pattern + results.CLAIMS))
            if files:
                break
        if not files:
            raise InputError(
                "expected the folder of a run, with claims.json or seed-*/claims.json, "
                f"received {folder}: run `course run` first"
            )
        for file in files:
            rows += records.read_rows(file)
    return rows


def summarise(rows: Iterable[Row]) -> list[Summary]:
    """Sum up claims over seeds.

    Args:
        rows: from `collect`. Of two runs of one claim with one seed the later counts. A mutated
            run counts for the claims whose mutants it applied, and for nothing else.

    Returns:
        One summary for each chapter, claim, profile and data, in that order.
    """
    normal, mutated = by_claim(rows)
    return [
        _summary(key, normal.get(key, {}), mutated.get(key, {}))
        for key in sorted(normal.keys() | mutated.keys())
    ]


def table(summaries: Sequence[Summary]) -> str:
    """Write summaries as a table of plain text.

    Args:
        summaries: from `summarise`.

    Returns:
        The table.
    """
    header = ["claim", "profile/data", "n", "min", "median", "max", "mean", "± s.e."]
    header += ["threshold", "true on", "sentence", "expected", "mutant", "contradicted"]
    return aligned(header, [_cells(s) for s in summaries], right=range(2, 8))


def by_claim(
    rows: Iterable[Row],
) -> tuple[dict[tuple, dict[int, Row]], dict[tuple, dict[int, Row]]]:
    """Sort rows by (chapter, id, profile, data).

    Args:
        rows: from `collect`.

    Returns:
        The normal rows by seed, and the mutated rows by seed.

    Example:
        >>> by_claim([])
        ({}, {})
    """
    normal: dict[tuple, dict[int, Row]] = {}
    mutated: dict[tuple, dict[int, Row]] = {}
    for row in rows:
        key = tuple(str(row[name]) for name in ("chapter", "id", "profile", "data"))
        if row["mutant"] in ("", row["id"]):
            into = mutated if row["mutant"] else normal
            into.setdefault(key, {})[int(row["seed"])] = row
    return normal, mutated


def standard_error(rows: Iterable[Row]) -> float | None:
    """Return the mean of the standard errors that rows give; None when none does.

    Args:
        rows: of one claim.

    Returns:
        The mean.

    Example:
        >>> standard_error([{"standard_error": 0.02}, {"standard_error": None}])
        0.02
    """
    known = [row["standard_error"] for row in rows if row["standard_error"] is not None]
    return statistics.fmean(known) if known else None


def _summary(key: tuple, rows: Mapping[int, Row], mutated: Mapping[int, Row]) -> Summary:
    last = [*mutated.values(), *rows.values()][-1]
    kept = {seed: row["observed"] for seed, row in rows.items() if row["observed"] is not None}
    values = list(kept.values())
    seen = {seed: row["observed"] for seed, row in sorted(mutated.items())}
    facts = {
        "unit": last.get("unit", ""),
        "seeds": len(values),
        "minimum": min(values, default=None),
        "median": statistics.median(values) if values else None,
        "maximum": max(values, default=None),
        "mean": statistics.fmean(values) if values else None,
        "red": sum(card.status(row) == "red" for row in rows.values()),
        "mutant": seen,
        "threshold": tuple(last["threshold"]) if last["threshold"] else None,
    }
    if len(values) > 1:
        low, high = claims.expected_range(
            values, standard_error(rows.values()), last["resolution"] or 0.0
        )
        facts |= {"sd": statistics.stdev(values), "low": low, "high": high}
        facts["standard_error"] = facts["sd"] / len(values) ** 0.5
        if facts["threshold"]:
            judged = claims.verdict(values, facts["threshold"])
            facts |= {"share": judged.share, "true": judged.true}
            facts["contradicted"] = mutants.contradicted(
                seen, kept, facts["threshold"], (low, high)
            )
    return Summary(*key, **facts)


def _cells(s: Summary) -> list[str]:
    true = {None: "-", True: "true", False: "NOT TRUE"}[s.true]
    contradicted = {None: "-", True: "yes", False: "NO"}[s.contradicted]
    share = "-" if s.share is None else f"{round(s.share * s.seeds)} of {s.seeds}"
    return [
        f"{s.chapter}:{s.id}",
        f"{s.profile}/{s.data}",
        str(s.seeds),
        *(number(v) for v in (s.minimum, s.median, s.maximum, s.mean, s.standard_error)),
        card.written_threshold(s.threshold) if s.threshold else "-",
        share,
        true + (f", {s.red} OUTSIDE" if s.red else ""),
        "-" if s.low is None else f"{number(s.low)}..{number(s.high)}",
        ", ".join(number(value) for value in s.mutant.values()) or "-",
        contradicted,
    ]


def number(value: float | None) -> str:
    """A number of a table; "-" for none.

    Example:
        >>> number(0.123456), number(None)
        ('0.1235', '-')
    """
    return "-" if value is None else f"{value:.4g}"
