import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from course_tools.run import records
from course_utils import claims, exercises, session
from course_utils.errors import InputError

CLAIM = dict.fromkeys(records.REQUIRED[records.CLAIM])

SHEET = """\
[parameters]
WIDTH = { quick = 8 }
[claims.a]
sentence = "It is."
above = 0
mutant = { parameter = "WIDTH", value = 1 }
"""


def notebook(*contents, mime=records.CLAIM, tags=()):
    outputs = [new_output("display_data", {mime: content}) for content in contents]
    cells = [
        new_code_cell("SEED = 1", metadata={"tags": ["injected-parameters"]}),
        new_code_cell("claims.check()", id="here", outputs=outputs, metadata={"tags": list(tags)}),
    ]
    return new_notebook(cells=cells)


def test_each_record_comes_with_the_number_that_the_author_counts():
    (first, second) = records.read(notebook(CLAIM, CLAIM | {"id": "b"}), records.CLAIM)
    assert (first.cell, first.where, first.missing) == (1, "cell 1 (id here)", ())
    assert second.content["id"] == "b"


def test_records_survive_the_file(tmp_path):
    path = tmp_path / "홍 길동.ipynb"
    statement = {"statement": 'Ein "Satz"\nund 한국어.', "observed": 0.1 + 0.2}
    nbformat.write(notebook(CLAIM | statement), path)
    (record,) = records.read(nbformat.read(path, as_version=4), records.CLAIM)
    assert record.content == CLAIM | statement


def test_other_kinds_and_other_outputs_are_passed_over():
    book = notebook(CLAIM)
    book.cells[1].outputs += [new_output("stream", text="x"), new_output("display_data", {})]
    assert len(records.read(book, records.CLAIM)) == 1
    assert records.read(book, records.SESSION) == []


@pytest.mark.parametrize("content", ["not an object", ["a", "list"]])
def test_a_record_that_is_no_object_lacks_everything(content):
    (record,) = records.read(notebook(content), records.CLAIM)
    assert record.missing == records.REQUIRED[records.CLAIM]


def test_what_the_course_shows_has_what_a_reader_relies_on(monkeypatch, tmp_path):
    """The names here and the records of `session`, `claims` and `exercises` are two lists."""
    shown = []
    monkeypatch.setattr("course_utils.showing.show", shown.append)
    monkeypatch.setenv("COURSE_LESSONS", str(tmp_path))
    (tmp_path / "97.toml").write_text(SHEET)
    cell = {"PROFILE": "quick", "DATA": "embedded", "SEED": 0, "WIDTH": 8}
    session.begin("97", cell, tensorflow=False)
    claims.check("a", 1)
    exercises.exercise("97", "b")(lambda answer: None)
    exercises.check("b", 1)
    for bundle, mime in zip(shown, (records.SESSION, records.CLAIM, records.EXERCISE), strict=True):
        (record,) = records.read(notebook(bundle[mime], mime=mime), mime)
        assert record.missing == (), mime


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", '[{"id": "a"}]', json.dumps([CLAIM | {"seconds": 1.0}])]
)
def test_a_file_that_is_not_claims_json_is_named(tmp_path, text):
    path = tmp_path / "claims.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"claims\.json"):
        records.read_rows(path)


def test_claims_json_is_read(tmp_path):
    path = tmp_path / "claims.json"
    row = CLAIM | {"seconds": 1.0, "mutant": ""}
    path.write_text(json.dumps([row]))
    assert records.read_rows(path) == [row]
