"""Each check of chapter 05 accepts other right answers, and tells the usual mistakes apart."""

import keras
import numpy as np
import pytest

from course_utils import transfer
from course_utils.exercises import chapter_05 as checks


def smoothed(values, memory):
    curve = [values[0]]
    for value in values[1:]:
        curve.append(memory * curve[-1] + (1 - memory) * value)
    return curve


def from_zero(values, memory):
    curve, level = [], 0.0
    for value in values:
        level = memory * level + (1 - memory) * value
        curve.append(level)
    return curve


def thawed(base, name, *, batch_norm=False, clean=True, inclusive=True, itself=True):
    if itself:
        base.trainable = True
    found = False
    for layer in base.layers:
        found = found or (inclusive and layer.name == name)
        if found or clean:
            layer.trainable = found
        found = found or layer.name == name
        if isinstance(layer, keras.layers.BatchNormalization) and not batch_norm:
            layer.trainable = False


def compiled(model, rate=0.01):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss)


def tuned(model, base, pictures, labels):
    base.trainable = True
    for layer in base.layers:
        layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
    compiled(model)
    model.fit(pictures, labels, epochs=1, verbose=0)


def tuned_by_the_package(model, base, pictures, labels):
    transfer.unfreeze(base)
    compiled(model)
    model.fit(pictures, labels, epochs=2, batch_size=4, verbose=0)


def not_compiled_again(model, base, pictures, labels):
    transfer.unfreeze(base)
    model.fit(pictures, labels, epochs=1, verbose=0)


def never_thawed(model, base, pictures, labels):
    compiled(model)
    model.fit(pictures, labels, epochs=1, verbose=0)


def norms_learn(model, base, pictures, labels):
    base.trainable = True
    compiled(model)
    model.fit(pictures, labels, epochs=1, verbose=0)


def thawed_in_part(model, base, pictures, labels):
    transfer.unfreeze(base, start="conv3")
    compiled(model)
    model.fit(pictures, labels, epochs=1, verbose=0)


def head_frozen(model, base, pictures, labels):
    model.layers[-1].trainable = False
    tuned(model, base, pictures, labels)


def honest(validation, test):
    best = int(np.argmax(validation))
    return best, test[best]


def warmed(step, steps, top, warm_up):
    if step < warm_up:
        return top * step / warm_up
    share = (step - warm_up) / (steps - warm_up)
    return top * (1 + np.cos(np.pi * share)) / 2


def plan(**changes):
    return {"start": "block4_conv", "rate": 0.001, "epochs": 4, "dropout": 0.2} | changes


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (checks.smooth, smoothed),
        (checks.smooth, lambda v, m: np.array(smoothed(v, m), np.float64)),
        (checks.let_learn_from, thawed),
        (checks.let_learn_from, lambda base, name: transfer.unfreeze(base, start=name)),
        (checks.fine_tune, tuned),
        (checks.fine_tune, tuned_by_the_package),
        (checks.choose_and_report, honest),
        (checks.choose_and_report, lambda v, t: [v.index(max(v)), np.float32(t[v.index(max(v))])]),
        (checks.warm_up_rate, warmed),
        (checks.my_plan, plan()),
        (checks.my_plan, plan(start="block_14_expand", dropout=0)),
    ],
)
def test_right_answers_pass(check, answer):
    assert check(answer) is None


@pytest.mark.parametrize(
    ("check", "answer", "message"),
    [
        (checks.smooth, lambda v, m: None, "returns nothing"),
        (checks.smooth, lambda v, m: v[1:], "one point for each value"),
        (checks.smooth, lambda v, m: smoothed(v, 1 - m), "exchanged"),
        (checks.smooth, from_zero, "starts from 0"),
        (checks.smooth, lambda v, m: v, "expected [0.5, 0.58"),
        (checks.let_learn_from, lambda b, n: thawed(b, n, itself=False), "nothing learns"),
        (checks.let_learn_from, lambda b, n: None, "nothing learns"),
        (checks.let_learn_from, lambda b, n: thawed(b, n, batch_norm=True), "norm2/beta learns"),
        (checks.let_learn_from, lambda b, n: thawed(b, n, clean=False), "conv1/bias still"),
        (checks.let_learn_from, lambda b, n: thawed(b, n, inclusive=False), "conv2/bias does not"),
        (checks.fine_tune, lambda *given: None, "no weight moved"),
        (checks.fine_tune, not_compiled_again, "not compiled again"),
        (checks.fine_tune, never_thawed, "still frozen"),
        (checks.fine_tune, norms_learn, "batch normalisation is to be kept still"),
        (checks.fine_tune, thawed_in_part, "1 of 3 kernels"),
        (checks.fine_tune, head_frozen, "the head did not"),
        (checks.choose_and_report, lambda v, t: None, "returns nothing"),
        (checks.choose_and_report, lambda v, t: max(t), "expected a pair"),
        (checks.choose_and_report, lambda v, t: (t.index(max(t)), max(t)), "chose by the test"),
        (checks.choose_and_report, lambda v, t: (v.index(max(v)), max(v)), "the validation acc"),
        (checks.choose_and_report, lambda v, t: (0, t[0]), "which network has the best"),
        (checks.warm_up_rate, lambda *given: None, "returns nothing"),
        (checks.warm_up_rate, lambda s, n, top, w: top, "straight line"),
        (
            checks.warm_up_rate,
            lambda s, n, top, w: top * s / w if s < w else checks._cosine(s / n, top),
            "begin where the warm-up ends",
        ),
        (
            checks.warm_up_rate,
            lambda s, n, top, w: top * s / w if s < w else top * (1 - (s - w) / (n - w)),
            "half a cosine",
        ),
        (
            checks.warm_up_rate,
            lambda s, n, top, w: top if s == n else warmed(s, n, top, w),
            "should be 0",
        ),
        (checks.my_plan, {"rate": 0.1}, "expected a dictionary"),
        (checks.my_plan, plan(start=...), "nothing here yet"),
        (checks.my_plan, plan(start="pool"), "name of a convolution"),
        (checks.my_plan, plan(rate=1.0), "destroyed"),
        (checks.my_plan, plan(epochs=500), "1 to 20 epochs"),
        (checks.my_plan, plan(dropout=1.5), "share"),
    ],
)
def test_usual_mistakes_are_told_apart(check, answer, message):
    assert message in check(answer)
