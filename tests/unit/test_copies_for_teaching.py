"""What instructors hand out: their own copies, zips, assignments, hosted copies, licenses."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import small_chapters as small
from chapter_builder import code, good_chapter, write_course
from nbformat import validate
from nbformat.v4 import new_notebook

from course_tools.cli import main
from course_tools.notebooks import chapters, documents
from course_tools.publish import grading, instructor, licenses, shelf, student
from course_utils import claims, lessons
from course_utils.errors import InputError, WorldError

ROOT = Path(__file__).resolve().parent.parent.parent
ADDRESS = "git+https://example.org/course@2027-spring"


@pytest.fixture
def source(tmp_path):
    return write_course(tmp_path / "홍 길동").parent


# Instructors


def test_an_instructor_s_copy_has_solutions_notes_and_expected_numbers(source):
    small.keep(source, [0.8, 0.9], mutant=[0.1, 0.3])
    copy = documents.parse(instructor.instructor_files(source)["00_start_here.ipynb"], "copy")
    text = json.dumps(copy, ensure_ascii=False)
    assert "BEGIN SOLUTION" in text and "instructor" in text
    (row,) = [line for line in copy.cells[-1].source.splitlines() if "`beats-guessing`" in line]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1] == "quick/embedded" and "0.8" in cells[2] and "0.9" in cells[2]
    assert "0.5" in cells[3] and "WIDTH = 1" in cells[5] and cells[5].endswith("0.2")
    for end in claims.expected_range([0.8, 0.9]):
        assert f"{end:.4g}".replace("-", "−") in cells[4]
    assert all(not cell.outputs for cell in copy.cells if cell.cell_type == "code")


def test_evidence_that_is_none_is_told(source):
    (source / "lessons" / lessons.EVIDENCE).write_text("[")
    with pytest.raises(InputError, match=r"evidence\.json"):
        instructor.instructor_files(source)


@pytest.mark.parametrize("kind", ["student", "instructor"])
def test_both_versions_come_as_a_folder_and_as_a_zip_with_their_license(source, tmp_path, kind):
    (source.parent / "LICENSE").write_text("Text: CC BY.\nCode:  MIT.\n\nMIT License\n")
    target = tmp_path / "out" / kind
    assert main([kind, str(target), "--zip", "--notebooks", str(source)]) == 0
    members = zipfile.ZipFile(tmp_path / "out" / f"{kind}.zip").namelist()
    assert {"00_start_here.ipynb", "LICENSE"} <= set(members) and (target / "LICENSE").is_file()
    copy = documents.read(target / "00_start_here.ipynb")
    assert ("BEGIN SOLUTION" in json.dumps(copy)) == (kind == "instructor")
    assert copy.metadata["license"] == "Text: CC BY. Code: MIT."
    assert main([kind, str(source), "--notebooks", str(source)]) == 2


def test_a_zip_of_the_same_files_is_the_same(tmp_path):
    one = shelf.write_zip(tmp_path / "a.zip", {"a": b"1", "b/c": b"2"})
    other = shelf.write_zip(tmp_path / "b.zip", {"b/c": b"2", "a": b"1"})
    assert one.read_bytes() == other.read_bytes()


# Assignments


def test_an_assignment_has_a_cell_to_solve_one_that_grades_and_one_for_words():
    copy = grading.assignment(good_chapter(), name="a.ipynb")
    parameters, *marked = [cell for cell in copy.cells if "nbgrader" in cell.metadata]
    assert parameters.metadata.nbgrader.locked and not parameters.metadata.nbgrader.grade
    assert "parameters" in documents.tags(parameters)
    assert len(marked) % 3 == 0 and marked
    for solve, grade, words in zip(marked[::3], marked[1::3], marked[2::3], strict=True):
        assert solve.metadata.nbgrader.solution and "BEGIN SOLUTION" in solve.source
        assert grade.metadata.nbgrader.grade and grade.metadata.nbgrader.locked
        assert "exercises.require(" in grade.source and "check" not in solve.source
        # A third for what the check accepts, two thirds for what a person reads.
        assert (grade.metadata.nbgrader.points, words.metadata.nbgrader.points) == (1, 2)
        assert words.cell_type == words.metadata.nbgrader.cell_type == "markdown"
        assert words.metadata.nbgrader.grade and words.metadata.nbgrader.solution
        assert not words.metadata.nbgrader.locked
    assert not any("instructor" in documents.tags(cell) for cell in copy.cells)


BEGIN = """\
from course_utils import exercises, lessons, session
cell = {"PROFILE": "quick", "DATA": "embedded", "SEED": 0}
session.begin("00", cell | lessons.sheet("00").values("quick", "embedded"), tensorflow=False)
"""
WRONG = "answer = lambda images, batch_size: 0\n"
RIGHT = "answer = lambda images, batch_size: -(-images // batch_size)\n"


@pytest.mark.parametrize(
    ("answer", "earns"),
    [
        (RIGHT, True),
        (WRONG, False),
        (WRONG + "exercises.require = lambda *a, **k: None", False),
        (WRONG + "exercises.__dict__['_judge'] = lambda *a: None", False),
        (WRONG + "from course_utils.exercises import exercise\n"
         "exercise('00', 'batches-in-an-epoch')(lambda answer: None)", False),
        (WRONG + "exercises.names('00')\nfrom course_utils.exercises import chapter_00\n"
         "chapter_00.exercise = chapter_00.batches_in_an_epoch = lambda *a: None", False),
        (WRONG + "class exercises:\n    require = print", False),
    ],
)  # fmt: skip
def test_an_answer_that_replaces_the_check_earns_nothing(answer, earns):
    cell = code(f'{answer}\nexercises.check("batches-in-an-epoch", answer)', "exercise")
    copy = grading.assignment(new_notebook(cells=[cell]), name="a.ipynb")
    program = "\n".join([BEGIN, *(cell.source for cell in copy.cells if cell.cell_type == "code")])
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode == 0) is earns, done.stderr
    assert earns or "AssertionError: batches-in-an-epoch" in done.stderr


def test_assignments_bring_a_configuration_that_is_the_instructor_s_from_then_on(source, tmp_path):
    grading.write_assignments(source, tmp_path / "g")
    config = tmp_path / "g" / "nbgrader_config.py"
    assert "c.Execute.timeout = 1800" in config.read_text("utf-8")
    config.write_text("c = get_config()\n", "utf-8")
    grading.write_assignments(source, tmp_path / "g", names=["00"])
    assert config.read_text("utf-8") == "c = get_config()\n"


def test_an_exercise_with_another_end_is_refused():
    notebook = new_notebook(cells=[code("x = 1", "exercise")])
    with pytest.raises(InputError, match=r"a.ipynb, cell 1 "):
        grading.assignment(notebook, name="a.ipynb")


def test_every_assignment_carries_the_values_of_smoke(tmp_path):
    source = ROOT / "notebooks"
    grading.write_assignments(source, tmp_path)
    for chapter in chapters.find(source):
        copy = documents.read(tmp_path / "source" / chapter.stem / chapter.path.name)
        (cell,) = [cell for cell in copy.cells if "parameters" in documents.tags(cell)]
        values = {}
        exec(cell.source, {}, values)
        smoke = chapter.sheet.values("smoke", "embedded")
        assert values == {"PROFILE": "smoke", "DATA": "embedded", "SEED": 0, **smoke}


# Hosted copies


def test_no_chapter_has_a_hosted_cell_and_a_hosted_copy_has_one_before_its_parameters():
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        notebook = documents.read(path)
        before = documents.dump(notebook)
        copy = student.hosted(notebook, ADDRESS)
        assert small.hosted_cells(notebook) == [] and documents.dump(notebook) == before
        (place,) = small.hosted_cells(copy)
        assert "parameters" in documents.tags(copy.cells[place + 1])
        assert ADDRESS in copy.cells[place].source
        validate(copy)


@pytest.mark.parametrize("address", ["", 'a"; import os', "a\nb", "$(id)", "`id`", "a\\b"])
def test_what_is_no_address_is_never_put_into_a_cell(address):
    with pytest.raises(InputError) as error:
        student.hosted(small.chapter(), address)
    assert repr(address) in str(error.value)


@pytest.mark.parametrize("options", [[], ["--from", ADDRESS]])
def test_students_copies_have_a_hosted_cell_only_with_an_address(tmp_path, options):
    folder = small.write(tmp_path / "n", n00_start_here=small.chapter())
    arguments = [str(tmp_path / "h"), "--zip", "--notebooks", str(folder)]
    assert main(["student", *arguments, *options]) == 0
    packed = zipfile.ZipFile(tmp_path / "h.zip").read("00_start_here.ipynb")
    copies = [documents.read(tmp_path / "h" / "00_start_here.ipynb"), documents.parse(packed, "z")]
    for copy in copies:
        cells = [copy.cells[place].source for place in small.hosted_cells(copy)]
        assert len(cells) == bool(options) and all(ADDRESS in cell for cell in cells)


# Licenses


def test_the_course_s_own_license_is_beside_its_chapters(source):
    assert licenses.beside(source) == {}
    (text,) = licenses.beside(ROOT / "notebooks").values()
    assert text == (ROOT / "LICENSE").read_bytes()


def test_parts_of_others_are_named_as_their_own_files_say(tmp_path):
    script = tmp_path / "mathjax" / "es5" / "tex-svg-full.js"
    fonts = tmp_path / "reveal" / "dist" / "theme" / "fonts" / "source-sans-pro"
    for folder in (script.parent, fonts):
        folder.mkdir(parents=True)
    about = {"version": "9.8.7", "license": "Apache-9"}
    (tmp_path / "mathjax" / "package.json").write_text(json.dumps(about))
    (tmp_path / "mathjax" / "LICENSE").write_text("Apache, the text.")
    (tmp_path / "reveal" / "LICENSE").write_text("MIT, the text.")
    (fonts / "LICENSE").write_text("A Font License\n\nits text")
    head = tmp_path / "reveal" / "dist" / "reveal.js"
    head.write_text("/*!\n * reveal.js 6.5.4\n * https://revealjs.com\n * MIT licensed\n */")
    text = licenses.notice(licenses.of_decks(script, tmp_path / "reveal")).decode()
    for line in ("- MathJax 9.8.7: Apache-9", "- reveal.js 6.5.4: MIT", "its text"):
        assert line in text
    assert "- Source Sans Pro: A Font License" in text
    head.write_text("/* minified */")
    with pytest.raises(WorldError, match=r"reveal\.js"):
        licenses.of_decks(script, tmp_path / "reveal")
