"""Points in the plane: a trade-off between two measures, or an embedding by class."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from course_utils.errors import InputError
from course_utils.plots.appearance import BLUE, FAINT, INK, MARKERS, PALETTE, new_figure, style
from course_utils.plots.inputs import named, numbers, one_of
from course_utils.plots.labels import label_points

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def scatter(
    groups: Mapping[str, object],
    *,
    xlabel: str,
    ylabel: str,
    xscale: str = "linear",
    frontier: bool = False,
    title: str | None = None,
) -> "Figure":
    """Draw named points, or named groups of points that differ in marker as well as colour.

    Args:
        groups: Name to one point (x, y), labelled on the spot; or to (n, 2) points, named in a
            legend. At most 12 names.
        xlabel: What x is, with unit.
        ylabel: What y is, with unit.
        xscale: "linear" or "log".
        frontier: Whether to join the points that no other beats, being both further left and
            higher: less cost and more accuracy (Pareto). Single points that are beaten are hollow.
        title: Above the figure.

    Returns:
        The figure.

    Raises:
        InputError: If a point is not finite or not above 0 on a log scale, or there are more than
            12 names.

    Example:
        >>> models = {"VGG-like": (5.2e6, 0.90), "separable": (7.2e5, 0.90), "tiny": (4e4, 0.8)}
        >>> figure = scatter(models, xlabel="parameters", ylabel="accuracy", xscale="log")
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['VGG-like', 'separable', 'tiny']
    """
    one_of(xscale, ("linear", "log"), where="scatter: xscale")
    points = {
        name: np.atleast_2d(numbers(value, where=f"scatter: {name}", rank=(1, 2)))
        for name, value in named(groups, where="scatter", most=len(MARKERS)).items()
    }
    for name, value in points.items():
        if value.shape[1] != 2:
            raise InputError(
                f"scatter: {name}: expected a point (x, y) or points (n, 2), received shape "
                f"{value.shape}: reduce an embedding to two columns first"
            )
        if xscale == "log" and value[:, 0].min() <= 0:
            raise InputError(
                f"scatter: {name}: expected x above 0 on a log scale, received "
                f'{value[:, 0].min():g}: use xscale="linear"'
            )
    everything = np.concatenate(list(points.values()))
    best = unbeaten(everything) if frontier else everything
    # A stair: to the next one's cost at this one's height, then up.
    corners = np.repeat(best, 2, axis=0)
    corners = np.column_stack([corners[1:, 0], corners[:-1, 1]])
    with style():
        figure, [axes] = new_figure(height=5.4)
        axes.set(xscale=xscale, xlabel=xlabel, ylabel=ylabel)
        if frontier:
            axes.plot(*corners.T, color=FAINT, linewidth=1.6, linestyle=(0, (4, 2)))
        if all(len(value) == 1 for value in points.values()):
            for name, value in points.items():
                among = bool((value == best).all(axis=1).any())
                ink = {"mfc": BLUE if among else "white", "mec": INK, "mew": 1.4}
                axes.plot(*value.T, "o", ms=11, label=name, **ink)
            axes.margins(0.12)
            ends = [(name, *value[0]) for name, value in points.items()]
            label_points(axes, ends, avoid=corners if frontier else ())
        else:
            _draw_groups(axes, points)
            figure.legend(loc="outside right upper", handlelength=1.2)
        if title:
            axes.set_title(title)
    return figure


def _draw_groups(axes: "Axes", points: Mapping[str, np.ndarray]) -> None:
    for index, (name, value) in enumerate(points.items()):
        color = PALETTE[index % len(PALETTE)]
        # The second round of colours is hollow, on top of a marker of its own.
        hollow = index >= len(PALETTE)
        axes.plot(
            *value.T,
            label=name,
            linestyle="none",
            marker=MARKERS[index],
            color=color,
            markerfacecolor="white" if hollow else color,
            markeredgewidth=1.6 if hollow else 0.0,
            alpha=0.75,
        )
    axes.margins(0.05)


def unbeaten(points: np.ndarray) -> np.ndarray:
    """Return the points (n, 2) that none beats by smaller x and larger y, from left to right.

    Example:
        >>> unbeaten(np.array([[1, 0.5], [2, 0.4], [3, 0.9]])).tolist()
        [[1.0, 0.5], [3.0, 0.9]]
    """
    order = np.lexsort((-points[:, 1], points[:, 0]))
    kept, highest = [], -np.inf
    for x, y in points[order]:
        if y > highest:
            kept.append((x, y))
            highest = y
    return np.array(kept)
