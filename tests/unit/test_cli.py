"""The `course` command: how it ends, and which mistakes it finds before anything runs."""

import subprocess
import sys
from pathlib import Path

import pytest
import small_chapters as small
from click.testing import CliRunner

from course_utils import cli
from course_utils.errors import InputError, WorldError
from course_utils.notebooks import runs
from course_utils.notebooks.jobs import Outcome, Reason

OTHER = small.CLAIM.replace("beats-guessing", "beats-colour")
REAL = small.CLAIM.replace("quick/embedded", "full/real")
LISTS = small.PARAMETERS + "SIZES = [1, 2]  # two\nPAIR = (1, 2)  # two\nFREE = None  # any\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("PROFILE", "DATA", "SEED", "SABOTAGE"):
        monkeypatch.delenv(f"COURSE_{name}", raising=False)
    monkeypatch.chdir(tmp_path)
    small.write(
        tmp_path / "홍 길동",
        n00_start_here=small.chapter("00", parameters=LISTS),
        n01_convolution=small.chapter("01", claim=OTHER),
        n02_first_convnet=small.chapter("02", claim=REAL),
    )
    return tmp_path


@pytest.fixture
def planned(monkeypatch):
    """The jobs of `course run`, which does not run them."""
    jobs = []

    def note(given, **options):
        jobs.extend(given)
        return runs.Run(())

    monkeypatch.setattr(runs, "run", note)
    return jobs


def run(folder, *arguments):
    return cli.main(["run", "--notebooks", str(folder / "홍 길동"), *arguments])


def refused(folder, capsys, *arguments):
    """What `course run` answers to a mistake: one line, exit code 2, nothing written."""
    assert run(folder, *arguments) == 2
    said = capsys.readouterr()
    assert not (folder / "runs").exists()
    assert said.out == ""
    line = said.err.removesuffix("\n")
    assert "\n" not in line
    assert line.startswith("course: ")
    return line.removeprefix("course: ")


def test_all_chapters_as_they_say_themselves(folder, planned):
    assert run(folder) == 0
    assert [job.label for job in planned] == ["00 start_here", "01 convolution", "02 first_convnet"]
    assert [job.parameters[name] for job in planned[:1] for name in ("PROFILE", "SEED")] == [
        "quick",
        0,
    ]
    assert {job.folder for job in planned} == {folder / "runs" / "quick-embedded"}
    assert {job.timeout for job in planned} == {900}


@pytest.mark.parametrize("name", ["1", "01", "convolution", "01_convolution"])
def test_a_chapter_by_number_or_name(folder, planned, name):
    run(folder, name)
    assert [job.label for job in planned] == ["01 convolution"]


def test_the_command_line_wins_over_the_environment_over_the_notebook(folder, planned, monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "full")
    monkeypatch.setenv("COURSE_SEED", "7")
    run(folder, "1", "--profile", "smoke")
    settled = planned[0].parameters
    assert (settled["PROFILE"], settled["SEED"], settled["DATA"]) == ("smoke", 7, "embedded")
    assert planned[0].folder == folder / "runs" / "smoke-embedded"


def test_several_seeds(folder, planned):
    run(folder, "1", "--seeds", "0-1,4", "--out", "here")
    assert [(job.parameters["SEED"], job.folder.name) for job in planned] == [
        (0, "seed-0"),
        (1, "seed-1"),
        (4, "seed-4"),
    ]
    assert planned[0].folder.parent == folder / "here"


def test_several_profiles_each_in_a_folder_of_its_own(folder, planned):
    run(folder, "1", "--profile", "smoke", "--profile", "quick", "--seeds", "0-1", "--out", "here")
    found = [(job.tag, job.folder.relative_to(folder).as_posix()) for job in planned]
    assert found == [
        ("smoke seed 0", "here/smoke/seed-0"),
        ("smoke seed 1", "here/smoke/seed-1"),
        ("quick seed 0", "here/quick/seed-0"),
        ("quick seed 1", "here/quick/seed-1"),
    ]
    planned.clear()
    run(folder, "1", "--profile", "smoke", "--profile", "quick", "--profile", "smoke")
    assert [job.folder.name for job in planned] == ["smoke-embedded", "quick-embedded"]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (("WIDTH", "16"), 16),
        (("WIDTH", "-1"), -1),
        (("RATE", "0.25"), 0.25),
        (("RATE", "2"), 2.0),
        (("NAME", "12"), "12"),
        (("NAME", ""), ""),
        (("DEEP", "true"), True),
        (("DEEP", "False"), False),
        (("SIZES", "[3, 4]"), [3, 4]),
        (("FREE", "0.5"), 0.5),
        (("FREE", "cat"), "cat"),
        (("FREE", "None"), None),
    ],
)
def test_a_parameter_has_the_type_of_the_notebooks_own(folder, planned, typed, expected):
    assert run(folder, "0", "-p", *typed) == 0
    value = planned[0].parameters[typed[0]]
    assert (value, type(value)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["9"], "expected the name or number of a chapter, received '9': choose from 00_start"),
        (["convolutoin"], "the nearest is 01_convolution"),
        (["1", "-p", "WIDHT", "3"], "chapter 01 has no parameter WIDHT (the nearest is WIDTH): it"),
        (["-p", "SIZES", "[1]"], "chapter 01 has no parameter SIZES: it has WIDTH, RATE, NAME, DE"),
        (["1", "-p", "WIDTH", "0.5"], "expected WIDTH as a whole number like the notebook's own 8"),
        (["1", "-p", "WIDTH", "True"], "own 8, received 'True'"),
        (["1", "-p", "WIDTH", "wide"], "own 8, received 'wide'"),
        (["1", "-p", "RATE", "fast"], "expected RATE as a number like the notebook's own 0.5, rec"),
        (["1", "-p", "DEEP", "1"], "expected DEEP as True or False like the notebook's own False"),
        (["0", "-p", "SIZES", "(3, 4)"], "expected SIZES as a list like the notebook's own [1, 2]"),
        (["0", "-p", "PAIR", "(3, 4)"], "expected PAIR as a tuple like the notebook's own (1, 2)"),
        (["1", "-p", "SEED", "3"], "expected --seed for SEED, received -p SEED 3"),
        (["--seed", "1", "--seeds", "0-4"], "expected --seed or --seeds, received both: choose on"),
        (["--seeds", "4-0"], "expected seeds such as 0-4 or 0,2,5, received '4-0'"),
        (["--seeds", "0-4294967296"], "expected at most 1,000 seeds from 0 to 4294967295, receiv"),
        (["--seeds", "4294967296"], "expected at most 1,000 seeds from 0 to 4294967295, received"),
        (["--seeds", "0-1000"], "expected at most 1,000 seeds from 0 to 4294967295, received '0-"),
        (["--seeds", "a"], "expected seeds such as 0-4 or 0,2,5, received 'a'"),
        (["--sabotage", "beats-gessing"], "received 'beats-gessing': did you mean 00:beats-guess"),
        (["--sabotage", "01:beats-guessing"], "expected a claim to sabotage, received '01:beats-"),
        (["--sabotage", "00:beats-guessing+beats-gessing"], "did you mean 00:beats-guessing?"),
        (["1", "--sabotage", "00:beats-guessing"], "received '00': "),
        (["--sabotage", "beats-guessing"], "which may be 00:beats-guessing or 02:beats-guessing"),
        (
            ["--sabotage", "00:twice-two"],
            "claim 00:twice-two is exact mathematics and is broken by a test, not by the chapter: "
            "run pytest tests/unit/test_sums.py::test_twice",
        ),
        (
            ["--sabotage", "02:beats-guessing"],
            "expected a band of claim 02:beats-guessing for quick/embedded, it has full/real: "
            "without one it is not judged",
        ),
        (
            ["--profile", "smoke", "--sabotage", "00:beats-guessing"],
            "expected a profile that judges claims, received smoke with --sabotage: use quick",
        ),
    ],
)
def test_mistakes_are_found_before_anything_runs(folder, capsys, arguments, message):
    assert message in refused(folder, capsys, *arguments)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("PROFILE", "fast", "expected PROFILE to be one of smoke, quick, full, received 'fast'"),
        ("DATA", "none", "expected DATA to be one of embedded, real, received 'none'"),
        ("SEED", "x", "expected COURSE_SEED to be a whole number from 0 to 4294967295, recei"),
        ("SEED", "4294967296", "to be a whole number from 0 to 4294967295, received '42949"),
        ("SABOTAGE", "x-y", "expected a claim to sabotage, received 'x-y'"),
    ],
)
def test_so_are_those_of_the_environment(folder, capsys, monkeypatch, name, value, message):
    monkeypatch.setenv(f"COURSE_{name}", value)
    assert message in refused(folder, capsys)


@pytest.mark.parametrize(
    ("line", "other", "message"),
    [
        ("SEED = 0 ", 'SEED = "0" ', "expected SEED as a text like the notebook's own '0', receiv"),
        (
            'SABOTAGE = ""',
            'SABOTAGE = "a"',
            "expected the committed SABOTAGE to be empty, received",
        ),
    ],
)
def test_and_those_of_the_notebook(folder, capsys, line, other, message):
    source = small.PARAMETERS.replace(line, other)
    small.write(folder / "홍 길동", n01_convolution=small.chapter("01", parameters=source))
    assert message in refused(folder, capsys, "1", "--seed", "3")


def test_a_sabotaged_run_never_lands_on_a_good_one(folder, planned):
    run(folder, "--sabotage", "00:beats-guessing,beats-colour", "--sabotage", "01:beats-colour")
    assert [(job.label, job.parameters["SABOTAGE"], job.folder) for job in planned] == [
        (
            "00 start_here sabotaged beats-guessing",
            "beats-guessing",
            folder / "runs" / "sabotage" / "00-beats-guessing",
        ),
        (
            "01 convolution sabotaged beats-colour",
            "beats-colour",
            folder / "runs" / "sabotage" / "01-beats-colour",
        ),
    ]
    planned.clear()
    run(folder, "1", "--sabotage", "beats-colour", "--out", "runs/quick-embedded")
    assert planned[0].folder == folder / "runs" / "quick-embedded" / "01-beats-colour"


def test_several_claims_are_sabotaged_in_one_run(folder, planned, capsys):
    long = "beats-everything-that-has-ever-been-tried-on-these-pictures-so-far"
    both = small.CLAIM + OTHER.partition("\n")[2] + OTHER.replace("beats-colour", long)
    small.write(folder / "홍 길동", n03_both=small.chapter("03", claim=both))
    run(folder, "--sabotage", "03:beats-guessing+beats-colour+beats-guessing")
    run(folder, "--sabotage", f"03:beats-guessing+{long}")
    run(folder, "--sabotage", f"03:{long}+beats-guessing")
    assert planned[0].sabotage == ("beats-guessing", "beats-colour")
    assert planned[0].folder.name == "03-beats-guessing+beats-colour"
    assert planned[1].folder != planned[2].folder
    assert max(len(job.folder.name) for job in planned) < 100
    capsys.readouterr()
    assert run(folder, "--sabotage", "01:beats-colour,beats-colour+beats-guessing") == 2


def test_the_environment_sabotages_too(folder, planned, monkeypatch):
    monkeypatch.setenv("COURSE_SABOTAGE", "beats-colour")
    run(folder)
    assert [job.folder.name for job in planned] == ["01-beats-colour"]


def test_no_folder_of_chapters(tmp_path, capsys):
    assert cli.main(["run", "--notebooks", str(tmp_path / "none")]) == 2
    assert "course: expected a folder of chapters, received " in capsys.readouterr().err


@pytest.mark.parametrize(("error", "code"), [(InputError, 2), (WorldError, 1)])
def test_errors_of_the_course_are_one_line(folder, monkeypatch, error, code):
    def fail(*_, **__):
        raise error("expected this,\nreceived that")

    monkeypatch.setattr(runs, "run", fail)
    result = CliRunner().invoke(cli.cli, ["run", "--notebooks", str(folder / "홍 길동")])
    assert (result.exit_code, result.stderr) == (code, "course: expected this, received that\n")


@pytest.mark.parametrize(
    ("done", "code"),
    [
        (runs.Run(()), 0),
        (runs.Run((), interrupted=True), 130),
        ([[Reason("it raised")]], 1),
        ([[Reason("no data", users=True), Reason("5 cells were not executed")], []], 2),
        ([[Reason("no data", users=True)], [Reason("it raised")]], 1),
    ],
)
def test_exit_codes_are_the_same_however_it_is_called(folder, monkeypatch, done, code):
    def end(jobs, **_):
        if isinstance(done, runs.Run):
            return done
        return runs.Run(tuple(Outcome(jobs[0], tuple(reasons)) for reasons in done))

    monkeypatch.setattr(runs, "run", end)
    arguments = ["run", "--notebooks", str(folder / "홍 길동")]
    assert cli.main(arguments) == code
    assert CliRunner().invoke(cli.cli, arguments).exit_code == code


def test_ctrl_c_while_planning(folder, monkeypatch, capsys):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(runs, "workers", stop)
    assert run(folder) == 130
    assert capsys.readouterr().err.endswith("course: interrupted\n")


def test_an_unknown_option_is_the_users_mistake(folder, capsys):
    assert run(folder, "--profil", "smoke") == 2
    assert "--profile" in capsys.readouterr().err


def test_the_list_of_chapters(folder, capsys):
    assert cli.main(["list", "--notebooks", str(folder / "홍 길동")]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        "number  title  claims  exercises  time",
        "00      Small       2          1  quick 1 s on a CPU",
    ]


def test_help_loads_nothing_heavy():
    look = (
        "import sys; from course_utils.cli import main; main(['run', '--help']); "
        "heavy = {'papermill', 'nbformat', 'numpy', 'tensorflow'} & set(sys.modules); "
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    root = Path(cli.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", look], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--sabotage" in done.stdout
