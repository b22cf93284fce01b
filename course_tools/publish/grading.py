"""Chapters as assignments for nbgrader, which is not needed to make them.

nbgrader wants the answer in one cell and what judges it in another, each marked in its metadata.
The first keeps the marks around the solution; the second checks by `exercises.require`, which
fails where `exercises.check` only says so. A third is for words, and a person gives its points.
An instructor adds tests of his own in his copy, between `### BEGIN HIDDEN TESTS` and
`### END HIDDEN TESTS`; they never come into the repository.
"""

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from nbformat import NotebookNode, from_dict
from nbformat.v4 import new_code_cell, new_markdown_cell

from course_tools.notebooks import chapters, documents, syntax
from course_tools.publish.shelf import Shelf
from course_tools.publish.student import Report, shown_files
from course_utils.errors import InputError

__all__ = ["CONFIG", "assignment", "write_assignments"]

CONFIG = """\
# How nbgrader executes the course's assignments. Written by `course nbgrader`; yours to change.
from pathlib import Path

c = get_config()  # noqa: F821 (nbgrader provides it)
c.CourseDirectory.root = str(Path(__file__).parent)
# Seconds for one cell. nbgrader's own 30 stop cells that train, and it then grades on without
# what they should have made. Half an hour lets `quick` end on a slow machine too.
c.Execute.timeout = 1800
c.Execute.startup_timeout = 300
c.Execute.iopub_timeout = 120
"""

_WHY = """\
**In your own words** ({points} points, given by a person). In two or three sentences: why is your \
answer right, and which result would have told you that it is wrong?

<!-- BEGIN SOLUTION -->
(For whoever grades: half of the points for the reason, half for the result that would have \
spoken against it.)
<!-- END SOLUTION -->"""


def assignment(
    chapter: NotebookNode,
    *,
    name: str,
    values: Mapping[str, object] = MappingProxyType({}),
    points: int = 1,
    points_for_words: int = 2,
) -> NotebookNode:
    """A chapter in the form of an nbgrader source notebook.

    Args:
        chapter: the chapter; left as it is.
        name: its file's name, for messages.
        values: of parameters: name to literal. A kernel that grades takes those of `smoke`: every
            self-check works there in seconds, and everybody is graded on the same numbers.
        points: of each exercise, for an answer that its self-check accepts.
        points_for_words: of each exercise, for what the student says about the answer.

    Returns:
        A copy: cells for lecturers and outputs are gone, the parameters have the values given and
        are locked, and each exercise is a cell to solve, a locked one that grades it, and one of
        text that a person grades.

    Raises:
        InputError: an exercise's cell does not end with `exercises.check(…)`.
    """
    copy = documents.with_parameters(chapter, values)
    cells: list[NotebookNode] = []
    for number, cell in documents.numbered(copy):
        tags = documents.tags(cell)
        if "instructor" in tags:
            continue
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        if "parameters" in tags:
            # Read-only: when it grades, nbgrader puts back what a student changed here.
            cell.metadata["nbgrader"] = _marks(cell.id)
        if "exercise" not in tags:
            cells.append(cell)
            continue
        where = f"{name}, {documents.label(number, cell)}"
        answer, judge = _halves(cell.source, where)
        cell.source = answer
        cell.metadata["nbgrader"] = _marks(cell.id, solution=True)
        graded = new_code_cell(judge, id=f"{cell.id}-graded"[:64])
        graded.metadata["nbgrader"] = _marks(graded.id, grade=True, points=points)
        said = _WHY.format(points=points_for_words)
        why = new_markdown_cell(said, id=f"{cell.id}-in-words"[:64])
        why.metadata["nbgrader"] = _marks(
            why.id, cell_type="markdown", solution=True, grade=True, points=points_for_words
        )
        for added in (graded, why):
            added.metadata["slideshow"] = {"slide_type": "skip"}
        cells += [cell, graded, why]
    copy.cells = cells
    return from_dict(copy)


def write_assignments(source: Path, target: Path, *, names: Iterable[str] = ()) -> Report:
    """Write `source/CHAPTER/CHAPTER.ipynb` for each chapter, and `nbgrader_config.py`.

    Args:
        source: the folder of the chapters.
        target: the folder of an nbgrader course; files that were changed there are left alone.
        names: chapters as `chapters.select` takes them; all without any.

    Returns:
        What was done about each file.

    Raises:
        InputError: as for `assignment`.
        WorldError: the disk does not take it.
    """
    wanted = {"nbgrader_config.py": CONFIG.encode("utf-8")}
    for chapter in chapters.find(source, names):
        values = {"PROFILE": "smoke", **chapter.sheet.values("smoke", "embedded")}
        copy = assignment(documents.read(chapter.path), name=chapter.path.name, values=values)
        folder = f"source/{chapter.stem}"
        wanted[f"{folder}/{chapter.path.name}"] = documents.dump(copy)
        files = shown_files(copy, source)
        wanted |= {f"{folder}/{name}": content for name, content in files.items()}
    shelf = Shelf(target)
    copies = tuple(shelf.put(name, content) for name, content in wanted.items())
    return Report(target, copies, () if names else shelf.leftover(wanted))


def _halves(source: str, where: str) -> tuple[str, str]:
    body = syntax.tree_of(source).body
    last = body[-1] if body else None
    call = last.value if isinstance(last, ast.Expr) else None
    if not isinstance(call, ast.Call) or ast.unparse(call.func) != "exercises.check":
        raise InputError(
            f'{where}: expected an exercise that ends with exercises.check("name", answer), '
            "received another end: move what follows into a cell of its own"
        )
    lines = source.split("\n")
    judge = "\n".join(lines[last.lineno - 1 :]).replace("exercises.check", "exercises.require", 1)
    return "\n".join(lines[: last.lineno - 1]).rstrip(), judge


def _marks(
    grade_id: str,
    *,
    cell_type: str = "code",
    solution: bool = False,
    grade: bool = False,
    points: int | None = None,
) -> NotebookNode:
    marks = {
        "schema_version": 3,
        "grade_id": grade_id,
        "cell_type": cell_type,
        "solution": solution,
        "grade": grade,
        "locked": not solution,
        "task": False,
    }
    if points is not None:
        marks["points"] = points
    return from_dict(marks)
