"""How long a model takes: measured, since it does not follow from what it computes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from course_utils.errors import InputError

if TYPE_CHECKING:
    import keras

__all__ = ["Latency", "latency"]

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
    of threads or another batch gives another order of models, so state all three.

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
    import tensorflow as tf

    for name, value, least in (("batch_size", batch_size, 1), ("runs", runs, 5)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise InputError(f"expected {name} to be {least} or more, received {value!r}")
    shapes = [tuple(each.shape[1:]) for each in getattr(model, "inputs", None) or []]
    if len(shapes) != 1 or None in shapes[0]:
        raise InputError(
            f"expected a model with one input of fixed size, received inputs {shapes}: build it "
            "with keras.Input((height, width, channels))"
        )
    pictures = tf.random.stateless_uniform((batch_size, *shapes[0]), seed=(0, 0))
    pictures = tf.cast(pictures, model.inputs[0].dtype)
    call = tf.function(lambda x: model(x, training=False)).get_concrete_function(pictures)
    taken = []
    for _ in range(_WARM + runs):
        began = time.perf_counter()
        for tensor in tf.nest.flatten(call(pictures)):
            tensor.numpy()
        taken.append(time.perf_counter() - began)
    low, median, high = np.quantile(taken[_WARM:], (0.25, 0.5, 0.75)).tolist()
    return Latency(median, low, high, batch_size, runs)
