"""What several runs say together about a claim: its spread over seeds, and the band they justify.

A band is honest if it reaches at least four standard deviations over the seeds, or three standard
errors of the test set, whichever is wider, to each side of their mean, and leaves out the value of
the sabotaged run.
"""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from course_utils.errors import InputError
from course_utils.notebooks import records, results
from course_utils.notebooks.claim_verdict import inside
from course_utils.notebooks.tables import aligned

__all__ = [
    "ENOUGH",
    "Row",
    "Summary",
    "by_claim",
    "collect",
    "standard_error",
    "summarise",
    "table",
]

# Fewer seeds justify no band.
ENOUGH = 5

Row = dict[str, object]


@dataclass(frozen=True)
class Summary:
    """One claim in one profile with one kind of data, over seeds.

    Attributes:
        chapter: two digits.
        id: of the claim.
        profile: "smoke", "quick" or "full".
        data: "embedded" or "real".
        seeds: how many different seeds gave a finite number.
        minimum: over the seeds; None without any, as the next four.
        median: likewise.
        maximum: likewise.
        mean: likewise.
        sd: sample standard deviation; None below two seeds.
        low: the declared band's lower end; None when open or not judged.
        high: its upper end.
        judged: runs in which the claim was judged.
        held: of these, the runs in which it held.
        justified: the band that the seeds justify; None below five.
        justified_inside: whether the declared band contains it; None without either.
        mean_held: whether the mean lies in the band declared for it; None without one or below
            five seeds.
        sabotaged: what the claim's sabotaged run observed; None without one.
        sabotage_missed: whether that run missed the claim; None without one.
    """

    chapter: str
    id: str
    profile: str
    data: str
    seeds: int
    minimum: float | None
    median: float | None
    maximum: float | None
    mean: float | None
    sd: float | None
    low: float | None
    high: float | None
    judged: int
    held: int
    justified: tuple[float, float] | None
    justified_inside: bool | None
    mean_held: bool | None
    sabotaged: float | None
    sabotage_missed: bool | None

    @property
    def ok(self) -> bool:
        """Whether no judged run and no judged mean missed."""
        return self.held == self.judged and self.mean_held is not False

    @property
    def room(self) -> float | None:
        """Standard deviations from the mean to the nearer end of the band; None without spread."""
        if not self.sd:
            return None
        distances = [] if self.low is None else [self.mean - self.low]
        distances += [] if self.high is None else [self.high - self.mean]
        return min(distances) / self.sd if distances else None


def collect(folders: Iterable[Path]) -> list[Row]:
    """Read the claims of several runs.

    Args:
        folders: each holds `claims.json`, or folders `seed-N` that do, or folders of such folders
            (as sabotaged runs have them).

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
        rows: from `collect`. Of two runs of one claim with one seed the later counts. A sabotaged
            run counts for the claim that it broke, and for nothing else.

    Returns:
        One summary for each chapter, claim, profile and data, in that order.
    """
    normal, broken = by_claim(rows)
    return [
        _summary(key, list(normal.get(key, {}).values()), broken.get(key))
        for key in sorted(normal.keys() | broken.keys())
    ]


def table(summaries: Sequence[Summary]) -> str:
    """Write summaries as a table of plain text.

    Args:
        summaries: from `summarise`.

    Returns:
        The table.
    """
    header = ["claim", "profile/data", "n", "min", "median", "max", "mean", "sd"]
    header += ["band", "held", "justified", "contained", "mean band", "sabotaged"]
    return aligned(header, [_cells(s) for s in summaries], right=range(2, 8))


def by_claim(rows: Iterable[Row]) -> tuple[dict[tuple, dict[int, Row]], dict[tuple, Row]]:
    """Sort rows by (chapter, id, profile, data).

    Args:
        rows: from `collect`.

    Returns:
        The normal rows by seed, and the sabotaged row where there is one.

    Example:
        >>> by_claim([])
        ({}, {})
    """
    normal: dict[tuple, dict[int, Row]] = {}
    broken: dict[tuple, Row] = {}
    for row in rows:
        key = tuple(str(row[name]) for name in ("chapter", "id", "profile", "data"))
        if not row["sabotaged"]:
            normal.setdefault(key, {})[int(row["seed"])] = row
        elif row["sabotaged"] == row["id"]:
            broken[key] = row
    return normal, broken


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


def _summary(key: tuple, rows: list[Row], broken: Row | None) -> Summary:
    values = [row["observed"] for row in rows if row["observed"] is not None]
    mean = statistics.fmean(values) if values else None
    sd = statistics.stdev(values) if len(values) > 1 else None
    judged = [row for row in rows if row["judged"]]
    # Runs of one state of the course agree in this; among others the last counts.
    last = (judged or rows or [broken])[-1]
    low, high = last["low"], last["high"]
    justified = contained = mean_held = None
    if len(values) >= ENOUGH:
        width = max(4 * sd, 3 * (standard_error(rows) or 0.0))
        justified = (mean - width, mean + width)
        if judged:
            contained = inside(justified[0], low, high) and inside(justified[1], low, high)
        if last["mean_low"] is not None or last["mean_high"] is not None:
            mean_held = inside(mean, last["mean_low"], last["mean_high"])
    return Summary(
        *key,
        seeds=len(values),
        minimum=min(values, default=None),
        median=statistics.median(values) if values else None,
        maximum=max(values, default=None),
        mean=mean,
        sd=sd,
        low=low,
        high=high,
        judged=len(judged),
        held=sum(row["held"] is True for row in judged),
        justified=justified,
        justified_inside=contained,
        mean_held=mean_held,
        sabotaged=broken["observed"] if broken else None,
        sabotage_missed=bool(broken["judged"] and not broken["held"]) if broken else None,
    )


def _cells(s: Summary) -> list[str]:
    words = {None: "-", True: "yes", False: "NO"}
    observed = "-"
    if s.sabotage_missed is not None:
        observed = f"{_number(s.sabotaged)} {'missed' if s.sabotage_missed else 'STILL HELD'}"
    return [
        f"{s.chapter}:{s.id}",
        f"{s.profile}/{s.data}",
        str(s.seeds),
        *(_number(v) for v in (s.minimum, s.median, s.maximum, s.mean, s.sd)),
        _band((s.low, s.high)) if s.judged else "not judged",
        f"{s.held}/{s.judged}" + ("" if s.held == s.judged else " MISSED"),
        _band(s.justified) if s.justified else "-",
        words[s.justified_inside],
        {None: "-", True: "held", False: "MISSED"}[s.mean_held],
        observed,
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _band(ends: tuple[float | None, float | None]) -> str:
    low, high = ends
    return f"{'' if low is None else _number(low)}..{'' if high is None else _number(high)}"
