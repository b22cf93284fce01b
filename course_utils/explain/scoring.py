"""The one number for each picture that is explained: how much speaks for a class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.errors import InputError
from course_utils.explain.taps import find

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

__all__ = ["Output", "choose_output", "logits_of", "score_of"]

Output = str | int | None


def choose_output(network: keras.Model, outputs: Any, output: Output) -> tf.Tensor:
    """The output that is explained, of those that a network gave.

    Args:
        network: that gave them; a functional one knows their names.
        outputs: a tensor, or several as list, tuple or dictionary.
        output: name or number of one; may be None where there is one.

    Returns:
        (batch, classes).

    Raises:
        InputError: none was named where there are several, no such output, or one that is no list
            of numbers for each picture.
    """
    if isinstance(outputs, dict):
        known = dict(outputs)
    elif isinstance(outputs, list | tuple):
        names = getattr(network, "output_names", None) or ()
        names = names if len(names) == len(outputs) else [str(i) for i in range(len(outputs))]
        known = dict(zip(names, outputs, strict=True))
    else:
        known = {"output": outputs}
        if getattr(network, "output_names", None):
            known = {network.output_names[0]: outputs}
    chosen = _chosen(known, output)
    if chosen.shape.rank != 2:
        raise InputError(
            "expected an output of one number for each class, (batch, classes), received "
            f"{tuple(chosen.shape)}: explain a network that classifies, or pool the output first"
        )
    return chosen


def _chosen(known: dict[str, tf.Tensor], output: Output) -> tf.Tensor:
    if output is None:
        if len(known) > 1:
            raise InputError(
                f"expected one output to explain, received a network with {len(known)} "
                f"({', '.join(known)}): name it, output={next(iter(known))!r}"
            )
        return next(iter(known.values()))
    if isinstance(output, int) and not isinstance(output, bool):
        if not 0 <= output < len(known):
            raise InputError(
                f"expected an output from 0 to {len(known) - 1}, received {output}: "
                f"the outputs are {', '.join(known)}"
            )
        return list(known.values())[output]
    return known[find(list(known), output, what="outputs")]


def logits_of(output: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """What stands before the last softmax or sigmoid, and the probabilities behind it.

    Logits are explained, not probabilities: once a network is sure, softmax is flat, and its
    gradient says nothing. Where a network ends in logits, they are taken as they are.

    Args:
        output: (batch, classes).

    Returns:
        Logits and probabilities, float32 (batch, classes) each.
    """
    import tensorflow as tf

    # Keras leaves a note of them on the tensor, for its own cross-entropy.
    logits = getattr(output, "_keras_logits", None)
    if logits is not None:
        return tf.cast(logits, tf.float32), tf.cast(output, tf.float32)
    output = tf.cast(output, tf.float32)
    return output, tf.nn.softmax(output) if output.shape[-1] != 1 else tf.nn.sigmoid(output)


def score_of(numbers: tf.Tensor, targets: tf.Tensor, *, probability: bool = False) -> tf.Tensor:
    """The number of each picture's target; with one unit, class 0 is its opposite.

    Args:
        numbers: logits or probabilities, (batch, classes) or (batch, 1).
        targets: int32 (batch,).
        probability: which of the two they are.

    Returns:
        (batch,).
    """
    import tensorflow as tf

    if numbers.shape[-1] != 1:
        return tf.gather(numbers, targets, batch_dims=1)
    opposite = 1 - numbers[:, 0] if probability else -numbers[:, 0]
    return tf.where(targets == 1, numbers[:, 0], opposite)


def check_targets(targets: Any, count: int, classes: int) -> np.ndarray | None:
    """Targets as int32 (count,); None stays None.

    Raises:
        InputError: another number of them, or a class that there is not.
    """
    if targets is None:
        return None
    array = np.asarray(targets)
    good = array.dtype.kind in "iu" and array.ndim <= 1 and (array.ndim == 0 or len(array) == count)
    if not good:
        raise InputError(
            f"expected a class as a whole number, or {count} of them, one for each picture, "
            f"received {array.dtype} {array.shape}: targets=labels, or None for the network's "
            "own answer"
        )
    classes = max(classes, 2)
    if array.size and (array.min() < 0 or array.max() >= classes):
        raise InputError(
            f"expected classes from 0 to {classes - 1}, received {int(array.min())} to "
            f"{int(array.max())}: a class is the place of its number in the output"
        )
    return np.broadcast_to(array, (count,)).astype(np.int32)
