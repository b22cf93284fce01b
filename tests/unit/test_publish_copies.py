"""What is handed out: instructors' copies, zips, assignments, hosted cells, pages of the site."""

import json
import zipfile
from pathlib import Path

import pytest
import small_chapters as small
from chapter_builder import code, good_chapter, write_course
from nbformat import from_dict
from nbformat.v4 import new_notebook

from course_utils.cli import main
from course_utils.errors import InputError, WorldError
from course_utils.notebooks import chapters, documents
from course_utils.publish import bundles, grading, hosted, licences, pages, promises, site, slides
from course_utils.publish.executed import Executed

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def source(tmp_path):
    return write_course(tmp_path / "홍 길동").parent


def executed(source):
    chapter = chapters.find(source)[0]
    parameters = {"PROFILE": "quick", "DATA": "embedded"}
    return Executed(chapter, documents.read(chapter.path), parameters, 1.0)


# Instructors


def test_an_instructor_s_copy_has_solutions_notes_and_expected_numbers(source):
    measured = {"00": {}}
    chapter = chapters.find(source)[0]
    for claim in chapter.claims:
        entry = {"seeds": {"0": 0.8, "1": 0.9}, "sabotaged": 0.1}
        measured["00"][claim.id] = {"quick/embedded": entry}
    (source / "claims_measured.json").write_text(json.dumps(measured))
    copy = documents.parse(bundles.instructor_files(source)["00_start_here.ipynb"], "copy")
    text = json.dumps(copy, ensure_ascii=False)
    assert "BEGIN SOLUTION" in text and "instructor" in text
    assert "(2 seeds)" in copy.cells[-1].source and ": " in copy.cells[-1].source
    assert all(not cell.outputs for cell in copy.cells if cell.cell_type == "code")


def test_evidence_that_is_none_is_told(source):
    (source / "claims_measured.json").write_text("[")
    with pytest.raises(InputError, match="file of evidence"):
        bundles.instructor_files(source)


def test_copies_are_never_written_into_the_chapters_folder(source):
    with pytest.raises(InputError, match="other than that of the chapters"):
        bundles.write_instructor_copies(source, source)


@pytest.mark.parametrize("kind", ["student", "instructor"])
def test_both_versions_come_as_a_folder_and_as_a_zip(source, tmp_path, kind):
    target = tmp_path / "out" / kind
    assert main([kind, str(target), "--zip", "--notebooks", str(source)]) == 0
    members = zipfile.ZipFile(tmp_path / "out" / f"{kind}.zip").namelist()
    assert "00_start_here.ipynb" in members
    solution = b"BEGIN SOLUTION" in (target / "00_start_here.ipynb").read_bytes()
    assert solution == (kind == "instructor")


def test_a_zip_of_the_same_files_is_the_same(tmp_path):
    one = bundles.write_zip(tmp_path / "a.zip", {"a": b"1", "b/c": b"2"})
    other = bundles.write_zip(tmp_path / "b.zip", {"b/c": b"2", "a": b"1"})
    assert one.read_bytes() == other.read_bytes()


# Assignments


def test_an_assignment_has_a_cell_to_solve_one_that_grades_and_one_for_words():
    copy = grading.assignment(good_chapter(), name="a.ipynb")
    marked = [cell for cell in copy.cells if "nbgrader" in cell.metadata]
    assert len(marked) % 3 == 0 and marked
    for solve, grade, words in zip(marked[::3], marked[1::3], marked[2::3], strict=True):
        assert solve.metadata.nbgrader.solution and "BEGIN SOLUTION" in solve.source
        assert grade.metadata.nbgrader.grade and grade.metadata.nbgrader.locked
        assert grade.source.startswith("exercises.require(") and "check" not in solve.source
        # A third for what the check accepts, two thirds for what a person reads.
        assert (grade.metadata.nbgrader.points, words.metadata.nbgrader.points) == (1, 2)
        assert words.cell_type == words.metadata.nbgrader.cell_type == "markdown"
        assert words.metadata.nbgrader.grade and words.metadata.nbgrader.solution
        assert not words.metadata.nbgrader.locked
    assert not any("instructor" in documents.tags(cell) for cell in copy.cells)


def test_assignments_bring_a_configuration_that_is_the_instructor_s_from_then_on(source, tmp_path):
    grading.write_assignments(source, tmp_path / "g")
    config = tmp_path / "g" / "nbgrader_config.py"
    assert "c.Execute.timeout = 1800" in config.read_text("utf-8")
    config.write_text("c = get_config()\n", "utf-8")
    grading.write_assignments(source, tmp_path / "g", names=["00"])
    assert config.read_text("utf-8") == "c = get_config()\n"


def test_an_exercise_with_another_end_is_refused():
    notebook = new_notebook(cells=[code("x = 1", "exercise")])
    with pytest.raises(InputError, match=r"a.ipynb, cell 1 .* expected an exercise that ends with"):
        grading.assignment(notebook, name="a.ipynb")


# Hosted cells


def test_every_chapter_s_hosted_cell_is_the_common_one():
    for chapter in chapters.find(ROOT / "notebooks"):
        found = [
            cell.source
            for cell in documents.read(chapter.path).cells
            if "hosted" in documents.tags(cell)
        ]
        assert found in ([], [hosted.SOURCE])


def test_a_hosted_cell_is_added_once_before_the_parameters_and_renewed(tmp_path):
    folder = small.write(tmp_path / "n", n00_start_here=small.chapter())
    assert hosted.add(folder) == ["00_start_here.ipynb: added"]
    assert hosted.add(folder) == ["00_start_here.ipynb: has it"]
    notebook = documents.read(folder / "00_start_here.ipynb")
    tags = [documents.tags(cell) for cell in notebook.cells]
    assert tags.index({"hosted"}) + 1 == tags.index({"parameters"})
    small.cell(notebook, "hosted").source = "# old"
    documents.write(folder / "00_start_here.ipynb", notebook)
    assert hosted.add(folder) == ["00_start_here.ipynb: renewed"]


def test_students_copies_can_name_where_the_course_lives(tmp_path):
    folder = small.write(tmp_path / "n", n00_start_here=small.chapter())
    hosted.add(folder)
    address = "git+https://example.org/course"
    arguments = ["student", str(tmp_path / "w"), "--from", address, "--notebooks", str(folder)]
    assert main(arguments) == 0
    assert address in (tmp_path / "w" / "00_start_here.ipynb").read_text("utf-8")
    with pytest.raises(InputError, match="an address that pip takes"):
        hosted.pointed(documents.read(folder / "00_start_here.ipynb"), 'a"; import os')


# Pages


def test_a_reader_s_copy_keeps_outputs_but_neither_solutions_nor_records(source):
    one = executed(source)
    cell = next(c for c in one.notebook.cells if "contract" in documents.tags(c))
    cell.outputs[0] = from_dict(
        {
            "output_type": "display_data",
            "metadata": {},
            "data": {"text/plain": "a", "application/vnd.course.claim+json": {}},
        }
    )
    copy = pages.reader_copy(one)
    assert "SOLUTION" not in json.dumps(copy)
    shown = [o for c in copy.cells if c.cell_type == "code" for o in c.outputs]
    assert [dict(output.data) for output in shown] == [{"text/plain": "a"}]


def test_the_glossary_merges_terms_of_chapters(source):
    one = executed(source)
    text = pages.glossary_page([one, one])
    assert text.count("| kernel |") == 1 and "커널" in text
    assert pages.terms(one)[0] == ("kernel", "커널", "the weights that slide over a picture")


def test_the_claims_page_shows_number_band_and_seeds(source, tmp_path):
    one = executed(source)
    claim = one.chapter.claims[0]
    entry = {"quick/embedded": {"seeds": {"0": 0.75, "1": 0.85}, "sabotaged": 0.1}}
    (tmp_path / "e.json").write_text(json.dumps({"00": {claim.id: entry}}))
    text = promises.claims_page([one], tmp_path / "e.json")
    assert "0.75 to 0.85 (2 seeds)" in text and ": 0.1" in text and "not reached" in text
    # One more closing tag than opening ones would break the page's columns.
    assert text.count("<div") == text.count("</div>") == 1
    entry["quick/embedded"]["seeds"] = {"0": 1.25e-07, "1": 3e12}
    (tmp_path / "e.json").write_text(json.dumps({"00": {claim.id: entry}}))
    text = promises.claims_page([one], tmp_path / "e.json")
    assert "1.25×10⁻⁷ to 3×10¹²" in text
    (tmp_path / "e.json").write_text("nothing")
    with pytest.raises(InputError, match="file of evidence"):
        promises.claims_page([one], tmp_path / "e.json")


# Korean


def test_korean_words_are_marked_where_a_tag_may_stand_and_nowhere_else():
    text = pages.in_korean(
        "| 한국어 `커널` ![커널](커널.png) [커널, 필터](커널.md) <b title='커널'>커널</b> |"
    )
    marked = '<span lang="ko">{}</span>'.format
    assert text == (
        f"| {marked('한국어')} `커널` ![커널](커널.png) [{marked('커널, 필터')}](커널.md) "
        f"<b title='커널'>{marked('커널')}</b> |"
    )


# Licences


def test_what_is_handed_out_carries_the_licence_that_stands_beside_the_chapters(source, tmp_path):
    assert licences.beside(source) == {}
    (source.parent / "LICENSE").write_text("Text: CC BY.\nCode:  MIT.\n\nMIT License\n")
    for kind in ("student", "instructor"):
        target = tmp_path / "out" / kind
        assert main([kind, str(target), "--zip", "--notebooks", str(source)]) == 0
        assert (target / "LICENSE").is_file()
        assert "LICENSE" in zipfile.ZipFile(tmp_path / "out" / f"{kind}.zip").namelist()
        copy = documents.read(target / "00_start_here.ipynb")
        assert copy.metadata["license"] == "Text: CC BY. Code: MIT."
    bundles.write_downloads([executed(source)], source, tmp_path / "d", instructor=True)
    for kind in ("student", "executed", "instructor"):
        assert (tmp_path / "d" / kind / "LICENSE").is_file()
        copy = documents.read(tmp_path / "d" / kind / "00_start_here.ipynb")
        assert copy.metadata["license"] == "Text: CC BY. Code: MIT."
    page = bundles.downloads_page([], [], instructor=False, licensed=True)
    assert 'href="LICENSE"' in page and 'href="NOTICE"' in page


def test_the_course_s_own_licence_is_beside_its_chapters():
    (text,) = licences.beside(ROOT / "notebooks").values()
    assert text == (ROOT / "LICENSE").read_bytes()


def test_parts_of_others_are_named_as_their_own_files_say(tmp_path):
    script = tmp_path / "mathjax" / "es5" / "tex-svg-full.js"
    fonts = tmp_path / "reveal" / "dist" / "theme" / "fonts" / "source-sans-pro"
    for folder in (script.parent, fonts):
        folder.mkdir(parents=True)
    about = {"version": "9.8.7", "license": "Apache-9"}
    (tmp_path / "mathjax" / "package.json").write_text(json.dumps(about))
    (tmp_path / "mathjax" / "LICENSE").write_text("Apache, the text.")
    (tmp_path / "reveal" / "LICENSE").write_text("MIT, the text.")
    (fonts / "LICENSE").write_text("A Font License\n\nits text")
    head = tmp_path / "reveal" / "dist" / "reveal.js"
    head.write_text("/*!\n * reveal.js 6.5.4\n * https://revealjs.com\n * MIT licensed\n */")
    parts = licences.of_decks(script, tmp_path / "reveal")
    text = licences.notice(parts).decode()
    for line in ("- MathJax 9.8.7: Apache-9", "- reveal.js 6.5.4: MIT", "its text"):
        assert line in text
    assert "- Source Sans Pro: A Font License" in text
    head.write_text("/* minified */")
    with pytest.raises(WorldError, match=r"expected MathJax and reveal\.js with their licences"):
        licences.of_decks(script, tmp_path / "reveal")


# The site's options


def test_the_site_s_copies_can_name_where_the_course_lives(tmp_path):
    folder = small.write(tmp_path / "n", n00_start_here=small.chapter())
    hosted.add(folder)
    address = "git+https://example.org/course"
    found = [executed(folder)]
    bundles.write_downloads(found, folder, tmp_path / "d", instructor=False, address=address)
    for kind in ("student", "executed"):
        assert address in (tmp_path / "d" / kind / "00_start_here.ipynb").read_text("utf-8")
    assert "example.org" not in json.dumps(found[0].notebook)


def test_the_command_hands_its_options_on_to_the_site(tmp_path, monkeypatch):
    asked = {}
    monkeypatch.setattr(site, "build", lambda *given, **options: asked.update(options, given=given))
    runs = [tmp_path / "real", tmp_path / "embedded"]
    arguments = [word for run in runs for word in ("--run", str(run))]
    address = "git+https://example.org/course"
    assert main(["site", *arguments, "--from", address, "--instructor"]) == 0
    assert tuple(asked["given"][1]) == tuple(runs)
    assert asked["address"] == address and asked["instructor"] is True
    assert main(["site", *arguments, "--execute"]) == 2


def test_notes_for_lecturers_are_in_a_deck_only_if_asked_for(source):
    one = executed(source)
    with_notes = slides.slides_copy(one, notes=True)
    without = slides.slides_copy(one, notes=False)
    assert "takes most of the time" in json.dumps(with_notes)
    assert "takes most of the time" not in json.dumps(without)
    assert len(with_notes.cells) == len(without.cells) + 1
