"""Self-checks of chapter 00."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageOps

from course_utils import datasets, pretrained
from course_utils.backend import keras
from course_utils.exercises import exercise

_NOTHING = "the function returns nothing: replace the three dots, and end with `return`"


@exercise("00", "batches-in-an-epoch")
def batches_in_an_epoch(answer):
    """A function of (images, batch_size); the oracle is a list that is really cut up."""
    for images, batch_size in ((100, 10), (100, 32), (5, 8), (48_000, 64)):
        right = len(range(0, images, batch_size))
        yours = answer(images, batch_size)
        if yours is ... or yours is None:
            return _NOTHING
        if yours != right:
            hint = (
                " (the last batch may be smaller than the others, and counts)"
                if yours == right - 1
                else ""
            )
            return (
                f"{images} images in batches of {batch_size} make {right} batches, "
                f"yours says {yours}{hint}"
            )
        if not isinstance(yours, (int, np.integer)):
            return (
                f"a number of batches is whole, yours is {yours!r} of type {type(yours).__name__}"
            )
    return None


@exercise("00", "scale-to-unit-range")
def scale_to_unit_range(answer):
    """A function of a uint8 array; judged by the properties that define the scaling."""
    image = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    yours = answer(image.copy())
    if yours is ... or yours is None:
        return _NOTHING
    yours = np.asarray(yours)
    if yours.dtype != np.float32:
        return f"expected dtype float32, yours is {yours.dtype}"
    if yours.shape != image.shape:
        return f"expected the shape to stay {image.shape}, yours is {yours.shape}"
    if yours.max() > 1 or yours.min() < 0:
        return (
            f"expected values from 0 to 1, yours go from {yours.min():.3g} to {yours.max():.3g}: "
            "the largest byte is 255"
        )
    if not np.allclose(yours, np.interp(image, (0, 255), (0, 1)), atol=1e-6):
        return "expected 0 to stay 0, 255 to become 1, and equal steps between; yours are not so"
    dark = np.array([10, 20, 30, 40], np.uint8).reshape(1, 2, 2, 1)
    if not np.allclose(answer(dark.copy()), np.interp(dark, (0, 255), (0, 1)), atol=1e-6):
        return (
            "on an image whose largest byte is 40 yours differs: divide by the largest byte there "
            "can be, not by the largest in the image"
        )
    return None


@exercise("00", "accuracy-by-hand")
def accuracy_by_hand(answer):
    """A function of (logits, labels); the oracle is scikit-learn."""
    from sklearn.metrics import accuracy_score

    rng = np.random.default_rng(0)
    for count, classes in ((1, 3), (7, 10), (200, 10)):
        # One class is made likely, so that the accuracy is far from chance.
        logits = rng.normal(size=(count, classes))
        labels = rng.integers(0, classes, count)
        logits[np.arange(count)[::2], labels[::2]] += 9
        right = accuracy_score(labels, logits.argmax(axis=1))
        yours = answer(logits, labels)
        if yours is ... or yours is None:
            return _NOTHING
        if np.ndim(yours) != 0:
            return f"expected one number, yours has shape {np.shape(yours)}: take the mean"
        if not np.isclose(float(yours), right):
            return (
                f"on {count} images and {classes} classes scikit-learn gives {right:.3f}, "
                f"yours gives {float(yours):.3f}"
            )
    return None


@exercise("00", "shuffle-together")
def shuffle_together(answer):
    """A function of (images, labels, seed); each image carries its label as its value."""
    labels = np.arange(50)
    images = np.broadcast_to(labels[:, None, None], (50, 2, 2)).copy()
    result = answer(images.copy(), labels.copy(), 3)
    if result is ... or result is None:
        return _NOTHING
    if not (isinstance(result, tuple | list) and len(result) == 2):
        return "expected the pair (images, labels) to be returned"
    shuffled_images, shuffled_labels = map(np.asarray, result)
    if shuffled_images.shape != images.shape or sorted(shuffled_labels) != sorted(labels):
        return "expected every image and every label once, in a new order; some are lost"
    apart = int((shuffled_images[:, 0, 0] != shuffled_labels).sum())
    if apart:
        return f"{apart} of 50 images no longer stand beside their own label"
    if (shuffled_labels == labels).all():
        return "the order is still the old one: nothing was shuffled"
    again = answer(images.copy(), labels.copy(), 3)
    if not np.array_equal(again[1], shuffled_labels):
        return "the same seed gave another order: draw the permutation from a seeded generator"
    return None


@exercise("00", "prediction-interval")
def prediction_interval(answer):
    """A function of (observed, t); the oracle is SciPy's t test of one more run at its ends."""
    from scipy.stats import ttest_ind

    rng = np.random.default_rng(1)
    for count, mean, spread, t in ((5, 0.8, 0.01, 8.61), (20, 0.5, 0.1, 3.88), (3, 3.0, 0.2, 2.5)):
        observed = list(mean + spread * rng.normal(size=count))
        yours = answer(list(observed), t)
        if yours is ... or yours is None:
            return _NOTHING
        if not (isinstance(yours, tuple | list | np.ndarray) and np.shape(yours) == (2,)):
            return f"expected the pair (low, high), yours is {yours!r}"
        low, high = map(float, yours)
        if not low < high:
            return f"expected low below high, yours are {low:.3f} and {high:.3f}"
        if not np.isclose((low + high) / 2, np.mean(observed)):
            return (
                f"expected the mean of the observed numbers, {np.mean(observed):.3f}, in the "
                f"middle, the middle of yours is {(low + high) / 2:.3f}"
            )
        found = float(ttest_ind([high], observed).statistic)
        if not np.isclose(found, t):
            return _why_another_width(found / t, observed, t) or (
                f"with {count} numbers and t = {t}, your interval reaches {found / t:.2f} times "
                "as far from the mean as it should"
            )
    return None


def _why_another_width(ratio, observed, t):
    """The usual mistake that makes a prediction interval so many times too wide; None if none."""
    n, s = len(observed), np.std(observed, ddof=1)
    root, divided_by_n = np.sqrt(1 + 1 / n), np.sqrt(1 - 1 / n)
    ddof = "your standard deviation divides by n; from a sample it is divided by n − 1 (`ddof=1`)"
    mistakes = {
        divided_by_n: ddof,
        1 / root: "the factor √(1 + 1/n) is missing: the mean itself comes from n runs only",
        divided_by_n / root: f"{ddof}; and the factor √(1 + 1/n) is missing",
        root: "1 + 1/n stands there without its square root",
        1 / np.sqrt(n) / root: (
            "with s/√n you get an interval for the mean of many runs; a single run scatters more, "
            "by s√(1 + 1/n)"
        ),
        1 / t: "the factor t is missing",
        1 / t / root: "the factors t and √(1 + 1/n) are missing",
        t: "t is squared in yours, and should not be",
        1 / np.sqrt(t): "t stands inside of your square root, and belongs before it",
        s: "expected the standard deviation s, yours is the variance s²",
        2: "yours is twice as wide: t·s·√(1 + 1/n) goes down from the mean, and up once more",
        0.5: "yours is half as wide: t·s·√(1 + 1/n) goes down from the mean, and up once more",
    }
    return next((why for size, why in mistakes.items() if np.isclose(ratio, size)), None)


@exercise("00", "recognize")
def recognize(answer):
    """A function of a photograph of any size; the oracle crops and resizes with Pillow."""
    base = pretrained.open("efficientnet_lite0", head=True)
    # In the dark: in full light the network forgives an image that is scaled otherwise.
    dark = (0.35 * datasets.photograph("chelsea").image).astype(np.uint8)
    photographs = {"chelsea, darkened": dark, "coffee": datasets.photograph("coffee").image}
    for name, image in photographs.items():
        yours = answer(image.copy())
        if yours is ... or yours is None:
            return _NOTHING
        if not isinstance(yours, tuple) or len(yours) != 2 or not isinstance(yours[0], str):
            return f"expected the pair (class in words, probability), yours is {yours!r}"
        label, probability = yours[0], float(np.squeeze(yours[1]))
        if not 0 <= probability <= 1:
            return (
                f"a probability lies between 0 and 1, yours is {probability:.3g}: the network "
                "gives logits, `keras.ops.softmax` turns them into probabilities"
            )
        square = _square(image, base.image_shape[0])
        right, sure = _most_probable(base, base.preprocessing()(square))
        if label == right and abs(probability - sure) < 0.1:
            continue
        mistakes = {
            "scale the image by `recognizer.preprocessing()` before the network": square,
            "divide the image by 255 first: the base expects values from 0 to 1": (
                base.preprocessing()(255 * square)
            ),
            "give the network a square of 224×224 from the middle of the photograph; a resize of "
            "the whole squeezes it": base.preprocessing()(_square(image, 224, crop=False)),
        }
        for mistake, images in mistakes.items():
            wrong, its = _most_probable(base, images)
            if label == wrong and abs(probability - its) < 0.1:
                return f"{mistake} ({name} is {label}, {probability:.0%}, in yours)"
        return (
            f"expected {right}, about {sure:.0%}, for the photograph {name}, yours is {label}, "
            f"{probability:.0%}"
        )
    return None


def _square(image, side, *, crop=True):
    """The middle square of a photograph (or all of it, squeezed) as a batch of one in [0, 1]."""
    photo = Image.fromarray(image).convert("RGB")
    photo = ImageOps.fit(photo, (side, side)) if crop else photo.resize((side, side))
    return np.asarray(photo, np.float32)[np.newaxis] / 255


def _most_probable(base, images):
    probabilities = keras.ops.softmax(base.network(np.asarray(images)))[0].numpy()
    return base.classes[probabilities.argmax()], float(probabilities.max())
