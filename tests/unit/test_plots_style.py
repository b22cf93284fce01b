"""The style: readable without colour, on white, and without touching the reader's settings."""

import itertools
import subprocess
import sys

import matplotlib
import numpy as np
import pytest

from course_utils import plots
from course_utils.errors import InputError
from course_utils.plots.appearance import (
    DASHES,
    FAINT,
    INK,
    MARKERS,
    PALETTE,
    fonts,
    ink_on,
    luminance,
)
from course_utils.plots.labels import fixed, spread, wrap


def test_importing_is_cheap_and_drawing_never_loads_pyplot():
    code = """
import sys, time
import numpy
start = time.perf_counter()
from course_utils import plots
assert time.perf_counter() - start < 1.0, "slow import"
assert "matplotlib" not in sys.modules, "matplotlib loaded by the import"
plots.show(plots.bars({"a": 1.0}, xlabel="x", ylabel="y"), "One bar of length one.")
assert "matplotlib.pyplot" not in sys.modules, "pyplot loaded"
assert not {"tensorflow", "keras"} & set(sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[figure] One bar of length one.\n"


def test_no_two_series_share_dashes_or_marker_or_colour():
    looks = [plots.stroke(i) for i in range(len(PALETTE))]
    for one, other in itertools.combinations(looks, 2):
        assert one.color != other.color
        assert one.linestyle != other.linestyle
        assert one.marker != other.marker
    assert len(set(MARKERS)) == len(MARKERS)
    assert len(DASHES) == len(PALETTE)


def test_every_line_stands_out_on_white_without_colour():
    for color in (*PALETTE, FAINT):
        assert 1.05 / (luminance(color) + 0.05) >= 3.0, color


def test_text_has_the_contrast_that_wcag_asks_for():
    assert 1.05 / (luminance(INK) + 0.05) >= 7.0
    assert 1.05 / (luminance(FAINT) + 0.05) >= 4.5


def test_ink_on_any_ground_reads_at_four_and_a_half_to_one():
    for grey in np.linspace(0, 1, 101):
        ground = luminance((grey, grey, grey)) + 0.05
        ink = luminance(ink_on((grey, grey, grey))) + 0.05
        # A mid grey allows no more than 4.6 with black and white; with soft black a little less.
        assert max(ground, ink) / min(ground, ink) >= 4.1, grey


def test_a_seventh_series_is_refused():
    with pytest.raises(InputError, match=r"expected 0 to 5, received 6: more lines cannot be told"):
        plots.stroke(len(PALETTE))


def test_the_readers_settings_come_back():
    with matplotlib.rc_context({"font.size": 31.0, "axes.facecolor": "black"}):
        before = dict(matplotlib.rcParams)
        with plots.style():
            assert matplotlib.rcParams["font.size"] == 13.0
            assert matplotlib.rcParams["axes.facecolor"] == "white"
        plots.show(plots.bars({"a": 1.0}, xlabel="x", ylabel="y"), "One bar of length one, blue.")
        assert dict(matplotlib.rcParams) == before


def test_settings_come_back_after_an_error():
    before = dict(matplotlib.rcParams)
    with pytest.raises(KeyError), plots.style():
        raise KeyError
    assert dict(matplotlib.rcParams) == before


def test_new_figure_returns_its_panels_row_by_row():
    figure, panels = plots.new_figure(rows=2, columns=3, width=9, height=6)
    assert list(figure.axes) == panels
    assert tuple(figure.get_size_inches()) == (9, 6)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"rows": 0}, "received 0 rows and 1 columns: give both as whole numbers above 0"),
        ({"columns": 12}, "received 12 x 1 panels on 9 x 4.4 inches: draw fewer"),
    ],
)
def test_panels_that_cannot_be_read_are_refused(wrong, said):
    with pytest.raises(InputError, match=said):
        plots.new_figure(**wrong)


def test_the_first_hangul_font_that_is_there_is_tried_after_the_own_one():
    there = frozenset({"Malgun Gothic", "Noto Sans CJK KR", "DejaVu Sans"})
    assert fonts(there) == ["DejaVu Sans", "Noto Sans CJK KR"]
    assert fonts(frozenset()) == ["DejaVu Sans"]


def test_labels_are_moved_apart_as_little_as_possible():
    rng = np.random.default_rng(5)
    for _ in range(50):
        wanted = rng.random(6)
        placed = spread(wanted, gap=0.1)
        order = np.argsort(wanted)
        assert np.all(np.diff(placed[order]) >= 0.1 - 1e-9)
        # Least squares leaves the mean where it was.
        assert placed.mean() == pytest.approx(wanted.mean())
    far = [0.1, 0.9, 0.5]
    assert spread(far, gap=0.1).tolist() == pytest.approx(far)


def test_numbers_have_a_true_minus_and_no_signed_zero():
    assert fixed(-1.25, 1) == "−1.2"
    assert fixed(-0.004, 2) == "0.00"


def test_wrapping_counts_hangul_as_wide():
    assert wrap("가나다 라마바", 9) == "가나다\n라마바"
    assert wrap("abc def", 9) == "abc def"
    assert wrap("kept\nbreak", 40) == "kept\nbreak"
