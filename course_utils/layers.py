"""The layers of a model, each with its path: in nested models, in wrappers, in blocks of layers.

The one walk that `architecture`, `explain` and `transfer` share. Paths are unique: where layers of
one block, or weights of one layer, have the same name, they are numbered (`block/conv:1`).
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from course_utils import compat
from course_utils.backend import keras
from course_utils.errors import InputError

__all__ = ["Place", "find", "walk", "weights"]


class Place(NamedTuple):
    """A layer and its path, as "base/block1/conv"."""

    path: str
    layer: keras.Layer


def walk(model: keras.Model) -> list[Place]:
    """Every layer in a model, built or not, in the order of `model.layers`.

    A nested model, wrapper or block stands behind the layers in it. A layer that is used twice
    stands once, where it is met first. Inputs are left out, and so is the model itself.

    Raises:
        InputError: it is no model.

    Example:
        >>> base = keras.Sequential([keras.layers.Dense(2, name="a")], name="base")
        >>> [place.path for place in walk(keras.Sequential([base, keras.layers.Dense(1)]))][:2]
        ['base/a', 'base']
    """
    if not isinstance(model, keras.Model):
        raise InputError(
            f"expected a Keras model, received {type(model).__name__}: "
            "give the model itself, not its name, its weights or one of its layers"
        )
    found: dict[int, Place] = {}
    _walk(model, "", found)
    return list(found.values())


def _walk(outer: keras.Layer, prefix: str, found: dict[int, Place]) -> None:
    inner = compat.inner_layers(outer)
    for name, layer in zip(_numbered(layer.name for layer in inner), inner, strict=True):
        if id(layer) not in found:
            _walk(layer, f"{prefix}{name}/", found)
            found[id(layer)] = Place(prefix + name, layer)


def find(paths: Sequence[str], name: str, *, what: str = "layers") -> str:
    """The one of the paths that a name means: a path, or the end of one, as "conv" of "base/conv".

    The name of a nested model or block that is not itself among the paths means its last layer.
    A whole path comes before an end of another. `what` the paths are is for the message.

    Raises:
        InputError: there is no such path (names the nearest), or more than one.

    Example:
        >>> find(["base/conv1", "base/conv2", "head"], "conv1")
        'base/conv1'
        >>> find(["base/conv1", "base/conv2", "head"], "base")
        'base/conv2'
    """
    known = list(dict.fromkeys(part for path in paths for part in [*_around(path), path]))
    plain = {path: re.sub(r":\d+(?=/|$)", "", path) for path in known}
    if name in known:
        meant = [name]
    else:
        end = f"/{name}"
        meant = [p for p in known if f"/{p}".endswith(end) or f"/{plain[p]}".endswith(end)]
    if len(meant) > 1:
        raise InputError(
            f"expected a name that one of the {what} has, received {name!r}, which is several "
            f"({', '.join(meant)}): give one of these paths"
        )
    if meant:
        within = [path for path in paths if path.startswith(f"{meant[0]}/")]
        return meant[0] if meant[0] in paths else within[-1]
    short = [path.rsplit("/", 1)[-1] for path in known]
    near = difflib.get_close_matches(str(name), [*short, *known], n=1, cutoff=0.0)
    listed = ", ".join(paths if len(paths) <= 12 else [*paths[:2], "…", *paths[-9:]])
    raise InputError(
        f"expected one of the {len(paths)} {what} ({listed}), received {name!r}: "
        + (f"did you mean {near[0]!r}?" if near else "this model has none")
    )


def weights(model: keras.Model) -> list[tuple[Place, dict[str, keras.Variable]]]:
    """Every weight of a model once, by name, with the layer that it belongs to.

    In the order of `walk`, layers without weights of their own left out. A block's or nested
    model's own weights stand behind those of the layers in it, and the model's own at the end,
    under the empty path.

    Example:
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="head")])
        >>> [(place.path, list(named)) for place, named in weights(model)]
        [('head', ['kernel', 'bias'])]
    """
    met: set[int] = set()
    found = []
    for place in [*walk(model), Place("", model)]:
        own = [weight for weight in place.layer.weights if id(weight) not in met]
        met.update(map(id, own))
        if own:
            names = _numbered(weight.name for weight in own)
            found.append((place, dict(zip(names, own, strict=True))))
    return found


def _around(path: str) -> list[str]:
    """The paths of the models and blocks that a layer is in, from the outermost."""
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def _numbered(names: Iterable[str]) -> list[str]:
    """The names, those that occur more than once with a number."""
    names = list(names)
    times, so_far = Counter(names), Counter()
    numbered = []
    for name in names:
        so_far[name] += 1
        numbered.append(f"{name}:{so_far[name]}" if times[name] > 1 else name)
    return numbered
