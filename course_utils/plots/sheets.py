"""Where pictures, titles and outlines go on a page of pictures.

Everything is drawn in one panel whose unit is the inch, so that sizes are known beforehand: no
title is cut off, and sixty-four pictures draw as fast as one panel does.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from course_utils.errors import InputError
from course_utils.plots.appearance import DPI, FONT_SIZE, PAGE_WIDTH, new_figure
from course_utils.plots.inputs import numeric, same_count
from course_utils.plots.labels import letters, wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GAP = 0.10  # inches between pictures
EDGE = 0.02  # inches around all, so that the outer frames are whole
LARGEST = 4.4  # inches a picture may be wide
LINE = 1.3 / 72  # inches a line of text takes, for each point of its font
# Lines on black, so that they stand out on any ground; dashes tell mask classes 1, 2 and 3 apart.
OUTLINES = (("white", "solid"), ("#F0E442", (0, (3, 1.5))), ("#56B4E9", (0, (1, 1))))


class Extent(NamedTuple):
    """Edges of a picture, in inches from the upper left corner, in Matplotlib's order."""

    left: float
    right: float
    bottom: float
    top: float


def in_a_row(columns: int | None, count: int) -> int:
    """Return how many pictures stand in a row: by default what leaves fewest places empty."""
    if columns is None:
        if count <= 4:
            return count
        choices = range(math.ceil(math.sqrt(count)), math.floor(math.sqrt(2.5 * count)) + 1)
        return min(choices, key=lambda c: (-count % c, c))
    if not isinstance(columns, int | np.integer) or columns < 1:
        raise InputError(
            f"columns: expected a whole number of 1 or more, received {columns!r}: choose columns=4"
        )
    return min(int(columns), count)


def lay_out(
    drawn: Sequence[np.ndarray],
    titles: Sequence[str] | None,
    columns: int,
    title: str | None,
    *,
    row_titles: Sequence[str] | None = None,
    right: float = 0.0,
) -> tuple["Figure", "Axes", list[Extent]]:
    """Make the figure, write all titles, and return where each picture goes.

    Args:
        drawn: Checked pictures, (height, width) or (height, width, 3).
        titles: One a picture, or None.
        columns: Pictures in a row.
        title: Above all, or None.
        row_titles: One a row, or None.
        right: Inches to leave free on the right, for a colour bar.
    """
    left = EDGE
    if row_titles is not None:
        left += min(2.2, 0.2 + max(map(letters, row_titles)) * 0.56 * FONT_SIZE / 72)
    width = min(LARGEST, (PAGE_WIDTH - left - EDGE - right - GAP * (columns - 1)) / columns)
    # A tall picture among wide ones is made smaller, not every row higher.
    height = width * min(1.3, max(item.shape[0] / item.shape[1] for item in drawn))
    size = FONT_SIZE if width > 1.3 else FONT_SIZE - 2.5
    texts = [_wrap(t, width, size) for t in titles] if titles is not None else [""] * len(drawn)
    rows = math.ceil(len(drawn) / columns)
    tops = []
    y = EDGE + (1.7 * LINE * (FONT_SIZE + 2) if title else 0.0)
    for row in range(rows):
        lines = max(
            t.count("\n") + 1 if t else 0 for t in texts[row * columns : (row + 1) * columns]
        )
        y += lines * LINE * size + (0.1 if lines else 0.0)
        tops.append(y)
        y += height + GAP
    total = left + columns * (width + GAP) - GAP + right + EDGE, y - GAP + EDGE
    figure, axes = _bare_panel(*total)
    if title:
        axes.text(0, 0, title, va="top", size=FONT_SIZE + 2, weight="bold")
    extents = []
    for index, (item, text) in enumerate(zip(drawn, texts, strict=True)):
        row, column = divmod(index, columns)
        x, y = left + column * (width + GAP) + width / 2, tops[row] + height / 2
        scale = min(width / item.shape[1], height / item.shape[0])
        half_w, half_h = item.shape[1] * scale / 2, item.shape[0] * scale / 2
        extents.append(Extent(x - half_w, x + half_w, y + half_h, y - half_h))
        axes.text(x, y - half_h - 0.06, text, ha="center", va="bottom", size=size)
        if row_titles is not None and column == 0:
            shown = _wrap(row_titles[row], left, FONT_SIZE)
            axes.text(left - 0.12, y, shown, ha="right", va="center")
    return figure, axes, extents


def _bare_panel(width: float, height: float) -> tuple["Figure", "Axes"]:
    """Return a figure of that size and a panel that fills it, in inches, downwards."""
    figure, [axes] = new_figure(width=max(width, 1.0), height=max(height, 1.0))
    figure.set_layout_engine("none")
    page = figure.get_size_inches()
    axes.set_position((0, 1 - height / page[1], width / page[0], height / page[1]))
    axes.set_axis_off()
    axes.set(xlim=(0, width), ylim=(height, 0), autoscale_on=False)
    return figure, axes


def _wrap(text: object, width: float, size: float) -> str:
    """Break a title so that it fits `width` inches."""
    return wrap(text, max(6.0, width * 72 / (0.56 * size)))


def draw_picture(axes: "Axes", item: np.ndarray, extent: Extent) -> None:
    """Draw a picture where it belongs, with a thin frame; enlarged pixels stay square."""
    enlarged = (extent.right - extent.left) * DPI / item.shape[1]
    axes.imshow(
        item,
        extent=extent,
        vmin=0,
        vmax=1,
        aspect="auto",
        interpolation="nearest" if enlarged >= 1.5 else "antialiased",
    )
    left, right, bottom, top = extent
    axes.plot(
        [left, right, right, left, left],
        [top, top, bottom, bottom, top],
        color="#777777",
        linewidth=0.7,
        clip_on=False,
    )


def check_masks(masks: object, drawn: Sequence[np.ndarray], *, where: str) -> list[np.ndarray]:
    """Return one mask a picture, uint8, of the picture's size; see `image_grid`."""
    same_count(masks, len(drawn), where=where, what="pictures")
    checked = []
    for index, (mask, item) in enumerate(zip(masks, drawn, strict=True)):
        array = numeric(mask, where=f"{where}: {index}")
        array = array[..., 0] if array.ndim == 3 and array.shape[-1] == 1 else array
        if array.shape != item.shape[:2]:
            raise InputError(
                f"{where}: expected mask {index} of the picture's size {item.shape[:2]}, received "
                f"shape {array.shape}: resize it by nearest neighbour"
            )
        if not np.isin(array, range(len(OUTLINES) + 1)).all():
            raise InputError(
                f"{where}: expected bool or whole numbers 0 to {len(OUTLINES)} in mask {index}, "
                f"received {array.min():g} to {array.max():g}: compare with a threshold, mask > 0.5"
            )
        checked.append(array.astype(np.uint8))
    return checked


def pixel_centres(shape: tuple[int, ...], extent: Extent) -> tuple[np.ndarray, np.ndarray]:
    """Return where the centres of the pixels are, with one more pixel all round."""
    left, right, bottom, top = extent
    rows, columns = shape
    x = left + (np.arange(-1, columns + 1) + 0.5) / columns * (right - left)
    y = top + (np.arange(-1, rows + 1) + 0.5) / rows * (bottom - top)
    return x, y


def draw_outline(axes: "Axes", mask: np.ndarray, extent: Extent, *, dashed: bool = False) -> None:
    """Draw the border of each class of a mask, dashed throughout or by class."""
    x, y = pixel_centres(mask.shape, extent)
    for value, (color, line) in enumerate(OUTLINES, start=1):
        inside = np.pad(mask == value, 1).astype(float)
        if inside.any():
            draw_contour(axes, x, y, inside, 0.5, color, (0, (4, 2)) if dashed else line)


def draw_contour(
    axes: "Axes",
    x: np.ndarray,
    y: np.ndarray,
    values: np.ndarray,
    level: float,
    color: str,
    line: object,
) -> None:
    """Draw where values (rows, columns) cross a level, as a line on a wider black one."""
    for ink, width, dashes in (("black", 3.4, "solid"), (color, 1.7, line)):
        axes.contour(x, y, values, [level], colors=[ink], linewidths=width, linestyles=[dashes])
