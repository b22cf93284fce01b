"""The tags of a page, and what a browser would load for them.

What counts is whether an address of another host can be loaded, not which function would do it: in
a script, a style or an attribute, any such address is told, and only what leads somewhere when a
reader asks for it, or is read aloud, may hold one.
"""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

__all__ = ["Tags", "is_far"]

# Attributes whose address a browser loads with the page: (tag, attribute).
_LOADED = {
    *((tag, "src") for tag in ("script", "img", "iframe", "source", "video", "audio", "embed")),
    *(("track", "src"), ("input", "src"), ("video", "poster"), ("object", "data")),
    *((tag, "href") for tag in ("link", "image", "use", "feimage")),
    *((tag, "xlink:href") for tag in ("image", "use", "feimage", "script")),
    ("script", "href"),
}
# A link that a browser follows only when asked, or that loads nothing.
_NOT_LOADED = {"canonical", "next", "prev", "search", "author", "license", "alternate", "index"}
# Attributes that may name another host: followed when a reader asks, read aloud, or mere names.
_HARMLESS = {"alt", "title", "cite", "content", "placeholder", "aria-label", "aria-description"}
_FOLLOWED = {("a", "href"), ("area", "href"), ("a", "xlink:href")}
# Names of languages that look like addresses, and that no browser asks for.
_NAMES = re.compile(
    r"http://www\.w3\.org/(?:2000/svg|1999/xhtml|1999/xlink|1998/Math/MathML|XML/1998/namespace)"
    r"(?![\w/])"
)
_START = re.compile(r"^(?:(?:https?|wss?|ftp):)?[/\\]{2}", re.IGNORECASE)
# A scheme anywhere; or, where a text or an address begins, two slashes and a host's name.
_FAR = re.compile(
    r"(?:https?|wss?|ftp):(?:\\?/|\\\\){2}[^\s\"'`)]*"
    r"|(?<=[\"'`(,=]) *(?:\\?/){2}[\w-]+(?:\.[\w-]+)+[^\s\"'`)]*",
    re.IGNORECASE,
)
_BLANK = re.compile(r"[\t\n\r]")


def is_far(address: str) -> bool:
    """Whether an address, as an attribute holds it, is that of another host.

    Example:
        >>> is_far("//cdn.example.org/a.js"), is_far("a.js"), is_far("data:image/png;base64,AA")
        (True, False, False)
    """
    # As browsers do, which pass over what stands before an address and line ends within it.
    return bool(_START.match(_BLANK.sub("", address).strip()))


class Tags(HTMLParser):
    """The tags of a page and what stands in its scripts and styles.

    Attributes:
        tags: name and attributes of each opening tag.
        code: the texts of scripts and styles.
        open_blocks: `<div>` that were not closed; below 0, closed and not opened.

    Example:
        >>> Tags('<img src="a.png" alt="A cat.">').tags
        [('img', {'src': 'a.png', 'alt': 'A cat.'})]
    """

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.code: list[str] = []
        self.open_blocks = 0
        self._inside = ""
        # The drawings that are open, innermost last: their tag, and whether a name was seen.
        self._drawings: list[list] = []
        self._unnamed: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        given = dict(attributes)
        self.tags.append((tag, given))
        self.open_blocks += tag == "div"
        self._inside = tag
        if tag in ("canvas", "svg"):
            self._drawings.append([tag, bool(self._drawings) or _named(given)])
        elif given.get("role") == "img" and tag != "img" and not _named(given):
            self._unnamed.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Note that a script or style ends, a block, or a drawing."""
        self.open_blocks -= tag == "div"
        self._inside = ""
        if self._drawings and self._drawings[-1][0] == tag:
            drawing, named = self._drawings.pop()
            if not named:
                self._unnamed.append(drawing)

    def handle_data(self, data: str) -> None:
        """Keep what stands in a script or style, and note the name of a drawing."""
        if self._inside in ("script", "style"):
            self.code.append(data)
        elif data.strip() and self._drawings:
            # The text inside of <canvas> stands for it; of <svg>, that in its <title>.
            drawing = self._drawings[-1]
            drawing[1] |= drawing[0] == "canvas" or self._inside == "title"

    def loaded(self) -> Iterator[tuple[str, str]]:
        """Pairs of tag and address of all that a browser loads with the page."""
        for tag, attributes in self.tags:
            for name, value in attributes.items():
                if not value or (tag, name) not in _LOADED or value.startswith("#"):
                    continue
                if tag == "link" and _words(attributes.get("rel")) <= _NOT_LOADED:
                    continue
                yield tag, value

    def from_elsewhere(self) -> Iterator[str]:
        """What a browser would ask another host for, or could."""
        for tag, attributes in self.tags:
            # Markdown's <https://keras.io/> is a link, and no tag.
            for name, value in attributes.items() if not tag.endswith(":") else ():
                yield from (f"<{tag}> {text}" for text in _far(tag, name, value, attributes))
        for text in self.code:
            for address in _addresses(text):
                yield f"code that loads {address[:80]}, or could"

    def without_text(self, *, ornament: bool = True) -> Iterator[str]:
        """Pictures without a text that stands for them.

        Args:
            ornament: let `alt=""` pass, which marks a picture as mere ornament.
        """
        for tag, attributes in self.tags:
            picture = tag == "img" or (tag == "input" and attributes.get("type") == "image")
            alt = attributes.get("alt")
            if picture and (alt is None or not (alt.strip() or ornament)):
                yield f"a picture without alt ({(attributes.get('src') or '')[:60]})"

    def without_name(self) -> Iterator[str]:
        """Drawings that nobody can hear of: `<canvas>`, `<svg>`, and what says `role="img"`."""
        left = [tag for tag, named in self._drawings if not named]
        for tag in (*self._unnamed, *left):
            yield f"a drawing without a name (<{tag}>): give it aria-label, or aria-hidden"


def _named(attributes: dict[str, str | None]) -> bool:
    """Whether a drawing has a name in its attributes, or is hidden from who would hear it."""
    names = ("aria-label", "aria-labelledby", "title")
    hidden = attributes.get("aria-hidden") == "true"
    return hidden or any((attributes.get(name) or "").strip() for name in names)


def _words(value: str | None) -> set[str]:
    return set((value or "stylesheet").lower().split())


def _far(tag: str, name: str, value: str | None, attributes: dict) -> Iterator[str]:
    """What is far in an attribute, in words that follow the tag."""
    if not value or name.startswith("xmlns") or (tag, name) in _FOLLOWED:
        if value and name.endswith("href") and value.lower().lstrip().startswith("javascript:"):
            yield from (f"whose link loads {found[:80]}, or could" for found in _addresses(value))
        return
    refresh = tag == "meta" and (attributes.get("http-equiv") or "").lower() == "refresh"
    if name in _HARMLESS and not refresh:
        return
    if tag == "link" and name == "href" and _words(attributes.get("rel")) <= _NOT_LOADED:
        return
    if name == "srcdoc":
        yield from (f"in which {text}" for text in Tags(value).from_elsewhere())
    elif is_far(value):
        yield f"from {value.strip()}" if name != "style" else f"whose style loads {value.strip()}"
    else:
        text = _BLANK.sub("", value)
        yield from (f"whose {name} loads {found[:80]}, or could" for found in _addresses(text))


def _addresses(text: str) -> list[str]:
    return [match.group().strip() for match in _FAR.finditer(_NAMES.sub("", text))]
