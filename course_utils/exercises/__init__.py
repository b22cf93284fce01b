"""Self-checks that say what is wrong, keyed by name.

A check never holds the answer: it computes what is right by another road (a Keras layer, NumPy,
a property that every right answer has) and compares. The checks of a chapter stand in the module
`chapter_NN` of this folder, so that a student who deletes or doubles a cell loses nothing.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable
from typing import Any

from course_utils import session, showing
from course_utils.errors import InputError

__all__ = ["MIME", "check", "exercise", "names", "require"]

MIME = "application/vnd.course.exercise+json"

Check = Callable[[Any], "str | None"]
_checks: dict[str, dict[str, Check]] = {}


def exercise(chapter: str, name: str) -> Callable[[Check], Check]:
    """Register a check: a function of the answer that returns what is wrong, or None.

    Args:
        chapter: two digits.
        name: of the exercise in its chapter.

    Example:
        >>> @exercise("98", "twice")
        ... def twice(answer):
        ...     return None if answer(3) == 6 else f"expected twice 3, yours is {answer(3)}"
        >>> names("98")
        ('twice',)
    """

    def register(function: Check) -> Check:
        _checks.setdefault(chapter, {})[name] = function
        return function

    return register


def names(chapter: str) -> tuple[str, ...]:
    """Names of a chapter's exercises, in order.

    Raises:
        InputError: the chapter has no checks.
    """
    return tuple(_of(chapter))


def require(name: str, answer: Any) -> None:
    """Check an answer as `check` does, and stop if it is not right: for graded assignments.

    Args:
        name: of the exercise.
        answer: what the exercise asks for.

    Raises:
        AssertionError: the answer is not right; the message is the check's.
        InputError: the chapter has no exercise of that name.

    Example:
        >>> from course_utils import lessons, session
        >>> cell = {"PROFILE": "quick", "DATA": "embedded", "SEED": 0}
        >>> cell |= lessons.sheet("00").values("quick", "embedded")
        >>> _ = session.begin("00", cell, tensorflow=False)
        Chapter 00 ...
        >>> require("batches-in-an-epoch", ...)
        Traceback (most recent call last):
        ...
        AssertionError: batches-in-an-epoch: nothing here yet: replace the three dots by your answer
    """
    wrong = _checked(name, answer)
    if wrong is not None:
        raise AssertionError(f"{name}: {wrong}")


def check(name: str, answer: Any) -> None:
    """Say under the cell whether `answer` is right and, if it is not, what is wrong with it.

    Args:
        name: of the exercise, as in the cell.
        answer: what the exercise asks for: a number, a text, an array, a function.

    Raises:
        InputError: the chapter has no exercise of that name.

    Example:
        >>> from course_utils import lessons, session
        >>> cell = {"PROFILE": "quick", "DATA": "embedded", "SEED": 0}
        >>> cell |= lessons.sheet("00").values("quick", "embedded")
        >>> _ = session.begin("00", cell, tensorflow=False)
        Chapter 00 ...
        >>> check("batches-in-an-epoch", lambda images, batch_size: images // batch_size)
        ✘ batches-in-an-epoch: 100 images in batches of 32 make 4 batches, yours says 3...
        >>> check("batches-in-an-epoch", ...)
        ✘ batches-in-an-epoch: nothing here yet: replace the three dots by your answer
    """
    _checked(name, answer)


def _checked(name: str, answer: Any) -> str | None:
    """Show what is wrong with an answer, and return it; None when it is right."""
    chapter = session.current().chapter
    checks = _of(chapter)
    if name not in checks:
        near = difflib.get_close_matches(str(name), checks, n=1, cutoff=0.0)
        raise InputError(
            f"expected an exercise of chapter {chapter} ({', '.join(checks)}), "
            f"received {name!r}: did you mean {near[0]!r}?"
        )
    wrong = _judge(checks[name], answer)
    record = {
        "chapter": chapter,
        "name": name,
        "passed": wrong is None,
        "message": wrong or "right",
    }
    mark, color = ("✔", "#117733") if wrong is None else ("✘", "#b05000")
    title = f"{name}: {record['message']}"
    showing.show(
        {
            MIME: record,
            "text/plain": f"{mark} {title}",
            "text/html": showing.box(mark, title, color=color),
        }
    )
    return wrong


def _judge(function: Check, answer: Any) -> str | None:
    if answer is ... or answer is None:
        return "nothing here yet: replace the three dots by your answer"
    try:
        return function(answer)
    except Exception as error:
        # A student's function may fail in any way; the check says how, and the notebook goes on.
        reason = str(error).splitlines()[0] if str(error) else "no message"
        return f"your answer raised {type(error).__name__}: {reason}"


def _of(chapter: str) -> dict[str, Check]:
    if chapter not in _checks:
        module = f"{__name__}.chapter_{chapter}"
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
            raise InputError(
                f"expected a chapter with exercises, received {chapter!r}: "
                f"there is no module {module}"
            ) from None
    return _checks[chapter]
