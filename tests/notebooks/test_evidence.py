"""Every band that the chapters declare is justified by what several seeds measured.

The measured values stand in `notebooks/claims_measured.json`, written by
`course claims … --update`. A band without evidence, one narrower than the seeds justify, and one
that the sabotaged value does not miss are each a fault.
"""

import json
from pathlib import Path

import pytest

from course_utils.notebooks import chapters
from course_utils.notebooks.evidence import ENOUGH, summarise

NOTEBOOKS = Path(__file__).resolve().parent.parent.parent / "notebooks"
CHAPTERS = chapters.find(NOTEBOOKS)


def summary(claim, band, facts):
    """The evidence as runs would have given it, summed up by the course's own rule."""
    rows = [
        {
            "chapter": "00",
            "id": claim.id,
            "profile": "quick",
            "data": "embedded",
            "seed": seed,
            "sabotaged": sabotaged,
            "observed": observed,
            "standard_error": facts["standard_error"],
            "low": band[0],
            "high": band[1],
            "judged": True,
            "held": None,
            "mean_low": None,
            "mean_high": None,
        }
        for seeds, sabotaged in ((facts["seeds"], ""), ({0: facts["sabotaged"]}, claim.id))
        for seed, observed in seeds.items()
    ]
    return summarise(rows)[0]


def outside(value, band):
    low, high = band
    missed = (low is not None and value < low) or (high is not None and value > high)
    return missed


def problems(claim, evidence):
    """What is wrong with the bands of one claim, given {"PROFILE/DATA": measured}."""
    found = []
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
            summed = summary(claim, band, facts)
            # Exact mathematics gives the same number up to rounding; it has no spread to cover.
            narrow = summed.justified_inside is False if key != "any" else False
            if narrow or any(outside(value, band) for value in facts["seeds"].values()):
                found.append(f"{claim.id}, {key}: {band} leaves out {summed.justified}")
            if claim.unit_sabotage:
                continue
            if facts["sabotaged"] is None:
                # A sabotaged real run costs minutes. It is spared where the same broken line was
                # seen to miss the band for embedded data.
                if not (key.endswith("/real") and broken_embedded is not None):
                    found.append(f"{claim.id}, {key}: its sabotage was never measured")
            elif not outside(facts["sabotaged"], band):
                found.append(f"{claim.id}, {key}: the sabotaged {facts['sabotaged']} is inside")
    return found


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.number)
def test_every_band_is_justified(chapter):
    evidence = json.loads((NOTEBOOKS / "claims_measured.json").read_text(encoding="utf-8"))
    known = evidence.get(chapter.number, {})
    assert [p for claim in chapter.claims for p in problems(claim, known.get(claim.id, {}))] == []


def test_no_evidence_is_kept_of_claims_that_are_gone():
    evidence = json.loads((NOTEBOOKS / "claims_measured.json").read_text(encoding="utf-8"))
    declared = {(c.number, claim.id) for c in CHAPTERS for claim in c.claims}
    kept = {(number, id) for number, claims in evidence.items() for id in claims}
    assert kept - declared == set()


GOOD = {
    "seeds": {"0": 0.90, "1": 0.91, "2": 0.92, "3": 0.90, "4": 0.92},
    "standard_error": 0.01,
    "sabotaged": 0.1,
}


def claim(**bands):
    bands = {key.replace("_", "/"): band for key, band in bands.items()}
    return chapters.ClaimText("a", "A.", bands, "labels shuffled", "", 1)


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
