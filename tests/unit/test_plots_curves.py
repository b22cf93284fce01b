"""Curves: what was given is what is drawn, the best epoch is the best, labels do not collide."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.text import Text

from course_utils import plots
from course_utils.errors import InputError

HISTORY = {
    "accuracy": [0.5, 0.7, 0.9, 0.97],
    "val_accuracy": [0.5, 0.66, 0.71, 0.69],
    "loss": [0.7, 0.5, 0.3, 0.1],
    "val_loss": [0.7, 0.6, 0.65, 0.8],
}


def _line(axes, name):
    [line] = [line for line in axes.get_lines() if line.get_label() == name]
    return line


def _texts(axes):
    return [text.get_text() for text in axes.texts]


def test_curves_hold_the_history_over_epochs_from_one():
    axes = plots.training_curves(HISTORY).axes[0]
    for name, key in (("training", "accuracy"), ("validation", "val_accuracy")):
        line = _line(axes, name)
        assert line.get_xdata().tolist() == [1, 2, 3, 4]
        assert line.get_ydata().tolist() == HISTORY[key]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "accuracy")


def test_training_is_solid_and_validation_dashed_with_other_markers():
    axes = plots.training_curves(HISTORY).axes[0]
    training, validation = _line(axes, "training"), _line(axes, "validation")
    assert training.get_linestyle() == "-"
    assert validation.get_linestyle() == "--"
    assert training.get_marker() != validation.get_marker()
    assert {"training", "validation"} <= set(_texts(axes))


@pytest.mark.parametrize(
    ("options", "epoch", "value"),
    [
        ({}, 3, 0.71),
        ({"metric": "loss"}, 2, 0.6),
        ({"metric": "loss", "best": "max"}, 4, 0.8),
        ({"best": "min"}, 1, 0.5),
    ],
)
def test_the_best_epoch_of_validation_is_ringed_and_named(options, epoch, value):
    axes = plots.training_curves(HISTORY, **options).axes[0]
    rings = [line for line in axes.get_lines() if line.get_markerfacecolor() == "none"]
    assert [ring.get_xydata().tolist() for ring in rings] == [[[epoch, value]]]
    assert f"best validation {value:.3g}, epoch {epoch}" in _texts(axes)


def test_nothing_is_marked_when_not_wanted_or_without_validation():
    for figure in (
        plots.training_curves(HISTORY, best="none"),
        plots.training_curves({"accuracy": [0.5, 0.6]}),
    ):
        assert not any("best" in text for text in _texts(figure.axes[0]))


def test_what_fit_returned_and_runs_of_it_are_taken():
    fitted = SimpleNamespace(history=HISTORY)
    assert len(plots.training_curves(fitted).axes) == 1
    figure = plots.training_curves({"scratch": fitted, "augmented": HISTORY}, title="Two runs")
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["scratch", "augmented"]
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["training", "validation"]
    assert legend.get_title().get_text() == "Two runs"


def test_runs_side_by_side_have_one_scale_for_each_metric():
    worse = {key: [value / 2 for value in values] for key, values in HISTORY.items()}
    runs = {"one": HISTORY, "other": worse}
    figure = plots.training_curves(runs, metric=["accuracy", "loss"])
    limits = [axes.get_ylim() for axes in figure.axes]
    assert limits[0] == limits[2]
    assert limits[1] == limits[3]
    assert limits[0][0] <= 0.25
    assert limits[0][1] >= 0.97


def test_a_training_that_diverges_is_drawn_up_to_there_and_it_is_said():
    history = {"loss": [1.0, 0.5, np.nan, np.nan], "val_loss": [1.0, np.inf, np.nan, np.nan]}
    axes = plots.training_curves(history, metric="loss").axes[0]
    remark = "training not finite from epoch 3 on; validation not finite from epoch 2 on"
    assert remark in _texts(axes)
    assert axes.get_xlim()[1] > 4


def test_long_histories_keep_a_marker_at_their_end():
    axes = plots.training_curves({"accuracy": np.linspace(0, 1, 97)}).axes[0]
    first, step = _line(axes, "training").get_markevery()
    marked = list(range(97))[first::step]
    assert marked[-1] == 96
    assert len(marked) <= 25


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: plots.training_curves(HISTORY, metric="acc"),
            "expected one of 'accuracy', 'loss', received 'acc': did you mean 'accuracy'?",
        ),
        (
            lambda: plots.training_curves({"one": HISTORY}, metric="auc"),
            "training_curves: one: metric: expected one of",
        ),
        (lambda: plots.training_curves([1, 2]), "expected what fit returned, or a mapping"),
        (lambda: plots.training_curves({}), "expected what fit returned, or a mapping"),
        (
            lambda: plots.training_curves({"accuracy": [np.nan]}),
            "with 0 finite values: train for an epoch or more, and lower the learning rate",
        ),
        (
            lambda: plots.training_curves(dict.fromkeys("abcdefg", HISTORY)),
            "expected 1 to 6 panels, received 7",
        ),
        (lambda: plots.training_curves(HISTORY, best="top"), "best: expected one of 'auto'"),
    ],
)
def test_histories_that_cannot_be_drawn_are_refused(call, said):
    with pytest.raises(InputError, match=said.replace("?", r"\?")):
        call()


def test_lines_are_means_over_seeds_and_bands_their_range():
    seeds = np.array([[1.0, 2.0, 6.0], [3.0, 2.0, 0.0]])
    axes = plots.compare_lines(
        [1, 2, 4], {"a": seeds, "b": [5, 5, 5]}, xlabel="x", ylabel="y"
    ).axes[0]
    assert _line(axes, "a").get_ydata().tolist() == [2, 2, 3]
    assert _line(axes, "b").get_ydata().tolist() == [5, 5, 5]
    [band] = axes.collections
    corners = band.get_paths()[0].vertices
    for x, low, high in ((1, 1, 3), (2, 2, 2), (4, 0, 6)):
        at = corners[corners[:, 0] == x, 1]
        assert (at.min(), at.max()) == (low, high)
    assert "line: mean; shade: from lowest to highest of 2 seeds" in _texts(axes)


def test_a_band_of_deviations_is_that_of_the_sample():
    seeds = np.array([[0.0], [2.0], [4.0]])
    axes = plots.compare_lines([1], {"a": seeds}, xlabel="x", ylabel="y", band="deviation").axes[0]
    corners = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert (corners.min(), corners.max()) == (0.0, 4.0)  # 2 less and more the deviation of 2


def test_sizes_tried_are_written_at_a_log_axis():
    axes = plots.compare_lines(
        [50, 400, 1600], {"a": [1, 2, 3]}, xlabel="pictures", ylabel="y", xscale="log"
    ).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["50", "400", "1600"]


def test_labels_of_lines_that_end_together_do_not_cover_each_other():
    close = {f"network {i}": [0.1 * i, 0.9 + 0.001 * i] for i in range(5)}
    figure = plots.compare_lines([1, 2], close, xlabel="x", ylabel="y", reference=0.9)
    figure.canvas.draw()
    # Of the name alone, without the thin line back to its curve.
    boxes = [Text.get_window_extent(name) for name in figure.axes[0].texts]
    assert len(boxes) == 6
    for one, other in itertools.combinations(boxes, 2):
        assert not one.overlaps(other)


def test_every_line_has_dashes_and_marker_of_its_own():
    figure = plots.compare_lines([1, 2], {str(i): [i, i] for i in range(6)}, xlabel="x", ylabel="y")
    lines = figure.axes[0].get_lines()
    assert len({line.get_marker() for line in lines}) == 6
    assert len({str(line._unscaled_dash_pattern) for line in lines}) == 6
