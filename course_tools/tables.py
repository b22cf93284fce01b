"""Plain-text tables whose columns stand under each other, also with Korean in them."""

import unicodedata
from collections.abc import Collection, Sequence

__all__ = ["aligned"]


def aligned(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, right: Collection[int] = ()
) -> str:
    """Set rows of text as a table; the columns numbered in `right` hold figures.

    Example:
        >>> rows = [["합성곱", "9.5"], ["start", "10.0"]]
        >>> print(aligned(["chapter", "seconds"], rows, right=[1]))
        chapter  seconds
        합성곱       9.5
        start       10.0
    """
    lines = [header, *rows]
    widths = [max(_width(line[column]) for line in lines) for column in range(len(header))]
    table = []
    for line in lines:
        cells = []
        for column, text in enumerate(line):
            gap = " " * (widths[column] - _width(text))
            cells.append(gap + text if column in right else text + gap)
        table.append("  ".join(cells).rstrip())
    return "\n".join(table)


def _width(text: str) -> int:
    """Places that a terminal gives to a text: East Asian letters take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
