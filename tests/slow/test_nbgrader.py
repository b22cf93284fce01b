"""nbgrader reads the assignments: release, validation, autograding, scores, feedback.

nbgrader is no dependency of the course: it is installed into a throw-away environment that sees
the course's own packages.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import small_chapters as small

from course_tools.notebooks import documents
from course_tools.publish.grading import write_assignments

ROOT = Path(__file__).resolve().parent.parent.parent
NAME = "00_start_here"
# Longer than the 30 seconds after which nbgrader stops a cell unless it is told otherwise.
SLOW = """\
import os, time
time.sleep(float(os.environ.get("COURSE_TEST_SLEEP", "0")))
made_late = lambda images, batch_size: -(-images // batch_size)
"""
# An exercise of the real chapter 00: a check that stood in the notebook would be the student's.
EXERCISE = """\
answer = ...
### BEGIN SOLUTION
answer = made_late
### END SOLUTION
exercises.check("batches-in-an-epoch", answer)
"""
# What the gradebook says, for each student: the points by cell, and whether a person is waited for.
SCORES = """\
import json
from nbgrader.api import Gradebook
found = {}
with Gradebook("sqlite:///gradebook.db") as book:
    for submission in book.assignment_submissions("NAME"):
        found[submission.student.id] = {
            grade.name: [grade.auto_score, grade.max_score, bool(grade.needs_manual_grade)]
            for notebook in submission.notebooks for grade in notebook.grades
        }
print(json.dumps(found))
""".replace("NAME", NAME)
# A person gives the points, as `nbgrader formgrader` does by hand.
BY_HAND = """\
from nbgrader.api import Gradebook
with Gradebook("sqlite:///gradebook.db") as book:
    grade = book.find_grade("exercise-in-words", "NAME", "NAME", "kim")
    grade.manual_score, grade.needs_manual_grade = 1.5, False
    book.db.commit()
""".replace("NAME", NAME)


@pytest.fixture(scope="module")
def nbgrader(tmp_path_factory):
    """Run nbgrader; skips where no index of packages gives it."""
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    folder = tmp_path_factory.mktemp("nbgrader")
    if uv is None:
        pytest.skip("no uv here to make a throw-away environment with")
    environment = os.environ | {"UV_LINK_MODE": "copy"}
    environment.pop("VIRTUAL_ENV", None)
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(folder / "v")], check=True)
    python = next((folder / "v").glob("*/python"))
    install = [uv, "pip", "install", "-q", "--python", str(python), "nbgrader", "ipykernel"]
    done = subprocess.run(install, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"nbgrader is not to be had here: {done.stderr.strip()[-200:]}")
    # Its own packages come first, the course's after them.
    site = next((folder / "v").rglob("site-packages"))
    line = f"import site; site.addsitedir({sysconfig.get_paths()['purelib']!r})\n"
    (site / "course.pth").write_text(line)

    def run(cwd, *arguments, script=None, **more):
        command = ["-c", script] if script else ["-m", "nbgrader", *arguments]
        return subprocess.run(
            [str(python), *command],
            cwd=cwd,
            capture_output=True,
            text=True,
            env=environment
            | {
                "HOME": str(folder),
                # The sheets of the small chapters, beside the course's folder.
                "COURSE_LESSONS": str(Path(cwd).parent / "notebooks" / "lessons"),
                "JUPYTER_DATA_DIR": str(folder / "data"),
                # It calls alembic by its name.
                "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
            }
            | more,
            check=False,
        )

    return run


@pytest.fixture
def course(tmp_path):
    """The folder of an nbgrader course with one small assignment."""
    notebooks = small.published()
    chapter = notebooks["n00_start_here"]
    small.cell(chapter, "contract").source = SLOW
    small.cell(chapter, "exercise").source = EXERCISE
    source = small.write(tmp_path / "notebooks", **notebooks)
    write_assignments(source, tmp_path / "course")
    return tmp_path / "course"


def hand_in(course, student, **cells):
    """Put a release that was worked on where nbgrader expects what students hand in."""
    release = documents.read(course / "release" / NAME / f"{NAME}.ipynb")
    for id, (old, new) in cells.items():
        found = small.cell(release, id.replace("_", "-"))
        assert old in found.source
        found.source = found.source.replace(old, new)
    place = course / "submitted" / student / NAME
    place.mkdir(parents=True)
    documents.write(place / f"{NAME}.ipynb", release)


def test_release_hides_the_solution_and_validation_judges(nbgrader, course):
    made = nbgrader(course, "generate_assignment", NAME, "--create")
    assert made.returncode == 0, made.stderr
    release = course / "release" / NAME / f"{NAME}.ipynb"
    text = release.read_text("utf-8")
    assert "YOUR CODE HERE" in text and "answer = made_late" not in text
    assert "YOUR ANSWER HERE" in text and "For whoever grades" not in text
    values = {}
    exec(small.cell(documents.read(release), "parameters").source, {}, values)
    assert (values["PROFILE"], values["SEED"], values["WIDTH"]) == ("smoke", 0, 2)

    solved = nbgrader(course, "validate", str(course / f"source/{NAME}/{NAME}.ipynb"))
    assert "Success! Your notebook passes all the tests." in solved.stdout, solved
    empty = nbgrader(course, "validate", str(release))
    assert "VALIDATION FAILED" in empty.stdout.upper(), empty


def test_autograding_gives_a_third_and_waits_for_a_person(nbgrader, course):
    assert nbgrader(course, "generate_assignment", NAME, "--create").returncode == 0
    code = "# YOUR CODE HERE\nraise NotImplementedError()"
    words = ("YOUR ANSWER HERE", "The last batch may be smaller; 3 for 100 by 32 would be wrong.")
    # Whoever hands in another size is graded on the same numbers as all.
    larger = {"parameters": ("'smoke'", "'quick'")}
    solved = (code, "answer = made_late")
    hand_in(course, "kim", exercise=solved, exercise_in_words=words, **larger)
    hand_in(course, "lee", exercise=(code, "answer = 5"), exercise_in_words=words)
    no_check = "exercises.require = lambda *a, **k: None\nanswer = 5"
    hand_in(course, "choi", exercise=(code, no_check), exercise_in_words=words)
    hand_in(course, "park")
    # The cell that sleeps would be stopped, and kim's answer would not be known.
    graded = nbgrader(course, "autograde", NAME, COURSE_TEST_SLEEP="31")
    assert graded.returncode == 0, graded.stderr[-2000:]
    shown = (course / "autograded/kim" / NAME / f"{NAME}.ipynb").read_text("utf-8")
    assert "CellTimeoutError" not in shown and "profile smoke" in shown

    scores = json.loads(nbgrader(course, script=SCORES).stdout)
    check, words = "exercise-graded", "exercise-in-words"
    assert scores["kim"] == {check: [1, 1, False], words: [None, 2, True]}
    for student in ("lee", "choi"):
        assert scores[student] == {check: [0, 1, False], words: [None, 2, True]}
    # Nothing written is nothing earned, and nobody has to read it.
    assert scores["park"] == {check: [0, 1, False], words: [0, 2, False]}

    assert nbgrader(course, script=BY_HAND).returncode == 0
    told = nbgrader(course, "generate_feedback", NAME, "--student", "kim")
    assert told.returncode == 0, told.stderr[-2000:]
    assert (course / "feedback/kim" / NAME / f"{NAME}.html").is_file()
    exported = nbgrader(course, "export")
    assert exported.returncode == 0, exported.stderr[-2000:]
    header, *rows = [line.split(",") for line in (course / "grades.csv").read_text().splitlines()]
    totals = {row[header.index("student_id")]: row[header.index("score")] for row in rows}
    assert {student: float(total) for student, total in totals.items()} == {
        "kim": 2.5,
        "lee": 0,
        "choi": 0,
        "park": 0,
    }


def test_nbgrader_fits_beside_the_lock():
    """As TEACHING.md says: added to the course's environment, it changes nothing there."""
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv is None:
        pytest.skip("no uv here")
    command = [uv, "pip", "install", "--dry-run", "--python", sys.executable]
    limits = ["-c", str(ROOT / "requirements.lock")]
    done = subprocess.run([*command, *limits, "nbgrader"], capture_output=True, text=True)
    if "Failed to fetch" in done.stderr or "error sending request" in done.stderr:
        pytest.skip("no index of packages here")
    assert done.returncode == 0, done.stderr
    assert not [line for line in done.stderr.splitlines() if line.startswith(" - ")], done.stderr
