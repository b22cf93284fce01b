"""Every figure of the course, in one style: arrays go in, a Matplotlib figure comes out.

Figures are built without pyplot, so that none is left open and no window system is chosen, and
they read without color: each series has its own line style and marker, and is named on the spot.
`show` puts a figure into the notebook, with its alternative text. Nothing here knows a model.
"""

from course_utils.plots.appearance import new_figure, stroke, style
from course_utils.plots.captions import show
from course_utils.plots.charts import bars, compare_lines, histogram, scatter, training_curves
from course_utils.plots.heatmaps import overlay, plate
from course_utils.plots.images import image_grid, tile_figure
from course_utils.plots.matrices import confusion_matrix, number_grid

__all__ = [
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
    "training_curves",
]
