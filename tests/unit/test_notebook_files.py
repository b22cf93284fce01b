"""Notebook files: read strictly, written in one step as Jupyter does; the links in their prose."""

import json

import nbformat
import pytest
from chapter_builder import code, good_chapter
from nbformat.v4 import new_notebook, new_output

from course_tools.notebooks import documents, links
from course_utils.errors import InputError, WorldError


def notebook_of(*sources):
    cells = [code(source) for source in sources]
    for number, cell in enumerate(cells, start=1):
        cell.id = f"c{number}"
    return new_notebook(cells=cells)


@pytest.mark.parametrize(
    ("content", "received"),
    [
        (b"", "line 1"),
        (b'{"cells": ', "line 1"),
        (b"[]", "a list"),
        (b"{}", "none"),
        (b"\xff\xfe", "byte 0"),
        (b'{"nbformat": 3, "nbformat_minor": 0, "worksheets": []}', "3.0"),
        (b'{"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": []}', "4.4"),
        (b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "'cells' is a required"),
        (b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {"a": "\\ud800"}, "cells": []}', "ud8"),
    ],
)
def test_a_malformed_file_is_named_in_one_line(tmp_path, content, received):
    path = tmp_path / "00_a.ipynb"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"^00_a.ipynb: .*{received}") as error:
        documents.read(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "received"),
    [
        ({"execution_count": "three"}, "(id c2): .*'three'"),
        ({"id": None}, "(id missing): .*'id' is a required"),
        # Half of 😀, as a program that cuts text may leave it: no file and no page can hold it.
        ({"source": "print('\ud83d')"}, "(id c2): .*ud83d"),
        ({"outputs": [new_output("stream", text="\ud83d")]}, "(id c2): .*ud83d"),
    ],
)
def test_a_malformed_cell_is_named(change, received):
    notebook = json.loads(documents.dump(notebook_of("x = 1", "y = 2")))
    notebook["cells"][1] |= change
    if change.get("id", "") is None:
        del notebook["cells"][1]["id"]
    pattern = received.replace("(", r"\(").replace(")", r"\)")
    with pytest.raises(InputError, match=rf"^00_a.ipynb, cell 2 {pattern}"):
        documents.parse(json.dumps(notebook).encode(), "00_a.ipynb")


def test_half_a_character_that_a_program_printed_can_be_kept():
    notebook = notebook_of("x = 1")
    notebook.cells[0].outputs = [new_output("stream", text="a\ud83db 😀")]
    stored = documents.parse(documents.dump(notebook), "a.ipynb")
    assert stored.cells[0].outputs[0].text == "a?b 😀"


def test_what_is_written_is_what_jupyter_writes(tmp_path):
    notebook = good_chapter()
    documents.write(tmp_path / "a.ipynb", notebook)
    nbformat.write(notebook, tmp_path / "b.ipynb")
    assert (tmp_path / "a.ipynb").read_bytes() == (tmp_path / "b.ipynb").read_bytes()
    text = (tmp_path / "a.ipynb").read_text("utf-8")
    assert "한국어" in text and text.endswith("}\n") and text.startswith('{\n "cells"')


def test_reading_repairs_nothing(tmp_path):
    notebook = notebook_of("x", "y", "z")
    notebook.cells[2].id = "c1"
    documents.write(tmp_path / "a.ipynb", notebook)
    assert [cell.id for cell in documents.read(tmp_path / "a.ipynb").cells] == ["c1", "c2", "c1"]


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "a.ipynb"
    path.write_bytes(b"old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(documents.os, "fsync", full)
    with pytest.raises(WorldError, match=r"a\.ipynb.*No space left on device"):
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
