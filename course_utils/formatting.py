"""Numbers as people read them: in figures, on cards, in tables."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["aligned", "fixed", "possible", "written", "written_range", "written_threshold"]

_SHARES = ("%", "points")


def fixed(value: float, digits: int) -> str:
    """A number with so many decimals, a true minus sign, and no sign on zero.

    Example:
        >>> fixed(-0.5, 2), fixed(-0.001, 2), fixed(1234, 0)
        ('−0.50', '0.00', '1,234')
    """
    return f"{round(float(value), digits) + 0.0:,.{digits}f}".replace("-", "−")


def written(value: float | None, unit: str = "") -> str:
    """A measured number in its unit; None stands for one that is not finite.

    "%" shows a share in percent, "points" a difference of shares in percentage points; another
    unit is put behind the number.

    Example:
        >>> written(0.9534, "%"), written(-0.5), written(12, "pixels")
        ('95.3 %', '−0.5', '12 pixels')
    """
    if value is None:
        return "not a number"
    number = fixed(100 * value, 1) if unit in _SHARES else f"{value:.4g}".replace("-", "−")
    return f"{number} {unit}" if unit else number


def possible(low: float, high: float, unit: str = "") -> tuple[float, float]:
    """The part of a range in which a number of that unit can lie: a share lies between 0 and 1.

    Example:
        >>> possible(0.9, 1.014, "%"), possible(-0.1, 0.2, "points")
        ((0.9, 1.0), (-0.1, 0.2))
    """
    return (max(low, 0.0), min(high, 1.0)) if unit == "%" else (low, high)


def written_range(low: float, high: float, unit: str = "") -> str:
    """An expected range, as far as it is possible, with its unit once.

    Example:
        >>> written_range(0.6, 0.9, "%")
        '60.0 to 90.0 %'
    """
    low, high = possible(low, high, unit)
    return f"{written(low, unit).removesuffix(unit).rstrip()} to {written(high, unit)}"


def written_threshold(threshold: tuple[float | None, float | None], unit: str = "") -> str:
    """A threshold (low, high), in which None is an open end.

    Example:
        >>> written_threshold((0, None), "points"), written_threshold((None, 2.5))
        ('above 0.0 points', 'below 2.5')
    """
    low, high = threshold
    if low is not None and high is not None:
        return f"within {written_range(low, high, unit)}"
    return f"above {written(low, unit)}" if high is None else f"below {written(high, unit)}"


def aligned(rows: Sequence[Sequence[str]], *, left: int) -> list[str]:
    """The lines of a table: so many columns are set left, the others right.

    Example:
        >>> aligned([("layer", "parameters"), ("head", "12")], left=1)
        ['layer  parameters', 'head           12']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines
