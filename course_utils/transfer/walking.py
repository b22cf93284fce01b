"""The layers of a network in order, those of nested networks in their place."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from course_utils.errors import InputError

if TYPE_CHECKING:
    import keras

__all__ = ["Place", "find", "inside", "walk"]

Place = tuple[str, "keras.Layer"]


def walk(network: keras.Model) -> list[Place]:
    """Every layer that is no network itself, with its path, from input to output.

    Args:
        network: Sequential, functional or subclassed.

    Returns:
        (path, layer); the path of a layer of a nested network is "network/layer". The order is
        that of `network.layers`: in a network with branches, by depth. A layer that is used twice
        stands once.

    Raises:
        InputError: it is no network.

    Example:
        >>> import keras
        >>> first, last = keras.layers.Dense(2, name="a"), keras.layers.Dense(1, name="b")
        >>> base = keras.Sequential([keras.Input((2,)), first], name="base")
        >>> outer = keras.Sequential([keras.Input((2,)), base, last])
        >>> [path for path, _ in walk(outer)]
        ['base/a', 'b']
    """
    if not isinstance(getattr(network, "layers", None), list):
        raise InputError(
            f"expected a Keras model, which has layers, received {type(network).__name__}: "
            "give the model itself, not its name, its weights or one of its layers"
        )
    found: dict[int, Place] = {}
    _walk(network, "", found)
    return list(found.values())


def find(places: Sequence[Place], name: str) -> int:
    """Where a layer stands in a walk.

    Args:
        places: as `walk` gives them.
        name: of a layer, its path, or the name of a nested network, which is its first layer.

    Raises:
        InputError: there is no such layer (names the nearest), or more than one.
    """
    exact = [row for row, (path, _) in enumerate(places) if name in (path, path.rsplit("/", 1)[-1])]
    if len(exact) > 1:
        paths = ", ".join(places[row][0] for row in exact)
        raise InputError(
            f"expected a name that one layer has, received {name!r}, which is several ({paths}): "
            "give one of these paths"
        )
    if exact:
        return exact[0]
    for row, (path, _) in enumerate(places):
        if name in path.split("/")[:-1]:
            return row
    paths = [path for path, _ in places]
    short = {path.rsplit("/", 1)[-1]: path for path in paths}
    near = difflib.get_close_matches(str(name), [*short, *paths], n=1, cutoff=0.0)
    raise InputError(
        f"expected the name of one of {len(places)} layers, received {name!r}: "
        + (f"did you mean {near[0]!r}?" if near else "this network has no layer")
    )


def inside(layer: keras.Layer) -> list[keras.Layer]:
    """A layer and those that it is built of, as a block written as one class has them."""
    # Keras offers no public way to the layers in a layer.
    return list(layer._flatten_layers())


def _walk(network: keras.Model, prefix: str, found: dict[int, Place]) -> None:
    for layer in network.layers:
        path = prefix + layer.name
        if isinstance(getattr(layer, "layers", None), list):
            _walk(layer, f"{path}/", found)
        elif type(layer).__name__ != "InputLayer":
            found.setdefault(id(layer), (path, layer))
