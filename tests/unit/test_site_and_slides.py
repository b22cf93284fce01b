"""The site's pages, what it offers, and how it takes the place of the one before."""

import json
import os
import signal
import socket
from pathlib import Path

import pytest
import small_chapters as small
from chapter_builder import write_course
from nbformat import from_dict
from nbformat.v4 import new_output

from course_tools.cli import main
from course_tools.notebooks import chapters, documents
from course_tools.publish import pages, site, slides
from course_tools.publish.executed import Executed
from course_utils import claims, session, showing
from course_utils.errors import InputError, WorldError

ADDRESS = "git+https://example.org/course@2027-spring"


@pytest.fixture
def source(tmp_path):
    return write_course(tmp_path / "홍 길동").parent


def executed(source):
    chapter = chapters.find(source)[0]
    parameters = {"PROFILE": "quick", "DATA": "embedded"}
    return Executed(chapter, documents.read(chapter.path), parameters, 1.0)


# Chapters


def test_a_reader_s_copy_keeps_outputs_but_neither_solutions_nor_records(source):
    one = executed(source)
    cell = next(c for c in one.notebook.cells if "contract" in documents.tags(c))
    data = {"text/plain": "a", "application/vnd.course.claim+json": {}}
    cell.outputs[0] = from_dict({"output_type": "display_data", "metadata": {}, "data": data})
    copy = pages.reader_copy(one)
    assert "SOLUTION" not in json.dumps(copy)
    shown = [o for c in copy.cells if c.cell_type == "code" for o in c.outputs]
    assert [dict(output.data) for output in shown] == [{"text/plain": "a"}]


def test_the_files_that_a_page_links_are_copied_and_other_links_stay(source):
    one = executed(source)
    one.notebook.cells[3].source += " [a](https://keras.io) [next](01_next.ipynb)"
    copied = []
    page = pages.chapter_page(one, downloads=[], copied=lambda path: copied.append(path) or "x y")
    assert [path.name for path in copied] == ["guide.md", "square.png"]
    links = "[the guide](x%20y) and [the summary](#Summary)."
    assert page.cells[4].source.endswith(links + " [a](https://keras.io) [next](01_next.ipynb)")


def test_notes_for_lecturers_are_in_a_deck_only_if_asked_for(source):
    one = executed(source)
    with_notes = slides.slides_copy(one, notes=True)
    without = slides.slides_copy(one, notes=False)
    assert "takes most of the time" in json.dumps(with_notes)
    assert "takes most of the time" not in json.dumps(without)
    assert len(with_notes.cells) == len(without.cells) + 1


def test_korean_words_are_marked_where_a_tag_may_stand_and_nowhere_else():
    text = pages.in_korean(
        "| 한국어 `커널` ![커널](커널.png) [커널, 필터](커널.md) <b title='커널'>커널</b> |"
    )
    marked = '<span lang="ko">{}</span>'.format
    assert text == (
        f"| {marked('한국어')} `커널` ![커널](커널.png) [{marked('커널, 필터')}](커널.md) "
        f"<b title='커널'>{marked('커널')}</b> |"
    )


def test_the_glossary_merges_terms_of_chapters(source):
    one = executed(source)
    text = pages.glossary_page([one, one])
    assert text.count("| kernel |") == 1 and "커널" in text
    assert chapters.glossary(one.notebook)[1] == (
        "kernel",
        "커널",
        "the weights that slide over a picture",
    )


# Claims


def claims_row(source, notebook=None):
    """The cells of the one claim's row on the page of claims."""
    one = executed(source)
    text = pages.claims_page([Executed(one.chapter, notebook or one.notebook, one.parameters, 1.0)])
    # One more closing tag than opening ones would break the page's columns.
    assert text.count("<div") == text.count("</div>") == 1
    (row,) = [line for line in text.splitlines() if line.startswith("| The convnet beats guessing")]
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_the_claims_page_shows_threshold_seeds_range_and_mutant(source):
    small.keep(source, [0.75, 0.85], mutant=[0.1, 0.3])
    sentence, threshold, _built, seeds, expected, mutant = claims_row(source)
    assert sentence == "The convnet beats guessing." and "0.5" in threshold
    assert "0.75" in seeds and "0.85" in seeds and "2 of 2" in seeds
    for end in claims.expected_range([0.75, 0.85]):
        assert f"{end:.4g}".replace("-", "−") in expected
    assert "WIDTH = 1" in mutant and mutant.startswith("0.2")
    small.keep(source, [1.25e-07, 3e12])
    assert "1.25×10⁻⁷ to 3×10¹²" in claims_row(source)[3]


def test_the_claims_page_of_a_chapter_that_was_never_measured_or_by_another_version(source):
    cells = claims_row(source)
    assert "0.5" in cells[1] and "WIDTH = 1" in cells[5]
    assert not any(digit in "".join(cells[2:5]) for digit in "0123456789")
    small.keep(source, [0.8, 0.9], version=99)
    with pytest.raises(InputError, match="99"):
        claims_row(source)


NARROW, WIDE = [0.8, 0.81, 0.82] * 4, [0.4, 0.6, 0.8] * 4


@pytest.mark.parametrize(
    ("seeds", "profile", "observed", "mark"),
    [
        (NARROW, "quick", 0.8, "✔"),
        (WIDE, "quick", 0.45, "◐"),
        (NARROW[:5], "quick", 0.3, "△"),
        (NARROW, "quick", 0.3, "✘"),
        (NARROW, "smoke", 0.3, "○"),
    ],
)
def test_the_claims_page_marks_what_this_build_observed(
    source, monkeypatch, seeds, profile, observed, mark
):
    small.keep(source, seeds)
    shown = []
    monkeypatch.setattr(showing, "show", shown.append)
    monkeypatch.setenv("COURSE_LESSONS", str(source / "lessons"))
    cell = {"PROFILE": profile, "DATA": "embedded", "SEED": 0, "WIDTH": 8}
    session.begin("00", cell, tensorflow=False)
    claims.check("beats-guessing", observed)
    notebook = executed(source).notebook
    (checked,) = [c for c in notebook.cells if "claims.check(" in c.source]
    checked.outputs = [new_output("display_data", shown[-1])]
    built = claims_row(source, notebook)[2]
    assert built.startswith(mark) and str(observed) in built


# The folder


def test_downloads_name_where_the_course_lives_and_carry_the_license(source, tmp_path):
    (source.parent / "LICENSE").write_text("Text: CC BY.\nCode:  MIT.\n\nMIT License\n")
    one = executed(source)
    target = tmp_path / "d"
    versions = site.write_downloads([one], source, target, solutions=True, address=ADDRESS)
    assert versions == ["student", "executed", "instructor"]
    for version, count in zip(versions, (1, 1, 0), strict=True):
        assert (target / version / "LICENSE").is_file() and (target / f"{version}.zip").is_file()
        copy = documents.read(target / version / "00_start_here.ipynb")
        assert copy.metadata["license"] == "Text: CC BY. Code: MIT."
        assert len(small.hosted_cells(copy)) == count
        assert documents.dump(copy).count(ADDRESS.encode()) == count
    assert small.hosted_cells(one.notebook) == []
    page = pages.downloads_page([one], versions, licensed=True)
    for name in ("LICENSE", "NOTICE", "downloads/executed.zip", "slides/00_start_here.html"):
        assert f'href="{name}"' in page


def site_of(folder, text):
    folder.mkdir(parents=True)
    (folder / "searchindex.js").write_text("")
    (folder / "index.html").write_text(text)


def tree(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.fixture
def build(tmp_path, monkeypatch):
    """Build a site of no chapter, by a stand-in for Sphinx."""
    monkeypatch.setattr(site.executed, "read", lambda *given: [])
    monkeypatch.setattr(site, "_write", lambda src, *given, **options: None)
    monkeypatch.setattr(site, "_sphinx", lambda src, out: site_of(out, "<head></head>new"))
    return lambda target: site.build(tmp_path, [tmp_path], target)


def test_the_new_site_takes_the_place_of_the_old_one_whole(build, tmp_path):
    site_of(tmp_path / "dist/site", "old")
    (tmp_path / "dist/site/old.html").write_text("gone")
    assert build(tmp_path / "dist/site").pages == 1
    assert tree(tmp_path / "dist") == ["site", "site/index.html", "site/searchindex.js"]
    text = (tmp_path / "dist/site/index.html").read_text()
    assert "Content-Security-Policy" in text and text.endswith("new")


@pytest.mark.parametrize("failing", ["Sphinx", "writing", "renaming"])
def test_a_build_that_fails_leaves_the_old_site_as_it_was(build, tmp_path, monkeypatch, failing):
    target = tmp_path / "dist" / "site"
    site_of(target, "old")

    def full(*given, **options):
        raise OSError(28, "No space left on device")

    def rename(path, place):
        """As from one disk to another, but for the way back."""
        if path.name == place.name == "site":
            full()
        path.replace(place)

    if failing == "renaming":
        monkeypatch.setattr(Path, "rename", rename)
    else:
        monkeypatch.setattr(site, "_sphinx" if failing == "Sphinx" else "_write", full)
    with pytest.raises(WorldError, match=r"dist/site.*No space left on device"):
        build(target)
    assert (target / "index.html").read_text() == "old"
    assert tree(tmp_path / "dist") == ["site", "site/index.html", "site/searchindex.js"]


def test_a_build_that_is_ended_leaves_nothing_behind(build, tmp_path, monkeypatch):
    monkeypatch.setattr(site, "_sphinx", lambda *given: os.kill(os.getpid(), signal.SIGTERM))
    assert main(["site", "--out", str(tmp_path / "dist" / "site")]) == 130
    assert tree(tmp_path / "dist") == []


@pytest.mark.parametrize("name", ["thesis.txt", "mine/thesis.txt"])
def test_what_is_no_site_is_not_replaced(build, tmp_path, name):
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("years of work")
    target = tmp_path / Path(name).parts[0]
    with pytest.raises(InputError, match=str(target)):
        build(target)
    assert file.read_text() == "years of work"


def test_decks_are_replaced_one_by_one_and_what_cannot_be_written_is_one_line(
    source, tmp_path, monkeypatch, capsys
):
    def write(found, target, *, notes):
        (target / "deck").mkdir()
        (target / "deck" / "deck.js").write_text("new")
        (target / "00_a.html").write_text("new")
        return [target / "00_a.html"]

    monkeypatch.setattr(slides.executed, "read", lambda *given: [])
    monkeypatch.setattr(slides, "write_decks", write)
    target = tmp_path / "slides"
    target.mkdir()
    for name in ("00_a.html", "mine.txt"):
        (target / name).write_text("old")
    assert slides.build(source, [], target) == [target / "00_a.html"]
    assert (target / "00_a.html").read_text() == "new" and (target / "mine.txt").is_file()
    assert tree(target) == ["00_a.html", "deck", "deck/deck.js", "mine.txt"]
    # A file where a folder is needed, as the disk itself would refuse it.
    assert main(["slides", "--out", str(target / "mine.txt" / "x")]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "mine.txt" in said


def test_the_command_hands_its_options_on_and_a_port_in_use_is_told_before_the_build(
    tmp_path, monkeypatch, capsys
):
    asked = {}
    monkeypatch.setattr(site, "build", lambda *given, **options: asked.update(options, given=given))
    runs = [tmp_path / "real", tmp_path / "embedded"]
    arguments = [word for run in runs for word in ("--run", str(run))]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["site", *arguments, "--serve", "--port", port]) == 1
        assert port in capsys.readouterr().err and asked == {}
    assert main(["site", *arguments, "--from", ADDRESS, "--instructor"]) == 0
    assert tuple(asked["given"][1]) == tuple(runs)
    assert asked["address"] == ADDRESS and asked["solutions"] is True
    assert main(["site", *arguments, "--execute"]) == 2


def test_a_warning_of_sphinx_is_an_error(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "conf.py").write_text('extensions = ["myst_nb"]\n')
    text = "# A\n\n[gone](nowhere.md) ![A cat.](cat.png)\n\n#### Too deep\n"
    (tmp_path / "src" / "index.md").write_text(text)
    with pytest.raises(InputError) as error:
        site._sphinx(tmp_path / "src", tmp_path / "out")
    for said in ("nowhere", "cat.png", "H1 to H4"):
        assert said in str(error.value)


def test_without_mathjax_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr(slides.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WorldError, match=r"pip install -e '.\[publish\]'"):
        slides.mathjax()
