"""The first cell of a chapter for hosted notebooks, the same in every chapter.

Colab, Kaggle and the like open a notebook alone, without the course. This cell installs it there,
and does nothing where it is installed (a laptop, Binder, the tests). It names no TensorFlow: the
service keeps its own.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from course_utils.errors import InputError
from course_utils.notebooks import chapters, documents

__all__ = ["SOURCE", "add", "pointed"]

SOURCE = """\
# For Colab and the like, where the course is not installed; elsewhere this does nothing.
import importlib.util

COURSE = ""  # where the course lives, such as git+https://github.com/NAME/COURSE
if importlib.util.find_spec("course_utils") is None:
    if not COURSE:
        raise RuntimeError("expected the course's address in COURSE: ask your instructor for it")
    %pip install -q "$COURSE"
    importlib.invalidate_caches()"""

_LINE = re.compile(r'^COURSE = ".*?"', re.MULTILINE)


def add(folder: Path, names: Iterable[str] = ()) -> list[str]:
    """Put the cell before the parameters of chapters that lack it, or hold an older one.

    Args:
        folder: of the chapters.
        names: chapters as `chapters.select` takes them; all without any.

    Returns:
        One line a chapter.

    Raises:
        InputError: a chapter is not well-formed.
        WorldError: the disk does not take it.
    """
    said = []
    for chapter in chapters.find(folder, names):
        notebook = documents.read(chapter.path)
        tagged = [cell for cell in notebook.cells if "hosted" in documents.tags(cell)]
        if tagged and tagged[0].source == SOURCE:
            said.append(f"{chapter.path.name}: has it")
            continue
        if tagged:
            tagged[0].source = SOURCE
        else:
            places = [
                index
                for index, cell in enumerate(notebook.cells)
                if "parameters" in documents.tags(cell)
            ]
            metadata = {"tags": ["hosted"], "slideshow": {"slide_type": "skip"}}
            notebook.cells.insert(places[0], new_code_cell(SOURCE, id="hosted", metadata=metadata))
        documents.write(chapter.path, notebook)
        said.append(f"{chapter.path.name}: {'renewed' if tagged else 'added'}")
    return said


def pointed(notebook: NotebookNode, address: str) -> NotebookNode:
    """Let the cell install the course from an address.

    Args:
        notebook: a chapter or a copy of one; changed.
        address: what pip takes, such as `git+https://github.com/NAME/COURSE`.

    Returns:
        The notebook.

    Raises:
        InputError: the address holds what does not belong in one.

    Example:
        >>> cell = new_code_cell(SOURCE, metadata={"tags": ["hosted"]})
        >>> notebook = pointed(NotebookNode(cells=[cell]), "git+https://example.org/course")
        >>> notebook.cells[0].source.splitlines()[3].partition("  #")[0]
        'COURSE = "git+https://example.org/course"'
    """
    if re.search(r'["\\\n$`]', address):
        raise InputError(
            "expected an address that pip takes, such as git+https://github.com/NAME/COURSE, "
            f"received {address!r}"
        )
    for cell in notebook.cells:
        if "hosted" in documents.tags(cell):
            cell.source = _LINE.sub(lambda _: f'COURSE = "{address}"', cell.source)
    return notebook
