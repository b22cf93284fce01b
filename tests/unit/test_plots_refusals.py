"""What figures refuse: the message names the offending value, and the argument where it can."""

import re
from functools import partial

import numpy as np
import pytest

from course_utils import plots
from course_utils.errors import InputError
from course_utils.plots.inputs import as_image, as_images, numbers

bars = partial(plots.bars, xlabel="x", ylabel="y")
lines = partial(plots.compare_lines, xlabel="x", ylabel="y")
scatter = partial(plots.scatter, xlabel="x", ylabel="y")
curves = plots.training_curves
HISTORY = {"accuracy": [0.5, 0.7], "val_accuracy": [0.5, 0.6], "loss": [0.7, 0.5]}


def refuses(call, *arguments, said, **options):
    with pytest.raises(InputError, match=".*".join(map(re.escape, said))):
        call(*arguments, **options)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (np.full((4, 4), 255.0), ["received 255 to 255", "255"]),
        (np.linspace(-1, 1, 16).reshape(4, 4), ["received -1 to 1", "(image + 1) / 2"]),
        (np.linspace(0, 1.2, 16).reshape(4, 4), ["received 0 to 1.2", "np.clip"]),
        (np.linspace(-120, 150, 16).reshape(4, 4), ["received -120 to 150"]),
        (np.full((4, 4), np.nan), ["received NaN"]),
        (np.zeros((4, 4), int), ["received int64", "uint8"]),
        (np.zeros((4, 4, 4)), ["received (4, 4, 4)", "[..., :3]"]),
        (np.zeros((3, 8, 8)), ["received (3, 8, 8)", "np.moveaxis"]),
        (np.zeros((8, 8, 32)), ["received (8, 8, 32)", "tile_figure"]),
        (np.zeros((1, 8, 8, 3)), ["received (1, 8, 8, 3)", "images[0]"]),
        (np.zeros(5), ["received (5,)"]),
        (np.zeros((0, 4)), ["received (0, 4)"]),
        ([[1, 2], [3]], ["received list"]),
        ("cat.jpg", ["received <U7"]),
    ],
)
def test_images_that_cannot_be_right_come_with_advice(image, said):
    refuses(as_image, image, where="x", said=["x: ", *said])


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (np.zeros((8, 8)), ["(8, 8)", "[image]"]),
        ([], ["none"]),
        (np.zeros((0, 8, 8)), ["none"]),
        ([np.zeros((4, 4)), np.full((4, 4), 9.0)], ["image 1", "9 to 9"]),
    ],
)
def test_batches_that_cannot_be_right(images, said):
    refuses(as_images, images, where="x", said=said)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([1.0, np.nan, np.inf], ["2 of 3"]),
        ([[1.0]], ["(1, 1)"]),
        ([], ["(0,)"]),
        ([1j], ["complex128"]),
    ],
)
def test_numbers_that_cannot_be_drawn(values, said):
    refuses(numbers, values, where="x", rank=1, said=said)


def test_images_come_out_in_one_scale():
    levels = as_image(np.array([[0, 51, 255]], np.uint8), where="x")
    assert levels.dtype == np.float32
    np.testing.assert_allclose(levels, [[0.0, 0.2, 1.0]], rtol=1e-6)
    assert as_image([[True, False]], where="x").tolist() == [[1.0, 0.0]]
    # What interpolation leaves a hair outside is let in.
    assert as_image(np.array([[1.0004, -0.0004]]), where="x").tolist() == [[1.0, 0.0]]


def test_half_precision_of_mixed_training_is_read():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    half = np.ones((2, 2), ml_dtypes.bfloat16)
    assert as_image(half, where="x").dtype == np.float32
    assert numbers(half, where="x", rank=2).dtype == np.float64


IMAGES = np.zeros((3, 4, 4))
MAPS = np.ones((3, 2, 2))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: bars([1]), ["bars", "list"]),
        (lambda: bars({}), ["received 0"]),
        (lambda: bars({"a": np.nan}), ["bars: a", "1 of 1"]),
        (lambda: bars({"a": 1}, errors={"b": 1}), ["errors", "'b'"]),
        (lambda: bars({"a": 1}, errors={"a": -1}), ["errors: a", "-1"]),
        (lambda: plots.histogram({"a": [1, 2]}, xlabel="x", bins=1), ["bins", "received 1"]),
        (lambda: plots.histogram({"a": [1, 2]}, xlabel="x", bins=True), ["received True"]),
        (lambda: lines([1, 2], {"a": [1, 2, 3]}), ["compare_lines: a", "received 3"]),
        (lambda: lines([0, 1], {"a": [1, 2]}, xscale="log"), ["received 0"]),
        (lambda: lines([1, 2], {"a": [0, 2]}, yscale="log"), ["received 0"]),
        (lambda: lines([1], {str(i): [1] for i in range(7)}), ["received 7"]),
        (lambda: scatter({"a": (1, 2, 3)}), ["scatter: a", "(1, 3)"]),
        (lambda: plots.tile_figure(np.zeros((1, 4, 4, 2))), ["(1, 4, 4, 2)"]),
        (lambda: plots.tile_figure(np.zeros((4, 4, 2)), columns=0), ["columns", "received 0"]),
        (lambda: plots.number_grid({"a": np.zeros((30, 30))}), ["900"]),
        (lambda: plots.confusion_matrix([[1, 2, 3], [4, 5, 6]], ["a", "b"]), ["(2, 3)"]),
        (lambda: plots.confusion_matrix([[-1]], ["a"]), ["-1"]),
        (lambda: plots.confusion_matrix([[1, 0], [0, 1]], ["cat"]), ["class_names", "received 1"]),
        (lambda: plots.confusion_matrix([[1]], ["cat"], normalise="rows"), ["'rows'"]),
        (lambda: plots.image_grid(IMAGES, titles=["a"]), ["titles: expected 3", "received 1"]),
        (lambda: plots.image_grid(IMAGES, titles="abc"), ["'abc'"]),
        (lambda: plots.image_grid(IMAGES, columns=2, row_titles=["a"]), ["row_titles: expected 2"]),
        (lambda: plots.image_grid(IMAGES, columns=0), ["columns", "received 0"]),
        (lambda: plots.image_grid(IMAGES[:1], masks=np.zeros((1, 8, 8))), ["mask 0", "(8, 8)"]),
        (lambda: plots.image_grid(IMAGES[:1], masks=IMAGES[:1] + 0.5), ["mask 0", "0.5 to 0.5"]),
        (lambda: plots.overlay(IMAGES[0], -MAPS[0]), ["map 0", "-1"]),
        (lambda: plots.overlay(IMAGES, MAPS[:2]), ["maps: expected 3", "received 2"]),
        (lambda: plots.plate(IMAGES, {}), ["received 0"]),
        (lambda: plots.plate(IMAGES, {"one": MAPS[:2]}), ["maps of one: expected 3", "received 2"]),
        (lambda: plots.plate(IMAGES, {"one": -MAPS}), ["map 0 of one", "-1"]),
        (lambda: plots.plate(IMAGES, {"one": MAPS * np.nan}), ["map 0 of one", "NaN"]),
        (lambda: plots.plate(IMAGES, {"one": MAPS}, columns=2), ["received 2"]),
        (lambda: plots.plate(IMAGES, dict.fromkeys("abcdefg", MAPS)), ["received 7"]),
        (lambda: curves(HISTORY, metric="acc"), ["'acc'", "'accuracy'"]),
        (lambda: curves({"one": HISTORY}, metric="auc"), ["one: metric", "'auc'"]),
        (lambda: curves([1, 2]), ["list"]),
        (lambda: curves({}), ["dict"]),
        (lambda: curves({"accuracy": [np.nan]}), ["accuracy", "0 finite"]),
        (lambda: curves(dict.fromkeys("abcdefg", HISTORY)), ["received 7"]),
        (lambda: curves(HISTORY, validation_freq=2), ["val_accuracy", "received 2"]),
        (lambda: curves(HISTORY, validation_freq=0), ["validation_freq", "received 0"]),
        (lambda: plots.stroke(6), ["received 6"]),
        (lambda: plots.new_figure(rows=0), ["0 rows"]),
        (lambda: plots.new_figure(columns=12), ["12 x 1"]),
    ],
)
def test_each_figure_names_what_is_wrong(call, said):
    refuses(call, said=said)
