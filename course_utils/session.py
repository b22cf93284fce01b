"""Begin a notebook: what is asked for, seeds, quiet logs, and one line that says what won.

A setting comes from three places. The command line (papermill's injected cell) wins over the
environment (`COURSE_PROFILE`, `COURSE_DATA`, `COURSE_SEED`, `COURSE_SABOTAGE`), and the
environment over the value written in the notebook.
"""

from __future__ import annotations

import ast
import contextlib
import html
import logging
import os
import platform
import random
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar

import course_utils
from course_utils import showing, tensorflow_device
from course_utils.errors import InputError

__all__ = ["DATA", "LAST_SEED", "MIME", "PROFILES", "Course", "begin", "current"]

PROFILES = ("smoke", "quick", "full")
DATA = ("embedded", "real")
LAST_SEED = 2**32 - 1  # NumPy's older generator takes no larger one
MIME = "application/vnd.course.session+json"

Value = TypeVar("Value")


@dataclass(frozen=True)
class Course:
    """What this run of a chapter was asked to be.

    Attributes:
        chapter: two digits, "00".
        profile: "smoke" (does it run), "quick" (a laptop), "full" (a GPU).
        data: "embedded" (drawn by the course) or "real" (downloaded pictures).
        seed: every random draw of the chapter follows from it.
        sabotage: the claim that is broken on purpose, several joined by "+", or "".
        device: what TensorFlow computes on, in words.
        versions: name to version.
        origins: setting to where it came from: "notebook", "environment" or "command line".
    """

    chapter: str
    profile: str
    data: str
    seed: int
    sabotage: str = ""
    device: str = "not asked for"
    versions: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    origins: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def choose(self, *, smoke: Value, quick: Value, full: Value) -> Value:
        """The value for this run's profile: the one place where a run is made smaller.

        Example:
            >>> Course("00", "quick", "embedded", 0).choose(smoke=1, quick=5, full=20)
            5
        """
        return {"smoke": smoke, "quick": quick, "full": full}[self.profile]

    def source(self, *, embedded: Value, real: Value) -> Value:
        """The value for this run's data.

        Example:
            >>> Course("00", "quick", "real", 0).source(embedded="things", real="fashion_mnist")
            'fashion_mnist'
        """
        return {"embedded": embedded, "real": real}[self.data]

    def sabotaged(self, claim: str) -> bool:
        """Whether this run breaks `claim` on purpose, to show that the claim can fail.

        Example:
            >>> Course("00", "quick", "embedded", 0, sabotage="a+b").sabotaged("a")
            True
        """
        return claim in self.sabotage.split("+")

    def _line(self) -> str:
        def won(name: str) -> str:
            origin = self.origins.get(name, "notebook")
            return "" if origin == "notebook" else f" ({origin})"

        parts = [
            f"profile {self.profile}{won('PROFILE')}",
            f"data {self.data}{won('DATA')}",
            f"seed {self.seed}{won('SEED')}",
            self.device,
            ", ".join(f"{name} {version}" for name, version in self.versions.items()),
        ]
        if self.sabotage:
            parts.insert(3, f"SABOTAGED: {self.sabotage}{won('SABOTAGE')}")
        return f"Chapter {self.chapter} · " + " · ".join(parts)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        record = {
            "chapter": self.chapter,
            "profile": self.profile,
            "data": self.data,
            "seed": self.seed,
            "sabotage": self.sabotage,
            "device": self.device,
            "versions": dict(self.versions),
            "source": {name.lower(): origin for name, origin in self.origins.items()},
        }
        line = self._line()
        return {
            MIME: record,
            "text/plain": line,
            "text/html": f'<p style="font-size:90%;opacity:.85">{html.escape(line)}</p>',
        }


_current: Course | None = None


def begin(
    chapter: str,
    *,
    profile: str,
    data: str,
    seed: int,
    sabotage: str = "",
    tensorflow: bool = True,
) -> Course:
    """Settle the settings, seed every generator, load TensorFlow quietly, show one line.

    Args:
        chapter: two digits, "00".
        profile: the notebook's own `PROFILE`; the environment and the command line win over it.
        data: likewise `DATA`.
        seed: likewise `SEED`, 0 or more.
        sabotage: likewise `SABOTAGE`: the name of a claim to break, several joined by "+", or "".
        tensorflow: False for a chapter that computes nothing with it, to begin sooner.

    Returns:
        The course's settings for this run; also shown as one line under the cell.

    Raises:
        InputError: a setting is not one of its values.

    Example:
        >>> course = begin("00", profile="quick", data="embedded", seed=0, tensorflow=False)
        Chapter 00 · profile quick · data embedded · seed 0 · ...
        >>> course.choose(smoke=1, quick=5, full=20)
        5
    """
    injected = _injected_names()
    settings: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for name, own in (("PROFILE", profile), ("DATA", data), ("SEED", seed), ("SABOTAGE", sabotage)):
        variable = os.environ.get(f"COURSE_{name}")
        if name in injected:
            settings[name], origins[name] = own, "command line"
        elif variable is not None:
            settings[name], origins[name] = variable, f"environment, COURSE_{name}"
        else:
            settings[name], origins[name] = own, "notebook"
    if not isinstance(chapter, str) or len(chapter) != 2 or not chapter.isdigit():
        raise InputError(f'expected a chapter of two digits such as "00", received {chapter!r}')
    settings["SEED"] = _seed(settings["SEED"], origins["SEED"])
    for name, allowed in (("PROFILE", PROFILES), ("DATA", DATA)):
        if settings[name] not in allowed:
            raise InputError(
                f"expected {name} to be one of {', '.join(allowed)}, "
                f"received {settings[name]!r} from the {origins[name]}"
            )
    if not isinstance(settings["SABOTAGE"], str):
        raise InputError(
            "expected SABOTAGE to be the name of a claim or an empty text, "
            f"received {settings['SABOTAGE']!r} from the {origins['SABOTAGE']}"
        )

    versions = {"Python": platform.python_version(), "course_utils": course_utils.__version__}
    device = "no TensorFlow in this chapter"
    # On a new machine, Matplotlib says once on standard error that it lists the fonts.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    # scikit-image loads pooch, pooch loads tqdm, and that asks for widgets that nothing here shows.
    warnings.filterwarnings("ignore", message="IProgress not found")
    random.seed(settings["SEED"])
    if tensorflow:
        device, tensorflow_versions = tensorflow_device.start(settings["SEED"])
        versions |= tensorflow_versions

    import numpy

    numpy.random.seed(settings["SEED"])
    versions["NumPy"] = numpy.__version__

    global _current
    _current = Course(
        chapter=chapter,
        profile=settings["PROFILE"],
        data=settings["DATA"],
        seed=settings["SEED"],
        sabotage=settings["SABOTAGE"],
        device=device,
        versions=MappingProxyType(versions),
        origins=MappingProxyType(origins),
    )
    showing.show(_current._repr_mimebundle_())
    return _current


def current() -> Course:
    """The settings of the notebook that is running.

    Raises:
        InputError: no notebook has begun.

    Example:
        >>> _ = begin("01", profile="smoke", data="embedded", seed=3, tensorflow=False)
        Chapter 01 · profile smoke · data embedded · seed 3 · ...
        >>> current().seed
        3
    """
    if _current is None:
        raise InputError(
            "expected the notebook to have begun, received none: run its set-up cell first "
            "(the one with `session.begin`)"
        )
    return _current


def _seed(value: Any, origin: str) -> int:
    if isinstance(value, str) and value.strip().isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LAST_SEED:
        raise InputError(
            f"expected SEED to be a whole number from 0 to {LAST_SEED}, "
            f"received {value!r} from the {origin}"
        )
    return value


def _injected_names() -> set[str]:
    """Names that papermill set in its injected cell, found in the notebook's own history.

    Papermill leaves no other trace in a kernel: the cell begins with the comment "# Parameters".
    """
    shell = sys.modules.get("IPython") and sys.modules["IPython"].get_ipython()
    history = (shell.user_ns.get("In") or []) if shell else []
    names: set[str] = set()
    for source in history:
        if source.startswith("# Parameters\n"):
            with contextlib.suppress(SyntaxError):
                for node in ast.parse(source).body:
                    if isinstance(node, ast.Assign):
                        names |= {t.id for t in node.targets if isinstance(t, ast.Name)}
    return names
