"""Which layers learn.

Keras asks each layer's `trainable`, and reads it when a model is compiled: after any change here,
`compile` again (`recompile_guard` watches over it).

Batch normalisation is a case of its own. Its moving averages are no trainable weights: they move
because a batch passes through in training, whatever the optimiser does. In Keras 3 only
`trainable = False` on the layer itself keeps them still. Calling a base with `training=False` while
a functional model is built does not: `fit` calls the model with `training=True`, and that wins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from course_utils.transfer.report import Report, report
from course_utils.transfer.walking import find, inside, walk

if TYPE_CHECKING:
    import keras

__all__ = ["freeze", "hold_batch_norm", "unfreeze"]


def freeze(network: keras.Model, *, up_to: str | None = None) -> Report:
    """Let layers learn no more: all of them, or all up to one.

    Args:
        network: a model, or a base that is nested in one.
        up_to: name or path of the last layer to be frozen; layers behind it stay as they are.
            None freezes all.

    Returns:
        What learns now.

    Raises:
        InputError: no such layer (names the nearest), or no network.

    Example:
        >>> import keras
        >>> base = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> freeze(base).trainable_tensors
        ()
    """
    places = walk(network)
    if up_to is None:
        network.trainable = False
    else:
        for _, layer in places[: find(places, up_to) + 1]:
            layer.trainable = False
    return report(network)


def unfreeze(network: keras.Model, *, start: str | None = None, batch_norm: bool = False) -> Report:
    """Let layers learn: all of them, or exactly those from one on.

    Layers before `start` are frozen, so that the result does not depend on what was before.

    Args:
        network: a model, or a base that is nested in one. A nested base's layers count in its
            place, so of a whole model the head, which stands behind, learns too.
        start: name or path of the first layer that is to learn, or the name of a nested network;
            None is the first of all.
        batch_norm: whether batch normalisation learns too. By default it is kept still, its
            scale and shift as well as its moving averages: a few small batches would spoil what
            many taught it.

    Returns:
        What learns now.

    Raises:
        InputError: no such layer (names the nearest), or no network.

    Example:
        >>> import keras
        >>> layers = [keras.layers.Dense(2, name=name) for name in "abc"]
        >>> base = keras.Sequential([keras.Input((2,)), *layers])
        >>> unfreeze(base, start="b").trainable_tensors
        ('b/kernel', 'b/bias', 'c/kernel', 'c/bias')
    """
    places = walk(network)
    first = 0 if start is None else find(places, start)
    # A network that is frozen itself hides what its layers say, so it is thawed with all in it.
    network.trainable = True
    for row, (_, layer) in enumerate(places):
        layer.trainable = row >= first
    if not batch_norm:
        hold_batch_norm(network)
    return report(network)


def hold_batch_norm(network: keras.Model) -> tuple[str, ...]:
    """Keep all batch normalisation still: weights and moving averages, in training too.

    Args:
        network: a model, or a base that is nested in one; may be without any.

    Returns:
        The paths of the layers that are, or hold, batch normalisation.

    Raises:
        InputError: no network.

    Example:
        >>> import keras
        >>> norm = keras.layers.BatchNormalization(name="norm")
        >>> hold_batch_norm(keras.Sequential([keras.Input((2,)), norm])), norm.trainable
        (('norm',), False)
    """
    import keras

    held = []
    for path, layer in walk(network):
        norms = [
            part for part in inside(layer) if isinstance(part, keras.layers.BatchNormalization)
        ]
        for norm in norms:
            norm.trainable = False
        if norms:
            held.append(path)
    return tuple(held)
