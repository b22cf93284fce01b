"""Claims: named, stated in a sentence, banded, and able to fail."""

import ast
import re
from collections import Counter
from numbers import Real

from course_utils.notebooks import syntax
from course_utils.notebooks.style.page import Cell, Complaints, Page, literal, rule

PROFILES = ("quick", "full")
DATA = ("embedded", "real")
KEYS = {f"{profile}/{data}" for profile in PROFILES for data in DATA} | {"any"}


@rule
def claims_made(page: Page) -> Complaints:
    """A chapter makes a claim: a lesson is a tested one."""
    if not _claims(page):
        yield None, "expected a claim or more, received none"


@rule
def claim_names(page: Page) -> Complaints:
    """The name of a claim is written out, small words joined by "-", one of its kind."""
    names = Counter(_id(call) for _, call in _claims(page))
    for cell, call in _claims(page):
        name = _id(call)
        if not name or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
            yield cell, f"expected a literal name like a-beats-b, received {_text(call, 0, 'id')}"
        elif names[name] > 1:
            yield cell, f"expected a name of its own, received {name!r}, which {names[name]} share"


@rule
def claim_sentences(page: Page) -> Complaints:
    """A claim is written out as a sentence with a capital letter and a full stop."""
    for cell, call in _claims(page):
        statement = literal(syntax.argument(call, 1, "statement"))
        if not isinstance(statement, str) or not re.fullmatch(r"[A-Z0-9].+\w.*\.", statement):
            received = _text(call, 1, "statement")
            yield cell, f"expected a literal sentence with its full stop, received {received}"


@rule
def claim_bands(page: Page) -> Complaints:
    """A claim has bands (low, high), written out by PROFILE/DATA or "any"."""
    for cell, call in _claims(page):
        for keyword in ("bands", "mean_bands"):
            node = syntax.argument(call, None, keyword)
            if node is None and keyword == "mean_bands":
                continue
            bands = literal(node)
            if not isinstance(bands, dict) or not bands:
                yield (
                    cell,
                    f"expected {keyword} as a literal, received {_text(call, None, keyword)}",
                )
                continue
            for key, band in bands.items():
                fault = _band_fault(key, band)
                if fault:
                    yield cell, f"{keyword} of {_id(call)}: {fault}"


@rule
def claim_sabotage(page: Page) -> Complaints:
    """A claim can fail: it names its sabotage and the notebook applies it, or a test does."""
    applied = {name for _, _, name in _sabotaged(page)}
    for cell, call in _claims(page):
        sabotage = literal(syntax.argument(call, None, "sabotage"))
        test = literal(syntax.argument(call, None, "unit_sabotage"))
        if bool(sabotage) == bool(test):
            received = "both" if test else "neither"
            yield (
                cell,
                f"expected {_id(call)} to have sabotage or unit_sabotage, received {received}",
            )
        elif sabotage and _id(call) not in applied:
            yield cell, f'expected course.sabotaged("{_id(call)}") in some cell, received none'
        elif test and not _test_exists(page, str(test)):
            yield cell, f"expected a test that is there, received {test!r}"


@rule
def sabotage_known(page: Page) -> Complaints:
    """What the notebook sabotages is the name of one of its claims, written out."""
    known = {_id(call) for _, call in _claims(page)}
    for cell, call, name in _sabotaged(page):
        if name not in known:
            received = _text(call, 0, "claim")
            yield cell, f"expected the name of a claim of this chapter, received {received}"


def _claims(page: Page) -> list[tuple[Cell, ast.Call]]:
    return page.calls("claims", "check")


def _id(call: ast.Call) -> str:
    name = literal(syntax.argument(call, 0, "id"))
    return name if isinstance(name, str) else ""


def _sabotaged(page: Page) -> list[tuple[Cell, ast.Call, str]]:
    return [
        (cell, call, str(literal(syntax.argument(call, 0, "claim"))))
        for cell, call in page.calls("course", "sabotaged")
    ]


def _text(call: ast.Call, position: int | None, keyword: str) -> str:
    node = syntax.argument(call, position, keyword)
    return "none" if node is None else ast.unparse(node)


def _band_fault(key: object, band: object) -> str:
    if str(key).startswith("smoke"):
        return "expected no band for smoke, which judges nothing"
    if key not in KEYS:
        return f"expected a key of {', '.join(sorted(KEYS))}, received {key!r}"
    ends = band if isinstance(band, tuple) and len(band) == 2 else ("", "")
    if not all(end is None or isinstance(end, Real) for end in ends) or ends == (None, None):
        return f"expected (low, high) with one open end at most, received {band!r}"
    low, high = ends
    # A band of no width is for exact mathematics only.
    if None not in ends and (low > high or (low == high and key != "any")):
        return f"expected low below high, received {band!r}"
    return ""


def _test_exists(page: Page, test: str) -> bool:
    file, *names = test.partition("[")[0].split("::")
    path = page.root / file
    if not names or not path.is_file():
        return False
    body = ast.parse(path.read_text("utf-8")).body
    for name in names:
        found = [node for node in body if getattr(node, "name", None) == name]
        if not found:
            return False
        body = found[0].body
    return names[-1].startswith("test")
