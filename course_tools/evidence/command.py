"""`course claims`: sums up runs, compares two of them, and keeps what they measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from course_tools.evidence import file as evidence_file
from course_tools.evidence import spread
from course_tools.evidence import summary as evidence
from course_tools.notebooks import chapters, documents
from course_utils import lessons
from course_utils.errors import InputError

__all__ = ["claims"]


def claims(
    folders: Sequence[Path],
    notebooks: Path,
    *,
    json_file: Path | None = None,
    markdown: Path | None = None,
    update: bool = False,
    compare: bool = False,
    renew: bool = False,
) -> int:
    """Sum up the claims of several runs over their seeds. Prints a table.

    Args:
        folders: of the runs; without any, the kept evidence is summed up.
        notebooks: the folder of the chapters.
        json_file: gets the same as JSON; None writes none.
        markdown: gets the same as a page of Markdown; None writes none.
        update: merge the runs into the kept evidence.
        compare: instead, say in which numbers two runs differ.
        renew: instead, compare two runs, and evidence whose numbers agree is stale no more.

    Returns:
        0 when all sentences are true and no run is red, or all numbers are the same; else 1.

    Raises:
        InputError: too few or too many folders, or a folder or file that is none of a run.
        WorldError: the disk does not take it.

    Example:
        >>> claims([Path("runs/before")], Path("notebooks"), compare=True)
        Traceback (most recent call last):
        ...
        course_utils.errors.InputError: expected two runs, OLD and NEW, received 1
    """
    found = chapters.find(notebooks) if markdown or update or renew or not folders else []
    kept = lessons.folder(notebooks) / lessons.EVIDENCE
    if compare or renew:
        if len(folders) != 2:
            raise InputError(f"expected two runs, OLD and NEW, received {len(folders)}")
        old, new = (evidence.collect([folder]) for folder in folders)
        said, same = evidence_file.compare(old, new)
        print(said)
        if renew:
            print(evidence_file.renew(kept, old, new, found))
        return 0 if same else 1
    if update and not folders:
        # The kept seeds merged into themselves would pass for measured with today's code.
        raise InputError("expected the folders of runs with --update, received none")
    rows = evidence.collect(folders) if folders else evidence_file.rows(found)
    summaries = evidence.summarise(rows)
    print(evidence.table(summaries))
    if json_file:
        documents.write_bytes(json_file, evidence_file.as_json(summaries).encode())
    if markdown:
        documents.write_bytes(markdown, spread.page(found, summaries).encode())
    if update:
        evidence_file.merge(kept, rows, found)
    return 0 if all(summary.ok for summary in summaries) else 1
