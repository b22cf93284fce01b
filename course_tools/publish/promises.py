"""The site's page of claims: what the course claims, and what it measured."""

import re
from collections.abc import Sequence

from course_tools.evidence import file as evidence_file
from course_tools.evidence import summary as evidence
from course_tools.evidence.summary import Summary
from course_tools.publish.executed import Executed
from course_utils import card
from course_utils.lessons import Claim

__all__ = ["claims_page"]


def claims_page(chapters: Sequence[Executed]) -> str:
    """All claims with what this build measured, what the kept seeds measured, and their mutants.

    Args:
        chapters: the executed chapters.

    Returns:
        MyST Markdown.

    Raises:
        InputError: the evidence is not a file as `course claims --update` writes it.
    """
    count = sum(len(one.chapter.claims) for one in chapters)
    lines = [
        "# What this course claims, and what it measured",
        "",
        f"This build holds **{_counted(count, 'claim')}** of {_counted(len(chapters), 'chapter')}. "
        "Each sentence has a *threshold*: what it promises, as a number. It counts as true if the "
        "mean over the kept *seeds* (independent runs that differ by chance alone) lies beyond "
        "the threshold by three standard errors, and most seeds on its side. From the same seeds "
        "follows the range in which one more run is *expected*. And each claim has a *mutant*: "
        "data, model or training changed on purpose, so that the claim must be contradicted, as in "
        "[mutation testing](https://en.wikipedia.org/wiki/Mutation_testing). A claim that survives "
        "its mutant would say nothing.",
        "",
        "*This build* is the number in the chapter that you can read here.",
        "",
    ]
    for one in chapters:
        chapter = one.chapter
        summed = {
            (s.id, f"{s.profile}/{s.data}"): s
            for s in evidence.summarise(evidence_file.rows([chapter]))
        }
        lines += [f"## {chapter.number} · {chapter.title}", ""]
        lines += [f"From [the chapter](chapters/{chapter.stem}.ipynb).", ""]
        lines += [
            '<div class="course-claims">',
            "",
            "| claim | threshold | this build | seeds | expected | mutant |",
            "|---|---|---|---|---|---|",
        ]
        # A run in another profile than quick still shows the seeds for which the claim is made.
        cases = (f"{one.profile}/{one.data}", f"quick/{one.data}")
        for claim in chapter.claims:
            known = next((summed[claim.id, c] for c in cases if (claim.id, c) in summed), None)
            row = _claim_row(one, claim, known)
            lines.append(f"| {' | '.join([*map(_cell, row), _mutant(claim, known)])} |")
        lines += ["", "</div>", ""]
    return "\n".join(lines)


_MARKS = {"held": "✔", "not here": "◐", "unexpected": "△", "red": "✘", "not judged": "○"}


def _claim_row(one: Executed, claim: Claim, known: Summary | None) -> tuple[str, ...]:
    record = one.claims.get(claim.id, {})
    built = "not reached"
    if record:
        built = f"{_MARKS[card.status(record)]} {card.written(record['observed'], claim.unit)}"
        built += "" if record["judged"] else f" ({one.profile}: not judged)"
    threshold = claim.threshold(one.data)
    promised = "–" if threshold is None else card.written_threshold(threshold, claim.unit)
    if known is None or known.true is None:
        return claim.sentence, promised, built, "–", "–"
    low, high = (card.written(end, claim.unit) for end in (known.minimum, known.maximum))
    true = f"true on {round(known.share * known.seeds)} of {known.seeds}"
    expected = card.written_range(known.low, known.high, claim.unit)
    return claim.sentence, promised, built, f"{low} to {high}; {true}", expected


def _mutant(claim: Claim, known: Summary | None) -> str:
    """What the mutant measured, and the change behind a word to press, for code is wide."""
    values = [value for value in (known.mutant if known else {}).values() if value is not None]
    measured = card.written(sum(values) / len(values), claim.unit) if values else "–"
    # Entities, so that nothing in the code is read as Markdown or as the end of a cell.
    code = re.sub(r"[^\w\s.,=()'\"+/-]|_", lambda match: f"&#{ord(match[0])};", str(claim.mutant))
    return f"{_cell(measured)}<details><summary>change</summary><small>{code}</small></details>"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _cell(text: str) -> str:
    """A text inside a table of Markdown; a narrow column breaks no number, nor one from its %."""
    text = re.sub(r"([|<*_`$])", r"\\\1", " ".join(text.split()))
    text = re.sub(r"(?<=\d)e([+-]\d+)\b", lambda m: "×10" + str(int(m[1])).translate(_RAISED), text)
    return re.sub(r"(?<=\d) %", "\N{NO-BREAK SPACE}%", text)
