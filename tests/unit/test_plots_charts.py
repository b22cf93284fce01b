"""Bars, histograms, points and curves: what is drawn is what was given; no names collide."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.text import Text

from course_utils import plots
from course_utils.plots.charts import lower_is_better, unbeaten
from course_utils.plots.labels import spread, wrap

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


def test_bars_start_at_zero_stand_in_order_and_carry_their_numbers():
    values = {"scratch": 0.72, "augmented": 0.834, "tail": -0.1}
    figure = plots.bars(values, xlabel="accuracy", ylabel="recipe")
    [axes] = figure.axes
    assert [bar.get_x() for bar in axes.patches] == [0, 0, 0]
    assert [bar.get_width() for bar in axes.patches] == list(values.values())
    assert _texts(axes) == ["0.72", "0.83", "−0.10"]
    figure.canvas.draw()
    heights = [bar.get_window_extent().y0 for bar in axes.patches]
    assert heights == sorted(heights, reverse=True)  # the first on top


def test_error_bars_reach_as_far_as_said():
    axes = plots.bars(
        {"a": 5.0, "b": 3.0, "c": 1.0}, xlabel="x", ylabel="y", errors={"a": 1.0, "c": (0.5, 2.0)}
    ).axes[0]
    segments = [one for lines in axes.collections for one in lines.get_segments()]
    assert [(one[0, 1], *one[:, 0]) for one in segments] == [(0, 4.0, 6.0), (2, 0.5, 3.0)]


def test_the_reference_is_drawn_and_named():
    axes = plots.bars(
        {"a": 0.8}, xlabel="x", ylabel="y", reference=0.1, reference_label="one in ten"
    ).axes[0]
    assert [0.1, 0.1] in [list(line.get_xdata()) for line in axes.get_lines()]
    assert "one in ten" in _texts(axes)


def test_histograms_count_over_common_bins():
    series = {"a": [0.0, 0.0, 0.9], "b": np.array([[2.0, 2.0], [0.5, 1.9]])}
    axes = plots.histogram(series, xlabel="weight", bins=2).axes[0]
    counts = [stairs.get_data().values.tolist() for stairs in axes.patches[::2]]
    assert counts == [[3, 0], [1, 3]]
    assert axes.patches[0].get_data().edges.tolist() == [0, 1, 2]


def test_the_frontier_is_what_no_other_point_beats():
    rng = np.random.default_rng(1)
    for _ in range(20):
        points = rng.integers(0, 8, (12, 2)).astype(float)
        kept = {tuple(point) for point in unbeaten(points)}
        for x, y in points:
            beaten = any((ox <= x and oy >= y) and (ox < x or oy > y) for ox, oy in points)
            assert ((x, y) in kept) == (not beaten)


def test_beaten_points_are_hollow_when_a_frontier_is_drawn():
    models = {"small": (1, 0.8), "large": (9, 0.9), "waste": (8, 0.7)}
    axes = plots.scatter(models, xlabel="cost", ylabel="accuracy", frontier=True).axes[0]
    inks = {name: _line(axes, name).get_markerfacecolor() for name in models}
    assert [name for name, ink in inks.items() if ink == "white"] == ["waste"]


def test_names_of_points_cover_neither_each_other_nor_a_point():
    rng = np.random.default_rng(3)
    models = {f"model {i}": tuple(rng.random(2)) for i in range(9)}
    figure = plots.scatter(models, xlabel="cost", ylabel="accuracy")
    figure.canvas.draw()
    [axes] = figure.axes
    boxes = [text.get_window_extent() for text in axes.texts]
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
    spots = axes.transData.transform(list(models.values()))
    assert not any(box.contains(*spot) for box in boxes for spot in spots)


def test_groups_differ_in_marker_and_are_named_in_a_legend():
    groups = {f"class {i}": np.random.default_rng(i).normal(size=(5, 2)) for i in range(12)}
    figure = plots.scatter(groups, xlabel="first", ylabel="second")
    assert len({line.get_marker() for line in figure.axes[0].get_lines()}) == 12
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(groups)


def test_lines_are_means_over_seeds_and_bands_their_range():
    seeds = np.array([[1.0, 2.0, 6.0], [3.0, 2.0, 0.0]])
    series = {"a": seeds, "b": [5, 5, 5]}
    axes = plots.compare_lines([1, 2, 4], series, xlabel="x", ylabel="y").axes[0]
    assert _line(axes, "a").get_ydata().tolist() == [2, 2, 3]
    assert _line(axes, "b").get_ydata().tolist() == [5, 5, 5]
    [band] = axes.collections
    corners = band.get_paths()[0].vertices
    for x, low, high in ((1, 1, 3), (2, 2, 2), (4, 0, 6)):
        at = corners[corners[:, 0] == x, 1]
        assert (at.min(), at.max()) == (low, high)
    assert any("2 seeds" in text for text in _texts(axes))


def test_sizes_tried_are_written_at_a_log_axis():
    axes = plots.compare_lines(
        [50, 400, 1600], {"a": [1, 2, 3]}, xlabel="images", ylabel="y", xscale="log"
    ).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["50", "400", "1600"]


def test_labels_of_lines_that_end_together_do_not_cover_each_other():
    close = {f"network {i}": [0.1 * i, 0.9 + 0.001 * i] for i in range(5)}
    figure = plots.compare_lines([1, 2], close, xlabel="x", ylabel="y", reference=0.9)
    figure.canvas.draw()
    # Of the name alone, without the thin line back to its curve.
    boxes = [Text.get_window_extent(name) for name in figure.axes[0].texts]
    assert len(boxes) == 6
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


def test_every_line_has_dashes_and_marker_of_its_own():
    figure = plots.compare_lines([1, 2], {str(i): [i, i] for i in range(6)}, xlabel="x", ylabel="y")
    lines = figure.axes[0].get_lines()
    assert len({line.get_marker() for line in lines}) == 6
    assert len({str(line._unscaled_dash_pattern) for line in lines}) == 6


def test_curves_hold_the_history_over_epochs_from_one():
    axes = plots.training_curves(HISTORY).axes[0]
    for name, key in (("training", "accuracy"), ("validation", "val_accuracy")):
        line = _line(axes, name)
        assert line.get_xdata().tolist() == [1, 2, 3, 4]
        assert line.get_ydata().tolist() == HISTORY[key]
    training, validation = _line(axes, "training"), _line(axes, "validation")
    assert (training.get_linestyle(), validation.get_linestyle()) == ("-", "--")
    assert training.get_marker() != validation.get_marker()
    assert {"training", "validation"} <= set(_texts(axes))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "accuracy")


@pytest.mark.parametrize(("metric", "epoch", "value"), [("accuracy", 3, 0.71), ("loss", 2, 0.6)])
def test_the_best_epoch_of_validation_is_ringed_and_named(metric, epoch, value):
    axes = plots.training_curves(HISTORY, metric=metric).axes[0]
    rings = [line for line in axes.get_lines() if line.get_markerfacecolor() == "none"]
    assert [ring.get_xydata().tolist() for ring in rings] == [[[epoch, value]]]
    assert f"best validation {value:.3g}, epoch {epoch}" in _texts(axes)


def test_nothing_is_marked_without_validation():
    axes = plots.training_curves({"accuracy": [0.5, 0.6]}).axes[0]
    assert not any("best" in text for text in _texts(axes))


def test_which_metrics_fall_is_what_keras_says():
    keras = pytest.importorskip("keras")
    judged = {}
    for kind in vars(keras.metrics).values():
        if isinstance(kind, type) and issubclass(kind, keras.Metric):
            try:
                metric = kind()
            except TypeError:  # asks for more than a name
                continue
            judged[metric.name] = getattr(metric, "_direction", None)
    falling = {name for name, direction in judged.items() if direction == "down"}
    rising = {name for name, direction in judged.items() if direction == "up"}
    assert {"categorical_crossentropy", "mean_squared_error", "poisson"} <= falling
    assert {"auc", "cosine_similarity", "r2_score"} <= rising
    assert {name: lower_is_better(name) for name in falling | rising} == {
        name: name in falling for name in falling | rising
    }
    assert all(map(lower_is_better, ("loss", "head_loss", "mse", "mae", "out_binary_crossentropy")))


@pytest.mark.parametrize(("freq", "first"), [(1, 2), (4, 0), (5, 2), ([2, 3, 7], 0)])
def test_validation_stands_at_the_epochs_at_which_keras_measured_it(freq, first):
    keras = pytest.importorskip("keras")
    measured, epoch = [], []

    class Watch(keras.callbacks.Callback):
        def on_epoch_begin(self, number, logs=None):
            epoch[:] = [number + 1]

        def on_test_begin(self, logs=None):
            measured.extend(epoch)

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    x, y = np.ones((2, 4)), np.zeros(2)
    history = model.fit(
        *(x, y),
        validation_data=(x, y),
        validation_freq=freq,
        initial_epoch=first,
        epochs=10,
        verbose=0,
        callbacks=[Watch()],
    )
    axes = plots.training_curves(history, metric="loss", validation_freq=freq).axes[0]
    assert _line(axes, "validation").get_xdata().tolist() == measured
    assert _line(axes, "training").get_xdata().tolist() == list(range(first + 1, 11))
    best = measured[int(np.argmin(history.history["val_loss"]))]
    assert any(text.endswith(f"epoch {best}") for text in _texts(axes))


def test_what_fit_returned_and_runs_of_it_are_taken():
    fitted = SimpleNamespace(history=HISTORY)
    assert len(plots.training_curves(fitted).axes) == 1
    figure = plots.training_curves({"scratch": fitted, "augmented": HISTORY})
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["scratch", "augmented"]
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["training", "validation"]


def test_runs_side_by_side_have_one_scale_for_each_metric():
    worse = {key: [value / 2 for value in values] for key, values in HISTORY.items()}
    figure = plots.training_curves({"one": HISTORY, "other": worse}, metric=["accuracy", "loss"])
    limits = [axes.get_ylim() for axes in figure.axes]
    assert limits[0] == limits[2] != limits[1] == limits[3]
    assert limits[0][0] <= 0.25 and limits[0][1] >= 0.97


def test_a_training_that_diverges_is_drawn_up_to_there_and_it_is_said():
    history = {"loss": [1.0, 0.5, np.nan, np.nan], "val_loss": [1.0, np.inf, np.nan, np.nan]}
    axes = plots.training_curves(history, metric="loss").axes[0]
    [remark] = [text for text in _texts(axes) if "finite" in text]
    assert "training not finite from epoch 3" in remark
    assert "validation not finite from epoch 2" in remark
    assert axes.get_xlim()[1] > 4


def test_long_histories_keep_a_marker_at_their_end():
    axes = plots.training_curves({"accuracy": np.linspace(0, 1, 97)}).axes[0]
    first, step = _line(axes, "training").get_markevery()
    marked = list(range(97))[first::step]
    assert marked[-1] == 96 and len(marked) <= 25


def test_labels_are_moved_apart_as_little_as_possible():
    rng = np.random.default_rng(5)
    for _ in range(50):
        wanted = rng.random(6)
        placed = spread(wanted, gap=0.1)
        assert np.all(np.diff(placed[np.argsort(wanted)]) >= 0.1 - 1e-9)
        # Least squares leaves the mean where it was.
        assert placed.mean() == pytest.approx(wanted.mean())
    assert spread([0.5, 0.5, 0.9], gap=0.1).tolist() == pytest.approx([0.45, 0.55, 0.9])
    assert spread([0.1, 0.9, 0.5], gap=0.1).tolist() == pytest.approx([0.1, 0.9, 0.5])


def test_wrapping_counts_hangul_as_wide():
    assert wrap("가나다 라마바", 9) == "가나다\n라마바"
    assert wrap("abc def", 9) == "abc def"
    assert wrap("kept\nbreak", 40) == "kept\nbreak"
