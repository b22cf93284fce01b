"""Each chapter's first lines work where a hosted notebook runs them: alone, in a clean environment.

Colab opens the notebook without the course, and with its own TensorFlow; the first cell installs
the course. Binder makes the environment from `environment.yml`; there the cell does nothing.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from course_utils.notebooks import chapters, documents
from course_utils.publish import hosted

ROOT = Path(__file__).resolve().parent.parent.parent
HOSTED = [
    chapter
    for chapter in chapters.find(ROOT / "notebooks")
    if any("hosted" in documents.tags(cell) for cell in documents.read(chapter.path).cells)
]
RUNNER = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], 4)
NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
print(notebook.cells[-1].outputs[0]["data"]["text/plain"])
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """An environment with what a service brings (TensorFlow, Jupyter) and without the course."""
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv is None:
        pytest.skip("no uv here to make a clean environment with")
    folder = tmp_path_factory.mktemp("service")
    environment = os.environ | {"PYTHONPATH": ""}
    environment.pop("VIRTUAL_ENV", None)
    subprocess.run(
        [uv, "venv", "-q", "--seed", "--python", sys.executable, str(folder / "v")], check=True
    )
    python = next((folder / "v").glob("*/python"))
    wanted = ["ipykernel", "nbclient", "hatchling", "tensorflow-cpu>=2.20,<3", "keras", "numpy"]
    install = [uv, "pip", "install", "-q", "--python", str(python), "-c", str(limits(folder))]
    done = subprocess.run([*install, *wanted], env=environment, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no packages to be had here: {done.stderr.strip()[-200:]}")
    return python, environment


def limits(folder):
    """The versions of the lock, without their hashes."""
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    kept = [line.rstrip(" \\") for line in lines if line[:1].isalnum()]
    (folder / "limits.txt").write_text("\n".join(kept) + "\n")
    return folder / "limits.txt"


def first_lines(chapter):
    """The hosted cell, the parameters and the set-up, as a notebook of their own."""
    notebook = documents.read(chapter.path)
    wanted = ({"hosted"}, {"parameters"}, {"setup"})
    notebook.cells = [cell for cell in notebook.cells if documents.tags(cell) in wanted]
    assert len(notebook.cells) == 3
    return notebook


def test_there_are_chapters_with_a_hosted_cell():
    assert {chapter.number for chapter in HOSTED} >= {"00", "01", "02"}


def test_the_first_lines_of_every_chapter_work_alone(service, tmp_path):
    python, environment = service
    folder = tmp_path / "content"
    folder.mkdir()
    for chapter in HOSTED:
        notebook = hosted.pointed(first_lines(chapter), str(ROOT))
        nbformat.write(notebook, folder / chapter.path.name)
        done = subprocess.run(
            [str(python), "-c", RUNNER, chapter.path.name],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (chapter.stem, done.stderr[-2000:])
        assert f"Chapter {chapter.number} · profile quick" in done.stdout


def test_without_an_address_the_reader_is_told_what_is_missing(tmp_path):
    source = hosted.SOURCE.replace("%pip", "pass #").replace(
        'find_spec("course_utils")', 'find_spec("no_such_course")'
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True)
    assert "ask your instructor for it" in done.stderr


def test_binder_s_environment_holds_the_course():
    text = (ROOT / "environment.yml").read_text()
    assert "- -e ." in text and "jupyterlab" in text
