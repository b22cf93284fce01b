"""Each check of chapter 07 accepts other right answers, and tells the usual mistakes apart."""

import keras
import numpy as np
import pytest

from course_utils.convnets import blocks
from course_utils.exercises import chapter_07 as checks

layers = keras.layers


def counted(side, channels, kernel, filters, stride):
    places = len(range(0, side, stride)) ** 2
    return places * channels * kernel**2 * filters


def ema(means, momentum):
    shares = [(1 - momentum) * momentum**age for age in range(len(means))]
    return sum(share * mean for share, mean in zip(shares, reversed(means), strict=True))


def fold(kernel, gamma, beta, mean, variance, epsilon):
    scale = gamma * (variance + epsilon) ** -0.5
    return np.einsum("hwio,o->hwio", kernel, scale), beta - scale * mean


def halving(pool, *, padding="same", around=True, filters_of_way=None, kept=True):
    """The block of the exercise, with its pooling as given."""

    def build(x, filters):
        way = x
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        if kept:
            x = layers.MaxPooling2D(*pool, padding=padding)(x)
        else:
            x = layers.AveragePooling2D(2, padding=padding)(x)
        way = layers.Conv2D(filters_of_way or filters, 1, strides=2)(way)
        return layers.Add()([x, way]) if around else x

    return build


def net(*middle, around=True, shape=(32, 32, 3), filters=16, bias=False, last="linear"):
    def build(image_shape, classes):
        image = keras.Input(shape)
        x = layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=bias)(image)
        x = layers.BatchNormalization()(x)
        y = layers.Conv2D(filters, 3, padding="same")(x)
        x = layers.Add()([x, y]) if around else y
        for layer in middle:
            x = layer(x)
        x = layers.GlobalMaxPooling2D()(x)
        return keras.Model(image, layers.Dense(classes, activation=last)(x))

    return build


class Unknown(keras.layers.Layer):
    """A layer that no rule counts."""

    def call(self, x):
        return x

    def compute_output_shape(self, shape):
        return shape


def in_blocks(image_shape, classes):
    image = keras.Input(image_shape)
    x = blocks.normalised_convolution(image, 16, strides=2)
    x = layers.GlobalAveragePooling2D()(blocks.separable_residual_block(x, 32))
    return keras.Model(image, layers.Dense(classes)(x))


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (checks.separable_weights, lambda k, c, f: c * (k**2 + f)),
        (checks.convolution_multiply_adds, counted),
        (checks.moving_mean, ema),
        (checks.folded_normalisation, fold),
        (checks.folded_normalisation, lambda *given: list(fold(*given))),
        (checks.halving_block, halving((2,))),
        (checks.halving_block, halving((3, 2))),
        (checks.your_own_architecture, net()),
        (checks.your_own_architecture, in_blocks),
    ],
)
def test_other_right_answers_pass(check, answer):
    assert check(answer) is None


def scaled(scale, bias):
    return lambda k, g, b, m, v, e: (k * scale(g, v, e), bias(g, b, m, v, e))


def right_scale(gamma, variance, epsilon):
    return gamma / np.sqrt(variance + epsilon)


def shift(gamma, beta, mean, variance, epsilon):
    return beta - mean * right_scale(gamma, variance, epsilon)


@pytest.mark.parametrize(
    ("check", "answer", "message"),
    [
        (checks.separable_weights, lambda k, c, f: k * k * c * f, "a standard convolution"),
        (checks.separable_weights, lambda k, c, f: k * k * c + c * f + f, "biases are not asked"),
        (checks.separable_weights, lambda k, c, f: k * k * c, "the pointwise half is missing"),
        (checks.separable_weights, lambda k, c, f: c * f, "the depthwise half is missing"),
        (checks.separable_weights, lambda k, c, f: k * k * f + c * f, "each channel that arrives"),
        (checks.separable_weights, lambda k, c, f: k * c + c * f, "kernel · kernel weights"),
        (checks.separable_weights, lambda k, c, f: k * k * c * c * f, "added, not multiplied"),
        (checks.separable_weights, lambda k, c, f: 1, "count the two halves apart"),
        (checks.separable_weights, lambda k, c, f: ..., "returns nothing yet"),
        (checks.convolution_multiply_adds, lambda *s: 2 * counted(*s), "those are FLOPs"),
        (checks.convolution_multiply_adds, lambda n, c, k, f, s: f * k * k * c, "are the weights"),
        (
            checks.convolution_multiply_adds,
            lambda n, c, k, f, s: n * n * f * k * k * c,
            "fewer places than the picture",
        ),
        (
            checks.convolution_multiply_adds,
            lambda n, c, k, f, s: (n // s) ** 2 * f * k * k * c,
            "rounded up: 15 becomes 8",
        ),
        (
            checks.convolution_multiply_adds,
            lambda n, c, k, f, s: ((n - k) // s + 1) ** 2 * f * k * k * c,
            "nothing is lost at the edge",
        ),
        (
            checks.convolution_multiply_adds,
            lambda n, c, k, f, s: counted(n, 1, k, f, s),
            "as deep as its input",
        ),
        (
            checks.convolution_multiply_adds,
            lambda n, c, k, f, s: counted(n, c, k, 1, s),
            "each filter does it anew",
        ),
        (checks.convolution_multiply_adds, lambda *s: 7, "places of the output, times"),
        (checks.convolution_multiply_adds, lambda *s: ..., "returns nothing yet"),
        (checks.moving_mean, lambda m, a: ema(m, 1 - a), "share of the old value"),
        (checks.moving_mean, lambda m, a: m[0] * a ** len(m[1:]) + ema(m[1:], a), "begins with 0"),
        (checks.moving_mean, lambda m, a: ema(m, a) if len(m) < 3 else np.mean(m), "plain mean"),
        (checks.moving_mean, lambda m, a: 99.0, "new average = momentum"),
        (checks.moving_mean, lambda m, a: ..., "returns nothing yet"),
        (checks.folded_normalisation, lambda k, *rest: k, "expected two results"),
        (checks.folded_normalisation, lambda k, *rest: (k, 0.0), "expected shapes (3, 3, 4, 5)"),
        (
            checks.folded_normalisation,
            scaled(right_scale, lambda g, b, m, v, e: b - m),
            "so it is scaled, too",
        ),
        (
            checks.folded_normalisation,
            scaled(right_scale, lambda g, b, m, v, e: b),
            "the mean is missing",
        ),
        (
            checks.folded_normalisation,
            scaled(right_scale, lambda g, b, m, v, e: b + m * right_scale(g, v, e)),
            "subtracted, not added",
        ),
        (
            checks.folded_normalisation,
            scaled(right_scale, lambda g, b, m, v, e: 7 + 0 * b),
            "what does a value of 0 become?",
        ),
        (
            checks.folded_normalisation,
            scaled(lambda g, v, e: g / (v + e), shift),
            "the root of the variance",
        ),
        (
            checks.folded_normalisation,
            scaled(lambda g, v, e: g / np.sqrt(v), shift),
            "epsilon is missing",
        ),
        (
            checks.folded_normalisation,
            scaled(lambda g, v, e: g / (np.sqrt(v) + e), shift),
            "epsilon stands under the root",
        ),
        (
            checks.folded_normalisation,
            scaled(lambda g, v, e: 1 / np.sqrt(v + e), shift),
            "gamma is missing",
        ),
        (
            checks.folded_normalisation,
            scaled(lambda g, v, e: 3.0, shift),
            "gives other maps than the two layers",
        ),
        (checks.folded_normalisation, lambda *given: ..., "returns nothing yet"),
        (checks.halving_block, halving((64, 1), padding="valid"), "on maps of 8×8×16: "),
        (checks.halving_block, halving((64, 1)), "on maps of 8×8×16: "),
        (checks.halving_block, halving((2,), padding="valid"), "on maps of 7×7 the two do not fit"),
        (checks.halving_block, halving((2,), around=False), "the way around has gone"),
        (checks.halving_block, halving((2,), kept=False), "mended, not taken out"),
        (checks.halving_block, lambda x, filters: x, "expected 4×4×16, yours gives 8×8×16"),
        (
            checks.halving_block,
            lambda x, filters: blocks.residual_block(x, filters, strides=2),
            "of the block, yours has [1, 3, 3]",
        ),
        (checks.halving_block, lambda x, filters: ..., "returns nothing yet"),
        (checks.your_own_architecture, net(around=False), "expected a way around"),
        (checks.your_own_architecture, net(bias=True), "a normalisation follows that takes it"),
        (checks.your_own_architecture, net(filters=80), "expected at most 40,000 parameters"),
        (checks.your_own_architecture, net(filters=40), "at most 2,500,000 multiply–adds"),
        (checks.your_own_architecture, net(last="softmax"), "your last layer ends in softmax"),
        (checks.your_own_architecture, net(shape=(28, 28, 3)), "expected pictures (32, 32, 3) in"),
        (checks.your_own_architecture, net(Unknown(name="mine")), "yours has mine"),
        (checks.your_own_architecture, lambda shape, classes: 7, "yours is a int"),
        (checks.your_own_architecture, lambda shape, classes: ..., "returns nothing yet"),
    ],
)
def test_usual_mistakes_are_named(check, answer, message):
    assert message in check(answer)


def test_the_fault_of_the_notes_still_raises():
    with pytest.raises(ValueError, match=r"negative|incompatible|[Ii]nputs"):
        halving((64, 1), padding="valid")(keras.Input((32, 32, 32)), 64)
