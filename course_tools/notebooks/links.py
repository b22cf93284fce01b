"""Links and images of a Markdown cell, found where a reader would see them.

What stands in code and in formulas is not a link: `f[0](x)` and $f[0](x)$ are passed over.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

_HIDDEN = re.compile(
    r"^(?P<fence>```+|~~~+).*?^(?P=fence)[`~]*\s*$"  # fenced code
    r"|(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)"  # code in a line
    r"|\$\$.+?\$\$"  # formula on its own
    r"|(?<![\\$])\$(?!\s)[^$\n]+?(?<!\s)\$(?!\d)"  # formula in a line
    r"|<!--.*?-->",
    re.MULTILINE | re.DOTALL,
)
_INLINE = re.compile(
    r"(?P<bang>!?)\[(?P<text>(?:[^\[\]]|\[[^\[\]]*\](?:\([^()]*\))?)*)\]"
    r"\(\s*(?P<target><[^<>\n]*>|[^()\s]*(?:\([^()\s]*\)[^()\s]*)*)"
    r"(?:\s+(?:\"[^\"]*\"|'[^']*'))?\s*\)"
)
_DEFINITION = re.compile(r"^ {0,3}\[(?P<text>[^\]\n]+)\]: *(?P<target>\S+)", re.MULTILINE)
_AUTOLINK = re.compile(r"<(?P<target>https?://[^<>\s]*)>")
_HTML = re.compile(
    r"<(?P<tag>a|img)\b(?P<attributes>[^>]*)>(?:(?P<text>[^<]*)</a>)?", re.IGNORECASE
)
_ATTRIBUTE = re.compile(
    r"(?P<name>[\w-]+)\s*=\s*(?P<quote>[\"'])(?P<value>.*?)(?P=quote)", re.DOTALL
)


@dataclass(frozen=True)
class Link:
    """One link or image.

    Attributes:
        target: where it leads, as written.
        text: what a reader sees; for an image the text that stands for it.
        image: whether it is an image.
        start: where `target` begins in the source.
    """

    target: str
    text: str
    image: bool
    start: int

    @property
    def path(self) -> str:
        """The path of a target inside the course, unquoted; "" when it leads elsewhere.

        Example:
            >>> Link("images/a%20b.png#top", "a b", True, 0).path
            'images/a b.png'
        """
        parts = split(self.target)
        return "" if parts is None or parts.scheme or parts.netloc else unquote(parts.path)


def split(target: str):
    """Split a target into its parts.

    Args:
        target: as written.

    Returns:
        What `urllib.parse.urlsplit` returns; None for a target that is no address.

    Example:
        >>> split("https://keras.io/api#top").netloc
        'keras.io'
    """
    try:
        return urlsplit(target)
    except ValueError:
        return None


def visible(markdown: str) -> str:
    """Blank out code, formulas and comments; every other character keeps its place.

    Args:
        markdown: the source of a cell.

    Returns:
        A string of the same length.

    Example:
        >>> visible("see `a[0](b)` there")
        'see           there'
    """
    return _HIDDEN.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), markdown)


def find(markdown: str) -> list[Link]:
    """Find the links and images of a Markdown cell.

    Args:
        markdown: the source of the cell.

    Returns:
        The links, in the order of the source.

    Example:
        >>> [(link.text, link.target) for link in find("[Keras](https://keras.io) ![a](b.png)")]
        [('Keras', 'https://keras.io'), ('a', 'b.png')]
    """
    seen = visible(markdown)
    found = []
    pending = [(seen, 0)]
    while pending:
        text, offset = pending.pop()
        for match in _INLINE.finditer(text):
            target, start = match["target"], offset + match.start("target")
            if target.startswith("<"):
                target, start = target[1:-1], start + 1
            found.append(Link(target, match["text"], bool(match["bang"]), start))
            # An image may stand inside a link's text.
            pending.append((match["text"], offset + match.start("text")))
    for match in _DEFINITION.finditer(seen):
        found.append(Link(match["target"], match["text"], False, match.start("target")))
    for match in _AUTOLINK.finditer(seen):
        found.append(Link(match["target"], match["target"], False, match.start("target")))
    for match in _HTML.finditer(seen):
        found += _of_tag(match)
    return sorted(found, key=lambda link: link.start)


def replace(markdown: str, new_target: Callable[[Link], str]) -> str:
    """Return the cell with its links leading elsewhere.

    Args:
        markdown: the source of the cell.
        new_target: gives the new target of a link.

    Returns:
        The source; all but the targets as it was.

    Example:
        >>> replace("[a](x.md) and `[a](x.md)`", lambda link: "y.md")
        '[a](y.md) and `[a](x.md)`'
    """
    for link in reversed(find(markdown)):
        end = link.start + len(link.target)
        markdown = markdown[: link.start] + new_target(link) + markdown[end:]
    return markdown


def malformed(markdown: str) -> list[str]:
    """Find what looks like a link and is none, so that a reader would see its brackets.

    Args:
        markdown: the source of the cell.

    Returns:
        The places, each as a short piece of text.

    Example:
        >>> malformed("[Keras](https://keras.io")
        ['](https://keras.io']
    """
    seen = visible(markdown)
    whole = [match.span() for match in _INLINE.finditer(seen)]
    return [
        seen[match.start() : match.start() + 30].partition("\n")[0]
        for match in re.finditer(r"\]\(", seen)
        if not any(start <= match.start() < end for start, end in whole)
    ]


def _of_tag(match: re.Match) -> list[Link]:
    image = match["tag"].lower() == "img"
    attributes = {}
    for attribute in _ATTRIBUTE.finditer(match["attributes"]):
        start = match.start("attributes") + attribute.start("value")
        attributes[attribute["name"].lower()] = (attribute["value"], start)
    where = attributes.get("src" if image else "href")
    if where is None:
        return []
    text = attributes.get("alt", ("", 0))[0] if image else match["text"] or ""
    return [Link(where[0], text, image, where[1])]
