"""Tiles against a layout made by hand with `np.block`, and fast enough to use freely."""

import math
import time
from itertools import pairwise

import numpy as np
import pytest

from course_utils import plots


def _by_hand(maps, columns, padding):
    """Lay out (height, width, n) with `np.block`, one map after the other."""
    height, width, count = maps.shape
    blank = np.ones((height, width))
    scaled = []
    for i in range(count):
        one = maps[..., i].astype(float)
        span = one.max() - one.min()
        scaled.append((one - one.min()) / span if span else np.full_like(one, 0.5))
    rows = math.ceil(count / columns)
    scaled += [blank] * (rows * columns - count)
    lines = []
    for row in range(rows):
        parts = []
        for column in range(columns):
            parts += [scaled[row * columns + column], np.ones((height, padding))]
        lines += [[np.block(parts[:-1])]]
        lines += [[np.ones((padding, columns * (width + padding) - padding))]]
    return np.block(lines[:-1])


@pytest.mark.parametrize(
    ("shape", "columns", "padding"),
    [((3, 5, 6), 3, 1), ((4, 2, 7), 3, 2), ((2, 2, 1), 1, 1), ((3, 3, 5), 2, 0), ((1, 4, 4), 4, 3)],
)
def test_tiles_lie_where_block_puts_them(shape, columns, padding):
    maps = np.random.default_rng(0).normal(size=shape)
    sheet = plots.tiles(maps, columns=columns, padding=padding)
    np.testing.assert_allclose(sheet.image, _by_hand(maps, columns, padding), atol=1e-6)
    assert sheet.image.dtype == np.float32
    assert sheet.constant == ()


def test_constant_maps_are_grey_and_reported():
    maps = np.random.default_rng(0).normal(size=(4, 4, 5)).astype(np.float32)
    maps[..., 1] = 0.0
    maps[..., 3] = 1000.0
    maps[0, 0, 3] += 1e-4  # no more than rounding
    sheet = plots.tiles(maps, columns=5, padding=0)
    assert sheet.constant == (1, 3)
    assert (sheet.image[:, 4:8] == 0.5).all()
    assert (sheet.image[:, 12:16] == 0.5).all()
    for start in (0, 8, 16):
        tile = sheet.image[:, start : start + 4]
        assert (tile.min(), tile.max()) == (0.0, 1.0)


def test_a_faint_map_is_not_taken_for_a_constant_one():
    maps = np.zeros((4, 4, 1))
    maps[2, 2, 0] = 1e-9
    assert plots.tiles(maps).constant == ()


def test_the_sheet_is_about_square_unless_told():
    assert plots.tiles(np.zeros((2, 2, 64))).columns == 8
    assert plots.tiles(np.zeros((2, 2, 10))).columns == 4
    assert plots.tiles(np.zeros((2, 2, 3)), columns=8).columns == 3


def test_the_maps_given_are_left_as_they_are():
    maps = np.random.default_rng(0).normal(size=(4, 4, 3))
    before = maps.copy()
    plots.tiles(maps)
    np.testing.assert_array_equal(maps, before)


def test_sixty_four_maps_take_under_fifty_milliseconds():
    maps = np.random.default_rng(0).normal(size=(32, 32, 64)).astype(np.float32)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        plots.tiles(maps)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.05


def test_the_figure_is_one_picture_with_numbers_and_report():
    maps = np.random.default_rng(0).normal(size=(6, 6, 10))
    maps[..., 4] = 2.0
    axes = plots.tile_figure(maps, columns=4, what="filter").axes[0]
    [picture] = axes.images
    np.testing.assert_array_equal(picture.get_array(), plots.tiles(maps, columns=4).image)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["+0", "+1", "+2", "+3"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["0", "4", "8"]
    assert axes.get_ylabel() == "first filter of the row"
    assert axes.get_xlabel().endswith("1 of 10 is constant, drawn grey: 4")
    # The number of the sixth tile, 4 + 1, stands level with it.
    assert (axes.get_xticks()[1], axes.get_yticks()[1]) == (7 + 2.5, 7 + 2.5)


def test_numbers_at_the_margin_do_not_collide():
    figure = plots.tile_figure(np.random.default_rng(0).normal(size=(8, 8, 256)), columns=32)
    figure.canvas.draw()
    boxes = [label.get_window_extent() for label in figure.axes[0].get_xticklabels()]
    assert all(not a.overlaps(b) for a, b in pairwise(boxes))
