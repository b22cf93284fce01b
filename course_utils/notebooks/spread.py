"""What each claim measured over its seeds, as a page of Markdown that is kept with the course."""

from collections.abc import Iterable, Sequence

from course_utils.notebooks.chapters import Chapter, ClaimText
from course_utils.notebooks.evidence import Summary

__all__ = ["page"]

_INTRODUCTION = """\
# The spread of each claim

Written by `course claims --markdown docs/spread.md` from `notebooks/claims_measured.json`; a test
holds this page to that file. Each row is a claim in `quick`, executed with {seeds}.

- *min, median, max, sd*: over the seeds, in the unit of the claim's own number.
- *band*: where the claim counts as held, as the chapter declares it. Where one run can promise
  little, the mean over at least five seeds has a band of its own, named behind it.
- *room*: how many standard deviations lie between the mean of the seeds and the nearer end of the
  band. A band has to reach four to each side, or three standard errors of the test set, whichever
  is more. "exact" where all seeds must give the same up to rounding, "–" where they did.
- *broken*: the number of the run in which the claim was broken on purpose. It has to lie outside
  of the band: a band that could not be missed would say nothing. "test" where a unit test breaks
  the claim instead; "–" on real data where the same broken line was measured on the embedded data.
"""


def page(chapters: Sequence[Chapter], summaries: Iterable[Summary]) -> str:
    """Write the page.

    Args:
        chapters: in their order.
        summaries: of the evidence, from `evidence.summarise`. What is not judged is left out.

    Returns:
        Markdown.

    Example:
        >>> page([], []).splitlines()[0]
        '# The spread of each claim'
    """
    judged = [one for one in summaries if one.judged]
    counts = sorted({one.seeds for one in judged})
    ends = " to ".join(str(count) for count in dict.fromkeys(counts[:1] + counts[-1:]))
    parts = [_INTRODUCTION.format(seeds=f"{ends or 'no'} seeds")]
    for chapter in chapters:
        found = {(one.id, one.data): one for one in judged if one.chapter == chapter.number}
        for data, title in (("embedded", ""), ("real", ", real data")):
            claims = [claim for claim in chapter.claims if (claim.id, data) in found]
            rows = [_row(claim, found[claim.id, data]) for claim in claims]
            if rows:
                head = ["claim", "seeds", "min", "median", "max", "sd", "band", "room", "broken"]
                ruler = ["---", *["--:"] * 5, "---", "--:", "--:"]
                lines = [f"## {chapter.number} · {chapter.title}{title}", ""]
                lines += [f"| {' | '.join(cells)} |" for cells in (head, ruler, *rows)]
                parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _row(claim: ClaimText, one: Summary) -> list[str]:
    sabotaged = "test" if claim.unit_sabotage else _number(one.sabotaged)
    band = _band(one.low, one.high)
    low, high = claim.mean_bands.get(f"{one.profile}/{one.data}", (None, None))
    if (low, high) != (None, None):
        band += f"; mean {_band(low, high)}"
    room = "–" if one.room is None else f"{one.room:.1f}"
    room = "exact" if "any" in claim.bands else room
    spread = [_number(value) for value in (one.minimum, one.median, one.maximum, one.sd)]
    return [f"`{one.id}`", str(one.seeds), *spread, band, room, sabotaged]


def _band(low: float | None, high: float | None) -> str:
    if low == high:
        return _number(low)
    ends = [] if low is None else [f"from {_number(low)}"]
    ends += [] if high is None else [f"to {_number(high)}"]
    return " ".join(ends)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"
