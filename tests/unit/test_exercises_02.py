"""Each check of chapter 02 accepts other right answers, and tells the usual mistakes apart."""

import keras
import numpy as np
import pytest

from course_utils import convnets
from course_utils.exercises import chapter_02 as checks

layers = keras.layers


def counted(side, channels, first, second, units, classes):
    flat = (side // 4) * (side // 4) * second
    total = first * (3 * 3 * channels + 1)
    total += second * (3 * 3 * first + 1)
    return total + units * (flat + 1) + classes * (units + 1)


def without_biases(side, channels, first, second, units, classes):
    return (
        9 * channels * first + 9 * first * second + (side // 4) ** 2 * second * units
    ) + units * classes


def never_pooled(side, channels, first, second, units, classes):
    extra = (side**2 - (side // 4) ** 2) * second * units
    return counted(side, channels, first, second, units, classes) + extra


def pooled_once(side, channels, first, second, units, classes):
    extra = ((side // 2) ** 2 - (side // 4) ** 2) * second * units
    return counted(side, channels, first, second, units, classes) + extra


def valid_padding(side, channels, first, second, units, classes):
    flat = (((side - 2) // 2 - 2) // 2) ** 2 * second
    return (
        (9 * channels + 1) * first
        + (9 * first + 1) * second
        + (flat + 1) * units
        + (units + 1) * classes
    )


def reads_the_picture(side, channels, first, second, units, classes):
    right = counted(side, channels, first, second, units, classes)
    return right - (9 * first + 1) * second + (9 * channels + 1) * second


def z_scores(train, other, axis=(0, 1, 2)):
    return ((other - train.mean(axis=axis)) / train.std(axis=axis)).astype(np.float32)


def with_layer(train, other):
    layer = layers.Normalization(axis=-1)
    layer.adapt(train)
    return layer(other)


def stack(pictures, *more, loss=None, metrics=("accuracy",), compiled=True):
    network = keras.Sequential([layers.Input(pictures.shape[1:]), layers.Flatten(), *more])
    if compiled:
        network.compile(
            "sgd", loss or keras.losses.SparseCategoricalCrossentropy(True), metrics=list(metrics)
        )
    return network


def with_softmax(pictures):
    loss = keras.losses.SparseCategoricalCrossentropy()
    return stack(pictures, layers.Dense(10, activation="softmax"), loss=loss)


def spoilt(pictures):
    loss = keras.losses.SparseCategoricalCrossentropy()
    return stack(pictures, layers.Dense(10), loss=loss)


def softmax_and_logits(pictures):
    return stack(pictures, layers.Dense(10, activation="softmax"))


def old_metrics(pictures):
    network = stack(pictures, layers.Dense(10), compiled=False)
    network.compile("sgd", "mse", metrics="accuracy")
    return network


def maps(network, name):
    return keras.Model(network.inputs, network.get_layer(name).output)


def fresh(network, name):
    copy = keras.models.clone_model(network)
    return keras.Model(copy.inputs[0], copy.get_layer(name).output)


def small(*middle, shape=(28, 28, 1), last="linear"):
    return keras.Sequential(
        [layers.Input(shape), *middle, layers.Flatten(), layers.Dense(10, activation=last)]
    )


def conv(filters, activation="relu", **options):
    return layers.Conv2D(filters, 3, activation=activation, **options)


def good(image_shape, classes):
    inputs = keras.Input(image_shape)
    x = conv(24, strides=2)(inputs)
    x = conv(24)(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(classes)(x))


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (checks.weights_of_max_pool_net, counted),
        (checks.standardise, z_scores),
        (checks.standardise, with_layer),
        (checks.answers, lambda p, threshold=0.5: np.where(p[:, 0] >= threshold, 1, 0)),
        (checks.answers, lambda p, threshold=0.5: (p.ravel() >= threshold) * 1),
        (checks.ready_network, lambda x: stack(x, layers.Dense(10))),
        (checks.ready_network, with_softmax),
        (checks.ready_network, lambda x: stack(x, layers.Dense(10), metrics=["acc"])),
        (checks.maps_of_layer, maps),
        (
            checks.maps_of_layer,
            lambda n, name: keras.Model(n.inputs[0], n.get_layer(name).output),
        ),
        (checks.maps_of_layer, lambda n, name: keras.Model(n.inputs, [n.get_layer(name).output])),
        (checks.small_network, good),
        (
            checks.small_network,
            lambda shape, classes: small(conv(8), layers.MaxPooling2D(4), conv(16)),
        ),
    ],
)
def test_other_right_answers_pass(check, answer):
    assert check(answer) is None


def test_an_older_spelling_of_the_first_exercise_is_the_course_net():
    assert counted(28, 1, 32, 64, 100, 10) == convnets.max_pool_net().count_params()


@pytest.mark.parametrize(
    ("check", "answer", "message"),
    [
        (checks.weights_of_max_pool_net, without_biases, "each filter and each unit has a bias"),
        (checks.weights_of_max_pool_net, never_pooled, "is halved by each pooling"),
        (checks.weights_of_max_pool_net, pooled_once, "there are two poolings"),
        (checks.weights_of_max_pool_net, valid_padding, "a convolution keeps the size"),
        (checks.weights_of_max_pool_net, reads_the_picture, "reads all maps of the first"),
        (checks.weights_of_max_pool_net, lambda *sizes: 333_526, "(32, 3, 8, 16, 20, 5)"),
        (checks.weights_of_max_pool_net, lambda *sizes: 1, "Keras counts 333,526"),
        (checks.weights_of_max_pool_net, lambda *sizes: ..., "returns nothing yet"),
        (checks.standardise, lambda t, o: z_scores(o, o), "deviation of `other`"),
        (checks.standardise, lambda t, o: z_scores(t, o, axis=None), "one for each channel"),
        (
            checks.standardise,
            lambda t, o: z_scores(np.concatenate([t, o]), o),
            "only `train` may be used",
        ),
        (
            checks.standardise,
            lambda t, o: ((o - t.mean((0, 1, 2))) / t.var((0, 1, 2))).astype(np.float32),
            "divided by the variance",
        ),
        (checks.standardise, lambda t, o: o - t.mean((0, 1, 2)), "division by the standard"),
        (checks.standardise, lambda t, o: z_scores(t, t), "expected the shape of `other`"),
        (
            checks.standardise,
            lambda t, o: (o - t.mean((0, 1, 2))) / t.std((0, 1, 2)),
            "expected dtype float32",
        ),
        (checks.standardise, lambda t, o: o / np.float32(255), "gives something else"),
        (checks.standardise, lambda t, o: ..., "returns nothing yet"),
        (checks.answers, lambda p, threshold=0.5: p.astype(int), "take the only column"),
        (checks.answers, lambda p, threshold=0.5: p[:, 0].astype(int), "astype(int) cuts off"),
        (checks.answers, lambda p, threshold=0.5: (p[:, 0] > threshold) * 1, "itself counts"),
        (checks.answers, lambda p, threshold=0.5: (p[:, 0] >= 0.5) * 1, "does not use the thresh"),
        (checks.answers, lambda p, threshold=0.5: p[:, 0] >= threshold, "yours are bool"),
        (checks.answers, lambda p, threshold=0.5: (p[:, 0] < threshold) * 1, "expected [0, 0"),
        (checks.answers, lambda p, threshold=0.5: 1, "yours is ()"),
        (checks.answers, lambda p, threshold=0.5: ..., "returns nothing yet"),
        (checks.ready_network, spoilt, "logits or probabilities?"),
        (checks.ready_network, softmax_and_logits, "already makes probabilities"),
        (
            checks.ready_network,
            lambda x: stack(x, layers.Dense(10), compiled=False),
            "is not compiled",
        ),
        (checks.ready_network, lambda x: stack(x, layers.Dense(1)), "expected ten outputs"),
        (
            checks.ready_network,
            lambda x: stack(x, layers.Dense(10), metrics=[]),
            "expected the metric accuracy",
        ),
        (checks.ready_network, lambda x: "network", "yours is a str"),
        (checks.ready_network, lambda x: ..., "returns nothing yet"),
        (
            checks.maps_of_layer,
            lambda n, name: keras.Model(n.inputs, n.outputs[0]),
            "the output of the whole network",
        ),
        (checks.maps_of_layer, lambda n, name: maps(n, "first"), "expected the shape"),
        (checks.maps_of_layer, fresh, "the layers of the network itself"),
        (
            checks.maps_of_layer,
            lambda n, name: keras.Model(n.inputs, [layer.output for layer in n.layers]),
            "your model gives 5 outputs",
        ),
        (checks.maps_of_layer, lambda n, name: n.get_layer(name), "yours is a Conv2D"),
        (checks.maps_of_layer, lambda n, name: ..., "returns nothing yet"),
        (checks.small_network, convnets.average_pool_net, "of which 28,900 are in"),
        (checks.small_network, lambda shape, classes: small(conv(8)), "yours has 1"),
        (
            checks.small_network,
            lambda shape, classes: small(conv(2, strides=4), conv(2), last="softmax"),
            "your last layer ends in softmax",
        ),
        (
            checks.small_network,
            lambda shape, classes: small(conv(2, None, strides=4), conv(2)),
            "two convolutions in a row collapse",
        ),
        (
            checks.small_network,
            lambda shape, classes: small(conv(2, strides=4), conv(2), shape=(32, 32, 3)),
            "expected pictures (28, 28, 1) in",
        ),
        (checks.small_network, lambda shape, classes: 7, "yours is a int"),
        (checks.small_network, lambda shape, classes: ..., "returns nothing yet"),
    ],
)
def test_usual_mistakes_are_named(check, answer, message):
    assert message in check(answer)


def test_what_keras_refuses_reaches_the_student():
    """The faults of exercises 4 and 5 still raise in this Keras: else the exercises are stale."""
    with pytest.raises(ValueError, match="Expected `metrics` argument to be a list"):
        old_metrics(np.zeros((2, 4, 4, 1), np.float32))
    network = stack(np.zeros((2, 4, 4, 1), np.float32), layers.Dense(10))
    with pytest.raises(AttributeError, match="has never been called and thus has no defined in"):
        _ = network.input
