"""Functions of tensors compiled into one loop by XLA, where TensorFlow can do it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

__all__ = ["available", "compiled"]


@functools.cache
def available() -> bool:
    """Whether this TensorFlow compiles for the processor: not every wheel on every system does.

    Example:
        >>> available() in (True, False)
        True
    """
    import tensorflow as tf

    try:
        with tf.device("CPU:0"):
            tf.function(lambda: tf.gather(tf.zeros(2), [1]), jit_compile=True)()
    except (tf.errors.OpError, ValueError):
        return False
    return True


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, compiled for the processor, for use in `tf.data` or by itself.

    Uncompiled, each operation writes a whole batch to memory for the next one to read. Compiled
    ones become a single loop over the pixels of the result. It costs a fraction of a second for
    each new shape of a batch.

    Args:
        function: of tensors, in TensorFlow operations without state.

    Returns:
        A function of the same arguments; only traced where XLA is not available.

    Example:
        >>> import tensorflow as tf
        >>> float(compiled(lambda x: 2 * x + 1)(tf.constant(3.0)))
        7.0
    """
    import tensorflow as tf

    fast = tf.function(function, jit_compile=available(), autograph=False)

    def call(*arguments: Any) -> Any:
        # In a pipeline the place is the processor anyway; for a GPU it would be compiled anew.
        with tf.device("CPU:0"):
            return fast(*arguments)

    return call
