"""Real pictures and real ImageNet weights: named rightly, and the map lies on what was named.

Skipped where the files are not at hand: name their folder in COURSE_DATA_DIR.
"""

import keras
import numpy as np
import pytest

from course_utils import datasets, explain
from course_utils.datasets import imagenet
from course_utils.errors import CourseError

WEIGHTS = "mobilenet_2_5_224_tf.h5"
# Where things are in the centre crop, drawn by hand: (top, bottom, left, right), shares of a side.
BOXES = {
    "elephant": [(0.14, 0.63, 0.42, 1.0), (0.38, 0.67, 0.0, 0.59)],
    "chelsea": [(0.25, 0.9, 0.15, 0.92)],
    "coffee": [(0.03, 0.63, 0.17, 0.79)],
}
CATS = {"tabby", "tiger_cat", "Persian_cat", "Siamese_cat", "Egyptian_cat", "lynx"}


@pytest.fixture(scope="module")
def network():
    weights = imagenet.weights(WEIGHTS)
    if weights == "imagenet" or imagenet.class_names() is None:
        pytest.skip(f"{WEIGHTS} and the class names are not at hand")
    return keras.applications.MobileNet(alpha=0.25, weights=weights)


def picture(name):
    import tensorflow as tf

    try:
        image = datasets.photograph(name).image
    except CourseError as error:
        pytest.skip(str(error))
    edge = min(image.shape[:2])
    top, left = (image.shape[0] - edge) // 2, (image.shape[1] - edge) // 2
    square = image[top : top + edge, left : left + edge].astype(np.float32)
    return tf.image.resize(square, (224, 224), antialias=True).numpy()[None] / 127.5 - 1


def best(network, name, count):
    order = np.asarray(network(picture(name)))[0].argsort()[::-1][:count]
    return [imagenet.class_names()[k] for k in order]


def test_the_network_names_what_it_sees(network):
    assert best(network, "elephant", 1) == ["African_elephant"]
    assert best(network, "chelsea", 1)[0] in CATS
    assert best(network, "coffee", 1) == ["espresso"]


@pytest.mark.parametrize("name", BOXES)
@pytest.mark.parametrize("method", [explain.grad_cam, explain.grad_cam_plus_plus, explain.cam])
def test_the_map_lies_on_the_object(method, name, network):
    mask = np.zeros((1, 224, 224), bool)
    for box in BOXES[name]:
        top, bottom, left, right = (round(224 * share) for share in box)
        mask[0, top:bottom, left:right] = True
    found = method(network, picture(name))
    assert found.layer == "conv_pw_13_relu"
    assert explain.pointing_game(found.maps, mask, tolerance=8).mean == 1
    energy = explain.energy_inside(found.maps, mask)
    assert energy.mean > energy.random
