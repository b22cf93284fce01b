"""Amounts: one number a name as bars, many numbers a name as histogram outlines."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from course_utils.errors import InputError
from course_utils.plots.appearance import FAINT, INK, PALETTE, SKY, new_figure, stroke, style
from course_utils.plots.inputs import named, numbers, one_of
from course_utils.plots.labels import fixed, legend_above

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_BARS = 30


def bars(
    values: Mapping[str, float],
    *,
    xlabel: str,
    ylabel: str,
    errors: Mapping[str, float | tuple[float, float]] | None = None,
    reference: float | None = None,
    reference_label: str = "chance",
    digits: int = 2,
    title: str | None = None,
) -> "Figure":
    """Draw one bar a name, with its number written at its end; bars start at 0.

    Args:
        values: Name to number, drawn from top to bottom in this order.
        xlabel: What the numbers are, with unit.
        ylabel: What the names are names of.
        errors: Name to half the length of its error bar, or to (below, above), both 0 or more and
            in the unit of the values; names may be left out.
        reference: A level to compare with, such as chance.
        reference_label: Its name.
        digits: Decimals of the numbers written.
        title: Above the figure.

    Returns:
        The figure.

    Raises:
        InputError: If a value is not a finite number, an error bar is negative or belongs to no
            bar, or there are more than 30 bars.

    Example:
        >>> figure = bars({"MLP": 0.55, "convnet": 0.83}, xlabel="accuracy", ylabel="model")
        >>> [float(bar.get_width()) for bar in figure.axes[0].patches]
        [0.55, 0.83]
    """
    items = {
        name: float(numbers(value, where=f"bars: {name}", rank=0))
        for name, value in named(values, where="bars", most=MOST_BARS).items()
    }
    reach = dict.fromkeys(items, (0.0, 0.0)) | _error_bars(errors or {}, items)
    low, high = np.array([reach[name] for name in items]).T
    lengths = np.array(list(items.values()))
    if reference is not None:
        reference = float(numbers(reference, where="bars: reference", rank=0))
    with style():
        figure, [axes] = new_figure(height=1.5 + 0.52 * len(items))
        axes.barh(list(items), lengths, height=0.62, color=SKY, edgecolor=INK, linewidth=1.0)
        axes.set_ylim(len(items) - 0.45, -0.55)
        axes.set(xlabel=xlabel, ylabel=ylabel)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        axes.axvline(0, color="#555555", linewidth=1.0)
        shown = [i for i, name in enumerate(items) if name in (errors or {})]
        if shown:
            axes.errorbar(
                lengths[shown],
                shown,
                xerr=[low[shown], high[shown]],
                fmt="none",
                ecolor=INK,
                elinewidth=1.8,
                capsize=5,
                capthick=1.8,
            )
        for row, length in enumerate(lengths):
            left = length < 0
            axes.annotate(
                fixed(length, digits),
                (length - low[row] if left else length + high[row], row),
                xytext=(-7 if left else 7, 0),
                textcoords="offset points",
                ha="right" if left else "left",
                va="center",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
            )
        if reference is not None:
            axes.axvline(reference, color="black", linewidth=1.6, linestyle=(0, (4, 2)))
            axes.annotate(
                reference_label,
                (reference, 1),
                xycoords=("data", "axes fraction"),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                va="bottom",
            )
        axes.margins(x=0.12)
        if title:
            axes.set_title(title, pad=26 if reference is not None else 10)
    return figure


def _error_bars(errors: Mapping, items: Mapping) -> dict[str, tuple[float, float]]:
    pairs = {}
    for name, error in errors.items():
        one_of(name, list(items), where="bars: errors")
        pair = np.broadcast_to(numbers(error, where=f"bars: errors: {name}", rank=(0, 1)), (2,))
        if pair.min() < 0:
            raise InputError(
                f"bars: errors: {name}: expected lengths of 0 or more, received {pair.min():g}: "
                "give distances from the value, not the ends of the interval"
            )
        pairs[name] = (float(pair[0]), float(pair[1]))
    return pairs


def histogram(
    series: Mapping[str, object],
    *,
    xlabel: str,
    bins: int = 40,
    density: bool = False,
    title: str | None = None,
) -> "Figure":
    """Draw how the values of each name are spread, as outlines over the same bins.

    Args:
        series: Name to an array of any shape, such as the weights of a layer.
        xlabel: What the values are, with unit.
        bins: How many equal bins from the least to the greatest value of all series, 2 to 400.
        density: Whether to draw the share of values in each bin instead of their number, to
            compare series of unequal size.
        title: Above the figure.

    Returns:
        The figure.

    Raises:
        InputError: If a value is not finite, a series is empty, or there are more than six.

    Example:
        >>> figure = histogram({"trained": [0.1, 0.1, 0.4]}, xlabel="weight", bins=3)
        >>> figure.axes[0].patches[0].get_data().values
        array([2., 0., 1.])
    """
    if not isinstance(bins, int) or not 2 <= bins <= 400:
        raise InputError(f"histogram: expected 2 to 400 bins, received {bins!r}: choose bins=40")
    flat = {
        name: numbers(np.ravel(values), where=f"histogram: {name}", rank=1)
        for name, values in named(series, where="histogram", most=len(PALETTE)).items()
    }
    everything = np.concatenate(list(flat.values()))
    edges = np.histogram_bin_edges(everything, bins=bins)
    with style():
        figure, [axes] = new_figure(height=4.8)
        outlines = []
        for index, (name, values) in enumerate(flat.items()):
            counts = np.histogram(values, edges)[0].astype(float)
            heights = counts / len(values) if density else counts
            look = stroke(index)
            outline = axes.stairs(
                heights,
                edges,
                label=f"{name} (standard deviation {values.std():.3g})",
                color=look.color,
                linestyle=look.linestyle,
                linewidth=2.2,
            )
            outlines.append(outline)
            axes.stairs(heights, edges, color=look.color, alpha=0.10, fill=True)
        axes.set(xlabel=xlabel, ylabel="share of values" if density else "number of values")
        axes.set_ylim(bottom=0)
        axes.margins(x=0.01)
        legend_above(figure, outlines, title=title, columns=1 if len(flat) < 3 else 2)
        axes.axhline(0, color=FAINT, linewidth=0.8)
    return figure
