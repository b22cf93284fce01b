"""Kernels for chapters: this very Python, an environment of their own, and none left behind.

A kernel specification named `python3` may lie in a user's folder and start another Python. So
none is looked up: the command is this process's own interpreter. What a user set up for his own
notebooks (IPython's startup files, a Matplotlib style, Keras' settings) would change results. So
of the environment only what is listed here reaches a kernel.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager

from course_tools.run import extension
from course_tools.run.fingerprint import ROOT, VARIABLES

__all__ = ["NAME", "Interrupted", "Peak", "end", "end_all", "environment", "manager", "running",
           "why_dead"]  # fmt: skip

NAME = "python3"

# Where things lie and how to reach them. What may change a result stands in VARIABLES, and so in
# the key of that result.
_PASSED = {
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TEMP", "TMP", "LANG", "TZ"),
    # Windows does not start a process without some of these.
    *("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "USERPROFILE", "USERNAME"),
    *("HOMEDRIVE", "HOMEPATH", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "PROGRAMFILES"),
    *("NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE", "PROCESSOR_IDENTIFIER"),
    # The packages of this very Python, and the libraries that they load.
    *("PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONNOUSERSITE", "VIRTUAL_ENV"),
    *("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "CONDA_PREFIX", "CUDA_HOME", "CUDA_PATH"),
    *("LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"),
    # Where the course's own folders are, by `platformdirs`; the way to the network.
    *("XDG_CACHE_HOME", "XDG_DATA_HOME", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"),
    *("CURL_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *VARIABLES,
}
_PASSED_PREFIXES = ("COURSE_", "LC_", "NVIDIA_")
# Files and folders that a reader may name by a relative path.
_PLACES = ("COURSE_DATA_DIR", "COURSE_CACHE_DIR", "COURSE_REGISTRY", "COURSE_LESSONS")
# In the environment of a kernel and of all that it starts, another for each kernel.
_MARK = "COURSE_KERNEL"

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
                f"--InteractiveShellApp.extensions={extension.__name__}",
            ],
            name=kernel_name,
            display_name="Python 3 (ipykernel)",
            language="python",
        )


def manager(private: Path) -> AsyncKernelManager:
    """The manager of a kernel that is not started yet; its files go into a private folder."""
    return AsyncKernelManager(
        kernel_name=NAME,
        kernel_spec_manager=_ThisPython(),
        connection_file=str(private / "connection.json"),
    )


def environment(private: Path, *, given: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a kernel, with a private folder for what libraries read and keep."""
    start = dict(os.environ if given is None else given)
    kept = {
        name: value
        for name, value in start.items()
        if name.upper() in _PASSED or name.startswith(_PASSED_PREFIXES)
    }
    # A notebook runs in a folder of its own; what the reader named is meant from the reader's.
    for name in _PLACES:
        if kept.get(name):
            kept[name] = str(Path(kept[name]).expanduser().absolute())
    # The package is found though it is not installed, and before any other of its name.
    paths = [str(ROOT), *filter(None, [kept.get("PYTHONPATH")])]
    return kept | {
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONHASHSEED": "0",
        "IPYTHONDIR": str(private / "ipython"),
        "JUPYTER_CONFIG_DIR": str(private / "jupyter"),
        "MPLCONFIGDIR": str(private / "matplotlib"),
        "KERAS_HOME": str(_keras_home(private / "keras", start)),
        "KERAS_BACKEND": "tensorflow",
        # Two chapters at a time share one GPU only if none takes all of it at once.
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        _MARK: uuid.uuid4().hex,
    }


def _keras_home(home: Path, given: Mapping[str, str]) -> Path:
    """A folder for Keras without a user's settings, where downloaded weights are found and kept."""
    user = Path(given.get("KERAS_HOME") or Path.home() / ".keras").expanduser().absolute()
    home.mkdir(parents=True, exist_ok=True)
    for name in ("models", "datasets"):
        # A home that may not be written, a Windows that allows no links: what is downloaded then
        # is downloaded for this run.
        with contextlib.suppress(OSError):
            (user / name).mkdir(parents=True, exist_ok=True)
            (home / name).symlink_to(user / name, target_is_directory=True)
    return home


@contextlib.contextmanager
def running(client, *, env: Mapping[str, str], cwd: Path, log: Path) -> Iterator[subprocess.Popen]:
    """Start a client's kernel and, whatever happens, end it and all that it started.

    `log` takes what the kernel process itself writes, beside the notebook. Raises `Interrupted`
    if `end_all` ended this kernel.
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
                end(process)
                _end_marked(env[_MARK])
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
        end(process)


def why_dead(process: subprocess.Popen, log: Path) -> str:
    """Say in words how a kernel process ended, and what it wrote last."""
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
    with contextlib.suppress(OSError), log.open("rb") as stream:
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - 10_000))
        text = extension.without_marks(stream.read().decode(errors="replace"))
        # ipykernel remarks at each start that it speaks without encryption.
        lines = [line.strip() for line in text.splitlines()]
        said = [line for line in lines if line and not line.startswith("[IPKernelApp]")]
        if said:
            how += f"; its last words: {said[-1][:200]}"
    return how


def end(process: subprocess.Popen) -> None:
    """End a kernel and its children, at once."""
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


def _end_marked(mark: str) -> None:
    """End what a kernel started in a session of its own, which has no other tie to it."""
    for process in psutil.process_iter():
        # Processes of others do not show their environment.
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(_MARK) == mark:
                process.kill()


class Peak:
    """The most resident memory of a process and its children, from `with` to its end.

    Where the system keeps a high-water mark (Linux) the mark of the process itself counts, so that
    no short peak is missed; children are only sampled.
    """

    def __init__(self, pid: int, *, interval: float = 0.25) -> None:
        self.megabytes = 0.0
        self._pid = pid
        self._interval = interval
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True, name=f"memory of {pid}")

    def __enter__(self) -> "Peak":
        """Begin to watch."""
        self._sample()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop watching; `megabytes` stays."""
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(self._interval):
            self._sample()

    def _sample(self) -> None:
        # A process may end between two questions about it.
        with contextlib.suppress(psutil.Error, OSError):
            process = psutil.Process(self._pid)
            held = process.memory_info().rss
            for child in process.children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    held += child.memory_info().rss
            self.megabytes = max(self.megabytes, held / 1e6, _high_water_mark(self._pid) / 1e6)


def _high_water_mark(pid: int) -> int:
    """Bytes, from the system's own record; 0 where it keeps none."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
