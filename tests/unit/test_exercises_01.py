"""Each check of chapter 01 accepts other right answers, and tells the usual mistakes apart."""

import keras
import numpy as np
import pytest

from course_utils.exercises import chapter_01 as checks

layers = keras.layers
LAPLACE = np.array([[0, -1, 0], [-1, 4, -1], [0, -1, 0]])
NOTHING = "returns nothing yet"


def pooled_in_loops(maps, size, stride, keep=np.max, start=None):
    batch, height, width, channels = maps.shape
    rows, columns = (height - size) // stride + 1, (width - size) // stride + 1
    result = np.empty((batch, rows, columns, channels))
    for r in range(rows):
        for c in range(columns):
            window = maps[:, r * stride : r * stride + size, c * stride : c * stride + size]
            result[:, r, c] = keep(window, axis=(1, 2))
    return result if start is None else np.maximum(result, start)


def small(*hidden, last=None, shape=(28, 28, 1)):
    last = layers.Dense(10) if last is None else last
    return keras.Sequential([keras.Input(shape), *hidden, last])


def shallow(size=3, filters=16, activation="relu", last=None):
    return small(
        layers.Conv2D(filters, size, activation=activation),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        last=last,
    )


def deep(*between, first="relu", filters=16, last=None):
    return small(
        layers.Conv2D(8, 3, activation=first),
        layers.Conv2D(16, 3),
        *between,
        layers.Conv2D(filters, 3, activation="elu"),
        layers.GlobalAveragePooling2D(),
        last=last,
    )


def base(*stack, shape=(64, 64, 3)):
    return keras.Sequential([keras.Input(shape), *stack])


def dilated():
    return base(*[layers.Conv2D(12, 3, dilation_rate=d) for d in (1, 2, 4, 8, 8)])


def strided_functional():
    image = keras.Input((64, 64, 3))
    x = layers.Conv2D(8, 5, strides=2, padding="same")(image)
    x = layers.DepthwiseConv2D(7, strides=2, padding="same")(x)
    x = layers.DepthwiseConv2D(9, padding="same")(x)
    return keras.Model(image, layers.ReLU()(x))


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (checks.shapes_in_your_head, (92, 46, 22, 22, 18, 9)),
        (checks.shapes_in_your_head, np.array([92, 46, 22, 22, 18, 9])),
        (checks.count_weights, lambda k, c, f: f * k**2 * c + f),
        (checks.design_a_kernel, [[2, -1, -1], [-1, 2, -1], [-1, -1, 2]]),
        (checks.design_a_kernel, np.array([[1, 0, -1], [0, 0, 0], [-1, 0, 1]])),
        (checks.design_a_kernel, 1e-3 * np.array([[1, 0, -1], [-1, 1, 0], [0, -1, 1]])),
        (checks.max_pool, pooled_in_loops),
        (checks.max_pool, lambda m, k, s: layers.MaxPooling2D(k, s)(m)),
        (checks.layer_not_there, shallow),
        (checks.deeper_and_no_better, lambda: deep(layers.ReLU())),
        (
            checks.deeper_and_no_better,
            lambda: deep(layers.BatchNormalization(), layers.Activation("tanh")),
        ),
        (checks.see_far, dilated),
        (checks.see_far, strided_functional),
    ],
)
def test_other_right_answers_pass(check, answer):
    assert check(answer) is None


@pytest.mark.parametrize(
    ("check", "answer", "message"),
    [
        (checks.shapes_in_your_head, [96, 48, 23, 23, 19, 9], "a kernel of 5 takes away 4"),
        (
            checks.shapes_in_your_head,
            [92, 46, 22, 20, 16, 8],
            'layer 4: the side is not 20; "same"',
        ),
        (checks.shapes_in_your_head, [92, 46, 23, 23, 19, 9], "layer 3"),
        (checks.shapes_in_your_head, [92, 46, 22, 22, 20, 10], "reaches over 5 pixels"),
        (checks.shapes_in_your_head, [92, 46, 22, 22, 18], "expected 6 sides"),
        (checks.shapes_in_your_head, [92, 46, ..., 22, 18, 9], "layer 3: nothing here yet"),
        (checks.count_weights, lambda k, c, f: k * k * c * f, "biases are missing"),
        (checks.count_weights, lambda k, c, f: k * k * c * f + 1, "a bias of its own"),
        (checks.count_weights, lambda k, c, f: (k * k + 1) * f, "channels are missing"),
        (checks.count_weights, lambda k, c, f: (k * k + 1) * c * f, "one bias, not one for each"),
        (checks.count_weights, lambda k, c, f: (k * c + 1) * f, "Keras counts 10 weights"),
        (checks.count_weights, lambda k, c, f: ..., NOTHING),
        (checks.design_a_kernel, np.eye(3), "on flat ground expected the answer 0"),
        (checks.design_a_kernel, [[-1, 0, 1]] * 3, "a straight vertical edge"),
        (checks.design_a_kernel, np.transpose([[-1, 0, 1]] * 3), "a straight horizontal edge"),
        (checks.design_a_kernel, LAPLACE, "a straight vertical edge"),
        (checks.design_a_kernel, np.zeros((3, 3)), "above 0, yours is 0"),
        (checks.design_a_kernel, [[-1, -1, 2], [-1, 2, -1], [2, -1, -1]], "above 0, yours is 0"),
        (checks.design_a_kernel, [[1, -2, 1], [-2, 4, -2], [1, -2, 1]], "not less than half"),
        (checks.design_a_kernel, np.eye(5), "shape (3, 3)"),
        (checks.design_a_kernel, np.full((3, 3), np.nan), "finite"),
        (checks.max_pool, lambda m, k, s: pooled_in_loops(m, k, k), "expected the shape"),
        (checks.max_pool, lambda m, k, s: pooled_in_loops(m, k, s, np.mean), "keeps the mean"),
        (checks.max_pool, lambda m, k, s: pooled_in_loops(m, k, s, start=0), "yours gives 0"),
        (
            checks.max_pool,
            lambda m, k, s: np.repeat(
                pooled_in_loops(m, k, s).max(-1, keepdims=True), m.shape[-1], -1
            ),
            "each is pooled by itself",
        ),
        (checks.max_pool, lambda m, k, s: pooled_in_loops(m, k, s, np.min), "differ from Keras"),
        (checks.max_pool, lambda m, k, s: None, NOTHING),
        (checks.layer_not_there, lambda: shallow(activation=None), "lost its ReLU"),
        (checks.layer_not_there, lambda: shallow(filters=8), "16 filters of 3×3"),
        (checks.layer_not_there, lambda: shallow(last=layers.Dense(1)), "ten logits"),
        (
            checks.layer_not_there,
            lambda: shallow(last=layers.Dense(10, activation="softmax")),
            "ends in softmax",
        ),
        (checks.layer_not_there, lambda: small(layers.Flatten()), "yours are Flatten, Dense"),
        (checks.layer_not_there, lambda: ..., NOTHING),
        (checks.deeper_and_no_better, deep, "convolution 2 is still linear"),
        (
            checks.deeper_and_no_better,
            lambda: deep(layers.BatchNormalization()),
            "convolution 2 is still linear",
        ),
        (
            checks.deeper_and_no_better,
            lambda: deep(layers.ReLU(), first="linear"),
            "convolution 1 is still linear",
        ),
        (checks.deeper_and_no_better, lambda: deep(filters=32), "8, 16 and 16 filters"),
        (
            checks.deeper_and_no_better,
            lambda: deep(layers.ReLU(), last=layers.Dense(10, activation="relu")),
            "no activation",
        ),
        (
            checks.deeper_and_no_better,
            lambda: deep(layers.ReLU(), last=layers.Dense(1)),
            "ten logits",
        ),
        (checks.deeper_and_no_better, lambda: None, NOTHING),
        (checks.see_far, lambda: base(layers.Conv2D(8, 3)), "sees 3×3 pixels, not yet"),
        (
            checks.see_far,
            lambda: base(*[layers.Conv2D(4, 3, strides=2) for _ in range(5)]),
            "shrunk to 1×1",
        ),
        (checks.see_far, lambda: base(layers.Conv2D(8, 45)), "weights, more than 20,000"),
        (checks.see_far, lambda: base(layers.Flatten()), "leave out what flattens"),
        (
            checks.see_far,
            lambda: base(layers.Conv2D(8, 45), shape=(96, 96, 3)),
            "expected an input of (64, 64, 3)",
        ),
        (checks.see_far, lambda: ..., NOTHING),
    ],
)
def test_usual_mistakes_are_named(check, answer, message):
    assert message in check(answer)


def test_the_fault_of_the_layer_that_is_not_there_is_still_one():
    with pytest.raises(AttributeError, match="no attribute 'Conv2D'"):
        checks.layer_not_there(lambda: keras.Conv2D(16, 3))
    assert not hasattr(layers, "MaxPool2d")
