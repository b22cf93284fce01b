"""Chapters as they can be known without running them: parameters, claims, exercises, contracts.

A chapter is a notebook `NN_snake_name.ipynb`. It is read with `nbformat` and `ast` only, so a list
of the course costs milliseconds and nothing of a notebook is ever executed here. What cannot be
known in that way (a parameter that is computed, the name of a claim put together at run time) is an
error that names file and cell, never a guess. Whether a chapter is also well made is the question
of `course_tools.lint`.
"""

import ast
import difflib
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat

from course_tools.notebooks import documents, mutants, syntax
from course_utils import lessons
from course_utils.errors import InputError
from course_utils.lessons import Claim, Sheet

FILE_NAME = re.compile(r"^(?P<number>\d\d)_(?P<name>[a-z0-9]+(?:_[a-z0-9]+)*)\.ipynb$")

_TITLE = re.compile(r"^# +(?:\d\d *· *)?(?P<title>.+?) *$", re.MULTILINE)
_TIME = re.compile(r"^\*\*Time:\*\* *(?P<time>.+?) *$", re.MULTILINE)


@dataclass(frozen=True)
class Chapter:
    """One chapter, read without running it; texts that it lacks are "".

    Parameters have their literal values, in the order of their cell; claims (as the sheet has them)
    and exercises stand in the order of the notebook. Contract cells, whose output is kept and
    compared, go by number from 1. `lessons` is the folder of sheet and evidence.
    """

    path: Path
    number: str  # "00"
    name: str  # "start_here"
    stem: str  # "00_start_here"
    title: str
    promise: str
    time: str
    parameters: dict[str, object]
    claims: tuple[Claim, ...]
    lessons: Path
    sheet: Sheet
    exercises: tuple[str, ...]
    contract_cells: tuple[int, ...]


def find(folder: Path | str, names: Iterable[str] = ()) -> list[Chapter]:
    """The chapters of a folder by number, or those of the names (see `select`).

    Files of other names (a student's copy, a scratch notebook) are passed over. Chapters that were
    not asked for are not read: a fault in one does not hide the others.
    """
    return [read(path) for path in _select(_paths(Path(folder)), names, lambda path: path.stem)]


def select(chapters: Sequence[Chapter], names: Iterable[str]) -> list[Chapter]:
    """Pick chapters by the names that a person types, in the order of `chapters`; all without any.

    A name is "0", "00", "start_here", "00_start_here" or "00_start_here.ipynb" (a path to it, too).
    """
    return _select(chapters, names, lambda chapter: chapter.stem)


def read(path: Path | str) -> Chapter:
    """Read one chapter, with its sheet, without running it.

    Refused, with file and cell or claim: what is no notebook or no Python, a parameter, claim or
    exercise that is not literal, and whatever only one of notebook and sheet has.
    """
    path = Path(path)
    match = FILE_NAME.match(path.name)
    if match is None:
        raise InputError(
            f"expected a chapter named like 00_start_here.ipynb, received {path.name}: rename it"
        )
    notebook = documents.read(path)
    first = notebook.cells[0].source if notebook.cells else ""
    title = _TITLE.search(first)
    time = _TIME.search(first)
    checked: list[tuple[str, str]] = []
    exercises: list[str] = []
    for number, cell, tree in syntax.code_cells(notebook, path.name):
        where = f"{path.name}, {documents.label(number, cell)}"
        checked += [
            (_name(call, where, "claims"), where) for call in syntax.calls(tree, "claims", "check")
        ]
        exercises += [
            _name(call, where, "exercises") for call in syntax.calls(tree, "exercises", "check")
        ]
    parameters = _parameters(notebook, path.name)
    place = lessons.folder(path.parent)
    sheet = lessons.read(place / f"{match['number']}.toml")
    _check_claims(checked, sheet, path.name)
    _check_parameters(parameters, sheet, path.name)
    for claim in sheet.claims.values():
        mutants.check(notebook, claim, sheet, path.name)
    return Chapter(
        path=path,
        number=match["number"],
        name=match["name"],
        stem=path.stem,
        title=title["title"] if title else "",
        promise=promise(first),
        time=time["time"] if time else "",
        parameters=parameters,
        claims=tuple(sheet.claims[id] for id, _ in checked),
        lessons=place,
        sheet=sheet,
        exercises=tuple(exercises),
        contract_cells=tuple(
            number
            for number, cell in documents.numbered(notebook)
            if cell.cell_type == "code" and "contract" in documents.tags(cell)
        ),
    )


def promise(title_cell: str) -> str:
    """The promise of a chapter: the paragraph under its title; "" without one."""
    paragraphs = [part.strip() for part in re.split(r"\n\s*\n", title_cell.strip())]
    if len(paragraphs) < 2 or not paragraphs[0].startswith("# "):
        return ""
    text = " ".join(paragraphs[1].split())
    if text.startswith(("**", "- ", "* ", "#", "|", "!")):
        return ""
    return text.strip("*_")


def glossary(notebook: nbformat.NotebookNode) -> list[tuple[str, ...]]:
    """The rows of the table under `## Glossary`, its header first, its rule left out."""
    prose = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    section = re.search(r"^## +Glossary *$(.*?)(?=^##? |\Z)", prose, re.MULTILINE | re.DOTALL)
    lines = [line.strip() for line in section[1].splitlines()] if section else []
    rows = [
        tuple(part.strip() for part in re.split(r"(?<!\\)\|", line.strip("|")))
        for line in lines
        if line.startswith("|")
    ]
    return rows[:1] + rows[2:]


def _paths(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise InputError(
            f"expected a folder of chapters, received {folder}, which is not there: check the path"
        )
    paths = sorted(path for path in folder.iterdir() if FILE_NAME.match(path.name))
    if not paths:
        raise InputError(
            f"expected chapters named like 00_start_here.ipynb in {folder}, received none: "
            "check the folder"
        )
    for one, other in itertools.pairwise(paths):
        if one.name[:2] == other.name[:2]:
            raise InputError(
                f"expected one chapter of each number, received {one.name} and {other.name}: "
                "renumber one of them"
            )
    return paths


def _select(items: Iterable, names: Iterable[str], stem_of) -> list:
    by_stem = {stem_of(item): item for item in items}
    wanted = {_stem(name, by_stem) for name in names}
    return [item for stem, item in by_stem.items() if not wanted or stem in wanted]


def _stem(name: str, stems: Iterable[str]) -> str:
    typed = re.split(r"[\\/]", name.strip())[-1].removesuffix(".ipynb")
    for stem in stems:
        number, _, rest = stem.partition("_")
        if typed in (stem, number, rest) or (typed.isdecimal() and int(typed) == int(number)):
            return stem
    known = {form: stem for stem in stems for form in (stem, stem.partition("_")[2])}
    near = difflib.get_close_matches(typed, known, n=1, cutoff=0.5)
    hint = f"; the nearest is {known[near[0]]}" if near else ""
    raise InputError(
        f"expected the name or number of a chapter, received {name!r}{hint}: "
        f"choose from {', '.join(stems) or 'none'}"
    )


def _parameters(notebook: nbformat.NotebookNode, name: str) -> dict[str, object]:
    tagged = [
        (number, cell, tree)
        for number, cell, tree in syntax.code_cells(notebook, name)
        if "parameters" in documents.tags(cell)
    ]
    if len(tagged) != 1:
        received = ", ".join(f"cell {number}" for number, _, _ in tagged) or "none"
        raise InputError(
            f"{name}: expected one code cell tagged parameters, received {received}: "
            "tag the cell that sets PROFILE"
        )
    number, cell, tree = tagged[0]
    where = f"{name}, {documents.label(number, cell)}"
    values: dict[str, object] = {}
    for statement in tree.body:
        target = syntax.assigned_name(statement)
        if target is None:
            raise InputError(
                f"{where}: expected only assignments NAME = literal, "
                f"received {ast.unparse(statement)!r}: move it to the setup cell"
            )
        values[target.id] = syntax.literal(statement.value, f"{where}: parameter {target.id}")
    return values


def _check_claims(checked: Sequence[tuple[str, str]], sheet: Sheet, name: str) -> None:
    """Refuse claims that only notebook or sheet has, or that are checked twice."""
    counts = Counter(id for id, _ in checked)
    for id, where in checked:
        if id not in sheet.claims:
            raise InputError(
                f"{where}: expected a claim of the sheet {sheet.chapter}.toml, received {id!r}: "
                "add it to the sheet"
            )
        if counts[id] > 1:
            raise InputError(f"{where}: expected claim {id} once, received it {counts[id]} times")
    for id in sheet.claims:
        if not counts[id]:
            raise InputError(
                f'{name}: expected claims.check("{id}", …) for claim {id} of its sheet, received '
                "none: check it in a cell, or take it out of the sheet"
            )


def _check_parameters(parameters: dict[str, object], sheet: Sheet, name: str) -> None:
    """Refuse parameters that only notebook or sheet has, or that differ for quick."""
    for parameter in parameters:
        if parameter not in ("PROFILE", "DATA", "SEED", *sheet.parameters):
            raise InputError(
                f"{name}: expected {parameter} in the sheet {sheet.chapter}.toml, received none: "
                f"write {parameter} = {{ quick = {parameters[parameter]!r} }}"
            )
    for parameter, value in sheet.values("quick", "embedded").items():
        own = parameters.get(parameter)
        if type(own) is not type(value) or own != value:
            received = repr(own) if parameter in parameters else "none"
            raise InputError(
                f"{name}: expected {parameter} = {value!r} in the parameters cell, as the sheet "
                f"{sheet.chapter}.toml has it for quick, received {received}: change one of them"
            )


def _name(call: ast.Call, where: str, module: str) -> str:
    node = syntax.argument(call, 0, "id" if module == "claims" else "name")
    value = syntax.literal(node, f"{where}: a name") if node is not None else None
    if not isinstance(value, str):
        raise InputError(
            f'{where}: expected {module}.check("name", …), received {ast.unparse(call)}: write '
            "the name out"
        )
    return value
