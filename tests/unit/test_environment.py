"""The environment is made from the lock, once, and mended after an interruption."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from course_tools import __main__ as entry
from course_tools import environment
from course_tools.cli import cli
from course_utils.errors import InputError, WorldError

LOCK = "requirements.lock"


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

    def created(folder, uv):
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "bin").mkdir(parents=True)
        (folder / environment._STAMP).write_text("not finished")

    monkeypatch.setattr(environment, "_create", created)
    return asked


def test_it_installs_by_hash_and_stamps_last(checkout, commands):
    folder = checkout / ".venv"
    environment.make(folder)
    assert "--require-hashes" in commands[0] and commands[0][1:3] == ["pip", "sync"]
    # By a dot: the name of a folder such as course[1] would be read as extras.
    assert commands[1][-2:] == ["-e", "."]
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


@pytest.mark.parametrize("made", ["a file", "a folder"])
def test_what_the_course_did_not_make_is_neither_filled_nor_deleted(checkout, commands, made):
    folder = checkout / ".venv"
    if made == "a file":
        folder.write_text("mine")
    else:
        (folder / "bin").mkdir(parents=True)
        (folder / "pyvenv.cfg").write_text("mine")
    before = sorted(checkout.rglob("*"))
    with pytest.raises(InputError, match=r"\.venv"):
        environment.make(folder)
    assert commands == [] and sorted(checkout.rglob("*")) == before


def test_an_environment_whose_python_is_gone_is_made_anew(checkout, commands):
    folder = checkout / ".venv"
    environment.make(folder)
    (folder / "bin").rmdir()
    commands.clear()
    environment.make(folder)
    assert len(commands) == 2 and (folder / "bin").is_dir()


def test_a_python_that_is_gone_does_not_work(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(tmp_path / "gone")
    assert not environment._works(tmp_path)


def test_a_user_s_settings_of_pip_stay_out_but_for_the_way_to_the_index(checkout, monkeypatch):
    for name in ("PIP_TARGET", "PIP_REQUIRE_VIRTUALENV", "UV_SYSTEM_PYTHON", "PIP_INDEX_URL"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("PIP_USER", "1")
    look = (
        "import os, sys; names = 'PIP_TARGET PIP_REQUIRE_VIRTUALENV UV_SYSTEM_PYTHON'.split();"
        "sys.exit(bool(set(names) & set(os.environ)) or os.environ['PIP_USER'] != '0'"
        " or os.environ['PIP_INDEX_URL'] != '1')"
    )
    assert environment._run([sys.executable, "-c", look])


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A clone and a Python that has none of the course's packages."""
    folder = tmp_path_factory.mktemp("홍 길동")
    base = Path(sys.base_prefix) / ("python.exe" if os.name == "nt" else "bin/python3")
    subprocess.run([base, "-m", "venv", "--without-pip", folder / "python"], check=True)
    root = Path(environment.__file__).parents[1]
    for package in ("course_tools", "course_utils"):
        shutil.copytree(root / package, folder / "clone" / package)
    shutil.copy(root / "requirements.lock", folder / "clone")
    return environment._python(folder / "python"), folder / "clone"


@pytest.mark.parametrize("package", ["course_tools", "course_utils"])
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--help"], "  run         Execute chapters"),
        (["run", "--help"], "  site "),
        (["gpu", "-h"], "  site "),
        ([], "  data "),
        (["--version"], "course 0."),
    ],
)
def test_who_asks_on_a_fresh_clone_is_answered_and_nothing_is_made(bare, package, arguments, said):
    python, clone = bare
    environ = {n: v for n, v in os.environ.items() if n not in ("PYTHONPATH", "COURSE_ENVIRONMENT")}
    done = subprocess.run(
        [python, "-B", "-m", package, *arguments],
        cwd=clone,
        capture_output=True,
        text=True,
        env=environ,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert said in done.stdout
    assert {p.name for p in clone.iterdir()} == {"course_tools", "course_utils", LOCK}


def test_the_words_for_a_fresh_clone_name_every_command():
    named = re.findall(r"^  ([a-z]+) ", entry._words(["--help"]), flags=re.MULTILINE)
    assert named == sorted(cli.commands)


@pytest.mark.parametrize("missing", ["click", "papermill"])
def test_a_package_without_its_extras_says_what_to_install(missing):
    """The package alone has the command, and nothing that it needs."""
    hide = (
        f"import sys; sys.modules[{missing!r}] = None; from course_tools import environment; "
        "environment.ensure = lambda *_, **__: None; "
        "from course_tools.__main__ import main; "
        "sys.argv[1:] = ['run', '00', '--profile', 'smoke']; sys.exit(main())"
    )
    root = Path(environment.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", hide], cwd=root, capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert missing in done.stderr and "[cpu,run]" in done.stderr and done.stderr.count("\n") == 1


def test_ctrl_c_while_the_environment_is_made_is_one_line(monkeypatch, capsys):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(environment, "ensure", stop)
    assert entry.main() == 130
    assert capsys.readouterr().err == "course: interrupted\n"


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
