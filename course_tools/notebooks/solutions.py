"""Solution marks in a cell: found, checked, and turned into a student's stub.

A solution stands between the lines `### BEGIN SOLUTION` and `### END SOLUTION`, so that the source
runs whole and nbgrader reads it too. Every begin has an end, and none stands inside another.
"""

import re
from dataclasses import dataclass

from course_utils.errors import InputError

STUB = "...  # your code here"

# Wider than the marks: one that is misspelt would hand the solution out.
_MARK_LIKE = re.compile(r"#\s*(?:BEGIN|END|START|STOP)[\s_-]*(?:OF[\s_-]*)?SOLUTION", re.IGNORECASE)
_MARK = re.compile(r"^(?P<indent>[ \t]*)### (?P<kind>BEGIN|END) SOLUTION[ \t]*$")


@dataclass(frozen=True)
class Solution:
    """Where one solution stands in the source of its cell.

    Attributes:
        begin: the line of its BEGIN mark, from 1.
        end: the line of its END mark.
        indent: the white space before the BEGIN mark.
    """

    begin: int
    end: int
    indent: str


def find(source: str, where: str) -> list[Solution]:
    """Find the solutions of a cell.

    Args:
        source: the source of the cell.
        where: file and cell, for the message.

    Returns:
        The solutions, in the order of the source.

    Raises:
        InputError: a mark is misspelt, nested, unclosed or has no begin; a solution is empty.

    Example:
        >>> find("### BEGIN SOLUTION\\nx = 1\\n### END SOLUTION", "a.ipynb, cell 1")
        [Solution(begin=1, end=3, indent='')]
        >>> find("### END SOLUTION", "a.ipynb, cell 1")
        Traceback (most recent call last):
        ...
        course_utils.errors.InputError: a.ipynb, cell 1, line 1: expected ### BEGIN SOLUTION \
before ### END SOLUTION, received none: add or remove a mark
    """
    found: list[Solution] = []
    opened: tuple[int, str] | None = None
    lines = source.split("\n")
    for number, line in enumerate(lines, start=1):
        if not _MARK_LIKE.search(line):
            continue
        here = f"{where}, line {number}"
        match = _MARK.match(line)
        if match is None:
            raise InputError(
                f"{here}: expected ### BEGIN SOLUTION or ### END SOLUTION alone on its line, "
                f"received {line.strip()!r}: write the mark exactly so"
            )
        if match["kind"] == "BEGIN" and opened:
            raise InputError(
                f"{here}: expected ### END SOLUTION for the mark in line {opened[0]}, "
                "received another ### BEGIN SOLUTION: marks do not nest"
            )
        if match["kind"] == "BEGIN":
            opened = (number, match["indent"])
            continue
        if opened is None:
            raise InputError(
                f"{here}: expected ### BEGIN SOLUTION before ### END SOLUTION, received none: "
                "add or remove a mark"
            )
        if not "".join(lines[opened[0] : number - 1]).strip():
            raise InputError(
                f"{here}: expected a solution between the marks, received none: write it"
            )
        found.append(Solution(opened[0], number, opened[1]))
        opened = None
    if opened:
        raise InputError(
            f"{where}, line {opened[0]}: expected ### END SOLUTION after ### BEGIN SOLUTION, "
            "received the end of the cell: close it"
        )
    return found


def stub(source: str, where: str) -> str:
    """Put a place to write in the stead of every solution.

    Args:
        source: the source of the cell.
        where: file and cell, for the message.

    Returns:
        The source without marks and solutions.

    Raises:
        InputError: as for `find`.

    Example:
        >>> print(stub("x = ...\\n### BEGIN SOLUTION\\nx = 1\\n### END SOLUTION\\nx", "a.ipynb"))
        x = ...
        ...  # your code here
        x
    """
    lines = source.split("\n")
    for solution in reversed(find(source, where)):
        lines[solution.begin - 1 : solution.end] = [solution.indent + STUB]
    return "\n".join(lines)
