"""Chapters are read without being run; what cannot be read names file and cell."""

import json

import pytest
import small_chapters as small
from chapter_builder import code, prose, write_course
from nbformat.v4 import new_notebook

from course_tools.notebooks import chapters, documents, syntax
from course_utils.errors import InputError


def read(folder, notebook, sheet=""):
    """Read a notebook with a sheet that may say nothing."""
    small.write(folder / "홍 길동", sheet=sheet, n00_start_here=notebook)
    return chapters.read(folder / "홍 길동" / "00_start_here.ipynb")


@pytest.fixture
def refused(tmp_path):
    """The words with which a small chapter is refused; they name its file, in one line."""

    def run(sheet=small.SHEET, **cells):
        with pytest.raises(InputError) as error:
            read(tmp_path, small.chapter(**cells), sheet)
        said = str(error.value)
        assert "00_start_here.ipynb" in said and "\n" not in said
        return said

    return run


def chapter_of(*sources):
    cells = [prose("# 00 · A"), code("SEED = 0  # seed", "parameters"), *map(code, sources)]
    for number, cell in enumerate(cells, start=1):
        cell.id = f"c{number}"
    return new_notebook(cells=cells)


def test_everything_of_the_good_chapter_is_read(tmp_path):
    chapter = chapters.read(write_course(tmp_path / "홍 길동"))
    assert (chapter.number, chapter.name, chapter.stem) == ("00", "start_here", "00_start_here")
    assert chapter.title == "Start here"
    assert chapter.promise == "A convnet names more pictures rightly than guessing would."
    assert chapter.time == "quick 2 min on a CPU · full 1 min on a GPU"
    assert list(chapter.parameters.items())[:2] == [("PROFILE", "quick"), ("DATA", "embedded")]
    assert chapter.exercises == ("twice-1", "twice-2")
    assert chapter.contract_cells == (5,)
    assert chapter.claims == (chapter.sheet.claims["beats-guessing"],)
    assert chapter.lessons == chapter.path.parent / "lessons"


def test_claims_stand_in_the_order_of_the_notebook(tmp_path):
    claim = 'sentence = "So it is."\nabove = 0\nmutant = { parameter = "WIDTH", value = 1 }\n'
    sheet = "[parameters]\nWIDTH = { quick = 8 }\n"
    sheet += "".join(f"[claims.{id}]\n{claim}" for id in ("first", "second"))
    notebook = chapter_of('claims.check("second", 1)', 'claims.check(id="first", x=1)')
    notebook.cells[1].source += "\nWIDTH = 8"
    assert [claim.id for claim in read(tmp_path, notebook, sheet).claims] == ["second", "first"]


def test_reading_runs_nothing_and_passes_over_magics(tmp_path):
    trace = tmp_path / "trace"
    magics = ('%time\nexercises.check("a", 1)', "!ls\nx = 1", "%%bash\nls | wc")
    notebook = chapter_of(f"open({str(trace)!r}, 'w')", "raise SystemExit", *magics)
    assert read(tmp_path, notebook).exercises == ("a",)
    assert not trace.exists()


def test_a_continued_line_that_begins_with_a_percent_sign_is_no_magic():
    tree = syntax.tree_of("x = (7\n     % 4)")
    assert tree.body[0].value.op.__class__.__name__ == "Mod"


@pytest.mark.parametrize(
    ("value", "expected"),
    [("-1.5", -1.5), ("{'a': 2}", {"a": 2}), ("[0.1]", [0.1]), ("'a' 'b'", "ab"), ("True", True)],
)
def test_literals_of_every_kind_are_parameters(tmp_path, value, expected):
    notebook = chapter_of()
    notebook.cells[1].source = f"A: object = {value}"
    row = json.dumps(expected).replace(":", " =")
    chapter = read(tmp_path, notebook, f"[parameters]\nA = {{ quick = {row} }}")
    assert chapter.parameters == {"A": expected}


@pytest.mark.parametrize(
    ("cell", "source", "value"),
    [
        (2, "SEED = 2 * START", "2 * START"),
        (2, "SEED = int('1')", "int('1')"),
        (2, "A, B = 1, 2", "A, B = "),
        (2, "import os", "import os"),
        (2, "A.b = 1", "A.b = 1"),
        (2, "A = B = 1", "A = B = 1"),
        (2, "A = ", "line 1"),
        (3, 'claims.check(f"a-{1}", 1)', "f'a-{1}'"),
        (3, "for n in names:\n    claims.check(n, 1)", "received n"),
        (3, "claims.check(1, 1)", "claims.check(1, 1)"),
        (3, "claims.check()", "claims.check()"),
        (3, "exercises.check(NAME, 1)", "NAME"),
        (3, "exercises.check()", "exercises.check()"),
        (3, "def f(:", "line 1"),
    ],
)
def test_what_cannot_be_known_without_running_names_its_cell(tmp_path, cell, source, value):
    notebook = chapter_of("x = 1")
    notebook.cells[cell - 1].source = source
    with pytest.raises(InputError) as error:
        read(tmp_path, notebook)
    assert f"00_start_here.ipynb, cell {cell} (id c{cell})" in str(error.value)
    assert value in str(error.value)


@pytest.mark.parametrize(("count", "received"), [(0, "none"), (2, "cell 2, cell 3")])
def test_one_cell_of_parameters_is_expected(tmp_path, count, received):
    notebook = chapter_of()
    notebook.cells[1:] = [code("SEED = 0", "parameters") for _ in range(count)]
    with pytest.raises(InputError, match=f"00_start_here.ipynb.*{received}"):
        read(tmp_path, notebook)


# A chapter and its sheet


def test_a_chapter_without_a_sheet_is_refused(tmp_path):
    small.write(tmp_path, n00_small=small.chapter())
    (tmp_path / "lessons" / "00.toml").unlink()
    with pytest.raises(InputError, match=r"00\.toml"):
        chapters.read(tmp_path / "00_small.ipynb")


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        ({"claim": small.CLAIM + 'claims.check("beats-x", 1)\n'}, ["(id claim)", "'beats-x'"]),
        ({"claim": "level = 0.8"}, ["beats-guessing"]),
        ({"exact": 'claims.check("beats-guessing", level)'}, ["beats-guessing", "2 times"]),
    ],
    ids=["of the notebook only", "of the sheet only", "checked twice"],
)
def test_a_claim_that_does_not_stand_once_in_both_is_named(refused, cells, values):
    said = refused(**cells)
    assert all(value in said for value in values)


@pytest.mark.parametrize(
    ("old", "new", "name", "value"),
    [
        ("WIDTH = 8", "DEPTH = 2\nWIDTH = 8", "DEPTH", "2"),
        ("WIDTH = 8", "# WIDTH = 8", "WIDTH", "none"),
        ("WIDTH = 8", "WIDTH = 9", "WIDTH", "9"),
        ("WIDTH = 8", "WIDTH = 8.0", "WIDTH", "8.0"),
        ("DEEP = False", "DEEP = 0", "DEEP", "0"),
    ],
)
def test_parameters_of_notebook_and_sheet_are_the_same(refused, old, new, name, value):
    said = refused(parameters=small.PARAMETERS.replace(old, new))
    assert name in said and value in said


def test_the_value_of_quick_is_that_on_embedded_data(tmp_path):
    sheet = small.SHEET.replace("quick = 8", 'quick = 16, "quick/embedded" = 8')
    assert read(tmp_path, small.chapter(), sheet).parameters["WIDTH"] == 8


@pytest.mark.parametrize(
    ("mutant", "value"),
    [
        ('{ cell = "claims", replace = "level", with = "x" }', "'claims'"),
        ('{ cell = "title", replace = "Small", with = "x" }', "'title'"),
        ('{ cell = "claim", replace = "level = 0.7", with = "level = 0.1" }', "0 times"),
        ('{ cell = "claim", replace = "level", with = "x" }', "2 times"),
        ('{ cell = "claim", replace = "level =", with = "level = =" }', "invalid syntax"),
        ('{ parameter = "DEPTH", value = 1 }', "DEPTH = 1"),
        ('{ parameter = "SEED", value = 1 }', "SEED = 1"),
        ('{ parameter = "WIDTH", value = 8 }', "WIDTH = 8"),
        ('{ parameter = "WIDTH", value = 8.5 }', "WIDTH = 8.5"),
    ],
)
def test_a_mutant_that_no_longer_applies_names_chapter_and_claim(refused, mutant, value):
    lines = small.SHEET.splitlines()[:-1]
    said = refused(sheet="\n".join([*lines, f"mutant = {mutant}"]))
    assert "beats-guessing" in said and value in said


# A folder of chapters


def write_all(folder, *names):
    small.write(folder, sheet="", **{f"n{name}": chapter_of() for name in names})


def test_find_sorts_by_number_and_passes_over_other_files(tmp_path):
    write_all(tmp_path, "10_last", "00_first", "02_mid_dle")
    for name in ("00_first-Copy1", "Untitled", "00_first.new"):
        documents.write(tmp_path / f"{name}.ipynb", chapter_of())
    found = [chapter.stem for chapter in chapters.find(tmp_path)]
    assert found == ["00_first", "02_mid_dle", "10_last"]


def test_find_reads_only_what_was_asked_for(tmp_path):
    write_all(tmp_path, "00_good")
    (tmp_path / "01_bad.ipynb").write_text("{")
    assert [chapter.stem for chapter in chapters.find(tmp_path, ["0"])] == ["00_good"]
    with pytest.raises(InputError, match="01_bad"):
        chapters.find(tmp_path)


def test_a_folder_without_chapters_or_with_two_of_one_number_is_no_course(tmp_path):
    for folder in (tmp_path / "missing", tmp_path):
        with pytest.raises(InputError) as error:
            chapters.find(folder)
        assert str(folder) in str(error.value)
    write_all(tmp_path, "00_a", "00_b")
    with pytest.raises(InputError, match=r"00_a.ipynb and 00_b.ipynb"):
        chapters.find(tmp_path)


@pytest.fixture
def three(tmp_path):
    write_all(tmp_path, "00_start_here", "01_convolution_basics", "10_last")
    return chapters.find(tmp_path)


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        ([], ["00", "01", "10"]),
        (["0"], ["00"]),
        (["00"], ["00"]),
        (["1"], ["01"]),
        (["start_here"], ["00"]),
        (["01_convolution_basics"], ["01"]),
        (["notebooks/01_convolution_basics.ipynb"], ["01"]),
        (["10", "0", "start_here"], ["00", "10"]),
    ],
)
def test_select_takes_what_people_type(three, names, numbers):
    assert [chapter.number for chapter in chapters.select(three, names)] == numbers


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("convolution", "nearest is 01_convolution_basics"),
        ("00_strat_here", "nearest is 00_start_here"),
        ("99", "'99': "),
    ],
)
def test_an_unknown_name_is_told_the_nearest_and_all(three, name, nearest):
    with pytest.raises(InputError) as error:
        chapters.select(three, [name])
    assert f"'{name}'" in str(error.value) and nearest in str(error.value)
    assert "00_start_here, 01_convolution_basics, 10_last" in str(error.value)
