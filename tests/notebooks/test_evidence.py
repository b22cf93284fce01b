"""Every band that the chapters declare is justified by what several seeds measured.

The measured values stand in `notebooks/claims_measured.json`, written by
`course claims … --update`. A band without evidence, one narrower than the seeds justify, and one
that the sabotaged value does not miss are each a fault.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from course_utils.notebooks import chapters, evidence_file, spread
from course_utils.notebooks.claim_verdict import inside
from course_utils.notebooks.evidence import ENOUGH, summarise

NOTEBOOKS = Path(__file__).resolve().parent.parent.parent / "notebooks"
CHAPTERS = chapters.find(NOTEBOOKS)


EVIDENCE = evidence_file.read(NOTEBOOKS / evidence_file.NAME)
NONE = chapters.Chapter(Path("00_a.ipynb"), "00", "a", "00_a", "", "", "", {}, (), (), ())


def problems(claim, evidence):
    """What is wrong with the bands of one claim, given {"PROFILE/DATA": measured}."""
    found = []
    rows = evidence_file.rows([replace(NONE, claims=(claim,))], {"00": {claim.id: evidence}})
    summed_up = {f"{one.profile}/{one.data}": one for one in summarise(rows)}
    # An exact claim holds everywhere, and may be measured on anything. Another one may be shown
    # where it is not judged, but not by a seed or two that somebody left there.
    for key in sorted(set(evidence) - set(claim.bands)) if "any" not in claim.bands else ():
        if len(evidence[key]["seeds"]) < ENOUGH:
            found.append(f"{claim.id}, {key}: fewer than {ENOUGH} seeds, and no band is set for it")
    broken_embedded = (evidence.get("quick/embedded") or {}).get("sabotaged")
    for key, band in claim.bands.items():
        measured = ["quick/embedded"] if key == "any" else [key]
        for name in measured:
            facts = evidence.get(name)
            if facts is None or len(facts["seeds"]) < ENOUGH:
                found.append(f"{claim.id}, {key}: fewer than {ENOUGH} seeds measured")
                continue
            summed = summed_up[name]
            # Exact mathematics gives the same number up to rounding; it has no spread to cover.
            narrow = summed.justified_inside is False if key != "any" else False
            if narrow or summed.held < summed.judged:
                found.append(f"{claim.id}, {key}: {band} leaves out {summed.justified}")
            if summed.mean_held is False:
                found.append(f"{claim.id}, {key}: the mean {summed.mean:.4g} misses its own band")
            if claim.unit_sabotage:
                continue
            if facts["sabotaged"] is None:
                # A sabotaged real run costs minutes. It is spared where the same broken line was
                # seen to miss the band for embedded data.
                if not (key.endswith("/real") and broken_embedded is not None):
                    found.append(f"{claim.id}, {key}: its sabotage was never measured")
            elif inside(facts["sabotaged"], *band):
                found.append(f"{claim.id}, {key}: the sabotaged {facts['sabotaged']} is inside")
    return found


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.number)
def test_every_band_is_justified(chapter):
    known = EVIDENCE.get(chapter.number, {})
    assert [p for claim in chapter.claims for p in problems(claim, known.get(claim.id, {}))] == []


def test_no_evidence_is_kept_of_claims_that_are_gone():
    declared = {(c.number, claim.id) for c in CHAPTERS for claim in c.claims}
    kept = {(number, id) for number, claims in EVIDENCE.items() for id in claims}
    assert kept - declared == set()


def test_the_page_of_the_spread_is_that_of_the_evidence():
    page = spread.page(CHAPTERS, summarise(evidence_file.rows(CHAPTERS, EVIDENCE)))
    kept = (NOTEBOOKS.parent / "docs" / "spread.md").read_text(encoding="utf-8")
    assert kept == page, "call `course claims --markdown docs/spread.md`"


GOOD = {
    "seeds": {"0": 0.90, "1": 0.91, "2": 0.92, "3": 0.90, "4": 0.92},
    "standard_error": 0.01,
    "sabotaged": 0.1,
}


def claim(mean=(None, None), **bands):
    bands = {key.replace("_", "/"): band for key, band in bands.items()}
    means = {"quick/embedded": mean}
    return chapters.ClaimText("a", "A.", bands, "labels shuffled", "", 1, mean_bands=means)


def test_a_justified_band_has_no_problem():
    assert problems(claim(quick_embedded=(0.86, None)), {"quick/embedded": GOOD}) == []


@pytest.mark.parametrize(
    ("band", "change", "message"),
    [
        ((0.88, None), {}, "leaves out"),
        ((0.86, 0.93), {}, "leaves out"),
        ((0.86, None), {"standard_error": 0.05}, "leaves out"),
        ((0.86, None), {"seeds": {"0": 0.9}}, "fewer than 5 seeds"),
        ((0.86, None), {"sabotaged": 0.9}, "is inside"),
        ((0.86, None), {"sabotaged": None}, "never measured"),
    ],
)
def test_an_unjustified_band_is_found(band, change, message):
    found = problems(claim(quick_embedded=band), {"quick/embedded": GOOD | change})
    assert len(found) == 1 and message in found[0]


def test_a_mean_that_misses_its_own_band_is_found():
    assert problems(claim((0.9, None), quick_embedded=(0.86, None)), {"quick/embedded": GOOD}) == []
    found = problems(claim((0.92, None), quick_embedded=(0.86, None)), {"quick/embedded": GOOD})
    assert found == ["a, quick/embedded: the mean 0.91 misses its own band"]


def test_only_a_recorded_sabotage_on_embedded_data_spares_the_one_on_real_data():
    unbroken = GOOD | {"sabotaged": None}
    both = claim(quick_embedded=(0.86, None), quick_real=(0.86, None))
    assert problems(both, {"quick/embedded": GOOD, "quick/real": unbroken}) == []
    (found,) = problems(claim(quick_real=(0.86, None)), {"quick/real": unbroken})
    assert "its sabotage was never measured" in found


def test_a_few_seeds_for_which_no_band_is_set_are_found():
    few = GOOD | {"seeds": {"2": 0.92, "4": 0.92}}
    evidence = {"quick/real": GOOD, "quick/embedded": few}
    assert problems(claim(quick_real=(0.86, None)), evidence) == [
        "a, quick/embedded: fewer than 5 seeds, and no band is set for it"
    ]
    assert problems(claim(quick_real=(0.86, None)), evidence | {"quick/embedded": GOOD}) == []
    assert problems(claim(any=(0.86, None)), {"quick/embedded": GOOD, "quick/real": few}) == []


def test_a_band_without_any_evidence_is_found():
    assert "fewer than 5" in problems(claim(quick_real=(0.5, None)), {})[0]
