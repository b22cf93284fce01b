"""A chapter as the rules see it, and the register of the rules.

A rule is a short function of a page that gives pairs of a cell (or None, for the notebook as a
whole) and a message. Its name is the function's, its explanation the first line of its docstring.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat

from course_tools.notebooks import documents, syntax


@dataclass(frozen=True)
class Finding:
    """One place where a chapter breaks a rule.

    Attributes:
        chapter: the file's name without `.ipynb`.
        cell: "cell 7 (id 3f2a)"; "" for the notebook as a whole.
        rule: the name of the rule.
        message: what was expected, what was received.
    """

    chapter: str
    cell: str
    rule: str
    message: str

    def __str__(self) -> str:
        """One line, as a linter writes it."""
        where = f"{self.chapter}.ipynb" + (f", {self.cell}" if self.cell else "")
        return f"{where} [{self.rule}]: {self.message}"


@dataclass(frozen=True)
class Cell:
    """One cell with what the rules ask of it.

    Attributes:
        number: its place, from 1.
        node: the cell as stored.
        tree: its Python; an empty module for prose and for what does not parse.
        fault: why it does not parse; "" when it does.
    """

    number: int
    node: nbformat.NotebookNode
    tree: ast.Module
    fault: str

    @property
    def source(self) -> str:
        """The source, as one string."""
        return self.node.source

    @property
    def is_code(self) -> bool:
        """Whether it is a code cell."""
        return self.node.cell_type == "code"

    @property
    def is_prose(self) -> bool:
        """Whether it is a Markdown cell."""
        return self.node.cell_type == "markdown"

    @cached_property
    def tags(self) -> frozenset[str]:
        """Its tags."""
        return documents.tags(self.node)

    @property
    def label(self) -> str:
        """Its place and id, for messages."""
        return documents.label(self.number, self.node)


class Page:
    """A notebook file with the folders that its rules look into.

    Attributes:
        path: the file.
        notebook: what it holds.
        cells: its cells.
        package: the folder of `course_utils`, read for public names.
        root: the folder of the whole course, that tests are named from.
    """

    def __init__(self, path: Path, *, package: Path) -> None:
        self.path = path
        self.package = package
        self.notebook = documents.read(path)
        folders = path.resolve().parents
        rooted = [folder for folder in folders if (folder / "pyproject.toml").is_file()]
        self.root = (rooted or [*folders[1:2], folders[0]])[0]
        self.cells = tuple(
            _cell(number, node) for number, node in documents.numbered(self.notebook)
        )

    @property
    def code(self) -> tuple[Cell, ...]:
        """The code cells."""
        return tuple(cell for cell in self.cells if cell.is_code)

    @property
    def prose(self) -> tuple[Cell, ...]:
        """The Markdown cells."""
        return tuple(cell for cell in self.cells if cell.is_prose)

    def tagged(self, tag: str) -> tuple[Cell, ...]:
        """The code cells with a tag."""
        return tuple(cell for cell in self.code if tag in cell.tags)

    def calls(self, module: str, function: str) -> list[tuple[Cell, ast.Call]]:
        """The calls `module.function(…)` of all code cells."""
        return [
            (cell, call) for cell in self.code for call in syntax.calls(cell.tree, module, function)
        ]


Complaints = Iterator[tuple[Cell | None, str]]


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        name: words joined by "-".
        explanation: one line.
        complaints: the function.
    """

    name: str
    explanation: str
    complaints: Callable[[Page], Complaints]


_rules: dict[str, Rule] = {}


def rule(function: Callable[[Page], Complaints]) -> Callable[[Page], Complaints]:
    """Register a function as a rule, under its own name.

    Args:
        function: gives (cell or None, message) for each place that breaks the rule.

    Returns:
        The function.

    Example:
        >>> @rule
        ... def no_cells(page):
        ...     '''A notebook without cells is fine; used here only.'''
        ...     yield from ()
        >>> _rules.pop("no-cells").explanation
        'A notebook without cells is fine; used here only.'
    """
    name = function.__name__.replace("_", "-")
    _rules[name] = Rule(name, (function.__doc__ or "").partition("\n")[0], function)
    return function


def rules() -> tuple[Rule, ...]:
    """Return every rule, in the order of registration.

    Returns:
        The rules.

    Example:
        >>> isinstance(rules(), tuple)
        True
    """
    return tuple(_rules.values())


def literal(node: ast.expr | None) -> object:
    """Return the value of an expression that stands there in full, else None.

    Args:
        node: the expression, or None.

    Returns:
        The value; None when there is none.

    Example:
        >>> literal(ast.parse("1 + x", mode="eval").body) is None
        True
    """
    try:
        return None if node is None else ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError):
        return None


def _cell(number: int, node: nbformat.NotebookNode) -> Cell:
    tree, fault = ast.Module(body=[], type_ignores=[]), ""
    if node.cell_type == "code":
        try:
            tree = syntax.tree_of(node.source)
        except (SyntaxError, ValueError) as error:
            fault = f"line {getattr(error, 'lineno', '?')}: {getattr(error, 'msg', error)}"
    return Cell(number, node, tree, fault)
