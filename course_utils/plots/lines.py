"""Several named lines over the same x: sizes, rates, depths; with a band over seeds."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from course_utils.errors import InputError
from course_utils.plots.appearance import FAINT, PALETTE, new_figure, stroke, style
from course_utils.plots.inputs import named, numbers, one_of
from course_utils.plots.labels import head, label_ends, mark_every

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def compare_lines(
    x: object,
    series: Mapping[str, object],
    *,
    xlabel: str,
    ylabel: str,
    xscale: str = "linear",
    yscale: str = "linear",
    band: str = "range",
    reference: float | None = None,
    reference_label: str = "chance",
    title: str | None = None,
) -> "Figure":
    """Draw several named lines over the same x, each with a band over its seeds.

    Args:
        x: (n,) positions, in the unit that `xlabel` says.
        series: Name to (n,), or to (seeds, n): the line is then the mean over seeds.
        xlabel: What x is, with unit.
        ylabel: What the lines are, with unit.
        xscale: "linear" or "log".
        yscale: "linear" or "log".
        band: What the shade is: "range" (lowest to highest seed) or "deviation" (one standard
            deviation of the seeds either way).
        reference: A level to compare with, drawn as a thin line.
        reference_label: Its name.
        title: Above the figure.

    Returns:
        The figure.

    Raises:
        InputError: If lengths differ, a value is not finite or not above 0 on a log scale, or
            there are more than six lines.

    Example:
        >>> over_seeds = {"from scratch": [[0.6, 0.7], [0.62, 0.74]]}
        >>> figure = compare_lines([100, 200], over_seeds, xlabel="pictures", ylabel="accuracy")
        >>> figure.axes[0].get_lines()[0].get_ydata()
        array([0.61, 0.72])
    """
    one_of(band, ("range", "deviation"), where="compare_lines: band")
    for name, scale in (("xscale", xscale), ("yscale", yscale)):
        one_of(scale, ("linear", "log"), where=f"compare_lines: {name}")
    positions = numbers(x, where="compare_lines: x", rank=1)
    lines = {
        name: np.atleast_2d(numbers(values, where=f"compare_lines: {name}", rank=(1, 2)))
        for name, values in named(series, where="compare_lines", most=len(PALETTE)).items()
    }
    for name, values in lines.items():
        if values.shape[1] != len(positions):
            raise InputError(
                f"compare_lines: {name}: expected {len(positions)} values, one for each x, "
                f"received {values.shape[1]}: give (n,) or (seeds, n)"
            )
        for scale, what in ((xscale, positions), (yscale, values)):
            if scale == "log" and what.min() <= 0:
                raise InputError(
                    f"compare_lines: {name}: expected values above 0 on a log scale, received "
                    f'{what.min():g}: use the scale "linear"'
                )
    with style():
        figure, [axes] = new_figure(height=4.8)
        axes.set(xscale=xscale, yscale=yscale, xlabel=xlabel, ylabel=ylabel)
        for index, (name, values) in enumerate(lines.items()):
            look = stroke(index)
            axes.plot(
                positions,
                values.mean(axis=0),
                **look._asdict(),
                label=name,
                markevery=mark_every(len(positions)),
            )
            if len(values) > 1:
                axes.fill_between(
                    positions, *_band(values, band), color=look.color, alpha=0.16, lw=0
                )
        ends = [(line.get_label(), *line.get_xydata()[-1]) for line in axes.get_lines()]
        if reference is not None:
            axes.axhline(reference, color=FAINT, linewidth=1.4, linestyle=(0, (2, 2)), zorder=1)
            ends.append((reference_label, float(positions[-1]), float(reference)))
        axes.margins(x=0.03)
        if xscale == "log" and len(positions) <= 10:
            # The sizes or rates that were tried, instead of powers of ten between them.
            axes.set_xticks(positions, [f"{position:g}" for position in positions])
            axes.minorticks_off()
        label_ends(axes, ends)
        seeds = max(len(values) for values in lines.values())
        reach = "from lowest to highest" if band == "range" else "one standard deviation"
        remark = f"line: mean; shade: {reach} of {seeds} seeds" if seeds > 1 else None
        head(axes, title, remark)
    return figure


def _band(values: np.ndarray, band: str) -> tuple[np.ndarray, np.ndarray]:
    if band == "range":
        return values.min(axis=0), values.max(axis=0)
    mean, deviation = values.mean(axis=0), values.std(axis=0, ddof=1)
    return mean - deviation, mean + deviation
