"""How far an accuracy can be trusted: it was measured on some images, not on all there are."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

from course_utils import checks
from course_utils.errors import InputError

__all__ = ["Interval", "accuracy_interval", "standard_error"]


class Interval(NamedTuple):
    """Where an accuracy lies: as measured, and the ends of the interval."""

    accuracy: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.accuracy:.1%}, between {self.low:.1%} and {self.high:.1%}"


def accuracy_interval(right: int, total: int, *, level: float = 0.95) -> Interval:
    """Wilson's interval for the accuracy on images that were drawn like those tested on.

    Of intervals made so, a share `level` holds the true accuracy. Unlike "give or take two
    standard errors" it stays within 0 and 1, and does not shrink to nothing if all are right.
    It knows only the chance of the test images, not that of another training run.

    Wilson: Probable Inference, the Law of Succession, and Statistical Inference (1927).

    Args:
        right: images classified correctly.
        total: images tested on, 1 or more, each once.
        level: share from above 0 to below 1.

    Returns:
        The accuracy and its two ends. Unpacks as three numbers; prints as a sentence.

    Raises:
        InputError: counts that are no counts (an accuracy, for instance), or another level.

    Example:
        >>> print(accuracy_interval(936, 1000))
        93.6%, between 91.9% and 95.0%
    """
    right, total = _counts(right, total)
    if not 0 < level < 1:
        raise InputError(
            f"expected a level between 0 and 1, such as 0.95, received {level!r}: it is a share"
        )
    z = NormalDist().inv_cdf((1 + level) / 2)
    share = right / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    spread = math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    half = z / (1 + z * z / total) * spread
    # At the very ends the two terms are equal; rounding must not push past them.
    low = 0.0 if right == 0 else max(0.0, middle - half)
    high = 1.0 if right == total else min(1.0, middle + half)
    return Interval(share, low, high)


def standard_error(right: int, total: int) -> float:
    """Standard error of an accuracy from the size of the test set.

    Args:
        right: images classified correctly.
        total: images tested on, 1 or more.

    Raises:
        InputError: counts that are no counts.

    Example:
        >>> standard_error(90, 100)
        0.03
    """
    right, total = _counts(right, total)
    return math.sqrt(right * (total - right) / total) / total


def _counts(right: int, total: int) -> tuple[int, int]:
    total = checks.whole("the number of test images", total)
    name = "how many of them were right (a count, such as int((predicted == labels).sum()))"
    return checks.whole(name, right, least=0, most=total), total
