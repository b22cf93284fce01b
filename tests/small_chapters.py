"""Chapters that run in a second, without TensorFlow, for tests of what executes chapters."""

import json

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_tools.notebooks import documents
from course_utils import lessons

PARAMETERS = """\
PROFILE = "quick"  # smoke, quick or full
DATA = "embedded"  # embedded or real
SEED = 0  # every random draw follows from it
WIDTH = 8  # filters of the first layer
RATE = 0.5  # a number
NAME = "hat"  # a text
DEEP = False  # yes or no
"""

SETUP = """\
from course_utils import claims, exercises, session

course = session.begin("{number}", globals(), tensorflow=False)
"""

# What is claimed moves a little with the seed, as a measurement would.
CLAIM = """\
level = 0.8 + 0.01 * (SEED % 3)
claims.check("beats-guessing", level, standard_error=0.005)
"""

EXACT = """\
assert 2 * 2 == 4
"""

SHEET = """\
[parameters]
WIDTH = { quick = 8, smoke = 2 }
RATE = { quick = 0.5 }
NAME = { quick = "hat", "quick/real" = "coat" }
DEEP = { quick = false, full = true }

[claims.beats-guessing]
sentence = "The convnet beats guessing."
above = 0.5
test_set = true
mutant = { cell = "claim", replace = "level = 0.8", with = "level = 0.1" }
"""

# Twelve kept seeds: the expected range is about 0.77 to 0.85, far above the threshold.
EVIDENCE = {
    "digest": {"quick/embedded": "0000000000000000"},
    "claims": {
        "beats-guessing": {
            "quick/embedded": {
                "seeds": {str(seed): 0.8 + 0.01 * (seed % 3) for seed in range(12)},
                "standard_error": 0.005,
                "mutant": {"0": 0.1},
            }
        }
    },
}


EXERCISE = """\
@exercises.exercise("{number}", "half")
def half(answer):
    return None if 2 * answer == WIDTH else f"half of {{WIDTH}} is not {{answer}}"
exercises.check("half", WIDTH // 2)
"""


def chapter(number: str = "00", **changed: str | None) -> nbformat.NotebookNode:
    """A green chapter; `changed` gives another source for a cell, or leaves it out (None)."""
    sources = {
        "parameters": PARAMETERS,
        "setup": SETUP.format(number=number),
        "contract": "print((148, 148, 32))",
        "claim": CLAIM,
        "exact": EXACT,
        "exercise": EXERCISE.format(number=number),
    }
    cells = [
        new_markdown_cell(f"# {number} · Small\n\n**Time:** quick 1 s on a CPU", id="title"),
        *(
            new_code_cell(source, id=name)
            for name, source in (sources | changed).items()
            if source is not None
        ),
    ]
    notebook = new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    tag(notebook, "parameters", "parameters")
    if sources["contract"] and changed.get("contract", "") is not None:
        tag(notebook, "contract", "contract", "nbval-check-output", "keep_output")
        contract = cell(notebook, "contract")
        contract.execution_count = 3
        contract.outputs = [new_output("stream", name="stdout", text="(148, 148, 32)\n")]
    return notebook


GLOSSARY = """\
## Glossary

| English | 한국어 | meaning |
|---|---|---|
| kernel | 커널 | the small array of weights |
"""

NOTES = "Expected numbers: half of eight is four, and a third of them say sixteen."

FIGURE = """\
import numpy as np
from course_utils import plots
plots.show(plots.image_grid(np.eye(6)[None, :, :, None]), "A white diagonal on black ground.")
"""

EXPLORER = """\
from course_utils import explorer
explorer.convolution(np.eye(6), kernel=np.eye(3))
"""

SOLVED = """\
answer = ...
### BEGIN SOLUTION
answer = 4
### END SOLUTION
"""


def published() -> dict[str, nbformat.NotebookNode]:
    """Two chapters with all that a site shows, and notes for lecturers, which it does not."""
    found = {}
    for number, name in (("00", "start_here"), ("01", "convolution_basics")):
        notebook = chapter(
            number,
            figure=FIGURE,
            explorer=EXPLORER,
            exercise=EXERCISE.format(number=number)
            .replace("exercises.check", SOLVED + "exercises.check")
            .replace("WIDTH // 2", "answer"),
        )
        tag(notebook, "exercise", "exercise")
        notebook.metadata["kernelspec"] = {
            "name": "python3",
            "display_name": "Python 3",
            "language": "python",
        }
        notebook.cells[0].source = (
            f"# {number} · Small\n\n*A small chapter.*\n\n**Time:** quick 1 s on a CPU\n\n"
            "The loss $-\\ln \\tfrac{1}{10}$ of guessing."
        )
        notebook.cells.append(new_markdown_cell(GLOSSARY, id="glossary"))
        notebook.cells.append(new_markdown_cell(NOTES, id="notes"))
        tag(notebook, "notes", "instructor")
        for each in notebook.cells:
            each.metadata["slideshow"] = {"slide_type": "slide"}
        found[f"n{number}_{name}"] = notebook
    return found


# As on a machine of somebody else: that kernel is not here.
KERNEL = {"name": "conda-env-elsewhere-py", "display_name": "elsewhere", "language": "python"}


def cell(notebook: nbformat.NotebookNode, id: str) -> nbformat.NotebookNode:
    return next(cell for cell in notebook.cells if cell.id == id)


def tag(notebook: nbformat.NotebookNode, id: str, *tags: str) -> nbformat.NotebookNode:
    found = cell(notebook, id)
    found.metadata["tags"] = [*found.metadata.get("tags", []), *tags]
    return notebook


def write(folder, *, sheet: str = SHEET, evidence: dict | None = None, **notebooks):
    """Write chapters, each under its stem, into a folder that is made; return the folder.

    Each gets the sheet, and all of them the evidence, in `lessons` beside them.
    """
    (folder / "lessons").mkdir(parents=True, exist_ok=True)
    numbers = [stem.removeprefix("n")[:2] for stem in notebooks]
    for stem, notebook in notebooks.items():
        documents.write(folder / f"{stem.removeprefix('n')}.ipynb", notebook)
    for number in numbers:
        (folder / "lessons" / f"{number}.toml").write_text(sheet, encoding="utf-8")
    kept = EVIDENCE if evidence is None else evidence
    content = {"format": lessons.FORMAT, "chapters": dict.fromkeys(numbers, kept)}
    (folder / "lessons" / lessons.EVIDENCE).write_text(json.dumps(content), encoding="utf-8")
    return folder


def keep(source, seeds, mutant=(), *, version=lessons.FORMAT):
    """Write evidence of `beats-guessing` in chapter 00: what its seeds and its mutant observed."""
    facts = {
        "seeds": {str(seed): value for seed, value in enumerate(seeds)},
        "standard_error": None,
        "mutant": {str(seed): value for seed, value in enumerate(mutant)},
    }
    known = {"digest": {}, "claims": {"beats-guessing": {"quick/embedded": facts}}}
    content = {"format": version, "chapters": {"00": known}}
    (source / "lessons" / lessons.EVIDENCE).write_text(json.dumps(content), "utf-8")


def hosted_cells(notebook):
    """The places of the cells that install the course."""
    return [n for n, cell in enumerate(notebook.cells) if "hosted" in documents.tags(cell)]
