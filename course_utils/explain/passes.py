"""A model as compiled functions, each traced once and then used again, batch by batch."""

from __future__ import annotations

import itertools
import json
import weakref
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

import numpy as np

from course_utils import checks
from course_utils.backend import keras, tf
from course_utils.errors import InputError
from course_utils.layers import walk

__all__ = ["Compiled", "batches", "check_images", "compiled"]

LIMIT = 64
"""Functions that are kept of one model."""

# Attributes of Keras that change and do not matter here: the graphs that a layer has a place in,
# what is saved with it, what training leaves behind.
_NOT_RUN = (
    "_inbound_", "_outbound_", "_self_", "history", "predict_function", "test_function",
    "train_function",
)  # fmt: skip

# A function knows the model's variables, not the model, so that both are forgotten together.
_kept: weakref.WeakKeyDictionary[keras.Model, dict[Hashable, tuple[str, Compiled]]]
_kept = weakref.WeakKeyDictionary()
_numbers: dict[int, tuple[weakref.ref, int]] = {}
_next = itertools.count()


class Compiled:
    """A function of tensors, traced at once; and `notes` that it took while it was traced."""

    def __init__(
        self,
        function: Callable[..., Any],
        signature: Sequence[tf.TensorSpec],
        notes: dict[str, Any] | None = None,
    ) -> None:
        # Nothing here is for TensorFlow's own translator; without it errors arrive as raised.
        graph = tf.function(function, input_signature=signature, autograph=False)
        self._function = graph.get_concrete_function()
        self.notes = notes

    def __call__(self, *arguments: Any) -> Any:
        """Run it on arrays or tensors."""
        return self._function(*map(tf.convert_to_tensor, arguments))


def compiled(
    model: keras.Model, key: Hashable, make: Callable[[Callable[[], keras.Model]], Compiled]
) -> Any:
    """What `make` makes of a function that gives the model; kept under the key, and then reused.

    It is made anew once any attribute of the model or of a layer is another: a layer's activation
    or code, its settings, variables put in later. Weights are read when it runs, so training does
    not make it stale.
    """
    functions = _kept.setdefault(model, {})
    if key in functions and functions[key][0] == _state(model):
        return functions[key][1]
    made = make(weakref.ref(model))
    functions.pop(key, None)
    functions[key] = _state(model), made  # a layer's first pass may have left its marks
    if len(functions) > LIMIT:
        del functions[next(iter(functions))]
    return made


def _state(model: keras.Model) -> str:
    """All that a model and its layers hold: plain values as they are, other objects by number."""
    holders = [model, *(place.layer for place in walk(model))]
    held = [
        {name: value for name, value in vars(holder).items() if not name.startswith(_NOT_RUN)}
        for holder in holders
    ]
    return json.dumps([list(map(_number, holders)), held], default=_number, skipkeys=True)


def _number(thing: Any) -> int | str:
    """A number that no other object has or had: an `id` may be given again."""
    key = id(thing)
    known = _numbers.get(key)
    if known is None or known[0]() is not thing:
        try:
            alive = weakref.ref(thing, lambda _: _numbers.pop(key, None))
        except TypeError:  # bytes and the like: what they are is written out
            return repr(thing)
        known = _numbers[key] = alive, next(_next)
    return known[1]


def check_images(model: keras.Model, images: Any) -> np.ndarray:
    """Images as float32, for a model that is then built: one input, channels last."""
    first = [
        place.path
        for place in walk(model)
        if getattr(place.layer, "data_format", None) == "channels_first"
    ]
    if first:
        raise InputError(
            "expected a model with data_format='channels_last', (batch, height, width, channels), "
            f"received channels_first in {', '.join(first[:3])}: build it with channels last; the "
            "kernels are the same"
        )
    array = np.asarray(images)
    checks.image_batch(array)
    checks.model_input(model, array.shape, array.dtype)
    array = checks.finite_floats("images", array).astype(np.float32)
    if not model.built:
        model(array[:1], training=False)  # first weights cannot be made while tracing
    return array


def batches(count: int, batch_size: int) -> Iterator[slice]:
    """Slices of at most `batch_size`, that together are `count`."""
    batch_size = checks.whole("batch_size", batch_size)
    return (slice(row, min(row + batch_size, count)) for row in range(0, count, batch_size))
