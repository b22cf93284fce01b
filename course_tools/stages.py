"""The stages of `course test`, in the order in which a fault is cheapest to find.

Every stage runs, whatever the earlier ones said: a morning's work should see all its faults at
once. The last line counts them. What cannot run here is named before it: nobody should take for
judged what was not. On a CI server (`CI=true`, as GitHub and others set it) a missing browser is
a failure; real data cannot be had everywhere, so their absence is loud, and no more.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from course_tools.environment import ROOT
from course_utils.cache import data_folder

__all__ = ["Stage", "browser", "run", "stages"]

_PYTEST = (sys.executable, "-m", "pytest", "-q")
# Chapters that are executed on real data, too: not all that could be, for time.
_REAL = ("00", "02", "04", "05", "06", "08")
_DOCTESTS = ("--doctest-modules", "course_utils", "course_tools")
# nbval executes a notebook as it stands, so it gets copies with the parameters of smoke.
_COPIES = "runs/contracts"
# Names of a Chromium, as Debian, Ubuntu, Fedora and Google call it.
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class Stage:
    """One command that must leave with 0."""

    name: str
    command: tuple[str, ...]  # run in the repository's folder
    environment: dict[str, str] = field(default_factory=dict)  # variables set for it
    lacking: str = ""  # why it cannot run here; then it is counted apart, never as passed
    needed: bool = False  # whether lacking something makes the whole red


def stages(*, slow: bool, root: Path = ROOT) -> list[Stage]:
    """The stages of `course test`; with `slow`, those of `course test --all`."""
    # Every worker loads TensorFlow: as many as there are cores, and 1.5 GB of memory for each.
    workers = max(1, min(os.cpu_count() or 1, psutil.virtual_memory().available // 1_500_000_000))
    parallel = ("-n", str(workers), "--dist", "loadfile")
    course = (sys.executable, "-m", "course_tools")
    ruff = (sys.executable, "-m", "ruff")
    # Before the notebook tests, which take over its results.
    smoke = Stage("every chapter, smoke", (*course, "run", "--profile", "smoke", "--force"))
    # nbval runs every cell in smoke, too; so what judges all claims takes the place of smoke.
    # A slow machine may take a quarter of an hour for the longest cell (04 trains from scratch).
    judged = Stage("every chapter, quick", (*course, "run", "--force", "--timeout", "1800"))
    first = [
        Stage("lint", (*ruff, "check", "-q", ".")),
        Stage("format", (*ruff, "format", "-q", "--check", ".")),
        Stage("unit and doc tests", (*_PYTEST, *parallel, *_DOCTESTS, "tests/unit")),
        judged if slow else smoke,
        Stage("notebook tests", (*_PYTEST, *parallel, "tests/notebooks")),
        Stage("copies for nbval", (*course, "contracts", "--copies", _COPIES)),
        Stage(
            "contracts (nbval)",
            (*_PYTEST, *parallel, "--nbval-lax", "--nbval-current-env", _COPIES),
        ),
    ]
    if not slow:
        return first
    missing = f"no fashion_mnist in {data_folder()}; name its folder in COURSE_DATA_DIR"
    real = "" if (data_folder() / "fashion_mnist").is_dir() else missing
    # The small archives, unless whoever checks has the whole sets and names their registry.
    named = os.environ.get("COURSE_REGISTRY", str(root / "tests" / "small_registry.toml"))
    return [
        *first,
        Stage("slow tests", (*_PYTEST, *parallel, "tests/slow")),
        # After the quick run, because it publishes what that executed.
        Stage(
            "publishing",
            (*_PYTEST, "tests/browser"),
            {"COURSE_TEST_RUN": str(root / "runs" / "quick-embedded")},
            lacking=""
            if browser()
            else "no Chromium here; install one, or name it in COURSE_BROWSER",
            needed=os.environ.get("CI", "").lower() in ("1", "true"),
        ),
        # Too few seeds are kept of real data for a run in quick to fail: that every cell runs on
        # them costs a fifth of the time.
        Stage(
            "real data",
            (*course, "run", *_REAL, "--data", "real", "--profile", "smoke", "--force"),
            {"COURSE_REGISTRY": named},
            lacking=real,
        ),
    ]


def browser() -> str:
    """The path of the browser that tests drive: COURSE_BROWSER, else a Chromium; "" for none."""
    named = os.environ.get("COURSE_BROWSER")
    found = [shutil.which(name) for name in ([named] if named else _BROWSERS)]
    return next(filter(None, found), "")


def run(chosen: Sequence[Stage], *, root: Path = ROOT) -> int:
    """Run the stages one after another, then show a table; 0 if nothing failed, else 1."""
    rows: list[tuple[str, str, float]] = []
    absent: list[Stage] = []
    for stage in chosen:
        if stage.lacking:
            print(f"\n── {stage.name}: not run: {stage.lacking}", flush=True)
            absent.append(stage)
            rows.append((stage.name, "FAILED (not run)" if stage.needed else "not run", 0.0))
            continue
        print(f"\n── {stage.name}", flush=True)
        began = time.monotonic()
        code = _exit_code(stage.command, root, os.environ | stage.environment)
        state = "passed" if code == 0 else f"FAILED (exit code {code})"
        rows.append((stage.name, state, time.monotonic() - began))
    print("\nstage                    seconds  state")
    for name, state, seconds in rows:
        print(f"{name:24} {seconds:7.0f}  {state}")
    for stage in absent:
        print(f"\nNOT JUDGED: {stage.name}: {stage.lacking}")
        if os.environ.get("GITHUB_ACTIONS"):  # shown on top of the run's page
            level = "error" if stage.needed else "warning"
            print(f"::{level} title={stage.name} not judged::{stage.lacking}")
    failed = sum(state.startswith("FAILED") for _, state, _ in rows)
    skipped = sum(state == "not run" for _, state, _ in rows)
    print(f"\n{len(rows) - failed - skipped} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


def _exit_code(command: Sequence[str], folder: Path, environment: dict[str, str]) -> int:
    """Run a command to its end; if this process is to end, the command may clear up first."""
    with subprocess.Popen(command, cwd=folder, env=environment) as process:
        try:
            return process.wait()
        except BaseException:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=30)
            process.kill()
            raise
