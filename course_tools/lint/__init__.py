"""Rules for chapters, each a short function that a test has seen fail; ruff has the others.

The rules read the file only; they run nothing and load no TensorFlow.
"""

from pathlib import Path

from course_tools.lint import exercises, rules  # noqa: F401 - importing them registers their rules
from course_tools.lint.page import RULES, Finding, Page
from course_tools.notebooks.chapters import FILE_NAME
from course_utils.errors import InputError

__all__ = ["RULES", "Finding", "check"]


def check(path: Path | str) -> list[Finding]:
    """Check one chapter against every rule; the findings are empty for a good one."""
    path = Path(path)
    if not FILE_NAME.match(path.name):
        raise InputError(
            f"expected a chapter named like 00_start_here.ipynb, received {path.name}: rename it"
        )
    page = Page(path)
    return [
        Finding(path.stem, cell.label if cell else "", name, message)
        for name, complaints in RULES.items()
        for cell, message in complaints(page)
    ]
