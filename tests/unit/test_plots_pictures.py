"""Grids and overlays: each picture whole and in place, outlines where the mask ends."""

import itertools
import time

import numpy as np
import pytest

from course_utils import plots
from course_utils.plots.sheets import in_a_row


def _extents(figure):
    return [picture.get_extent() for picture in figure.axes[0].images]


def _corners(collection):
    return np.concatenate([path.vertices for path in collection.get_paths()])


def test_pictures_stand_row_by_row_without_covering_each_other():
    figure = plots.image_grid(np.zeros((7, 8, 8)), columns=3)
    extents = _extents(figure)
    columns = [round(extent[0], 6) for extent in extents]
    assert columns[:3] == columns[3:6]
    assert columns[6] == columns[0]
    assert columns[0] < columns[1] < columns[2]
    assert extents[0][3] == extents[1][3] < extents[3][3] < extents[6][3]
    for (l1, r1, b1, t1), (l2, r2, b2, t2) in itertools.combinations(extents, 2):
        assert r1 <= l2 or r2 <= l1 or b1 <= t2 or b2 <= t1


def test_every_picture_keeps_its_proportions():
    sizes = [(30, 60), (60, 30), (50, 50)]
    figure = plots.image_grid([np.zeros((h, w, 3)) for h, w in sizes])
    for (left, right, bottom, top), (height, width) in zip(_extents(figure), sizes, strict=True):
        assert (right - left) / (bottom - top) == pytest.approx(width / height)


def test_pictures_are_drawn_as_they_are():
    images = np.random.default_rng(0).integers(0, 256, (2, 5, 5, 3), dtype=np.uint8)
    drawn = plots.image_grid(images).axes[0].images
    for image, artist in zip(images, drawn, strict=True):
        np.testing.assert_array_equal(np.round(artist.get_array() * 255), image)
        assert artist.get_clim() == (0, 1)


def test_a_dark_grey_picture_is_not_brightened():
    artist = plots.image_grid([np.full((4, 4), 0.1)]).axes[0].images[0]
    assert artist.to_rgba(artist.get_array())[0, 0, 0] == pytest.approx(0.1, abs=0.003)


@pytest.mark.parametrize(
    ("count", "columns"),
    [(1, 1), (3, 3), (4, 4), (6, 3), (8, 4), (9, 3), (10, 5), (12, 4), (64, 8)],
)
def test_the_last_row_is_as_full_as_can_be(count, columns):
    assert in_a_row(None, count) == columns


def test_titles_stand_above_their_picture_inside_the_page():
    titles = ["short", "a title that is so long that it has to be broken", "고양이를 개로 잘못 봄"]
    figure = plots.image_grid(np.zeros((9, 8, 8)), titles=titles * 3, columns=3, title="Nine")
    texts = [text for text in figure.axes[0].texts if text.get_text()]
    assert texts[0].get_text() == "Nine"
    wide = figure.get_figwidth()
    for text, (left, right, _, top) in zip(texts[1:], _extents(figure), strict=True):
        assert text.get_position()[0] == pytest.approx((left + right) / 2)
        lines = text.get_text().count("\n") + 1
        assert 0 < text.get_position()[1] - lines * 13 / 72 < top
        assert left >= 0
        assert right <= wide


def test_titles_do_not_cover_pictures_or_each_other():
    titles = [f"picture {i}, taken for a dog" for i in range(8)]
    figure = plots.image_grid(np.zeros((8, 8, 8)), titles=titles, columns=4)
    figure.canvas.draw()
    axes = figure.axes[0]
    boxes = [t.get_window_extent() for t in axes.texts if t.get_text()]
    pictures = [picture.get_window_extent() for picture in axes.images]
    assert len(boxes) == 8
    for one, other in itertools.combinations(boxes + pictures, 2):
        assert not one.overlaps(other)


def test_an_outline_runs_where_the_mask_ends():
    mask = np.zeros((10, 10), bool)
    mask[2:6, 3:10] = True  # up to the right edge
    figure = plots.image_grid(np.zeros((1, 10, 10)), masks=mask[None])
    left, right, bottom, top = _extents(figure)[0]
    outline = _corners(figure.axes[0].collections[0])
    unit = (right - left) / 10
    assert outline[:, 0].min() == pytest.approx(left + 3 * unit)
    assert outline[:, 0].max() == pytest.approx(right)
    assert outline[:, 1].min() == pytest.approx(top + 2 * unit)
    assert outline[:, 1].max() == pytest.approx(top + 6 * unit)
    assert bottom - top == pytest.approx(right - left)


def test_classes_of_a_mask_differ_in_dashes_and_empty_masks_have_no_outline():
    mask = np.zeros((8, 8), np.int64)
    mask[1:3], mask[4:6] = 1, 2
    figure = plots.image_grid(np.zeros((2, 8, 8)), masks=[mask, np.zeros((8, 8), bool)])
    outlines = figure.axes[0].collections
    assert len(outlines) == 4  # for each of two classes a line on a wider black one
    dashes = [str(outline.get_linestyle()) for outline in outlines[1::2]]
    assert len(set(dashes)) == 2


def test_sixty_four_pictures_build_faster_than_sixty_four_panels_would():
    images = np.zeros((64, 32, 32, 3), np.uint8)
    plots.image_grid(images)
    start = time.perf_counter()
    plots.image_grid(images)
    assert time.perf_counter() - start < 1.0


def _peak(figure):
    [cross] = [line for line in figure.axes[0].get_lines() if line.get_marker() == "P"]
    return cross.get_xydata()[0]


def test_the_cross_stands_on_the_peak_of_the_map():
    heat = np.zeros((5, 5))
    heat[1, 3] = 7.0
    figure = plots.overlay(np.zeros((50, 100, 3)), heat)
    left, right, bottom, top = _extents(figure)[0]
    across, down = _peak(figure)
    assert (across - left) / (right - left) == pytest.approx(3.5 / 5, abs=0.01)
    assert (down - top) / (bottom - top) == pytest.approx(1.5 / 5, abs=0.02)


def test_the_line_runs_at_the_level_said():
    ramp = np.tile(np.arange(101) / 100 * 42, (101, 1))
    figure = plots.overlay(np.zeros((101, 101)), ramp, level=0.25)
    left, right, *_ = _extents(figure)[0]
    outline = _corners(figure.axes[0].collections[-1])
    assert (outline[:, 0].min() - left) / (right - left) == pytest.approx(25.5 / 101, abs=1e-3)


def test_maps_are_shown_as_shares_of_their_own_peak_over_a_grey_picture():
    picture = np.zeros((6, 6, 3))
    picture[..., 0] = 1.0
    figure = plots.overlay(picture, {"one": np.eye(6) * 9, "other": np.eye(6) * 0.1})
    one_under, one, other_under, other = figure.axes[0].images
    for under in (one_under, other_under):
        assert under.get_array().ndim == 2
        assert under.get_array()[0, 0] == pytest.approx(0.299)
    np.testing.assert_allclose(one.get_array(), other.get_array(), rtol=1e-5)
    assert one.get_array().max() == pytest.approx(1.0)
    assert [t.get_text() for t in figure.axes[0].texts if t.get_text()] == ["one", "other"]


def test_the_colour_map_rises_in_lightness_so_that_it_reads_in_grey():
    figure = plots.overlay(np.zeros((4, 4)), np.eye(4))
    heat = figure.axes[0].images[1]
    red, green, blue = heat.cmap(np.linspace(0, 1, 64))[:, :3].T
    assert (np.diff(0.299 * red + 0.587 * green + 0.114 * blue) > 0).all()


def test_a_map_of_zeros_says_so_and_has_neither_line_nor_cross():
    figure = plots.overlay(np.zeros((4, 4)), np.zeros((2, 2)))
    axes = figure.axes[0]
    assert "0 everywhere" in [text.get_text() for text in axes.texts]
    assert not axes.collections
    assert not [line for line in axes.get_lines() if line.get_marker() == "P"]


def test_one_mask_serves_all_maps_of_one_picture():
    mask = np.zeros((8, 8), bool)
    mask[2:5, 2:5] = True
    maps = [np.zeros((2, 2)), np.zeros((2, 2))]
    figure = plots.overlay(np.zeros((8, 8)), maps, masks=mask)
    assert len(figure.axes[0].collections) == 4


def test_pictures_and_maps_go_in_pairs():
    figure = plots.overlay(np.zeros((3, 8, 8, 1)), np.ones((3, 2, 2)))
    assert len(figure.axes[0].images) == 6


def test_the_colour_bar_is_as_high_as_the_pictures(capsys):
    figure = plots.overlay(np.zeros((4, 8, 8)), np.ones((4, 2, 2)), columns=2)
    figure.canvas.draw()
    panel, bar = figure.axes
    pictures = [picture.get_window_extent() for picture in panel.images]
    assert bar.get_window_extent().y0 == pytest.approx(min(p.y0 for p in pictures), abs=1)
    assert bar.get_window_extent().y1 == pytest.approx(max(p.y1 for p in pictures), abs=1)
    assert bar.get_ylabel() == "share of the peak"
    plots.show(figure, "Four maps that are alike everywhere.")
    assert capsys.readouterr().out.startswith("[figure]")
