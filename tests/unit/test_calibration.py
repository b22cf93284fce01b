"""Calibration against numbers known beforehand, by hand, and SciPy's minimiser."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from course_utils import calibration
from course_utils.errors import InputError


def drawn(count=40_000, classes=3, temperature=1.0, seed=0):
    """Labels drawn from the softmax of logits, which are then made `temperature` times as sure."""
    dice = np.random.default_rng(seed)
    honest = dice.normal(0, 2, (count, classes))
    # Gumbel's trick: the largest of logits plus Gumbel noise is a draw from their softmax.
    labels = (honest + dice.gumbel(size=honest.shape)).argmax(axis=1)
    return honest * temperature, labels


@pytest.mark.parametrize("known", [0.5, 1.0, 2.5])
def test_a_known_temperature_is_recovered(known):
    assert calibration.fit_temperature(*drawn(temperature=known)) == pytest.approx(known, rel=0.03)


def test_the_temperature_is_the_minimum_that_scipy_finds():
    logits, labels = drawn(500, temperature=3.0, seed=1)

    def loss(log_temperature):
        return calibration.negative_log_likelihood(
            logits, labels, temperature=float(np.exp(log_temperature))
        )

    found = minimize_scalar(loss, bounds=(-3, 3), method="bounded", options={"xatol": 1e-10})
    assert calibration.fit_temperature(logits, labels) == pytest.approx(np.exp(found.x), rel=1e-5)


def test_one_unit_is_two_classes():
    logits, labels = drawn(500, classes=2, temperature=2.0)
    single = (logits[:, 1] - logits[:, 0])[:, None]
    both = [calibration.fit_temperature(given, labels) for given in (logits, single)]
    assert both[0] == pytest.approx(both[1], rel=1e-9)
    assert calibration.probabilities(single)[:, 1] == pytest.approx(1 / (1 + np.exp(-single[:, 0])))


def test_the_ends_are_given_where_there_is_no_minimum():
    logits = np.array([[3.0, 0.0], [0.0, 3.0]])
    assert calibration.fit_temperature(logits, np.array([0, 1])) == calibration.LOWEST
    assert calibration.fit_temperature(logits, np.array([1, 0])) == calibration.HIGHEST


def test_scaling_mends_calibration_and_changes_no_answer():
    logits, labels = drawn(20_000, temperature=3.0, seed=2)
    fit, test = slice(0, 10_000), slice(10_000, None)
    temperature = calibration.fit_temperature(logits[fit], labels[fit])
    before = calibration.probabilities(logits[test])
    after = calibration.probabilities(logits[test], temperature=temperature)
    errors = [calibration.expected_calibration_error(p, labels[test]) for p in (before, after)]
    assert errors[0] > 0.1 and errors[1] < 0.02
    np.testing.assert_array_equal(before.argmax(axis=1), after.argmax(axis=1))


def test_calibration_error_by_hand():
    # Two bins: 0.6 and 0.7 with one right, 0.9 and 0.95 and 1.0 with two right.
    sure = np.array([0.6, 0.7, 0.9, 0.95, 1.0])
    predicted = np.stack([sure, 1 - sure], axis=1)
    labels = np.array([0, 1, 0, 0, 1])
    by_hand = 2 / 5 * abs(0.65 - 1 / 2) + 3 / 5 * abs(0.95 - 2 / 3)
    error = calibration.expected_calibration_error(predicted, labels, bins=4)
    assert error == pytest.approx(by_hand)
    table = calibration.reliability(predicted, labels, bins=4)
    assert table.counts.tolist() == [0, 0, 2, 3]
    assert np.isnan(table.confidence[:2]).all()
    np.testing.assert_allclose(table.accuracy[2:], [0.5, 2 / 3])


def test_a_bin_holds_its_upper_edge():
    predicted = np.array([[0.5, 0.5], [0.75, 0.25], [1.0, 0.0]])
    assert calibration.reliability(predicted, np.zeros(3, int), bins=4).counts.tolist() == [
        0, 1, 1, 1,
    ]  # fmt: skip


def test_large_logits_do_not_overflow():
    logits = np.array([[1e4, 0.0], [0.0, 1e4]])
    assert calibration.negative_log_likelihood(logits, np.array([0, 1])) == 0
    assert np.isfinite(calibration.probabilities(logits)).all()


NAMES, HALF = np.array(["cat", "dog"]), np.array([[0.5, 0.5], [0.5, 0.5]])


@pytest.mark.parametrize(
    ("call", "received"),
    [
        (lambda: calibration.fit_temperature(np.zeros((2, 2, 2)), [0, 1]), r"shape \(2, 2, 2\)"),
        (lambda: calibration.fit_temperature(np.full((2, 2), np.nan), [0, 1]), "not-a-number"),
        (lambda: calibration.fit_temperature(HALF, [0, 2]), "2 "),
        (lambda: calibration.fit_temperature(HALF, [0, np.nan]), "nan "),
        (lambda: calibration.fit_temperature(HALF, np.eye(2)), r"shape \(2, 2\).*argmax"),
        (lambda: calibration.fit_temperature(HALF, NAMES), "<U3 such as .*'cat'"),
        (lambda: calibration.expected_calibration_error(HALF, NAMES), "<U3 such as .*'cat'"),
        (lambda: calibration.expected_calibration_error(HALF[:0], []), r"shape \(0, 2\)"),
        (lambda: calibration.negative_log_likelihood(HALF[:0], []), r"shape \(0, 2\)"),
        (lambda: calibration.probabilities(HALF, temperature=0), "0"),
        (lambda: calibration.probabilities(HALF, temperature=np.nan), "nan"),
        (lambda: calibration.reliability(np.array([[3.0, -1]]), [0]), "-1 to 3"),
        (lambda: calibration.reliability(np.array([0.5]), [0]), r"shape \(1,\)"),
        (lambda: calibration.reliability(HALF, [0, 1], bins=0), "0"),
    ],
)
def test_what_does_not_fit_is_refused(call, received):
    with pytest.raises(InputError, match=f"received {received}"):
        call()
