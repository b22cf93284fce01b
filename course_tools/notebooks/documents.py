"""Notebook files: read strictly, named for a reader, written in one step.

A file is read as it is (format 4.5, every cell with an id) and written the way Jupyter writes it,
so that saving a chapter from the editor and saving it from here give the same bytes.
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
    """Read one notebook, with nothing repaired, upgraded or renamed on the way."""
    path = Path(path)
    return parse(path_bytes(path), path.name)


def path_bytes(path: Path | str) -> bytes:
    """The bytes of a file that the user named."""
    try:
        return Path(path).read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise InputError(
            f"expected a notebook file, received {path}, which is not there: check the path"
        ) from error
    except OSError as error:
        raise WorldError(f"cannot read {path}: {error.strerror}") from error


def parse(stored: bytes, name: str) -> nbformat.NotebookNode:
    """Turn the bytes of a notebook file into a notebook; the name is for messages."""
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
    if received := _half_a_character(notebook):
        labels = [label(*pair) for pair in numbered(notebook) if _half_a_character(pair[1])]
        raise InputError(
            f"{', '.join([name, *labels[:1]])}: expected Unicode text, received half a character "
            f"({received!r}): retype it"
        )
    return notebook


def _half_a_character(part: nbformat.NotebookNode) -> str:
    """Half a surrogate pair, which JSON can hold and no file or page can; "" without one."""
    try:
        json.dumps(part, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        return error.object[error.start : error.end]
    return ""


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


def dump(notebook: nbformat.NotebookNode) -> bytes:
    """The bytes in which Jupyter would save a notebook: indent 1, sorted keys, UTF-8."""
    # A program can print half a surrogate pair; it is stored as "?".
    return (nbformat.v4.writes(notebook).rstrip("\n") + "\n").encode("utf-8", "replace")


def write(path: Path | str, notebook: nbformat.NotebookNode) -> None:
    """Write a notebook in one step: a reader sees the old file or the new one, never a part."""
    write_bytes(path, dump(notebook))


def write_bytes(path: Path | str, content: bytes) -> None:
    """Write bytes in one step, through a neighbor that is then renamed.

    A link is followed, and its target replaced. Where the disk does not take it, the old file is
    as it was.
    """
    path = Path(path).resolve()
    # A short name: the folder may sit near a system's limit on the length of names.
    neighbor = path.with_name(f".{secrets.token_hex(8)}.tmp")
    with writing(path):
        try:
            with neighbor.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if path.exists():
                shutil.copymode(path, neighbor)
            neighbor.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                neighbor.unlink()
            raise


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the disk refuses in this block into one line that names the path."""
    try:
        yield
    except OSError as error:
        raise WorldError(
            f"cannot write {path}: {error.strerror or error}; check the folder and the free space"
        ) from error


def numbered(notebook: nbformat.NotebookNode) -> Iterator[tuple[int, nbformat.NotebookNode]]:
    """The cells with the numbers that a reader counts, from 1."""
    return enumerate(notebook.cells, start=1)


def label(number: int, cell: nbformat.NotebookNode) -> str:
    """Name a cell for a message by its place and id: `cell 7 (id 3f2a)`."""
    return f"cell {number} (id {cell.get('id', 'missing')})"


def tags(cell: nbformat.NotebookNode) -> frozenset[str]:
    """A cell's tags."""
    return frozenset(cell.get("metadata", {}).get("tags", ()))


def with_parameters(
    notebook: nbformat.NotebookNode, values: Mapping[str, object]
) -> nbformat.NotebookNode:
    """A copy of a chapter whose parameters cell holds other values, its comments kept."""
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
