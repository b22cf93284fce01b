"""Each of these chapters looks well to somebody or something; `course run` must call it red.

All of them run in one call, beside a chapter that differs from each in nothing but the poison and
must stay green.
"""

import contextlib
import io
import json
import re

import pytest
import small_chapters as small
from nbformat.v4 import new_code_cell

from course_utils import cli

# Found by the reader of a person who looks for what went wrong: the cell, and a piece of the line.
POISONS = {}


def poison(where: str, piece: str):
    def keep(make):
        POISONS[make.__name__] = (make, where, piece)
        return make

    return keep


@poison("cell 5 (id claim)", "the kernel died (ended by signal 9 (SIGKILL), often because the memo")
def dead_kernel(number):
    return small.chapter(number, claim="import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")


@poison("cell 7 (id exercise)", "the kernel died (exit status 0")
def dead_in_the_last_cell(number):
    source = (
        small.EXERCISE.format(number=number) + "import os, sys\nsys.stdout.flush()\nos._exit(0)"
    )
    return small.chapter(number, exercise=source)


@poison("cell 5 (id claim)", "raised ValueError: no such animal")
def raises(number):
    return small.chapter(number, claim=small.CLAIM + 'raise ValueError("no such animal\\nat all")')


@poison("cell 5 (id claim)", "raised ZeroDivisionError: division by zero")
def raises_as_tagged(number):
    notebook = small.chapter(number, claim=small.CLAIM + "1 / 0")
    return small.tag(notebook, "claim", "raises-exception")


@poison("cell 6 (id exact)", "this code cell was not executed")
def skipped(number):
    return small.tag(small.chapter(number), "exact", "skip-execution")


@poison("", "no code cell was executed")
def nothing_executed(number):
    notebook = small.chapter(number)
    for cell in notebook.cells:
        small.tag(notebook, cell.id, "skip-execution")
    return notebook


@poison("cell 5 (id claim)", "raised SystemExit: 0")
def leaves_quietly(number):
    return small.chapter(number, claim=small.CLAIM + "import sys\nsys.exit(0)")


@poison("cell 5 (id claim)", "ended in an error without a traceback")
def unknown_magic(number):
    return small.chapter(number, claim=small.CLAIM + "%nonsense\nraise ValueError")


@poison("cell 5 (id claim)", "raised StdinNotImplementedError")
def asks(number):
    return small.chapter(number, claim=small.CLAIM + 'input("go on?")')


@poison("cell 3 (id setup)", "expected COURSE_DATA_DIR to hold cats, received nothing: run `course")
def missing_data(number):
    source = small.SETUP.format(number=number) + (
        "from course_utils.errors import InputError\n"
        'raise InputError("expected COURSE_DATA_DIR to hold cats, received nothing: '
        'run `course data`")'
    )
    return small.chapter(number, setup=source)


@poison("", "no session record")
def no_session(number):
    return small.chapter(number, setup="x = 1", claim=None, exact=None, exercise=None)


@poison("cell 3 (id setup)", "the session records seed 1, asked was 0")
def another_session(number):
    return small.chapter(number, setup=small.SETUP.format(number=number).replace("=SEED", "=1"))


@poison("", "the parameters cell does not set SABOTAGE")
def cannot_be_sabotaged(number):
    source = re.sub("SABOTAGE = .*\n", "", small.PARAMETERS)
    setup = small.SETUP.format(number=number).replace("=SABOTAGE", '=""')
    return small.chapter(number, parameters=source, setup=setup)


@poison("cell 4 (id contract)", "a contract cell without stored output is never compared")
def contract_without_output(number):
    notebook = small.chapter(number)
    small.cell(notebook, "contract").outputs = []
    return notebook


@poison("cell 4 (id contract)", "a contract cell without an execution count is never compared")
def contract_without_count(number):
    notebook = small.chapter(number)
    small.cell(notebook, "contract").execution_count = None
    return notebook


@poison("cell 3 (id given)", "the source is itself an executed copy")
def executed_copy(number):
    notebook = small.chapter(number)
    given = new_code_cell("SEED = 0", id="given", metadata={"tags": ["injected-parameters"]})
    notebook.cells.insert(2, given)
    return notebook


@poison("cell 5 (id claim)", "claim beats-guessing missed: observed 0.5, band from 0.6 to 0.9")
def missed(number):
    return small.chapter(number, claim=small.CLAIM.replace("0.8 +", "0.5 +"))


@poison("cell 5 (id claim)", "claim beats-guessing missed: observed not a number")
def not_a_number(number):
    return small.chapter(number, claim=small.CLAIM.replace("=level", '=float("nan")'))


@poison("", "claim twice-two stands in the source and was not recorded")
def never_measured(number):
    return small.chapter(number, exact="if False:\n    " + small.EXACT.replace("\n", "\n    "))


@poison("", "claim twice-two is declared 2 times")
def declared_twice(number):
    return small.chapter(number, exact=small.EXACT + small.EXACT)


@poison("cell 6 (id exact)", "claim twice-two is recorded 2 times")
def recorded_twice(number):
    source = "for _ in range(2):\n    " + small.EXACT.replace("\n", "\n    ")
    return small.chapter(number, exact=source)


@poison("cell 6 (id exact)", "claim twice-two is recorded and does not stand in the source")
def not_in_the_source(number):
    return small.chapter(
        number, exact=small.EXACT.replace("claims.check", "getattr(claims, 'check')")
    )


@poison("cell 7 (id exercise)", "exercise half failed: half of 8 is not 3")
def wrong_solution(number):
    return small.chapter(
        number, exercise=small.EXERCISE.format(number=number).replace(" // 2", " - 5")
    )


@poison("", "exercise half stands in the source and was not checked")
def never_checked(number):
    source = small.EXERCISE.format(number=number)
    return small.chapter(
        number, exercise=source.replace("exercises.check(", "0 and exercises.check(")
    )


@poison("cell 6 (id exact)", "wrote to stderr: ")
def warns(number):
    return small.chapter(number, exact=small.EXACT + 'import warnings\nwarnings.warn("old")')


@poison("cell 6 (id exact)", "wrote to stderr: I0000 cpu_feature_guard.cc")
def logs_from_c(number):
    source = small.EXACT + 'import os\n_ = os.write(2, b"I0000 cpu_feature_guard.cc\\n")'
    return small.chapter(number, exact=source)


@poison("cell 6 (id exact)", "wrote to stderr: I0000 late.cc")
def logs_late_from_c(number):
    """The thread that reads the descriptor comes when the cell has long ended."""
    source = small.EXACT + (
        "import os, sys, threading, time\n"
        "parent = type(sys.stderr).parent_header\n"
        "def late(self):\n"
        "    if threading.current_thread() is self.watch_fd_thread:\n"
        "        time.sleep(1.5)\n"
        "    return parent.fget(self)\n"
        "type(sys.stderr).parent_header = property(late, parent.fset)\n"
        '_ = os.write(2, b"I0000 late.cc\\n")'
    )
    return small.chapter(number, exact=source)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Run them all, two at a time; exit code, report, and the folder of the results."""
    folder = tmp_path_factory.mktemp("홍 길동")
    chapters = {"n00_control": small.chapter("00")}
    for number, (name, (make, _, _)) in enumerate(POISONS.items(), start=1):
        chapters[f"n{number:02d}_{name}"] = make(f"{number:02d}")
    notebooks = small.write(folder / "note books", **chapters)
    out = folder / "runs"
    said = io.StringIO()
    arguments = ["run", "--notebooks", str(notebooks), "--out", str(out), "--jobs", "2"]
    with contextlib.redirect_stdout(said):
        code = cli.main(arguments)
    return code, said.getvalue(), out


def test_the_run_as_a_whole_is_red(course):
    code, _, _ = course
    assert code == 1


def test_the_control_is_green(course):
    _, report, out = course
    assert re.search(r"^00 control .*  ok$", report, re.MULTILINE), report
    assert "  00 control" not in report
    assert json.loads((out / "00_control.ipynb").read_text())["metadata"]["course"]["state"] == "ok"


@pytest.mark.parametrize("name", POISONS)
def test_red_with_its_own_reason(course, name):
    _, report, out = course
    _, where, piece = POISONS[name]
    number = 1 + list(POISONS).index(name)
    label = f"{number:02d} {name}"
    assert re.search(rf"^{label} .*  RED ", report, re.MULTILINE), report
    reasons = [line for line in report.splitlines() if line.startswith(f"  {label}, ")]
    expected = f"  {label}, {where}: {piece}" if where else f"  {label}, {piece}"
    assert any(line.startswith(expected) for line in reasons), "\n".join(reasons)
    stored = json.loads((out / f"{number:02d}_{name}.ipynb").read_text())
    assert stored["metadata"]["course"]["state"] == "red"


def test_a_notebook_without_code_is_refused_before_anything_runs(tmp_path, capsys):
    notebook = small.chapter("00")
    notebook.cells = notebook.cells[:1]
    notebooks = small.write(
        tmp_path / "홍 길동", n00_prose=notebook, n01_control=small.chapter("01")
    )
    code = cli.main(["run", "--notebooks", str(notebooks), "--out", str(tmp_path / "out")])
    assert code == 2
    assert capsys.readouterr().err.startswith("course: 00_prose.ipynb: expected one code cell tag")
    assert not (tmp_path / "out").exists()
