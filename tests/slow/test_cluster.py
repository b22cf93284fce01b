"""A real Dask scheduler and two workers on this machine, one of them killed in the middle.

Scheduler and workers are started as docs/machines.md types it: with the `dask` command, a nanny
over each worker, and their dashboards.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path

import psutil
import pytest
import small_chapters as small

from course_tools.notebooks import documents

ROOT = Path(__file__).resolve().parents[2]
DASK = str(Path(sys.executable).with_name("dask"))

pytest.importorskip("distributed")

SEEDS = 3
CHAPTERS = ("00", "01")
PROFILES = ("smoke", "quick")
JOBS = {(n, p, s) for n in CHAPTERS for p in PROFILES for s in range(SEEDS)}
# Each execution leaves a file, so that the test knows what ran where and what was begun twice.
SLOW = """\
import os, pathlib, time, uuid
begun = pathlib.Path(os.environ["COURSE_TEST_BEGUN"])
what = (course.chapter, course.profile, course.seed, os.getppid(), uuid.uuid4().hex)
(begun / "-".join(map(str, what))).touch()
time.sleep(2)
"""


@contextlib.contextmanager
def started(*command, env):
    process = subprocess.Popen(
        [DASK, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=env,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


def said(process, pattern):
    for line in process.stdout:
        if match := re.search(pattern, line):
            return match[1]
    raise AssertionError(f"{process.args} ended without {pattern}")


@pytest.fixture
def place(tmp_path):
    """A folder with the chapters, and with one for what each execution leaves."""
    folder = tmp_path / "홍 길동"
    (folder / "begun").mkdir(parents=True)
    chapters = {
        f"n{number}_small": small.chapter(number, setup=small.SETUP.format(number=number) + SLOW)
        for number in CHAPTERS
    }
    small.write(folder / "notebooks", **chapters)
    return folder


@pytest.fixture
def workers(place):
    """Address of a scheduler, two workers by process id, what adds one, and their environment."""
    environment = os.environ | {
        "COURSE_TEST_BEGUN": str(place / "begun"),
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        # A worker that is gone is noticed by its connection; this is for one that hangs.
        "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "30 s",
    }
    # Ports are left to the machine: another cluster may run here.
    here = ("--host", "127.0.0.1", "--port", "0", "--dashboard-address", "127.0.0.1:0")
    with contextlib.ExitStack() as stack:
        scheduler = stack.enter_context(started("scheduler", *here, env=environment))
        address = said(scheduler, r"Scheduler at:\s+(tcp://\S+)")

        def join():
            run = ("worker", address, "--nthreads", "1")
            local = ("--local-directory", str(place / "dask"))
            worker = stack.enter_context(started(*run, *local, env=environment))
            said(worker, r"Registered to:\s+(tcp://\S+)")
            return worker.pid

        yield address, {join(), join()}, join, environment


def course(place, address, environment, *more):
    command = [sys.executable, "-m", "course_tools", "run", "--cluster", address]
    command += ["--notebooks", str(place / "notebooks"), "--out", str(place / "out")]
    command += [word for profile in PROFILES for word in ("--profile", profile)]
    return subprocess.Popen(
        [*command, "--seeds", f"0-{SEEDS - 1}", *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def begun(place):
    """(Chapter, profile, seed) and process of each execution that began, in no order."""
    names = [path.name.split("-") for path in (place / "begun").iterdir()]
    return [((chapter, profile, int(seed)), int(pid)) for chapter, profile, seed, pid, _ in names]


def notebooks(place):
    """Executed notebooks, by chapter, profile and seed."""
    return {
        (path.name[:2], path.parts[-3], int(path.parent.name.partition("-")[2])): path
        for path in (place / "out").glob("*/seed-*/*_small.ipynb")
    }


def wait_for(condition, seconds=180):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.05)


@pytest.mark.skipif(os.name == "nt", reason="kills process groups")
def test_a_killed_worker_loses_nothing_and_doubles_nothing(place, workers):
    address, both, join, environment = workers
    process = course(place, address, environment)

    def of(nanny):
        return {child.pid for child in psutil.Process(nanny).children(recursive=True)}

    wait_for(lambda: all(of(nanny) & {pid for _, pid in begun(place)} for nanny in both))
    # Whoever began last is in the middle of it: the other one may be between two jobs.
    newest = max((place / "begun").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    worker = int(newest.name.split("-")[3])
    (victim,) = [nanny for nanny in both if worker in of(nanny)]
    kernels = psutil.Process(worker).children(recursive=True)
    # A machine that is lost takes the nanny along, which would start the worker anew.
    os.killpg(victim, signal.SIGKILL)
    # Another machine takes its place, while the run is on.
    third = join()
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, output + errors
    assert of(third) & {pid for _, pid in begun(place)}

    assert set(notebooks(place)) == JOBS
    rows = []
    for (_, profile, seed), path in notebooks(place).items():
        parameters = documents.read(path).metadata["course"]["parameters"]
        assert (parameters["PROFILE"], parameters["SEED"]) == (profile, seed)
        assert [p.name for p in path.parent.iterdir() if p.is_dir()] == []
    for profile in PROFILES:
        for seed in range(SEEDS):
            rows += json.loads((place / "out" / profile / f"seed-{seed}/claims.json").read_text())
    counts = Counter((row["chapter"], row["profile"], row["seed"], row["id"]) for row in rows)
    assert counts == {(*job, "beats-guessing"): 1 for job in JOBS}
    # Only what the dead worker had begun was begun again.
    twice = [job for job, count in Counter(job for job, _ in begun(place)).items() if count > 1]
    assert len(twice) == 1
    assert len(begun(place)) == len(JOBS) + 1
    # The kernel of the dead worker does not outlive it for long.
    assert kernels
    wait_for(lambda: not any(kernel.is_running() for kernel in kernels), seconds=30)

    # The run has said where Dask's dashboard is, and it answers.
    dashboard = re.search(r"http://127\.0\.0\.1:\d+", errors)[0]
    with urllib.request.urlopen(f"{dashboard}/health", timeout=20) as answer:
        assert answer.status == 200

    # The same call again finds everything done.
    again = course(place, address, environment)
    output, errors = again.communicate(timeout=60)
    assert again.returncode == 0 and output.count("cached") == len(JOBS), output + errors
    assert len(begun(place)) == len(JOBS) + 1


@pytest.mark.skipif(os.name == "nt", reason="sends a signal")
def test_ctrl_c_keeps_what_is_done_and_ends_at_once(place, workers):
    address, _, _, environment = workers
    process = course(place, address, environment)
    wait_for(lambda: notebooks(place))
    process.send_signal(signal.SIGINT)
    # One or two seconds as a rule; once, beside other work, more than twenty.
    output, errors = process.communicate(timeout=90)
    assert process.returncode == 130, output + errors
    assert "Interrupted: what is listed above is done" in output
    assert 0 < len(notebooks(place)) < len(JOBS)


def test_the_documentation_types_what_is_tested():
    text = (ROOT / "docs" / "machines.md").read_text("utf-8")
    assert re.search(r"^dask scheduler ", text, flags=re.M)
    assert re.search(r"^dask worker tcp://\S+ --nthreads 1 ", text, flags=re.M)
