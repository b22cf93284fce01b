"""`course gpu`: every chapter in `full` on a GPU, and a report that says what ran on what.

A run that is meant for a GPU and silently computes on a CPU is the known failure. So it is refused
three times: before anything is installed (`environment`), before anything is executed (TensorFlow
must see the device), and afterwards (each claim has recorded the device that it was measured on).
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
from dataclasses import dataclass, field, replace
from pathlib import Path

from course_tools.run import needs
from course_tools.run.contracts import write_smoke_copies
from course_tools.run.execution import Progress
from course_tools.run.jobs import Job, Outcome, Reason
from course_utils import lessons
from course_utils.errors import WorldError

__all__ = [
    "Watch",
    "compare_contracts",
    "devices",
    "require_tensorflow",
    "sets_at_hand",
    "watched",
    "written",
]

_QUERY = ("utilization.gpu", "memory.used")
# TensorFlow prints to both streams as it loads; the last line is the answer.
_ASK = "import tensorflow as tf; print(*[d.name for d in tf.config.list_physical_devices('GPU')])"


@dataclass
class Watch:
    """Asks the driver now and then how busy the device is and how much of its memory is taken.

    Attributes:
        busy: share of the time in which the device computed, 0 to 1; None without an answer.
        peak_mb: the most memory that was taken, in MiB, of all devices together.

    Args:
        ask: gives (utilisation in per cent, memory in MiB) for each device.
        interval: seconds between two questions.
    """

    ask: Callable[[], list[tuple[float, float]]]
    interval: float = 1.0
    peak_mb: float = 0.0
    _busy: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True, name="watch of the GPU")

    @property
    def busy(self) -> float | None:
        """The mean over the answers so far."""
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


def devices(*, query: Sequence[str] = _QUERY) -> list[tuple[float, ...]]:
    """What nvidia-smi answers, a row for each device; [] if it does not answer.

    Args:
        query: names of numbers, as `nvidia-smi --help-query-gpu` lists them.
    """
    command = ["nvidia-smi", f"--query-gpu={','.join(query)}", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
        rows = csv.reader(io.StringIO(said.stdout))
        # A field may be "[N/A]", as on some small devices.
        return [tuple(float(field) for field in row) for row in rows if row]
    except (OSError, subprocess.SubprocessError, ValueError):
        return []


def require_tensorflow(*, command: Sequence[str] = (sys.executable, "-c", _ASK)) -> list[str]:
    """The devices that TensorFlow sees, asked in a process of its own.

    Raises:
        WorldError: it sees none, or does not load.
    """
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
    """Which data a chapter runs on: ("real" or "embedded", why, in words).

    Args:
        chapter: two digits.
    """
    used = needs.used(chapter)
    if not used:
        return "embedded", "no real set"
    if missing := needs.missing([chapter]):
        return "embedded", f"not here: {', '.join(missing)}"
    return "real", ", ".join(used)


def watched(
    execute: Callable[..., Outcome],
    *,
    into: dict[str, Watch],
    ask: Callable[[], list[tuple[float, float]]] = devices,
) -> Callable[..., Outcome]:
    """`execute`, with a watch on the device for each job, and red where a CPU did the work.

    Args:
        execute: as `execution.execute`.
        into: label of a job to its watch; filled in.
        ask: see `Watch`.
    """

    def run(job: Job, *, on_progress: Callable[[Progress], None] | None = None) -> Outcome:
        with Watch(ask) as watch:
            outcome = execute(job, on_progress=on_progress)
        into[job.label] = watch
        elsewhere = {str(claim["device"]) for claim in outcome.claims}
        elsewhere = sorted(device for device in elsewhere if device.startswith("CPU"))
        if not elsewhere:
            return outcome
        reason = Reason(f"measured on {elsewhere[0]}: expected the GPU")
        return replace(outcome, reasons=(*outcome.reasons, reason))

    return run


def written(
    outcomes: Sequence[Outcome],
    watches: dict[str, Watch],
    why: dict[str, str],
    *,
    contracts: str,
    changed: str,
) -> str:
    """The report, as Markdown.

    Args:
        outcomes: of the chapters.
        watches: from `watched`; what was taken over from an earlier run has none.
        why: chapter to what its data are, from `sets_at_hand`.
        contracts: what nbval said of the contract cells, in words.
        changed: from `changes.table`.
    """
    lines = [
        "| chapter | data | seconds | peak device MiB | GPU busy | claims held/judged (recorded) |",
        "|---|---|---|---|---|---|",
    ]
    shown = set()
    for outcome in outcomes:
        watch = watches.get(outcome.job.label)
        peak = f"{watch.peak_mb:,.0f}" if watch and watch.busy is not None else "–"
        busy = f"{watch.busy:.0%}" if watch and watch.busy is not None else "–"
        judged = [claim for claim in outcome.claims if claim["judged"]]
        held = sum(claim["held"] is True for claim in judged)
        number, data = outcome.job.chapter.number, outcome.job.parameters["DATA"]
        mark = "" if outcome.ok else " **RED**"
        lines.append(
            f"| {outcome.job.label}{mark} | {data} ({why.get(number, '')}) | "
            f"{outcome.seconds:.0f}{' (earlier)' if outcome.cached else ''} | {peak} | {busy} | "
            f"{held}/{len(judged)} ({len(outcome.claims)}) |"
        )
        shown |= {str(claim["device"]) for claim in outcome.claims}
    red = [f"- {o.job.label}, {reason}" for o in outcomes for reason in o.reasons]
    parts = [
        "# Every chapter in full, on a GPU",
        f"{time.strftime('%Y-%m-%d')}, {', '.join(sorted(shown)) or 'no device recorded'}.",
        "\n".join(lines),
        f"Contract cells: {contracts}.",
        "Claims without kept seeds for `full` are recorded and not judged.",
        f"## Changed claims\n\n{changed}",
    ]
    return "\n\n".join([*parts, *(["What is red:\n\n" + "\n".join(red)] if red else [])]) + "\n"


def compare_contracts(notebooks: Path, stems: Sequence[str]) -> tuple[bool, str]:
    """Let nbval compare the contract cells of chapters on this device.

    Returns:
        Whether all agree, and nbval's last line.
    """
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
