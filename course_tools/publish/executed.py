"""Executed chapters, read from the folder of a run, and refused when they would mislead a reader.

What is published must be what the source gives today: a chapter that was not executed, was red,
was executed with a mutant, or whose cells have changed since, stops whoever wants to publish it.
And every reader must get all of it: an output that would ask another host for something shows less
where that host is not to be had, and tells it who reads; an image without a text tells nothing to
whoever listens. What a script puts together out of pieces no reader of its text can find; there,
the policy that `site.build` writes into each page stops the browser.
"""

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from course_tools.notebooks import chapters, documents, links
from course_tools.run import execution, records
from course_utils.errors import InputError

__all__ = ["Executed", "faults", "faults_of_html", "read"]


@dataclass(frozen=True)
class Executed:
    """A chapter with its executed notebook (without the cells that the execution added)."""

    chapter: chapters.Chapter
    notebook: NotebookNode
    parameters: dict[str, object]
    seconds: float

    @property
    def profile(self) -> str:
        """The profile of its run."""
        return str(self.parameters.get("PROFILE", ""))

    @property
    def data(self) -> str:
        """The data of its run."""
        return str(self.parameters.get("DATA", ""))

    @property
    def claims(self) -> dict[str, dict[str, object]]:
        """What it recorded of each claim, by the claim's id."""
        found = records.read(self.notebook, records.CLAIM)
        return {str(record.content.get("id")): record.content for record in found}


def read(source: Path, runs: Sequence[Path], names: Iterable[str] = ()) -> list[Executed]:
    """Read chapters with their executed notebooks, fit to be published.

    Of several runs, the first that has a chapter counts for it. All faults are told at once, each
    with its chapter and cell.
    """
    found: list[Executed] = []
    wrong: list[str] = []
    again = ""
    for chapter in chapters.find(source, names):
        own = documents.read(chapter.path)
        there = (execution.stored(folder / chapter.path.name) for folder in runs)
        stored = next(filter(None, there), None)
        fault, a_run_helps = _fault(own, stored)
        if a_run_helps:
            again = f': run `course run --out "{runs[0]}"` and call again'
        if fault:
            wrong.append(f"{chapter.path.name}{fault}")
            continue
        facts, notebook = stored
        notebook.cells = [cell for _, cell in records.own_cells(notebook)]
        # What a cell is for (its tags, its slide) may change without a new execution.
        for cell, source_cell in zip(notebook.cells, own.cells, strict=True):
            cell.metadata.update(source_cell.metadata)
        wrong += [f"{chapter.path.name}, {text}" for text in faults(notebook, chapter.path)]
        found.append(Executed(chapter, notebook, facts["parameters"], float(facts["seconds"])))
    if wrong:
        where = " or ".join(map(str, runs))
        raise InputError(
            f"expected executed chapters in {where}, received: {'; '.join(wrong)}{again}"
        )
    return found


def _fault(own: NotebookNode, stored) -> tuple[str, bool]:
    """Why a stored notebook cannot be published ("" if it can), and whether a run would help."""
    if stored is None:
        return ": not executed there", True
    facts, notebook = stored
    if facts["state"] != "ok":
        return ": its run was red, see the folder's notebook", False
    if facts["mutants"]:
        return f": executed with the mutant of {'+'.join(facts['mutants'])}", False
    executed = [cell for _, cell in records.own_cells(notebook)]
    if len(executed) != len(own.cells):
        counts = f"which has {len(own.cells)} cells, not {len(executed)}"
        return f": older than its source, {counts}", True
    for (number, cell), other in zip(documents.numbered(own), executed, strict=True):
        if (cell.id, cell.source) != (other.id, other.source):
            return f": older than its source in {documents.label(number, cell)}", True
    return "", False


# What may name another host in a tag: where a link leads when a reader asks, and what is read out.
_SPOKEN = re.compile(
    r"\s(?:alt|title|cite|placeholder|aria-[a-z]+)\s*=\s*(?:\"[^\"]*\"|'[^']*')"
    r"|(?<=<a)(?:\s[^>]*?)?\shref\s*=\s*[\"']?(?:https?:)?//[^\s\"'>]*",
    re.IGNORECASE,
)
# Names of languages that look like addresses, and that no browser asks for.
_NAMESPACE = re.compile(
    r"http://www\.w3\.org/(?:2000/svg|1999/xhtml|1999/xlink|1998/Math/MathML|XML/1998/namespace)"
    r"(?![\w/])"
)
# A scheme anywhere; or, where a text or an address begins, two slashes and a host's name.
_ADDRESS = re.compile(
    r"(?:https?|wss?|ftp):(?:\\?/|\\){2}[^\s\"'`)]*"
    r"|(?<=[\"'`(,=]) *(?:\\?/|\\){2}[\w-]+(?:\.[\w-]+)+[^\s\"'`)]*",
    re.IGNORECASE,
)
_CODE = re.compile(r"<(script|style)\b[^>]*>(.*?)</\1\s*>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[a-z/!](?:\"[^\"]*\"|'[^']*'|[^\"'>])*>", re.IGNORECASE)
_NAMED = re.compile(
    r"\s(?:alt|title|aria-label|aria-labelledby)\s*=\s*[\"']?\s*[^\s\"'>]"
    r"|\saria-hidden\s*=\s*[\"']?true",
    re.IGNORECASE,
)
_IMAGE = re.compile(r"<img\b|<input\b[^>]*\btype\s*=\s*[\"']?image", re.IGNORECASE)
_DRAWING = re.compile(r"<canvas\b|<(?!img)[^>]*\brole\s*=\s*[\"']?img", re.IGNORECASE)


def faults_of_html(page: str) -> Iterator[str]:
    """What a piece of HTML must not hold where it is published."""
    code = " ".join(match[2] for match in _CODE.finditer(page))
    prose = _CODE.sub(lambda match: match[0].partition(">")[0] + ">", page)
    tags = list(_TAG.finditer(prose))
    # As browsers do, which pass over line ends within an address, and read entities.
    loads = [re.sub(r"[\t\n\r]", "", html.unescape(_SPOKEN.sub(" ", tag[0]))) for tag in tags]
    for match in _ADDRESS.finditer(_NAMESPACE.sub("", " ".join([*loads, code]))):
        yield f"an address that a browser could load, {match[0].strip()[:80]}"
    for tag in tags:
        if _IMAGE.match(tag[0]) and not _NAMED.search(tag[0]):
            yield f"an image without alt: {tag[0][:60]}"
        inside = prose[tag.end() : tag.end() + 80].lstrip()
        named = _NAMED.search(tag[0]) or re.match(r"\w|<title", inside)
        if _DRAWING.match(tag[0]) and not named:
            yield f"a drawing without a name, give it aria-label: {tag[0][:60]}"
    if len(re.findall(r"<div\b", prose)) != len(re.findall(r"</div\b", prose)):
        yield "<div> and </div> that do not match: they would break the page"


def faults(notebook: NotebookNode, path: Path) -> list[str]:
    """What keeps a notebook from being published, each line beginning with its cell.

    Links are looked up from the path of its source.
    """
    found = []
    for number, cell in documents.numbered(notebook):
        if cell.cell_type == "markdown":
            texts = _of_prose(cell.source, path, cell.get("attachments", {}))
        else:
            shown = [output.get("data", {}) for output in cell.get("outputs", ())]
            texts = (f"an output with {text}" for data in shown for text in _of_output(data, path))
        found += [f"{documents.label(number, cell)}: {text}" for text in texts]
    return found


def _of_prose(source: str, path: Path, attachments: dict) -> Iterator[str]:
    for link in links.find(source):
        if link.image and not link.text.strip():
            yield f"an image without alt ({link.target[:60]})"
        if link.image and _ADDRESS.search(f"({link.target}"):
            yield f"an address that a browser could load, {link.target}"
        if link.target.startswith("attachment:"):
            if link.target.partition(":")[2] not in attachments:
                yield f"a broken link, {link.target}"
        elif link.path and not (path.parent / link.path).exists():
            yield f"a broken link, {link.target}"
    # Markdown's <https://keras.io/> is a link, and no tag.
    yield from faults_of_html(re.sub(r"<https?:[^>]*>", "", links.visible(source)))


def _of_output(data: dict, path: Path) -> Iterator[str]:
    if any(kind.endswith(("javascript", "ecmascript")) for kind in data):
        yield "a script; put it into text/html, with all it needs"
    # Which of several kinds is shown is up to the page; none may hold a fault.
    yield from _of_prose(data.get("text/markdown", ""), path, {})
    for kind in ("text/html", "image/svg+xml"):
        yield from faults_of_html(data.get(kind, ""))
    if "text/html" not in data and any(kind.startswith("image/") for kind in data):
        yield "an image without alt; show it with plots.show"
