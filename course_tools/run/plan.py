"""From what a user asked for to the jobs of a run; every mistake is found before anything runs.

A job and its outcome are plain values that can be sent to another machine. Papermill only warns of
a parameter that a notebook does not have, and injects a text where the notebook means a number;
here both are errors.
"""

import ast
import difflib
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from course_tools.notebooks import chapters, documents, mutants
from course_tools.notebooks.chapters import Chapter
from course_tools.run import fingerprint
from course_utils import claims, lessons, session
from course_utils.errors import InputError

__all__ = ["STANDARD", "Job", "Outcome", "Progress", "Reason", "Request", "Run", "jobs", "seeds",
           "settle"]  # fmt: skip

# The parameters that every chapter has and every run settles.
STANDARD = ("PROFILE", "DATA", "SEED")
_MOST_SEEDS = 1000


@dataclass(frozen=True)
class Job:
    """One chapter to execute in one way."""

    chapter: Chapter
    parameters: Mapping[str, object]  # every name and value to inject, STANDARD among them
    folder: Path  # where the executed notebook goes, under the name of its source
    key: str = ""  # of `fingerprint`; a finished notebook that holds it is not executed again
    timeout: int = 900  # seconds that one cell may take
    tag: str = ""  # what tells this job from another of the same chapter, such as "seed 3"
    mutants: tuple[str, ...] = ()  # ids of the claims whose mutants are applied, all in one run
    device: str = ""  # what it must be computed on: "GPU", "cluster", or "" for what is here

    @property
    def label(self) -> str:
        """The chapter's number and name, and the tag, for people."""
        return f"{self.chapter.number} {self.chapter.name}" + (f" {self.tag}" if self.tag else "")

    @property
    def notebook(self) -> Path:
        """The executed notebook, once it is there."""
        return self.folder / f"{self.chapter.stem}.ipynb"

    @property
    def case(self) -> str:
        """The profile and the data, as evidence names them."""
        return f"{self.parameters['PROFILE']}/{self.parameters['DATA']}"

    @property
    def overridden(self) -> dict[str, object]:
        """The parameters that have other values than the sheet and the mutants give them."""
        usual = self.chapter.sheet.values(*self.case.split("/"))
        usual |= mutants.values(self.chapter.sheet, self.mutants)
        return {
            name: self.parameters.get(name)
            for name, value in usual.items()
            if self.parameters.get(name) != value
        }


@dataclass(frozen=True)
class Reason:
    """One thing that makes a chapter red."""

    text: str
    where: str = ""  # the cell, such as `cell 7 (id 3f2a)`; "" for the chapter as a whole
    users: bool = False  # whether the user can mend it (missing data, say)

    def __str__(self) -> str:
        """Return cell and text, in one line."""
        line = f"{self.where}: {self.text}" if self.where else self.text
        return " ".join(line.split())


@dataclass(frozen=True)
class Outcome:
    """What came of a job."""

    job: Job
    reasons: tuple[Reason, ...] = ()  # what makes it red; empty when all is well
    notes: tuple[str, ...] = ()  # what a reader should know besides
    seconds: float = 0.0
    peak_mb: float = 0.0  # the most resident memory of the kernel and its children
    executed: int = 0  # code cells that ran to their end
    cells: int = 0  # code cells of the source that are not blank
    claims: tuple[dict[str, object], ...] = ()  # rows of claims.json
    exercises: tuple[dict[str, object], ...] = ()
    cached: bool = False  # whether an earlier execution was taken over

    @property
    def ok(self) -> bool:
        """Whether nothing makes it red."""
        return not self.reasons


@dataclass(frozen=True)
class Progress:
    """How far a job is."""

    job: Job
    done: int  # code cells
    cells: int  # code cells in all, with the one that papermill injects
    line: str  # the first line of the cell that begins


@dataclass(frozen=True)
class Run:
    """What came of a run; the outcomes lack the jobs that an interruption left undone."""

    outcomes: tuple[Outcome, ...]
    interrupted: bool = False

    @property
    def ok(self) -> bool:
        """Whether all was done and nothing is red."""
        return not self.interrupted and all(outcome.ok for outcome in self.outcomes)

    @property
    def exit_code(self) -> int:
        """0 when all is well, 130 after Ctrl-C, 2 when only the user can mend it, else 1."""
        if self.interrupted:
            return 130
        # What else is red in such a chapter follows from the cell that stopped it.
        red = [any(r.users for r in outcome.reasons) for outcome in self.outcomes if not outcome.ok]
        return 0 if not red else 2 if all(red) else 1


@dataclass(frozen=True)
class Request:
    """What a user asked for; what is None or empty is left to the chapters themselves."""

    notebooks: Path
    names: Sequence[str] = ()
    profile: str | None = None
    profiles: Sequence[str] = ()  # several, each in a folder of its own
    data: str | None = None
    seed: int | None = None
    seeds: Sequence[int] = ()  # several, each in a folder of its own
    # Each "CHAPTER:ID" or "ID", one job for each; or ids of one chapter joined by "+".
    mutants: Sequence[str] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)  # name to text as typed
    out: Path | None = None  # or a folder named after profile and data
    timeout: int = 900
    device: str = ""


def jobs(request: Request) -> list[Job]:
    """Settle what is to be executed, by folder and chapter; refuse what could show nothing."""
    if request.seed is not None and request.seeds:
        raise InputError("expected --seed or --seeds, received both: choose one")
    found = chapters.find(request.notebooks, request.names)
    targets = [_target(wish, found) for wish in request.mutants]
    targets = targets or [(chapter, ()) for chapter in found]
    # The same claim may be named in two ways.
    targets = list({(chapter.stem, ids): (chapter, ids) for chapter, ids in targets}.values())
    around: dict[str, str] = {}
    planned = []
    profiles = list(dict.fromkeys(request.profiles)) or [request.profile]
    for profile in profiles:
        for chapter, ids in targets:
            source = mutants.apply(documents.read(chapter.path), chapter.sheet, ids)
            for seed in _seeds(request, chapter, ids, profile):
                parameters = settle(
                    chapter,
                    profile=profile,
                    data=request.data,
                    seed=seed,
                    further=request.parameters,
                )
                parameters |= mutants.values(chapter.sheet, ids)
                data = str(parameters["DATA"])
                if data not in around:
                    around[data] = fingerprint.surroundings(data=data)
                folder, tag = _place(request, chapter, parameters, ids, seed)
                sheet = documents.path_bytes(chapter.lessons / f"{chapter.number}.toml")
                planned.append(
                    Job(
                        chapter=chapter,
                        parameters=parameters,
                        folder=folder,
                        key=fingerprint.key(
                            source, sheet, parameters, around[data], ids, device=request.device
                        ),
                        timeout=request.timeout,
                        tag=tag,
                        mutants=ids,
                        device=request.device,
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


def seeds(text: str) -> list[int]:
    """Read several seeds as a person types them, each once, in order.

    Example:
        >>> seeds("0-2,7")
        [0, 1, 2, 7]
    """
    found = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*([0-9]+)\s*(?:-\s*([0-9]+)\s*)?", part)
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


def settle(
    chapter: Chapter,
    *,
    profile: str | None = None,
    data: str | None = None,
    seed: int | None = None,
    further: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, object]:
    """The parameters to inject: the sheet's for a profile and data, and those that were typed."""
    own = chapter.parameters
    values = {name: own[name] for name in STANDARD if name in own}
    wishes = {"PROFILE": profile, "DATA": data, "SEED": seed}
    values |= {name: wish for name, wish in wishes.items() if wish is not None}
    for name, allowed in (("PROFILE", lessons.PROFILES), ("DATA", lessons.DATA)):
        if values.get(name) not in allowed:
            raise InputError(
                f"chapter {chapter.number}: expected {name} to be one of {', '.join(allowed)}, "
                f"received {values.get(name)!r}"
            )
    values.setdefault("SEED", 0)
    values |= chapter.sheet.values(str(values["PROFILE"]), str(values["DATA"]))
    values |= {name: _typed(chapter, name, text) for name, text in further.items()}
    for name in STANDARD:
        if type(own.get(name, values[name])) is not type(values[name]):
            raise InputError(
                f"chapter {chapter.number}: expected {name} as {_kind(own[name])} like the "
                f"notebook's own {own[name]!r}, received {values[name]!r}"
            )
    return values


def _typed(chapter: Chapter, name: str, text: str) -> object:
    """The value that a text means for a parameter, of the type that the notebook gives it."""
    if name in STANDARD:
        raise InputError(f"expected --{name.lower()} for {name}, received -p {name} {text}")
    if name not in chapter.parameters:
        own = [known for known in chapter.parameters if known not in STANDARD]
        near = difflib.get_close_matches(name, own, n=1, cutoff=0.5)
        nearest = f" (the nearest is {near[0]})" if near else ""
        raise InputError(
            f"chapter {chapter.number} has no parameter {name}{nearest}: "
            f"it has {', '.join(own) or 'none of its own'}"
        )
    like = chapter.parameters[name]
    if isinstance(like, str):
        return text
    try:
        value = ast.literal_eval(text.strip().capitalize() if isinstance(like, bool) else text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        value = text
    if isinstance(like, float) and type(value) is int:
        value = float(value)
    # Papermill writes a tuple as a text; of what else it writes, the types stay.
    plain = isinstance(value, str | bool | int | float | list | dict | None)
    if not plain or (like is not None and type(value) is not type(like)):
        raise InputError(
            f"chapter {chapter.number}: expected {name} as {_kind(like)} like the notebook's own "
            f"{like!r}, received {text!r}"
        )
    return value


def _kind(value: object) -> str:
    names = {bool: "True or False", int: "a whole number", float: "a number", str: "a text"}
    return names.get(type(value), f"a {type(value).__name__}")


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
        choice = f": choose from {', '.join(known) or 'none'}"
        hint = f": did you mean {bare[near[0]]}?" if near else choice
        raise InputError(f"expected a claim with its mutant, received {wish!r}{hint}")
    return holders[0]


def _place(
    request: Request,
    chapter: Chapter,
    parameters: Mapping[str, object],
    ids: Sequence[str],
    seed: int | None,
) -> tuple[Path, str]:
    """The folder of a job, and what tells it from other jobs of its chapter."""
    profile = str(parameters["PROFILE"])
    folder = request.out or Path("runs") / ("mutants" if ids else f"{profile}-{parameters['DATA']}")
    several_profiles = len(set(request.profiles)) > 1
    several_seeds = request.seeds or (ids and seed is not None and seed != request.seed)
    tags = [profile] if several_profiles else []
    if several_profiles and (request.out or ids):
        folder = folder / profile
    if ids:
        # A folder of its own, also inside a given one: a mutated run never replaces a good one.
        name = "+".join(ids)
        if len(name) > 60:
            # File systems allow 255 bytes, and a person reads less.
            name = f"{ids[0]}+{hashlib.sha256(name.encode()).hexdigest()[:8]}"
        folder = folder / f"{chapter.number}-{name}"
    if several_seeds:
        folder = folder / f"seed-{parameters['SEED']}"
        tags.append(f"seed {parameters['SEED']}")
    if ids:
        tags.append(f"mutant {'+'.join(ids)}")
    return folder.absolute(), " ".join(tags)
