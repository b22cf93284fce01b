"""Evidence is merged, grows stale with the code it is of, is renewed where no number changed."""

import json
import shutil

import pytest
import small_chapters as small
from nbformat.v4 import new_markdown_cell

from course_tools import evidence
from course_tools.notebooks import chapters
from course_tools.run import fingerprint
from course_utils import lessons
from course_utils.datasets import registry
from course_utils.errors import InputError

CASE = "quick/embedded"
NOTHING = {"digest": {}, "claims": {}}
ROW = {
    "chapter": "00",
    "id": "beats-guessing",
    "profile": "quick",
    "data": "embedded",
    "seed": 0,
    "observed": 0.8,
    "standard_error": 0.01,
    "mutant": "",
}
BROKEN = {"mutant": "beats-guessing", "observed": 0.1}


class Course:
    """A folder with one small chapter, its sheet and its evidence, which a test may change."""

    def __init__(self, folder):
        self.folder = folder
        self.file = folder / "lessons" / lessons.EVIDENCE
        self.write(evidence=NOTHING)

    def write(self, *, sheet=small.SHEET, evidence=None, notebook=None, **cells):
        before = self.file.read_bytes() if evidence is None else b""
        small.write(
            self.folder,
            sheet=sheet,
            evidence=evidence,
            n00_small=notebook or small.chapter(**cells),
        )
        if before:
            self.file.write_bytes(before)

    def merge(self, *rows):
        evidence.merge(self.file, self.of_today(*rows), self.chapters)

    def of_today(self, *rows):
        """Rows as a run of the chapter gives them."""
        rows = [ROW | row for row in rows]
        return [{"digest": self.digest(f"{r['profile']}/{r['data']}")} | r for r in rows]

    @property
    def chapters(self):
        return chapters.find(self.folder)

    @property
    def kept(self):
        return lessons.read_evidence(self.file)["00"]["claims"]["beats-guessing"]

    def digest(self, case=CASE):
        return fingerprint.digest(self.chapters[0], case)


@pytest.fixture
def course(tmp_path, monkeypatch):
    monkeypatch.delenv("COURSE_LESSONS", raising=False)
    return Course(tmp_path / "홍 길동")


# Merged


def test_the_first_seeds_make_the_file(course):
    course.file.unlink()
    course.merge({}, {"seed": 1, "observed": 0.9, "standard_error": 0.03})
    assert json.loads(course.file.read_text()) == {
        "format": lessons.FORMAT,
        "chapters": {
            "00": {
                "digest": {CASE: course.digest()},
                "claims": {
                    "beats-guessing": {
                        CASE: {
                            "seeds": {"0": 0.8, "1": 0.9},
                            "standard_error": 0.02,
                            "mutant": {},
                        }
                    }
                },
            }
        },
    }


def test_seeds_of_the_same_code_are_added_and_the_later_counts(course):
    course.merge({"seed": 2}, {"seed": 11, "observed": 0.7})
    course.merge({"seed": 2, "observed": 0.85}, {"seed": 3, "observed": None})
    seeds = course.kept[CASE]["seeds"]
    assert list(seeds.items()) == [("2", 0.85), ("3", None), ("11", 0.7)]
    assert lessons.kept_of(course.kept[CASE]).seeds == {2: 0.85, 11: 0.7}


def test_the_same_rows_again_change_no_byte(course):
    course.merge({}, BROKEN)
    before = course.file.read_bytes()
    course.merge({}, BROKEN)
    assert course.file.read_bytes() == before


def test_smoke_is_no_evidence(course):
    course.merge({"profile": "smoke"})
    assert lessons.read_evidence(course.file) == {"00": NOTHING}


def test_of_mutants_the_last_run_is_kept_and_what_it_changed(course):
    course.merge({}, {"seed": 1}, BROKEN, BROKEN | {"seed": 1, "observed": None})
    assert course.kept[CASE]["mutant"] == {"0": 0.1, "1": None}
    course.merge(BROKEN | {"seed": 4, "observed": 0.2})
    facts = course.kept[CASE]
    assert (facts["mutant"], facts["seeds"]) == ({"4": 0.2}, {"0": 0.8, "1": 0.8})
    assert "level = 0.8" in facts["changed"] and "level = 0.1" in facts["changed"]


def test_a_run_of_another_claims_mutant_is_no_evidence(course):
    course.merge({})
    before = course.file.read_bytes()
    course.merge({"mutant": "beats-colour", "observed": 0.3})
    assert course.file.read_bytes() == before


@pytest.mark.parametrize("change", [{"id": "beats-colour"}, {"chapter": "01"}])
def test_a_claim_that_no_chapter_has_is_refused(course, change):
    row = ROW | change
    with pytest.raises(InputError, match=f"{row['chapter']}:{row['id']}"):
        course.merge({}, change)
    assert lessons.read_evidence(course.file) == {"00": NOTHING}


@pytest.mark.parametrize(
    ("text", "received"),
    [
        ('{"00": {"beats-guessing": {}}}', "none"),
        ('{"format": 1, "chapters": {}}', "1"),
        ('{"format": 3, "chapters": {}}', "3"),
        ("[]", "none"),
        ("no JSON", "none"),
    ],
)
def test_evidence_of_another_format_is_refused_and_left_alone(course, text, received):
    course.file.write_text(text)
    with pytest.raises(InputError, match=f"evidence.json.* format {received}"):
        course.merge({})
    assert course.file.read_text() == text


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"digest": "of other code"}, "of other code"),
        ({"digest": None}, "unknown"),
        ({"overridden": {"WIDTH": 16}}, "WIDTH = 16"),
        (BROKEN | {"overridden": {"WIDTH": 16}}, "WIDTH = 16"),
    ],
)
def test_a_run_of_other_code_or_with_other_parameters_is_refused(course, change, named):
    course.merge({})
    before = course.file.read_bytes()
    with pytest.raises(InputError, match=named):
        course.merge({"seed": 1}, change)
    assert course.file.read_bytes() == before


# Stale


def test_a_series_of_other_code_makes_room_for_a_new_one(course):
    course.merge({}, {"seed": 1}, BROKEN, {"data": "real"})
    course.write(claim=small.CLAIM.replace("0.01 *", "0.02 *"))
    course.merge({"seed": 7, "observed": 0.82})
    assert course.kept[CASE] == {"seeds": {"7": 0.82}, "standard_error": 0.01, "mutant": {}}
    # Of the other case nothing was measured anew.
    assert course.kept["quick/real"]["seeds"] == {"0": 0.8}
    assert evidence.stale(course.chapters[0]) == ["quick/real"]


def test_claims_that_are_gone_go_with_their_series(course):
    course.merge({})
    content = json.loads(course.file.read_text())
    claims = content["chapters"]["00"]["claims"]
    claims["gone"] = claims["beats-guessing"]
    course.file.write_text(json.dumps(content))
    course.write(claim=small.CLAIM.replace("0.01 *", "0.02 *"))
    course.merge({})
    assert list(lessons.read_evidence(course.file)["00"]["claims"]) == ["beats-guessing"]


def test_mutants_of_stale_evidence_are_refused(course):
    course.merge({}, {"seed": 1})
    course.write(claim=small.CLAIM.replace("0.01 *", "0.02 *"))
    before = course.file.read_bytes()
    with pytest.raises(InputError, match=f"00 for {CASE}"):
        course.merge(BROKEN)
    assert course.file.read_bytes() == before
    course.merge(BROKEN, {}, {"seed": 1})
    assert course.kept[CASE]["mutant"] == {"0": 0.1}


def test_mutants_without_any_evidence_are_refused(course):
    with pytest.raises(InputError, match=f"00 for {CASE}"):
        course.merge(BROKEN)


def test_what_is_stale_is_computed(course):
    assert evidence.stale(course.chapters[0]) == []
    course.merge({}, {"data": "real"})
    assert evidence.stale(course.chapters[0]) == []
    course.write(sheet=small.SHEET.replace('"coat"', '"shoe"'))
    assert evidence.stale(course.chapters[0]) == ["quick/real"]
    course.write(evidence=small.EVIDENCE)
    assert evidence.stale(course.chapters[0]) == [CASE]


# What a digest follows from


def titled():
    notebook = small.chapter()
    notebook.cells[0].source += "\n\nMore is said."
    notebook.cells.insert(2, new_markdown_cell("A remark.", id="remark"))
    return notebook


def with_figure(source, *tags):
    notebook = small.chapter(figure=source)
    return small.tag(notebook, "figure", *tags) if tags else notebook


FIGURE = 'plots.show(draw(level), "An accuracy far above the line of chance.")'
TAGGED = ("exercise", "exercises.check('more', 3)")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"notebook": titled()}),
        ({}, {"claim": "# A remark.\n" + small.CLAIM.replace("claims", "\nclaims")}),
        ({}, {"parameters": small.PARAMETERS.replace("a number", "another word")}),
        ({}, {"notebook": with_figure(TAGGED[1], TAGGED[0])}),
        (
            {"notebook": with_figure(TAGGED[1], TAGGED[0])},
            {"notebook": with_figure("exercises.check('more', 4)", "exercise")},
        ),
        ({"figure": FIGURE}, {"figure": FIGURE.replace("far above", "well above")}),
        ({"figure": FIGURE}, {"figure": FIGURE.replace(', "An', ', caption="An')}),
        ({}, {"sheet": small.SHEET.replace("beats guessing.", "is far better than guessing.")}),
        ({}, {"sheet": small.SHEET.replace("above = 0.5", "above = 0.6")}),
        ({}, {"sheet": small.SHEET.replace("smoke = 2", "smoke = 3, full = 16")}),
        ({}, {"sheet": small.SHEET.replace('"coat"', '"shoe"')}),
        ({}, {"sheet": small.SHEET.replace("quick = 8", 'quick = 8, "quick/embedded" = 8')}),
    ],
)
def test_words_and_other_cases_leave_the_digest(course, before, after):
    course.write(**before)
    first = course.digest()
    course.write(**after)
    assert course.digest() == first


WIDER = {
    "parameters": small.PARAMETERS.replace("WIDTH = 8", "WIDTH = 16"),
    "sheet": small.SHEET.replace("quick = 8", "quick = 16"),
}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"claim": small.CLAIM.replace("0.01 *", "0.02 *")}),
        ({}, {"exact": "assert 2 * 3 == 6"}),
        ({}, {"exact": None}),
        ({"figure": FIGURE}, {"figure": FIGURE.replace("level", "level + 1")}),
        ({}, WIDER),
    ],
)
def test_code_and_values_change_the_digest(course, before, after):
    course.write(**before)
    first = course.digest()
    course.write(**after)
    assert course.digest() != first


def test_each_case_has_a_digest_of_its_own(course):
    assert course.digest("quick/real") != course.digest() != course.digest("full/embedded")


@pytest.mark.parametrize("named", ["parameter", "code"])
def test_on_real_data_the_registry_s_entry_counts(course, tmp_path, monkeypatch, named):
    if named == "code":
        course.write(exact='name = "flowers"')
    else:
        course.write(sheet=small.SHEET.replace('"coat"', '"flowers"'))
    file = tmp_path / "registry.toml"
    shutil.copy(registry.__file__.replace("registry.py", "registry.toml"), file)
    monkeypatch.setenv("COURSE_REGISTRY", str(file))
    before = course.digest("quick/real"), course.digest()
    for name, same in (("cifar10", True), ("flowers", False)):
        sum_before = registry.entry(name)["files"][0]["sha256"]
        file.write_text(file.read_text(encoding="utf-8").replace(sum_before, "0" * 64))
        assert registry.entry(name)["files"][0]["sha256"] == "0" * 64
        assert (course.digest("quick/real") == before[0]) is same
        assert course.digest() == before[1]


# Compared and renewed


def test_two_runs_that_agree():
    rows = [ROW, ROW | {"seed": 1, "observed": None}]
    said, same = evidence.compare(rows, rows)
    assert same and "2 of 2" in said


def test_what_differs_is_named():
    old = [ROW, ROW | {"seed": 1}, ROW | {"seed": 2}]
    new = [ROW, ROW | {"seed": 1, "observed": 0.8000001}, ROW | {"seed": 3}]
    said, same = evidence.compare(old, new)
    assert not same
    line = next(line for line in said.splitlines() if "beats-guessing" in line)
    assert line.split() == ["00:beats-guessing", CASE, "1", "0.8", "0.8000001"]
    assert "1 of 2" in said


def test_mutants_are_not_compared():
    assert evidence.compare([ROW | BROKEN, ROW], [ROW | BROKEN | {"observed": 0.2}, ROW])[1]


@pytest.mark.parametrize("new", [[], [ROW | {"seed": 1}], [ROW | {"data": "real"}]])
def test_runs_without_a_seed_in_common_do_not_agree(new):
    assert not evidence.compare([ROW], new)[1]


@pytest.fixture
def changed(course):
    """A chapter whose code was changed after its seeds were kept."""
    course.merge({}, {"seed": 1}, {"seed": 2}, BROKEN)
    course.write(claim=small.CLAIM.replace("0.8 + 0.01 * (SEED % 3)", "0.8 + (SEED % 3) * 0.01"))
    assert evidence.stale(course.chapters[0]) == [CASE]
    return course


RUN = [ROW, ROW | {"seed": 1}]


def renew(course, new, old=RUN):
    return evidence.renew(course.file, old, course.of_today(*new), course.chapters)


def test_evidence_is_renewed_where_no_number_changed(changed):
    before = changed.kept
    assert f"00 {CASE}" in renew(changed, RUN)
    assert evidence.stale(changed.chapters[0]) == []
    assert changed.kept == before
    # And once more there is nothing to do.
    file = changed.file.read_bytes()
    assert CASE not in renew(changed, RUN)
    assert changed.file.read_bytes() == file


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (RUN, [ROW, ROW | {"seed": 1, "observed": 0.81}]),
        (RUN, [ROW]),
        ([ROW | {"seed": 1}], RUN),
        (RUN, [ROW | {"data": "real"}, ROW | {"seed": 1, "data": "real"}]),
        (RUN, [ROW | BROKEN, ROW | {"seed": 1}]),
        (RUN, [ROW, ROW | {"seed": 1, "digest": "of other code"}]),
    ],
)
def test_evidence_stays_stale_where_a_number_changed_or_is_missing(changed, old, new):
    before = changed.file.read_bytes()
    assert f"00 {CASE}" in renew(changed, new, old)
    assert evidence.stale(changed.chapters[0]) == [CASE]
    assert changed.file.read_bytes() == before


def test_one_case_is_renewed_without_the_other(course):
    course.merge(*RUN, *(row | {"data": "real"} for row in RUN))
    course.write(exact="assert 3 * 3 == 9")
    assert renew(course, RUN).count("\n") == 1
    assert evidence.stale(course.chapters[0]) == ["quick/real"]


# Read back


def test_kept_rows_say_what_the_sheet_says_today(course):
    course.merge({}, {"seed": 1, "observed": 0.9}, BROKEN)
    course.write(sheet=small.SHEET.replace("above = 0.5", "above = 0.6"))
    found = evidence.kept_rows(course.chapters)
    assert [(row["seed"], row["mutant"], row["observed"]) for row in found] == [
        (0, "", 0.8),
        (1, "", 0.9),
        (0, "beats-guessing", 0.1),
    ]
    assert {row["threshold"] for row in found} == {(0.6, None)}
    assert {row["standard_error"] for row in found} == {0.01}


def test_claims_that_are_gone_are_not_read_back(course):
    course.merge({})
    course.write(claim="level = 0.8", sheet=small.SHEET.partition("[claims")[0])
    assert evidence.kept_rows(course.chapters) == []
