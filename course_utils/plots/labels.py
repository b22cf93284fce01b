"""Names written beside what they name, so that no reader has to match colours with a legend."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

import numpy as np

from course_utils.plots.appearance import FAINT, FONT_SIZE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def fixed(value: float, digits: int) -> str:
    """Write a number with so many decimals, a true minus sign, and no sign on zero.

    Example:
        >>> fixed(-0.5, 2), fixed(-0.001, 2), fixed(1234, 0)
        ('−0.50', '0.00', '1,234')
    """
    return f"{round(float(value), digits) + 0.0:,.{digits}f}".replace("-", "−")


def letters(text: object) -> float:
    """Return how many Latin letters wide a text is; a Hangul syllable takes almost two.

    Example:
        >>> letters("cat"), letters("고양이")
        (3.0, 5.4)
    """
    return round(sum(1.8 if east_asian_width(letter) in "WF" else 1.0 for letter in str(text)), 1)


def wrap(text: object, most: float) -> str:
    r"""Break a text between words into lines of at most `most` letters; keep its own breaks.

    Example:
        >>> wrap("a cup of coffee", 8)
        'a cup of\ncoffee'
    """
    lines = []
    for part in str(text).split("\n"):
        lines.append("")
        for word in part.split():
            longer = f"{lines[-1]} {word}".strip()
            if lines[-1] and letters(longer) > most:
                lines.append(word)
            else:
                lines[-1] = longer
    return "\n".join(lines)


def head(axes: "Axes", title: str | None, remark: str | None = None) -> None:
    """Write a title above the panel, and under it a remark in a fainter ink."""
    axes.set_title(title or "", pad=28 if remark else 10)
    if remark:
        axes.annotate(
            remark,
            (0, 1),
            xytext=(0, 8),
            xycoords="axes fraction",
            textcoords="offset points",
            color=FAINT,
            fontsize=FONT_SIZE - 1,
        )


def legend_above(
    figure: "Figure", handles: Sequence, *, title: str | None, columns: int = 2
) -> None:
    """Write a title and under it a legend above all panels, where they cover nothing."""
    figure.legend(
        handles=handles,
        loc="outside upper left",
        ncols=columns,
        title=title,
        alignment="left",
        title_fontproperties={"weight": "bold", "size": FONT_SIZE + 2},
    )


def spread(positions: Sequence[float], *, gap: float) -> np.ndarray:
    """Move positions apart until neighbours are `gap` apart, moving them as little as possible.

    Least squares under a fixed order: with `i * gap` taken off the i-th in order this is isotonic
    regression, solved by pooling neighbours that are out of order.

    Args:
        positions: Where the labels would stand, in any unit.
        gap: Least distance between two, in the same unit.

    Returns:
        Where they stand, in the order given.

    Example:
        >>> spread([0.5, 0.5, 0.9], gap=0.1)
        array([0.45, 0.55, 0.9 ])
    """
    order = np.argsort(positions, kind="stable")
    steps = np.arange(len(order)) * gap
    pools: list[list[float]] = []
    for value in np.asarray(positions, dtype=float)[order] - steps:
        pools.append([value])
        while len(pools) > 1 and np.mean(pools[-2]) > np.mean(pools[-1]):
            pools[-2:] = [pools[-2] + pools[-1]]
    placed = np.empty(len(order))
    placed[order] = np.concatenate([[np.mean(pool)] * len(pool) for pool in pools]) + steps
    return placed


def mark_every(count: int) -> tuple[int, int]:
    """Return (first, step) of at most 25 markers on a line of `count` points, one at its end.

    Example:
        >>> mark_every(20), mark_every(60)
        ((0, 1), (2, 3))
    """
    step = max(1, math.ceil(count / 25))
    return (count - 1) % step, step


def in_axes(axes: "Axes", x: float, y: float) -> tuple[float, float]:
    """Return a data point as fractions of the panel, (0, 0) lower left, (1, 1) upper right."""
    return tuple(axes.transAxes.inverted().transform(axes.transData.transform((x, y))))


def label_ends(axes: "Axes", ends: Sequence[tuple[str, float, float]]) -> None:
    """Write each name to the right of the panel, level with the end of its line.

    Call it when the limits are final. Names that would overlap are moved apart; these, and those
    of lines that stop early, get a thin line back to what they name.

    Args:
        axes: The panel.
        ends: (name, x, y) of the last point of each line.
    """
    axes.set_xlim(axes.get_xlim())
    axes.set_ylim(axes.get_ylim())
    line = 1.35 * FONT_SIZE / 72 / (0.78 * axes.get_figure().get_figheight())
    spots = [in_axes(axes, x, y) for _, x, y in ends]
    heights = spread([spot[1] for spot in spots], gap=line)
    for (name, x, y), (across, was), height in zip(ends, spots, heights, strict=True):
        moved = abs(height - was) > 0.3 * line or across < 0.9
        axes.annotate(
            name,
            xy=(x, y),
            xytext=(1.05 if moved else 1.02, height),
            textcoords="axes fraction",
            va="center",
            arrowprops={"arrowstyle": "-", "color": FAINT, "lw": 0.9} if moved else None,
            annotation_clip=False,
        )


def label_points(
    axes: "Axes",
    points: Sequence[tuple[str, float, float]],
    *,
    avoid: Sequence[tuple[float, float]] = (),
) -> None:
    """Write each name beside its point, on the first of eight sides where nothing is in the way.

    Args:
        axes: The panel, with final limits.
        points: (name, x, y).
        avoid: Corners (x, y) of a line that no name should cover.
    """
    axes.set_xlim(axes.get_xlim())
    axes.set_ylim(axes.get_ylim())
    figure = axes.get_figure()
    # The panel's size is not known before the layout; these shares are near enough for boxes.
    unit = np.array([0.84 * figure.get_figwidth(), 0.78 * figure.get_figheight()]) * 72  # points
    spots = [np.array(in_axes(axes, x, y)) * unit for _, x, y in points]
    taken = [(spot - 6, spot + 6) for spot in spots]
    corners = np.array([in_axes(axes, x, y) for x, y in avoid]).reshape(-1, 2) * unit
    for start, end in pairwise(corners):
        taken += [(p - 3, p + 3) for p in np.linspace(start, end, 40)]
    sides = [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1)]
    for (name, x, y), spot in zip(points, spots, strict=True):
        half = np.array([0.31 * FONT_SIZE * letters(name), 0.6 * FONT_SIZE])
        boxes = [
            (centre - half, centre + half)
            for centre in (spot + np.array(s) * (half + 9) for s in sides)
        ]
        clear = [_clear(box, taken, unit) for box in boxes]
        best = clear.index(max(clear))
        taken.append(boxes[best])
        axes.annotate(
            name,
            xy=(x, y),
            xytext=(boxes[best][0] + boxes[best][1]) / 2 - spot,
            textcoords="offset points",
            ha="center",
            va="center",
        )


def _clear(box: tuple, taken: list[tuple], unit: np.ndarray) -> float:
    """Return 0 for a box that is free and inside the panel, less the worse it is."""
    low, high = box
    overlap = sum(
        float(np.prod(np.clip(np.minimum(high, h) - np.maximum(low, o), 0, None))) for o, h in taken
    )
    outside = float(np.clip(-low, 0, None).sum() + np.clip(high - unit, 0, None).sum())
    return -(overlap + 20 * outside)
