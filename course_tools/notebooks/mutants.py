"""Mutants: one change of a chapter's data, model or training that must contradict a claim.

As in mutation testing, a claim that survives its mutant says nothing. The sheet names the change,
the notebook knows nothing of it; it is applied to a copy, and the copy is executed.
"""

import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import nbformat

from course_tools.notebooks import slicing, syntax
from course_tools.tables import aligned
from course_utils import claims, lessons
from course_utils.errors import InputError
from course_utils.formatting import written, written_range, written_threshold
from course_utils.lessons import Claim, Sheet, Threshold

# Where one run cannot decide, the mutant is run with these.
SEEDS = (0, 1, 2, 3, 4)


def check(notebook: nbformat.NotebookNode, claim: Claim, sheet: Sheet, name: str) -> None:
    """Refuse a mutant that does not apply to a chapter, as after an edit."""
    where = f"{name}: mutant of claim {claim.id}"
    mutant = claim.mutant
    if mutant.parameter:
        own = sheet.values("quick", "embedded").get(mutant.parameter)
        if type(own) is not type(mutant.value) or own == mutant.value:
            raise InputError(
                f"{where}: expected another value of a parameter of the chapter, received "
                f"{mutant.parameter} = {mutant.value!r}: mend the sheet"
            )
        return
    cells = [cell for cell in notebook.cells if cell.get("id") == mutant.cell]
    if not cells or cells[0].cell_type != "code":
        raise InputError(
            f"{where}: expected the id of a code cell, received {mutant.cell!r}: mend the sheet"
        )
    count = cells[0].source.count(mutant.replace)
    if count != 1:
        raise InputError(
            f"{where}: expected {mutant.replace!r} once in cell {mutant.cell}, received it "
            f"{count} times: mend the sheet after an edit of the cell"
        )
    try:
        syntax.tree_of(cells[0].source.replace(mutant.replace, mutant.by))
    except SyntaxError as error:
        raise InputError(f"{where}: expected Python after the change, received {error}") from None


def apply(
    notebook: nbformat.NotebookNode, sheet: Sheet, ids: Collection[str]
) -> nbformat.NotebookNode:
    """Change a copy of a chapter as the mutants of some claims say; without any it is the chapter.

    The copy has the cells on which the numbers of these claims depend: the others would only cost
    time. Mutated parameters are not in it but in `values`, for they are injected. Refused are
    mutants that touch each other, or that change a cell on which no claim depends.
    """
    copy = nbformat.from_dict(notebook)
    if not ids:
        return copy
    by_id = {cell.get("id"): cell for cell in notebook.cells}
    # Of each cell: the first and the last place of a change, to what takes its place.
    changes: dict[str, dict[tuple[int, int], str]] = {}
    for id in ids:
        mutant = sheet.claims[id].mutant
        if mutant.parameter:
            continue
        first = by_id[mutant.cell].source.index(mutant.replace)
        last = first + len(mutant.replace)
        own = changes.setdefault(mutant.cell, {})
        if own.get((first, last)) == mutant.by:
            continue
        if any(first < end and begin < last for begin, end in own):
            raise InputError(
                f"expected mutants that do not touch each other, received {'+'.join(ids)}: run "
                f"{id} in a run of its own"
            )
        own[first, last] = mutant.by
    for cell in copy.cells:
        for (first, last), by in sorted(changes.get(cell.get("id"), {}).items(), reverse=True):
            cell.source = cell.source[:first] + by + cell.source[last:]
    part = slicing.needed(copy, lambda cell: bool(_checked(cell) & set(ids)))
    kept = {cell.get("id") for cell in part.cells}
    for id in ids:
        if sheet.claims[id].mutant.cell not in {"", *kept}:
            raise InputError(
                f"expected a mutant on which the number of claim {id} depends, received one of "
                f"cell {sheet.claims[id].mutant.cell}: mend the sheet"
            )
    return part


def _checked(cell: nbformat.NotebookNode) -> set[object]:
    """The ids of the claims that a code cell checks."""
    calls = syntax.calls(syntax.tree_of(cell.source), "claims", "check")
    return {getattr(syntax.argument(call, 0, "id"), "value", None) for call in calls}


def values(sheet: Sheet, ids: Collection[str]) -> dict[str, object]:
    """The parameters that the mutants of some claims change; two values for one are refused."""
    found: dict[str, object] = {}
    for id in ids:
        mutant = sheet.claims[id].mutant
        if mutant.parameter and found.setdefault(mutant.parameter, mutant.value) != mutant.value:
            raise InputError(
                f"expected mutants that do not touch each other, received {'+'.join(ids)}, which "
                f"change {mutant.parameter} in two ways: run {id} in a run of its own"
            )
    return found


def one_run_decides(expected: tuple[float, float], threshold: Threshold) -> bool:
    """Tell whether one run can contradict a claim: the expected range leaves its threshold out."""
    low, high = expected
    return not any(low <= end <= high for end in threshold if end is not None)


def contradicted(
    mutated: Mapping[int, float | None],
    kept: Mapping[int, float],
    threshold: Threshold,
    expected: tuple[float, float],
) -> bool | None:
    """Judge whether a mutant contradicts its claim; None where too few runs are there to tell.

    Where one run decides: whether each is on the wrong side of the threshold and outside of the
    expected range. Else, over seeds 0 to 4: whether the rule for the sentence fails, and the paired
    difference from the sound runs (`kept`) exceeds three of its standard errors. `mutated` is seed
    to what the mutated chapter observed; None is no finite number.
    """
    if not mutated:
        return None
    low, high = expected
    if one_run_decides(expected, threshold):
        return all(
            value is None or not (claims.beyond(value, threshold) or low <= value <= high)
            for value in mutated.values()
        )
    seeds = [seed for seed in SEEDS if mutated.get(seed) is not None and seed in kept]
    if len(seeds) < len(SEEDS):
        return None
    fails = not claims.verdict([mutated[seed] for seed in seeds], threshold).true
    differences = [kept[seed] - mutated[seed] for seed in seeds]
    error = statistics.stdev(differences) / len(seeds) ** 0.5
    return fails and abs(statistics.fmean(differences)) > 3 * error


@dataclass(frozen=True)
class Judged:
    """What came of a mutant: seed to the number of its run, and whether it contradicts its claim.

    `expected` is the range of a sound run, `threshold` what the sentence promises.
    """

    chapter: str
    claim: Claim
    observed: Mapping[int, float | None]
    expected: tuple[float, float]
    threshold: Threshold
    contradicted: bool | None


def judge(rows: Sequence[Mapping[str, object]], chapters: Sequence) -> list[Judged]:
    """Judge the mutants of a run: one for each mutated claim, profile and data."""
    found: dict[tuple[str, str, str], dict[int, float | None]] = {}
    for row in rows:
        if row["mutant"] == row["id"]:
            key = (str(row["chapter"]), str(row["id"]), f"{row['profile']}/{row['data']}")
            found.setdefault(key, {})[int(row["seed"])] = row["observed"]
    judged = []
    for chapter in chapters:
        known = lessons.read_evidence(chapter.lessons / lessons.EVIDENCE)
        known = known.get(chapter.number, {}).get("claims", {})
        for claim in chapter.claims:
            for (number, id, case), observed in found.items():
                if (number, id) != (chapter.number, claim.id) or case not in known.get(id, {}):
                    continue
                kept = lessons.kept_of(known[id][case])
                expected = claims.expected_range(
                    kept.seeds.values(), kept.standard_error, claim.resolution
                )
                threshold = claim.threshold(case.partition("/")[2])
                answer = contradicted(observed, kept.seeds, threshold, expected)
                judged.append(Judged(number, claim, observed, expected, threshold, answer))
    return judged


def table(judged: Sequence[Judged]) -> str:
    """Write what came of mutants as a table of plain text."""
    words = {True: "contradicted", False: "STILL STANDS", None: "too few seeds to tell"}
    rows = []
    for one in judged:
        unit = one.claim.unit
        observed = [written(value, unit) for value in one.observed.values()]
        rows.append(
            (
                f"{one.chapter}:{one.claim.id}",
                written_threshold(one.threshold, unit),
                written_range(*one.expected, unit),
                ", ".join(observed),
                words[one.contradicted],
            )
        )
    return aligned(("mutant of claim", "threshold", "expected", "observed", "claim"), rows)
