"""Prose: links that lead somewhere, pictures with a text, headings in order, nothing unfinished."""

import re
from pathlib import Path

import nbformat

from course_tools.lint.page import Complaints, Page, rule
from course_tools.notebooks import documents, links
from course_utils.errors import CourseError

_ABSOLUTE = re.compile(
    r"(?<![\w.:/~\-\]})])/(?:home|work|tmp|Users|root|mnt|content|opt|var)(?:/|\b(?![\w-]))"
    r"|(?<![A-Za-z])[A-Za-z]:\\{1,2}[A-Za-z]"
)
_HEADING = re.compile(r"^(?P<marks>#{1,6}) +(?P<text>.+?) *#* *$", re.MULTILINE)
_UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX|TBD)\b")
_EMPTY_TEXTS = {"here", "this", "link", "click here", "this link", "this page"}


@rule
def no_absolute_paths(page: Page) -> Complaints:
    """No cell names a path of one machine."""
    for cell in page.cells:
        text = re.sub(r"\$[^$]+\$", "", cell.source) if cell.is_prose else cell.source
        match = _ABSOLUTE.search(text)
        if match:
            yield cell, f"expected a path that any machine has, received {match.group()!r}"


@rule
def link_form(page: Page) -> Complaints:
    """A link is complete: brackets closed, http or https, a host, no blanks."""
    for cell in page.prose:
        for piece in links.malformed(cell.source):
            yield cell, f"expected [text](target), received {piece!r}"
        for link in links.find(cell.source):
            parts = links.split(link.target)
            if parts is None or not link.target:
                yield cell, f"expected a target, received {link.target!r}"
            elif parts.scheme in ("http", "https"):
                if not re.fullmatch(r"[\w-]+(\.[\w-]+)+(:\d+)?", parts.netloc):
                    yield cell, f"expected a host, received {link.target!r}"
            elif parts.scheme not in ("", "attachment") or parts.netloc:
                yield (
                    cell,
                    f"expected http, https or a file of the course, received {link.target!r}",
                )


@rule
def relative_links(page: Page) -> Complaints:
    """A link to a file of the course leads to one that is there."""
    for cell in page.prose:
        for link in links.find(cell.source):
            if link.target.startswith("attachment:"):
                name = link.target.partition(":")[2]
                found = name in cell.node.get("attachments", {})
            else:
                found = not link.path or (page.path.parent / link.path).exists()
            if not found:
                yield cell, f"expected a file that is there, received {link.target!r}"


@rule
def anchors(page: Page) -> Complaints:
    """A link into a chapter leads to a heading that is there."""
    for cell in page.prose:
        for link in links.find(cell.source):
            parts = links.split(link.target)
            if parts is None or parts.scheme or parts.netloc or not parts.fragment:
                continue
            if _slug(parts.fragment) not in _headings(page, link.path):
                yield cell, f"expected a heading that is there, received {link.target!r}"


@rule
def link_text(page: Page) -> Complaints:
    """The text of a link says where it leads; "here" does not."""
    for cell in page.prose:
        for link in links.find(cell.source):
            if link.image:
                continue
            words = re.sub(r"[*_.`]", "", link.text).strip().lower()
            if not words or words in _EMPTY_TEXTS:
                yield cell, f"expected a text that says where it leads, received {link.text!r}"


@rule
def image_alt(page: Page) -> Complaints:
    """A picture in the prose has an alt text."""
    for cell in page.prose:
        for link in links.find(cell.source):
            if link.image and not link.text.strip():
                yield cell, f"expected an alt text for {link.target!r}, received none"


@rule
def heading_levels(page: Page) -> Complaints:
    """Headings go down one level at a time, and only the title is of the first."""
    before = 0
    for cell in page.prose:
        for match in _HEADING.finditer(links.visible(cell.source)):
            level = len(match["marks"])
            if level > before + 1 or (level == 1 and before):
                yield (
                    cell,
                    f"expected level {max(2, before + 1)} at most, received {match.group()!r}",
                )
            before = level


@rule
def finished(page: Page) -> Complaints:
    """Nothing is left to do: no TODO, FIXME, XXX or TBD."""
    for cell in page.cells:
        match = _UNFINISHED.search(cell.source)
        if match:
            yield cell, f"expected a finished cell, received {match.group()}"


def _headings(page: Page, path: str) -> set[str]:
    notebook = page.notebook
    if path:
        notebook = _other(page.path.parent / path)
    return {
        _slug(match["text"])
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for match in _HEADING.finditer(cell.source)
    }


def _other(path: Path) -> nbformat.NotebookNode:
    try:
        return documents.read(path)
    except CourseError:
        return nbformat.v4.new_notebook()


def _slug(heading: str) -> str:
    # Jupyter, GitHub and the site spell an anchor differently; its letters are the same.
    from urllib.parse import unquote

    return re.sub(r"\W+", "", unquote(heading)).lower()
