"""Heatmaps laid over pictures, to be read with and without colour."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from course_utils.errors import InputError
from course_utils.plots.appearance import style
from course_utils.plots.inputs import numbers, picture, pictures, same_count
from course_utils.plots.sheets import (
    Extent,
    check_masks,
    draw_contour,
    draw_outline,
    draw_picture,
    in_a_row,
    lay_out,
    pixel_centres,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage


def overlay(
    image: object,
    heatmap: object,
    *,
    alpha: float = 0.55,
    level: float = 0.5,
    masks: object = None,
    titles: Sequence[str] | None = None,
    columns: int | None = None,
    label: str = "share of the peak",
    title: str | None = None,
) -> "Figure":
    """Lay heatmaps over pictures: in colour, with a line at half height and a cross at the peak.

    The picture is shown in grey, so that colour means the map alone, and stays bare where the map
    is near 0. A map that is smaller than its picture is stretched over it (bilinear), and each is
    scaled by its own highest value.

    Args:
        image: One picture, or n of them, as for `image_grid`.
        heatmap: (h, w) of values of 0 or more; (n, h, w) or a list, one a picture or all over the
            one picture; or a mapping from title to (h, w).
        alpha: How far the map covers the picture from half its highest value up, between 0 and 1.
        level: At which share of its highest value the line is drawn, between 0 and 1.
        masks: What is truly there, outlined by dashes: as for `image_grid`, one a map, or one
            (height, width) for all.
        titles: One a map, above it.
        columns: Pictures in a row.
        label: What the colours mean.
        title: Above the figure.

    Returns:
        The figure, with a colour bar. A map of zeros has no line and cross; it says so.

    Raises:
        InputError: If a map has negative or non-finite values, alpha or level are out of range,
            or counts do not match.

    Example:
        >>> heat = np.outer([0, 1, 0], [0, 2, 0])
        >>> figure = overlay(np.zeros((9, 9, 3)), {"Grad-CAM": heat, "occlusion": heat})
        >>> len(figure.axes)
        2
    """
    for name, value in (("alpha", alpha), ("level", level)):
        if not 0 < value < 1:
            raise InputError(
                f"overlay: expected {name} between 0 and 1, received {value!r}: choose {name}=0.5"
            )
    if isinstance(heatmap, Mapping):
        titles, heatmap = list(heatmap) if titles is None else titles, list(heatmap.values())
    many = isinstance(heatmap, list | tuple) or np.ndim(heatmap) == 3
    maps = [checked_heatmap(h, i) for i, h in enumerate(heatmap if many else [heatmap])]
    if _is_single(image):
        drawn = [picture(image, where="overlay: image")] * len(maps)
    else:
        drawn = pictures(image, where="overlay")
        same_count(maps, len(drawn), where="overlay: heatmap", what="pictures")
    if titles is not None:
        same_count(titles, len(drawn), where="overlay: titles", what="maps")
    if masks is not None and not isinstance(masks, list | tuple) and np.ndim(masks) == 2:
        masks = [masks] * len(drawn)
    outlines = None if masks is None else check_masks(masks, drawn, where="overlay: masks")
    with style():
        figure, axes, extents = lay_out(
            drawn, titles, in_a_row(columns, len(drawn)), title, right=1.15
        )
        for index, (item, extent) in enumerate(zip(drawn, extents, strict=True)):
            grey = item if item.ndim == 2 else item @ np.float32([0.299, 0.587, 0.114])
            draw_picture(axes, grey, extent)
            if outlines is not None:
                draw_outline(axes, outlines[index], extent, dashed=True)
            heat = draw_heat(axes, maps[index], grey.shape, extent, alpha=alpha, level=level)
        colour_bar(figure, heat, extents, level=level, label=label)
    return figure


def _is_single(image: object) -> bool:
    shape = np.shape(image) if not isinstance(image, list | tuple) else (0,)
    return len(shape) == 2 or (len(shape) == 3 and shape[-1] in (1, 3))


def checked_heatmap(heatmap: object, index: object, *, where: str = "overlay") -> np.ndarray:
    """Return one map of finite values of 0 or more; see `overlay`."""
    array = numbers(heatmap, where=f"{where}: heatmap {index}", rank=2)
    if array.min() < 0:
        raise InputError(
            f"{where}: heatmap {index}: expected values of 0 or more, received a lowest of "
            f"{array.min():.3g}: keep what speaks for the class, np.maximum(heatmap, 0)"
        )
    return array


def draw_heat(
    axes: "Axes",
    heat: np.ndarray,
    shape: tuple[int, int],
    extent: Extent,
    *,
    alpha: float,
    level: float,
) -> "AxesImage":
    """Lay one map over the picture at that place, with its line and its cross."""
    from PIL import Image

    peak = heat.max()
    shares = (heat / peak if peak > 0 else heat).astype(np.float32)
    height, width = shape
    large = np.array(Image.fromarray(shares).resize((width, height), Image.Resampling.BILINEAR))
    drawn = axes.imshow(
        large,
        cmap="viridis",
        vmin=0,
        vmax=1,
        # Nothing is laid over what the map passes over, so that the picture stays to be seen.
        alpha=alpha * np.clip(2 * large, 0, 1),
        extent=extent,
        aspect="auto",
        interpolation="nearest",
    )
    if peak > 0:
        x, y = pixel_centres(shape, extent)
        draw_contour(axes, x, y, np.pad(large, 1), level * float(large.max()), "white", "solid")
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


def colour_bar(
    figure: "Figure", heat: "AxesImage", extents: Sequence[Extent], *, level: float, label: str
) -> None:
    """Draw the bar beside all rows, with the level of the lines marked on it."""
    page = np.tile(figure.get_size_inches(), 2)
    left = max(extent.right for extent in extents) + 0.15
    top, bottom = min(e.top for e in extents), max(e.bottom for e in extents)
    box = np.array((left, page[1] - bottom, 0.18, bottom - top)) / page
    place = figure.add_axes(tuple(box), label="<colorbar>")
    bar = figure.colorbar(heat, cax=place, label=label, ticks=[0, level, 1])
    bar.solids.set_alpha(1)
    bar.ax.grid(visible=False)
    for ink, width in (("black", 3.4), ("white", 1.7)):
        bar.ax.axhline(level, color=ink, linewidth=width)
    bar.outline.set_visible(False)
