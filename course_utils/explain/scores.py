"""What a network answers, as the explanations see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from course_utils.explain.passes import run, score_pass
from course_utils.explain.scoring import Output
from course_utils.explain.tracing import check_pictures

if TYPE_CHECKING:
    import keras

__all__ = ["Answers", "answers"]


class Answers(NamedTuple):
    """The network's number for one class of each picture.

    Attributes:
        targets: int32 (count,), the class.
        scores: float32 (count,), its logit: what explanations explain.
        probabilities: float32 (count,), behind softmax or sigmoid.
    """

    targets: np.ndarray
    scores: np.ndarray
    probabilities: np.ndarray


def answers(
    network: keras.Model,
    pictures: np.ndarray,
    targets: Any = None,
    *,
    output: Output = None,
    batch_size: int = 64,
) -> Answers:
    """The score that is explained, and the probability that belongs to it.

    The score is the logit, also where the network ends in a softmax or sigmoid. With one unit the
    classes are 0 and 1, and the score of class 0 is minus the logit.

    Args:
        network: as for `grad_cam`, and so are the others.
        pictures: likewise.
        targets: likewise.
        output: likewise.
        batch_size: likewise.

    Returns:
        Class, score and probability of each picture.

    Raises:
        InputError: as `grad_cam`.

    Example:
        >>> import keras
        >>> network = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten(),
        ...     keras.layers.Dense(1, activation="sigmoid", kernel_initializer="ones")])
        >>> answers(network, np.full((1, 2, 2, 1), 0.25), 0).scores
        array([-1.], dtype=float32)
    """
    checked = check_pictures(network, pictures)
    traced = score_pass(network, checked.shape[1:], output=output)
    return Answers(*run(traced, checked, targets, batch_size=batch_size))
