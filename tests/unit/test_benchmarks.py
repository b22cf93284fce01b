"""The benchmarks' own machinery, on jobs whose answers are known; and what the README quotes."""

import json
import math
import re
import subprocess
import sys
import time
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path

import pytest
import small_chapters as small

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import start, tables, turns, where  # noqa: E402
from benchmarks.__main__ import MODULES  # noqa: E402
from benchmarks.turns import Candidate, Job, Measured  # noqa: E402

WAYS = """
import os, time
from pathlib import Path

def sleeping(seconds):
    return lambda: time.sleep(seconds)

def telling(seconds):
    return lambda: seconds

def chatting():
    os.write(2, b"all ready")
    return lambda: 1.0

def marking(path, mark):
    def run():
        with open(path, "a") as file:
            file.write(mark)
    return run

def filling(megabytes):
    return lambda: len(bytearray(megabytes * 2**20))

def failing():
    raise ValueError("no such thing")

def failing_later():
    def run():
        raise ValueError("not this time")
    return run

def dying():
    return lambda: os._exit(7)
"""


@pytest.fixture
def way(tmp_path, monkeypatch):
    """Makes candidates of functions that a new process can import."""
    (tmp_path / "some_ways.py").write_text(WAYS)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def make(name, *arguments, **options):
        return Candidate(name, f"some_ways:{name}", arguments, **options)

    return make


def test_a_way_that_takes_thrice_as_long_has_the_ratio_three(way):
    found = turns.measure(Job("tell", way("telling", 0.5), (way("telling", 1.5),), rounds=3))
    assert [(one.seconds, one.ratio) for one in found] == [(0.5, 1.0), (1.5, 3.0)]


def test_the_clock_is_read_where_a_way_tells_no_seconds(way):
    found = turns.measure(Job("wait", way("sleeping", 0.05), (way("sleeping", 0.3),), rounds=3))
    # A busy machine lets sleepers lie; it never wakes them early.
    assert found[0].seconds >= 0.05 and 0.3 <= found[1].seconds < 30


def test_a_way_that_does_a_quarter_counts_four_times(way):
    job = Job("part", way("telling", 2.0), (way("telling", 3.0, share=4.0),), rounds=1)
    assert [(one.seconds, one.ratio) for one in turns.measure(job)] == [(2.0, 1.0), (12.0, 6.0)]


def test_the_ways_take_turns(way, tmp_path):
    log = tmp_path / "log"
    ours, theirs = (way("marking", str(log), mark) for mark in "ab")
    turns.measure(Job("mark", ours, (theirs,), rounds=3))
    assert log.read_text() == "ab" * 4


@pytest.mark.skipif(turns.memory_peak() is None, reason="this system does not say")
def test_memory_is_that_of_the_job_alone(way):
    found = turns.measure(Job("fill", way("filling", 200), (way("filling", 50),), rounds=1))
    assert found[0].memory == pytest.approx(200, abs=20)
    assert found[1].memory == pytest.approx(50, abs=20)


def test_of_work_done_by_other_processes_no_memory_is_told(way):
    job = Job("fill", way("filling", 200), (way("filling", 50),), rounds=1, outside=True)
    assert [one.memory for one in turns.measure(job)] == [None, None]


def test_what_libraries_print_when_loaded_does_not_reach_the_terminal(way, capfd):
    turns.measure(Job("x", way("telling", 1.0), (way("chatting"),), rounds=1))
    assert capfd.readouterr() == ("", "")


def test_what_is_not_installed_is_said(way):
    job = Job("wait", way("telling", 1.0), (way("telling", 1.0, optional="no_such"),), rounds=1)
    ours, theirs = turns.measure(job)
    assert ours.seconds == 1 and theirs.why == "not installed" and math.isnan(theirs.ratio)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("failing", "ValueError: no such thing"),
        ("failing_later", "ValueError: not this time"),
        ("dying", "its process ended with exit code 7"),
    ],
)
def test_a_way_that_fails_says_why_and_leaves_the_others(way, name, said):
    ours, theirs = turns.measure(Job("x", way("telling", 1.0), (way(name),), rounds=2))
    assert ours.seconds == 1 and theirs.why == said


def test_nothing_is_compared_with_a_course_that_fails(way):
    found = turns.measure(Job("x", way("failing"), (way("telling", 1.0),), rounds=1))
    assert [one.why for one in found] == ["ValueError: no such thing", "nothing to compare with"]


@pytest.fixture
def results():
    job = Job("the job", Candidate("ours", "a:b"), (Candidate("theirs", "a:c"),))
    job = turns.Job(**(job.__dict__ | {"goal": (("theirs", 5.0),), "core": True}))
    found = [Measured("ours", 0.5, 1.0, 0.9, 12.0), Measured("theirs", 2.2, 4.4, 2.3)]
    machine = {"date": "2026-01-01", "processor": "P", "cores": 2, "system": "Linux", "load": 0.1}
    return {"the job": tables.rows(job, found) | {"machine": machine | {"python": "3.12"}}}


def test_the_table_has_a_row_for_each_way(results):
    assert tables.render(results, ["the job"]).splitlines()[2:] == [
        "| the job, of a core | ours | 0.5 | 1 | 12 |  |",
        "|  | theirs | 2.2 | **4.4** |  | 5: missed |",
        "",
        "- 2026-01-01: P, 2 cores, Linux; python 3.12; load before a job 0.1 to 0.1",
    ]
    results["later"] = results["the job"] | {"machine": results["the job"]["machine"] | {"load": 2}}
    last = tables.render(results, ["the job", "later"]).splitlines()[-1]
    assert last.endswith("load before a job 0.1 to 2")


def test_a_way_without_numbers_stands_in_the_table_with_its_reason(results):
    results["the job"]["ways"][1] = {"name": "theirs", "why": "not installed"}
    assert "| theirs | not installed | | | |" in tables.render(results, ["the job"])


def test_results_of_other_jobs_are_kept(results, tmp_path):
    path = tmp_path / "results.json"
    tables.store(path, {"another": {"ways": []}})
    assert set(tables.store(path, results)) == {"another", "the job"}
    assert json.loads(path.read_text())["the job"]["goal"] == {"theirs": 5.0}


def test_only_what_stands_between_the_marks_is_written_anew(tmp_path):
    path = tmp_path / "results.md"
    path.write_text(f"before\n{tables._BEGIN}\nold\n{tables._END}\nafter\n")
    tables.written(path, "new\n")
    assert path.read_text() == f"before\n{tables._BEGIN}\nnew\n{tables._END}\nafter\n"


def test_a_page_without_the_marks_is_left_alone(tmp_path):
    path = tmp_path / "results.md"
    path.write_text("words\n")
    with pytest.raises(ValueError, match="marks"):
        tables.written(path, "new\n")
    assert path.read_text() == "words\n"


def jobs():
    return [job for module in MODULES for job in import_module(f"benchmarks.{module}").JOBS]


def test_every_job_can_be_found_and_has_a_name_of_its_own():
    names = [job.name for job in jobs()]
    assert len(set(names)) == len(names)
    for job in jobs():
        ways = [job.course, *job.others]
        assert {name for name, _ in job.goal} <= {one.name for one in job.others}
        assert len({one.name for one in ways}) == len(ways)
        for one in ways:
            module, _, function = one.make.partition(":")
            assert callable(getattr(import_module(module), function))


def test_the_page_shows_the_numbers_that_were_kept():
    kept = json.loads((ROOT / "benchmarks" / "results.json").read_text(encoding="utf-8"))
    table = tables.render(kept, [job.name for job in jobs()])
    assert table in (ROOT / "benchmarks" / "results.md").read_text(encoding="utf-8")
    assert set(kept) == {job.name for job in jobs()}


QUOTED = re.compile(r"^\| (?P<job>[^|]+) \| (?P<way>[^|]+) \| (?P<ratio>[\d.]+) \|$", flags=re.M)


def misquoted(text, kept):
    """Rows of the README's table of ratios that were not measured so."""
    part = text.partition("### Side by side")[2].partition("\n#")[0]
    rows = [match.groupdict() for match in QUOTED.finditer(part)]
    assert rows, "the README quotes ratios in the table under `Side by side`"
    found = {
        (job, way["name"]): way["ratio"]
        for job, result in kept.items()
        for way in result["ways"]
        if "ratio" in way
    }
    return [
        row
        for row in rows
        if f"{found.get((row['job'], row['way']), float('nan')):.1f}" != row["ratio"]
    ]


def test_a_ratio_that_the_readme_quotes_is_the_one_measured():
    kept = json.loads((ROOT / "benchmarks" / "results.json").read_text(encoding="utf-8"))
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert misquoted(text, kept) == []
    spoilt = re.sub(r"\| (\d+\.\d) \|$", lambda m: f"| {float(m[1]) + 0.1:.1f} |", text, flags=re.M)
    assert misquoted(spoilt, kept)


@pytest.mark.parametrize(("setup", "fails"), [("", False), ("1 / 0", True)])
def test_parameters_and_set_up_of_a_chapter_run_without_its_other_cells(
    tmp_path, monkeypatch, setup, fails
):
    chapter = small.chapter("00", setup=small.SETUP.format(number="00") + setup, exact="1 / 0")
    notebooks = small.write(tmp_path / "홍 길동", n00_small=small.tag(chapter, "setup", "setup"))
    monkeypatch.setenv("COURSE_LESSONS", str(notebooks / "lessons"))
    run = start.setup_cell(str(notebooks / "00_small.ipynb"))
    with pytest.raises(subprocess.CalledProcessError) if fails else nullcontext():
        run()


def cell(source, seconds, *, tags=(), picture=False):
    outputs = [{"output_type": "display_data", "data": {"image/png": ""}}] if picture else []
    return {
        "cell_type": "code",
        "source": source,
        "outputs": outputs,
        "metadata": {"tags": list(tags), "papermill": {"duration": seconds}},
    }


def test_the_seconds_of_a_notebook_go_where_they_belong():
    notebook = {
        "metadata": {
            "papermill": {
                "start_time": "2026-01-01T00:00:00+00:00",
                "end_time": "2026-01-01T00:01:00+00:00",
            }
        },
        "cells": [
            cell("%time x\nimport keras", 5.0, tags=["setup"]),
            cell("data = datasets.open('things')", 2.0),
            cell("def again(x):\n    return model.fit(x)", 0.0),
            cell("again(data)", 20.0, picture=True),
            cell("helped(model)", 10.0),
            cell("plots.grid(data)", 3.0, picture=True),
            cell("np.sum(data)", 1.0),
            {"cell_type": "markdown", "source": "words", "metadata": {}},
        ],
    }
    assert where.of_notebook(notebook, training=frozenset({"helped"})) == {
        "kernel": 19.0,
        "setting up": 5.0,
        "data": 2.0,
        "training": 30.0,
        "pictures": 3.0,
        "other sums": 1.0,
    }


def test_functions_of_the_package_that_train_are_found(tmp_path):
    (tmp_path / "a.py").write_text("def one(m):\n    m.fit()\n\ndef two(m):\n    one(m)\n")
    (tmp_path / "b.py").write_text("def three():\n    pass\n")
    assert where.package_trains(tmp_path) == {"fit", "one", "two"}


def test_measuring_does_not_take_the_clock_for_seconds_that_were_told(way):
    began = time.perf_counter()
    found = turns.measure(Job("x", way("telling", 100.0), (way("telling", 50.0),), rounds=1))
    assert time.perf_counter() - began < 60 and found[1].ratio == 0.5
