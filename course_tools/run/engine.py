"""The papermill engine of the course: one kernel, watched from its first cell to its last.

Papermill's own reports are not to be trusted alone. After a kernel has died it marks the rest of
the cells as completed and leaves the file without an error; `sys.exit()` in a cell ends the
notebook and counts as success; a cell tagged `skip-execution` is passed over in silence. So this
engine only executes and keeps what it saw; `judge` judges.
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
from course_tools.run import kernels, records

__all__ = ["Attempt", "attempt"]

_logger = logging.getLogger("papermill")
# What papermill has to say becomes a reason or is no news; without a handler it would be printed.
_logger.addHandler(logging.NullHandler())

_START_SECONDS = 180
# After a cell's reply its last outputs may still be on their way, on a busy machine for a while.
_OUTPUT_SECONDS = 60
_SAVE_SECONDS = 10
# A chapter full of figures shows five megabytes. All outputs are held in memory until its end.
_MOST_OUTPUT = 100_000_000
# What a message costs beside its text: a cell may show nothing, again and again.
_MESSAGE_COST = 1_000


@dataclass
class Attempt:
    """One execution as it goes on, and what came of it."""

    folder: Path  # for the notebook in the making and everything of the kernel; exists
    timeout: int  # seconds that one cell may take
    # Called with cells done, cells in all, and the source of the cell that begins.
    on_cell: Callable[[int, int, str], None] = lambda done, total, source: None
    variables: Mapping[str, str] = field(default_factory=dict)  # further ones of the kernel
    notebook: nbformat.NotebookNode | None = None  # with all outputs so far
    failure: str = ""  # why it ended early beyond what stands in the outputs
    failed_at: int = 0  # number of the cell of `failure` in the source, from 1; 0 for none
    peak_mb: float = 0.0  # the most resident memory of the kernel and its children
    _running: nbformat.NotebookNode | None = field(default=None, repr=False)
    _saved: float = field(default_factory=time.monotonic, repr=False)

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
            documents.write(self.folder / "in_the_making.ipynb", self.notebook)
            self._saved = time.monotonic()


class _Client(PapermillNotebookClient):
    """Takes the outputs of a notebook until they are too many; then it ends the kernel."""

    def __init__(self, nb_man, attempt: Attempt, **options) -> None:
        super().__init__(nb_man, **options)
        self._attempt = attempt
        self._taken = 0

    def process_message(self, msg, cell, cell_index):
        """Take a message of the kernel, if there is room for it."""
        self._taken += _MESSAGE_COST + _length(msg["content"])
        if self._taken <= _MOST_OUTPUT:
            return super().process_message(msg, cell, cell_index)
        if not self._attempt.failure:
            self._attempt.fail(
                f"showed more than {_MOST_OUTPUT // 1_000_000} MB and was ended: print less"
            )
            kernels.end(self.km.provisioner.process)
        return None


def _length(content: object) -> int:
    """The characters of a message, however deep they lie."""
    if isinstance(content, str):
        return len(content)
    if isinstance(content, dict):
        return sum(map(_length, content.values()))
    return sum(map(_length, content)) if isinstance(content, list) else 0


class _Engine(NBClientEngine):
    """Executes with a kernel of this Python; everything that it sees goes into the attempt."""

    @classmethod
    def execute_managed_notebook(cls, nb_man, kernel_name, *, attempt: Attempt, **_) -> None:
        """Run all cells of a notebook that papermill has prepared."""
        attempt.notebook = nb_man.nb
        # Papermill put the source as a whole here, because it was given as an object.
        for name in ("input_path", "output_path"):
            nb_man.nb.metadata.papermill[name] = None
        client = _Client(
            nb_man,
            attempt,
            km=kernels.manager(attempt.folder),
            log=_logger,
            timeout=attempt.timeout,
            startup_timeout=_START_SECONDS,
            iopub_timeout=_OUTPUT_SECONDS,
            on_cell_start=lambda cell, cell_index: attempt.cell_begins(cell, cell_index),
            on_cell_executed=lambda **_: attempt.cell_ended(),
        )
        env = kernels.environment(attempt.folder) | dict(attempt.variables)
        work, log = attempt.folder / "work", attempt.folder / "kernel.log"
        work.mkdir(exist_ok=True)
        with kernels.running(client, env=env, cwd=work, log=log) as process:
            try:
                with kernels.Peak(process.pid) as peak:
                    client.execute(cleanup_kc=True)
            except DeadKernelError:
                attempt.fail(f"the kernel died ({kernels.why_dead(process, log)})")
            except CellTimeoutError as error:
                attempt.fail(_too_long(error, attempt.timeout))
            except RuntimeError as error:
                # This is how nbclient says that a kernel did not come up.
                if attempt._running is not None:
                    raise
                words = kernels.why_dead(process, log)
                attempt.fail(f"the kernel did not start ({error}; {words})")
            finally:
                attempt.peak_mb = peak.megabytes


papermill_engines.register("course", _Engine)


def attempt(
    source: nbformat.NotebookNode, parameters: dict[str, object], into: Attempt
) -> nbformat.NotebookNode:
    """Execute a notebook with parameters, and return it with its outputs.

    Nothing raised by a cell, and no death of the kernel, leaves this function: what happened
    stands in the outputs and in `into`. Only `kernels.Interrupted` does.
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
        # Nearly always the error stands in the outputs, where `judge` finds it. A magic that does
        # not exist, for one, leaves none.
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
