"""From what a user asked for to the jobs of a run; every mistake is found before anything runs."""

import difflib
import hashlib
import itertools
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from course_utils import session
from course_utils.errors import InputError
from course_utils.notebooks import chapters, documents, fingerprint, settings
from course_utils.notebooks.chapters import Chapter
from course_utils.notebooks.jobs import Job

__all__ = ["Request", "jobs", "seeds"]

_MOST_SEEDS = 1000


@dataclass(frozen=True)
class Request:
    """What a user asked for.

    Attributes:
        notebooks: the folder of the chapters.
        names: chapters, as `chapters.select` takes them; all without any.
        profile: "smoke", "quick", "full", or None for the environment's or the chapter's own.
        profiles: several profiles, each in a folder of its own; or empty.
        data: "embedded", "real" or None, likewise.
        seed: 0 or more, or None, likewise.
        seeds: several seeds, each in a folder of its own; or empty.
        sabotage: claims to break, each "CHAPTER:ID" or "ID", one job for each; or several ids of
            one chapter joined by "+", which one job breaks together.
        parameters: further parameters, name to text as typed.
        out: the folder of the results, or None for one named after profile and data.
        timeout: seconds that one cell may take.
    """

    notebooks: Path
    names: Sequence[str] = ()
    profile: str | None = None
    profiles: Sequence[str] = ()
    data: str | None = None
    seed: int | None = None
    seeds: Sequence[int] = ()
    sabotage: Sequence[str] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    out: Path | None = None
    timeout: int = 900


def jobs(request: Request) -> list[Job]:
    """Settle what is to be executed.

    Args:
        request: what a user asked for.

    Returns:
        The jobs, by folder and chapter.

    Raises:
        InputError: an unknown chapter, parameter or claim, a value of another type than the
            chapter's, a sabotage that could show nothing; the message names the nearest.
    """
    if request.seed is not None and request.seeds:
        raise InputError("expected --seed or --seeds, received both: choose one")
    found = chapters.find(request.notebooks, request.names)
    wishes = list(request.sabotage)
    if not wishes and os.environ.get("COURSE_SABOTAGE"):
        wishes = [os.environ["COURSE_SABOTAGE"]]
    targets = [_target(wish, found) for wish in wishes] or [(chapter, "") for chapter in found]
    # The same claim may be named in two ways.
    targets = list({(chapter.stem, claim): (chapter, claim) for chapter, claim in targets}.values())
    around: dict[str, str] = {}
    planned = []
    profiles = list(dict.fromkeys(request.profiles)) or [request.profile]
    for profile, seed in itertools.product(profiles, request.seeds or [request.seed]):
        for chapter, claim in targets:
            parameters = settings.settle(
                chapter,
                profile=profile,
                data=request.data,
                seed=seed,
                sabotage=claim,
                further=request.parameters,
            )
            data = str(parameters["DATA"])
            if claim:
                for one in claim.split("+"):
                    _check_sabotage(chapter, one, f"{parameters['PROFILE']}/{data}")
            if data not in around:
                around[data] = fingerprint.surroundings(data=data)
            source = documents.path_bytes(chapter.path)
            planned.append(
                Job(
                    chapter=chapter,
                    parameters=parameters,
                    folder=_folder(request, chapter, parameters),
                    key=fingerprint.key(source, parameters, around[data]),
                    timeout=request.timeout,
                    tag=_tag(request, parameters),
                )
            )
    return planned


def seeds(text: str) -> list[int]:
    """Read several seeds as a person types them.

    Args:
        text: such as "0-4", "0,2,5" or "0-2,7".

    Returns:
        The seeds, each once, in order.

    Raises:
        InputError: the text is something else, or means seeds that no generator takes.

    Example:
        >>> seeds("0-2,7")
        [0, 1, 2, 7]
    """
    found = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if last < first:
            raise InputError(f"expected seeds such as 0-4 or 0,2,5, received {text!r}")
        if last > session.LAST_SEED or last - first >= _MOST_SEEDS:
            raise InputError(
                f"expected at most {_MOST_SEEDS:,} seeds from 0 to {session.LAST_SEED}, "
                f"received {text!r}"
            )
        found.update(range(first, last + 1))
    return sorted(found)


def _target(wish: str, found: Sequence[Chapter]) -> tuple[Chapter, str]:
    """The chapter and the claims, joined by "+", that a `--sabotage` means."""
    name, colon, claims = wish.strip().rpartition(":")
    among = chapters.select(found, [name]) if colon else found
    holders = [_holder(claim, wish, among) for claim in claims.split("+")]
    if len({chapter.stem for chapter in holders}) > 1:
        raise InputError(f"expected claims of one chapter around +, received {wish!r}: use commas")
    return holders[0], "+".join(dict.fromkeys(claims.split("+")))


def _holder(claim: str, wish: str, among: Sequence[Chapter]) -> Chapter:
    """The chapter that has a claim."""
    holders = [chapter for chapter in among if claim in {c.id for c in chapter.claims}]
    if len(holders) > 1:
        where = " or ".join(f"{chapter.number}:{claim}" for chapter in holders)
        raise InputError(f"expected CHAPTER:ID, received {wish!r}, which may be {where}")
    if not holders:
        known = [f"{chapter.number}:{c.id}" for chapter in among for c in chapter.claims]
        bare = {text.partition(":")[2]: text for text in reversed(known)}
        near = difflib.get_close_matches(claim, bare, n=1, cutoff=0.4)
        hint = f": did you mean {bare[near[0]]}?" if near else f": choose from {_list(known)}"
        raise InputError(f"expected a claim to sabotage, received {wish!r}{hint}")
    return holders[0]


def _check_sabotage(chapter: Chapter, name: str, case: str) -> None:
    if case.startswith("smoke/"):
        raise InputError(
            "expected a profile that judges claims, received smoke with --sabotage: use quick"
        )
    claim = next(claim for claim in chapter.claims if claim.id == name)
    if not claim.sabotage and claim.unit_sabotage:
        raise InputError(
            f"claim {chapter.number}:{name} is exact mathematics and is broken by a test, not by "
            f"the chapter: run pytest {claim.unit_sabotage}"
        )
    if case not in claim.bands and "any" not in claim.bands:
        raise InputError(
            f"expected a band of claim {chapter.number}:{name} for {case}, it has "
            f"{_list(sorted(claim.bands))}: without one it is not judged"
        )


def _folder(request: Request, chapter: Chapter, parameters: Mapping[str, object]) -> Path:
    sabotaged = parameters["SABOTAGE"]
    default = "sabotage" if sabotaged else f"{parameters['PROFILE']}-{parameters['DATA']}"
    folder = request.out or Path("runs") / default
    if len(set(request.profiles)) > 1 and (request.out or sabotaged):
        folder = folder / str(parameters["PROFILE"])
    if sabotaged:
        # A folder of its own, also inside a given one: a broken run never replaces a good one.
        name = str(sabotaged)
        if len(name) > 60:
            # File systems allow 255 bytes, and a person reads less.
            name = f"{name.split('+')[0]}+{hashlib.sha256(name.encode()).hexdigest()[:8]}"
        folder = folder / f"{chapter.number}-{name}"
    if request.seeds:
        folder = folder / f"seed-{parameters['SEED']}"
    return folder.absolute()


def _tag(request: Request, parameters: Mapping[str, object]) -> str:
    parts = [str(parameters["PROFILE"])] if len(set(request.profiles)) > 1 else []
    parts += [f"seed {parameters['SEED']}"] if request.seeds else []
    parts += [f"sabotaged {parameters['SABOTAGE']}"] if parameters["SABOTAGE"] else []
    return " ".join(parts)


def _list(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
