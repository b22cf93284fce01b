"""Where the seconds of a run of the course go, cell by cell, from its executed notebooks.

    python -m benchmarks.where runs/quick-embedded

A cell counts for the first of these that it does: setting up (imports, the first light of
TensorFlow), training (it calls `fit`, or a function that does), pictures (it shows one), data (it
opens or draws a set), and else for other sums. What no cell took is the kernel's start and end.
"""

from __future__ import annotations

import ast
import json
import sys
from collections import defaultdict
from datetime import datetime
from pathlib import Path

from IPython.core.inputtransformer2 import TransformerManager

__all__ = ["of_notebook", "table"]

KINDS = ("kernel", "setting up", "data", "training", "pictures", "other sums")
_DATA = {"open", "draw", "photograph"}


def of_notebook(notebook: dict, *, training: frozenset[str] = frozenset()) -> dict[str, float]:
    """Seconds of each kind.

    Args:
        notebook: as read from an executed file, with papermill's times.
        training: functions of the package that train.
    """
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    trains, seconds = set(training) | {"fit"}, defaultdict(float)
    for cell in cells:
        took = cell["metadata"].get("papermill", {}).get("duration")
        calls = _calls("".join(cell["source"]), trains)
        if took:
            seconds[_kind(cell, calls, trains)] += took
    whole = notebook["metadata"]["papermill"]
    begun, ended = (datetime.fromisoformat(whole[key]) for key in ("start_time", "end_time"))
    seconds["kernel"] = (ended - begun).total_seconds() - sum(seconds.values())
    return {kind: seconds[kind] for kind in KINDS}


def package_trains(folder: Path) -> frozenset[str]:
    """Names of the package's functions that call `fit`, themselves or through another."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in folder.rglob("*.py")]
    made = [
        (node.name, _called(node))
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    ]
    trains, before = {"fit"}, 0
    while len(trains) != before:
        before = len(trains)
        trains |= {name for name, called in made if called & trains}
    return frozenset(trains)


def table(folder: Path, package: Path) -> str:
    """A row for each chapter, and their sum, in Markdown."""
    training = package_trains(package)
    lines = [f"| chapter | {' | '.join(KINDS)} | all |", "|---|" + "--:|" * (len(KINDS) + 1)]
    total = dict.fromkeys(KINDS, 0.0)
    for path in sorted(folder.glob("[0-9]*.ipynb")):
        found = of_notebook(json.loads(path.read_text(encoding="utf-8")), training=training)
        total = {kind: total[kind] + found[kind] for kind in KINDS}
        lines.append(_row(path.stem.partition("_")[0], found))
    return "\n".join([*lines, _row("all", total), _row("share", total, share=True)])


def _row(name: str, found: dict[str, float], *, share: bool = False) -> str:
    whole = sum(found.values())
    cells = [f"{100 * v / whole:.0f} %" if share else f"{v:.0f}" for v in [*found.values(), whole]]
    return f"| {name} | {' | '.join(cells)} |"


def _kind(cell: dict, calls: set[str], trains: set[str]) -> str:
    if "setup" in cell["metadata"].get("tags", []):
        return "setting up"
    if calls & trains:
        return "training"
    if any("image/png" in output.get("data", {}) for output in cell.get("outputs", [])):
        return "pictures"
    return "data" if calls & _DATA else "other sums"


def _calls(source: str, trains: set[str]) -> set[str]:
    """Names that a cell calls outside its own functions; those of its own that train are added."""
    # Turns `%time` and the like into calls.
    tree = ast.parse(TransformerManager().transform_cell(source))
    inside: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            inside |= set(ast.walk(node))
            if _called(node) & trains:
                trains.add(node.name)
    return {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and node not in inside and (name := _name(node))
    }


def _called(tree: ast.AST) -> set[str]:
    return {name for node in ast.walk(tree) if isinstance(node, ast.Call) and (name := _name(node))}


def _name(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


if __name__ == "__main__":
    print(table(Path(sys.argv[1]), Path(__file__).resolve().parent.parent / "course_utils"))
