"""What `course data` does: list real data, bring them here, inspect a folder of own images."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from course_tools.datasets.download import fetch, megabytes, silent
from course_tools.datasets.prepare import prepared_set, ready
from course_tools.tables import aligned
from course_utils import cache
from course_utils.datasets import own, real, registry
from course_utils.errors import WorldError

__all__ = ["bring", "data", "listing", "prepare_all", "state"]


def data(sets: Sequence[str], *, registry_file: Path | None = None) -> None:
    """List the real data, or bring sets here, for a command line: prints what it does.

    Another registry than the course's own, or than the one in COURSE_REGISTRY, counts for the
    rest of this process, and for those that it starts.
    """
    if registry_file is not None:
        os.environ["COURSE_REGISTRY"] = str(registry_file.expanduser().absolute())
    if sets:
        bring(sets, say=lambda line: print(line, flush=True), progress=True)
    else:
        header = ("set", "download", "chapters", "state", "licence")
        print(aligned(header, listing(), right=[1]))


def listing() -> list[tuple[str, str, str, str, str]]:
    """Name, size of the download, chapters, state and license of everything in the registry."""
    rows = []
    for name in registry.entries():
        facts = registry.entry(name)
        sizes = [file.get("bytes") for file in facts["files"]]
        size = "not published" if None in sizes else megabytes(sum(sizes))
        chapters = " ".join(facts.get("chapters", ()))
        rows.append((name, size, chapters, state(name), facts.get("licence", "")))
    return rows


def bring(
    names: Sequence[str], *, say: Callable[[str], None] = silent, progress: bool = False
) -> None:
    """Fetch, verify and prepare sets, one after the other; what is here already is left alone.

    A name that is a folder is inspected and prepared as a reader's own images. If the registry
    does not know one of the others, nothing is done at all.
    """
    known = registry.entries()
    folders = {name for name in names if name not in known and own.is_folder(name)}
    for name in names:
        if name not in folders:
            registry.entry(name)
    for name in names:
        if name in folders:
            folder = own.prepare(name, tell=lambda about, name=name: say(_found(name, about)))
            say(f"{name}: prepared in {folder}; datasets.open({name!r}) opens it")
            continue
        if name in real.NEEDS and (folder := ready(name)) is not None:
            say(f"{name}: prepared already in {folder}; nothing to do")
            continue
        before = state(name)
        files = fetch(name, say=say, progress=progress)
        if name in real.NEEDS:
            say(f"{name}: verified; preparing")
            _prepare(name, say, files)
        else:
            done = "; nothing to do" if before == "downloaded" else ""
            say(f"{name}: verified in {next(iter(files.values())).parent}{done}")


def prepare_all(names: Iterable[str], *, say: Callable[[str], None] = silent) -> None:
    """Prepare sets whose files are here; what needs no preparing, or is ready, is passed over."""
    for name in names:
        if name in real.NEEDS and ready(name) is None:
            say(f"{name}: preparing (once)")
            _prepare(name, say)


def state(name: str) -> str:
    """Whether a set is "prepared", "downloaded", there in "part", or "not here".

    Told from names and sizes alone, so that a list takes no time; a broken transfer is a "part".
    """
    files = registry.entry(name)["files"]
    try:
        if name in real.NEEDS and (real.place(name) / "manifest.json").is_file():
            return "prepared"
        have = [registry.find(name, file, whole=False) is not None for file in files]
        if all(have):
            return "downloaded"
        folder = registry.download_folder(name)
        begun = any((folder / f"{file['name']}.part").exists() for file in files)
    except PermissionError as error:
        raise WorldError(
            f"expected to look for {name} in {error.filename}, permission was refused: name "
            "folders of your own in COURSE_CACHE_DIR and COURSE_DATA_DIR"
        ) from None
    return "part" if any(have) or begun else "not here"


def _found(name: str, about: Mapping[str, Any]) -> str:
    """What lies in a folder of own images: classes by part, what was left out, what is alike."""
    rows = [
        (title, *(f"{count:,}" for count in (sum(parts.values()), *parts.values())))
        for title, parts in about["classes"].items()
    ]
    total, left_out, alike = sum(about["parts"].values()), about["left_out"], about["kept_together"]
    return "\n".join(
        (
            f"{name}: {len(rows)} classes, {total:,} images",
            aligned(("class", "images", *about["parts"]), rows, right=(1, 2, 3, 4)),
            f"left out: {len(left_out)}",
            *(f"  {row['file']}: {row['reason']}" for row in left_out),
            f"groups of near-identical images, each kept in one part: {len(alike)}",
            *(f"  {', '.join(names)}" for names in alike),
        )
    )


def _prepare(
    name: str, say: Callable[[str], None], files: Mapping[str, Path] | None = None
) -> None:
    folder = prepared_set(name, files=files)
    say(f"{name}: {_summary(cache.about(folder))}")
    say(f"{name}: prepared in {folder}")


def _summary(about: dict) -> str:
    text = ", ".join(f"{count:,} {part}" for part, count in about["parts"].items()) + " images"
    left_out = about.get("left_out", [])
    strays = sum(row["reason"].startswith("stray") for row in left_out)
    if left_out:
        text += (
            f"; left out: bad images {len(left_out) - strays}, stray files {strays} "
            "(manifest.json says which and why)"
        )
    if about.get("kept_together"):
        text += f"; groups of near-duplicates kept together: {len(about['kept_together'])}"
    return text
