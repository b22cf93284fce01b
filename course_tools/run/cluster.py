"""Chapters executed on a Dask cluster: the same jobs, the same results, on other machines.

Scheduler and workers are Dask's own commands, started in the course's environment. A job travels
with its notebook's source and comes back with the executed notebook, so nothing but the network is
shared. Dask gives the jobs of a lost worker to another one; a result is taken over once, whatever
was begun twice.
"""

import contextlib
import importlib.util
import logging
import math
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from dataclasses import replace
from pathlib import Path

from course_tools.notebooks import documents
from course_tools.run import execution, fingerprint, kernels
from course_tools.run.plan import Job, Outcome, Progress, Reason
from course_utils import lessons
from course_utils.errors import CourseError, InputError, WorldError

__all__ = ["Cluster", "connect", "work"]

_ANSWER_SECONDS = 10
_COUNT_SECONDS = 2
_WORKER_SECONDS = 60
# What a cluster settles for each of its workers, and not whoever sends it work.
_OF_THE_WORKER = ("CUDA_VISIBLE_DEVICES",)


class Cluster:
    """What runs chapters on a cluster; get one from `connect`."""

    def __init__(self, client, installed: str) -> None:
        self.dashboard = client.dashboard_link or ""  # the address of Dask's dashboard
        self._client = client
        self._installed = installed
        self._variables = fingerprint.variables()
        self._ended = False
        self._futures: set = set()
        self._slots, self._counted = 0, -math.inf

    @property
    def slots(self) -> int:
        """How many chapters the workers there can run at a time; workers may come and go."""
        if time.monotonic() - self._counted >= _COUNT_SECONDS:
            # A scheduler that is gone is told by the chapters that wait for it.
            with contextlib.suppress(OSError):
                self._slots = sum(self._client.nthreads().values())
            self._counted = time.monotonic()
        return self._slots

    def execute(
        self, job: Job, *, on_progress: Callable[[Progress], None] | None = None
    ) -> Outcome:
        """Execute a job on a worker, and put the executed notebook into the job's folder."""
        try:
            files = {job.chapter.path.name: documents.path_bytes(job.chapter.path)}
            for name in (f"{job.chapter.number}.toml", lessons.EVIDENCE):
                if (job.chapter.lessons / name).is_file():
                    files[f"lessons/{name}"] = documents.path_bytes(job.chapter.lessons / name)
            if on_progress:
                on_progress(Progress(job, 0, 0, "handed to the cluster"))
            # The key is the task's name on the dashboard; each call is a task of its own.
            key = f"{job.label}-{os.urandom(8).hex()}"
            future = self._client.submit(
                work, job, files, self._installed, self._variables, key=key, pure=False
            )
            self._futures.add(future)
            outcome, notebook = self._result(future)
            if notebook is not None:
                documents.write_bytes(job.notebook, notebook)
            return replace(outcome, job=job)
        except CourseError as error:
            return execution.broken(job, error)

    def end(self) -> None:
        """Give up all jobs. What runs on a worker ends there by itself, and is not taken over."""
        self._ended = True
        for future in list(self._futures):
            future.cancel()

    def _result(self, future) -> tuple[Outcome, bytes | None]:
        from distributed import KilledWorker

        try:
            # Ctrl-C may come between two jobs: then there was nothing to cancel yet.
            if self._ended:
                raise kernels.Interrupted
            return future.result()
        except KilledWorker as error:
            raise WorldError(
                f"expected a worker to finish this chapter, {error.allowed_failures + 1} were lost "
                "over it: look at the memory of the machines, and at the workers' own messages"
            ) from None
        except (CancelledError, OSError) as error:
            if self._ended:
                raise kernels.Interrupted from None
            raise WorldError(
                "expected the scheduler to answer until the run is done, the connection was lost "
                f"({type(error).__name__}): start it again and call again; what is done is kept"
            ) from None
        finally:
            self._futures.discard(future)


@contextlib.contextmanager
def connect(address: str) -> Iterator[Cluster]:
    """Reach the scheduler of a cluster whose workers have the same course installed."""
    if importlib.util.find_spec("distributed") is None:
        raise InputError(
            "expected the package distributed for --cluster, it is not installed: "
            "`pip install -e '.[cluster]'` in the course's folder, here and for the workers"
        )
    from distributed import Client

    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        port = re.fullmatch(r"(?:\w+://)?(?:\[[0-9a-fA-F:.]+\]|[^\s:/]+):([0-9]+)", address)
        if port is None or int(port[1]) > 65_535:  # Dask would wait for some of these for ever
            raise ValueError("no host and port")
        client = Client(address, timeout=_ANSWER_SECONDS, set_as_default=False)
    except OSError as error:
        raise WorldError(
            f"expected a Dask scheduler at {address}, received no answer within "
            f"{_ANSWER_SECONDS} s ({type(error).__name__}): start one with `dask scheduler`"
        ) from None
    except Exception as error:
        # Dask reads an address in many ways, and refuses it in as many.
        raise InputError(
            f"expected the address of a Dask scheduler such as tcp://10.0.0.5:8786, received "
            f"{address!r} ({error})"
        ) from None
    with client:
        installed = fingerprint.installation()
        _check_workers(client, address, installed)
        yield Cluster(client, installed)


def work(
    job: Job, files: dict[str, bytes], installed: str, variables: dict[str, str]
) -> tuple[Outcome, bytes | None]:
    """Execute a job here, on a worker, in a folder that is gone afterwards.

    `files` are the chapter's notebook, its sheet and its evidence, by name; `installed` and
    `variables` are those of `fingerprint` where the job came from. Returns the outcome and the
    bytes of the executed notebook.
    """
    # A worker may have joined later than the others were looked at.
    if fingerprint.installation() != installed:
        return Outcome(job, reasons=(Reason(_another_course("this worker")),)), None
    for name in {**fingerprint.variables(), **variables}:
        if name in _OF_THE_WORKER:
            continue
        if name in variables:
            os.environ[name] = variables[name]
        else:
            del os.environ[name]
    with tempfile.TemporaryDirectory(
        prefix="course-", dir=_own_folder(), ignore_cleanup_errors=True
    ) as place:
        folder, sheets = Path(place) / "out", Path(place) / "lessons"
        folder.mkdir()
        sheets.mkdir()
        for name, content in files.items():
            (Path(place) / name).write_bytes(content)
        path = Path(place) / job.chapter.path.name
        here = replace(job, chapter=replace(job.chapter, path=path, lessons=sheets), folder=folder)
        outcome = execution.execute(here)
        notebook = here.notebook.read_bytes() if here.notebook.is_file() else None
    return replace(outcome, job=job), notebook


def _check_workers(client, address: str, installed: str) -> None:
    try:
        client.wait_for_workers(1, timeout=_WORKER_SECONDS)
        found = client.run(fingerprint.installation, on_error="return")
    except OSError:
        raise WorldError(
            f"expected a worker of the scheduler {address}, there was none within "
            f"{_WORKER_SECONDS} s: start some with `dask worker {address} --nthreads 1`"
        ) from None
    for worker, answer in found.items():
        if isinstance(answer, Exception):
            raise WorldError(
                f"expected the course on the worker {worker}, received {type(answer).__name__}: "
                f"{answer}: start the workers in the course's environment"
            )
        if answer != installed:
            raise WorldError(_another_course(f"the worker {worker}"))


def _another_course(worker: str) -> str:
    return (
        f"expected {worker} to have the same course, Python and libraries as this machine, "
        "received others: bring both to the same state, then start the worker again"
    )


def _own_folder() -> str | None:
    """A worker's own folder, which Dask clears after a worker that was killed."""
    try:
        from distributed import get_worker

        return get_worker().local_directory
    except (ImportError, ValueError):
        return None
