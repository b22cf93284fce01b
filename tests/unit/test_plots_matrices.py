"""Matrices: shares worked by hand, and numbers that stand out on their cells."""

import numpy as np
import pytest

from course_utils import plots
from course_utils.plots.appearance import luminance

COUNTS = [[8, 2, 0], [1, 9, 0], [0, 0, 0]]
NAMES = ["cat", "dog", "fox"]


def _written(figure):
    return [text.get_text() for text in figure.axes[0].texts]


@pytest.mark.parametrize(
    ("normalise", "written"),
    [
        (None, ["8", "2", "0", "1", "9", "0", "0", "0", "0"]),
        ("true", ["0.80", "0.20", "0.00", "0.10", "0.90", "0.00", "–", "–", "–"]),
        ("predicted", ["0.89", "0.18", "–", "0.11", "0.82", "–", "0.00", "0.00", "–"]),
        ("all", ["0.40", "0.10", "0.00", "0.05", "0.45", "0.00", "0.00", "0.00", "0.00"]),
    ],
)
def test_cells_hold_counts_or_shares(normalise, written):
    figure = plots.confusion_matrix(COUNTS, NAMES, normalise=normalise)
    assert _written(figure) == written


def test_rows_are_true_and_columns_predicted():
    axes = plots.confusion_matrix([[1, 7], [0, 2]], ["cat", "dog"]).axes[0]
    [seven] = [text for text in axes.texts if text.get_text() == "7"]
    assert seven.get_position() == (1, 0)  # x: predicted dog; y: true cat
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat", "dog"]


def test_numbers_stand_out_on_their_cells():
    rng = np.random.default_rng(0)
    for figure in (
        plots.confusion_matrix(rng.integers(0, 100, (8, 8)), list("abcdefgh")),
        plots.number_grid({"patch": rng.integers(0, 256, (8, 8))}),
    ):
        axes = figure.axes[0]
        shades = axes.images[0]
        for text in axes.texts:
            column, row = text.get_position()
            cell = shades.to_rgba(shades.get_array()[row, column])[:3]
            light, dark = sorted((luminance(cell), luminance(text.get_color())), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.1


def test_numbers_fit_their_cells():
    figure = plots.confusion_matrix(np.full((10, 10), 123_456), [f"class {i}" for i in range(10)])
    figure.canvas.draw()
    axes = figure.axes[0]
    cell = axes.get_window_extent().width / 10
    assert all(text.get_window_extent().width < cell for text in axes.texts)


def test_zeros_of_a_large_matrix_stay_empty():
    figure = plots.confusion_matrix(np.diag(range(1, 13)), [str(i) for i in range(12)])
    assert _written(figure) == [str(i) for i in range(1, 13)]


def test_matrices_side_by_side_have_cells_of_one_size():
    figure = plots.number_grid({"patch": np.zeros((6, 6)), "kernel": np.ones((3, 3)), "sum": [[9]]})
    figure.canvas.draw()
    sizes = [
        (axes.get_window_extent().width / n, axes.get_window_extent().height / n)
        for axes, n in zip(figure.axes, (6, 3, 1), strict=True)
    ]
    np.testing.assert_allclose(sizes, sizes[0][0], rtol=1e-6)
