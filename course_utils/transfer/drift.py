"""What moved: each layer's weights before and after, compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from course_utils.errors import InputError
from course_utils.transfer.walking import walk

if TYPE_CHECKING:
    import keras

__all__ = ["Drift", "drift", "snapshot"]

Snapshot = Mapping[str, np.ndarray]


def snapshot(network: keras.Model) -> dict[str, np.ndarray]:
    """A copy of all weights, batch normalisation's moving averages too.

    Args:
        network: a built model, or a base that is nested in one.

    Returns:
        "path/weight" to array, from input to output.

    Raises:
        InputError: no network.

    Example:
        >>> import keras
        >>> layer = keras.layers.Dense(2, name="head")
        >>> list(snapshot(keras.Sequential([keras.Input((3,)), layer])))
        ['head/kernel', 'head/bias']
    """
    return {
        f"{path}/{weight.name}": np.array(weight.numpy())
        for path, layer in walk(network)
        for weight in layer.weights
    }


@dataclass(frozen=True)
class Drift:
    """How far weights moved between two snapshots.

    Attributes:
        layers: path to ‖after − before‖ / ‖before‖ over all tensors of the layer (L2 norms); 0 is
            unmoved, 1 is as far as the weights were long. Infinite if all began as zeros.
        tensors: the same for each "path/weight".
        moved: the tensors of which at least one bit changed.
        unmoved: the others.
    """

    layers: dict[str, float]
    tensors: dict[str, float]
    moved: tuple[str, ...]
    unmoved: tuple[str, ...]


def drift(before: Snapshot, after: Snapshot) -> Drift:
    """Compare two snapshots of one network.

    Args:
        before: as `snapshot` gave it.
        after: likewise, later.

    Returns:
        Relative distances, and which tensors are the same to the bit.

    Raises:
        InputError: they are not of the same network.

    Example:
        >>> change = drift({"a/w": np.array([3.0, 4.0])}, {"a/w": np.array([3.0, 5.0])})
        >>> change.layers, change.moved
        ({'a': 0.2}, ('a/w',))
    """
    if {name: array.shape for name, array in before.items()} != {
        name: array.shape for name, array in after.items()
    }:
        odd = sorted(set(before) ^ set(after)) or [
            name for name in before if before[name].shape != after[name].shape
        ]
        raise InputError(
            "expected two snapshots of the same network, received two that differ in "
            f"{', '.join(odd[:3])}: take both of the same model, before and after training"
        )
    layers: dict[str, list[str]] = {}
    for name in before:
        layers.setdefault(name.rsplit("/", 1)[0], []).append(name)
    # By bits, so that −0.0 and not-a-number count as what they are.
    same = {name: before[name].tobytes() == after[name].tobytes() for name in before}
    return Drift(
        {path: _distance(before, after, names) for path, names in layers.items()},
        {name: _distance(before, after, [name]) for name in before},
        tuple(name for name in before if not same[name]),
        tuple(name for name in before if same[name]),
    )


def _distance(before: Snapshot, after: Snapshot, names: list[str]) -> float:
    old = np.concatenate([np.ravel(before[name]) for name in names]).astype(np.float64)
    new = np.concatenate([np.ravel(after[name]) for name in names]).astype(np.float64)
    length, way = float(np.linalg.norm(old)), float(np.linalg.norm(new - old))
    if length == 0:
        return 0.0 if way == 0 else float("inf")
    return way / length
