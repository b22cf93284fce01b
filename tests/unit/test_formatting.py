"""Numbers as text: units, true minus signs, no sign on zero."""

import pytest

from course_utils.formatting import fixed, written, written_range, written_threshold


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(-1.25, 1, "−1.2"), (-0.004, 2, "0.00"), (12345.6, 0, "12,346"), (0.5, 2, "0.50")],
)
def test_a_fixed_number_of_decimals(value, digits, text):
    assert fixed(value, digits) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.055, "points", "5.5 points"),
        (-0.0001, "points", "0.0 points"),
        (0.9534, "%", "95.3 %"),
        (123456.0, "bytes", "1.235e+05 bytes"),
        (-0.25, "", "−0.25"),
        (2, "", "2"),
        (None, "%", "not a number"),
    ],
)
def test_a_measured_number_in_its_unit(value, unit, text):
    assert written(value, unit) == text


@pytest.mark.parametrize(
    ("low", "high", "unit", "text"),
    [
        (-0.02, 0.1, "points", "−2.0 to 10.0 points"),
        (0.5, 12.0, "pixels", "0.5 to 12 pixels"),
        (0.5, 1.5, "", "0.5 to 1.5"),
        (0.9, 1.014, "%", "90.0 to 100.0 %"),  # no share is larger
    ],
)
def test_a_range_has_its_unit_once(low, high, unit, text):
    assert written_range(low, high, unit) == text


@pytest.mark.parametrize(
    ("threshold", "text"),
    [
        ((0.5, None), "above 50.0 %"),
        ((None, 0.5), "below 50.0 %"),
        ((0, 1), "within 0.0 to 100.0 %"),
    ],
)
def test_a_threshold_is_written_as_what_it_promises(threshold, text):
    assert written_threshold(threshold, "%") == text
