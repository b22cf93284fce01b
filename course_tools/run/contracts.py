"""Contract cells: their output refreshed, and every other output taken away.

A contract cell prints what can never differ (shapes, counts, exact arithmetic); its output is kept
in the source, and nbval compares it with what another machine gives. nbval compares only a cell
that has kept both its output and its count, and passes over any other without a word; so both are
written here together, and `style` looks for both.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_tools.notebooks import chapters, documents
from course_tools.notebooks.volatile import output_faults
from course_tools.run import engine, records
from course_utils import lessons
from course_utils.errors import InputError, WorldError

__all__ = ["Refreshed", "cleaned", "refresh", "write_smoke_copies"]

# Written by editors and runs, another in each.
_NOTEBOOK_NOISE = ("papermill", "course", "widgets", "signature", "toc", "vscode")
_CELL_NOISE = (
    "papermill", "execution", "ExecuteTime", "collapsed", "scrolled", "trusted", "vscode",
    "outputId", "colab", "jp-MarkdownHeadingCollapsed",
)  # fmt: skip
_KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


@dataclass(frozen=True)
class Refreshed:
    """What came of refreshing one notebook."""

    path: Path
    contracts: tuple[int, ...]  # the numbers of its contract cells, from 1
    changed: tuple[int, ...]  # the numbers of those whose output is another now
    written: bool

    def __str__(self) -> str:
        """One line for the command line."""
        cells = f"{len(self.contracts)} contract cell{'s' if len(self.contracts) != 1 else ''}"
        if self.changed:
            return f"{self.path.name}: {cells}, changed: {', '.join(map(str, self.changed))}"
        return f"{self.path.name}: {cells}, none changed" + ("; cleaned" if self.written else "")


def refresh(path: Path, *, timeout: int = 900) -> Refreshed:
    """Execute a notebook and write the outputs of its contract cells into its source.

    It runs as a whole in the profile smoke; one without contract cells is not run. Counts are those
    of a fresh run without injected cells. The source stays as it was where the notebook does not
    run to its end, was changed meanwhile, or a contract cell cannot be compared.
    """
    stored = documents.path_bytes(path)
    notebook = documents.parse(stored, path.name)
    numbers = [n for n, cell in documents.numbered(notebook) if _is_contract(cell)]
    kept: dict[int, list[NotebookNode]] = {}
    if numbers:
        executed = _executed(notebook, path.name, lessons.folder(path.parent), timeout)
        kept = {n: _kept(n, cell, path.name) for n, cell in executed.items() if n in numbers}
    result = cleaned(notebook)
    changed = []
    for number, outputs in kept.items():
        cell = result.cells[number - 1]
        before = result.cells[:number]
        cell.execution_count = sum(c.cell_type == "code" and bool(c.source.strip()) for c in before)
        for output in outputs:
            if output.output_type == "execute_result":
                output.execution_count = cell.execution_count
        if _content(cell.outputs) != _content(outputs):
            changed.append(number)
        cell.outputs = outputs
    content = documents.dump(result)
    if content != stored:
        if documents.path_bytes(path) != stored:
            raise InputError(
                f"expected {path.name} to stay as it was while it ran, but it was changed: "
                "run it again"
            )
        documents.write_bytes(path, content)
    return Refreshed(path, tuple(numbers), tuple(changed), content != stored)


def cleaned(notebook: NotebookNode) -> NotebookNode:
    """A notebook as it belongs into git.

    A copy without outputs and counts but those of contract cells, without what editors and runs
    note in the metadata, and with one spelling of the kernel.
    """
    result = nbformat.from_dict(notebook)
    for key in _NOTEBOOK_NOISE:
        result.metadata.pop(key, None)
    result.metadata.language_info = {"name": "python"}
    if result.metadata.get("kernelspec", _KERNEL).get("name") == _KERNEL["name"]:
        result.metadata.kernelspec = dict(_KERNEL)
    for cell in result.cells:
        for key in _CELL_NOISE:
            cell.metadata.pop(key, None)
        if cell.cell_type == "code" and not _is_contract(cell):
            cell.outputs, cell.execution_count = [], None
    return nbformat.from_dict(result)


def write_smoke_copies(source: Path, target: Path) -> list[Path]:
    """Write copies of the chapters whose parameters have the values of smoke.

    nbval executes a notebook as it stands. It compares the contract cells of these copies, whose
    outputs are the same in every profile, in seconds. Other chapters in the target go, and nothing
    else.
    """
    found = chapters.find(source)
    if target.resolve() == source.resolve():
        raise InputError(f"expected another folder than that of the chapters, received {target}")
    written = [target / chapter.path.name for chapter in found]
    try:
        target.mkdir(parents=True, exist_ok=True)
        for chapter, path in zip(found, written, strict=True):
            notebook = documents.read(chapter.path)
            documents.write(path, _smoke_copy(notebook, path.name, chapter.lessons))
        for old in target.iterdir():
            if chapters.FILE_NAME.match(old.name) and old not in written:
                old.unlink()
    except OSError as error:
        raise WorldError(f"cannot write copies into {target}: {error.strerror}") from error
    return written


def _smoke_copy(notebook: NotebookNode, name: str, place: Path) -> NotebookNode:
    sheet = lessons.read(place / f"{name.partition('_')[0]}.toml")
    values = {"PROFILE": "smoke", **sheet.values("smoke", "embedded")}
    return documents.with_parameters(notebook, values)


def _is_contract(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and "contract" in documents.tags(cell)


def _executed(
    notebook: NotebookNode, name: str, place: Path, timeout: int
) -> dict[int, NotebookNode]:
    """Run the notebook to its end; return its own cells by number."""
    with tempfile.TemporaryDirectory(prefix="contracts-", ignore_cleanup_errors=True) as folder:
        variables = {"COURSE_LESSONS": str(place)}
        attempt = engine.Attempt(folder=Path(folder), timeout=timeout, variables=variables)
        executed = engine.attempt(_smoke_copy(notebook, name, place), {}, attempt)
    if executed is None:
        raise WorldError(f"cannot execute {name}: {attempt.failure}")
    cells = dict(records.own_cells(executed))
    for number, cell in cells.items():
        errors = [out for out in cell.get("outputs", ()) if out.output_type == "error"]
        if errors:
            raise InputError(
                f"{name}, {documents.label(number, cell)}: expected a notebook that runs in the "
                f"profile smoke, received {errors[0].ename}: {errors[0].evalue}: mend the cell"
            )
    if attempt.failure:
        raise InputError(
            f"{name}, cell {attempt.failed_at}: expected a notebook that runs in the profile "
            f"smoke, but {attempt.failure}"
        )
    return cells


def _kept(number: int, cell: NotebookNode, name: str) -> list[NotebookNode]:
    """The outputs of a contract cell as they may be stored."""
    where = f"{name}, {documents.label(number, cell)}"
    if cell.execution_count is None:
        raise InputError(f"{where}: expected the contract cell to run, but it did not")
    if not cell.outputs:
        raise InputError(f"{where}: expected a contract cell that shows something, received none")
    for fault in output_faults(cell.outputs):
        raise InputError(f"{where}: {fault}: a contract cell is compared, so change it")
    outputs: list[NotebookNode] = []
    for output in cell.outputs:
        if output.output_type != "stream":
            outputs.append(nbformat.v4.new_output(output.output_type, data=dict(output.data)))
        elif outputs and outputs[-1].output_type == "stream":
            # The kernel sends text in pieces, cut by its clock.
            outputs[-1].text += output.text
        else:
            outputs.append(nbformat.v4.new_output("stream", name="stdout", text=output.text))
    return outputs


def _content(outputs: list[NotebookNode]) -> list[dict]:
    return [{key: out[key] for key in out if key != "execution_count"} for out in outputs]
