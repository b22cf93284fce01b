"""What a run says of a claim, and what the kept seeds say of it; SciPy is the oracle."""

import json
import math

import numpy as np
import pytest
from scipy import stats

from course_utils import card, claims, session, showing
from course_utils.errors import InputError

SHEET = """\
[parameters]
EPOCHS = { quick = 15, smoke = 1 }

[claims.beats-guessing]
sentence = "The network beats guessing."
unit = "%"
above = 0.5
test_set = true
mutant = { parameter = "EPOCHS", value = 0 }

[claims.loss-is-small]
sentence = "The loss is small."
below = 0.3
resolution = 0.05
timing = true
only = "real"
mutant = { parameter = "EPOCHS", value = 0 }
"""

FAR_ABOVE = [0.80, 0.81, 0.82] * 4
BARELY_ABOVE = [0.48, 0.52, 0.50, 0.54, 0.53, 0.51] * 2


@pytest.fixture
def lesson(monkeypatch, tmp_path):
    """Begin chapter 42, whose kept seeds observed the given numbers; return its parameters."""
    monkeypatch.setenv("COURSE_LESSONS", str(tmp_path))
    (tmp_path / "42.toml").write_text(SHEET)

    def begin(kept=FAR_ABOVE, *, case="quick/embedded", claim="beats-guessing", **parameters):
        facts = {"seeds": dict(enumerate(kept)), "standard_error": 0.005, "mutant": {"0": 0.1}}
        chapter = {"digest": {case: ""}, "claims": {claim: {case: facts}}}
        content = {"format": 2, "chapters": {"42": chapter}}
        (tmp_path / "evidence.json").write_text(json.dumps(content))
        cell = {"PROFILE": "quick", "DATA": "embedded", "SEED": 1, "EPOCHS": 15} | parameters
        session.begin("42", cell, tensorflow=False)
        return cell

    return begin


@pytest.fixture
def shown(monkeypatch, lesson):
    bundles = []
    monkeypatch.setattr(showing, "show", bundles.append)
    return bundles


def check(shown, observed, id="beats-guessing", standard_error=0.01):
    """Return the record and the plain text of a claim."""
    claims.check(id, observed, standard_error=standard_error)
    return shown[-1][claims.MIME], shown[-1]["text/plain"]


@pytest.mark.parametrize("count", [2, 3, 5, 20])
def test_the_expected_range_is_the_prediction_interval_of_one_more_run(count):
    values = np.random.default_rng(count).normal(0.8, 0.02, count).tolist()
    spread = np.std(values, ddof=1) * np.sqrt(1 + 1 / count)
    oracle = stats.t(count - 1, loc=np.mean(values), scale=spread).interval(0.999)
    assert claims.expected_range(values) == pytest.approx(oracle)
    for end in claims.expected_range(values):
        assert stats.ttest_ind([end], values).pvalue == pytest.approx(0.001)


@pytest.mark.parametrize(
    ("standard_error", "resolution", "half"),
    [(0.01, 0.0, 0.03), (0.01, 0.02, 0.03), (0.01, 0.05, 0.05), (None, 0.02, 0.02)],
)
def test_the_expected_range_is_no_narrower_than_what_can_be_told_apart(
    standard_error, resolution, half
):
    low, high = claims.expected_range([0.5, 0.5, 0.5], standard_error, resolution)
    assert (low, high) == pytest.approx((0.5 - half, 0.5 + half))
    wide = [0.1, 0.5, 0.9]
    assert claims.expected_range(wide, standard_error, resolution) == claims.expected_range(wide)


@pytest.mark.parametrize("count", range(2, 30))
def test_where_all_seeds_are_equal_the_same_number_is_expected(count):
    for value in np.random.default_rng(count).uniform(size=20).tolist():
        assert claims.expected_range([value] * count) == (value, value)
        assert claims.verdict([value] * count, (value, value)).true


@pytest.mark.parametrize("judge", [claims.expected_range, lambda v: claims.verdict(v, (0, None))])
@pytest.mark.parametrize("values", [[], [0.5]])
def test_one_seed_judges_nothing(judge, values):
    with pytest.raises(InputError, match=f"received {len(values)}"):
        judge(values)


# Of two values, the standard error of their mean is half their distance.
@pytest.mark.parametrize(
    ("values", "threshold", "true"),
    [
        ([2.1, 4.1], (0, None), True),
        ([1.9, 3.9], (0, None), False),
        ([-2.1, -4.1], (None, 0), True),
        ([-1.9, -3.9], (None, 0), False),
        ([2.1, 4.1], (None, 0), False),
        ([2.1, 4.1], (0, 6.2), True),
        ([2.1, 4.1], (0, 5.9), False),
        ([2.1, 4.1], (0.2, 9), False),
        ([1] * 30 + [0] * 20, (0, None), True),
        ([1] * 29 + [0] * 21, (0, None), False),
        ([1, 1], (1, None), False),
        ([1, 1], (None, 1), False),
        ([1, 1], (0.9, None), True),
        ([1, 1], (1, 2), True),
        ([1, 1], (2, 3), False),
    ],
)
def test_a_sentence_is_true_three_standard_errors_away_for_six_seeds_of_ten(
    values, threshold, true
):
    assert claims.verdict(values, threshold).true is true


def test_a_verdict_says_mean_standard_error_and_share():
    values = [0.2, 0.4, -0.1, 0.3]
    found = claims.verdict(values, (0, None))
    assert (found.mean, found.standard_error) == pytest.approx((np.mean(values), stats.sem(values)))
    assert found.share == 0.75


@pytest.mark.parametrize(
    ("kept", "observed", "status"),
    [
        (FAR_ABOVE, 0.81, "held"),
        (BARELY_ABOVE, 0.49, "not here"),
        (FAR_ABOVE[:9], 0.4, "unexpected"),
        (FAR_ABOVE[:10], 0.4, "red"),
        (FAR_ABOVE, 0.99, "red"),
        (FAR_ABOVE, math.nan, "red"),
        (FAR_ABOVE, math.inf, "red"),
        (FAR_ABOVE[:1], 0.81, "not judged"),
        ([], 0.81, "not judged"),
    ],
)
def test_a_run_is_judged_by_the_kept_seeds(lesson, shown, kept, observed, status):
    lesson(kept)
    record, _ = check(shown, observed)
    assert card.status(record) == status
    assert record["held"] is {"held": True, "not here": True, "not judged": None}.get(status, False)


def test_the_record_says_who_what_and_how(lesson, shown):
    lesson()
    record, _ = check(shown, np.float32(0.5), standard_error=np.float32(0.25))
    low, high = claims.expected_range(FAR_ABOVE, 0.005)
    assert record == {
        "chapter": "42",
        "id": "beats-guessing",
        "statement": "The network beats guessing.",
        "unit": "%",
        "observed": 0.5,
        "low": low,
        "high": high,
        "judged": True,
        "held": False,
        "threshold": [0.5, None],
        "true_here": False,
        "seeds": 12,
        "share": 1.0,
        "resolution": 0.0,
        "timing": False,
        "profile": "quick",
        "data": "embedded",
        "seed": 1,
        "device": "no TensorFlow in this chapter",
        "standard_error": 0.25,
    }
    assert json.loads(json.dumps(record)) == record


def test_a_number_that_is_not_finite_is_recorded_as_none_and_not_true(lesson, shown):
    lesson()
    record, text = check(shown, math.nan)
    assert (record["observed"], record["true_here"]) == (None, False)
    assert "not a number" in text


def test_the_share_counts_the_kept_seeds_for_which_the_sentence_is_true(lesson, shown):
    lesson(BARELY_ABOVE)
    record, text = check(shown, 0.49)
    assert record["share"] == pytest.approx(8 / 12)
    assert "8 of 12" in text


def test_the_kept_standard_error_widens_the_expected_range(lesson, shown):
    lesson([0.8] * 12)
    record, _ = check(shown, 0.8, standard_error=0.25)
    assert (record["low"], record["high"]) == pytest.approx((0.785, 0.815))


def test_the_resolution_of_the_sheet_widens_the_expected_range(lesson, shown):
    lesson([0.2] * 12, case="quick/real", claim="loss-is-small", DATA="real")
    record, _ = check(shown, 0.2, "loss-is-small", None)
    assert (record["low"], record["high"]) == pytest.approx((0.15, 0.25))
    assert (record["resolution"], record["threshold"]) == (0.05, [None, 0.3])
    assert record["timing"] is True


@pytest.mark.parametrize(
    ("id", "begun", "said", "true_here", "seeds"),
    [
        ("beats-guessing", {"case": "smoke/embedded", "PROFILE": "smoke"}, "smoke", False, 12),
        ("beats-guessing", {"EPOCHS": 3}, "EPOCHS is 3, the kept seeds used 15", False, 12),
        ("beats-guessing", {"DATA": "real"}, "quick on real", False, 0),
        ("beats-guessing", {"kept": []}, "quick on embedded", False, 0),
        ("loss-is-small", {"claim": "loss-is-small"}, "embedded", None, 12),
    ],
)
def test_what_cannot_be_judged_is_recorded_shown_and_told_why(
    lesson, shown, id, begun, said, true_here, seeds
):
    lesson(**begun)
    record, text = check(shown, 0.4, id)
    assert (record["judged"], record["held"], record["observed"]) == (False, None, 0.4)
    assert (record["low"], record["high"], record["share"]) == (None, None, None)
    assert (record["true_here"], record["seeds"]) == (true_here, seeds)
    assert said in text and ("40.0 %" in text or "0.4" in text) and record["statement"] in text


def test_a_parameter_changed_after_the_notebook_began_is_seen(lesson, shown):
    cell = lesson()
    assert check(shown, 0.81)[0]["judged"]
    cell["EPOCHS"] = 3
    assert not check(shown, 0.81)[0]["judged"]


def test_a_claim_that_the_sheet_lacks_is_refused_with_those_it_has(lesson, shown):
    lesson()
    with pytest.raises(InputError, match=r"'beats-everyone'.*beats-guessing, loss-is-small"):
        check(shown, 0.8, "beats-everyone")


@pytest.mark.parametrize("observed", [None, "0.8", b"1", [0.8, 0.9], 1j, np.zeros(2)])
def test_what_is_not_one_number_is_refused_and_not_shown(lesson, shown, observed):
    lesson()
    shown.clear()
    with pytest.raises(InputError, match=f"beats-guessing.* {type(observed).__name__} "):
        check(shown, observed)
    assert shown == []


def test_a_claim_on_a_test_set_needs_its_standard_error(lesson, shown):
    lesson()
    with pytest.raises(InputError, match=r"beats-guessing.* received none"):
        check(shown, 0.8, standard_error=None)
    assert check(shown, 0.2, "loss-is-small", None)[0]["standard_error"] is None


@pytest.mark.parametrize("wrong", [-0.1, math.nan, math.inf, "small"])
def test_a_standard_error_is_a_finite_number(lesson, shown, wrong):
    lesson()
    with pytest.raises(InputError, match=f"beats-guessing.* received {wrong!r}"):
        check(shown, 0.8, standard_error=wrong)


def test_in_smoke_a_handful_of_images_may_have_no_standard_error(lesson, shown):
    lesson(PROFILE="smoke")
    assert check(shown, 0.5, standard_error=np.float64("nan"))[0]["standard_error"] is None
    with pytest.raises(InputError, match="'small'"):
        check(shown, 0.5, standard_error="small")
