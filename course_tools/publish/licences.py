"""The licences that travel with what is handed out: the course's own, and those of others' files.

Nothing is written down here that could be wrong tomorrow: names, versions and licences are read
from the files that are handed on, or from the installed packages that they come out of.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from nbformat import NotebookNode

from course_tools.notebooks import documents
from course_utils.errors import WorldError

__all__ = ["Part", "beside", "named", "notice", "of_decks", "of_pages"]

LICENCE = "LICENSE"
# Packages whose scripts and styles Sphinx copies into every site.
_PACKAGES = ("sphinx", "pydata-sphinx-theme", "sphinx-book-theme", "myst-nb")


@dataclass(frozen=True)
class Part:
    """Files of somebody else that are handed on.

    Attributes:
        name: with its version, as its own files say.
        licence: its short name, likewise.
        text: the licence.
    """

    name: str
    licence: str
    text: str


def beside(source: Path) -> dict[str, bytes]:
    """The licence of a folder of chapters: LICENSE in it or in the folder above; {} without one.

    Args:
        source: the folder of the chapters.

    Returns:
        Name to content.

    Example:
        >>> list(beside(Path("notebooks"))), beside(Path("no/such/folder"))
        (['LICENSE'], {})
    """
    for place in (source / LICENCE, source.absolute().parent / LICENCE):
        if place.is_file():
            return {LICENCE: documents.path_bytes(place)}
    return {}


def named(notebook: NotebookNode, source: Path) -> NotebookNode:
    """Let a copy say its licence, for it may travel alone: the first paragraph of LICENSE.

    Args:
        notebook: the copy; its metadata are changed.
        source: the folder of the chapters.

    Returns:
        The notebook.
    """
    for text in beside(source).values():
        paragraph = re.split(r"\n\s*\n", text.decode("utf-8").strip())[0]
        notebook.metadata["license"] = " ".join(paragraph.split())
    return notebook


def of_decks(script: Path, reveal: Path) -> list[Part]:
    """What a deck carries of others.

    Args:
        script: MathJax, from `site.mathjax`.
        reveal: the folder of reveal.js.

    Returns:
        One each for MathJax, reveal.js, and the fonts.

    Raises:
        WorldError: a file that names version or licence is not there.
    """
    font = reveal / "dist" / "theme" / "fonts" / "source-sans-pro" / LICENCE
    try:
        about = json.loads((script.parents[1] / "package.json").read_text("utf-8"))
        head = (reveal / "dist" / "reveal.js").read_text("utf-8")[:300]
        said = re.search(r"reveal\.js ([\d.]+).*?(\w+) licensed", head, re.DOTALL)
        return [
            Part(
                f"MathJax {about['version']}",
                about["license"],
                (script.parents[1] / LICENCE).read_text("utf-8"),
            ),
            Part(f"reveal.js {said[1]}", said[2], (reveal / LICENCE).read_text("utf-8")),
            Part("Source Sans Pro", *_headed(font.read_text("utf-8"))),
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WorldError(
            f"expected MathJax and reveal.js with their licences, received {error}: "
            "pip install --force-reinstall -e '.[publish]'"
        ) from error


def of_pages() -> list[Part]:
    """What a page of the site carries of others, besides what decks do.

    Raises:
        WorldError: a package of the extra `publish` is missing.
    """
    found = []
    for name in _PACKAGES:
        try:
            package = metadata.distribution(name)
        except metadata.PackageNotFoundError as error:
            raise WorldError(
                f"expected {name}, it is not installed: pip install -e '.[publish]'"
            ) from error
        about = package.metadata
        kinds = [c for c in about.get_all("Classifier") or () if c.startswith("License")]
        licence = about.get("License-Expression") or (kinds or ["see below"])[0].split(" :: ")[-1]
        files = [file for file in package.files or () if "LICENSE" in file.name]
        own = [file for file in files if ".dist-info" in str(file)]
        texts = [file.read_text("utf-8") for file in own]
        found.append(Part(f"{about['Name']} {package.version}", licence, "\n".join(texts)))
        for file in files:
            if file.name.endswith(".js.LICENSE.txt"):
                # A banner: "/*! Name v1.2 (address) … */".
                text = file.read_text("utf-8")
                lines = [line.strip(" */!") for line in text.splitlines()]
                lines = [line for line in lines if line]
                title = re.split(r" \(| by ", lines[0])[0]
                kind = next((line for line in lines if "icense" in line), "see below")
                found.append(Part(title, kind, "\n".join(lines)))
    return found


def notice(parts: Iterable[Part]) -> bytes:
    """The text of NOTICE: a list of what comes from others, then each licence.

    Example:
        >>> print(notice([Part("A 1.0", "MIT", "Do what you like.")]).decode().splitlines()[2])
        - A 1.0: MIT
    """
    parts = list(parts)
    lines = ["Scripts, styles and fonts of others that are handed on here:", ""]
    lines += [f"- {part.name}: {part.licence}" for part in parts]
    for part in parts:
        lines += ["", "", part.name, "=" * len(part.name), "", part.text.strip()]
    return ("\n".join(lines) + "\n").encode("utf-8")


def _headed(text: str) -> tuple[str, str]:
    """A licence whose first line is its name, and its text."""
    return text.strip().splitlines()[0].strip(), text
