"""The card of a claim: its sentence, and a strip on which this run stands among the kept seeds.

The strip is inline SVG in the page's own ink, so that it reads in the dark, in print and without
color. What it shows stands beside it in words, for a terminal, for those who cannot see it, and
for a notebook whose SVG an untrusted page has dropped.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from course_utils import lessons
from course_utils.formatting import possible, written, written_range, written_threshold

__all__ = ["bundle", "status"]

_WIDTH, _HEIGHT, _LEFT, _RIGHT = 640, 74, 16, 624
_MIDDLE = 30

# Status to mark, words and the color of the rule on the left.
_STATUS = {
    "held": ("✔", "Held", "#117733"),
    "not here": ("◐", "Not in this run", "#8a6d00"),
    "unexpected": ("△", "Unexpected", "#8a6d00"),
    "red": ("✘", "Outside the expected range", "#b00020"),
    "not judged": ("○", "Not judged", "#777777"),
}


def status(record: Mapping[str, Any]) -> str:
    """What a claim's record says: "held", "not here", "unexpected", "red" or "not judged"."""
    if not record["judged"]:
        return "not judged"
    if record["held"]:
        return "held" if record["true_here"] else "not here"
    return "red" if record["seeds"] >= lessons.ENOUGH else "unexpected"


def bundle(record: Mapping[str, Any], *, why: str, kept: lessons.Kept | None) -> dict[str, str]:
    """The card of a claim's record, as "text/html" and "text/plain".

    Of one that was not judged, it says why; of others `why` is "".
    """
    mark, words, color = _STATUS[status(record)]
    unit, seeds, share = record["unit"], record["seeds"], record["share"]
    facts = [f"this run {written(record['observed'], unit)}"]
    if record["judged"]:
        true = round(share * seeds)
        if status(record) == "not here":
            words = f"{words} ({true} of {seeds} seeds)"
        facts += [
            f"expected {written_range(record['low'], record['high'], unit)}",
            f"true {written_threshold(record['threshold'], unit)}: {true} of {seeds} kept seeds",
        ]
        if kept.mutant:
            values = [value for value in kept.mutant.values() if value is not None]
            mutated = sum(values) / len(values) if values else None
            facts.append(f"mutant {written(mutated, unit)}")
    else:
        facts.append(why)
    line = " · ".join(facts)
    drawn = _strip(record, kept, line) if record["judged"] else ""
    page = (
        f'<div style="border-left:5px solid {color};padding:.25em .9em;margin:.4em 0;'
        f'max-width:44em"><div><strong>{mark} {html.escape(words)}.</strong> '
        f"{html.escape(record['statement'])}</div>{drawn}"
        f'<div style="font-size:85%;opacity:.85">{html.escape(line)}</div></div>'
    )
    return {"text/plain": f"{mark} {words}: {record['statement']} · {line}", "text/html": page}


def _strip(record: Mapping[str, Any], kept: lessons.Kept, words: str) -> str:
    """The strip as SVG: seeds as dots, range shaded, threshold, mutant as a cross, this run."""
    unit, seeds = record["unit"], list(kept.seeds.values())
    ends = [end for end in record["threshold"] if end is not None]
    mutated = [value for value in kept.mutant.values() if value is not None]
    expected = possible(record["low"], record["high"], unit)
    shown = [*seeds, *expected, *ends]
    shown += [record["observed"]] if record["observed"] is not None else []
    low, high = min(shown), max(shown)
    # A mutant far away would press the seeds together: it then stands at the edge, with an arrow.
    span = high - low or 1.0
    near = [value for value in mutated if low - 2 * span <= value <= high + 2 * span]
    low, high = min([low, *near]) - 0.04 * span, max([high, *near]) + 0.04 * span

    def x(value: float) -> float:
        place = _LEFT + (value - low) / (high - low) * (_RIGHT - _LEFT)
        return round(min(max(place, 8.0), _WIDTH - 8.0), 1)

    left, right = map(x, expected)
    parts = [
        f'<rect x="{left}" y="8" width="{max(right - left, 2):.1f}" height="44" '
        'fill="currentColor" opacity=".13"/>',
        f'<line x1="{_LEFT}" y1="52" x2="{_RIGHT}" y2="52" stroke="currentColor" opacity=".5"/>',
    ]
    for end in ends:
        parts.append(
            f'<line x1="{x(end)}" y1="3" x2="{x(end)}" y2="57" stroke="currentColor" '
            'stroke-width="2" stroke-dasharray="5 3"/>'
        )
    for index, value in enumerate(sorted(seeds)):
        # Neighbors stand at five heights, so that equal seeds are still counted.
        y = _MIDDLE + (index % 5 - 2) * 7
        parts.append(f'<circle cx="{x(value)}" cy="{y}" r="3.2" fill="currentColor" opacity=".6"/>')
    for value in mutated:
        place = x(value)
        parts.append(
            f'<path d="M{place - 5:.1f} {_MIDDLE - 5}l10 10m0-10l-10 10" fill="none" '
            'stroke="#d05000" stroke-width="2.5"/>'
        )
        if not low <= value <= high:
            at, turn = (place + 9, 1) if value < low else (place - 9, -1)
            parts.append(
                f'<path d="M{at + 6 * turn:.1f} {_MIDDLE - 4}l{-6 * turn} 4l{6 * turn} 4" '
                'fill="none" stroke="#d05000" stroke-width="2"/>'
            )
    if record["observed"] is not None:
        place = x(record["observed"])
        parts.append(
            f'<path d="M{place} {_MIDDLE - 10}l7 10l-7 10l-7-10z" fill="#1f77d0" '
            'stroke="currentColor" stroke-width="1.2"/>'
        )
    numbers = (*ends, *expected)
    parts += _labels([(value, written(value, unit)) for value in numbers], x)
    return (
        f'<svg role="img" aria-label="{html.escape(words)}" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'style="width:100%;max-width:{_WIDTH}px;height:auto;display:block" '
        f'font-family="sans-serif" font-size="13">{" ".join(parts)}</svg>'
    )


def _labels(values: list[tuple[float, str]], x) -> list[str]:
    """Numbers under the axis, the first of two that would collide."""
    drawn, taken = [], []
    for value, text in values:
        width = 7.2 * len(text)
        middle = min(max(x(value), width / 2), _WIDTH - width / 2)
        if any(abs(middle - other) < (width + wide) / 2 + 8 for other, wide in taken):
            continue
        taken.append((middle, width))
        drawn.append(
            f'<text x="{middle:.1f}" y="69" text-anchor="middle" fill="currentColor">'
            f"{html.escape(text)}</text>"
        )
    return drawn
