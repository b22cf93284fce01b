"""Things to play with under a cell: self-contained HTML and JavaScript, data inside.

An explorer needs neither a running kernel nor a network: nothing but a page that runs scripts. It
is tried in JupyterLab, on the site and in the slides. Without scripts, a picture stands there.
"""

from course_utils.explorer.cone import receptive_field
from course_utils.explorer.window import convolution

__all__ = [
    "convolution",
    "receptive_field",
]
