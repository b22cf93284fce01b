"""Mutants are applied to a copy, only as far as needed, and judged by what the kept seeds gave."""

import copy

import nbformat
import pytest
import small_chapters as small
from nbformat.v4 import new_code_cell, new_notebook

from course_tools.notebooks import chapters, mutants
from course_utils.errors import InputError
from course_utils.lessons import Claim, Mutant, Sheet

TRAIN = 'rate = 0.1; rounds = 3; labels = "true"'


def notebook():
    sources = {
        "train": TRAIN,
        "first": "claims.check('one-is', rate)",
        "second": 'print("two-is")\nclaims.check("two-is", rounds)',
        "last": 'claims.check(id="three-is", observed=labels)',
        "end": "exercises.check('half', 4)",
    }
    return new_notebook(cells=[new_code_cell(source, id=id) for id, source in sources.items()])


def sheet(**changes):
    """A sheet of claims one-is, two-is, three-is: (replace, by) in the cell `train`, or Mutant."""
    found = {}
    for name, change in changes.items():
        mutant = change if isinstance(change, Mutant) else Mutant("train", *change)
        claim = Claim(f"{name}-is", "So it is.", {"embedded": (0.0, None)}, mutant=mutant)
        found[claim.id] = claim
    return Sheet("00", {}, found)


THREE = sheet(
    one=("rate = 0.1", "rate = 0.0"),
    two=Mutant(parameter="WIDTH", value=1),
    three=('labels = "true"', 'labels = "shuffled"'),
)


def train(sheet, *ids):
    return mutants.apply(notebook(), sheet, ids).cells[0].source


# A copy of the chapter, changed


def test_the_chapter_itself_is_left_as_it_is():
    given = notebook()
    before = copy.deepcopy(given)
    assert mutants.apply(given, THREE, ()) == given
    changed = mutants.apply(given, THREE, ["one-is"])
    assert changed.cells[0].source == TRAIN.replace("0.1", "0.0")
    changed.cells[0].metadata["tags"] = ["mine"]
    assert given == before


@pytest.mark.parametrize(
    ("ids", "last"),
    [
        (["one-is"], "first"),
        (["two-is"], "second"),
        (["three-is"], "last"),
        (["three-is", "one-is"], "last"),
        (["two-is", "one-is"], "second"),
    ],
)
def test_the_copy_ends_where_the_last_of_the_claims_is_checked(ids, last):
    assert mutants.apply(notebook(), THREE, ids).cells[-1].id == last


def test_mutants_that_are_the_same_or_do_not_touch_are_applied_together():
    assert train(THREE, "one-is", "three-is") == 'rate = 0.0; rounds = 3; labels = "shuffled"'
    neighbors = sheet(one=("rate = 0.1", "rate = 99999"), two=("; rounds", "; print(); rounds"))
    for ids in (("one-is", "two-is"), ("two-is", "one-is")):
        assert train(neighbors, *ids).startswith("rate = 99999; print(); rounds = 3")
    shared = sheet(one=("rate = 0.1", "rate = 0.1 - 0.1"), two=("rate = 0.1", "rate = 0.1 - 0.1"))
    assert train(shared, "one-is", "two-is").startswith("rate = 0.1 - 0.1; ")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("rate = 0.1", "rate = 0.0"), ("rate = 0.1", "rate = 0.2")),
        # What one of them puts there holds what the other replaces.
        (("rate = 0.1", "rate = 0.1 * 0"), ("rate = 0.1", "rate = 5")),
        (("rate = 0.1; rounds = 3", "rate = 0.1; rounds = 0"), ("rate = 0.1", "rate = 5")),
        (("0.1; r", "0.2; r"), ("rounds = 3", "rounds = 4")),
    ],
)
def test_mutants_that_touch_are_refused_in_either_order(one, other):
    for first, second in ((one, other), (other, one)):
        with pytest.raises(InputError, match=r"one-is\+two-is"):
            train(sheet(one=first, two=second), "one-is", "two-is")


def test_parameters_are_not_in_the_copy_but_in_the_values_and_have_one_value():
    assert train(THREE, "two-is") == TRAIN
    assert mutants.values(THREE, ["one-is"]) == {}
    width = {
        id: Mutant(parameter="WIDTH", value=value)
        for id, value in zip(("one", "two", "three"), (1, 1, 2), strict=True)
    }
    both = sheet(**width)
    assert mutants.values(both, ["one-is", "two-is"]) == {"WIDTH": 1}
    with pytest.raises(InputError, match=r"one-is\+three-is.*WIDTH"):
        mutants.values(both, ["one-is", "three-is"])


# What it shows

FAR, NEAR = (0.5, None), (0.8, None)
EXPECTED = (0.77, 0.85)
KEPT = {seed: 0.8 + 0.01 * (seed % 3) for seed in range(12)}


@pytest.mark.parametrize(
    ("threshold", "expected", "decides"),
    [
        ((0.5, None), EXPECTED, True),
        ((None, 0.9), EXPECTED, True),
        ((0.7, 0.9), EXPECTED, True),
        ((0.8, None), EXPECTED, False),
        ((0.77, None), EXPECTED, False),
        ((0.7, 0.8), EXPECTED, False),
    ],
)
def test_one_run_decides_where_the_threshold_lies_outside_the_range(threshold, expected, decides):
    assert mutants.one_run_decides(expected, threshold) is decides


@pytest.mark.parametrize(
    ("mutated", "answer"),
    [
        ({}, None),
        ({0: 0.1}, True),
        ({7: 0.1}, True),
        ({0: None}, True),
        ({0: 0.6}, False),
        ({0: 0.8}, False),
        ({0: 0.1, 1: 0.2}, True),
        ({0: 0.1, 1: 0.6}, False),
    ],
)
def test_where_one_run_decides_each_must_contradict(mutated, answer):
    assert mutants.contradicted(mutated, KEPT, FAR, EXPECTED) is answer


def test_a_range_that_lies_beyond_its_threshold_is_left_too():
    """A sentence that is false on the kept seeds cannot be contradicted by what they gave."""
    assert mutants.contradicted({0: 0.8}, KEPT, (None, 0.5), EXPECTED) is False
    assert mutants.contradicted({0: 0.9}, KEPT, (None, 0.5), EXPECTED) is True


def five(*values):
    return dict(enumerate(values))


@pytest.mark.parametrize(
    ("mutated", "answer"),
    [
        (five(0.10, 0.12, 0.11, 0.09, 0.10), True),
        # The rule for the sentence fails, and so it would for the sound runs.
        (five(0.80, 0.79, 0.81, 0.82, 0.78), False),
        # Far from the sound runs, and on the right side.
        (five(0.99, 0.98, 0.97, 0.99, 0.98), False),
        # The same difference for each seed.
        ({seed: KEPT[seed] - 0.1 for seed in range(5)}, True),
        (dict(list(KEPT.items())[:5]), False),
        (five(0.1, 0.1, 0.1, 0.1), None),
        (five(0.1, 0.1, None, 0.1, 0.1), None),
        (dict.fromkeys(range(5, 10), 0.1), None),
    ],
)
def test_where_one_run_cannot_decide_five_seeds_tell(mutated, answer):
    assert mutants.contradicted(mutated, KEPT, NEAR, EXPECTED) is answer


def test_seeds_that_are_not_kept_cannot_be_paired():
    fewer = {seed: value for seed, value in KEPT.items() if seed != 4}
    mutated = five(0.1, 0.12, 0.11, 0.09, 0.1)
    assert mutants.contradicted(mutated, fewer, NEAR, EXPECTED) is None


# A whole run


@pytest.fixture
def found(tmp_path):
    return chapters.find(small.write(tmp_path / "홍 길동", n00_small=small.chapter()))


def row(**changed):
    usual = {"chapter": "00", "id": "beats-guessing", "profile": "quick", "data": "embedded"}
    return usual | {"seed": 0, "mutant": "beats-guessing", "observed": 0.1} | changed


def test_each_mutated_claim_is_judged_once_with_all_its_seeds(found):
    (one,) = mutants.judge([row(), row(seed=1, observed=0.2)], found)
    assert (one.chapter, one.claim, one.threshold) == ("00", found[0].claims[0], (0.5, None))
    assert (one.observed, one.contradicted) == ({0: 0.1, 1: 0.2}, True)
    # 4.437 is t(0.9995, 11) as tables print it.
    half = 4.437 * (8e-4 / 11 * 13 / 12) ** 0.5
    assert one.expected == pytest.approx((0.81 - half, 0.81 + half), abs=1e-5)


@pytest.mark.parametrize(
    "other", [{"mutant": ""}, {"mutant": "beats-colour"}, {"chapter": "01"}, {"id": "beats-colour"}]
)
def test_rows_of_other_claims_and_of_sound_runs_are_passed_over(found, other):
    assert mutants.judge([row(**other)], found) == []


def test_the_table_says_what_stands(found):
    judged = [
        one for observed in (0.1, 0.8) for one in mutants.judge([row(observed=observed)], found)
    ]
    _, first, second = mutants.table(judged).splitlines()
    assert first.split()[0] == second.split()[0] == "00:beats-guessing"
    assert first.endswith("contradicted") and " 0.1 " in first and "above 0.5" in first
    assert second.endswith("STILL STANDS") and " 0.8 " in second


def test_what_is_applied_is_still_a_notebook(found):
    given = nbformat.read(found[0].path, as_version=4)
    changed = mutants.apply(given, found[0].sheet, ["beats-guessing"])
    nbformat.validate(changed)
    assert changed.cells[-1].id == "claim" and "level = 0.1" in changed.cells[-1].source
