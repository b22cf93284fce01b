"""What every chapter has, so that it can be read, run, compared, published and heard."""

import ast
import re
from collections import Counter

from course_tools.lint.page import Complaints, Page, literal, rule
from course_tools.notebooks import chapters, links, syntax
from course_tools.notebooks.volatile import output_faults

SLIDE_TYPES = ("slide", "subslide", "fragment", "skip", "notes", "-")
CONTRACT_TAGS = {"contract", "nbval-check-output", "keep_output"}
TAGS = {
    *("parameters", "setup", "instructor", "exercise-text", "exercise", "debug"),
    *CONTRACT_TAGS,
    # What MyST-NB and Jupyter's own pages know.
    *("hide-input", "hide-output", "hide-cell", "remove-input", "remove-output", "remove-cell"),
    *("scroll-output", "full-width", "margin"),
}
TITLE_MARKS = ("**You will be able to**", "**Before this:**", "**Time:**")
PARAMETERS = [("PROFILE", "quick"), ("DATA", "embedded"), ("SEED", 0)]
MOST_PARAMETERS = 10
CLOSING = ["Summary", "Glossary", "Further reading"]
LINES, SETUP_LINES = 25, 30
CAPTION_LETTERS, CAPTION_WORDS = 20, 30

# Names that give another value in another run, profile, or on another device.
_CHANGING = {
    "random", "rng", "default_rng", "shuffle", "SEED", "PROFILE", "DATA",
    "fit", "train_on_batch", "evaluate", "predict", "seed",
    "time", "perf_counter", "monotonic", "datetime", "timeit", "uuid4", "getpid",
}  # fmt: skip
_ABSOLUTE = re.compile(
    r"(?<![\w.:/~\-\]})])/(?:home|work|tmp|Users|root|mnt|content|opt|var)(?:/|\b(?![\w-]))"
    r"|(?<![A-Za-z])[A-Za-z]:\\{1,2}[A-Za-z]"
)
_EMPTY_TEXTS = {"here", "this", "link", "click here", "this link", "this page"}


# The frame


@rule
def title_cell(page: Page) -> Complaints:
    """The first cell has title, promise, objectives, what comes before, and time, in this order."""
    first = page.cells[0] if page.cells else None
    source = first.source if first in page.prose else ""
    if not re.match(rf"# {page.path.name[:2]} · \S", source):
        yield first, f"expected a cell that begins with '# {page.path.name[:2]} · '"
    elif not chapters.promise(source):
        yield first, "expected a sentence under the title that promises something, received none"
    elif not re.search(".*".join(map(re.escape, TITLE_MARKS)), source, re.DOTALL):
        yield first, f"expected {', '.join(TITLE_MARKS)} in this order"


@rule
def first_code_cells(page: Page) -> Complaints:
    """The code begins with the cells tagged parameters and setup, one of each."""
    wanted = ("parameters", "setup")
    begin = [tag for cell in page.code[:2] for tag in wanted if tag in cell.tags]
    counts = [len(page.tagged(tag)) for tag in wanted]
    if begin != list(wanted) or counts != [1, 1]:
        received = ", ".join(f"{count} {tag}" for tag, count in zip(wanted, counts, strict=True))
        yield None, f"expected one cell each of {wanted}, first of all code, received {received}"


@rule
def parameters(page: Page) -> Complaints:
    """PROFILE, DATA and SEED at their defaults, then at most ten; each a line with a comment."""
    for cell in page.tagged("parameters"):
        names = [syntax.assigned_name(statement) for statement in cell.tree.body]
        pairs = [
            (name.id if name else "", literal(getattr(statement, "value", None)))
            for name, statement in zip(names, cell.tree.body, strict=True)
        ]
        if pairs[: len(PARAMETERS)] != PARAMETERS:
            yield cell, f"expected {PARAMETERS} first, received {pairs[: len(PARAMETERS)]}"
        elif len(pairs) > len(PARAMETERS) + MOST_PARAMETERS:
            more = len(pairs) - len(PARAMETERS)
            yield cell, f"expected at most {MOST_PARAMETERS} more, received {more}"
        for line in filter(str.strip, cell.source.splitlines()):
            if not re.fullmatch(r"[A-Z][A-Z0-9_]* = [^;]+#.*\w.*", line):
                yield cell, f"expected a line NAME = literal  # what it is, received {line!r}"


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
    """The last sections are Summary, Glossary and Further reading."""
    prose = "\n\n".join(links.visible(cell.source) for cell in page.prose)
    headings = re.findall(r"^## +(.+?) *$", prose, re.MULTILINE)
    if headings[-len(CLOSING) :] != CLOSING:
        yield None, f"expected the last sections {CLOSING}, received {headings[-len(CLOSING) :]}"


@rule
def glossary(page: Page) -> Complaints:
    """The glossary is a table English | 한국어 | meaning, of which the site's glossary is made."""
    header, *terms = chapters.glossary(page.notebook) or [()]
    if header != ("English", "한국어", "meaning") or not terms:
        yield None, f"expected a glossary with English | 한국어 | meaning, received {header}"
    for row in terms:
        if len(row) != 3 or not all(row) or not re.search("[가-힣]", row[1]):
            yield None, f"expected English | 한국어 | meaning, received {' | '.join(row)}"


# Every cell


@rule
def slide_types(page: Page) -> Complaints:
    """Every cell has a slide type."""
    for cell in page.cells:
        received = cell.node.metadata.get("slideshow", {}).get("slide_type")
        if received not in SLIDE_TYPES:
            yield cell, f"expected a slide type of {', '.join(SLIDE_TYPES)}, received {received}"


@rule
def cell_ids(page: Page) -> Complaints:
    """No two cells share an id: a mutant names its cell by it."""
    counts = Counter(cell.node.id for cell in page.cells)
    for cell in page.cells:
        if counts[cell.node.id] > 1:
            yield cell, f"expected an id of its own, received one that {counts[cell.node.id]} share"


@rule
def known_tags(page: Page) -> Complaints:
    """Every tag is one that the course knows: a misspelt one would silently do nothing."""
    for cell in page.cells:
        for tag in sorted(cell.tags - TAGS):
            yield cell, f"expected tags of {', '.join(sorted(TAGS))}, received {tag}"


@rule
def kernel(page: Page) -> Complaints:
    """The notebook names the kernel python3, which every machine has."""
    received = page.notebook.metadata.get("kernelspec", {}).get("name")
    if received != "python3":
        yield None, f"expected the kernel python3, received {received}"


@rule
def no_absolute_paths(page: Page) -> Complaints:
    """No cell names a path of one machine."""
    for cell in page.cells:
        text = re.sub(r"\$[^$]+\$", "", cell.source) if cell in page.prose else cell.source
        match = _ABSOLUTE.search(text)
        if match:
            yield cell, f"expected a path that any machine has, received {match.group()!r}"


# Links and images


@rule
def links_lead_somewhere(page: Page) -> Complaints:
    """A link to a file of the course leads to one that is there, and its text says where."""
    for cell in page.prose:
        for link in links.find(cell.source):
            place = link.path
            if link.target.startswith("attachment:"):
                found = link.target.partition(":")[2] in cell.node.get("attachments", {})
            else:
                found = not place or (page.path.parent / place).exists()
            if not (found and link.target):
                yield cell, f"expected a file that is there, received {link.target!r}"
            words = re.sub(r"[*_.`]", "", link.text).strip().lower()
            if not link.image and (not words or words in _EMPTY_TEXTS):
                yield cell, f"expected a text that says where it leads, received {link.text!r}"


@rule
def image_alt(page: Page) -> Complaints:
    """An image in the prose has a text that stands for it."""
    for cell in page.prose:
        for link in links.find(cell.source):
            if link.image and not link.text.strip():
                yield cell, f"expected an alt text for {link.target!r}, received none"


@rule
def figure_caption(page: Page) -> Complaints:
    """A figure of `plots` is shown with a caption, written out, of 20 characters to 30 words."""
    for cell, call in page.calls("plots", "show"):
        text = literal(syntax.argument(call, 1, "caption"))
        if not isinstance(text, str) or len(text.strip()) < CAPTION_LETTERS:
            yield cell, f"expected a caption written out, received {ast.unparse(call)!r}"
        elif len(text.split()) > CAPTION_WORDS:
            yield cell, f"expected at most {CAPTION_WORDS} words, received {len(text.split())}"
    for cell in page.code:
        for statement in cell.tree.body:
            call = getattr(statement, "value", None) if isinstance(statement, ast.Expr) else None
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "display" and call.args:
                call = call.args[0]
            name = ast.unparse(call.func) if isinstance(call, ast.Call) else ""
            if name.startswith("plots.") and name != "plots.show":
                yield cell, f"expected plots.show({name}(…), caption), received it bare"


@rule
def no_pyplot(page: Page) -> Complaints:
    """No cell imports pyplot, whose figures have no caption and no alternative text."""
    for cell in page.code:
        for node in ast.walk(cell.tree):
            if isinstance(node, ast.Import | ast.ImportFrom) and "pyplot" in ast.unparse(node):
                yield cell, f"expected plots of the course, received {ast.unparse(node)!r}"


# Code


@rule
def no_magics(page: Page) -> Complaints:
    """A code cell holds no magic: nbval, papermill and Colab differ in what they do with one."""
    for cell in page.code:
        try:
            ast.parse(cell.source)
            lines = re.findall(r"get_ipython\(", cell.source)
        except (SyntaxError, ValueError):
            lines = re.findall(r"^\s*[%!].*|=\s*[%!].*", cell.source, re.MULTILINE)
        if lines:
            yield cell, f"expected plain Python, received {lines[0].strip()!r}"


@rule
def short_cells(page: Page) -> Complaints:
    """A code cell fits on a screen: 25 lines, the set-up cell 30."""
    for cell in page.code:
        allowed = SETUP_LINES if "setup" in cell.tags else LINES
        lines = len(cell.source.splitlines())
        if lines > allowed:
            yield cell, f"expected at most {allowed} lines, received {lines}"


@rule
def package_imports(page: Page) -> Complaints:
    """Chapters import `from course_utils import module`, nothing private, nothing of the tools."""
    for cell in page.code:
        for node in ast.walk(cell.tree):
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            names = [alias.name for alias in node.names]
            if isinstance(node, ast.Import):
                wrong = any(name.startswith(("course_utils.", "course_tools")) for name in names)
            else:
                package = (node.module or "").partition(".")[0]
                hidden = any(name.startswith(("_", "*")) for name in names)
                wrong = package == "course_tools" or (package == "course_utils" and hidden)
            if wrong:
                received = ast.unparse(node)
                yield cell, f"expected from course_utils import …, received {received!r}"


@rule
def one_road(page: Page) -> Complaints:
    """No cell decides by PROFILE or DATA: what they change is a parameter, and in the sheet."""
    for cell in page.code:
        for node in ast.walk(cell.tree):
            for name in sorted(_names(_decision(node)) & {"PROFILE", "DATA"}):
                yield cell, f"expected a parameter of the sheet, received a decision by {name}"


def _decision(node: ast.AST) -> ast.AST:
    """What a statement or an expression decides by; an empty node if it decides nothing."""
    if isinstance(node, ast.If | ast.IfExp | ast.While):
        return node.test
    if isinstance(node, ast.Subscript):
        return node.slice
    return node.subject if isinstance(node, ast.Match) else ast.Pass()


def _names(tree: ast.AST) -> set[str]:
    """The names and attributes in a tree; `course.profile` and `course.data` as the parameters."""
    nodes = list(ast.walk(tree))
    found = {node.id for node in nodes if isinstance(node, ast.Name)}
    for node in nodes:
        if isinstance(node, ast.Attribute):
            settled = ast.unparse(node) in ("course.profile", "course.data")
            found.add(node.attr.upper() if settled else node.attr)
    return found


# Claims


@rule
def claims_made(page: Page) -> Complaints:
    """A chapter makes a claim, on one line: its name, what was observed, and a standard error."""
    calls = page.calls("claims", "check")
    if not calls:
        yield None, "expected a claim or more, received none"
    for cell, call in calls:
        keywords = {keyword.arg for keyword in call.keywords}
        if len(call.args) != 2 or keywords - {"standard_error"} or call.lineno != call.end_lineno:
            yield cell, f"expected claims.check(id, observed), received {ast.unparse(call)!r}"


# Stored outputs


@rule
def no_stored_output(page: Page) -> Complaints:
    """Only contract cells keep an output or a count; a stored image would only grow the file."""
    for cell in page.code:
        stored = cell.node.outputs or cell.node.execution_count is not None
        if stored and not cell.tags & CONTRACT_TAGS:
            yield cell, "expected neither output nor count, received some: clean the notebook"


@rule
def contract_tags(page: Page) -> Complaints:
    """A contract cell carries contract, nbval-check-output and keep_output together."""
    for cell in page.cells:
        received = cell.tags & CONTRACT_TAGS
        if received and (received != CONTRACT_TAGS or not cell.is_code):
            missing = ", ".join(sorted(CONTRACT_TAGS - received)) or "a code cell"
            yield cell, f"expected {', '.join(sorted(CONTRACT_TAGS))} together, missing {missing}"


@rule
def contract_output(page: Page) -> Complaints:
    """A contract cell keeps output and count: nbval passes over a cell that lost them."""
    for cell in page.tagged("contract"):
        if not cell.node.outputs or cell.node.execution_count is None:
            yield cell, "expected a stored output and its count: refresh the notebook"


@rule
def contract_fixed(page: Page) -> Complaints:
    """A contract is the same in every run: no training, chance, profile, address or timing."""
    for cell in page.tagged("contract"):
        for fault in output_faults(cell.node.outputs):
            yield cell, fault
        for name in sorted(_names(cell.tree) & _CHANGING):
            yield cell, f"expected what is the same in every run, received {name}"
