"""How long a reader waits: for an import, a set-up cell, the first figure, a run of nothing new."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from benchmarks.turns import Candidate, Job

ROOT = Path(__file__).resolve().parent.parent
FIRST = "notebooks/00_start_here.ipynb"
# The chapter whose set-up cell imports most.
SETUP = "notebooks/05_fine_tuning.ipynb"
COURSE = ("course_tools", "run", "00", "--profile", "smoke")


def python(code: str) -> Callable[[], object]:
    """A fresh interpreter that runs some lines."""
    return lambda: subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT) and None


def setup_cell(notebook: str) -> Callable[[], object]:
    """The parameters and the set-up cell of a chapter, in a fresh interpreter."""
    cells = json.loads((ROOT / notebook).read_text(encoding="utf-8"))["cells"]
    wanted = [
        cell for cell in cells if {"parameters", "setup"} & set(cell["metadata"].get("tags", []))
    ]
    code = "\n".join("".join(cell["source"]) for cell in wanted)
    run = [sys.executable, "-c", code]
    return lambda: subprocess.run(run, check=True, cwd=ROOT, capture_output=True) and None


def first_figure(*command: str) -> Callable[[], float]:
    """A command that executes chapter 00, until the first cell with a picture is done."""

    def run() -> float:
        with tempfile.TemporaryDirectory() as folder:
            written = Path(folder, Path(FIRST).name)
            began = datetime.now().timestamp()
            _call(*(part.format(folder=folder, written=written) for part in command))
            return _done(written) - began

    return run


def nothing_new() -> Callable[[], object]:
    """`course run` on chapters that are executed and unchanged."""
    folder = tempfile.mkdtemp(prefix="course-benchmark-")
    return lambda: _call(*COURSE, "--out", folder)


def _call(*module: str) -> None:
    command = [sys.executable, "-m", *module]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)


def _done(executed: Path) -> float:
    """When the first cell that shows a picture was done, in seconds since 1970."""
    for cell in json.loads(executed.read_text(encoding="utf-8"))["cells"]:
        if any("image/png" in output.get("data", {}) for output in cell.get("outputs", [])):
            return datetime.fromisoformat(cell["metadata"]["papermill"]["end_time"]).timestamp()
    raise RuntimeError(f"{executed.name} shows no figure")


_KERAS = Candidate("`import keras`", python, ("import keras",))
_PAPERMILL = Candidate(
    "papermill alone",
    first_figure,
    ("papermill", FIRST, "{written}", "-k", "python3", "-p", "PROFILE", "smoke"),
)

JOBS = [
    Job(
        "importing the package",
        Candidate("`import course_utils`", python, ("import course_utils",)),
        (_KERAS,),
        rounds=3,
        outside=True,
    ),
    Job(
        "the set-up cell of chapter 05",
        Candidate("as it stands", setup_cell, (SETUP,)),
        (_KERAS,),
        rounds=3,
        outside=True,
    ),
    Job(
        "chapter 00 from the command to its first figure, smoke",
        Candidate("`course run 00`", first_figure, (*COURSE, "--force", "--out", "{folder}")),
        (_PAPERMILL,),
        rounds=3,
        outside=True,
    ),
    Job(
        "chapter 00 once more, unchanged",
        Candidate("`course run 00`", nothing_new),
        (_PAPERMILL,),
        rounds=3,
        outside=True,
    ),
]
