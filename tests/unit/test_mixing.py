"""What chapter 03 says of Keras' MixUp: the label tells exactly how two pictures were blended."""

import keras
import numpy as np
import pytest


@pytest.fixture(scope="module")
def blended():
    """Two pictures of two classes, and what MixUp made of them, by a seed that pairs them up."""
    pair = {
        "images": np.random.default_rng(0).random((2, 8, 8, 3), np.float32),
        "labels": np.eye(2, dtype=np.float32),
    }
    for seed in range(50):
        made = keras.layers.MixUp(alpha=1.0, seed=seed)(pair, training=True)
        made = {name: keras.ops.convert_to_numpy(array) for name, array in made.items()}
        if 0.2 < made["labels"][0, 0] < 0.8:
            return pair, made
    raise AssertionError("no seed of fifty paired two pictures")


def by_hand(pair, labels):
    share = labels[:, 0][:, None, None, None]
    return share * pair["images"][0] + (1 - share) * pair["images"][1]


def test_the_label_says_how_the_pictures_were_blended(blended):
    pair, made = blended
    assert np.allclose(by_hand(pair, made["labels"]), made["images"], atol=1e-5)
    assert np.allclose(made["labels"].sum(axis=1), 1)


def test_the_labels_of_the_unblended_pictures_do_not(blended):
    pair, made = blended
    assert np.abs(by_hand(pair, pair["labels"]) - made["images"]).max() > 0.1
