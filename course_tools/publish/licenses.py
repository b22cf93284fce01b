"""The licenses that travel with what is handed out: the course's own, and those of others' files.

Nothing is written down here that could be wrong tomorrow: names, versions and licenses are read
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

__all__ = ["LICENSE", "Part", "beside", "named", "notice", "of_decks", "of_pages"]

LICENSE = "LICENSE"
# Packages whose scripts and styles Sphinx copies into every site.
_PACKAGES = ("sphinx", "pydata-sphinx-theme", "sphinx-book-theme", "myst-nb")


@dataclass(frozen=True)
class Part:
    """Files of somebody else that are handed on: name with version, license, and its text."""

    name: str
    license: str
    text: str


def beside(source: Path) -> dict[str, bytes]:
    """The license of a folder of chapters: LICENSE in it or in the folder above; {} without one."""
    for place in (source / LICENSE, source.absolute().parent / LICENSE):
        if place.is_file():
            return {LICENSE: documents.path_bytes(place)}
    return {}


def named(notebook: NotebookNode, source: Path) -> NotebookNode:
    """Let a copy say its license, for it may travel alone: the first paragraph of LICENSE."""
    for text in beside(source).values():
        paragraph = re.split(r"\n\s*\n", text.decode("utf-8").strip())[0]
        notebook.metadata["license"] = " ".join(paragraph.split())
    return notebook


def of_decks(mathjax: Path, reveal: Path) -> list[Part]:
    """What a deck carries of others: MathJax, reveal.js, and the fonts."""
    try:
        about = json.loads((mathjax.parents[1] / "package.json").read_text("utf-8"))
        head = (reveal / "dist" / "reveal.js").read_text("utf-8")[:300]
        said = re.search(r"reveal\.js ([\d.]+).*?(\w+) licensed", head, re.DOTALL)
        name = "Source Sans Pro"
        folder = name.lower().replace(" ", "-")
        # Its first line is its name.
        font = (reveal / "dist/theme/fonts" / folder / LICENSE).read_text("utf-8").strip()
        own = (mathjax.parents[1] / LICENSE).read_text("utf-8")
        return [
            Part(f"MathJax {about['version']}", about["license"], own),
            Part(f"reveal.js {said[1]}", said[2], (reveal / LICENSE).read_text("utf-8")),
            Part(name, font.splitlines()[0], font),
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WorldError(
            f"expected MathJax and reveal.js with their licenses, received {error}: "
            "pip install --force-reinstall -e '.[publish]'"
        ) from error


def of_pages() -> list[Part]:
    """What a page of the site carries of others, besides what decks do."""
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
        kind = about.get("License-Expression") or (kinds or ["see below"])[0].split(" :: ")[-1]
        files = [file for file in package.files or () if "LICENSE" in file.name]
        texts = [file.read_text("utf-8") for file in files if ".dist-info" in str(file)]
        found.append(Part(f"{about['Name']} {package.version}", kind, "\n".join(texts)))
        for file in files:
            if file.name.endswith(".js.LICENSE.txt"):
                # A banner: "/*! Name v1.2 (address) … */".
                lines = [line.strip(" */!") for line in file.read_text("utf-8").splitlines()]
                lines = [line for line in lines if line]
                title = re.split(r" \(| by ", lines[0])[0]
                kind = next((line for line in lines if "icense" in line), "see below")
                found.append(Part(title, kind, "\n".join(lines)))
    return found


def notice(parts: Iterable[Part]) -> bytes:
    """The text of NOTICE: a list of what comes from others, then each license."""
    parts = list(parts)
    lines = ["Scripts, styles and fonts of others that are handed on here:", ""]
    lines += [f"- {part.name}: {part.license}" for part in parts]
    for part in parts:
        lines += ["", "", part.name, "=" * len(part.name), "", part.text.strip()]
    return ("\n".join(lines) + "\n").encode("utf-8")
