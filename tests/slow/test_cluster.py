"""A real Dask scheduler and two workers on this machine, one of them killed in the middle."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest
import small_chapters as small

from course_utils.notebooks import documents

pytest.importorskip("distributed")

SEEDS = 6
# Each execution leaves a file, so that the test knows what ran where and what was begun twice.
SLOW = """\
import os, pathlib, time, uuid
begun = pathlib.Path(os.environ["COURSE_TEST_BEGUN"])
(begun / f"{course.seed}-{os.getppid()}-{uuid.uuid4().hex}").touch()
time.sleep(2)
"""


@contextlib.contextmanager
def started(*command, env):
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
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
    slow = small.SETUP.format(number="00") + SLOW
    small.write(folder / "notebooks", n00_small=small.chapter(setup=slow))
    return folder


@pytest.fixture
def workers(place):
    """Address of a scheduler, its two workers by process id, and the environment of all."""
    environment = os.environ | {
        "COURSE_TEST_BEGUN": str(place / "begun"),
        "PYTHONPATH": os.pathsep.join(
            [str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")]
        ),
        # A worker that is gone is noticed by its connection; this is for one that hangs.
        "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "30 s",
    }
    run = ("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0")
    with contextlib.ExitStack() as stack:
        scheduler = stack.enter_context(started(*run, "--no-dashboard", env=environment))
        address = said(scheduler, r"Scheduler at:\s+(tcp://\S+)")
        both = {}
        for _ in range(2):
            run = ("distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny")
            local = ("--local-directory", str(place / "dask"), "--no-dashboard")
            worker = stack.enter_context(started(*run, *local, env=environment))
            said(worker, r"Registered to:\s+(tcp://\S+)")
            both[worker.pid] = worker
        yield address, both, environment


def course(place, address, environment, *more):
    command = [sys.executable, "-m", "course_utils", "run", "--cluster", address]
    command += ["--notebooks", str(place / "notebooks"), "--out", str(place / "out")]
    return subprocess.Popen(
        [*command, "--seeds", f"0-{SEEDS - 1}", *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def begun(place):
    """Seed and worker of each execution that began, in no order."""
    return [tuple(map(int, p.name.split("-")[:2])) for p in (place / "begun").iterdir()]


def wait_for(condition, seconds=60):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.05)


@pytest.mark.skipif(os.name == "nt", reason="kills process groups")
def test_a_killed_worker_loses_nothing_and_doubles_nothing(place, workers):
    address, both, environment = workers
    process = course(place, address, environment)
    wait_for(lambda: {worker for _, worker in begun(place)} == set(both))
    victim = next(iter(both))
    kernels = psutil.Process(victim).children(recursive=True)
    os.kill(victim, signal.SIGKILL)
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, output + errors

    rows = []
    for seed in range(SEEDS):
        folder = place / "out" / f"seed-{seed}"
        rows += json.loads((folder / "claims.json").read_text())
        notebook = documents.read(folder / "00_small.ipynb")
        assert notebook.metadata["course"]["parameters"]["SEED"] == seed
        assert [p.name for p in folder.iterdir() if p.is_dir()] == []
    counts = Counter((row["seed"], row["id"]) for row in rows)
    assert counts == {
        (seed, name): 1 for seed in range(SEEDS) for name in ("beats-guessing", "twice-two")
    }
    # Only what the dead worker had begun was begun again, by the one that is left.
    twice = [seed for seed, count in Counter(seed for seed, _ in begun(place)).items() if count > 1]
    assert len(twice) == 1
    assert len(begun(place)) == SEEDS + 1
    # The kernel of the dead worker does not outlive it for long.
    wait_for(lambda: not any(kernel.is_running() for kernel in kernels), seconds=30)

    # The same call again finds everything done.
    again = course(place, address, environment)
    output, errors = again.communicate(timeout=60)
    assert again.returncode == 0 and output.count("cached") == SEEDS, output + errors
    assert len(begun(place)) == SEEDS + 1


@pytest.mark.skipif(os.name == "nt", reason="sends a signal")
def test_ctrl_c_keeps_what_is_done_and_ends_at_once(place, workers):
    address, _, environment = workers
    process = course(place, address, environment)
    done = place / "out"
    wait_for(lambda: any(done.glob("seed-*/00_small.ipynb")))
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=20)
    assert process.returncode == 130, output + errors
    assert "Interrupted: what is listed above is done" in output
    assert 0 < len(list(done.glob("seed-*/00_small.ipynb"))) < SEEDS
