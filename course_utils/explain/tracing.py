"""A network as compiled functions, each traced once and then used again, batch by batch."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.errors import InputError
from course_utils.explain.taps import places

if TYPE_CHECKING:
    import keras

__all__ = ["Compiled", "Pass", "batches", "check_pictures", "check_whole", "compiled"]

Pass = Callable[..., Any]

# A function knows the network's variables, not the network, so that both are forgotten together.
_traced: weakref.WeakKeyDictionary[keras.Model, dict[Hashable, Pass]] = weakref.WeakKeyDictionary()


class Compiled:
    """A function of tensors in TensorFlow's hands: traced when first needed, then run as traced.

    Args:
        function: of tensors; it is run once, while tracing.
        signature: `tf.TensorSpec` of each argument, the number of pictures left open.
    """

    def __init__(self, function: Callable[..., Any], signature: Sequence[Any]) -> None:
        import tensorflow as tf

        # Nothing here is for TensorFlow's own translator; without it errors arrive as raised.
        self._function = tf.function(function, input_signature=signature, autograph=False)

    @cached_property
    def traced(self) -> Any:
        """The traced function. Asking for it traces, and raises what the function raises."""
        return self._function.get_concrete_function()

    def __call__(self, *arguments: Any) -> Any:
        """Run it on arrays or tensors."""
        import tensorflow as tf

        return self.traced(*map(tf.convert_to_tensor, arguments))


def compiled(
    network: keras.Model, key: Hashable, make: Callable[[Callable[[], keras.Model]], Pass]
) -> Pass:
    """The compiled function of that key for a network: made when first asked for, then reused.

    It is made anew once the network has other layers or activations than before. Weights are read
    when it runs, so training does not make it stale.

    Args:
        network: Sequential, functional or subclassed.
        key: what the function follows from besides the network: method, layer, output, shape.
        make: from a function that gives the network to a `tf.function`.

    Returns:
        The compiled function.
    """
    form = tuple(
        (id(layer), id(getattr(layer, "activation", None))) for _, layer in places(network)
    )
    known = _traced.setdefault(network, {})
    if (key, form) not in known:
        known[key, form] = make(weakref.ref(network))
    return known[key, form]


def check_pictures(network: keras.Model, pictures: Any) -> np.ndarray:
    """Pictures as float32, for a network that is then built.

    Args:
        network: with one input.
        pictures: float (count, height, width, channels), as the network takes them.

    Raises:
        InputError: other shapes or types, no picture, values that are not finite, or a network
            with several inputs.
    """
    places(network)  # refuses what is no network
    array = np.asarray(pictures)
    if array.ndim != 4 or not len(array):
        advice = (
            "a single picture is a batch of one, picture[np.newaxis]"
            if array.ndim == 3
            else "give one batch"
        )
        raise InputError(
            "expected pictures (count, height, width, channels), at least one, received "
            f"{array.shape}: {advice}"
        )
    if array.dtype.kind != "f":
        raise InputError(
            f"expected pictures of dtype float32 as the network takes them, received {array.dtype}"
            ": scale them first (a part's `scaled()` gives them in [0, 1])"
        )
    if not np.isfinite(array).all():
        raise InputError("expected finite values, received NaN or infinity: look at the pictures")
    inputs = getattr(network, "inputs", None) or ()
    if len(inputs) > 1:
        raise InputError(
            f"expected a network with one input, received one with {len(inputs)}: wrap it in a "
            "model that takes the picture and holds the others fixed"
        )
    wanted = tuple(inputs[0].shape[1:]) if inputs else (None, None, None)
    have = array.shape[1:]
    if len(wanted) != 3 or any(w not in (None, h) for w, h in zip(wanted, have, strict=False)):
        shown = ", ".join("any" if size is None else str(size) for size in wanted)
        raise InputError(
            f"expected pictures of shape ({shown}), received {have}: "
            "resize them, or build the network for their shape"
        )
    array = array.astype(np.float32)
    if not network.built:
        network(array[:1], training=False)  # first weights cannot be made while tracing
    return array


def check_whole(name: str, value: object, *, least: int = 1) -> int:
    """A whole number that is not too small.

    Raises:
        InputError: it is another thing.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise InputError(
            f"expected {name} to be a whole number of {least} or more, received {value!r}"
        )
    return int(value)


def batches(count: int, batch_size: int) -> Iterator[slice]:
    """Slices of at most `batch_size`, that together are `count`.

    Example:
        >>> [(s.start, s.stop) for s in batches(5, 2)]
        [(0, 2), (2, 4), (4, 5)]
    """
    batch_size = check_whole("batch_size", batch_size)
    return (slice(row, min(row + batch_size, count)) for row in range(0, count, batch_size))
