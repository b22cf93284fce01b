"""Explanations of any Keras model, and tests of whether they can be believed.

Every method takes a model, images and classes, works in batches, and returns an `Explanation`.
Models may be Sequential (with and without `Input`), functional, nested in one another, or
subclassed, with several outputs, one sigmoid unit, or mixed precision: their layers are listened to
while they run (`hooks`), so that it makes no difference how they were put together.

Example:
    >>> import keras
    >>> from course_utils import explain
    >>> keras.utils.set_random_seed(0)
    >>> base = keras.Sequential([keras.layers.Conv2D(4, 3, activation="relu", name="conv")])
    >>> pool = keras.layers.GlobalAveragePooling2D()
    >>> model = keras.Sequential([base, pool, keras.layers.Dense(2, activation="softmax")])
    >>> import numpy as np
    >>> found = explain.grad_cam(model, np.random.default_rng(0).random((5, 8, 8, 3)), targets=1)
    >>> found.maps.shape, found.layer.endswith("/conv")
    ((5, 8, 8), True)
"""

from course_utils.explain.cams import cam, grad_cam, grad_cam_plus_plus, layer_cam, score_cam
from course_utils.explain.evaluation import (
    Pointing,
    baseline_maps,
    energy_inside,
    pointing_game,
    randomisation_check,
    randomised,
    rank_correlation,
)
from course_utils.explain.explanation import Explanation
from course_utils.explain.filters import FilterPictures, filter_pictures
from course_utils.explain.hooks import Silence, activations, silent_channels
from course_utils.explain.perturbation import Curves, deletion, insertion, occlusion
from course_utils.explain.saliency import gradients, integrated_gradients, smooth_grad
from course_utils.explain.scores import Answers, answers

__all__ = [
    "Answers", "Curves", "Explanation", "FilterPictures", "Pointing", "Silence", "activations",
    "answers", "baseline_maps", "cam", "deletion", "energy_inside", "filter_pictures", "grad_cam",
    "grad_cam_plus_plus", "gradients", "insertion", "integrated_gradients", "layer_cam",
    "occlusion", "pointing_game", "randomisation_check", "randomised", "rank_correlation",
    "score_cam", "silent_channels", "smooth_grad",
]  # fmt: skip
