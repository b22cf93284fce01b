"""The embedded pictures: drawn, found drawn, and as files, as a reader would keep them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.turns import Candidate, Job

COUNT = 400


def found() -> Callable[[], object]:
    """`datasets.open`, the pictures drawn before."""
    from course_utils import datasets

    return lambda: datasets.open("creatures", train=COUNT, validation=1, test=1) and None


def drawn() -> Callable[[], object]:
    """The same pictures drawn anew, with masks and parts, on one core."""
    from course_utils import menagerie
    from course_utils.datasets.embedded import RECIPES

    recipe = RECIPES["creatures"]
    return lambda: menagerie.draw(recipe.classes, COUNT, **recipe.settings) and None


def png_files() -> Callable[[], object]:
    """The same pictures and masks as PNG files, read by Pillow."""
    from PIL import Image

    from course_utils import datasets

    part = datasets.open("creatures", train=COUNT, validation=1, test=1).train
    folder = Path(tempfile.mkdtemp(prefix="course-benchmark-"))
    for kind, arrays in (("image", part.images), ("mask", part.parts)):
        for number, array in enumerate(arrays):
            Image.fromarray(array).save(folder / f"{kind}-{number}.png")
    names = {kind: sorted(folder.glob(f"{kind}-*.png")) for kind in ("image", "mask")}

    def run() -> None:
        for paths in names.values():
            np.stack([np.asarray(Image.open(path)) for path in paths])

    return run


JOBS = [
    Job(
        f"{COUNT} embedded pictures of 64×64 with their masks",
        Candidate("`datasets.open`, drawn before", found),
        (
            Candidate("drawn anew", drawn),
            Candidate("as PNG files", png_files),
        ),
    )
]
