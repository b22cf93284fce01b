"""Notebook files as they are stored: read, checked, named for a reader, written in one step.

Nothing here executes or converts a notebook. A file is read strictly (format 4.5, every cell with
an id) and written the way Jupyter writes it, so that saving a chapter from the editor and saving
it from here give the same bytes.
"""

import ast
import contextlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import nbformat
from nbformat.validator import iter_validate

from course_utils.errors import InputError, WorldError


def read(path: Path | str) -> nbformat.NotebookNode:
    """Read one notebook, with nothing repaired, upgraded or renamed on the way.

    Args:
        path: a `.ipynb` file, UTF-8.

    Returns:
        The notebook; sources and outputs as single strings.

    Raises:
        InputError: the file is missing, is not JSON, is not a notebook of format 4.5 or later, or
            has a cell that the format does not allow; the message names file and cell.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> write(folder / "a.ipynb", nbformat.v4.new_notebook())
        >>> read(folder / "a.ipynb").cells
        []
    """
    path = Path(path)
    return parse(path_bytes(path), path.name)


def path_bytes(path: Path | str) -> bytes:
    """Return the bytes of a file that the user named.

    Args:
        path: the file.

    Returns:
        Its bytes.

    Raises:
        InputError: there is no such file, or it is a folder.
        WorldError: it is there and cannot be read.

    Example:
        >>> path_bytes("missing.ipynb")
        Traceback (most recent call last):
        ...
        course_utils.errors.InputError: expected a notebook file, received missing.ipynb, which \
is not there: check the path
    """
    try:
        return Path(path).read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise InputError(
            f"expected a notebook file, received {path}, which is not there: check the path"
        ) from error
    except OSError as error:
        raise WorldError(f"cannot read {path}: {error.strerror}") from error


def parse(stored: bytes, name: str) -> nbformat.NotebookNode:
    """Turn the bytes of a notebook file into a notebook.

    Args:
        stored: the bytes.
        name: the file's name, for messages.

    Returns:
        The notebook; sources and outputs as single strings.

    Raises:
        InputError: as for `read`.

    Example:
        >>> parse(b"[]", "a.ipynb")
        Traceback (most recent call last):
        ...
        course_utils.errors.InputError: a.ipynb: expected a notebook (a JSON object), received a \
list: restore the file
    """
    try:
        raw = json.loads(stored.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name}: expected UTF-8 text, received byte {error.start} which is not: save it anew"
        ) from error
    except ValueError as error:
        where = f"line {error.lineno}, {error.msg}" if hasattr(error, "lineno") else error
        raise InputError(
            f"{name}: expected a notebook (JSON), received something else ({where}): "
            "restore the file"
        ) from error
    if not isinstance(raw, dict):
        kind = type(raw).__name__
        raise InputError(
            f"{name}: expected a notebook (a JSON object), received a {kind}: restore the file"
        )
    _check_format(raw, name)
    notebook = nbformat.v4.reads(json.dumps(raw))
    return notebook


def dump(notebook: nbformat.NotebookNode) -> bytes:
    """Return the bytes in which Jupyter would save a notebook: indent 1, sorted keys, UTF-8.

    Args:
        notebook: the notebook; left as it is.

    Returns:
        The bytes, ending with one newline.

    Example:
        >>> dump(nbformat.v4.new_notebook())[:12]
        b'{\\n "cells": '
    """
    return (nbformat.v4.writes(notebook).rstrip("\n") + "\n").encode("utf-8")


def write(path: Path | str, notebook: nbformat.NotebookNode) -> None:
    """Write a notebook in one step: a reader sees the old file or the new one, never a part.

    Args:
        path: where; its folder exists.
        notebook: what.

    Raises:
        WorldError: the disk does not take it; the old file is as it was.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.ipynb"
        >>> write(path, nbformat.v4.new_notebook())
        >>> path.read_bytes() == dump(read(path))
        True
    """
    write_bytes(path, dump(notebook))


def write_bytes(path: Path | str, content: bytes) -> None:
    """Write bytes in one step, through a neighbour that is then renamed.

    Args:
        path: where; its folder exists. A link is followed, and its target replaced.
        content: what.

    Raises:
        WorldError: the disk does not take it; the old file is as it was.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.txt"
        >>> write_bytes(path, b"whole")
        >>> [name.name for name in path.parent.iterdir()]
        ['a.txt']
    """
    path = Path(path).resolve()
    # A short name: the folder may sit near a system's limit on the length of names.
    neighbour = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with neighbour.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, neighbour)
        neighbour.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            neighbour.unlink()
        raise WorldError(
            f"cannot write {path}: {error.strerror}; check the folder and the free space"
        ) from error


def numbered(notebook: nbformat.NotebookNode) -> Iterator[tuple[int, nbformat.NotebookNode]]:
    """Go through the cells with the numbers that a reader counts, from 1.

    Args:
        notebook: the notebook.

    Returns:
        Pairs of number and cell.

    Example:
        >>> cell = nbformat.v4.new_code_cell("1 + 1")
        >>> [number for number, _ in numbered(nbformat.v4.new_notebook(cells=[cell]))]
        [1]
    """
    return enumerate(notebook.cells, start=1)


def label(number: int, cell: nbformat.NotebookNode) -> str:
    """Name a cell for a message, by its place and its id.

    Args:
        number: its place in the notebook, from 1.
        cell: the cell.

    Returns:
        For example `cell 7 (id 3f2a)`.

    Example:
        >>> label(7, nbformat.v4.new_code_cell("", id="3f2a"))
        'cell 7 (id 3f2a)'
    """
    return f"cell {number} (id {cell.get('id', 'missing')})"


def tags(cell: nbformat.NotebookNode) -> frozenset[str]:
    """Return a cell's tags.

    Args:
        cell: the cell.

    Returns:
        The tags; empty without any.

    Example:
        >>> sorted(tags(nbformat.v4.new_code_cell("", metadata={"tags": ["setup"]})))
        ['setup']
    """
    return frozenset(cell.get("metadata", {}).get("tags", ()))


def _check_format(raw: dict, name: str) -> None:
    version = (raw.get("nbformat"), raw.get("nbformat_minor"))
    if version[0] != 4 or not isinstance(version[1], int) or version[1] < 5:
        received = ".".join(map(str, version)) if None not in version else "none"
        raise InputError(
            f"{name}: expected notebook format 4.5, received {received}: "
            "open and save it in a current JupyterLab"
        )
    for error in iter_validate(raw, version=4, version_minor=version[1]):
        where = ""
        route = list(error.absolute_path)
        if route[:1] == ["cells"] and len(route) > 1:
            where = f", {label(route[1] + 1, raw['cells'][route[1]])}"
        reason = str(error.message).partition("\n")[0][:200]
        raise InputError(
            f"{name}{where}: expected a valid notebook of format 4.5, received one that is not "
            f"({reason}): restore the file"
        )


def with_parameters(
    notebook: nbformat.NotebookNode, values: Mapping[str, object]
) -> nbformat.NotebookNode:
    """A copy of a chapter whose parameters cell holds other values, its comments kept.

    Args:
        notebook: the chapter; left as it is.
        values: name to literal; names that the cell does not set are passed over.

    Returns:
        The copy.

    Example:
        >>> tagged = {"tags": ["parameters"]}
        >>> cell = nbformat.v4.new_code_cell("EPOCHS = 8  # passes", metadata=tagged)
        >>> copy = with_parameters(nbformat.v4.new_notebook(cells=[cell]), {"EPOCHS": 1})
        >>> copy.cells[0].source
        'EPOCHS = 1  # passes'
    """
    copy = nbformat.from_dict(notebook)
    for cell in copy.cells:
        if "parameters" not in tags(cell):
            continue
        lines = cell.source.split("\n")
        for node in ast.parse(cell.source).body:
            name = node.targets[0].id if isinstance(node, ast.Assign) else ""
            if name in values and node.lineno == node.end_lineno:
                line = lines[node.lineno - 1]
                rest = line.encode()[node.end_col_offset :].decode()
                lines[node.lineno - 1] = f"{name} = {values[name]!r}{rest}"
        cell.source = "\n".join(lines)
    return copy
