"""Test-time augmentation: the mean of what a model says about several views of one picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from course_utils.augmentation.policy import Policy
from course_utils.errors import InputError

__all__ = ["averaged_over_views"]


def averaged_over_views(
    predict: Callable[[np.ndarray], np.ndarray],
    images: np.ndarray,
    policy: Policy | None = None,
    *,
    views: int = 2,
    seed: int = 0,
) -> np.ndarray:
    """Predict the pictures as they are and as the policy changes them, and take the mean.

    It costs as many predictions as there are views, and helps where the errors of the views
    differ. Average probabilities, not logits, and never use a view that changes the label.

    Args:
        predict: from pictures to probabilities (count, classes) or (count, 1).
        images: float32 (count, height, width, channels) in [0, 1].
        policy: how the views differ from the picture; None for the picture and its mirror image.
        views: how many, the unchanged picture among them; 2 or more.
        seed: of the views.

    Returns:
        Like what `predict` returns.

    Raises:
        InputError: fewer than two views, or more than the picture and its mirror image without a
            policy; not a batch of pictures.

    Example:
        >>> left_edge = lambda pictures: pictures[:, 0, 0]
        >>> picture = np.array([[[[0.0], [1.0]]]], np.float32)
        >>> averaged_over_views(left_edge, picture).tolist()
        [[0.5]]
    """
    import tensorflow as tf

    from course_utils.augmentation import batches

    whole = isinstance(views, int) and not isinstance(views, bool)
    if not whole or views < 2 or (policy is None and views != 2):
        wanted = "2 views without a policy" if policy is None else "2 views or more"
        raise InputError(f"expected {wanted}, received {views!r}")
    pictures = tf.convert_to_tensor(images)
    batches.check_images(pictures)
    batches.require(batches.in_range(pictures), pictures)
    total = np.asarray(predict(pictures.numpy()))
    for view in range(1, views):
        if policy is None:
            changed = pictures.numpy()[:, :, ::-1]
        else:
            changed = policy.augmented(pictures.numpy(), seed=seed + view)
        total = total + np.asarray(predict(changed))
    return total / views
