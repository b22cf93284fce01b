"""What a published cell may not hold: scripts and pictures from elsewhere, pictures without a text.

A page that asks another host for anything shows less where that host is not to be had, and tells
it who reads. So the build looks at every cell before it writes a page, and names the cell.
"""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from nbformat import NotebookNode

from course_utils.notebooks import documents, links

__all__ = ["Tags", "faults"]

# Tags whose named attribute a browser loads by itself.
LOADED = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "embed": "src",
    "object": "data",
    "link": "href",
}
# A link that a browser follows only when asked, or that loads nothing.
NOT_LOADED = {"canonical", "next", "prev", "search", "author", "license", "alternate", "index"}
_FAR = re.compile(r"^\s*(?:https?:)?//", re.IGNORECASE)
_FAR_CODE = re.compile(
    r"(?:import\s*\(?|from|importScripts\s*\(|require\s*\(\s*\[?|fetch\s*\(|\.src\s*=)"
    r"\s*[\"'`](?:https?:)?//[^\"'`]+",
    re.IGNORECASE,
)
_FAR_STYLE = re.compile(r"(?:@import\s+|url\()\s*[\"']?(?:https?:)?//[^\"')\s]+", re.IGNORECASE)


class Tags(HTMLParser):
    """The tags of a page and what stands in its scripts and styles.

    Attributes:
        tags: name and attributes of each opening tag.
        code: the texts of scripts and styles.
        open_blocks: `<div>` that were not closed; below 0, closed and not opened.

    Example:
        >>> Tags('<img src="a.png" alt="A cat.">').tags
        [('img', {'src': 'a.png', 'alt': 'A cat.'})]
    """

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.code: list[str] = []
        self.open_blocks = 0
        self._inside = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append((tag, dict(attributes)))
        self.open_blocks += tag == "div"
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        """Note that a script or style ends, or a block."""
        self.open_blocks -= tag == "div"
        self._inside = ""

    def handle_data(self, data: str) -> None:
        """Keep what stands in a script or style."""
        if self._inside in ("script", "style"):
            self.code.append(data)

    def loaded(self) -> Iterator[tuple[str, str]]:
        """Pairs of tag and address of all that a browser loads with the page."""
        for tag, attributes in self.tags:
            address = attributes.get(LOADED.get(tag, ""))
            if not address or (tag == "link" and attributes.get("rel") in NOT_LOADED):
                continue
            yield tag, address

    def from_elsewhere(self) -> Iterator[str]:
        """What a browser would ask another host for."""
        for tag, address in self.loaded():
            if _FAR.match(address):
                yield f"<{tag}> from {address}"
        for text in self.code:
            for match in (*_FAR_CODE.finditer(text), *_FAR_STYLE.finditer(text)):
                yield f"code that loads {match.group()[:80]}"

    def without_text(self) -> Iterator[str]:
        """Pictures without a text that stands for them; `alt=""` marks one as mere ornament."""
        for tag, attributes in self.tags:
            if tag == "img" and attributes.get("alt") is None:
                yield f"a picture without alt ({(attributes.get('src') or '')[:60]})"


def faults(notebook: NotebookNode, path: Path) -> list[str]:
    """What keeps a notebook from being published.

    Args:
        notebook: the executed notebook.
        path: of its source; links are looked up from there.

    Returns:
        One line a fault, each beginning with its cell.

    Example:
        >>> from nbformat.v4 import new_markdown_cell, new_notebook
        >>> cell = new_markdown_cell("![](cat.png)", id="a")
        >>> faults(new_notebook(cells=[cell]), Path("notebooks/00_x.ipynb"))
        ['cell 1 (id a): a picture without alt (cat.png)', 'cell 1 (id a): a broken link, cat.png']
    """
    found = []
    for number, cell in documents.numbered(notebook):
        of_cell = _of_prose if cell.cell_type == "markdown" else _of_outputs
        found += [f"{documents.label(number, cell)}: {text}" for text in of_cell(cell, path)]
    return found


def _of_prose(cell: NotebookNode, path: Path) -> Iterator[str]:
    for link in links.find(cell.source):
        if link.image and not link.text.strip():
            yield f"a picture without alt ({link.target})"
        if link.image and _FAR.match(link.target):
            yield f"a picture from elsewhere, {link.target}"
        if link.target.startswith("attachment:"):
            if link.target.partition(":")[2] not in cell.get("attachments", {}):
                yield f"a broken link, {link.target}"
        elif link.path and not (path.parent / link.path).exists():
            yield f"a broken link, {link.target}"
    yield from Tags(links.visible(cell.source)).from_elsewhere()


def _of_outputs(cell: NotebookNode, path: Path) -> Iterator[str]:
    for output in cell.get("outputs", ()):
        data = output.get("data", {})
        if "application/javascript" in data:
            yield "an output that is a script; put it into text/html, with all it needs"
        page = data.get("text/html")
        if page is not None:
            tags = Tags(page)
            if tags.open_blocks:
                yield "an output whose <div> and </div> do not match: it would break the page"
            yield from (f"an output with {text}" for text in tags.from_elsewhere())
            yield from (f"an output with {text}" for text in tags.without_text())
        elif any(kind.startswith("image/") for kind in data):
            yield "an output with a picture without alt; show it with plots.show"
