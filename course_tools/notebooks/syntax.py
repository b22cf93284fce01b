"""The Python in a notebook's cells, as syntax trees: what it calls, what stands there literally.

Nothing is executed; lines for IPython (`%…`, `!…`) are passed over.
"""

import ast
import re
from collections.abc import Iterator

import nbformat

from course_tools.notebooks import documents
from course_utils.errors import InputError

_MAGIC_LINE = re.compile(r"^(\s*)[%!].*$")


def tree_of(source: str) -> ast.Module:
    """Parse the source of a code cell, with lines for IPython (`%…`, `!…`) left out.

    Line numbers stay those of the cell. A cell that is a `%%magic` as a whole is no Python and
    gives an empty tree.
    """
    if source.lstrip().startswith("%%"):
        return ast.Module(body=[], type_ignores=[])
    try:
        return ast.parse(source)
    except SyntaxError:
        # Only now: a line of a longer expression may start with the operator %.
        lines = [_MAGIC_LINE.sub(r"\1pass", line) for line in source.split("\n")]
        return ast.parse("\n".join(lines))


def code_cells(
    notebook: nbformat.NotebookNode, name: str
) -> Iterator[tuple[int, nbformat.NotebookNode, ast.Module]]:
    """The code cells: number from 1, cell and syntax tree; one that is no Python is refused."""
    for number, cell in documents.numbered(notebook):
        if cell.cell_type != "code":
            continue
        try:
            tree = tree_of(cell.source)
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None)
            raise InputError(
                f"{name}, {documents.label(number, cell)}: expected Python, received a cell that "
                f"does not parse (line {line}: {getattr(error, 'msg', error)}): mend the cell"
            ) from error
        yield number, cell, tree


def calls(tree: ast.AST, module: str, function: str) -> list[ast.Call]:
    """The calls `module.function(…)` in a syntax tree, in the order of the source."""
    found = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == function
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == module
    ]
    return sorted(found, key=lambda call: (call.lineno, call.col_offset))


def argument(call: ast.Call, position: int, keyword: str) -> ast.expr | None:
    """One argument of a call, given by place or by name; None when it is not given."""
    for given in call.keywords:
        if given.arg == keyword:
            return given.value
    return call.args[position] if position < len(call.args) else None


def assigned_name(statement: ast.stmt) -> ast.Name | None:
    """The name that a statement sets, if it is a plain assignment to one name."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        target = statement.target
    else:
        return None
    return target if isinstance(target, ast.Name) else None


def literal(node: ast.expr, what: str) -> object:
    """The value of an expression that stands there in full; `what` names it in the refusal."""
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError) as error:
        raise InputError(
            f"{what}: expected a literal (a number, a string, a list of them), "
            f"received {ast.unparse(node)}: write the value out"
        ) from error
