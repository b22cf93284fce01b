"""What TEACHING.md, README.md and the Makefile promise to those who teach, compared and typed."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from course_tools.notebooks import chapters, documents

ROOT = Path(__file__).resolve().parent.parent.parent
TEXT = (ROOT / "TEACHING.md").read_text(encoding="utf-8")
CHAPTERS = chapters.find(ROOT / "notebooks")
# How lecturers' cells say how long a chapter takes.
WORDS = {
    "Sixty": 60,
    "Seventy-five": 75,
    "Ninety": 90,
    "Two sessions of": 2,
    "Three sessions of": 3,
}


def section(title, text=TEXT):
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", text, flags=re.M | re.S)[1]


def minutes(number, text=TEXT):
    """The minutes that the table gives to a chapter's sections."""
    rows = re.findall(
        rf"^\| {number} \| .+ \| (\d+) \|$", section("Minutes a section", text), flags=re.M
    )
    return [int(row) for row in rows]


def said(chapter):
    """The minutes that the chapter's own cell for lecturers gives to the whole of it."""
    cells = documents.read(chapter.path).cells
    notes = [c.source for c in cells if c.source.startswith("**For lecturers.**")]
    found = re.match(r"\*\*For lecturers\.\*\* (.+?)(?: (\d+))? minutes", notes[0])
    return WORDS[found[1]] * int(found[2] or 1)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.number)
def test_every_chapter_has_its_minutes_as_its_lecturers_cell_says(chapter):
    assert minutes(chapter.number), "no row in the table of minutes"
    assert sum(minutes(chapter.number)) == said(chapter)


def test_a_chapter_without_rows_is_found():
    assert minutes("00", re.sub(r"^\| 00 .*\n", "", TEXT, flags=re.M)) == []


def test_graded_assignments_are_chapters_with_the_exercises_that_are_counted():
    rows = re.findall(
        r"^\| \w+ \| (\d\d) .* \| (\d) exercises: (\d+) \| (\d+) % \|$", TEXT, flags=re.M
    )
    assert len(rows) == 3
    stands = {chapter.number: len(chapter.exercises) for chapter in CHAPTERS}
    for number, exercises, points, _ in rows:
        assert int(points) == 3 * int(exercises)
        # A chapter may still be on its way; one that stands has what the table says.
        assert stands.get(number, int(exercises)) == int(exercises)
    project = re.search(r"^\| project \| .* \| (\d+) % \|$", TEXT, flags=re.M)[1]
    assert sum(int(row[3]) for row in rows) + int(project) == 100


def blocks(title):
    """The commands of a section's blocks, one list a block."""
    found = re.findall(r"^```\n(.*?)^```$", section(title), flags=re.M | re.S)
    return [block.splitlines() for block in found]


def typed(folder, *lines):
    for line in lines:
        done = subprocess.run(line, shell=True, cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, (line, done.stderr)
    return done.stdout.strip()


@pytest.mark.skipif(shutil.which("git") is None, reason="no git")
def test_a_term_is_tagged_mended_and_fetched_as_written(tmp_path, monkeypatch):
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "a")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "a@example.org")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "none"))
    begin, mend, students = blocks("A term: tags and errata")
    origin, mine = tmp_path / "origin", tmp_path / "mine"
    typed(tmp_path, f"git init -q --bare -b main {origin}", f"git clone -q {origin} {mine}")
    typed(mine, "git checkout -q -b main", "echo wrong > chapter", "echo work/ > .gitignore")
    typed(mine, "git add -A", "git commit -qm one", "git push -q origin main", *begin)
    clone = f"git clone -q --branch 2027-spring {origin} theirs"
    assert "git clone --branch 2027-spring" in TEXT
    typed(tmp_path, clone, "mkdir theirs/work", "echo mine > theirs/work/chapter")
    # Main goes on, and only what was wrong is carried over.
    typed(mine, "echo new > other", "git add -A", "git commit -qm new")
    typed(mine, "echo right > chapter", "git commit -qam errata")
    commit = typed(mine, "git rev-parse HEAD")
    typed(mine, *[line.replace("COMMIT", commit) for line in mend])
    assert students[-1] == "make lab"
    theirs = tmp_path / "theirs"
    typed(theirs, *students[:-1])
    assert (theirs / "chapter").read_text().strip() == "right"
    assert not (theirs / "other").exists()
    assert (theirs / "work" / "chapter").read_text().strip() == "mine"


@pytest.mark.skipif(shutil.which("make") is None, reason="no make")
@pytest.mark.parametrize(
    ("given", "typed"),
    [
        ((), "-m course_tools student dist/student --zip"),
        (
            ("FROM=git+https://github.com/NAME/COURSE@2027-spring",),
            "student dist/student --zip --from 'git+https://github.com/NAME/COURSE@2027-spring'",
        ),
    ],
)
def test_make_student_passes_the_address_on(given, typed):
    # Also where make runs the tests: a make inside of another says which folder it works in.
    command = ["make", "-n", "--no-print-directory", "student", *given]
    outside = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    shown = subprocess.run(
        command, cwd=ROOT, env=outside, capture_output=True, text=True, check=True
    ).stdout
    assert shown.strip().endswith(typed)


def test_the_readme_has_a_road_for_windows():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for command in ("lab", "run"):
        row = next(line for line in text.splitlines() if line.startswith(f"| `make {command}` |"))
        assert f"`py -3.12 -m course_tools {command}`" in row
    assert ".venv\\Scripts\\course" in text and "$env:COURSE_DATA_DIR" in text
