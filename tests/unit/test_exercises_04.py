"""Each check of chapter 04 accepts other right answers, and tells the usual mistakes apart."""

import keras
import numpy as np
import pytest

from course_utils.exercises import chapter_04 as checks

layers = keras.layers
MEANS = np.array([103.939, 116.779, 123.68], np.float32)


def tensors(convolutions, norms, dense, frozen):
    return 2 * dense + (not frozen) * 2 * (convolutions + norms)


def prepared(vgg, others):
    """An answer to exercise 2: a function for VGG16, and one for the two other bases."""
    return lambda p, name: vgg(p.astype(np.float32)) if name == "vgg16" else others(p)


def minus_one_to_one(pictures):
    return pictures.astype(np.float32) / 255 * 2 - 1


def caffe(pictures):
    return pictures[..., ::-1] - MEANS


def by_keras(pictures, name):
    module = keras.applications.vgg16 if name == "vgg16" else keras.applications.mobilenet_v2
    return module.preprocess_input(pictures.astype(np.float32))


def whole_numbers(pictures):
    return pictures[..., ::-1].astype(np.uint8) - MEANS.astype(np.uint8)


def cut(accuracies, margin, better=lambda mean, least: mean >= least, middle=np.mean):
    means = {name: middle(values) for name, values in accuracies.items()}
    least = max(means.values()) - margin
    return next(name for name, mean in means.items() if better(mean, least))


def last_good(accuracies, margin):
    means = {name: np.mean(values) for name, values in accuracies.items()}
    return [name for name in means if means[name] >= max(means.values()) - margin][-1]


KEPT = {
    "frozen": True,
    "random flips": False,
    "dropout in the head": True,
    "both mirror images": True,
    "last block learns": False,
    "statistics move": False,
}


def head(features, *middle, units=256, activation="relu", last="sigmoid", drop=True):
    return keras.Sequential(
        [
            layers.Input((features,)),
            layers.Dense(units, activation=activation),
            *middle,
            *([layers.Dropout(0.5)] if drop else []),
            layers.Dense(1, activation=last),
        ]
    )


def own(network, stages, *, prepare=True, freeze=True, pool=None, maps=False, noise=False):
    inputs = keras.Input(network.input_shape[1:])
    x = layers.Rescaling(2.0, offset=-1.0)(inputs) if prepare else inputs
    x = network(x)
    if not maps:
        x = (pool or layers.GlobalMaxPooling2D())(x)
    if noise:
        # A dropout that is always at work.
        x = layers.Lambda(lambda t: t + keras.random.normal(keras.ops.shape(t)))(x)
    model = keras.Model(inputs, x)
    model.trainable = not freeze
    return model


def joined(network, stages):
    """Mean and maximum of two stages, with the preprocessing done by two operations."""
    outputs = [network.get_layer(stage).output for stage in stages[-3:]]
    pooled = [layers.GlobalAveragePooling2D()(x) for x in outputs]
    pooled.append(layers.GlobalMaxPooling2D()(outputs[-1]))
    inner = keras.Model(network.input, layers.Concatenate()(pooled))
    inputs = keras.Input(network.input_shape[1:])
    model = keras.Model(inputs, inner(2 * inputs - 1))
    model.trainable = False
    return model


def stranger(network, stages):
    return own(keras.models.clone_model(network), stages)


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (checks.trainable_tensors, tensors),
        (checks.prepare, prepared(caffe, minus_one_to_one)),
        (checks.prepare, by_keras),
        (checks.cut_at, cut),
        (checks.may_be_kept, KEPT),
        (checks.may_be_kept, dict(reversed([(k, np.bool_(v)) for k, v in KEPT.items()]))),
        (checks.notes_head, head),
        (checks.notes_head, lambda n: head(n, layers.ReLU(), activation=None)),
        (checks.notes_head, lambda n: head(n, activation="gelu")),
        (checks.notes_head, lambda n: head(n, layers.BatchNormalization(), activation="tanh")),
        (checks.own_extractor, own),
        (checks.own_extractor, joined),
        (checks.own_extractor, lambda n, s: own(n, s, pool=layers.Flatten())),
    ],
)
def test_other_right_answers_pass(check, answer):
    assert check(answer) is None


@pytest.mark.parametrize(
    ("check", "answer", "message"),
    [
        (checks.trainable_tensors, lambda c, n, d, frozen: tensors(c, n, d, False), "adds nothing"),
        (checks.trainable_tensors, lambda c, n, d, frozen: 2 * d, "is not frozen"),
        (checks.trainable_tensors, lambda c, n, d, frozen: d, "a kernel and a bias"),
        (
            checks.trainable_tensors,
            lambda c, n, d, frozen: tensors(c, 2 * n, d, frozen),
            "that the optimizer never moves",
        ),
        (
            checks.trainable_tensors,
            lambda c, n, d, frozen: tensors(c, 0, d, frozen),
            "its scale and its shift",
        ),
        (
            checks.trainable_tensors,
            lambda c, n, d, frozen: 2 * d + 2 * n + (not frozen) * 2 * c,
            "normalisation is frozen, too",
        ),
        (
            checks.trainable_tensors,
            lambda c, n, d, frozen: tensors(c, n, d, frozen) if frozen else c + n + d,
            "more than one tensor",
        ),
        (checks.trainable_tensors, lambda *settings: 99, "Keras counts 4, yours gives 99"),
        (checks.trainable_tensors, lambda *settings: ..., "returns nothing yet"),
        (checks.prepare, prepared(caffe, lambda p: p / np.float32(255)), "1/255 gives 0 to 1"),
        (checks.prepare, prepared(caffe, lambda p: p.astype(np.float32)), "still 0 to 255"),
        (
            checks.prepare,
            prepared(caffe, lambda p: minus_one_to_one(p[..., ::-1])),
            "wants red first",
        ),
        (checks.prepare, prepared(lambda p: p / 255, minus_one_to_one), "vgg16: 1/255"),
        (checks.prepare, prepared(minus_one_to_one, minus_one_to_one), "pixels minus a mean"),
        (checks.prepare, prepared(lambda p: p - MEANS[::-1], minus_one_to_one), "turned round:"),
        (checks.prepare, prepared(lambda p: p - MEANS, minus_one_to_one), "the wrong channels"),
        (
            checks.prepare,
            prepared(lambda p: p[..., ::-1] - MEANS[::-1], minus_one_to_one),
            "the means stand in the other order",
        ),
        (checks.prepare, prepared(lambda p: caffe(p) / 255, minus_one_to_one), "do not divide"),
        (checks.prepare, prepared(whole_numbers, minus_one_to_one), "ran over"),
        (checks.prepare, prepared(lambda p: p + 1, minus_one_to_one), "something else"),
        (checks.prepare, prepared(caffe, lambda p: minus_one_to_one(p[0])), "expected the shape"),
        (
            checks.prepare,
            prepared(caffe, lambda p: minus_one_to_one(p).astype(np.float64)),
            "expected dtype float32",
        ),
        (checks.prepare, lambda p, name: ..., "returns nothing yet"),
        (checks.cut_at, last_good, "take the earliest"),
        (checks.cut_at, lambda a, m: max(a, key=lambda name: np.mean(a[name])), "is so as well"),
        (checks.cut_at, lambda a, m: next(iter(a)), "more than the margin"),
        (checks.cut_at, lambda a, m: cut(a, m, middle=np.max), "one lucky seed is no mean"),
        (
            checks.cut_at,
            lambda a, m: cut(a, m, better=lambda mean, least: mean > least),
            "`at most` includes that",
        ),
        (checks.cut_at, lambda a, m: 2, "expected the name of a stage"),
        (checks.cut_at, lambda a, m: ..., "returns nothing yet"),
        (checks.may_be_kept, [True, False], "expected a mapping"),
        (checks.may_be_kept, {**KEPT, "frozen": ...}, "nothing here yet for 'frozen'"),
        (checks.may_be_kept, {"frozen": True}, "expected one answer for each of"),
        (checks.may_be_kept, {**KEPT, "frozen": "yes"}, "expected True or False"),
        (checks.may_be_kept, {**KEPT, "frozen": False}, "nothing there learns"),
        (checks.may_be_kept, {**KEPT, "random flips": True}, "the base gets other pictures"),
        (checks.may_be_kept, {**KEPT, "dropout in the head": False}, "after the features"),
        (checks.may_be_kept, {**KEPT, "both mirror images": False}, "a row of its own"),
        (checks.may_be_kept, {**KEPT, "last block learns": True}, "its kernel moves"),
        (checks.may_be_kept, {**KEPT, "statistics move": True}, "each batch's own mean"),
        (checks.notes_head, lambda n: head(n, activation=None), "still a linear function"),
        (
            checks.notes_head,
            lambda n: head(n, layers.BatchNormalization(), activation=None),
            "still a linear function",
        ),
        (checks.notes_head, lambda n: head(n, units=64), "expected a dense layer of 256"),
        (checks.notes_head, lambda n: head(n, last=None), "expected a probability"),
        (checks.notes_head, lambda n: head(n, last="hard_sigmoid"), "end in a sigmoid"),
        (checks.notes_head, lambda n: head(n, drop=False), "keep the dropout"),
        (checks.notes_head, lambda n: head(n + 1), "in and one number out"),
        (checks.notes_head, lambda n: 256, "expected a network"),
        (checks.notes_head, lambda n: ..., "returns nothing yet"),
        (checks.own_extractor, lambda n, s: own(n, s, prepare=False), "values from 0.00 to 1.00"),
        (checks.own_extractor, lambda n, s: own(n, s, freeze=False), "freeze the whole model"),
        (checks.own_extractor, lambda n, s: own(n, s, maps=True), "expected a table of features"),
        (checks.own_extractor, lambda n, s: own(n, s, noise=True), "nothing random belongs here"),
        (checks.own_extractor, stranger, "use the layers of `network`"),
        (checks.own_extractor, lambda n, s: head(8), "expected pictures (32, 32, 3)"),
        (checks.own_extractor, lambda n, s: n.output, "expected a model"),
        (checks.own_extractor, lambda n, s: ..., "returns nothing yet"),
    ],
)
def test_each_mistake_is_told(check, answer, message):
    assert message in check(answer)
