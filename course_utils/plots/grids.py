"""Pictures in rows and columns, with titles and the outlines of masks."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from course_utils.plots.appearance import style
from course_utils.plots.inputs import pictures, same_count
from course_utils.plots.sheets import check_masks, draw_outline, draw_picture, in_a_row, lay_out

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def image_grid(
    images: object,
    *,
    titles: Sequence[str] | None = None,
    columns: int | None = None,
    row_titles: Sequence[str] | None = None,
    masks: object = None,
    title: str | None = None,
) -> "Figure":
    """Draw pictures in rows, each whole and in its own proportions.

    Args:
        images: (n, height, width), (n, height, width, 1) or (n, height, width, 3), or a list of
            single pictures of any sizes; uint8 in [0, 255], float in [0, 1], or bool.
        titles: One a picture, written above it; long ones are wrapped.
        columns: Pictures in a row; by default what leaves the fewest places empty.
        row_titles: One a row, written to its left.
        masks: One a picture, (height, width) bool, or whole numbers from 0 (not outlined) to 3;
            their outlines are drawn over the pictures, solid, dashed and dotted.
        title: Above the figure.

    Returns:
        The figure.

    Raises:
        InputError: If a picture has another shape, type or range (a float picture up to 255 is
            told to divide by 255), or if titles or masks are not as many as there are pictures.

    Example:
        >>> import numpy as np
        >>> figure = image_grid(np.zeros((6, 8, 8), "uint8"), titles=list("abcdef"))
        >>> len(figure.axes[0].images)
        6
    """
    drawn = pictures(images, where="image_grid")
    columns = in_a_row(columns, len(drawn))
    if titles is not None:
        same_count(titles, len(drawn), where="image_grid: titles", what="pictures")
    if row_titles is not None:
        rows = math.ceil(len(drawn) / columns)
        same_count(row_titles, rows, where="image_grid: row_titles", what="rows")
    outlines = None if masks is None else check_masks(masks, drawn, where="image_grid: masks")
    with style():
        figure, axes, extents = lay_out(drawn, titles, columns, title, row_titles=row_titles)
        for index, (item, extent) in enumerate(zip(drawn, extents, strict=True)):
            draw_picture(axes, item, extent)
            if outlines is not None:
                draw_outline(axes, outlines[index], extent)
    return figure
