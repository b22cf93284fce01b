"""`course data`, whoever calls it: the command, `make data` or the script in `data_scripts`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from course_tools.datasets.bring import bring, listing, use_registry
from course_tools.tables import aligned

__all__ = ["data"]


def data(sets: Sequence[str], *, registry: Path | None = None) -> None:
    """List the real data, or bring sets here: fetched, verified, prepared. Prints what it does.

    Args:
        sets: names in the registry; none lists them.
        registry: another registry than the course's own, or than the one in COURSE_REGISTRY.

    Raises:
        InputError: a name or a registry that is not there.
        WorldError: a network, an archive or a disk that refuses.

    Example:
        >>> data([])
        set            download  chapters  state ...
        fashion_mnist     31 MB  00 01 02 ...
    """
    if registry is not None:
        use_registry(registry)
    if sets:
        bring(sets, say=_say, progress=True)
        return
    header = ("set", "download", "chapters", "state", "licence")
    rows = [(name, size, used, state, licence) for name, size, licence, used, state in listing()]
    print(aligned(header, rows, right=[1]))


def _say(line: str) -> None:
    print(line, flush=True)
