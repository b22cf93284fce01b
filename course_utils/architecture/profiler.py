"""TensorFlow's own count of floating-point operations, to hold ours against."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from course_utils.architecture.walk import walk
from course_utils.errors import InputError

if TYPE_CHECKING:
    import keras

__all__ = ["profiled_flops"]

_EXACT = {"Conv2D", "DepthwiseConv2dNative", "MatMul", "Conv2DBackpropInput"}


def profiled_flops(model: keras.Model) -> dict[str, int]:
    """Count floating-point operations with TensorFlow's profiler, by kind of operation.

    It reads the graph that is really run, with the weights frozen into it. It counts a multiply–add
    as **two** operations. And it knows only some kinds: biases, sums, normalisation and pooling
    are in, while `Einsum` (by which attention compares tokens), most activations and all moving of
    data are passed over in silence. So its sum is no upper or lower bound of anything; compare
    `Conv2D`, `DepthwiseConv2dNative` and `MatMul`, of which it misses nothing. Of a transposed
    convolution with padding "valid" it gives an estimate only.

    Args:
        model: with one input, of fixed size, and one output.

    Returns:
        Name of the operation to how many floating-point operations it does for one picture, the
        largest first.

    Raises:
        InputError: no such model; layers of which TensorFlow does not know the shapes, such as
            those behind a convolution in groups.

    Example:
        >>> import keras
        >>> layer = keras.layers.Conv2D(16, 3, padding="same")
        >>> profiled_flops(keras.Sequential([keras.Input((28, 28, 1)), layer]))
        {'Conv2D': 225792, 'BiasAdd': 12544}
    """
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    entering, _ = walk(model)
    if None in entering.shape[1:]:
        raise InputError(
            f"expected a model with an input of fixed size, received {entering.shape}: build it "
            "with keras.Input((height, width, channels))"
        )
    signature = tf.TensorSpec((1, *entering.shape[1:]), entering.dtype)
    called = tf.function(lambda x: model(x, training=False)).get_concrete_function(signature)
    frozen = convert_variables_to_constants_v2(called)
    builder = tf.compat.v1.profiler.ProfileOptionBuilder
    options = builder(builder.float_operation()).with_empty_output().build()
    shapeless = [
        each.name
        for each in frozen.graph.get_operations()
        if each.type in _EXACT and not each.outputs[0].shape.is_fully_defined()
    ]
    if shapeless:
        raise InputError(
            "expected layers whose shapes TensorFlow knows, received "
            f"{', '.join(shapeless)}, which it would pass over (a convolution in groups hides the "
            "shapes behind it): use cost_table"
        )
    found: dict[str, int] = {}
    with _quiet():
        _collect(tf.compat.v1.profiler.profile(frozen.graph, cmd="op", options=options), found)
    return dict(sorted(found.items(), key=lambda item: -item[1]))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep to itself that the profiler calls what TensorFlow itself has long deprecated."""
    log = logging.getLogger("tensorflow")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)


def _collect(node: Any, found: dict[str, int]) -> None:
    """Go through the profiler's tree; each node holds its own operations and those below it."""
    for child in node.children:
        if child.float_ops:
            found[child.name] = found.get(child.name, 0) + child.float_ops
        _collect(child, found)
