"""The course's own environment, made from the lock with the standard library alone.

A fresh machine has Python and an index of packages, nothing else: so this module imports nothing
that would have to be installed first. An environment counts as made only once its stamp, written
last, agrees with the lock; whatever was interrupted is mended by the next call.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

from course_utils.errors import InputError, WorldError

__all__ = ["ROOT", "ensure", "make", "write_lock"]

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
_GPU = "-gpu"  # ends the names of the environment with CUDA and of its lock
_STAMP = "course-lock.sha256"
_DISTRIBUTION = "course-utils"


def ensure(arguments: Sequence[str]) -> int | None:
    """Make sure that the command runs where its packages are.

    Args:
        arguments: of the `course` command, handed on if another Python must run it.

    Returns:
        None if this process can go on; else the exit code of the process that did the work.

    Raises:
        InputError: packages are missing here, and this is no checkout with a lock.
        WorldError: the environment could not be made.
    """
    folder, here = _folder(), Path(sys.prefix).resolve()
    own = here == folder.resolve()
    if arguments[:1] == ["gpu"]:
        # Before anything is installed: two gigabytes of CUDA are of no use without a device.
        _require_gpu()
        folder = folder.with_name(folder.name + _GPU)
    inside = here == folder.resolve()
    if not own and not inside and _installed_here():
        return None  # a conda environment, a hosted notebook: the reader's own choice
    if inside and _stamped(folder):
        return None
    if not _lock(folder).is_file():
        raise InputError(
            f"expected {_DISTRIBUTION} to be installed, or a checkout with {_lock(folder).name} to "
            f"install it from, received neither in {ROOT}: run this from the course's folder, or "
            f"`pip install -e '.[cpu,run]'` there"
        )
    make(folder)
    if inside:
        return None
    environment = os.environ | {"PYTHONPATH": _path_with_root()}
    command = [str(_python(folder)), "-m", "course_tools", *arguments]
    if os.name == "nt":
        return subprocess.run(command, env=environment).returncode
    sys.stdout.flush()
    os.execve(command[0], command, environment)
    return None  # never reached: the process is now another


def make(folder: Path) -> None:
    """Make the environment in `folder` agree with the lock; do nothing if it does.

    uv installs the lock in seconds; where it is not at hand it is had from the index first, by
    the lock's own hashes. pip does the work where uv cannot.

    Raises:
        WorldError: neither could install; the message names the step and the way on.
    """
    with _locked(folder):
        if _stamped(folder):
            return
        began = time.monotonic()
        _say(f"making the environment {_shown(folder)} from {_lock(folder).name} (once) …")
        (folder / _STAMP).unlink(missing_ok=True)
        uv = _uv(folder)
        if not _works(folder):
            _create(folder, uv)
        if not (uv and _install_with_uv(uv, folder)) and not _install_with_own_uv(folder):
            _say("uv is not to be had here; pip does it, which takes minutes …")
            _install_with_pip(folder)
        (folder / _STAMP).write_text(_lock_hash(folder))
        _say(f"environment ready after {time.monotonic() - began:.0f} s")


def write_lock(*, keep: bool = False) -> None:
    """Resolve pyproject.toml for every system and Python that the course supports.

    Two locks: one with TensorFlow's CPU build and, where pyproject.toml has the extra `gpu`, one
    with CUDA. The two builds exclude each other.

    Args:
        keep: leave what is locked at its version, and add or remove only what must be; without
            it, everything goes to its newest version.

    Raises:
        WorldError: uv is not there, or could not resolve.
    """
    uv = _uv(Path(sys.prefix))
    options = ["--universal", "--python-version", "3.11", "--generate-hashes"]
    options += [] if keep else ["--upgrade"]
    options += ["--no-emit-index-url", "--no-emit-find-links", "--quiet"]
    os.environ["UV_CUSTOM_COMPILE_COMMAND"] = "course lock"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    gpu = _lock(_folder().with_name(_GPU))
    for lock, other in ((LOCK, "gpu"), (gpu, "cpu")) if "gpu" in extras else ((LOCK, "gpu"),):
        chosen = [f"--extra={extra}" for extra in extras if extra != other]
        with contextlib.chdir(ROOT):  # so that the file names no folder of this machine
            compile_ = ["pip", "compile", *options, *chosen, "pyproject.toml", "-o", lock.name]
            done = uv and _run([uv, *compile_])
        if not done:
            raise WorldError(
                f"expected uv to write {lock.name}, it is missing or failed: see above"
            )
        _say(f"wrote {lock.name}; the next call installs it")


def _uv(folder: Path) -> str | None:
    """uv on the path, or the one that the lock has put into the environment."""
    return shutil.which("uv") or shutil.which("uv", path=str(_python(folder).parent))


def _create(folder: Path, uv: str | None) -> None:
    if uv and _run([uv, "venv", "-q", "--clear", "--python", sys.executable, str(folder)]):
        return
    if not _run([sys.executable, "-m", "venv", "--clear", str(folder)]):
        raise WorldError(
            f"expected `python -m venv` to make {folder}, it failed (see above): install your "
            "system's venv package (Debian, Ubuntu: python3-venv), or uv, and call again"
        )


def _install_with_uv(uv: str, folder: Path) -> bool:
    target = ["-q", "--python", str(_python(folder))]
    if sys.dont_write_bytecode:
        # PYTHONDONTWRITEBYTECODE, as many containers set it: what is not compiled now would be
        # compiled by every single kernel, for ten seconds of processor time.
        target.append("--compile-bytecode")
    course = ["--no-deps", "--no-build-isolation", "-e", str(ROOT)]
    return _run([uv, "pip", "sync", *target, "--require-hashes", str(_lock(folder))]) and _run(
        [uv, "pip", "install", *target, *course]
    )


def _install_with_own_uv(folder: Path) -> bool:
    """Install uv alone, from its lines in the lock, outside the environment that it will fill."""
    lines = re.search(
        r"^uv==.*?(?=^\S)", _lock(folder).read_text() + "\nend", re.MULTILINE | re.DOTALL
    )
    if lines is None or not _has_pip(folder):
        return False
    tool = folder / "uv-tool"
    wanted = folder / "uv-requirements.txt"
    wanted.write_text(re.sub(r"\s+#.*", "", lines.group()))
    install = [str(_python(folder)), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    options = ["--no-deps", "--only-binary=:all:", "--upgrade", "--require-hashes"]
    if not _run([*install, *options, "--target", str(tool), "-r", str(wanted)]):
        return False
    uv = shutil.which("uv", path=str(tool / "bin"))
    done = bool(uv) and _install_with_uv(uv, folder)
    shutil.rmtree(tool, ignore_errors=True)
    return done


def _install_with_pip(folder: Path) -> None:
    python = str(_python(folder))
    if not _has_pip(folder):
        _run([python, "-m", "ensurepip"])
    pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    if not _run([*pip, "--require-hashes", "-r", str(_lock(folder))]):
        raise WorldError(
            f"expected pip to install {_lock(folder).name}, it failed (see above): check the "
            "network and your index of packages, then call again; what was installed is kept"
        )
    if not _run([*pip, "--no-deps", "--no-build-isolation", "-e", str(ROOT)]):
        raise WorldError(f"expected pip to install the course from {ROOT}, it failed (see above)")


def _run(command: list[str]) -> bool:
    environment = os.environ | {"UV_LINK_MODE": os.environ.get("UV_LINK_MODE", "copy")}
    environment.pop("VIRTUAL_ENV", None)
    environment.pop("PYTHONPATH", None)
    return subprocess.run(command, env=environment, stdout=sys.stderr).returncode == 0


def _works(folder: Path) -> bool:
    """Whether the environment's Python starts and is of the version that runs this."""
    python = _python(folder)
    if not python.exists():
        return False
    asked = [str(python), "-c", "import sys; print(*sys.version_info[:2])"]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False)
    return answer.stdout.split() == [str(part) for part in sys.version_info[:2]]


def _has_pip(folder: Path) -> bool:
    asked = [str(_python(folder)), "-m", "pip", "--version"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the environment for this process: two calls at once must not both install into it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(folder.name + ".lock").open("w") as file:
        if os.name == "nt":
            import msvcrt

            while True:
                with contextlib.suppress(OSError):
                    msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
                    break
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _installed_here() -> bool:
    try:
        importlib.metadata.distribution(_DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _folder() -> Path:
    return Path(os.environ.get("COURSE_ENVIRONMENT") or ROOT / ".venv").absolute()


def _python(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _stamped(folder: Path) -> bool:
    stamp = folder / _STAMP
    lock = _lock(folder)
    return stamp.is_file() and lock.is_file() and stamp.read_text() == _lock_hash(folder)


def _lock(folder: Path) -> Path:
    """The lock of an environment: with CUDA or without."""
    name = f"{LOCK.stem}{_GPU}{LOCK.suffix}"
    return LOCK.with_name(name) if folder.name.endswith(_GPU) else LOCK


def _lock_hash(folder: Path) -> str:
    """Of the lock and of what says how the course itself is installed."""
    content = _lock(folder).read_bytes() + (ROOT / "pyproject.toml").read_bytes()
    return hashlib.sha256(content).hexdigest()


def _require_gpu() -> None:
    """Refuse where NVIDIA's driver sees no GPU.

    Raises:
        WorldError: there is none, or its driver does not answer.
    """
    tool = shutil.which("nvidia-smi")
    listed = tool and subprocess.run([tool, "-L"], capture_output=True, text=True, check=False)
    if not listed or listed.returncode or "GPU" not in listed.stdout:
        received = (listed.stdout or listed.stderr).strip() if listed else "no nvidia-smi"
        raise WorldError(
            "expected an NVIDIA GPU that its driver sees, received "
            f"{received.splitlines()[0] if received else 'none'}: `course gpu` computes on nothing "
            "else; `course run` is for the CPU"
        )


def _path_with_root() -> str:
    given = os.environ.get("PYTHONPATH")
    return str(ROOT) + (os.pathsep + given if given else "")


def _shown(folder: Path) -> str:
    return str(folder.relative_to(ROOT)) if folder.is_relative_to(ROOT) else str(folder)


def _say(text: str) -> None:
    print(f"course: {text}", file=sys.stderr, flush=True)
