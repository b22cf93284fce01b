"""Chapters as they can be known without running them: parameters, claims, exercises, contracts.

A chapter is a notebook `NN_snake_name.ipynb`. It is read with `nbformat` and `ast` only, so a list
of the course costs milliseconds and nothing of a notebook is ever executed here. What cannot be
known in that way (a parameter that is computed, the name of a claim put together at run time) is an
error that names file and cell, never a guess. Whether a chapter is also well made is the question
of `course_utils.notebooks.style`.
"""

import ast
import difflib
import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from course_utils.errors import InputError
from course_utils.notebooks import documents, syntax

FILE_NAME = re.compile(r"^(?P<number>\d\d)_(?P<name>[a-z0-9]+(?:_[a-z0-9]+)*)\.ipynb$")

_TITLE = re.compile(r"^# +(?:\d\d *· *)?(?P<title>.+?) *$", re.MULTILINE)
_TIME = re.compile(r"^\*\*Time:\*\* *(?P<time>.+?) *$", re.MULTILINE)


@dataclass(frozen=True)
class ClaimText:
    """One claim as it stands in the notebook; its measured value is known only to a run.

    Attributes:
        id: kebab-case, unique in the chapter.
        statement: the sentence that is claimed.
        bands: (low, high) by "PROFILE/DATA" or "any"; None is an open end.
        sabotage: what breaks the claim, in words; "" without one.
        unit_sabotage: the test that breaks it instead, "file::function"; "" without one.
        cell: the number of its cell, from 1.
        unit: in which its number is shown, as `claims.check` takes it.
        mean_bands: like `bands`, for the mean over seeds.
    """

    id: str
    statement: str
    bands: dict[str, tuple[float | None, float | None]]
    sabotage: str
    unit_sabotage: str
    cell: int
    unit: str = ""
    mean_bands: dict[str, tuple[float | None, float | None]] = field(default_factory=dict)


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
        claims: in the order of the notebook.
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
    claims: tuple[ClaimText, ...]
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
    """Read one chapter without running it.

    Args:
        path: the notebook, named `NN_snake_name.ipynb`.

    Returns:
        The chapter.

    Raises:
        InputError: the file is not a notebook, has another kind of name, has no parameters cell
            or two, a parameter, claim or exercise is not literal, or a code cell is not Python;
            the message names file and cell.

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
    claims: list[ClaimText] = []
    exercises: list[str] = []
    for number, cell, tree in syntax.code_cells(notebook, path.name):
        where = f"{path.name}, {documents.label(number, cell)}"
        claims += [_claim(call, number, where) for call in syntax.calls(tree, "claims", "check")]
        exercises += [_name(call, where) for call in syntax.calls(tree, "exercises", "check")]
    return Chapter(
        path=path,
        number=match["number"],
        name=match["name"],
        stem=path.stem,
        title=title["title"] if title else "",
        promise=promise(first),
        time=time["time"] if time else "",
        parameters=_parameters(notebook, path.name),
        claims=tuple(claims),
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


def _claim(call: ast.Call, number: int, where: str) -> ClaimText:
    def given(keyword, position, kind, otherwise):
        node = syntax.argument(call, position, keyword)
        if node is None and otherwise is not None:
            return otherwise
        if node is None:
            raise InputError(
                f"{where}: expected claims.check(id, statement, …), received no {keyword}: add it"
            )
        value = syntax.literal(node, f"{where}: {keyword} of a claim")
        if not isinstance(value, kind):
            raise InputError(
                f"{where}: expected the {keyword} of a claim as {kind.__name__}, "
                f"received {ast.unparse(node)}: write it out"
            )
        return value

    return ClaimText(
        id=given("id", 0, str, None),
        statement=given("statement", 1, str, None),
        bands=given("bands", None, dict, {}),
        sabotage=given("sabotage", None, str, ""),
        unit_sabotage=given("unit_sabotage", None, str, ""),
        cell=number,
        unit=given("unit", None, str, ""),
        mean_bands=given("mean_bands", None, dict, {}),
    )


def _name(call: ast.Call, where: str) -> str:
    node = syntax.argument(call, 0, "name")
    value = syntax.literal(node, f"{where}: the name of an exercise") if node is not None else None
    if not isinstance(value, str):
        raise InputError(
            f'{where}: expected exercises.check("name", answer), '
            f"received {ast.unparse(call)}: write the name out"
        )
    return value
