"""Plain-text tables whose columns stand under each other, also with Korean in them."""

import unicodedata
from collections.abc import Collection, Sequence

__all__ = ["aligned"]


def aligned(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, right: Collection[int] = ()
) -> str:
    """Set rows of text as a table.

    Args:
        header: the names of the columns.
        rows: as many texts each as there are columns.
        right: the numbers of the columns, from 0, that are set to the right (figures).

    Returns:
        The table, without a newline at its end.

    Example:
        >>> rows = [["합성곱", "9.5"], ["start", "10.0"]]
        >>> print(aligned(["chapter", "seconds"], rows, right=[1]))
        chapter  seconds
        합성곱       9.5
        start       10.0
    """
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(_width(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(
            " " * (width - _width(text)) + text
            if column in right
            else text + " " * (width - _width(text))
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _width(text: str) -> int:
    """Places that a terminal gives to a text: East Asian letters take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
