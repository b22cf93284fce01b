"""The part of a chapter that some cells need: what they read, and what sets or changes that."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_tools.notebooks import chapters, documents, slicing
from course_tools.run.fingerprint import ROOT

SETUP = "import numpy as np\nfrom course_utils import claims, plots\n"


def chapter(*sources: str) -> nbformat.NotebookNode:
    cells = [
        new_markdown_cell("# Small", id="title"),
        new_code_cell("SEED = 0", id="parameters", metadata={"tags": ["parameters"]}),
        new_code_cell(SETUP, id="setup", metadata={"tags": ["setup"]}),
    ]
    cells += [new_code_cell(source, id=f"c{n}") for n, source in enumerate(sources)]
    return new_notebook(cells=cells)


def kept(*sources: str, last: str) -> list[str]:
    """Which of the sources are kept for the sake of the last cell."""
    part = slicing.needed(chapter(*sources, last), lambda cell: cell.source == last)
    ids = [cell.id for cell in part.cells if cell.cell_type == "code"]
    assert ids[:2] == ["parameters", "setup"] and ids[-1] == f"c{len(sources)}"
    return [sources[int(id[1:])] for id in ids[2:-1]]


@pytest.mark.parametrize(
    ("needed", "last"),
    [
        ("x = 1", "print(x)"),
        ("def f():\n    return 1", "f()"),
        ("for x in range(3):\n    pass", "print(x)"),
        ("import math", "math.sqrt(4)"),
        ("with open('a') as x:\n    pass", "print(x)"),
    ],
)
def test_what_sets_a_name_is_needed(needed, last):
    assert kept(needed, "y = 2", last=last) == [needed]


@pytest.mark.parametrize(
    "change",
    [
        "x.fit(3)",
        "history = x.fit(3)",
        "train(x)",
        "x[0] = 1",
        "x.rate = 1",
        "x += 1",
        "x['a'].append(1)",
        "if True:\n    x.compile()",
    ],
)
def test_what_changes_a_name_in_place_is_needed(change):
    assert kept("x = make()", change, "z = x.shape", last="print(x)") == ["x = make()", change]


def test_what_only_looks_is_not_needed():
    looks = ("plots.show(plots.curves(history), 'Falls.')", "print(history)", "n = len(history)")
    assert kept("history = 1", *looks, last="x = history") == ["history = 1"]


def test_what_a_function_reads_is_needed_where_it_is_called():
    cells = ("data = 1", "def f(x):\n    local = x\n    return local + data", "local = 5")
    assert kept(*cells, last="y = f(2)") == list(cells[:2])


def test_needs_are_followed_backwards():
    cells = ("a = 1", "unused = a", "b = a + 1", "c = b")
    assert kept(*cells, last="print(c)") == ["a = 1", "b = a + 1", "c = b"]


def test_what_comes_later_is_not_needed():
    notebook = chapter("x = 1", "print(x)", "x = 2")
    part = slicing.needed(notebook, lambda cell: cell.source == "print(x)")
    assert [cell.id for cell in part.cells][-2:] == ["c0", "c1"]
    assert len(notebook.cells) == 6  # the chapter itself is left as it is


def test_an_exercise_needs_no_earlier_cell_that_uses_its_name():
    notebook = chapter("def half(x):\n    return 0", "def half(x): ...\nprint(half)")
    documents_cell = notebook.cells[-1]
    documents_cell.metadata["tags"] = ["exercise"]
    part = slicing.needed(notebook, lambda cell: "exercise" in documents.tags(cell))
    assert "c0" not in [cell.id for cell in part.cells]


@pytest.mark.parametrize(
    "path", sorted((ROOT / "notebooks").glob("0*.ipynb")), ids=lambda p: p.stem
)
def test_each_claim_of_a_chapter_needs_less_than_the_whole(path):
    read = chapters.read(path)
    notebook = documents.read(path)
    whole = sum(cell.cell_type == "code" for cell in notebook.cells)
    for claim in read.claims:
        check = f'claims.check("{claim.id}"'
        part = slicing.needed(notebook, lambda cell, check=check: check in cell.source)
        cells = [cell for cell in part.cells if cell.cell_type == "code"]
        assert check in cells[-1].source and len(cells) < whole
        if claim.mutant.cell:
            assert claim.mutant.cell in [cell.id for cell in cells]
