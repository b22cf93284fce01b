"""Mean IoU while a network trains: a Keras metric over the same matrix as `Confusion`."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from course_utils.errors import InputError
from course_utils.segmentation.labels import GIVEN, check_classes, require_inside

if TYPE_CHECKING:
    import keras

__all__ = ["mean_iou_metric"]


def mean_iou_metric(
    classes: int,
    *,
    given: str,
    void: int | None = None,
    background: int | None = None,
    name: str = "mean_iou",
) -> keras.Metric:
    """A metric for `compile`: mean IoU over the classes that occur, of all pixels of an epoch.

    Args:
        classes: how many, background included.
        given: what the network returns: "logits" or "probabilities".
        void: a label outside the classes; where it is true, the answer counts for nothing.
        background: a class that is left out of the mean; None keeps all.
        name: of the metric in the history.

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
    check_classes(classes, void)
    if given not in GIVEN[1:]:
        raise InputError(
            f"expected given to be 'logits' or 'probabilities', received {given!r}: with one "
            "channel the threshold depends on it"
        )
    if background is not None and background not in range(classes):
        raise InputError(
            f"expected the background to be a class from 0 to {classes - 1}, "
            f"received {background!r}"
        )
    return _metric_class()(classes, given=given, void=void, background=background, name=name)


@functools.cache
def _metric_class() -> type:
    import keras
    import tensorflow as tf

    class MeanIoU(keras.Metric):
        def __init__(
            self,
            classes: int,
            *,
            given: str,
            void: int | None,
            background: int | None,
            name: str,
        ) -> None:
            super().__init__(name=name)
            self.classes, self.given, self.void, self.background = classes, given, void, background
            self.counts = self.add_weight(
                shape=(classes, classes), initializer="zeros", dtype="int64", name="counts"
            )

        def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
            if sample_weight is not None:
                raise InputError("expected no sample weights, received some: mark pixels as void")
            y_pred = tf.convert_to_tensor(y_pred)
            channels = y_pred.shape[-1]
            if channels not in (self.classes, 1 if self.classes == 2 else None):
                raise InputError(
                    f"expected outputs of {self.classes} channels, received {channels}"
                )
            truth = tf.reshape(require_inside(y_true, self.classes, self.void), [-1])
            if channels == 1:
                answers = tf.cast(y_pred >= (0 if self.given == "logits" else 0.5), tf.int32)
            elif channels == 2:  # faster than argmax over so short an axis
                answers = tf.cast(y_pred[..., 1] > y_pred[..., 0], tf.int32)
            else:
                answers = tf.argmax(y_pred, axis=-1, output_type=tf.int32)
            # One row more, for what is void; it is cut off again.
            if self.void is not None:
                truth = tf.where(truth == self.void, self.classes, truth)
            # Several times faster than `tf.math.confusion_matrix`; of a size that XLA knows.
            counts = tf.raw_ops.DenseBincount(
                input=truth * self.classes + tf.reshape(answers, [-1]),
                size=self.classes * (self.classes + 1),
                weights=tf.zeros([0], tf.int32),
            )
            counts = tf.reshape(counts, (self.classes + 1, self.classes))[: self.classes]
            self.counts.assign_add(tf.cast(counts, tf.int64))

        def result(self) -> Any:
            counts = tf.cast(self.counts, tf.float32)
            hits = tf.linalg.diag_part(counts)
            unions = tf.reduce_sum(counts, 0) + tf.reduce_sum(counts, 1) - hits
            kept = unions > 0
            if self.background is not None:
                kept &= tf.range(self.classes) != self.background
            shares = tf.where(kept, tf.math.divide_no_nan(hits, unions), 0.0)
            return tf.reduce_sum(shares) / tf.reduce_sum(tf.cast(kept, tf.float32))

        def get_config(self) -> dict[str, Any]:
            return {
                "classes": self.classes,
                "given": self.given,
                "void": self.void,
                "background": self.background,
                "name": self.name,
            }

    return MeanIoU
