"""`course gpu`: every chapter in `full` on a GPU, and a report that says what ran on what.

A run that is meant for a GPU and silently computes on a CPU is the known failure. So it is refused
three times: before anything is installed (`environment`), before anything is executed (TensorFlow
must see the device), and by the judge, whenever a result is looked at (the session and each claim
have recorded the device that they were computed on).
"""

import csv
import io
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from course_tools.run import execution, needs
from course_tools.run.contracts import write_smoke_copies
from course_tools.run.plan import Job, Outcome, Progress
from course_utils import lessons
from course_utils.errors import WorldError

__all__ = ["Watch", "compare_contracts", "report", "require_tensorflow", "sets_at_hand", "usage",
           "watched"]  # fmt: skip

# TensorFlow prints to both streams as it loads; the last line is the answer.
_ASK = "import tensorflow as tf; print(*[d.name for d in tf.config.list_physical_devices('GPU')])"


def usage() -> list[tuple[float, float]]:
    """Busy in per cent and memory taken in MiB, of each device; [] if the driver does not say."""
    query = "--query-gpu=utilization.gpu,memory.used"
    command = ["nvidia-smi", query, "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
        rows = csv.reader(io.StringIO(said.stdout))
        # A field may be "[N/A]", as on some small devices.
        return [(float(busy), float(taken)) for busy, taken in filter(None, rows)]
    except (OSError, subprocess.SubprocessError, ValueError):
        return []


@dataclass
class Watch:
    """Asks the driver now and then how busy the devices are and how much memory is taken."""

    ask: Callable[[], list[tuple[float, float]]] = usage
    interval: float = 1.0
    peak_mb: float = 0.0  # the most memory that was taken, in MiB, of all devices together
    _busy: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True, name="watch of the GPU")

    @property
    def busy(self) -> float | None:
        """The share of the time in which a device computed, 0 to 1; None without an answer."""
        return sum(self._busy) / len(self._busy) / 100 if self._busy else None

    def __enter__(self) -> "Watch":
        """Begin to watch."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop watching; the numbers stay."""
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while True:
            if answers := self.ask():
                self._busy.append(max(busy for busy, _ in answers))
                self.peak_mb = max(self.peak_mb, sum(taken for _, taken in answers))
            if self._stop.wait(self.interval):
                return


def require_tensorflow(*, command: Sequence[str] = (sys.executable, "-c", _ASK)) -> list[str]:
    """The devices that TensorFlow sees, asked in a process of its own; refused without any."""
    quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    said = subprocess.run(command, capture_output=True, text=True, check=False, env=quiet)
    found = (said.stdout.strip().splitlines() or [""])[-1].split()
    if said.returncode or not found:
        # What a TensorFlow that loaded has written is about other things.
        why = said.stderr.strip().splitlines()[-1:] if said.returncode else []
        raise WorldError(
            "expected TensorFlow to see the GPU, it sees none "
            f"({why[0][:200] if why else 'its build may lack CUDA, or the driver is too old'}): "
            "use the environment that `course gpu` makes, or one with tensorflow[and-cuda]"
        )
    return found


def sets_at_hand(chapter: str) -> tuple[str, str]:
    """Which data a chapter runs on, "real" or "embedded", and why, in words."""
    used = needs.used(chapter)
    if not used:
        return "embedded", "no real set"
    if missing := needs.missing([chapter]):
        return "embedded", f"not here: {', '.join(missing)}"
    return "real", ", ".join(used)


def watched(into: dict[str, Watch]) -> Callable[..., Outcome]:
    """`execution.execute` with a watch on the device; `into` gets it by the label of the job."""

    def run(job: Job, *, on_progress: Callable[[Progress], None] | None = None) -> Outcome:
        with Watch() as watch:
            outcome = execution.execute(job, on_progress=on_progress)
        into[job.label] = watch
        return outcome

    return run


def report(
    outcomes: Sequence[Outcome],
    watches: dict[str, Watch],
    why: dict[str, str],
    *,
    contracts: str,
    changed: str,
) -> str:
    """The report, as Markdown.

    What was taken over from an earlier run has no watch; `why` says of each chapter what its data
    are, `contracts` what nbval said, `changed` which claims came out otherwise.
    """
    lines = [
        "| chapter | data | seconds | peak device MiB | GPU busy | claims held/judged (recorded) |",
        "|---|---|---|---|---|---|",
    ]
    for outcome in outcomes:
        watch = watches.get(outcome.job.label)
        peak, busy = "–", "–"
        if watch and watch.busy is not None:
            peak, busy = f"{watch.peak_mb:,.0f}", f"{watch.busy:.0%}"
        judged = [claim for claim in outcome.claims if claim["judged"]]
        held = sum(claim["held"] is True for claim in judged)
        number, data = outcome.job.chapter.number, outcome.job.parameters["DATA"]
        mark = "" if outcome.ok else " **RED**"
        lines.append(
            f"| {outcome.job.label}{mark} | {data} ({why.get(number, '')}) | "
            f"{outcome.seconds:.0f}{' (earlier)' if outcome.cached else ''} | {peak} | {busy} | "
            f"{held}/{len(judged)} ({len(outcome.claims)}) |"
        )
    shown = sorted({str(claim["device"]) for outcome in outcomes for claim in outcome.claims})
    red = [f"- {o.job.label}, {reason}" for o in outcomes for reason in o.reasons]
    parts = [
        "# Every chapter in full, on a GPU",
        f"{time.strftime('%Y-%m-%d')}, {', '.join(shown) or 'no device recorded'}.",
        "\n".join(lines),
        f"Contract cells: {contracts}.",
        "Claims without kept seeds for `full` are recorded and not judged.",
        f"## Changed claims\n\n{changed}",
    ]
    if red:
        parts.append("What is red:\n\n" + "\n".join(red))
    return "\n\n".join(parts) + "\n"


def compare_contracts(notebooks: Path, stems: Sequence[str]) -> tuple[bool, str]:
    """Let nbval compare contract cells on this device: whether all agree, and its last line."""
    command = [sys.executable, "-m", "pytest", "-q", "--nbval-lax", "--nbval-current-env"]
    with tempfile.TemporaryDirectory(prefix="contracts-", ignore_cleanup_errors=True) as folder:
        copies = write_smoke_copies(notebooks, Path(folder, "copies"))
        chosen = [str(copy) for copy in copies if copy.stem in stems]
        said = subprocess.run(
            [*command, "-p", "no:cacheprovider", *chosen],
            capture_output=True,
            text=True,
            check=False,
            cwd=notebooks,
            env=os.environ | {"COURSE_LESSONS": str(lessons.folder(notebooks))},
        )
    last = (said.stdout.strip().splitlines() or said.stderr.strip().splitlines() or ["silent"])[-1]
    return said.returncode == 0, last
