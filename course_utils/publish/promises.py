"""The site's page of claims: what the course promises, and what it measured."""

import re
from collections.abc import Sequence
from pathlib import Path

from course_utils import claims
from course_utils.notebooks import evidence_file
from course_utils.publish.executed import Executed

__all__ = ["claims_page"]


def claims_page(chapters: Sequence[Executed], evidence: Path) -> str:
    """All claims with their bands, what this build measured, and what the seeds measured.

    Args:
        chapters: the executed chapters.
        evidence: `claims_measured.json`; it may be missing.

    Returns:
        MyST Markdown.

    Raises:
        InputError: the evidence is not a file as `course claims --update` writes it.
    """
    measured = evidence_file.read(evidence)
    count = sum(len(one.chapter.claims) for one in chapters)
    lines = [
        "# What this course promises, and what it measured",
        "",
        f"This build holds **{count} claims** of {_counted(len(chapters), 'chapter')}. Each has "
        "a *band*: the numbers for which we still say that it holds. A band reaches at least four "
        "standard deviations "
        "over the seeds (independent runs that differ by chance alone) to each side of their mean. "
        "And each one has a *sabotage*: the one thing to break so that the claim must fail. A claim"
        " that could not fail would say nothing.",
        "",
        "*This build* is the number in the chapter that you can read here; *seeds* are the smallest"
        " and the largest number of independent runs.",
        "",
    ]
    for one in chapters:
        chapter = one.chapter
        lines += [f"## {chapter.number} · {chapter.title}", ""]
        lines += [f"From [the chapter](chapters/{chapter.stem}.ipynb).", ""]
        lines += [
            '<div class="course-claims">',
            "",
            "| claim | band | this build | seeds | broken on purpose |",
            "|---|---|---|---|---|",
        ]
        of_chapter = measured.get(chapter.number, {})
        for claim in chapter.claims:
            row = _claim_row(one, claim, of_chapter.get(claim.id, {}))
            lines.append(f"| {' | '.join(map(_cell, row))} |")
        lines += ["", "</div>", ""]
    return "\n".join(lines)


def _claim_row(one: Executed, claim, measured: dict) -> tuple[str, ...]:
    record = one.claims.get(claim.id, {})
    key = f"{one.profile}/{one.data}"
    # A run in another profile than quick still shows the band for which the claim is made.
    key = key if key in claim.bands or "any" in claim.bands else f"quick/{one.data}"
    band = claim.bands.get(key, claim.bands.get("any"))
    built = "not reached"
    if record:
        mark = {True: "✔ ", False: "✘ ", None: "○ "}[record["held"]]
        built = mark + claims.written(record["observed"], claim.unit)
        built += "" if record["judged"] else f" ({one.profile}: not judged)"
    entry = measured.get(key, {})
    values = [value for value in entry.get("seeds", {}).values() if value is not None]
    seeds = "exact" if claim.unit_sabotage else "–"
    if values:
        low, high = (claims.written(f(values), claim.unit) for f in (min, max))
        seeds = f"{low} ({len(values)} seeds)" if low == high else ""
        seeds = seeds or f"{low} to {high} ({len(values)} seeds)"
    broken = claim.sabotage or "a unit test breaks it"
    if entry.get("sabotaged") is not None:
        broken += f": {claims.written(entry['sabotaged'], claim.unit)}"
    written = "not set for this data" if band is None else claims.written_band(*band, claim.unit)
    return claim.statement, written, built, seeds, broken


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _cell(text: str) -> str:
    """A text inside a table of Markdown; a narrow column breaks no number, nor one from its %."""
    text = re.sub(r"([|<*_`$])", r"\\\1", " ".join(text.split()))
    text = re.sub(r"(?<=\d)e([+-]\d+)\b", lambda m: "×10" + str(int(m[1])).translate(_RAISED), text)
    return re.sub(r"(?<=\d) %", "\N{NO-BREAK SPACE}%", text)
