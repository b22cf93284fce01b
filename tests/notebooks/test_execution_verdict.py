"""The verdict on an executed notebook, without executing one: what is stored is changed by hand."""

import copy
from pathlib import Path

import pytest
import small_chapters as small
from nbformat.v4 import new_markdown_cell, new_output

from course_utils.notebooks import chapters, documents, execution, records, verdict
from course_utils.notebooks.jobs import Job, Reason

PARAMETERS = {"PROFILE": "quick", "DATA": "embedded", "SEED": 0, "SABOTAGE": ""}
SESSION = {
    "chapter": "00",
    "profile": "quick",
    "data": "embedded",
    "seed": 0,
    "sabotage": "",
    "device": "CPU",
}
CLAIM = {
    "chapter": "00",
    "id": "beats-guessing",
    "statement": "The convnet beats guessing.",
    "observed": 0.8,
    "low": 0.6,
    "high": 0.9,
    "judged": True,
    "held": True,
    "profile": "quick",
    "data": "embedded",
    "seed": 0,
    "device": "CPU",
    "sabotage": "the level is set to 0.1",
    "standard_error": 0.005,
    "mean_low": 0.7,
    "mean_high": 0.9,
}
EXACT = CLAIM | {"id": "twice-two", "observed": 4, "low": 4, "high": 4}
EXERCISE = {"chapter": "00", "name": "half", "passed": True, "message": "right"}
SHOWN = {
    "setup": (records.SESSION, SESSION),
    "claim": (records.CLAIM, CLAIM),
    "exact": (records.CLAIM, EXACT),
    "exercise": (records.EXERCISE, EXERCISE),
}


@pytest.fixture
def source(tmp_path):
    return small.write(tmp_path / "홍 길동", n00_small=small.chapter("00")) / "00_small.ipynb"


def executed(source: Path, **changed):
    """The notebook as a kernel leaves it; `changed` gives other contents of a cell's record."""
    notebook = documents.read(source)
    for count, cell in enumerate((c for c in notebook.cells if c.cell_type == "code"), start=1):
        cell.execution_count = count
        cell.metadata["execution"] = {"shell.execute_reply": "2026-01-01T00:00:00Z"}
        if cell.id in SHOWN:
            mime, content = SHOWN[cell.id]
            content = content | changed.get(cell.id, {})
            cell.outputs = [new_output("display_data", {mime: content, "text/plain": "shown"})]
    return notebook


def judge(source: Path, notebook, *, parameters=PARAMETERS, failure=None):
    chapter = chapters.read(source)
    job = Job(chapter, parameters, source.parent)
    return verdict.judge(job, documents.read(source), notebook, failure=failure)


def lines(found):
    return [str(reason) for reason in found.reasons]


def test_a_good_one_is_green_and_counted(source):
    found = judge(source, executed(source))
    assert lines(found) == []
    assert (found.executed, found.cells) == (6, 6)
    assert [claim["id"] for claim in found.claims] == ["beats-guessing", "twice-two"]
    assert [exercise["name"] for exercise in found.exercises] == ["half"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"held": True, "observed": 0.5}, "records held True for 0.5 in (0.6, 0.9)"),
        ({"held": True, "observed": None}, "records held True for None in (0.6, 0.9)"),
        ({"held": True, "observed": "nan"}, "records held True for 'nan' in (0.6, 0.9)"),
        ({"held": 1}, "records held 1 for 0.8 in (0.6, 0.9)"),
        ({"low": 0.2}, "was judged by (0.2, 0.9), its source says (0.6, 0.9)"),
        (
            {"judged": False, "held": None, "low": None, "high": None},
            "was judged by None, its source says (0.6, 0.9)",
        ),
        ({"seed": 1}, "records seed 1, asked was 0"),
        ({"profile": "smoke"}, "records profile 'smoke', asked was 'quick'"),
        ({"chapter": "01"}, "records chapter '01', asked was '00'"),
    ],
)
def test_a_claim_record_that_contradicts_is_red(source, change, expected):
    found = judge(source, executed(source, claim=change))
    assert f"cell 5 (id claim): claim beats-guessing {expected}" in lines(found)


@pytest.mark.parametrize("cell", ["claim", "exercise"])
def test_a_record_without_its_keys_is_red(source, cell):
    notebook = executed(source)
    mime = SHOWN[cell][0]
    content = small.cell(notebook, cell).outputs[0].data[mime]
    gone = "held" if cell == "claim" else "passed"
    del content[gone]
    assert any(line.endswith(f"record without {gone}") for line in lines(judge(source, notebook)))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"profile": "smoke"}, "the session records profile 'smoke', asked was 'quick'"),
        ({"seed": "0"}, "the session records seed '0', asked was 0"),
        ({"seed": False}, "the session records seed False, asked was 0"),
        ({"sabotage": "x"}, "the session records sabotage 'x', asked was ''"),
        ({"chapter": "01"}, "the session records chapter '01', asked was '00'"),
    ],
)
def test_another_session_than_asked_is_red(source, change, expected):
    found = judge(source, executed(source, setup=change))
    assert f"cell 3 (id setup): {expected}" in lines(found)


def test_a_cell_that_began_and_got_no_reply_did_not_run(source):
    notebook = executed(source)
    del small.cell(notebook, "exact").metadata["execution"]
    small.cell(notebook, "exact").metadata["papermill"] = {"status": "completed"}
    found = judge(source, notebook)
    assert lines(found) == ["cell 6 (id exact): this code cell was not executed"]
    assert (found.executed, found.cells) == (5, 6)


def test_what_comes_after_an_early_end_is_no_news(source):
    notebook = executed(source)
    for name in ("exact", "exercise"):
        small.cell(notebook, name).update(execution_count=None, outputs=[])
    failure = Reason("the kernel died", "cell 6 (id exact)")
    assert lines(judge(source, notebook, failure=failure)) == [
        "cell 6 (id exact): the kernel died",
        "cell 7 (id exercise): this code cell was not executed",
    ]


def test_cells_of_another_notebook_are_red(source):
    notebook = executed(source)
    small.cell(notebook, "exact").source += "\n# since then changed"
    expected = "the executed notebook does not hold the code cells of its source"
    assert lines(judge(source, notebook)) == [expected]


def test_cells_of_papermill_do_not_shift_the_numbers(source):
    notebook = executed(source, claim={"observed": 0.5, "held": False})
    marker = new_markdown_cell("failed", metadata={"tags": ["papermill-error-cell-tag"]})
    notebook.cells.insert(0, marker)
    assert lines(judge(source, notebook)) == [
        "cell 5 (id claim): claim beats-guessing missed: observed 0.5, band from 0.6 to 0.9"
    ]


def test_a_blank_code_cell_counts_for_nothing(source):
    notebook = documents.read(source)
    blank = copy.deepcopy(small.cell(notebook, "exact"))
    blank.update(id="blank", source=" \n")
    notebook.cells.append(blank)
    documents.write(source, notebook)
    later = executed(source)
    small.cell(later, "blank").execution_count = None
    assert lines(judge(source, later)) == []


SABOTAGED = PARAMETERS | {"SABOTAGE": "beats-guessing"}
MISSED = {"observed": 0.1, "held": False}
AS_ASKED = {"sabotage": "beats-guessing"}


def test_a_sabotaged_claim_that_misses_is_green(source):
    notebook = executed(source, setup=AS_ASKED, claim=MISSED, exercise={"passed": False})
    found = judge(source, notebook, parameters=SABOTAGED)
    assert lines(found) == []
    assert found.notes == ()


def test_others_that_miss_with_it_are_listed(source):
    notebook = executed(source, setup=AS_ASKED, claim=MISSED, exact={"observed": 5, "held": False})
    found = judge(source, notebook, parameters=SABOTAGED)
    assert lines(found) == []
    assert found.notes == ("sabotaging beats-guessing made others miss too: twice-two",)


def test_a_sabotaged_claim_that_still_holds_is_red(source):
    found = judge(source, executed(source, setup=AS_ASKED), parameters=SABOTAGED)
    assert lines(found) == [
        "cell 5 (id claim): claim beats-guessing was sabotaged and still holds "
        "(observed 0.8, band from 0.6 to 0.9): as it stands it cannot fail"
    ]


def test_of_several_sabotaged_claims_each_must_miss(source):
    parameters = PARAMETERS | {"SABOTAGE": "beats-guessing+twice-two"}
    as_asked = {"sabotage": "beats-guessing+twice-two"}
    wrong = {"observed": 5, "held": False}
    notebook = executed(source, setup=as_asked, claim=MISSED, exact=wrong)
    assert lines(judge(source, notebook, parameters=parameters)) == []
    notebook = executed(source, setup=as_asked, claim=MISSED)
    (reason,) = lines(judge(source, notebook, parameters=parameters))
    assert "claim twice-two was sabotaged and still holds (observed 4, band from 4 to 4)" in reason


def test_a_row_says_which_claim_was_broken():
    found = ({"id": "a"}, {"id": "b"}, {"id": "c"})
    rows = execution.rows(found, seconds=1.0, sabotaged=("a", "b"))
    assert [row["sabotaged"] for row in rows] == ["a", "b", "a+b"]


def test_another_claim_missing_does_not_do(source):
    notebook = executed(source, setup=AS_ASKED, exact={"observed": 5, "held": False})
    (reason,) = lines(judge(source, notebook, parameters=SABOTAGED))
    assert "claim beats-guessing was sabotaged and still holds" in reason


def test_a_sabotaged_claim_without_record_is_red(source):
    notebook = executed(source, setup=AS_ASKED)
    small.cell(notebook, "claim").outputs = []
    assert lines(judge(source, notebook, parameters=SABOTAGED)) == [
        "claim beats-guessing stands in the source and was not recorded"
    ]


def test_a_cell_that_raises_is_red_under_sabotage_too(source):
    notebook = executed(source, setup=AS_ASKED, claim=MISSED)
    error = new_output("error", ename="ValueError", evalue="\x1b[31mno\x1b[0m\nmore", traceback=[])
    small.cell(notebook, "exact").outputs = [error]
    found = judge(source, notebook, parameters=SABOTAGED)
    assert lines(found) == ["cell 6 (id exact): raised ValueError: no"]


def test_smoke_judges_nothing(source):
    smoke = PARAMETERS | {"PROFILE": "smoke"}
    unjudged = {"profile": "smoke", "judged": False, "held": None, "low": None, "high": None}
    notebook = executed(source, setup={"profile": "smoke"}, claim=unjudged, exact=unjudged)
    assert lines(judge(source, notebook, parameters=smoke)) == []
