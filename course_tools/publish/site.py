"""The site: executed chapters, claims, glossary and the package's own pages, as plain files.

Sphinx makes it with MyST-NB and the book theme. Nothing is executed and nothing fetched: MathJax
comes out of an installed package, fonts and styles out of the theme. A warning of Sphinx is an
error: a link that leads nowhere, an image that is not there, a heading out of its order.
"""

import contextlib
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from course_tools.notebooks import documents
from course_tools.publish import executed, instructor, licenses, pages, shelf, slides, student
from course_tools.publish.executed import Executed
from course_utils.errors import InputError, WorldError

__all__ = ["Site", "build", "served"]

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
# explorers read images that the reader has chosen.
_POLICY = """
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'self' file: data: blob: \
'unsafe-inline'; object-src 'none'">"""


@dataclass(frozen=True)
class Site:
    """What `build` made: its folder, how many pages, and the megabytes of all files."""

    folder: Path
    pages: int
    size_mb: float

    def __str__(self) -> str:
        """One line for the command line."""
        return f"{self.folder / 'index.html'}: {self.pages} pages, {self.size_mb:.0f} MB"


def build(
    source: Path,
    runs: Sequence[Path],
    target: Path,
    *,
    names: Iterable[str] = (),
    solutions: bool = False,
    address: str = "",
) -> Site:
    """Build the site. The folder there before is replaced once the new one is whole.

    With `solutions`, it offers the instructor's copies, too, and speaker's notes. The address is
    the one from which a hosted notebook installs the course; "" leaves that open.
    """
    _check_target(target)
    found = executed.read(source, runs, names)
    # Beside the target, so that it is renamed into its place and not copied there.
    place = target.resolve()
    with documents.writing(target):
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".course-site-", dir=place.parent) as name:
            work = Path(name)
            _write(work / "src", found, source, solutions=solutions, address=address)
            _sphinx(work / "src", work / "site")
            # What Sphinx keeps for itself, and a template that the theme copies along.
            templates = (work / "site" / "_static").glob("*webpack-macros.html")
            for path in (work / "site" / ".buildinfo", *templates):
                path.unlink(missing_ok=True)
            for page in (work / "site").rglob("*.html"):
                # Also for what no look at the pages finds: a script that puts an address together.
                text = page.read_text("utf-8").replace("<head>", f"<head>{_POLICY}", 1)
                page.write_text(text, "utf-8")
            _replace(place, work / "site", old=work / "old")
    files = [path for path in target.rglob("*") if path.is_file()]
    return Site(
        target,
        sum(path.suffix == ".html" for path in files),
        sum(path.stat().st_size for path in files) / 1e6,
    )


def _check_target(target: Path) -> None:
    """Refuse to replace what is no site."""
    with documents.writing(target):
        there = target.exists() and (target.is_file() or any(target.iterdir()))
        if there and not (target / "searchindex.js").is_file():
            raise InputError(
                f"expected a folder for the site that is empty or holds an older site, received "
                f"{target}: choose another with --out"
            )


def _replace(target: Path, new: Path, *, old: Path) -> None:
    """Put a folder in the place of another of the same disk; what fails leaves the other there."""
    if target.exists():
        target.rename(old)
    try:
        new.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise


def _write(src: Path, found: Sequence[Executed], source: Path, *, solutions, address) -> None:
    """Write all that Sphinx reads."""
    for folder in ("chapters/linked", "api", "_static/mathjax", "_static/figures", "extra/slides"):
        (src / folder).mkdir(parents=True)
    (src / "conf.py").write_text(_CONFIGURATION, encoding="utf-8")
    for name in ("course.css", "course.js", "favicon.svg"):
        shutil.copy(_FILES / name, src / "_static")
    shutil.copy(slides.mathjax(), src / "_static/mathjax")
    figures = {}
    for one in found:
        figure = pages.first_figure(one)
        if figure:
            place = f"_static/figures/{one.chapter.number}.png"
            (src / place).write_bytes(figure[0])
            figures[one.chapter.number] = (place, figure[1])
    versions = write_downloads(
        found, source, src / "extra/downloads", solutions=solutions, address=address
    )
    slides.write_decks(found, src / "extra/slides", notes=solutions)
    license = licenses.beside(source)
    for name, content in license.items():
        (src / "extra" / name).write_bytes(content)
    decks = licenses.of_decks(slides.mathjax(), slides.reveal_folder())
    carried = [*licenses.of_pages(), *decks]
    (src / "extra" / "NOTICE").write_bytes(licenses.notice(carried))

    def copied(path: Path) -> str:
        shutil.copy(path, src / "chapters" / "linked")
        return f"linked/{path.name}"

    for one in found:
        stem = one.chapter.stem
        offers = [
            ("Student's notebook", f"../downloads/student/{stem}.ipynb"),
            ("With outputs", f"../downloads/executed/{stem}.ipynb"),
            ("Slides", f"../slides/{stem}.html"),
        ]
        if solutions:
            offers.append(("Instructor's notebook", f"../downloads/instructor/{stem}.ipynb"))
        page = pages.chapter_page(one, downloads=offers, copied=copied)
        documents.write(src / "chapters" / f"{stem}.ipynb", page)
    reference = ["claims", "glossary", "downloads", "api/index"]
    texts = {
        "index": pages.landing_page(found, figures=figures, reference=reference),
        "claims": pages.claims_page(found),
        "glossary": pages.glossary_page(found),
        "downloads": pages.downloads_page(found, versions, licensed=bool(license)),
        **pages.reference_pages(),
    }
    for name, text in texts.items():
        (src / f"{name}.md").write_text(text, encoding="utf-8")


def write_downloads(
    found: Sequence[Executed], source: Path, target: Path, *, solutions: bool, address: str = ""
) -> list[str]:
    """Write each chapter in each version, and each version as a zip; returns the versions."""
    names = [one.chapter.number for one in found]
    reading = licenses.beside(source)
    for one in found:
        copy = licenses.named(pages.reader_copy(one), source)
        if address:
            copy = student.hosted(copy, address)
        reading |= {
            one.chapter.path.name: documents.dump(copy),
            **student.shown_files(copy, source),
        }
    versions = {
        "student": student.student_files(source, names, address=address),
        "executed": reading,
    }
    if solutions:
        versions["instructor"] = instructor.instructor_files(source, names)
    for version, files in versions.items():
        for name, content in files.items():
            place = target / version / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        shelf.write_zip(target / f"{version}.zip", files)
    return list(versions)


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


class _Quiet(SimpleHTTPRequestHandler):
    """Files of a folder, without a line for each request."""

    def log_message(self, *parts: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def served(folder: Path, *, port: int = 0) -> Iterator[str]:
    """Serve a folder on the loopback address as long as the block runs; port 0 is any free one.

    The folder may come later, and be replaced meanwhile.
    """
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), partial(_Quiet, directory=str(folder)))
    except OSError as error:
        raise WorldError(
            f"expected port {port} to be free, it is not ({error.strerror}): "
            "choose another with --port"
        ) from error
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
