"""What `course data` does: list the real data, or bring it here, verified and prepared."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from course_tools.datasets.fetch import fetch, silent
from course_tools.datasets.prepare import prepare, ready
from course_utils import cache
from course_utils.datasets import prepared, registry

__all__ = ["bring", "listing", "prepare_all", "state", "use_registry"]


def use_registry(path: Path) -> None:
    """Take another registry for the rest of this process, and for those that it starts.

    Raises:
        InputError: the file is not there or is no registry.
    """
    os.environ["COURSE_REGISTRY"] = str(path.expanduser().absolute())
    registry.registry()


def listing() -> list[tuple[str, str, str, str, str]]:
    """Name, size of the download, licence, chapters and state of everything in the registry.

    The state is told from names and sizes alone, so that a list takes no time: "prepared",
    "downloaded", "part" (some files, or a broken transfer) or "not here".

    Example:
        >>> [row for row in listing() if row[0] == "fashion_mnist"][0][1:4]
        ('31 MB', 'MIT', '00 01 02')
    """
    rows = []
    for name in registry.registry():
        facts = registry.entry(name)
        sizes = [file.get("bytes") for file in facts["files"]]
        known = sum(size for size in sizes if size is not None)
        size = "not published" if None in sizes else f"{max(known / 1e6, 0.1):.{known < 1e7:d}f} MB"
        chapters = " ".join(facts.get("chapters", ()))
        rows.append((name, size, facts.get("licence", ""), chapters, state(name)))
    return rows


def bring(
    names: Sequence[str], *, say: Callable[[str], None] = silent, progress: bool = False
) -> None:
    """Fetch, verify and prepare sets, one after the other; what is here already is left alone.

    Args:
        names: of sets in the registry.
        say: takes a line about each thing that is done.
        progress: shows a bar for each transfer.

    Raises:
        InputError: a name that the registry does not know (then nothing is done at all), or too
            few good pictures for a split.
        WorldError: a file that cannot be had, is broken or not safe, or a disk that refuses.
    """
    for name in names:
        registry.entry(name)
    for name in names:
        if name in prepared.NEEDS and (folder := ready(name)) is not None:
            say(f"{name}: prepared already in {folder}; nothing to do")
            continue
        lines: list[str] = []

        def tell(line: str, lines: list[str] = lines) -> None:
            lines.append(line)
            say(line)

        files = fetch(name, say=tell, progress=progress)
        if name not in prepared.NEEDS:
            folder = next(iter(files.values())).parent
            say(
                f"{name}: verified in {folder}"
                if lines
                else f"{name}: here already, in {folder}; nothing to do"
            )
            continue
        say(f"{name}: verified; preparing")
        _prepare(name, say, files)


def prepare_all(names: Iterable[str], *, say: Callable[[str], None] = silent) -> None:
    """Prepare sets whose files are here; what needs no preparing, or is ready, is passed over.

    Raises:
        InputError: a download is missing or wrong, or too few pictures are good for a split.
        WorldError: an archive that is broken or not safe, or a disk that refuses.
    """
    for name in names:
        if name in prepared.NEEDS and ready(name) is None:
            say(f"{name}: preparing (once)")
            _prepare(name, say)


def _prepare(
    name: str, say: Callable[[str], None], files: Mapping[str, Path] | None = None
) -> None:
    folder = prepare(name, files=files)
    say(f"{name}: {_summary(cache.about(folder))}")
    say(f"{name}: prepared in {folder}")


def _summary(about: dict) -> str:
    text = ", ".join(f"{count:,} {part}" for part, count in about["parts"].items()) + " pictures"
    left_out = about.get("left_out", [])
    strays = sum(row["reason"].startswith("stray") for row in left_out)
    if left_out:
        text += (
            f"; left out: bad pictures {len(left_out) - strays}, stray files {strays} "
            "(manifest.json says which and why)"
        )
    if about.get("kept_together"):
        text += f"; groups of near-identical pictures kept together: {len(about['kept_together'])}"
    return text


def state(name: str) -> str:
    """Whether a set is "prepared", "downloaded", there in "part", or "not here".

    Raises:
        InputError: a name that the registry does not know.
    """
    facts = registry.entry(name)
    if name in prepared.NEEDS and (prepared.place(name) / "manifest.json").is_file():
        return "prepared"
    sizes = [file.get("bytes") for file in facts["files"]]
    places = [
        [folder / file["name"] for folder in registry.folders(name)] for file in facts["files"]
    ]
    have = [
        any(p.is_file() and (size is None or p.stat().st_size == size) for p in paths)
        for paths, size in zip(places, sizes, strict=True)
    ]
    if all(have):
        return "downloaded"
    begun = any(p.with_name(f"{p.name}.part").exists() for paths in places for p in paths)
    return "part" if any(have) or begun else "not here"
