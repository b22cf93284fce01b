"""Contract cells keep what nbval compares, nothing else is kept, and a stale one turns red."""

import subprocess
import sys

import nbformat
import pytest
import small_chapters as small
from chapter_builder import CONTRACT_TAGS, code, good_chapter, write_course
from nbformat.v4 import new_notebook, new_output

from course_tools import lint as style
from course_tools.notebooks import documents
from course_tools.notebooks.volatile import volatile_text
from course_tools.run import contracts
from course_utils.errors import InputError, WorldError


@pytest.fixture
def write(tmp_path):
    """Write a notebook of code cells; a source that begins with "contract:" is a contract."""

    def run(*sources, sheet=""):
        cells = []
        for place, source in enumerate(sources, start=1):
            tags = CONTRACT_TAGS if source.startswith("contract:") else ()
            cells.append(code(source.removeprefix("contract:"), *tags))
            cells[-1].id = f"c{place}"
        small.write(tmp_path / "홍 길동", sheet=sheet, n00_small=new_notebook(cells=cells))
        return tmp_path / "홍 길동" / "00_small.ipynb"

    return run


def text_of(cell):
    return "".join(output.get("text", "") for output in cell.outputs)


def nbval(folder):
    """Compare all notebooks of a folder with their stored outputs, as CI does."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "-v", "-p", "no:cacheprovider"]
    return subprocess.run([*command, "."], cwd=folder, capture_output=True, text=True)


# Cleaning


def test_clean_takes_everything_but_contracts(write):
    path = write("1 + 1", "contract:print(2)")
    notebook = documents.read(path)
    for cell in notebook.cells:
        cell.execution_count = 4
        cell.outputs = [new_output("stream", text="2\n")]
        cell.metadata.update({"execution": {"iopub.status.busy": "now"}, "collapsed": True})
    notebook.metadata.update({"papermill": {"duration": 1}, "widgets": {}})
    notebook.metadata.language_info = {"name": "python", "version": "3.11.7"}

    result = contracts.cleaned(notebook)
    first, second = result.cells
    assert (first.outputs, first.execution_count) == ([], None)
    assert (text_of(second), second.execution_count) == ("2\n", 4)
    assert set(first.metadata) == {"slideshow"} and set(second.metadata) == {"slideshow", "tags"}
    assert result.metadata == {
        "kernelspec": {
            "display_name": "Python 3 (ipykernel)",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"name": "python"},
    }
    assert contracts.cleaned(result) == result


def test_clean_keeps_what_an_author_wrote(tmp_path):
    before = documents.read(write_course(tmp_path))
    after = contracts.cleaned(before)
    assert [cell.source for cell in after.cells] == [cell.source for cell in before.cells]
    assert [cell.metadata for cell in after.cells] == [cell.metadata for cell in before.cells]
    assert after.cells[4] == before.cells[4] and after.cells[4].outputs


# Refreshing


def test_refresh_keeps_contracts_with_their_count_and_strips_the_rest(write):
    path = write(
        "x = 3\nprint('noise')", " ", "contract:print(x)\nprint(x + 1)", "contract:x * 2", "x"
    )
    result = contracts.refresh(path)
    assert (result.contracts, result.changed, result.written) == ((3, 4), (3, 4), True)
    cells = documents.read(path).cells
    assert [cell.execution_count for cell in cells] == [None, None, 2, 3, None]
    assert [bool(cell.outputs) for cell in cells] == [False, False, True, True, False]
    assert text_of(cells[2]) == "3\n4\n"
    assert cells[3].outputs[0].data == {"text/plain": "6"}
    assert cells[3].outputs[0].execution_count == 3
    assert path.read_bytes().endswith(b"}\n")


def test_a_second_refresh_changes_no_byte(write):
    path = write("x = 3", "contract:print(x)", "contract:x")
    contracts.refresh(path)
    before = path.read_bytes(), path.stat().st_mtime_ns
    result = contracts.refresh(path)
    assert (result.changed, result.written) == ((), False)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert str(result) == "00_small.ipynb: 2 contract cells, none changed"


def test_refresh_names_the_contracts_that_changed(write):
    path = write("x = 3", "contract:print(x)", "contract:print(7)")
    contracts.refresh(path)
    notebook = documents.read(path)
    notebook.cells[0].source = "x = 4"
    documents.write(path, notebook)
    assert str(contracts.refresh(path)) == "00_small.ipynb: 2 contract cells, changed: 2"


def test_refresh_runs_the_smallest_profile_without_changing_the_parameters(write):
    sheet = "[parameters]\nWIDTH = { quick = 8, smoke = 2 }"
    path = write(
        'PROFILE = "full"\nSEED = 5\nWIDTH = 8', "contract:print(PROFILE, SEED, WIDTH)", sheet=sheet
    )
    notebook = documents.read(path)
    notebook.cells[0].metadata.tags = ["parameters"]
    documents.write(path, notebook)
    contracts.refresh(path)
    cells = documents.read(path).cells
    assert text_of(cells[1]) == "smoke 5 2\n" and cells[1].execution_count == 2
    assert len(cells) == 2 and 'PROFILE = "full"' in cells[0].source


def test_a_notebook_without_contracts_is_cleaned_and_not_run(write, monkeypatch):
    path = write("raise SystemExit")
    monkeypatch.setattr(contracts.engine, "attempt", None)
    assert contracts.refresh(path).contracts == ()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import sys; print('W0000', file=sys.stderr)", "nothing on stderr, received W0000"),
        ("import os; os.write(2, b'from C')", "nothing on stderr, received from C"),
        ("print(object())", "an address in memory: 0x"),
        ("print('4/4 - 12ms/step')", "a time that was measured: 12ms/step"),
        ("x = 1", "expected a contract cell that shows something"),
        (
            "from IPython.display import display\ndisplay({'image/png': 'iVBORw0KGgo='}, raw=True)",
            "expected text, received image/png",
        ),
        ("1 / 0", "received ZeroDivisionError: division by zero: mend the cell"),
        ("import os; os._exit(1)", "cell 2: expected a notebook that runs"),
    ],
)
def test_refresh_refuses_what_cannot_be_compared_and_leaves_the_source(write, source, message):
    path = write("import os", f"contract:{source}")
    before = path.read_bytes()
    with pytest.raises(InputError) as error:
        contracts.refresh(path)
    assert str(error.value).startswith("00_small.ipynb, cell 2") and message in str(error.value)
    assert path.read_bytes() == before


def test_refresh_refuses_a_notebook_that_fails_after_its_contract(write):
    path = write("contract:print(1)", "1 / 0")
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"cell 2 \(id c2\).*ZeroDivisionError"):
        contracts.refresh(path)
    assert path.read_bytes() == before


def test_an_authors_edit_meanwhile_is_not_lost(write):
    path = write("placeholder", "contract:print(1)")
    notebook = documents.read(path)
    notebook.cells[0].source = f"open({str(path)!r}, 'a').write(' ')"
    documents.write(path, notebook)
    before = path.read_bytes()
    with pytest.raises(InputError, match="but it was changed: run it again"):
        contracts.refresh(path)
    assert path.read_bytes() == before + b" "


# Copies for nbval, which executes a notebook as it stands


def test_copies_have_the_values_of_smoke_and_the_comments_of_the_chapter(tmp_path):
    source = small.write(
        tmp_path / "홍 길동", n00_small=small.chapter(), n01_more=small.chapter("01")
    )
    before = (source / "00_small.ipynb").read_bytes()
    copies = contracts.write_smoke_copies(source, tmp_path / "runs" / "contracts")
    assert [copy.name for copy in copies] == ["00_small.ipynb", "01_more.ipynb"]
    notebook = documents.read(copies[0])
    found = {}
    exec(small.cell(notebook, "parameters").source, found)
    assert [found[name] for name in ("PROFILE", "DATA", "WIDTH", "NAME", "DEEP")] == [
        *("smoke", "embedded", 2, "hat", False)
    ]
    assert "WIDTH = 2  # filters of the first layer" in small.cell(notebook, "parameters").source
    assert small.cell(notebook, "contract") == small.cell(small.chapter(), "contract")
    assert (source / "00_small.ipynb").read_bytes() == before


def test_new_copies_replace_the_old_ones_and_nothing_else(tmp_path):
    source = small.write(tmp_path / "홍 길동", n00_small=small.chapter())
    target = tmp_path / "copies"
    target.mkdir()
    for name in ("01_renamed.ipynb", "my_notes.ipynb", "notes.txt"):
        (target / name).write_text("{}")
    contracts.write_smoke_copies(source, target)
    assert sorted(p.name for p in target.iterdir()) == [
        *("00_small.ipynb", "my_notes.ipynb", "notes.txt")
    ]


@pytest.mark.parametrize(
    ("target", "error"), [("홍 길동", InputError), ("notes.txt", WorldError), ("홍 길동/..", None)]
)
def test_the_chapters_themselves_never_become_copies(tmp_path, target, error):
    source = small.write(tmp_path / "홍 길동", n00_small=small.chapter())
    (tmp_path / "notes.txt").write_text("mine")
    before = (source / "00_small.ipynb").read_bytes()
    if error is None:
        contracts.write_smoke_copies(source, tmp_path / target)
    else:
        with pytest.raises(error, match=target):
            contracts.write_smoke_copies(source, tmp_path / target)
    assert (source / "00_small.ipynb").read_bytes() == before
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    "text",
    [
        "<Dense at 0x7f2a90b1c0d0>",
        "3.2 s",
        "12ms/step",
        "100 µs",
        "Wall time: 3",
        "2026-01-31",
        "at 12:30:59",
        "/home/me/x.png",
    ],
)
def test_text_that_changes_is_recognised(text):
    assert len(volatile_text(text)) == 1


@pytest.mark.parametrize(
    "text",
    ["(None, 148, 148, 32) 896", "0xFF", "3 stages", "1:2:3", "model/home/", "16 samples", "2-3-4"],
)
def test_text_that_stays_is_accepted(text):
    assert volatile_text(text) == []


# What nbval sees


def test_nbval_fails_a_stale_contract_and_passes_over_a_stripped_one(write):
    """Why the rule contract-output exists: with nbval alone a lost output stays green for ever."""
    fresh = write("x = 3", "contract:print(x)")
    contracts.refresh(fresh)
    stale, stripped = fresh.with_name("01_stale.ipynb"), fresh.with_name("02_stripped.ipynb")
    notebook = documents.read(fresh)
    notebook.cells[1].outputs[0].text = "4\n"
    documents.write(stale, notebook)
    notebook.cells[1].outputs, notebook.cells[1].execution_count = [], None
    documents.write(stripped, notebook)

    result = nbval(fresh.parent)
    assert result.returncode == 1
    failed = [line for line in result.stdout.splitlines() if line.startswith("FAILED")]
    assert len(failed) == 1 and "01_stale.ipynb::Cell 1" in failed[0]
    assert "1 failed, 5 passed" in result.stdout

    assert "contract-output" in {finding.rule for finding in style.check(stripped)}
    assert "contract-output" not in {finding.rule for finding in style.check(fresh)}


def test_a_refreshed_chapter_has_no_finding(tmp_path, monkeypatch):
    notebook = good_chapter()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], 7
    path = write_course(tmp_path, notebook)
    monkeypatch.setattr(
        contracts.engine.kernels, "ROOT", path.parents[1]
    )  # the stand-in package is found first
    contracts.refresh(path)
    assert style.check(path) == []
    nbformat.validate(documents.read(path))
