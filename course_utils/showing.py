"""Show a record under a cell: a box for people, and the same facts for machines.

A cell's output may carry one thing in several formats (a MIME bundle). The notebook shows the
richest that it knows, and whoever executes the notebook reads the record, without parsing prose.
"""

from __future__ import annotations

import html
import sys
from collections.abc import Mapping
from typing import Any

__all__ = ["box", "show"]


def show(bundle: Mapping[str, Any]) -> None:
    """Show a MIME bundle under the running cell, or its plain text where there is no notebook.

    Args:
        bundle: MIME type to content; holds "text/plain".

    Example:
        >>> show({"text/plain": "0.87, held"})
        0.87, held
    """
    # Without IPython in the process there is no notebook, and importing it costs a second.
    shell = sys.modules.get("IPython") and sys.modules["IPython"].get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        print(bundle["text/plain"])
        return
    from IPython.display import display

    display(dict(bundle), raw=True)


def box(mark: str, title: str, lines: list[str], *, colour: str) -> str:
    """HTML of a small box; its mark and words say all that its colour says.

    Args:
        mark: one sign, such as "✔".
        title: first line, in bold.
        lines: further lines.
        colour: of the rule on the left, any CSS colour.

    Example:
        >>> "&lt;b&gt;" in box("✔", "<b>", [], colour="green")
        True
    """
    rest = "".join(f"<div>{html.escape(line)}</div>" for line in lines)
    return (
        f'<div style="border-left:6px solid {colour};padding:.3em .8em;margin:.3em 0">'
        f"<div><strong>{html.escape(mark)} {html.escape(title)}</strong></div>{rest}</div>"
    )
