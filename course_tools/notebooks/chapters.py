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
    """One chapter, read without running it.

    Attributes:
        path: the notebook file.
        number: two digits, "00".
        name: "start_here".
        stem: "00_start_here".
        title: the heading without its number; "" without one.
        promise: the sentence under the title, without its emphasis; "" without one.
        time: the text after `**Time:**`; "" without one.
        parameters: the names of the parameters cell, in its order, with their literal values.
        claims: in the order of the notebook, as the sheet has them.
        lessons: the folder of its sheet and of its evidence.
        sheet: the sizes of its runs, and what it claims.
        exercises: the names of the exercises, in the order of the notebook.
        contract_cells: the numbers, from 1, of the cells whose output is kept and compared.
    """

    path: Path
    number: str
    name: str
    stem: str
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
    """Read the chapters of a folder, or some of them.

    Files of other names (a student's copy, a scratch notebook) are not chapters and are passed
    over. Chapters that were not asked for are not read: a fault in one does not hide the others.

    Args:
        folder: the folder of the notebooks.
        names: chapters as `select` takes them; all without any.

    Returns:
        The chapters, by number.

    Raises:
        InputError: no such folder, no chapter in it, two chapters of one number, an unknown name,
            or a chapter that `read` refuses.

    Example:
        >>> find("no such folder")
        Traceback (most recent call last):
        ...
        course_utils.errors.InputError: expected a folder of chapters, received no such folder, \
which is not there: check the path
    """
    return [read(path) for path in _select(_paths(Path(folder)), names, lambda path: path.stem)]


def select(chapters: Sequence[Chapter], names: Iterable[str]) -> list[Chapter]:
    """Pick chapters by the names that a person types.

    Args:
        chapters: the chapters to pick from.
        names: each "0", "00", "start_here", "00_start_here" or "00_start_here.ipynb" (a path to
            it, too); all chapters without any.

    Returns:
        The chapters, each once, in the order of `chapters`.

    Raises:
        InputError: a name is unknown; the message holds the nearest and all available.

    Example:
        >>> select([], [])
        []
    """
    return _select(chapters, names, lambda chapter: chapter.stem)


def read(path: Path | str) -> Chapter:
    """Read one chapter, with its sheet, without running it.

    Args:
        path: the notebook, named `NN_snake_name.ipynb`.

    Returns:
        The chapter.

    Raises:
        InputError: the file is not a notebook, has another kind of name, has no parameters cell
            or two, a parameter, claim or exercise is not literal, or a code cell is not Python;
            the message names file and cell. Or its sheet is not well-formed, or does not fit the
            notebook: a claim or a parameter that only one of them has, a mutant that no longer
            applies; the message names chapter and claim.

    Example:
        >>> read("Untitled.ipynb")
        Traceback (most recent call last):
        ...
        course_utils.errors.InputError: expected a chapter named like 00_start_here.ipynb, \
received Untitled.ipynb: rename it
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
    """Return the promise of a chapter: the paragraph under its title.

    Args:
        title_cell: the source of the first cell.

    Returns:
        The paragraph on one line, without emphasis around it; "" without one.

    Example:
        >>> promise("# 00 · Start here\\n\\n*You will see a convnet\\nlearn.*\\n\\nMore.")
        'You will see a convnet learn.'
    """
    paragraphs = [part.strip() for part in re.split(r"\n\s*\n", title_cell.strip())]
    if len(paragraphs) < 2 or not paragraphs[0].startswith("# "):
        return ""
    text = " ".join(paragraphs[1].split())
    if text.startswith(("**", "- ", "* ", "#", "|", "!")):
        return ""
    return text.strip("*_")


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
