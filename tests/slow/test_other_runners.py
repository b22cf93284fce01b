"""A chapter executed by others than `course run`: papermill as it is, and nbval in pytest."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from course_tools.notebooks import documents
from course_tools.run import contracts, records
from course_utils import lessons

ROOT = Path(__file__).resolve().parents[2]
STEM = "00_start_here"
# What the names hold at the end, whatever set them.
LOOKS = "import json\nprint(json.dumps({name: globals()[name] for name in course.expected}))"


def call(*arguments, folder):
    environment = {name: value for name, value in os.environ.items() if name[:7] != "COURSE_"}
    return subprocess.run(
        [sys.executable, "-m", *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=environment | {"PYTHONPATH": str(ROOT)},
    )


def test_papermill_given_only_the_profile_runs_all_sizes_of_it(tmp_path):
    folder = tmp_path / "홍 길동"
    folder.mkdir()
    notebook = documents.read(ROOT / "notebooks" / f"{STEM}.ipynb")
    notebook.cells.append(nbformat.v4.new_code_cell(LOOKS, id="looks"))
    documents.write(folder / "source.ipynb", notebook)
    done = call(
        *("papermill", "source.ipynb", "executed.ipynb", "-k", "python3", "-p", "PROFILE", "smoke"),
        folder=folder,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    executed = documents.read(folder / "executed.ipynb")
    expected = lessons.sheet("00").values("smoke", "embedded")
    assert json.loads(executed.cells[-1].outputs[0].text) == expected
    (session,) = records.read(executed, records.SESSION)
    assert session.content["profile"] == "smoke"
    recorded = records.read(executed, records.CLAIM)
    assert {record.content["id"] for record in recorded} == set(lessons.sheet("00").claims)
    assert not any(record.content["judged"] for record in recorded)


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The copy of the chapter that `course contracts --copies` writes."""
    folder = tmp_path_factory.mktemp("홍 길동") / "copies"
    written = contracts.write_smoke_copies(ROOT / "notebooks", folder)
    return next(path for path in written if path.stem == STEM)


def nbval(path):
    options = ("-q", "--nbval-lax", "--nbval-current-env", "-p", "no:cacheprovider")
    return call("pytest", *options, path.name, folder=path.parent)


def test_nbval_compares_the_contract_cells_of_a_copy(copy):
    done = nbval(copy)
    assert done.returncode == 0, done.stdout[-3000:]


def test_nbval_finds_a_contract_cell_that_differs(copy):
    notebook = documents.read(copy)
    cell = next(cell for cell in notebook.cells if "contract" in documents.tags(cell))
    cell.outputs[0].text += "and more\n"
    # What comes after it would only cost time.
    notebook.cells = notebook.cells[: notebook.cells.index(cell) + 1]
    path = copy.with_name("broken.ipynb")
    documents.write(path, notebook)
    done = nbval(path)
    assert done.returncode == 1 and "1 failed" in done.stdout, done.stdout[-3000:]
