"""Solution marks in a cell: checked, and turned into a student's stub.

A solution stands between the lines `### BEGIN SOLUTION` and `### END SOLUTION`, so that the source
runs whole and nbgrader reads it too. Every begin has an end, and none stands inside another.
"""

import re

from course_utils.errors import InputError

STUB = "...  # your code here"

# Wider than the marks: one that is misspelt would hand the solution out.
_MARK_LIKE = re.compile(r"#\s*(?:BEGIN|END|START|STOP)[\s_-]*(?:OF[\s_-]*)?SOLUTION", re.IGNORECASE)
_MARK = re.compile(r"^(?P<indent>[ \t]*)### (?P<kind>BEGIN|END) SOLUTION[ \t]*$")


def stub(source: str, where: str) -> str:
    """Put a place to write in the stead of every solution; `where` is for messages."""
    kept: list[str] = []
    solution: list[str] | None = None
    begun = 0
    for number, line in enumerate(source.split("\n"), start=1):
        here = f"{where}, line {number}"
        if not _MARK_LIKE.search(line):
            (kept if solution is None else solution).append(line)
            continue
        match = _MARK.match(line)
        if match is None:
            raise InputError(
                f"{here}: expected ### BEGIN SOLUTION or ### END SOLUTION alone on its line, "
                f"received {line.strip()!r}: write the mark exactly so"
            )
        if match["kind"] == "BEGIN":
            if solution is not None:
                raise InputError(
                    f"{here}: expected ### END SOLUTION for the mark in line {begun}, "
                    "received another ### BEGIN SOLUTION: marks do not nest"
                )
            solution, begun = [], number
            kept.append(match["indent"] + STUB)
            continue
        if solution is None:
            raise InputError(
                f"{here}: expected ### BEGIN SOLUTION before ### END SOLUTION, received none: "
                "add or remove a mark"
            )
        if not "".join(solution).strip():
            raise InputError(
                f"{here}: expected a solution between the marks, received none: write it"
            )
        solution = None
    if solution is not None:
        raise InputError(
            f"{where}, line {begun}: expected ### END SOLUTION after ### BEGIN SOLUTION, "
            "received the end of the cell: close it"
        )
    return "\n".join(kept)
