"""The site's pages as MyST Markdown and notebooks, made from executed chapters.

Everything is collected, nothing is kept twice: the chapters' own titles, promises, figures,
glossaries and claims make the landing page, the glossary and the page of claims; the package's own
docstrings make its reference.
"""

import ast
import base64
import html
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote

from nbformat import NotebookNode, from_dict
from nbformat.v4 import new_markdown_cell

import course_utils
from course_tools import evidence
from course_tools.evidence import Summary
from course_tools.notebooks import chapters, documents, links
from course_tools.publish.executed import Executed
from course_tools.publish.student import student_copy
from course_utils import card
from course_utils.formatting import written, written_range, written_threshold
from course_utils.lessons import Claim

__all__ = ["chapter_page", "claims_page", "downloads_page", "first_figure", "glossary_page",
           "in_korean", "landing_page", "reader_copy", "reference_pages"]  # fmt: skip


# A chapter


def reader_copy(chapter: Executed) -> NotebookNode:
    """A chapter to read: the student's copy with the outputs of all cells but of exercises.

    There, they are those of the solution.
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


def chapter_page(
    chapter: Executed, *, downloads: Sequence[tuple[str, str]], copied: Callable[[Path], str]
) -> NotebookNode:
    """A chapter as Sphinx reads it.

    `downloads` are texts and addresses of the buttons under the title; `copied` copies a file that
    a link leads to, and returns the copy's address.
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

    def moved(link: links.Link) -> str:
        place = chapter.chapter.path.parent / link.path
        if not link.path or link.path.endswith(".ipynb") or not place.is_file():
            return link.target
        return quote(copied(place.resolve()))

    for cell in page.cells:
        if cell.cell_type == "markdown":
            cell.source = in_korean(links.replace(cell.source, moved))
    page.cells.insert(1, new_markdown_cell(source, id="course-downloads"))
    return page


# Where a tag would break what stands there: images, the targets of links, tags.
_NO_PLACE = re.compile(r"!\[[^\]]*\]\([^)]*\)|\]\([^)]*\)|<[^>]*>")
_HANGUL = re.compile(r"[가-힣]+(?:[ ,·()/-]+[가-힣]+)*")


def in_korean(markdown: str) -> str:
    """Say of each Korean word that it is one, so that a screen reader reads it as Korean.

    Code, images and tags are left alone.
    """
    seen = _NO_PLACE.sub(lambda match: "\0" * len(match[0]), links.visible(markdown))
    pairs = zip(seen, markdown, strict=True)
    seen = "".join(one if one == other else "\0" for one, other in pairs)
    for match in reversed(list(_HANGUL.finditer(seen))):
        start, end = match.span()
        markdown = f'{markdown[:start]}<span lang="ko">{match[0]}</span>{markdown[end:]}'
    return markdown


# What chapters have together


def first_figure(chapter: Executed) -> tuple[bytes, str] | None:
    """The first figure of a chapter, as PNG and the text that stands for it; None without one."""
    for cell in chapter.notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "image/png" in data:
                text = re.search(r'\salt="([^"]+)"', data.get("text/html", ""))
                return base64.b64decode(data["image/png"]), html.unescape(text[1]) if text else ""
    return None


def landing_page(
    found: Sequence[Executed], *, figures: dict[str, tuple[str, str]], reference: Sequence[str]
) -> str:
    """The first page: what the course is, and its chapters with a figure of each.

    `figures` are address and text by the chapter's number; `reference` the documents that the
    second part of the contents lists.
    """
    cards = []
    for one in found:
        chapter = one.chapter
        image = ""
        if chapter.number in figures:
            address, text = figures[chapter.number]
            image = f'<img src="{html.escape(address)}" alt="{html.escape(text)}">'
        cards.append(
            f'<article class="course-card">{image}<div><h3>'
            f'<a href="chapters/{chapter.stem}.html">{chapter.number} · '
            f"{html.escape(chapter.title)}</a></h3><p>{html.escape(chapter.promise)}</p>"
            f'<p class="course-note">{html.escape(chapter.time)}</p>'
            f'<p class="course-note">{len(chapter.claims)} claims · '
            f"{len(chapter.exercises)} exercises</p></div></article>"
        )
    toc = "\n".join(f"chapters/{one.chapter.stem}" for one in found)
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


def glossary_page(found: Sequence[Executed]) -> str:
    """The terms of all chapters, each with the chapters that explain it."""
    merged: dict[str, list[list[str]]] = {}
    for one in found:
        link = f"[{one.chapter.number}](chapters/{one.chapter.stem}.ipynb)"
        for english, korean, meaning in chapters.glossary(one.notebook)[1:]:
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


_VERSIONS = {
    "student": "notebooks to work in: no solutions, no outputs",
    "executed": "notebooks to read: with outputs, without solutions",
    "instructor": "notebooks to teach from: solutions, notes, expected numbers",
}


def downloads_page(found: Sequence[Executed], versions: Sequence[str], *, licensed: bool) -> str:
    """What there is to download: each version ("student", …) as a zip and one by one."""
    lines = ["# Downloads", "", "All chapters at once:", ""]
    lines += [f'- <a href="downloads/{v}.zip">{v}.zip</a>: {_VERSIONS[v]}' for v in versions]
    lines += ["", "One by one:", "", f"| chapter | {' | '.join(versions)} | slides |"]
    lines.append("|" + "---|" * (len(versions) + 2))
    for one in found:
        stem, number = one.chapter.stem, one.chapter.number
        cells = [f"[{number} · {one.chapter.title}](chapters/{stem}.ipynb)"]
        cells += [f'<a href="downloads/{v}/{stem}.ipynb">{v} {number}</a>' for v in versions]
        cells.append(f'<a href="slides/{stem}.html">slides {number}</a>')
        lines.append(f"| {' | '.join(cells)} |")
    license = '<a href="LICENSE">LICENSE</a> is in each zip; ' if licensed else ""
    others = '<a href="NOTICE">NOTICE</a> names what these pages and slides carry of others.'
    return "\n".join([*lines, "", license + others, ""])


# Claims

_CLAIMS = """\
# What this course claims, and what it measured

This build holds **{claims} claims** of {chapters} chapters. Each sentence has a *threshold*: what \
it promises, as a number. It counts as true if the mean over the kept *seeds* (independent runs \
that differ by chance alone) lies beyond the threshold by three standard errors, and most seeds on \
its side. From the same seeds follows the range in which one more run is *expected*. And each \
claim has a *mutant*: data, model or training changed on purpose, so that the claim must be \
contradicted, as in [mutation testing](https://en.wikipedia.org/wiki/Mutation_testing). A claim \
that survives its mutant would say nothing.

*This build* is the number in the chapter that you can read here.
"""
_MARKS = {"held": "✔", "not here": "◐", "unexpected": "△", "red": "✘", "not judged": "○"}
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def claims_page(found: Sequence[Executed]) -> str:
    """All claims with what this build measured, what the kept seeds measured, and their mutants."""
    count = sum(len(one.chapter.claims) for one in found)
    lines = [_CLAIMS.format(claims=count, chapters=len(found))]
    for one in found:
        chapter = one.chapter
        summed = {
            (s.id, f"{s.profile}/{s.data}"): s
            for s in evidence.summarize(evidence.kept_rows([chapter]))
        }
        lines += [f"## {chapter.number} · {chapter.title}", ""]
        lines += [f"From [the chapter](chapters/{chapter.stem}.ipynb).", ""]
        lines += ['<div class="course-claims">', ""]
        lines += ["| claim | threshold | this build | seeds | expected | mutant |"]
        lines += ["|---|---|---|---|---|---|"]
        # A run in another profile than quick still shows the seeds for which the claim is made.
        cases = (f"{one.profile}/{one.data}", f"quick/{one.data}")
        for claim in chapter.claims:
            known = next((summed[claim.id, c] for c in cases if (claim.id, c) in summed), None)
            row = _claim_row(one, claim, known)
            lines.append(f"| {' | '.join([*map(_cell, row), _mutant(claim, known)])} |")
        lines += ["", "</div>", ""]
    return "\n".join(lines)


def _claim_row(one: Executed, claim: Claim, known: Summary | None) -> tuple[str, ...]:
    record = one.claims.get(claim.id, {})
    built = "not reached"
    if record:
        built = f"{_MARKS[card.status(record)]} {written(record['observed'], claim.unit)}"
        built += "" if record["judged"] else f" ({one.profile}: not judged)"
    threshold = claim.threshold(one.data)
    promised = "–" if threshold is None else written_threshold(threshold, claim.unit)
    if known is None or known.true is None:
        return claim.sentence, promised, built, "–", "–"
    low, high = (written(end, claim.unit) for end in (known.minimum, known.maximum))
    true = f"true on {round(known.share * known.seeds)} of {known.seeds}"
    expected = written_range(known.low, known.high, claim.unit)
    return claim.sentence, promised, built, f"{low} to {high}; {true}", expected


def _mutant(claim: Claim, known: Summary | None) -> str:
    """What the mutant measured, and the change behind a word to press, for code is wide."""
    values = [value for value in (known.mutant if known else {}).values() if value is not None]
    measured = written(sum(values) / len(values), claim.unit) if values else "–"
    # Entities, so that nothing in the code is read as Markdown or as the end of a cell.
    code = re.sub(r"[^\w\s.,=()'\"+/-]|_", lambda match: f"&#{ord(match[0])};", str(claim.mutant))
    return f"{_cell(measured)}<details><summary>change</summary><small>{code}</small></details>"


def _cell(text: str) -> str:
    """A text inside a table of Markdown; a narrow column breaks no number, nor one from its %."""
    text = re.sub(r"([|<*_`$])", r"\\\1", " ".join(text.split()))
    text = re.sub(
        r"(?<=\d)e([+−-]\d+)\b",
        lambda match: "×10" + str(int(match[1].replace("−", "-"))).translate(_RAISED),
        text,
    )
    return re.sub(r"(?<=\d) %", "\N{NO-BREAK SPACE}%", text)


# The package

# For the other modules, and not for chapters.
_NOT_FOR_CHAPTERS = {"cache", "compat", "tensorflow_device"}


def reference_pages() -> dict[str, str]:
    """A page for each module that chapters import, by the names of its documents, and an index."""
    rows, found = [], {}
    package = Path(course_utils.__file__).parent
    for path in sorted([*package.glob("*.py"), *package.glob("*/__init__.py")], key=_module):
        name, text = _module(path), path.read_text("utf-8")
        if name.startswith("_") or name in _NOT_FOR_CHAPTERS or "\n__all__ = [" not in text:
            continue
        summary = (ast.get_docstring(ast.parse(text)) or "").partition("\n\n")[0]
        found[f"api/{name}"] = (
            f"# {name}\n\n```{{eval-rst}}\n.. automodule:: course_utils.{name}\n   :members:\n```\n"
        )
        rows.append(f"| [{name}]({name}.md) | {summary.replace(chr(10), ' ')} |")
    toc = "\n".join(name.removeprefix("api/") for name in found)
    found["api/index"] = (
        "# The package\n\nWhat chapters take from `course_utils`, from its own docstrings. Shapes "
        "are written `(batch, height, width, channels)`.\n\n| module | what it is for |\n|---|---|"
        "\n" + "\n".join(rows) + f"\n\n```{{toctree}}\n:hidden:\n\n{toc}\n```\n"
    )
    return found


def _module(path: Path) -> str:
    package = path.stem == "__init__" and path.parent.name != "course_utils"
    return path.parent.name if package else path.stem
