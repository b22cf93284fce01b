"""How well outlines fit: what IoU hardly sees on large objects."""

from __future__ import annotations

import numpy as np

from course_utils.errors import InputError
from course_utils.segmentation.labels import label_maps

__all__ = ["boundary_f"]


def boundary_f(
    truth: np.ndarray, answers: np.ndarray, *, label: int = 1, tolerance: float = 1.5
) -> np.ndarray:
    """Boundary F of one class, picture by picture: how much of the two outlines lies together.

    Precision is the share of the answer's outline that lies within the tolerance of the true one,
    recall the share of the true outline that lies within it of the answer's; F is their harmonic
    mean. An outline is made of the class' own pixels that touch another class by a side; where
    the picture ends, there is none. Where the border itself is void, this says nothing.

    Martin, Fowlkes, Malik (2004); for segmentation, Csurka and others: What is a good evaluation
    measure for semantic segmentation? (2013), section 3.2.

    Args:
        truth: whole numbers (batch, height, width), or with an axis of 1 behind.
        answers: likewise, of the same pictures.
        label: of the class.
        tolerance: in pixels, from centre to centre; 1.5 lets an outline be one pixel off.

    Returns:
        float64 (batch,) from 0 to 1; not-a-number where neither has an outline, 0 where only one
        has.

    Raises:
        InputError: maps of another kind, size or number; a negative tolerance.

    Example:
        >>> truth = np.zeros((1, 9, 9), int)
        >>> truth[0, 2:6, 2:6] = 1
        >>> [boundary_f(truth, np.roll(truth, by, axis=2)).round(2).item() for by in (0, 1, 3)]
        [1.0, 1.0, 0.55]
    """
    from scipy import ndimage

    maps = [label_maps(given, given="labels", classes=2) for given in (truth, answers)]
    if maps[0].shape != maps[1].shape:
        raise InputError(
            f"expected answers for each pixel of the truth, received truth {maps[0].shape} and "
            f"answers {maps[1].shape}, (batch, height, width)"
        )
    if not tolerance >= 0:
        raise InputError(f"expected a tolerance of 0 pixels or more, received {tolerance!r}")

    def outline(mask: np.ndarray) -> np.ndarray:
        return mask & ~ndimage.binary_erosion(mask, border_value=1)

    def near(part: np.ndarray, other: np.ndarray) -> float:
        """Share of an outline that lies near the other."""
        return float((ndimage.distance_transform_edt(~other)[part] <= tolerance).mean())

    found = np.full(len(maps[0]), np.nan)
    for place, (one, other) in enumerate(zip(*maps, strict=True)):
        true, answered = outline(one == label), outline(other == label)
        if true.any() and answered.any():
            precision, recall = near(answered, true), near(true, answered)
            total = precision + recall
            found[place] = 2 * precision * recall / total if total else 0.0
        elif true.any() or answered.any():
            found[place] = 0.0
    return found
