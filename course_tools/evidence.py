"""What runs measured: summed up over seeds, kept with the course, compared, shown.

Is a claim's sentence true, and what is expected of a run? The rules themselves stand in
`course_utils.claims`; here they are applied to rows of `claims.json`.

Evidence keeps, for each chapter, profile and data, a digest of what its numbers follow from. A
digest that differs from today's says that the evidence is stale, so staleness is computed and
never a matter of memory. Each row carries the digest of the code that gave it, so that what was
measured before an edit is never kept as evidence of what stands there after it.
"""

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from course_tools.notebooks import chapters, documents, mutants
from course_tools.notebooks.chapters import Chapter
from course_tools.run import records, runs
from course_tools.run.fingerprint import digest
from course_tools.tables import aligned
from course_utils import card, claims, lessons
from course_utils.errors import InputError
from course_utils.formatting import written, written_range, written_threshold

__all__ = ["Row", "Summary", "changes", "collect", "command", "compare", "kept_rows", "merge",
           "renew", "spread_page", "stale", "summarize", "table"]  # fmt: skip

Row = dict[str, object]

# Seeds whose numbers have to be the same before and after a change that should change none.
SAME_SEEDS = (0, 1)


def command(
    folders: Sequence[Path],
    notebooks: Path,
    *,
    json_file: Path | None = None,
    markdown: Path | None = None,
    update: bool = False,
    comparing: bool = False,
    renewing: bool = False,
) -> int:
    """`course claims`: 0 when all is true and no run is red, or all numbers are the same; else 1.

    Without folders of runs, the kept evidence is summed up.
    """
    found = chapters.find(notebooks) if markdown or update or renewing or not folders else []
    kept = lessons.folder(notebooks) / lessons.EVIDENCE
    if comparing or renewing:
        if len(folders) != 2:
            raise InputError(f"expected two runs, OLD and NEW, received {len(folders)}")
        old, new = (collect([folder]) for folder in folders)
        said, same = compare(old, new)
        print(said)
        if renewing:
            print(renew(kept, old, new, found))
        return 0 if same else 1
    if update and not folders:
        # The kept seeds merged into themselves would pass for measured with today's code.
        raise InputError("expected the folders of runs with --update, received none")
    rows = collect(folders) if folders else kept_rows(found)
    summaries = summarize(rows)
    print(table(summaries))
    if json_file:
        text = json.dumps([asdict(one) for one in summaries], indent=1, ensure_ascii=False)
        documents.write_bytes(json_file, f"{text}\n".encode())
    if markdown:
        documents.write_bytes(markdown, spread_page(found, summaries).encode())
    if update:
        merge(kept, rows, found)
    return 0 if all(summary.ok for summary in summaries) else 1


# Summed up


@dataclass(frozen=True)
class Summary:
    """One claim in one profile with one kind of data, over seeds."""

    chapter: str
    id: str
    profile: str
    data: str
    unit: str
    seeds: int  # how many different seeds gave a finite number
    minimum: float | None  # over the seeds; None without any, as the next three
    median: float | None
    maximum: float | None
    mean: float | None
    sd: float | None = None  # of the sample; None below two seeds, as the next five
    standard_error: float | None = None  # of the mean
    threshold: tuple[float | None, float | None] | None = None  # None: it has none for this data
    share: float | None = None  # of the seeds on its side
    true: bool | None = None  # whether the seeds bear out the sentence
    low: float | None = None  # the ends of the expected range
    high: float | None = None
    red: int = 0  # runs outside the range by which they were judged, with enough seeds kept
    mutant: Mapping[int, float | None] = field(default_factory=dict)  # seed to what was observed
    contradicted: bool | None = None  # None where the mutant was not run enough

    @property
    def ok(self) -> bool:
        """Whether the sentence is true, as far as seeds can tell, and no run is red."""
        return self.true is not False and not self.red and self.contradicted is not False


def collect(folders: Iterable[Path]) -> list[Row]:
    """Read the claims of several runs.

    Each folder holds `claims.json`, or folders `seed-N` that do, or folders of such folders (as
    mutated runs have them).
    """
    rows: list[Row] = []
    for folder in folders:
        files: list[Path] = []
        for patterns in (("", "seed-*/"), ("*/", "*/seed-*/")):
            for pattern in patterns:
                files += sorted(Path(folder).glob(pattern + runs.CLAIMS))
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


def summarize(rows: Iterable[Row]) -> list[Summary]:
    """One summary for each chapter, claim, profile and data, in that order.

    Of two runs of one claim with one seed the later counts. A mutated run counts for the claims
    whose mutants it applied, and for nothing else.
    """
    normal, mutated = _by_claim(rows)
    return [
        _summary(key, normal.get(key, {}), mutated.get(key, {}))
        for key in sorted(normal.keys() | mutated.keys())
    ]


def table(summaries: Sequence[Summary]) -> str:
    """Summaries as a table of plain text."""
    header = ["claim", "profile/data", "n", "min", "median", "max", "mean", "± s.e."]
    header += ["threshold", "true on", "sentence", "expected", "mutant", "contradicted"]
    return aligned(header, [_cells(s) for s in summaries], right=range(2, 8))


def _by_claim(rows: Iterable[Row]) -> tuple[dict[tuple, dict[int, Row]], ...]:
    """The normal rows and the mutated ones, each by claim and case, then by seed."""
    normal: dict[tuple, dict[int, Row]] = {}
    mutated: dict[tuple, dict[int, Row]] = {}
    for row in rows:
        key = tuple(str(row[name]) for name in ("chapter", "id", "profile", "data"))
        if row["mutant"] in ("", row["id"]):
            into = mutated if row["mutant"] else normal
            into.setdefault(key, {})[int(row["seed"])] = row
    return normal, mutated


def _standard_error(rows: Iterable[Row]) -> float | None:
    """The mean of the standard errors that rows give; None when none does."""
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
        error, resolution = _standard_error(rows.values()), last["resolution"] or 0.0
        expected = claims.expected_range(values, error, resolution)
        facts |= {"sd": statistics.stdev(values), "low": expected[0], "high": expected[1]}
        facts["standard_error"] = facts["sd"] / len(values) ** 0.5
        if threshold := facts["threshold"]:
            judged = claims.verdict(values, threshold)
            facts |= {"share": judged.share, "true": judged.true}
            facts["contradicted"] = mutants.contradicted(seen, kept, threshold, expected)
    return Summary(*key, **facts)


def _cells(s: Summary) -> list[str]:
    true = {None: "-", True: "true", False: "NOT TRUE"}[s.true]
    contradicted = {None: "-", True: "yes", False: "NO"}[s.contradicted]
    share = "-" if s.share is None else f"{round(s.share * s.seeds)} of {s.seeds}"
    return [
        f"{s.chapter}:{s.id}",
        f"{s.profile}/{s.data}",
        str(s.seeds),
        *(_number(v) for v in (s.minimum, s.median, s.maximum, s.mean, s.standard_error)),
        written_threshold(s.threshold) if s.threshold else "-",
        share,
        true + (f", {s.red} OUTSIDE" if s.red else ""),
        "-" if s.low is None else f"{_number(s.low)}..{_number(s.high)}",
        ", ".join(_number(value) for value in s.mutant.values()) or "-",
        contradicted,
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else written(value)


# Kept with the course


def kept_rows(course: Iterable[Chapter]) -> list[Row]:
    """The kept evidence as rows like those of runs, with what the sheets say today."""
    found: list[Row] = []
    for chapter in course:
        known = lessons.read_evidence(chapter.lessons / lessons.EVIDENCE)
        known = known.get(chapter.number, {}).get("claims", {})
        for claim in chapter.claims:
            for case, facts in known.get(claim.id, {}).items():
                profile, data = case.split("/")
                measured = [("", *pair) for pair in facts["seeds"].items()]
                measured += [(claim.id, *pair) for pair in facts.get("mutant", {}).items()]
                found += [
                    {
                        "chapter": chapter.number,
                        "id": claim.id,
                        "profile": profile,
                        "data": data,
                        "seed": int(seed),
                        "mutant": mutant,
                        "observed": observed,
                        "standard_error": facts["standard_error"],
                        "threshold": claim.threshold(data),
                        "resolution": claim.resolution,
                        "timing": claim.timing,
                        "unit": claim.unit,
                        "seeds": len(facts["seeds"]),
                        "judged": False,
                        "held": None,
                        "true_here": None,
                    }
                    for mutant, seed, observed in measured
                ]
    return found


def stale(chapter: Chapter) -> list[str]:
    """The cases ("PROFILE/DATA") whose evidence is of other code than today's."""
    known = lessons.read_evidence(chapter.lessons / lessons.EVIDENCE).get(chapter.number, {})
    cases = {case for claim in known.get("claims", {}).values() for case in claim}
    digests = known.get("digest", {})
    return sorted(case for case in cases if digests.get(case) != digest(chapter, case))


def merge(file: Path, rows: Iterable[Row], course: Sequence[Chapter]) -> None:
    """Add measured values to the evidence; refuse those that are not of today's chapters.

    Smoke runs are no evidence and are left out. Where the kept seeds are of other code, they go,
    and the new ones begin a new series.
    """
    known = lessons.read_evidence(file)
    by_number = {chapter.number: chapter for chapter in course}
    normal, mutated = _by_claim(row for row in rows if row["profile"] != "smoke")
    digests: dict[tuple[str, str], str] = {}
    for key in sorted(normal.keys() | mutated.keys()):
        number, id, profile, data = key
        chapter, case = by_number.get(number), f"{profile}/{data}"
        if chapter is None or id not in chapter.sheet.claims:
            raise InputError(
                f"expected a claim of the course, received {number}:{id}: run the chapter again"
            )
        now = digests.setdefault((number, case), digest(chapter, case))
        seeds, broken = normal.get(key, {}), mutated.get(key, {})
        for row in (*seeds.values(), *broken.values()):
            _check_of_today(row, now)
        entry = known.setdefault(number, {"digest": {}, "claims": {}})
        if entry["digest"].get(case) != now:
            if not any(k[0] == number and k[2:] == (profile, data) for k in normal):
                raise InputError(
                    f"expected evidence of today's chapter {number} for {case} before its mutants, "
                    "received an older: renew it with `course claims OLD NEW --renew`, or measure "
                    "its seeds anew"
                )
            for claim in entry["claims"].values():
                claim.pop(case, None)
            # A claim that has nothing left may be gone from its chapter.
            entry["claims"] = {id: claim for id, claim in entry["claims"].items() if claim}
            entry["digest"][case] = now
        facts = (
            entry["claims"]
            .setdefault(id, {})
            .setdefault(case, {"seeds": {}, "standard_error": None, "mutant": {}})
        )
        facts["seeds"] |= {str(seed): row["observed"] for seed, row in seeds.items()}
        facts["seeds"] = dict(sorted(facts["seeds"].items(), key=lambda item: int(item[0])))
        if seeds:
            facts["standard_error"] = _standard_error(seeds.values())
        if broken:
            facts["mutant"] = {str(seed): row["observed"] for seed, row in sorted(broken.items())}
            # Another mutant in the sheet was never run: a test compares the two.
            facts["changed"] = str(chapter.sheet.claims[id].mutant)
    _write(file, known)


def _check_of_today(row: Row, now: str) -> None:
    """Refuse a row that other code or other parameters than the chapter's of today gave."""
    where = f"{row['chapter']}:{row['id']}, seed {row['seed']}"
    if row.get("digest") != now:
        raise InputError(
            f"{where}: expected a run of today's chapter and sheet, received one of other code "
            f"({row.get('digest') or 'unknown'}, today {now}): run the chapter again"
        )
    if row.get("overridden"):
        given = ", ".join(f"{name} = {value!r}" for name, value in row["overridden"].items())
        raise InputError(
            f"{where}: expected a run with the sheet's parameters, received {given}: run the "
            "chapter again without -p"
        )


def _write(file: Path, course: Mapping) -> None:
    content = {"format": lessons.FORMAT, "chapters": dict(sorted(course.items()))}
    documents.write_bytes(file, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())


# Compared


def compare(old: Iterable[Row], new: Iterable[Row]) -> tuple[str, bool]:
    """Compare two runs of the same seeds, before and after a change that should change no number.

    Returns a table of what differs, and whether all claims of both runs gave the same numbers;
    measured times, which differ in every run, are left out.
    """
    new = list(new)
    before, after = (_by_seed(rows) for rows in (old, new))
    both = sorted(before.keys() & after.keys())
    if not both:
        return "no claim of both runs has a seed in common", False
    timed = {(row["chapter"], row["id"]) for row in new if row.get("timing")}
    both = [key for key in both if key[:2] not in timed]
    differing = [key for key in both if before[key] != after[key]]
    rows = [
        (f"{key[0]}:{key[1]}", f"{key[2]}/{key[3]}", str(key[4]), str(before[key]), str(after[key]))
        for key in differing
    ]
    said = f"{len(both) - len(differing)} of {len(both)} numbers are the same"
    header = ("claim", "profile/data", "seed", "before", "after")
    return (aligned(header, rows) + "\n\n" + said if rows else said), not differing


def renew(file: Path, old: Iterable[Row], new: Iterable[Row], course: Sequence[Chapter]) -> str:
    """Give evidence today's digest where seeds 0 and 1 gave the same numbers before and after.

    `old` and `new` are of one machine. Returns what was renewed, and what was not and why, a line
    for each chapter and case.
    """
    known = lessons.read_evidence(file)
    new = list(new)
    before, after = (_by_seed(rows) for rows in (old, new))
    lines = []
    for chapter in course:
        for case in stale(chapter):
            now = digest(chapter, case)
            wanted = {
                (chapter.number, id, *case.split("/"), seed)
                for id, cases in known[chapter.number]["claims"].items()
                if case in cases
                for seed in SAME_SEEDS
            }
            of_today = _by_seed(row for row in new if row.get("digest") == now)
            missing = [key for key in wanted if key not in before or key not in after]
            older = [key for key in wanted if key not in missing and key not in of_today]
            timed = {id for id, claim in chapter.sheet.claims.items() if claim.timing}
            numbers = [key for key in wanted - set(missing) if key[1] not in timed]
            differing = [key for key in numbers if before[key] != after[key]]
            what = f"{chapter.number} {case}: "
            if missing:
                lines.append(what + f"not renewed, {len(missing)} numbers of seeds 0 and 1 missing")
            elif older:
                lines.append(what + f"not renewed, {len(older)} numbers are not of today's code")
            elif differing:
                lines.append(what + f"not renewed, {len(differing)} numbers differ: measure anew")
            else:
                known[chapter.number]["digest"][case] = now
                lines.append(what + f"renewed, {len(numbers)} numbers are the same")
    _write(file, known)
    return "\n".join(lines) or "nothing is stale"


def _by_seed(rows: Iterable[Row]) -> dict[tuple, object]:
    names = ("chapter", "id", "profile", "data")
    return {
        (*(str(row[name]) for name in names), int(row["seed"])): row["observed"]
        for row in rows
        # The mutants of one run may not be those of the other.
        if not row.get("mutant")
    }


# Shown, as Markdown


def changes(rows: Iterable[Mapping[str, object]], kept: Mapping) -> str:
    """Name the claims outside their expected range, or outside of what the kept seeds gave."""
    lines = []
    unknown = 0
    for row in rows:
        case = f"{row['profile']}/{row['data']}"
        claim = kept.get(row["chapter"], {}).get("claims", {}).get(row["id"], {})
        seeds = claim.get(case, {}).get("seeds", {}).values()
        seeds = [value for value in seeds if value is not None]
        observed = row["observed"]
        if row["judged"] and not row["held"]:
            what = "**outside the expected range**"
        elif not seeds:
            unknown += 1
            continue
        elif observed is None or not min(seeds) <= observed <= max(seeds):
            what = "outside of the seeds"
        else:
            continue
        before = f"{written_range(min(seeds), max(seeds))} ({len(seeds)})" if seeds else "–"
        expected = written_range(row["low"], row["high"]) if row["judged"] else "–"
        name = f"{row['chapter']} {row['id']}"
        lines.append([name, case, written(observed), before, expected, what])
    header = ["claim", "case", "now", "seeds before", "expected", "what"]
    parts = [_markdown(header, ["---"] * len(header), lines)] if lines else []
    if unknown:
        parts.append(f"Not measured before with this profile and data: {unknown} claims.")
    return "\n\n".join(parts) or "No claim changed."


_SPREAD = """\
# The spread of each claim

Written by `course claims --markdown docs/spread.md` from `course_utils/lessons/evidence.json`; a
test holds this page to that file. Each row is a claim in `quick`, executed with {seeds}.

- *min, median, max*: over the seeds.
- *threshold*: what the sentence promises, and on how many seeds a run lay on its side. The sentence
  counts as true if the mean of the seeds lies beyond it by three standard errors, and 60 % of the
  seeds on its side.
- *expected*: the prediction interval of one more run, mean ± t(0.9995, n−1)·s·√(1+1/n), never
  narrower than three standard errors of the test set. A run outside of it is red from ten kept
  seeds on, and unexpected below.
- *mutant*: what was observed with the chapter's data, model or training changed so that the claim
  must be contradicted; the mean of its runs, where several were made. "–": not run with these data.
"""


def spread_page(course: Sequence[Chapter], summaries: Iterable[Summary]) -> str:
    """What each claim measured over its seeds in quick, as a page that is kept with the course."""
    judged = [one for one in summaries if one.true is not None and one.profile == "quick"]
    counts = sorted({one.seeds for one in judged})
    ends = " to ".join(str(count) for count in dict.fromkeys(counts[:1] + counts[-1:]))
    parts = [_SPREAD.format(seeds=f"{ends or 'no'} seeds")]
    header = ["claim", "seeds", "min", "median", "max", "threshold", "expected", "mutant"]
    ruler = ["---", *["--:"] * 4, "---", "---", "--:"]
    for chapter in course:
        found = {(one.id, one.data): one for one in judged if one.chapter == chapter.number}
        for data, title in (("embedded", ""), ("real", ", real data")):
            rows = [_spread(found[c.id, data]) for c in chapter.claims if (c.id, data) in found]
            if rows:
                heading = f"## {chapter.number} · {chapter.title}{title}"
                parts.append(f"{heading}\n\n{_markdown(header, ruler, rows)}\n")
    return "\n".join(parts)


def _markdown(header: list[str], ruler: list[str], rows: Iterable[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, ruler, *rows))


def _spread(one: Summary) -> list[str]:
    values = [value for value in one.mutant.values() if value is not None]
    mutant = written(sum(values) / len(values), one.unit) if values else "–"
    true = f"{round(one.share * one.seeds)} of {one.seeds}"
    spread = [written(value, one.unit) for value in (one.minimum, one.median, one.maximum)]
    return [
        f"`{one.id}`",
        str(one.seeds),
        *spread,
        f"{written_threshold(one.threshold, one.unit)}: {true}",
        written_range(one.low, one.high, one.unit),
        mutant,
    ]
