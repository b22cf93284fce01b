"""Can maps be believed? Do they point at what is there, and do they depend on the model at all?

Pointing is judged by true masks, against what pointing blindly gives. The check of sanity takes
from a model what it has learnt, from the output backwards, and makes the maps again: those that
stay as they were show the image, not the model (Adebayo et al. 2018, cascading randomization).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.ndimage import maximum_filter
from scipy.stats import rankdata

from course_utils import checks
from course_utils.backend import keras
from course_utils.errors import InputError
from course_utils.explain.explanation import check_maps
from course_utils.layers import weights

__all__ = [
    "Pointing",
    "baseline_maps",
    "energy_inside",
    "pointing_game",
    "randomisation_check",
    "randomised",
    "rank_correlation",
]


@dataclass(frozen=True, eq=False)
class Pointing:
    """How often, or how far, maps lie where they should, and what two blind guesses reach.

    Attributes:
        values: float (count,), one for each image whose mask holds something.
        centre: the mean that the middle of each image reaches.
        random: the mean that a position drawn by chance reaches: the masks' share of the images.
        used: numbers of the images judged.
    """

    values: np.ndarray
    centre: float
    random: float
    used: np.ndarray

    @property
    def mean(self) -> float:
        """Of the values, in [0, 1]."""
        return float(self.values.mean())

    def __str__(self) -> str:
        return f"{self.mean:.3f}; the centre {self.centre:.3f}, chance {self.random:.3f}"


def pointing_game(maps: Any, masks: Any, *, tolerance: int = 0) -> Pointing:
    """How often the highest position of a map lies inside the mask (Zhang et al. 2018).

    Args:
        maps: (count, height, width), 0 or more: an explanation's `maps`. Where several positions
            are equally high, each counts by its share; a map of zeros points nowhere and misses.
        masks: bool (count, height, width), what the maps should point at. Images with an empty
            mask are left out.
        tolerance: pixels that a peak may lie beside the mask (a square around it).

    Returns:
        Hits, 0 to 1 for each image, with the two baselines.

    Raises:
        InputError: other shapes, negative or non-finite maps, no mask with something in it.

    Example:
        >>> maps = np.zeros((1, 4, 4))
        >>> maps[0, 1, 2] = 1
        >>> print(pointing_game(maps, maps > 0))
        1.000; the centre 0.250, chance 0.062
    """
    maps, masks, used = _check_pairs(maps, masks)
    side = 2 * checks.whole("tolerance", tolerance, least=0) + 1
    if side > 1:
        masks = maximum_filter(masks, size=(1, side, side), mode="constant")
    peaks = maps.max(axis=(1, 2), keepdims=True)
    # Stretched maps differ by rounding where they are level.
    highest = (maps >= peaks * (1 - 1e-6)) & (peaks > 0)
    return _pointing(highest, masks, used)


def energy_inside(maps: Any, masks: Any) -> Pointing:
    """Which share of a map's sum lies inside the mask (Wang et al. 2020, "energy-based").

    Arguments and errors as for `pointing_game`; a map of zeros has nothing inside.

    Returns:
        Shares, 0 to 1 for each image. The baselines are those of a single point; a level map
        reaches `random` too.

    Example:
        >>> masks = np.zeros((1, 4, 4), bool)
        >>> masks[0, :2] = True
        >>> energy_inside(np.ones((1, 4, 4)), masks).mean
        0.5
    """
    return _pointing(*_check_pairs(maps, masks))


def _pointing(maps: np.ndarray, masks: np.ndarray, used: np.ndarray) -> Pointing:
    whole, inside = maps.sum(axis=(1, 2)), (maps * masks).sum(axis=(1, 2))
    shares = np.divide(inside, whole, out=np.zeros(len(maps)), where=whole > 0)
    height, width = masks.shape[1:]
    # An even side has no middle pixel: the two, or four, around it count alike.
    rows = slice((height - 1) // 2, height // 2 + 1)
    columns = slice((width - 1) // 2, width // 2 + 1)
    centre = float(masks[:, rows, columns].mean())
    return Pointing(shares, centre, float(masks.mean()), used)


def _check_pairs(maps: Any, masks: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    masks = np.asarray(masks)
    maps = check_maps(maps, masks.shape).astype(np.float64)
    if masks.dtype != bool:
        raise InputError(
            f"expected masks that are true or false, received {masks.dtype}: "
            "compare, for example part.parts != 0"
        )
    if maps.min() < 0:
        raise InputError(
            f"expected maps of 0 or more, received {maps.min():.3g}: give an explanation's "
            "`maps`, not its `values`"
        )
    used = np.flatnonzero(masks.any(axis=(1, 2)))
    if not len(used):
        raise InputError("expected a mask with something in it, received only empty ones")
    return maps[used], masks[used], used


def baseline_maps(shape: tuple[int, int, int], *, seed: int = 0) -> dict[str, np.ndarray]:
    """Two maps for each image that know nothing of it, to compare with.

    Args:
        shape: (count, height, width).
        seed: of the random one.

    Returns:
        "centre", falling from 1 in the middle to 0 in the corners, and "random", noise; float32.

    Raises:
        InputError: another shape, or no seed.

    Example:
        >>> {name: maps.shape for name, maps in baseline_maps((2, 4, 4)).items()}
        {'centre': (2, 4, 4), 'random': (2, 4, 4)}
    """
    if np.shape(shape) != (3,):
        raise InputError(f"expected a shape (count, height, width), received {shape}")
    _, height, width = shape = tuple(checks.whole("each size", size) for size in shape)
    y = np.linspace(-1, 1, height)[:, None]
    x = np.linspace(-1, 1, width)
    centre = (1 - np.sqrt((x**2 + y**2) / 2)).astype(np.float32)
    noise = np.random.default_rng(checks.seed(seed)).random(shape, np.float32)
    return {"centre": np.broadcast_to(centre, shape), "random": noise}


def randomisation_check(
    model: keras.Model,
    explain: Callable[[keras.Model], Any],
    *,
    layers: int | None = None,
    seed: int = 0,
) -> dict[str, float]:
    """How like the first maps are to those of the same model with more and more of it lost.

    What a layer has learnt is lost by shuffling the numbers of each of its weight tensors: their
    mean and spread stay. Weights that a block or the model itself holds are shuffled too.
    Afterwards the model has its weights again, also if `explain` fails.

    Args:
        model: built; Sequential, functional, subclassed or nested.
        explain: from a model to an explanation, or to maps (count, height, width).
        layers: how many layers lose what they learnt, from the output on; None is all.
        seed: of the shuffling.

    Returns:
        Path (of the model itself, "") to the mean rank correlation once this layer and all behind
        it are lost, in that order. Maps that say nothing any more are like nothing: 0.

    Raises:
        InputError: a model without weights, or `explain` that gives no maps.

    Example:
        >>> model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(),
        ...     keras.layers.Dense(2, name="head")])
        >>> edges = lambda model: np.arange(16.0).reshape(1, 4, 4)  # does not ask the model
        >>> randomisation_check(model, edges)
        {'head': 1.0}
    """
    if layers is not None:
        layers = checks.whole("layers", layers)
    first = check_maps(explain(model))
    result = {}
    with _restored(model):
        for path in _shuffled(model, checks.seed(seed)):
            result[path] = float(rank_correlation(first, explain(model)).mean())
            if len(result) == layers:
                break
    return result


@contextmanager
def randomised(model: keras.Model, *, seed: int = 0) -> Iterator[keras.Model]:
    """The model, with all that it learnt lost while this block runs."""
    with _restored(model):
        for _ in _shuffled(model, checks.seed(seed)):
            pass
        yield model


@contextmanager
def _restored(model: keras.Model) -> Iterator[None]:
    weights(model)  # refuses what is no model
    kept = model.get_weights()
    try:
        yield
    finally:
        model.set_weights(kept)


def _shuffled(model: keras.Model, seed: int) -> Iterator[str]:
    """Shuffle layer after layer, from the output on; the path of each, once it is done."""
    # Counters and the like are whole numbers and no knowledge.
    learnt = [
        (place.path, [weight for weight in named.values() if "float" in weight.dtype])
        for place, named in weights(model)
    ]
    learnt = [(path, held) for path, held in learnt if held]
    if not learnt:
        raise InputError(
            "expected a model with weights, received one without: build it, or call it once"
        )
    for number, (path, held) in enumerate(reversed(learnt)):
        rng = np.random.default_rng((seed, number))
        for weight in held:
            values = np.asarray(weight)
            weight.assign(rng.permutation(values.ravel()).reshape(values.shape))
        yield path


def rank_correlation(maps: Any, others: Any) -> np.ndarray:
    """Spearman's of each pair of maps, (count,): 1 where they order the pixels alike, 0 by chance.

    It is 0, too, where one map is the same everywhere.
    """
    maps = check_maps(maps)
    both = (maps, check_maps(others, maps.shape))
    ranks = [rankdata(one.reshape(len(one), -1), axis=1) for one in both]
    ranks = [rank - rank.mean(axis=1, keepdims=True) for rank in ranks]
    product = (ranks[0] * ranks[1]).sum(axis=1)
    size = np.sqrt((ranks[0] ** 2).sum(axis=1) * (ranks[1] ** 2).sum(axis=1))
    return np.divide(product, size, out=np.zeros(len(product)), where=size > 0)
