"""Every exercise fails on the stub, with a word that helps, and passes on the solution.

The students' copy of each chapter is executed as a student would at first, with nothing filled in:
it must run to its end, and each check must say what is missing. Of the lesson, which is the same in
copy and source and is executed by others, only the cells run that an exercise needs. The source is
executed too (or its result taken from `runs/`, when the same run is there): each check must pass.
"""

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import pytest
from chapter_builder import good_chapter, write_course

from course_tools.notebooks import chapters, documents, slicing
from course_tools.publish.student import write_student_copies
from course_tools.run import engine, execution, fingerprint, kernels, plan, records
from course_utils import session

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
STEMS = [path.stem for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))]


def run(chapter, folder):
    """Execute a chapter's exercises in smoke; return their records and what went wrong."""
    folder.mkdir(parents=True, exist_ok=True)
    attempt = engine.Attempt(folder=folder, timeout=600)
    parameters = plan.settle(chapter, profile="smoke", data="embedded")
    parameters[session.SETTLED] = True
    part = slicing.needed(
        documents.read(chapter.path), lambda cell: "exercise" in documents.tags(cell)
    )
    notebook = engine.attempt(part, parameters, attempt)
    wrong = [attempt.failure] if attempt.failure else []
    for number, cell in records.own_cells(notebook):
        for output in cell.get("outputs", ()):
            if output.output_type == "error":
                wrong.append(f"cell {number} raised {output.ename}: {output.evalue}")
    return [record.content for record in records.read(notebook, records.EXERCISE)], wrong


def stub_faults(chapter, found, wrong):
    """What is wrong with an unsolved copy: each check is there, fails, and says something."""
    faults = [f"the copy does not run to its end: {reason}" for reason in wrong]
    names = [record["name"] for record in found]
    if names != list(chapter.exercises):
        faults.append(f"expected checks of {list(chapter.exercises)}, received {names}")
    for record in found:
        if record["passed"] is not False:
            faults.append(f"{record['name']} passes on the stub: its check proves nothing")
        elif not record["message"].strip():
            faults.append(f"{record['name']} fails on the stub without a word")
    return faults


def solution_faults(chapter, found, wrong):
    """What is wrong with the source: each check is there and passes."""
    faults = [f"the source does not run to its end: {reason}" for reason in wrong]
    names = [record["name"] for record in found]
    if names != list(chapter.exercises):
        faults.append(f"expected checks of {list(chapter.exercises)}, received {names}")
    failed = [record for record in found if record["passed"] is not True]
    return faults + [f"{record['name']} fails: {record['message']}" for record in failed]


@pytest.mark.parametrize("stem", STEMS)
def test_every_check_fails_on_the_stub(stem, tmp_path):
    write_student_copies(NOTEBOOKS, tmp_path / "copies", names=[stem])
    copy = chapters.read(tmp_path / "copies" / f"{stem}.ipynb")
    assert stub_faults(chapters.read(NOTEBOOKS / f"{stem}.ipynb"), *run(copy, tmp_path)) == []


@pytest.mark.parametrize("stem", STEMS)
def test_every_check_passes_on_the_solution(stem, tmp_path):
    request = plan.Request(NOTEBOOKS, [stem], profiles=["smoke", "quick"], data="embedded")
    jobs = plan.jobs(request)
    stored = [fingerprint.ROOT / "runs" / job.folder.name for job in jobs]
    pairs = zip(jobs, stored, strict=True)
    earlier = [execution.recall(dataclasses.replace(job, folder=place)) for job, place in pairs]
    before = next(filter(None, earlier), None)
    found, wrong = (before.exercises, []) if before else run(jobs[0].chapter, tmp_path)
    assert solution_faults(jobs[0].chapter, found, wrong) == []


# The two tests above, broken on purpose


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Run both sides of a changed good chapter, with a stand-in for the package."""

    def both(change=lambda notebook: None):
        notebook = good_chapter()
        change(notebook)
        path = write_course(tmp_path / "홍 길동", notebook)
        monkeypatch.setattr(kernels, "ROOT", path.parents[1])
        monkeypatch.setenv("COURSE_LESSONS", str(path.parent / "lessons"))
        write_student_copies(path.parent, tmp_path / "copies")
        chapter = chapters.read(path)
        copy = chapters.read(tmp_path / "copies" / path.name)
        stubs = stub_faults(chapter, *run(copy, tmp_path / "a"))
        return stubs, solution_faults(chapter, *run(chapter, tmp_path / "b"))

    return both


def in_exercise_2(old, new):
    def change(notebook):
        cell = next(cell for cell in notebook.cells if '"twice-2"' in cell.source)
        cell.source = cell.source.replace(old, new)

    return change


def test_a_good_chapter_has_no_fault(small):
    assert small() == ([], [])


def test_a_check_that_passes_on_the_stub_is_found(small):
    stubs, solved = small(in_exercise_2("answer = ...", "answer = 4"))
    assert stubs == ["twice-2 passes on the stub: its check proves nothing"]
    assert solved == []


def test_a_wrong_solution_is_found(small):
    stubs, solved = small(in_exercise_2("answer = 2 * 2", "answer = 5"))
    assert stubs == [] and solved == ["twice-2 fails: twice is not 5"]


def test_a_copy_that_raises_is_found(small):
    def change(notebook):
        in_exercise_2("answer = ...\n", "")(notebook)
        in_exercise_2("answer", "mine")(notebook)

    stubs, solved = small(change)
    assert solved == []
    assert "the copy does not run to its end" in stubs[0] and "NameError" in " ".join(stubs)
    assert "received ['twice-1']" in stubs[-1]


def test_a_silent_check_is_found():
    chapter = SimpleNamespace(exercises=("x",))
    silent = [{"name": "x", "passed": False, "message": " "}]
    assert stub_faults(chapter, silent, []) == ["x fails on the stub without a word"]
