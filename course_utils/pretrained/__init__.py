"""Pretrained bases: convolutional networks without a head that have seen other images before.

`open("creatures")` is the course's own, trained on drawings, which comes with the package.
`open("efficientnet_lite0")` was trained on the photographs of ImageNet; its weights come with a
package of their own, so it needs no network. `open("mobilenet")` and `open("mobilenet_v2")` are
smaller ones with weights from Keras. All are used in one way, so a chapter changes its base by one
parameter.

Example:
    >>> base = open("creatures")
    >>> base.network.output_shape, base.network.count_params()
    ((None, 4, 4, 128), 246...)
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

from course_utils import checks
from course_utils.backend import keras
from course_utils.datasets import imagenet, registry
from course_utils.errors import InputError, WorldError
from course_utils.pretrained import creatures, efficientnet_lite0

__all__ = ["NAMES", "Base", "creature_classifier", "open", "provenance"]


@dataclass(frozen=True, eq=False)
class Base:
    """A network, and what there is to know before it is used.

    Attributes:
        name: as `open` was asked.
        network: from images as it was trained on them to feature maps, or to the logits of its
            classes if it has its head; nothing is frozen.
        stages: names of the layers where its stages end, from the image to the features: each
            sees more of the image than the one before.
        seen: what it was trained on, in words.
        license: of its weights.
        scaling: (scale, offset): what it was trained on is `scale · image + offset` of images in
            [0, 1].
        classes: of its logits, in words; () without a head.
    """

    name: str
    network: keras.Model
    stages: tuple[str, ...]
    seen: str
    license: str
    scaling: tuple[float, float] = (2.0, -1.0)
    classes: tuple[str, ...] = ()

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the images it was built for."""
        return tuple(self.network.input_shape[1:])

    def preprocessing(self) -> keras.Layer:
        """A new layer that turns images in [0, 1] into what the network was trained on.

        Another base may want something else: this belongs to the base as its weights do.

        Returns:
            A layer without weights, to stand before `network` in a model, or to be called.

        Example:
            >>> import numpy as np
            >>> layer = open("creatures", weights="random").preprocessing()
            >>> layer(np.array([0.0, 0.5, 1.0])).numpy().tolist()
            [-1.0, 0.0, 1.0]
        """
        scale, offset = self.scaling
        return keras.layers.Rescaling(scale, offset=offset)

    def __repr__(self) -> str:
        return (
            f"{self.name}: {self.image_shape} to {tuple(self.network.output_shape[1:])}, "
            f"{self.network.count_params():,} parameters, {self.seen} ({self.license})"
        )


@dataclass(frozen=True)
class _Application:
    """A network of `keras.applications`: its width, its file of weights without head, its stages.

    The weights were trained at 224×224 and serve other sizes.
    """

    build: Any
    alpha: float
    file: str
    stages: tuple[str, ...]


_APPLICATIONS = {
    "mobilenet": _Application(
        keras.applications.MobileNet,
        0.25,
        "mobilenet_2_5_224_tf_no_top.h5",
        tuple(f"conv_pw_{block}_relu" for block in (1, 3, 5, 11, 13)),
    ),
    "mobilenet_v2": _Application(
        keras.applications.MobileNetV2,
        0.35,
        "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5",
        ("expanded_conv_project_BN", "block_2_add", "block_5_add", "block_12_add", "out_relu"),
    ),
}

NAMES = ("creatures", "efficientnet_lite0", *_APPLICATIONS)
"""The bases that `open` knows: the course's own, then those with ImageNet weights."""


def open(
    name: str,
    *,
    image_shape: tuple[int, int, int] | None = None,
    weights: str = "pretrained",
    head: bool = False,
) -> Base:
    """Open a base.

    Args:
        name: "creatures" (the course's own: 21 drawn animals and things, no cat and no dog;
            offline), "efficientnet_lite0" (1,000 classes of photographs; offline), "mobilenet"
            (alpha 0.25) or "mobilenet_v2" (alpha 0.35), both with ImageNet weights from the folder
            of downloads or Keras' own folder, else downloaded.
        image_shape: (height, width, 3), 32×32 or more; None is (64, 64, 3) for "creatures",
            (224, 224, 3) for "efficientnet_lite0" and (160, 160, 3) for the others.
        weights: "pretrained", or "random" for the same network before it has seen anything:
            from Keras' global seed, what pretraining is to be compared with.
        head: with the head that it was trained with, which gives the logits of its `classes`;
            "creatures" and "efficientnet_lite0" have one here.

    Returns:
        The base, not frozen.

    Raises:
        InputError: unknown name, a shape it cannot take, a head that is not here, or a file of
            weights that was altered.
        WorldError: the weights are not at hand and cannot be downloaded.

    Example:
        >>> open("creatures", image_shape=(96, 96, 3)).network.output_shape
        (None, 6, 6, 128)
    """
    if name not in NAMES:
        near = difflib.get_close_matches(str(name), NAMES, n=1, cutoff=0.0)
        raise InputError(
            f"expected one of the bases {', '.join(NAMES)}, received {name!r}: "
            f"did you mean {near[0]!r}?"
        )
    if weights not in ("pretrained", "random"):
        raise InputError(
            f"expected weights to be 'pretrained' or 'random', received {weights!r}: "
            "which network it is, is said by its name"
        )
    if image_shape is None:
        side = {"creatures": 64, "efficientnet_lite0": 224}.get(name, 160)
        image_shape = (side, side, 3)
    image_shape = checks.image_shape(image_shape, smallest=32)
    if image_shape[2] != 3:
        raise InputError(
            "expected images of 3 channels, red, green and blue, which a pretrained base has "
            f"seen, received {image_shape[2]}: repeat a gray channel, np.repeat(images, 3, axis=-1)"
            "; of more channels, keep the three colors, images[..., :3]"
        )
    if head and name in _APPLICATIONS:
        raise InputError(
            f"expected a base whose head is here, 'creatures' or 'efficientnet_lite0', received "
            f"{name!r}: leave `head`, and train a head of your own"
        )
    is_pretrained = weights == "pretrained"
    scaling, classes = (2.0, -1.0), ()
    if name == "creatures":
        network = creatures.build(image_shape)
        if head:
            classes = tuple(provenance()["pictures"]["classes"])
            network = creatures.build_classifier(network, len(classes))
        if is_pretrained:
            creatures.fill(network, creatures.read())
        stages = tuple(f"block{block}_relu" for block in range(1, len(creatures.FILTERS) + 1))
        seen = f"trained on {len(provenance()['pictures']['classes'])} drawn animals and things"
        license = provenance()["licence"]
    elif name == "efficientnet_lite0":
        network = efficientnet_lite0.build(image_shape, head=head, pretrained=is_pretrained)
        classes = efficientnet_lite0.class_names() if head else ()
        stages, scaling = efficientnet_lite0.STAGES, efficientnet_lite0.SCALING
        seen, license = "trained on ImageNet", efficientnet_lite0.LICENSE
    else:
        facts = _APPLICATIONS[name]
        network = facts.build(
            input_shape=image_shape,
            alpha=facts.alpha,
            include_top=False,
            weights=_path(facts.file) if is_pretrained else None,
            name=name,
        )
        stages, seen, license = facts.stages, "trained on ImageNet", "Apache-2.0"
    seen = seen if is_pretrained else "random weights"
    return Base(name, network, stages, seen, license, scaling, classes)


def creature_classifier() -> keras.Model:
    """The course's own base with the head that it was trained with: logits of its 21 classes.

    Its classes, in order, are `provenance()["pictures"]["classes"]`.

    Example:
        >>> creature_classifier().output_shape
        (None, 21)
    """
    return open("creatures", head=True).network


def provenance() -> dict[str, Any]:
    """What the course's own base was made from, and how good it is at what it was made for.

    Example:
        >>> provenance()["made_by"]
        'data_scripts/make_base.py'
    """
    return creatures.provenance()


def _path(file_name: str) -> str:
    """The file of weights, downloaded if it is not at hand."""
    path = imagenet.weights(file_name)
    if path != "imagenet":
        return path
    # Keras would choose another file for another size, or warn: one file is right for all here.
    facts = next(file for file in registry.entry("imagenet")["files"] if file["name"] == file_name)
    try:
        return keras.utils.get_file(
            file_name, facts["urls"][0], cache_subdir="models", file_hash=facts["sha256"]
        )
    except Exception as error:
        # Keras raises a bare Exception for whatever went wrong on the way.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WorldError(
            f"expected {file_name} at hand or from {facts['urls'][0]}, it did not come "
            f"({reason}): run `course data imagenet` where there is a network, or name the "
            "folder that holds imagenet/ in COURSE_DATA_DIR"
        ) from None
