"""What every explorer stands on: checks of what it is given, and the output that holds it all."""

import base64
import hashlib
import html
import io
import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from course_utils import showing
from course_utils.errors import InputError

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["one_of", "show", "whole"]

_HERE = Path(__file__).parent


def whole(name: str, value: object, *, most: int, least: int = 1) -> None:
    """Refuse what is no whole number of a range.

    Args:
        name: what the number is, for the message.
        value: what was given.
        most: the largest that may be.
        least: the smallest that may be.

    Raises:
        InputError: it is not; True is no number here.

    Example:
        >>> whole("stride", 0, most=6)
        Traceback (most recent call last):
        ...
        course_utils.errors.InputError: expected stride to be a whole number from 1 to 6, received 0
    """
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InputError(
            f"expected {name} to be a whole number from {least} to {most}, received {value!r}"
        )


def one_of(name: str, value: object, choices: Collection[str]) -> None:
    """Refuse what is none of some words.

    Args:
        name: what the word is, for the message.
        value: what was given.
        choices: what may be.

    Raises:
        InputError: it is not.

    Example:
        >>> one_of("padding", "full", ("valid", "same"))
        Traceback (most recent call last):
        ...
        course_utils.errors.InputError: expected padding to be 'valid' or 'same', received 'full'
    """
    if value not in choices:
        raise InputError(
            f"expected {name} to be {' or '.join(map(repr, choices))}, received {value!r}"
        )


def show(scripts: Sequence[str], data: dict, still: "Image.Image", *, what: str, alt: str) -> None:
    """Show an explorer under the running cell.

    The output holds scripts, data, and a picture that stands there until the scripts run.
    The same input gives the same output; a second copy on a page would only show the picture.

    Args:
        scripts: names of its files beside this module, without their endings; the last is a
            function of the id of its place and the data, the others declare what it calls.
        data: what the last one is given; JSON.
        still: the picture.
        what: what is to be played with, one sentence without its full stop.
        alt: what the picture shows, to go after `what`.
    """
    code = "\n".join(
        (_HERE / f"{name}.js").read_text(encoding="utf-8").strip() for name in ("frame", *scripts)
    )
    text = json.dumps(data, separators=(",", ":"))
    id = f"course-explorer-{hashlib.sha256((scripts[-1] + text).encode()).hexdigest()[:12]}"
    buffer = io.BytesIO()
    still.save(buffer, format="PNG", optimize=True)
    picture = base64.b64encode(buffer.getvalue()).decode("ascii")
    page = (
        f'<div class="course-explorer" id="{id}" data-lm-suppress-shortcuts="true">'
        f'<img alt="{html.escape(f"{what}: {alt}")}" src="data:image/png;base64,{picture}" '
        'style="max-width:100%"></div>\n'
        f'<script>(() => {{\n{code}("{id}", {text});\n}})();</script>'
    )
    showing.show(
        {"text/html": page, "text/plain": f"[explorer] {what}, to play with in a notebook."}
    )
