"""The first cell of a hosted copy of a chapter, the same in every chapter.

Colab, Kaggle and the like open a notebook alone, without the course. This cell installs it there,
and does nothing where it is installed. It names no TensorFlow: the service keeps its own. It stands
in no chapter: it is added when hosted copies are made.
"""

import re

from nbformat import NotebookNode, from_dict
from nbformat.v4 import new_code_cell

from course_tools.notebooks import documents
from course_utils.errors import InputError

__all__ = ["SOURCE", "added"]

SOURCE = """\
# For Colab and the like, where the course is not installed; elsewhere this does nothing.
import importlib.util

if importlib.util.find_spec("course_utils") is None:
    %pip install -q "{address}"
    importlib.invalidate_caches()"""


def added(notebook: NotebookNode, address: str) -> NotebookNode:
    """A copy of a chapter whose first code cell installs the course from an address.

    Args:
        notebook: a chapter or a copy of one; left as it is.
        address: what pip takes, such as `git+https://github.com/NAME/COURSE`.

    Returns:
        The copy.

    Raises:
        InputError: the address holds what does not belong in one.

    Example:
        >>> chapter = NotebookNode(cells=[new_code_cell("PROFILE = 'quick'")])
        >>> copy = added(chapter, "git+https://example.org/course")
        >>> copy.cells[0].source.splitlines()[4].strip()
        '%pip install -q "git+https://example.org/course"'
    """
    if not address or re.search(r'["\\\n$`]', address):
        raise InputError(
            "expected an address that pip takes, such as git+https://github.com/NAME/COURSE, "
            f"received {address!r}"
        )
    copy = from_dict(notebook)
    code = [index for index, cell in enumerate(copy.cells) if cell.cell_type == "code"]
    tagged = [i for i in code if "parameters" in documents.tags(copy.cells[i])]
    metadata = {"tags": ["hosted"], "slideshow": {"slide_type": "skip"}}
    cell = new_code_cell(SOURCE.format(address=address), id="hosted", metadata=metadata)
    copy.cells.insert([*tagged, *code, 0][0], cell)
    return copy
