"""Begin a notebook: parameters settled, seeds set, one line, and the device with its reason."""

import json
import os
import random
import subprocess
import sys

import numpy as np
import pytest

from course_utils import lessons, session, tensorflow_device
from course_utils.errors import InputError

SHEET = """\
[parameters]
EPOCHS = { quick = 15, smoke = 1, "quick/real" = 3 }
SIZES = { quick = { train = 30 }, "quick/real" = { train = 50 } }
NAME = { quick = "things" }
"""

# The cell that a notebook of chapter 00 would have, for a process of its own.
BEGIN = """\
from course_utils import lessons, session
cell = {"PROFILE": "quick", "DATA": "embedded", "SEED": 3}
cell |= lessons.sheet("00").values("quick", "embedded")
session.begin("00", cell, tensorflow=%s)
"""


@pytest.fixture(autouse=True)
def sheet(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_LESSONS", str(tmp_path))
    (tmp_path / "42.toml").write_text(SHEET)


def cell(**changed):
    """The parameters of chapter 42 as its notebook has them, some changed by hand."""
    usual = lessons.sheet("42").values("quick", "embedded")
    return {"PROFILE": "quick", "DATA": "embedded", "SEED": 0, **usual} | changed


def begin(parameters):
    return session.begin("42", parameters, tensorflow=False)


def test_a_notebook_as_it_is_stays_as_it_is():
    parameters = cell(SEED=7)
    course = begin(parameters)
    assert parameters == cell(SEED=7)
    said = (course.chapter, course.profile, course.data, course.seed)
    assert said == ("42", "quick", "embedded", 7)
    assert (course.set_here, course.changed()) == ((), {})
    assert session.current() is course


@pytest.mark.parametrize(
    ("chosen", "set_here"),
    [
        ({"PROFILE": "smoke"}, {"EPOCHS": 1}),
        ({"PROFILE": "full"}, {}),
        ({"DATA": "real"}, {"EPOCHS": 3, "SIZES": {"train": 50}}),
        ({"PROFILE": "smoke", "DATA": "real"}, {"EPOCHS": 1}),
    ],
)
def test_a_profile_or_data_chosen_by_hand_brings_the_values_of_the_sheet(chosen, set_here, capsys):
    parameters = cell(**chosen)
    course = begin(parameters)
    assert parameters == cell(**chosen, **set_here)
    assert course.set_here == tuple(set_here)
    assert course.changed() == {}
    line = capsys.readouterr().out
    assert all(f"{name} = {value!r}" in line for name, value in set_here.items())


def test_a_value_changed_by_hand_stays():
    parameters = cell(DATA="real", EPOCHS=7)
    course = begin(parameters)
    assert (parameters["EPOCHS"], parameters["SIZES"]) == (7, {"train": 50})
    assert course.set_here == ("SIZES",)
    assert course.changed() == {"EPOCHS": (7, 3)}


def test_what_course_run_has_settled_stays_also_where_it_is_the_value_of_quick():
    parameters = cell(PROFILE="smoke", **{session.SETTLED: True})
    course = begin(parameters)
    assert parameters["EPOCHS"] == 15
    assert course.set_here == ()
    assert course.changed() == {"EPOCHS": (15, 1)}


def test_what_is_changed_inside_or_deleted_later_is_seen_and_the_sheet_is_not():
    parameters = cell(DATA="real", other=15)
    course = begin(parameters)
    parameters["SIZES"]["train"] = 5
    del parameters["EPOCHS"]
    assert course.expected["SIZES"] == {"train": 50}
    assert course.changed() == {"EPOCHS": (None, 3), "SIZES": ({"train": 5}, {"train": 50})}
    assert parameters["other"] == 15


@pytest.mark.parametrize("name", ["PROFILE", "DATA", "SEED", "EPOCHS", "SIZES", "NAME"])
def test_a_missing_parameter_is_named(name):
    parameters = cell()
    del parameters[name]
    with pytest.raises(InputError, match=f"{name} .* 42"):
        begin(parameters)


@pytest.mark.parametrize(
    "wrong",
    [
        {"PROFILE": "fast"},
        {"PROFILE": "Quick"},
        {"PROFILE": None},
        {"PROFILE": ["quick"]},
        {"DATA": "imagenet"},
        {"SEED": -1},
        {"SEED": session.LAST_SEED + 1},
        {"SEED": 1.5},
        {"SEED": True},
        {"SEED": "0"},
        {"SEED": "²"},
        {"SEED": None},
    ],
)
def test_a_wrong_setting_is_named_and_nothing_is_changed(wrong):
    parameters = cell(**wrong)
    [(name, value)] = wrong.items()
    with pytest.raises(InputError) as caught:
        begin(parameters)
    assert name in str(caught.value) and repr(value) in str(caught.value)
    assert parameters == cell(**wrong)


def test_a_chapter_without_a_sheet_is_named():
    with pytest.raises(InputError, match="chapter 43"):
        session.begin("43", cell(), tensorflow=False)


def test_same_seed_same_draws_and_another_seed_others():
    draws = []
    for seed in (0, 1, session.LAST_SEED) * 2:
        begin(cell(SEED=seed))
        draws.append((random.random(), np.random.random()))
    assert draws[:3] == draws[3:]
    assert len({number for pair in draws for number in pair}) == 6


def test_the_record_is_plain_and_says_what_the_run_is():
    record = begin(cell(SEED=7))._repr_mimebundle_()[session.MIME]
    assert json.loads(json.dumps(record)) == record
    assert record["versions"]["NumPy"] == np.__version__
    named = {name: record[name] for name in ("chapter", "profile", "data", "seed")}
    assert named == {"chapter": "42", "profile": "quick", "data": "embedded", "seed": 7}


def test_the_line_is_escaped(monkeypatch, tmp_path):
    sheet = '[parameters]\nNAME = { quick = "a", smoke = "<b>" }\n'
    (tmp_path / "44.toml").write_text(sheet)
    parameters = {"PROFILE": "smoke", "DATA": "embedded", "SEED": 0, "NAME": "a"}
    bundle = session.begin("44", parameters, tensorflow=False)._repr_mimebundle_()
    assert "<b>" in bundle["text/plain"]
    assert "<b>" not in bundle["text/html"] and "&lt;b&gt;" in bundle["text/html"]


def test_nothing_is_current_before_a_notebook_began(monkeypatch):
    monkeypatch.setattr(session, "_current", None)
    with pytest.raises(InputError, match="begun"):
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
    code = f"""{BEGIN % False}
import logging
logging.getLogger("matplotlib.font_manager").warning("Matplotlib is building the font cache")
import warnings
warnings.warn("IProgress not found. Please update jupyter and ipywidgets.")
"""
    result = run_python(code)
    assert (result.returncode, result.stderr) == (0, "")


def run_python(code):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={name: value for name, value in os.environ.items() if name != "COURSE_LESSONS"},
    )


def test_tensorflow_begins_without_a_word_and_with_the_same_weights():
    code = f"""
from course_utils import tensorflow_device
tensorflow_device._has_driver = lambda: True
{BEGIN % True}
import keras, logging
print("sum", float(keras.layers.Dense(4).build((None, 3)) or keras.random.normal((2,)).numpy()[0]))
logger = logging.getLogger("tensorflow")
logger.warning("%d out of the last 7 calls to f triggered tf.function retracing. Tracing is", 5)
logger.warning("something else")
"""
    first, second = run_python(code), run_python(code)
    assert first.returncode == 0, first.stderr
    assert first.stderr == "WARNING:tensorflow:something else\n"
    assert "TensorFlow" in first.stdout and "CPU" in first.stdout
    assert "driver is there" in first.stdout and "built for the CPU" in first.stdout
    assert first.stdout == second.stdout


LOG = "2025-01-01 00:00:00.1: {} external/xla/{}.cc:12] {}\n"
REASONS = [
    (
        LOG.format("E", "cuda_platform", "failed call to cuInit: CUDA_ERROR_NO_DEVICE: none"),
        "CUDA_ERROR_NO_DEVICE: none",
    ),
    (
        LOG.format("W", "dso_loader", "Could not load dynamic library 'libcudnn.so.9'; dlerror: no")
        + LOG.format("W", "gpu_device", "Cannot dlopen some GPU libraries. Please make sure")
        + "Skipping registering GPU devices...\n",
        "Cannot dlopen some GPU libraries: libcudnn.so.9",
    ),
    (LOG.format("I", "cpu_feature_guard", "This TensorFlow binary is optimized"), "no reason"),
]


@pytest.mark.parametrize(("log", "reason"), REASONS)
def test_the_reason_for_no_gpu_is_that_of_the_log_which_is_kept_quiet(
    log, reason, monkeypatch, tmp_path
):
    (tmp_path / "log").write_text(log)
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\ntest "$TF_CPP_MIN_LOG_LEVEL" = 0 && cat "{tmp_path}/log" >&2')
    python.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert tensorflow_device._why_no_gpu(with_cuda=True).endswith(reason)


def test_a_gpu_that_is_hidden_or_cannot_be_asked_for(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert "FileNotFoundError" in tensorflow_device._why_no_gpu(with_cuda=True)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert "CUDA_VISIBLE_DEVICES=-1" in tensorflow_device._why_no_gpu(with_cuda=True)


def test_importing_the_package_loads_nothing_heavy():
    code = """
import sys
import course_utils, course_utils.errors, course_utils.session, course_utils.claims
import course_utils.exercises, course_utils.lessons, course_utils.card
heavy = {"numpy", "tensorflow", "keras", "matplotlib", "IPython", "papermill"} & set(sys.modules)
assert not heavy, heavy
"""
    result = run_python(code)
    assert result.returncode == 0, result.stderr
