"""Settle a chapter's parameters before it runs.

The sheet has their values for a profile and data; the command line may change any of them.
Papermill only warns of a parameter that a notebook does not have, and injects a text where the
notebook means a number; here both are errors.
"""

import ast
import difflib
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from course_tools.notebooks.chapters import Chapter
from course_tools.run.jobs import STANDARD
from course_utils import lessons
from course_utils.errors import InputError

__all__ = ["settle"]


def settle(
    chapter: Chapter,
    *,
    profile: str | None = None,
    data: str | None = None,
    seed: int | None = None,
    further: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, object]:
    """Settle the parameters of a chapter.

    Args:
        chapter: the chapter; its own literals hold where nothing else is said.
        profile: from the command line, or None.
        data: likewise.
        seed: likewise.
        further: parameters of the chapter's own, as typed.

    Returns:
        The names and values to inject: those of `STANDARD`, those of the sheet, and what `further`
        names.

    Raises:
        InputError: an unknown parameter, a value that is none, or one of another type than the
            chapter's literal.
    """
    own = chapter.parameters
    values = {name: own[name] for name in STANDARD if name in own}
    wishes = {"PROFILE": profile, "DATA": data, "SEED": seed}
    values |= {name: wish for name, wish in wishes.items() if wish is not None}
    for name, allowed in (("PROFILE", lessons.PROFILES), ("DATA", lessons.DATA)):
        if values.get(name) not in allowed:
            raise InputError(
                f"chapter {chapter.number}: expected {name} to be one of {', '.join(allowed)}, "
                f"received {values.get(name)!r}"
            )
    values.setdefault("SEED", 0)
    values |= chapter.sheet.values(str(values["PROFILE"]), str(values["DATA"]))
    for name, text in further.items():
        values[name] = _typed(chapter, name, text)
    for name in STANDARD:
        if type(own.get(name, values[name])) is not type(values[name]):
            raise InputError(
                f"chapter {chapter.number}: expected {name} as {_kind(own[name])} like the "
                f"notebook's own {own[name]!r}, received {values[name]!r}"
            )
    return values


def _typed(chapter: Chapter, name: str, text: str) -> object:
    if name in STANDARD:
        raise InputError(f"expected --{name.lower()} for {name}, received -p {name} {text}")
    if name not in chapter.parameters:
        own = [known for known in chapter.parameters if known not in STANDARD]
        raise InputError(
            f"chapter {chapter.number} has no parameter {name}{_nearest(name, own)}: "
            f"it has {', '.join(own) or 'none of its own'}"
        )
    like = chapter.parameters[name]
    if isinstance(like, str):
        return text
    try:
        value = ast.literal_eval(text.strip().capitalize() if isinstance(like, bool) else text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        value = text
    if isinstance(like, float) and type(value) is int:
        value = float(value)
    # Papermill writes a tuple as a text; of what else it writes, the types stay.
    plain = isinstance(value, str | bool | int | float | list | dict | None)
    if not plain or (like is not None and type(value) is not type(like)):
        raise InputError(
            f"chapter {chapter.number}: expected {name} as {_kind(like)} like the notebook's own "
            f"{like!r}, received {text!r}"
        )
    return value


def _kind(value: object) -> str:
    names = {bool: "True or False", int: "a whole number", float: "a number", str: "a text"}
    return names.get(type(value), f"a {type(value).__name__}")


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" (the nearest is {near[0]})" if near else ""
