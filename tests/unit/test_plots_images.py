"""Grids, heatmaps and tiles: each image whole and in place, outlines where the mask ends."""

import itertools
import math
import time

import numpy as np
import pytest

from course_utils import plots
from course_utils.plots.images import in_a_row, tiles

RNG = np.random.default_rng(0)
THREE = RNG.random((3, 8, 10, 3))
MAPS = {"Grad-CAM": RNG.random((3, 2, 2)), "occlusion": RNG.random((3, 8, 10))}


def _extents(figure):
    return [image.get_extent() for image in figure.axes[0].images]


def _corners(collection):
    return np.concatenate([path.vertices for path in collection.get_paths()])


def _words(figure):
    return [text.get_text() for text in figure.axes[0].texts if text.get_text()]


def _crosses(figure):
    return [line for line in figure.axes[0].get_lines() if line.get_marker() == "P"]


def _last_cross(figure):
    """Where the last cross stands, as shares of the last image's width and height."""
    x, y = _crosses(figure)[-1].get_xydata()[0]
    left, right, bottom, top = _extents(figure)[-1]
    return (x - left) / (right - left), (y - top) / (bottom - top)


def test_images_stand_row_by_row_without_covering_each_other():
    extents = _extents(plots.image_grid(np.zeros((7, 8, 8)), columns=3))
    columns = [round(extent[0], 6) for extent in extents]
    assert columns[:3] == columns[3:6] == sorted(columns[:3]) and columns[6] == columns[0]
    assert extents[0][3] == extents[1][3] < extents[3][3] < extents[6][3]
    for (l1, r1, b1, t1), (l2, r2, b2, t2) in itertools.combinations(extents, 2):
        assert r1 <= l2 or r2 <= l1 or b1 <= t2 or b2 <= t1


def test_every_image_keeps_its_proportions():
    sizes = [(30, 60), (60, 30), (50, 50)]
    figure = plots.image_grid([np.zeros((h, w, 3)) for h, w in sizes])
    for (left, right, bottom, top), (height, width) in zip(_extents(figure), sizes, strict=True):
        assert (right - left) / (bottom - top) == pytest.approx(width / height)


def test_images_are_drawn_as_they_are():
    images = np.random.default_rng(0).integers(0, 256, (2, 5, 5, 3), dtype=np.uint8)
    for image, artist in zip(images, plots.image_grid(images).axes[0].images, strict=True):
        np.testing.assert_array_equal(np.round(artist.get_array() * 255), image)
    # A dark gray image is not made brighter.
    [artist] = plots.image_grid([np.full((4, 4), 0.1)]).axes[0].images
    assert artist.to_rgba(artist.get_array())[0, 0, 0] == pytest.approx(0.1, abs=0.003)


@pytest.mark.parametrize(
    ("count", "columns"),
    [(1, 1), (3, 3), (4, 4), (6, 3), (8, 4), (9, 3), (10, 5), (12, 4), (64, 8)],
)
def test_the_last_row_is_as_full_as_can_be(count, columns):
    assert in_a_row(None, count) == columns


def test_titles_stand_above_their_image_inside_the_page():
    titles = ["short", "a title that is so long that it has to be broken", "고양이를 개로 잘못 봄"]
    figure = plots.image_grid(np.zeros((9, 8, 8)), titles=titles * 3, columns=3, title="Nine")
    texts = [text for text in figure.axes[0].texts if text.get_text()]
    assert texts[0].get_text() == "Nine"
    for text, (left, right, _, top) in zip(texts[1:], _extents(figure), strict=True):
        assert text.get_position()[0] == pytest.approx((left + right) / 2)
        lines = text.get_text().count("\n") + 1
        assert 0 < text.get_position()[1] - lines * 13 / 72 < top
        assert 0 <= left < right <= figure.get_figwidth()


def test_titles_do_not_cover_images_or_each_other():
    titles = [f"image {i}, taken for a dog" for i in range(8)]
    figure = plots.image_grid(np.zeros((8, 8, 8)), titles=titles, columns=4)
    figure.canvas.draw()
    axes = figure.axes[0]
    boxes = [t.get_window_extent() for t in [*axes.texts, *axes.images]]
    assert len(boxes) == 16
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


def test_an_outline_runs_where_the_mask_ends():
    mask = np.zeros((10, 10), bool)
    mask[2:6, 3:10] = True  # up to the right edge
    figure = plots.image_grid(np.zeros((1, 10, 10)), masks=mask[None])
    [(left, right, _, top)] = _extents(figure)
    outline, unit = _corners(figure.axes[0].collections[0]), (right - left) / 10
    assert outline.min(axis=0) == pytest.approx([left + 3 * unit, top + 2 * unit])
    assert outline.max(axis=0) == pytest.approx([right, top + 6 * unit])


def test_classes_of_a_mask_differ_in_dashes_and_empty_masks_have_no_outline():
    mask = np.zeros((8, 8), np.int64)
    mask[1:3], mask[4:6] = 1, 2
    figure = plots.image_grid(np.zeros((2, 8, 8)), masks=[mask, np.zeros((8, 8), bool)])
    outlines = figure.axes[0].collections
    assert len(outlines) == 4  # for each of two classes a line on a wider black one
    assert len({str(outline.get_linestyle()) for outline in outlines[1::2]}) == 2


def test_sixty_four_images_build_faster_than_sixty_four_panels_would():
    start = time.process_time()
    plots.image_grid(np.zeros((64, 32, 32, 3), np.uint8))
    assert time.process_time() - start < 1.0


def test_the_cross_stands_on_the_peak_of_the_map():
    heat = np.zeros((5, 5))
    heat[1, 3] = 7.0
    cross = _last_cross(plots.overlay(np.zeros((50, 100, 3)), heat))
    assert cross == pytest.approx((3.5 / 5, 1.5 / 5), abs=0.02)
    maps = np.zeros((3, 8, 10))
    maps[:, 2, 7] = 5
    figure = plots.plate(THREE, {"one": maps})
    assert len(_crosses(figure)) == 3
    assert _last_cross(figure) == pytest.approx((7.5 / 10, 2.5 / 8))


def test_the_line_runs_at_half_height():
    ramp = np.tile(np.arange(101) / 100 * 42, (101, 1))
    figure = plots.overlay(np.zeros((101, 101)), ramp)
    left, right, *_ = _extents(figure)[0]
    outline = _corners(figure.axes[0].collections[-1])
    assert (outline[:, 0].min() - left) / (right - left) == pytest.approx(50.5 / 101, abs=1e-3)


def test_maps_are_shown_as_shares_of_their_own_peak_and_the_image_keeps_its_color():
    image = np.zeros((2, 6, 6, 3))
    image[..., 0] = 1.0
    figure = plots.overlay(image, [np.eye(6) * 9, np.eye(6) * 0.1])
    one_under, one, other_under, other = (artist.get_array() for artist in figure.axes[0].images)
    for under in (one_under, other_under):
        np.testing.assert_array_equal(under[0, 0], [1, 0, 0])
    np.testing.assert_allclose(one, other, rtol=1e-5)
    assert one.max() == pytest.approx(1.0)


def test_the_color_map_rises_in_lightness_so_that_it_reads_in_gray():
    heat = plots.overlay(np.zeros((4, 4)), np.eye(4)).axes[0].images[1]
    red, green, blue = heat.cmap(np.linspace(0, 1, 64))[:, :3].T
    assert (np.diff(0.299 * red + 0.587 * green + 0.114 * blue) > 0).all()


@pytest.mark.parametrize(
    "figure",
    [
        lambda: plots.overlay(np.zeros((3, 4, 4)), np.zeros((3, 2, 2))),
        lambda: plots.plate(THREE, {"nothing": np.zeros((3, 4, 4))}),
    ],
)
def test_a_map_of_zeros_says_so_and_has_neither_line_nor_cross(figure):
    figure = figure()
    assert _words(figure).count("0 everywhere") == 3
    assert not figure.axes[0].collections and _crosses(figure) == []


def test_masks_are_outlined_on_every_panel():
    mask = np.zeros((8, 10), bool)
    mask[2:5, 3:6] = True
    for draw, panels in (
        (lambda **masks: plots.overlay(THREE, MAPS["occlusion"], **masks), 3),
        (lambda **masks: plots.plate(THREE, MAPS, **masks), 9),
    ):
        bare, outlined = draw(), draw(masks=[mask] * 3)
        drawn = [len(figure.axes[0].collections) for figure in (bare, outlined)]
        assert drawn[1] - drawn[0] == 2 * panels
    assert len(plots.overlay(THREE, np.zeros((3, 2, 2)), masks=mask).axes[0].collections) == 6


def test_the_color_bar_is_as_high_as_the_images(capsys):
    figure = plots.overlay(np.zeros((4, 8, 8)), np.ones((4, 2, 2)), columns=2)
    figure.canvas.draw()
    panel, bar = figure.axes
    images = [image.get_window_extent() for image in panel.images]
    assert bar.get_window_extent().y0 == pytest.approx(min(p.y0 for p in images), abs=1)
    assert bar.get_window_extent().y1 == pytest.approx(max(p.y1 for p in images), abs=1)
    plots.show(figure, "Four maps that are alike everywhere.")
    assert capsys.readouterr().out.startswith("[figure]")


def test_on_a_plate_each_image_has_a_row_and_each_method_a_column():
    figure = plots.plate(THREE, MAPS, row_titles=["a", "b", "c"])
    extents = _extents(figure)
    assert len(extents) == 3 * (1 + 2 * 2)
    assert len({round(extent[0], 3) for extent in extents}) == 3
    assert len({round(extent[3], 3) for extent in extents}) == 3
    assert _words(figure) == ["image", "a", "Grad-CAM", "occlusion", "b", "c"]


@pytest.mark.parametrize(("methods", "columns", "rows"), [(5, 3, 2), (7, None, 2), (6, None, 1)])
def test_the_plate_of_one_image_may_be_broken_into_rows(methods, columns, rows):
    maps = {str(k): MAPS["occlusion"][:1] for k in range(methods)}
    extents = _extents(plots.plate(THREE[:1], maps, columns=columns))
    assert len({round(extent[3], 3) for extent in extents}) == rows


def _by_hand(maps, columns):
    """Lay out (height, width, n) with `np.block`, one map after the other."""
    height, width, count = maps.shape
    rows = math.ceil(count / columns)
    scaled = [(one - one.min()) / np.ptp(one) for one in np.moveaxis(maps, -1, 0)]
    scaled += [np.ones((height, width))] * (rows * columns - count)
    lines = []
    for row in range(rows):
        parts = [[one, np.ones((height, 1))] for one in scaled[row * columns :][:columns]]
        lines += [[np.block(list(itertools.chain(*parts))[:-1])]]
        lines += [[np.ones((1, columns * (width + 1) - 1))]]
    return np.block(lines[:-1])


@pytest.mark.parametrize(
    ("shape", "columns"), [((3, 5, 6), 3), ((4, 2, 7), 3), ((2, 2, 1), 1), ((1, 4, 4), 4)]
)
def test_tiles_lie_where_block_puts_them(shape, columns):
    maps = np.random.default_rng(0).normal(size=shape)
    before = maps.copy()
    sheet = tiles(maps, columns=columns)
    np.testing.assert_allclose(sheet.image, _by_hand(maps, columns), atol=1e-6)
    assert (sheet.image.dtype, sheet.constant) == (np.float32, ())
    np.testing.assert_array_equal(maps, before)


def test_constant_maps_are_gray_and_reported():
    maps = np.random.default_rng(0).normal(size=(4, 4, 5)).astype(np.float32)
    maps[..., 1] = 0.0
    maps[..., 3] = 1000.0
    maps[0, 0, 3] += 1e-4  # no more than rounding
    sheet = tiles(maps, columns=5)
    assert sheet.constant == (1, 3)
    for number in range(5):
        tile = sheet.image[:, 5 * number : 5 * number + 4]
        range_ = (0.5, 0.5) if number in (1, 3) else (0.0, 1.0)
        assert (tile.min(), tile.max()) == range_
    faint = np.zeros((4, 4, 1))
    faint[2, 2, 0] = 1e-9
    assert tiles(faint).constant == ()


@pytest.mark.parametrize(("count", "columns", "given"), [(64, 8, None), (10, 4, None), (3, 3, 8)])
def test_the_sheet_is_about_square_unless_told(count, columns, given):
    assert tiles(np.zeros((2, 2, count)), columns=given).columns == columns


def test_sixty_four_maps_take_under_fifty_milliseconds():
    maps = np.random.default_rng(0).normal(size=(32, 32, 64)).astype(np.float32)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        tiles(maps)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.05


def test_the_figure_of_tiles_is_one_image_with_numbers_and_report():
    maps = np.random.default_rng(0).normal(size=(6, 6, 10))
    maps[..., 4] = 2.0
    axes = plots.tile_figure(maps, columns=4, what="filter").axes[0]
    [image] = axes.images
    np.testing.assert_array_equal(image.get_array(), tiles(maps, columns=4).image)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["+0", "+1", "+2", "+3"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["0", "4", "8"]
    assert "filter" in axes.get_ylabel() and axes.get_xlabel().endswith(": 4")
    # The number of the sixth tile, 4 + 1, stands level with it.
    assert (axes.get_xticks()[1], axes.get_yticks()[1]) == (7 + 2.5, 7 + 2.5)


def test_numbers_at_the_margin_do_not_collide():
    figure = plots.tile_figure(np.random.default_rng(0).normal(size=(8, 8, 256)), columns=32)
    figure.canvas.draw()
    boxes = [label.get_window_extent() for label in figure.axes[0].get_xticklabels()]
    assert all(not a.overlaps(b) for a, b in itertools.pairwise(boxes))
