"""Every rule of style accepts a good chapter and has been seen to fail, alone."""

import copy

import nbformat
import pytest
from chapter_builder import CONTRACT_TAGS, code, good_chapter, prose, write_course
from nbformat.v4 import new_output

from course_tools import lint as style
from course_tools.lint.names import public_names
from course_utils.errors import InputError

MUTATIONS = []


def breaks(rule, message=""):
    """Register a change of the good chapter that breaks one rule, and part of what it says."""

    def register(change):
        MUTATIONS.append(pytest.param(rule, change, message, id=f"{rule}:{change.__name__}"))
        return change

    return register


def find(notebook, tag):
    return next(cell for cell in notebook.cells if tag in cell.metadata.get("tags", ()))


def swap(cell, old, new):
    assert old in cell.source, old
    cell.source = cell.source.replace(old, new)


def cell_with(notebook, text):
    return next(cell for cell in notebook.cells if text in cell.source)


def add(notebook, cell, before="## Exercises"):
    place = notebook.cells.index(cell_with(notebook, before))
    cell.id = f"new{len(notebook.cells)}"
    notebook.cells.insert(place, cell)


def swaps(rule, text, old, new, message=""):
    """A change of one string in the cell that holds `text`."""

    def change(notebook):
        swap(cell_with(notebook, text), old, new)

    change.__name__ = f"{old.strip()[:20]}->{new.strip()[:20]}"
    breaks(rule, message)(change)


# The frame
swaps("title", "# 00 · Start", "# 00 · Start", "# Start", "expected a Markdown cell that begins")
swaps("title", "# 00 · Start", "# 00 · Start", "# 01 · Start")
swaps("promise-sentence", "# 00 · Start", "guessing would.*", "guessing would*", "one sentence")
swaps("promise-sentence", "# 00 · Start", "*A convnet", "*This is so. A convnet")
swaps("objectives", "# 00 · Start", "- read a claim\n", "", "received 2")
swaps("objectives", "# 00 · Start", "- read a claim\n", "- a\n- b\n- c\n- d\n- e\n", "received 7")
swaps("objectives", "# 00 · Start", "**You will be able to**", "**Aims**", "received 0")
swaps("prerequisites", "# 00 · Start", "**Before this:** nothing.", "", "Before this")
swaps("time-needed", "# 00 · Start", "**Time:** quick 2 min", "**Time:** 2 min", "**Time:** quick")
swaps("parameters-known", "PROFILE =", "SEED = 0", "SEED = 1", "('SEED', 1)")
swaps("parameters-literal", "PROFILE =", "WIDTH = 8 ", "WIDTH = 2 * 4 * SEED ", "NAME = literal")
swaps("parameters-literal", "PROFILE =", "  # filters of the first layer", "", "a comment after")
swaps("parameters-literal", "PROFILE =", "WIDTH = 8  #", "WIDTH = [\n    8]  #", "line of its own")
swaps("parameters-literal", "PROFILE =", "WIDTH = 8  #", "WIDTH = 8; DEPTH = 2  #", "line of its")
swaps("parameters-literal", "PROFILE =", "WIDTH = 8", "width = 8")
swaps("setup-begins", "session.begin", "globals()", "{}", 'session.begin("00", globals())')
swaps("setup-begins", "session.begin", '"00"', '"01"')
swaps("glossary", "## Glossary", "한국어", "Korean", "English | 한국어 | meaning")
swaps("glossary", "## Glossary", "| 주장 |", "| claim |", "received claim | claim |")
swaps(
    "further-reading", "## Further", "- [Keras guides](https://keras.io/guides/)\n", "", "2 links"
)


@breaks("title-order", "in this order")
def title_reordered(notebook):
    first = notebook.cells[0]
    swap(first, "**Before this:** nothing.\n\n", "")
    first.source += "\n\n**Before this:** nothing."


@breaks("glossary", "5 terms or more, received 4")
def glossary_short(notebook):
    cell = cell_with(notebook, "## Glossary")
    cell.source = "\n".join(cell.source.splitlines()[:-1])


@breaks("closing-sections", "Summary, Glossary, Further reading")
def summary_gone(notebook):
    notebook.cells.remove(cell_with(notebook, "## Summary"))
    swap(cell_with(notebook, "(#Summary)"), " and [the summary](#Summary)", "")


@breaks("closing-sections", "expected a text under ## Summary")
def summary_empty(notebook):
    cell_with(notebook, "## Summary").source = "## Summary"


@breaks("parameters-known", "received 11")
def eleven_further_parameters(notebook):
    more = "".join(f"\nP{place} = 1  # one of many" for place in range(10))
    find(notebook, "parameters").source += more


@breaks("first-code-cells", "parameters, setup in this order")
def code_before_parameters(notebook):
    notebook.cells.insert(1, code("print(1)"))
    notebook.cells[1].id = "early"


@breaks("first-code-cells", "one code cell tagged setup, received 2")
def two_setups(notebook):
    again = copy.deepcopy(find(notebook, "setup"))
    add(notebook, again)


# Cells
@breaks("slide-types", "received None")
def slide_type_missing(notebook):
    del notebook.cells[4].metadata["slideshow"]


@breaks("slide-types", "received page")
def slide_type_unknown(notebook):
    notebook.cells[4].metadata.slideshow.slide_type = "page"


@breaks("cell-ids", "that 2 share")
def ids_shared(notebook):
    notebook.cells[4].id = notebook.cells[5].id


@breaks("cells-filled", "an empty one")
def cell_empty(notebook):
    add(notebook, code(" \n"))


@breaks("known-tags", "received contarct")
def tag_misspelt(notebook):
    add(notebook, code("1 + 1", "contarct"))


@breaks("known-tags", "received raises-exception")
def tag_that_hides_errors(notebook):
    add(notebook, code("1 + 1", "raises-exception"))


@breaks("kernel", "received my-kernel")
def other_kernel(notebook):
    notebook.metadata.kernelspec.name = "my-kernel"


@breaks("clean-metadata", "received papermill")
def papermill_left_behind(notebook):
    notebook.metadata.papermill = {"duration": 1.0}


@breaks("clean-metadata", "received execution")
def cell_timing_left_behind(notebook):
    notebook.cells[3].metadata.execution = {"iopub.status.idle": "now"}


# Outputs
@breaks("no-stored-output", "neither output nor count")
def output_left_behind(notebook):
    cell_with(notebook, "level = ").outputs = [new_output("stream", text="1\n")]


@breaks("no-stored-output", "neither output nor count")
def count_left_behind(notebook):
    cell_with(notebook, "level = ").execution_count = 7


@breaks("contract-tags", "missing nbval-check-output")
def contract_not_compared(notebook):
    find(notebook, "contract").metadata.tags.remove("nbval-check-output")


@breaks("contract-tags", "missing keep_output")
def contract_stripped_by_others(notebook):
    find(notebook, "contract").metadata.tags.remove("keep_output")


@breaks("contract-tags", "missing contract")
def compared_without_contract(notebook):
    find(notebook, "contract").metadata.tags.remove("contract")


@breaks("contract-tags", "a code cell")
def contract_of_prose(notebook):
    add(notebook, prose("Three.", *CONTRACT_TAGS))


@breaks("contract-output", "refresh the notebook")
def contract_without_count(notebook):
    find(notebook, "contract").execution_count = None


@breaks("contract-output", "refresh the notebook")
def contract_without_output(notebook):
    find(notebook, "contract").outputs = []


@breaks("contract-text", "nothing on stderr, received W0000")
def contract_with_stderr(notebook):
    find(notebook, "contract").outputs += [new_output("stream", name="stderr", text="W0000\n")]


@breaks("contract-text", "received ValueError: no")
def contract_with_error(notebook):
    error = new_output("error", ename="ValueError", evalue="no", traceback=[])
    find(notebook, "contract").outputs += [error]


@breaks("contract-text", "received image/png")
def contract_with_picture(notebook):
    find(notebook, "contract").outputs += [new_output("display_data", {"image/png": "AAAA"})]


@breaks("contract-text", "an address in memory: 0x7f2a90b1c0d0")
def contract_with_address(notebook):
    data = {"text/plain": "<Dense at 0x7f2a90b1c0d0>"}
    find(notebook, "contract").outputs += [new_output("execute_result", data, execution_count=3)]


@breaks("contract-text", "a time that was measured: 12ms/step")
def contract_with_time(notebook):
    find(notebook, "contract").outputs[0].text = "4/4 - 12ms/step\n"


swaps("contract-fixed", "(148, 148, 32)", "print(", "print(model.fit(x), ", "received fit")
swaps("contract-fixed", "(148, 148, 32)", "print(", "print(np.random.rand(), ", "received random")
swaps("contract-fixed", "(148, 148, 32)", "print(", "print(SEED, ", "received SEED")
swaps("contract-fixed", "(148, 148, 32)", "print(", "print(PROFILE, ", "received PROFILE")


# Code
def bad_code(rule, source, message=""):
    def change(notebook):
        add(notebook, code(source))

    change.__name__ = source.strip()[:40].replace("\n", ";")
    breaks(rule, message)(change)


bad_code("plain-python", "%matplotlib inline", "received '%matplotlib inline'")
bad_code("plain-python", "!nvidia-smi", "received '!nvidia-smi'")
bad_code("plain-python", "%%time\nx = 1", "received '%%time'")
bad_code("plain-python", "%nosuchmagic\nraise ValueError", "received '%nosuchmagic'")
bad_code("plain-python", "files = !ls", "does not parse")
bad_code("plain-python", "def f(:\n    pass", "does not parse (line 1")
bad_code("plain-python", "get_ipython().system('ls')", "received 'get_ipython()'")
bad_code(
    "short-cells", "\n".join(f"x{n} = {n}" for n in range(26)), "at most 25 lines, received 26"
)
bad_code("short-lines", "x = " + "1" * 97, "line 1 has 101")
bad_code("no-pyplot", "import matplotlib.pyplot as plt", "plots of the course")
bad_code("no-pyplot", "from matplotlib import pyplot", "plots of the course")
bad_code("no-pyplot", "figure.show()", "received 'figure.show'")
bad_code("figure-caption", "plots.show(1)", "plots.show(1)")
bad_code("figure-caption", 'plots.show(1, "A plot.")', "A plot.")
bad_code("figure-caption", 'plots.show(1, caption=" " * 20)', "' ' * 20")
bad_code(
    "figure-caption", 'plots.show(1, f"The accuracy of {a}, {b} and {c}.")', "{a}, {b} and {c}"
)
bad_code("figure-caption", "plots.show(1, words)", "words")
bad_code("figure-caption", f'plots.show(1, "{"a " * 30}b.")', "received 31")
bad_code("figure-shown", "plots.curves(1)", "plots.curves(…)")
bad_code("figure-shown", "display(plots.curves(1))", "plots.curves(…)")
bad_code("package-imports", "import course_utils.claims", "from course_utils import")
bad_code("package-imports", "from course_utils import nothing", "received 'nothing'")
bad_code("package-imports", "from course_utils.plots import _axes", "received '_axes'")
bad_code("package-imports", "from course_utils import *", "received '*'")
bad_code("package-imports", "from course_tools.notebooks import documents", "a helper of chapters")
bad_code("package-names", "x = plots._axes()", "received plots._axes")
bad_code("package-names", "x = plots.no_such_curves()", "received plots.no_such_curves")
bad_code("package-names", "x = session.Course", "received session.Course")


# Prose
def bad_prose(rule, source, message=""):
    def change(notebook):
        add(notebook, prose(source))

    change.__name__ = source.strip()[:40].replace("\n", ";")
    breaks(rule, message)(change)


bad_prose("no-absolute-paths", "Look into /home/me/data.", "received '/home/'")
bad_prose("no-absolute-paths", "Look into `C:\\Users\\me`.", "received 'C:")
bad_prose("no-absolute-paths", "Look into (/tmp).", "received '/tmp'")
bad_code("no-absolute-paths", 'x = open("/content/x.csv")', "received '/content/'")
bad_prose("link-form", "[Keras](https://keras io)", "expected [text](target)")
bad_prose("link-form", "[Keras](https://)", "expected a host")
bad_prose("link-form", "[Keras](https://keras)", "expected a host")
bad_prose("link-form", "[Keras](ftp://keras.io/x)", "expected http, https or a file")
bad_prose("link-form", "[Keras]()", "expected a target")
bad_prose("link-form", '<a href="javascript:x">the menu</a>', "expected http, https or a file")
bad_prose("relative-links", "[the guide](../guides.md)", "received '../guides.md'")
bad_prose("relative-links", "![a cat](images/cat.png)", "received 'images/cat.png'")
bad_prose("relative-links", "![a cat](attachment:cat.png)", "attachment:cat.png")
bad_prose("anchors", "[the end](#The-end)", "received '#The-end'")
bad_prose("anchors", "[the end](00_start_here.ipynb#The-end)", "#The-end")
bad_prose("link-text", "See [here](https://keras.io).", "received 'here'")
bad_prose("link-text", "See [**this link**](https://keras.io).", "this link")
bad_prose("image-alt", "![](images/square.png)", "images/square.png")
bad_prose("image-alt", '<img src="images/square.png">', "images/square.png")
bad_prose("heading-levels", "#### Too deep", "expected level")
bad_prose("heading-levels", "# Another title", "expected level")
bad_prose("finished", "TODO write this.", "received TODO")
bad_code("finished", "x = 1  # FIXME", "received FIXME")


# Claims
@breaks("claims-made", "received none")
def no_claims(notebook):
    notebook.cells.remove(cell_with(notebook, "claims.check"))


CLAIM = 'claims.check("beats-guessing", level'
swaps("claims-short", CLAIM, ", level", "", "claims.check('beats-guessing')")
swaps("claims-short", CLAIM, ", level", ", 'It is so.', level", "It is so.")
swaps("claims-short", CLAIM, "level)", "observed=level)", "observed=level")
swaps("claims-short", CLAIM, "level)", "level, bands={})", "bands={}")
swaps("claims-short", CLAIM, "level)", "level, **more)", "**more")
swaps("claims-short", CLAIM, "level)", "\n    level,\n)", "(id c08)")
bad_code("one-road", 'if PROFILE == "quick":\n    rounds = 3', "PROFILE")
bad_code("one-road", 'rounds = 3 if DATA == "real" else 5', "DATA")
bad_code("one-road", 'if level and course.profile in ("quick",):\n    print(1)', "PROFILE")
bad_code("one-road", 'def rounds():\n    if course.data != "real":\n        return 3', "DATA")
bad_code("one-road", 'rounds = {"quick": 3, "smoke": 1}[PROFILE]', "PROFILE")
bad_code("one-road", 'match course.data:\n    case "real":\n        rounds = 3', "DATA")
bad_code("one-road", 'if level > 1:\n    print(1)\nelif DATA == "real":\n    print(2)', "DATA")


# Exercises
@breaks("enough-exercises", "4 exercises or more, received 3")
def one_exercise_less(notebook):
    for text in ("### Exercise 3", '"twice-3"'):
        notebook.cells.remove(cell_with(notebook, text))
    swap(cell_with(notebook, "### Exercise 4"), "### Exercise 4", "### Exercise 3")


@breaks("debug-exercise", "received none")
def no_debug(notebook):
    cell_with(notebook, '"twice-4"').metadata.tags.remove("debug")


@breaks("debug-exercise", "on another cell")
def debug_elsewhere(notebook):
    add(notebook, code("1 + 1", "debug"))


swaps(
    "exercise-texts", "### Exercise 2", "### Exercise 2 ·", "### Exercise 3 ·", "### Exercise 2 · …"
)
swaps("exercise-texts", "### Exercise 2", "### Exercise 2 · ", "### ", "### Exercise 2 · …")
swaps("exercise-hints", "### Exercise 2", "Add 2 to itself.", " ", "<summary>Hint</summary>")
swaps("exercise-hints", "### Exercise 2", "<summary>Hint</summary>", "", "<summary>Hint</summary>")


@breaks("exercise-texts", "tagged exercise-text before it")
def text_not_before(notebook):
    place = notebook.cells.index(cell_with(notebook, '"twice-2"'))
    notebook.cells.insert(place, prose("A word between.", "exercise-text"))
    notebook.cells[place].id = "between"
    notebook.cells[place].metadata.tags = []
    notebook.cells[place - 1].metadata.tags = []


TWO = '"twice-2"'
swaps("exercise-marks", TWO, "### END SOLUTION\n", "", "expected ### END SOLUTION after")
swaps("exercise-marks", TWO, "### BEGIN SOLUTION", "## BEGIN SOLUTION", "exactly so")
swaps("exercise-marks", TWO, "### BEGIN SOLUTION\n", "", "expected ### BEGIN SOLUTION before")
swaps("exercise-checks", TWO, '"twice-2"', '"twice-1"', "which another has")
swaps("exercise-checks", TWO, '"twice-2"', "NAME", "received exercises.check(NAME, answer)")
swaps("exercise-checks", TWO, "answer)", "answer)\nprint(answer)", "exercises.check at its end")
swaps("exercise-checks", TWO, "exercises.check(", "print(", "received 0 calls")


@breaks("exercise-marks", "received none")
def no_solution(notebook):
    cell = cell_with(notebook, TWO)
    swap(cell, "### BEGIN SOLUTION\n", "")
    swap(cell, "### END SOLUTION\n", "")


@breaks("exercise-marks", "tagged exercise only")
def solution_elsewhere(notebook):
    add(notebook, code("### BEGIN SOLUTION\nprint(1)\n### END SOLUTION"))


@breaks("exercise-checks", "tagged exercise only")
def check_elsewhere(notebook):
    add(notebook, code('exercises.check("twice-5", 10)'))


@breaks("exercise-checks", "at its end")
def check_inside_the_solution(notebook):
    cell = cell_with(notebook, TWO)
    call = 'exercises.check("twice-2", answer)'
    swap(cell, "\n" + call, "")
    swap(cell, "### END", f"{call}\n### END")


@breaks("stub-runs", "expected 'answer' in the stub too")
def answer_of_another_exercise(notebook):
    swap(cell_with(notebook, TWO), "answer = ...\n", "")


@breaks("stub-runs", "expected 'mine' in the stub too")
def name_of_the_solution_only(notebook):
    swap(cell_with(notebook, TWO), "answer = ...\n", "")
    cell_with(notebook, TWO).source = cell_with(notebook, TWO).source.replace("answer", "mine")


@breaks("stub-runs", "expected 'extra' in the stub too")
def later_cell_needs_the_solution(notebook):
    swap(cell_with(notebook, TWO), "answer = 2 * 2\n", "answer = extra = 4\n")
    add(notebook, code("print(extra)"), before="## Summary")


@breaks("stub-runs", "expected 'told' in the stub too")
def student_needs_an_instructors_cell(notebook):
    add(notebook, code("told = 1", "instructor"))
    add(notebook, code("print(told)"))


@breaks("stub-runs", "a stub that is Python")
def stub_does_not_parse(notebook):
    cell = cell_with(notebook, TWO)
    swap(cell, "### BEGIN SOLUTION\n", "if answer:\n### BEGIN SOLUTION\n    pass\n")


@pytest.fixture
def check(tmp_path):
    def run(notebook):
        path = write_course(tmp_path / "홍 길동", notebook)
        return style.check(path, package=path.parents[1] / "course_utils")

    return run


def test_the_good_chapter_has_no_finding(check):
    assert check(good_chapter()) == []


@pytest.mark.parametrize(("rule", "change", "message"), MUTATIONS)
def test_a_mutation_breaks_its_rule_and_no_other(check, rule, change, message):
    notebook = good_chapter()
    change(notebook)
    findings = check(notebook)
    assert {finding.rule for finding in findings} == {rule}, [str(f) for f in findings]
    assert message in " ".join(str(finding) for finding in findings)


def test_every_rule_has_a_mutation_that_breaks_it():
    """The guard of the guards: a new rule without a test that saw it fail is red here."""
    assert {rule.name for rule in style.rules()} == {param.values[0] for param in MUTATIONS}


def test_every_rule_explains_itself():
    assert all(rule.explanation.endswith(".") for rule in style.rules())


def test_a_finding_names_chapter_cell_and_rule(check):
    notebook = good_chapter()
    add(notebook, code("%time"))
    assert str(check(notebook)[0]).startswith(
        "00_start_here.ipynb, cell 10 (id new22) [plain-python]: "
    )


@pytest.mark.parametrize(
    "source",
    [
        "```python\n# Not a heading, /not/home\n[x](nowhere)\n```",
        "Inline `[x](nowhere)` and formula $f[0](x)$ and $$a[1](y)$$.",
        "[![a grey square](images/square.png)](https://keras.io)",
        "[an article](https://en.wikipedia.org/wiki/Kernel_(image_processing))",
        "<https://keras.io> and [the guide](<../guide.md>)",
        "A ratio and/or a url https://x.org/home/page stay.",
        "[a claim](#A-claim), [another](00_start_here.ipynb#summary)",
    ],
)
def test_prose_that_is_good(check, source):
    notebook = good_chapter()
    add(notebook, prose(source))
    assert check(notebook) == []


@pytest.mark.parametrize(
    "source",
    [
        "x = (7\n     % 4)",
        'x = f"{1}"  # plain',
        'print(PROFILE, course.data)\nif level > 0:\n    print("far")',
        'plots.show(level, caption="The accuracy is far " "above the line of chance.")',
        "from course_utils.plots import curves\nprint(curves(1))",
        "from course_utils import plots as figures\nx = figures.curves(1)",
        "def outer(plot):\n    return plot.anything",
    ],
)
def test_code_that_is_good(check, source):
    notebook = good_chapter()
    add(notebook, code(source))
    assert check(notebook) == []


def test_ten_further_parameters_are_good(check):
    notebook = good_chapter()
    eleven_further_parameters(notebook)
    swap(find(notebook, "parameters"), "\nP9 = 1  # one of many", "")
    assert check(notebook) == []


def test_a_solution_inside_a_function_is_good(check):
    notebook = good_chapter()
    cell_with(notebook, TWO).source = (
        "def answer(x):\n    ### BEGIN SOLUTION\n    twice = 2 * x\n    return twice\n"
        '    ### END SOLUTION\n\n\nexercises.check("twice-2", answer)'
    )
    assert check(notebook) == []


def test_a_solution_that_changes_a_name_of_the_lesson_is_good(check):
    notebook = good_chapter()
    cell_with(
        notebook, TWO
    ).source = (
        '### BEGIN SOLUTION\nlevel = 2 * level\n### END SOLUTION\nexercises.check("twice-2", level)'
    )
    assert check(notebook) == []


def test_a_chapter_of_another_name_is_an_input_error(tmp_path):
    path = tmp_path / "Untitled.ipynb"
    nbformat.write(good_chapter(), path)
    with pytest.raises(InputError, match=r"named like 00_start_here.ipynb, received Untitled"):
        style.check(path)


def test_a_file_that_is_no_notebook_is_an_input_error(tmp_path):
    path = tmp_path / "00_start_here.ipynb"
    path.write_text("{")
    with pytest.raises(InputError, match=r"00_start_here.ipynb: expected a notebook \(JSON\)"):
        style.check(path)


@pytest.mark.parametrize("cells", [[], [code("x = 1")], [prose("# 00 · A")]])
def test_a_bare_notebook_is_checked_without_a_crash(check, cells):
    assert check(nbformat.v4.new_notebook(cells=cells))


def test_public_names_follow_the_list_of_a_module(tmp_path):
    (tmp_path / "explain").mkdir()
    (tmp_path / "explain" / "__init__.py").write_text(
        "import os\nfrom course_utils.explain.cam import grad_cam\nLIMIT: int = 3\n_hidden = 1\n"
    )
    (tmp_path / "explain" / "cam.py").write_text("__all__ = ['grad_cam']\ndef other(): pass\n")
    assert public_names(tmp_path, "explain") == {"grad_cam", "LIMIT", "cam"}
    assert public_names(tmp_path, "explain.cam") == {"grad_cam"}
    assert public_names(tmp_path, "nothing") is None
