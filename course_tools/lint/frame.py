"""The frame that every chapter shares: title, parameters, set-up, closing sections."""

import ast
import io
import re
import tokenize

from course_tools.lint.page import Cell, Complaints, Page, literal, rule
from course_tools.notebooks import links, syntax
from course_tools.notebooks.chapters import FILE_NAME, promise

PARAMETERS = {"PROFILE": "quick", "DATA": "embedded", "SEED": 0}
MOST_PARAMETERS = 10
CLOSING = ("Summary", "Glossary", "Further reading")

_OBJECTIVES = re.compile(
    r"^\*\*You will be able to\*\*:?\s*\n(?P<list>(?:\s*\n|[-*] .*\n?|  +.*\n?)+)", re.M
)
_HANGUL = re.compile(r"[가-힣]")


@rule
def title(page: Page) -> Complaints:
    """The first cell is Markdown and begins with the title `# NN · Title`."""
    number = page.path.name[:2]
    first = page.cells[0] if page.cells else None
    if first is None or not first.is_prose or not re.match(rf"# {number} · \S", first.source):
        line = first.source.partition("\n")[0] if first else "no cell"
        yield first, f"expected a Markdown cell that begins with '# {number} · ', received {line!r}"


@rule
def promise_sentence(page: Page) -> Complaints:
    """The title is followed by a promise of one sentence."""
    first = _first(page)
    if first and not re.fullmatch(r"[^.!?]+(?:\.\S[^.!?]*)*[.!?]", promise(first.source)):
        received = promise(first.source) or "none"
        yield first, f"expected one sentence under the title, received {received!r}"


@rule
def objectives(page: Page) -> Complaints:
    """The title cell lists three to six things under **You will be able to**."""
    first = _first(page)
    found = _OBJECTIVES.search(first.source + "\n") if first else None
    count = len(re.findall(r"^[-*] \S", found["list"], re.MULTILINE)) if found else 0
    if first and not 3 <= count <= 6:
        yield first, f"expected 3 to 6 bullets under **You will be able to**, received {count}"


@rule
def prerequisites(page: Page) -> Complaints:
    """The title cell says what comes before, in a line **Before this:** …."""
    first = _first(page)
    if first and not re.search(r"^\*\*Before this:\*\* *\S", first.source, re.MULTILINE):
        yield first, "expected a line '**Before this:** …', received none"


@rule
def time_needed(page: Page) -> Complaints:
    """The title cell says the time needed: **Time:** quick … on a CPU · full … on a GPU."""
    first = _first(page)
    line = r"^\*\*Time:\*\* quick .*\d.* on a CPU · full .*\d.* on a GPU"
    if first and not re.search(line, first.source, re.MULTILINE):
        yield first, "expected a line '**Time:** quick … on a CPU · full … on a GPU' with figures"


@rule
def title_order(page: Page) -> Complaints:
    """The title cell has objectives, prerequisites and time in this order."""
    first = _first(page)
    marks = ("**You will be able to**", "**Before this:**", "**Time:**")
    places = [first.source.find(mark) for mark in marks] if first else []
    if -1 not in places and places != sorted(places):
        yield first, f"expected {', '.join(marks)} in this order, received another"


@rule
def first_code_cells(page: Page) -> Complaints:
    """The code begins with the cells tagged parameters and setup, one of each."""
    wanted = ["parameters", "setup"]
    for tag in wanted:
        if len(page.tagged(tag)) != 1:
            yield None, f"expected one code cell tagged {tag}, received {len(page.tagged(tag))}"
    cells = [page.tagged(tag)[0] for tag in wanted if len(page.tagged(tag)) == 1]
    if len(cells) == len(wanted) and list(page.code[: len(cells)]) != cells:
        yield page.code[0], f"expected the code to begin with {', '.join(wanted)} in this order"


@rule
def parameters_known(page: Page) -> Complaints:
    """The parameters are PROFILE, DATA and SEED at their defaults, and at most ten more."""
    for cell in page.tagged("parameters"):
        pairs = [
            (name.id, literal(statement.value))
            for statement in cell.tree.body
            if (name := syntax.assigned_name(statement))
        ]
        count = len(PARAMETERS)
        if pairs[:count] != list(PARAMETERS.items()):
            wanted = ", ".join(f"{name} = {value!r}" for name, value in PARAMETERS.items())
            yield cell, f"expected {wanted} first, received {pairs[:count]}"
        if len(pairs) > count + MOST_PARAMETERS:
            yield cell, f"expected at most {MOST_PARAMETERS} more, received {len(pairs) - count}"


@rule
def parameters_literal(page: Page) -> Complaints:
    """A parameter is a literal in capitals on a line of its own, with a comment after it."""
    for cell in page.tagged("parameters"):
        commented = _commented_lines(cell.source)
        taken: set[int] = set()
        for statement in cell.tree.body:
            name = syntax.assigned_name(statement)
            text = ast.unparse(statement)
            plain = name and (literal(statement.value) is not None or _is_none(statement.value))
            if not plain or not name.id.isupper():
                yield cell, f"expected NAME = literal, received {text!r}"
            elif statement.lineno != statement.end_lineno or statement.lineno in taken:
                yield (
                    cell,
                    f"expected a line of its own, received {text!r} on another's or over two",
                )
            elif statement.lineno not in commented:
                yield cell, f"expected a comment after {text!r}, received none"
            taken.add(statement.lineno)


@rule
def setup_begins(page: Page) -> Complaints:
    """The set-up cell begins the chapter by its number, with its globals."""
    wanted = f'course = session.begin("{page.path.name[:2]}", globals())'
    tree = ast.dump(ast.parse(wanted).body[0])
    for cell in page.tagged("setup"):
        if tree not in [ast.dump(statement) for statement in cell.tree.body]:
            yield cell, f"expected the line {wanted}"


@rule
def closing_sections(page: Page) -> Complaints:
    """The last sections are Summary, Glossary and Further reading, each with a text."""
    headings = [
        (cell, match["text"])
        for cell in page.prose
        for match in re.finditer(r"^## +(?P<text>.+?) *$", links.visible(cell.source), re.MULTILINE)
    ]
    names = tuple(text for _, text in headings)
    if names[-3:] != CLOSING or any(names.count(name) != 1 for name in CLOSING):
        received = ", ".join(names[-3:]) or "none"
        yield None, f"expected the last sections {', '.join(CLOSING)}, received {received}"
    for cell, text in headings:
        if text in CLOSING and not _section(page, text):
            yield cell, f"expected a text under ## {text}, received none"


@rule
def glossary(page: Page) -> Complaints:
    """The glossary is a table English | 한국어 | meaning of five rows or more."""
    section = _section(page, "Glossary")
    if not section:
        return
    rows = [
        [part.strip() for part in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
        for line in section.splitlines()
        if line.strip().startswith("|")
    ]
    cell = _section_cell(page, "Glossary")
    if len(rows) < 2 or rows[0][:2] != ["English", "한국어"] or len(rows[0]) != 3:
        yield cell, f"expected columns English | 한국어 | meaning, received {rows[:1]}"
        return
    terms = rows[2:]
    if len(terms) < 5:
        yield cell, f"expected 5 terms or more, received {len(terms)}"
    for row in terms:
        if len(row) != 3 or not all(row) or not _HANGUL.search(row[1]):
            yield cell, f"expected English | 한국어 | meaning, received {' | '.join(row)}"


@rule
def further_reading(page: Page) -> Complaints:
    """Further reading has two links or more."""
    section = _section(page, "Further reading")
    count = sum(link.target.startswith("http") for link in links.find(section))
    if section and count < 2:
        yield _section_cell(page, "Further reading"), f"expected 2 links or more, received {count}"


def _first(page: Page) -> Cell | None:
    return page.cells[0] if page.cells and page.cells[0].is_prose else None


def _section_cell(page: Page, name: str) -> Cell | None:
    heading = re.compile(rf"^## +{name} *$", re.MULTILINE)
    return next((cell for cell in page.prose if heading.search(cell.source)), None)


def _section(page: Page, name: str) -> str:
    """The text under a heading, up to the next one of its level, over cells."""
    whole = "\n\n".join(cell.source for cell in page.prose)
    match = re.search(rf"^## +{name} *$(?P<text>.*?)(?=^##? |\Z)", whole, re.MULTILINE | re.DOTALL)
    return match["text"].strip() if match else ""


def _commented_lines(source: str) -> set[int]:
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError):
        return set()
    return {
        token.start[0]
        for token in tokens
        if token.type == tokenize.COMMENT and token.string.lstrip("# ").strip()
    }


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


__all__ = ["CLOSING", "FILE_NAME", "PARAMETERS"]
