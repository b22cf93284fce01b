import os
import subprocess
import sys
import types

import pytest

from course_utils import session, tensorflow_device
from course_utils.errors import InputError

ASKED = {"profile": "quick", "data": "embedded", "seed": 0, "tensorflow": False}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in ("PROFILE", "DATA", "SEED", "SABOTAGE"):
        monkeypatch.delenv(f"COURSE_{name}", raising=False)


@pytest.fixture
def injected(monkeypatch):
    """A notebook whose history holds a cell as papermill injects it."""

    def inject(source):
        shell = types.SimpleNamespace(user_ns={"In": ["", "PROFILE = 'quick'", source]})
        module = types.SimpleNamespace(get_ipython=lambda: shell)
        monkeypatch.setitem(sys.modules, "IPython", module)

    return inject


def test_the_notebook_decides_where_nothing_else_does():
    course = session.begin("00", **ASKED)
    assert (course.profile, course.data, course.seed, course.sabotage) == (
        "quick",
        "embedded",
        0,
        "",
    )
    assert course.origins["PROFILE"] == "notebook"


def test_the_environment_wins_over_the_notebook(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    monkeypatch.setenv("COURSE_SEED", "7")
    course = session.begin("00", **ASKED)
    assert (course.profile, course.seed) == ("smoke", 7)
    assert "profile smoke (environment, COURSE_PROFILE)" in capsys.readouterr().out


def test_the_command_line_wins_over_the_environment(monkeypatch, injected):
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    monkeypatch.setenv("COURSE_SEED", "7")
    injected('# Parameters\nPROFILE = "full"\n')
    course = session.begin("00", **(ASKED | {"profile": "full"}))
    assert (course.profile, course.seed) == ("full", 7)
    assert course.origins["PROFILE"] == "command line"


def test_choose_and_source_follow_the_settings():
    course = session.begin("00", **ASKED)
    assert course.choose(smoke=1, quick=2, full=3) == 2
    assert course.source(embedded="a", real="b") == "a"
    assert not course.sabotaged("anything")


def test_same_seed_same_draws():
    import random

    import numpy as np

    draws = []
    for _ in range(2):
        session.begin("00", **(ASKED | {"seed": 5}))
        draws.append((random.random(), np.random.random()))
    assert draws[0] == draws[1]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"profile": "fast"}, "expected PROFILE to be one of smoke, quick, full, received 'fast'"),
        ({"data": "imagenet"}, "expected DATA to be one of embedded, real, received 'imagenet'"),
        ({"seed": -1}, "expected SEED to be a whole number from 0"),
        ({"seed": 1.5}, "received 1.5 from the notebook"),
        ({"seed": True}, "received True"),
        ({"sabotage": None}, "expected SABOTAGE to be the name of a claim"),
    ],
)
def test_a_wrong_setting_is_named(wrong, message):
    with pytest.raises(InputError, match=message):
        session.begin("00", **(ASKED | wrong))


def test_a_wrong_setting_of_the_environment_names_the_variable(monkeypatch):
    monkeypatch.setenv("COURSE_SEED", "many")
    with pytest.raises(InputError, match="received 'many' from the environment, COURSE_SEED"):
        session.begin("00", **ASKED)


def test_a_chapter_has_two_digits():
    with pytest.raises(InputError, match="expected a chapter of two digits"):
        session.begin("intro", **ASKED)


def test_nothing_is_current_before_a_notebook_began(monkeypatch):
    monkeypatch.setattr(session, "_current", None)
    with pytest.raises(InputError, match="run its set-up cell first"):
        session.current()


def test_what_c_libraries_say_is_held_back_and_given_back_on_failure(capfd):
    with tensorflow_device.quiet_standard_error():
        os.write(2, b"chatter")
    assert capfd.readouterr().err == ""
    with pytest.raises(RuntimeError), tensorflow_device.quiet_standard_error():
        os.write(2, b"the reason")
        raise RuntimeError
    assert "the reason" in capfd.readouterr().err


def test_fonts_and_progress_bars_are_prepared_without_a_word():
    code = """
from course_utils import session
session.begin("00", profile="quick", data="embedded", seed=0, tensorflow=False)
import logging
logging.getLogger("matplotlib.font_manager").warning("Matplotlib is building the font cache")
import warnings
warnings.warn("IProgress not found. Please update jupyter and ipywidgets.")
"""
    result = run_python(code)
    assert (result.returncode, result.stderr) == (0, "")


def run_python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
    )


def test_tensorflow_begins_without_a_word_and_with_the_same_weights():
    code = """
from course_utils import session
session.begin("00", profile="quick", data="embedded", seed=3)
import keras
print("sum", float(keras.layers.Dense(4).build((None, 3)) or keras.random.normal((2,)).numpy()[0]))
"""
    first, second = run_python(code), run_python(code)
    assert first.returncode == 0, first.stderr
    assert first.stderr == ""
    assert "TensorFlow" in first.stdout and "CPU" in first.stdout
    assert first.stdout == second.stdout


def test_only_the_warning_about_many_models_is_left_out():
    code = """
from course_utils import tensorflow_device
tensorflow_device.start(0)
import logging
logger = logging.getLogger("tensorflow")
logger.warning("%d out of the last 7 calls to f triggered tf.function retracing. Tracing is", 5)
logger.warning("something else")
"""
    result = run_python(code)
    assert result.returncode == 0, result.stderr
    assert "something else" in result.stdout + result.stderr
    assert "retracing" not in result.stdout + result.stderr


def test_importing_the_package_loads_nothing_heavy():
    code = """
import sys
import course_utils, course_utils.errors, course_utils.session, course_utils.claims
import course_utils.exercises
heavy = {"numpy", "tensorflow", "keras", "matplotlib", "IPython", "papermill"} & set(sys.modules)
assert not heavy, heavy
"""
    result = run_python(code)
    assert result.returncode == 0, result.stderr
