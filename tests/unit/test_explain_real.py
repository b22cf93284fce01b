"""Real images and real ImageNet weights: named rightly, and the map lies on what was named.

Skipped where the files are not at hand: name their folder in COURSE_DATA_DIR.
"""

import keras
import numpy as np
import pytest

from course_utils import datasets, explain
from course_utils.datasets import imagenet
from course_utils.errors import CourseError

WEIGHTS = "mobilenet_2_5_224_tf.h5"
# Where things are in the center crop, drawn by hand: (top, bottom, left, right), shares of a side.
BOXES = {
    "elephant": [(0.09, 0.65, 0.41, 1.0), (0.36, 0.69, 0.0, 0.6)],
    "chelsea": [(0.21, 0.96, 0.1, 0.98)],
    "coffee": [(0.0, 0.65, 0.12, 0.83)],
}
CATS = {"tabby", "tiger_cat", "Persian_cat", "Siamese_cat", "Egyptian_cat", "lynx"}


@pytest.fixture(scope="module")
def model():
    weights = imagenet.weights(WEIGHTS)
    if weights == "imagenet" or imagenet.class_names() is None:
        pytest.skip(f"{WEIGHTS} and the class names are not at hand")
    return keras.applications.MobileNet(alpha=0.25, weights=weights)


def image(name):
    """The shorter side to 256, then the middle 224, as ImageNet is tested."""
    import tensorflow as tf

    try:
        image = datasets.photograph(name).image
    except CourseError as error:
        pytest.skip(str(error))
    sizes = [round(edge * 256 / min(image.shape[:2])) for edge in image.shape[:2]]
    resized = tf.image.resize(image.astype(np.float32), sizes, antialias=True).numpy()
    top, left = ((edge - 224) // 2 for edge in sizes)
    return resized[None, top : top + 224, left : left + 224] / 127.5 - 1


def best(model, name, count):
    order = np.asarray(model(image(name)))[0].argsort()[::-1][:count]
    return [imagenet.class_names()[k] for k in order]


def test_the_network_names_what_it_sees(model):
    assert set(best(model, "elephant", 2)) == {"African_elephant", "tusker"}
    assert best(model, "chelsea", 1)[0] in CATS
    assert best(model, "coffee", 1) == ["espresso"]


@pytest.mark.parametrize("name", BOXES)
@pytest.mark.parametrize("method", [explain.grad_cam, explain.grad_cam_plus_plus, explain.cam])
def test_the_map_lies_on_the_object(method, name, model):
    mask = np.zeros((1, 224, 224), bool)
    for box in BOXES[name]:
        top, bottom, left, right = (round(224 * share) for share in box)
        mask[0, top:bottom, left:right] = True
    found = method(model, image(name))
    assert found.layer == "conv_pw_13_relu"
    assert explain.pointing_game(found.maps, mask, tolerance=8).mean == 1
    energy = explain.energy_inside(found.maps, mask)
    assert energy.mean > energy.random
