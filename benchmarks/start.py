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


def by_course() -> Callable[[], float]:
    """`course run 00`, until the first cell with a picture is done."""

    def run() -> float:
        with tempfile.TemporaryDirectory() as folder:
            began = datetime.now().timestamp()
            command = (sys.executable, "-m", "course_tools", "run", "00", "--profile", "smoke")
            subprocess.run(
                [*command, "--force", "--out", folder], check=True, cwd=ROOT, capture_output=True
            )
            return _first_figure(Path(folder, Path(FIRST).name)) - began

    return run


def by_papermill() -> Callable[[], float]:
    """papermill alone on the same notebook."""

    def run() -> float:
        with tempfile.TemporaryDirectory() as folder:
            written = Path(folder, "00.ipynb")
            began = datetime.now().timestamp()
            command = (sys.executable, "-m", "papermill", FIRST, str(written), "-k", "python3")
            subprocess.run(
                [*command, "-p", "PROFILE", "smoke"], check=True, cwd=ROOT, capture_output=True
            )
            return _first_figure(written) - began

    return run


def nothing_new() -> Callable[[], object]:
    """`course run` on chapters that are executed and unchanged."""
    folder = tempfile.mkdtemp(prefix="course-benchmark-")
    command = [sys.executable, "-m", "course_tools", "run", "00", "--profile", "smoke"]
    return lambda: (
        subprocess.run([*command, "--out", folder], check=True, cwd=ROOT, capture_output=True)
        and None
    )


def _first_figure(executed: Path) -> float:
    """When the first cell that shows a picture was done, in seconds since 1970."""
    for cell in json.loads(executed.read_text(encoding="utf-8"))["cells"]:
        if any("image/png" in output.get("data", {}) for output in cell.get("outputs", [])):
            return datetime.fromisoformat(cell["metadata"]["papermill"]["end_time"]).timestamp()
    raise RuntimeError(f"{executed.name} shows no figure")


_KERAS = Candidate("`import keras`", f"{__name__}:python", ("import keras",))

JOBS = [
    Job(
        "importing the package",
        Candidate("`import course_utils`", f"{__name__}:python", ("import course_utils",)),
        (_KERAS,),
        rounds=3,
        outside=True,
    ),
    Job(
        "the set-up cell of chapter 05",
        Candidate("as it stands", f"{__name__}:setup_cell", (SETUP,)),
        (_KERAS,),
        rounds=3,
        outside=True,
    ),
    Job(
        "chapter 00 from the command to its first figure, smoke",
        Candidate("`course run 00`", f"{__name__}:by_course"),
        (Candidate("papermill alone", f"{__name__}:by_papermill"),),
        rounds=3,
        outside=True,
    ),
    Job(
        "chapter 00 once more, unchanged",
        Candidate("`course run 00`", f"{__name__}:nothing_new"),
        (Candidate("papermill alone", f"{__name__}:by_papermill"),),
        rounds=3,
        outside=True,
    ),
]
