"""Many maps as one picture: the channels of a layer, or its kernels, as tiles.

One picture, because 64 panels take seconds to draw and one takes a few milliseconds.
"""

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from course_utils.errors import InputError
from course_utils.plots.appearance import FAINT, FONT_SIZE, PAGE_WIDTH, new_figure, style
from course_utils.plots.inputs import numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GREY = 0.5  # what a constant map is drawn as
WHITE = 1.0  # between the tiles, and where the last row ends early


class Tiles(NamedTuple):
    """Maps laid out as one picture, and which of them had nothing to show."""

    image: np.ndarray
    constant: tuple[int, ...]
    columns: int


def tiles(maps: object, *, columns: int | None = None, padding: int = 1) -> Tiles:
    """Lay maps out row by row as one picture, each scaled so that its range fills [0, 1].

    A map that is constant has no range. It is drawn in mid grey and its number is reported, so
    that a dead channel is not taken for a dark one.

    Args:
        maps: (height, width, n), channels last, as a layer gives them for one picture
            (`activations[0]`) or a kernel for one input channel (`kernel[:, :, 0, :]`).
        columns: Tiles in a row; by default as many as make it about square.
        padding: White pixels between neighbours, none around the whole.

    Returns:
        `image`, float32 (rows, columns) in [0, 1]; `constant`, the numbers of the constant maps;
        `columns`, the tiles in a row.

    Raises:
        InputError: If the maps have another rank or are not finite, or columns or padding are out
            of range.

    Example:
        >>> maps = np.zeros((2, 2, 3))
        >>> maps[0, 0, 0] = 7
        >>> sheet = tiles(maps, columns=3)
        >>> sheet.image.shape, sheet.constant
        ((2, 8), (1, 2))
    """
    stack = np.moveaxis(numbers(maps, where="tiles: maps", rank=3), -1, 0)
    count, height, width = stack.shape
    columns = math.ceil(math.sqrt(count)) if columns is None else columns
    for name, value, least in (("columns", columns, 1), ("padding", padding, 0)):
        if not isinstance(value, int | np.integer) or value < least:
            raise InputError(
                f"tiles: expected {name} to be a whole number of {least} or more, received "
                f"{value!r}: choose {name}={max(least, 1)}"
            )
    columns = min(int(columns), count)
    rows = math.ceil(count / columns)
    scaled, constant = _standardise(stack)
    # Every tile takes its padding along on the right and below; the last of both is cut off.
    cell = np.full((rows * columns, height + padding, width + padding), WHITE, dtype=np.float32)
    cell[:count, :height, :width] = scaled
    sheet = cell.reshape(rows, columns, height + padding, width + padding).swapaxes(1, 2)
    sheet = sheet.reshape(rows * (height + padding), columns * (width + padding))
    image = sheet[: rows * (height + padding) - padding, : columns * (width + padding) - padding]
    return Tiles(image, constant, columns)


def _standardise(stack: np.ndarray) -> tuple[np.ndarray, tuple[int, ...]]:
    """Scale each of (n, height, width) to [0, 1], and say which are constant."""
    low = stack.min(axis=(1, 2), keepdims=True)
    high = stack.max(axis=(1, 2), keepdims=True)
    spans = high - low
    # What differs by rounding alone is constant too: blown up to [0, 1] it would show as noise.
    flat = spans <= 1e-6 * np.maximum(np.abs(low), np.abs(high))
    scaled = np.where(flat, GREY, (stack - low) / np.where(flat, 1.0, spans))
    return scaled, tuple(int(i) for i in np.flatnonzero(flat))


def tile_figure(
    maps: object,
    *,
    columns: int | None = None,
    padding: int = 1,
    what: str = "channel",
    title: str | None = None,
) -> "Figure":
    """Draw maps as tiles, numbered at the margin, and say which are constant.

    Args:
        maps: (height, width, n), as for `tiles`.
        columns: Tiles in a row; by default as many as make it about square.
        padding: White pixels between neighbours.
        what: What a tile is, for the axes: "channel", "filter", "kernel".
        title: Above the figure.

    Returns:
        The figure: the number of a tile is its row's number plus its column's.

    Raises:
        InputError: As `tiles`.

    Example:
        >>> figure = tile_figure(np.random.default_rng(0).normal(size=(3, 3, 32)), columns=8)
        >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
        ['0', '8', '16', '24']
    """
    sheet = tiles(maps, columns=columns, padding=padding)
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
        x = np.arange(sheet.columns) * (width + padding)
        y = np.arange(rows) * (height + padding)
        _frame_tiles(axes, x, y, (width, height), count)
        # As many numbers as have room.
        every = math.ceil(0.45 / ((width + padding) * scale))
        sign = "+" if rows > 1 else ""
        axes.set_xticks(
            x[::every] + (width - 1) / 2,
            [f"{sign}{column}" for column in range(0, sheet.columns, every)],
        )
        every = math.ceil(0.25 / ((height + padding) * scale))
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
    return f"{each}\n{len(constant)} of {count} {verb} constant, drawn grey: {listed}"
