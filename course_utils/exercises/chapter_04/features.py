"""Self-checks of chapter 04: where to cut a base, and when its features may be kept."""

from __future__ import annotations

import numpy as np

from course_utils.exercises import exercise

_NOTHING = "the function returns nothing yet: replace the three dots"


@exercise("04", "cut-at")
def cut_at(answer):
    """A function of (accuracies, margin); the oracle counts, from the end, stages to leave off."""
    curves = (
        ({"one": [0.55, 0.57], "two": [0.70, 0.72], "three": [0.89, 0.91], "four": [0.92]}, 0.03),
        ({"one": [0.55, 0.57], "two": [0.70, 0.72], "three": [0.89, 0.91], "four": [0.92]}, 0.01),
        # One lucky seed of the first stage; and the best stage is not the last.
        ({"a": [0.60, 0.95], "b": [0.86, 0.88, 0.90], "c": [0.91, 0.91], "d": [0.80]}, 0.05),
        ({"x": [0.5, 0.5], "y": [0.75, 0.75], "z": [1.0, 1.0]}, 0.25),
    )
    for accuracies, margin in curves:
        yours = answer({name: list(values) for name, values in accuracies.items()}, margin)
        if yours is ... or yours is None:
            return _NOTHING
        right = _earliest(accuracies, margin)
        if yours == right:
            continue
        called = f"cut_at({accuracies}, {margin})"
        return f"{called}: {_miscut(yours, right, accuracies, margin)}"
    return None


def _earliest(accuracies, margin):
    names = list(accuracies)
    means = np.array([sum(values) / len(values) for values in accuracies.values()])
    good = np.flatnonzero(means - means.max() >= -margin)
    return names[good[0]]


def _miscut(yours, right, accuracies, margin):
    names = list(accuracies)
    if yours not in names:
        return f"expected the name of a stage, one of {', '.join(names)}, received {yours!r}"
    means = {name: sum(values) / len(values) for name, values in accuracies.items()}
    short = max(means.values()) - means[yours]
    if short > margin:
        one_seed = max(accuracies[yours]) >= max(means.values()) - margin
        return f"the mean of {yours!r} is {short:.3f} below the best, more than the margin" + (
            ": one lucky seed is no mean" if one_seed else ""
        )
    if abs(max(means.values()) - means[right] - margin) < 1e-9:
        return f"{right!r} is exactly {margin} below the best, and `at most` includes that"
    return f"{yours!r} is good enough, and {right!r} before it is so as well: take the earliest"


@exercise("04", "may-be-kept")
def may_be_kept(answer):
    """A mapping from case to yes or no; the oracle trains each case and compares its features."""
    if not isinstance(answer, dict):
        return f"expected a mapping from case to True or False, received {type(answer).__name__}"
    cases = _cases()
    odd = sorted(set(map(str, answer)) ^ set(cases))
    if odd:
        return f"expected one answer for each of {', '.join(cases)}; look at {', '.join(odd)}"
    empty = [name for name in cases if answer[name] is ... or answer[name] is None]
    if empty:
        return f"nothing here yet for {empty[0]!r}: write True or False"
    for name, (settings, reason) in cases.items():
        if not isinstance(answer[name], bool | np.bool_):
            return f"{name!r}: expected True or False, received {answer[name]!r}"
        stays = _features_stay(**settings)
        if bool(answer[name]) != stays:
            say = "stay the same" if stays else "change"
            return f"{name!r}: we trained it, and the features {say} from epoch to epoch: {reason}"
    return None


def _cases():
    return {
        "frozen": ({}, "nothing before the head is random and nothing there learns"),
        "random flips": ({"flips": True}, "in each epoch the base gets other pictures"),
        "dropout in the head": ({"dropout": 0.5}, "the dropout comes after the features"),
        "both mirror images": (
            {"both": True},
            "each of the two is a row of its own, and always the same one",
        ),
        "last block learns": ({"thawed": "conv_2"}, "its kernel moves, and with it what it gives"),
        "statistics move": (
            {"thawed": "norm"},
            "a batch normalisation that is not frozen uses each batch's own mean, and learns",
        ),
    }


def _features_stay(*, flips=False, dropout=0.0, both=False, thawed=None):
    """Whether the same rows give the same features in a first and in a later epoch of training."""
    import keras

    layers = keras.layers
    generator = np.random.default_rng(0)
    pictures = generator.random((8, 6, 6, 1)).astype(np.float32)
    if both:
        pictures = np.concatenate([pictures, pictures[:, :, ::-1]])
    labels = np.arange(len(pictures)) % 2
    base = keras.Sequential(
        [
            layers.Input((6, 6, 1)),
            layers.Conv2D(3, 3, name="conv_1"),
            layers.BatchNormalization(name="norm", momentum=0.5),
            layers.Conv2D(3, 3, name="conv_2"),
            layers.Flatten(),
        ]
    )
    for layer in base.layers:
        layer.trainable = layer.name == thawed
    drop = [layers.Dropout(dropout, seed=1)] if dropout else []
    model = keras.Sequential([base, *drop, layers.Dense(2)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.5), loss)
    seen = []
    for mirrored in (False, True):  # what chance may do in two epochs
        rows = pictures[:, :, ::-1] if flips and mirrored else pictures
        seen.append(np.asarray(base(rows, training=True)))
        model.train_on_batch(rows, labels)
    return bool(np.allclose(*seen, atol=1e-6))
