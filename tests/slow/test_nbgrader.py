"""nbgrader reads the assignments: its release hides the solutions and its validation judges.

nbgrader is no dependency of the course: it is installed into a throw-away environment that sees
the course's own packages.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import small_chapters as small

from course_utils.publish.grading import write_assignments


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

    def run(cwd, *arguments):
        return subprocess.run(
            [str(python), "-m", "nbgrader", *arguments],
            cwd=cwd,
            capture_output=True,
            text=True,
            env=environment
            | {
                "HOME": str(folder),
                "JUPYTER_DATA_DIR": str(folder / "data"),
                # It calls alembic by its name.
                "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
            },
            check=False,
        )

    return run


def test_release_hides_the_solution_and_validation_judges(nbgrader, tmp_path):
    source = small.write(tmp_path / "notebooks", **small.published())
    course = tmp_path / "course"
    write_assignments(source, course)
    (course / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.root = '.'\n")
    made = nbgrader(course, "generate_assignment", "00_start_here", "--create")
    assert made.returncode == 0, made.stderr
    release = course / "release" / "00_start_here" / "00_start_here.ipynb"
    text = release.read_text("utf-8")
    assert "YOUR CODE HERE" in text and "answer = 4" not in text

    solved = nbgrader(course, "validate", str(course / "source/00_start_here/00_start_here.ipynb"))
    assert "Success! Your notebook passes all the tests." in solved.stdout, solved
    empty = nbgrader(course, "validate", str(release))
    assert "VALIDATION FAILED" in empty.stdout.upper(), empty
