"""Self-checks of chapter 04."""

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


@exercise("04", "notes-head")
def notes_head(answer):
    """A function of the number of features; judged by whether its logit is a linear function."""
    import keras

    for features in (8, 5):
        head = answer(features)
        if head is ... or head is None:
            return _NOTHING
        if not isinstance(head, keras.Model):
            return f"expected a network, yours is a {type(head).__name__}: return it"
        if head.input_shape != (None, features) or head.output_shape != (None, 1):
            return (
                f"expected ({features},) in and one number out, yours takes {head.input_shape} "
                f"and gives {head.output_shape}"
            )
        dense = [layer for layer in head.layers if isinstance(layer, keras.layers.Dense)]
        if [layer.units for layer in dense] != [256, 1]:
            return (
                "expected a dense layer of 256 units and one of 1, yours has "
                f"{[layer.units for layer in dense]}"
            )
        x = np.random.default_rng(0).normal(0, 1, (2, 40, features)).astype(np.float32)
        outputs = [np.asarray(head(rows), np.float64) for rows in (*x, x.sum(axis=0), 0 * x[0])]
        if min(map(np.min, outputs)) < 0 or max(map(np.max, outputs)) > 1:
            return "expected a probability, from the sigmoid of the last unit; keep it"
        if dense[-1].activation is not keras.activations.sigmoid:
            return (
                f"expected the last unit to end in a sigmoid, yours ends in "
                f"{dense[-1].activation.__name__}"
            )
        one, other, both, none = (np.log(p / (1 - p)) for p in outputs)
        # A linear function f, with its bias, has f(a) + f(b) = f(a + b) + f(0).
        if np.allclose(one + other, both + none, atol=1e-3):
            return (
                "the logit is still a linear function of the features: between the two dense "
                "layers there is nothing that is not linear"
            )
        if not any(isinstance(layer, keras.layers.Dropout) for layer in head.layers):
            return "the head is no longer linear; keep the dropout between its two layers"
    return None


@exercise("04", "own-extractor")
def own_extractor(answer):
    """A function of (network, stages); judged by form, on a small base with random weights."""
    import keras

    from course_utils import pretrained

    base = pretrained.open("creatures", image_shape=(32, 32, 3), weights="random")
    model = answer(base.network, base.stages)
    if model is ... or model is None:
        return _NOTHING
    if not isinstance(model, keras.Model):
        return f"expected a model, yours is a {type(model).__name__}: return keras.Model(…)"
    if model.input_shape != (None, 32, 32, 3):
        return f"expected pictures (32, 32, 3) in, yours takes {model.input_shape[1:]}"
    if len(model.output_shape) != 2:
        return (
            f"expected a table of features (pictures, features), yours gives {model.output_shape}: "
            "pool or flatten the maps"
        )
    if model.trainable_weights:
        return (
            f"{len(model.trainable_weights)} tensors still learn, the first is "
            f"{model.trainable_weights[0].path}: freeze the whole model"
        )
    held = {id(weight) for weight in model.weights}
    if not any(id(weight) in held for weight in base.network.weights):
        return "the base's own weights are not in your model: use the layers of `network`"
    pictures = np.random.default_rng(0).random((4, 32, 32, 3), np.float32)
    given = np.asarray(model(pictures))
    if not np.array_equal(given, np.asarray(model(pictures))):
        return "the same pictures gave other features a second time: nothing random belongs here"
    reached = _reaches_base(model, base.network, pictures)
    if reached is not None:
        return (
            f"the base is given values from {reached[0]:.2f} to {reached[1]:.2f} for pictures in "
            "[0, 1]; it was trained on −1 to 1: put the preprocessing first"
        )
    return None


def _reaches_base(model, network, pictures):
    """None if the base is given −1 to 1, else the ends of what it is given."""
    import keras

    # A kernel that copies the first channel: what leaves the first convolution is what it got.
    first = network.get_layer("block1_conv")
    kernel = np.zeros(first.kernel.shape, np.float32)
    kernel[1, 1, 0, :] = 1
    before, seen = first.kernel.numpy(), []
    call = first.call

    def watched(inputs):
        seen.append(keras.ops.convert_to_numpy(inputs))
        return call(inputs)

    first.kernel.assign(kernel)
    first.call = watched
    try:
        model(pictures)
    finally:
        first.call = call
        first.kernel.assign(before)
    if not seen:
        return None
    if np.allclose(seen[-1], 2 * pictures - 1, atol=1e-4):
        return None
    return float(seen[-1].min()), float(seen[-1].max())
