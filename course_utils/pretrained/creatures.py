"""The course's own base: a small convnet that has seen 21 sorts of animals and things, no pets.

Made by `data_scripts/make_base.py`; `creatures.json` beside the weights says from what.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from course_utils.backend import keras
from course_utils.errors import WorldError

__all__ = ["FILTERS", "build", "build_classifier", "fill", "provenance", "read", "write"]

FILTERS = (16, 32, 64, 128, 128)
"""Of the five blocks. The first halves the image by its stride, the next three by pooling."""

_WEIGHTS = Path(__file__).with_name("creatures.npz")
_PROVENANCE = Path(__file__).with_name("creatures.json")


def build(image_shape: tuple[int, int, int]) -> keras.Model:
    """The base with first weights from Keras' global seed.

    From images (batch, height, width, 3) in −1 to 1 to feature maps
    (batch, height / 16, width / 16, 128), 0 and more.
    """
    inputs = flow = keras.layers.Input(image_shape)
    for block, filters in enumerate(FILTERS, 1):
        name = f"block{block}"
        # No bias: the normalization behind it would take it away again, and has its own.
        flow = keras.layers.Conv2D(
            filters,
            3,
            strides=2 if block == 1 else 1,
            padding="same",
            use_bias=False,
            name=f"{name}_conv",
        )(flow)
        flow = keras.layers.BatchNormalization(momentum=0.95, name=f"{name}_norm")(flow)
        flow = keras.layers.ReLU(name=f"{name}_relu")(flow)
        if 1 < block < len(FILTERS):
            flow = keras.layers.MaxPooling2D(2, name=f"{name}_pool")(flow)
    return keras.Model(inputs, flow, name="creature_base")


def build_classifier(base: keras.Model, classes: int) -> keras.Model:
    """The base with the head it was trained with: average pooling and one logit for each class."""
    pooled = keras.layers.GlobalAveragePooling2D(name="pool")(base.output)
    logits = keras.layers.Dense(classes, name="logits")(pooled)
    return keras.Model(base.input, logits, name="classifier")


def write(model: keras.Model, path: Path) -> None:
    """Keep a model's weights, by layer and name, in half precision: half the size.

    What rounding to 11 bits costs is in the accuracy that is published: it is measured on the
    weights as they are read back.
    """
    np.savez_compressed(
        path,
        **{
            f"{layer.name}/{weight.name}": np.asarray(weight).astype(np.float16)
            for layer in model.layers
            for weight in layer.weights
        },
    )


def read(path: Path = _WEIGHTS) -> dict[str, np.ndarray]:
    """Weights by "layer/name", float32; a WorldError if the file is missing or not whole."""
    try:
        with path.open("rb") as file, np.load(file) as kept:
            return {name: kept[name].astype(np.float32) for name in kept.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise WorldError(
            f"expected the weights of the course's base in {path}, they cannot be read "
            f"({error}): install the course again, or make them by data_scripts/make_base.py"
        ) from None


def fill(model: keras.Model, kept: dict[str, np.ndarray]) -> None:
    """Give a model, the base or the classifier, the weights that were kept for its layers."""
    for layer in model.layers:
        for weight in layer.weights:
            weight.assign(kept[f"{layer.name}/{weight.name}"])


@cache
def provenance() -> dict[str, Any]:
    """How the weights were made, and how good they are on the task they were made on."""
    return json.loads(_PROVENANCE.read_text(encoding="utf-8"))
