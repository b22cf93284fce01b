"""From what a user asked for to the jobs of a run; every mistake is found before anything runs."""

import difflib
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from course_tools.notebooks import chapters, documents, mutants
from course_tools.notebooks.chapters import Chapter
from course_tools.run import fingerprint, settings
from course_tools.run.jobs import Job
from course_utils import claims, lessons, session
from course_utils.errors import InputError

__all__ = ["Request", "jobs", "seeds"]

_MOST_SEEDS = 1000


@dataclass(frozen=True)
class Request:
    """What a user asked for.

    Attributes:
        notebooks: the folder of the chapters.
        names: chapters, as `chapters.select` takes them; all without any.
        profile: "smoke", "quick", "full", or None for the chapter's own.
        profiles: several profiles, each in a folder of its own; or empty.
        data: "embedded", "real" or None, likewise.
        seed: 0 or more, or None, likewise.
        seeds: several seeds, each in a folder of its own; or empty.
        mutants: claims whose mutants are applied, each "CHAPTER:ID" or "ID", one job for each; or
            several ids of one chapter joined by "+", which are applied together.
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
    mutants: Sequence[str] = ()
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
            chapter's, a mutant that could show nothing; the message names the nearest.
    """
    if request.seed is not None and request.seeds:
        raise InputError("expected --seed or --seeds, received both: choose one")
    found = chapters.find(request.notebooks, request.names)
    targets = [_target(wish, found) for wish in request.mutants]
    targets = targets or [(chapter, ()) for chapter in found]
    # The same claim may be named in two ways.
    targets = list({(chapter.stem, ids): (chapter, ids) for chapter, ids in targets}.values())
    for chapter, ids in targets if request.mutants else ():
        mutants.apply(documents.read(chapter.path), chapter.sheet, ids)
    around: dict[tuple[str, Path], str] = {}
    planned = []
    profiles = list(dict.fromkeys(request.profiles)) or [request.profile]
    for profile in profiles:
        for chapter, ids in targets:
            for seed in _seeds(request, chapter, ids, profile):
                parameters = settings.settle(
                    chapter,
                    profile=profile,
                    data=request.data,
                    seed=seed,
                    further=request.parameters,
                )
                parameters |= mutants.values(chapter.sheet, ids)
                place = (str(parameters["DATA"]), chapter.lessons)
                if place not in around:
                    around[place] = fingerprint.surroundings(data=place[0])
                source = documents.path_bytes(chapter.path)
                sheet = documents.path_bytes(chapter.lessons / f"{chapter.number}.toml")
                planned.append(
                    Job(
                        chapter=chapter,
                        parameters=parameters,
                        folder=_folder(request, chapter, parameters, ids, seed),
                        key=fingerprint.key(source, sheet, parameters, around[place], ids),
                        timeout=request.timeout,
                        tag=_tag(request, parameters, ids, seed),
                        mutants=ids,
                    )
                )
    if request.seeds:
        # All chapters of a seed, then those of the next: a run that is stopped leaves whole seeds.
        order = list(dict.fromkeys(job.parameters["PROFILE"] for job in planned))
        planned.sort(
            key=lambda job: (
                order.index(job.parameters["PROFILE"]),
                request.seeds.index(job.parameters["SEED"]),
            )
        )
    return planned


def _seeds(
    request: Request, chapter: Chapter, ids: Sequence[str], profile: str | None
) -> Sequence[int | None]:
    """The seeds of one chapter: those asked for, or five where one mutated run cannot decide."""
    if ids:
        profile = profile or str(chapter.parameters["PROFILE"])
        case = f"{profile}/{request.data or chapter.parameters['DATA']}"
        several = [not _one_run_decides(chapter, id, case) for id in ids]
        if any(several) and request.seed is None and not request.seeds:
            return mutants.SEEDS
    return request.seeds or [request.seed]


def _one_run_decides(chapter: Chapter, id: str, case: str) -> bool:
    """Whether one mutated run can contradict a claim; refuses what could show nothing."""
    claim = chapter.sheet.claims[id]
    where = f"mutant {chapter.number}:{id}"
    if case.startswith("smoke/"):
        raise InputError(f"{where}: expected a profile that judges, received smoke: use quick")
    threshold = claim.threshold(case.partition("/")[2])
    if threshold is None:
        raise InputError(f"{where}: expected {claim.only} data, received {case}: choose --data")
    known = lessons.read_evidence(chapter.lessons / lessons.EVIDENCE).get(chapter.number, {})
    facts = known.get("claims", {}).get(id, {}).get(case)
    kept = lessons.kept_of(facts) if facts else None
    if kept is None or len(kept.seeds) < 2:
        raise InputError(
            f"{where}: expected kept seeds for {case}, received none: measure the chapter first, "
            "`course run --seeds 0-9`, then `course claims … --update`"
        )
    expected = claims.expected_range(kept.seeds.values(), kept.standard_error, claim.resolution)
    return mutants.one_run_decides(expected, threshold)


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


def _target(wish: str, found: Sequence[Chapter]) -> tuple[Chapter, tuple[str, ...]]:
    """The chapter and the claims that a `--mutant` means."""
    name, colon, ids = wish.strip().rpartition(":")
    among = chapters.select(found, [name]) if colon else found
    holders = [_holder(id, wish, among) for id in ids.split("+")]
    if len({chapter.stem for chapter in holders}) > 1:
        raise InputError(f"expected claims of one chapter around +, received {wish!r}: use commas")
    return holders[0], tuple(dict.fromkeys(ids.split("+")))


def _holder(claim: str, wish: str, among: Sequence[Chapter]) -> Chapter:
    """The chapter that has a claim."""
    holders = [chapter for chapter in among if claim in chapter.sheet.claims]
    if len(holders) > 1:
        where = " or ".join(f"{chapter.number}:{claim}" for chapter in holders)
        raise InputError(f"expected CHAPTER:ID, received {wish!r}, which may be {where}")
    if not holders:
        known = [f"{chapter.number}:{c.id}" for chapter in among for c in chapter.claims]
        bare = {text.partition(":")[2]: text for text in reversed(known)}
        near = difflib.get_close_matches(claim, bare, n=1, cutoff=0.4)
        hint = f": did you mean {bare[near[0]]}?" if near else f": choose from {_list(known)}"
        raise InputError(f"expected a claim with its mutant, received {wish!r}{hint}")
    return holders[0]


def _folder(
    request: Request,
    chapter: Chapter,
    parameters: Mapping[str, object],
    ids: Sequence[str],
    seed: int | None,
) -> Path:
    default = "mutants" if ids else f"{parameters['PROFILE']}-{parameters['DATA']}"
    folder = request.out or Path("runs") / default
    if len(set(request.profiles)) > 1 and (request.out or ids):
        folder = folder / str(parameters["PROFILE"])
    if ids:
        # A folder of its own, also inside a given one: a mutated run never replaces a good one.
        name = "+".join(ids)
        if len(name) > 60:
            # File systems allow 255 bytes, and a person reads less.
            name = f"{ids[0]}+{hashlib.sha256(name.encode()).hexdigest()[:8]}"
        folder = folder / f"{chapter.number}-{name}"
    if request.seeds or (ids and seed is not None and seed != request.seed):
        folder = folder / f"seed-{parameters['SEED']}"
    return folder.absolute()


def _tag(
    request: Request, parameters: Mapping[str, object], ids: Sequence[str], seed: int | None
) -> str:
    parts = [str(parameters["PROFILE"])] if len(set(request.profiles)) > 1 else []
    if request.seeds or (ids and seed is not None and seed != request.seed):
        parts.append(f"seed {parameters['SEED']}")
    parts += [f"mutant {'+'.join(ids)}"] if ids else []
    return " ".join(parts)


def _list(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
