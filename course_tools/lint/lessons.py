"""Claims: a line each; what they say, and what contradicts them, stands in the sheet."""

import ast

from course_tools.lint.page import Complaints, Page, rule


@rule
def claims_made(page: Page) -> Complaints:
    """A chapter makes a claim: a lesson is a tested one."""
    if not page.calls("claims", "check"):
        yield None, "expected a claim or more, received none"


@rule
def claims_short(page: Page) -> Complaints:
    """A claim is one line: its name, what was observed, and perhaps a standard error."""
    for cell, call in page.calls("claims", "check"):
        keywords = {keyword.arg for keyword in call.keywords}
        if len(call.args) != 2 or keywords - {"standard_error"}:
            yield cell, f"expected claims.check(id, observed), received {ast.unparse(call)!r}"
        elif call.lineno != call.end_lineno:
            yield cell, "expected a claim on one line, received several: name its number before"


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


def _names(node: ast.AST) -> set[str]:
    found = {child.id for child in ast.walk(node) if isinstance(child, ast.Name)}
    attributes = (child for child in ast.walk(node) if isinstance(child, ast.Attribute))
    return found | {
        child.attr.upper()
        for child in attributes
        if ast.unparse(child) in ("course.profile", "course.data")
    }
