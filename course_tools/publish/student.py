"""Students' copies: chapters without solutions, written where a student's work is never lost.

What makes a copy stands here; what keeps a student's own file from being written over, in `shelf`.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from nbformat import NotebookNode, from_dict

from course_tools.notebooks import chapters, documents, links, solutions
from course_tools.publish import hosted, licences
from course_tools.publish.shelf import Copy, Shelf
from course_utils.errors import InputError

__all__ = ["Report", "shown_files", "student_copy", "student_files", "write_student_copies"]


@dataclass(frozen=True)
class Report:
    """What `write_student_copies` did.

    Attributes:
        folder: the target folder.
        copies: one for each notebook and each file that the notebooks show.
        leftover: generated earlier, from chapters that are no more; left where they are.
    """

    folder: Path
    copies: tuple[Copy, ...]
    leftover: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether any file was written."""
        return any(copy.state in ("written", "updated", "beside") for copy in self.copies)

    def __str__(self) -> str:
        """One line a file, and one when there was nothing to do."""
        lines = [str(copy) for copy in self.copies]
        lines += [f"{name}: left there, its chapter is gone" for name in self.leftover]
        if not self.changed:
            lines.append("nothing to do")
        return "\n".join(lines)


def student_copy(notebook: NotebookNode, *, name: str = "notebook") -> NotebookNode:
    """Turn a chapter into the copy that a student works in.

    Args:
        notebook: the chapter; left as it is.
        name: its file's name, for messages and for the note in the metadata.

    Returns:
        A copy in which a place to write stands for each solution. Cells for lecturers, outputs
        and counts are gone; ids, tags, parameters and checks are kept.

    Raises:
        InputError: a solution mark is misspelt, nested, unclosed, has no begin, or stands outside
            of code; the message names file and cell.

    Example:
        >>> from nbformat.v4 import new_code_cell, new_notebook
        >>> cell = new_code_cell("x = ...\\n### BEGIN SOLUTION\\nx = 1\\n### END SOLUTION")
        >>> print(student_copy(new_notebook(cells=[cell])).cells[0].source)
        x = ...
        ...  # your code here
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


def write_student_copies(
    source_folder: Path | str,
    target_folder: Path | str,
    *,
    names: Iterable[str] = (),
    address: str = "",
) -> Report:
    """Write the students' copies of the chapters, and never over a student's work.

    A file in the target that differs in any byte from everything that was generated there (an
    answer, an output, a count, metadata) is left alone. If the course has something newer than
    what the student began from, it is written beside it as `NN_name.new.ipynb`, once.

    Links between chapters stay as they are. Files under the source folder that a chapter shows or
    links (pictures) are copied along, in the same way; links out of that folder are rewritten.
    The licence of the chapters goes with them.

    Args:
        source_folder: the folder of the chapters.
        target_folder: where to; made if it is not there.
        names: chapters as `chapters.select` takes them; all without any.
        address: from which a hosted notebook installs the course; "" leaves that open.

    Returns:
        What was done about each file.

    Raises:
        InputError: the target is the source, a chapter is not well-formed, the manifest is not
            one. Nothing was written.
        WorldError: the disk does not take it.

    Example:
        >>> write_student_copies("notebooks", "notebooks")
        Traceback (most recent call last):
        ...
        course_utils.errors.InputError: expected a folder for the copies other than that of the \
chapters, received notebooks for both: choose another
    """
    source, target = Path(source_folder), Path(target_folder)
    if source.resolve() == target.resolve():
        raise InputError(
            "expected a folder for the copies other than that of the chapters, "
            f"received {target_folder} for both: choose another"
        )
    # All are made before any is written: a fault in the last chapter leaves the target as it was.
    wanted = licences.beside(source)
    for chapter in chapters.find(source, names):
        copy = _copy(chapter, address)
        wanted[chapter.path.name] = documents.dump(_relinked(copy, source, target))
        wanted |= shown_files(copy, source)
    shelf = Shelf(target)
    copies = tuple(shelf.put(name, content) for name, content in wanted.items())
    leftover = () if names else shelf.leftover(wanted)
    return Report(target, copies, leftover)


def _copy(chapter: chapters.Chapter, address: str) -> NotebookNode:
    copy = student_copy(documents.read(chapter.path), name=chapter.path.name)
    licences.named(copy, chapter.path.parent)
    return hosted.added(copy, address) if address else copy


def _prose(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "markdown"]


def student_files(
    source: Path, names: Iterable[str] = (), *, address: str = ""
) -> dict[str, bytes]:
    """The students' copies by their names, with licence and shown files, links left as they are.

    Args:
        source: the folder of the chapters.
        names: chapters as `chapters.select` takes them; all without any.
        address: as for `write_student_copies`.

    Returns:
        Name to content.

    Raises:
        InputError: as for `student_copy`.
    """
    wanted = licences.beside(source)
    for chapter in chapters.find(source, names):
        copy = _copy(chapter, address)
        wanted |= {chapter.path.name: documents.dump(copy), **shown_files(copy, source)}
    return wanted


def shown_files(notebook: NotebookNode, source: Path) -> dict[str, bytes]:
    """The files under the source folder that a notebook shows or links, by their names there.

    Args:
        notebook: the notebook.
        source: the folder of the chapters.

    Returns:
        Name to content.
    """
    found = {}
    for cell in _prose(notebook):
        for link in links.find(cell.source):
            place = _inside(link.path, source)
            if place and place.suffix != ".ipynb" and (source / place).is_file():
                found[place.as_posix()] = documents.path_bytes(source / place)
    return found


def _relinked(notebook: NotebookNode, source: Path, target: Path) -> NotebookNode:
    """Let links that lead out of the source folder lead to the same files from the target."""

    def moved(link: links.Link) -> str:
        path = link.path
        if not path or path.startswith("/") or _inside(path, source):
            return link.target
        place = os.path.relpath((source / path).resolve(), target.resolve())
        rest = link.target[len(link.target.partition("#")[0]) :]
        return quote(Path(place).as_posix()) + rest

    for cell in _prose(notebook):
        cell.source = links.replace(cell.source, moved)
    return notebook


def _inside(path: str, folder: Path) -> Path | None:
    """The path relative to a folder, if it does not lead out of it."""
    if not path:
        return None
    place = os.path.normpath(path)
    return None if place.startswith("..") or Path(place).is_absolute() else Path(place)
