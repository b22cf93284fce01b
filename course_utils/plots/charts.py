"""Numbers by name: bars, histograms, points, lines, and the history of a training.

Every function takes a mapping from name to numbers and returns a Matplotlib figure. `xlabel` and
`ylabel` say what the numbers are, with their unit. A `reference` is a level to compare with, such
as chance, drawn as a line and named by `reference_label`.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from course_utils import checks
from course_utils.errors import InputError
from course_utils.formatting import fixed
from course_utils.plots.appearance import (
    BLUE,
    FAINT,
    INK,
    MARKERS,
    PAGE_WIDTH,
    PALETTE,
    SKY,
    new_figure,
    stroke,
    style,
)
from course_utils.plots.inputs import named, numbers, numeric, one_of
from course_utils.plots.labels import head, label_ends, label_points, legend_above, mark_every

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

MOST_BARS = 30
MOST_PANELS = 6
SERIES = ("training", "validation")
# Of the names of losses and metrics that are better the lower they are.
LOWER_IS_BETTER = (
    *("loss", "entropy", "error", "divergence", "logcosh", "hinge", "poisson", "perplexity"),
    *("mse", "mae", "mape", "msle", "false_positives", "false_negatives"),
)


def bars(
    values: Mapping[str, float],
    *,
    xlabel: str,
    ylabel: str,
    errors: Mapping[str, float | tuple[float, float]] | None = None,
    reference: float | None = None,
    reference_label: str = "chance",
    digits: int = 2,
) -> "Figure":
    """Draw one bar a name, with its number written at its end; bars start at 0.

    Args:
        values: Name to number, 1 to 30, drawn from top to bottom in this order.
        errors: Name to half the length of its error bar, or to (below, above), both 0 or more and
            in the unit of the values; names may be left out.
        digits: Decimals of the numbers written.

    Raises:
        InputError: A value is not a finite number, an error bar is negative or belongs to no bar,
            or there are too many bars.

    Example:
        >>> figure = bars({"MLP": 0.55, "convnet": 0.83}, xlabel="accuracy", ylabel="model")
        >>> [float(bar.get_width()) for bar in figure.axes[0].patches]
        [0.55, 0.83]
    """
    items = {
        name: float(numbers(value, where=f"bars: {name}", rank=0))
        for name, value in named(values, where="bars", most=MOST_BARS).items()
    }
    reach = _error_bars(errors or {}, items)
    if reference is not None:
        reference = float(numbers(reference, where="bars: reference", rank=0))
    with style():
        figure, [axes] = new_figure(height=1.5 + 0.52 * len(items))
        axes.barh(list(items), list(items.values()), 0.62, color=SKY, edgecolor=INK, linewidth=1.0)
        axes.set_ylim(len(items) - 0.45, -0.55)
        axes.set(xlabel=xlabel, ylabel=ylabel)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        axes.axvline(0, color="#555555", linewidth=1.0)
        look = {"ecolor": INK, "elinewidth": 1.8, "capsize": 5, "capthick": 1.8}
        for row, (name, length) in enumerate(items.items()):
            below, above = reach.get(name, (0.0, 0.0))
            if name in reach:
                axes.errorbar(length, row, xerr=[[below], [above]], fmt="none", **look)
            left = length < 0
            axes.annotate(
                fixed(length, digits),
                (length - below if left else length + above, row),
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


def histogram(series: Mapping[str, object], *, xlabel: str, bins: int = 40) -> "Figure":
    """Draw how the values of each name are spread, as outlines over the same bins.

    Args:
        series: Name to an array of any shape, such as the weights of a layer; 1 to 6.
        bins: How many equal bins from the least to the greatest value of all series, 2 to 400.

    Raises:
        InputError: A value is not finite, a series is empty, or there are too many.

    Example:
        >>> figure = histogram({"trained": [0.1, 0.1, 0.4]}, xlabel="weight", bins=3)
        >>> figure.axes[0].patches[0].get_data().values
        array([2, 0, 1])
    """
    checks.whole("bins", bins, least=2, most=400)
    flat = {
        name: numbers(np.ravel(values), where=f"histogram: {name}", rank=1)
        for name, values in named(series, where="histogram", most=len(PALETTE)).items()
    }
    edges = np.histogram_bin_edges(np.concatenate(list(flat.values())), bins=bins)
    with style():
        figure, [axes] = new_figure(height=4.8)
        outlines = []
        for index, (name, values) in enumerate(flat.items()):
            counts = np.histogram(values, edges)[0]
            look = stroke(index)
            outline = axes.stairs(
                counts,
                edges,
                label=f"{name} (standard deviation {values.std():.3g})",
                color=look.color,
                linestyle=look.linestyle,
                linewidth=2.2,
            )
            outlines.append(outline)
            axes.stairs(counts, edges, color=look.color, alpha=0.10, fill=True)
        axes.set(xlabel=xlabel, ylabel="number of values")
        axes.set_ylim(bottom=0)
        axes.margins(x=0.01)
        legend_above(figure, outlines, columns=1 if len(flat) < 3 else 2)
        axes.axhline(0, color=FAINT, linewidth=0.8)
    return figure


def scatter(
    groups: Mapping[str, object],
    *,
    xlabel: str,
    ylabel: str,
    frontier: bool = False,
    title: str | None = None,
) -> "Figure":
    """Draw named points, or named groups of points that differ in marker as well as color.

    Args:
        groups: Name to one point (x, y), labeled on the spot; or to (n, 2) points, named in a
            legend. 1 to 12 names.
        frontier: Whether to join the points that no other beats, being both further left and
            higher: less cost and more accuracy (Pareto). Single points that are beaten are hollow.
        title: Above the figure.

    Raises:
        InputError: A point is not finite or no pair, or there are too many names.

    Example:
        >>> models = {"VGG-like": (5.2, 0.90), "separable": (0.72, 0.90), "tiny": (0.04, 0.8)}
        >>> figure = scatter(models, xlabel="million parameters", ylabel="accuracy")
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['VGG-like', 'separable', 'tiny']
    """
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
    everything = np.concatenate(list(points.values()))
    best = unbeaten(everything) if frontier else everything
    # A stair: to the next one's cost at this one's height, then up.
    corners = np.repeat(best, 2, axis=0)
    corners = np.column_stack([corners[1:, 0], corners[:-1, 1]])
    with style():
        figure, [axes] = new_figure(height=5.4)
        axes.set(xlabel=xlabel, ylabel=ylabel)
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
        # The second round of colors is hollow, on top of a marker of its own.
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
    """The points (n, 2) that none beats by smaller x and larger y, from left to right."""
    order = np.lexsort((-points[:, 1], points[:, 0]))
    kept, highest = [], -np.inf
    for x, y in points[order]:
        if y > highest:
            kept.append((x, y))
            highest = y
    return np.array(kept)


def compare_lines(
    x: object,
    series: Mapping[str, object],
    *,
    xlabel: str,
    ylabel: str,
    xscale: str = "linear",
    yscale: str = "linear",
    reference: float | None = None,
    reference_label: str = "chance",
) -> "Figure":
    """Draw several named lines over the same x, each with a band from its lowest to highest seed.

    Args:
        x: (n,) positions, in the unit that `xlabel` says.
        series: Name to (n,), or to (seeds, n): the line is then the mean over seeds; 1 to 6.
        xscale: "linear" or "log"; so is `yscale`.

    Raises:
        InputError: Lengths differ, a value is not finite or not above 0 on a log scale, or there
            are too many lines.

    Example:
        >>> over_seeds = {"from scratch": [[0.6, 0.7], [0.62, 0.74]]}
        >>> figure = compare_lines([100, 200], over_seeds, xlabel="images", ylabel="accuracy")
        >>> figure.axes[0].get_lines()[0].get_ydata()
        array([0.61, 0.72])
    """
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
                band = values.min(axis=0), values.max(axis=0)
                axes.fill_between(positions, *band, color=look.color, alpha=0.16, lw=0)
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
        if seeds > 1:
            remark = f"line: mean; shade: from lowest to highest of {seeds} seeds"
            head(axes, None, remark)
    return figure


class Panel(NamedTuple):
    """One panel of `training_curves`: one metric of one run, and the epochs of its values."""

    run: str
    metric: str
    training: tuple[np.ndarray, np.ndarray]
    validation: tuple[np.ndarray, np.ndarray] | None


def training_curves(
    history: object,
    *,
    metric: str | Sequence[str] = "accuracy",
    validation_freq: int | Collection[int] = 1,
) -> "Figure":
    """Draw how a metric moved over the epochs: training solid, validation dashed, best marked.

    The best epoch of validation is the lowest of a loss, an entropy or an error, and the highest
    of other metrics.

    Args:
        history: What `fit` returned, or a mapping from metric to one value per epoch, with
            validation under `val_…`; or a mapping from run to either, drawn side by side on one
            scale. A run whose values stop being finite is drawn up to there, and it is said.
        metric: Which metric, without `val_`; or several, a panel each.
        validation_freq: As it was given to `fit`, whose history does not hold it: every how many
            epochs validation was measured, or after which epochs, counted from 1.

    Returns:
        The figure, of one to six panels.

    Raises:
        InputError: A metric is not there (those that are, are named), no epoch is finite, the
            values of validation are not as many as its epochs, or there are too many panels.

    Example:
        >>> history = {"accuracy": [0.6, 0.8, 0.9], "val_accuracy": [0.6, 0.7, 0.65]}
        >>> figure = training_curves(history)
        >>> figure.axes[0].get_ylabel()
        'accuracy'
    """
    metrics = [metric] if isinstance(metric, str) else list(metric)
    panels = [
        _panel(run, one, name, validation_freq)
        for run, one in _runs(history).items()
        for name in metrics
    ]
    if not 1 <= len(panels) <= MOST_PANELS:
        raise InputError(
            f"training_curves: expected 1 to {MOST_PANELS} panels, received {len(panels)} (runs "
            "times metrics): draw fewer, or lay their curves over each other with compare_lines"
        )
    columns = {1: 1, 2: 2, 3: 3, 4: 2}.get(len(panels), 3)
    rows = math.ceil(len(panels) / columns)
    with style():
        figure, axes = new_figure(
            rows,
            columns,
            width=PAGE_WIDTH if columns < 3 else 11.5,
            height=4.8 if columns == 1 else 4.0 * rows,
        )
        for place in axes[len(panels) :]:
            place.remove()
        axes = axes[: len(panels)]
        lines = {}
        for place, panel in zip(axes, panels, strict=True):
            lines |= _draw_panel(place, panel)
        _share_scale(axes, panels)
        if len(panels) == 1:
            finite = [line.get_xydata()[np.isfinite(line.get_ydata())] for line in lines.values()]
            label_ends(axes[0], [(n, *points[-1]) for n, points in zip(lines, finite, strict=True)])
        else:
            legend_above(figure, list(lines.values()))
    return figure


def _runs(history: object) -> dict[str, object]:
    """Each run, as what `fit` returned or a mapping; a single run has the name ''."""
    inner = getattr(history, "history", history)
    if not isinstance(inner, Mapping) or not inner:
        raise InputError(
            "training_curves: expected what fit returned, or a mapping from metric to values, "
            f'received {type(history).__name__}: pass history or {{"accuracy": [...]}}'
        )
    if all(isinstance(getattr(run, "history", run), Mapping) for run in inner.values()):
        return {str(name): run for name, run in inner.items()}
    return {"": history}


def _panel(run: str, history: object, metric: str, validation_freq: object) -> Panel:
    where = f"training_curves: {run + ': ' if run else ''}"
    values = getattr(history, "history", history)
    available = [str(name) for name in values if not str(name).startswith("val_")]
    one_of(metric, available, where=f"{where}metric")
    training = _per_epoch(values[metric], where=f"{where}{metric}")
    # Not 1 where `fit` went on from an `initial_epoch`.
    first = (getattr(history, "epoch", None) or [0])[0] + 1
    epochs = np.arange(first, first + len(training))
    name = f"val_{metric}"
    if name not in values:
        return Panel(run, metric, (epochs, training), None)
    validation = _per_epoch(values[name], where=f"{where}{name}")
    if isinstance(validation_freq, Collection):
        measured = epochs[np.isin(epochs, list(validation_freq))]
    else:
        measured = epochs[epochs % checks.whole("validation_freq", validation_freq) == 0]
    if len(measured) != len(validation):
        raise InputError(
            f"{where}{name}: expected {len(measured)} values for {len(epochs)} epochs, received "
            f"{len(validation)}: pass the validation_freq that fit was given"
        )
    return Panel(run, metric, (epochs, training), (measured, validation))


def _per_epoch(values: object, *, where: str) -> np.ndarray:
    array = numeric(values, where=where).astype(float)
    if array.ndim != 1 or not np.isfinite(array).any():
        raise InputError(
            f"{where}: expected one number per epoch, received shape {array.shape} with "
            f"{int(np.isfinite(array).sum())} finite values: train for an epoch or more, and lower "
            "the learning rate if it diverges at once"
        )
    return array


def _draw_panel(axes: "Axes", panel: Panel) -> dict[str, "Line2D"]:
    """Draw one metric of one run, above it what is to be said of it; return its lines by name."""
    lines, remarks = {}, []
    for index, (name, curve) in enumerate(zip(SERIES, panel[2:], strict=True)):
        if curve is None:
            continue
        epochs, values = curve
        [lines[name]] = axes.plot(
            epochs,
            values,
            **stroke(index)._asdict(),
            label=name,
            markevery=mark_every(len(values)),
            markerfacecolor="white" if index else None,
            markeredgewidth=1.6,
        )
        if not np.isfinite(values).all():
            remarks.append(f"{name} not finite from epoch {epochs[~np.isfinite(values)][0]} on")
    if panel.validation is not None and not remarks:
        remarks.append(_mark_best(axes, panel))
    axes.set(xlabel="epoch", ylabel=panel.metric.replace("_", " "))
    # The whole training, also where a line stops short of its end.
    first, last = panel.training[0][[0, -1]]
    axes.set_xlim(first - 0.4, max(last, first + 1) + 0.4)
    axes.xaxis.get_major_locator().set_params(integer=True)
    head(axes, panel.run, "; ".join(remarks))
    return lines


def lower_is_better(metric: str) -> bool:
    """Whether a metric of this name is better the lower it is."""
    name = metric.lower().replace("-", "_")
    return any(word in name for word in LOWER_IS_BETTER)


def _mark_best(axes: "Axes", panel: Panel) -> str:
    """Ring the best epoch of validation, and return the sentence about it."""
    epochs, values = panel.validation
    index = int(np.argmin(values) if lower_is_better(panel.metric) else np.argmax(values))
    epoch, value = int(epochs[index]), float(values[index])
    axes.axvline(epoch, color=FAINT, linewidth=1.2, linestyle=(0, (1, 2)), zorder=1)
    axes.plot([epoch], [value], "o", ms=15, mfc="none", mec="black", mew=1.6, clip_on=False)
    return f"best validation {value:.3g}, epoch {epoch}"


def _share_scale(axes: Sequence["Axes"], panels: Sequence[Panel]) -> None:
    """Give panels of the same metric the same scale, else side by side is no comparison."""
    for metric in {panel.metric for panel in panels}:
        same = [a for a, panel in zip(axes, panels, strict=True) if panel.metric == metric]
        limits = np.array([a.get_ylim() for a in same])
        for place in same:
            place.set_ylim(limits[:, 0].min(), limits[:, 1].max())
