"""Show something under a cell: for people, and the same facts for machines.

A cell's output may carry one thing in several formats (a MIME bundle). The notebook shows the
richest that it knows, and whoever executes the notebook reads the record, without parsing prose.
"""

from __future__ import annotations

import html
import sys
from collections.abc import Mapping
from typing import Any

__all__ = ["box", "show"]


def show(bundle: Mapping[str, Any], *, metadata: Mapping[str, Any] | None = None) -> None:
    """Show a MIME bundle under the running cell, or its plain text where there is no notebook."""
    # Without IPython in the process there is no notebook, and importing it costs a second.
    if "IPython" not in sys.modules or sys.modules["IPython"].get_ipython() is None:
        print(bundle["text/plain"])
        return
    from IPython.display import display

    display(dict(bundle), metadata=metadata, raw=True)


def box(mark: str, title: str, *, color: str) -> str:
    """HTML of a small box; its mark and words say all that its color says."""
    return (
        f'<div style="border-left:6px solid {color};padding:.3em .8em;margin:.3em 0">'
        f"<div><strong>{html.escape(mark)} {html.escape(title)}</strong></div></div>"
    )
