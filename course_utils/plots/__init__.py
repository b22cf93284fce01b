"""Every figure of the course, in one style: arrays go in, a Matplotlib figure comes out.

Figures are built without pyplot, so that none is left open and no window system is chosen, and
they read without colour: each series has its own line style and marker, and is named on the spot.
`show` puts a figure into the notebook, with its alternative text. Nothing here knows a model.
"""

from course_utils.plots.appearance import new_figure, stroke, style
from course_utils.plots.bar_charts import bars, histogram
from course_utils.plots.curves import training_curves
from course_utils.plots.grids import image_grid
from course_utils.plots.lines import compare_lines
from course_utils.plots.matrices import confusion_matrix, number_grid
from course_utils.plots.overlays import overlay
from course_utils.plots.plates import plate
from course_utils.plots.points import scatter
from course_utils.plots.showing import show
from course_utils.plots.tiling import Tiles, tile_figure, tiles

__all__ = [
    "Tiles",
    "bars",
    "compare_lines",
    "confusion_matrix",
    "histogram",
    "image_grid",
    "new_figure",
    "number_grid",
    "overlay",
    "plate",
    "scatter",
    "show",
    "stroke",
    "style",
    "tile_figure",
    "tiles",
    "training_curves",
]
