"""What is handed out: instructors' copies, zips, assignments, hosted cells, pages of the site."""

import json
import zipfile
from pathlib import Path

import pytest
import small_chapters as small
from chapter_builder import code, good_chapter, write_course
from nbformat import from_dict, validate
from nbformat.v4 import new_notebook, new_output

from course_tools.cli import main
from course_tools.notebooks import chapters, documents
from course_tools.publish import bundles, grading, hosted, licences, pages, promises, site, slides
from course_tools.publish.executed import Executed
from course_utils import claims, lessons, session, showing
from course_utils.errors import InputError, WorldError

ROOT = Path(__file__).resolve().parent.parent.parent
ADDRESS = "git+https://example.org/course@2027-spring"


@pytest.fixture
def source(tmp_path):
    return write_course(tmp_path / "홍 길동").parent


def executed(source):
    chapter = chapters.find(source)[0]
    parameters = {"PROFILE": "quick", "DATA": "embedded"}
    return Executed(chapter, documents.read(chapter.path), parameters, 1.0)


def keep(source, seeds, mutant=(), *, version=lessons.FORMAT):
    """Write evidence of the claim of the small chapters: what its seeds and its mutant observed."""
    facts = {
        "seeds": {str(seed): value for seed, value in enumerate(seeds)},
        "standard_error": None,
        "mutant": {str(seed): value for seed, value in enumerate(mutant)},
    }
    known = {"digest": {}, "claims": {"beats-guessing": {"quick/embedded": facts}}}
    content = {"format": version, "chapters": {"00": known}}
    (source / "lessons" / lessons.EVIDENCE).write_text(json.dumps(content), "utf-8")


# Instructors


def test_an_instructor_s_copy_has_solutions_notes_and_expected_numbers(source):
    keep(source, [0.8, 0.9], mutant=[0.1, 0.3])
    copy = documents.parse(bundles.instructor_files(source)["00_start_here.ipynb"], "copy")
    text = json.dumps(copy, ensure_ascii=False)
    assert "BEGIN SOLUTION" in text and "instructor" in text
    (row,) = [line for line in copy.cells[-1].source.splitlines() if "`beats-guessing`" in line]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1] == "quick/embedded" and "0.8" in cells[2] and "0.9" in cells[2]
    assert "0.5" in cells[3] and "WIDTH = 1" in cells[5] and cells[5].endswith("0.2")
    low, high = claims.expected_range([0.8, 0.9])
    assert f"{low:.4g}" in cells[4] and f"{high:.4g}" in cells[4]
    assert all(not cell.outputs for cell in copy.cells if cell.cell_type == "code")


def test_evidence_that_is_none_is_told(source):
    (source / "lessons" / lessons.EVIDENCE).write_text("[")
    with pytest.raises(InputError, match=r"evidence\.json"):
        bundles.instructor_files(source)
    keep(source, [0.8, 0.9], version=99)
    with pytest.raises(InputError, match="99"):
        promises.claims_page([executed(source)])


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
    parameters, *marked = [cell for cell in copy.cells if "nbgrader" in cell.metadata]
    assert parameters.metadata.nbgrader.locked and not parameters.metadata.nbgrader.grade
    assert "parameters" in documents.tags(parameters)
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


def test_every_assignment_carries_the_values_of_smoke(tmp_path):
    source = ROOT / "notebooks"
    grading.write_assignments(source, tmp_path)
    for chapter in chapters.find(source):
        copy = documents.read(tmp_path / "source" / chapter.stem / chapter.path.name)
        (cell,) = [cell for cell in copy.cells if "parameters" in documents.tags(cell)]
        values = {}
        exec(cell.source, {}, values)
        smoke = chapter.sheet.values("smoke", "embedded")
        assert values == {"PROFILE": "smoke", "DATA": "embedded", "SEED": 0, **smoke}


# Hosted cells


def hosted_cells(notebook):
    return [n for n, cell in enumerate(notebook.cells) if "hosted" in documents.tags(cell)]


def test_no_chapter_has_a_hosted_cell_and_a_hosted_copy_has_one_before_its_parameters():
    for chapter in chapters.find(ROOT / "notebooks"):
        notebook = documents.read(chapter.path)
        before = documents.dump(notebook)
        copy = hosted.added(notebook, ADDRESS)
        assert hosted_cells(notebook) == [] and documents.dump(notebook) == before
        (place,) = hosted_cells(copy)
        assert "parameters" in documents.tags(copy.cells[place + 1])
        assert ADDRESS in copy.cells[place].source
        validate(copy)


@pytest.mark.parametrize("address", ["", 'a"; import os', "a\nb", "$(id)", "`id`", "a\\b"])
def test_what_is_no_address_is_never_put_into_a_cell(address):
    with pytest.raises(InputError) as error:
        hosted.added(small.chapter(), address)
    assert repr(address) in str(error.value)


def test_students_copies_have_a_hosted_cell_only_with_an_address(tmp_path):
    folder = small.write(tmp_path / "n", n00_start_here=small.chapter())
    arguments = ["--notebooks", str(folder)]
    assert main(["student", str(tmp_path / "w"), "--zip", *arguments]) == 0
    assert hosted_cells(documents.read(tmp_path / "w" / "00_start_here.ipynb")) == []
    hosted_too = [str(tmp_path / "h"), "--zip", "--from", ADDRESS]
    assert main(["student", *hosted_too, *arguments]) == 0
    packed = zipfile.ZipFile(tmp_path / "h.zip").read("00_start_here.ipynb")
    for copy in (
        documents.read(tmp_path / "h" / "00_start_here.ipynb"),
        documents.parse(packed, "z"),
    ):
        (place,) = hosted_cells(copy)
        assert ADDRESS in copy.cells[place].source


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


def claims_row(text):
    """The cells of the one claim's row on the page of claims."""
    (row,) = [line for line in text.splitlines() if line.startswith("| The convnet beats guessing")]
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_the_claims_page_shows_threshold_seeds_range_and_mutant(source):
    keep(source, [0.75, 0.85], mutant=[0.1, 0.3])
    text = promises.claims_page([executed(source)])
    sentence, threshold, _built, seeds, expected, mutant = claims_row(text)
    assert sentence == "The convnet beats guessing." and "0.5" in threshold
    assert "0.75" in seeds and "0.85" in seeds and "2 of 2" in seeds
    low, high = claims.expected_range([0.75, 0.85])
    assert f"{low:.4g}" in expected and f"{high:.4g}" in expected
    assert "WIDTH = 1" in mutant and mutant.startswith("0.2")
    # One more closing tag than opening ones would break the page's columns.
    assert text.count("<div") == text.count("</div>") == 1
    keep(source, [1.25e-07, 3e12])
    assert "1.25×10⁻⁷ to 3×10¹²" in claims_row(promises.claims_page([executed(source)]))[3]


def test_the_claims_page_of_a_chapter_that_was_never_measured(source):
    cells = claims_row(promises.claims_page([executed(source)]))
    assert "0.5" in cells[1] and "WIDTH = 1" in cells[5]
    assert not any(digit in "".join(cells[2:5]) for digit in "0123456789")


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
    keep(source, seeds)
    shown = []
    monkeypatch.setattr(showing, "show", shown.append)
    monkeypatch.setenv("COURSE_LESSONS", str(source / "lessons"))
    cell = {"PROFILE": profile, "DATA": "embedded", "SEED": 0, "WIDTH": 8}
    session.begin("00", cell, tensorflow=False)
    claims.check("beats-guessing", observed)
    one = executed(source)
    (checked,) = [c for c in one.notebook.cells if "claims.check(" in c.source]
    checked.outputs = [new_output("display_data", shown[-1])]
    built = claims_row(promises.claims_page([one]))[2]
    assert built.startswith(mark) and str(observed) in built


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
    found = [executed(folder)]
    bundles.write_downloads(found, folder, tmp_path / "d", instructor=True, address=ADDRESS)
    for kind, count in (("student", 1), ("executed", 1), ("instructor", 0)):
        copy = documents.read(tmp_path / "d" / kind / "00_start_here.ipynb")
        assert len(hosted_cells(copy)) == count == documents.dump(copy).count(ADDRESS.encode())
    assert hosted_cells(found[0].notebook) == []


def test_the_command_hands_its_options_on_to_the_site(tmp_path, monkeypatch):
    asked = {}
    monkeypatch.setattr(site, "build", lambda *given, **options: asked.update(options, given=given))
    runs = [tmp_path / "real", tmp_path / "embedded"]
    arguments = [word for run in runs for word in ("--run", str(run))]
    assert main(["site", *arguments, "--from", ADDRESS, "--instructor"]) == 0
    assert tuple(asked["given"][1]) == tuple(runs)
    assert asked["address"] == ADDRESS and asked["instructor"] is True
    assert main(["site", *arguments, "--execute"]) == 2


def test_notes_for_lecturers_are_in_a_deck_only_if_asked_for(source):
    one = executed(source)
    with_notes = slides.slides_copy(one, notes=True)
    without = slides.slides_copy(one, notes=False)
    assert "takes most of the time" in json.dumps(with_notes)
    assert "takes most of the time" not in json.dumps(without)
    assert len(with_notes.cells) == len(without.cells) + 1
