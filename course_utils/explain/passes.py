"""Compiled passes through a network: pictures and classes in, scores and gradients out.

All methods are made of these. A pass is traced once for each network, layer, output and size of
pictures; the number of pictures may differ from call to call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.errors import InputError
from course_utils.explain.choosing import OWN, answer_of, choose_layer, columns_of
from course_utils.explain.scoring import Output, check_targets
from course_utils.explain.taps import Heard, listening
from course_utils.explain.tracing import Compiled, batches, compiled

if TYPE_CHECKING:
    import keras

__all__ = ["Traced", "map_pass", "pixel_pass", "run", "run_forward", "score_pass"]


@dataclass(frozen=True)
class Traced:
    """A compiled function, and what was found out while it was traced.

    Attributes:
        function: of (pictures, targets).
        notes: "classes", the numbers in the output; "layer", the path of the layer listened to.
    """

    function: Compiled
    notes: dict[str, Any] = field(default_factory=dict)


def score_pass(network: keras.Model, shape: tuple[int, ...], *, output: Output) -> Traced:
    """(pictures, targets) to (targets, scores, probabilities)."""

    def body(model: keras.Model, pictures: Any, targets: Any, notes: dict) -> tuple:
        answer = answer_of(model, model(pictures, training=False), targets, output, notes)
        return answer.targets, answer.score, answer.probability

    return _traced(network, ("scores", shape, output), shape, body)


def pixel_pass(network: keras.Model, shape: tuple[int, ...], *, output: Output) -> Traced:
    """(pictures, targets) to (targets, scores, gradients of the score by each pixel's value)."""

    def body(model: keras.Model, pictures: Any, targets: Any, notes: dict) -> tuple:
        import tensorflow as tf

        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(pictures)
            answer = answer_of(model, model(pictures, training=False), targets, output, notes)
        gradients = tape.gradient(answer.scaled, pictures)
        if gradients is None:
            raise InputError(
                "expected a network whose output depends on its picture by steps that have a "
                "gradient, received one without: occlusion needs no gradient"
            )
        return answer.targets, answer.score, gradients / answer.scale

    return _traced(network, ("pixels", shape, output), shape, body)


def map_pass(
    network: keras.Model,
    shape: tuple[int, ...],
    *,
    layer: str | None,
    output: Output,
    name: str,
    combine: Callable[[Any, Any, Callable[[], Any]], Any],
) -> Traced:
    """(pictures, targets) to (targets, scores, what `combine` makes of a layer's maps).

    Args:
        network: as for `places`.
        shape: of one picture.
        layer: name or path; None is the last one that has found something: maps of more than one
            place, on which the score depends, and no pooling, dropout or the like.
        output: as for `choose_output`.
        name: of the method, by which the traced function is found again.
        combine: of (activations, gradients, column): float32 (batch, h, w, channels) both, and a
            function that gives the last layer's weights for each target, (batch, channels).
    """

    def body(model: keras.Model, pictures: Any, targets: Any, notes: dict) -> tuple:
        import tensorflow as tf

        heard: list[Heard] = []
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:

            def listen(one: Heard) -> None:
                if one.is_spatial and one.output.dtype.is_floating:
                    tape.watch(one.output)
                heard.append(one)

            with listening(model, listen):
                outputs = model(pictures, training=False)
            answer = answer_of(model, outputs, targets, output, notes)
        chosen, gradients = choose_layer(heard, layer, tape, answer.scaled, outputs, pictures)
        notes["layer"] = chosen.path
        maps = tf.cast(chosen.output, tf.float32)
        gradients = tf.cast(gradients, tf.float32) / answer.scale
        combined = combine(maps, gradients, lambda: columns_of(heard, answer))
        return answer.targets, answer.score, combined

    return _traced(network, (name, shape, layer, output), shape, body)


def run(
    traced: Traced, pictures: np.ndarray, targets: Any, *, batch_size: int
) -> tuple[np.ndarray, ...]:
    """Run a pass over all pictures, a batch at a time.

    Args:
        traced: a pass.
        pictures: checked, float32.
        targets: a class, one for each picture, or None for the network's own answers.
        batch_size: pictures at a time.

    Returns:
        The pass's outputs, each of all pictures.

    Raises:
        InputError: targets or batch size that are none, or a network that answers NaN.
    """
    chosen = _targets(traced, targets, len(pictures))
    parts = [
        [np.asarray(part) for part in traced.function(pictures[rows], chosen[rows])]
        for rows in batches(len(pictures), batch_size)
    ]
    whole = tuple(np.concatenate(column) for column in zip(*parts, strict=True))
    if not np.isfinite(whole[1]).all():
        bad = int((~np.isfinite(whole[1])).sum())
        raise InputError(
            f"expected finite answers, received NaN or infinity for {bad} of {len(pictures)} "
            "pictures: look at the network's weights; training may have diverged"
        )
    return whole


def run_forward(
    traced: Traced,
    variants: Callable[[np.ndarray], np.ndarray],
    targets: np.ndarray,
    *,
    of_each: int,
    batch_size: int,
) -> tuple[np.ndarray, ...]:
    """Run a pass over several variants of each picture, made a batch at a time.

    Args:
        traced: a pass.
        variants: from numbers of variants, from 0 to pictures · of_each − 1, to these pictures;
            variant v belongs to picture v // of_each.
        targets: int32 (pictures,).
        of_each: variants of one picture.
        batch_size: variants at a time.

    Returns:
        The pass's outputs, each (pictures, of_each, …).
    """
    parts: list[list[np.ndarray]] = []
    for rows in batches(len(targets) * of_each, batch_size):
        numbers = np.arange(rows.start, rows.stop)
        found = traced.function(variants(numbers), targets[numbers // of_each])
        parts.append([np.asarray(part) for part in found])
    joined = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return tuple(part.reshape(len(targets), of_each, *part.shape[1:]) for part in joined)


def _targets(traced: Traced, targets: Any, count: int) -> np.ndarray:
    _ = traced.function.traced  # traces, where it was not: now the classes are known
    checked = check_targets(targets, count, traced.notes["classes"])
    return np.full(count, OWN, np.int32) if checked is None else checked


def _traced(network: keras.Model, key: tuple, shape: tuple[int, ...], body: Callable) -> Traced:
    def make(model: Callable[[], keras.Model]) -> Traced:
        import tensorflow as tf

        notes: dict[str, Any] = {}
        signature = (
            tf.TensorSpec((None, *shape), tf.float32),
            tf.TensorSpec((None,), tf.int32),
        )

        def function(pictures: Any, targets: Any) -> tuple:
            return body(model(), pictures, targets, notes)

        return Traced(Compiled(function, signature), notes)

    return compiled(network, key, make)
