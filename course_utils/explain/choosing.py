"""What is explained: the answer to one class, and the layer in which its grounds are looked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from course_utils.errors import InputError
from course_utils.explain.scoring import Output, choose_output, logits_of, score_of
from course_utils.explain.taps import Heard, find

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

__all__ = ["OWN", "Answer", "answer_of", "choose_layer", "columns_of"]

OWN = -1
"""As a target: the class that the network itself answers."""

# These only pass on what a layer before them has found; the default layer is none of them.
_PASSING = (
    "Pooling", "Dropout", "ZeroPadding", "Cropping", "UpSampling", "Resizing", "Rescaling",
    "Identity",
)  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """A network's answer while it is traced.

    Attributes:
        targets: int32 (batch,), with the network's own answers filled in.
        score: (batch,), the logit of the target.
        probability: (batch,), that belongs to it.
        scaled: the scores' sum times `scale`: what gradients are taken of.
        scale: by which gradients are to be divided again.
        output: the network's own output that was chosen.
    """

    targets: tf.Tensor
    score: tf.Tensor
    probability: tf.Tensor
    scaled: tf.Tensor
    scale: float
    output: tf.Tensor


def answer_of(
    model: keras.Model, outputs: Any, targets: Any, output: Output, notes: dict
) -> Answer:
    """The answer to the targets; `OWN` stands for the class that the network answers itself.

    Args:
        model: that gave the outputs.
        outputs: as it gave them.
        targets: int32 (batch,).
        output: as for `choose_output`.
        notes: the number of classes is written here, for those who check targets.
    """
    import tensorflow as tf

    chosen = choose_output(model, outputs, output)
    logits, probabilities = logits_of(chosen)
    notes["classes"] = int(logits.shape[-1])
    if notes["classes"] == 1:
        own = tf.cast(logits[:, 0] > 0, tf.int32)
    else:
        own = tf.argmax(logits, axis=-1, output_type=tf.int32)
    targets = tf.where(targets == OWN, own, targets)
    score = score_of(logits, targets)
    # In half precision small gradients would become 0; they are raised, and lowered again after.
    halved = any(layer.compute_dtype == "float16" for layer in model._flatten_layers())
    scale = 1024.0 if halved else 1.0
    probability = score_of(probabilities, targets, probability=True)
    return Answer(targets, score, probability, scale * tf.reduce_sum(score), scale, chosen)


def choose_layer(
    heard: list[Heard], layer: str | None, tape: Any, score: Any, outputs: Any, pictures: Any
) -> tuple[Heard, Any]:
    """The layer to explain, and the gradients of the score by its maps.

    Args:
        heard: what the layers gave, in the order of the pass.
        layer: name or path; None is the last that has found something: maps of more than one
            place, on which the score depends, and no pooling, dropout or the like.
        tape: persistent, that watched them.
        score: what gradients are taken of.
        outputs: of the network, which are no layer to explain.
        pictures: the tensor that went in.

    Raises:
        InputError: no such layer (lists the candidates), or one that leads elsewhere.
    """
    import tensorflow as tf

    # What a network's own `tf.function` has inside cannot be reached from here.
    reached = [one for one in heard if one.output.graph is pictures.graph]
    spatial = {one.path: one for one in reached if one.is_spatial}
    if not spatial:
        inside = len(heard) - len(reached)
        raise InputError(
            "expected a layer with maps (batch, height, width, channels), received a network "
            + (
                f"that runs {inside} layers in a tf.function of its own: leave the decorator out"
                if inside
                else "without: gradients and occlusion need none"
            )
        )
    if layer is not None:
        chosen = spatial[find(list(spatial), layer, what="layers with maps")]
        gradients = tape.gradient(score, chosen.output)
        if gradients is None:
            raise InputError(
                f"expected a layer on which the explained output depends, received {layer!r}, "
                "which leads elsewhere: name one before it, or another output"
            )
        return chosen, gradients
    given = {id(one) for one in tf.nest.flatten(outputs)}
    finders = [
        one for one in spatial.values() if not _only_passes(one) and id(one.output) not in given
    ]
    for one in reversed(finders):
        gradients = tape.gradient(score, one.output)
        if gradients is not None:
            return one, gradients
    raise InputError(
        f"expected a layer that finds something, received only {', '.join(spatial)}: name one"
    )


def _only_passes(one: Heard) -> bool:
    return any(kind in type(one.layer).__name__ for kind in _PASSING)


def columns_of(heard: list[Heard], answer: Answer) -> Any:
    """The last layer's weights for each target, (batch, channels); None if it has none such."""
    import tensorflow as tf

    given = [one for one in heard if one.output is answer.output]
    for one in [*given, *reversed(heard)]:
        kernel = getattr(one.layer, "kernel", None)
        if kernel is None:
            continue
        if type(one.layer).__name__ == "Conv2D" and tuple(kernel.shape[:2]) == (1, 1):
            kernel = kernel[0, 0]
        elif type(one.layer).__name__ != "Dense":
            return None
        columns = tf.transpose(tf.cast(tf.convert_to_tensor(kernel), tf.float32))
        if columns.shape[0] == 1:
            return columns * (2.0 * tf.cast(answer.targets, tf.float32)[:, None] - 1.0)
        return tf.gather(columns, answer.targets)
    return None
