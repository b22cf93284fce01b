"""Wilson's interval against its own equation, SciPy, and its promise."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from scipy.stats import binomtest

from course_utils.confidence import accuracy_interval, standard_error
from course_utils.errors import InputError


@pytest.mark.parametrize(("right", "total"), [(936, 1000), (5, 10), (1, 3), (0, 7), (7, 7)])
@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_the_same_as_scipy(right, total, level):
    by_scipy = binomtest(right, total).proportion_ci(level, method="wilson")
    ours = accuracy_interval(right, total, level=level)
    assert ours[1:] == pytest.approx((by_scipy.low, by_scipy.high), abs=1e-12)


def test_the_ends_solve_the_equation_that_defines_them():
    share, low, high = accuracy_interval(90, 100)
    z = NormalDist().inv_cdf(0.975)
    for end in (low, high):
        assert abs(share - end) == pytest.approx(z * math.sqrt(end * (1 - end) / 100))


def test_it_holds_the_truth_as_often_as_it_says():
    dice = np.random.default_rng(0)
    rights = dice.binomial(200, 0.9, size=4000)
    held = [low <= 0.9 <= high for _, low, high in (accuracy_interval(r, 200) for r in rights)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.015)


def test_the_standard_error_is_the_deviation_of_many_test_sets():
    dice = np.random.default_rng(1)
    measured = dice.binomial(400, 0.8, size=20_000) / 400
    assert standard_error(320, 400) == pytest.approx(measured.std(), rel=0.03)


def test_numpy_counts_are_counts():
    assert accuracy_interval(np.int64(3), np.int32(4)) == accuracy_interval(3, 4)


@pytest.mark.parametrize(
    ("counts", "options", "received"),
    [
        ((0.936, 1000), {}, "0.936"),
        ((11, 10), {}, "11"),
        ((-1, 10), {}, "-1"),
        ((0, 0), {}, "0"),
        (("9", 10), {}, "'9'"),
        ((9, 10), {"level": 95}, "95"),
    ],
)
def test_what_is_no_count_is_refused(counts, options, received):
    with pytest.raises(InputError, match=f"received {received}"):
        accuracy_interval(*counts, **options)
