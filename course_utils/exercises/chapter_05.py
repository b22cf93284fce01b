"""Self-checks of chapter 05."""

from __future__ import annotations

import warnings

import numpy as np

from course_utils import transfer
from course_utils.exercises import exercise

_NOTHING = "the function returns nothing yet: replace the three dots"


@exercise("05", "smooth")
def smooth(answer):
    """A function of (values, memory); the oracle writes each point as one weighted sum."""
    rng = np.random.default_rng(0)
    for values, memory in (
        (np.array([0.5, 0.9, 0.7, 1.0]), 0.8),
        (rng.random(12), 0.5),
        (rng.random(5), 0.0),
    ):
        yours = answer(values.copy(), memory)
        if yours is ... or yours is None:
            return _NOTHING
        yours = np.asarray(yours, float)
        if yours.shape != values.shape:
            return f"expected one point for each value, {values.shape}, yours is {yours.shape}"
        if np.allclose(yours, _weighted(values, memory, first=values[0])):
            continue
        called = f"smooth({values.round(2).tolist()}, {memory})"
        if np.allclose(yours, _weighted(values, 1 - memory, first=values[0])):
            return (
                f"{called}: the two shares are exchanged: `memory` is the share of the curve so "
                "far, the new value gets the rest"
            )
        if np.allclose(yours, _weighted(values, memory, first=0.0)):
            return (
                f"{called}: your curve starts from 0 and needs several points to come up; "
                "it should start at the first value"
            )
        return (
            f"{called}: expected {_weighted(values, memory, first=values[0]).round(3).tolist()}, "
            f"yours gives {yours.round(3).tolist()}"
        )
    return None


def _weighted(values, memory, *, first):
    """The weight of a value halves (or so) with its age; what is left over falls to the start."""
    points = []
    for place in range(len(values)):
        recent = values[1 : place + 1] if first == values[0] else values[: place + 1]
        ages = np.arange(len(recent))[::-1]
        weights = (1 - memory) * float(memory) ** ages
        points.append(first * float(memory) ** len(recent) + (weights * recent).sum())
    return np.array(points)


@exercise("05", "let-learn-from")
def let_learn_from(answer):
    """A function of (base, name) that sets `trainable`; judged by what Keras would update."""
    for name, before in (("conv2", False), ("conv3", True), ("conv1", True)):
        base = _small_base()
        base.trainable = before
        answer(base, name)
        learns = set(transfer.report(base).trainable_tensors)
        later = [f"conv{number}" for number in range(int(name[-1]), 4)]
        right = {f"{layer}/{weight}" for layer in later for weight in ("kernel", "bias")}
        if learns == right:
            continue
        case = f"from {name!r} on, all {'trainable' if before else 'frozen'} before"
        if not learns:
            return (
                f"{case}: nothing learns: a base that is frozen itself hides what its layers say, "
                "so set base.trainable to True first"
            )
        norms = sorted(tensor for tensor in learns if "norm" in tensor)
        early = sorted(tensor for tensor in learns - right if "norm" not in tensor)
        if early:
            return f"{case}: {early[0]} still learns: layers before the named one must be frozen"
        if norms:
            return f"{case}: {norms[0]} learns: batch normalisation is to be kept still"
        return f"{case}: {min(right - learns)} does not learn, and should"
    return None


@exercise("05", "fine-tune")
def fine_tune(answer):
    """A function of (model, base, pictures, labels); judged by which weights moved."""
    import keras

    from course_utils.errors import InputError

    pictures = np.random.default_rng(0).random((16, 8, 8, 3), np.float32)
    labels = np.arange(16) % 2
    keras.utils.set_random_seed(0)
    base = _small_base()
    base.trainable = False
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            base,
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, name="head"),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss)
    with warnings.catch_warnings():
        # Keras warns of the very fault that is to be found; the check says it in its own words.
        warnings.simplefilter("ignore")
        model.fit(pictures, labels, epochs=1, verbose=0)
        before = transfer.snapshot(model)
        answer(model, base, pictures, labels)
        moved = set(transfer.drift(before, transfer.snapshot(model)).moved)
    if not moved:
        return "no weight moved at all: the function has to train, with a learning rate above 0"
    kernels = {name for name in before if "conv" in name and name.endswith("kernel")}
    statistics = {name for name in before if "norm" in name}
    if not kernels & moved:
        try:
            transfer.check_compiled(model)
        except InputError:
            return (
                "only the head moved: what is trainable was changed and the model not compiled "
                "again afterwards, so it goes on updating the tensors that it knew"
            )
        return "only the head moved: the base is still frozen"
    if kernels - moved:
        return f"{len(kernels & moved)} of {len(kernels)} kernels of the base moved; all should"
    if statistics & moved:
        return (
            f"the base learns now, and so does {min(statistics & moved)}: batch normalisation "
            "is to be kept still"
        )
    if "head/kernel" not in moved:
        return "the base moved and the head did not: they are to be trained together"
    return None


@exercise("05", "choose-and-report")
def choose_and_report(answer):
    """A function of two lists of accuracies; tried where the two lists disagree."""
    cases = (
        ([0.90, 0.94, 0.92], [0.93, 0.91, 0.95]),
        ([0.81, 0.80, 0.79, 0.83], [0.88, 0.84, 0.82, 0.80]),
    )
    for validation, test in cases:
        yours = answer(list(validation), list(test))
        if yours is ... or yours is None:
            return _NOTHING
        if not isinstance(yours, tuple | list) or len(yours) != 2:
            return f"expected a pair (which network, its test accuracy), yours is {yours!r}"
        which, reported = int(yours[0]), float(yours[1])
        chosen = sorted(range(len(validation)), key=validation.__getitem__)[-1]
        if which == chosen and np.isclose(reported, test[chosen]):
            continue
        called = f"choose_and_report({validation}, {test})"
        if np.isclose(reported, max(test)):
            return (
                f"{called}: you chose by the test accuracies; they may be looked at once, "
                "after the choice"
            )
        if np.isclose(reported, max(validation)):
            return (
                f"{called}: you reported the validation accuracy, which decided and so flatters; "
                "report the test accuracy of the chosen network"
            )
        return f"{called}: which network has the best validation accuracy? yours gives {yours!r}"
    return None


@exercise("05", "warm-up-rate")
def warm_up_rate(answer):
    """A function of (step, steps, top, warm_up); the oracle is Keras' CosineDecay with warm-up."""
    import keras

    for steps, top, warm_up in ((100, 0.001, 10), (40, 0.02, 8), (30, 0.1, 3)):
        schedule = keras.optimizers.schedules.CosineDecay(
            0.0, steps - warm_up, warmup_target=top, warmup_steps=warm_up
        )
        for step in range(steps + 1):
            yours = answer(step, steps, top, warm_up)
            if yours is ... or yours is None:
                return _NOTHING
            right = float(schedule(step))
            if np.isclose(float(yours), right, rtol=1e-3, atol=1e-6 * top):
                continue
            called = f"warm_up_rate({step}, {steps}, {top}, {warm_up})"
            if step < warm_up:
                reason = "in the warm-up the rate climbs in a straight line, from 0 at step 0"
            elif np.isclose(float(yours), _cosine(step / steps, top), rtol=1e-3):
                reason = "the cosine should begin where the warm-up ends, not at step 0"
            elif step == steps:
                reason = "at the last step the rate should be 0"
            else:
                reason = "after the warm-up the rate follows half a cosine, from `top` down to 0"
            return f"{called}: expected {right:.3g}, yours gives {float(yours):.3g}: {reason}"
    return None


def _cosine(share, top):
    return top * (1 + np.cos(np.pi * share)) / 2


@exercise("05", "my-plan")
def my_plan(answer):
    """A plan for one more fine-tuning; judged by whether it can be carried out, not by success."""
    keys = ("start", "rate", "epochs", "dropout")
    if not isinstance(answer, dict) or set(answer) != set(keys):
        received = list(answer) if isinstance(answer, dict) else type(answer).__name__
        return f"expected a dictionary with {', '.join(keys)}, yours has {received}"
    if any(answer[key] is ... for key in keys):
        return "nothing here yet: replace the three dots by your answer"
    if not isinstance(answer["start"], str) or not any(
        word in answer["start"] for word in ("conv", "Conv", "expand", "project")
    ):
        return (
            f"expected `start` to be the name of a convolution, received {answer['start']!r}: "
            "the report of the network names them"
        )
    if not 0 < answer["rate"] < 0.1:
        return (
            f"expected a rate above 0 and below 0.1, which destroyed the features, received "
            f"{answer['rate']!r}"
        )
    if not isinstance(answer["epochs"], int) or not 1 <= answer["epochs"] <= 20:
        return f"expected 1 to 20 epochs, received {answer['epochs']!r}: a lesson has an end"
    if not 0 <= answer["dropout"] < 1:
        return f"expected dropout as a share from 0 to below 1, received {answer['dropout']!r}"
    return None


def _small_base():
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(3, 3, name="conv1"),
            layers.BatchNormalization(momentum=0.5, name="norm1"),
            layers.Conv2D(4, 3, name="conv2"),
            layers.BatchNormalization(momentum=0.5, name="norm2"),
            layers.LeakyReLU(name="relu2"),
            layers.Conv2D(5, 3, name="conv3"),
            layers.BatchNormalization(momentum=0.5, name="norm3"),
        ],
        name="base",
    )
