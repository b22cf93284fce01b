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

__all__ = ["CLAIM", "EXERCISE", "REQUIRED", "SESSION", "Record", "own_cells", "read", "read_rows"]

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

_ADDED_BY_PAPERMILL = {"injected-parameters", "papermill-error-cell-tag"}


@dataclass(frozen=True)
class Record:
    """One record and where it was shown.

    Attributes:
        cell: number of the cell in the source notebook, from 1.
        where: that cell in words, such as `cell 7 (id 3f2a)`.
        content: the record as it was written.
        missing: keys that every record of its kind has and this one has not.
    """

    cell: int
    where: str
    content: dict[str, object]
    missing: tuple[str, ...] = ()


def own_cells(
    notebook: nbformat.NotebookNode,
) -> Iterator[tuple[int, nbformat.NotebookNode]]:
    """Go through a notebook's own cells, leaving out those that papermill added.

    Args:
        notebook: before or after its execution.

    Returns:
        Pairs of the number in the source, from 1, and the cell.

    Example:
        >>> tagged = {"tags": ["injected-parameters"]}
        >>> given = nbformat.v4.new_code_cell("SEED = 1", metadata=tagged)
        >>> own = nbformat.v4.new_code_cell("SEED")
        >>> [n for n, _ in own_cells(nbformat.v4.new_notebook(cells=[given, own]))]
        [1]
    """
    own = (cell for cell in notebook.cells if not documents.tags(cell) & _ADDED_BY_PAPERMILL)
    return enumerate(own, start=1)


def read(notebook: nbformat.NotebookNode, mime: str) -> list[Record]:
    """Collect the records of one kind from an executed notebook.

    Args:
        notebook: the executed notebook.
        mime: `SESSION`, `CLAIM` or `EXERCISE`.

    Returns:
        The records in the order in which they were shown.

    Example:
        >>> data = {EXERCISE: {"name": "a", "passed": True}}
        >>> shown = nbformat.v4.new_output("display_data", data)
        >>> cell = nbformat.v4.new_code_cell("", outputs=[shown])
        >>> book = nbformat.v4.new_notebook(cells=[cell])
        >>> [(record.cell, record.missing) for record in read(book, EXERCISE)]
        [(1, ('chapter', 'message'))]
    """
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
    """Read a `claims.json`.

    Args:
        path: the file.

    Returns:
        One dictionary a claim and run.

    Raises:
        InputError: the file is not a list of claims as a run writes it.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "claims.json"
        >>> _ = path.write_text("{}")
        >>> read_rows(path)
        Traceback (most recent call last):
        ...
        course_utils.errors.InputError: expected ...claims.json to hold the claims of a run, \
received something else: run the chapters again
    """
    wrong = InputError(
        f"expected {path} to hold the claims of a run, received something else: "
        "run the chapters again"
    )
    try:
        rows = json.loads(documents.path_bytes(path))
    except ValueError:
        raise wrong from None
    needed = (*REQUIRED[CLAIM], "seconds", "mutant")
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and all(key in row for key in needed) for row in rows
    ):
        raise wrong
    return rows
