"""The evidence that is kept with the course: written, renewed, and held against the code it is of.

Evidence keeps, for each chapter, profile and data, a digest of what its numbers follow from. A
digest that differs from today's says that the evidence is stale, so staleness is computed and
never a matter of memory.
"""

import ast
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from course_tools.evidence.summary import Row, Summary, by_claim, standard_error
from course_tools.notebooks import documents, syntax
from course_tools.notebooks.chapters import Chapter
from course_tools.tables import aligned
from course_utils import datasets, lessons
from course_utils.datasets import registry
from course_utils.errors import InputError

__all__ = ["as_json", "compare", "digest", "merge", "renew", "rows", "stale"]

# Seeds whose numbers have to be the same before and after a change that should change none.
SAME_SEEDS = (0, 1)


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


def rows(chapters: Iterable[Chapter]) -> list[Row]:
    """Turn the kept evidence into rows, with what the sheets say today.

    Args:
        chapters: claims that they do not have are left out.

    Returns:
        A row for each seed and each mutated run, as `evidence.collect` gives them.

    Example:
        >>> rows([])
        []
    """
    found: list[Row] = []
    for chapter in chapters:
        known = lessons.read_evidence(chapter.lessons / lessons.EVIDENCE)
        known = known.get(chapter.number, {}).get("claims", {})
        for claim in chapter.claims:
            for case, facts in known.get(claim.id, {}).items():
                profile, data = case.split("/")
                runs = [("", *pair) for pair in facts["seeds"].items()]
                runs += [(claim.id, *pair) for pair in facts.get("mutant", {}).items()]
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
                    for mutant, seed, observed in runs
                ]
    return found


def digest(chapter: Chapter, case: str) -> str:
    """What the numbers of a chapter follow from, in one text of 16 hexadecimal digits.

    Prose, captions, comments and exercises count for nothing; neither does the package, whose
    changes are tried by `compare`.

    Args:
        chapter: the chapter.
        case: "PROFILE/DATA".
    """
    profile, data = case.split("/")
    notebook = documents.read(chapter.path)
    code = []
    texts: set[str] = set()
    for _, cell, tree in syntax.code_cells(notebook, chapter.path.name):
        tags = documents.tags(cell)
        if tags & {"exercise", "parameters", "hosted"}:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "plots.show":
                node.args, node.keywords = node.args[:1], []
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(node.value)
        code.append(ast.unparse(tree))
    values = chapter.parameters | chapter.sheet.values(profile, data)
    for name in ("PROFILE", "DATA", "SEED"):
        values.pop(name, None)
    facts: dict[str, object] = {"code": code, "values": values}
    if data == "real":
        texts |= {value for value in values.values() if isinstance(value, str)}
        sets = sorted(texts & set(datasets.names()) & set(registry.registry()))
        facts["sets"] = {name: registry.entry(name) for name in sets}
    text = json.dumps(facts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def stale(chapter: Chapter) -> list[str]:
    """The cases ("PROFILE/DATA") whose evidence is of other code than today's."""
    known = lessons.read_evidence(chapter.lessons / lessons.EVIDENCE).get(chapter.number, {})
    cases = {case for claim in known.get("claims", {}).values() for case in claim}
    digests = known.get("digest", {})
    return sorted(case for case in cases if digests.get(case) != digest(chapter, case))


def merge(file: Path, rows: Iterable[Row], chapters: Sequence[Chapter]) -> None:
    """Add measured values to the evidence.

    Smoke runs are no evidence and are left out. Where the kept seeds are of other code, they go,
    and the new ones begin a new series.

    Args:
        file: JSON, as `lessons.read_evidence` reads it; it is made if it is not there.
        rows: from `collect`.
        chapters: of the course; claims that they do not have are refused.

    Raises:
        InputError: the file is something else; a claim that no chapter has; a mutated run of a
            chapter whose evidence is stale.
        WorldError: the disk does not take it.
    """
    known = lessons.read_evidence(file)
    by_number = {chapter.number: chapter for chapter in chapters}
    normal, mutated = by_claim(row for row in rows if row["profile"] != "smoke")
    for key in sorted(normal.keys() | mutated.keys()):
        number, id, profile, data = key
        chapter, case = by_number.get(number), f"{profile}/{data}"
        if chapter is None or id not in chapter.sheet.claims:
            raise InputError(
                f"expected a claim of the course, received {number}:{id}: run the chapter again"
            )
        entry = known.setdefault(number, {"digest": {}, "claims": {}})
        now = digest(chapter, case)
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
        seeds, broken = normal.get(key, {}), mutated.get(key, {})
        facts["seeds"] |= {str(seed): row["observed"] for seed, row in seeds.items()}
        facts["seeds"] = dict(sorted(facts["seeds"].items(), key=lambda item: int(item[0])))
        if seeds:
            facts["standard_error"] = standard_error(seeds.values())
        if broken:
            facts["mutant"] = {str(seed): row["observed"] for seed, row in sorted(broken.items())}
            # Another mutant in the sheet was never run: a test compares the two.
            facts["changed"] = str(chapter.sheet.claims[id].mutant)
    write(file, known)


def write(file: Path, chapters: Mapping) -> None:
    """Write evidence in one step."""
    content = {"format": lessons.FORMAT, "chapters": dict(sorted(chapters.items()))}
    documents.write_bytes(file, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())


def compare(old: Iterable[Row], new: Iterable[Row]) -> tuple[str, bool]:
    """Compare two runs of the same seeds, before and after a change that should change no number.

    Args:
        old: rows of the run before.
        new: rows of the run after.

    Returns:
        A table of what differs, and whether all claims of both runs gave the same numbers; measured
        times, which differ in every run, are left out.

    Example:
        >>> compare([], [])
        ('no claim of both runs has a seed in common', False)
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


def renew(file: Path, old: Iterable[Row], new: Iterable[Row], chapters: Sequence[Chapter]) -> str:
    """Give evidence today's digest where seeds 0 and 1 gave the same numbers before and after.

    Args:
        file: the evidence.
        old: rows of a run before the change, on the same machine as `new`.
        new: rows of a run after it.
        chapters: of the course.

    Returns:
        What was renewed, and what was not and why, a line for each chapter and case.

    Raises:
        InputError: the file is something else.
        WorldError: the disk does not take it.
    """
    known = lessons.read_evidence(file)
    before, after = (_by_seed(rows) for rows in (old, new))
    lines = []
    for chapter in chapters:
        for case in stale(chapter):
            wanted = {
                (chapter.number, id, *case.split("/"), seed)
                for id, cases in known[chapter.number]["claims"].items()
                if case in cases
                for seed in SAME_SEEDS
            }
            missing = [key for key in wanted if key not in before or key not in after]
            timed = {id for id, claim in chapter.sheet.claims.items() if claim.timing}
            numbers = [key for key in wanted - set(missing) if key[1] not in timed]
            differing = [key for key in numbers if before[key] != after[key]]
            what = f"{chapter.number} {case}: "
            if missing:
                lines.append(what + f"not renewed, {len(missing)} numbers of seeds 0 and 1 missing")
            elif differing:
                lines.append(what + f"not renewed, {len(differing)} numbers differ: measure anew")
            else:
                known[chapter.number]["digest"][case] = digest(chapter, case)
                lines.append(what + f"renewed, {len(numbers)} numbers are the same")
    write(file, known)
    return "\n".join(lines) or "nothing is stale"


def _by_seed(rows: Iterable[Row]) -> dict[tuple, object]:
    names = ("chapter", "id", "profile", "data")
    return {
        (*(str(row[name]) for name in names), int(row["seed"])): row["observed"]
        for row in rows
        # The mutants of one run may not be those of the other.
        if not row.get("mutant")
    }
