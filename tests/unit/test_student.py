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
NEW = "00_start_here.new.ipynb"


@pytest.fixture
def course(tmp_path):
    """A folder of chapters and a target, both with blanks and Hangul in their path."""
    path = write_course(tmp_path / "홍 길동")
    return path.parent, tmp_path / "학생 copies" / "deep"


@pytest.fixture
def copied(course):
    """The same, with the copies written."""
    write_student_copies(*course)
    return course


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

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"


@pytest.mark.parametrize(
    ("source", "copy"),
    [
        (
            f"def f(x):\n    {BEGIN}\n    y = x\n\n    return y\n    {END}\n\nf(1)",
            "def f(x):\n    ...  # your code here\n\nf(1)",
        ),
        (
            f"{BEGIN}\nx = 1\n{END}\ny = 2\n{BEGIN}\nx = 1\n{END}",
            "...  # your code here\ny = 2\n...  # your code here",
        ),
    ],
)
def test_each_solution_becomes_a_place_to_write_with_the_indent_of_its_mark(source, copy):
    assert student_copy(new_notebook(cells=[code(source)])).cells[0].source == copy


def test_a_copy_has_all_but_solutions_outputs_and_cells_for_lecturers():
    source = good_chapter()
    before = documents.dump(source)
    copy = student_copy(source, name=CHAPTER)
    assert "2 * 1" not in json.dumps(copy) and "SOLUTION" not in json.dumps(copy)
    assert all(not c.outputs and c.execution_count is None for c in copy.cells if "outputs" in c)
    wanted = [c for c in source.cells if "instructor" not in documents.tags(c)]
    assert len(wanted) == len(source.cells) - 1
    assert [(c.id, c.metadata) for c in copy.cells] == [(c.id, c.metadata) for c in wanted]
    assert copy.cells[1].source == source.cells[1].source
    assert CHAPTER in copy.metadata.generated
    assert documents.dump(source) == before


def test_the_copy_is_a_valid_notebook_and_a_chapter(copied, monkeypatch):
    source, target = copied
    monkeypatch.setenv("COURSE_LESSONS", str(source / "lessons"))
    nbformat.validate(json.loads((target / CHAPTER).read_text("utf-8")))
    assert chapters.read(target / CHAPTER).exercises == chapters.read(source / CHAPTER).exercises


@pytest.mark.parametrize(
    ("lines", "received"),
    [
        ([BEGIN, "x"], f"line 1: expected {END}"),
        (["x", END], f"line 2: expected {BEGIN}"),
        ([BEGIN, BEGIN, "x", END, END], "line 2: "),
        ([BEGIN, "x", END, END], f"line 4: expected {BEGIN}"),
        ([BEGIN, "", END], "line 3: "),
        ([BEGIN.lower(), "x", END], "'### begin solution'"),
        (["## BEGIN SOLUTION", "x", END], "'## BEGIN SOLUTION'"),
        (["###BEGIN SOLUTION", "x", END], "'###BEGIN SOLUTION'"),
        (["### BEGIN SOLUTIONS", "x", END], "'### BEGIN SOLUTIONS'"),
        ([BEGIN, "x = 1  ### END SOLUTION"], "'x = 1  ### END SOLUTION'"),
        (["### START SOLUTION", "x", "### STOP SOLUTION"], "'### START SOLUTION'"),
    ],
)
def test_a_wrong_mark_names_file_cell_and_line(lines, received):
    notebook = new_notebook(cells=[prose("Text."), code("\n".join(lines))])
    notebook.cells[1].id = "ex1"
    with pytest.raises(InputError) as error:
        student_copy(notebook, name=CHAPTER)
    assert str(error.value).startswith(f"{CHAPTER}, cell 2 (id ex1)")
    assert received in str(error.value) and "\n" not in str(error.value)


def test_a_solution_in_prose_is_an_error():
    notebook = new_notebook(cells=[prose(f"{BEGIN}\nThe answer.\n{END}")])
    with pytest.raises(InputError, match="markdown cell"):
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

    def files():
        return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in target.rglob("*.*")}

    before = files()
    second = write_student_copies(source, target)
    assert set(states(second).values()) == {"unchanged"}
    assert not second.changed and str(second).endswith("nothing to do")
    assert before == files()


def test_a_copy_that_nobody_changed_is_updated_and_one_that_is_gone_comes_back(copied):
    source, target = copied
    edit_course(source)
    assert states(write_student_copies(source, target))[CHAPTER] == "updated"
    assert "Changed" in (target / CHAPTER).read_text("utf-8")
    (target / CHAPTER).unlink()
    assert states(write_student_copies(source, target))[CHAPTER] == "written"


def answer_it(notebook):
    notebook.cells[11].source = "answer = 2"


def run_it(notebook):
    notebook.cells[4].outputs = [new_output("stream", text="1\n")]


def count_it(notebook):
    notebook.cells[4].execution_count = 1


def fold_it(notebook):
    notebook.cells[4].metadata.collapsed = True


@pytest.mark.parametrize("work", [answer_it, run_it, count_it, fold_it])
def test_a_students_work_of_any_kind_is_never_lost(copied, work):
    source, target = copied
    notebook = documents.read(target / CHAPTER)
    work(notebook)
    documents.write(target / CHAPTER, notebook)
    mine = (target / CHAPTER).read_bytes()

    report = write_student_copies(source, target)
    assert states(report)[CHAPTER] == "kept" and not report.changed
    assert sorted(path.name for path in target.glob("*.ipynb")) == [CHAPTER]

    edit_course(source)
    report = write_student_copies(source, target)
    assert states(report)[CHAPTER] == "beside" and NEW in str(report)
    assert (target / CHAPTER).read_bytes() == mine
    assert "Changed" in (target / NEW).read_text("utf-8")

    again = write_student_copies(source, target)
    assert states(again)[CHAPTER] == "kept" and not again.changed
    assert (target / CHAPTER).read_bytes() == mine


def test_the_version_beside_is_renewed_until_it_holds_work_too(copied):
    source, target = copied
    (target / CHAPTER).write_bytes(b"mine")
    for text in ("### Exercise 1 · Second", "### Exercise 1 · Third"):
        edit_course(source, text)
        write_student_copies(source, target)
    assert "Third" in (target / NEW).read_text("utf-8")
    assert len(list(target.glob("*.ipynb"))) == 2
    (target / NEW).write_bytes(b"mine too")
    edit_course(source, "### Exercise 1 · Fourth")
    report = write_student_copies(source, target)
    assert report.copies[0].path.name == "00_start_here.new2.ipynb"
    assert (target / CHAPTER).read_bytes() == b"mine"
    assert (target / NEW).read_bytes() == b"mine too"


def test_a_version_beside_that_was_thrown_away_is_not_offered_again(copied):
    source, target = copied
    (target / CHAPTER).write_bytes(b"mine")
    edit_course(source)
    write_student_copies(source, target)
    (target / NEW).unlink()
    assert states(write_student_copies(source, target))[CHAPTER] == "kept"
    assert not (target / NEW).exists()


def test_without_a_manifest_what_is_there_counts_as_work(copied):
    source, target = copied
    (target / MANIFEST).unlink()
    edit_course(source)
    before = (target / CHAPTER).read_bytes()
    assert states(write_student_copies(source, target))[CHAPTER] == "beside"
    assert (target / CHAPTER).read_bytes() == before


def test_a_broken_manifest_is_named_and_nothing_is_written(copied):
    source, target = copied
    (target / MANIFEST).write_text("{")
    edit_course(source)
    with pytest.raises(InputError, match=MANIFEST):
        write_student_copies(source, target)
    assert "Changed" not in (target / CHAPTER).read_text("utf-8")


def test_an_end_between_manifest_and_file_costs_nothing(copied, monkeypatch):
    source, target = copied
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


@pytest.mark.parametrize("place", ["../notebooks", "../guide.md"])
def test_the_folder_of_the_chapters_and_a_file_are_refused(course, place):
    source, _ = course
    before = (source / CHAPTER).read_bytes()
    with pytest.raises(InputError, match=place):
        write_student_copies(source, source / place)
    assert (source / CHAPTER).read_bytes() == before


def test_only_the_named_chapters_are_written_and_one_whose_chapter_is_gone_is_left(course):
    source, target = course
    add_chapter(source)
    report = write_student_copies(source, target, names=["01"])
    assert list(states(report)) == [SECOND, "images/square.png"]
    (source / SECOND).unlink()
    report = write_student_copies(source, target)
    assert report.leftover == (SECOND,)
    assert (target / SECOND).exists() and SECOND in str(report)


# Links


def test_every_link_of_a_copy_leads_to_a_file(copied):
    _, target = copied
    found = [
        link.path
        for cell in documents.read(target / CHAPTER).cells
        if cell.cell_type == "markdown"
        for link in links.find(cell.source)
        if link.path
    ]
    assert len(found) == 2 and all((target / path).is_file() for path in found)
    assert (target / "images" / "square.png").read_bytes() == b"not a real picture"


def test_links_between_chapters_stay_and_others_keep_anchor_and_blanks(course):
    source, target = course
    notebook = documents.read(source / CHAPTER)
    inner = "[next](01_second.ipynb#A-claim) [top](#Shapes)"
    notebook.cells[3].source = f"## Shapes\n\n{inner} [guide](../guide.md#part)"
    documents.write(source / CHAPTER, notebook)
    add_chapter(source)
    write_student_copies(source, target)
    text = documents.read(target / CHAPTER).cells[3].source
    way = quote(Path(os.path.relpath(source.parent / "guide.md", target)).as_posix())
    assert text.endswith(f"{inner} [guide]({way}#part)") and "%20" in way


def test_a_changed_image_of_a_student_is_kept(copied):
    source, target = copied
    (target / "images" / "square.png").write_bytes(b"drawn over")
    (source / "images" / "square.png").write_bytes(b"a better square")
    report = write_student_copies(source, target)
    assert states(report)["images/square.png"] == "beside"
    assert (target / "images" / "square.png").read_bytes() == b"drawn over"
