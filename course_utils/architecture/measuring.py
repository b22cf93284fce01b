"""What a model takes when it runs: seconds by the clock, operations by TensorFlow's own count."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from course_utils import checks
from course_utils.architecture.rules import walk
from course_utils.backend import keras, tf
from course_utils.errors import InputError

__all__ = ["Latency", "latencies", "profiled_flops"]

_WARM = 3  # runs before the clock counts: the first one also compiles
_EXACT = {"Conv2D", "DepthwiseConv2dNative", "MatMul", "Conv2DBackpropInput"}


class Latency(NamedTuple):
    """Seconds that one call takes for one batch.

    Attributes:
        median: half of the runs were faster.
        low: a quarter was faster.
        high: a quarter was slower.
        batch_size: images in the batch.
        runs: timed runs.
    """

    median: float
    low: float
    high: float
    batch_size: int
    runs: int

    def __str__(self) -> str:
        return (
            f"{1e3 * self.median:.3g} ms for a batch of {self.batch_size} (median of {self.runs} "
            f"warm runs; middle half {1e3 * self.low:.3g} to {1e3 * self.high:.3g} ms)"
        )


def latencies(
    models: Mapping[str, keras.Model], *, batch_size: int = 1, runs: int = 30
) -> dict[str, Latency]:
    """Time models at inference, in turns, so that they can be compared on a busy machine.

    Each run calls every model once, compiled, on random images, until its numbers are here: what
    slows the machine down slows all of them. Timed one after another, the model whose minute was
    the busiest looks slowest. The first runs, which compile and fill the caches, are left out. The
    median stands against the pauses of the machine; the middle half says how busy it was. Another
    machine, number of threads or batch gives another order of models, so state all three.

    Args:
        models: name to model, each with one input of fixed size.
        batch_size: images in a call, 1 or more. With one it is the waiting time of a user, with
            many the throughput counts.
        runs: timed runs of each model, 5 or more.

    Returns:
        Name to median and quartiles in seconds, in the order given. Each prints as a sentence.

    Raises:
        InputError: no model, several inputs, an input without a fixed size, or no such number.

    Example:
        >>> image = keras.Input((8, 8, 1))
        >>> few, many = (keras.Model(image, keras.layers.Conv2D(n, 3)(image)) for n in (1, 9))
        >>> taken = latencies({"few": few, "many": many}, batch_size=2, runs=5)
        >>> {name: each.runs for name, each in taken.items()}
        {'few': 5, 'many': 5}
    """
    if not models:
        raise InputError("expected one model or more by name, received none")
    checks.whole("batch_size", batch_size)
    checks.whole("runs", runs, least=5)
    calls = {name: _compiled(model, batch_size) for name, model in models.items()}
    taken: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(_WARM + runs):
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            taken[name].append(time.perf_counter() - began)
    found = {}
    for name, seconds in taken.items():
        low, median, high = np.quantile(seconds[_WARM:], (0.25, 0.5, 0.75)).tolist()
        found[name] = Latency(median, low, high, batch_size, runs)
    return found


def _compiled(model: keras.Model, batch_size: int) -> Callable[[], None]:
    """One call of the model on random images, which waits for every number."""
    shapes = [tuple(each.shape[1:]) for each in getattr(model, "inputs", None) or []]
    if len(shapes) != 1 or None in shapes[0]:
        raise InputError(
            f"expected a model with one input of fixed size, received inputs {shapes}: build it "
            "with keras.Input((height, width, channels))"
        )
    images = tf.random.stateless_uniform((batch_size, *shapes[0]), seed=(0, 0))
    images = tf.cast(images, model.inputs[0].dtype)
    graph = tf.function(lambda x: model(x, training=False)).get_concrete_function(images)

    def call() -> None:
        for tensor in tf.nest.flatten(graph(images)):
            tensor.numpy()

    return call


def profiled_flops(model: keras.Model) -> dict[str, int]:
    """Count floating-point operations with TensorFlow's profiler, by kind of operation.

    It reads the graph that is really run, with the weights frozen into it. It counts a multiply–add
    as **two** operations. And it knows only some kinds: biases, sums, normalization and pooling
    are in, while `Einsum` (by which attention compares tokens), most activations and all moving of
    data are passed over in silence. So its sum is no upper or lower bound of anything; compare
    `Conv2D`, `DepthwiseConv2dNative` and `MatMul`, of which it misses nothing. Of a transposed
    convolution with padding "valid" it gives an estimate only.

    Args:
        model: with one input, of fixed size, and one output.

    Returns:
        Name of the operation to how many floating-point operations it does for one image, the
        largest first.

    Raises:
        InputError: no such model; layers of which TensorFlow does not know the shapes, such as
            those behind a convolution in groups.

    Example:
        >>> layer = keras.layers.Conv2D(16, 3, padding="same")
        >>> profiled_flops(keras.Sequential([keras.Input((28, 28, 1)), layer]))
        {'Conv2D': 225792, 'BiasAdd': 12544}
    """
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

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
