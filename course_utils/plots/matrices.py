"""Matrices with their numbers in the cells: confusion between classes, kernels, patches."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from course_utils.errors import InputError
from course_utils.formatting import fixed
from course_utils.plots.appearance import FONT_SIZE, PAGE_WIDTH, ink_on, new_figure, style
from course_utils.plots.inputs import named, numbers, one_of, same_count
from course_utils.plots.labels import letters

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# By which sum each way of normalizing divides: the rows are the true classes.
SUMS = {"true": 1, "predicted": 0, "all": None}
MOST_CLASSES = 40
MOST_CELLS = 400  # of a grid of numbers, 20 x 20


def confusion_matrix(
    matrix: object, class_names: Sequence[str], *, normalise: str | None = None
) -> "Figure":
    """Draw how often each true class (row) was taken for each class (column).

    Args:
        matrix: (classes, classes) counts, rows true, columns predicted; up to 40 classes.
        class_names: One a class, in the order of the rows.
        normalise: None writes counts; "true" shares of each row (recall on the diagonal),
            "predicted" shares of each column (precision on the diagonal), "all" shares of all.
            A row or column without images has no share and shows a dash.

    Returns:
        The figure. Beyond ten classes, cells of 0 stay empty so that mistakes stand out.

    Raises:
        InputError: The matrix is not square, has negative entries, another size than the names,
            or too many classes.

    Example:
        >>> figure = confusion_matrix([[8, 2], [1, 9]], ["cat", "dog"], normalise="true")
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['0.80', '0.20', '0.10', '0.90']
    """
    counts = numbers(matrix, where="confusion_matrix: matrix", rank=2)
    one_of(normalise, (None, *SUMS), where="confusion_matrix: normalise")
    size = len(counts)
    if counts.shape != (size, size) or counts.min() < 0 or size > MOST_CLASSES:
        raise InputError(
            f"confusion_matrix: expected counts of 0 or more, as many rows as columns, at most "
            f"{MOST_CLASSES}; received shape {counts.shape}, lowest {counts.min():g}: count true "
            "classes in rows and predicted ones in columns"
        )
    same_count(class_names, size, where="confusion_matrix: class_names", what="classes")
    if normalise is None:
        values, digits = counts, 0 if (counts == np.round(counts)).all() else 2
    else:
        sums = counts.sum(axis=SUMS[normalise], keepdims=True)
        values = np.divide(counts, sums, out=np.full_like(counts, np.nan), where=sums > 0)
        digits = 2
    sparse = size > 10
    texts = [
        ["–" if np.isnan(v) else "" if sparse and v == 0 else fixed(v, digits) for v in row]
        for row in values
    ]
    side = min(1.2, 7.6 / size)  # inches a cell
    margin = 0.1 * max(map(letters, class_names))
    with style():
        figure, [axes] = new_figure(
            width=max(size * side + margin + 1.2, 4.8), height=size * side + margin + 1.3
        )
        top = 1.0 if normalise else max(float(values.max()), 1.0)
        # A dash stands where there is no share; its cell is drawn as 0.
        _cells(axes, np.nan_to_num(values), texts, side=side, low=0.0, high=top, cmap="Blues")
        steep = margin > side
        axes.set_xticks(range(size), class_names, rotation=45 if steep else 0)
        if steep:
            for label in axes.get_xticklabels():
                label.set(ha="right", rotation_mode="anchor")
        axes.set_yticks(range(size), class_names)
        axes.set(xlabel="predicted class", ylabel="true class")
    return figure


def number_grid(matrices: Mapping[str, object], *, digits: int = 0) -> "Figure":
    """Draw small matrices side by side with every number written in its cell.

    Shades run from black for the lowest to white for the highest number of each, as in an image.

    Args:
        matrices: Name to (rows, columns): a kernel, a patch of an image, their product; 1 to 6,
            with 400 numbers at most.
        digits: Decimals written.

    Raises:
        InputError: A matrix has another rank, or more numbers are to be written.

    Example:
        >>> figure = number_grid({"kernel": [[1, 0, -1]]})
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['1', '0', '−1']
    """
    grids = {
        name: numbers(values, where=f"number_grid: {name}", rank=2)
        for name, values in named(matrices, where="number_grid", most=6).items()
    }
    cells = sum(grid.size for grid in grids.values())
    if cells > MOST_CELLS:
        raise InputError(
            f"number_grid: expected at most {MOST_CELLS} numbers, received {cells}: cut out a "
            "part, or draw it with image_grid"
        )
    widths = [grid.shape[1] for grid in grids.values()]
    gap = 0.45  # inches between matrices, and room for the titles above
    side = min(0.75, (PAGE_WIDTH - gap * len(grids)) / sum(widths))
    tallest = max(len(grid) for grid in grids.values())
    width = sum(widths) * side + gap * len(grids)
    height = tallest * side + gap
    with style():
        figure, axes = new_figure(
            columns=len(grids), width=max(width, len(grids)), height=max(height, 1.0)
        )
        # Placed by hand, so that every cell of every matrix has the same size.
        figure.set_layout_engine("none")
        page = np.tile(figure.get_size_inches(), 2)
        left = gap / 2
        for place, (name, grid) in zip(axes, grids.items(), strict=True):
            rows, columns = grid.shape
            box = (left, (tallest - rows) * side / 2, columns * side, rows * side)
            place.set_position(np.array(box) / page)
            left += columns * side + gap
            texts = [[fixed(value, digits) for value in row] for row in grid]
            low, high = float(grid.min()), float(grid.max())
            _cells(place, grid, texts, side=side, low=low, high=high, cmap="gray")
            place.set(xticks=[], yticks=[])
            place.set_title(name, loc="center")
    return figure


def _cells(
    axes: "Axes",
    values: np.ndarray,
    texts: Sequence[Sequence[str]],
    *,
    side: float,
    low: float,
    high: float,
    cmap: str,
) -> None:
    """Shade each cell by its value, and write on it in the ink that stands out there."""
    high = high if high > low else low + 1.0
    shades = axes.imshow(values, cmap=cmap, vmin=low, vmax=high, interpolation="nearest")
    longest = max(len(text) for row in texts for text in row)
    size = min(FONT_SIZE + 1, 72 * side * 0.8 / (0.62 * max(longest, 2)))
    for row, line in enumerate(texts):
        for column, text in enumerate(line):
            if text:
                ink = ink_on(shades.cmap(shades.norm(values[row, column])))
                axes.text(column, row, text, ha="center", va="center", color=ink, fontsize=size)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(True)
    # Thin lines between the cells: neighbors of one shade stay apart.
    rows, columns = values.shape
    axes.hlines(np.arange(rows + 1) - 0.5, -0.5, columns - 0.5, color="#BBBBBB", lw=0.8)
    axes.vlines(np.arange(columns + 1) - 0.5, -0.5, rows - 0.5, color="#BBBBBB", lw=0.8)
    axes.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
