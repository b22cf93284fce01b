"""Self-checks of chapter 01."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from course_utils.exercises import exercise

_NOTHING = "the function returns nothing yet: replace the three dots"


@exercise("01", "shapes-in-your-head")
def shapes_in_your_head(answer):
    """A list of six sides; the oracle are the layers themselves."""
    from keras import layers

    stack = (
        layers.Conv2D(32, 5),
        layers.MaxPooling2D(2),
        layers.Conv2D(64, 3, strides=2),
        layers.Conv2D(64, 3, padding="same"),
        layers.Conv2D(64, 3, dilation_rate=2),
        layers.MaxPooling2D(2),
    )
    reasons = (
        "without padding a kernel of 5 takes away 4",
        "pooling by 2 halves",
        "count the places of a window of 3 that moves by 2",
        '"same" keeps the size at stride 1',
        "with dilation 2 a kernel of 3 reaches over 5 pixels",
        "pooling by 2 halves, and rounds down",
    )
    yours = list(np.ravel(np.asarray(answer, dtype=object)))
    if len(yours) != len(stack):
        return f"expected {len(stack)} sides, one after each layer, yours are {len(yours)}"
    shape = (1, 96, 96, 3)
    for number, (layer, side, reason) in enumerate(
        zip(stack, yours, reasons, strict=True), start=1
    ):
        shape = layer.compute_output_shape(shape)
        if side is ...:
            return f"layer {number}: nothing here yet"
        if side != shape[1]:
            return f"layer {number}: the side is not {side}; {reason}"
    return None


@exercise("01", "count-weights")
def count_weights(answer):
    """A function of (kernel, channels, filters); the oracle is a Keras layer."""
    from keras import layers

    for kernel, channels, filters in ((3, 1, 1), (3, 3, 32), (5, 32, 64), (1, 64, 10)):
        yours = answer(kernel, channels, filters)
        if yours is ... or yours is None:
            return _NOTHING
        layer = layers.Conv2D(filters, kernel)
        layer.build((None, None, None, channels))
        right = layer.count_params()
        if yours == right:
            continue
        case = f"{filters} kernels of {kernel}×{kernel} on {channels} channels"
        if yours == right - filters:
            return f"{case}: the biases are missing, one for each filter"
        if yours == right - filters + 1:
            return f"{case}: each filter has a bias of its own, yours has one for all"
        if yours == right - filters + channels * filters:
            return f"{case}: a filter has one bias, not one for each channel"
        if channels > 1 and yours == (kernel * kernel + 1) * filters:
            return f"{case}: a kernel is as deep as its input; the channels are missing"
        return f"{case}: Keras counts {right:,} weights, yours says {yours}"
    return None


@exercise("01", "design-a-kernel")
def design_a_kernel(answer):
    """A 3×3 kernel, judged by what it answers to drawn pictures."""
    from course_utils.convolution import convolve2d

    kernel = np.asarray(answer, dtype="float64")
    if kernel.shape != (3, 3):
        return f"expected a kernel of shape (3, 3), yours has {kernel.shape}"
    if not np.isfinite(kernel).all():
        return "expected finite weights, yours hold NaN or infinity"

    def loudest(picture):
        answers = convolve2d(picture[None, :, :, None], kernel[:, :, None, None])
        return answers.ravel()[np.abs(answers).argmax()]

    step = np.repeat((np.arange(9) > 3)[None], 9, axis=0).astype("float64")
    small = 1e-5 * max(np.abs(kernel).sum(), 1e-9)
    for name, picture in (
        ("flat ground", np.ones((9, 9))),
        ("a straight vertical edge", step),
        ("a straight horizontal edge", step.T),
    ):
        if abs(loudest(picture)) > small:
            return f"on {name} expected the answer 0, yours is {loudest(picture):.3g}"
    line = np.eye(9)
    along = convolve2d(line[None, :, :, None], kernel[:, :, None, None])[0, 3, 3, 0]
    if along <= small:
        return f"on the line itself expected an answer above 0, yours is {along:.3g}"
    other = loudest(line[:, ::-1])
    if other >= along / 2:
        return (
            f"on a line the other way yours answers {other:.3g}, not less than half of the "
            f"{along:.3g} on the right line"
        )
    return None


@exercise("01", "max-pool")
def max_pool(answer):
    """A function of (maps, size, stride); the oracle is the Keras layer."""
    from keras import layers

    rng = np.random.default_rng(0)
    for shape, size, stride in (((2, 8, 8, 3), 2, 2), ((1, 7, 9, 2), 3, 2), ((1, 6, 6, 1), 2, 3)):
        # Below 0, so that a start from 0 or a padding with 0 shows.
        maps = rng.normal(size=shape).astype("float32") - 5
        yours = answer(maps.copy(), size, stride)
        if yours is ... or yours is None:
            return _NOTHING
        yours = np.asarray(yours)
        right = layers.MaxPooling2D(size, stride)(maps).numpy()
        case = f"windows of {size}×{size} with stride {stride} on {shape}"
        if yours.shape != right.shape:
            return f"{case}: expected the shape {right.shape}, yours is {yours.shape}"
        if np.allclose(yours, right):
            continue
        if np.allclose(yours, layers.AveragePooling2D(size, stride)(maps).numpy()):
            return f"{case}: yours keeps the mean, not the largest"
        if yours.max() >= 0:
            return f"{case}: all numbers are below 0, yours gives 0: where does that come from?"
        if np.allclose(yours, yours[..., :1]):
            return f"{case}: all channels come out equal; each is pooled by itself"
        return f"{case}: {np.mean(~np.isclose(yours, right)):.0%} of the numbers differ from Keras'"
    return None


@exercise("01", "layer-not-there")
def layer_not_there(answer):
    """A function that builds a model, judged by its layers and its output."""
    model = answer()
    if model is ... or model is None:
        return _NOTHING
    found = [type(layer).__name__ for layer in model.layers]
    wanted = ["Conv2D", "MaxPooling2D", "Flatten", "Dense"]
    if found != wanted:
        return f"expected the layers {', '.join(wanted)}, yours are {', '.join(found) or 'none'}"
    if tuple(model.output_shape) != (None, 10):
        return f"expected ten logits, your output has shape {tuple(model.output_shape)}"
    convolution, _, _, last = model.layers
    if convolution.filters != 16 or tuple(convolution.kernel_size) != (3, 3):
        return "expected the convolution as it was, 16 filters of 3×3"
    if convolution.activation.__name__ != "relu":
        return "the convolution has lost its ReLU"
    if last.activation.__name__ != "linear":
        return f"expected logits, your last layer ends in {last.activation.__name__}"
    return None


@exercise("01", "deeper-and-no-better")
def deeper_and_no_better(answer):
    """A function that builds a model, judged by whether its convolutions collapse into one."""
    import keras

    model = answer()
    if model is ... or model is None:
        return _NOTHING
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    kept = [(layer.filters, *layer.kernel_size) for layer in convolutions]
    if kept != [(8, 3, 3), (16, 3, 3), (16, 3, 3)]:
        return f"expected three convolutions of 8, 16 and 16 filters of 3×3, yours are {kept}"
    if tuple(model.output_shape) != (None, 10):
        return f"expected ten logits, your output has shape {tuple(model.output_shape)}"
    last = model.layers[-1]
    if not isinstance(last, keras.layers.Dense) or last.activation.__name__ != "linear":
        return "expected the last layer as it was: a Dense layer that gives logits, no activation"
    places = [model.layers.index(layer) for layer in convolutions] + [len(model.layers) - 1]
    for number, (start, end) in enumerate(pairwise(places), start=1):
        if _is_affine(model.layers[start:end]):
            return (
                f"convolution {number} is still linear: with what comes after it, "
                "f(a + b) − f(a) − f(b) + f(0) is 0"
            )
    return None


def _is_affine(stretch):
    """Whether layers only multiply and add: then f(a + b) − f(a) − f(b) + f(0) is 0."""
    rng = np.random.default_rng(0)
    shape = (4, *stretch[0].input.shape[1:])
    a, b = rng.normal(size=(2, *shape)).astype("float32")

    def apply(values):
        for layer in stretch:
            values = layer(values)
        return np.asarray(values)

    zero = np.zeros_like(a)
    return bool(np.allclose(apply(a + b) - apply(a) - apply(b) + apply(zero), 0, atol=1e-3))


@exercise("01", "see-far")
def see_far(answer):
    """A function that builds a model; any that keeps the three conditions is right."""
    from course_utils import architecture

    model = answer()
    if model is ... or model is None:
        return _NOTHING
    if tuple(model.inputs[0].shape[1:]) != (64, 64, 3):
        return f"expected an input of (64, 64, 3), yours is {tuple(model.inputs[0].shape[1:])}"
    shape = tuple(model.output_shape)
    if len(shape) != 4:
        return f"expected maps at the end, your output has shape {shape}: leave out what flattens"
    rows, columns = architecture.receptive_field(model)
    side, weights = min(shape[1:3]), model.count_params()
    if min(rows, columns) < 40:
        return f"a unit of the output sees {rows}×{columns} pixels, not yet 40×40"
    if side < 6:
        return f"the maps have shrunk to {shape[1]}×{shape[2]}: less pooling, or padding"
    if weights > 20_000:
        return f"it has {weights:,} weights, more than 20,000: fewer filters, or smaller kernels"
    return None
