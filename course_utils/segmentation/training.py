"""Losses and a metric for label maps: Keras' own, given what they want and spared what they lack.

Keras' Dice and focal loss want one-hot masks and know no void. The losses here put that around
them, compute in float32 whatever the network's precision is, and are known by name to
`keras.models.load_model` once this module is imported. A label that is neither class nor void
stops the training: one-hot encoding would turn it into zeros, and drop it. (XLA,
`jit_compile=True`, leaves such checks out; there, let `check_pairs` see the masks first.)
"""

from __future__ import annotations

from typing import Any

from course_utils import checks
from course_utils.backend import keras, tf
from course_utils.errors import InputError
from course_utils.segmentation.measures import check_classes

__all__ = ["cross_entropy_loss", "dice_loss", "focal_loss", "mean_iou_metric"]


def cross_entropy_loss(
    classes: int, *, from_logits: bool, void: int | None = None
) -> keras.losses.Loss:
    """Cross-entropy, in the mean over the pixels that are not void.

    It is Keras' `SparseCategoricalCrossentropy(ignore_class=void)` with the labels checked.

    Args:
        classes: how many, background included.
        from_logits: whether the network returns logits; else probabilities.
        void: a label outside the classes; where it is true, there is no loss.

    Returns:
        A loss for `compile`: of whole numbers (batch, height, width), or with an axis of 1
        behind, and float outputs (batch, height, width, classes).

    Raises:
        InputError: classes or void that do not fit; called, other shapes or labels.

    Example:
        >>> import numpy as np
        >>> masks, logits = np.array([[[0, 1, 255]]]), np.zeros((1, 1, 3, 2), np.float32)
        >>> loss = cross_entropy_loss(2, from_logits=True, void=255)
        >>> round(float(loss(masks, logits)), 4)
        0.6931
    """
    return _CrossEntropy(classes, from_logits, void, name="cross_entropy")


def focal_loss(
    classes: int, *, from_logits: bool, gamma: float = 2.0, void: int | None = None
) -> keras.losses.Loss:
    """Focal loss: cross-entropy times (1 − p)^γ, so that pixels that are right count for little.

    Lin and others: Focal Loss for Dense Object Detection (2017), arXiv:1708.02002, equation 4;
    by Keras' `categorical_focal_crossentropy`, with its constant factor α at 1.

    Args:
        classes, from_logits, void: as for `cross_entropy_loss`.
        gamma: 0 is the cross-entropy; above, the surer a pixel is right, the less it counts.

    Returns:
        As `cross_entropy_loss`.

    Raises:
        InputError: as `cross_entropy_loss`; a negative gamma.

    Example:
        >>> import numpy as np
        >>> masks, logits = np.array([[[0, 1]]]), np.zeros((1, 1, 2, 2), np.float32)
        >>> round(float(focal_loss(2, from_logits=True)(masks, logits)), 4)
        0.1733
    """
    return _CrossEntropy(classes, from_logits, void, gamma, name="focal")


def dice_loss(classes: int, *, from_logits: bool, void: int | None = None) -> keras.losses.Loss:
    """One minus soft Dice, in the mean over the classes that occur in the batch.

    By Keras' `dice`, class by class over all pixels of the batch. Keras' `Dice` with its default
    adds the classes up first, so that the largest, mostly background, decides; and it takes
    logits for probabilities without a word.

    Milletari, Navab, Ahmadi: V-Net (2016), arXiv:1606.04797, section 3; there with squares in
    the denominator.

    Args:
        classes, from_logits, void: as for `cross_entropy_loss`; the softmax of logits is taken
            here.

    Returns:
        As `cross_entropy_loss`.

    Raises:
        InputError: as `cross_entropy_loss`.

    Example:
        >>> import numpy as np
        >>> masks, logits = np.array([[[0, 0, 0, 1]]]), np.zeros((1, 1, 4, 2), np.float32)
        >>> round(float(dice_loss(2, from_logits=True)(masks, logits)), 4)  # 1 - (3/5 + 1/3) / 2
        0.5333
    """
    return _Dice(classes, from_logits, void, name="dice")


def mean_iou_metric(
    classes: int, *, given: str, void: int | None = None, background: int | None = None
) -> keras.Metric:
    """A metric for `compile`, "mean_iou": over the classes that occur, of all pixels of an epoch.

    Args:
        classes: how many, background included.
        given: what the network returns: "logits" or "probabilities". For two classes, a single
            channel will do; its threshold depends on this.
        void: a label outside the classes; where it is true, the prediction counts for nothing.
        background: a class that is left out of the mean; None keeps all.

    Returns:
        A metric that counts in whole numbers; a label that is neither class nor void stops it.

    Raises:
        InputError: classes, void or background that do not fit; labels as outputs.

    Example:
        >>> import numpy as np
        >>> metric = mean_iou_metric(2, given="logits")
        >>> metric.update_state(np.array([[[0, 1]]]), np.array([[[[2.0, 0.5], [1.0, 3.0]]]]))
        >>> float(metric.result())
        1.0
    """
    return _MeanIoU(classes, given, void, background, name="mean_iou")


class _PixelLoss(keras.losses.Loss):
    """A loss that is a mean over pixels: sample weights would come too late."""

    def __init__(self, classes: int, from_logits: bool, void: int | None, **options: Any) -> None:
        super().__init__(**options)
        check_classes(classes, void)
        self.classes, self.from_logits, self.void = classes, from_logits, void

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> tf.Tensor:
        if sample_weight is not None:
            raise InputError("expected no sample weights, received some: mark pixels as void")
        return super().__call__(y_true, y_pred)

    def get_config(self) -> dict[str, Any]:
        own = {"classes": self.classes, "from_logits": self.from_logits, "void": self.void}
        return super().get_config() | own

    def _flat(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Labels (pixels,), which of them count, and outputs (pixels, classes)."""
        labels = _flat_labels(y_true, y_pred, self.classes, self.void, [self.classes])
        counted = tf.ones_like(labels, tf.bool) if self.void is None else labels != self.void
        return labels, counted, tf.reshape(y_pred, (-1, self.classes))


@keras.saving.register_keras_serializable("course_utils", name="PixelCrossEntropy")
class _CrossEntropy(_PixelLoss):
    """The weighted mean over pixels of the cross-entropy, or with a gamma of the focal loss."""

    def __init__(
        self, classes: int, from_logits: bool, void: int | None, gamma: float = 0.0, **options: Any
    ) -> None:
        super().__init__(classes, from_logits, void, **options)
        if not gamma >= 0:
            raise InputError(f"expected a gamma of 0 or more, received {gamma!r}: 2 is usual")
        self.gamma = gamma

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"gamma": self.gamma}

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        labels, counted, outputs = self._flat(y_true, y_pred)
        # A void pixel is given a class, so that its loss is a number; its weight is 0.
        inside = tf.where(counted, labels, 0)
        one_hot = tf.one_hot(inside, self.classes, dtype=outputs.dtype)
        weights = tf.cast(counted, outputs.dtype)
        if self.gamma:
            losses = keras.losses.categorical_focal_crossentropy(
                one_hot, outputs, alpha=1.0, gamma=self.gamma, from_logits=self.from_logits
            )
        else:
            losses = keras.losses.categorical_crossentropy(
                one_hot, outputs, from_logits=self.from_logits
            )
        return tf.math.divide_no_nan(tf.reduce_sum(weights * losses), tf.reduce_sum(weights))


@keras.saving.register_keras_serializable("course_utils", name="PixelDice")
class _Dice(_PixelLoss):
    """One minus soft Dice of each class over all pixels of a batch, in the mean over classes."""

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        labels, counted, outputs = self._flat(y_true, y_pred)
        outputs = tf.nn.softmax(outputs) if self.from_logits else outputs
        one_hot = tf.one_hot(labels, self.classes, dtype=outputs.dtype)
        outputs *= tf.cast(counted, outputs.dtype)[:, tf.newaxis]
        losses = keras.losses.dice(one_hot, outputs, axis=0)
        occurs = tf.cast(tf.reduce_sum(one_hot, axis=0) > 0, losses.dtype)
        return tf.math.divide_no_nan(tf.reduce_sum(losses * occurs), tf.reduce_sum(occurs))


@keras.saving.register_keras_serializable("course_utils", name="PixelMeanIoU")
class _MeanIoU(keras.Metric):
    """Mean IoU from the same matrix as `Confusion`, counted while a network trains."""

    def __init__(
        self, classes: int, given: str, void: int | None, background: int | None, **options: Any
    ) -> None:
        super().__init__(**options)
        check_classes(classes, void)
        if given not in ("logits", "probabilities"):
            raise InputError(
                f"expected given to be 'logits' or 'probabilities', received {given!r}"
            )
        if background is not None:
            checks.whole("the background", background, least=0, most=classes - 1)
        self.classes, self.given, self.void, self.background = classes, given, void, background
        self.counts = self.add_weight(
            shape=(classes, classes), initializer="zeros", dtype="int64", name="counts"
        )

    def get_config(self) -> dict[str, Any]:
        own = {name: getattr(self, name) for name in ("classes", "given", "void", "background")}
        return super().get_config() | own

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        if sample_weight is not None:
            raise InputError("expected no sample weights, received some: mark pixels as void")
        y_true, y_pred = tf.convert_to_tensor(y_true), tf.convert_to_tensor(y_pred)
        channels = [self.classes, 1] if self.classes == 2 else [self.classes]
        labels = _flat_labels(y_true, y_pred, self.classes, self.void, channels)
        if y_pred.shape[-1] == 1:
            predicted = tf.cast(y_pred >= (0 if self.given == "logits" else 0.5), tf.int32)
        elif y_pred.shape[-1] == 2:  # faster than argmax over so short an axis
            predicted = tf.cast(y_pred[..., 1] > y_pred[..., 0], tf.int32)
        else:
            predicted = tf.argmax(y_pred, axis=-1, output_type=tf.int32)
        # One row more, for what is void; it is cut off again.
        if self.void is not None:
            labels = tf.where(labels == self.void, self.classes, labels)
        # Several times faster than `tf.math.confusion_matrix`; of a size that XLA knows.
        counts = tf.raw_ops.DenseBincount(
            input=labels * self.classes + tf.reshape(predicted, [-1]),
            size=self.classes * (self.classes + 1),
            weights=tf.zeros([0], tf.int32),
        )
        counts = tf.reshape(counts, (self.classes + 1, self.classes))[: self.classes]
        self.counts.assign_add(tf.cast(counts, tf.int64))

    def result(self) -> tf.Tensor:
        counts = tf.cast(self.counts, tf.float32)
        hits = tf.linalg.diag_part(counts)
        unions = tf.reduce_sum(counts, 0) + tf.reduce_sum(counts, 1) - hits
        kept = unions > 0
        if self.background is not None:
            kept &= tf.range(self.classes) != self.background
        shares = tf.where(kept, tf.math.divide_no_nan(hits, unions), 0.0)
        return tf.reduce_sum(shares) / tf.reduce_sum(tf.cast(kept, tf.float32))


def _flat_labels(
    y_true: tf.Tensor, y_pred: tf.Tensor, classes: int, void: int | None, channels: list[int]
) -> tf.Tensor:
    """The labels, int32 (pixels,), in a graph that stops at one that is neither class nor void."""
    shape = y_pred.shape
    if shape.rank not in (None, 4) or (shape.rank and shape[-1] not in (None, *channels)):
        raise InputError(
            f"expected outputs (batch, height, width, {classes}), a channel for each class, "
            f"received shape {checks.written(shape)}: end the network in {classes} channels, or "
            "train a single one by keras.losses.BinaryCrossentropy"
        )
    flat = [*shape[:3]] if shape.rank else [None] * 3
    if not any(y_true.shape.is_compatible_with(wanted) for wanted in (flat, [*flat, 1])):
        raise InputError(
            f"expected a label for each pixel of the outputs, received masks "
            f"{checks.written(y_true.shape)} and outputs {checks.written(shape)}: train at one size"
        )
    labels = tf.cast(y_true, tf.int32)
    good = (labels >= 0) & (labels < classes)
    if void is not None:
        good |= labels == void
    # A mask that was resized by a mean has fractions, which the cast cut off.
    good &= tf.cast(labels, y_true.dtype) == y_true
    message = f"expected labels from 0 to {classes - 1}" + (
        f" or {void} for void, received others" if void is not None else ", received others"
    )
    if tf.executing_eagerly() and not tf.reduce_all(good):
        raise InputError(f"{message}: check the masks by `segmentation.check_pairs`")
    with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(good), [message])]):
        return tf.reshape(labels, [-1])
