"""Each chapter's first lines work where a hosted copy runs them: alone, in a clean environment.

Colab opens the copy without the course, and with its own TensorFlow; the first cell installs the
course. Binder makes the environment from `environment.yml`; there a copy needs no such cell, and
one that has it installs nothing. Both are played here with an environment that uv makes: no conda,
and this Python.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

from course_tools.notebooks import chapters, documents
from course_tools.publish.student import student_files

ROOT = Path(__file__).resolve().parent.parent.parent
CHAPTERS = chapters.find(ROOT / "notebooks")
RUNNER = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], 4)
NotebookClient(notebook, timeout=900, startup_timeout=300, kernel_name="python3").execute()
print(notebook.cells[-1].outputs[0]["data"]["text/plain"])
"""


def clean_environment(folder, wanted):
    """A new environment with packages in the lock's versions: its Python, and how to call it."""
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv is None:
        pytest.skip("no uv here to make a clean environment with")
    environment = os.environ | {"PYTHONPATH": ""}
    environment.pop("VIRTUAL_ENV", None)
    subprocess.run(
        [uv, "venv", "-q", "--seed", "--python", sys.executable, str(folder / "v")], check=True
    )
    python = next((folder / "v").glob("*/python"))
    install = [uv, "pip", "install", "-q", "--python", str(python), "-c", str(limits(folder))]
    done = subprocess.run([*install, *wanted], env=environment, capture_output=True, text=True)
    if done.returncode:
        if "Failed to fetch" in done.stderr or "error sending request" in done.stderr:
            pytest.skip(f"no packages to be had here: {done.stderr.strip()[-200:]}")
        raise AssertionError(done.stderr)
    return python, environment


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """An environment with what a service brings (TensorFlow, Jupyter) and without the course."""
    wanted = ["ipykernel", "nbclient", "hatchling", "tensorflow-cpu>=2.20,<3", "keras", "numpy"]
    return clean_environment(tmp_path_factory.mktemp("service"), wanted)


@pytest.fixture(scope="module")
def binder(tmp_path_factory):
    """What Binder installs: all that stands under `pip` in environment.yml, from a checkout."""
    parts = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    (wanted,) = [part["pip"] for part in parts if isinstance(part, dict)]
    assert "-e ." in wanted
    folder = tmp_path_factory.mktemp("binder")
    lines = [f"-e {ROOT}" if line == "-e ." else line for line in wanted]
    (folder / "requirements.txt").write_text("\n".join(lines) + "\n")
    return clean_environment(folder, ["-r", str(folder / "requirements.txt")])


def limits(folder):
    """The versions of the lock, without their hashes."""
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    kept = [line.rstrip(" \\") for line in lines if line[:1].isalnum()]
    (folder / "limits.txt").write_text("\n".join(kept) + "\n")
    return folder / "limits.txt"


def first_lines(address):
    """Of each student's copy, the first code cells as a notebook of their own."""
    wanted = ({"hosted"}, {"parameters"}, {"setup"})
    copies = student_files(ROOT / "notebooks", address=address)
    for chapter in CHAPTERS:
        notebook = documents.parse(copies[chapter.path.name], chapter.path.name)
        notebook.cells = [cell for cell in notebook.cells if documents.tags(cell) in wanted]
        assert len(notebook.cells) == (3 if address else 2)
        yield chapter, notebook


def executed(notebook, path, number, python, environment):
    """Execute first lines where they lie; the last of them says what was begun."""
    nbformat.write(notebook, path)
    done = subprocess.run(
        [str(python), "-c", RUNNER, path.name],
        cwd=path.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (path.name, done.stderr[-2000:])
    assert f"Chapter {number} · profile quick" in done.stdout


def has_the_course(python, environment, folder):
    code = "import importlib.util as u; print(u.find_spec('course_utils') is not None)"
    command = [str(python), "-c", code]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip() == "True"


def test_the_first_lines_of_every_chapter_work_alone(service, tmp_path):
    python, environment = service
    folder = tmp_path / "content"
    folder.mkdir()
    assert not has_the_course(python, environment, folder)
    for chapter, notebook in first_lines(str(ROOT)):
        executed(notebook, folder / chapter.path.name, chapter.number, python, environment)
    assert has_the_course(python, environment, folder)


# An address from which nothing can be installed: a cell that tried would fail.
@pytest.mark.parametrize("address", ["", "git+https://no-such-host.invalid/course"])
def test_binder_begins_a_student_s_copy_and_installs_nothing_more(binder, tmp_path, address):
    python, environment = binder
    chapter, notebook = next(first_lines(address))
    executed(notebook, tmp_path / chapter.path.name, chapter.number, python, environment)


def test_binder_has_a_jupyterlab(binder):
    python, environment = binder
    lab = [str(python), "-m", "jupyter", "lab", "--version"]
    assert subprocess.run(lab, env=environment, capture_output=True, check=False).returncode == 0
