"""Decks of slides, one a chapter, cut from its cells: there is no other source.

nbconvert makes a reveal.js deck from the cells' slide types; scripts, styles and fonts lie beside
the decks, so that each opens from a file, without a network. In the browser a small script packs
the cells of a slide onto as many slides of 1280 × 720 as they need, and none overflows.
"""

import importlib.util
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from nbformat import NotebookNode, from_dict

from course_tools.notebooks import documents
from course_tools.publish import executed, licenses, pages
from course_tools.publish.executed import Executed
from course_utils.errors import WorldError

__all__ = ["build", "carried", "mathjax", "reveal_folder", "slides_copy", "write_decks"]

_FILES = Path(__file__).with_name("files")
_ASSETS = "deck"


def build(
    source: Path, runs: Sequence[Path], target: Path, *, names: Iterable[str] = ()
) -> list[Path]:
    """Make the decks of executed chapters, with speaker's notes, into a folder.

    Each file there is replaced whole, once all decks are made; files of other names are left alone.
    """
    found = executed.read(source, runs, names)
    with documents.writing(target):
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target, prefix=".slides-") as work:
            decks = write_decks(found, Path(work), notes=True)
            for file in filter(Path.is_file, sorted(Path(work).rglob("*"))):
                place = target / file.relative_to(work)
                place.parent.mkdir(parents=True, exist_ok=True)
                file.replace(place)
    return [target / deck.name for deck in decks]


def slides_copy(chapter: Executed, *, notes: bool) -> NotebookNode:
    """A chapter as a deck shows it: the reader's copy.

    With notes, cells tagged instructor are speaker's notes. They stand in the deck's file, where
    every reader of the file finds them.
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
    """Decks of one folder with all that they need, by their names there, for a zip."""
    folder = decks[0].parent
    files = [*decks, *(folder / _ASSETS).rglob("*"), folder / licenses.LICENSE, folder / "NOTICE"]
    return {
        file.relative_to(folder).as_posix(): file.read_bytes() for file in files if file.is_file()
    }


def mathjax() -> Path:
    """The one file of MathJax that site and decks carry."""
    found = importlib.util.find_spec("mathjax")
    for place in (found.submodule_search_locations or ()) if found else ():
        file = Path(place) / "static" / "mathjax" / "es5" / "tex-svg-full.js"
        if file.is_file():
            return file
    raise WorldError(
        "expected MathJax from the package django-static-mathjax, it is not installed: "
        "pip install -e '.[publish]'"
    )


def reveal_folder() -> Path:
    """The folder of reveal.js that decks carry parts of."""
    try:
        import nbconvert  # noqa: F401, what makes the decks
        import sphinx_revealjs
    except ImportError as error:
        raise WorldError(
            f"expected {error.name}, it is not installed: pip install -e '.[publish]'"
        ) from error
    return Path(sphinx_revealjs.__file__).parent / "_static" / "revealjs"


def write_decks(found: Sequence[Executed], target: Path, *, notes: bool) -> list[Path]:
    """Write decks and what they need into a new folder, with the licenses."""
    reveal, script = reveal_folder(), mathjax()
    from nbconvert import SlidesExporter
    from traitlets.config import Config

    themes = target / _ASSETS / "dist" / "theme"
    fonts = reveal / "dist" / "theme" / "fonts" / "source-sans-pro"
    kept = shutil.ignore_patterns("*.eot", "*.ttf")
    shutil.copytree(fonts, themes / "fonts" / fonts.name, ignore=kept)
    shutil.copy(_FILES / "deck.css", themes / "course.css")
    shutil.copy(reveal / "dist" / "reveal.css", themes.parent)
    scripts = (reveal / "dist" / "reveal.js", reveal / "plugin" / "notes" / "notes.js")
    for file in (*scripts, _FILES / "deck.js", script):
        shutil.copy(file, target / _ASSETS)
    (target / "NOTICE").write_bytes(licenses.notice(licenses.of_decks(script, reveal)))
    license = licenses.beside(found[0].chapter.path.parent) if found else {}
    for name, content in license.items():
        (target / name).write_bytes(content)
    config = Config(SlidesExporter={"reveal_url_prefix": _ASSETS, "reveal_theme": "course"})
    exporter = SlidesExporter(
        config=config, template_file=str(_FILES / "deck.html.j2"), template_name="reveal"
    )
    decks = []
    for one in found:
        resources = {
            "deck_assets": _ASSETS,
            "metadata": {"name": f"{one.chapter.number} · {one.chapter.title}"},
            "license": "".join(license),
        }
        page, _ = exporter.from_notebook_node(slides_copy(one, notes=notes), resources=resources)
        decks.append(target / f"{one.chapter.stem}.html")
        decks[-1].write_text(page, encoding="utf-8")
    return decks
