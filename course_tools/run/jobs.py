"""One chapter to execute, and what came of it: plain values that can be sent to another machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from course_tools.notebooks.chapters import Chapter

__all__ = ["STANDARD", "Job", "Outcome", "Reason"]

# The parameters that every chapter has and every run settles.
STANDARD = ("PROFILE", "DATA", "SEED")


@dataclass(frozen=True)
class Job:
    """One chapter to execute in one way.

    Attributes:
        chapter: the chapter as read from its file.
        parameters: every name and value to inject, `STANDARD` among them.
        mutants: ids of the claims whose mutants are applied, all in one run; often none.
        folder: where the executed notebook goes, under the name of its source.
        key: from `fingerprint.key`; a finished notebook that holds it is not executed again.
        timeout: seconds that one cell may take.
        tag: what tells this job from another of the same chapter, such as "seed 3"; may be "".
    """

    chapter: Chapter
    parameters: Mapping[str, object]
    folder: Path
    key: str = ""
    timeout: int = 900
    tag: str = ""
    mutants: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The chapter's number and name, and the tag, for people."""
        return f"{self.chapter.number} {self.chapter.name}" + (f" {self.tag}" if self.tag else "")

    @property
    def notebook(self) -> Path:
        """The executed notebook, once it is there."""
        return self.folder / f"{self.chapter.stem}.ipynb"


@dataclass(frozen=True)
class Reason:
    """One thing that makes a chapter red.

    Attributes:
        text: what it is, in one line.
        where: the cell, such as `cell 7 (id 3f2a)`; "" for the chapter as a whole.
        users: whether the user can mend it (missing data, say), and the course need not.
    """

    text: str
    where: str = ""
    users: bool = False

    def __str__(self) -> str:
        """Return cell and text, in one line."""
        line = f"{self.where}: {self.text}" if self.where else self.text
        return " ".join(line.split())


@dataclass(frozen=True)
class Outcome:
    """What came of a job.

    Attributes:
        job: the job.
        reasons: what makes it red; empty when all is well.
        notes: what a reader should know besides.
        seconds: how long the execution took.
        peak_mb: the most resident memory of the kernel and its children, in megabytes.
        executed: code cells that ran to their end.
        cells: code cells of the source that are not blank.
        claims: the recorded claims as rows of `claims.json`.
        exercises: the recorded exercise checks.
        cached: whether an earlier execution was taken over.
    """

    job: Job
    reasons: tuple[Reason, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    peak_mb: float = 0.0
    executed: int = 0
    cells: int = 0
    claims: tuple[dict[str, object], ...] = ()
    exercises: tuple[dict[str, object], ...] = ()
    cached: bool = False

    @property
    def ok(self) -> bool:
        """Whether nothing makes it red."""
        return not self.reasons
