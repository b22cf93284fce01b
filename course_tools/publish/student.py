"""Students' copies: chapters without solutions; hosted ones install the course first."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from nbformat import NotebookNode, from_dict
from nbformat.v4 import new_code_cell

from course_tools.notebooks import chapters, documents, links, solutions
from course_tools.publish import licenses, shelf
from course_utils.errors import InputError

__all__ = ["hosted", "other_folder", "shown_files", "student_copy", "student_files",
           "write_student_copies"]  # fmt: skip

# Colab, Kaggle and the like open a notebook alone, without the course. The cell names no
# TensorFlow: the service keeps its own. It stands in no chapter.
_INSTALL = """\
# For Colab and the like, where the course is not installed; elsewhere this does nothing.
import importlib.util

if importlib.util.find_spec("course_utils") is None:
    %pip install -q "{address}"
    importlib.invalidate_caches()"""


def student_copy(notebook: NotebookNode, *, name: str = "notebook") -> NotebookNode:
    """Turn a chapter into the copy that a student works in; `name` is for messages.

    A place to write stands for each solution. Cells for lecturers, outputs and counts are gone;
    ids, tags, parameters and checks are kept.
    """
    copy = from_dict(notebook)
    kept = []
    for number, cell in documents.numbered(copy):
        if "instructor" in documents.tags(cell):
            continue
        where = f"{name}, {documents.label(number, cell)}"
        stub = solutions.stub(cell.source, where)
        if cell.cell_type != "code" and stub != cell.source:
            raise InputError(
                f"{where}: expected solution marks in code cells only, received them in a "
                f"{cell.cell_type} cell: give it the tag instructor instead"
            )
        cell.source = stub
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        kept.append(cell)
    copy.cells = kept
    for key in ("papermill", "course", "widgets"):
        copy.metadata.pop(key, None)
    copy.metadata["generated"] = f"generated from {name}; to change the course, change that file"
    return from_dict(copy)


def hosted(notebook: NotebookNode, address: str) -> NotebookNode:
    """A copy whose first code cell installs the course from an address that pip takes."""
    if not address or re.search(r'["\\\n$`]', address):
        raise InputError(
            "expected an address that pip takes, such as git+https://github.com/NAME/COURSE, "
            f"received {address!r}"
        )
    copy = from_dict(notebook)
    code = [index for index, cell in enumerate(copy.cells) if cell.cell_type == "code"]
    tagged = [i for i in code if "parameters" in documents.tags(copy.cells[i])]
    metadata = {"tags": ["hosted"], "slideshow": {"slide_type": "skip"}}
    cell = new_code_cell(_INSTALL.format(address=address), id="hosted", metadata=metadata)
    copy.cells.insert([*tagged, *code, 0][0], cell)
    return copy


def student_files(
    source: Path, names: Iterable[str] = (), *, address: str = "", target: Path | None = None
) -> dict[str, bytes]:
    """The students' copies by their names, with the license and the files that they show.

    Links between chapters stay as they are. Those that lead out of the source folder are written
    anew for a `target`; without one (for a zip) they stay, too.
    """
    wanted = licenses.beside(source)
    for chapter in chapters.find(source, names):
        copy = student_copy(documents.read(chapter.path), name=chapter.path.name)
        licenses.named(copy, source)
        if address:
            copy = hosted(copy, address)
        shown = shown_files(copy, source)
        if target:
            _relink(copy, source, target)
        wanted |= {chapter.path.name: documents.dump(copy), **shown}
    return wanted


def write_student_copies(
    source: Path, target: Path, *, names: Iterable[str] = (), address: str = ""
) -> shelf.Report:
    """Write the students' copies of the chapters, and never over a student's work.

    A file in the target that differs in any byte from everything that was generated there (an
    answer, an output, a count, metadata) is left alone. If the course has something newer than
    what the student began from, it is written beside it as `NN_name.new.ipynb`, once.
    """
    other_folder(source, target)
    # All are made before any is written: a fault in the last chapter leaves the target as it was.
    files = student_files(source, names, address=address, target=target)
    return shelf.write_copies(target, files, whole=not names)


def other_folder(source: Path, target: Path) -> None:
    """Refuse copies of chapters in the folder of the chapters."""
    if source.resolve() == target.resolve():
        raise InputError(
            "expected a folder for the copies other than that of the chapters, "
            f"received {target} for both: choose another"
        )


def shown_files(notebook: NotebookNode, source: Path) -> dict[str, bytes]:
    """The files under the source folder that a notebook shows or links, by their names there."""
    found = {}
    for cell in notebook.cells:
        for link in links.find(cell.source) if cell.cell_type == "markdown" else ():
            place = _inside(link.path)
            if place and place.suffix != ".ipynb" and (source / place).is_file():
                found[place.as_posix()] = documents.path_bytes(source / place)
    return found


def _relink(notebook: NotebookNode, source: Path, target: Path) -> None:
    """Let links that lead out of the source folder lead to the same files from the target."""

    def moved(link: links.Link) -> str:
        path = link.path
        if not path or path.startswith("/") or _inside(path):
            return link.target
        place = os.path.relpath((source / path).resolve(), target.resolve())
        rest = link.target[len(link.target.partition("#")[0]) :]
        return quote(Path(place).as_posix()) + rest

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = links.replace(cell.source, moved)


def _inside(path: str) -> Path | None:
    """A relative path, if it does not lead out of its folder."""
    place = os.path.normpath(path) if path else ".."
    return None if place.startswith("..") or Path(place).is_absolute() else Path(place)
