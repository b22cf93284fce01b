"""`course gpu` on a machine without a GPU: its refusals, its watch, its report, its exit codes."""

import json
import os
import re
import shlex
import sys
import time

import pytest
import small_chapters as small

from course_tools import cli, evidence
from course_tools.run import gpu
from course_utils.errors import WorldError

POSIX = pytest.mark.skipif(os.name == "nt", reason="a script as a program")


@pytest.fixture
def driver(tmp_path, monkeypatch):
    """Puts an nvidia-smi onto the path that answers so."""

    def put(answer, code=0):
        tool = tmp_path / "bin" / "nvidia-smi"
        tool.parent.mkdir(exist_ok=True)
        # A shell, since a path with a space in it cannot stand behind "#!".
        tool.write_text(f"#!/bin/sh\nprintf '%s\\n' {shlex.quote(answer)}\nexit {code}\n")
        tool.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tool.parent}{os.pathsep}{os.environ['PATH']}")

    return put


@POSIX
@pytest.mark.parametrize(
    ("answer", "code", "found"),
    [
        ("37, 1024", 0, [(37.0, 1024.0)]),
        ("37, 1024\n0, 3", 0, [(37.0, 1024.0), (0.0, 3.0)]),
        ("[N/A], 1024", 0, []),
        ("", 0, []),
        ("NVIDIA-SMI has failed", 9, []),
    ],
)
def test_what_the_driver_answers(driver, answer, code, found):
    driver(answer, code)
    assert gpu.usage() == found


def test_no_driver_is_no_device(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert gpu.usage() == []


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("", "it sees none (its build may lack CUDA, or the driver is too old)"),
        ("import sys; print('I0000 oneDNN is on', file=sys.stderr)", "(its build may lack CUDA, "),
        ("import sys; sys.exit('libcuda.so.1 is too old')", "(libcuda.so.1 is too old)"),
    ],
)
def test_a_tensorflow_that_sees_no_gpu_is_refused(code, message):
    with pytest.raises(WorldError) as refused:
        gpu.require_tensorflow(command=(sys.executable, "-c", code))
    assert message in str(refused.value)
    assert "tensorflow[and-cuda]" in str(refused.value)


def test_a_tensorflow_that_sees_one_names_it():
    code = "import sys; print('noise', file=sys.stderr); print('noise\\n/device:GPU:0')"
    assert gpu.require_tensorflow(command=(sys.executable, "-c", code)) == ["/device:GPU:0"]


def test_the_watch_keeps_the_mean_share_and_the_highest_mark():
    answers = iter([[(100, 500), (0, 100)], [], [(50, 900), (10, 200)], [(0, 10), (0, 10)]])
    with gpu.Watch(lambda: next(answers, []), interval=0.01) as watch:
        time.sleep(0.3)
    assert watch.peak_mb == 1100
    assert watch.busy == pytest.approx(0.5)


def test_a_watch_without_an_answer_says_so():
    with gpu.Watch(list, interval=0.01) as watch:
        time.sleep(0.05)
    assert (watch.busy, watch.peak_mb) == (None, 0)


@pytest.fixture
def course(tmp_path, monkeypatch):
    """Two small chapters, a TensorFlow that sees a GPU, and sets of which one is here."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COURSE_LESSONS", raising=False)
    monkeypatch.setattr(gpu, "require_tensorflow", lambda: ["/device:GPU:0"])
    used = {"00": ("clothes",), "01": ("clothes", "pets")}
    monkeypatch.setattr("course_tools.run.needs.used", used.get)
    monkeypatch.setattr(
        "course_tools.datasets.command.state",
        {"clothes": "prepared", "pets": "not here"}.get,
    )
    write(tmp_path, n00_small=small.chapter("00"), n01_small=small.chapter("01"))
    return tmp_path


def write(course, **notebooks):
    """Write chapters of which twelve seeds are kept in full on real data, and none on embedded."""
    kept = json.loads(json.dumps(small.EVIDENCE))
    cases = kept["claims"]["beats-guessing"]
    cases["full/real"] = cases.pop("quick/embedded")
    small.write(course / "홍 길동", evidence=kept, **notebooks)


def run(course, *more):
    return cli.main(["gpu", "--notebooks", str(course / "홍 길동"), "--out", "out", *more])


@POSIX
def test_the_report_says_what_ran_on_what(course, driver, capsys):
    driver("50, 2048")
    write(
        course,
        n00_small=small.chapter("00", claim=small.CLAIM.replace("level,", "level + 0.03,")),
        n01_small=small.chapter("01"),
    )
    assert run(course) == 0
    report = (course / "out" / "report.md").read_text(encoding="utf-8")
    assert report in capsys.readouterr().out
    first, second = (line for line in report.splitlines() if "small |" in line)
    assert "| real (clothes) |" in first and "| 2,048 | 50% | 1/1 (1) |" in first
    assert "| embedded (not here: pets) |" in second and "| 0/0 (1) |" in second
    assert re.search(r"Contract cells: \d+ passed", report)
    assert "| 00 beats-guessing | full/real | 0.83 | 0.8 to 0.82 (12) | 0.77" in report
    assert "1 claims" in report
    rows = json.loads((course / "out" / "real" / "claims.json").read_text())
    assert {(row["profile"], row["data"]) for row in rows} == {("full", "real")}


def test_what_was_measured_on_a_cpu_is_red(course, monkeypatch, capsys):
    setup = small.SETUP.format(number="00") + (
        "from dataclasses import replace\n"
        "course = session._current = replace(course, device='CPU, 2 cores')\n"
    )
    write(course, n00_small=small.chapter("00", setup=setup))
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(gpu, "compare_contracts", lambda *_: (True, "1 passed"))
    assert run(course, "00") == 1
    out = capsys.readouterr().out
    assert "measured on CPU, 2 cores" in out and "00 small **RED**" in out
    # And a second call does not take it over.
    assert run(course, "00") == 1
    assert "00 small **RED**" in capsys.readouterr().out


def test_what_a_cpu_measured_by_course_run_is_not_taken_for_a_gpu_s(course, monkeypatch, capsys):
    options = ["--notebooks", str(course / "홍 길동"), "--out", "out/real", "--profile", "full"]
    assert cli.main(["run", "00", "--data", "real", *options]) == 0
    monkeypatch.setattr(gpu, "compare_contracts", lambda *_: (True, "1 passed"))
    monkeypatch.setenv("PATH", "")
    run(course, "00")
    assert "(earlier)" not in capsys.readouterr().out
    run(course, "00")
    assert "(earlier)" in capsys.readouterr().out


def test_a_contract_that_differs_on_the_device_is_red(course, monkeypatch, capsys):
    chapter = small.chapter("00")
    small.cell(chapter, "contract").outputs[0].text = "(150, 150, 32)\n"
    write(course, n00_small=chapter)
    monkeypatch.setenv("PATH", "")
    assert run(course, "00") == 1
    assert "Contract cells: 1 failed" in capsys.readouterr().out


ROW = {
    "chapter": "00",
    "id": "a-b",
    "profile": "quick",
    "data": "real",
    "observed": 0.5,
    "low": 0.6,
    "high": 0.9,
    "judged": True,
    "held": False,
}


SEEDS = {"00": {"claims": {"a-b": {"quick/real": {"seeds": {"0": 0.4, "1": 0.6}}}}}}


def test_what_is_outside_its_expected_range_is_named_whatever_the_seeds_were():
    line = "| 00 a-b | quick/real | 0.5 | 0.4 to 0.6 (2) | 0.6 to 0.9 | **"
    assert evidence.changes([ROW], SEEDS).splitlines()[-1].startswith(line)
    assert "| 00 a-b |" in evidence.changes([ROW | {"observed": None}], {})


def test_what_lies_among_the_seeds_is_no_news():
    assert "a-b" not in evidence.changes([ROW | {"held": True}], SEEDS)
