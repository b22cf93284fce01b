"""Listening to the layers of a network while it runs: one way for every kind of network.

A network is not taken apart and not rebuilt. For the time of one forward pass each layer's `call`
is replaced by one that runs the old one and passes what came out to a listener. It makes no
difference who calls the layer: a Sequential network, a functional one, another network in which it
is nested, or a `call` written by hand. Where the pass runs under a gradient tape, the listener has
the very tensors that the output was computed from, so that gradients reach them.

The layers are replaced while TensorFlow traces the pass, which happens once; the traced function
runs without them.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from course_utils.errors import InputError

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

__all__ = ["Heard", "Place", "find", "listening", "places"]

Place = tuple[str, "keras.Layer"]


@dataclass(frozen=True, eq=False)
class Heard:
    """What one layer said in a forward pass.

    Attributes:
        path: of the layer: its name, with the networks and blocks it is nested in before it.
        layer: itself.
        inputs: its first argument, as a rule the tensor that came in.
        output: the tensor that came out.
    """

    path: str
    layer: keras.Layer
    inputs: Any
    output: tf.Tensor

    @property
    def is_spatial(self) -> bool:
        """Whether it is maps: (batch, height, width, channels) of more than one place."""
        shape = self.output.shape
        return shape.rank == 4 and tuple(shape[1:3]) != (1, 1)


def places(network: keras.Model) -> list[Place]:
    """Every layer in a network, with its path: in nested networks and in blocks written as classes.

    Args:
        network: Sequential, functional or subclassed; built or not.

    Returns:
        (path, layer). A network or block stands behind the layers in it. A layer that is used
        twice stands once.

    Raises:
        InputError: it is no network.

    Example:
        >>> import keras
        >>> base = keras.Sequential([keras.layers.Dense(2, name="a")], name="base")
        >>> [path for path, _ in places(keras.Sequential([base, keras.layers.Dense(1, name="b")]))]
        ['base/a', 'base', 'b']
    """
    if not isinstance(getattr(network, "layers", None), list):
        raise InputError(
            f"expected a Keras model, which has layers, received {type(network).__name__}: "
            "give the model itself, not its name, its weights or one of its layers"
        )
    found: dict[int, Place] = {}
    _walk(network, "", found)
    return list(found.values())


def _walk(outer: keras.Layer, prefix: str, found: dict[int, Place]) -> None:
    inner = getattr(outer, "layers", None)
    if not isinstance(inner, list):
        # Keras offers no public way to the layers in a layer.
        inner = outer._flatten_layers(include_self=False, recursive=False)
    for layer in inner:
        if type(layer).__name__ == "InputLayer" or id(layer) in found:
            continue
        path = prefix + layer.name
        _walk(layer, f"{path}/", found)
        found[id(layer)] = (path, layer)


def find(paths: list[str], name: str, *, what: str = "layers") -> str:
    """The path that a name means.

    Args:
        paths: to choose from, in the order of the forward pass.
        name: a path, or the last part of one.
        what: the paths are, for the message.

    Raises:
        InputError: there is no such path (lists them, names the nearest), or more than one.

    Example:
        >>> find(["base/conv", "head"], "conv")
        'base/conv'
    """
    if name in paths:
        return name
    short = [path for path in paths if path.rsplit("/", 1)[-1] == name]
    if len(short) == 1:
        return short[0]
    if short:
        raise InputError(
            f"expected a name that one layer has, received {name!r}, which is several "
            f"({', '.join(short)}): give one of these paths"
        )
    by_name = {path.rsplit("/", 1)[-1]: path for path in paths}
    near = difflib.get_close_matches(str(name), [*by_name, *paths], n=1, cutoff=0.0)
    listed = ", ".join(paths) if len(paths) <= 12 else ", ".join([*paths[:2], "…", *paths[-9:]])
    raise InputError(
        f"expected one of the {len(paths)} {what} ({listed}), received {name!r}: "
        + (f"did you mean {near[0]!r}?" if near else "this network has none")
    )


@contextmanager
def listening(network: keras.Model, listener: Callable[[Heard], None]) -> Iterator[None]:
    """While this block runs, tell the listener what each layer gives, in the order of the pass.

    Args:
        network: as for `places`.
        listener: called with each layer's output, inner layers before the block they are in. A
            tensor that a block only passes on is told once, as its last layer's.

    Example:
        >>> import keras
        >>> import numpy as np
        >>> network, said = keras.Sequential([keras.layers.Dense(2, name="a")]), []
        >>> with listening(network, lambda heard: said.append(heard.path)):
        ...     _ = network(np.ones((1, 3)))
        >>> said
        ['a']
    """
    told: dict[int, Any] = {}
    # Layers are changed on the object itself, past Keras' own bookkeeping of attributes.
    replaced = []
    try:
        for path, layer in places(network):
            own = vars(layer).get("call")
            object.__setattr__(layer, "call", _overheard(path, layer, listener, told))
            replaced.append((layer, own))
        yield
    finally:
        for layer, own in replaced:
            if own is None:
                object.__delattr__(layer, "call")
            else:
                object.__setattr__(layer, "call", own)


def _overheard(
    path: str, layer: keras.Layer, listener: Callable[[Heard], None], told: dict[int, Any]
) -> Callable:
    run = layer.call

    def call(*given: Any, **options: Any) -> Any:
        output = run(*given, **options)
        # The tensor is kept, so that its id is not given to another one.
        if hasattr(output, "shape") and id(output) not in told:
            told[id(output)] = output
            listener(Heard(path, layer, given[0] if given else None, output))
        return output

    return call
