"""What a published cell may not hold: scripts and pictures from elsewhere, pictures without a text.

A page that asks another host for anything shows less where that host is not to be had, and tells
it who reads. So the build looks at every cell before it writes a page, and names the cell. What a
script puts together out of pieces no reader of its text can find; there, the policy that
`site.build` writes into each page stops the browser.
"""

from collections.abc import Iterator
from pathlib import Path

from nbformat import NotebookNode

from course_tools.notebooks import documents, links
from course_tools.publish.tags import Tags, is_far

__all__ = ["faults"]

# How kinds of outputs end that a browser would run.
_SCRIPTS = ("javascript", "ecmascript")


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
        label = documents.label(number, cell)
        if cell.cell_type == "markdown":
            texts = _of_prose(cell.source, path, cell.get("attachments", {}))
        else:
            texts = _of_outputs(cell, path)
        found += [f"{label}: {text}" for text in texts]
    return found


def _of_prose(source: str, path: Path, attachments: dict) -> Iterator[str]:
    for link in links.find(source):
        if link.image and not link.text.strip():
            yield f"a picture without alt ({link.target[:60]})"
        if link.image and is_far(link.target):
            yield f"a picture from elsewhere, {link.target}"
        if link.target.startswith("attachment:"):
            if link.target.partition(":")[2] not in attachments:
                yield f"a broken link, {link.target}"
        elif link.path and not (path.parent / link.path).exists():
            yield f"a broken link, {link.target}"
    tags = Tags(links.visible(source))
    yield from tags.from_elsewhere()
    yield from tags.without_name()


def _of_outputs(cell: NotebookNode, path: Path) -> Iterator[str]:
    for output in cell.get("outputs", ()):
        data = output.get("data", {})
        if any(kind.endswith(_SCRIPTS) for kind in data):
            yield "an output that is a script; put it into text/html, with all it needs"
        # Which of several kinds is shown is up to the page; none may hold a fault.
        for text in _of_prose(data.get("text/markdown", ""), path, {}):
            yield f"an output with {text}"
        if "image/svg+xml" in data:
            found = Tags(data["image/svg+xml"]).from_elsewhere()
            yield from (f"an output with {text}" for text in found)
        page = data.get("text/html")
        if page is not None:
            tags = Tags(page)
            if tags.open_blocks:
                yield "an output whose <div> and </div> do not match: it would break the page"
            found = (tags.from_elsewhere(), tags.without_text(ornament=False), tags.without_name())
            yield from (f"an output with {text}" for texts in found for text in texts)
        elif any(kind.startswith("image/") for kind in data):
            yield "an output with a picture without alt; show it with plots.show"
