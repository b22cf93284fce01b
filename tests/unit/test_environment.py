"""The environment is made from the lock, once, and mended after an interruption."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from course_tools import __main__ as entry
from course_tools import environment
from course_utils.errors import InputError, WorldError


@pytest.fixture
def checkout(monkeypatch, tmp_path):
    """A checkout without an environment, in a folder with a space and another script."""
    root = tmp_path / "홍 길동"
    root.mkdir()
    (root / "requirements.lock").write_text("uv==1.0 \\\n    --hash=sha256:00\n    # via x\n")
    (root / "pyproject.toml").write_text("")
    monkeypatch.setattr(environment, "ROOT", root)
    monkeypatch.setattr(environment, "LOCK", root / "requirements.lock")
    monkeypatch.setattr(environment, "_installed_here", lambda: False)
    monkeypatch.delenv("COURSE_ENVIRONMENT", raising=False)
    return root


@pytest.fixture
def commands(monkeypatch):
    """What would have been installed; nothing is."""
    asked = []
    monkeypatch.setattr(environment, "_run", lambda command: asked.append(command) or True)
    monkeypatch.setattr(environment.shutil, "which", lambda name, **_: "/somewhere/uv")
    monkeypatch.setattr(environment, "_works", lambda folder: (folder / "bin").exists())
    monkeypatch.setattr(
        environment, "_create", lambda folder, uv: (folder / "bin").mkdir(parents=True)
    )
    return asked


def test_it_installs_by_hash_and_stamps_last(checkout, commands):
    folder = checkout / ".venv"
    environment.make(folder)
    assert "--require-hashes" in commands[0] and commands[0][1:3] == ["pip", "sync"]
    assert commands[1][-2:] == ["-e", str(checkout)]
    commands.clear()
    environment.make(folder)
    assert commands == []


@pytest.mark.parametrize("kept", [True, False])
def test_what_python_may_not_compile_later_is_compiled_now(checkout, commands, monkeypatch, kept):
    monkeypatch.setattr(sys, "dont_write_bytecode", not kept)
    environment.make(checkout / ".venv")
    assert ["--compile-bytecode" in command for command in commands] == [not kept, not kept]


def test_a_changed_lock_is_installed_again(checkout, commands):
    environment.make(checkout / ".venv")
    commands.clear()
    (checkout / "requirements.lock").write_text("uv==2.0 --hash=sha256:11\n")
    environment.make(checkout / ".venv")
    assert len(commands) == 2


def test_an_interrupted_one_is_not_trusted(checkout, commands, monkeypatch):
    def stop(command):
        raise KeyboardInterrupt

    monkeypatch.setattr(environment, "_run", stop)
    with pytest.raises(KeyboardInterrupt):
        environment.make(checkout / ".venv")
    asked = []
    monkeypatch.setattr(environment, "_run", lambda command: asked.append(command) or True)
    environment.make(checkout / ".venv")
    assert len(asked) == 2


def test_without_uv_its_own_lines_of_the_lock_install_it(checkout, commands, monkeypatch):
    monkeypatch.setattr(environment.shutil, "which", lambda name, **_: None)
    monkeypatch.setattr(environment, "_has_pip", lambda folder: True)
    environment.make(checkout / ".venv")
    wanted = (checkout / ".venv" / "uv-requirements.txt").read_text()
    assert wanted.split() == ["uv==1.0", "\\", "--hash=sha256:00"]
    assert "--require-hashes" in commands[0]
    # No uv came of it, so pip does the work, by hash as well.
    assert ["--require-hashes", "-r", str(checkout / "requirements.lock")] == commands[1][-3:]


def test_when_nothing_can_install_the_way_on_is_named(checkout, commands, monkeypatch):
    monkeypatch.setattr(environment, "_run", lambda command: False)
    monkeypatch.setattr(environment, "_has_pip", lambda folder: True)
    with pytest.raises(WorldError, match="check the network and your index of packages"):
        environment.make(checkout / ".venv")
    assert not environment._stamped(checkout / ".venv")


def test_without_a_lock_the_user_is_told_where_to_stand(checkout):
    (checkout / "requirements.lock").unlink()
    with pytest.raises(InputError, match="run this from the course's folder"):
        environment.ensure(["list"])


def test_a_reader_s_own_environment_is_left_alone(checkout, monkeypatch):
    monkeypatch.setattr(environment, "_installed_here", lambda: True)
    assert environment.ensure(["list"]) is None
    assert not (checkout / ".venv").exists()


def test_two_at_once_install_one_after_the_other(checkout, commands):
    script = (
        "import sys, time; from pathlib import Path; from course_tools import environment\n"
        "with environment._locked(Path(sys.argv[1])):\n"
        "    print('in', flush=True); time.sleep(1); print('out', flush=True)"
    )
    folder = str(checkout / ".venv")
    environ = os.environ | {"PYTHONPATH": str(Path(environment.__file__).parent.parent)}
    both = [
        subprocess.Popen(
            [sys.executable, "-c", script, folder], stdout=subprocess.PIPE, env=environ, text=True
        )
        for _ in range(2)
    ]
    import time

    began = time.monotonic()
    assert [process.communicate()[0].split() for process in both] == [["in", "out"]] * 2
    assert time.monotonic() - began >= 1.5


def test_a_python_outside_the_range_gets_one_clear_line(monkeypatch, capsys):
    monkeypatch.setattr(entry.sys, "version_info", (3, 10, 2, "final", 0))
    assert entry.main() == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "expected Python 3.11 to 3.13, received 3.10" in message


def test_the_entry_is_plain_enough_for_old_pythons():
    """Python 3.6 must be able to read it, to say that it is too old."""
    import ast

    for path in (entry.__file__, Path(environment.__file__).with_name("__init__.py")):
        ast.parse(Path(path).read_text(), feature_version=(3, 6))
