"""Pixels labelled: how a segmentation is counted, judged, and trained.

All measures follow from one table, the confusion matrix of the pixels, which `Confusion` counts
exactly, a batch at a time:

    >>> import numpy as np
    >>> truth = np.array([[[0, 0], [1, 1]]])
    >>> counted = Confusion(2).add(truth, np.array([[[0, 1], [1, 1]]]))
    >>> iou(counted.counts).round(2).tolist()
    [0.5, 0.67]

A class that occurs neither in the truth nor in the answers has no IoU: it is not-a-number, and
left out of means. A void label, outside the classes, marks pixels that count for nothing.
"""

from course_utils.segmentation.boundary import boundary_f
from course_utils.segmentation.confusion import Confusion, dice, iou, mean_iou, pixel_accuracy
from course_utils.segmentation.labels import check_pairs, label_maps
from course_utils.segmentation.losses import cross_entropy_loss, dice_loss, focal_loss
from course_utils.segmentation.metric import mean_iou_metric
from course_utils.segmentation.quantiles import at_quantiles

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
