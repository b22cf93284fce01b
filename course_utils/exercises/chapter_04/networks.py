"""Self-checks of chapter 04: a head, and an extractor of your own."""

from __future__ import annotations

import numpy as np

from course_utils.exercises import exercise

_NOTHING = "the function returns nothing yet: replace the three dots"


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
