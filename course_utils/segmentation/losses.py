"""Losses for label maps: Keras' own, given what they want and spared what they do not know.

Keras' Dice and focal loss want one-hot truth and know no void; its cross-entropy knows no weight
for each class of pixels. The three functions here put that around them. A label that is neither
class nor void stops the training: one-hot encoding would turn it into zeros, and drop it. (XLA,
`jit_compile=True`, leaves such checks out; there, let `check_pairs` see the masks first.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.errors import InputError
from course_utils.segmentation.labels import check_classes, require_inside

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["cross_entropy_loss", "dice_loss", "focal_loss"]

Loss = Callable[[Any, Any], "tf.Tensor"]


def cross_entropy_loss(
    classes: int,
    *,
    from_logits: bool,
    void: int | None = None,
    class_weights: Sequence[float] | None = None,
) -> Loss:
    """Cross-entropy, in the mean over the pixels that are not void.

    Without weights it is Keras' `SparseCategoricalCrossentropy(ignore_class=void)`. With them it
    is Σ w·loss / Σ w, so that weights that are all alike change nothing.

    Args:
        classes: how many, background included.
        from_logits: whether the network returns logits; else probabilities.
        void: a label outside the classes; where it is true, there is no loss.
        class_weights: one for each class, 0 or more; None weighs all pixels alike.

    Returns:
        A function for `compile`: of whole numbers (batch, height, width), or with an axis of 1
        behind, and float outputs (batch, height, width, classes).

    Raises:
        InputError: classes, void or weights that do not fit.

    Example:
        >>> import keras
        >>> truth, logits = np.array([[[0, 1, 255]]]), np.zeros((1, 1, 3, 2), np.float32)
        >>> loss = cross_entropy_loss(2, from_logits=True, void=255)
        >>> round(float(loss(truth, logits)), 4)
        0.6931
    """

    def each(one_hot: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        import keras

        return keras.losses.categorical_crossentropy(one_hot, outputs, from_logits=from_logits)

    return _pixel_loss(each, classes, void, class_weights, name="cross_entropy")


def focal_loss(
    classes: int,
    *,
    from_logits: bool,
    gamma: float = 2.0,
    void: int | None = None,
    class_weights: Sequence[float] | None = None,
) -> Loss:
    """Focal loss: cross-entropy times (1 − p)^γ, so that pixels that are right count for little.

    Lin and others: Focal Loss for Dense Object Detection (2017), arXiv:1708.02002, equation 4;
    by Keras' `categorical_focal_crossentropy`, with its constant factor α at 1.

    Args:
        classes: as for `cross_entropy_loss`.
        from_logits: likewise.
        gamma: 0 is the cross-entropy; above, the surer a pixel is right, the less it counts.
        void: as for `cross_entropy_loss`.
        class_weights: likewise; the paper's α, one for each class.

    Returns:
        As `cross_entropy_loss`.

    Raises:
        InputError: as `cross_entropy_loss`; a negative gamma.

    Example:
        >>> truth, logits = np.array([[[0, 1]]]), np.zeros((1, 1, 2, 2), np.float32)
        >>> round(float(focal_loss(2, from_logits=True)(truth, logits)), 4)
        0.1733
    """
    if not gamma >= 0:
        raise InputError(f"expected a gamma of 0 or more, received {gamma!r}: 2 is usual")

    def each(one_hot: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        import keras

        return keras.losses.categorical_focal_crossentropy(
            one_hot, outputs, alpha=1.0, gamma=gamma, from_logits=from_logits
        )

    return _pixel_loss(each, classes, void, class_weights, name="focal")


def dice_loss(classes: int, *, from_logits: bool, void: int | None = None) -> Loss:
    """One minus soft Dice, in the mean over the classes that occur in the batch.

    By Keras' `dice`, class by class over all pixels of the batch. Keras' `Dice` with its default
    adds the classes up first, so that the largest, mostly background, decides; and it takes
    logits for probabilities without a word.

    Milletari, Navab, Ahmadi: V-Net (2016), arXiv:1606.04797, section 3; there with squares in
    the denominator.

    Args:
        classes: as for `cross_entropy_loss`.
        from_logits: likewise; their softmax is taken here.
        void: as for `cross_entropy_loss`.

    Returns:
        As `cross_entropy_loss`.

    Raises:
        InputError: as `cross_entropy_loss`.

    Example:
        >>> truth, logits = np.array([[[0, 0, 0, 1]]]), np.zeros((1, 1, 4, 2), np.float32)
        >>> round(float(dice_loss(2, from_logits=True)(truth, logits)), 4)  # 1 - (3/5 + 1/3) / 2
        0.5333
    """
    check_classes(classes, void)

    def dice(y_true: Any, y_pred: Any) -> tf.Tensor:
        import keras
        import tensorflow as tf

        truth = _flat(y_true, classes, void)
        outputs = tf.reshape(y_pred, (-1, classes))
        outputs = tf.nn.softmax(outputs) if from_logits else outputs
        one_hot = tf.one_hot(truth, classes, dtype=outputs.dtype)
        outputs *= tf.cast(_counted(truth, void), outputs.dtype)[:, tf.newaxis]
        losses = keras.losses.dice(one_hot, outputs, axis=0)
        occurs = tf.cast(tf.reduce_sum(one_hot, axis=0) > 0, losses.dtype)
        return tf.math.divide_no_nan(tf.reduce_sum(losses * occurs), tf.reduce_sum(occurs))

    return dice


def _pixel_loss(
    each: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
    classes: int,
    void: int | None,
    class_weights: Sequence[float] | None,
    *,
    name: str,
) -> Loss:
    """The weighted mean over pixels of a loss that is known for each."""
    check_classes(classes, void)
    weights = _checked_weights(class_weights, classes)

    def loss(y_true: Any, y_pred: Any) -> tf.Tensor:
        import tensorflow as tf

        truth = _flat(y_true, classes, void)
        outputs = tf.reshape(y_pred, (-1, classes))
        counted = tf.cast(_counted(truth, void), outputs.dtype)
        # A void pixel is given a class, so that its loss is a number; its weight is 0.
        inside = tf.where(_counted(truth, void), truth, 0)
        one_hot = tf.one_hot(inside, classes, dtype=outputs.dtype)
        weight = counted * tf.gather(tf.constant(weights, outputs.dtype), inside)
        losses = each(one_hot, outputs)
        return tf.math.divide_no_nan(tf.reduce_sum(weight * losses), tf.reduce_sum(weight))

    loss.__name__ = name
    return loss


def _flat(y_true: Any, classes: int, void: int | None) -> tf.Tensor:
    import tensorflow as tf

    return tf.reshape(require_inside(tf.convert_to_tensor(y_true), classes, void), [-1])


def _counted(truth: tf.Tensor, void: int | None) -> tf.Tensor:
    import tensorflow as tf

    return tf.ones_like(truth, tf.bool) if void is None else truth != void


def _checked_weights(class_weights: Sequence[float] | None, classes: int) -> np.ndarray:
    if class_weights is None:
        return np.ones(classes)
    weights = np.asarray(class_weights, np.float64)
    good = weights.shape == (classes,) and np.isfinite(weights).all() and (weights >= 0).all()
    if not good or weights.sum() == 0:
        raise InputError(
            f"expected {classes} class weights of 0 or more, one for each class and not all 0, "
            f"received {class_weights!r}"
        )
    return weights
