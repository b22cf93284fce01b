"""Draw the README's picture: creatures of the embedded data, and the truth that comes with them.

    python data_scripts/draw_cover.py [docs/cover.png]

Above, pictures as a network sees them; below, the same pictures with each pixel's part in its own
shade of grey (body, legs, tail, head, ears, muzzle, eyes): what segmentation and explanations are
judged against.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from course_utils import menagerie

NAMES = ("cat", "dog", "elephant", "boat", "rabbit", "house", "giraffe", "swan", "lion", "mushroom")
SIZE, GAP, SEED = 128, 6, 7


def sheet() -> np.ndarray:
    """Two rows of pictures, uint8 (height, width, 3), on white."""
    height, width = 2 * SIZE + GAP, len(NAMES) * (SIZE + GAP) - GAP
    page = np.full((height, width, 3), 255, np.uint8)
    for column, name in enumerate(NAMES):
        drawn = menagerie.draw((name,), 1, size=SIZE, seed=SEED, start=column)
        left = column * (SIZE + GAP)
        page[:SIZE, left : left + SIZE] = drawn.images[0]
        shades = 255 - drawn.parts[0].astype(int) * 255 // len(menagerie.PARTS)
        page[SIZE + GAP :, left : left + SIZE] = shades[..., np.newaxis]
    return page


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/cover.png")
    Image.fromarray(sheet()).save(target, optimize=True)
    print(f"{target}: {target.stat().st_size // 1000} kB")
