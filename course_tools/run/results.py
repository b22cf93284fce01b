"""The folder of a run's results: executed notebooks, and `claims.json` with what they measured."""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from course_tools.notebooks import chapters, documents
from course_tools.run import claim_verdict, execution, fingerprint, records
from course_tools.run.jobs import Job, Outcome
from course_utils.errors import CourseError, InputError, WorldError

__all__ = ["CLAIMS", "alone", "still_valid", "write_claims"]

CLAIMS = "claims.json"


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Make a folder of results, and keep other runs out of it meanwhile.

    What an earlier run left in the making is removed, before and after.

    Args:
        folder: the folder; made if it is not there.

    Raises:
        InputError: it cannot be a folder to write into.
        WorldError: another run works there.

    Example:
        >>> import tempfile
        >>> with alone(Path(tempfile.mkdtemp()) / "runs" / "quick"):
        ...     pass
    """
    _prepare(folder)
    lock = FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise WorldError(
            f"expected to be alone in {folder}, another run works there: "
            "wait for it, or choose another folder with --out"
        ) from None
    try:
        shutil.rmtree(folder / execution.PARTIAL, ignore_errors=True)
        yield
    finally:
        shutil.rmtree(folder / execution.PARTIAL, ignore_errors=True)
        lock.release()


def still_valid(folder: Path, own: Sequence[Job]) -> list[dict[str, object]]:
    """Collect the claims of chapters in a folder that a run does not touch and that are up to date.

    Args:
        folder: the folder.
        own: the run's jobs in it.

    Returns:
        Rows of `claims.json`.
    """
    found = []
    mine = {job.notebook.name for job in own}
    around: dict[str, str] = {}
    for path in sorted(folder.glob("*.ipynb")):
        if path.name in mine:
            continue
        earlier = execution.stored(path)
        source = own[0].chapter.path.parent / path.name
        if earlier is None or not source.is_file():
            continue
        facts, notebook = earlier
        data = facts["parameters"].get("DATA", "")
        if data not in around:
            around[data] = fingerprint.surroundings(data=data)
        try:
            stored = source.read_bytes()
            sheet = (own[0].chapter.lessons / f"{path.name.partition('_')[0]}.toml").read_bytes()
        except OSError:
            continue
        given = (facts["parameters"], around[data], facts["mutants"])
        if facts["key"] != fingerprint.key(stored, sheet, *given):
            continue
        shown = records.read(notebook, records.CLAIM)
        if not _as_evidence_says(source, facts, folder, shown):
            continue
        claims = tuple(record.content for record in shown)
        found += execution.rows(claims, seconds=facts["seconds"], mutated=facts["mutants"])
    return found


def write_claims(folder: Path, kept: Sequence[dict[str, object]], fresh: Sequence[Outcome]) -> None:
    """Write `claims.json` in one step.

    Args:
        folder: where.
        kept: rows of other chapters, from `still_valid`.
        fresh: outcomes of this run.

    Raises:
        WorldError: the disk does not take it; no older file is left then.
    """
    rows = [*kept, *(row for outcome in fresh for row in outcome.claims)]
    # Stable: within a chapter the claims stay in the order in which they were measured.
    rows.sort(key=lambda row: str(row["chapter"]))
    text = json.dumps(rows, indent=1, ensure_ascii=False) + "\n"
    try:
        documents.write_bytes(folder / CLAIMS, text.encode())
    except CourseError:
        # Better none than the numbers of an older run.
        (folder / CLAIMS).unlink(missing_ok=True)
        raise


def _as_evidence_says(
    source: Path, facts: Mapping, folder: Path, shown: Sequence[records.Record]
) -> bool:
    """Whether stored records are judged by the evidence of today, which stands in no key."""
    try:
        job = Job(chapters.read(source), facts["parameters"], folder, mutants=facts["mutants"])
        return not any(claim_verdict.record_faults(job, shown, complete=False))
    except CourseError:
        return False


def _prepare(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Permission bits do not tell: the disk may be read-only, the user root.
        probe = folder / f".write-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except (FileExistsError, NotADirectoryError):
        raise InputError(
            f"expected a folder for the results, received {folder}, which is or lies in a file: "
            "choose another with --out"
        ) from None
    except OSError as error:
        raise InputError(
            f"expected a folder to write the results into, received {folder} ({error.strerror}): "
            "choose another with --out"
        ) from None
