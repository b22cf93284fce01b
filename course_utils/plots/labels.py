"""Names written beside what they name, so that no reader has to match colors with a legend."""

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


def letters(text: object) -> float:
    """How many Latin letters wide a text is; a Hangul syllable takes almost two."""
    return round(sum(1.8 if east_asian_width(letter) in "WF" else 1.0 for letter in str(text)), 1)


def wrap(text: object, most: float) -> str:
    """Break a text between words into lines of at most `most` letters; keep its own breaks."""
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


def legend_above(figure: "Figure", handles: Sequence, *, columns: int = 2) -> None:
    """Write a legend above all panels, where it covers nothing."""
    figure.legend(handles=handles, loc="outside upper left", ncols=columns, alignment="left")


def spread(positions: Sequence[float], *, gap: float) -> np.ndarray:
    """Move positions apart until neighbors are `gap` apart, moving them as little as possible.

    Least squares under a fixed order: with `i * gap` taken off the i-th, isotonic regression.
    """
    from scipy.optimize import isotonic_regression

    order = np.argsort(positions, kind="stable")
    steps = np.arange(len(order)) * gap
    placed = np.empty(len(order))
    placed[order] = isotonic_regression(np.asarray(positions)[order] - steps).x + steps
    return placed


def mark_every(count: int) -> tuple[int, int]:
    """(First, step) of at most 25 markers on a line of `count` points, one at its end."""
    step = max(1, math.ceil(count / 25))
    return (count - 1) % step, step


def _in_axes(axes: "Axes", x: float, y: float) -> tuple[float, float]:
    """A data point as fractions of the panel, whose limits no longer change from here on."""
    axes.set_xlim(axes.get_xlim())
    axes.set_ylim(axes.get_ylim())
    return tuple(axes.transAxes.inverted().transform(axes.transData.transform((x, y))))


def label_ends(axes: "Axes", ends: Sequence[tuple[str, float, float]]) -> None:
    """Write each name (name, x, y) to the right of the panel, level with the end of its line.

    Names that would overlap are moved apart; these, and those of lines that stop early, get a thin
    line back to what they name.
    """
    line = 1.35 * FONT_SIZE / 72 / (0.78 * axes.get_figure().get_figheight())
    spots = [_in_axes(axes, x, y) for _, x, y in ends]
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
    """Write each name (name, x, y) beside its point, on the clearest of its eight sides.

    No name should cover the line whose corners (x, y) are to avoid.
    """
    figure = axes.get_figure()
    # The panel's size is not known before the layout; these shares are near enough for boxes.
    unit = np.array([0.84 * figure.get_figwidth(), 0.78 * figure.get_figheight()]) * 72  # points
    spots = [np.array(_in_axes(axes, x, y)) * unit for _, x, y in points]
    taken = [(spot - 6, spot + 6) for spot in spots]
    corners = np.array([_in_axes(axes, x, y) for x, y in avoid]).reshape(-1, 2) * unit
    for start, end in pairwise(corners):
        taken += [(p - 3, p + 3) for p in np.linspace(start, end, 40)]
    sides = [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1)]
    for (name, x, y), spot in zip(points, spots, strict=True):
        half = np.array([0.31 * FONT_SIZE * letters(name), 0.6 * FONT_SIZE])
        centers = [spot + np.array(side) * (half + 9) for side in sides]
        clear = [_clear(center - half, center + half, taken, unit) for center in centers]
        best = centers[clear.index(max(clear))]
        taken.append((best - half, best + half))
        axes.annotate(
            name,
            xy=(x, y),
            xytext=best - spot,
            textcoords="offset points",
            ha="center",
            va="center",
        )


def _clear(low: np.ndarray, high: np.ndarray, taken: list[tuple], unit: np.ndarray) -> float:
    """Return 0 for a box that is free and inside the panel, less the worse it is."""
    overlap = sum(
        float(np.prod(np.clip(np.minimum(high, h) - np.maximum(low, o), 0, None))) for o, h in taken
    )
    outside = float(np.clip(-low, 0, None).sum() + np.clip(high - unit, 0, None).sum())
    return -(overlap + 20 * outside)
