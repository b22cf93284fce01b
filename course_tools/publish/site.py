"""The site: executed chapters, claims, glossary and the package's own pages, as plain files.

Sphinx makes it with MyST-NB and the book theme. Nothing is executed and nothing fetched: MathJax
comes out of an installed package, fonts and styles out of the theme. A warning of Sphinx is an
error, and what Sphinx does not look at, `checking` does.
"""

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from course_tools.notebooks import documents
from course_tools.publish import bundles, checking, executed, licences, pages, promises, slides
from course_tools.publish.reference import reference_pages
from course_utils.errors import InputError, WorldError

__all__ = ["Site", "build", "mathjax"]

_FILES = Path(__file__).with_name("files")

_CONFIGURATION = """\
project = "Convolutional networks, claim by claim"
author = "the authors of the course"
copyright = "the authors of the course; text CC BY 4.0, code MIT"
language = "en"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.githubpages"]
nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 4
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "none"
napoleon_use_ivar = True
# An attribute is listed as a link to its own name, which attributes of other classes may share.
suppress_warnings = ["ref.python"]
html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["_static"]
html_extra_path = ["extra"]
html_favicon = "_static/favicon.svg"
html_css_files = ["course.css"]
html_js_files = ["course.js"]
html_copy_source = False
html_show_sourcelink = False
mathjax_path = "mathjax/tex-svg-full.js"
html_context = {"default_mode": "auto"}
html_theme_options = {
    "navbar_persistent": [],
    "use_download_button": False,
    "use_fullscreen_button": False,
    "home_page_in_toc": True,
    "show_toc_level": 2,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
"""

# Pages are read from a server or from files; their scripts and styles stand in them, and the
# explorers read pictures that the reader has chosen.
_POLICY = """
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'self' file: data: blob: \
'unsafe-inline'; object-src 'none'">"""


@dataclass(frozen=True)
class Site:
    """What `build` made.

    Attributes:
        folder: the site; `index.html` is its first page.
        pages: how many pages it has.
        size_mb: of all files, in megabytes.
    """

    folder: Path
    pages: int
    size_mb: float

    def __str__(self) -> str:
        """One line for the command line."""
        return f"{self.folder / 'index.html'}: {self.pages} pages, {self.size_mb:.0f} MB"


def build(
    source: Path,
    run: Path | Sequence[Path],
    target: Path,
    *,
    names: Iterable[str] = (),
    instructor: bool = False,
    address: str = "",
) -> Site:
    """Build the site. The folder there before is replaced once the new one is whole.

    Args:
        source: the folder of the chapters.
        run: the folder of a run in which they were executed, or several (see `executed.read`).
        target: where to.
        names: chapters as `chapters.select` takes them; all without any.
        instructor: offer the instructor's copies, with solutions, too, and speaker's notes.
        address: from which a hosted notebook installs the course; "" leaves that open.

    Returns:
        What was made.

    Raises:
        InputError: a chapter is not fit to be published (see `executed.read`), the target holds
            something else than a site, or Sphinx or `checking` found a fault.
        WorldError: a package of the extra `publish` is missing.
    """
    if target.exists() and any(target.iterdir()) and not (target / "searchindex.js").is_file():
        raise InputError(
            f"expected a folder for the site that is empty or holds an older site, received "
            f"{target}: choose another with --out"
        )
    names = tuple(names)
    found = executed.read(source, run, names)
    script = mathjax()
    with tempfile.TemporaryDirectory(prefix="course-site-") as name:
        work = Path(name)
        _write(work / "src", found, source, script, instructor=instructor, address=address)
        _sphinx(work / "src", work / "out")
        shutil.rmtree(work / "out" / ".doctrees", ignore_errors=True)
        # What Sphinx keeps for itself, and a template that the theme copies along.
        templates = (work / "out" / "_static").glob("*webpack-macros.html")
        for path in (work / "out" / ".buildinfo", *templates):
            path.unlink(missing_ok=True)
        _guard(work / "out")
        faults = checking.faults(work / "out")
        if faults:
            raise InputError(f"expected a site without faults, received: {'; '.join(faults)}")
        if target.exists():
            shutil.rmtree(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(work / "out", target)
    files = [path for path in target.rglob("*") if path.is_file()]
    return Site(
        target,
        sum(path.suffix == ".html" for path in files),
        sum(path.stat().st_size for path in files) / 1e6,
    )


def mathjax() -> Path:
    """The one file of MathJax that sites and decks carry.

    Raises:
        WorldError: the package that carries it is not installed.
    """
    found = importlib.util.find_spec("mathjax")
    places = list(found.submodule_search_locations or ()) if found else []
    for place in places:
        file = Path(place) / "static" / "mathjax" / "es5" / "tex-svg-full.js"
        if file.is_file():
            return file
    raise WorldError(
        "expected MathJax from the package django-static-mathjax, it is not installed: "
        "pip install -e '.[publish]'"
    )


def _write(src: Path, found, source: Path, script: Path, *, instructor: bool, address: str) -> None:
    """Write all that Sphinx reads."""
    for folder in ("chapters", "api", "_static/mathjax", "_static/figures", "extra"):
        (src / folder).mkdir(parents=True)
    (src / "conf.py").write_text(_CONFIGURATION, encoding="utf-8")
    for name in ("course.css", "course.js", "favicon.svg"):
        shutil.copy(_FILES / name, src / "_static")
    shutil.copy(script, src / "_static/mathjax")
    figures = {}
    for one in found:
        figure = pages.first_figure(one)
        if figure:
            place = f"_static/figures/{one.chapter.number}.png"
            (src / place).write_bytes(figure[0])
            figures[one.chapter.number] = (place, figure[1])
    downloads = src / "extra" / "downloads"
    offered = bundles.write_downloads(
        found, source, downloads, instructor=instructor, address=address
    )
    decks = src / "extra" / "slides"
    slides.write_decks(found, decks, script=script, notes=instructor)
    licence = licences.beside(source)
    for name, content in licence.items():
        (src / "extra" / name).write_bytes(content)
    parts = [*licences.of_pages(), *licences.of_decks(script, slides.reveal_folder())]
    (src / "extra" / "NOTICE").write_bytes(licences.notice(parts))
    for one in found:
        _write_chapter(src, one, source, instructor=instructor)
    reference = ["claims", "glossary", "downloads", "api/index"]
    texts = {
        "index": pages.landing_page(found, figures=figures, reference=reference),
        "claims": promises.claims_page(found),
        "glossary": pages.glossary_page(found),
        "downloads": bundles.downloads_page(
            found, offered, instructor=instructor, licensed=bool(licence)
        ),
        **reference_pages(),
    }
    for name, text in texts.items():
        (src / f"{name}.md").write_text(text, encoding="utf-8")


def _write_chapter(src: Path, one: executed.Executed, source: Path, *, instructor: bool) -> None:
    stem = one.chapter.stem
    offers = [
        ("Student's notebook", f"../downloads/student/{stem}.ipynb"),
        ("With outputs", f"../downloads/executed/{stem}.ipynb"),
        ("Slides", f"../slides/{stem}.html"),
    ]
    if instructor:
        offers.append(("Instructor's notebook", f"../downloads/instructor/{stem}.ipynb"))
    page = pages.chapter_page(one, downloads=offers)

    def copied(path: Path) -> str:
        place = Path("linked") / path.name
        (src / "chapters" / "linked").mkdir(exist_ok=True)
        shutil.copy(path, src / "chapters" / place)
        return place.as_posix()

    pages.outside_links(page, source, copied)
    documents.write(src / "chapters" / f"{stem}.ipynb", page)


def _guard(folder: Path) -> None:
    """Write into each page that a browser may ask nobody but the site itself.

    Also for what no look at the pages finds, as a script that puts an address together.
    """
    for page in folder.rglob("*.html"):
        text = page.read_text("utf-8")
        page.write_text(text.replace("<head>", f"<head>{_POLICY}", 1), "utf-8")


def _sphinx(src: Path, out: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html"]
    done = subprocess.run(
        [*command, "-d", str(src.parent / "doctrees"), str(src), str(out)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return
    if "No module named" in done.stderr and "sphinx" in done.stderr.splitlines()[-1]:
        raise WorldError("expected Sphinx, it is not installed: pip install -e '.[publish]'")
    said = [line.replace(f"{src}/", "") for line in done.stderr.splitlines() if line.strip()]
    raise InputError(f"expected Sphinx to have no complaint, received: {'; '.join(said[:20])}")
