"""A real browser, and what is published in front of it.

Nothing may leave this machine: a page that asks another host for anything fails its test.
"""

import os
import re
from contextlib import contextmanager
from pathlib import Path

import pytest
import small_chapters as small
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright
from reading import letters

from course_tools import stages
from course_tools.notebooks import documents
from course_tools.publish import site as sites
from course_tools.publish.student import student_copy
from course_tools.run import plan, progress, runs
from course_utils import showing

ROOT = Path(__file__).resolve().parent.parent.parent
LOOPBACK = re.compile(r"^(?:https?://127\.0\.0\.1[:/]|file:|data:|blob:|about:)")


@pytest.fixture(scope="session")
def browser():
    path = stages.browser()
    if not path:
        pytest.skip("no Chromium here: apt-get install chromium, or name one in COURSE_BROWSER")
    with sync_playwright() as playwright:
        # Chromium refuses its sandbox to root, as whom containers run.
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def opened(browser):
    """Open a page; what it complained of and asked other hosts for is the test's failure."""

    contexts = {}

    @contextmanager
    def open_page(address, *, width=1280, height=900, **options):
        # Buttons fade from one color scheme to the other; a color in between is no fault.
        options = {"reduced_motion": "reduce", **options}
        # Pages that are opened alike share what they have loaded.
        kind = tuple(sorted(options.items()))
        if kind not in contexts:
            contexts[kind] = browser.new_context(**options)
        page = contexts[kind].new_page()
        page.set_viewport_size({"width": width, "height": height})
        faults = []
        page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("requestfailed", lambda request: faults.append(f"failed: {request.url}"))
        page.on(
            "request",
            lambda r: None if LOOPBACK.match(r.url) else faults.append(f"left: {r.url}"),
        )
        page.goto(address)
        yield page
        page.close()
        assert faults == []

    yield open_page
    for context in contexts.values():
        context.close()


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory):
    """Executed chapters: the course's own where a run is named, else small ones."""
    named = os.environ.get("COURSE_TEST_RUN")
    if named:
        return ROOT / "notebooks", Path(named)
    folder = tmp_path_factory.mktemp("홍 길동")
    source = small.write(folder / "notebooks", **small.published())
    planned = plan.jobs(plan.Request(notebooks=source, profile="quick", out=folder / "run"))
    with Path(os.devnull).open("w") as nowhere, progress.display(nowhere) as display:
        assert runs.run(planned, at_a_time=1, display=display).ok
    return source, folder / "run"


@pytest.fixture(scope="session")
def site(run_folder, tmp_path_factory):
    """The site's folder."""
    source, run = run_folder
    return sites.build(source, [run], tmp_path_factory.mktemp("site") / "홍 길동").folder


@pytest.fixture(scope="session")
def address(site):
    with sites.served(site) as address:
        yield address


@pytest.fixture(scope="session")
def untold(run_folder):
    """What readers must not find: a chapter's stem to the lines of its solutions and notes."""
    source, _run = run_folder
    found = {}
    for path in sorted(source.glob("*.ipynb")):
        notebook = documents.read(path)
        shown = letters("\n".join(cell.source for cell in student_copy(notebook).cells))
        lines = []
        for cell in notebook.cells:
            if "instructor" in documents.tags(cell):
                lines += [line for line in cell.source.splitlines() if len(letters(line)) > 20]
            for text in re.findall(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", cell.source, re.S):
                lines += text.splitlines()
        # A short line may stand anywhere by chance, and what a student sees is told.
        wanted = [letters(line) for line in lines]
        found[path.stem] = [line for line in wanted if len(line) > 6 and line not in shown]
    return found


@pytest.fixture(scope="session")
def serious():
    """What axe-core finds on a page that is serious or worse, as short lines."""
    axe = Axe()
    options = {"resultTypes": ["violations"], "preload": False}

    def look(page):
        return lines(axe.run(page, options=options).response["violations"])

    def lines(found):
        return [
            f"{fault['id']}: {node['target']} {node['failureSummary'][:200]}"
            for fault in found
            if fault["impact"] in ("serious", "critical")
            for node in fault["nodes"][:3]
        ]

    def look_at_slides(page):
        """The same of all slides of a deck at once, which costs a tenth of one by one."""
        page.evaluate(axe.axe_script)
        page.add_style_tag(content=UNROLLED)
        page.evaluate(SHOWN)
        found = page.evaluate("options => axe.run('.reveal .slides', options)", options)
        return lines(found["violations"])

    look.at_slides = look_at_slides
    return look


@pytest.fixture
def page_of(monkeypatch, tmp_path):
    """Write an explorer's HTML into a page of its own; returns its address."""

    def write(explore, *arguments, **options):
        shown = {}
        monkeypatch.setattr(showing, "show", shown.update)
        explore(*arguments, **options)
        file = Path(tmp_path) / "page.html"
        head = (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>x</title>'
            '<meta name="viewport" content="width=device-width"><main><h1>x</h1>'
        )
        file.write_text(head + shown["text/html"] + "</main></html>", "utf-8")
        return file.as_uri()

    return write


# A deck as one long page, on which every slide is seen.
UNROLLED = """
html, body, .reveal, .reveal .slides { overflow: visible !important; height: auto !important;
  position: static !important; transform: none !important; }
.reveal .slides section, .reveal .fragment { display: block !important; opacity: 1 !important;
  visibility: visible !important; position: static !important; transform: none !important; }
.reveal > :not(.slides) { display: none !important; }
"""
SHOWN = """() => {
  for (const slide of document.querySelectorAll(".reveal .slides section")) {
    slide.removeAttribute("hidden");
    slide.removeAttribute("aria-hidden");
  }
}"""
