"""Instructors' copies: chapters with solutions, notes, and the numbers to expect."""

from collections.abc import Iterable
from pathlib import Path

from nbformat import NotebookNode, from_dict
from nbformat.v4 import new_markdown_cell

from course_tools import evidence
from course_tools.notebooks import chapters, documents
from course_tools.publish import licenses, shelf
from course_tools.publish.student import other_folder, shown_files
from course_utils.formatting import written, written_range, written_threshold

__all__ = ["instructor_copy", "instructor_files", "write_instructor_copies"]

_EXPECTED = """\
## Expected numbers

What independent seeds measured in `quick`, where one more run should lie, and what contradicts \
each claim.

| claim | data | seeds | threshold | expected | mutant |
|---|---|---|---|---|---|"""


def instructor_copy(chapter: chapters.Chapter) -> NotebookNode:
    """A chapter with its outputs stripped and a table of expected numbers at its end."""
    copy = from_dict(documents.read(chapter.path))
    for cell in copy.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    lines = [_EXPECTED]
    for one in evidence.summarize(evidence.kept_rows([chapter])):
        if one.true is None:
            continue
        values = [value for value in one.mutant.values() if value is not None]
        mutant = str(chapter.sheet.claims[one.id].mutant)
        if values:
            mutant += f": {written(sum(values) / len(values), one.unit)}"
        ends = f"{written(one.minimum, one.unit)} to {written(one.maximum, one.unit)}"
        row = (
            f"`{one.id}`",
            f"{one.profile}/{one.data}",
            f"{ends} ({one.seeds} seeds)",
            written_threshold(one.threshold, one.unit),
            written_range(one.low, one.high, one.unit),
            mutant.replace("|", "\\|"),
        )
        lines.append(f"| {' | '.join(row)} |")
    metadata = {"tags": ["instructor"], "slideshow": {"slide_type": "notes"}}
    copy.cells.append(new_markdown_cell("\n".join(lines), id="expected-numbers", metadata=metadata))
    name = chapter.path.name
    copy.metadata["generated"] = f"generated from {name}; to change the course, change that file"
    return copy


def instructor_files(source: Path, names: Iterable[str] = ()) -> dict[str, bytes]:
    """The instructors' copies by their names, with their license and the files that they show."""
    wanted = licenses.beside(source)
    for chapter in chapters.find(source, names):
        copy = licenses.named(instructor_copy(chapter), source)
        wanted[chapter.path.name] = documents.dump(copy)
        wanted |= shown_files(copy, source)
    return wanted


def write_instructor_copies(source: Path, target: Path) -> shelf.Report:
    """Write the instructors' copies, and never over what somebody changed there."""
    other_folder(source, target)
    return shelf.write_copies(target, instructor_files(source))
