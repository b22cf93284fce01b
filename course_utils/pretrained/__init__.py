"""Pretrained bases: convolutional networks without a head that have seen other pictures before.

`open("creatures")` is the course's own, which comes with the package; `open("mobilenet")` and
`open("mobilenet_v2")` are small networks with real ImageNet weights. All are used in one way, so a
chapter changes its base by one parameter.

Example:
    >>> from course_utils import pretrained
    >>> base = pretrained.open("creatures")
    >>> base.network.output_shape, base.network.count_params()
    ((None, 4, 4, 128), 246...)
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from course_utils.errors import InputError

if TYPE_CHECKING:
    import keras

__all__ = ["Base", "creature_base", "creature_classifier", "names", "open", "provenance"]

WEIGHTS = ("pretrained", "random")


@dataclass(frozen=True, eq=False)
class Base:
    """A network without a head, and what there is to know before it is used.

    Attributes:
        name: as `open` was asked.
        network: from pictures as it was trained on them to feature maps; nothing is frozen.
        stages: names of the layers where its stages end, from the picture to the features: each
            sees more of the picture than the one before.
        last_block: name of the first layer of its last block, where fine-tuning usually starts.
        seen: what it was trained on, in words.
        licence: of its weights.
    """

    name: str
    network: keras.Model
    stages: tuple[str, ...]
    last_block: str
    seen: str
    licence: str

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the pictures it was built for."""
        return tuple(self.network.input_shape[1:])

    def preprocessing(self) -> keras.Layer:
        """A new layer that turns pictures in [0, 1] into what the network was trained on.

        Another base may want something else: this belongs to the base as its weights do. All
        that are here want −1 to 1.

        Returns:
            A layer without weights, to stand before `network` in a model, or to be called.

        Example:
            >>> import numpy as np
            >>> layer = open("creatures", weights="random").preprocessing()
            >>> layer(np.array([0.0, 0.5, 1.0])).numpy().tolist()
            [-1.0, 0.0, 1.0]
        """
        import keras

        return keras.layers.Rescaling(2.0, offset=-1.0)

    def __repr__(self) -> str:
        return (
            f"{self.name}: {self.image_shape} to {tuple(self.network.output_shape[1:])}, "
            f"{self.network.count_params():,} parameters, {self.seen} ({self.licence})"
        )


def names() -> tuple[str, ...]:
    """The bases that `open` knows: the course's own, then those with ImageNet weights.

    Example:
        >>> names()
        ('creatures', 'mobilenet', 'mobilenet_v2')
    """
    return tuple(_OPENERS)


def open(
    name: str,
    *,
    image_shape: tuple[int, int, int] | None = None,
    weights: str = "pretrained",
) -> Base:
    """Open a base.

    Args:
        name: "creatures" (the course's own: 21 drawn animals and things, no cat and no dog;
            offline), "mobilenet" (alpha 0.25) or "mobilenet_v2" (alpha 0.35), both with ImageNet
            weights from the folder of downloads or Keras' own folder, else downloaded.
        image_shape: (height, width, 3), 32×32 or more; None is (64, 64, 3) for "creatures" and
            (160, 160, 3) for the others.
        weights: "pretrained", or "random" for the same network before it has seen anything:
            from Keras' global seed, what pretraining is to be compared with.

    Returns:
        The base, not frozen.

    Raises:
        InputError: unknown name, a shape it cannot take, or a file of weights that was altered.
        WorldError: the weights are not at hand and cannot be downloaded.

    Example:
        >>> open("creatures", image_shape=(96, 96, 3)).network.output_shape
        (None, 6, 6, 128)
    """
    if name not in _OPENERS:
        near = difflib.get_close_matches(str(name), names(), n=1, cutoff=0.0)
        raise InputError(
            f"expected one of the bases {', '.join(names())}, received {name!r}: "
            f"did you mean {near[0]!r}?"
        )
    _check_weights(weights)
    if image_shape is None:
        image_shape = (64, 64, 3) if name == "creatures" else (160, 160, 3)
    return _OPENERS[name](_checked_shape(image_shape), weights)


def creature_base(
    *, image_shape: tuple[int, int, int] = (64, 64, 3), weights: str = "pretrained"
) -> keras.Model:
    """The course's own base as a plain Keras model: five blocks, 16 to 128 filters.

    Args:
        image_shape: (height, width, 3), 32×32 or more.
        weights: "pretrained" or "random", as for `open`.

    Returns:
        From pictures (batch, height, width, 3) in −1 to 1 to feature maps (batch, height / 16,
        width / 16, 128). Layers: block1_conv, block1_norm, block1_relu, …, block5_relu.

    Raises:
        InputError: a shape it cannot take, or other weights.

    Example:
        >>> creature_base().get_layer("block5_relu").output.shape
        (None, 4, 4, 128)
    """
    from course_utils.pretrained import creatures

    _check_weights(weights)
    network = creatures.build(_checked_shape(image_shape))
    if weights == "pretrained":
        creatures.fill(network, creatures.read())
    return network


def creature_classifier() -> keras.Model:
    """The course's own base with the head that it was trained with: logits of its 21 classes.

    Its classes, in order, are `provenance()["pictures"]["classes"]`.

    Example:
        >>> creature_classifier().output_shape
        (None, 21)
    """
    from course_utils.pretrained import creatures

    model = creatures.build_classifier(
        creatures.build((64, 64, 3)), len(provenance()["pictures"]["classes"])
    )
    creatures.fill(model, creatures.read())
    return model


def provenance() -> dict[str, Any]:
    """What the course's own base was made from, and how good it is at what it was made for.

    Example:
        >>> provenance()["made_by"]
        'data_scripts/make_base.py'
    """
    from course_utils.pretrained import creatures

    return creatures.provenance()


def _open_creatures(image_shape: tuple[int, int, int], weights: str) -> Base:
    from course_utils.pretrained import creatures

    classes = len(provenance()["pictures"]["classes"])
    return Base(
        name="creatures",
        network=creature_base(image_shape=image_shape, weights=weights),
        stages=tuple(f"block{block}_relu" for block in range(1, len(creatures.FILTERS) + 1)),
        last_block=f"block{len(creatures.FILTERS)}_conv",
        seen=_seen(f"trained on {classes} drawn animals and things", weights),
        licence=provenance()["licence"],
    )


def _open_imagenet(name: str) -> Callable[[tuple[int, int, int], str], Base]:
    def opener(image_shape: tuple[int, int, int], weights: str) -> Base:
        from course_utils.pretrained import imagenet

        facts = imagenet.NETWORKS[name]
        return Base(
            name=name,
            network=imagenet.build(name, image_shape, pretrained=weights == "pretrained"),
            stages=facts.stages,
            last_block=facts.last_block,
            seen=_seen("trained on ImageNet", weights),
            licence=facts.licence,
        )

    return opener


_OPENERS = {
    "creatures": _open_creatures,
    "mobilenet": _open_imagenet("mobilenet"),
    "mobilenet_v2": _open_imagenet("mobilenet_v2"),
}


def _seen(what: str, weights: str) -> str:
    return what if weights == "pretrained" else "random weights"


def _check_weights(weights: object) -> None:
    if weights not in WEIGHTS:
        raise InputError(
            f"expected weights to be 'pretrained' or 'random', received {weights!r}: "
            "which network it is, is said by its name"
        )


def _checked_shape(image_shape: object) -> tuple[int, int, int]:
    good = (
        isinstance(image_shape, tuple | list)
        and len(image_shape) == 3
        and all(isinstance(size, int) and not isinstance(size, bool) for size in image_shape)
    )
    if not good:
        raise InputError(
            "expected the shape of one picture, (height, width, 3), such as (64, 64, 3), "
            f"received {image_shape!r}: leave the batch out"
        )
    if image_shape[2] != 3:
        raise InputError(
            "expected pictures of 3 channels, red, green and blue, which a pretrained base has "
            f"seen, received {image_shape[2]}: "
            + (
                "repeat the grey channel, np.repeat(pictures, 3, axis=-1)"
                if image_shape[2] == 1
                else "keep the three colours of each picture, pictures[..., :3]"
            )
        )
    if min(image_shape[:2]) < 32:
        raise InputError(
            f"expected pictures of 32×32 or more, received {image_shape[0]}×{image_shape[1]}: "
            "the base makes them smaller 16 times and more, and would leave next to nothing"
        )
    return tuple(image_shape)
