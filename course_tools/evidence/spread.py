"""What each claim measured over its seeds, as a page of Markdown that is kept with the course."""

from collections.abc import Iterable, Sequence

from course_tools.evidence.summary import Summary
from course_tools.notebooks.chapters import Chapter
from course_utils import card

__all__ = ["page"]

_INTRODUCTION = """\
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
  Which mutants still wait for runs stands in [the changelog of claims](claims_changelog.md).
"""


def page(chapters: Sequence[Chapter], summaries: Iterable[Summary]) -> str:
    """Write the page.

    Args:
        chapters: in their order.
        summaries: of the evidence, from `evidence.summarise`. What says nothing,
            or is of another profile than `quick`, is left out.

    Returns:
        Markdown.

    Example:
        >>> page([], []).splitlines()[0]
        '# The spread of each claim'
    """
    judged = [one for one in summaries if one.true is not None and one.profile == "quick"]
    counts = sorted({one.seeds for one in judged})
    ends = " to ".join(str(count) for count in dict.fromkeys(counts[:1] + counts[-1:]))
    parts = [_INTRODUCTION.format(seeds=f"{ends or 'no'} seeds")]
    for chapter in chapters:
        found = {(one.id, one.data): one for one in judged if one.chapter == chapter.number}
        for data, title in (("embedded", ""), ("real", ", real data")):
            rows = [_row(found[c.id, data]) for c in chapter.claims if (c.id, data) in found]
            if rows:
                head = ["claim", "seeds", "min", "median", "max", "threshold", "expected", "mutant"]
                ruler = ["---", *["--:"] * 4, "---", "---", "--:"]
                lines = [f"## {chapter.number} · {chapter.title}{title}", ""]
                lines += [f"| {' | '.join(cells)} |" for cells in (head, ruler, *rows)]
                parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _row(one: Summary) -> list[str]:
    values = [value for value in one.mutant.values() if value is not None]
    mutant = card.written(sum(values) / len(values), one.unit) if values else "–"
    true = f"{round(one.share * one.seeds)} of {one.seeds}"
    spread = [card.written(value, one.unit) for value in (one.minimum, one.median, one.maximum)]
    return [
        f"`{one.id}`",
        str(one.seeds),
        *spread,
        f"{card.written_threshold(one.threshold, one.unit)}: {true}",
        card.written_range(one.low, one.high, one.unit),
        mutant,
    ]
