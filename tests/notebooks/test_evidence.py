"""The kept seeds bear out every sentence, every mutant contradicts its own, and nothing is stale.

What was measured stands in `course_utils/lessons/evidence.json`, written by `course claims …
--update`; it is held against the sheets and the notebooks of today.
"""

import copy
import re
from pathlib import Path

import pytest
import small_chapters as small

from course_tools import evidence
from course_tools.notebooks import chapters, mutants
from course_utils import claims, lessons

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = chapters.find(ROOT / "notebooks")
EVIDENCE = lessons.read_evidence(CHAPTERS[0].lessons / lessons.EVIDENCE)
CHANGELOG = (ROOT / "docs" / "claims_changelog.md").read_text(encoding="utf-8")

# Claims of each chapter that a run in quick on embedded data is judged by.
FEWEST = {"00": 3, "01": 8, "02": 10, "03": 10, "04": 12, "05": 11, "06": 8, "07": 10, "08": 12}


def cases(chapter, claim, evidence):
    """What is kept of a claim: "PROFILE/DATA" to facts, where its sentence speaks of the data."""
    kept = evidence.get(chapter.number, {}).get("claims", {}).get(claim.id, {})
    return {case: facts for case, facts in kept.items() if claim.threshold(case.partition("/")[2])}


def untrue(chapter, evidence):
    """Claims that their kept seeds do not bear out."""
    found = []
    for claim in chapter.claims:
        for case, facts in cases(chapter, claim, evidence).items():
            values = list(facts["seeds"].values())
            threshold = claim.threshold(case.partition("/")[2])
            if len(values) < 2 or None in values or not claims.verdict(values, threshold).true:
                found.append(f"{chapter.number}:{claim.id} {case}")
    return found


def unproven(chapter, evidence):
    """Claims that the mutant of today's sheet was not seen to contradict."""
    found = []
    for claim in chapter.claims:
        data = claim.only or "embedded"
        facts = cases(chapter, claim, evidence).get(f"quick/{data}", {})
        # Of another mutant, or of none.
        answer = None
        if facts.get("changed") == str(claim.mutant):
            kept = lessons.kept_of(facts)
            expected = claims.expected_range(
                kept.seeds.values(), kept.standard_error, claim.resolution
            )
            threshold = claim.threshold(data)
            answer = mutants.contradicted(kept.mutant, kept.seeds, threshold, expected)
        if not answer:
            found.append(f"{chapter.number}:{claim.id}")
    return found


def gone(course, evidence):
    """Claims of the evidence that no chapter makes."""
    made = {f"{chapter.number}:{claim.id}" for chapter in course for claim in chapter.claims}
    kept = {f"{number}:{id}" for number, facts in evidence.items() for id in facts["claims"]}
    return kept - made


def page(course):
    """The page of the spread as the evidence gives it."""
    return evidence.spread_page(course, evidence.summarize(evidence.kept_rows(course)))


def judged(course, evidence):
    """How many claims of each chapter a run in quick on embedded data is judged by."""
    kept = {
        (chapter.number, claim.id): cases(chapter, claim, evidence).get("quick/embedded")
        for chapter in course
        for claim in chapter.claims
    }
    sound = [key for key, facts in kept.items() if facts and len(lessons.kept_of(facts).seeds) > 1]
    return {
        chapter.number: sum(number == chapter.number for number, _ in sound) for chapter in course
    }


def fewer(counts, fewest, changelog):
    """Chapters that lost claims without a line about it, or that nobody counts."""
    told = set(re.findall(r"^- (\d\d): \d+ → (\d+), \w", changelog, re.MULTILINE))
    lost = [
        number
        for number, least in fewest.items()
        if counts.get(number, 0) < least and (number, str(counts.get(number, 0))) not in told
    ]
    return lost + sorted(counts.keys() - fewest.keys())


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.number)
def test_every_sentence_is_true_on_its_kept_seeds(chapter):
    assert untrue(chapter, EVIDENCE) == []


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.number)
def test_every_mutant_contradicts_its_claim(chapter):
    assert unproven(chapter, EVIDENCE) == [], "call `course run --mutant`, `course claims --update`"


def test_no_evidence_is_kept_of_claims_that_are_gone():
    assert gone(CHAPTERS, EVIDENCE) == set()


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.number)
def test_no_evidence_is_stale(chapter, monkeypatch):
    monkeypatch.delenv("COURSE_REGISTRY", raising=False)
    assert evidence.stale(chapter) == [], "measure anew, or `course claims OLD NEW --renew`"


def test_the_page_of_the_spread_is_that_of_the_evidence():
    kept = (ROOT / "docs" / "spread.md").read_text(encoding="utf-8")
    assert kept == page(CHAPTERS), "call `course claims --markdown docs/spread.md`"


def test_no_chapter_loses_a_claim_in_silence():
    assert fewer(judged(CHAPTERS, EVIDENCE), FEWEST, CHANGELOG) == []


def test_what_the_changelog_tells_of_this_edition_is_what_is_counted():
    lines = re.findall(r"^- (\d\d): \d+ → (\d+), \w", CHANGELOG, re.MULTILINE)
    assert {number: int(count) for number, count in lines[: len(FEWEST)]} == FEWEST


# Each of these guards is seen to fail.

CASE = "quick/embedded"
SOUND = small.EVIDENCE["claims"]["beats-guessing"][CASE] | {
    "changed": "`level = 0.8` becomes `level = 0.1`"
}


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course of one small chapter; called with facts to change, it gives chapter and evidence."""
    monkeypatch.delenv("COURSE_LESSONS", raising=False)

    def made(change=None, *, case=CASE, sheet=small.SHEET, **cells):
        facts = SOUND | (change or {})
        kept = {"digest": {}, "claims": {"beats-guessing": {case: facts}}}
        folder = tmp_path / "홍 길동"
        small.write(folder, sheet=sheet, evidence=kept, n00_small=small.chapter(**cells))
        (chapter,) = chapters.find(folder)
        return chapter, lessons.read_evidence(chapter.lessons / lessons.EVIDENCE)

    return made


ID = "00:beats-guessing"


def test_a_sound_claim_has_no_fault(course):
    chapter, evidence = course()
    assert untrue(chapter, evidence) == unproven(chapter, evidence) == []
    assert gone([chapter], evidence) == set()
    assert judged([chapter], evidence) == {"00": 1}


@pytest.mark.parametrize(
    "seeds",
    [
        {"0": 0.4, "1": 0.41},
        {"0": 0.9, "1": 0.52},
        {"0": 0.8},
        {"0": 0.8, "1": 0.81, "2": None},
        {},
    ],
)
@pytest.mark.parametrize("case", [CASE, "quick/real", "full/embedded"])
def test_a_sentence_that_is_not_true_is_found_in_each_case(course, seeds, case):
    assert untrue(*course({"seeds": seeds}, case=case)) == [f"{ID} {case}"]


def test_what_a_sentence_does_not_speak_of_may_be_otherwise(course):
    sheet = small.SHEET.replace("test_set", 'only = "embedded"\ntest_set')
    assert untrue(*course({"seeds": {"0": 0.1}}, case="quick/real", sheet=sheet)) == []


@pytest.mark.parametrize(
    "change",
    [
        {"mutant": {}},
        {"mutant": {"0": 0.8}},
        {"mutant": {"0": 0.6}},
        {"changed": "`level = 0.8` becomes `level = 0.2`"},
    ],
)
def test_a_mutant_that_was_not_run_or_contradicts_nothing_is_found(course, change):
    assert unproven(*course(change)) == [ID]


def test_a_claim_without_evidence_is_not_proven(course):
    chapter, _ = course()
    assert unproven(chapter, {}) == [ID]
    assert unproven(*course(case="quick/real")) == [ID]


def test_a_claim_of_real_data_alone_is_proven_there(course):
    sheet = small.SHEET.replace("test_set", 'only = "real"\ntest_set')
    assert unproven(*course(case="quick/real", sheet=sheet)) == []
    assert unproven(*course(sheet=sheet)) == [ID]


def test_evidence_of_a_claim_that_is_gone_is_found(course):
    chapter, evidence = course()
    more = copy.deepcopy(evidence)
    more["00"]["claims"]["beats-colour"] = {}
    assert gone([chapter], more) == {"00:beats-colour"}
    assert gone([], evidence) == {ID}


def test_stale_evidence_is_found(course):
    chapter, _ = course()
    assert evidence.stale(chapter) == [CASE]


def test_a_page_of_other_evidence_is_found(course):
    chapter, _ = course()
    before = page([chapter])
    assert page([course({"mutant": {"0": 0.2}})[0]]) != before
    assert page([course({"seeds": {"0": 0.8, "1": 0.82}})[0]]) != before
    assert page([course()[0]]) == before


@pytest.mark.parametrize(
    ("counts", "changelog", "found"),
    [
        ({"00": 3, "01": 8}, "", []),
        ({"00": 4, "01": 9}, "", []),
        ({"00": 2, "01": 8}, "", ["00"]),
        ({"00": 2, "01": 8}, "- 00: 3 → 2, one was wrong.", []),
        ({"00": 1, "01": 8}, "- 00: 3 → 2, one was wrong.", ["00"]),
        ({"00": 2, "01": 8}, "- 01: 3 → 2, one was wrong.", ["00"]),
        ({"00": 2, "01": 8}, "- 00: 3 → 2,", ["00"]),
        ({"00": 3}, "", ["01"]),
        ({"00": 3, "01": 8, "02": 5}, "", ["02"]),
    ],
)
def test_a_chapter_that_lost_a_claim_is_found(counts, changelog, found):
    assert fewer(counts, {"00": 3, "01": 8}, changelog) == found


@pytest.mark.parametrize("seeds", [{}, {"0": 0.8}, {"0": 0.8, "1": None}])
def test_without_kept_seeds_nothing_is_judged(course, seeds):
    chapter, evidence = course({"seeds": seeds})
    assert judged([chapter], evidence) == {"00": 0}
    assert judged([chapter], {}) == {"00": 0}
