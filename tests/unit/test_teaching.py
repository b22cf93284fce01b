"""The commands of TEACHING.md and of the Makefile for those who teach, typed."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
TEXT = (ROOT / "TEACHING.md").read_text(encoding="utf-8")


def blocks(title):
    """The commands of a section's blocks, one list a block."""
    section = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", TEXT, flags=re.M | re.S)[1]
    found = re.findall(r"^```\n(.*?)^```$", section, flags=re.M | re.S)
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
