"""Chapters are read without being run; what cannot be read names file and cell."""

import json

import nbformat
import pytest
import small_chapters as small
from chapter_builder import code, good_chapter, prose, write_course
from nbformat.v4 import new_notebook

from course_tools.notebooks import chapters, documents, links, syntax
from course_utils.errors import InputError, WorldError


@pytest.fixture
def read(tmp_path):
    def run(notebook):
        return chapters.read(write_course(tmp_path / "홍 길동", notebook))

    return run


@pytest.fixture
def bare(tmp_path):
    """Read a notebook whose sheet says nothing."""

    def run(notebook, sheet=""):
        small.write(tmp_path / "홍 길동", sheet=sheet, n00_start_here=notebook)
        return chapters.read(tmp_path / "홍 길동" / "00_start_here.ipynb")

    return run


@pytest.fixture
def refused(tmp_path):
    """The words with which a chapter is refused; they name its file."""

    def run(sheet=small.SHEET, **cells):
        small.write(tmp_path / "홍 길동", sheet=sheet, n00_small=small.chapter(**cells))
        with pytest.raises(InputError) as error:
            chapters.read(tmp_path / "홍 길동" / "00_small.ipynb")
        said = str(error.value)
        assert "00_small.ipynb" in said and "\n" not in said
        return said

    return run


def chapter_of(*sources):
    cells = [prose("# 00 · A"), code("SEED = 0  # seed", "parameters"), *map(code, sources)]
    for number, cell in enumerate(cells, start=1):
        cell.id = f"c{number}"
    return new_notebook(cells=cells)


def test_everything_of_the_good_chapter_is_read(read):
    chapter = read(good_chapter())
    assert (chapter.number, chapter.name, chapter.stem) == ("00", "start_here", "00_start_here")
    assert chapter.title == "Start here"
    assert chapter.promise == "A convnet names more pictures rightly than guessing would."
    assert chapter.time == "quick 2 min on a CPU · full 1 min on a GPU"
    assert list(chapter.parameters.items())[:2] == [("PROFILE", "quick"), ("DATA", "embedded")]
    assert chapter.exercises == ("twice-1", "twice-2", "twice-3", "twice-4")
    assert chapter.contract_cells == (5,)
    assert [claim.id for claim in chapter.claims] == ["beats-guessing"]
    assert chapter.claims[0] == chapter.sheet.claims["beats-guessing"]
    assert chapter.lessons == chapter.path.parent / "lessons"


def test_claims_stand_in_the_order_of_the_notebook(bare):
    claim = 'sentence = "So it is."\nabove = 0\nmutant = { parameter = "WIDTH", value = 1 }\n'
    sheet = "[parameters]\nWIDTH = { quick = 8 }\n"
    sheet += "".join(f"[claims.{id}]\n{claim}" for id in ("first", "second"))
    notebook = chapter_of('claims.check("second", 1)', 'claims.check(id="first", x=1)')
    notebook.cells[1].source += "\nWIDTH = 8"
    chapter = bare(notebook, sheet)
    assert [claim.id for claim in chapter.claims] == ["second", "first"]


def test_reading_runs_nothing(bare, tmp_path):
    trace = tmp_path / "trace"
    bare(chapter_of(f"open({str(trace)!r}, 'w')", "raise SystemExit"))
    assert not trace.exists()


def test_magics_are_passed_over(bare):
    notebook = chapter_of('%time\nexercises.check("a", 1)', "!ls\nx = 1", "%%bash\nls | wc")
    assert bare(notebook).exercises == ("a",)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("-1.5", -1.5), ("{'a': 2}", {"a": 2}), ("[0.1]", [0.1]), ("'a' 'b'", "ab"), ("True", True)],
)
def test_literals_of_every_kind_are_parameters(bare, value, expected):
    notebook = chapter_of()
    notebook.cells[1].source = f"A: object = {value}"
    row = json.dumps(expected).replace(":", " =")
    assert bare(notebook, f"[parameters]\nA = {{ quick = {row} }}").parameters == {"A": expected}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("SEED = 2 * START", "2 * START"),
        ("SEED = int('1')", "int('1')"),
        ("A, B = 1, 2", "A, B = "),
        ("import os", "import os"),
        ("A.b = 1", "A.b = 1"),
        ("A = B = 1", "A = B = 1"),
        ("A = ", "line 1"),
    ],
)
def test_a_parameter_that_is_computed_names_its_cell(bare, source, value):
    notebook = chapter_of()
    notebook.cells[1].source = source
    with pytest.raises(InputError) as error:
        bare(notebook)
    assert "00_start_here.ipynb, cell 2 (id c2)" in str(error.value) and value in str(error.value)


@pytest.mark.parametrize(("count", "received"), [(0, "none"), (2, "cell 2, cell 3")])
def test_one_cell_of_parameters_is_expected(bare, count, received):
    notebook = chapter_of()
    notebook.cells[1:] = [code("SEED = 0", "parameters") for _ in range(count)]
    with pytest.raises(InputError, match=f"00_start_here.ipynb.*{received}"):
        bare(notebook)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ('claims.check(f"a-{1}", 1)', "f'a-{1}'"),
        ("for n in names:\n    claims.check(n, 1)", "received n"),
        ("claims.check(1, 1)", "claims.check(1, 1)"),
        ("claims.check()", "claims.check()"),
        ("exercises.check(NAME, 1)", "NAME"),
        ("exercises.check()", "exercises.check()"),
        ("def f(:", "line 1"),
    ],
)
def test_what_cannot_be_known_without_running_names_its_cell(bare, source, value):
    with pytest.raises(InputError) as error:
        bare(chapter_of(source))
    assert "00_start_here.ipynb, cell 3 (id c3)" in str(error.value) and value in str(error.value)


# A chapter and its sheet


def test_a_chapter_without_a_sheet_is_refused(tmp_path):
    small.write(tmp_path, n00_small=small.chapter())
    (tmp_path / "lessons" / "00.toml").unlink()
    with pytest.raises(InputError, match=r"00\.toml"):
        chapters.read(tmp_path / "00_small.ipynb")


def test_a_claim_that_only_the_notebook_makes_names_its_cell(refused):
    said = refused(claim=small.CLAIM + 'claims.check("beats-colour", 1)\n')
    assert "(id claim)" in said and "'beats-colour'" in said


def test_a_claim_that_only_the_sheet_makes_is_named(refused):
    assert "beats-guessing" in refused(claim="level = 0.8")


def test_a_claim_that_is_checked_twice_is_named(refused):
    assert "beats-guessing" in refused(exact='claims.check("beats-guessing", level)')


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


def test_the_value_of_quick_is_that_on_embedded_data(bare):
    sheet = small.SHEET.replace("quick = 8", 'quick = 16, "quick/embedded" = 8')
    assert bare(small.chapter(), sheet).parameters["WIDTH"] == 8


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


# Files


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected a notebook \\(JSON\\), received something else"),
        (b'{"cells": ', "line 1"),
        (b"[]", "expected a notebook \\(a JSON object\\), received a list"),
        (b"{}", "expected notebook format 4.5, received none"),
        (b"\xff\xfe", "expected UTF-8 text"),
        (b'{"nbformat": 3, "nbformat_minor": 0, "worksheets": []}', "received 3.0"),
        (b'{"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": []}', "received 4.4"),
        (b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "'cells' is a required"),
    ],
)
def test_a_malformed_file_is_named(tmp_path, content, message):
    path = tmp_path / "00_a.ipynb"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"^00_a.ipynb: .*{message}") as error:
        chapters.read(path)
    assert "\n" not in str(error.value)


def test_a_malformed_cell_is_named(tmp_path):
    notebook = json.loads(documents.dump(chapter_of("x = 1")))
    notebook["cells"][2]["execution_count"] = "three"
    path = tmp_path / "00_a.ipynb"
    path.write_text(json.dumps(notebook))
    with pytest.raises(InputError, match=r"^00_a.ipynb, cell 3 \(id c3\): .*'three'"):
        chapters.read(path)


def test_a_cell_without_id_is_named(tmp_path):
    notebook = json.loads(documents.dump(chapter_of()))
    del notebook["cells"][1]["id"]
    path = tmp_path / "00_a.ipynb"
    path.write_text(json.dumps(notebook))
    with pytest.raises(InputError, match=r"cell 2 \(id missing\): .*'id' is a required"):
        chapters.read(path)


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


def test_an_empty_folder_is_never_a_course(tmp_path):
    with pytest.raises(InputError, match=r"expected chapters named like .*received none"):
        chapters.find(tmp_path)


def test_two_chapters_of_one_number_are_an_error(tmp_path):
    write_all(tmp_path, "00_a", "00_b")
    with pytest.raises(InputError, match=r"received 00_a.ipynb and 00_b.ipynb: renumber"):
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
    [("convolution", "01_convolution_basics"), ("00_strat_here", "00_start_here")],
)
def test_an_unknown_name_is_told_the_nearest_and_all(three, name, nearest):
    with pytest.raises(InputError) as error:
        chapters.select(three, [name])
    assert f"received '{name}'; the nearest is {nearest}:" in str(error.value)
    assert "choose from 00_start_here, 01_convolution_basics, 10_last" in str(error.value)


def test_a_name_near_nothing_is_told_all(three):
    with pytest.raises(InputError, match="received '99': choose from 00_start_here, 01_conv"):
        chapters.select(three, ["99"])


# Documents


def test_what_is_written_is_what_jupyter_writes(tmp_path):
    notebook = good_chapter()
    documents.write(tmp_path / "a.ipynb", notebook)
    nbformat.write(notebook, tmp_path / "b.ipynb")
    assert (tmp_path / "a.ipynb").read_bytes() == (tmp_path / "b.ipynb").read_bytes()
    text = (tmp_path / "a.ipynb").read_text("utf-8")
    assert "한국어" in text and text.endswith("}\n") and text.startswith('{\n "cells"')


def test_reading_repairs_nothing(tmp_path):
    notebook = chapter_of("x = 1")
    notebook.cells[2].id = "c1"
    documents.write(tmp_path / "a.ipynb", notebook)
    assert [cell.id for cell in documents.read(tmp_path / "a.ipynb").cells] == ["c1", "c2", "c1"]


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "a.ipynb"
    path.write_bytes(b"old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(documents.os, "fsync", full)
    with pytest.raises(WorldError, match=r"cannot write .*No space left on device"):
        documents.write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_written_through(tmp_path):
    (tmp_path / "real").mkdir()
    path = tmp_path / "real" / "a.ipynb"
    path.write_bytes(b"old")
    (tmp_path / "a.ipynb").symlink_to(path)
    documents.write_bytes(tmp_path / "a.ipynb", b"new")
    assert path.read_bytes() == b"new" and (tmp_path / "a.ipynb").is_symlink()


# Links and syntax


@pytest.mark.parametrize(
    ("markdown", "targets"),
    [
        ("[a](b.md) ![c](d.png)", ["b.md", "d.png"]),
        ("[![c](d.png)](https://a.org)", ["d.png", "https://a.org"]),
        ("[a](https://a.org/b_(c)) [d](<e f.md>)", ["https://a.org/b_(c)", "e f.md"]),
        ('[a](b.md "A title")', ["b.md"]),
        ("[a][ref]\n\n[ref]: b.md", ["b.md"]),
        ("<https://a.org>", ["https://a.org"]),
        ('<a href="b.md">c</a> <img alt="d" src=\'e.png\'>', ["b.md", "e.png"]),
        ("`[a](b)` ``[a](b)`` $f[0](x)$ $$f[0](x)$$", []),
        ("```\n[a](b)\n```\n~~~\n[a](b)\n~~~", []),
        ("<!-- [a](b) -->", []),
        ("It costs $5 [a](b) or $6", ["b"]),
    ],
)
def test_links_are_found_where_a_reader_sees_them(markdown, targets):
    found = links.find(markdown)
    assert [link.target for link in found] == targets
    for link in found:
        assert markdown[link.start :].startswith(link.target)


def test_only_targets_are_replaced():
    markdown = "`[a](x)` [a](x) and ![b](y.png)"
    assert links.replace(markdown, lambda link: "new") == "`[a](x)` [a](new) and ![b](new)"


def test_a_continued_line_that_begins_with_a_percent_sign_is_no_magic():
    tree = syntax.tree_of("x = (7\n     % 4)")
    assert tree.body[0].value.op.__class__.__name__ == "Mod"
