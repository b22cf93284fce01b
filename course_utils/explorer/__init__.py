"""Things to play with under a cell: self-contained HTML and JavaScript, data inside.

An explorer needs neither a running kernel nor a network, so it works alike in JupyterLab, VS Code,
Colab and an exported page. Where scripts do not run, a picture stands in its place.
"""

from course_utils.explorer.cone import receptive_field
from course_utils.explorer.window import convolution

__all__ = [
    "convolution",
    "receptive_field",
]
