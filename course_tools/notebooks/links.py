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
_AUTOLINK = re.compile(r"<(?P<target>(?P<text>https?://[^<>\s]*))>")
_TAG = re.compile(r"<(?P<tag>a|img)\b(?P<attributes>[^>]*)>(?:(?P<text>[^<]*)</a>)?", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"(?P<name>[\w-]+)\s*=\s*(?P<quote>[\"'])(?P<value>.*?)(?P=quote)", re.DOTALL
)


@dataclass(frozen=True)
class Link:
    """One link or image: where it leads, as written, and where that begins in the source.

    The text is what a reader sees; of an image, what stands for it.
    """

    target: str
    text: str
    image: bool
    start: int

    @property
    def path(self) -> str:
        """The path of a target inside the course, unquoted; "" when it leads elsewhere."""
        try:
            parts = urlsplit(self.target)
        except ValueError:
            return ""
        return "" if parts.scheme or parts.netloc else unquote(parts.path)


def visible(markdown: str) -> str:
    """Blank out code, formulas and comments; every other character keeps its place."""
    return _HIDDEN.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), markdown)


def find(markdown: str) -> list[Link]:
    """The links and images of a Markdown cell, in the order of the source."""
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
    for pattern in (_DEFINITION, _AUTOLINK):
        for match in pattern.finditer(seen):
            found.append(Link(match["target"], match["text"], False, match.start("target")))
    for match in _TAG.finditer(seen):
        image = match["tag"].lower() == "img"
        attributes = {each["name"].lower(): each for each in _ATTRIBUTE.finditer(match[0])}
        address = attributes.get("src" if image else "href")
        if address:
            text = attributes["alt"]["value"] if image and "alt" in attributes else match["text"]
            start = match.start() + address.start("value")
            found.append(Link(address["value"], text or "", image, start))
    return sorted(found, key=lambda link: link.start)


def replace(markdown: str, new_target: Callable[[Link], str]) -> str:
    """The cell with its links leading elsewhere, and all else as it was."""
    for link in reversed(find(markdown)):
        end = link.start + len(link.target)
        markdown = markdown[: link.start] + new_target(link) + markdown[end:]
    return markdown
