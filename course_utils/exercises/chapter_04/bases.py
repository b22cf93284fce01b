"""Self-checks of chapter 04: what of a base learns, and what it wants to be fed."""

from __future__ import annotations

import numpy as np

from course_utils.exercises import exercise

_NOTHING = "the function returns nothing yet: replace the three dots"


@exercise("04", "trainable-tensors")
def trainable_tensors(answer):
    """A function of four settings; the oracle is a network that Keras builds, freezes, counts."""
    for settings in ((13, 0, 2, True), (13, 0, 2, False), (5, 5, 1, False), (3, 2, 4, True)):
        yours = answer(*settings)
        if yours is ... or yours is None:
            return _NOTHING
        right, mistakes = _counted(*settings)
        if yours == right:
            continue
        called = "trainable_tensors({}, {}, {}, frozen={})".format(*settings)
        reason = mistakes.get(yours, "build one and count its `trainable_weights`")
        return f"{called}: Keras counts {right}, yours gives {yours}: {reason}"
    return None


def _counted(convolutions, norms, dense, frozen):
    """What Keras counts, and what usual mistakes would give, with what to say of each."""
    import keras

    layers = keras.layers
    base = keras.Sequential(
        [
            layers.Input((4, 4, 1)),
            *[layers.Conv2D(1, 1) for _ in range(convolutions)],
            *[layers.BatchNormalization() for _ in range(norms)],
        ]
    )
    base.trainable = not frozen
    network = keras.Sequential(
        [base, layers.Flatten(), *[layers.Dense(1) for _ in range(dense)]],
    )
    network.build((None, 4, 4, 1))
    right, every = len(network.trainable_weights), len(network.weights)
    mistakes = {
        every: (
            "the moving averages of a batch normalisation are tensors that the optimizer never "
            "moves"
            if not frozen
            else "a frozen base adds nothing to what learns"
        ),
        convolutions + norms + dense: "each layer has more than one tensor, such as a bias",
        dense: "each dense layer has two tensors, a kernel and a bias",
    }
    if frozen:
        mistakes[2 * (convolutions + norms + dense)] = "a frozen base adds nothing to what learns"
        mistakes[2 * (norms + dense)] = "a frozen base's batch normalisation is frozen, too"
    else:
        mistakes[2 * dense] = "this base is not frozen: its tensors learn as well"
        mistakes[2 * (convolutions + dense)] = (
            "batch normalisation learns two tensors a layer, its scale and its shift"
        )
    mistakes.pop(right, None)
    return right, mistakes


@exercise("04", "prepare")
def prepare(answer):
    """A function of (pictures, name); the oracle is each base's own `preprocess_input`."""
    from keras import applications

    from course_utils import pretrained

    pictures = np.random.default_rng(0).integers(0, 256, (3, 4, 5, 3)).astype(np.uint8)
    floats = pictures.astype(np.float32)
    ours = pretrained.open("creatures", weights="random").preprocessing()
    oracles = {
        "creatures": np.asarray(ours(floats / 255)),
        "mobilenet_v2": applications.mobilenet_v2.preprocess_input(floats.copy()),
        "vgg16": applications.vgg16.preprocess_input(floats.copy()),
    }
    for name, right in oracles.items():
        yours = answer(pictures.copy(), name)
        if yours is ... or yours is None:
            return _NOTHING
        yours = np.asarray(yours)
        if yours.shape != pictures.shape:
            return f"{name}: expected the shape {pictures.shape}, yours is {yours.shape}"
        if not np.allclose(yours, right, atol=1e-2 if name == "vgg16" else 1e-4):
            return f"{name}: {_misprepared(yours.astype(np.float64), floats, name)}"
        if yours.dtype != np.float32:
            return f"{name}: the values are right; expected dtype float32, yours is {yours.dtype}"
    return None


def _misprepared(yours, floats, name):
    """What is wrong with pictures that a base was not trained on."""
    means = np.array([103.939, 116.779, 123.68])
    usual = {
        "1/255 gives 0 to 1; this base was trained on another range": floats / 255,
        "the pixels are still 0 to 255; this base was trained on another range": floats,
        "the channels are turned round; this base wants red first": floats[..., ::-1] / 127.5 - 1,
        "−1 to 1 is right for other bases; VGG16 wants pixels minus a mean": floats / 127.5 - 1,
        "the channels must be turned round: VGG16 wants blue first": floats - means[::-1],
        "the means are subtracted from the wrong channels: blue comes first": floats - means,
        "the channels are turned round; the means stand in the other order": (
            floats[..., ::-1] - means[::-1]
        ),
        "the means are in 0 to 255, so subtract them before dividing, and do not divide": (
            (floats[..., ::-1] - means) / 255
        ),
        "the whole numbers ran over: make them floats before you subtract": (
            floats.astype(np.uint8)[..., ::-1] - means.astype(np.uint8)
        ),
    }
    for reason, values in usual.items():
        if np.allclose(yours, values, atol=1e-2):
            return reason
    return (
        "its own `preprocess_input` gives something else "
        f"({yours.min():.4g} to {yours.max():.4g} are your values)"
    )
