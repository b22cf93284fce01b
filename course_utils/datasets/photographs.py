"""The few single photographs that chapters show, each with its licence."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

import numpy as np

from course_utils.errors import InputError

__all__ = ["Photograph", "photograph"]

# Bundled in scikit-image's wheel, so that they are there without a network.
_BUNDLED = {
    "astronaut": "NASA, public domain",
    "camera": "Lav Varshney, CC0",
    "chelsea": "Stéfan van der Walt, CC0",
    "coffee": "Rachel Michetti, CC0",
    "rocket": "SpaceX, public domain",
}


@dataclass(frozen=True, eq=False)
class Photograph:
    """One picture.

    Attributes:
        name: as `photograph` was asked.
        image: uint8 (height, width, 3), 0 to 255.
        licence: under which it may be shown.
    """

    name: str
    image: np.ndarray
    licence: str


def photograph(name: str) -> Photograph:
    """One of the single photographs: bundled ones offline, others once they were fetched.

    Args:
        name: "astronaut", "camera", "chelsea" (a cat), "coffee" or "rocket", which come with
            scikit-image; or one that the registry names under `images`, as "elephant".

    Raises:
        InputError: unknown name, or a file that is not here yet: fetch it by `course data images`.

    Example:
        >>> photograph("chelsea").image.shape
        (300, 451, 3)
    """
    if name in _BUNDLED:
        from skimage import color, data

        image = getattr(data, name)()
        colour = image if image.ndim == 3 else color.gray2rgb(image)
        return Photograph(name, np.ascontiguousarray(colour), _BUNDLED[name])
    from course_utils.datasets import registry

    listed = registry.registry().get("images", {}).get("files", [])
    files = {facts.get("picture", facts["name"]): facts for facts in listed}
    if name not in files:
        known = (*_BUNDLED, *files)
        near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.0)
        raise InputError(
            f"expected one of the photographs {', '.join(known)}, received {name!r}: "
            f"did you mean {near[0]!r}?"
        )
    from PIL import Image

    path = registry.verified("images", only=files[name]["name"])[files[name]["name"]]
    with Image.open(path) as opened:
        image = np.asarray(opened.convert("RGB"))
    return Photograph(name, image, files[name].get("licence", "see the registry"))
