"""Heatmaps laid over images, to be read with and without color: one method, or several.

The image keeps its color and stays bare where the map is near 0. A map that is smaller than its
image is stretched over it (bilinear), and each is scaled by its own highest value. A line at half
height and a cross at the peak are read without color. A map of zeros says so.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from course_utils.errors import InputError
from course_utils.plots.appearance import style
from course_utils.plots.images import (
    Extent,
    check_masks,
    draw_contour,
    draw_image,
    draw_outline,
    in_a_row,
    lay_out,
    pixel_centers,
)
from course_utils.plots.inputs import as_images, named, numbers, same_count

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

MOST = 11  # methods on one plate
IN_A_ROW = 6  # methods beside their image: more would be too small to read
ALPHA = 0.55  # how far a map covers the image where it is highest
LEVEL = 0.5  # share of its highest value at which the line is drawn


def overlay(
    images: object, maps: object, *, masks: object = None, columns: int | None = None
) -> "Figure":
    """Lay one heatmap over each image: in color, with a line at half height, a cross at the peak.

    Args:
        images: n images, as for `image_grid`; or one.
        maps: (n, h, w) of finite values of 0 or more, or a list of (h, w); (h, w) for one image.
        masks: What is truly there, outlined by dashes: as for `image_grid`, one an image, or one
            (height, width) for all.
        columns: Images in a row.

    Returns:
        The figure, with a color bar.

    Raises:
        InputError: A map has negative or non-finite values, or counts do not match.

    Example:
        >>> heat = np.outer([0, 1, 0], [0, 2, 0])
        >>> figure = overlay(np.zeros((2, 9, 9, 3)), [heat, heat])
        >>> len(figure.axes)
        2
    """
    if getattr(maps, "ndim", 0) == 2:
        images, maps = [images], [maps]
    drawn = as_images(images, where="overlay")
    same_count(maps, len(drawn), where="overlay: maps", what="images")
    heats = [_checked(heat, f"overlay: map {number}") for number, heat in enumerate(maps)]
    if masks is not None and not isinstance(masks, list | tuple) and np.ndim(masks) == 2:
        masks = [masks] * len(drawn)
    outlined = check_masks(masks, drawn, where="overlay: masks")
    return _draw(drawn, heats, outlined, in_a_row(columns, len(drawn)))


def plate(
    images: object,
    maps: Mapping[str, object],
    *,
    masks: object = None,
    row_titles: Sequence[str] | None = None,
    columns: int | None = None,
) -> "Figure":
    """Draw a row for each image: the image itself, then each method's map laid over it.

    With a single image the row is broken, so that it may have more methods than several have.

    Args:
        images: n images, as for `image_grid`.
        maps: Method to its maps, as for `overlay`, at most six methods, or eleven for a single
            image.
        masks: What is truly there, outlined by dashes: one an image, as for `image_grid`.
        row_titles: One an image, to its left.
        columns: Panels in a row, for one image.

    Returns:
        The figure, with a color bar.

    Raises:
        InputError: There is no method or too many, a method has not one map an image, or a map
            negative or non-finite values; columns are given for several images.

    Example:
        >>> maps = np.random.default_rng(0).random((2, 4, 4))
        >>> figure = plate(np.zeros((2, 8, 8, 3)), {"Grad-CAM": maps, "occlusion": maps})
        >>> len(figure.axes[0].images)  # six panels, four of them with a map
        10
    """
    drawn = as_images(images, where="plate")
    methods = named(maps, where="plate: maps", most=MOST)
    for name, stack in methods.items():
        same_count(stack, len(drawn), where=f"plate: maps of {name}", what="images")
    if row_titles is not None:
        same_count(row_titles, len(drawn), where="plate: row_titles", what="images")
    beside = len(methods) + 1
    if len(drawn) > 1:
        if columns is not None:
            raise InputError(
                f"plate: expected no columns for {len(drawn)} images, received {columns!r}: "
                "each image has a row of its own"
            )
        if len(methods) > IN_A_ROW:
            raise InputError(
                f"plate: expected at most {IN_A_ROW} methods beside several images, received "
                f"{len(methods)}: draw two plates"
            )
    if columns is None and (len(drawn) > 1 or len(methods) <= IN_A_ROW):
        columns = beside
    outlined = check_masks(masks, drawn, where="plate: masks")
    heats = []
    for row in range(len(drawn)):
        heats.append(None)
        for name, stack in methods.items():
            heats.append(_checked(stack[row], f"plate: map {row} of {name}"))
    return _draw(
        [image for image in drawn for _ in range(beside)],
        heats,
        [mask for mask in outlined for _ in range(beside)],
        in_a_row(columns, beside),
        titles=["image", *methods] + [""] * (len(heats) - beside),
        row_titles=row_titles,
    )


def _checked(heat: object, where: str) -> np.ndarray:
    array = numbers(heat, where=where, rank=2)
    if array.min() < 0:
        raise InputError(
            f"{where}: expected values of 0 or more, received a lowest of "
            f"{array.min():.3g}: keep what speaks for the class, np.maximum(maps, 0)"
        )
    return array


def _draw(
    images: Sequence[np.ndarray],
    heats: Sequence[np.ndarray | None],
    masks: Sequence[np.ndarray | None],
    columns: int,
    titles: Sequence[str] | None = None,
    row_titles: Sequence[str] | None = None,
) -> "Figure":
    """Draw a panel an image, with its map and the outline of its mask where it has them."""
    with style():
        figure, axes, extents = lay_out(images, titles, columns, row_titles, right=1.15)
        for image, heat, mask, extent in zip(images, heats, masks, extents, strict=True):
            draw_image(axes, image, extent)
            draw_outline(axes, mask, extent, dashed=True)
            if heat is not None:
                colored = _draw_heat(axes, heat, image.shape[:2], extent)
        _color_bar(figure, colored, extents)
    return figure


def _draw_heat(
    axes: "Axes", heat: np.ndarray, shape: tuple[int, int], extent: Extent
) -> "AxesImage":
    """Lay one map over the image at that position, with its line and its cross."""
    from PIL import Image

    peak = heat.max()
    shares = (heat / peak if peak > 0 else heat).astype(np.float32)
    large = np.array(Image.fromarray(shares).resize(shape[::-1], Image.Resampling.BILINEAR))
    drawn = axes.imshow(
        large,
        cmap="viridis",
        vmin=0,
        vmax=1,
        # The image keeps its color, and shows through the more, the less the map says.
        alpha=ALPHA * np.clip(1.5 * large - 0.15, 0, 1),
        extent=extent,
        aspect="auto",
        interpolation="nearest",
    )
    if peak > 0:
        draw_contour(axes, large, LEVEL * float(large.max()), extent, "white", "solid")
        x, y = pixel_centers(shape, extent)
        row, column = np.unravel_index(np.argmax(large), large.shape)
        axes.plot(x[column + 1], y[row + 1], "P", ms=12, mfc="white", mec="black", mew=1.4)
    else:
        axes.text(
            (extent.left + extent.right) / 2,
            (extent.top + extent.bottom) / 2,
            "0 everywhere",
            ha="center",
            va="center",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 3.0},
        )
    return drawn


def _color_bar(figure: "Figure", heat: "AxesImage", extents: Sequence[Extent]) -> None:
    """Draw the bar beside all rows, with the level of the lines marked on it."""
    page = np.tile(figure.get_size_inches(), 2)
    left = max(extent.right for extent in extents) + 0.15
    top, bottom = min(e.top for e in extents), max(e.bottom for e in extents)
    box = np.array((left, page[1] - bottom, 0.18, bottom - top)) / page
    place = figure.add_axes(tuple(box), label="<colorbar>")
    bar = figure.colorbar(heat, cax=place, label="share of the peak", ticks=[0, LEVEL, 1])
    bar.solids.set_alpha(1)
    bar.ax.grid(visible=False)
    for ink, width in (("black", 3.4), ("white", 1.7)):
        bar.ax.axhline(LEVEL, color=ink, linewidth=width)
    bar.outline.set_visible(False)
