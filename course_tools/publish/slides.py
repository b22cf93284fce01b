"""Decks of slides, one a chapter, cut from its cells: there is no other source.

nbconvert makes a reveal.js deck from the cells' slide types; scripts, styles and fonts lie beside
the decks, so that each opens from a file, without a network. In the browser a small script packs
the cells of a slide onto as many slides of 1280 × 720 as they need, and none overflows.
"""

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from nbformat import NotebookNode, from_dict

from course_tools.notebooks import documents
from course_tools.publish import checking, executed, licences, pages
from course_tools.publish.executed import Executed
from course_utils.errors import InputError, WorldError

__all__ = ["build", "carried", "reveal_folder", "slides_copy", "write_decks"]

_FILES = Path(__file__).with_name("files")
_ASSETS = "deck"


def build(
    source: Path, run: Path | Sequence[Path], target: Path, *, names: Iterable[str] = ()
) -> list[Path]:
    """Make the decks, with speaker's notes.

    Args:
        source: the folder of the chapters.
        run: the folder of a run in which they were executed, or several (see `executed.read`).
        target: where to; files of other names there are left alone.
        names: chapters as `chapters.select` takes them; all without any.

    Returns:
        The decks, by number.

    Raises:
        InputError: a chapter is not fit to be published (see `executed.read`), or a deck is not
            (see `checking.faults`).
        WorldError: a package of the extra `publish` is missing.
    """
    from course_tools.publish.site import mathjax

    found = executed.read(source, run, names)
    decks = write_decks(found, target, script=mathjax(), notes=True)
    faults = checking.faults(target)
    if faults:
        raise InputError(f"expected decks without faults, received: {'; '.join(faults)}")
    return decks


def slides_copy(chapter: Executed, *, notes: bool) -> NotebookNode:
    """A chapter as a deck shows it.

    Args:
        chapter: the executed chapter.
        notes: with cells tagged instructor as speaker's notes. They stand in the deck's file,
            where every reader of the file finds them.

    Returns:
        The reader's copy, without self-checks (they would fail on a stub).
    """
    kept = {cell.id: cell for cell in pages.reader_copy(chapter).cells}
    copy = from_dict(chapter.notebook)
    copy.cells = []
    for cell in chapter.notebook.cells:
        if cell.id in kept:
            copy.cells.append(kept[cell.id])
        elif notes and "instructor" in documents.tags(cell) and cell.cell_type == "markdown":
            note = from_dict(cell)
            note.metadata["slideshow"] = from_dict({"slide_type": "notes"})
            copy.cells.append(note)
    for cell in copy.cells:
        if cell.cell_type == "markdown":
            cell.source = pages.in_korean(cell.source)
    return copy


def carried(decks: Sequence[Path]) -> dict[str, bytes]:
    """Decks with all that they need, for a zip.

    Args:
        decks: from `build`, of one folder.

    Returns:
        Name in that folder to content.
    """
    folder = decks[0].parent
    files = [*decks, *(folder / _ASSETS).rglob("*"), folder / licences.LICENCE, folder / "NOTICE"]
    return {
        file.relative_to(folder).as_posix(): file.read_bytes() for file in files if file.is_file()
    }


def reveal_folder() -> Path:
    """The folder of reveal.js that decks carry parts of.

    Raises:
        WorldError: a package of the extra `publish` is missing.
    """
    try:
        import nbconvert  # noqa: F401, what makes the decks
        import sphinx_revealjs
    except ImportError as error:
        raise WorldError(
            f"expected {error.name}, it is not installed: pip install -e '.[publish]'"
        ) from error
    return Path(sphinx_revealjs.__file__).parent / "_static" / "revealjs"


def write_decks(
    found: Sequence[Executed], target: Path, *, script: Path, notes: bool
) -> list[Path]:
    """Write decks and what they need into a folder, with the licences.

    Args:
        found: the executed chapters.
        target: the folder; made if it is not there.
        script: MathJax, from `site.mathjax`.
        notes: as for `slides_copy`.

    Returns:
        The decks.

    Raises:
        WorldError: a package of the extra `publish` is missing.
    """
    reveal = reveal_folder()
    from nbconvert import SlidesExporter
    from traitlets.config import Config

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
    (target / "NOTICE").write_bytes(licences.notice(licences.of_decks(script, reveal)))
    licence = licences.beside(found[0].chapter.path.parent) if found else {}
    for name, content in licence.items():
        (target / name).write_bytes(content)
    config = Config(SlidesExporter={"reveal_url_prefix": _ASSETS, "reveal_theme": "course"})
    exporter = SlidesExporter(
        config=config, template_file=str(_FILES / "deck.html.j2"), template_name="reveal"
    )
    decks = []
    for one in found:
        name = f"{one.chapter.number} · {one.chapter.title}"
        resources = {
            "deck_assets": _ASSETS,
            "metadata": {"name": name},
            "licence": "".join(licence),
        }
        page, _ = exporter.from_notebook_node(slides_copy(one, notes=notes), resources=resources)
        decks.append(target / f"{one.chapter.stem}.html")
        decks[-1].write_text(page, encoding="utf-8")
    return decks
