"""The site's pages as MyST Markdown and notebooks, made from executed chapters.

Everything is collected, nothing is kept twice: the chapters' own titles, promises, figures,
glossaries and claims make the landing page, the glossary and the page of claims.
"""

import base64
import binascii
import html
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from nbformat import NotebookNode, from_dict
from nbformat.v4 import new_markdown_cell

from course_tools.notebooks import documents, links
from course_tools.publish.executed import Executed
from course_tools.publish.student import student_copy
from course_tools.publish.tags import Tags

__all__ = [
    "chapter_page",
    "first_figure",
    "glossary_page",
    "in_korean",
    "landing_page",
    "outside_links",
    "reader_copy",
    "terms",
]


def reader_copy(chapter: Executed) -> NotebookNode:
    """A chapter to read: its outputs, but no solution and no cell for lecturers.

    Args:
        chapter: the executed chapter.

    Returns:
        The student's copy, with the outputs of all cells but those of exercises: there, they are
        those of the solution.
    """
    copy = student_copy(chapter.notebook, name=chapter.chapter.path.name)
    outputs = {cell.id: cell for cell in chapter.notebook.cells if cell.cell_type == "code"}
    for cell in copy.cells:
        cell.metadata.pop("papermill", None)
        if cell.cell_type == "code" and "exercise" not in documents.tags(cell):
            cell.outputs = [_for_people(output) for output in outputs[cell.id].outputs]
            cell.execution_count = outputs[cell.id].execution_count
    return from_dict(copy)


def _for_people(output: NotebookNode) -> NotebookNode:
    """An output without the record for machines."""
    output = from_dict(output)
    for kind in [kind for kind in output.get("data", {}) if kind.startswith("application/vnd.")]:
        del output.data[kind]
    return output


def chapter_page(chapter: Executed, *, downloads: Sequence[tuple[str, str]]) -> NotebookNode:
    """A chapter as a page of the site.

    Args:
        chapter: the executed chapter.
        downloads: pairs of text and address, from the page, for the buttons under the title.

    Returns:
        The notebook that Sphinx reads.
    """
    page = reader_copy(chapter)
    buttons = " ".join(
        f'<a class="course-button" href="{html.escape(quote(address))}">{html.escape(text)}</a>'
        for text, address in downloads
    )
    note = (
        f"Executed in the profile <code>{html.escape(chapter.profile)}</code> with "
        f"{html.escape(chapter.data)} data, in {chapter.seconds:.0f} seconds."
    )
    source = f'<p class="course-buttons">{buttons}</p>\n<p class="course-note">{note}</p>'
    page.cells.insert(1, new_markdown_cell(source, id="course-downloads"))
    for cell in page.cells:
        if cell.cell_type == "markdown":
            cell.source = in_korean(cell.source)
    return page


def first_figure(chapter: Executed) -> tuple[bytes, str] | None:
    """The first figure of a chapter, as PNG and the text that stands for it; None without one."""
    for cell in chapter.notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "image/png" not in data:
                continue
            found = [attributes for tag, attributes in Tags(data.get("text/html", "")).tags]
            text = next((a["alt"] for a in found if a.get("alt")), "")
            text = text or output.get("metadata", {}).get("image/png", {}).get("alt", "")
            try:
                return base64.b64decode(data["image/png"], validate=False), text
            except binascii.Error:
                continue
    return None


def landing_page(
    chapters: Sequence[Executed], *, figures: dict[str, tuple[str, str]], reference: Sequence[str]
) -> str:
    """The first page: what the course is, and its chapters with a figure of each.

    Args:
        chapters: the executed chapters.
        figures: a chapter's number to the address and text of its figure.
        reference: the documents that the second part of the contents lists.

    Returns:
        MyST Markdown.
    """
    cards = []
    for one in chapters:
        chapter = one.chapter
        picture = ""
        if chapter.number in figures:
            address, text = figures[chapter.number]
            picture = f'<img src="{html.escape(address)}" alt="{html.escape(text)}">'
        promise = html.escape(chapter.promise)
        cards.append(
            f'<article class="course-card">{picture}<div><h3>'
            f'<a href="chapters/{chapter.stem}.html">{chapter.number} · '
            f"{html.escape(chapter.title)}</a></h3><p>{promise}</p>"
            f'<p class="course-note">{html.escape(chapter.time)}</p>'
            f'<p class="course-note">{len(chapter.claims)} claims · '
            f"{len(chapter.exercises)} exercises</p></div></article>"
        )
    toc = "\n".join(f"chapters/{one.chapter.stem}" for one in chapters)
    return f"""# Convolutional networks, claim by claim

A course on convolutional networks in notebooks. **A lesson is a tested claim**: each "this helps"
is measured in its chapter, shown among the numbers of independent runs, and contradicted by a
*mutant*: the same chapter with its data, model or training changed on purpose.
[What this course claims, and what it measured](claims.md) lists them all.

Read here before you run. [Take the notebooks](downloads.md) when you want to change something;
new words stand in the [glossary](glossary.md), English and Korean.

## Chapters

<div class="course-cards">
{"".join(cards)}
</div>

```{{toctree}}
:hidden:
:caption: Chapters

{toc}
```

```{{toctree}}
:hidden:
:caption: Reference

{chr(10).join(reference)}
```
"""


def terms(chapter: Executed) -> list[tuple[str, str, str]]:
    """The glossary of a chapter.

    Args:
        chapter: the executed chapter.

    Returns:
        English, Korean and meaning of each term, in the chapter's order.
    """
    whole = "\n\n".join(c.source for c in chapter.notebook.cells if c.cell_type == "markdown")
    section = re.search(r"^## +Glossary *$(.*?)(?=^##? |\Z)", whole, re.MULTILINE | re.DOTALL)
    rows = []
    for line in section[1].splitlines() if section else ():
        parts = [part.strip() for part in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
        if line.strip().startswith("|") and len(parts) == 3:
            rows.append(tuple(parts))
    return rows[2:]


# Where a tag would break what stands there: pictures, the targets of links, tags.
_NO_PLACE = re.compile(r"!\[[^\]]*\]\([^)]*\)|\]\([^)]*\)|<[^>]*>")
_HANGUL = re.compile(r"[가-힣]+(?:[ ,·()/-]+[가-힣]+)*")


def in_korean(markdown: str) -> str:
    """Say of each Korean word that it is one, so that a screen reader reads it as Korean.

    Args:
        markdown: a text in English with Korean words, such as a glossary.

    Returns:
        The text with `<span lang="ko">` around them; code, pictures and tags are left alone.

    Example:
        >>> in_korean("| weight decay | 가중치 감쇠, L2 규제 |")
        '| weight decay | <span lang="ko">가중치 감쇠</span>, L2 <span lang="ko">규제</span> |'
    """
    seen = _NO_PLACE.sub(lambda match: "\0" * len(match[0]), links.visible(markdown))
    pairs = zip(seen, markdown, strict=True)
    seen = "".join(one if one == other else "\0" for one, other in pairs)
    for match in reversed(list(_HANGUL.finditer(seen))):
        start, end = match.span()
        markdown = f'{markdown[:start]}<span lang="ko">{match[0]}</span>{markdown[end:]}'
    return markdown


def glossary_page(chapters: Sequence[Executed]) -> str:
    """The terms of all chapters, each with the chapters that explain it.

    Args:
        chapters: the executed chapters.

    Returns:
        MyST Markdown.
    """
    merged: dict[str, list[list[str]]] = {}
    for one in chapters:
        link = f"[{one.chapter.number}](chapters/{one.chapter.stem}.ipynb)"
        for english, korean, meaning in terms(one):
            entry = merged.setdefault(english.lower(), [[english], [], [], []])
            for place, text in zip(entry[1:], (korean, meaning, link), strict=True):
                if text not in place:
                    place.append(text)
    lines = ["# Glossary", "", "English and Korean, with the chapters that explain each word.", ""]
    lines += ["| English | 한국어 | meaning | chapters |", "|---|---|---|---|"]
    for _, (english, korean, meaning, where) in sorted(merged.items()):
        cells = (english[0], ", ".join(korean), "; ".join(meaning), ", ".join(where))
        lines.append(f"| {' | '.join(cells)} |")
    return in_korean("\n".join(lines) + "\n")


def outside_links(notebook: NotebookNode, source: Path, copy) -> None:
    """Let links to files of the course lead to copies of them.

    Args:
        notebook: the page; changed.
        source: the folder of the chapters.
        copy: given a file, returns the address of its copy from the page.
    """

    def moved(link: links.Link) -> str:
        place = source / link.path
        if not link.path or link.path.endswith(".ipynb") or not place.is_file():
            return link.target
        return quote(copy(place.resolve()))

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = links.replace(cell.source, moved)
