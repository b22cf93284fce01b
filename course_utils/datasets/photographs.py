"""The few single photographs that chapters show, each with its license."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from course_utils.datasets import registry
from course_utils.datasets.image_files import read_image

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
    """One image: its name, uint8 (height, width, 3) in 0 to 255, and under what it may be shown."""

    name: str
    image: np.ndarray
    licence: str


def photograph(name: str) -> Photograph:
    """One of the single photographs: bundled ones offline, others once they were downloaded.

    Args:
        name: "astronaut", "camera", "chelsea" (a cat), "coffee" or "rocket", which come with
            scikit-image; or one that the registry names under `images`, as "elephant".

    Raises:
        InputError: unknown name, or a file that is not here yet: `course data images` brings it.

    Example:
        >>> photograph("chelsea").image.shape
        (300, 451, 3)
    """
    if name in _BUNDLED:
        from skimage import color, data

        image = getattr(data, name)()
        image = image if image.ndim == 3 else color.gray2rgb(image)
        return Photograph(name, np.ascontiguousarray(image), _BUNDLED[name])
    listed = registry.entries().get("images", {}).get("files", [])
    files = {file.get("picture", file["name"]): file for file in listed}
    if name not in files:
        raise registry.unknown("photographs", (*_BUNDLED, *files), name)
    (path,) = registry.verified("images", only=files[name]["name"]).values()
    return Photograph(name, read_image(path), files[name].get("licence", "see the registry"))
