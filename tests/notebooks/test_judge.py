"""The verdict on an executed notebook, without executing one: what is stored is changed by hand."""

import copy
import json
import threading
from pathlib import Path

import pytest
import small_chapters as small
from nbformat.v4 import new_markdown_cell, new_output

from course_tools.notebooks import chapters, documents, mutants
from course_tools.run import execution, fingerprint, judge, records
from course_tools.run.plan import Job, Reason
from course_utils import claims, lessons, session, showing

PARAMETERS = {
    **{"PROFILE": "quick", "DATA": "embedded", "SEED": 0},
    **{"WIDTH": 8, "RATE": 0.5, "NAME": "hat", "DEEP": False},
}
EXERCISE = {"chapter": "00", "name": "half", "passed": True, "message": "right"}
SHOWN = {"setup": records.SESSION, "claim": records.CLAIM, "exercise": records.EXERCISE}

CLAIM = "cell 5 (id claim)"

# A session is one of a process, and chapters run in threads.
_one_at_a_time = threading.Lock()


@pytest.fixture
def source(tmp_path):
    return small.write(tmp_path / "홍 길동", n00_small=small.chapter("00")) / "00_small.ipynb"


def shown(source: Path, parameters=PARAMETERS, *, observed=0.8):
    """What the set-up and the claim of a chapter show, by the id of the cell."""
    bundles = []
    with _one_at_a_time, pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_LESSONS", str(source.parent / "lessons"))
        patch.setattr(showing, "show", bundles.append)
        patch.setattr(session, "_current", None)
        session.begin(source.name[:2], dict(parameters), tensorflow=False)
        claims.check("beats-guessing", observed, standard_error=0.005)
    first, second = bundles
    exercise = EXERCISE | {"chapter": source.name[:2]}
    return {
        "setup": first[records.SESSION],
        "claim": second[records.CLAIM],
        "exercise": exercise,
    }


def executed(source: Path, parameters=PARAMETERS, *, observed=0.8, mutated=(), **changed):
    """The notebook as a kernel leaves it; `changed` gives other contents of a cell's record."""
    notebook = mutants.apply(documents.read(source), chapters.read(source).sheet, mutated)
    contents = shown(source, parameters, observed=observed)
    for count, cell in enumerate((c for c in notebook.cells if c.cell_type == "code"), start=1):
        cell.execution_count = count
        cell.metadata["execution"] = {"shell.execute_reply": "2026-01-01T00:00:00Z"}
        if cell.id in SHOWN:
            bundle = {SHOWN[cell.id]: contents[cell.id] | changed.get(cell.id, {})}
            cell.outputs = [new_output("display_data", {**bundle, "text/plain": "shown"})]
    return notebook


def judged(source: Path, notebook, *, parameters=PARAMETERS, mutated=(), failure=None, device=""):
    chapter = chapters.read(source)
    job = Job(chapter, parameters, source.parent, mutants=mutated, device=device)
    before = mutants.apply(documents.read(source), chapter.sheet, mutated)
    return judge.verdict(job, before, notebook, failure=failure)


def places(found):
    return [reason.where for reason in found.reasons]


def keep(source: Path, seeds):
    """Let the evidence hold what these seeds observed of the claim, and nothing else."""
    facts = {"seeds": seeds, "standard_error": 0.005, "mutant": {}}
    kept = {"digest": {}, "claims": {"beats-guessing": {"quick/embedded": facts}}}
    small.write(source.parent, n00_small=documents.read(source), evidence=kept)


def put_sheet(source: Path, old, new):
    sheet = source.parent / "lessons" / "00.toml"
    assert old in sheet.read_text()
    sheet.write_text(sheet.read_text().replace(old, new))


def test_a_good_one_is_green_and_counted(source):
    found = judged(source, executed(source))
    assert (found.reasons, found.notes) == ((), ())
    assert (found.executed, found.cells) == (6, 6)
    assert [claim["id"] for claim in found.claims] == ["beats-guessing"]
    assert [exercise["name"] for exercise in found.exercises] == ["half"]


@pytest.mark.parametrize(
    "change",
    [
        {"observed": 0.9},
        {"observed": None},
        {"held": False},
        {"true_here": False},
        {"low": 0.2},
        {"high": 0.9},
        {"threshold": [0.1, None]},
        {"threshold": None},
        {"seeds": 2},
        {"share": 0.5},
        {"seed": 1},
        {"profile": "smoke"},
        {"data": "real"},
        {"chapter": "01"},
    ],
    ids=json.dumps,
)
def test_a_claim_record_that_contradicts_is_red(source, change):
    found = judged(source, executed(source, claim=change))
    assert set(places(found)) == {CLAIM}
    (value,) = change.values()
    assert repr(value) in str(found.reasons[0])


UNJUDGED = {"judged": False, **dict.fromkeys(("held", "low", "high", "share"))}


def test_what_the_kept_seeds_can_judge_must_be_judged(source):
    assert places(judged(source, executed(source, claim=UNJUDGED))) == [CLAIM]
    other = PARAMETERS | {"WIDTH": 16}
    assert judged(source, executed(source, other), parameters=other).reasons == ()


def test_what_nothing_can_judge_must_not_be_judged(source):
    for other in ({"WIDTH": 16}, {"PROFILE": "smoke", "WIDTH": 2}, {"DATA": "real"}):
        parameters = PARAMETERS | other
        notebook = executed(source, parameters)
        assert judged(source, notebook, parameters=parameters).reasons == ()
        record = shown(source)["claim"] | {
            name.lower(): parameters[name] for name in ("PROFILE", "DATA")
        }
        notebook = executed(source, parameters, claim=record)
        assert places(judged(source, notebook, parameters=parameters)) == [CLAIM]


@pytest.mark.parametrize(
    "change",
    [
        {"observed": "nan"},
        {"held": 1},
        {"judged": "yes"},
        {"low": None},
        {"seeds": "12"},
        {"share": None},
        {"id": ["beats-guessing"]},
        UNJUDGED | {"low": 0.1},
    ],
    ids=json.dumps,
)
def test_a_record_in_another_form_is_red_and_never_a_row(source, change):
    found = judged(source, executed(source, claim=change))
    assert CLAIM in places(found)
    assert found.claims == ()


@pytest.mark.parametrize("cell", ["claim", "exercise"])
def test_a_record_without_its_keys_is_red(source, cell):
    notebook = executed(source)
    gone = "held" if cell == "claim" else "passed"
    del small.cell(notebook, cell).outputs[0].data[SHOWN[cell]][gone]
    assert any(gone in str(reason) for reason in judged(source, notebook).reasons)


def some(count):
    return {str(seed): 0.8 + 0.01 * (seed % 3) for seed in range(count)}


@pytest.mark.parametrize("count", [10, 12])
def test_outside_the_expected_range_of_ten_kept_seeds_or_more_is_red(source, count):
    keep(source, some(count))
    found = judged(source, executed(source, observed=0.7))
    assert places(found) == [CLAIM] and "0.7" in str(found.reasons[0])
    assert found.notes == ()


@pytest.mark.parametrize("count", [3, 9])
def test_outside_the_expected_range_of_fewer_is_a_note(source, count):
    keep(source, some(count))
    found = judged(source, executed(source, observed=0.3))
    assert found.reasons == ()
    (note,) = found.notes
    assert "unexpected" in note and "0.3" in note and str(count) in note


@pytest.mark.parametrize("seeds", [{}, {"0": 0.8}, {"0": 0.8, "1": None}])
def test_fewer_than_two_kept_seeds_judge_nothing(source, seeds):
    keep(source, seeds)
    found = judged(source, executed(source, observed=0.3))
    assert (found.reasons, found.notes) == ((), ())


def test_a_sentence_that_is_false_here_and_not_unexpected_is_a_note(source):
    put_sheet(source, "above = 0.5", "above = 0.8")
    found = judged(source, executed(source, observed=0.79))
    assert found.reasons == ()
    assert [claim["held"] for claim in found.claims] == [True]
    (note,) = found.notes
    assert "beats-guessing" in note and "8 of 12" in note


def test_what_is_not_a_number_is_outside_of_every_range(source):
    found = judged(source, executed(source, observed=float("nan")))
    assert places(found) == [CLAIM]


@pytest.mark.parametrize(
    "change",
    [{"profile": "smoke"}, {"seed": "0"}, {"seed": False}, {"data": "real"}, {"chapter": "01"}],
    ids=json.dumps,
)
def test_another_session_than_asked_is_red(source, change):
    found = judged(source, executed(source, setup=change))
    assert places(found) == ["cell 3 (id setup)"]
    (value,) = change.values()
    assert repr(value) in str(found.reasons[0])


def test_a_cell_that_began_and_got_no_reply_did_not_run(source):
    notebook = executed(source)
    del small.cell(notebook, "exact").metadata["execution"]
    small.cell(notebook, "exact").metadata["papermill"] = {"status": "completed"}
    found = judged(source, notebook)
    assert places(found) == ["cell 6 (id exact)"]
    assert (found.executed, found.cells) == (5, 6)


def test_what_comes_after_an_early_end_is_no_news(source):
    notebook = executed(source)
    for name in ("claim", "exact", "exercise"):
        small.cell(notebook, name).update(execution_count=None, outputs=[])
    failure = Reason("the kernel died", CLAIM)
    found = judged(source, notebook, failure=failure)
    assert found.reasons[0] == failure
    assert places(found)[1:] == ["cell 6 (id exact)"]


def test_cells_of_another_notebook_are_red(source):
    notebook = executed(source)
    small.cell(notebook, "exact").source += "\n# since then changed"
    assert places(judged(source, notebook)) == [""]


def test_cells_of_papermill_do_not_shift_the_numbers(source):
    notebook = executed(source, observed=0.5)
    marker = new_markdown_cell("failed", metadata={"tags": ["papermill-error-cell-tag"]})
    notebook.cells.insert(0, marker)
    assert places(judged(source, notebook)) == [CLAIM]


def test_a_blank_code_cell_counts_for_nothing(source):
    notebook = documents.read(source)
    blank = copy.deepcopy(small.cell(notebook, "exact"))
    blank.update(id="blank", source=" \n")
    notebook.cells.append(blank)
    documents.write(source, notebook)
    later = executed(source)
    small.cell(later, "blank").execution_count = None
    assert judged(source, later).reasons == ()


def test_a_claim_that_was_never_reached_is_red(source):
    notebook = executed(source)
    small.cell(notebook, "claim").outputs = []
    (reason,) = judged(source, notebook).reasons
    assert "beats-guessing" in str(reason)


MUTATED = ("beats-guessing",)


@pytest.mark.parametrize("observed", [0.1, 0.8, float("nan")])
def test_a_mutated_run_is_not_judged(source, observed):
    """Neither by the range, nor by exercises: it ends with its claim, and has no others."""
    notebook = executed(source, observed=observed, mutated=MUTATED)
    assert notebook.cells[-1].id == "claim"
    found = judged(source, notebook, mutated=MUTATED)
    assert (found.reasons, found.notes) == ((), ())
    assert len(found.claims) == 1


def test_a_mutated_run_whose_parameter_is_another_is_not_judged(source):
    old, _, _ = small.SHEET.rpartition("mutant = ")
    put_sheet(
        source, small.SHEET.removeprefix(old), 'mutant = { parameter = "WIDTH", value = 1 }\n'
    )
    parameters = PARAMETERS | {"WIDTH": 1}
    notebook = executed(source, parameters, observed=0.1, mutated=MUTATED)
    assert judged(source, notebook, parameters=parameters, mutated=MUTATED).reasons == ()


def test_a_mutated_run_that_never_reached_the_claim_is_red(source):
    notebook = executed(source, mutated=MUTATED)
    small.cell(notebook, "claim").outputs = []
    (reason,) = judged(source, notebook, mutated=MUTATED).reasons
    assert "beats-guessing" in str(reason)


def test_a_cell_that_raises_is_red_in_a_mutated_run_too(source):
    notebook = executed(source, mutated=MUTATED)
    error = new_output("error", ename="ValueError", evalue="\x1b[31mno\x1b[0m\nmore", traceback=[])
    small.cell(notebook, "setup").outputs.append(error)
    (reason,) = judged(source, notebook, mutated=MUTATED).reasons
    assert reason.where == "cell 3 (id setup)"
    assert "ValueError" in str(reason) and str(reason).endswith("no")


def test_the_sound_chapter_is_no_mutated_run(source):
    assert judged(source, executed(source), mutated=MUTATED).reasons != ()


def test_a_row_says_whose_mutant_was_applied_and_of_which_code_and_parameters_it_is(source):
    chapter = chapters.read(source)
    job = Job(chapter, PARAMETERS | {"WIDTH": 16}, source.parent, mutants=MUTATED)
    rows = execution.rows(job, ({"id": "beats-guessing"}, {"id": "another"}), seconds=1.0)
    assert [row["mutant"] for row in rows] == ["beats-guessing", "beats-guessing"]
    assert {row["digest"] for row in rows} == {fingerprint.digest(chapter, "quick/embedded")}
    assert [row["overridden"] for row in rows] == [{"WIDTH": 16}] * 2


@pytest.mark.parametrize("cell", ["setup", "claim"])
@pytest.mark.parametrize(("device", "red"), [("GPU", True), ("", False), ("cluster", False)])
def test_what_was_meant_for_a_gpu_and_ran_on_a_cpu_is_red(source, cell, device, red):
    notebook = executed(source, **{cell: {"device": "CPU, 2 cores"}})
    found = judged(source, notebook, device=device)
    assert [reason.where.split()[-1] for reason in found.reasons] == [f"{cell})"] * red


def test_smoke_judges_nothing(source):
    smoke = PARAMETERS | {"PROFILE": "smoke", "WIDTH": 2}
    found = judged(source, executed(source, smoke, observed=0.1), parameters=smoke)
    assert (found.reasons, found.notes) == ((), ())
    assert [claim["judged"] for claim in found.claims] == [False]


def test_evidence_that_cannot_be_read_judges_nothing_green(source):
    notebook = executed(source)
    (source.parent / "lessons" / lessons.EVIDENCE).write_text('{"format": 1}')
    with pytest.raises(lessons.InputError, match="format 1"):
        judged(source, notebook)
