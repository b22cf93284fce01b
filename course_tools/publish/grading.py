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
from course_tools.publish import shelf
from course_tools.publish.student import shown_files
from course_utils.errors import InputError

__all__ = ["assignment", "write_assignments"]

_CONFIG = """\
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

# An answer runs in the same kernel, and could have put something else in the place of a check: so
# the checks are loaded from their files once more.
_FRESH = """\
import importlib, sys
for name in [name for name in sys.modules if name.startswith("course_utils.exercises")]:
    del sys.modules[name]
exercises = importlib.import_module("course_utils.exercises")
"""

# For an answer that the self-check accepts, and for what the student says about it.
_POINTS, _POINTS_FOR_WORDS = 1, 2
_WORDS = f"""\
**In your own words** ({_POINTS_FOR_WORDS} points, given by a person). In two or three sentences: \
why is your answer right, and which result would have told you that it is wrong?

<!-- BEGIN SOLUTION -->
(For whoever grades: half of the points for the reason, half for the result that would have \
spoken against it.)
<!-- END SOLUTION -->"""


def assignment(
    chapter: NotebookNode, *, name: str, values: Mapping[str, object] = MappingProxyType({})
) -> NotebookNode:
    """A chapter in the form of an nbgrader source notebook; its file's name is for messages.

    Cells for lecturers and outputs are gone, the parameters have the values given and are locked,
    and each exercise is a cell to solve, a locked one that grades it, and one of text that a person
    grades.
    """
    copy = documents.with_parameters(chapter, values)
    cells: list[NotebookNode] = []
    for number, cell in documents.numbered(copy):
        tags = documents.tags(cell)
        if "instructor" in tags:
            continue
        cells.append(cell)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        if "parameters" in tags:
            # Read-only: when it grades, nbgrader puts back what a student changed here.
            cell.metadata["nbgrader"] = _marks(cell)
        if "exercise" not in tags:
            continue
        cell.source, judge = _halves(cell.source, f"{name}, {documents.label(number, cell)}")
        cell.metadata["nbgrader"] = _marks(cell, solution=True)
        graded = new_code_cell(_FRESH + judge, id=f"{cell.id}-graded"[:64])
        graded.metadata["nbgrader"] = _marks(graded, grade=True, points=_POINTS)
        words = new_markdown_cell(_WORDS, id=f"{cell.id}-in-words"[:64])
        words.metadata["nbgrader"] = _marks(
            words, solution=True, grade=True, points=_POINTS_FOR_WORDS
        )
        for added in (graded, words):
            added.metadata["slideshow"] = {"slide_type": "skip"}
            cells.append(added)
    copy.cells = cells
    return from_dict(copy)


def write_assignments(source: Path, target: Path, *, names: Iterable[str] = ()) -> shelf.Report:
    """Write `source/CHAPTER/CHAPTER.ipynb` for each chapter, and `nbgrader_config.py`.

    The target is the folder of an nbgrader course; files that were changed there are left alone.
    """
    wanted = {"nbgrader_config.py": _CONFIG.encode("utf-8")}
    for chapter in chapters.find(source, names):
        values = {"PROFILE": "smoke", **chapter.sheet.values("smoke", "embedded")}
        copy = assignment(documents.read(chapter.path), name=chapter.path.name, values=values)
        files = {chapter.path.name: documents.dump(copy), **shown_files(copy, source)}
        wanted |= {f"source/{chapter.stem}/{name}": content for name, content in files.items()}
    return shelf.write_copies(target, wanted, whole=not names)


def _halves(source: str, where: str) -> tuple[str, str]:
    """The answer of an exercise, and the line that judges it."""
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
    cell: NotebookNode, *, solution: bool = False, grade: bool = False, points: int | None = None
) -> NotebookNode:
    """What nbgrader reads in a cell's metadata; a cell that is no solution is locked."""
    marks = {
        "schema_version": 3,
        "grade_id": cell.id,
        "cell_type": cell.cell_type,
        "solution": solution,
        "grade": grade,
        "locked": not solution,
        "task": False,
    }
    return from_dict(marks | ({} if points is None else {"points": points}))
