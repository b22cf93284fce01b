"""All that features follow from, in a few letters: a network's and its pictures' fingerprints."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils import cache
from course_utils.errors import InputError
from course_utils.transfer.walking import walk

if TYPE_CHECKING:
    import keras

    from course_utils.datasets import Part, StreamedPart

__all__ = ["network_key", "pictures_key"]


def network_key(network: keras.Model) -> str:
    """A hash of a network's layers, settings and weights.

    Names that Keras numbers through, and what is trainable, do not count.

    Raises:
        InputError: a subclassed network, which cannot say what it is made of.

    Example:
        >>> import keras
        >>> pool = [keras.Sequential([keras.layers.GlobalMaxPooling2D()]) for _ in range(2)]
        >>> network_key(pool[0]) == network_key(pool[1])
        True
    """
    import keras

    try:
        config = network.get_config()
        json.dumps(config)
    except (NotImplementedError, TypeError):
        config = None
    if not config or "layers" not in config:
        raise InputError(
            "expected a Sequential or functional network, whose layers can be read, received "
            f"{type(network).__name__}: use `features`, or build it from keras.Input and layers"
        )
    plain = json.dumps(_layer(config, {}), sort_keys=True)
    digest = hashlib.sha256(f"{keras.__version__} {plain}".encode())
    for _, layer in walk(network):
        for weight in layer.weights:
            array = weight.numpy()
            digest.update(f"{array.dtype} {array.shape}".encode() + array.tobytes())
    return digest.hexdigest()


def pictures_key(pictures: np.ndarray | Part | StreamedPart) -> str:
    """A hash of every picture; of those that lie in files, of the files and their size.

    Example:
        >>> pictures_key(np.zeros((1, 2, 2, 3))) == pictures_key(np.zeros((1, 2, 2, 3)))
        True
    """
    digest = hashlib.sha256()
    if hasattr(pictures, "paths"):
        digest.update(f"files at {pictures.image_shape}".encode())
        for path in pictures.paths:
            digest.update(bytes.fromhex(cache.file_hash(path)))
    else:
        is_array = isinstance(pictures, np.ndarray)
        array = np.ascontiguousarray(pictures if is_array else pictures.images)
        origin = "array" if is_array else "part"
        digest.update(f"{origin} {array.dtype} {array.shape}".encode())
        digest.update(array.view(np.uint8).data if array.size else b"")
    return digest.hexdigest()


def _layer(config: dict[str, Any], numbers: dict[str, str]) -> dict[str, Any]:
    """A layer's or network's settings, its name replaced by a number in the order of appearance."""
    told = {}
    for key, value in config.items():
        if key == "name":
            told[key] = _number(value, numbers)
        elif key == "layers":
            told[key] = [
                _layer({**entry, "config": _layer(entry["config"], numbers)}, numbers)
                for entry in value
            ]
        elif key in ("input_layers", "output_layers"):
            told[key] = _ends(value, numbers)
        # What a layer was built for follows from its weights; whether they learn does not matter.
        elif key not in ("build_config", "build_input_shape", "trainable"):
            told[key] = _plain(value, numbers)
    return told


def _plain(value: Any, numbers: dict[str, str]) -> Any:
    """Other settings, in which only the wiring names layers."""
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            name, *place = value["config"]["keras_history"]
            return [_number(name, numbers), *place]
        return {key: _plain(part, numbers) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part, numbers) for part in value]
    return value


def _ends(value: Any, numbers: dict[str, str]) -> Any:
    if isinstance(value, str):
        return _number(value, numbers)
    if isinstance(value, list | tuple):
        return [_ends(part, numbers) for part in value]
    return value


def _number(name: str, numbers: dict[str, str]) -> str:
    return numbers.setdefault(name, f"#{len(numbers)}")
