"""Maps of labels: what a network's outputs say of each pixel, and what a mask must be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from course_utils.errors import InputError

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["check_classes", "check_inside", "check_pairs", "label_maps", "require_inside"]

GIVEN = ("labels", "logits", "probabilities")
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
    if given not in GIVEN:
        raise InputError(f"expected given to be one of {', '.join(GIVEN)}, received {given!r}")
    outputs = np.asarray(outputs)
    if given == "labels":
        return _labels(outputs)
    if outputs.ndim != 4 or outputs.dtype.kind != "f":
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
    if not np.isfinite(outputs).all():
        raise InputError(
            f"expected finite {given}, received not-a-number or infinite ones: has it diverged?"
        )
    if given == "probabilities":
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
    """Refuse pictures and masks that do not belong together, before anything is trained on them.

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
    if images.ndim != 4:
        raise InputError(
            "expected pictures (count, height, width, channels), received shape "
            f"{images.shape}: give a single one an axis in front, picture[None]"
        )
    masks = _labels(masks)
    if len(images) != len(masks):
        raise InputError(
            f"expected as many masks as pictures, received {len(images)} pictures and "
            f"{len(masks)} masks: match them by name, and sort both alike"
        )
    if images.shape[1:3] != masks.shape[1:]:
        raise InputError(
            "expected masks of their pictures' size, received pictures of "
            f"{images.shape[1]}×{images.shape[2]} and masks of {masks.shape[1]}×{masks.shape[2]}: "
            "resize masks by nearest neighbour, and do not mix up height and width"
        )
    check_inside(masks, classes, void)


def check_classes(classes: object, void: object) -> None:
    """Refuse a number of classes below 2, and a void label among the classes."""
    if isinstance(classes, bool) or not isinstance(classes, int | np.integer) or classes < 2:
        raise InputError(f"expected 2 or more classes, background included, received {classes!r}")
    if void is None:
        return
    if isinstance(void, bool) or not isinstance(void, int | np.integer):
        raise InputError(f"expected the void label to be a whole number, received {void!r}")
    if 0 <= void < classes:
        raise InputError(
            f"expected a void label outside the classes 0 to {classes - 1}, received {void}: "
            "what is void is no class; give its pixels a label such as 255"
        )


def check_inside(labels: np.ndarray, classes: int, void: int | None) -> None:
    """Refuse label maps that hold anything but classes and void."""
    check_classes(classes, void)
    outside = (labels < 0) | (labels >= classes)
    if void is not None:
        outside &= labels != void
    if not outside.any():
        return
    strange = np.unique(labels[outside])
    hint = (
        "trimaps count from 1: subtract 1"
        if strange.tolist() == [classes] and labels.min() >= 1
        else "a mask is resized by nearest neighbour only; name a void label by `void`"
    )
    raise InputError(
        f"expected labels from 0 to {classes - 1}"
        + (f" or {void} for void" if void is not None else "")
        + f", received {', '.join(map(str, strange[:5]))}{' …' if len(strange) > 5 else ''} "
        f"({int(outside.sum())} of {labels.size} pixels): {hint}"
    )


def require_inside(labels: tf.Tensor, classes: int, void: int | None) -> tf.Tensor:
    """The same labels, int32, in a graph that stops at one that is neither class nor void."""
    import tensorflow as tf

    labels = tf.cast(labels, tf.int32)
    good = (labels >= 0) & (labels < classes)
    if void is not None:
        good |= labels == void
    message = f"expected labels from 0 to {classes - 1}" + (
        f" or {void} for void, received others" if void is not None else ", received others"
    )
    if tf.executing_eagerly():
        if not tf.reduce_all(good):
            raise InputError(f"{message}: check the masks by `segmentation.check_pairs`")
        return labels
    with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(good), [message])]):
        return tf.identity(labels)


def _labels(labels: np.ndarray) -> np.ndarray:
    if labels.ndim == 4 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    if labels.dtype.kind == "f":
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


def _check_probabilities(outputs: np.ndarray) -> None:
    low, high = float(outputs.min()), float(outputs.max())
    if low < -_SLACK or high > 1 + _SLACK:
        raise InputError(
            f"expected probabilities from 0 to 1, received {low:.3g} to {high:.3g}: these are "
            "logits, say so"
        )
    if outputs.shape[-1] > 1:
        sums = outputs.sum(axis=-1)
        if abs(sums - 1).max() > _SLACK:
            raise InputError(
                "expected probabilities that add up to 1 at each pixel, received sums from "
                f"{sums.min():.3g} to {sums.max():.3g}: is the last layer a sigmoid where it "
                "should be a softmax?"
            )
