"""The part of a chapter that some of its cells need, found by the names that cells set and read.

A mutated run is about one claim, and need not train the networks of all others.
"""

import ast
import functools
import symtable
from collections.abc import Callable

import nbformat

from course_tools.notebooks import documents, syntax

_ALWAYS = {"parameters", "setup"}
# Methods that change what they are called on, whatever is done with what they return.
_CHANGING = {
    "add", "adapt", "append", "apply", "assign", "build", "clear", "compile", "extend", "fit",
    "insert", "load_weights", "pop", "set_weights", "setdefault", "sort", "train_on_batch",
    "update",
}  # fmt: skip
# Functions and modules whose calls only look at what they are given.
_LOOKING = {"claims", "display", "exercises", "np", "plots", "print"}


def needed(
    notebook: nbformat.NotebookNode, wanted: Callable[[nbformat.NotebookNode], bool]
) -> nbformat.NotebookNode:
    """A copy with some cells, the set-up, the prose, and of other code cells what these need.

    A cell is needed if it sets, or changes in place, a name that a later needed cell reads. The
    cells for whose sake the others are kept are told by `wanted`.
    """
    copy = nbformat.from_dict(notebook)
    code = [cell for cell in copy.cells if cell.cell_type == "code"]
    setup = [cell for cell in code if "setup" in documents.tags(cell)]
    modules = set().union(*(names(cell.source)[0] for cell in setup))
    kept, read = [], set()
    for cell in reversed(copy.cells):
        if cell.cell_type == "code":
            sets, reads = names(cell.source)
            is_wanted = wanted(cell)
            if not is_wanted and not documents.tags(cell) & _ALWAYS and not sets & read:
                continue
            # What an exercise checks stands in its own cell.
            own = sets if "exercise" in documents.tags(cell) else set()
            read |= reads - own - modules
        kept.append(cell)
    copy.cells = kept[::-1]
    return copy


@functools.cache
def names(source: str) -> tuple[set[str], set[str]]:
    """The names of the notebook that a cell sets or changes, and those that it reads."""
    tree = syntax.tree_of(source)
    table = symtable.symtable(ast.unparse(tree), "cell", "exec")
    sets = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}
    reads = {s.get_name() for s in table.get_symbols() if s.is_referenced()}
    waiting = list(table.get_children())
    while waiting:
        inner = waiting.pop()
        reads |= {s.get_name() for s in inner.get_symbols() if s.is_global()}
        waiting += inner.get_children()
    for node in ast.walk(tree):
        sets |= {name for name in map(_base, _changed(node)) if name}
    return sets, reads


def _changed(node: ast.AST) -> list[ast.expr]:
    """The expressions that a statement or call may change in place."""
    if isinstance(node, ast.Assign):
        return [target for target in node.targets if not isinstance(target, ast.Name)]
    if isinstance(node, ast.AugAssign):
        return [node.target]
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        # `train(model)` and `model.fit(…)` as statements are there for what they change.
        if _base(node.value.func) in _LOOKING:
            return []
        return [*node.value.args, *([node.value.func] if _is_method(node.value) else [])]
    if isinstance(node, ast.Call) and _is_method(node) and node.func.attr in _CHANGING:
        return [node.func]
    return []


def _is_method(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute)


def _base(node: ast.expr) -> str:
    """The name at the left end of `a.b[0].c`; "" if there is none."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
