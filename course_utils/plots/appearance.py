"""The one style: page width, fonts, colors, and the strokes that tell series apart without color.

Matplotlib is imported inside the functions, so that importing `plots` stays cheap.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from course_utils.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHEET = Path(__file__).with_name("course.mplstyle")
PAGE_WIDTH = 9.0  # inches; with DPI, 1080 pixels: fills a slide, and a page shows it whole
DPI = 120
FONT_SIZE = 13.0  # points; 22 pixels at full width, so still 16 on a page 800 pixels wide
INK = "#1A1A1A"
FAINT = "#6B6B6B"  # reference lines and remarks: 5.3 to 1 on white
BLUE, VERMILLION, SKY = "#0072B2", "#D55E00", "#56B4E9"

# Okabe and Ito (2008), "Color Universal Design", less the three hues that a projector loses on a
# white ground (orange, sky blue, yellow: under 3 to 1), and a gray in their place.
PALETTE = (BLUE, VERMILLION, "#000000", "#009E73", "#CC79A7", "#767676")
DASHES = (
    "solid",
    (0, (5, 2)),
    (0, (1, 1.3)),
    (0, (7, 2, 1.2, 2)),
    (0, (10, 3)),
    (0, (4, 1.5, 1, 1.5, 1, 1.5)),
)
MARKERS = ("o", "s", "^", "D", "v", "X", "P", "<", ">", "*", "p", "d")

# Matplotlib's own font has no Hangul. The first of these that a machine has fills the gap:
# Linux, Windows, macOS.
HANGUL_FONTS = (
    "Noto Sans CJK KR",
    "Noto Sans KR",
    "NanumGothic",
    "Malgun Gothic",
    "Apple SD Gothic Neo",
    "AppleGothic",
    "UnDotum",
)


class Stroke(NamedTuple):
    """How one series is drawn: by color, and by dashes and marker for a reader without color."""

    color: str
    linestyle: str | tuple
    marker: str


def stroke(index: int) -> Stroke:
    """Return the stroke of series `index`, 0 to 5; no two share color, dashes or marker.

    Raises:
        InputError: There are more series than can be told apart.

    Example:
        >>> stroke(0).marker, stroke(1).marker
        ('o', 's')
        >>> with style():
        ...     figure, [axes] = new_figure()
        ...     lines = axes.plot([1, 2], [3, 4], **stroke(0)._asdict())
    """
    if not 0 <= index < len(PALETTE):
        raise InputError(
            f"stroke: expected 0 to {len(PALETTE) - 1}, received {index}: more lines cannot be "
            "told apart; draw fewer, or several panels"
        )
    return Stroke(PALETTE[index], DASHES[index], MARKERS[index])


def fonts() -> list[str]:
    """Matplotlib's own font, then one that has Hangul, where this machine has one."""
    return ["DejaVu Sans", *[name for name in HANGUL_FONTS if name in _installed_fonts()][:1]]


@cache
def _installed_fonts() -> frozenset[str]:
    from matplotlib import font_manager

    return frozenset(font_manager.get_font_names())


@contextmanager
def style() -> Iterator[None]:
    """Draw in the course's style inside this block; the reader's own settings come back after it.

    Example:
        >>> with style():
        ...     figure, [axes] = new_figure()
        ...     line = axes.plot([1, 2, 3], [4, 5, 7])
        >>> figure.get_facecolor()
        (1.0, 1.0, 1.0, 1.0)
    """
    import matplotlib
    import matplotlib.style

    # From the defaults, not from a reader's own style, which might be dark or tiny.
    with matplotlib.style.context(SHEET, after_reset=True):
        matplotlib.rcParams["font.family"] = fonts()
        yield


def new_figure(
    rows: int = 1,
    columns: int = 1,
    *,
    width: float = PAGE_WIDTH,
    height: float | None = None,
) -> tuple["Figure", list["Axes"]]:
    """Make an empty figure in the course's style, without pyplot.

    Draw on it inside `with style():`, which new lines and texts take their sizes from.

    Args:
        rows: Panels from top to bottom, at least 1.
        columns: Panels from left to right, at least 1.
        width: Of the whole figure, in inches, 120 pixels each.
        height: In inches; by default 4.4 for each row.

    Returns:
        The figure, and its panels row by row, always as a list.

    Raises:
        InputError: There would be no panel, or one of under an inch.

    Example:
        >>> figure, (left, right) = new_figure(columns=2)
        >>> len(figure.axes)
        2
    """
    if rows < 1 or columns < 1:
        raise InputError(
            f"new_figure: expected 1 or more rows and columns, received {rows} rows and "
            f"{columns} columns: give both as whole numbers above 0"
        )
    height = 4.4 * rows if height is None else height
    if width / columns < 1.0 or height / rows < 1.0:
        raise InputError(
            f"new_figure: expected panels of at least 1 inch, received {columns} x {rows} panels "
            f"on {width:g} x {height:g} inches: draw fewer, or give a larger width and height"
        )
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with style():
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(rows, columns, squeeze=False)
    return figure, list(panels.flat)


def luminance(color: object) -> float:
    """Relative luminance of a color, 0 for black to 1 for white (WCAG 2.1, sRGB)."""
    from matplotlib.colors import to_rgb

    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def ink_on(color: object) -> str:
    """The ink, dark or white, that stands out more on a ground of this color."""
    ground = luminance(color) + 0.05
    return "#FFFFFF" if 1.05 / ground > ground / (luminance(INK) + 0.05) else INK
