"""Decks of slides, one a chapter, cut from its cells: there is no other source.

nbconvert makes a reveal.js deck from the cells' slide types; scripts, styles and fonts lie beside
the decks, so that each opens from a file, without a network. In the browser a small script packs
the cells of a slide onto as many slides of 1280 × 720 as they need, and none overflows.
"""

import shutil
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path

from nbformat import NotebookNode, from_dict

from course_utils.errors import InputError, WorldError
from course_utils.notebooks import documents
from course_utils.publish import checking, executed, pages
from course_utils.publish.executed import Executed

__all__ = ["build", "slides_copy", "write_decks"]

_FILES = Path(__file__).with_name("files")
_ASSETS = "deck"


def build(source: Path, run: Path, target: Path, *, names: Iterable[str] = ()) -> list[Path]:
    """Make the decks.

    Args:
        source: the folder of the chapters.
        run: the folder of a run in which they were executed.
        target: where to; files of other names there are left alone.
        names: chapters as `chapters.select` takes them; all without any.

    Returns:
        The decks, by number.

    Raises:
        InputError: a chapter is not fit to be published (see `executed.read`), or a deck is not
            (see `checking.faults`).
        WorldError: a package of the extra `publish` is missing.
    """
    from course_utils.publish.site import mathjax

    decks = write_decks(executed.read(source, run, names), target, script=mathjax())
    faults = checking.faults(target)
    if faults:
        raise InputError(f"expected decks without faults, received: {'; '.join(faults)}")
    return decks


def slides_copy(chapter: Executed) -> NotebookNode:
    """A chapter as a deck shows it.

    Args:
        chapter: the executed chapter.

    Returns:
        The reader's copy, without self-checks (they would fail on a stub), with cells tagged
        instructor as speaker's notes.
    """
    kept = {cell.id: cell for cell in pages.reader_copy(chapter).cells}
    copy = from_dict(chapter.notebook)
    copy.cells = []
    for cell in chapter.notebook.cells:
        if "instructor" in documents.tags(cell) and cell.cell_type == "markdown":
            note = from_dict(cell)
            note.metadata["slideshow"] = from_dict({"slide_type": "notes"})
            copy.cells.append(note)
        elif cell.id in kept:
            copy.cells.append(kept[cell.id])
    return copy


def write_decks(found: Sequence[Executed], target: Path, *, script: Path) -> list[Path]:
    """Write decks and what they need into a folder.

    Args:
        found: the executed chapters.
        target: the folder; made if it is not there.
        script: MathJax, from `site.mathjax`.

    Returns:
        The decks.

    Raises:
        WorldError: a package of the extra `publish` is missing.
    """
    try:
        from nbconvert import SlidesExporter
        from traitlets.config import Config

        reveal = Path(str(resources.files("sphinx_revealjs"))) / "_static" / "revealjs"
    except ImportError as error:
        raise WorldError(
            f"expected {error.name}, it is not installed: pip install -e '.[publish]'"
        ) from error
    assets = target / _ASSETS
    (assets / "dist" / "theme").mkdir(parents=True, exist_ok=True)
    shutil.copy(reveal / "dist" / "reveal.js", assets)
    shutil.copy(reveal / "dist" / "reveal.css", assets / "dist")
    shutil.copy(_FILES / "deck.css", assets / "dist" / "theme" / "course.css")
    fonts = reveal / "dist" / "theme" / "fonts" / "source-sans-pro"
    kept = shutil.ignore_patterns("*.eot", "*.ttf")
    shutil.copytree(
        fonts, assets / "dist/theme/fonts" / fonts.name, ignore=kept, dirs_exist_ok=True
    )
    shutil.copy(reveal / "plugin" / "notes" / "notes.js", assets)
    for file in (_FILES / "deck.js", script):
        shutil.copy(file, assets)
    config = Config(SlidesExporter={"reveal_url_prefix": _ASSETS, "reveal_theme": "course"})
    exporter = SlidesExporter(
        config=config, template_file=str(_FILES / "deck.html.j2"), template_name="reveal"
    )
    decks = []
    for one in found:
        name = f"{one.chapter.number} · {one.chapter.title}"
        page, _ = exporter.from_notebook_node(
            slides_copy(one), resources={"deck_assets": _ASSETS, "metadata": {"name": name}}
        )
        decks.append(target / f"{one.chapter.stem}.html")
        decks[-1].write_text(page, encoding="utf-8")
    return decks
