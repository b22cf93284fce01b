"""Kernels for chapters: this very Python, an environment of their own, and none left behind.

A kernel specification named `python3` may lie in a user's folder and start another Python. So
none is looked up: the command is this process's own interpreter. What a user set up for his own
notebooks (IPython's startup files, a Matplotlib style) would change results and is kept out.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager

from course_tools.run import descriptors
from course_tools.run.fingerprint import ROOT

__all__ = ["NAME", "Interrupted", "end_all", "environment", "manager", "running", "why_dead"]

NAME = "python3"

_DROPPED = (
    # ipykernel shows figures in the notebook only where no other backend is named.
    "MPLBACKEND",
    # IPython runs this file at its start.
    "PYTHONSTARTUP",
    "PYTHONWARNINGS",
    "PYTHONINSPECT",
    # With it ipykernel does not see what C libraries write to stderr, and a test would be blind.
    "PYTEST_CURRENT_TEST",
)

_lock = threading.Lock()
_running: dict[int, subprocess.Popen] = {}
_ended: set[int] = set()


class Interrupted(Exception):
    """The kernel was ended because whoever runs the chapter asked for it."""


class _ThisPython(KernelSpecManager):
    """Knows one kernel, whatever its name: the interpreter that runs this line."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return the kernel of this interpreter."""
        return KernelSpec(
            argv=[
                *(sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"),
                f"--InteractiveShellApp.extensions={descriptors.__name__}",
            ],
            name=kernel_name,
            display_name="Python 3 (ipykernel)",
            language="python",
        )


# Files and folders that a reader may name by a relative path.
_PLACES = ("COURSE_DATA_DIR", "COURSE_CACHE_DIR", "COURSE_REGISTRY", "COURSE_LESSONS")


def manager() -> AsyncKernelManager:
    """Return the manager of a kernel that is not started yet."""
    return AsyncKernelManager(kernel_name=NAME, kernel_spec_manager=_ThisPython())


def environment(private: Path, *, given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a kernel.

    Args:
        private: an existing folder for what IPython and Matplotlib want to read and keep.
        given: the environment to start from; this process's own by default.

    Returns:
        Names and values.

    Example:
        >>> import tempfile
        >>> kept = environment(Path(tempfile.mkdtemp()), given={"MPLBACKEND": "agg", "HOME": "/h"})
        >>> "MPLBACKEND" in kept, kept["HOME"], kept["PYTHONHASHSEED"]
        (False, '/h', '0')
    """
    start = dict(os.environ if given is None else given)
    kept = {name: value for name, value in start.items() if name not in _DROPPED}
    # A notebook runs in a folder of its own; what the reader named is meant from the reader's.
    for name in _PLACES:
        if kept.get(name):
            kept[name] = str(Path(kept[name]).expanduser().absolute())
    # The package is found though it is not installed, and before any other of its name.
    paths = [str(ROOT), *filter(None, [kept.get("PYTHONPATH")])]
    settings = private / "matplotlibrc"
    settings.touch()
    return kept | {
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONHASHSEED": "0",
        "IPYTHONDIR": str(private / "ipython"),
        # An empty file means Matplotlib's defaults. MPLCONFIGDIR would do so too, and would have
        # the cache of fonts made anew for each chapter.
        "MATPLOTLIBRC": str(settings),
        "KERAS_BACKEND": "tensorflow",
        # Two chapters at a time share one GPU only if none takes all of it at once.
        "TF_FORCE_GPU_ALLOW_GROWTH": kept.get("TF_FORCE_GPU_ALLOW_GROWTH", "true"),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }


@contextlib.contextmanager
def running(client, *, env: Mapping[str, str], cwd: Path, log: Path) -> Iterator[subprocess.Popen]:
    """Start a client's kernel and, whatever happens, end it and all that it started.

    Args:
        client: an nbclient client whose manager has no kernel yet.
        env: the kernel's environment.
        cwd: the folder in which the notebook's code runs.
        log: a file for what the kernel process itself writes, beside the notebook.

    Yields:
        The process.

    Raises:
        Interrupted: `end_all` ended this kernel.
    """
    process = None
    with log.open("wb") as stream:
        try:
            # Jupyter picks free ports and lets go of them before the kernel takes them; one start
            # at a time keeps two kernels from picking the same.
            with _lock:
                client.start_new_kernel(env=dict(env), cwd=str(cwd), stdout=stream, stderr=stream)
                process = client.km.provisioner.process
                _running[process.pid] = process
            yield process
        finally:
            if process:
                _end(process)
                with _lock:
                    _running.pop(process.pid, None)
                    interrupted = process.pid in _ended
                    _ended.discard(process.pid)
                if interrupted:
                    raise Interrupted


def end_all() -> None:
    """End every kernel that this process runs now; their `running` raises `Interrupted`."""
    with _lock:
        processes = list(_running.values())
        _ended.update(_running)
    for process in processes:
        _end(process)


def why_dead(process: subprocess.Popen, log: Path) -> str:
    """Say in words how a kernel process ended.

    Args:
        process: the process.
        log: what it wrote.

    Returns:
        For example `killed by signal 9 (SIGKILL); often the memory was full`.
    """
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=2)
    code = process.returncode
    if code is None:
        how = "it no longer answers"
    elif code < 0:
        names = {number.value: number.name for number in signal.Signals}
        how = f"ended by signal {-code} ({names.get(-code, 'unknown')})"
        if names.get(-code) == "SIGKILL":
            how += ", often because the memory was full"
    else:
        how = f"exit status {code}"
    with contextlib.suppress(OSError):
        text = descriptors.without_marks(log.read_text(errors="replace"))
        lines = [line.strip() for line in text.splitlines()]
        # ipykernel remarks at each start that it speaks without encryption.
        said = [line for line in lines if line and not line.startswith("[IPKernelApp]")]
        if said:
            how += f"; its last words: {said[-1][:200]}"
    return how


def _end(process: subprocess.Popen) -> None:
    """End a process and its children, at once."""
    children = []
    with contextlib.suppress(psutil.Error):
        children = psutil.Process(process.pid).children(recursive=True)
    if hasattr(os, "killpg"):
        # The kernel leads a group of its own, so this finds the children of a dead kernel too.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(OSError):
        process.kill()
    for child in children:
        with contextlib.suppress(psutil.Error):
            child.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=5)
