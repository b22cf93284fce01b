"""The one number for each image that is explained: how much speaks for a class.

Logits are explained, not probabilities: once a model is sure, softmax is flat, and its gradient
says nothing. Where the logits are is read from the operations that an output was computed by, from
the output backwards.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from course_utils import checks
from course_utils.backend import keras, tf
from course_utils.errors import InputError
from course_utils.explain.passes import Compiled, batches, check_images, compiled
from course_utils.layers import find, walk

__all__ = ["Answer", "Answers", "Output", "Pass", "answer_of", "answers", "score_pass", "traced"]

Output = str | int | None

OWN = -1
"""As a target: the class that the model itself answers."""

# Gradients in half precision become 0 where they are small, and infinite where they are large:
# they are taken of the score times the first of these; where that was too much, times the next.
SCALES = (2.0**10, 1.0, 2.0**-10)

_PROBABILITIES = {"Softmax", "Sigmoid"}
# What leaves each value as it is.
_PASSING = {"Cast", "EnsureShape", "ExpandDims", "Identity", "IdentityN", "Reshape", "Squeeze"}
# What gives numbers of any size from numbers of any size.
_UNBOUNDED = _PASSING | {
    "Add", "AddN", "AddV2", "AvgPool", "BiasAdd", "ConcatV2", "Elu", "FusedBatchNormV3", "GatherV2",
    "LeakyRelu", "LogSoftmax", "Max", "MaxPool", "Maximum", "Mean", "Mul", "Neg", "Pack", "RealDiv",
    "Relu", "Rsqrt", "StridedSlice", "Sub", "Sum", "Transpose",
}  # fmt: skip
_LEARNED = {
    "BatchMatMulV2", "Const", "Conv2D", "DepthwiseConv2dNative", "Einsum", "MatMul", "Placeholder",
    "ReadVariableOp",
}  # fmt: skip


class Answers(NamedTuple):
    """The model's number for one class of each image.

    Attributes:
        targets: int32 (count,), the class.
        scores: float32 (count,), its logit: what explanations explain.
        probabilities: float32 (count,), behind softmax or sigmoid.
    """

    targets: np.ndarray
    scores: np.ndarray
    probabilities: np.ndarray


def answers(
    model: keras.Model,
    images: np.ndarray,
    targets: Any = None,
    *,
    output: Output = None,
    batch_size: int = 64,
) -> Answers:
    """The score that is explained, and the probability that belongs to it.

    The score is the logit, also where the model ends in a softmax or sigmoid. Where operations
    behind a softmax hide the logits (a mean over models, clipping), it is the probability's
    logarithm. With one unit the classes are 0 and 1, and the score of class 0 is minus the logit.

    Arguments and errors as for `grad_cam`.

    Example:
        >>> model = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten(),
        ...     keras.layers.Dense(1, activation="sigmoid", kernel_initializer="ones")])
        >>> answers(model, np.full((1, 2, 2, 1), 0.25), 0).scores
        array([-1.], dtype=float32)
    """
    checked = check_images(model, images)
    found, _ = score_pass(model, checked.shape[1:], output).run(checked, targets, batch_size)
    return found


class Answer(NamedTuple):
    """A model's answers while they are traced, each (batch,)."""

    targets: tf.Tensor
    scores: tf.Tensor
    probabilities: tf.Tensor
    unclear: tf.Tensor
    """Where it cannot be told whether they are logits or probabilities."""


class Pass(Compiled):
    """From (images, targets) to an `Answer` and what a method adds.

    Its notes: "classes", how many there are; "behind", the operations that may hide logits;
    "half", whether a layer computes in half precision; and the method's own.
    """

    def __call__(self, images: np.ndarray, targets: np.ndarray) -> list[np.ndarray]:
        """One batch; in half precision each image at the largest scale at which it is finite."""
        call = super().__call__
        first, *others = SCALES if self.notes["half"] else (1.0,)
        found = [np.array(part) for part in call(images, targets, np.float32(first))]
        for scale in others:
            finite = np.isfinite(found[-1]).reshape(len(images), -1).all(axis=1)
            if finite.all():
                break
            again = call(images[~finite], targets[~finite], np.float32(scale))
            for part, new in zip(found, again, strict=True):
                part[~finite] = new
        return found

    def run(self, images: np.ndarray, targets: Any, batch_size: int) -> tuple[Answers, Any]:
        """All images, a batch at a time; a target, one for each image, or None for its own."""
        count, classes = len(images), self.notes["classes"]
        if targets is None:
            chosen = np.full(count, OWN, np.int32)
        else:
            every = np.full(count, targets) if np.ndim(targets) == 0 else targets
            chosen = checks.class_labels(every, count=count, classes=classes).astype(np.int32)
        parts = [self(images[rows], chosen[rows]) for rows in batches(count, batch_size)]
        whole = [np.concatenate(column) for column in zip(*parts, strict=True)]
        chosen, scores, probabilities, unclear, *added = whole
        bad = int((~np.isfinite(scores)).sum())
        if bad:
            raise InputError(
                f"expected finite answers, received NaN or infinity for {bad} of {len(images)} "
                "images: look at the model's weights; training may have diverged, or half "
                "precision overflowed"
            )
        if unclear.all():
            raise InputError(
                "expected an output whose logits can be found, received values from 0 to 1 behind "
                f"{self.notes['behind']}, which may be probabilities or not: end the model in its "
                "softmax or sigmoid, or in logits"
            )
        return Answers(chosen, scores, probabilities), added[0] if added else None

    def run_variants(
        self,
        variants: Callable[[np.ndarray], np.ndarray],
        targets: np.ndarray,
        of_each: int,
        batch_size: int,
    ) -> list[np.ndarray]:
        """Several variants of each image, made a batch at a time: each part (images, of_each, …).

        `variants` makes images from their numbers: number v belongs to image v // of_each.
        """
        parts = []
        for rows in batches(len(targets) * of_each, batch_size):
            numbers = np.arange(rows.start, rows.stop)
            parts.append(self(variants(numbers), targets[numbers // of_each]))
        joined = [np.concatenate(column) for column in zip(*parts, strict=True)]
        return [part.reshape(len(targets), of_each, *part.shape[1:]) for part in joined]


def traced(
    model: keras.Model, shape: tuple[int, ...], key: tuple, body: Callable[..., tuple]
) -> Pass:
    """The pass of a body (model, images, targets, scale, notes), kept under the key and shape."""

    def make(model: Callable[[], keras.Model]) -> Pass:
        holders = [model(), *(place.layer for place in walk(model()))]
        notes = {"half": any(holder.compute_dtype == "float16" for holder in holders)}
        signature = (
            tf.TensorSpec((None, *shape), tf.float32),
            tf.TensorSpec((None,), tf.int32),
            tf.TensorSpec((), tf.float32),
        )

        def function(images: Any, targets: Any, scale: Any) -> tuple:
            return body(model(), images, targets, scale, notes)

        return Pass(function, signature, notes)

    return compiled(model, (*key, shape), make)


def score_pass(model: keras.Model, shape: tuple[int, ...], output: Output) -> Pass:
    """The scores alone."""

    def body(model: keras.Model, images: Any, targets: Any, scale: Any, notes: dict) -> Answer:
        return answer_of(model, model(images, training=False), targets, output, notes)[0]

    return traced(model, shape, ("scores", output), body)


def answer_of(
    model: keras.Model, outputs: Any, targets: tf.Tensor, output: Output, notes: dict
) -> tuple[Answer, list[tf.Tensor]]:
    """The answer to the targets; and the tensors that are the output, or were before a softmax."""
    chosen = _choose_output(model, outputs, output)
    chain = _same_values(chosen)
    logits, probabilities, unclear = _logits_of(chosen, chain, notes)
    if logits.shape[-1] == 1:
        logits = tf.concat([-logits, logits], axis=-1)
        probabilities = tf.concat([1 - probabilities, probabilities], axis=-1)
    notes["classes"] = int(logits.shape[-1])
    own = tf.argmax(logits, axis=-1, output_type=tf.int32)
    targets = tf.where(targets == OWN, own, targets)
    scores = tf.gather(logits, targets, batch_dims=1)
    chances = tf.gather(probabilities, targets, batch_dims=1)
    return Answer(targets, scores, chances, unclear), chain


def _choose_output(model: keras.Model, outputs: Any, output: Output) -> tf.Tensor:
    if isinstance(outputs, dict):
        names, tensors = list(outputs), list(outputs.values())
    else:
        tensors = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
        names = list(getattr(model, "output_names", None) or ())
        if len(names) != len(tensors):
            names = [str(number) for number in range(len(tensors))]
    listed = f"{len(names)} outputs ({', '.join(names)})"
    if output is None and len(names) > 1:
        asked = names[0] if names.count(names[0]) == 1 else 0
        raise InputError(
            f"expected one output to explain, received a model with {listed}: "
            f"say which, output={asked!r}"
        )
    if isinstance(output, str):
        name = find(names, output, what="outputs")
        if names.count(name) > 1:
            raise InputError(
                f"expected a name that one of the {listed} has, received {output!r}, which "
                f"several have: give a number, output={names.index(name)}"
            )
        number = names.index(name)
    else:
        number = checks.whole(
            "output", 0 if output is None else output, least=0, most=len(names) - 1
        )
    if tensors[number].shape.rank != 2:
        raise InputError(
            "expected an output of one number for each class, (batch, classes), received "
            f"{tuple(tensors[number].shape)}: explain a model that classifies, or pool the output "
            "first"
        )
    return tensors[number]


def _same_values(output: tf.Tensor) -> list[tf.Tensor]:
    """The output and what it was before, backwards through one softmax or sigmoid at most."""
    chain, left = [output], _PASSING | _PROBABILITIES
    while chain[-1].op.type in left:
        if chain[-1].op.type in _PROBABILITIES:
            left = _PASSING
        chain.append(chain[-1].op.inputs[chain[-1].value_index])
    return chain


def _logits_of(
    output: tf.Tensor, chain: list[tf.Tensor], notes: dict
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Logits and probabilities, float32 (batch, classes), and for each row whether it is unclear.

    A softmax or sigmoid is looked behind. Where something else stands between it and the output,
    the values decide: rows from 0 to 1 that add up to 1 are probabilities.
    """
    values = tf.cast(output, tf.float32)
    clear = tf.zeros(tf.shape(values)[:1], tf.bool)
    for tensor, before in pairwise(chain):
        if tensor.op.type in _PROBABILITIES:
            return tf.reshape(tf.cast(before, tf.float32), tf.shape(values)), values, clear
    one_unit = values.shape[-1] == 1
    probabilities = tf.nn.sigmoid(values) if one_unit else tf.nn.softmax(values)
    behind = _operations(output) - _UNBOUNDED
    if not behind:
        return values, probabilities, clear
    notes["behind"] = ", ".join(sorted(behind))
    within = tf.reduce_all((values >= 0) & (values <= 1 + 1e-3), axis=-1)
    if one_unit:
        return values, probabilities, within
    # Half precision adds up to 1 within this.
    certain = within & (tf.abs(tf.reduce_sum(values, axis=-1) - 1) < 5e-3)
    logs = tf.math.log(tf.maximum(values, 1e-7))
    return (
        tf.where(certain[:, None], logs, values),
        tf.where(certain[:, None], values, probabilities),
        within & ~certain,
    )


def _operations(output: tf.Tensor) -> set[str]:
    """The kinds of operations between an output and the last layer with a kernel."""
    met: dict[str, str] = {}
    waiting = [output]
    while waiting:
        operation = waiting.pop().op
        if operation.name not in met and operation.type not in _LEARNED:
            met[operation.name] = operation.type
            waiting += [tensor for tensor in operation.inputs if tensor.dtype.is_floating]
    return set(met.values())
