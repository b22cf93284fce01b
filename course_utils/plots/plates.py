"""Several explanations of the same pictures, side by side."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from course_utils.errors import InputError
from course_utils.plots.appearance import style
from course_utils.plots.inputs import named, pictures, same_count
from course_utils.plots.overlays import checked_heatmap, colour_bar, draw_heat
from course_utils.plots.sheets import check_masks, draw_outline, draw_picture, in_a_row, lay_out

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 11
"""Methods on one plate."""
IN_A_ROW = 6
"""Methods beside their picture: more would be too small to read."""


def plate(
    images: object,
    maps: Mapping[str, object],
    *,
    masks: object = None,
    row_titles: Sequence[str] | None = None,
    columns: int | None = None,
    alpha: float = 0.55,
    level: float = 0.5,
    label: str = "share of the peak",
    title: str | None = None,
) -> "Figure":
    """Draw a row for each picture: the picture itself, then each method's map laid over it.

    With a single picture the row is broken, so that it may have more methods than several have.

    Args:
        images: n pictures, as for `image_grid`.
        maps: Method to its maps, (n, h, w) of values of 0 or more, at most six methods, or
            eleven for a single picture; each is scaled by its own highest value, as by `overlay`.
        masks: What is truly there, outlined by dashes: one a picture, as for `image_grid`.
        row_titles: One a picture, to its left.
        columns: Panels in a row, for one picture.
        alpha: As for `overlay`.
        level: As for `overlay`.
        label: What the colours mean.
        title: Above the figure.

    Returns:
        The figure, with a colour bar. A map of zeros says so.

    Raises:
        InputError: If there is no method or too many, if a method has not one map a picture, or a
            map negative or non-finite values; if columns are given for several pictures.

    Example:
        >>> maps = np.random.default_rng(0).random((2, 4, 4))
        >>> figure = plate(np.zeros((2, 8, 8, 3)), {"Grad-CAM": maps, "occlusion": maps})
        >>> len(figure.axes[0].images)  # six panels, four of them with a map
        10
    """
    drawn = pictures(images, where="plate")
    given = named(maps, where="plate: maps", most=MOST)
    for name, stack in given.items():
        same_count(stack, len(drawn), where=f"plate: maps of {name}", what="pictures")
    if row_titles is not None:
        same_count(row_titles, len(drawn), where="plate: row_titles", what="pictures")
    if columns is not None and len(drawn) > 1:
        raise InputError(
            f"plate: expected no columns for {len(drawn)} pictures, received {columns!r}: "
            "each picture has a row of its own"
        )
    if len(drawn) > 1 and len(given) > IN_A_ROW:
        raise InputError(
            f"plate: expected at most {IN_A_ROW} methods beside several pictures, received "
            f"{len(given)}: draw two plates"
        )
    outlines = None if masks is None else check_masks(masks, drawn, where="plate: masks")
    panels = [item for item in drawn for _ in range(len(given) + 1)]
    titles = ["picture", *given] + [""] * (len(panels) - len(given) - 1)
    with style():
        figure, axes, extents = lay_out(
            panels,
            titles,
            _columns(columns, len(drawn), len(given) + 1),
            title,
            row_titles=row_titles,
            right=1.15,
        )
        for number, (item, extent) in enumerate(zip(panels, extents, strict=True)):
            row, column = divmod(number, len(given) + 1)
            if column == 0:
                draw_picture(axes, item, extent)
            else:
                name, stack = list(given.items())[column - 1]
                grey = item if item.ndim == 2 else item @ np.float32([0.299, 0.587, 0.114])
                draw_picture(axes, grey, extent)
                heat = checked_heatmap(stack[row], f"{row} of {name}", where="plate")
            if outlines is not None:
                draw_outline(axes, outlines[row], extent, dashed=True)
            if column > 0:
                bar = draw_heat(axes, heat, grey.shape, extent, alpha=alpha, level=level)
        colour_bar(figure, bar, extents, level=level, label=label)
    return figure


def _columns(columns: int | None, pictures: int, panels: int) -> int:
    if pictures > 1:
        return panels
    return in_a_row(columns if columns is not None or panels > IN_A_ROW + 1 else panels, panels)
