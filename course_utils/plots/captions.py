"""Putting a figure into the notebook, with a caption for all that is its alternative text, too.

Where that text has to stand differs. nbconvert's `classic` pages read `alt` in the metadata of
`image/png`; JupyterLab, nbconvert's `lab` and slide pages, and MyST-NB pass it over, and all of
them show `text/html` where there is one. So the figure goes out as both, and each shows one.
"""

import base64
import html
import io
import logging
import re
import sys
import warnings
from typing import TYPE_CHECKING

from course_utils import showing
from course_utils.errors import InputError
from course_utils.plots.appearance import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Words that say nothing of what is seen; a text of nothing else is no text.
EMPTY_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a an the this that here is are of for and with in some alt text description output todo "
        "figure figures fig plot plots image images picture pictures graph graphs chart diagram",
    )
)


def show(figure: "Figure", caption: str) -> None:
    """Show a figure once, with a caption of one line under it.

    The caption says what to see, not that there is a figure: "Validation accuracy levels off,
    training accuracy climbs on". It is written into the page as the image's alternative text, too,
    into the PNG as its description, and stands alone where there is no image (a terminal, a
    comparison of two notebooks).

    Args:
        figure: What a function of `plots` returned, or any Matplotlib figure.
        caption: At least three words, of which some are not "figure" or "plot".

    Raises:
        InputError: The caption says nothing, nothing is drawn, or an axis with ticks has no label.

    Example:
        >>> from course_utils import plots
        >>> figure = plots.bars({"chance": 0.5, "convnet": 0.83}, xlabel="accuracy", ylabel="model")
        >>> plots.show(figure, "The convnet is far above chance.")
        [figure] The convnet is far above chance.
    """
    caption = _meaningful(caption)
    if not hasattr(figure, "savefig") or not hasattr(figure, "axes"):
        raise InputError(
            f"show: expected a Matplotlib figure, received {type(figure).__name__}: pass what a "
            "function of plots returned, or axes.get_figure()"
        )
    if not figure.axes:
        raise InputError("show: expected something drawn, received an empty figure: draw first")
    _require_axis_labels(figure)
    png, missing = _encode(figure, caption)
    if "matplotlib.pyplot" in sys.modules:  # else the inline backend would show it once more
        sys.modules["matplotlib.pyplot"].close(figure)
    if missing:
        print(
            f"No font here has the characters {missing}: they show as boxes. Install one that "
            "does, such as Noto Sans CJK KR, and restart the kernel."
        )
    encoded = base64.b64encode(png).decode("ascii")
    words = html.escape(caption)
    # The caption is read out once, as the image's text.
    page = (
        f'<figure style="margin:.6em 0"><img alt="{words}" '
        f'src="data:image/png;base64,{encoded}" '
        'style="max-width: 100%; height: auto; background: #fff">'
        '<figcaption aria-hidden="true" style="font-size:90%;font-style:italic;opacity:.85;'
        f'max-width:44em">{words}</figcaption></figure>'
    )
    showing.show(
        {"image/png": encoded, "text/html": page, "text/plain": f"[figure] {caption}"},
        metadata={"image/png": {"alt": caption}},
    )


def _meaningful(caption: object) -> str:
    text = " ".join(caption.split()) if isinstance(caption, str) else ""
    words = re.findall(r"[^\W_]+", text)
    if len(words) < 3 or len(text) < 12 or all(w.lower() in EMPTY_WORDS for w in words):
        raise InputError(
            f"show: expected a caption of three words or more that says what to see, "
            f"received {caption!r}: write what a reader should notice"
        )
    return text


def _require_axis_labels(figure: "Figure") -> None:
    for number, axes in enumerate(figure.axes, start=1):
        if not axes.get_visible() or not axes.axison or axes.get_label() == "<colorbar>":
            continue
        for name in ("x", "y"):
            if not _has_meaning(axes, name):
                panel = axes.get_title(loc="left") or axes.get_title()
                raise InputError(
                    f"show: expected a label on every axis with ticks, received none on the {name} "
                    f"axis of panel {number}{f' ({panel})' if panel else ''}: call "
                    f"axes.set_{name}label(...) with the unit, or axes.set_axis_off() for an image"
                )


def _has_meaning(axes: "Axes", name: str) -> bool:
    """Whether the x or y axis is labeled, here or on a panel that shares it, or has no ticks."""
    axis = getattr(axes, f"{name}axis")
    if not axis.get_visible() or len(axis.get_ticklocs()) == 0:
        return True
    if getattr(axes.get_figure(), f"get_sup{name}label")().strip():
        return True
    siblings = getattr(axes, f"get_shared_{name}_axes")().get_siblings(axes)
    return any(getattr(a, f"get_{name}label")().strip() for a in siblings)


def _encode(figure: "Figure", caption: str) -> tuple[bytes, str]:
    """Return the PNG, and the characters that no font here has."""
    # That a font has no bold cut is logged on standard error, and nobody can act on it.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    buffer = io.BytesIO()
    with style(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        figure.savefig(
            buffer,
            format="png",
            bbox_inches="tight",
            pad_inches=0.12,
            facecolor="white",
            metadata={"Description": caption, "Software": None},
        )
    missing: dict[str, None] = {}
    for warning in caught:
        glyph = re.match(r"Glyph (\d+) ", str(warning.message))
        if glyph:
            missing[chr(int(glyph[1]))] = None
        else:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )
    return buffer.getvalue(), "".join(missing)
