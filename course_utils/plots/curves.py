"""The history of a training: how its metrics moved over the epochs."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from course_utils.errors import InputError
from course_utils.plots.appearance import FAINT, PAGE_WIDTH, new_figure, stroke, style
from course_utils.plots.inputs import numeric, one_of
from course_utils.plots.labels import head, label_ends, legend_above, mark_every

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

MOST_PANELS = 6
NAMES = ("training", "validation")
LOWER_IS_BETTER = ("loss", "error", "mse", "mae", "divergence")


class Panel(NamedTuple):
    """One panel of `training_curves`: one metric of one run."""

    run: str
    metric: str
    training: np.ndarray
    validation: np.ndarray | None


def training_curves(
    history: object,
    *,
    metric: str | Sequence[str] = "accuracy",
    best: str = "auto",
    title: str | None = None,
) -> "Figure":
    """Draw how a metric moved over the epochs: training solid, validation dashed, best marked.

    Args:
        history: What `fit` returned, or a mapping from metric to one value per epoch, with
            validation under `val_…`; or a mapping from run to either, drawn side by side on one
            scale. A run whose values stop being finite is drawn up to there, and it is said.
        metric: Which metric, without `val_`; or several, a panel each.
        best: Which epoch of validation is marked: "max", "min", "auto" (lowest for losses and
            errors, highest otherwise) or "none".
        title: Above the whole figure.

    Returns:
        The figure, at most six panels.

    Raises:
        InputError: If a metric is not there (those that are, are named), no epoch is finite, or
            there are too many panels.

    Example:
        >>> history = {"accuracy": [0.6, 0.8, 0.9], "val_accuracy": [0.6, 0.7, 0.65]}
        >>> figure = training_curves(history)
        >>> figure.axes[0].get_ylabel()
        'accuracy'
    """
    one_of(best, ("auto", "max", "min", "none"), where="training_curves: best")
    metrics = [metric] if isinstance(metric, str) else list(metric)
    panels = [
        _panel(run, values, name) for run, values in _runs(history).items() for name in metrics
    ]
    if not 1 <= len(panels) <= MOST_PANELS:
        raise InputError(
            f"training_curves: expected 1 to {MOST_PANELS} panels, received {len(panels)} (runs "
            "times metrics): draw fewer, or lay their curves over each other with compare_lines"
        )
    columns = {1: 1, 2: 2, 3: 3, 4: 2}.get(len(panels), 3)
    rows = math.ceil(len(panels) / columns)
    height = 4.8 if columns == 1 else 4.0 * rows
    with style():
        figure, axes = new_figure(
            rows, columns, width=PAGE_WIDTH if columns < 3 else 11.5, height=height
        )
        remarks = [
            _draw_panel(place, panel, best=best) for place, panel in zip(axes, panels, strict=False)
        ]
        for place in axes[len(panels) :]:
            place.remove()
        _share_scale(axes, panels)
        lines = {
            line.get_label(): line
            for place in axes[: len(panels)]
            for line in place.get_lines()
            if line.get_label() in NAMES
        }
        if len(panels) == 1:
            label_ends(axes[0], [(name, *_last_point(line)) for name, line in lines.items()])
            head(axes[0], title or panels[0].run, remarks[0])
        else:
            legend_above(figure, list(lines.values()), title=title)
    return figure


def _runs(history: object) -> dict[str, Mapping]:
    """Return the metrics of each run; a single run has the name ''."""
    inner = getattr(history, "history", history)
    if not isinstance(inner, Mapping) or not inner:
        raise InputError(
            "training_curves: expected what fit returned, or a mapping from metric to values, "
            f'received {type(history).__name__}: pass history or {{"accuracy": [...]}}'
        )
    values = [getattr(value, "history", value) for value in inner.values()]
    if all(isinstance(value, Mapping) for value in values):
        return {str(name): value for name, value in zip(inner, values, strict=True)}
    return {"": inner}


def _panel(run: str, values: Mapping, metric: str) -> Panel:
    where = f"training_curves: {run + ': ' if run else ''}"
    available = [str(name) for name in values if not str(name).startswith("val_")]
    one_of(metric, available, where=f"{where}metric")
    validation = values.get(f"val_{metric}")
    return Panel(
        run,
        metric,
        _epochs(values[metric], where=f"{where}{metric}"),
        None if validation is None else _epochs(validation, where=f"{where}val_{metric}"),
    )


def _epochs(values: object, *, where: str) -> np.ndarray:
    array = numeric(values, where=where).astype(float)
    if array.ndim != 1 or not np.isfinite(array).any():
        raise InputError(
            f"{where}: expected one number per epoch, received shape {array.shape} with "
            f"{int(np.isfinite(array).sum())} finite values: train for an epoch or more, and lower "
            "the learning rate if it diverges at once"
        )
    return array


def _draw_panel(axes: "Axes", panel: Panel, *, best: str) -> str | None:
    """Draw one metric of one run, and return the remark that stands above it."""
    remarks = []
    for index, (name, values) in enumerate(zip(NAMES, panel[2:], strict=True)):
        if values is None:
            continue
        epochs = np.arange(1, len(values) + 1)
        axes.plot(
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
    if panel.validation is not None and best != "none" and not remarks:
        remarks.append(_mark_best(axes, panel, best))
    axes.set(xlabel="epoch", ylabel=panel.metric.replace("_", " "))
    # The whole training, also where a line stops short of its end.
    axes.set_xlim(0.6, max(len(panel.training), 2) + 0.4)
    axes.xaxis.get_major_locator().set_params(integer=True)
    remark = "; ".join(remarks) or None
    head(axes, panel.run, remark)
    return remark


def _last_point(line: "Line2D") -> tuple[float, float]:
    points = line.get_xydata()
    return tuple(points[np.isfinite(points).all(axis=1)][-1])


def _mark_best(axes: "Axes", panel: Panel, best: str) -> str:
    """Ring the best epoch of validation, and return the sentence about it."""
    lower = best == "min" or (
        best == "auto" and any(word in panel.metric.lower() for word in LOWER_IS_BETTER)
    )
    index = int(np.argmin(panel.validation) if lower else np.argmax(panel.validation))
    value = float(panel.validation[index])
    axes.axvline(index + 1, color=FAINT, linewidth=1.2, linestyle=(0, (1, 2)), zorder=1)
    axes.plot([index + 1], [value], "o", ms=15, mfc="none", mec="black", mew=1.6, clip_on=False)
    return f"best validation {value:.3g}, epoch {index + 1}"


def _share_scale(axes: Sequence["Axes"], panels: Sequence[Panel]) -> None:
    """Give panels of the same metric the same scale, else side by side is no comparison."""
    for metric in {panel.metric for panel in panels}:
        same = [a for a, panel in zip(axes, panels, strict=False) if panel.metric == metric]
        limits = np.array([a.get_ylim() for a in same])
        for place in same:
            place.set_ylim(limits[:, 0].min(), limits[:, 1].max())
