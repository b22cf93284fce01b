"""What figures refuse, and what they tell the reader to do."""

import numpy as np
import pytest

from course_utils import plots
from course_utils.errors import InputError
from course_utils.plots.inputs import numbers, picture, pictures


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (np.full((4, 4), 255.0), r"in \[0, 1\], received 255 to 255: divide by 255"),
        (np.linspace(-1, 1, 16).reshape(4, 4), r"undo the preprocessing, \(image \+ 1\) / 2"),
        (np.linspace(0, 1.2, 16).reshape(4, 4), r"clip it, np\.clip\(image, 0, 1\)"),
        (np.linspace(-120, 150, 16).reshape(4, 4), "undo the preprocessing, or rescale it"),
        (np.full((4, 4), np.nan), "expected finite values, received NaN or infinity"),
        (np.zeros((4, 4), int), r"received int64: convert it with \.astype\('uint8'\)"),
        (np.zeros((4, 4, 4)), r"received \(4, 4, 4\): drop the alpha channel"),
        (np.zeros((3, 8, 8)), r"put the channels last, np\.moveaxis\(image, 0, -1\)"),
        (np.zeros((8, 8, 32)), "draw feature maps with tile_figure"),
        (np.zeros((1, 8, 8, 3)), r"take one picture of the batch, images\[0\]"),
        (np.zeros(5), "reshape it to a picture"),
        (np.zeros((0, 4)), r"received \(0, 4\)"),
        ([[1, 2], [3]], "give one array with rows of equal length"),
        ("cat.jpg", "expected real numbers, received <U7"),
    ],
)
def test_pictures_that_cannot_be_right_are_refused(image, said):
    with pytest.raises(InputError, match=said):
        picture(image, where="image_grid: image 0")


def test_pictures_come_out_in_one_scale():
    levels = picture(np.array([[0, 51, 255]], np.uint8), where="x")
    assert levels.dtype == np.float32
    np.testing.assert_allclose(levels, [[0.0, 0.2, 1.0]], rtol=1e-6)
    assert picture([[True, False]], where="x").tolist() == [[1.0, 0.0]]
    # What interpolation leaves a hair outside is let in.
    assert picture(np.array([[1.0004, -0.0004]]), where="x").tolist() == [[1.0, 0.0]]


def test_half_precision_of_mixed_training_is_read():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    half = np.ones((2, 2), ml_dtypes.bfloat16)
    assert picture(half, where="x").dtype == np.float32
    assert numbers(half, where="x", rank=2).dtype == np.float64


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (np.zeros((8, 8)), r"received shape \(8, 8\): put a single picture in a list, \[picture\]"),
        ([], "expected at least one picture, received none"),
        (np.zeros((0, 8, 8)), "expected at least one picture, received none"),
        ([np.zeros((4, 4)), np.full((4, 4), 9.0)], r"image 1: expected float values in \[0, 1\]"),
    ],
)
def test_batches_that_cannot_be_right_are_refused(images, said):
    with pytest.raises(InputError, match=said):
        pictures(images, where="image_grid")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([1.0, np.nan, np.inf], "received 2 of 3 that are NaN or infinite"),
        ([[1.0]], r"expected an array with 1 dimensions .* received shape \(1, 1\)"),
        ([], r"received shape \(0,\)"),
        ([1j], "expected real numbers, received complex128"),
    ],
)
def test_numbers_that_cannot_be_drawn_are_refused(values, said):
    with pytest.raises(InputError, match=said):
        numbers(values, where="x", rank=1)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: plots.bars([1], xlabel="x", ylabel="y"), "expected a mapping from name to values"),
        (lambda: plots.bars({}, xlabel="x", ylabel="y"), "expected 1 to 30 names, received 0"),
        (
            lambda: plots.bars({"a": np.nan}, xlabel="x", ylabel="y"),
            "bars: a: expected finite numbers, received 1 of 1",
        ),
        (
            lambda: plots.bars({"a": 1}, xlabel="x", ylabel="y", errors={"b": 1}),
            "bars: errors: expected one of 'a', received 'b'",
        ),
        (
            lambda: plots.bars({"a": 1}, xlabel="x", ylabel="y", errors={"a": -1}),
            "expected lengths of 0 or more, received -1",
        ),
        (lambda: plots.histogram({"a": [1, 2]}, xlabel="x", bins=1), "expected 2 to 400 bins"),
        (
            lambda: plots.compare_lines([1, 2], {"a": [1, 2, 3]}, xlabel="x", ylabel="y"),
            "compare_lines: a: expected 2 values, one for each x, received 3",
        ),
        (
            lambda: plots.compare_lines(
                [0, 1], {"a": [1, 2]}, xlabel="x", ylabel="y", xscale="log"
            ),
            "expected values above 0 on a log scale, received 0",
        ),
        (
            lambda: plots.compare_lines(
                [1], {str(i): [1] for i in range(7)}, xlabel="x", ylabel="y"
            ),
            "expected 1 to 6 names, received 7: more than 6 cannot be told apart",
        ),
        (
            lambda: plots.scatter({"a": (1, 2, 3)}, xlabel="x", ylabel="y"),
            r"expected a point \(x, y\) or points \(n, 2\), received shape \(1, 3\)",
        ),
        (
            lambda: plots.scatter({"a": (0, 1)}, xlabel="x", ylabel="y", xscale="log"),
            "expected x above 0 on a log scale, received 0",
        ),
        (lambda: plots.tiles(np.zeros((1, 4, 4, 2))), "expected an array with 3 dimensions"),
        (lambda: plots.tiles(np.zeros((4, 4, 2)), columns=0), "whole number of 1 or more"),
        (lambda: plots.tiles(np.zeros((4, 4, 2)), padding=-1), "whole number of 0 or more"),
        (lambda: plots.number_grid({"a": np.zeros((30, 30))}), "at most 400 numbers, received 900"),
        (
            lambda: plots.confusion_matrix([[1, 2, 3], [4, 5, 6]], ["a", "b"]),
            r"as many rows as columns, .* received shape \(2, 3\)",
        ),
        (lambda: plots.confusion_matrix([[-1]], ["a"]), "lowest -1"),
        (
            lambda: plots.confusion_matrix([[1, 0], [0, 1]], ["cat"]),
            "class_names: expected 2, one for each of the classes, received 1",
        ),
        (
            lambda: plots.confusion_matrix([[1]], ["cat"], normalise="rows"),
            "expected one of None, 'true', 'predicted', 'all', received 'rows'",
        ),
        (
            lambda: plots.image_grid(np.zeros((2, 4, 4)), titles=["a"]),
            "image_grid: titles: expected 2, one for each of the pictures, received 1: give 2",
        ),
        (lambda: plots.image_grid(np.zeros((2, 4, 4)), titles="ab"), "received the text 'ab'"),
        (
            lambda: plots.image_grid(np.zeros((3, 4, 4)), columns=2, row_titles=["a"]),
            "row_titles: expected 2, one for each of the rows, received 1",
        ),
        (lambda: plots.image_grid(np.zeros((2, 4, 4)), columns=0), "received 0: choose columns=4"),
        (
            lambda: plots.image_grid(np.zeros((1, 4, 4)), masks=np.zeros((1, 8, 8), bool)),
            r"mask 0 of the picture's size \(4, 4\), received shape \(8, 8\): resize it by nearest",
        ),
        (
            lambda: plots.image_grid(np.zeros((1, 4, 4)), masks=np.full((1, 4, 4), 0.5)),
            "whole numbers 0 to 3 in mask 0, received 0.5 to 0.5: compare with a threshold",
        ),
        (
            lambda: plots.overlay(np.zeros((4, 4)), -np.ones((2, 2))),
            r"values of 0 or more, received a lowest of -1: keep what speaks for the class",
        ),
        (
            lambda: plots.overlay(np.zeros((4, 4)), np.ones((2, 2)), alpha=2),
            "alpha between 0 and 1",
        ),
        (
            lambda: plots.overlay(np.zeros((3, 4, 4)), np.ones((2, 2, 2))),
            "overlay: heatmap: expected 3, one for each of the pictures, received 2",
        ),
    ],
)
def test_each_figure_names_what_is_wrong(call, said):
    with pytest.raises(InputError, match=said):
        call()
