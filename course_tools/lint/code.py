"""Code cells: short, plain Python, public names of the package, figures with a text."""

import ast
from collections.abc import Iterator

from course_tools.lint.names import public_names
from course_tools.lint.page import Cell, Complaints, Page, literal, rule
from course_tools.notebooks import syntax

LINES = 25
SETUP_LINES = 30
COLUMNS = 100
CAPTION_LETTERS, CAPTION_WORDS = 20, 30


@rule
def plain_python(page: Page) -> Complaints:
    """A code cell is Python without magics."""
    for cell in page.code:
        magic = next(iter(_magic_lines(cell)), None)
        if magic:
            yield cell, f"expected plain Python, received {magic!r}"
        elif cell.fault:
            yield cell, f"expected Python, received what does not parse ({cell.fault})"


@rule
def short_cells(page: Page) -> Complaints:
    """A code cell has at most 25 lines, the set-up cell 30."""
    for cell in page.code:
        allowed = SETUP_LINES if "setup" in cell.tags else LINES
        lines = len(cell.source.splitlines())
        if lines > allowed:
            yield cell, f"expected at most {allowed} lines, received {lines}"


@rule
def short_lines(page: Page) -> Complaints:
    """A line of code has at most 100 characters."""
    for cell in page.code:
        for number, line in enumerate(cell.source.splitlines(), start=1):
            if len(line) > COLUMNS:
                yield cell, f"expected at most {COLUMNS} characters, line {number} has {len(line)}"


@rule
def no_pyplot(page: Page) -> Complaints:
    """No cell imports pyplot or shows a figure by itself: `plots` draws in the course's style."""
    for cell in page.code:
        for node in ast.walk(cell.tree):
            if isinstance(node, ast.Import | ast.ImportFrom) and "pyplot" in ast.unparse(node):
                yield cell, f"expected plots of the course, received {ast.unparse(node)!r}"
            elif _shows(node) and ast.unparse(node.func.value) != "plots":
                yield cell, f"expected plots.show, received {ast.unparse(node.func)!r}"


@rule
def figure_caption(page: Page) -> Complaints:
    """A figure has a caption that is written out, of 20 characters to 30 words."""
    for cell, call in page.calls("plots", "show"):
        text = literal(syntax.argument(call, 1, "caption"))
        if not isinstance(text, str) or len(text.strip()) < CAPTION_LETTERS:
            yield cell, f"expected a caption written out, received {ast.unparse(call)!r}"
        elif len(text.split()) > CAPTION_WORDS:
            yield cell, f"expected at most {CAPTION_WORDS} words, received {len(text.split())}"


@rule
def figure_shown(page: Page) -> Complaints:
    """No figure of `plots` is shown but by `plots.show`, or it would have no caption."""
    for cell in page.code:
        for statement in cell.tree.body:
            call = statement.value if isinstance(statement, ast.Expr) else None
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "display" and call.args:
                call = call.args[0]
            if not isinstance(call, ast.Call):
                continue
            name = ast.unparse(call.func)
            if name.startswith("plots.") and name != "plots.show":
                yield cell, f"expected plots.show({name}(…), caption), received it bare"


@rule
def package_imports(page: Page) -> Complaints:
    """Chapters import `from course_utils import module`, and nothing of the tools."""
    for cell in page.code:
        for node in ast.walk(cell.tree):
            if isinstance(node, ast.Import):
                for name in node.names:
                    if name.name.partition(".")[0] in ("course_utils", "course_tools"):
                        yield cell, f"expected from course_utils import …, received {name.name}"
            tools = isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0]
            if tools == "course_tools":
                yield cell, f"expected a helper of chapters, received {ast.unparse(node)!r}"
            for module, name, _ in _imported(node):
                if name not in (public_names(page.package, module) or ()):
                    yield cell, f"expected a public name of the package, received {name!r}"


@rule
def package_names(page: Page) -> Complaints:
    """What a notebook uses of a module of the package is there and public."""
    known: dict[str, str] = {}
    for cell in page.code:
        for node in ast.walk(cell.tree):
            for module, name, alias in _imported(node):
                known[alias] = f"{module}.{name}".strip(".")
    for cell in page.code:
        for node in ast.walk(cell.tree):
            first, _, rest = _dotted(node).partition(".")
            if not rest or first not in known:
                continue
            *before, name = rest.split(".")
            names = public_names(page.package, ".".join([known[first], *before]))
            if names is not None and name not in names:
                yield cell, f"expected a public name of the package, received {first}.{rest}"


def _magic_lines(cell: Cell) -> list[str]:
    try:
        ast.parse(cell.source)
    except (SyntaxError, ValueError):
        return [
            line.strip()
            for line in cell.source.splitlines()
            if line.lstrip().startswith(("%", "!"))
        ]
    return ["get_ipython()"] if "get_ipython(" in cell.source else []


def _shows(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "show"
    )


def _imported(node: ast.AST) -> Iterator[tuple[str, str, str]]:
    """Module within the package, name, and the name it gets here, of each import from it."""
    if not isinstance(node, ast.ImportFrom) or node.level:
        return
    package, _, module = (node.module or "").partition(".")
    if package == "course_utils":
        for name in node.names:
            yield module, name.name, name.asname or name.name


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = _dotted(node.value)
        return before and f"{before}.{node.attr}"
    return ""
