"""What every layer gives, in one pass; and which channels never give anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.errors import InputError
from course_utils.explain.taps import Heard, find, listening
from course_utils.explain.tracing import Compiled, batches, check_pictures, compiled

if TYPE_CHECKING:
    import keras

__all__ = ["Silence", "activations", "silent_channels"]


def activations(
    network: keras.Model,
    pictures: np.ndarray,
    *,
    layers: Sequence[str] | None = None,
    batch_size: int = 64,
) -> dict[str, np.ndarray]:
    """What layers give for pictures, all in one pass.

    Args:
        network: as for `grad_cam`.
        pictures: likewise.
        layers: names or paths of those wanted; None is all, which for many pictures is much.
        batch_size: pictures at a time.

    Returns:
        Path to array (count, …) in the layer's own dtype, in the order of the pass. Of a layer
        that is used several times, its last use.

    Raises:
        InputError: no such layer (lists them), or pictures that the network cannot take.

    Example:
        >>> import keras
        >>> network = keras.Sequential([keras.Input((4, 4, 1)),
        ...     keras.layers.Conv2D(2, 3, name="a"), keras.layers.Flatten(name="b")])
        >>> given = activations(network, np.ones((5, 4, 4, 1)))
        >>> {path: array.shape for path, array in given.items()}
        {'a': (5, 2, 2, 2), 'b': (5, 8)}
    """
    checked = check_pictures(network, pictures)
    wanted = None if layers is None else _names(layers)
    function = _pass(network, checked.shape[1:], "activations", wanted, lambda output: output)
    parts = [function(checked[rows]) for rows in batches(len(checked), batch_size)]
    return {path: np.concatenate([part[path].numpy() for part in parts]) for path in parts[0]}


@dataclass(frozen=True, eq=False)
class Silence:
    """Which channels of a layer say nothing.

    Attributes:
        channels: how many there are.
        dead: numbers of those that give the same at every place of every picture, as 0 behind a
            ReLU: they say nothing about any picture.
        empty: mean over pictures of the share of channels that are the same all over one picture.
    """

    channels: int
    dead: tuple[int, ...]
    empty: float

    @property
    def share_dead(self) -> float:
        """Share of dead channels, in [0, 1]."""
        return len(self.dead) / self.channels


def silent_channels(
    network: keras.Model,
    pictures: np.ndarray,
    *,
    layers: Sequence[str] | None = None,
    batch_size: int = 64,
) -> dict[str, Silence]:
    """Dead and empty channels of layers, over a whole data set.

    One picture misleads: a channel that is silent on it may be meant for another. Only the lowest
    and the highest value of each channel are kept, so the pictures may be many.

    Args:
        network: as for `grad_cam`.
        pictures: likewise.
        layers: names or paths of those wanted; None is all with maps.
        batch_size: pictures at a time.

    Returns:
        Path to what is silent, in the order of the pass.

    Raises:
        InputError: as `activations`.

    Example:
        >>> import keras
        >>> conv = keras.layers.Conv2D(3, 1, activation="relu", name="conv")
        >>> network = keras.Sequential([keras.Input((4, 4, 1)), conv])
        >>> conv.set_weights([np.array([[[[1.0, -1.0, 2.0]]]]), np.zeros(3)])
        >>> pictures = np.random.default_rng(0).random((5, 4, 4, 1))
        >>> silent_channels(network, pictures)["conv"].dead
        (1,)
    """
    checked = check_pictures(network, pictures)
    wanted = None if layers is None else _names(layers)

    def ends(output: Any) -> Any:
        import tensorflow as tf

        output = tf.cast(output, tf.float32)
        return tf.reduce_min(output, axis=(1, 2)), tf.reduce_max(output, axis=(1, 2))

    function = _pass(network, checked.shape[1:], "ends", wanted, ends, spatial=True)
    parts = [function(checked[rows]) for rows in batches(len(checked), batch_size)]
    silence = {}
    for path in parts[0]:
        low = np.concatenate([part[path][0].numpy() for part in parts])
        high = np.concatenate([part[path][1].numpy() for part in parts])
        dead = low.min(axis=0) == high.max(axis=0)
        silence[path] = Silence(
            low.shape[-1],
            tuple(int(k) for k in np.flatnonzero(dead)),
            float((low == high).mean()),
        )
    return silence


def _names(layers: Any) -> tuple[str, ...]:
    if isinstance(layers, str) or not all(isinstance(name, str) for name in layers):
        raise InputError(
            f"expected a list of names of layers, received {layers!r}: "
            'give for example layers=["conv1", "conv2"]'
        )
    return tuple(layers)


def _pass(
    network: keras.Model,
    shape: tuple[int, ...],
    name: str,
    wanted: tuple[str, ...] | None,
    reduce: Any,
    *,
    spatial: bool = False,
) -> Any:
    """A compiled function from pictures to path → what `reduce` makes of the output."""

    def make(model: Any) -> Any:
        import tensorflow as tf

        def function(pictures: Any) -> dict[str, Any]:
            heard: dict[str, Heard] = {}
            with listening(model(), lambda one: heard.update({one.path: one})):
                model()(pictures, training=False)
            known = {
                path: one.output
                for path, one in heard.items()
                if one.output.graph is pictures.graph and (one.is_spatial or not spatial)
            }
            if wanted is None:
                chosen = list(known)
            else:
                what = "layers with maps" if spatial else "layers"
                chosen = [find(list(known), name, what=what) for name in wanted]
            return {path: reduce(known[path]) for path in chosen}

        return Compiled(function, (tf.TensorSpec((None, *shape), tf.float32),))

    return compiled(network, (name, shape, wanted), make)
