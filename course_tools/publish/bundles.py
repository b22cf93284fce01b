"""What is handed out as files: students' and instructors' copies, each as a folder and as a zip."""

import io
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from nbformat import NotebookNode, from_dict
from nbformat.v4 import new_markdown_cell

from course_tools.evidence import file as evidence_file
from course_tools.evidence import summary as evidence
from course_tools.notebooks import chapters, documents
from course_tools.publish import hosted, licences, pages
from course_tools.publish.executed import Executed
from course_tools.publish.shelf import Shelf
from course_tools.publish.student import Report, shown_files, student_files
from course_utils import card
from course_utils.errors import InputError

__all__ = [
    "downloads_page",
    "instructor_copy",
    "instructor_files",
    "write_downloads",
    "write_instructor_copies",
    "write_zip",
]


def instructor_copy(chapter: chapters.Chapter) -> NotebookNode:
    """A chapter for whoever teaches it: solutions, notes, and the numbers to expect.

    Args:
        chapter: the chapter.

    Returns:
        The chapter with its outputs stripped and a table of expected numbers at its end.

    Raises:
        InputError: the evidence is not well-formed.
    """
    copy = from_dict(documents.read(chapter.path))
    for cell in copy.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    lines = [
        "## Expected numbers",
        "",
        "What independent seeds measured in `quick`, where one more run should lie, and what "
        "contradicts each claim.",
        "",
        "| claim | data | seeds | threshold | expected | mutant |",
        "|---|---|---|---|---|---|",
    ]
    for one in evidence.summarise(evidence_file.rows([chapter])):
        if one.true is None:
            continue
        values = [value for value in one.mutant.values() if value is not None]
        mutant = str(chapter.sheet.claims[one.id].mutant)
        if values:
            mutant += f": {card.written(sum(values) / len(values), one.unit)}"
        ends = f"{card.written(one.minimum, one.unit)} to {card.written(one.maximum, one.unit)}"
        row = (
            f"`{one.id}`",
            f"{one.profile}/{one.data}",
            f"{ends} ({one.seeds} seeds)",
            card.written_threshold(one.threshold, one.unit),
            card.written_range(one.low, one.high, one.unit),
            mutant.replace("|", "\\|"),
        )
        lines.append(f"| {' | '.join(row)} |")
    metadata = {"tags": ["instructor"], "slideshow": {"slide_type": "notes"}}
    copy.cells.append(new_markdown_cell("\n".join(lines), id="expected-numbers", metadata=metadata))
    name = chapter.path.name
    copy.metadata["generated"] = f"generated from {name}; to change the course, change that file"
    return copy


def instructor_files(source: Path, names: Iterable[str] = ()) -> dict[str, bytes]:
    """The instructors' copies by their names, with their licence and the files that they show.

    Raises:
        InputError: a chapter or the evidence is not well-formed.
    """
    wanted = licences.beside(source)
    for chapter in chapters.find(source, names):
        copy = instructor_copy(chapter)
        licences.named(copy, source)
        wanted[chapter.path.name] = documents.dump(copy)
        wanted |= shown_files(copy, source)
    return wanted


def write_instructor_copies(source: Path, target: Path, *, names: Iterable[str] = ()) -> Report:
    """Write the instructors' copies, and never over what somebody changed there.

    Args:
        source: the folder of the chapters.
        target: where to.
        names: chapters as `chapters.select` takes them; all without any.

    Returns:
        What was done about each file.

    Raises:
        InputError: the target is the source, or a chapter is not well-formed.
        WorldError: the disk does not take it.
    """
    if source.resolve() == target.resolve():
        raise InputError(
            "expected a folder for the copies other than that of the chapters, "
            f"received {target} for both: choose another"
        )
    wanted = instructor_files(source, names)
    shelf = Shelf(target)
    copies = tuple(shelf.put(name, text) for name, text in wanted.items())
    return Report(target, copies, () if names else shelf.leftover(wanted))


def write_zip(path: Path, files: dict[str, bytes]) -> Path:
    """Write files into a zip, the same bytes for the same files.

    Args:
        path: of the zip; its folder is made.
        files: name to content.

    Returns:
        The path.

    Raises:
        WorldError: the disk does not take it.

    Example:
        >>> import tempfile
        >>> path = write_zip(Path(tempfile.mkdtemp()) / "a.zip", {"a.txt": b"one"})
        >>> zipfile.ZipFile(path).namelist()
        ['a.txt']
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            # The date of every member: a zip that differs says that a file does.
            entry = zipfile.ZipInfo(name, date_time=(2026, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, files[name])
    path.parent.mkdir(parents=True, exist_ok=True)
    documents.write_bytes(path, buffer.getvalue())
    return path


def write_downloads(
    found: Sequence[Executed], source: Path, target: Path, *, instructor: bool, address: str = ""
) -> list[str]:
    """Write what the site offers: each chapter in each version, and each version as a zip.

    Args:
        found: the executed chapters.
        source: the folder of the chapters.
        target: where to.
        instructor: with the instructors' copies.
        address: from which a hosted notebook installs the course; "" leaves that open.

    Returns:
        The names of the zips.
    """
    names = [one.chapter.number for one in found]
    executed = licences.beside(source)
    for one in found:
        reading = licences.named(pages.reader_copy(one), source)
        if address:
            reading = hosted.added(reading, address)
        executed[one.chapter.path.name] = documents.dump(reading)
        executed |= shown_files(reading, source)
    copies = student_files(source, names, address=address)
    versions = {"student": copies, "executed": executed}
    if instructor:
        versions["instructor"] = instructor_files(source, names)
    for version, files in versions.items():
        for name, content in files.items():
            place = target / version / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        write_zip(target / f"{version}.zip", files)
    return [f"{version}.zip" for version in versions]


_WORDS = {
    "student": "notebooks to work in: no solutions, no outputs",
    "executed": "notebooks to read: with outputs, without solutions",
    "instructor": "notebooks to teach from: solutions, notes, expected numbers",
}


def downloads_page(
    found: Sequence[Executed], zips: Sequence[str], *, instructor: bool, licensed: bool
) -> str:
    """The page of downloads, in MyST Markdown."""
    versions = ["student", "executed"] + (["instructor"] if instructor else [])
    lines = ["# Downloads", "", "All chapters at once:", ""]
    lines += [
        f'- <a href="downloads/{name}">{name}</a>: {_WORDS[name.removesuffix(".zip")]}'
        for name in zips
    ]
    lines += ["", "One by one:", "", f"| chapter | {' | '.join(versions)} | slides |"]
    lines.append("|" + "---|" * (len(versions) + 2))
    for one in found:
        stem, number = one.chapter.stem, one.chapter.number
        cells = [f"[{number} · {one.chapter.title}](chapters/{stem}.ipynb)"]
        cells += [f'<a href="downloads/{v}/{stem}.ipynb">{v} {number}</a>' for v in versions]
        cells.append(f'<a href="slides/{stem}.html">slides {number}</a>')
        lines.append(f"| {' | '.join(cells)} |")
    licence = '<a href="LICENSE">LICENSE</a> is in each zip; ' if licensed else ""
    lines += [
        "",
        f'{licence}<a href="NOTICE">NOTICE</a> names what these pages and slides carry of others.',
    ]
    return "\n".join(lines) + "\n"
