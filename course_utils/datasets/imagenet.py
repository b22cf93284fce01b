"""Networks with real ImageNet weights, opened without a network where the files are at hand."""

from __future__ import annotations

import json
import os
from pathlib import Path

from course_utils.datasets import registry

__all__ = ["class_names", "weights"]

_CLASSES = "imagenet_class_index.json"


def weights(file_name: str) -> str:
    """What to give to a Keras application as `weights`.

    Args:
        file_name: under which Keras keeps the weights, as
            "mobilenet_2_5_224_tf_no_top.h5" (MobileNet, alpha 0.25, 224, without its head).

    Returns:
        The path of the file in the folder of downloads (`imagenet/`, compared with its hash) or
        in Keras' own folder (`KERAS_HOME/models`); "imagenet" if it is in neither, so that Keras
        downloads it.

    Raises:
        InputError: the file in the folder of downloads is not the right one.

    Example:
        >>> weights("no_such_file.h5")
        'imagenet'
    """
    path = _here(file_name)
    return "imagenet" if path is None else str(path)


def class_names() -> tuple[str, ...] | None:
    """The 1,000 class names in the order of the outputs, or None if their file is not at hand.

    Raises:
        InputError: the file in the folder of downloads is not the right one.

    Example:
        >>> names = class_names()
        >>> names is None or names[386] == "African_elephant"
        True
    """
    path = _here(_CLASSES)
    if path is None:
        return None
    table = json.loads(path.read_text(encoding="utf-8"))
    return tuple(table[str(index)][1] for index in range(len(table)))


def _here(file_name: str) -> Path | None:
    listed = registry.entries().get("imagenet", {}).get("files", [])
    known = any(file.get("name") == file_name for file in listed)
    if known and registry.here("imagenet", file_name):
        return registry.verified("imagenet", only=file_name)[file_name]
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras").expanduser()
    path = home / "models" / file_name
    return path if os.access(path, os.R_OK) else None
