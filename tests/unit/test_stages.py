"""`course test` runs every stage, counts honestly, and is red when one is."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from course_tools import stages
from course_tools.cli import cli
from course_tools.environment import ROOT
from course_tools.notebooks import chapters
from course_tools.run import plan
from course_tools.stages import Stage
from course_utils import lessons


def python(code):
    return (sys.executable, "-c", code)


GOOD, BAD = python("pass"), python("raise SystemExit(3)")


@pytest.mark.parametrize(
    ("chosen", "code", "last"),
    [
        ([Stage("a", GOOD), Stage("b", GOOD)], 0, "2 passed, 0 failed, 0 skipped"),
        ([Stage("a", BAD), Stage("b", GOOD)], 1, "1 passed, 1 failed, 0 skipped"),
        ([Stage("a", GOOD), Stage("b", GOOD, lacking="no data")], 0, "1 passed, 0 failed, 1 skip"),
        (
            [Stage("a", GOOD), Stage("b", GOOD, lacking="no x", needed=True)],
            1,
            "1 passed, 1 failed",
        ),
    ],
)
def test_a_red_stage_makes_it_red_and_the_others_still_run(capfd, tmp_path, chosen, code, last):
    assert stages.run(chosen, root=tmp_path) == code
    assert last in capfd.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize("needed", [False, True])
def test_what_was_not_judged_is_named_at_the_end_and_on_github_on_top(capfd, monkeypatch, needed):
    stage = Stage("real data", GOOD, lacking="no set here", needed=needed)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    stages.run([stage], root=ROOT)
    out = capfd.readouterr().out
    assert "NOT JUDGED: real data: no set here" in out and "::" not in out
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    stages.run([stage], root=ROOT)
    level = "error" if needed else "warning"
    assert f"::{level} title=real data not judged::no set here" in capfd.readouterr().out


@pytest.mark.parametrize(("ci", "needed"), [("true", True), ("1", True), ("false", False)])
def test_on_a_ci_server_a_browser_is_needed_and_data_are_not(monkeypatch, tmp_path, ci, needed):
    monkeypatch.setenv("CI", ci)
    monkeypatch.setenv("COURSE_BROWSER", "no-such-browser")
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path))
    lacking = {s.name: s.needed for s in stages.stages(slow=True) if s.lacking}
    assert lacking == {"publishing": needed, "real data": False}
    monkeypatch.delenv("CI")
    assert not any(stage.needed for stage in stages.stages(slow=True))


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_stage_may_clear_up_when_the_whole_is_ended(tmp_path):
    waits = (
        "import os, pathlib, signal, sys, time\n"
        "def ended(*_):\n    pathlib.Path('cleared').touch()\n    sys.exit(1)\n"
        "signal.signal(signal.SIGTERM, ended)\n"
        "pathlib.Path('begun').touch()\ntime.sleep(60)"
    )

    def stop():
        while not (tmp_path / "begun").exists():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=stop, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        stages.run([Stage("waits", python(waits))], root=tmp_path)
    assert (tmp_path / "cleared").exists()


def test_a_stage_gets_its_environment_and_the_repository_s_folder(capfd, tmp_path):
    code = "import os; print(os.environ['COURSE_REGISTRY'], os.getcwd())"
    stages.run([Stage("a", python(code), {"COURSE_REGISTRY": "small"})], root=tmp_path)
    assert f"small {tmp_path}" in capfd.readouterr().out


def test_real_data_is_lacking_where_there_is_none(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path))
    (real,) = [stage for stage in stages.stages(slow=True) if stage.name == "real data"]
    assert "name its folder in COURSE_DATA_DIR" in real.lacking
    (tmp_path / "fashion_mnist").mkdir()
    (real,) = [stage for stage in stages.stages(slow=True) if stage.name == "real data"]
    assert real.lacking == ""


def test_the_slow_ones_come_on_top_and_quick_in_the_place_of_smoke():
    usual, slow = stages.stages(slow=False), stages.stages(slow=True)
    assert len(slow) > len(usual)
    differing = [pair for pair in zip(usual, slow, strict=False) if pair[0] != pair[1]]
    ((smoke, quick),) = differing
    assert smoke.command[-3:] == ("--profile", "smoke", "--force")
    assert quick.command[: len(smoke.command) - 2] == (*smoke.command[:-3], "--force")
    assert "--profile" not in quick.command


@pytest.mark.parametrize("slow", [False, True])
def test_nbval_compares_the_copies_that_the_stage_before_it_wrote(slow):
    """And nothing in the folder of the chapters, whose own parameters are those of quick."""
    chosen = stages.stages(slow=slow)
    (place,) = [n for n, stage in enumerate(chosen) if "--nbval-lax" in stage.command]
    copies, nbval = chosen[place - 1 : place + 1]
    assert copies.command[-3:-1] == ("contracts", "--copies")
    assert nbval.command[-1] == copies.command[-1]
    assert "notebooks" not in nbval.command
    (option,) = [p for p in cli.commands["contracts"].params if p.name == "copies"]
    assert option.opts == ["--copies"]


def test_real_data_are_only_tried():
    (real,) = [stage for stage in stages.stages(slow=True) if stage.name == "real data"]
    assert real.command[-5:] == ("--data", "real", "--profile", "smoke", "--force")
    with_real = {c.number for c in chapters.find(ROOT / "notebooks") if keeps_real(c)}
    assert with_real <= set(real.command)


def keeps_real(chapter):
    """Whether some claim of a chapter has kept seeds of real data."""
    known = lessons.read_evidence(chapter.lessons / lessons.EVIDENCE)[chapter.number]["claims"]
    return any("quick/real" in claim for claim in known.values())


def test_without_a_browser_publishing_is_shown_as_not_run(monkeypatch):
    monkeypatch.setenv("COURSE_BROWSER", "no-such-browser")
    (publishing,) = [s for s in stages.stages(slow=True) if s.name == "publishing"]
    assert "no Chromium here" in publishing.lacking
    monkeypatch.setenv("COURSE_BROWSER", sys.executable)
    (publishing,) = [s for s in stages.stages(slow=True) if s.name == "publishing"]
    assert publishing.lacking == ""


def test_what_is_published_is_what_the_run_before_it_wrote():
    """Both are read from the commands as they stand: one renamed without the other is found."""
    planned = plan.jobs(plan.Request(notebooks=ROOT / "notebooks", profile="quick"))
    (publishing,) = [s for s in stages.stages(slow=True) if s.name == "publishing"]
    folders = {job.folder.name for job in planned}
    assert folders == {Path(publishing.environment["COURSE_TEST_RUN"]).name}
    for command in ("site", "slides"):
        (option,) = [p for p in cli.commands[command].params if p.name == "run_folders"]
        assert folders == {Path(folder).name for folder in option.default}
