"""A check of sanity: a map that explains a network must change when the network does.

Layers lose what they have learnt, from the output backwards, one after the other, and after each
the maps are made again. Maps that stay as they were show the picture, not the network
(Adebayo et al. 2018, cascading randomisation).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.errors import InputError
from course_utils.explain.tracing import check_whole

if TYPE_CHECKING:
    import keras

__all__ = ["likeness", "randomisation_check", "randomised"]


def randomisation_check(
    network: keras.Model,
    explain: Callable[[keras.Model], Any],
    *,
    layers: int | None = None,
    seed: int = 0,
) -> dict[str, float]:
    """How like the first maps are to those of the same network with more and more of it lost.

    What a layer has learnt is lost by shuffling the numbers of each of its weight tensors: their
    mean and spread stay. Afterwards the network has its weights again, also if `explain` fails.

    Args:
        network: built; Sequential, functional, subclassed or nested.
        explain: from a network to an explanation, or to maps (count, height, width).
        layers: how many layers lose what they learnt, from the output on; None is all.
        seed: of the shuffling.

    Returns:
        Path to the mean likeness (see `likeness`) once this layer and all behind it are lost, in
        that order. Maps that say nothing any more are like nothing: 0.

    Raises:
        InputError: a network without weights, or `explain` that gives no maps.

    Example:
        >>> import keras
        >>> network = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(),
        ...     keras.layers.Dense(2, name="head")])
        >>> edges = lambda network: np.arange(16.0).reshape(1, 4, 4)  # does not ask the network
        >>> randomisation_check(network, edges)
        {'head': 1.0}
    """
    first = _maps(explain(network))
    result = {}
    with _kept(network):
        for number, (path, layer) in enumerate(_learnt(network)):
            if layers is not None and number == check_whole("layers", layers):
                break
            _shuffle(layer, np.random.default_rng((seed, number)))
            result[path] = float(likeness(first, _maps(explain(network))).mean())
    return result


@contextmanager
def randomised(network: keras.Model, *, seed: int = 0) -> Iterator[keras.Model]:
    """The network, with all that it learnt lost while this block runs.

    Args:
        network: as for `randomisation_check`.
        seed: of the shuffling.

    Example:
        >>> import keras
        >>> network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        >>> before = network.get_weights()[0]
        >>> with randomised(network):
        ...     np.array_equal(network.get_weights()[0], before)
        False
        >>> np.array_equal(network.get_weights()[0], before)
        True
    """
    with _kept(network):
        for number, (_, layer) in enumerate(_learnt(network)):
            _shuffle(layer, np.random.default_rng((seed, number)))
        yield network


def likeness(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation of two maps: 1 where they order the pixels alike, 0 by chance.

    Args:
        first: (count, height, width).
        second: likewise.

    Returns:
        (count,) in [−1, 1]; 0 where one map is the same everywhere.

    Example:
        >>> likeness(np.array([[[1, 2, 3]]]), np.array([[[2, 5, 9]]]))
        array([1.])
    """
    from scipy.stats import rankdata

    ranks = [rankdata(np.reshape(maps, (len(maps), -1)), axis=1) for maps in (first, second)]
    ranks = [rank - rank.mean(axis=1, keepdims=True) for rank in ranks]
    product = (ranks[0] * ranks[1]).sum(axis=1)
    size = np.sqrt((ranks[0] ** 2).sum(axis=1) * (ranks[1] ** 2).sum(axis=1))
    return np.divide(product, size, out=np.zeros(len(product)), where=size > 0)


def _maps(explained: Any) -> np.ndarray:
    maps = np.asarray(getattr(explained, "maps", explained))
    if maps.ndim != 3:
        raise InputError(
            f"expected `explain` to give maps (count, height, width), received {maps.shape}: "
            "give for example lambda network: explain.grad_cam(network, pictures, targets)"
        )
    return maps


def _learnt(network: keras.Model) -> list[tuple[str, keras.Layer]]:
    """Layers with weights of their own, from the output on."""
    from course_utils.explain.taps import places

    found = [
        (path, layer) for path, layer in places(network) if layer.weights and not _holds(layer)
    ]
    if not found:
        raise InputError(
            "expected a network with weights, received one without: build it, or call it once"
        )
    return found[::-1]


def _holds(layer: keras.Layer) -> bool:
    """Whether it is made of other layers with weights."""
    return any(inner.weights for inner in layer._flatten_layers(include_self=False))


@contextmanager
def _kept(network: keras.Model) -> Iterator[None]:
    kept = network.get_weights()
    try:
        yield
    finally:
        network.set_weights(kept)


def _shuffle(layer: keras.Layer, dice: np.random.Generator) -> None:
    for weight in layer.weights:
        values = np.asarray(weight)
        # Seeds of dropout and the like are whole numbers and no knowledge.
        if values.dtype.kind == "f":
            weight.assign(dice.permutation(values.ravel()).reshape(values.shape))
