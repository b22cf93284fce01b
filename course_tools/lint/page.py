"""A chapter as the rules see it, and the register of the rules.

A rule is a short function of a page that gives pairs of a cell (or None, for the notebook as a
whole) and a message. Its name is the function's, its docstring says what it wants.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat

from course_tools.notebooks import documents, syntax


@dataclass(frozen=True)
class Finding:
    """One place where a chapter breaks a rule; `cell` is "" for the notebook as a whole."""

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
    """One cell, its place from 1, and its Python: empty for prose and for what does not parse."""

    number: int
    node: nbformat.NotebookNode
    tree: ast.Module

    @property
    def source(self) -> str:
        """The source, as one string."""
        return self.node.source

    @property
    def is_code(self) -> bool:
        """Whether it is a code cell."""
        return self.node.cell_type == "code"

    @property
    def tags(self) -> frozenset[str]:
        """Its tags."""
        return documents.tags(self.node)

    @property
    def label(self) -> str:
        """Its place and id, for messages."""
        return documents.label(self.number, self.node)


class Page:
    """A notebook file: its path, what it holds, and its cells."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notebook = documents.read(path)
        self.cells = tuple(
            Cell(number, node, _tree(node)) for number, node in documents.numbered(self.notebook)
        )
        self.code = tuple(cell for cell in self.cells if cell.is_code)
        self.prose = tuple(cell for cell in self.cells if cell.node.cell_type == "markdown")

    def tagged(self, tag: str) -> tuple[Cell, ...]:
        """The code cells with a tag."""
        return tuple(cell for cell in self.code if tag in cell.tags)

    def calls(self, module: str, function: str) -> list[tuple[Cell, ast.Call]]:
        """The calls `module.function(…)` of all code cells."""
        return [
            (cell, call) for cell in self.code for call in syntax.calls(cell.tree, module, function)
        ]


def _tree(node: nbformat.NotebookNode) -> ast.Module:
    try:
        return syntax.tree_of(node.source if node.cell_type == "code" else "")
    except (SyntaxError, ValueError):
        return ast.Module(body=[], type_ignores=[])


Complaints = Iterator[tuple[Cell | None, str]]
RULES: dict[str, Callable[[Page], Complaints]] = {}


def rule(function: Callable[[Page], Complaints]) -> Callable[[Page], Complaints]:
    """Register a function as a rule, under its own name with hyphens."""
    RULES[function.__name__.replace("_", "-")] = function
    return function


def literal(node: ast.expr | None) -> object:
    """The value of an expression that stands there in full; None when there is none."""
    try:
        return None if node is None else ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError):
        return None
