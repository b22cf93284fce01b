"""Whether a network is as sure as it is right, and temperature scaling, which mends it.

A network is calibrated if, of the images that it classifies with a probability of 0.8, 80 % are
right. Trained to certainty on few images, it is surer than that. One number, the temperature,
fitted on images it was not trained on, spreads its probabilities; what it predicts stays the same.

Guo, Pleiss, Sun, Weinberger: On Calibration of Modern Neural Networks (2017), arXiv:1706.04599,
equations 2 (reliability), 3 (expected calibration error) and 9 (temperature).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from course_utils import checks
from course_utils.errors import InputError

__all__ = [
    "Reliability",
    "expected_calibration_error",
    "fit_temperature",
    "negative_log_likelihood",
    "probabilities",
    "reliability",
]

LOWEST, HIGHEST = 0.05, 20.0


@dataclass(frozen=True, eq=False)
class Reliability:
    """What a reliability diagram shows: one entry for each bin of confidence."""

    edges: np.ndarray  # (bins + 1,) from 0 to 1; a bin holds its upper edge, not its lower one
    counts: np.ndarray  # images in each bin
    confidence: np.ndarray  # mean probability of the predicted class; not-a-number if empty
    accuracy: np.ndarray  # share that was right; likewise

    @property
    def error(self) -> float:
        """Expected calibration error: the gaps between the two, weighted by the counts."""
        filled = self.counts > 0
        gaps = np.abs(self.confidence[filled] - self.accuracy[filled])
        return float(np.sum(self.counts[filled] * gaps) / np.sum(self.counts))


def probabilities(logits: np.ndarray, *, temperature: float = 1.0) -> np.ndarray:
    """Softmax of logits that were divided by a temperature.

    Args:
        logits: (count, classes); or (count,) or (count, 1) of a single unit, of which the sigmoid
            is the probability of class 1.
        temperature: above 0; above 1 makes less sure.

    Returns:
        float64 (count, classes), two classes for a single unit; each row sums to 1.

    Raises:
        InputError: logits of another shape, or not finite; a temperature that is not above 0.

    Example:
        >>> probabilities(np.array([[2.0, 0.0]]), temperature=2).round(3).tolist()
        [[0.731, 0.269]]
    """
    return np.exp(_log_softmax(_two_sided(logits), temperature))


def negative_log_likelihood(
    logits: np.ndarray, labels: np.ndarray, *, temperature: float = 1.0
) -> float:
    """Mean of −log of the probability of the right class: the cross-entropy, in nats.

    Args:
        logits, temperature: as for `probabilities`.
        labels: whole numbers (count,).

    Raises:
        InputError: as `probabilities`; labels that do not fit the logits.

    Example:
        >>> round(negative_log_likelihood(np.zeros((3, 2)), np.array([0, 1, 1])), 4)
        0.6931
    """
    logits = _two_sided(logits)
    labels = checks.class_labels(labels, count=len(logits), classes=logits.shape[1])
    return float(-_log_softmax(logits, temperature)[np.arange(len(labels)), labels].mean())


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature at which a network's probabilities fit best.

    The negative log-likelihood is convex in 1 / temperature, so where its slope is zero is the
    only minimum, and halving an interval finds it.

    Args:
        logits: of validation images, neither trained nor tested on; as for `probabilities`.
        labels: whole numbers (count,).

    Returns:
        Temperature from 0.05 to 20. Either end means that there is no minimum between: logits
        that are all right want to be surer still, and worthless ones vaguer still.

    Raises:
        InputError: as `negative_log_likelihood`.

    Example:
        >>> fit_temperature(np.array([[4.0, 0.0]] * 4), np.array([0, 0, 0, 1])).__round__(3)
        3.641
    """
    logits = _two_sided(logits)
    labels = checks.class_labels(labels, count=len(logits), classes=logits.shape[1])
    right = logits[np.arange(len(labels)), labels]

    def slope(sharpness: float) -> float:
        """Of the negative log-likelihood over 1 / temperature."""
        weights = np.exp(_log_softmax(logits * sharpness, 1))
        return float(((weights * logits).sum(axis=1) - right).mean())

    low, high = 1 / HIGHEST, 1 / LOWEST
    if slope(low) >= 0:
        return HIGHEST
    if slope(high) <= 0:
        return LOWEST
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return 2 / (low + high)


def reliability(predicted: np.ndarray, labels: np.ndarray, *, bins: int = 15) -> Reliability:
    """Confidence against accuracy, in bins of equal width.

    Args:
        predicted: probabilities (count, classes), as `probabilities` gives them.
        labels: whole numbers (count,).
        bins: 1 or more.

    Raises:
        InputError: probabilities outside 0 to 1, labels that do not fit, fewer than one bin.

    Example:
        >>> table = reliability(np.array([[0.9, 0.1], [0.7, 0.3]]), np.array([0, 1]), bins=2)
        >>> table.counts.tolist(), table.confidence[1].round(3).item(), table.accuracy[1].item()
        ([0, 2], 0.8, 0.5)
    """
    predicted = np.asarray(predicted, np.float64)
    if predicted.ndim != 2 or predicted.shape[1] < 2 or not len(predicted):
        raise InputError(
            f"expected probabilities (count, classes), received shape {predicted.shape}: "
            "`probabilities` makes them of logits"
        )
    if not (np.all(predicted >= 0) and np.all(predicted <= 1 + 1e-6)):
        raise InputError(
            f"expected probabilities from 0 to 1, received {predicted.min():.3g} to "
            f"{predicted.max():.3g}: these look like logits; give `probabilities(logits)`"
        )
    labels = checks.class_labels(labels, count=len(predicted), classes=predicted.shape[1])
    checks.whole("the number of bins", bins)
    sure, right = predicted.max(axis=1), predicted.argmax(axis=1) == labels
    edges = np.linspace(0, 1, bins + 1)
    place = np.clip(np.searchsorted(edges, sure, side="left") - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    sums = [np.bincount(place, weights=of, minlength=bins) for of in (sure, right)]
    with np.errstate(invalid="ignore"):
        confidence, accuracy = (total / counts for total in sums)
    return Reliability(edges, counts, confidence, accuracy)


def expected_calibration_error(
    predicted: np.ndarray, labels: np.ndarray, *, bins: int = 15
) -> float:
    """How far confidence is from accuracy, in the mean over images: 0 is calibrated.

    It depends on the number of bins, and is never negative: chance alone gives a calibrated
    network more than 0 on few images. Compare it only at the same bins and images. Arguments and
    errors are those of `reliability`.

    Example:
        >>> sure = np.array([[0.9, 0.1], [0.7, 0.3]])
        >>> round(expected_calibration_error(sure, np.array([0, 1]), bins=2), 3)
        0.3
    """
    return reliability(predicted, labels, bins=bins).error


def _two_sided(logits: np.ndarray) -> np.ndarray:
    """float64 (count, classes); a single unit becomes two, 0 and itself: the same sigmoid."""
    logits = np.asarray(logits, np.float64)
    if logits.ndim == 2 and logits.shape[1] == 1:
        logits = logits[:, 0]
    if logits.ndim == 1:
        logits = np.stack([np.zeros_like(logits), logits], axis=1)
    if logits.ndim != 2 or not len(logits):
        raise InputError(
            f"expected logits (count, classes) or (count,), received shape {logits.shape}: "
            "give what the network returns for a batch of images"
        )
    if not np.all(np.isfinite(logits)):
        raise InputError(
            "expected finite logits, received not-a-number or infinite ones: "
            "the network has diverged, or they are logarithms of probabilities of 0"
        )
    return logits


def _log_softmax(logits: np.ndarray, temperature: float) -> np.ndarray:
    if not (np.isfinite(temperature) and temperature > 0):
        raise InputError(f"expected a temperature above 0, received {temperature!r}: 1 is none")
    logits = logits / temperature
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
