"""The papermill engine of the course: one kernel, watched from its first cell to its last.

Papermill's own reports are not to be trusted alone. After a kernel has died it marks the rest of
the cells as completed and leaves the file without an error; `sys.exit()` in a cell ends the
notebook and counts as success; a cell tagged `skip-execution` is passed over in silence. So this
engine only executes and keeps what it saw; `verdict` judges.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import papermill
from jupyter_core.utils import ensure_event_loop
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError

from course_tools.notebooks import documents
from course_tools.run import kernels, memory, records

__all__ = ["Attempt", "attempt"]

_logger = logging.getLogger("papermill")
# What papermill has to say becomes a reason or is no news; without a handler it would be printed.
_logger.addHandler(logging.NullHandler())

_START_SECONDS = 180
# After a cell's reply its last outputs may still be on their way, on a busy machine for a while.
_OUTPUT_SECONDS = 60
_SAVE_SECONDS = 10


@dataclass
class Attempt:
    """One execution as it goes on, and what came of it.

    Attributes:
        folder: for the notebook in the making and everything of the kernel; exists.
        timeout: seconds that one cell may take.
        variables: further environment variables of the kernel.
        on_cell: called with cells done, cells in all, and the source of the cell that begins.
        notebook: the notebook, with all outputs so far.
        failure: why the execution ended early beyond what stands in the outputs; "" if it did not.
        failed_at: number of the cell of `failure` in the source, from 1; 0 for none.
        peak_mb: the most resident memory of the kernel and its children, in megabytes.
    """

    folder: Path
    timeout: int
    on_cell: Callable[[int, int, str], None] = lambda done, total, source: None
    variables: Mapping[str, str] = field(default_factory=dict)
    notebook: nbformat.NotebookNode | None = None
    failure: str = ""
    failed_at: int = 0
    peak_mb: float = 0.0
    _running: nbformat.NotebookNode | None = field(default=None, repr=False)
    _saved: float = field(default_factory=time.monotonic, repr=False)

    @property
    def log(self) -> Path:
        """What the kernel process itself writes."""
        return self.folder / "kernel.log"

    @property
    def file(self) -> Path:
        """The notebook in the making, for whoever wants to look into it."""
        return self.folder / "in_the_making.ipynb"

    def fail(self, reason: str) -> None:
        """Keep why the execution ended, with the cell that was running; the first reason counts."""
        if self.failure:
            return
        self.failure = reason
        if self._running is not None:
            numbers = [n for n, cell in records.own_cells(self.notebook) if cell is self._running]
            self.failed_at = numbers[0] if numbers else 0

    def cell_begins(self, cell: nbformat.NotebookNode, index: int) -> None:
        """Say where the execution is."""
        self._running = cell
        is_code = [c.cell_type == "code" for c in self.notebook.cells]
        if cell.cell_type == "code":
            self.on_cell(sum(is_code[:index]), sum(is_code), cell.source)

    def cell_ended(self) -> None:
        """Save now and then. Papermill would save twice a cell, megabytes of figures each time."""
        if time.monotonic() - self._saved > _SAVE_SECONDS:
            documents.write(self.file, self.notebook)
            self._saved = time.monotonic()


class _Engine(NBClientEngine):
    """Executes with a kernel of this Python; everything that it sees goes into the attempt."""

    @classmethod
    def execute_managed_notebook(cls, nb_man, kernel_name, *, attempt: Attempt, **_) -> None:
        """Run all cells of a notebook that papermill has prepared."""
        attempt.notebook = nb_man.nb
        # Papermill put the source as a whole here, because it was given as an object.
        for name in ("input_path", "output_path"):
            nb_man.nb.metadata.papermill[name] = None
        client = PapermillNotebookClient(
            nb_man,
            km=kernels.manager(),
            log=_logger,
            timeout=attempt.timeout,
            startup_timeout=_START_SECONDS,
            iopub_timeout=_OUTPUT_SECONDS,
            on_cell_start=lambda cell, cell_index: attempt.cell_begins(cell, cell_index),
            on_cell_executed=lambda **_: attempt.cell_ended(),
        )
        env = kernels.environment(attempt.folder) | dict(attempt.variables)
        work = attempt.folder / "work"
        work.mkdir(exist_ok=True)
        with kernels.running(client, env=env, cwd=work, log=attempt.log) as process:
            try:
                with memory.Peak(process.pid) as peak:
                    client.execute(cleanup_kc=True)
            except DeadKernelError:
                attempt.fail(f"the kernel died ({kernels.why_dead(process, attempt.log)})")
            except CellTimeoutError as error:
                attempt.fail(_too_long(error, attempt.timeout))
            except RuntimeError as error:
                # This is how nbclient says that a kernel did not come up.
                if attempt._running is not None:
                    raise
                words = kernels.why_dead(process, attempt.log)
                attempt.fail(f"the kernel did not start ({error}; {words})")
            finally:
                attempt.peak_mb = peak.megabytes


papermill_engines.register("course", _Engine)


def attempt(
    source: nbformat.NotebookNode, parameters: dict[str, object], into: Attempt
) -> nbformat.NotebookNode:
    """Execute a notebook with parameters.

    Nothing raised by a cell, and no death of the kernel, leaves this function: what happened
    stands in the outputs and in `into`.

    Args:
        source: the notebook; left as it is.
        parameters: names and values to inject.
        into: where and how; filled in on the way.

    Returns:
        The executed notebook.

    Raises:
        kernels.Interrupted: `kernels.end_all` was called meanwhile.
    """
    try:
        # Chapters run in threads of one process: papermill loads once (over a second), the lines
        # of progress share one terminal, and Jupyter's ports are picked in one place. What forbids
        # threads in papermill is `os.chdir` around each read and write and around the execution:
        # it is never reached with a notebook given as an object, no output path and no `cwd`.
        # nbclient sets no signal handlers on this road, so Ctrl-C stays with the main thread.
        papermill.execute_notebook(
            source,
            None,
            parameters=parameters,
            engine_name="course",
            kernel_name=kernels.NAME,
            language="python",
            progress_bar=False,
            attempt=into,
        )
    except PapermillExecutionError as error:
        # Nearly always the error stands in the outputs, where `verdict` finds it. A magic that
        # does not exist, for one, leaves none.
        if not _has_error(into.notebook):
            into.fail(f"ended in an error without a traceback {error.evalue}".strip())
    except kernels.Interrupted:
        raise
    except Exception as error:
        # A full disk, a lost connection: red with its reason, and the other chapters go on.
        into.fail(f"could not be executed to its end ({type(error).__name__}: {error})")
    finally:
        _close_loop()
    return into.notebook


def _has_error(notebook: nbformat.NotebookNode) -> bool:
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", ()))
    return any(output.output_type == "error" for output in outputs)


def _too_long(error: CellTimeoutError, timeout: int) -> str:
    if "IOPub" in str(error):
        return f"its outputs did not arrive within {_OUTPUT_SECONDS} s of its end"
    return f"ran longer than {timeout} s; allow more with --timeout, or run a smaller profile"


def _close_loop() -> None:
    """Close the event loop that nbclient opened for this thread, with what still waits in it."""
    loop = ensure_event_loop()
    if loop.is_running():
        return
    waiting = asyncio.all_tasks(loop)
    for task in waiting:
        task.cancel()
    if waiting:
        loop.run_until_complete(asyncio.gather(*waiting, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
