"""What must not be published stops the build, and the message says which chapter and cell."""

from pathlib import Path

import numpy as np
import pytest
import small_chapters as small
from nbformat.v4 import new_markdown_cell, new_output

from course_tools.notebooks import documents
from course_tools.publish import checking, executed, inspection, site
from course_utils import explorer, showing
from course_utils.errors import InputError, WorldError

STEM = "00_start_here"


@pytest.fixture
def course(tmp_path):
    """A source folder and a run folder whose one chapter counts as executed."""
    source = small.write(tmp_path / "notebooks", n00_start_here=small.chapter())
    notebook = documents.read(source / f"{STEM}.ipynb")
    store(tmp_path / "run", notebook)
    return source, tmp_path / "run"


def store(run, notebook, stem=STEM, **facts):
    notebook.metadata["course"] = {
        "key": "k",
        "state": "ok",
        "parameters": {"PROFILE": "quick", "DATA": "embedded"},
        "mutants": [],
        "seconds": 1.0,
        "peak_mb": 1.0,
    } | facts
    run.mkdir(exist_ok=True)
    documents.write(run / f"{stem}.ipynb", notebook)


def refused(course):
    with pytest.raises(InputError) as error:
        executed.read(*course)
    return str(error.value)


def test_what_is_in_order_is_read(course):
    (one,) = executed.read(*course)
    assert (one.profile, one.data, one.seconds) == ("quick", "embedded", 1.0)


def test_a_slide_type_that_changed_since_counts_without_another_execution(course):
    source, _run = course
    notebook = documents.read(source / f"{STEM}.ipynb")
    small.cell(notebook, "claim").metadata["slideshow"] = {"slide_type": "skip"}
    documents.write(source / f"{STEM}.ipynb", notebook)
    (one,) = executed.read(*course)
    assert small.cell(one.notebook, "claim").metadata["slideshow"] == {"slide_type": "skip"}


def test_a_chapter_that_was_not_executed(course):
    source, _run = course
    small.write(source, n01_more=small.chapter("01"))
    said = refused(course)
    assert "01_more.ipynb: not executed there" in said and "course run" in said
    assert STEM not in said


def test_a_notebook_that_no_run_has_left_is_not_executed(course):
    _source, run = course
    documents.write(run / f"{STEM}.ipynb", small.chapter())
    assert f"{STEM}.ipynb: not executed there" in refused(course)


def test_an_executed_copy_older_than_its_source(course):
    source, _run = course
    notebook = documents.read(source / f"{STEM}.ipynb")
    small.cell(notebook, "claim").source += "\n# better"
    documents.write(source / f"{STEM}.ipynb", notebook)
    said = refused(course)
    assert f"{STEM}.ipynb: older than its source in cell 5 (id claim)" in said
    notebook.cells.append(new_markdown_cell("More.", id="more"))
    documents.write(source / f"{STEM}.ipynb", notebook)
    assert "older than its source, which has 8 cells, not 7" in refused(course)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"state": "red"}, "its run was red"),
        ({"mutants": ["beats-guessing", "other"]}, "beats-guessing+other"),
    ],
)
def test_a_run_that_is_no_good(course, facts, said):
    source, run = course
    store(run, documents.read(source / f"{STEM}.ipynb"), **facts)
    assert said in refused(course)


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ('<script src="https://cdn.example.org/a.js"></script>', "<script> from https://cdn."),
        ('<script src="//cdn.example.org/a.js"></script>', "<script> from //cdn."),
        ('<script>import x from "https://esm.example.org/x"</script>', "code that loads https://"),
        ('<script>require(["https://cdn.example.org/plotly"])</script>', "code that loads"),
        ("<style>@import url(https://fonts.example.org/f.css)</style>", "code that loads https://"),
        ('<link rel="stylesheet" href="http://example.org/a.css">', "<link> from http://"),
        ('<iframe src="https://example.org"></iframe>', "<iframe> from https://"),
        ('<img alt="A cat." src="https://example.org/a.png">', "<img> from https://"),
        ('<img src="data:image/png;base64,AA==">', "a picture without alt"),
        ("</div><p>text</p>", "do not match: it would break the page"),
        # However a script comes by the address, it must not hold one.
        ('<script>const u = "https://a.example.org/x"; s.src = u</script>', "code that loads"),
        ("<script>s.setAttribute('src', 'https://a.example.org')</script>", "code that loads"),
        ('<script>new Worker("//a.example.org/w.js")</script>', "code that loads //a.example"),
        ('<script>r.open("GET", `https://a.example.org`)</script>', "code that loads https://a"),
        ('<script>new WebSocket("wss://a.example.org")</script>', "code that loads wss://a"),
        ('<script>require.config({paths: {p: "https://a.b/p"}})</script>', "code that loads"),
        ('<script type="application/json">"https:\\/\\/a.b"</script>', "code that loads https:"),
        ("<iframe srcdoc=\"<script src='https://a.b/c.js'>\"></iframe>", "<iframe> in which <scr"),
        ('<p style="background: url(https://a.b/c.png)">x</p>', "<p> whose style loads https://"),
        ('<img alt="A cat." src="a.png" srcset="a.png, //a.b/c 2x">', "<img> whose srcset loads"),
        ('<video poster="https://a.b/c.png"></video>', "<video> from https://a.b"),
        ('<svg aria-label="x"><image href="https://a.b/c"/></svg>', "<image> from https://a.b"),
        ('<svg aria-label="x"><use xlink:href="//a.b/c"/></svg>', "<use> from //a.b/c"),
        ('<input type="image" alt="Go" src="https://a.b/c">', "<input> from https://a.b"),
        ('<img alt="A cat." src="ht\ntps:\\\\a.b/c">', "<img> from ht"),
        ("<b onclick=\"fetch('https://a.b')\">x</b>", "<b> whose onclick loads https://a.b"),
        ("<a href=\"javascript:fetch('https://a.b')\">x</a>", "<a> whose link loads https://a.b"),
        ('<meta http-equiv="refresh" content="0; url=https://a.b">', "<meta> whose content loads"),
        ('<link rel="alternate stylesheet" href="//a.b/c.css">', "<link> from //a.b/c.css"),
        ('<base href="https://a.b/">', "<base> from https://a.b"),
        ('<img src="a.png" alt=" ">', "a picture without alt (a.png)"),
        ('<input type="image" src="a.png">', "a picture without alt (a.png)"),
        ("<canvas></canvas>", "a drawing without a name (<canvas>)"),
        ('<svg role="img"><path d="M0 0"/></svg>', "a drawing without a name (<svg>)"),
        ('<div role="img">:-)</div>', "a drawing without a name (<div>)"),
    ],
)
def test_an_output_that_loads_from_elsewhere_or_lacks_a_text(course, page, said):
    source, run = course
    notebook = documents.read(source / f"{STEM}.ipynb")
    small.cell(notebook, "claim").outputs = [new_output("display_data", {"text/html": page})]
    store(run, notebook)
    message = refused(course)
    assert f"{STEM}.ipynb, cell 5 (id claim): an output " in message and said in message


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"application/javascript": "alert(1)"}, "an output that is a script"),
        ({"text/javascript": "alert(1)"}, "an output that is a script"),
        ({"image/png": "AA=="}, "a picture without alt; show it with plots.show"),
        ({"image/svg+xml": "<svg><image href='https://a.b'/></svg>"}, "<image> from https://a.b"),
    ],
)
def test_an_output_of_a_kind_that_cannot_be_shown_well(course, data, said):
    source, run = course
    notebook = documents.read(source / f"{STEM}.ipynb")
    small.cell(notebook, "claim").outputs = [new_output("display_data", data)]
    store(run, notebook)
    assert said in refused(course)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("![](cover.png)", "a picture without alt (cover.png)"),
        ("[more](gone.md)", "a broken link, gone.md"),
        ("![A cat.](gone.png)", "a broken link, gone.png"),
        ("![A cat.](attachment:gone.png)", "a broken link, attachment:gone.png"),
        ("![A cat.](https://example.org/cat.png)", "a picture from elsewhere"),
    ],
)
def test_prose_with_a_broken_link_or_picture(course, text, said):
    source, run = course
    notebook = documents.read(source / f"{STEM}.ipynb")
    notebook.cells[0].source += f"\n\n{text}"
    documents.write(source / f"{STEM}.ipynb", notebook)
    store(run, notebook)
    assert f"cell 1 (id title): {said}" in refused(course)


@pytest.mark.parametrize(
    "page",
    [
        '<a href="https://keras.io">Keras</a><p title="https://keras.io">https://keras.io</p>',
        '<svg xmlns="http://www.w3.org/2000/svg" aria-hidden="true"></svg>',
        '<script>document.createElementNS("http://www.w3.org/2000/svg", "g") // a.b</script>',
        '<link rel="canonical" href="https://keras.io"><img src="data:image/png,A" alt="A cat.">',
        '<canvas aria-label="A cat."></canvas><canvas>A cat.</canvas>',
        "<svg><title>A cat.</title></svg><iframe title='x' srcdoc='<b>x</b>'></iframe>",
    ],
)
def test_an_address_that_is_only_spoken_of_is_no_fault(page):
    notebook = small.chapter()
    notebook.cells[0].source += "\n\n<https://keras.io/?u=https://a.b> `<img src='https://a.b'>`"
    small.cell(notebook, "claim").outputs = [new_output("display_data", {"text/html": page})]
    assert inspection.faults(notebook, Path("x.ipynb")) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("![](https://a.b/c.png)", "a picture from elsewhere, https://a.b"),
        ("![](c.png)", "a picture without alt (c.png)"),
        ("x <script src='https://a.b/c.js'></script>", "<script> from https://a.b"),
        ("<script>fetch('https://a.b')</script>", "code that loads https://a.b"),
        ("<canvas></canvas>", "a drawing without a name"),
    ],
)
def test_an_output_of_markdown_is_looked_at_like_prose(text, said):
    notebook = small.chapter()
    output = new_output("display_data", {"text/markdown": text, "text/plain": "x"})
    small.cell(notebook, "claim").outputs = [output]
    found = inspection.faults(notebook, Path("x.ipynb"))
    assert any(f"an output with {said}" in fault for fault in found)


def test_an_output_of_the_explorer_passes(monkeypatch):
    shown = {}
    monkeypatch.setattr(showing, "show", shown.update)
    explorer.convolution(np.eye(6), kernel=np.eye(3))
    notebook = small.chapter()
    small.cell(notebook, "claim").outputs = [new_output("display_data", shown)]
    assert inspection.faults(notebook, Path("x.ipynb")) == []


def test_of_several_runs_the_first_that_has_a_chapter_counts(course, tmp_path):
    source, run = course
    small.write(source, n01_more=small.chapter("01"))
    later = tmp_path / "later"
    store(later, documents.read(source / f"{STEM}.ipynb"), seconds=99.0)
    store(later, documents.read(source / "01_more.ipynb"), "01_more", seconds=2.0)
    found = executed.read(source, [run, later])
    assert [one.seconds for one in found] == [1.0, 2.0]
    # A chapter that is no good where it counts is not taken from elsewhere in silence.
    store(run, documents.read(source / f"{STEM}.ipynb"), state="red")
    with pytest.raises(InputError, match="its run was red"):
        executed.read(source, [run, later])
    small.write(source, n02_none=small.chapter("02"))
    with pytest.raises(InputError, match=r"02_none\.ipynb: not executed there"):
        executed.read(source, [run, later])


def test_all_faults_are_told_at_once(course):
    source, run = course
    small.write(source, n01_more=small.chapter("01"))
    store(run, documents.read(source / f"{STEM}.ipynb"), state="red")
    said = refused(course)
    assert "its run was red" in said and "01_more.ipynb: not executed there" in said


# The built pages


def test_a_built_page_with_a_broken_link_picture_or_anchor(tmp_path):
    (tmp_path / "b.html").write_text('<p id="here">x</p>')
    good = '<a href="b.html#here">b</a><a href="https://keras.io">k</a><a href="#/2">slide</a>'
    (tmp_path / "a.html").write_text(good)
    assert checking.faults(tmp_path) == []
    bad = '<a href="c.html">c</a><a href="b.html#gone">b</a><img src="c.png" alt="c">'
    (tmp_path / "a.html").write_text(bad + '<script src="https://a.b/c.js"></script>')
    assert len(checking.faults(tmp_path)) == 4
    (tmp_path / "a.html").write_text("<div><p>open</p>")
    assert checking.faults(tmp_path) == ["a.html: <div> and </div> do not match"]


def test_a_folder_of_something_else_is_not_replaced(course, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="empty or holds an older site"):
        site.build(*course, tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").is_file()


def test_a_warning_of_sphinx_is_an_error(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "conf.py").write_text('extensions = ["myst_nb"]\n')
    (tmp_path / "src" / "index.md").write_text("# A\n\n[gone](nowhere.md)\n")
    with pytest.raises(InputError, match=r"expected Sphinx to have no complaint.*nowhere"):
        site._sphinx(tmp_path / "src", tmp_path / "out")


def test_without_mathjax_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr(site.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WorldError, match=r"pip install -e '.\[publish\]'"):
        site.mathjax()
