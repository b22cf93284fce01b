"""Small networks with real ImageNet weights, by files at hand or by one download."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from course_utils.errors import WorldError

if TYPE_CHECKING:
    import keras

__all__ = ["NETWORKS", "build"]


@dataclass(frozen=True)
class Network:
    """One network of Keras' applications.

    Attributes:
        builder: its name in `keras.applications`.
        alpha: its width.
        file: under which Keras keeps its weights without head (224×224; they serve other sizes).
        stages: layers where the picture has been halved once more, or the features end.
        last_block: first layer of the last block.
        licence: of the weights.
    """

    builder: str
    alpha: float
    file: str
    stages: tuple[str, ...]
    last_block: str
    licence: str = "Apache-2.0"


NETWORKS = {
    "mobilenet": Network(
        "MobileNet",
        0.25,
        "mobilenet_2_5_224_tf_no_top.h5",
        tuple(f"conv_pw_{block}_relu" for block in (1, 3, 5, 11, 13)),
        "conv_dw_13",
    ),
    "mobilenet_v2": Network(
        "MobileNetV2",
        0.35,
        "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5",
        ("expanded_conv_project_BN", "block_2_add", "block_5_add", "block_12_add", "out_relu"),
        "block_16_expand",
    ),
}


def build(name: str, image_shape: tuple[int, int, int], *, pretrained: bool) -> keras.Model:
    """A network without head.

    Args:
        name: a key of `NETWORKS`.
        image_shape: (height, width, 3), 32×32 or more.
        pretrained: False keeps first weights, from Keras' global seed.

    Returns:
        From pictures in −1 to 1 to feature maps (batch, height / 32, width / 32, channels).

    Raises:
        InputError: the file of weights in the folder of downloads was altered.
        WorldError: no file is at hand, and none can be downloaded.
    """
    import keras

    facts = NETWORKS[name]
    path = _path(facts.file) if pretrained else None
    return getattr(keras.applications, facts.builder)(
        input_shape=image_shape, alpha=facts.alpha, include_top=False, weights=path, name=name
    )


def _path(file_name: str) -> str:
    from course_utils.datasets import imagenet, registry

    path = imagenet.weights(file_name)
    if path != "imagenet":
        return path
    # Keras would choose another file for another size, or warn: one file is right for all here.
    import keras

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
