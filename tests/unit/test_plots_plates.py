"""Plates: a row for each picture, a column for each method, as `overlay` draws them."""

import numpy as np
import pytest

from course_utils import plots
from course_utils.errors import InputError

DICE = np.random.default_rng(0)
IMAGES = DICE.random((3, 8, 10, 3))
MAPS = {"Grad-CAM": DICE.random((3, 2, 2)), "occlusion": DICE.random((3, 8, 10))}


def test_each_picture_has_a_row_and_each_method_a_column():
    figure = plots.plate(IMAGES, MAPS, row_titles=["a", "b", "c"])
    axes = figure.axes[0]
    assert len(axes.images) == 3 * (1 + 2 * 2)
    lefts = sorted({round(image.get_extent()[0], 3) for image in axes.images})
    tops = sorted({round(image.get_extent()[3], 3) for image in axes.images})
    assert (len(lefts), len(tops)) == (3, 3)
    words = [text.get_text() for text in axes.texts if text.get_text()]
    assert words == ["picture", "a", "Grad-CAM", "occlusion", "b", "c"]


def test_the_peak_is_marked_where_it_is():
    maps = np.zeros((3, 8, 10))
    maps[:, 2, 7] = 5
    axes = plots.plate(IMAGES, {"one": maps}).axes[0]
    crosses = [line for line in axes.lines if line.get_marker() == "P"]
    assert len(crosses) == 3
    left, right, bottom, top = axes.images[-1].get_extent()
    assert crosses[-1].get_xdata()[0] == pytest.approx(left + 7.5 / 10 * (right - left))
    assert crosses[-1].get_ydata()[0] == pytest.approx(top + 2.5 / 8 * (bottom - top))


def test_one_picture_may_be_broken_into_rows():
    axes = plots.plate(
        IMAGES[:1], {str(k): MAPS["occlusion"][:1] for k in range(5)}, columns=3
    ).axes[0]
    assert len({round(image.get_extent()[3], 3) for image in axes.images}) == 2
    with pytest.raises(InputError, match="a row of its own"):
        plots.plate(IMAGES, MAPS, columns=2)


def test_so_many_methods_that_none_could_be_read_are_refused():
    many = {str(k): MAPS["occlusion"] for k in range(7)}
    with pytest.raises(InputError, match="draw two plates"):
        plots.plate(IMAGES, many)
    axes = plots.plate(IMAGES[:1], {name: maps[:1] for name, maps in many.items()}).axes[0]
    assert len({round(image.get_extent()[0], 3) for image in axes.images}) == 4


def test_a_map_of_zeros_says_so():
    axes = plots.plate(IMAGES, {"nothing": np.zeros((3, 4, 4))}).axes[0]
    assert [text.get_text() for text in axes.texts].count("0 everywhere") == 3


@pytest.mark.parametrize(
    ("maps", "message"),
    [
        ({}, "1 to 11"),
        ({"one": MAPS["occlusion"][:2]}, "maps of one: expected 3"),
        ({"one": -MAPS["occlusion"]}, "heatmap 0 of one: expected values of 0 or more"),
        ({"one": MAPS["occlusion"] * np.nan}, "finite"),
    ],
)
def test_maps_that_do_not_fit_are_refused(maps, message):
    with pytest.raises(InputError, match=message):
        plots.plate(IMAGES, maps)


def test_masks_are_outlined_on_every_panel():
    masks = np.zeros((3, 8, 10), bool)
    masks[:, 2:5, 3:6] = True
    bare = len(plots.plate(IMAGES, MAPS).axes[0].collections)
    assert len(plots.plate(IMAGES, MAPS, masks=masks).axes[0].collections) == bare + 2 * 9
