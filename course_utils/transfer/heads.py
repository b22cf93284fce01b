"""Whether labels fit the head that is to learn them.

A label too large makes TensorFlow stop on a CPU with a message about `logits`, and gives
not-a-number, without a word, on a GPU.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.errors import InputError

if TYPE_CHECKING:
    import keras

__all__ = ["check_labels"]


def check_labels(model: keras.Model, labels: np.ndarray) -> None:
    """Refuse labels that do not fit a model's last layer or its loss.

    Args:
        model: ends in (batch, units); if it was compiled, its loss is looked at too.
        labels: whole numbers (count,), for a loss such as SparseCategoricalCrossentropy or, with
            one unit, BinaryCrossentropy; or one-hot (count, units).

    Raises:
        InputError: a label that no unit stands for, a one-hot width that is not the number of
            units, or labels that the loss reads otherwise.

    Example:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        >>> check_labels(model, np.array([0, 1, 1]))
    """
    units = model.output_shape[-1]
    labels = np.asarray(labels)
    loss = _loss(model)
    if labels.size == 0:
        raise InputError("expected at least one label, received none: give the labels of a part")
    if labels.ndim == 2 and labels.shape[1] > 1:
        _check_one_hot(labels, units, loss)
        return
    if labels.ndim not in (1, 2):
        raise InputError(
            f"expected labels (count,) or one-hot (count, {units}), received shape "
            f"{labels.shape}: one answer for each picture"
        )
    if "categorical" in loss and "sparse" not in loss:
        raise InputError(
            f"expected one-hot labels (count, {units}) for the loss {loss}, received whole "
            f"numbers {labels.shape}: compile with SparseCategoricalCrossentropy, or give "
            f"keras.utils.to_categorical(labels, {units})"
        )
    top = max(units - 1, 1)
    wrong = labels[(labels < 0) | (labels > top) | (labels != np.floor(labels))]
    if wrong.size:
        raise InputError(
            f"expected labels from 0 to {top}, for a last layer of {units} "
            f"unit{'s' if units > 1 else ''}, received {wrong.flat[0]} ({wrong.size} of "
            f"{labels.size} do not fit): "
            + (
                "count classes from 0"
                if wrong.flat[0] == top + 1 and labels.min() > 0
                else f"give the last layer {int(labels.max()) + 1} units, or look at the labels"
            )
        )


def _check_one_hot(labels: np.ndarray, units: int, loss: str) -> None:
    if labels.shape[1] != units:
        raise InputError(
            f"expected one-hot labels of width {units}, one for each unit of the last layer, "
            f"received {labels.shape}: give the last layer {labels.shape[1]} units"
        )
    if "sparse" in loss:
        raise InputError(
            f"expected whole numbers (count,) for the loss {loss}, received one-hot labels "
            f"{labels.shape}: compile with CategoricalCrossentropy, or give labels.argmax(axis=1)"
        )


def _loss(model: keras.Model) -> str:
    """The name of a model's loss in lower case, words joined by "_"; "" if there is none."""
    loss: Any = getattr(model, "loss", None) if getattr(model, "compiled", False) else None
    if isinstance(loss, str):
        return loss
    return getattr(loss, "name", None) or getattr(loss, "__name__", "")
