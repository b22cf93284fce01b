"""Explanations of any Keras network, and tests of whether they can be believed.

Every method takes a network, pictures and classes, works in batches, and returns an `Explanation`.
Networks may be Sequential (with and without `Input`), functional, nested in one another, or
subclassed, with several outputs, one sigmoid unit, or mixed precision: their layers are listened to
while they run (`taps`), so that it makes no difference how they were put together.

Example:
    >>> import keras
    >>> from course_utils import explain
    >>> keras.utils.set_random_seed(0)
    >>> base = keras.Sequential([keras.layers.Conv2D(4, 3, activation="relu", name="conv")])
    >>> pool = keras.layers.GlobalAveragePooling2D()
    >>> network = keras.Sequential([base, pool, keras.layers.Dense(2, activation="softmax")])
    >>> import numpy as np
    >>> found = explain.grad_cam(network, np.random.default_rng(0).random((5, 8, 8, 3)), targets=1)
    >>> found.maps.shape, found.layer.endswith("/conv")
    ((5, 8, 8), True)
"""

from course_utils.explain.activations import Silence, activations, silent_channels
from course_utils.explain.cams import cam, grad_cam, grad_cam_plus_plus, layer_cam
from course_utils.explain.covering import occlusion, score_cam
from course_utils.explain.curves import Curves, baseline_maps, deletion, insertion
from course_utils.explain.explanations import Explanation
from course_utils.explain.filters import FilterPictures, filter_pictures
from course_utils.explain.judging import Pointing, energy_inside, pointing_game
from course_utils.explain.pixels import gradients, integrated_gradients, smooth_grad
from course_utils.explain.randomising import likeness, randomisation_check, randomised
from course_utils.explain.scores import Answers, answers

__all__ = [
    "Answers",
    "Curves",
    "Explanation",
    "FilterPictures",
    "Pointing",
    "Silence",
    "activations",
    "answers",
    "baseline_maps",
    "cam",
    "deletion",
    "energy_inside",
    "filter_pictures",
    "grad_cam",
    "grad_cam_plus_plus",
    "gradients",
    "insertion",
    "integrated_gradients",
    "layer_cam",
    "likeness",
    "occlusion",
    "pointing_game",
    "randomisation_check",
    "randomised",
    "score_cam",
    "silent_channels",
    "smooth_grad",
]
