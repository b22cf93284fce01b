"""Each of these chapters looks well to somebody or something; `course run` must call it red.

All of them run in one call, beside chapters that differ from each in nothing but the poison and
must stay green.
"""

import contextlib
import io
import json
import re

import pytest
import small_chapters as small
from nbformat.v4 import new_code_cell

from course_tools import cli
from course_tools.run import engine
from course_utils import lessons

# Found by the reader of a person who looks for what went wrong: the cell, and what is wrong there.
POISONS = {}
CLAIM = "cell 5 (id claim)"

# Its mutant asks for nothing of the cell that is poisoned.
SHEET = small.SHEET.partition("mutant")[0] + 'mutant = { parameter = "WIDTH", value = 1 }\n'


def poison(where: str, value: str = ""):
    def keep(make):
        POISONS[make.__name__] = (make, where, value)
        return make

    return keep


@poison(CLAIM, "SIGKILL")
def dead_kernel(number):
    source = small.CLAIM + "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
    return small.chapter(number, claim=source)


@poison("cell 7 (id exercise)", "status 0")
def dead_in_the_last_cell(number):
    source = (
        small.EXERCISE.format(number=number) + "import os, sys\nsys.stdout.flush()\nos._exit(0)"
    )
    return small.chapter(number, exercise=source)


@poison(CLAIM, "ValueError: no such animal")
def raises(number):
    return small.chapter(number, claim=small.CLAIM + 'raise ValueError("no such animal\\nat all")')


@poison(CLAIM, "ZeroDivisionError")
def raises_as_tagged(number):
    notebook = small.chapter(number, claim=small.CLAIM + "1 / 0")
    return small.tag(notebook, "claim", "raises-exception")


@poison("cell 6 (id exact)")
def skipped(number):
    return small.tag(small.chapter(number), "exact", "skip-execution")


@poison("")
def nothing_executed(number):
    notebook = small.chapter(number)
    for cell in notebook.cells:
        small.tag(notebook, cell.id, "skip-execution")
    return notebook


@poison(CLAIM, "SystemExit: 0")
def leaves_quietly(number):
    return small.chapter(number, claim=small.CLAIM + "import sys\nsys.exit(0)")


@poison(CLAIM)
def unknown_magic(number):
    return small.chapter(number, claim=small.CLAIM + "%nonsense\nraise ValueError")


@poison(CLAIM, "StdinNotImplementedError")
def asks(number):
    return small.chapter(number, claim=small.CLAIM + 'input("go on?")')


@poison("cell 3 (id setup)", "COURSE_DATA_DIR")
def missing_data(number):
    source = small.SETUP.format(number=number) + (
        "from course_utils.errors import InputError\n"
        'raise InputError("expected COURSE_DATA_DIR to hold cats, received nothing: '
        'run `course data`")'
    )
    return small.chapter(number, setup=source)


NEVER = "if False:\n    " + small.CLAIM.replace("\n", "\n    ")


@poison("", "session")
def no_session(number):
    return small.chapter(number, setup="x = 1", claim=NEVER, exercise=None)


FORGED = """\
from course_utils import showing
show = showing.show
def forged(bundle):
    if {kind}.MIME in bundle:
        bundle[{kind}.MIME] |= {changes}
    show(bundle)
showing.show = forged
"""


@poison("cell 3 (id setup)", "seed 1")
def another_session(number):
    forged = FORGED.format(kind="session", changes={"seed": 1})
    imports, _, begin = small.SETUP.format(number=number).partition("\n")
    return small.chapter(number, setup=f"{imports}\n{forged}{begin}")


@poison("cell 3 (id setup)", "SEED")
def cannot_be_settled(number):
    parameters = re.sub("SEED = .*\n", "", small.PARAMETERS)
    return small.chapter(number, parameters=parameters)


@poison("cell 4 (id contract)")
def contract_without_output(number):
    notebook = small.chapter(number)
    small.cell(notebook, "contract").outputs = []
    return notebook


@poison("cell 4 (id contract)")
def contract_without_count(number):
    notebook = small.chapter(number)
    small.cell(notebook, "contract").execution_count = None
    return notebook


@poison("cell 4 (id contract)")
def blank_contract(number):
    notebook = small.chapter(number)
    small.cell(notebook, "contract").update(source=" \n", outputs=[], execution_count=None)
    return notebook


@poison("cell 3 (id given)")
def executed_copy(number):
    notebook = small.chapter(number)
    given = new_code_cell("SEED = 0", id="given", metadata={"tags": ["injected-parameters"]})
    notebook.cells.insert(2, given)
    return notebook


@poison(CLAIM, "0.5")
def outside_of_its_range(number):
    return small.chapter(number, claim=small.CLAIM.replace("= 0.8", "= 0.5"))


@poison(CLAIM, "not a number")
def not_a_number(number):
    return small.chapter(number, claim=small.CLAIM.replace("level,", 'float("nan"),'))


@poison(CLAIM, "beats-guessing")
def no_number_at_all(number):
    return small.chapter(number, claim=small.CLAIM.replace("level,", '"eight",'))


@poison(CLAIM, "beats-guessing")
def no_standard_error(number):
    return small.chapter(number, claim=small.CLAIM.replace("=0.005", "=None"))


@poison("", "beats-guessing")
def never_reached(number):
    return small.chapter(number, claim=NEVER)


@poison(CLAIM, "2")
def recorded_twice(number):
    return small.chapter(number, claim="for _ in range(2):\n    " + CHECK)


CHECK = 'claims.check("beats-guessing", 0.8, standard_error=0.005)\n'


@poison("cell 6 (id exact)", "made-up")
def not_in_the_sheet(number):
    return small.chapter(number, exact='getattr(claims, "check")("made-up", 0.8)')


def forges(changes):
    forged = FORGED.format(kind="claims", changes=changes)
    return lambda number: small.chapter(number, claim=forged + small.CLAIM)


@poison(CLAIM, "0.9")
def another_number(number):
    """Its own number contradicts what it says about it."""
    return forges({"observed": 0.9})(number)


@poison(CLAIM, "made-up")
def another_claim(number):
    return forges({"id": "made-up"})(number)


@poison(CLAIM, "0.0")
def a_wider_range(number):
    return forges({"low": 0.0, "observed": 0.1, "held": True, "true_here": False})(number)


@poison(CLAIM, "0.05")
def a_lower_threshold(number):
    return forges({"threshold": [0.05, None]})(number)


@poison(CLAIM, "seeds 2")
def fewer_seeds(number):
    """With so few, a run outside the expected range would be a note."""
    return forges({"seeds": 2, "observed": 0.5, "held": False})(number)


UNJUDGED = {"judged": False, **dict.fromkeys(("held", "low", "high", "share"))}


@poison(CLAIM, "not judged")
def unjudged(number):
    return forges(UNJUDGED | {"observed": 0.1, "true_here": False})(number)


@poison(CLAIM, "not judged")
def another_parameter_on_the_way(number):
    """Kept seeds judge no run with other parameters, and here nobody asked for one."""
    return small.chapter(number, claim="WIDTH = 16\n" + small.CLAIM.replace("0.8 +", "0.1 +"))


@poison(CLAIM, "profile 'smoke'")
def smoke_all_of_a_sudden(number):
    return forges(UNJUDGED | {"profile": "smoke"})(number)


@poison(CLAIM, "observed")
def a_text_for_a_number(number):
    return forges({"observed": "0.8"})(number)


@poison("cell 7 (id exercise)", "3")
def wrong_solution(number):
    return small.chapter(
        number, exercise=small.EXERCISE.format(number=number).replace(" // 2", " - 5")
    )


@poison("", "half")
def never_checked(number):
    source = small.EXERCISE.format(number=number)
    return small.chapter(
        number, exercise=source.replace("exercises.check(", "0 and exercises.check(")
    )


@poison("cell 6 (id exact)", "stderr")
def warns(number):
    return small.chapter(number, exact=small.EXACT + 'import warnings\nwarnings.warn("old")')


@poison("cell 6 (id exact)", "I0000 cpu_feature_guard.cc")
def logs_from_c(number):
    source = small.EXACT + 'import os\n_ = os.write(2, b"I0000 cpu_feature_guard.cc\\n")'
    return small.chapter(number, exact=source)


@poison("cell 6 (id exact)", "I0000 late.cc")
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


@poison("cell 6 (id exact)", "3")
def failing_command(number):
    return small.chapter(number, exact="!exit 3")


@poison("cell 6 (id exact)", "3")
def failing_command_whose_words_are_kept(number):
    return small.chapter(number, exact="words = get_ipython().getoutput('exit 3')")


@poison("cell 6 (id exact)", "pip install")
def failing_pip(number):
    return small.chapter(number, exact="%pip install -q --no-index no-such-package-anywhere")


@poison("cell 6 (id exact)", "3 MB")
def prints_without_end(number):
    return small.chapter(number, exact='while True:\n    print("again" * 100)')


@poison("cell 6 (id exact)", "3 MB")
def shows_nothing_without_end(number):
    return small.chapter(
        number,
        exact="from IPython.display import clear_output\nwhile True:\n    clear_output()",
    )


@poison("cell 6 (id exact)", "stderr")
def prints_what_no_message_can_hold(number):
    return small.chapter(number, exact='print("\\ud800")')


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Run them all, two at a time; exit code, report, and the folder of the results."""
    folder = tmp_path_factory.mktemp("홍 길동")
    chapters = {"n00_control": small.chapter("00")}
    for number, (name, (make, _, _)) in enumerate(POISONS.items(), start=1):
        chapters[f"n{number:02d}_{name}"] = make(f"{number:02d}")
    chapters["n98_unexpected"] = outside_of_its_range("98")
    chapters["n99_false_here"] = small.chapter("99")
    notebooks = small.write(folder / "note books", sheet=SHEET, **chapters)
    # Nine kept seeds of the one, a threshold among the seeds of the other.
    kept = notebooks / "lessons" / lessons.EVIDENCE
    content = json.loads(kept.read_text())
    content["chapters"]["98"] = json.loads(json.dumps(small.EVIDENCE))
    seeds = content["chapters"]["98"]["claims"]["beats-guessing"]["quick/embedded"]["seeds"]
    for seed in ("9", "10", "11"):
        del seeds[seed]
    kept.write_text(json.dumps(content))
    near = SHEET.replace("above = 0.5", "above = 0.8")
    (notebooks / "lessons" / "99.toml").write_text(near)

    out = folder / "runs"
    said = io.StringIO()
    arguments = ["run", "--notebooks", str(notebooks), "--out", str(out), "--jobs", "2"]
    with contextlib.redirect_stdout(said), pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "_MOST_OUTPUT", 3_000_000)
        code = cli.main(arguments)
    return code, said.getvalue(), out


def state(out, stem):
    return json.loads((out / f"{stem}.ipynb").read_text())["metadata"]["course"]["state"]


def test_the_run_as_a_whole_is_red(course):
    code, _, _ = course
    assert code == 1


def test_the_control_is_green(course):
    _, report, out = course
    assert re.search(r"^00 control .*  ok$", report, re.MULTILINE), report
    assert "  00 control" not in report
    assert state(out, "00_control") == "ok"


@pytest.mark.parametrize("stem", ["98_unexpected", "99_false_here"])
def test_what_no_reader_may_miss_and_nothing_is_wrong_with_is_green_and_noted(course, stem):
    _, report, out = course
    label = stem.replace("_", " ", 1)
    assert re.search(rf"^{label} .*  ok$", report, re.MULTILINE), report
    (note,) = [line for line in report.splitlines() if line.startswith(f"  {label}: ")]
    assert "beats-guessing" in note
    assert state(out, stem) == "ok"


@pytest.mark.parametrize("name", POISONS)
def test_red_at_its_own_cell(course, name):
    _, report, out = course
    _, where, value = POISONS[name]
    number = 1 + list(POISONS).index(name)
    label = f"{number:02d} {name}"
    assert re.search(rf"^{label} .*  RED ", report, re.MULTILINE), report
    reasons = [line for line in report.splitlines() if line.startswith(f"  {label}, ")]
    begins = f"  {label}, {where}:" if where else f"  {label}, "
    assert any(line.startswith(begins) and value in line for line in reasons), "\n".join(reasons)
    assert state(out, f"{number:02d}_{name}") == "red"


# What can be seen without running is refused before anything runs.


def refused(tmp_path, capsys, *arguments, **changed):
    notebooks = small.write(tmp_path / "홍 길동", **changed)
    out = tmp_path / "out"
    code = cli.main(["run", "--notebooks", str(notebooks), "--out", str(out), *arguments])
    assert code == 2
    assert not out.exists()
    return capsys.readouterr().err


def test_a_notebook_without_code(tmp_path, capsys):
    notebook = small.chapter("00")
    notebook.cells = notebook.cells[:1]
    control = small.chapter("01")
    assert "00_prose.ipynb" in refused(tmp_path, capsys, n00_prose=notebook, n01_control=control)


def test_an_unknown_parameter(tmp_path, capsys):
    typed = ("-p", "EPOCHES", "3")
    assert "EPOCHES" in refused(tmp_path, capsys, *typed, n00_small=small.chapter("00"))


def test_a_parameter_that_the_sheet_does_not_have(tmp_path, capsys):
    notebook = small.chapter("00", parameters=small.PARAMETERS + "DEPTH = 3\n")
    assert "DEPTH" in refused(tmp_path, capsys, n00_small=notebook)


@pytest.mark.parametrize(
    ("exact", "value"),
    [
        (CHECK, "beats-guessing"),
        ('claims.check("beats-guesing", 0.8)', "beats-guesing"),
    ],
    ids=["checked twice", "not in the sheet"],
)
def test_claims_that_do_not_fit_the_sheet(tmp_path, capsys, exact, value):
    notebook = small.chapter("00", exact=exact)
    assert value in refused(tmp_path, capsys, n00_small=notebook)


def test_a_claim_of_the_sheet_that_no_cell_checks(tmp_path, capsys):
    notebook = small.chapter("00", claim="level = 0.8")
    assert "beats-guessing" in refused(tmp_path, capsys, n00_small=notebook)


def test_a_mutant_that_an_edit_has_left_behind(tmp_path, capsys):
    notebook = small.chapter("00", claim=small.CLAIM.replace("level", "share"))
    assert "level = 0.8" in refused(tmp_path, capsys, n00_small=notebook)
