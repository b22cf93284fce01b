"""Begin a notebook: the values of its parameters, seeds, quiet logs, and one line about them.

`course run` and papermill inject parameters below the notebook's own cell. Where there is no
command line (JupyterLab, Colab), changing `PROFILE` or `DATA` in that cell is enough: each name
that still holds its value for `quick` gets the one that the chapter's sheet has for the new choice.
"""

from __future__ import annotations

import copy
import html
import logging
import platform
import random
import warnings
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import course_utils
from course_utils import lessons, showing, tensorflow_device
from course_utils.errors import InputError

__all__ = ["LAST_SEED", "MIME", "SETTLED", "Course", "begin", "current"]

LAST_SEED = 2**32 - 1  # NumPy's older generator takes no larger one
MIME = "application/vnd.course.session+json"
# Injected by `course run`, which has settled every parameter already, also one that was given the
# value that it has in `quick`.
SETTLED = "PARAMETERS_SETTLED"


@dataclass(frozen=True)
class Course:
    """What this run of a chapter is.

    Attributes:
        chapter: its number, "00".
        profile: "smoke" (does it run), "quick" (a laptop), "full" (a GPU).
        data: "embedded" (drawn by the course) or "real" (downloaded images).
        seed: every random draw of the chapter follows from it.
        device: what TensorFlow computes on, in words.
        versions: name to version.
        expected: the sheet's value of each parameter for this profile and data.
        set_here: parameters that `begin` gave the sheet's value.
    """

    chapter: str
    profile: str
    data: str
    seed: int
    device: str = "not asked for"
    versions: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    expected: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    set_here: tuple[str, ...] = ()
    _namespace: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def changed(self) -> dict[str, tuple[Any, Any]]:
        """Parameters that hold another value than the sheet's: name to (value, the sheet's)."""
        found = {name: (self._namespace.get(name), value) for name, value in self.expected.items()}
        return {name: pair for name, pair in found.items() if pair[0] != pair[1]}

    def _line(self) -> str:
        parts = [
            f"profile {self.profile}",
            f"data {self.data}",
            f"seed {self.seed}",
            self.device,
            ", ".join(f"{name} {version}" for name, version in self.versions.items()),
        ]
        if self.set_here:
            values = ", ".join(f"{name} = {self.expected[name]!r}" for name in self.set_here)
            parts.append(f"set for {self.profile} on {self.data} data: {values}")
        return f"Chapter {self.chapter} · " + " · ".join(parts)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        record = {
            "chapter": self.chapter,
            "profile": self.profile,
            "data": self.data,
            "seed": self.seed,
            "device": self.device,
            "versions": dict(self.versions),
        }
        line = self._line()
        return {
            MIME: record,
            "text/plain": line,
            "text/html": f'<p style="font-size:90%;opacity:.85">{html.escape(line)}</p>',
        }


_current: Course | None = None


def begin(chapter: str, namespace: MutableMapping[str, Any], *, tensorflow: bool = True) -> Course:
    """Settle the parameters, seed every generator, load TensorFlow quietly, show one line.

    Args:
        chapter: its number, "00".
        namespace: `globals()` of the notebook, with `PROFILE`, `DATA`, `SEED` and the parameters
            of the chapter's sheet. A parameter that still holds its value for `quick` on embedded
            data gets the sheet's value for the profile and data that are chosen.
        tensorflow: False for a chapter that computes nothing with it, to begin sooner.

    Returns:
        What this run is; also shown as one line under the cell.

    Raises:
        InputError: a parameter is missing, or `PROFILE`, `DATA` or `SEED` is none of its values.

    Example:
        >>> cell = {"PROFILE": "smoke", "DATA": "embedded", "SEED": 0, "BATCH_SIZE": 32}
        >>> cell |= lessons.sheet("00").values("quick", "embedded")
        >>> _ = begin("00", cell, tensorflow=False)
        Chapter 00 · profile smoke · data embedded · seed 0 · ...
        >>> cell["EPOCHS"]
        1
    """
    sheet = lessons.sheet(chapter)
    for name in ("PROFILE", "DATA", "SEED", *sheet.parameters):
        if name not in namespace:
            raise InputError(
                f"expected {name} among the parameters of chapter {chapter}, received none: run "
                "the parameters cell first, and pass globals()"
            )
    profile, data, seed = (namespace[name] for name in ("PROFILE", "DATA", "SEED"))
    for name, allowed in (("PROFILE", lessons.PROFILES), ("DATA", lessons.DATA)):
        if namespace[name] not in allowed:
            raise InputError(
                f"expected {name} to be one of {', '.join(allowed)}, received {namespace[name]!r}"
            )
    from course_utils import checks  # not at the top, as it loads NumPy

    seed = checks.whole("SEED", seed, least=0, most=LAST_SEED)
    usual, expected = sheet.values("quick", "embedded"), sheet.values(profile, data)
    set_here = []
    for name, value in () if namespace.get(SETTLED) else expected.items():
        if namespace[name] == usual[name] and value != usual[name]:
            namespace[name] = copy.deepcopy(value)
            set_here.append(name)

    versions = {"Python": platform.python_version(), "course_utils": course_utils.__version__}
    device = "no TensorFlow in this chapter"
    # On a new machine, Matplotlib says once on standard error that it lists the fonts.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    # scikit-image loads pooch, pooch loads tqdm, and that asks for widgets that nothing here shows.
    warnings.filterwarnings("ignore", message="IProgress not found")
    random.seed(seed)
    if tensorflow:
        device, tensorflow_versions = tensorflow_device.start(seed)
        versions |= tensorflow_versions

    import numpy

    numpy.random.seed(seed)
    versions["NumPy"] = numpy.__version__

    global _current
    _current = Course(
        chapter=chapter,
        profile=profile,
        data=data,
        seed=seed,
        device=device,
        versions=MappingProxyType(versions),
        expected=MappingProxyType(expected),
        set_here=tuple(set_here),
        _namespace=namespace,
    )
    showing.show(_current._repr_mimebundle_())
    return _current


def current() -> Course:
    """The run of the notebook that has begun; an InputError before that."""
    if _current is None:
        raise InputError(
            "expected the notebook to have begun, received none: run its set-up cell first "
            "(the one with `session.begin`)"
        )
    return _current
