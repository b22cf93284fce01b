"""Images in rows and columns, with titles and the outlines of masks; and many maps as tiles.

Images are drawn in one panel whose unit is the inch, so that sizes are known beforehand: no title
is cut off, and sixty-four images draw as fast as one panel does.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from course_utils import checks
from course_utils.errors import InputError
from course_utils.plots.appearance import DPI, FAINT, FONT_SIZE, PAGE_WIDTH, new_figure, style
from course_utils.plots.inputs import as_images, numbers, numeric, same_count
from course_utils.plots.labels import letters, wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GAP = 0.10  # inches between images
EDGE = 0.02  # inches around all, so that the outer frames are whole
LARGEST = 4.4  # inches an image may be wide
LINE = 1.3 / 72  # inches a line of text takes, for each point of its font
# Lines on black, so that they stand out on any ground; dashes tell mask classes 1, 2 and 3 apart.
OUTLINES = (("white", "solid"), ("#F0E442", (0, (3, 1.5))), ("#56B4E9", (0, (1, 1))))
# Of tiles: what a constant map is drawn as; what is between them and where the last row ends early.
GRAY, WHITE = 0.5, 1.0


class Extent(NamedTuple):
    """Edges of an image, in inches from the upper left corner, in Matplotlib's order."""

    left: float
    right: float
    bottom: float
    top: float


def image_grid(
    images: object,
    *,
    titles: Sequence[str] | None = None,
    columns: int | None = None,
    row_titles: Sequence[str] | None = None,
    masks: object = None,
    title: str | None = None,
) -> "Figure":
    """Draw images in rows, each whole and in its own proportions.

    Args:
        images: (n, height, width), (n, height, width, 1) or (n, height, width, 3), or a list of
            single images of any sizes; uint8 in [0, 255], float in [0, 1], or bool.
        titles: One an image, written above it; long ones are wrapped.
        columns: Images in a row; by default what leaves the fewest positions empty.
        row_titles: One a row, written to its left.
        masks: One an image, (height, width) bool, or whole numbers from 0 (not outlined) to 3;
            their outlines are drawn over the images, solid, dashed and dotted.
        title: Above the figure.

    Raises:
        InputError: An image has another shape, type or range (a float image up to 255 is told to
            divide by 255), or titles or masks are not as many as there are images.

    Example:
        >>> figure = image_grid(np.zeros((6, 8, 8), "uint8"), titles=list("abcdef"))
        >>> len(figure.axes[0].images)
        6
    """
    drawn = as_images(images, where="image_grid")
    columns = in_a_row(columns, len(drawn))
    if titles is not None:
        same_count(titles, len(drawn), where="image_grid: titles", what="images")
    if row_titles is not None:
        rows = math.ceil(len(drawn) / columns)
        same_count(row_titles, rows, where="image_grid: row_titles", what="rows")
    outlined = check_masks(masks, drawn, where="image_grid: masks")
    with style():
        figure, axes, extents = lay_out(drawn, titles, columns, row_titles, title=title)
        for image, mask, extent in zip(drawn, outlined, extents, strict=True):
            draw_image(axes, image, extent)
            draw_outline(axes, mask, extent)
    return figure


def in_a_row(columns: int | None, count: int) -> int:
    """How many images stand in a row: by default what leaves fewest positions empty."""
    if columns is not None:
        return min(checks.whole("columns", columns), count)
    if count <= 4:
        return count
    choices = range(math.ceil(math.sqrt(count)), math.floor(math.sqrt(2.5 * count)) + 1)
    return min(choices, key=lambda c: (-count % c, c))


def lay_out(
    drawn: Sequence[np.ndarray],
    titles: Sequence[str] | None,
    columns: int,
    row_titles: Sequence[str] | None,
    *,
    title: str | None = None,
    right: float = 0.0,
) -> tuple["Figure", "Axes", list[Extent]]:
    """Make the figure, write all titles, and return where each image goes.

    On the right so many inches are left free, for a color bar.
    """
    left = EDGE
    if row_titles is not None:
        left += min(2.2, 0.2 + max(map(letters, row_titles)) * 0.56 * FONT_SIZE / 72)
    width = min(LARGEST, (PAGE_WIDTH - left - EDGE - right - GAP * (columns - 1)) / columns)
    # A tall image among wide ones is made smaller, not every row higher.
    height = width * min(1.3, max(item.shape[0] / item.shape[1] for item in drawn))
    size = FONT_SIZE if width > 1.3 else FONT_SIZE - 2.5
    titles = [""] * len(drawn) if titles is None else titles
    texts = [_wrap(text, width, size) for text in titles]
    tops = []
    y = EDGE + (1.7 * LINE * (FONT_SIZE + 2) if title else 0.0)
    for start in range(0, len(drawn), columns):
        lines = max(t.count("\n") + 1 if t else 0 for t in texts[start : start + columns])
        y += lines * LINE * size + (0.1 if lines else 0.0)
        tops.append(y)
        y += height + GAP
    figure, axes = _bare_panel(left + columns * (width + GAP) - GAP + right + EDGE, y - GAP + EDGE)
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


def draw_image(axes: "Axes", item: np.ndarray, extent: Extent) -> None:
    """Draw an image where it belongs, with a thin frame; enlarged pixels stay square."""
    left, right, bottom, top = extent
    enlarged = (right - left) * DPI / item.shape[1]
    axes.imshow(
        item,
        extent=extent,
        vmin=0,
        vmax=1,
        aspect="auto",
        interpolation="nearest" if enlarged >= 1.5 else "antialiased",
    )
    axes.plot(
        [left, right, right, left, left],
        [top, top, bottom, bottom, top],
        color="#777777",
        linewidth=0.7,
        clip_on=False,
    )


def check_masks(masks: object, drawn: Sequence[np.ndarray], *, where: str) -> list:
    """One mask an image, uint8, of the image's size, or one None an image; see `image_grid`."""
    if masks is None:
        return [None] * len(drawn)
    same_count(masks, len(drawn), where=where, what="images")
    checked = []
    for index, (mask, item) in enumerate(zip(masks, drawn, strict=True)):
        array = numeric(mask, where=f"{where}: {index}")
        array = array[..., 0] if array.ndim == 3 and array.shape[-1] == 1 else array
        if array.shape != item.shape[:2]:
            raise InputError(
                f"{where}: expected mask {index} of the image's size {item.shape[:2]}, received "
                f"shape {array.shape}: resize it by nearest neighbor"
            )
        if not np.isin(array, range(len(OUTLINES) + 1)).all():
            raise InputError(
                f"{where}: expected bool or whole numbers 0 to {len(OUTLINES)} in mask {index}, "
                f"received {array.min():g} to {array.max():g}: compare with a threshold, mask > 0.5"
            )
        checked.append(array.astype(np.uint8))
    return checked


def pixel_centers(shape: tuple[int, ...], extent: Extent) -> tuple[np.ndarray, np.ndarray]:
    """Where the centers of the pixels are, with one more pixel all round."""
    left, right, bottom, top = extent
    rows, columns = shape
    x = left + (np.arange(-1, columns + 1) + 0.5) / columns * (right - left)
    y = top + (np.arange(-1, rows + 1) + 0.5) / rows * (bottom - top)
    return x, y


def draw_outline(
    axes: "Axes", mask: np.ndarray | None, extent: Extent, *, dashed: bool = False
) -> None:
    """Draw the border of each class of a mask, dashed throughout or by class."""
    if mask is None:
        return
    for value, (color, line) in enumerate(OUTLINES, start=1):
        inside = (mask == value).astype(float)
        if inside.any():
            draw_contour(axes, inside, 0.5, extent, color, (0, (4, 2)) if dashed else line)


def draw_contour(
    axes: "Axes", values: np.ndarray, level: float, extent: Extent, color: str, line: object
) -> None:
    """Draw where values (rows, columns) cross a level, as a line on a wider black one."""
    x, y = pixel_centers(values.shape, extent)
    for ink, width, dashes in (("black", 3.4, "solid"), (color, 1.7, line)):
        axes.contour(
            x, y, np.pad(values, 1), [level], colors=[ink], linewidths=width, linestyles=[dashes]
        )


class Tiles(NamedTuple):
    """Maps laid out as one image, in [0, 1], and which of them had nothing to show."""

    image: np.ndarray
    constant: tuple[int, ...]
    columns: int


def tiles(maps: object, *, columns: int | None = None) -> Tiles:
    """Lay maps (height, width, n) out row by row as one image, a white pixel between neighbors.

    One image, because 64 panels take seconds to draw and one takes a few milliseconds.
    """
    stack = np.moveaxis(numbers(maps, where="tile_figure: maps", rank=3), -1, 0)
    count, height, width = stack.shape
    columns = math.ceil(math.sqrt(count)) if columns is None else columns
    columns = min(checks.whole("columns", columns), count)
    rows = math.ceil(count / columns)
    low = stack.min(axis=(1, 2), keepdims=True)
    high = stack.max(axis=(1, 2), keepdims=True)
    spans = high - low
    # What differs by rounding alone is constant too: blown up to [0, 1] it would show as noise.
    flat = spans <= 1e-6 * np.maximum(np.abs(low), np.abs(high))
    # Every tile takes a white line along on the right and below; the last of both is cut off.
    cells = np.full((rows * columns, height + 1, width + 1), WHITE, dtype=np.float32)
    cells[:count, :height, :width] = np.where(flat, GRAY, (stack - low) / np.where(flat, 1, spans))
    sheet = cells.reshape(rows, columns, height + 1, width + 1).swapaxes(1, 2)
    sheet = sheet.reshape(rows * (height + 1), columns * (width + 1))
    return Tiles(sheet[:-1, :-1], tuple(int(i) for i in np.flatnonzero(flat)), columns)


def tile_figure(
    maps: object,
    *,
    columns: int | None = None,
    what: str = "channel",
    title: str | None = None,
) -> "Figure":
    """Draw maps as tiles, numbered at the margin, each scaled so that its range fills the grays.

    A map that is constant has no range. It is drawn in mid gray and its number is reported, so
    that a dead channel is not taken for a dark one.

    Args:
        maps: (height, width, n) finite numbers, channels last, as a layer gives them for one image
            (`activations[0]`) or a kernel for one input channel (`kernel[:, :, 0, :]`).
        columns: Tiles in a row; by default as many as make it about square.
        what: What a tile is, for the axes: "channel", "filter", "kernel".
        title: Above the figure.

    Returns:
        The figure: the number of a tile is its row's number plus its column's.

    Raises:
        InputError: The maps have another rank or are not finite, or columns is no whole number.

    Example:
        >>> figure = tile_figure(np.random.default_rng(0).normal(size=(3, 3, 32)), columns=8)
        >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
        ['0', '8', '16', '24']
    """
    sheet = tiles(maps, columns=columns)
    height, width, count = np.shape(maps)
    rows = math.ceil(count / sheet.columns)
    tall, wide = sheet.image.shape
    # Room for the numbers and words round the tiles, in inches. Said, not asked of a layout engine,
    # which takes as long to find out as drawing does.
    left, right = (0.85, 0.2) if rows > 1 else (0.2, 0.2)
    above, below = (0.75, 0.6) if title else (0.4, 0.6)
    # As large as the page allows, yet never taller than a slide.
    scale = min((PAGE_WIDTH - left - right) / wide, 7.0 / tall)
    page = max(wide * scale + left + right, 1.0), tall * scale + above + below
    with style():
        figure, [axes] = new_figure(width=page[0], height=page[1])
        figure.set_layout_engine("none")
        axes.set_position(
            (left / page[0], below / page[1], wide * scale / page[0], tall * scale / page[1])
        )
        axes.imshow(sheet.image, vmin=0, vmax=1, interpolation="nearest")
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        axes.xaxis.tick_top()
        axes.xaxis.set_label_position("bottom")
        x = np.arange(sheet.columns) * (width + 1)
        y = np.arange(rows) * (height + 1)
        _frame_tiles(axes, x, y, (width, height), count)
        # As many numbers as have room.
        every = math.ceil(0.45 / ((width + 1) * scale))
        sign = "+" if rows > 1 else ""
        axes.set_xticks(
            x[::every] + (width - 1) / 2,
            [f"{sign}{column}" for column in range(0, sheet.columns, every)],
        )
        every = math.ceil(0.25 / ((height + 1) * scale))
        axes.set_yticks(
            y[::every] + (height - 1) / 2,
            [str(row * sheet.columns) for row in range(0, rows, every)],
        )
        if rows > 1:
            axes.set_ylabel(f"first {what} of the row")
        else:
            axes.set_yticks([])
        axes.set_xlabel(_report(sheet.constant, count, what), color=FAINT, fontsize=FONT_SIZE - 1)
        if title:
            axes.set_title(title)
    return figure


def _frame_tiles(
    axes: "Axes", x: np.ndarray, y: np.ndarray, size: tuple[int, int], count: int
) -> None:
    """Draw a thin frame round each tile: a white edge is not the white between the tiles."""
    left, top = (corner.ravel()[:count] - 0.5 for corner in np.meshgrid(x, y))
    right, bottom = left + size[0], top + size[1]
    look = {"color": "#999999", "linewidth": 0.6}
    axes.hlines(np.r_[top, bottom], np.r_[left, left], np.r_[right, right], **look)
    axes.vlines(np.r_[left, right], np.r_[top, top], np.r_[bottom, bottom], **look)


def _report(constant: tuple[int, ...], count: int, what: str) -> str:
    each = f"each {what} from its lowest (black) to its highest value (white)"
    if not constant:
        return each
    listed = ", ".join(map(str, constant[:12])) + (" …" if len(constant) > 12 else "")
    verb = "is" if len(constant) == 1 else "are"
    return f"{each}\n{len(constant)} of {count} {verb} constant, drawn gray: {listed}"
