"""Every rule for chapters accepts a good chapter and has been seen to fail, alone."""

import copy

import nbformat
import pytest
from chapter_builder import CONTRACT_TAGS, code, good_chapter, prose, write_course
from nbformat.v4 import new_output

from course_tools import lint
from course_utils.errors import InputError

# A rule, a change of the good chapter that breaks it, and what of that its message names.
BROKEN = []


def find(notebook, tag):
    return next(cell for cell in notebook.cells if tag in cell.metadata.get("tags", ()))


def cell_with(notebook, text):
    return next(cell for cell in notebook.cells if text in cell.source)


def swap(cell, old, new):
    assert old in cell.source, old
    cell.source = cell.source.replace(old, new)


def add(notebook, cell, before="## Exercises"):
    place = notebook.cells.index(cell_with(notebook, before))
    cell.id = f"new{len(notebook.cells)}"
    notebook.cells.insert(place, cell)


def breaks(rule, received, change, name=""):
    """Register a function that changes the good chapter."""
    BROKEN.append(pytest.param(rule, received, change, id=f"{rule}:{name or received}"[:70]))


def swaps(rule, text, old, new, received=""):
    """Register a change of one string in the cell that holds `text`."""
    breaks(rule, received, lambda book: swap(cell_with(book, text), old, new), f"{old}->{new}")


def bad_code(rule, source, received="", *tags):
    breaks(rule, received, lambda book: add(book, code(source, *tags)), source)


def bad_prose(rule, source, received=""):
    breaks(rule, received, lambda book: add(book, prose(source)), source)


def set_metadata(rule, received, change):
    """Register a change of the metadata of the first code cell that is not set-up."""
    breaks(rule, received, lambda book: change(book.cells[4].metadata))


# The frame
TITLE, PARAMETERS, GLOSSARY = "# 00 · Start", "PROFILE =", "## Glossary"
swaps("title-cell", TITLE, TITLE, "# Start", "# 00 · ")
swaps("title-cell", TITLE, TITLE, "# 01 · Start", "# 00 · ")
swaps("title-cell", TITLE, "*A convnet", "- A convnet", "none")
swaps("title-cell", TITLE, "**You will be able to**", "**Aims**", "**You will be able to**")
swaps("title-cell", TITLE, "**Before this:** nothing.", "", "**Before this:**")
swaps("parameters", PARAMETERS, "SEED = 0", "SEED = 1", "('SEED', 1)")
swaps("parameters", PARAMETERS, "  # filters of the first layer", "", "WIDTH = 8")
swaps("parameters", PARAMETERS, "WIDTH = 8 ", "WIDTH = [\n    8] ", "WIDTH = [")
swaps("parameters", PARAMETERS, "WIDTH = 8 ", "WIDTH = 8; DEPTH = 2 ", "DEPTH = 2")
swaps("parameters", PARAMETERS, "WIDTH = 8", "width = 8", "width = 8")
swaps("setup-begins", "session.begin", "globals()", "{}", 'session.begin("00", globals())')
swaps("setup-begins", "session.begin", '"00"', '"01"', '"00"')
swaps("glossary", GLOSSARY, "한국어", "Korean", "Korean")
swaps("glossary", GLOSSARY, "| 주장 |", "| claim |", "claim | claim |")
swaps("glossary", GLOSSARY, "| a sentence that is measured |", "|", "주장")


def title_reordered(notebook):
    swap(notebook.cells[0], "**Before this:** nothing.\n\n", "")
    notebook.cells[0].source += "\n\n**Before this:** nothing."


def thirteen_parameters(notebook):
    more = "".join(f"\nP{place} = 1  # one of many" for place in range(9))
    find(notebook, "parameters").source += more


def fourteen_parameters(notebook):
    thirteen_parameters(notebook)
    find(notebook, "parameters").source += "\nP9 = 1  # one of many"


def code_before_parameters(notebook):
    add(notebook, code("print(1)"), before="PROFILE =")


def two_setups(notebook):
    add(notebook, copy.deepcopy(find(notebook, "setup")))


def ids_shared(notebook):
    notebook.cells[4].id = notebook.cells[5].id


def without(text):
    return lambda notebook: notebook.cells.remove(cell_with(notebook, text))


breaks("title-cell", "in this order", title_reordered)
breaks("closing-sections", "Glossary", without("## Summary"))
breaks("parameters", "11", fourteen_parameters)
breaks("first-code-cells", "1 parameters, 1 setup", code_before_parameters)
breaks("first-code-cells", "2 setup", two_setups)

# Every cell
set_metadata("slide-types", "None", lambda metadata: metadata.pop("slideshow"))
set_metadata("slide-types", "page", lambda metadata: metadata.slideshow.update(slide_type="page"))
breaks("cell-ids", "2 share", ids_shared)
bad_code("known-tags", "1 + 1", "contarct", "contarct")
bad_code("known-tags", "1 + 1", "raises-exception", "raises-exception")
breaks("kernel", "mine", lambda book: book.metadata.kernelspec.update(name="mine"))
bad_prose("no-absolute-paths", "Look into /home/me/data.", "'/home/'")
bad_prose("no-absolute-paths", "Look into `C:\\Users\\me`.", "'C:")
bad_prose("no-absolute-paths", "Look into (/tmp).", "'/tmp'")
bad_code("no-absolute-paths", 'x = open("/content/x.csv")', "'/content/'")

# Links and figures
bad_prose("links-lead-somewhere", "[Keras]()", "''")
bad_prose("links-lead-somewhere", "[the guide](../guides.md)", "'../guides.md'")
bad_prose("links-lead-somewhere", "![a cat](images/cat.png)", "'images/cat.png'")
bad_prose("links-lead-somewhere", "![a cat](attachment:cat.png)", "attachment:cat.png")
bad_prose("links-lead-somewhere", "See [here](https://keras.io).", "'here'")
bad_prose("links-lead-somewhere", "See [**this link**](https://keras.io).", "this link")
bad_prose("image-alt", "![](images/square.png)", "images/square.png")
bad_prose("image-alt", '<img src="images/square.png">', "images/square.png")
bad_code("figure-caption", "plots.show(1)", "plots.show(1)")
bad_code("figure-caption", 'plots.show(1, "A plot.")', "A plot.")
bad_code("figure-caption", 'plots.show(1, caption=" " * 20)', "' ' * 20")
bad_code("figure-caption", 'plots.show(1, f"The accuracy of {a}, {b} and {c}.")', "{a}, {b}")
bad_code("figure-caption", "plots.show(1, words)", "words")
bad_code("figure-caption", f'plots.show(1, "{"a " * 30}b.")', "31")
bad_code("figure-caption", "plots.curves(1)", "plots.curves(…)")
bad_code("figure-caption", "display(plots.curves(1))", "plots.curves(…)")
bad_code("no-pyplot", "import matplotlib.pyplot as plt", "matplotlib.pyplot")
bad_code("no-pyplot", "from matplotlib import pyplot", "pyplot")

# Code
bad_code("no-magics", "%matplotlib inline", "'%matplotlib inline'")
bad_code("no-magics", "!nvidia-smi", "'!nvidia-smi'")
bad_code("no-magics", "%%time\nx = 1", "'%%time'")
bad_code("no-magics", "%nosuchmagic\nraise ValueError", "'%nosuchmagic'")
bad_code("no-magics", "files = !ls", "!ls")
bad_code("no-magics", "get_ipython().system('ls')", "get_ipython(")
bad_code("short-cells", "\n".join(f"x{n} = {n}" for n in range(26)), "26")
bad_code("package-imports", "import course_utils.claims", "course_utils.claims")
bad_code("package-imports", "from course_utils.plots import _axes", "_axes")
bad_code("package-imports", "from course_utils import *", "*")
bad_code(
    "package-imports", "from course_tools.notebooks import documents", "course_tools.notebooks"
)
bad_code("one-road", 'if PROFILE == "quick":\n    rounds = 3', "PROFILE")
bad_code("one-road", 'rounds = 3 if DATA == "real" else 5', "DATA")
bad_code("one-road", 'if level and course.profile in ("quick",):\n    print(1)', "PROFILE")
bad_code("one-road", 'def rounds():\n    if course.data != "real":\n        return 3', "DATA")
bad_code("one-road", 'rounds = {"quick": 3, "smoke": 1}[PROFILE]', "PROFILE")
bad_code("one-road", 'match course.data:\n    case "real":\n        rounds = 3', "DATA")
bad_code("one-road", 'if level > 1:\n    print(1)\nelif DATA == "real":\n    print(2)', "DATA")

# Claims
CLAIM = 'claims.check("beats-guessing", level'
swaps("claims-made", CLAIM, ", level", "", "claims.check('beats-guessing')")
swaps("claims-made", CLAIM, ", level", ", 'It is so.', level", "It is so.")
swaps("claims-made", CLAIM, "level)", "observed=level)", "observed=level")
swaps("claims-made", CLAIM, "level)", "level, bands={})", "bands={}")
swaps("claims-made", CLAIM, "level)", "level, **more)", "**more")
swaps("claims-made", CLAIM, "level)", "\n    level,\n)", "(id c08)")
breaks("claims-made", "none", without("claims.check"))

# Stored outputs
OUTPUT = new_output("stream", text="1\n")
TRAINED = "level = "
breaks("no-stored-output", "", lambda book: cell_with(book, TRAINED).update(outputs=[OUTPUT]))
breaks("no-stored-output", "", lambda book: cell_with(book, TRAINED).update(execution_count=7))
breaks("contract-output", "", lambda book: find(book, "contract").update(outputs=[]))
breaks("contract-output", "", lambda book: find(book, "contract").update(execution_count=None))
breaks("contract-tags", "a code cell", lambda book: add(book, prose("Three.", *CONTRACT_TAGS)))


def contract(received, *output, **more):
    """Register an output or a tag that a contract cell must not have."""

    def change(notebook):
        find(notebook, "contract").outputs += [new_output(*output, **more)]

    breaks("contract-fixed", received, change)


for missing in CONTRACT_TAGS:
    untag = lambda book, tag=missing: find(book, tag).metadata.tags.remove(tag)  # noqa: E731
    breaks("contract-tags", f"missing {missing}", untag)
ADDRESS = {"text/plain": "<Dense at 0x7f2a90b1c0d0>"}
contract("W0000", "stream", name="stderr", text="W0000\n")
contract("ValueError: no", "error", ename="ValueError", evalue="no", traceback=[])
contract("image/png", "display_data", {"image/png": "AAAA"})
contract("0x7f2a90b1c0d0", "execute_result", ADDRESS, execution_count=3)
contract("12ms/step", "stream", name="stdout", text="4/4 - 12ms/step\n")
for name, more in {
    "fit": "model.fit(x)",
    "random": "np.random.rand()",
    "SEED": "SEED",
    "PROFILE": "PROFILE",
}.items():
    swaps("contract-fixed", "(148, 148, 32)", "print(", f"print({more}, ", f"received {name}")

# Exercises
ONE, TEXT = '"twice-1"', "### Exercise 1"
swaps("exercise-texts", TEXT, "### Exercise 1 ·", "### Exercise 3 ·", "### Exercise 3")
swaps("exercise-texts", TEXT, "### Exercise 1 · ", "### ", "### Twice 1")
swaps("exercise-texts", TEXT, "Add 1 to itself.", " ", "Hint")
swaps("exercise-texts", TEXT, "<summary>Hint</summary>", "", "Hint")
swaps("exercise-marks", ONE, "### END SOLUTION\n", "", "### END SOLUTION after")
swaps("exercise-marks", ONE, "### BEGIN SOLUTION", "## BEGIN SOLUTION", "'## BEGIN SOLUTION'")
swaps("exercise-marks", ONE, "### BEGIN SOLUTION\n", "", "### BEGIN SOLUTION before")
swaps("exercise-checks", ONE, ONE, '"twice-2"', "'twice-2'")
swaps("exercise-checks", ONE, ONE, "NAME", "exercises.check(NAME, answer)")
swaps("exercise-checks", ONE, "answer)", "answer)\nprint(answer)", "1 calls")
swaps("exercise-checks", ONE, "exercises.check(", "print(", "0 calls")
swaps("stub-runs", '"twice-2"', "answer = ...\n", "", "'answer'")
swaps("stub-runs", ONE, "### BEGIN SOLUTION\n", "if answer:\n### BEGIN SOLUTION\n    3\n", "Python")
bad_code("exercise-marks", "### BEGIN SOLUTION\nprint(1)\n### END SOLUTION", "one here")
bad_code("exercise-checks", 'exercises.check("twice-5", 10)', "one here")
bad_code("debug-exercise", "1 + 1", "another cell", "debug")


def no_debug(notebook):
    cell_with(notebook, '"twice-2"').metadata.tags.remove("debug")


def text_not_before(notebook):
    place = notebook.cells.index(cell_with(notebook, ONE))
    notebook.cells[place - 1].metadata.tags = []
    swap(cell_with(notebook, "### Exercise 2"), "### Exercise 2", "### Exercise 1")


def no_solution(notebook):
    for mark in ("### BEGIN SOLUTION\n", "### END SOLUTION\n"):
        swap(cell_with(notebook, ONE), mark, "")


def check_inside_the_solution(notebook):
    call = 'exercises.check("twice-1", answer)'
    swap(cell_with(notebook, ONE), "\n" + call, "")
    swap(cell_with(notebook, "answer = 2 * 1"), "### END", f"{call}\n### END")


def later_cell_needs_the_solution(notebook):
    swap(cell_with(notebook, ONE), "answer = 2 * 1\n", "answer = extra = 2\n")
    add(notebook, code("print(extra)"), before="## Summary")


def student_needs_an_instructors_cell(notebook):
    add(notebook, code("told = 1", "instructor"))
    add(notebook, code("print(told)"))


breaks("debug-exercise", "none", no_debug)
breaks("exercise-texts", "before it", text_not_before)
breaks("exercise-marks", "none", no_solution)
breaks("exercise-checks", "at its end", check_inside_the_solution)
breaks("stub-runs", "'extra'", later_cell_needs_the_solution)
breaks("stub-runs", "'told'", student_needs_an_instructors_cell)


@pytest.fixture
def check(tmp_path):
    return lambda notebook: lint.check(write_course(tmp_path / "홍 길동", notebook))


@pytest.mark.parametrize(("rule", "received", "change"), BROKEN)
def test_a_change_breaks_its_rule_and_no_other(check, rule, received, change):
    notebook = good_chapter()
    change(notebook)
    findings = check(notebook)
    assert {finding.rule for finding in findings} == {rule}, [str(f) for f in findings]
    assert received in " ".join(str(finding) for finding in findings)


def test_every_rule_has_a_change_that_breaks_it():
    """The guard of the guards: a new rule without a test that saw it fail is red here."""
    assert set(lint.RULES) == {param.values[0] for param in BROKEN}


def test_a_finding_names_chapter_cell_and_rule(check):
    notebook = good_chapter()
    add(notebook, code("%time"))
    assert str(check(notebook)[0]).startswith(
        "00_start_here.ipynb, cell 10 (id new18) [no-magics]: "
    )


def solution_in_a_function(notebook):
    cell_with(notebook, ONE).source = (
        "def answer(x):\n    ### BEGIN SOLUTION\n    twice = 2 * x\n    return twice\n"
        '    ### END SOLUTION\n\n\nexercises.check("twice-1", answer)'
    )


def solution_changes_a_name_of_the_lesson(notebook):
    change = "### BEGIN SOLUTION\nlevel = 2 * level\n### END SOLUTION\n"
    cell_with(notebook, ONE).source = change + 'exercises.check("twice-1", level)'


@pytest.mark.parametrize(
    "change",
    [
        lambda notebook: None,
        thirteen_parameters,
        solution_in_a_function,
        solution_changes_a_name_of_the_lesson,
        prose("```python\n# Not a heading, /not/home\n[x](nowhere)\n```"),
        prose("Inline `[x](nowhere)` and formula $f[0](x)$ and $$a[1](y)$$."),
        prose("[![a grey square](images/square.png)](https://keras.io)"),
        prose("<https://keras.io> and [the guide](<../guide.md>)"),
        prose("A ratio and/or a url https://x.org/home/page stay."),
        prose("[a claim](#A-claim), [another](00_start_here.ipynb#summary)"),
        code("x = (7\n     % 4)"),
        code('print(PROFILE, course.data)\nif level > 0:\n    print("far")'),
        code('plots.show(level, caption="The accuracy is far " "above the line of chance.")'),
        code("from course_utils.plots import curves\nprint(curves(1))"),
    ],
)
def test_what_is_good_has_no_finding(check, change):
    notebook = good_chapter()
    if callable(change):
        change(notebook)
    else:
        add(notebook, change)
    assert check(notebook) == []


@pytest.mark.parametrize(("name", "text"), [("Untitled", "{}"), ("00_start_here", "{")])
def test_what_is_no_chapter_is_an_input_error(tmp_path, name, text):
    path = tmp_path / f"{name}.ipynb"
    path.write_text(text)
    with pytest.raises(InputError, match=rf"{name}\.ipynb"):
        lint.check(path)


@pytest.mark.parametrize("cells", [[], [code("x = 1")], [prose("# 00 · A")]])
def test_a_bare_notebook_is_checked_without_a_crash(check, cells):
    assert check(nbformat.v4.new_notebook(cells=cells))
