import math

import numpy as np
import pytest

from course_utils import claims, session, showing
from course_utils.errors import InputError

SENTENCE = "The network beats guessing."


@pytest.fixture
def begin(monkeypatch):
    for name in ("PROFILE", "DATA", "SEED", "SABOTAGE"):
        monkeypatch.delenv(f"COURSE_{name}", raising=False)

    def start(profile="quick", data="embedded", sabotage=""):
        return session.begin(
            "42", profile=profile, data=data, seed=1, sabotage=sabotage, tensorflow=False
        )

    return start


@pytest.fixture
def shown(monkeypatch):
    bundles = []
    monkeypatch.setattr(showing, "show", bundles.append)
    return bundles


def check(observed, bands, **options):
    options = {"sabotage": "labels shuffled"} | options
    claims.check("beats-guessing", SENTENCE, observed=observed, bands=bands, **options)


@pytest.mark.parametrize(
    ("observed", "band", "held"),
    [
        (0.5, (0.4, 0.6), True),
        (0.4, (0.4, 0.6), True),
        (0.6, (0.4, 0.6), True),
        (0.39, (0.4, 0.6), False),
        (0.61, (0.4, 0.6), False),
        (9.0, (0.4, None), True),
        (0.1, (0.4, None), False),
        (0.1, (None, 0.4), True),
        (0.5, (None, 0.4), False),
        (math.nan, (0.4, None), False),
        (math.inf, (0.4, None), False),
    ],
)
def test_a_claim_is_held_inside_its_band_and_nowhere_else(begin, shown, observed, band, held):
    begin()
    check(observed, {"quick/embedded": band})
    record = shown[-1][claims.MIME]
    assert record["judged"] is True
    assert record["held"] is held
    assert (record["low"], record["high"]) == band
    assert ("NOT HELD" in shown[-1]["text/plain"]) is not held


def test_the_record_says_who_what_and_how(begin, shown):
    begin()
    check(np.float32(0.5), {"any": (0, 1)}, standard_error=0.01, mean_bands={"any": (0.4, None)})
    assert shown[-1][claims.MIME] == {
        "chapter": "42",
        "id": "beats-guessing",
        "statement": SENTENCE,
        "observed": 0.5,
        "low": 0,
        "high": 1,
        "judged": True,
        "held": True,
        "profile": "quick",
        "data": "embedded",
        "seed": 1,
        "device": "no TensorFlow in this chapter",
        "sabotage": "labels shuffled",
        "standard_error": 0.01,
        "mean_low": 0.4,
        "mean_high": None,
    }


def test_smoke_records_and_does_not_judge(begin, shown):
    begin(profile="smoke")
    check(0.0, {"any": (0.4, 1)})
    record = shown[-1][claims.MIME]
    assert (record["judged"], record["held"], record["observed"]) == (False, None, 0.0)
    assert "recorded, not judged" in shown[-1]["text/plain"]


def test_in_smoke_a_spread_that_a_handful_of_pictures_cannot_have_is_none(begin, shown):
    begin(profile="smoke")
    check(0.5, {"any": (0, 1)}, standard_error=np.float64("nan"))
    assert shown[-1][claims.MIME]["standard_error"] is None


def test_a_profile_and_data_without_a_band_is_not_judged(begin, shown):
    begin(data="real")
    check(0.0, {"quick/embedded": (0.4, 1)})
    assert shown[-1][claims.MIME]["judged"] is False
    assert "no band for quick/real yet" in shown[-1]["text/plain"]


def test_the_box_shows_number_band_and_sabotage_without_colour(begin, shown):
    begin(sabotage="beats-guessing")
    check(0.873, {"any": (0.4, None)}, unit="%")
    text = shown[-1]["text/html"]
    assert "✔ held" in text
    assert "observed 87.3 %" in text and "band 40.0 % or more" in text
    assert "broken on purpose: labels shuffled" in text


def test_a_difference_of_shares_is_shown_in_points(begin, shown):
    begin()
    check(0.055, {"any": (-0.01, 0.1)}, unit="points")
    assert "observed 5.5 points · band -1.0 points to 10.0 points" in shown[-1]["text/plain"]


def test_text_of_a_statement_is_escaped(begin, shown):
    begin()
    claims.check(
        "angle", "1 < 2 & <b>.", observed=1, bands={"any": (0, 1)}, unit_sabotage="tests/x.py::y"
    )
    assert "1 &lt; 2 &amp; &lt;b&gt;." in shown[-1]["text/html"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": "Beats Guessing"}, "expected a claim named in small letters"),
        ({"statement": "no full stop"}, "a sentence that ends with a full stop"),
        ({"sabotage": ""}, "received neither: a claim that cannot fail is worthless"),
        ({"unit_sabotage": "tests/x.py::y"}, "received both"),
        ({"bands": {"fast/embedded": (0, 1)}}, "received 'fast/embedded'"),
        ({"bands": {"smoke/embedded": (0, 1)}}, "received 'smoke/embedded'"),
        ({"bands": {"any": (1, 0)}}, r"low ≤ high and at most one open end \(None\), received"),
        ({"bands": {"any": (None, None)}}, "received"),
        ({"bands": {"any": [0, 1]}}, "received"),
        ({"bands": {"any": ("0", 1)}}, "received"),
        ({"bands": {"any": (float("-inf"), 1)}}, "to be finite"),
        ({"bands": {"any": (0, float("inf"))}}, "to be finite"),
        ({"bands": [(0, 1)]}, r"expected bands of claim beats-guessing as \{"),
        ({"mean_bands": {"any": (2, 1)}}, "expected mean_bands"),
        ({"standard_error": -0.1}, "finite number of 0 or more, received -0.1"),
        ({"standard_error": float("nan")}, "finite number of 0 or more, received nan"),
        ({"standard_error": "small"}, "finite number of 0 or more, received 'small'"),
        ({"observed": [1, 2]}, "to be one number, received list"),
        ({"observed": "high"}, "to be one number, received str 'high'"),
    ],
)
def test_a_badly_declared_claim_is_refused(begin, shown, change, message):
    begin()
    shown.clear()
    good = {
        "id": "beats-guessing",
        "statement": SENTENCE,
        "observed": 0.5,
        "bands": {"any": (0, 1)},
        "sabotage": "labels shuffled",
    }
    declared = good | change
    with pytest.raises(InputError, match=message):
        claims.check(declared.pop("id"), declared.pop("statement"), **declared)
    assert shown == []
