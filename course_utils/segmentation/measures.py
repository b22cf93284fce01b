"""How good label maps are: the confusion matrix of the pixels, and the measures made of it.

For class k, with row k the masks and column k the predictions, let hits be the diagonal's entry:

    IoU  = hits / (row + column − hits)         Jaccard's index
    Dice = 2 hits / (row + column)              the F1 score; 2 IoU / (1 + IoU)

Every measure takes one matrix (classes, classes), such as that of a whole data set, or a stack of
them, such as one for each image: the mean over images of a measure is not the measure of all
pixels together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from course_utils import checks
from course_utils.errors import InputError

__all__ = [
    "Confusion",
    "at_quantiles",
    "boundary_f",
    "check_classes",
    "check_pairs",
    "dice",
    "iou",
    "label_maps",
    "mean_iou",
    "pixel_accuracy",
]

_GIVEN = ("labels", "logits", "probabilities")
# Softmax in half precision adds up to 1 within this.
_SLACK = 5e-3


def label_maps(outputs: np.ndarray, *, given: str, classes: int) -> np.ndarray:
    """The label of each pixel, from labels, logits or probabilities.

    One channel for each class: the largest wins. A single channel is a yes or no for class 1:
    "yes" from a probability of 0.5 up, which is a logit of 0, and not one of 0.5.

    Args:
        outputs: "labels": whole numbers (batch, height, width), or with an axis of 1 behind;
            else floats (batch, height, width, classes), or (batch, height, width, 1) for two
            classes.
        given: "labels", "logits" or "probabilities": what they are cannot be guessed.
        classes: how many there are.

    Returns:
        Whole numbers (batch, height, width); not yet known to be within the classes.

    Raises:
        InputError: another shape or type; probabilities that are none.

    Example:
        >>> outputs = np.array([[[[0.3], [-0.3]]]])
        >>> label_maps(outputs, given="logits", classes=2).tolist()
        [[[1, 0]]]
        >>> label_maps(outputs, given="probabilities", classes=2)
        Traceback (most recent call last):
            ...
        course_utils.errors.InputError: expected probabilities from 0 to 1, received -0.3 ...
    """
    if given not in _GIVEN:
        raise InputError(f"expected given to be one of {', '.join(_GIVEN)}, received {given!r}")
    outputs = np.asarray(outputs)
    if given == "labels":
        return _labels(outputs)
    if outputs.ndim != 4 or not checks.is_float(outputs.dtype):
        raise InputError(
            f"expected {given} as floats (batch, height, width, classes), received "
            f"{outputs.dtype} of shape {outputs.shape}: give what the network returns for a batch, "
            "or say given='labels'"
        )
    channels = outputs.shape[-1]
    if channels != classes and not (channels == 1 and classes == 2):
        raise InputError(
            f"expected {classes} channels, one for each class, received {channels} in shape "
            f"{outputs.shape}: is the number of classes that of the network?"
        )
    if outputs.itemsize < 4:  # sums of half precision, and NumPy functions that bfloat16 lacks
        outputs = outputs.astype(np.float32)
    if not np.isfinite(outputs).all():
        raise InputError(
            f"expected finite {given}, received not-a-number or infinite ones: has it diverged?"
        )
    if given == "probabilities" and outputs.size:
        _check_probabilities(outputs)
    if channels == 1:
        threshold = 0 if given == "logits" else 0.5
        return (outputs[..., 0] >= threshold).astype(np.intp)
    if channels == 2:  # much faster than argmax over so short an axis
        return (outputs[..., 1] > outputs[..., 0]).astype(np.intp)
    return outputs.argmax(axis=-1)


def check_pairs(
    images: np.ndarray, masks: np.ndarray, *, classes: int, void: int | None = None
) -> None:
    """Refuse images and masks that do not belong together, before anything is trained on them.

    Args:
        images: (count, height, width, channels).
        masks: whole numbers (count, height, width), or with an axis of 1 behind.
        classes: labels run from 0 to one below.
        void: a label outside the classes that marks pixels to leave out; None for none.

    Raises:
        InputError: other counts, other sizes, labels that are no class.

    Example:
        >>> check_pairs(np.zeros((2, 8, 8, 3)), np.full((2, 8, 8), 3), classes=3)
        Traceback (most recent call last):
            ...
        course_utils.errors.InputError: expected labels from 0 to 2, received 3 (128 of 128 ...
    """
    images, masks = np.asarray(images), np.asarray(masks)
    checks.image_batch(images)
    checks.mask_batch(masks, images)
    check_classes(classes, void)
    _check_inside(masks, classes, void)


class Confusion:
    """How often each true class was given each prediction, pixel by pixel; batches are added.

    Counts are whole numbers, so the order of batches changes nothing. What is kept is one matrix
    for each image, not the images.

    Args:
        classes: how many, background included; labels run from 0 to one below.
        void: a label outside the classes; where it is true, the prediction counts for nothing.

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

    def add(self, masks: np.ndarray, outputs: np.ndarray, *, given: str = "labels") -> Confusion:
        """Count a batch.

        Args:
            masks: whole numbers (batch, height, width), or with an axis of 1 behind.
            outputs: of the same images; as for `label_maps`.
            given: what they are: "labels", "logits" or "probabilities".

        Returns:
            Itself.

        Raises:
            InputError: maps of another size or number, a label that is neither class nor void.
                Nothing is counted then.
        """
        masks = label_maps(masks, given="labels", classes=self.classes)
        predictions = label_maps(outputs, given=given, classes=self.classes)
        _check_alike(masks, predictions)
        _check_inside(masks, self.classes, self.void)
        if given == "labels":
            _check_inside(predictions, self.classes, None)
        size = self.classes**2
        place = masks.astype(np.intp) * self.classes + predictions
        place += np.arange(len(masks))[:, None, None] * size
        if self.void is not None:
            place = place[masks != self.void]
        counts = np.bincount(place.ravel(), minlength=len(masks) * size)
        self._batches.append(counts.reshape(-1, self.classes, self.classes))
        return self

    @property
    def by_picture(self) -> np.ndarray:
        """Whole numbers (images, classes, classes), rows true, columns predicted."""
        none = np.zeros((0, self.classes, self.classes), np.intp)
        return np.concatenate([none, *self._batches])

    @property
    def counts(self) -> np.ndarray:
        """Whole numbers (classes, classes) over all images, rows true, columns predicted."""
        return self.by_picture.sum(axis=0)


def iou(counts: np.ndarray) -> np.ndarray:
    """Intersection over union of each class.

    Args:
        counts: whole numbers (…, classes, classes), rows true, columns predicted.

    Returns:
        float64 (…, classes), from 0 to 1; not-a-number for a class that occurs neither in the
        masks nor in the predictions.

    Raises:
        InputError: not such counts.

    Example:
        >>> iou([[6, 2, 0], [0, 2, 0], [0, 0, 0]]).tolist()
        [0.75, 0.5, nan]
    """
    hits, rows, columns = _sums(counts)
    return _share(hits, rows + columns - hits)


def dice(counts: np.ndarray) -> np.ndarray:
    """Dice's coefficient of each class, which is the F1 score; arguments as for `iou`.

    Example:
        >>> dice([[6, 2, 0], [0, 2, 0], [0, 0, 0]]).round(3).tolist()
        [0.857, 0.667, nan]
    """
    hits, rows, columns = _sums(counts)
    return _share(2 * hits, rows + columns)


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
        checks.whole("the background", background, least=0, most=values.shape[-1] - 1)
        values = np.delete(values, background, axis=-1)
    occurs = ~np.isnan(values)
    return _share(np.where(occurs, values, 0).sum(axis=-1), occurs.sum(axis=-1))


def pixel_accuracy(counts: np.ndarray) -> np.ndarray:
    """Share of the pixels that were given their class; arguments as for `iou`, returns (…).

    Example:
        >>> float(pixel_accuracy([[6, 2], [0, 2]]))
        0.8
    """
    hits, rows, _ = _sums(counts)
    return _share(hits.sum(axis=-1), rows.sum(axis=-1))


def boundary_f(
    masks: np.ndarray, predictions: np.ndarray, *, label: int = 1, tolerance: float = 1.5
) -> np.ndarray:
    """Boundary F of one class, image by image: how much of the two outlines lies together.

    Precision is the share of the predicted outline that lies within the tolerance of the true one,
    recall the share of the true outline that lies within it of the predicted; F is their harmonic
    mean. An outline is made of the class' own pixels that touch another class by a side; where
    the image ends, there is none. Where the border itself is void, this says nothing.

    Martin, Fowlkes, Malik (2004); for segmentation, Csurka and others: What is a good evaluation
    measure for semantic segmentation? (2013), section 3.2.

    Args:
        masks: whole numbers (batch, height, width), or with an axis of 1 behind.
        predictions: likewise, of the same images.
        label: of the class.
        tolerance: in pixels, from center to center; 1.5 lets an outline be one pixel off.

    Returns:
        float64 (batch,) from 0 to 1; not-a-number where neither has an outline, 0 where only one
        has.

    Raises:
        InputError: maps of another kind, size or number; a negative tolerance.

    Example:
        >>> masks = np.zeros((1, 9, 9), int)
        >>> masks[0, 2:6, 2:6] = 1
        >>> [boundary_f(masks, np.roll(masks, by, axis=2)).round(2).item() for by in (0, 1, 3)]
        [1.0, 1.0, 0.55]
    """
    masks, predictions = _labels(np.asarray(masks)), _labels(np.asarray(predictions))
    _check_alike(masks, predictions)
    if not tolerance >= 0:
        raise InputError(f"expected a tolerance of 0 pixels or more, received {tolerance!r}")

    def outline(mask: np.ndarray) -> np.ndarray:
        return mask & ~ndimage.binary_erosion(mask, border_value=1)

    def near(part: np.ndarray, other: np.ndarray) -> float:
        """Share of an outline that lies near the other."""
        return float((ndimage.distance_transform_edt(~other)[part] <= tolerance).mean())

    found = np.full(len(masks), np.nan)
    for place, (mask, predicted) in enumerate(zip(masks, predictions, strict=True)):
        true, answered = outline(mask == label), outline(predicted == label)
        if true.any() and answered.any():
            precision, recall = near(answered, true), near(true, answered)
            total = precision + recall
            found[place] = 2 * precision * recall / total if total else 0.0
        elif true.any() or answered.any():
            found[place] = 0.0
    return found


def at_quantiles(
    values: np.ndarray, shares: Sequence[float] = (0, 0.1, 0.25, 0.5, 0.75, 0.9, 1)
) -> list[int]:
    """Which images to look at: the indexes of those at these shares of an order, worst first.

    Args:
        values: (images,), such as the IoU of each; not-a-number ones are left out.
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
            f"expected one number for each image, received shape {values.shape}"
            + (", all of them not-a-number" if values.ndim == 1 and values.size else "")
        )
    if shares.ndim != 1 or not ((shares >= 0) & (shares <= 1)).all():
        raise InputError(f"expected shares from 0 to 1, received {shares.tolist()}")
    order = np.argsort(values, kind="stable")[: np.sum(~np.isnan(values))]
    return [int(order[round(share * (len(order) - 1))]) for share in shares]


def check_classes(classes: object, void: object) -> None:
    """Refuse a number of classes below 2, and a void label among the classes."""
    checks.whole("the number of classes, background included,", classes, least=2)
    if void is None:
        return
    if isinstance(void, bool) or not isinstance(void, int | np.integer):
        raise InputError(f"expected the void label to be a whole number, received {void!r}")
    if 0 <= void < classes:
        raise InputError(
            f"expected a void label outside the classes 0 to {classes - 1}, received {void}: "
            "what is void is no class; give its pixels a label such as 255"
        )


def _labels(labels: np.ndarray) -> np.ndarray:
    if labels.ndim == 4 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    if checks.is_float(labels.dtype):
        raise InputError(
            f"expected labels as whole numbers, received {labels.dtype}: of a network's outputs, "
            "say given='logits' or given='probabilities'"
        )
    if labels.ndim != 3 or labels.dtype.kind not in "iub":
        raise InputError(
            "expected label maps, whole numbers (batch, height, width), received "
            f"{labels.dtype} of shape {labels.shape}: give a single map an axis in front, "
            "labels[None]; take the argmax of one-hot masks"
        )
    return labels


def _check_alike(masks: np.ndarray, predictions: np.ndarray) -> None:
    if masks.shape != predictions.shape:
        raise InputError(
            f"expected a prediction for each pixel of the masks, received masks {masks.shape} and "
            f"predictions {predictions.shape}, (batch, height, width): compare at one size, of "
            "the same images"
        )


def _check_inside(labels: np.ndarray, classes: int, void: int | None) -> None:
    """Refuse label maps that hold anything but classes and void."""
    outside = (labels < 0) | (labels >= classes)
    if void is not None:
        outside &= labels != void
    if not outside.any():
        return
    strange = np.unique(labels[outside])
    hint = (
        "trimaps count from 1: subtract 1"
        if strange.tolist() == [classes] and labels.min() >= 1
        else "a mask is resized by nearest neighbor only; name a void label by `void`"
    )
    raise InputError(
        f"expected labels from 0 to {classes - 1}"
        + (f" or {void} for void" if void is not None else "")
        + f", received {', '.join(map(str, strange[:5]))}{' …' if len(strange) > 5 else ''} "
        f"({int(outside.sum())} of {labels.size} pixels): {hint}"
    )


def _check_probabilities(outputs: np.ndarray) -> None:
    low, high = float(outputs.min()), float(outputs.max())
    if low < -_SLACK or high > 1 + _SLACK:
        raise InputError(
            f"expected probabilities from 0 to 1, received {low:.3g} to {high:.3g}: these are "
            "logits, say so"
        )
    sums = outputs.sum(axis=-1)
    if outputs.shape[-1] > 1 and abs(sums - 1).max() > _SLACK:
        raise InputError(
            "expected probabilities that add up to 1 at each pixel, received sums from "
            f"{sums.min():.3g} to {sums.max():.3g}: is the last layer a sigmoid where it should "
            "be a softmax?"
        )


def _sums(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Diagonal, sums of the rows, sums of the columns."""
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
