"""A small chapter that every rule of style accepts, and a small course around it.

Tests change one thing in it and see what happens. The package beside it is a stand-in: the chapter
runs in seconds, without TensorFlow, and shows the same records as the real one.
"""

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_tools.notebooks import documents

CONTRACT_TAGS = ["contract", "nbval-check-output", "keep_output"]

TITLE = """\
# {number} · Start here

*A convnet names more pictures rightly than guessing would.*

**You will be able to**

- check the environment
- run a chapter
- read a claim

**Before this:** nothing.

**Time:** quick 2 min on a CPU · full 1 min on a GPU
"""

PARAMETERS = """\
PROFILE = "quick"  # smoke, quick or full
DATA = "embedded"  # embedded or real
SEED = 0  # every random draw follows from it
WIDTH = 8  # filters of the first layer
"""

SETUP = """\
from course_utils import claims, exercises, plots, session

course = session.begin("{number}", globals())
"""

SHEET = """\
[parameters]
WIDTH = { quick = 8, smoke = 2 }

[claims.beats-guessing]
sentence = "The convnet beats guessing."
above = 0.5
mutant = { parameter = "WIDTH", value = 1 }
"""

EXERCISE_TEXT = """\
### Exercise {number} · Twice {number}

What is twice {number}?

<details><summary>Hint</summary>Add {number} to itself.</details>
"""

EXERCISE = """\
answer = ...
### BEGIN SOLUTION
answer = 2 * {number}
### END SOLUTION
exercises.check("twice-{number}", answer)
"""

GLOSSARY = """\
## Glossary

| English | 한국어 | meaning |
|---|---|---|
| kernel | 커널 | the weights that slide over a picture |
| stride | 스트라이드 | how far a kernel moves |
| padding | 패딩 | what is added around a picture |
| channel | 채널 | one of the maps that lie over each other |
| claim | 주장 | a sentence that is measured |
"""

READING = """\
## Further reading

- [Keras guides](https://keras.io/guides/)
- [Notes of a course on convnets](https://cs231n.github.io/convolutional-networks/#overview)
"""


def prose(source: str, *tags: str, slide: str = "slide") -> nbformat.NotebookNode:
    return new_markdown_cell(source.rstrip("\n"), metadata=_metadata(tags, slide))


def code(source: str, *tags: str, slide: str = "fragment") -> nbformat.NotebookNode:
    return new_code_cell(source.rstrip("\n"), metadata=_metadata(tags, slide))


def good_chapter(number: str = "00") -> nbformat.NotebookNode:
    """The smallest chapter without a finding; ids are the place of a cell when it was built."""
    contract = code("print((148, 148, 32))", *CONTRACT_TAGS)
    contract.outputs = [new_output("stream", name="stdout", text="(148, 148, 32)\n")]
    contract.execution_count = 3
    cells = [
        prose(TITLE.format(number=number)),
        code(PARAMETERS, "parameters", slide="skip"),
        code(SETUP.format(number=number), "setup", slide="skip"),
        prose("## Shapes\n\nSee [the guide](../guide.md) and [the summary](#Summary)."),
        contract,
        prose("## A claim\n\nA picture: ![a grey square](images/square.png)"),
        code('level = 0.8\nplots.show(level, "The accuracy is far above the line of chance.")'),
        code('claims.check("beats-guessing", level)'),
        code("assert 2 * 2 == 4"),
        prose("## Exercises"),
    ]
    for place in range(1, 3):
        debug = ("debug",) if place == 2 else ()
        cells.append(prose(EXERCISE_TEXT.format(number=place), "exercise-text", *debug))
        cells.append(code(EXERCISE.format(number=place), "exercise", *debug))
    cells += [
        prose("The second exercise takes most of the time.", "instructor", slide="notes"),
        prose("## Summary\n\n- A claim is measured."),
        prose(GLOSSARY),
        prose(READING),
    ]
    for place, cell in enumerate(cells, start=1):
        cell.id = f"c{place:02d}"
    return new_notebook(
        cells=cells,
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
        },
    )


PACKAGE = {
    "__init__.py": '"""Stand-in."""\n',
    "session.py": """
__all__ = ["begin"]
def begin(chapter, namespace):
    return chapter
""",
    "claims.py": """
__all__ = ["check"]
def check(id, observed, *, standard_error=None):
    print("claim", id)
""",
    "exercises/__init__.py": """
from IPython.display import display
__all__ = ["check"]
MIME = "application/vnd.course.exercise+json"
def check(name, answer):
    right = answer == 2 * int(name[-1])
    record = {"chapter": "00", "name": name, "passed": right,
              "message": "right" if right else f"twice is not {answer}"}
    display({MIME: record, "text/plain": name}, raw=True)
""",
    "plots.py": """
def show(figure, caption):
    print("figure", caption)
def curves(history):
    return history
def _axes():
    pass
""",
    "notebooks/__init__.py": "",
}


def write_course(folder, notebook: nbformat.NotebookNode | None = None, stem="00_start_here"):
    """Write a course of one chapter, with the files that it names; return the chapter's path."""
    files = {
        "pyproject.toml": "",
        "guide.md": "# Guide",
        "notebooks/images/square.png": "not a real picture",
        "tests/unit/test_sums.py": "def test_twice():\n    assert 2 * 2 == 4\n",
        **{f"course_utils/{name}": text for name, text in PACKAGE.items()},
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    path = folder / "notebooks" / f"{stem}.ipynb"
    path.parent.joinpath("lessons").mkdir()
    path.parent.joinpath("lessons", f"{stem[:2]}.toml").write_text(SHEET, encoding="utf-8")
    documents.write(path, notebook or good_chapter(stem[:2]))
    return path


def _metadata(tags, slide) -> dict:
    metadata = {"slideshow": {"slide_type": slide}}
    return metadata | ({"tags": list(tags)} if tags else {})
