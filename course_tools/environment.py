"""The course's own environment, made from the lock with the standard library alone.

A fresh machine has Python and an index of packages, nothing else: so this module imports nothing
that would have to be installed first. An environment counts as made only once its stamp, written
last, agrees with the lock and its Python starts; whatever was interrupted or lost is mended by the
next call. The stamp also says whose an environment is: a folder without one is a user's, and is
neither filled nor deleted.
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

__all__ = ["ROOT", "ensure", "lacking", "lock_in_use", "make", "write_lock"]

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
_GPU = "-gpu"  # ends the names of the environment with CUDA and of its lock
_STAMP = "course-lock.sha256"
_UNFINISHED = "not finished"  # in the stamp, until all is installed
_DISTRIBUTION = "course-utils"
# Of a user's settings of pip and uv: how to reach an index and what to keep. Others say where to
# install, and would fill another place than the environment.
_PASSED = re.compile(
    r"(PIP|UV)_(\w*INDEX\w*|FIND_LINKS|TRUSTED_HOST|CERT|CLIENT_CERT|\w*PROXY|\w*CACHE\w*|"
    r"\w*TIMEOUT|RETRIES|CONFIG_FILE|NATIVE_TLS|SYSTEM_CERTS|ALLOW_INSECURE_HOST|KEYRING_PROVIDER|"
    r"OFFLINE|LINK_MODE|CUSTOM_COMPILE_COMMAND)"
)


def ensure(arguments: Sequence[str], *, asks: bool = False) -> int | None:
    """Make sure that the command runs where its packages are.

    Returns None if this process can go on; else the exit code of the process that did the work.
    If the call only asks (help, version), nothing is made.
    """
    folder, here = _folder(), Path(sys.prefix).resolve()
    own = here == folder.resolve() and _ours(folder)
    if arguments[:1] == ["gpu"] and not asks:
        # Before anything is installed: two gigabytes of CUDA are of no use without a device.
        _require_gpu()
        folder = folder.with_name(folder.name + _GPU)
    inside = here == folder.resolve() and _ours(folder)
    if not own and not inside and _installed_here():
        return None  # a conda environment, a hosted notebook: the reader's own choice
    if inside and _stamped(folder):
        return None
    if asks and not (_stamped(folder) and _works(folder)):
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
    given = os.environ.get("PYTHONPATH")
    paths = str(ROOT) + (os.pathsep + given if given else "")
    environment = os.environ | {"PYTHONPATH": paths}
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
    """
    _refuse_a_users(folder)
    with _locked(folder):
        if _stamped(folder) and _works(folder):
            return
        began = time.monotonic()
        shown = folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder
        _say(f"making the environment {shown} from {_lock(folder).name} (once) …")
        uv = _uv(folder)
        if not _works(folder):
            _create(folder, uv)
        (folder / _STAMP).write_text(_UNFINISHED)
        if not (uv and _install_with_uv(uv, folder)) and not _install_with_own_uv(folder):
            _say("uv is not available here; pip installs instead, which takes minutes …")
            _install_with_pip(folder)
        (folder / _STAMP).write_text(_lock_hash(folder))
        _say(f"environment ready after {time.monotonic() - began:.0f} s")


def lock_in_use() -> Path:
    """The lock of the environment in which this process runs; it may be missing."""
    return _lock(Path(sys.prefix))


def lacking(error: ModuleNotFoundError) -> str:
    """The line about a package that is not installed; an error of the course itself is raised."""
    if (error.name or "course").startswith("course"):
        raise error
    return (
        f"course: expected the package {error.name}, it is not installed in {sys.prefix}: install "
        "the course with what its command needs, `pip install -e '.[cpu,run]'` in its folder "
        "(`publish` for the site, `lab` for JupyterLab, `test` for tests)\n"
    )


def write_lock(*, keep: bool = False) -> None:
    """Resolve pyproject.toml for every system and Python that the course supports.

    Two locks: one with TensorFlow's CPU build and, where pyproject.toml has the extra `gpu`, one
    with CUDA. The two builds exclude each other; what the course is only timed against, the extra
    `bench`, is in neither. With `keep`, what is locked stays at its version;
    without, everything goes to its newest.
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
        chosen = [f"--extra={extra}" for extra in extras if extra not in (other, "bench")]
        # By its name alone, so that the file names no folder of this machine.
        compile_ = ["pip", "compile", *options, *chosen, "pyproject.toml", "-o", lock.name]
        if not (uv and _run([uv, *compile_])):
            raise WorldError(
                f"expected uv to write {lock.name}, it is missing or failed: see above"
            )
        _say(f"wrote {lock.name}; the next call installs it")


def _uv(folder: Path) -> str | None:
    """uv on the path, or the one that the lock has put into the environment."""
    return shutil.which("uv") or shutil.which("uv", path=str(_python(folder).parent))


def _ours(folder: Path) -> bool:
    return (folder / _STAMP).is_file()


def _refuse_a_users(folder: Path) -> None:
    """Refuse a place that holds what the course did not put there."""
    taken = folder.is_file() or (folder.is_dir() and any(folder.iterdir()))
    if taken and not _ours(folder):
        raise InputError(
            f"expected {folder} to be free or the course's own environment, received "
            f"{'a file' if folder.is_file() else 'one that the course did not make'}: move or "
            "delete it, name another folder in COURSE_ENVIRONMENT, or activate an environment of "
            "your own and `pip install -e '.[cpu,run]'` in the course's folder"
        )


def _create(folder: Path, uv: str | None) -> None:
    """Make an empty environment, marked as the course's own from its first moment."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / _STAMP).write_text(_UNFINISHED)
    if uv and _run([uv, "venv", "-q", "--allow-existing", "--python", sys.executable, str(folder)]):
        return
    if not _run([sys.executable, "-m", "venv", str(folder)]):
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
    # By a dot: in a path, "[1]" would be read as extras.
    course = ["--no-deps", "--no-build-isolation", "-e", "."]
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
    if not _run([*pip, "--no-deps", "--no-build-isolation", "-e", "."]):
        raise WorldError(f"expected pip to install the course from {ROOT}, it failed (see above)")


def _run(command: list[str]) -> bool:
    """Call a tool in the course's folder, without what a user set up for other environments."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")
        and (not name.startswith(("PIP_", "UV_")) or _PASSED.fullmatch(name))
    }
    environment.setdefault("UV_LINK_MODE", "copy")
    environment["PIP_USER"] = "0"  # also where pip's own file says otherwise
    done = subprocess.run(command, env=environment, stdout=sys.stderr, cwd=ROOT)
    return done.returncode == 0


def _works(folder: Path) -> bool:
    """Whether the environment's Python starts and is of the version that runs this."""
    asked = [str(_python(folder)), "-c", "import sys; print(*sys.version_info[:2])"]
    try:
        answer = subprocess.run(asked, capture_output=True, text=True, check=False)
    except OSError:  # It is gone, or so is the one from which it was made.
        return False
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
    """Refuse where NVIDIA's driver sees no GPU."""
    tool = shutil.which("nvidia-smi")
    listed = tool and subprocess.run([tool, "-L"], capture_output=True, text=True, check=False)
    if not listed or listed.returncode or "GPU" not in listed.stdout:
        received = (listed.stdout or listed.stderr).strip() if listed else "no nvidia-smi"
        raise WorldError(
            "expected an NVIDIA GPU that its driver sees, received "
            f"{received.splitlines()[0] if received else 'none'}: `course gpu` computes on nothing "
            "else; `course run` is for the CPU"
        )


def _say(text: str) -> None:
    print(f"course: {text}", file=sys.stderr, flush=True)
