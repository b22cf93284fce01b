"""A built folder of pages looked over: links, pictures, and that nothing comes from elsewhere."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from course_tools.publish.tags import Tags

__all__ = ["faults"]

# Pages that the theme makes and that hold no text of ours, only lists of links.
_INDEXES = {"genindex.html", "py-modindex.html"}


def faults(folder: Path) -> list[str]:
    """What is wrong with a folder of HTML pages.

    Args:
        folder: of the site or the decks.

    Returns:
        One line a fault: a link or picture that leads nowhere, a picture without alt, blocks that
        do not match, something that a browser would ask another host for; each with its page.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "a.html").write_text('<img src="b.png" alt="b"><a href="#top">up</a>')
        >>> faults(folder)
        ['a.html: <img> leads to b.png, which is not there', 'a.html: <a> leads to #top, which is \
not there']
    """
    pages = {path: Tags(path.read_text("utf-8")) for path in sorted(folder.rglob("*.html"))}
    anchors = {path: _anchors(tags) for path, tags in pages.items()}
    found = []
    for path, tags in pages.items():
        name = path.relative_to(folder).as_posix()
        for text in (*tags.from_elsewhere(), *tags.without_text()):
            found.append(f"{name}: {text}")
        if tags.open_blocks:
            found.append(f"{name}: <div> and </div> do not match")
        if path.name not in _INDEXES:
            found += [f"{name}: {text}" for text in _broken(path, tags, anchors)]
    return found


def _anchors(tags: Tags) -> set[str]:
    return {
        str(attributes[key])
        for _, attributes in tags.tags
        for key in ("id", "name")
        if attributes.get(key)
    }


def _broken(path: Path, tags: Tags, anchors: dict[Path, set[str]]) -> Iterator[str]:
    links = [("a", str(a["href"])) for tag, a in tags.tags if tag == "a" and a.get("href")]
    for tag, address in dict.fromkeys([*tags.loaded(), *links]):
        parts = urlsplit(address)
        if parts.scheme or parts.netloc or re.match(r"\{|\$", address):
            continue
        target = path
        if parts.path:
            target = Path(os.path.normpath(path.parent / unquote(parts.path)))
        missing = not target.is_file()
        if not missing and tag == "a" and parts.fragment and target in anchors:
            # The empty fragment and reveal's addresses of slides are made by scripts.
            spellings = {parts.fragment, unquote(parts.fragment)}
            missing = not parts.fragment.startswith("/") and not spellings & anchors[target]
        if missing:
            yield f"<{tag}> leads to {address}, which is not there"
