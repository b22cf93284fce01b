"""The style: readable without color, on white, and without touching the reader's settings."""

import itertools
import subprocess
import sys

import matplotlib
import numpy as np
import pytest

from course_utils import plots
from course_utils.plots import appearance
from course_utils.plots.appearance import DASHES, FAINT, INK, MARKERS, PALETTE, ink_on, luminance


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


def test_no_two_series_share_dashes_or_marker_or_color():
    looks = [plots.stroke(i) for i in range(len(PALETTE))]
    for one, other in itertools.combinations(looks, 2):
        assert one.color != other.color
        assert one.linestyle != other.linestyle
        assert one.marker != other.marker
    assert len(set(MARKERS)) == len(MARKERS)
    assert len(DASHES) == len(PALETTE)


def test_lines_and_text_stand_out_on_white_as_wcag_asks_for():
    assert (luminance("black"), luminance("white")) == (0.0, pytest.approx(1.0))
    for color in PALETTE:
        assert 1.05 / (luminance(color) + 0.05) >= 3.0, color
    assert 1.05 / (luminance(INK) + 0.05) >= 7.0
    assert 1.05 / (luminance(FAINT) + 0.05) >= 4.5


def test_ink_on_any_ground_reads_at_four_and_a_half_to_one():
    for grey in np.linspace(0, 1, 101):
        ground = luminance((grey, grey, grey)) + 0.05
        ink = luminance(ink_on((grey, grey, grey))) + 0.05
        # A mid grey allows no more than 4.6 with black and white; with soft black a little less.
        assert max(ground, ink) / min(ground, ink) >= 4.1, grey


def test_the_readers_settings_come_back():
    with matplotlib.rc_context({"font.size": 31.0, "axes.facecolor": "black"}):
        before = dict(matplotlib.rcParams)
        with plots.style():
            # The style sheet and the constants beside it agree.
            sheet = [matplotlib.rcParams[name] for name in ("font.size", "figure.dpi")]
            assert sheet == [appearance.FONT_SIZE, appearance.DPI] == [13.0, 120]
            assert matplotlib.colors.same_color(matplotlib.rcParams["text.color"], INK)
            assert matplotlib.rcParams["axes.facecolor"] == "white"
        plots.show(plots.bars({"a": 1.0}, xlabel="x", ylabel="y"), "One bar of length one, blue.")
        assert dict(matplotlib.rcParams) == before
    with pytest.raises(KeyError), plots.style():
        raise KeyError
    assert matplotlib.rcParams["font.size"] != 13.0


def test_new_figure_returns_its_panels_row_by_row():
    figure, panels = plots.new_figure(rows=2, columns=3, width=9, height=6)
    assert list(figure.axes) == panels
    assert tuple(figure.get_size_inches()) == (9, 6)


@pytest.mark.parametrize(
    ("there", "tried"),
    [
        ({"Malgun Gothic", "Noto Sans CJK KR", "DejaVu Sans"}, ["DejaVu Sans", "Noto Sans CJK KR"]),
        ({"DejaVu Sans", "Malgun Gothic", "NanumGothic"}, ["DejaVu Sans", "NanumGothic"]),
        (set(), ["DejaVu Sans"]),
    ],
)
def test_the_first_hangul_font_that_is_there_is_tried_after_the_own_one(there, tried, monkeypatch):
    monkeypatch.setattr(appearance, "_installed_fonts", lambda: there)
    assert appearance.fonts() == tried
