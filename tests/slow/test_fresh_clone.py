"""A fresh clone, in a folder with a space and another script, and no environment there."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("홍 길동") / "the course"
    files = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout
    for name in filter(None, files.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def course(clone, *arguments):
    """Call the command as a reader would, with the Python that made this environment."""
    base = Path(sys.base_prefix) / ("python.exe" if os.name == "nt" else "bin/python3")
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"VIRTUAL_ENV", "PYTHONPATH", "COURSE_ENVIRONMENT"}
    }
    return subprocess.run(
        [str(base), "-m", "course_tools", *arguments],
        cwd=clone,
        capture_output=True,
        text=True,
        check=False,
        env=environment | {"COURSE_CACHE_DIR": str(clone / "cache"), "LANG": "C.UTF-8"},
    )


def test_the_first_call_makes_the_environment_and_runs_a_chapter(clone):
    done = course(clone, "run", "00", "--profile", "smoke")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "environment ready" in done.stderr
    assert (clone / "runs" / "smoke-embedded" / "claims.json").is_file()


def test_the_second_call_finds_everything_done(clone):
    done = course(clone, "run", "00", "--profile", "smoke")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "environment" not in done.stderr
    assert "cached" in done.stdout


def test_students_copies_are_written(clone):
    done = course(clone, "student")
    assert done.returncode == 0, done.stderr
    copy = (clone / "work" / "00_start_here.ipynb").read_text(encoding="utf-8")
    assert "BEGIN SOLUTION" not in copy and "your code here" in copy
