"""The confusion matrix of the pixels, counted exactly, and the measures that follow from it.

For class k, with row k the truth and column k the answers, let hits be the entry on the diagonal:

    IoU  = hits / (row + column − hits)         Jaccard's index
    Dice = 2 hits / (row + column)              the F1 score; 2 IoU / (1 + IoU)

Every measure takes one matrix (classes, classes), such as that of a whole data set, or a stack of
them, such as one for each picture: the mean over pictures of a measure is not the measure of all
pixels together.
"""

from __future__ import annotations

import numpy as np

from course_utils.errors import InputError
from course_utils.segmentation.labels import check_classes, check_inside, label_maps

__all__ = ["Confusion", "dice", "iou", "mean_iou", "pixel_accuracy"]


class Confusion:
    """How often each true class was given each answer, pixel by pixel; batches are added.

    Counts are whole numbers, so the order of batches changes nothing. What is kept is one matrix
    for each picture, not the pictures.

    Args:
        classes: how many, background included; labels run from 0 to one below.
        void: a label outside the classes; where it is true, the answer counts for nothing.

    Raises:
        InputError: fewer than 2 classes, a void label among them.

    Example:
        >>> counted = Confusion(2, void=255)
        >>> counted.add(np.array([[[0, 1, 255]]]), np.array([[[1, 1, 1]]])).counts.tolist()
        [[0, 1], [0, 1]]
        >>> counted.add(np.array([[[0, 0, 0]]]), np.array([[[0, 0, 0]]])).counts.tolist()
        [[3, 1], [0, 1]]
        >>> counted.by_picture.shape
        (2, 2, 2)
    """

    def __init__(self, classes: int, *, void: int | None = None) -> None:
        check_classes(classes, void)
        self.classes, self.void = int(classes), void
        self._batches: list[np.ndarray] = []

    def add(self, truth: np.ndarray, outputs: np.ndarray, *, given: str = "labels") -> Confusion:
        """Count a batch.

        Args:
            truth: whole numbers (batch, height, width), or with an axis of 1 behind.
            outputs: of the same pictures; as for `label_maps`.
            given: what they are: "labels", "logits" or "probabilities".

        Returns:
            Itself.

        Raises:
            InputError: maps of another size or number, a label that is neither class nor void.
                Nothing is counted then.
        """
        truth = label_maps(truth, given="labels", classes=self.classes)
        answers = label_maps(outputs, given=given, classes=self.classes)
        if truth.shape != answers.shape:
            raise InputError(
                f"expected outputs for each pixel of the truth, received truth {truth.shape} and "
                f"outputs {answers.shape}, (batch, height, width): compare at one size, of the "
                "same pictures"
            )
        check_inside(truth, self.classes, self.void)
        if given == "labels":
            check_inside(answers, self.classes, None)
        size = self.classes**2
        place = truth.astype(np.intp) * self.classes + answers
        place += np.arange(len(truth))[:, None, None] * size
        if self.void is not None:
            place = place[truth != self.void]
        counts = np.bincount(place.ravel(), minlength=len(truth) * size)
        self._batches.append(counts.reshape(-1, self.classes, self.classes))
        return self

    @property
    def by_picture(self) -> np.ndarray:
        """Whole numbers (pictures, classes, classes), rows true, columns answered."""
        none = np.zeros((0, self.classes, self.classes), np.intp)
        return np.concatenate([none, *self._batches])

    @property
    def counts(self) -> np.ndarray:
        """Whole numbers (classes, classes) over all pictures, rows true, columns answered."""
        return self.by_picture.sum(axis=0)


def iou(counts: np.ndarray) -> np.ndarray:
    """Intersection over union of each class.

    Args:
        counts: whole numbers (…, classes, classes), rows true, columns answered.

    Returns:
        float64 (…, classes), from 0 to 1; not-a-number for a class that occurs neither in the
        truth nor in the answers.

    Raises:
        InputError: not such counts.

    Example:
        >>> iou([[6, 2, 0], [0, 2, 0], [0, 0, 0]]).tolist()
        [0.75, 0.5, nan]
    """
    hits, truth, answers = _sums(counts)
    return _share(hits, truth + answers - hits)


def dice(counts: np.ndarray) -> np.ndarray:
    """Dice's coefficient of each class, which is the F1 score; arguments as for `iou`.

    Example:
        >>> dice([[6, 2, 0], [0, 2, 0], [0, 0, 0]]).round(3).tolist()
        [0.857, 0.667, nan]
    """
    hits, truth, answers = _sums(counts)
    return _share(2 * hits, truth + answers)


def mean_iou(counts: np.ndarray, *, background: int | None = None) -> np.ndarray:
    """Mean IoU over the classes that occur.

    Args:
        counts: as for `iou`.
        background: a class that is left out of the mean, although its pixels count in the unions
            of the others; None keeps all.

    Returns:
        float64 (…), not-a-number where no class is left.

    Raises:
        InputError: not such counts; a background that is no class.

    Example:
        >>> counts = [[6, 2, 0], [0, 2, 0], [0, 0, 0]]
        >>> float(mean_iou(counts)), float(mean_iou(counts, background=0))
        (0.625, 0.5)
    """
    values = iou(counts)
    if background is not None:
        if not isinstance(background, int | np.integer) or not 0 <= background < values.shape[-1]:
            raise InputError(
                f"expected the background to be a class from 0 to {values.shape[-1] - 1}, "
                f"received {background!r}"
            )
        values = np.delete(values, background, axis=-1)
    occurs = ~np.isnan(values)
    return _share(np.where(occurs, values, 0).sum(axis=-1), occurs.sum(axis=-1))


def pixel_accuracy(counts: np.ndarray) -> np.ndarray:
    """Share of the pixels that were given their class; arguments as for `iou`, returns (…).

    Example:
        >>> float(pixel_accuracy([[6, 2], [0, 2]]))
        0.8
    """
    hits, truth, _ = _sums(counts)
    return _share(hits.sum(axis=-1), truth.sum(axis=-1))


def _sums(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    counts = np.asarray(counts)
    square = counts.ndim >= 2 and counts.shape[-1] == counts.shape[-2] > 1
    if not square or counts.dtype.kind not in "iu" or (counts < 0).any():
        raise InputError(
            "expected counts of pixels, whole numbers (…, classes, classes), received "
            f"{counts.dtype} of shape {counts.shape}: give `counts` or `by_picture` of a Confusion"
        )
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    return hits, counts.sum(axis=-1), counts.sum(axis=-2)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return part / whole
