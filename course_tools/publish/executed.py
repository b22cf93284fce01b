"""Executed chapters, read from the folder of a run, and refused when they would mislead a reader.

What is published must be what the source gives today: a chapter that was not executed, was red,
was executed with a mutant, or whose cells have changed since, stops whoever wants to publish it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from course_tools.notebooks import chapters, documents
from course_tools.publish import inspection
from course_tools.run import execution, records
from course_utils.errors import InputError

__all__ = ["Executed", "read"]


@dataclass(frozen=True)
class Executed:
    """A chapter with its executed notebook.

    Attributes:
        chapter: the chapter as its source says.
        notebook: the executed notebook, without the cells that the execution added.
        parameters: what it was executed with.
        seconds: how long that took.
    """

    chapter: chapters.Chapter
    notebook: NotebookNode
    parameters: dict[str, object]
    seconds: float

    @property
    def profile(self) -> str:
        """The profile of its run."""
        return str(self.parameters.get("PROFILE", ""))

    @property
    def data(self) -> str:
        """The data of its run."""
        return str(self.parameters.get("DATA", ""))

    @property
    def claims(self) -> dict[str, dict[str, object]]:
        """What it recorded of each claim, by the claim's id."""
        found = records.read(self.notebook, records.CLAIM)
        return {str(record.content.get("id")): record.content for record in found}


def read(source: Path, run: Path | Sequence[Path], names: Iterable[str] = ()) -> list[Executed]:
    """Read chapters with their executed notebooks, fit to be published.

    Args:
        source: the folder of the chapters.
        run: the folder of a run, with executed notebooks; of several, the first that has a
            chapter counts for it.
        names: chapters as `chapters.select` takes them; all without any.

    Returns:
        The chapters, by number.

    Raises:
        InputError: a chapter was not executed there, was red or a mutant, is older than its
            source, or shows what `inspection.faults` refuses. All faults are told at once, each
            with its chapter and cell.

    Example:
        >>> read(Path("notebooks"), Path("no such folder"), ["00"])
        Traceback (most recent call last):
        ...
        course_utils.errors.InputError: expected executed chapters in no such folder, received: \
00_start_here.ipynb: not executed there: run `course run --out "no such folder"` and call again
    """
    found: list[Executed] = []
    faults: list[str] = []
    runs = [run] if isinstance(run, Path) else list(run)
    where = " or ".join(map(str, runs))
    for chapter in chapters.find(source, names):
        own = documents.read(chapter.path)
        there = (execution.stored(folder / chapter.path.name) for folder in runs)
        stored = next(filter(None, there), None)
        fault = _fault(own, stored)
        if fault:
            faults.append(f"{chapter.path.name}{fault}")
            continue
        facts, notebook = stored
        notebook.cells = [cell for _, cell in records.own_cells(notebook)]
        # What a cell is for (its tags, its slide) may change without a new execution.
        for cell, source_cell in zip(notebook.cells, own.cells, strict=True):
            cell.metadata.update(source_cell.metadata)
        faults += [
            f"{chapter.path.name}, {text}" for text in inspection.faults(notebook, chapter.path)
        ]
        found.append(Executed(chapter, notebook, facts["parameters"], float(facts["seconds"])))
    if faults:
        raise InputError(
            f"expected executed chapters in {where}, received: {'; '.join(faults)}: "
            f'run `course run --out "{runs[0]}"` and call again'
            if all(": not executed" in text or ": older" in text for text in faults)
            else f"expected chapters fit to be published, received: {'; '.join(faults)}"
        )
    return found


def _fault(own: NotebookNode, stored) -> str:
    """Why an executed notebook cannot be published, beginning where the file's name ends."""
    if stored is None:
        return ": not executed there"
    facts, notebook = stored
    if facts["state"] != "ok":
        return ": its run was red, see the folder's notebook"
    if facts["mutants"]:
        return f": executed with the mutant of {'+'.join(facts['mutants'])}"
    executed = [cell for _, cell in records.own_cells(notebook)]
    if len(executed) != len(own.cells):
        return f": older than its source, which has {len(own.cells)} cells, not {len(executed)}"
    for (number, cell), other in zip(documents.numbered(own), executed, strict=True):
        if (cell.id, cell.source) != (other.id, other.source):
            return f": older than its source in {documents.label(number, cell)}"
    return ""
