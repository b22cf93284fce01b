"""The benchmarks' own machinery, on jobs whose answers are known; and what the README quotes."""

import json
import math
import pickle
import re
import subprocess
import sys
import time
import tomllib
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path

import pytest
import small_chapters as small
from click.testing import CliRunner

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import needs, pipeline, start, tables, turns, where  # noqa: E402
from benchmarks.__main__ import MODULES, main  # noqa: E402
from benchmarks.turns import Candidate, Job, Measured  # noqa: E402
from course_utils import datasets  # noqa: E402
from course_utils.errors import InputError, WorldError  # noqa: E402

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
    raise ValueError("no such thing in /home/someone, ask https://example.org")

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

    monkeypatch.delitem(sys.modules, "some_ways", raising=False)
    module = import_module("some_ways")

    def make(name, *arguments, **options):
        return Candidate(name, getattr(module, name), arguments, **options)

    yield make
    sys.modules.pop("some_ways", None)


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


def test_what_needs_something_that_is_lacking_is_not_even_started(way, tmp_path):
    log = tmp_path / "log"
    peer = way("marking", str(log), "b", needs="peer")
    ours, theirs = turns.measure(Job("wait", way("telling", 1.0), (peer,), rounds=1), {"peer"})
    assert ours.seconds == 1 and theirs.needs == "peer" and math.isnan(theirs.ratio)
    found = turns.measure(Job("wait", peer, (way("marking", str(log), "a"),), rounds=1), {"peer"})
    assert [one.needs for one in found] == ["peer", "peer"] and not log.exists()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("failing", "ValueError: no such thing in /home/someone, ask https://example.org"),
        ("failing_later", "ValueError: not this time"),
        ("dying", "its process ended with exit code 7"),
    ],
)
def test_a_way_that_fails_says_why_and_leaves_the_others(way, name, said):
    ours, theirs = turns.measure(Job("x", way("telling", 1.0), (way(name),), rounds=2))
    assert ours.seconds == 1 and theirs.why == said


def test_nothing_is_compared_with_a_course_that_fails(way):
    found = turns.measure(Job("x", way("failing"), (way("telling", 1.0),), rounds=1))
    assert found[0].why.startswith("ValueError: no such") and math.isnan(found[0].ratio)
    assert found[1].why == "nothing to compare with"


JOB = Job(
    *("the job", Candidate("ours", time.sleep), (Candidate("theirs", time.sleep),)),
    core=True,
    goal=(("theirs", 5.0),),
)
FOUND = [Measured("ours", 0.5, 1.0, 0.9, 12.0), Measured("theirs", 2.2, 4.4, 2.3)]
ON = {"date": "2026-01-01", "load": 0.1, "on": "P, 2 cores, Linux; python 3.12"}
LATER = ON | {"date": "2026-02-02", "load": 2.0}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the page and without any number, where results are written."""
    monkeypatch.setattr(tables, "FOLDER", tmp_path)
    (tmp_path / "results.md").write_text(f"before\n{tables._BEGIN}\nold\n{tables._END}\nafter\n")
    return tmp_path


def contents(folder):
    return {path.name: path.read_text() for path in folder.glob("results.*")}


def test_the_table_has_a_row_for_each_way_with_its_date():
    results = {"the job": tables.rows(JOB, FOUND, ON)}
    assert tables.render(results, ["the job"]).splitlines()[2:] == [
        "| the job, of a core | ours | 0.5 | 1 | 12 |  | 2026-01-01 |",
        "|  | theirs | 2.2 | **4.4** |  | 5: missed | 2026-01-01 |",
        "",
        "- 2026-01-01: P, 2 cores, Linux; python 3.12; load before a job 0.1 to 0.1",
    ]
    results["later"] = tables.rows(JOB, FOUND, ON | {"load": 2})
    last = tables.render(results, ["the job", "later"]).splitlines()[-1]
    assert last.endswith("load before a job 0.1 to 2")
    results = {"the job": tables.rows(JOB, FOUND, ON | {"load": None})}
    assert tables.render(results, ["the job"]).endswith("load not known\n")


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        (Measured("theirs", needs="tf-keras-vis"), "needs tf-keras-vis"),
        (Measured("theirs", why="OSError: /home/someone"), "failed"),
    ],
)
def test_a_row_that_could_not_be_measured_keeps_its_numbers_or_says_why(lost, said):
    never = tables.rows(JOB, [FOUND[0], lost], ON)
    assert f"|  | theirs | {said} |  |  |  |  |" in tables.render({"the job": never}, ["the job"])
    before = tables.rows(JOB, FOUND, ON)
    ours, theirs = tables.rows(JOB, [FOUND[0], lost], LATER, before)["ways"]
    assert ours["date"] == "2026-02-02" and theirs == before["ways"][1]
    # What had no numbers before says what it lacks today, and gives way to the first numbers.
    again = tables.rows(JOB, [FOUND[0], Measured("theirs", needs="other")], LATER, never)
    assert again["ways"][1] == {"name": "theirs", "why": "needs other"}
    assert tables.rows(JOB, FOUND, LATER, never)["ways"][1]["date"] == "2026-02-02"


def test_results_of_other_jobs_are_kept_and_so_is_the_text_around_the_table(folder):
    tables.store({"another": tables.rows(JOB, FOUND, ON)}, ["another", "the job"])
    first = tables.known()["another"]
    tables.store({"the job": tables.rows(JOB, FOUND, LATER)}, ["another", "the job"])
    assert tables.known() | {"another": first} == tables.known()
    assert tables.known()["the job"]["goal"] == {"theirs": 5.0}
    table = tables.render(tables.known(), ["another", "the job"])
    assert contents(folder)["results.md"] == (
        f"before\n{tables._BEGIN}\n{table}{tables._END}\nafter\n"
    )


def test_a_page_without_the_marks_is_left_alone_and_so_are_the_numbers(folder):
    (folder / "results.md").write_text("words\n")
    with pytest.raises(ValueError, match="marks"):
        tables.store({"the job": tables.rows(JOB, FOUND, ON)}, ["the job"])
    assert contents(folder) == {"results.md": "words\n"}


@pytest.mark.parametrize("name", ["results.json", "results.md"])
def test_what_the_disk_refuses_is_as_it_was(folder, monkeypatch, name):
    tables.store({"the job": tables.rows(JOB, FOUND, ON)}, ["the job"])
    before, replace = contents(folder), Path.replace

    def refuse(path, target):
        if Path(target).name == name:
            raise OSError(28, "No space left on device")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(WorldError, match="No space left"):
        tables.store({"the job": tables.rows(JOB, FOUND, LATER)}, ["the job"])
    assert contents(folder)[name] == before[name] and len(list(folder.iterdir())) == 2


@pytest.fixture
def bench(folder, monkeypatch):
    """`course bench` with a few jobs instead of its own."""
    monkeypatch.setattr(tables, "machine", lambda: ON)

    def call(*options, **given):
        for name in MODULES:
            module = import_module(f"benchmarks.{name}")
            monkeypatch.setattr(module, "JOBS", given.get(name, []))
        return CliRunner().invoke(main, ["--rounds", "1", *options])

    return call


PRIVATE = re.compile(r"""(?<![\w.)])[/~]\w|\b[A-Z]:\\|https?:|Traceback|\w(Error|Exception)\b""")


def test_an_error_s_words_stay_on_the_terminal(bench, way, folder):
    told = way("telling", 1.0)
    ran = bench(masks=[Job("a", told, (way("failing"),)), Job("b", way("failing"), (told,))])
    assert (
        ran.exit_code == 1 and ran.stderr.count("failing: ValueError: no such thing in /home") == 2
    )
    assert PRIVATE.search(ran.stderr)
    assert [PRIVATE.findall(text) for text in contents(folder).values()] == [[], []]
    assert contents(folder)["results.md"].count("| failed |") == 3


def test_what_is_kept_names_no_place():
    for name in ("results.json", "results.md"):
        assert PRIVATE.findall((ROOT / "benchmarks" / name).read_text(encoding="utf-8")) == []


def test_one_part_leaves_the_others_and_what_is_lost_keeps_its_numbers(
    bench, way, folder, monkeypatch
):
    monkeypatch.setitem(needs.PEERS, "peer", "json")
    peer = way("telling", 3.0, needs="peer")
    both = {"masks": [Job("a", way("telling", 1.0), (way("chatting"),))]}
    both["explain"] = [Job("b", way("chatting"), (peer,))]
    assert bench(**both).exit_code == 0
    first = tables.known()
    monkeypatch.setattr(tables, "machine", lambda: LATER)
    monkeypatch.setitem(needs.PEERS, "peer", "no_such_module")
    ran = bench("explain", **both)
    assert ran.exit_code == 0 and "peer is not installed" in ran.stderr
    now = tables.known()
    assert now["a"] == first["a"]
    assert [way["date"] for way in now["b"]["ways"]] == ["2026-02-02", "2026-01-01"]
    assert now["b"]["ways"][1] == first["b"]["ways"][1]
    shown = contents(folder)
    assert bench("masks", "--show", **both).exit_code == 0 and contents(folder) == shown


def test_an_interrupted_run_keeps_what_was_there_and_what_was_done(bench, way, folder, monkeypatch):
    given = [Job(name, way("telling", 1.0), (way("chatting"),)) for name in "abc"]
    bench(masks=given)
    monkeypatch.setattr(tables, "machine", lambda: LATER)
    measure = turns.measure

    def until_b(job, lacking):
        if job.name == "b":
            raise KeyboardInterrupt
        return measure(job, lacking)

    monkeypatch.setattr(turns, "measure", until_b)
    assert bench(masks=given).exit_code == 1
    dates = {name: job["ways"][0]["date"] for name, job in tables.known().items()}
    assert dates == {"a": "2026-02-02", "b": "2026-01-01", "c": "2026-01-01"}
    assert tables.render(tables.known(), ["a", "b", "c"]) in contents(folder)["results.md"]


def test_a_page_that_cannot_be_written_is_refused_before_anything_is_timed(
    bench, way, folder, tmp_path
):
    (folder / "results.md").write_text("words\n")
    log = tmp_path / "log"
    mark = way("marking", str(log), "a")
    assert bench(masks=[Job("a", mark, (mark,))]).exit_code == 1 and not log.exists()


def test_what_is_needed_is_looked_up_and_prepared_first(monkeypatch):
    done = []
    states = {"cats_vs_dogs": "downloaded", "flowers": "prepared", "cifar10": "part"}
    monkeypatch.setattr(needs.command, "state", lambda name: states[name])

    def prepare(names, *, say):
        if "flowers" in names:
            raise InputError("expected the archive to be whole")
        done.extend(names)

    monkeypatch.setattr(needs.command, "prepare_all", prepare)
    monkeypatch.setattr(needs, "PEERS", {"there": "json", "gone": "no_such_module"})
    ways = [Candidate(n, time.sleep, needs=n) for n in (*states, "there", "gone", "")]
    said = []
    found = needs.lacking([Job("a", ways[0], tuple(ways[1:]))], said.append)
    assert found == {"flowers", "cifar10", "gone"} and done == ["cats_vs_dogs"]
    assert said == [
        "cifar10 is not here: `course data cifar10`",
        "expected the archive to be whole",
        "gone is not installed: `uv pip install -e '.[bench]'`",
    ]


def test_the_reading_of_a_set_that_is_not_prepared_needs_it(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "data"))
    lacking = needs.lacking(pipeline.JOBS, lambda text: None)
    assert lacking == {"cats_vs_dogs"}
    rows = tables.rows(pipeline.JOBS[0], turns.measure(pipeline.JOBS[0], lacking), ON)["ways"]
    assert [row["why"] for row in rows] == ["needs cats_vs_dogs"] * 4


def test_every_peer_has_its_line_in_the_extra():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = project["optional-dependencies"]["bench"]
    assert len(lines) == len(needs.PEERS)
    assert all(any(line.startswith(peer) for line in lines) for peer in needs.PEERS)


def jobs():
    return [job for module in MODULES for job in import_module(f"benchmarks.{module}").JOBS]


def test_every_job_can_be_found_and_has_a_name_of_its_own():
    names = [job.name for job in jobs()]
    assert len(set(names)) == len(names)
    for job in jobs():
        ways = [job.course, *job.others]
        assert {name for name, _ in job.goal} <= {one.name for one in job.others}
        assert len({one.name for one in ways}) == len(ways)
        assert {one.needs for one in ways} <= {"", *needs.PEERS, *datasets.names()}
        # A process of its own finds each function by its name.
        assert pickle.loads(pickle.dumps(ways)) == ways


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
