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

    Args:
        source: the source.

    Returns:
        The syntax tree.

    Raises:
        SyntaxError: what remains is not Python.

    Example:
        >>> ast.unparse(tree_of("%matplotlib inline\\nx = 1"))
        'pass\\nx = 1'
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
    """Go through the code cells with their syntax trees.

    Args:
        notebook: the notebook.
        name: the file's name, for messages.

    Returns:
        Number from 1, cell and tree of each code cell.

    Raises:
        InputError: a cell is not Python.

    Example:
        >>> book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1")])
        >>> [number for number, cell, tree in code_cells(book, "00_a.ipynb")]
        [1]
    """
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
    """Find the calls `module.function(…)` in a syntax tree.

    Args:
        tree: the tree.
        module: the name before the dot.
        function: the name after it.

    Returns:
        The calls, in the order of the source.

    Example:
        >>> len(calls(ast.parse("claims.check('a', 'A.')"), "claims", "check"))
        1
    """
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


def argument(call: ast.Call, position: int | None, keyword: str) -> ast.expr | None:
    """Return one argument of a call, given by place or by name.

    Args:
        call: the call.
        position: its place, from 0; None when it goes by name only.
        keyword: its name.

    Returns:
        The expression; None when it is not given.

    Example:
        >>> call = ast.parse("f(1, b=2)").body[0].value
        >>> argument(call, 1, "b").value
        2
    """
    for given in call.keywords:
        if given.arg == keyword:
            return given.value
    if position is not None and position < len(call.args):
        return call.args[position]
    return None


def assigned_name(statement: ast.stmt) -> ast.Name | None:
    """Return the name that a plain assignment sets.

    Args:
        statement: one statement.

    Returns:
        The name; None when the statement is not a plain assignment to one name.

    Example:
        >>> assigned_name(ast.parse("SEED = 0").body[0]).id
        'SEED'
    """
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        target = statement.target
    else:
        return None
    return target if isinstance(target, ast.Name) else None


def literal(node: ast.expr, what: str) -> object:
    """Return the value of an expression that stands there in full.

    Args:
        node: the expression.
        what: what it is and where, for the message.

    Returns:
        Its value.

    Raises:
        InputError: it would have to be computed.

    Example:
        >>> literal(ast.parse("(0.5, None)", mode="eval").body, "a band")
        (0.5, None)
    """
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError) as error:
        raise InputError(
            f"{what}: expected a literal (a number, a string, a list of them), "
            f"received {ast.unparse(node)}: write the value out"
        ) from error
