"""The `course` command: how it ends, and which mistakes it finds before anything runs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import small_chapters as small
from click.testing import CliRunner

from course_tools import cli
from course_tools.notebooks import documents
from course_tools.run import runs
from course_tools.run.plan import Outcome, Reason, Run
from course_utils import lessons
from course_utils.errors import InputError, WorldError

LISTS = small.PARAMETERS + "SIZES = [1, 2]  # two\n"
LISTS_SHEET = small.SHEET.replace("[claims", "SIZES = { quick = [1, 2] }\n\n[claims", 1)
# The kept seeds lie around this threshold: one run cannot tell.
NEAR = """
[claims.beats-colour]
sentence = "The convnet beats the mean color."
above = 0.8
mutant = { parameter = "WIDTH", value = 1 }
"""
# Chapter 02 speaks of real data, of which nothing is kept.
REAL = small.SHEET.replace("test_set", 'only = "real"\ntest_set')


def both(sheet=small.SHEET):
    """A chapter of two claims, and its sheet."""
    claim = small.CLAIM + 'claims.check("beats-colour", level)\n'
    return {"claim": claim}, sheet + NEAR


def keep(folder, **kept):
    """Write evidence; each chapter's claims have the seeds of the small chapter's one."""
    (facts,) = small.EVIDENCE["claims"].values()
    found = {
        number.removeprefix("n"): {"digest": {}, "claims": dict.fromkeys(ids, facts)}
        for number, ids in kept.items()
    }
    content = {"format": lessons.FORMAT, "chapters": found}
    (folder / "lessons" / lessons.EVIDENCE).write_text(json.dumps(content))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.delenv("COURSE_LESSONS", raising=False)
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "홍 길동"
    cells, sheet = both()
    small.write(place, sheet=LISTS_SHEET, n00_start_here=small.chapter("00", parameters=LISTS))
    small.write(place, sheet=sheet, n01_convolution=small.chapter("01", **cells))
    small.write(place, sheet=REAL, n02_first_convnet=small.chapter("02"))
    keep(place, n00=["beats-guessing"], n01=["beats-guessing", "beats-colour"])
    return tmp_path


@pytest.fixture
def planned(monkeypatch):
    """The jobs of `course run`, which does not run them."""
    jobs = []

    def note(given, **options):
        jobs.extend(given)
        return Run(())

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


def test_the_command_line_wins_over_the_notebook(folder, planned):
    run(folder, "1", "--profile", "smoke", "--seed", "7")
    settled = planned[0].parameters
    assert (settled["PROFILE"], settled["SEED"], settled["DATA"]) == ("smoke", 7, "embedded")
    assert planned[0].folder == folder / "runs" / "smoke-embedded"


@pytest.mark.parametrize(
    ("profile", "data", "expected"),
    [
        ("quick", "embedded", (8, 0.5, "hat", False)),
        ("smoke", "embedded", (2, 0.5, "hat", False)),
        ("quick", "real", (8, 0.5, "coat", False)),
        ("smoke", "real", (2, 0.5, "hat", False)),
        ("full", "real", (8, 0.5, "hat", True)),
    ],
)
def test_the_sheet_has_the_values_of_profile_and_data(
    folder, planned, monkeypatch, profile, data, expected
):
    monkeypatch.setattr("course_tools.run.needs.used", lambda chapter: ())
    run(folder, "1", "--profile", profile, "--data", data)
    settled = planned[0].parameters
    assert tuple(settled[name] for name in ("WIDTH", "RATE", "NAME", "DEEP")) == expected


def test_a_parameter_of_the_command_line_wins_over_the_sheet(folder, planned):
    run(folder, "1", "--profile", "smoke", "-p", "WIDTH", "8")
    assert planned[0].parameters["WIDTH"] == 8


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
    ],
)
def test_a_parameter_has_the_type_of_the_notebooks_own(folder, planned, typed, expected):
    assert run(folder, "0", "-p", *typed) == 0
    value = planned[0].parameters[typed[0]]
    assert (value, type(value)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["9"], ["'9'", "00_start"]),
        (["convolutoin"], ["'convolutoin'", "01_convolution"]),
        (["1", "-p", "WIDHT", "3"], ["01", "WIDHT", "WIDTH"]),
        (["-p", "SIZES", "[1]"], ["01", "SIZES", "WIDTH, RATE"]),
        (["1", "-p", "WIDTH", "0.5"], ["WIDTH", "'0.5'"]),
        (["1", "-p", "WIDTH", "True"], ["WIDTH", "'True'"]),
        (["1", "-p", "WIDTH", "wide"], ["WIDTH", "'wide'"]),
        (["1", "-p", "RATE", "fast"], ["RATE", "'fast'"]),
        (["1", "-p", "DEEP", "1"], ["DEEP", "'1'"]),
        (["0", "-p", "SIZES", "(3, 4)"], ["SIZES", "'(3, 4)'"]),
        (["1", "-p", "SEED", "3"], ["--seed", "SEED 3"]),
        (["--seed", "1", "--seeds", "0-4"], ["--seed", "--seeds"]),
        (["--seeds", "4-0"], ["'4-0'"]),
        (["--seeds", "0-4294967296"], ["4294967295", "'0-4294967296'"]),
        (["--seeds", "4294967296"], ["4294967295", "'4294967296'"]),
        (["--seeds", "0-1000"], ["1,000", "'0-1000'"]),
        (["--seeds", "a"], ["'a'"]),
        (["--mutant", "beats-gessing"], ["'beats-gessing'", "00:beats-guessing"]),
        (["--mutant", "00:beats-colour"], ["'00:beats-colour'"]),
        (["--mutant", "00:beats-guessing+beats-gessing"], ["+beats-gessing", "00:beats-guessing"]),
        (["1", "--mutant", "00:beats-guessing"], ["'00'", "01_convolution"]),
        (["--mutant", "beats-guessing"], ["00:beats-guessing or 01:", "02:beats-guessing"]),
        (["--mutant", "beats-colour+no-such"], ["'beats-colour+no-such'"]),
        (["--mutant", "02:beats-guessing"], ["02:beats-guessing", "real", "quick/embedded"]),
        (["--data", "real", "--mutant", "02:beats-guessing"], ["02:beats-", "quick/real"]),
        (["--profile", "full", "--mutant", "00:beats-guessing"], ["00:beats", "full/embedded"]),
        (["--profile", "smoke", "--mutant", "00:beats-guessing"], ["00:beats-guessing", "smoke"]),
    ],
)
def test_mistakes_are_found_before_anything_runs(folder, capsys, arguments, named):
    said = refused(folder, capsys, *arguments)
    assert [word for word in named if word not in said] == []


def test_one_kept_seed_is_none(folder, capsys):
    file = folder / "홍 길동" / "lessons" / lessons.EVIDENCE
    content = json.loads(file.read_text())
    facts = content["chapters"]["00"]["claims"]["beats-guessing"]["quick/embedded"]
    facts["seeds"] = {"0": 0.8, "1": None}
    file.write_text(json.dumps(content))
    assert "quick/embedded" in refused(folder, capsys, "--mutant", "00:beats-guessing")


def test_and_those_of_the_notebook(folder, capsys):
    source = small.PARAMETERS.replace("SEED = 0 ", 'SEED = "0" ')
    small.write(folder / "홍 길동", n01_convolution=small.chapter("01", parameters=source))
    assert "'0'" in refused(folder, capsys, "1", "--seed", "3")


@pytest.mark.parametrize(("name", "value"), [("PROFILE", "fast"), ("DATA", "none")])
def test_a_profile_or_data_that_is_none_is_refused(folder, capsys, name, value):
    old = {"PROFILE": '"quick"', "DATA": '"embedded"'}[name]
    source = small.PARAMETERS.replace(f"{name} = {old}", f'{name} = "{value}"')
    small.write(folder / "홍 길동", n01_convolution=small.chapter("01", parameters=source))
    said = refused(folder, capsys, "1")
    assert "01" in said and name in said and f"'{value}'" in said


# Mutants


def test_a_mutated_run_never_lands_on_a_good_one(folder, planned):
    run(folder, "--mutant", "00:beats-guessing,01:beats-guessing", "--mutant", "01:beats-guessing")
    assert [(job.label, job.mutants, job.folder) for job in planned] == [
        (
            f"{number} {name} mutant beats-guessing",
            ("beats-guessing",),
            folder / "runs" / "mutants" / f"{number}-beats-guessing",
        )
        for number, name in (("00", "start_here"), ("01", "convolution"))
    ]
    assert len({job.key for job in planned}) == 2
    planned.clear()
    run(folder, "0", "--mutant", "beats-guessing", "--out", "runs/quick-embedded")
    assert planned[0].folder == folder / "runs" / "quick-embedded" / "00-beats-guessing"
    (mutated,) = (job.key for job in planned)
    planned.clear()
    run(folder, "0")
    assert planned[0].key != mutated


def test_five_seeds_where_one_run_cannot_tell(folder, planned):
    run(folder, "--mutant", "beats-colour")
    found = [(job.parameters["SEED"], job.folder.relative_to(folder).as_posix()) for job in planned]
    assert found == [(seed, f"runs/mutants/01-beats-colour/seed-{seed}") for seed in range(5)]
    assert {job.parameters["WIDTH"] for job in planned} == {1}
    assert len({job.key for job in planned}) == 5


@pytest.mark.parametrize(
    ("asked", "seeds"), [(["--seed", "3"], [3]), (["--seeds", "2,4"], [2, 4]), ([], range(5))]
)
def test_seeds_that_were_asked_for_are_enough(folder, planned, asked, seeds):
    run(folder, "--mutant", "beats-colour", *asked)
    assert [job.parameters["SEED"] for job in planned] == list(seeds)


def test_several_mutants_in_one_run(folder, planned):
    run(folder, "--mutant", "01:beats-guessing+beats-colour+beats-guessing")
    assert {job.mutants for job in planned} == {("beats-guessing", "beats-colour")}
    assert planned[0].folder.parent.name == "01-beats-guessing+beats-colour"
    # One of them needs five.
    assert len(planned) == 5


def test_the_folders_of_many_mutants_have_short_names(folder, planned):
    long = "beats-everything-that-has-ever-been-tried-on-these-images-so-far"
    cells, sheet = both()
    cells["claim"] = cells["claim"].replace("beats-colour", long)
    place = folder / "홍 길동"
    small.write(place, sheet=sheet.replace("beats-colour", long), n03_both=small.chapter(**cells))
    keep(place, n03=["beats-guessing", long])
    run(folder, "--mutant", f"03:beats-guessing+{long}", "--seed", "0")
    run(folder, "--mutant", f"03:{long}+beats-guessing", "--seed", "0")
    assert planned[0].folder != planned[1].folder
    assert max(len(job.folder.name) for job in planned) < 100


@pytest.mark.parametrize(
    "mutant",
    [
        '{ cell = "claim", replace = "= 0.8 +", with = "= 0.2 +" }',
        '{ cell = "claim", replace = "level = 0.8", with = "level = 0.3" }',
    ],
)
def test_mutants_that_touch_each_other_are_refused(folder, capsys, mutant):
    cells, sheet = both()
    place = folder / "홍 길동"
    sheet = sheet.replace('{ parameter = "WIDTH", value = 1 }', mutant)
    small.write(place, sheet=sheet, n01_convolution=small.chapter("01", **cells))
    keep(place, n01=["beats-guessing", "beats-colour"])
    said = refused(folder, capsys, "--mutant", "01:beats-guessing+beats-colour")
    assert "beats-guessing+beats-colour" in said


@pytest.mark.parametrize(
    ("observed", "code", "said"),
    [(0.1, 0, "contradicted"), (0.8, 1, "STILL STANDS"), (None, 0, "contradicted")],
)
def test_a_mutated_run_is_well_if_the_claim_is_contradicted(
    folder, monkeypatch, capsys, observed, code, said
):
    row = {"chapter": "00", "id": "beats-guessing", "profile": "quick", "data": "embedded"}
    row |= {"seed": 0, "mutant": "beats-guessing", "observed": observed}
    monkeypatch.setattr(runs, "run", lambda jobs, **_: Run((Outcome(jobs[0], claims=(row,)),)))
    monkeypatch.setattr("course_tools.run.progress.report", lambda run: "")
    assert run(folder, "--mutant", "00:beats-guessing") == code
    assert said in capsys.readouterr().out


def test_a_mutated_run_that_measured_nothing_is_not_well(folder, monkeypatch):
    monkeypatch.setattr(runs, "run", lambda jobs, **_: Run((Outcome(jobs[0]),)))
    assert run(folder, "--mutant", "00:beats-guessing") == 1


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
        (Run(()), 0),
        (Run((), interrupted=True), 130),
        ([[Reason("it raised")]], 1),
        ([[Reason("no data", users=True), Reason("5 cells were not executed")], []], 2),
        ([[Reason("no data", users=True)], [Reason("it raised")]], 1),
    ],
)
def test_exit_codes_are_the_same_however_it_is_called(folder, monkeypatch, done, code):
    def end(jobs, **_):
        if isinstance(done, Run):
            return done
        return Run(tuple(Outcome(jobs[0], tuple(reasons)) for reasons in done))

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
        "00      Small       1          1  quick 1 s on a CPU",
    ]


def test_contracts_are_copied_for_nbval_and_nothing_is_executed(folder, capsys):
    source = folder / "홍 길동"
    arguments = ["contracts", "--notebooks", str(source), "--copies", "runs/contracts"]
    assert cli.main(arguments) == 0
    said = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert [path.name for path in said] == [path.name for path in sorted(source.glob("*.ipynb"))]
    copy = documents.read(said[1])
    assert "WIDTH = 2 " in small.cell(copy, "parameters").source
    assert copy.cells[3] == documents.read(source / said[1].name).cells[3]


def test_help_loads_nothing_heavy():
    look = (
        "import sys; from course_tools.cli import main; main(['run', '--help']); "
        "heavy = {'papermill', 'nbformat', 'numpy', 'tensorflow'} & set(sys.modules); "
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    root = Path(cli.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", look], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--mutant" in done.stdout
