"""What a notebook recorded while it ran, read back from its outputs.

A chapter shows its session, claims and exercises as MIME bundles; the JSON part of each bundle is
its record. Cells are numbered as in the source: cells that papermill adds are not counted, so that
a number in a message is the number that the author counts.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat

from course_tools.notebooks import documents
from course_utils import claims, exercises, session
from course_utils.errors import InputError

__all__ = ["ADDED_BY_PAPERMILL", "CLAIM", "EXERCISE", "REQUIRED", "SESSION", "Record", "own_cells",
           "read", "read_rows"]  # fmt: skip

SESSION, CLAIM, EXERCISE = session.MIME, claims.MIME, exercises.MIME

# What a reader of a record relies on; a record may hold more.
REQUIRED = {
    SESSION: ("chapter", "profile", "data", "seed", "device"),
    CLAIM: (
        *("chapter", "id", "statement", "observed", "low", "high", "judged", "held"),
        *("threshold", "true_here", "seeds", "share", "resolution", "standard_error"),
        *("profile", "data", "seed", "device"),
    ),
    EXERCISE: ("chapter", "name", "passed", "message"),
}

ADDED_BY_PAPERMILL = {"injected-parameters", "papermill-error-cell-tag"}


@dataclass(frozen=True)
class Record:
    """One record and where it was shown."""

    cell: int  # number in the source notebook, from 1
    where: str  # that cell in words, such as `cell 7 (id 3f2a)`
    content: dict[str, object]
    missing: tuple[str, ...] = ()  # keys that every record of its kind has and this one has not


def own_cells(notebook: nbformat.NotebookNode) -> Iterator[tuple[int, nbformat.NotebookNode]]:
    """A notebook's own cells with their numbers, without those that papermill added.

    Example:
        >>> tagged = {"tags": ["injected-parameters"]}
        >>> given = nbformat.v4.new_code_cell("SEED = 1", metadata=tagged)
        >>> own = nbformat.v4.new_code_cell("SEED")
        >>> [n for n, _ in own_cells(nbformat.v4.new_notebook(cells=[given, own]))]
        [1]
    """
    own = (cell for cell in notebook.cells if not documents.tags(cell) & ADDED_BY_PAPERMILL)
    return enumerate(own, start=1)


def read(notebook: nbformat.NotebookNode, mime: str) -> list[Record]:
    """The records of one kind in an executed notebook, in the order in which they were shown."""
    found = []
    for number, cell in own_cells(notebook):
        for output in cell.get("outputs", ()):
            if mime not in output.get("data", {}):
                continue
            content = output["data"][mime]
            content = dict(content) if isinstance(content, dict) else {}
            missing = tuple(key for key in REQUIRED[mime] if key not in content)
            found.append(Record(number, documents.label(number, cell), content, missing))
    return found


def read_rows(path: Path) -> list[dict[str, object]]:
    """The rows of a `claims.json`, one a claim and run."""
    try:
        rows = json.loads(documents.path_bytes(path))
    except ValueError:
        rows = None
    needed = (*REQUIRED[CLAIM], "seconds", "mutant")
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and all(key in row for key in needed) for row in rows
    ):
        raise InputError(
            f"expected {path} to hold the claims of a run, received something else: "
            "run the chapters again"
        )
    return rows
