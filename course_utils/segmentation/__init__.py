"""Pixels labeled: how a segmentation is counted, judged, and trained.

All measures follow from one table, the confusion matrix of the pixels, which `Confusion` counts
exactly, a batch at a time:

    >>> import numpy as np
    >>> masks, predictions = np.array([[[0, 0], [1, 1]]]), np.array([[[0, 1], [1, 1]]])
    >>> iou(Confusion(2).add(masks, predictions).counts).round(2).tolist()
    [0.5, 0.67]

A class that occurs neither in the masks nor in the predictions has no IoU: it is not-a-number, and
left out of means. A void label, outside the classes, marks pixels that count for nothing.
"""

from course_utils.segmentation.measures import (
    Confusion,
    at_quantiles,
    boundary_f,
    check_pairs,
    dice,
    iou,
    label_maps,
    mean_iou,
    pixel_accuracy,
)
from course_utils.segmentation.training import (
    cross_entropy_loss,
    dice_loss,
    focal_loss,
    mean_iou_metric,
)

__all__ = [
    "Confusion",
    "at_quantiles",
    "boundary_f",
    "check_pairs",
    "cross_entropy_loss",
    "dice",
    "dice_loss",
    "focal_loss",
    "iou",
    "label_maps",
    "mean_iou",
    "mean_iou_metric",
    "pixel_accuracy",
]
