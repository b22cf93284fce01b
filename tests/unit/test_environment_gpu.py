"""The environment with CUDA: never made without a GPU, from a lock of its own."""

import os
import shlex
from pathlib import Path

import pytest
from test_repository import problems_of_a_lock

from course_tools import environment
from course_utils.errors import WorldError

LOCK = Path(environment.__file__).resolve().parents[1] / "requirements-gpu.lock"


@pytest.fixture
def checkout(monkeypatch, tmp_path):
    """A checkout with both locks, called from an environment that is the course's own."""
    root = tmp_path / "홍 길동"
    root.mkdir()
    (root / "requirements.lock").write_text("uv==1.0 --hash=sha256:00\n")
    (root / "requirements-gpu.lock").write_text("uv==2.0 --hash=sha256:11\n")
    extras = "[project.optional-dependencies]\ncpu = []\ngpu = []\nlab = []\nbench = []\n"
    (root / "pyproject.toml").write_text(extras)
    monkeypatch.setattr(environment, "ROOT", root)
    monkeypatch.setattr(environment, "LOCK", root / "requirements.lock")
    monkeypatch.setattr(environment, "_installed_here", lambda: True)
    monkeypatch.setattr(environment.sys, "prefix", str(root / ".venv"))
    monkeypatch.delenv("COURSE_ENVIRONMENT", raising=False)
    (root / ".venv").mkdir()
    (root / ".venv" / environment._STAMP).write_text("made by the course")
    return root


def driver(monkeypatch, folder, answer, code=0):
    """Put an nvidia-smi onto the path that answers so."""
    tool = folder / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    # A shell, since a path with a space in it cannot stand behind "#!".
    tool.write_text(f"#!/bin/sh\nprintf '%s\\n' {shlex.quote(answer)}\nexit {code}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent))


@pytest.fixture
def made(monkeypatch):
    """Which environments would have been made and started."""
    found = []
    monkeypatch.setattr(environment, "make", lambda folder: found.append(folder.name))
    monkeypatch.setattr(environment.os, "execve", lambda path, *_: found.append(path))
    return found


def test_without_nvidia_s_tool_nothing_is_made(checkout, made, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(
        WorldError, match=r"NVIDIA GPU that its driver sees, received no nvidia-smi"
    ):
        environment.ensure(["gpu"])
    assert made == []


@pytest.mark.skipif(os.name == "nt", reason="a script as a program")
@pytest.mark.parametrize(
    ("answer", "code"), [("No devices were found", 6), ("No devices were found", 0), ("", 0)]
)
def test_without_a_device_nothing_is_made(checkout, made, monkeypatch, answer, code):
    driver(monkeypatch, checkout, answer, code)
    with pytest.raises(WorldError, match=f"received {answer or 'none'}: `course gpu` computes on"):
        environment.ensure(["gpu"])
    assert made == []


@pytest.mark.skipif(os.name == "nt", reason="a script as a program")
def test_with_one_the_environment_with_cuda_runs_it(checkout, made, monkeypatch):
    driver(monkeypatch, checkout, "GPU 0: NVIDIA H100 (UUID: GPU-1)")
    environment.ensure(["gpu", "00"])
    assert made == [".venv-gpu", str(checkout / ".venv-gpu" / "bin" / "python")]


@pytest.mark.skipif(os.name == "nt", reason="a script as a program")
def test_a_reader_s_own_environment_is_left_alone(checkout, made, monkeypatch):
    driver(monkeypatch, checkout, "GPU 0: NVIDIA H100 (UUID: GPU-1)")
    monkeypatch.setattr(environment.sys, "prefix", str(checkout / "conda"))
    assert environment.ensure(["gpu"]) is None
    assert made == []


def test_each_lock_leaves_out_the_other_s_tensorflow_and_what_is_only_timed_against(
    checkout, monkeypatch
):
    asked = []
    monkeypatch.setattr(environment, "_uv", lambda folder: "uv")
    monkeypatch.setattr(environment, "_run", lambda command: asked.append(command) or True)
    environment.write_lock()
    found = {c[-1]: [o for o in c if o.startswith("--extra")] for c in asked}
    assert found == {
        "requirements.lock": ["--extra=cpu", "--extra=lab"],
        "requirements-gpu.lock": ["--extra=gpu", "--extra=lab"],
    }


@pytest.mark.skipif(not LOCK.is_file(), reason="no lock with CUDA yet")
def test_the_lock_with_cuda_has_hashes_and_no_address():
    text = LOCK.read_text()
    assert problems_of_a_lock(text) == []
    assert "nvidia-cudnn" in text and "tensorflow-cpu==" not in text
