"""Which pictures to look at: not the best ones, and not those that happen to come first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from course_utils.errors import InputError

__all__ = ["at_quantiles"]


def at_quantiles(
    values: np.ndarray, shares: Sequence[float] = (0, 0.1, 0.25, 0.5, 0.75, 0.9, 1)
) -> list[int]:
    """Indexes of the pictures that stand at these shares of an order from worst to best.

    Args:
        values: (pictures,), such as the IoU of each; not-a-number ones are left out.
        shares: from 0, the worst, to 1, the best; 0.5 is the median.

    Raises:
        InputError: no values, or shares outside 0 to 1.

    Example:
        >>> at_quantiles([0.9, 0.2, float("nan"), 0.5], (0, 0.5, 1))
        [1, 3, 0]
    """
    values, shares = np.asarray(values, np.float64), np.asarray(shares, np.float64)
    if values.ndim != 1 or np.isnan(values).all():
        raise InputError(
            f"expected one number for each picture, received shape {values.shape}"
            + (", all of them not-a-number" if values.ndim == 1 and values.size else "")
        )
    if shares.ndim != 1 or not ((shares >= 0) & (shares <= 1)).all():
        raise InputError(f"expected shares from 0 to 1, received {shares.tolist()}")
    order = np.argsort(values, kind="stable")[: np.sum(~np.isnan(values))]
    return [int(order[round(share * (len(order) - 1))]) for share in shares]
