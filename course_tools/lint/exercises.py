"""Exercises: each has a text, a hint, a solution, a check, and a stub that runs."""

import ast
import builtins
import re

from course_tools.lint.page import Cell, Complaints, Page, literal, rule
from course_tools.notebooks import solutions, syntax
from course_utils.errors import InputError

_HEADING = re.compile(r"\A### Exercise (?P<number>\d+) · \S")
_HINT = re.compile(
    r"<details>\s*<summary>\s*Hint\s*</summary>(?P<hint>.*?)</details>", re.DOTALL | re.IGNORECASE
)


@rule
def debug_exercise(page: Page) -> Complaints:
    """One exercise or more is "debug this"; the tag debug stands on exercises only."""
    if not any("debug" in cell.tags for cell in page.tagged("exercise")):
        yield None, "expected an exercise tagged debug, received none"
    for cell in page.cells:
        if "debug" in cell.tags and not cell.tags & {"exercise", "exercise-text"}:
            yield cell, "expected debug on an exercise, received it on another cell"


@rule
def exercise_texts(page: Page) -> Complaints:
    """An exercise follows its text, `### Exercise N · …`, counted from 1, with a hint to unfold."""
    for before, cell in zip((None, *page.cells), page.cells, strict=False):
        if cell.is_code and "exercise" in cell.tags and not _is_text(before):
            yield cell, "expected a Markdown cell tagged exercise-text before it, received another"
    texts = [cell for cell in page.cells if _is_text(cell)]
    for number, cell in enumerate(texts, start=1):
        match = _HEADING.match(cell.source)
        after = page.cells[cell.number] if cell.number < len(page.cells) else None
        if match is None or int(match["number"]) != number:
            line = cell.source.partition("\n")[0]
            yield cell, f"expected '### Exercise {number} · …', received {line!r}"
        elif after is None or not (after.is_code and "exercise" in after.tags):
            yield cell, "expected a code cell tagged exercise after it, received another"
        hint = _HINT.search(cell.source)
        if hint is None or not hint["hint"].strip():
            yield cell, "expected <details><summary>Hint</summary>…</details>, received none"


@rule
def exercise_marks(page: Page) -> Complaints:
    """Solutions stand between well-formed marks, in exercises and nowhere else."""
    for cell in page.cells:
        if "instructor" in cell.tags:
            continue
        exercise = cell.is_code and "exercise" in cell.tags
        try:
            found = solutions.stub(cell.source, page.path.name) != cell.source
        except InputError as error:
            yield cell, str(error)
            continue
        if exercise and not found:
            yield cell, "expected a solution between its marks, received none"
        elif found and not exercise:
            yield cell, "expected solutions in cells tagged exercise only, received one here"


@rule
def exercise_checks(page: Page) -> Complaints:
    """An exercise ends with one `exercises.check("name", answer)` of its own name, in the stub."""
    seen: set[str] = set()
    for cell in page.code:
        calls = syntax.calls(cell.tree, "exercises", "check")
        if "exercise" not in cell.tags:
            if calls:
                yield cell, "expected checks in cells tagged exercise only, received one here"
            continue
        last = _stub(cell).body[-1:]
        ends = last and isinstance(last[0], ast.Expr) and last[0].value
        if len(calls) != 1 or ast.dump(calls[0]) != (ast.dump(ends) if ends else ""):
            yield cell, f"expected one exercises.check at its end, received {len(calls)} calls"
            continue
        name = literal(syntax.argument(calls[0], 0, "name"))
        if not isinstance(name, str) or len(calls[0].args) + len(calls[0].keywords) != 2:
            received = ast.unparse(calls[0])
            yield cell, f'expected exercises.check("name", answer), received {received}'
        elif name in seen:
            yield cell, f"expected a name of its own, received {name!r}, which another has"
        else:
            seen.add(name)


@rule
def stub_runs(page: Page) -> Complaints:
    """What a student's copy leaves out, no later line of it needs: stubs run without raising."""
    bound, lesson = set(dir(builtins)), set(dir(builtins))
    removed: set[str] = set()
    for cell in page.code:
        removed |= _bound(cell.tree)
        if "instructor" in cell.tags:
            continue
        try:
            source = solutions.stub(cell.source, page.path.name)
            stub = syntax.tree_of(source)
        except InputError:
            continue  # the rule exercise-marks says so
        except SyntaxError as error:
            if cell.tree.body:
                yield cell, f"expected a stub that is Python, received {error.msg}"
            continue
        own = _bound(stub)
        bound |= own
        missing = removed - bound
        if "exercise" in cell.tags:
            # Left over from another exercise, a name would bring that one's answer to this check.
            missing |= _bound(cell.tree) - own - lesson
        else:
            lesson |= own
        for name in sorted(_loaded(stub) & missing):
            yield cell, f"expected {name!r} in the stub too, received it in the solution only"


def _is_text(cell: Cell | None) -> bool:
    return cell is not None and not cell.is_code and "exercise-text" in cell.tags


def _stub(cell: Cell) -> ast.Module:
    try:
        return syntax.tree_of(solutions.stub(cell.source, ""))
    except (InputError, SyntaxError):
        return cell.tree


def _bound(tree: ast.AST) -> set[str]:
    """Every name that a tree binds anywhere: too many rather than too few."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name.partition(".")[0])
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
    return names


def _loaded(tree: ast.AST) -> set[str]:
    return {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
