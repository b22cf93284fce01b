"""Each check of chapter 00 accepts other right answers, and tells the usual mistakes apart."""

import math

import numpy as np
import pytest

from course_utils.exercises import chapter_00 as checks

FORGETS_THE_SEED = np.random.default_rng(1)


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
        (
            checks.band_from_seeds,
            lambda x: (np.mean(x) - 4 * np.std(x, ddof=1), np.mean(x) + 4 * np.std(x, ddof=1)),
        ),
        (
            checks.band_from_seeds,
            lambda x: np.mean(x) + np.array([-4, 4]) * np.std(x, ddof=1),
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
        (
            checks.band_from_seeds,
            lambda x: (np.mean(x) - 4 * np.std(x), np.mean(x) + 4 * np.std(x)),
            "ddof=1",
        ),
        (checks.band_from_seeds, lambda x: (min(x), max(x)), "evenly around the mean"),
        (
            checks.band_from_seeds,
            lambda x: (np.mean(x) - 2 * np.std(x, ddof=1), np.mean(x) + 2 * np.std(x, ddof=1)),
            "yours has 2.00",
        ),
        (checks.band_from_seeds, lambda x: np.mean(x), "expected the pair"),
        (checks.band_from_seeds, lambda x: np.ones((2, 2)), "expected the pair"),
    ],
)
def test_usual_mistakes_are_named(check, answer, message):
    assert message in check(answer)
