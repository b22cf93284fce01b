"""Rules of style for chapters, each a short function that a test has seen fail.

    from course_tools import lint as style
    for finding in style.check("notebooks/00_start_here.ipynb"):
        print(finding)

The rules read the file only; they run nothing and load no TensorFlow.
"""

from pathlib import Path

import course_utils
from course_tools.lint import (  # noqa: F401 - importing them registers their rules
    cells,
    code,
    exercises,
    frame,
    lessons,
    outputs,
    prose,
)
from course_tools.lint.page import Finding, Page, Rule, rule, rules
from course_utils.errors import InputError

__all__ = ["Finding", "Rule", "check", "rule", "rules"]


def check(path: Path | str, *, package: Path | None = None) -> list[Finding]:
    """Check one chapter against every rule.

    Args:
        path: the notebook.
        package: the folder of `course_utils` whose public names count; the one in use without.

    Returns:
        The findings, by rule; empty for a good chapter.

    Raises:
        InputError: the file is not a notebook, or not named like a chapter.

    Example:
        >>> check("missing.ipynb")
        Traceback (most recent call last):
        ...
        course_utils.errors.InputError: expected a chapter named like 00_start_here.ipynb, \
received missing.ipynb: rename it
    """
    path = Path(path)
    if not frame.FILE_NAME.match(path.name):
        raise InputError(
            f"expected a chapter named like 00_start_here.ipynb, received {path.name}: rename it"
        )
    page = Page(path, package=package or Path(course_utils.__file__).parent)
    return [
        Finding(path.stem, cell.label if cell else "", each.name, message)
        for each in rules()
        for cell, message in each.complaints(page)
    ]
