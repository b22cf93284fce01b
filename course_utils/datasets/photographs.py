"""The few single photographs that chapters show, each with its license."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from course_utils.datasets import registry
from course_utils.datasets.image_files import read_image
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
    """One image: its name, uint8 (height, width, 3) in 0 to 255, and under what it may be shown."""

    name: str
    image: np.ndarray
    licence: str


def photograph(name: str | Path) -> Photograph:
    """One of the single photographs: bundled ones offline, others once they were downloaded.

    Args:
        name: "astronaut", "camera", "chelsea" (a cat), "coffee" or "rocket", which come with
            scikit-image; or one that the registry names under `images`, as "elephant"; or the
            path of a file of your own, as "mine.jpg", turned as its camera held it.

    Raises:
        InputError: unknown name, a file that is not here (`course data images` brings those of
            the registry), or one that is no image.

    Example:
        >>> photograph("chelsea").image.shape
        (300, 451, 3)
    """
    if name in _BUNDLED:
        from skimage import color, data

        image = getattr(data, name)()
        image = image if image.ndim == 3 else color.gray2rgb(image)
        return Photograph(name, np.ascontiguousarray(image), _BUNDLED[name])
    if isinstance(name, Path) or Path(name).suffix:
        return _own(Path(name))
    listed = registry.entries().get("images", {}).get("files", [])
    files = {file.get("picture", file["name"]): file for file in listed}
    if name not in files:
        raise registry.unknown("photographs", (*_BUNDLED, *files), name)
    (path,) = registry.verified("images", only=files[name]["name"]).values()
    return Photograph(name, read_image(path), files[name].get("licence", "see the registry"))


def _own(path: Path) -> Photograph:
    """A photograph of the reader's."""
    try:
        return Photograph(path.name, read_image(path), "your own")
    except FileNotFoundError:
        raise InputError(
            f"expected a photograph in {path.absolute()}, there is no such file: put it there, or "
            "give its whole path"
        ) from None
    # Pillow raises ValueError and SyntaxError for some broken files.
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(
            f"expected an image that Pillow can read, received {path.name} "
            f"({type(error).__name__}): save it as JPEG or PNG, with less than 89 megapixels"
        ) from None
