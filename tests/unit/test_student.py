"""Students' copies hold no solution, run links on, and never cost a student his work."""

import json
import os
from pathlib import Path
from urllib.parse import quote

import nbformat
import pytest
from chapter_builder import SHEET, code, good_chapter, prose, write_course
from nbformat.v4 import new_notebook, new_output

from course_tools.notebooks import chapters, documents, links
from course_tools.publish.shelf import MANIFEST
from course_tools.publish.student import student_copy, write_student_copies
from course_utils.errors import InputError, WorldError

CHAPTER, SECOND = "00_start_here.ipynb", "01_second.ipynb"


@pytest.fixture
def course(tmp_path):
    """A folder of chapters and a target, both with blanks and Hangul in their path."""
    path = write_course(tmp_path / "홍 길동")
    return path.parent, tmp_path / "학생 copies" / "deep"


def states(report):
    return {copy.name: copy.state for copy in report.copies}


def add_chapter(source, notebook=None):
    documents.write(source / SECOND, notebook or good_chapter("01"))
    (source / "lessons" / "01.toml").write_text(SHEET, encoding="utf-8")


def edit_course(source, text="### Exercise 1 · Changed"):
    notebook = documents.read(source / CHAPTER)
    cell = next(cell for cell in notebook.cells if "### Exercise 1" in cell.source)
    cell.source = cell.source.replace(cell.source.partition("\n")[0], text)
    documents.write(source / CHAPTER, notebook)


# The copy


def test_a_solution_becomes_a_place_to_write_with_the_indent_of_its_mark():
    source = (
        "def f(x):\n    ### BEGIN SOLUTION\n    y = x\n\n    return y\n    ### END SOLUTION\n\nf(1)"
    )
    copy = student_copy(new_notebook(cells=[code(source, "exercise")]))
    assert copy.cells[0].source == "def f(x):\n    ...  # your code here\n\nf(1)"


def test_several_solutions_of_a_cell_become_several_places():
    mark = "### BEGIN SOLUTION\nx = 1\n### END SOLUTION"
    copy = student_copy(new_notebook(cells=[code(f"{mark}\ny = 2\n{mark}")]))
    assert copy.cells[0].source == "...  # your code here\ny = 2\n...  # your code here"


def test_no_line_of_a_solution_is_left_anywhere():
    copy = student_copy(good_chapter(), name=CHAPTER)
    assert "2 * 1" not in json.dumps(copy) and "SOLUTION" not in json.dumps(copy)


def test_cells_for_lecturers_outputs_and_counts_are_gone_and_the_rest_is_kept():
    source = good_chapter()
    copy = student_copy(source)
    assert len(copy.cells) == len(source.cells) - 1
    assert not any("instructor" in documents.tags(cell) for cell in copy.cells)
    assert all(not c.outputs and c.execution_count is None for c in copy.cells if "outputs" in c)
    assert [c.id for c in copy.cells] == [
        c.id for c in source.cells if "instructor" not in documents.tags(c)
    ]
    assert documents.tags(copy.cells[1]) == {"parameters"}
    assert copy.cells[1].source == source.cells[1].source


def test_the_source_is_left_as_it_is():
    source = good_chapter()
    before = documents.dump(source)
    student_copy(source)
    assert documents.dump(source) == before


def test_the_copy_says_what_it_was_generated_from():
    assert student_copy(good_chapter(), name=CHAPTER).metadata.generated == (
        "generated from 00_start_here.ipynb; to change the course, change that file"
    )


def test_the_copy_is_a_valid_notebook_and_a_chapter(course, monkeypatch):
    source, target = course
    monkeypatch.setenv("COURSE_LESSONS", str(source / "lessons"))
    write_student_copies(source, target)
    nbformat.validate(json.loads((target / CHAPTER).read_text("utf-8")))
    assert chapters.read(target / CHAPTER).exercises == chapters.read(source / CHAPTER).exercises


BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([BEGIN, "x"], "line 1: expected ### END SOLUTION after"),
        (["x", END], "line 2: expected ### BEGIN SOLUTION before"),
        ([BEGIN, BEGIN, "x", END, END], "line 2: expected ### END SOLUTION for the mark in line 1"),
        ([BEGIN, "x", END, END], "line 4: expected ### BEGIN SOLUTION before"),
        ([BEGIN, "", END], "line 3: expected a solution between the marks"),
        ([BEGIN.lower(), "x", END], "received '### begin solution': write the mark exactly so"),
        (["## BEGIN SOLUTION", "x", END], "exactly so"),
        (["###BEGIN SOLUTION", "x", END], "exactly so"),
        (["### BEGIN SOLUTIONS", "x", END], "exactly so"),
        ([BEGIN, "x = 1  ### END SOLUTION"], "exactly so"),
        (["### START SOLUTION", "x", "### STOP SOLUTION"], "exactly so"),
    ],
)
def test_a_wrong_mark_names_file_and_cell(lines, message):
    notebook = new_notebook(cells=[prose("Text."), code("\n".join(lines))])
    notebook.cells[1].id = "ex1"
    with pytest.raises(InputError) as error:
        student_copy(notebook, name=CHAPTER)
    assert str(error.value).startswith(f"{CHAPTER}, cell 2 (id ex1)")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_solution_in_prose_is_an_error():
    notebook = new_notebook(cells=[prose(f"{BEGIN}\nThe answer.\n{END}")])
    with pytest.raises(InputError, match="in code cells only, received them in a markdown cell"):
        student_copy(notebook)


def test_a_wrong_mark_in_the_last_chapter_leaves_the_target_as_it_was(course):
    source, target = course
    last = good_chapter("01")
    last.cells[11].source = BEGIN  # the first exercise
    add_chapter(source, last)
    with pytest.raises(InputError, match=r"01_second.ipynb, cell 12"):
        write_student_copies(source, target)
    assert not target.exists()


# Writing


def test_a_first_call_writes_and_a_second_does_nothing_and_says_so(course):
    source, target = course
    first = write_student_copies(source, target)
    assert states(first) == {CHAPTER: "written", "images/square.png": "written"}
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in target.rglob("*.*")}
    second = write_student_copies(source, target)
    assert set(states(second).values()) == {"unchanged"}
    assert not second.changed and str(second).endswith("nothing to do")
    assert before == {
        path: (path.read_bytes(), path.stat().st_mtime_ns) for path in target.rglob("*.*")
    }


def test_a_copy_that_nobody_changed_is_updated(course):
    source, target = course
    write_student_copies(source, target)
    edit_course(source)
    assert states(write_student_copies(source, target))[CHAPTER] == "updated"
    assert "Changed" in (target / CHAPTER).read_text("utf-8")


def answer_it(notebook):
    notebook.cells[11].source = "answer = 2"


def run_it(notebook):
    notebook.cells[4].outputs = [new_output("stream", text="1\n")]


def count_it(notebook):
    notebook.cells[4].execution_count = 1


def fold_it(notebook):
    notebook.cells[4].metadata.collapsed = True


@pytest.mark.parametrize("work", [answer_it, run_it, count_it, fold_it])
def test_a_students_work_of_any_kind_is_never_lost(course, work):
    source, target = course
    write_student_copies(source, target)
    notebook = documents.read(target / CHAPTER)
    work(notebook)
    documents.write(target / CHAPTER, notebook)
    mine = (target / CHAPTER).read_bytes()

    report = write_student_copies(source, target)
    assert states(report)[CHAPTER] == "kept" and not report.changed
    assert sorted(path.name for path in target.glob("*.ipynb")) == [CHAPTER]

    edit_course(source)
    report = write_student_copies(source, target)
    assert states(report)[CHAPTER] == "beside"
    assert "the new version is beside it: 00_start_here.new.ipynb" in str(report)
    assert (target / CHAPTER).read_bytes() == mine
    assert "Changed" in (target / "00_start_here.new.ipynb").read_text("utf-8")

    again = write_student_copies(source, target)
    assert states(again)[CHAPTER] == "kept" and not again.changed
    assert (target / CHAPTER).read_bytes() == mine


def test_work_in_the_version_beside_is_not_lost_either(course):
    source, target = course
    write_student_copies(source, target)
    (target / CHAPTER).write_bytes(b"mine")
    edit_course(source, "### Exercise 1 · Second")
    write_student_copies(source, target)
    (target / "00_start_here.new.ipynb").write_bytes(b"mine too")
    edit_course(source, "### Exercise 1 · Third")
    report = write_student_copies(source, target)
    assert report.copies[0].path.name == "00_start_here.new2.ipynb"
    assert (target / CHAPTER).read_bytes() == b"mine"
    assert (target / "00_start_here.new.ipynb").read_bytes() == b"mine too"


def test_an_untouched_version_beside_is_renewed(course):
    source, target = course
    write_student_copies(source, target)
    (target / CHAPTER).write_bytes(b"mine")
    for text in ("### Exercise 1 · Second", "### Exercise 1 · Third"):
        edit_course(source, text)
        write_student_copies(source, target)
    assert "Third" in (target / "00_start_here.new.ipynb").read_text("utf-8")
    assert len(list(target.glob("*.ipynb"))) == 2


def test_a_version_beside_that_was_thrown_away_is_not_offered_again(course):
    source, target = course
    write_student_copies(source, target)
    (target / CHAPTER).write_bytes(b"mine")
    edit_course(source)
    write_student_copies(source, target)
    (target / "00_start_here.new.ipynb").unlink()
    assert states(write_student_copies(source, target))[CHAPTER] == "kept"
    assert not (target / "00_start_here.new.ipynb").exists()


def test_a_copy_that_was_deleted_comes_back(course):
    source, target = course
    write_student_copies(source, target)
    (target / CHAPTER).unlink()
    assert states(write_student_copies(source, target))[CHAPTER] == "written"


def test_without_a_manifest_what_is_there_counts_as_work(course):
    source, target = course
    write_student_copies(source, target)
    (target / MANIFEST).unlink()
    edit_course(source)
    before = (target / CHAPTER).read_bytes()
    assert states(write_student_copies(source, target))[CHAPTER] == "beside"
    assert (target / CHAPTER).read_bytes() == before


def test_a_broken_manifest_says_what_to_do_and_nothing_is_written(course):
    source, target = course
    write_student_copies(source, target)
    (target / MANIFEST).write_text("{")
    edit_course(source)
    with pytest.raises(InputError, match="delete it, and every copy that differs will be kept"):
        write_student_copies(source, target)
    assert "Changed" not in (target / CHAPTER).read_text("utf-8")


def test_an_end_between_manifest_and_file_costs_nothing(course, monkeypatch):
    source, target = course
    write_student_copies(source, target)
    edit_course(source)
    write = documents.write_bytes

    def fails(path, content):
        if path.suffix == ".ipynb":
            raise WorldError("no space left")
        write(path, content)

    monkeypatch.setattr(documents, "write_bytes", fails)
    with pytest.raises(WorldError):
        write_student_copies(source, target)
    monkeypatch.undo()
    assert states(write_student_copies(source, target))[CHAPTER] == "updated"
    assert list(target.glob("*.new*")) == []


def test_the_folder_of_the_chapters_is_refused(course):
    source, _ = course
    before = (source / CHAPTER).read_bytes()
    with pytest.raises(InputError, match="other than that of the chapters"):
        write_student_copies(source, source / ".." / "notebooks")
    assert (source / CHAPTER).read_bytes() == before


def test_a_target_that_is_a_file_is_refused(course):
    source, _ = course
    with pytest.raises(InputError, match="received the file"):
        write_student_copies(source, source.parent / "guide.md")


def test_only_the_named_chapters_are_written(course):
    source, target = course
    add_chapter(source)
    report = write_student_copies(source, target, names=["01"])
    assert list(states(report)) == [SECOND, "images/square.png"]


def test_a_copy_whose_chapter_is_gone_is_named_and_left(course):
    source, target = course
    add_chapter(source)
    write_student_copies(source, target)
    (source / SECOND).unlink()
    report = write_student_copies(source, target)
    assert report.leftover == (SECOND,)
    assert (target / SECOND).exists()
    assert SECOND in str(report)


# Links


def test_every_link_of_a_copy_leads_to_a_file(course):
    source, target = course
    write_student_copies(source, target)
    found = [
        link.path
        for cell in documents.read(target / CHAPTER).cells
        if cell.cell_type == "markdown"
        for link in links.find(cell.source)
        if link.path
    ]
    assert len(found) == 2
    assert all((target / path).is_file() for path in found)
    assert (target / "images" / "square.png").read_bytes() == b"not a real picture"


def test_links_between_chapters_stay(course):
    source, target = course
    notebook = documents.read(source / CHAPTER)
    notebook.cells[3].source += "\n\n[next](01_second.ipynb#A-claim) [top](#Shapes)"
    documents.write(source / CHAPTER, notebook)
    add_chapter(source)
    write_student_copies(source, target)
    text = documents.read(target / CHAPTER).cells[3].source
    assert "[next](01_second.ipynb#A-claim) [top](#Shapes)" in text


def test_a_rewritten_link_keeps_its_anchor_and_quotes_blanks(course):
    source, target = course
    notebook = documents.read(source / CHAPTER)
    notebook.cells[3].source = "## Shapes\n\n[guide](../guide.md#part)"
    documents.write(source / CHAPTER, notebook)
    write_student_copies(source, target)
    text = documents.read(target / CHAPTER).cells[3].source
    way = quote(Path(os.path.relpath(source.parent / "guide.md", target)).as_posix())
    assert text.endswith(f"[guide]({way}#part)") and "%20" in way


def test_a_changed_picture_of_a_student_is_kept(course):
    source, target = course
    write_student_copies(source, target)
    (target / "images" / "square.png").write_bytes(b"drawn over")
    (source / "images" / "square.png").write_bytes(b"a better square")
    report = write_student_copies(source, target)
    assert states(report)["images/square.png"] == "beside"
    assert (target / "images" / "square.png").read_bytes() == b"drawn over"
