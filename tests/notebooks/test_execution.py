"""Execution with real kernels: what reaches the notebook, what is kept out, how it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import small_chapters as small

from course_tools import cli
from course_tools.notebooks import documents
from course_tools.run import execution, fingerprint, kernels, plan

LOOKS = """\
import matplotlib, os, pathlib, sys
import course_utils
print(repr((SEED, WIDTH, RATE, NAME, DEEP, PAIR)))
print(sys.executable)
print(pathlib.Path(course_utils.__file__).parent)
print(os.environ["PYTHONHASHSEED"], "started" in globals())
print(matplotlib.rcParams["lines.linewidth"], matplotlib.get_backend()[-6:])
print(pathlib.Path.cwd().name, list(pathlib.Path.cwd().iterdir()))
"""


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "홍 길동"


def course_run(folder, *arguments):
    return cli.main(["run", "--notebooks", str(folder / "notebooks"), *map(str, arguments)])


def printed(path, id):
    return "".join(out.get("text", "") for out in small.cell(documents.read(path), id).outputs)


def running(argument):
    """Processes that were started with an argument and are not over."""
    found = psutil.process_iter(["cmdline", "status"])
    alive = (p.info for p in found if p.info["status"] != psutil.STATUS_ZOMBIE)
    return [facts for facts in alive if argument in (facts["cmdline"] or [])]


def test_parameters_arrive_and_the_users_own_settings_do_not(folder, monkeypatch, capsys):
    """Everything here would change a result: another kernel, start-up files, styles, backends."""
    elsewhere = folder / "elsewhere"
    spec = elsewhere / "jupyter" / "kernels" / "python3"
    start = elsewhere / "ipython" / "profile_default" / "startup"
    for place in (spec, start, elsewhere / "matplotlib"):
        place.mkdir(parents=True)
    (spec / "kernel.json").write_text(
        json.dumps({"argv": ["false"], "display_name": "another", "language": "python"})
    )
    (start / "00.py").write_text("started = True")
    (elsewhere / "start.py").write_text("started = True")
    (elsewhere / "matplotlib" / "matplotlibrc").write_text("lines.linewidth: 77")
    monkeypatch.setenv("JUPYTER_PATH", str(elsewhere / "jupyter"))
    monkeypatch.setenv("IPYTHONDIR", str(elsewhere / "ipython"))
    monkeypatch.setenv("PYTHONSTARTUP", str(elsewhere / "start.py"))
    monkeypatch.setenv("MPLCONFIGDIR", str(elsewhere / "matplotlib"))
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("TF_XLA_FLAGS", "--no-such-flag")
    monkeypatch.setenv("HOME", str(elsewhere / "read only"))
    (elsewhere / "read only").touch()
    parameters = small.PARAMETERS + "PAIR = [1, 2]  # two"
    sheet = small.SHEET.replace("[parameters]", "[parameters]\nPAIR = { quick = [1, 2] }")
    looks = small.chapter("00", parameters=parameters, exact=LOOKS, exercise=None)
    small.write(folder / "notebooks", sheet=sheet, n00_looks=looks)
    out = folder / "out {PROFILE}"

    code = course_run(
        folder, "0", "--profile", "full", "--seed", 1, "--out", out, "-p", "WIDTH", 16,
        "-p", "RATE", 1, "-p", "NAME", "모자", "-p", "PAIR", "[3]",
    )  # fmt: skip

    assert code == 0, capsys.readouterr().out
    assert printed(out / "00_looks.ipynb", "exact").splitlines() == [
        "(1, 16, 1.0, '모자', True, [3])",
        sys.executable,
        str(fingerprint.PACKAGE),
        "0 False",
        "1.5 inline",
        "work []",
    ]
    assert sorted(path.name for path in out.iterdir()) == [".lock", "00_looks.ipynb", "claims.json"]


def test_a_user_s_settings_of_keras_stay_out_and_the_weights_are_found(folder, monkeypatch):
    """With them, chapters would compute in float64, and be recalled when they are gone."""
    home = folder / "keras of mine"
    (home / "models").mkdir(parents=True)
    (home / "models" / "small.h5").write_text("weights")
    settings = {"floatx": "float64", "epsilon": 1.0, "image_data_format": "channels_first"}
    (home / "keras.json").write_text(json.dumps(settings | {"backend": "jax"}))
    monkeypatch.setenv("KERAS_HOME", str(home))
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    looks = (
        "import keras, os, pathlib\n"
        "from course_utils.datasets import imagenet\n"
        "settings = keras.config\n"
        "print(settings.floatx(), settings.epsilon(), settings.image_data_format())\n"
        "print(settings.backend(), pathlib.Path(imagenet.weights('small.h5')).read_text())\n"
    )
    setup = "import course_utils.tensorflow_device as device\n" + small.SETUP.format(number="00")
    chapter = small.chapter("00", setup=setup + "_ = device.start(0)\n", exact=looks)
    small.write(folder / "notebooks", n00_looks=chapter)
    assert course_run(folder, "--out", folder / "out") == 0
    assert printed(folder / "out" / "00_looks.ipynb", "exact").split() == [
        *("float32", "1e-07", "channels_last", "tensorflow", "weights")
    ]
    # And nothing of the kernel is left: neither its folder nor its connection file.
    assert sorted(p.name for p in (folder / "out").iterdir())[0] == ".lock"


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_signals_of_course_lab_are_jupyterlab_s_own(folder, number):
    """It asks after Ctrl-C, and ends its kernels; a stand-in tells what reached it."""
    small.write(folder / "notebooks", n00_small=small.chapter("00"))
    (folder / "jupyterlab").mkdir()
    (folder / "jupyterlab" / "__init__.py").touch()
    (folder / "jupyterlab" / "__main__.py").write_text(
        "import os, signal, sys, time\n"
        "def asks(number, frame):\n    time.sleep(0.7)\n    os._exit(70 + number)\n"
        f"signal.signal({int(number)}, asks)\n"
        "print(os.getpid(), os.environ['KERAS_BACKEND'], flush=True)\ntime.sleep(60)\n"
    )
    command = "import sys; from course_tools.cli import main; sys.exit(main())"
    root = Path(cli.__file__).parents[1]
    with subprocess.Popen(
        [sys.executable, "-c", command, "lab", "--notebooks", "notebooks"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": f"{root}:{folder}", "KERAS_BACKEND": "jax"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        for line in process.stdout:
            if line.endswith("tensorflow\n"):
                break
        process.send_signal(number)
        assert process.wait(timeout=30) == 70 + number
        assert int(line.split()[0]) == process.pid


def test_a_parameter_that_was_given_its_value_of_quick_keeps_it(folder, monkeypatch):
    """Where there is no command line, the same value would be taken for one that nobody chose."""
    looks = small.chapter("00", exact="print(WIDTH, NAME)")
    small.write(folder / "notebooks", n00_looks=looks)
    monkeypatch.setattr("course_tools.run.needs.used", lambda chapter: ())
    given = ("--profile", "smoke", "--data", "real", "-p", "WIDTH", 8)
    assert course_run(folder, "--out", folder / "out", *given) == 0
    assert printed(folder / "out" / "00_looks.ipynb", "exact") == "8 hat\n"


def test_a_mutant_must_contradict_its_claim(folder, monkeypatch, capsys):
    """The mutated run ends with its claim: what comes later could only fail or cost time."""
    monkeypatch.setenv("COURSE_TEST_LATER", str(folder / "later"))
    later = "import os, pathlib\npathlib.Path(os.environ['COURSE_TEST_LATER']).touch()"
    stubborn = small.CLAIM.replace('"beats-guessing", level', '"beats-guessing", 0.8')
    small.write(
        folder / "notebooks",
        n00_honest=small.chapter("00", exact=later),
        n01_stubborn=small.chapter("01", claim=stubborn, exact=later),
    )
    out = folder / "out"
    assert course_run(folder, "--mutant", "00:beats-guessing", "--out", out) == 0
    (row,) = json.loads((out / "00-beats-guessing" / "claims.json").read_text())
    assert (row["mutant"], row["observed"]) == ("beats-guessing", 0.1)
    capsys.readouterr()
    assert course_run(folder, "1", "--mutant", "beats-guessing", "--out", out) == 1
    assert "01:beats-guessing" in capsys.readouterr().out
    assert not (folder / "later").exists()
    assert sorted(path.name for path in out.iterdir()) == ["00-beats-guessing", "01-beats-guessing"]


@pytest.mark.parametrize("raises", ["raise ValueError", "input()"])
def test_a_mutated_run_that_breaks_contradicts_nothing(folder, raises):
    """A change that only breaks the chapter would kill every mutant, and show nothing."""
    broken = small.chapter("00", claim=small.CLAIM.replace("\nclaims", f"\n{raises}\nclaims"))
    small.write(folder / "notebooks", n00_broken=broken)
    out = folder / "out"
    assert course_run(folder, "--mutant", "beats-guessing", "--out", out) == 1
    assert json.loads((out / "00-beats-guessing" / "claims.json").read_text()) == []


def test_a_cell_may_not_take_for_ever(folder, capsys):
    seconds = str(20_000 + os.getpid())
    source = small.CLAIM + f"import subprocess\nsubprocess.run(['sleep', '{seconds}'])"
    small.write(folder / "notebooks", n00_slow=small.chapter("00", claim=source))
    assert course_run(folder, "--out", folder / "out", "--timeout", 5) == 1
    assert "00 slow, cell 5 (id claim): ran longer than 5 s" in capsys.readouterr().out
    assert not running(seconds)


@pytest.mark.parametrize("session", ["False", "True"])
def test_nothing_outlives_a_dead_kernel(folder, capsys, session):
    # Another number for each process of tests, so that none finds the child of another.
    seconds = str(10_000 + os.getpid())
    source = small.CLAIM + (
        "import os, signal, subprocess\n"
        f"subprocess.Popen(['sleep', '{seconds}'], start_new_session={session})\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    small.write(folder / "notebooks", n00_dies=small.chapter("00", claim=source))
    assert course_run(folder, "--out", folder / "out") == 1
    assert "the kernel died (ended by signal 9 (SIGKILL)" in capsys.readouterr().out
    assert not running(seconds)


def test_memory_is_measured_in_the_kernel(folder):
    source = "import numpy\nheld = numpy.ones(40_000_000)\ndel held"
    small.write(folder / "notebooks", n00_big=small.chapter("00", contract=source))
    notebooks = folder / "notebooks"
    (job,) = plan.jobs(plan.Request(notebooks=notebooks, out=folder / "out"))
    job.folder.mkdir()
    seen = []
    outcome = execution.execute(job, on_progress=seen.append)
    assert outcome.ok, outcome.reasons
    assert 320 < outcome.peak_mb < 900
    assert [(at.done, at.cells) for at in seen] == [(done, 7) for done in range(7)]
    assert seen[3].line == "import numpy"


def test_a_kernel_that_cannot_start_is_red(folder, monkeypatch):
    small.write(folder / "notebooks", n00_small=small.chapter("00"))
    (job,) = plan.jobs(plan.Request(notebooks=folder / "notebooks", out=folder / "out"))
    job.folder.mkdir()
    monkeypatch.setattr(kernels.sys, "executable", "false")
    outcome = execution.execute(job)
    assert str(outcome.reasons[0]).startswith("the kernel did not start ("), outcome.reasons


# The first chapter is done when the second begins to wait.
WAITS = small.CLAIM + "import time\ntime.sleep(600)"


@pytest.fixture
def started(folder, monkeypatch):
    """A run in a process of its own, in the middle of its second chapter.

    Nothing else is to change meanwhile, whoever may be editing the package.
    """
    small.write(
        folder / "notebooks",
        n00_quick=small.chapter("00"),
        n01_waits=small.chapter("01", claim=WAITS),
    )
    command = (
        "import sys; from course_tools.cli import main; "
        "from course_tools.run import fingerprint; "
        "fingerprint.surroundings = lambda **_: 'the same'; sys.exit(main())"
    )
    monkeypatch.setattr(fingerprint, "surroundings", lambda **_: "the same")
    options = ["--notebooks", "notebooks", "--out", "out", "--jobs", "1"]
    with subprocess.Popen(
        [sys.executable, "-c", command, "run", *options],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(cli.__file__).parents[1])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        for line in process.stderr:
            if line.startswith("01 waits: begins"):
                break
        kernel = None
        while process.poll() is None and kernel is None:
            kernel = next(iter(psutil.Process(process.pid).children()), None)
            time.sleep(0.05)
        yield process, kernel
        process.kill()


def is_over(process, *, within):
    try:
        process.wait(timeout=within)
    except psutil.TimeoutExpired:
        return False
    return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_ends_kernels_and_keeps_what_is_done(folder, started, number, capsys):
    process, kernel = started
    if number == signal.SIGINT:
        # Once in the middle of a cell, once while the kernel starts.
        time.sleep(3)
    process.send_signal(number)
    said, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert "Interrupted: what is listed above is done" in said
    assert is_over(kernel, within=5)
    assert sorted(path.name for path in (folder / "out").iterdir()) == [
        ".lock",
        "00_quick.ipynb",
        "claims.json",
    ]
    assert course_run(folder, "00", "--out", folder / "out") == 0
    assert "cached" in capsys.readouterr().out


def test_a_killed_run_keeps_what_is_done(folder, started, capsys):
    process, kernel = started
    process.kill()
    process.communicate(timeout=30)
    assert is_over(kernel, within=20)
    assert course_run(folder, "00", "--out", folder / "out") == 0
    assert "cached" in capsys.readouterr().out
    assert not (folder / "out" / execution.PARTIAL).exists()
