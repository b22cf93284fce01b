"""Bars, histograms and points: lengths, counts and frontiers against values worked by hand."""

import itertools

import numpy as np
import pytest

from course_utils import plots
from course_utils.plots.points import unbeaten


def test_bars_start_at_zero_stand_in_order_and_carry_their_numbers():
    values = {"scratch": 0.72, "augmented": 0.834, "tail": -0.1}
    axes = plots.bars(values, xlabel="accuracy", ylabel="recipe").axes[0]
    assert [bar.get_x() for bar in axes.patches] == [0, 0, 0]
    assert [bar.get_width() for bar in axes.patches] == list(values.values())
    assert [text.get_text() for text in axes.texts] == ["0.72", "0.83", "−0.10"]
    figure = axes.get_figure()
    figure.canvas.draw()
    heights = [bar.get_window_extent().y0 for bar in axes.patches]
    assert heights == sorted(heights, reverse=True)  # the first on top


def test_error_bars_reach_as_far_as_said():
    axes = plots.bars(
        {"a": 5.0, "b": 3.0, "c": 1.0}, xlabel="x", ylabel="y", errors={"a": 1.0, "c": (0.5, 2.0)}
    ).axes[0]
    [lines] = axes.collections
    ends = [segment[:, 0].tolist() for segment in lines.get_segments()]
    assert ends == [[4.0, 6.0], [0.5, 3.0]]


def test_the_reference_is_drawn_and_named():
    axes = plots.bars(
        {"a": 0.8}, xlabel="x", ylabel="y", reference=0.1, reference_label="one in ten"
    ).axes[0]
    assert [0.1, 0.1] in [list(line.get_xdata()) for line in axes.get_lines()]
    assert "one in ten" in [text.get_text() for text in axes.texts]


def test_histograms_count_over_common_bins():
    series = {"a": [0.0, 0.0, 0.9], "b": np.array([[2.0, 2.0], [0.5, 1.9]])}
    axes = plots.histogram(series, xlabel="weight", bins=2).axes[0]
    counts = [stairs.get_data().values.tolist() for stairs in axes.patches[::2]]
    assert counts == [[3, 0], [1, 3]]
    assert axes.patches[0].get_data().edges.tolist() == [0, 1, 2]
    assert axes.get_ylabel() == "number of values"


def test_shares_add_up_to_one_for_each_series():
    rng = np.random.default_rng(0)
    series = {"few": rng.normal(size=50), "many": rng.normal(size=5000)}
    axes = plots.histogram(series, xlabel="weight", density=True).axes[0]
    for stairs in axes.patches:
        assert stairs.get_data().values.sum() == pytest.approx(1.0)
    assert axes.get_ylabel() == "share of values"


def test_the_frontier_is_what_no_other_point_beats():
    rng = np.random.default_rng(1)
    for _ in range(20):
        points = rng.integers(0, 8, (12, 2)).astype(float)
        kept = {tuple(point) for point in unbeaten(points)}
        for x, y in points:
            beaten = any((ox <= x and oy >= y) and (ox < x or oy > y) for ox, oy in points)
            assert ((x, y) in kept) == (not beaten)


def test_beaten_points_are_hollow_when_a_frontier_is_drawn():
    axes = plots.scatter(
        {"small": (1, 0.8), "large": (9, 0.9), "waste": (8, 0.7)},
        xlabel="cost",
        ylabel="accuracy",
        frontier=True,
    ).axes[0]
    white = {
        line.get_label(): line.get_markerfacecolor() == "white"
        for line in axes.get_lines()
        if line.get_marker() == "o"
    }
    assert white == {"small": False, "large": False, "waste": True}


def test_names_of_points_cover_neither_each_other_nor_a_point():
    rng = np.random.default_rng(3)
    models = {f"model {i}": tuple(rng.random(2)) for i in range(9)}
    figure = plots.scatter(models, xlabel="cost", ylabel="accuracy")
    figure.canvas.draw()
    axes = figure.axes[0]
    boxes = [text.get_window_extent() for text in axes.texts]
    for one, other in itertools.combinations(boxes, 2):
        assert not one.overlaps(other)
    spots = axes.transData.transform(list(models.values()))
    assert not any(box.contains(*spot) for box in boxes for spot in spots)


def test_groups_differ_in_marker_and_are_named_in_a_legend():
    groups = {f"class {i}": np.random.default_rng(i).normal(size=(5, 2)) for i in range(12)}
    figure = plots.scatter(groups, xlabel="first", ylabel="second")
    assert len({line.get_marker() for line in figure.axes[0].get_lines()}) == 12
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(groups)
