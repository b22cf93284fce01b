"""How long a model takes: measured, since it does not follow from what it computes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from course_utils.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import keras

__all__ = ["Latency", "latencies", "latency"]

_WARM = 3  # runs before the clock counts: the first one also compiles


class Latency(NamedTuple):
    """Seconds that one call takes for one batch.

    Attributes:
        median: half of the runs were faster.
        low: a quarter was faster.
        high: a quarter was slower.
        batch_size: pictures in the batch.
        runs: timed runs.
    """

    median: float
    low: float
    high: float
    batch_size: int
    runs: int

    @property
    def each(self) -> float:
        """Seconds for one picture of the batch."""
        return self.median / self.batch_size

    def __str__(self) -> str:
        return (
            f"{1e3 * self.median:.3g} ms for a batch of {self.batch_size} (median of {self.runs} "
            f"warm runs; middle half {1e3 * self.low:.3g} to {1e3 * self.high:.3g} ms)"
        )


def latency(model: keras.Model, *, batch_size: int = 1, runs: int = 30) -> Latency:
    """Time a model at inference: one compiled call on random pictures, until its numbers are here.

    The first runs, which compile and fill the caches, are left out. The median stands against the
    pauses of a busy machine; the middle half says how busy it was. Another machine, another number
    of threads or another batch gives another order of models, so state all three. To compare
    models, use `latencies`.

    Args:
        model: with one input of fixed size.
        batch_size: pictures in a call, 1 or more. With one it is the waiting time of a user, with
            many the throughput counts.
        runs: timed runs, 5 or more.

    Returns:
        Median and quartiles in seconds. Prints as a sentence.

    Raises:
        InputError: several inputs, an input without a fixed size, or no such number.

    Example:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3)])
        >>> taken = latency(model, batch_size=2, runs=5)
        >>> 0 < taken.low <= taken.median <= taken.high
        True
    """
    return latencies({"model": model}, batch_size=batch_size, runs=runs)["model"]


def latencies(
    models: Mapping[str, keras.Model], *, batch_size: int = 1, runs: int = 30
) -> dict[str, Latency]:
    """Time several models in turns, so that they can be compared on a machine with other work.

    Timed one after another, the model whose minute was the busiest looks slowest. Here each run
    calls every model once: what slows the machine down slows all of them.

    Args:
        models: name to model, each as `latency` takes it.
        batch_size: pictures in a call, 1 or more.
        runs: timed runs of each model, 5 or more.

    Returns:
        Name to what was measured, in the order given.

    Raises:
        InputError: no model, or what `latency` does not take.

    Example:
        >>> import keras
        >>> image = keras.Input((8, 8, 1))
        >>> few, many = (keras.Model(image, keras.layers.Conv2D(n, 3)(image)) for n in (1, 9))
        >>> taken = latencies({"few": few, "many": many}, batch_size=2, runs=5)
        >>> {name: each.runs for name, each in taken.items()}
        {'few': 5, 'many': 5}
    """
    if not models:
        raise InputError("expected one model or more by name, received none")
    for name, value, least in (("batch_size", batch_size, 1), ("runs", runs, 5)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise InputError(f"expected {name} to be {least} or more, received {value!r}")
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
    """One call of the model on random pictures, which waits for every number."""
    import tensorflow as tf

    shapes = [tuple(each.shape[1:]) for each in getattr(model, "inputs", None) or []]
    if len(shapes) != 1 or None in shapes[0]:
        raise InputError(
            f"expected a model with one input of fixed size, received inputs {shapes}: build it "
            "with keras.Input((height, width, channels))"
        )
    pictures = tf.random.stateless_uniform((batch_size, *shapes[0]), seed=(0, 0))
    pictures = tf.cast(pictures, model.inputs[0].dtype)
    graph = tf.function(lambda x: model(x, training=False)).get_concrete_function(pictures)

    def call() -> None:
        for tensor in tf.nest.flatten(graph(pictures)):
            tensor.numpy()

    return call
