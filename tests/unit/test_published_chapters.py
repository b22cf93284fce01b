"""What must not be published stops the build, and the message says which chapter and cell."""

from pathlib import Path

import numpy as np
import pytest
import small_chapters as small
from nbformat.v4 import new_markdown_cell, new_output

from course_tools.notebooks import documents
from course_tools.publish import executed
from course_utils import explorer, showing
from course_utils.errors import InputError

STEM = "00_start_here"


@pytest.fixture
def course(tmp_path):
    """A source folder and a run folder whose one chapter counts as executed."""
    source = small.write(tmp_path / "notebooks", n00_start_here=small.chapter())
    store(tmp_path / "run", documents.read(source / f"{STEM}.ipynb"))
    return source, tmp_path / "run"


def store(run, notebook, stem=STEM, **facts):
    usual = {"key": "k", "state": "ok", "mutants": [], "device": "", "seconds": 1.0, "peak_mb": 1.0}
    parameters = {"PROFILE": "quick", "DATA": "embedded"}
    notebook.metadata["course"] = {**usual, "parameters": parameters, **facts}
    run.mkdir(exist_ok=True)
    documents.write(run / f"{stem}.ipynb", notebook)


def refused(source, *runs):
    with pytest.raises(InputError) as error:
        executed.read(source, runs)
    return str(error.value)


def test_what_is_in_order_is_read(course):
    source, run = course
    (one,) = executed.read(source, [run])
    assert (one.profile, one.data, one.seconds) == ("quick", "embedded", 1.0)


def test_a_slide_type_that_changed_since_counts_without_another_execution(course):
    source, run = course
    notebook = documents.read(source / f"{STEM}.ipynb")
    small.cell(notebook, "claim").metadata["slideshow"] = {"slide_type": "skip"}
    documents.write(source / f"{STEM}.ipynb", notebook)
    (one,) = executed.read(source, [run])
    assert small.cell(one.notebook, "claim").metadata["slideshow"] == {"slide_type": "skip"}


def test_a_notebook_that_no_run_has_left_is_not_executed(course):
    source, run = course
    small.write(source, n01_more=small.chapter("01"))
    documents.write(run / "01_more.ipynb", small.chapter("01"))
    said = refused(source, run)
    assert "01_more.ipynb: not executed there" in said and f'course run --out "{run}"' in said
    assert STEM not in said


def test_an_executed_copy_older_than_its_source(course):
    source, run = course
    notebook = documents.read(source / f"{STEM}.ipynb")
    small.cell(notebook, "claim").source += "\n# better"
    documents.write(source / f"{STEM}.ipynb", notebook)
    assert f"{STEM}.ipynb: older than its source in cell 5 (id claim)" in refused(source, run)
    notebook.cells.append(new_markdown_cell("More.", id="more"))
    documents.write(source / f"{STEM}.ipynb", notebook)
    assert "8 cells, not 7" in refused(source, run)


@pytest.mark.parametrize(
    ("facts", "said"),
    [({"state": "red"}, "red"), ({"mutants": ["beats-guessing", "other"]}, "beats-guessing+other")],
)
def test_a_run_that_is_no_good_is_told_with_all_other_faults(course, facts, said):
    source, run = course
    small.write(source, n01_more=small.chapter("01"))
    store(run, documents.read(source / f"{STEM}.ipynb"), **facts)
    found = refused(source, run)
    assert said in found and "01_more.ipynb: not executed there" in found


def test_of_several_runs_the_first_that_has_a_chapter_counts(course, tmp_path):
    source, run = course
    small.write(source, n01_more=small.chapter("01"))
    later = tmp_path / "later"
    store(later, documents.read(source / f"{STEM}.ipynb"), seconds=99.0)
    store(later, documents.read(source / "01_more.ipynb"), "01_more", seconds=2.0)
    assert [one.seconds for one in executed.read(source, [run, later])] == [1.0, 2.0]
    # A chapter that is no good where it counts is not taken from elsewhere in silence.
    store(run, documents.read(source / f"{STEM}.ipynb"), state="red")
    assert "its run was red" in refused(source, run, later)
    small.write(source, n02_none=small.chapter("02"))
    assert "02_none.ipynb: not executed there" in refused(source, run, later)


ELSEWHERE = [
    '<script src="https://cdn.example.org/a.js"></script>',
    '<script src="//cdn.example.org/a.js"></script>',
    '<script>import x from "https://esm.example.org/x"</script>',
    '<script>require(["https://cdn.example.org/plotly"])</script>',
    "<style>@import url(https://fonts.example.org/f.css)</style>",
    '<link rel="stylesheet" href="http://example.org/a.css">',
    '<iframe src="https://example.org"></iframe>',
    '<img alt="A cat." src="https://example.org/a.png">',
    # However a script comes by the address, it must not hold one.
    '<script>const u = "https://a.example.org/x"; s.src = u</script>',
    "<script>s.setAttribute('src', 'https://a.example.org')</script>",
    '<script>new Worker("//a.example.org/w.js")</script>',
    '<script>r.open("GET", `https://a.example.org`)</script>',
    '<script>new WebSocket("wss://a.example.org")</script>',
    '<script>require.config({paths: {p: "https://a.example.org/p"}})</script>',
    '<script type="application/json">"https:\\/\\/a.example.org"</script>',
    "<iframe srcdoc=\"<script src='https://a.example.org/c.js'>\"></iframe>",
    '<p style="background: url(https://a.example.org/c.png)">x</p>',
    '<img alt="A cat." src="a.png" srcset="a.png, //a.example.org/c 2x">',
    '<video poster="https://a.example.org/c.png"></video>',
    '<svg aria-label="x"><image href="https://a.example.org/c"/></svg>',
    '<svg aria-label="x"><use xlink:href="//a.example.org/c"/></svg>',
    '<input type="image" alt="Go" src="https://a.example.org/c">',
    '<img alt="A cat." src="ht\ntps:\\\\a.example.org/c">',
    '<img alt="A > B" src="https://a.example.org/c">',
    "<img alt='A cat.' src='\\\\a.example.org/c'>",
    "<img alt='A cat.' src=&#104;ttps://a.example.org/c>",
    "<b onclick=\"fetch('https://a.example.org')\">x</b>",
    "<a href=\"javascript:fetch('https://a.example.org')\">x</a>",
    '<a href="https://keras.io" style="background: url(//a.example.org/c)">x</a>',
    '<meta http-equiv="refresh" content="0; url=https://a.example.org">',
    '<link rel="alternate stylesheet" href="//a.example.org/c.css">',
    '<base href="https://a.example.org/">',
]
UNHEARD = [
    '<img src="data:image/png;base64,AA==">',
    '<img src="a.png" alt=" ">',
    '<input type="image" src="a.png">',
    "<canvas></canvas>",
    '<svg role="img"><path d="M0 0"/></svg>',
    '<div role="img">:-)</div>',
]
HTML = [
    *[(page, "example.org") for page in ELSEWHERE],
    *[(page, page[:7]) for page in UNHEARD],
    ("</div><p>text</p>", "</div>"),
]


def with_output(data):
    notebook = small.chapter()
    small.cell(notebook, "claim").outputs = [new_output("display_data", data)]
    return executed.faults(notebook, Path("x.ipynb"))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        *[({"text/html": page}, said) for page, said in HTML],
        ({"application/javascript": "alert(1)"}, "a script"),
        ({"text/javascript": "alert(1)"}, "a script"),
        ({"image/png": "AA=="}, "plots.show"),
        ({"image/svg+xml": "<svg><image href='https://example.org'/></svg>"}, "example.org"),
        ({"text/markdown": "![](https://example.org/c.png)"}, "example.org"),
        ({"text/markdown": "![](c.png)"}, "without alt (c.png)"),
        ({"text/markdown": "x <script src='https://example.org/c.js'></script>"}, "example.org"),
        ({"text/markdown": "<script>fetch('https://example.org')</script>"}, "example.org"),
        ({"text/markdown": "<canvas></canvas>"}, "<canvas>"),
    ],
)
def test_an_output_that_a_reader_could_not_see_or_hear_names_its_cell(data, said):
    found = with_output(data)
    assert found and all(fault.startswith("cell 5 (id claim): an output with ") for fault in found)
    assert any(said in fault for fault in found)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("![](cover.png)", "without alt (cover.png)"),
        ("[more](gone.md)", "a broken link, gone.md"),
        ("![A cat.](gone.png)", "a broken link, gone.png"),
        ("![A cat.](attachment:gone.png)", "a broken link, attachment:gone.png"),
        ("![A cat.](https://example.org/cat.png)", "https://example.org/cat.png"),
        ("![A cat.](//example.org/cat.png)", "//example.org/cat.png"),
    ],
)
def test_prose_with_a_broken_link_or_image_stops_the_build(course, text, said):
    source, run = course
    notebook = documents.read(source / f"{STEM}.ipynb")
    notebook.cells[0].source += f"\n\n{text}"
    documents.write(source / f"{STEM}.ipynb", notebook)
    store(run, notebook)
    found = refused(source, run)
    assert f"{STEM}.ipynb, cell 1 (id title): " in found and said in found


@pytest.mark.parametrize(
    "page",
    [
        '<a href="https://keras.io">Keras</a><p title="https://keras.io">https://keras.io</p>',
        "<p><a class=x href=https://keras.io/api>(https://keras.io)</a></p>",
        '<svg xmlns="http://www.w3.org/2000/svg" aria-hidden="true"></svg>',
        '<script>document.createElementNS("http://www.w3.org/2000/svg", "g") // a.b</script>',
        '<script>const end = "</div>"</script><img src="data:image/png,A" alt="A cat.">',
        '<canvas aria-label="A cat."></canvas><canvas>A cat.</canvas>',
        "<svg role='img'><title>A cat.</title></svg><iframe srcdoc='<b>x</b>'></iframe>",
    ],
)
def test_an_address_that_is_only_spoken_of_is_no_fault(page):
    assert with_output({"text/html": page}) == []
    notebook = small.chapter()
    notebook.cells[0].source += "\n\n<https://keras.io/?u=https://a.b> `<img src='https://a.b'>`"
    assert executed.faults(notebook, Path("x.ipynb")) == []


def test_an_output_of_the_explorer_passes(monkeypatch):
    shown = {}
    monkeypatch.setattr(showing, "show", shown.update)
    explorer.convolution(np.eye(6), kernel=np.eye(3))
    assert with_output(shown) == []
