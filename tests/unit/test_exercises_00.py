"""Each check of chapter 00 accepts other right answers, and tells the usual mistakes apart."""

import math
import statistics

import keras
import numpy as np
import pytest

from course_utils import pretrained
from course_utils.exercises import chapter_00 as checks

FORGETS_THE_SEED = np.random.default_rng(1)


def spread(observed):
    return np.std(observed, ddof=1)


def around(observed, half):
    return np.mean(observed) - half, np.mean(observed) + half


def interval(observed, t, ddof=1):
    s = np.std(observed, ddof=ddof)
    return around(observed, t * s * np.sqrt(1 + 1 / len(observed)))


def shuffled(images, labels, seed):
    order = np.random.default_rng(seed).permutation(len(labels))
    return images[order], labels[order]


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (checks.batches_in_an_epoch, lambda n, size: math.ceil(n / size)),
        (checks.scale_to_unit_range, lambda x: (x / 255).astype(np.float32)),
        (checks.scale_to_unit_range, lambda x: x.astype(np.float32) * np.float32(1 / 255)),
        (checks.accuracy_by_hand, lambda z, y: sum(np.argmax(z, 1) == y) / len(y)),
        (checks.shuffle_together, shuffled),
        (checks.prediction_interval, interval),
        (
            checks.prediction_interval,
            lambda x, t: (
                statistics.fmean(x)
                + np.array([-t, t]) * math.sqrt(statistics.variance(x) * (len(x) + 1) / len(x))
            ),
        ),
    ],
)
def test_other_right_answers_pass(check, answer):
    assert check(answer) is None


@pytest.mark.parametrize(
    ("check", "answer", "message"),
    [
        (checks.batches_in_an_epoch, lambda n, size: n // size, "the last batch may be smaller"),
        (checks.batches_in_an_epoch, lambda n, size: n / size, "a number of batches is whole"),
        (checks.batches_in_an_epoch, lambda n, size: ..., "and end with `return`"),
        (checks.scale_to_unit_range, lambda x: x / 255, "expected dtype float32"),
        (checks.scale_to_unit_range, lambda x: np.float32(x) / 256, "255 to become 1"),
        (checks.scale_to_unit_range, lambda x: np.float32(x), "values from 0 to 1"),
        (checks.scale_to_unit_range, lambda x: np.float32(x[0]) / 255, "expected the shape"),
        (checks.scale_to_unit_range, lambda x: (x / x.max()).astype(np.float32), "largest in the"),
        (checks.scale_to_unit_range, lambda x: (x // 255).astype(np.float32), "equal steps"),
        (checks.accuracy_by_hand, lambda z, y: z.argmax(1) == y, "take the mean"),
        (checks.accuracy_by_hand, lambda z, y: (z.argmin(1) == y).mean(), "scikit-learn gives"),
        (checks.shuffle_together, lambda x, y, s: (x[::-1], y), "no longer stand beside"),
        (checks.shuffle_together, lambda x, y, s: (x, y), "nothing was shuffled"),
        (checks.shuffle_together, lambda x, y, s: (x[:9], y[:9]), "some are lost"),
        (
            checks.shuffle_together,
            lambda x, y, s: shuffled(x, y, FORGETS_THE_SEED),
            "the same seed gave another order",
        ),
        (checks.prediction_interval, lambda x, t: ..., "and end with `return`"),
        (checks.prediction_interval, lambda x, t: np.mean(x), "expected the pair"),
        (checks.prediction_interval, lambda x, t: np.ones((2, 2)), "expected the pair"),
        (checks.prediction_interval, lambda x, t: interval(x, t)[::-1], "expected low below high"),
        (checks.prediction_interval, lambda x, t: (min(x), max(x)), "in the middle"),
        (checks.prediction_interval, lambda x, t: interval(x, t, ddof=0), "(`ddof=1`)"),
        (checks.prediction_interval, lambda x, t: around(x, t * spread(x)), "√(1 + 1/n) is miss"),
        (
            checks.prediction_interval,
            lambda x, t: around(x, t * np.std(x)),
            "(`ddof=1`); and the factor √(1 + 1/n)",
        ),
        (
            checks.prediction_interval,
            lambda x, t: around(x, t * spread(x) * (1 + 1 / len(x))),
            "without its square root",
        ),
        (
            checks.prediction_interval,
            lambda x, t: around(x, t * spread(x) / math.sqrt(len(x))),
            "for the mean of many runs",
        ),
        (checks.prediction_interval, lambda x, t: interval(x, 1), "the factor t is missing"),
        (checks.prediction_interval, lambda x, t: around(x, spread(x)), "factors t and √"),
        (checks.prediction_interval, lambda x, t: interval(x, t**2), "t is squared"),
        (checks.prediction_interval, lambda x, t: interval(x, t**0.5), "inside of your square"),
        (checks.prediction_interval, lambda x, t: interval(x, t * spread(x)), "the variance s²"),
        (checks.prediction_interval, lambda x, t: interval(x, 2 * t), "yours is twice as wide"),
        (checks.prediction_interval, lambda x, t: interval(x, t / 2), "yours is half as wide"),
        (checks.prediction_interval, lambda x, t: interval(x, 3 * t), "3.00 times as far"),
        (
            checks.prediction_interval,
            lambda x, t: around(x, t * spread(x) * math.sqrt(1 + 1 / 5)),
            "with 20 numbers and t = 3.88",
        ),
        (checks.prediction_interval, lambda x, t: interval(x, 8.61), "with 20 numbers"),
    ],
)
def test_usual_mistakes_are_named(check, answer, message):
    assert message in check(answer)


# The exercise with a photograph: the answers ask the same network in other ways.


@pytest.fixture(scope="module")
def base():
    return pretrained.open("efficientnet_lite0", head=True)


def by_keras(image, *, divide=255, crop=True):
    size = (224, 224)
    if crop:
        return keras.preprocessing.image.smart_resize(image, size) / divide
    return keras.ops.image.resize(np.float32(image), size).numpy() / divide


def asked(base, square, *, scaled=True, softmax=True):
    batch = square[np.newaxis].astype(np.float32)
    row = base.network(base.preprocessing()(batch) if scaled else batch).numpy()[0]
    row = np.exp(row - row.max()) / np.exp(row - row.max()).sum() if softmax else row
    return base.classes[row.argmax()], row.max()


def test_a_right_way_to_recognize_a_photograph_passes(base):
    assert checks.recognize(lambda image: asked(base, by_keras(image))) is None


@pytest.mark.parametrize(
    ("square", "way", "message"),
    [
        ({}, {"scaled": False}, "recognizer.preprocessing"),
        ({"divide": 1}, {}, "divide the image by 255"),
        ({}, {"softmax": False}, "softmax"),
        ({"crop": False}, {}, "middle of the photograph"),
    ],
)
def test_usual_mistakes_with_a_photograph_are_told_apart(base, square, way, message):
    said = checks.recognize(lambda image: asked(base, by_keras(image, **square), **way))
    assert message in said


@pytest.mark.parametrize("answer", [..., None, "espresso", ("espresso",), (3, 0.9), ("cup", 0.5)])
def test_what_is_no_class_with_its_probability_is_told(answer):
    assert checks.recognize(lambda image: answer)
