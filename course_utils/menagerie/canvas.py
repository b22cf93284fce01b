"""A picture being painted, and the map of its parts.

Each shape is measured only on the window that it can touch; its signed distance then gives the
covered share of every pixel (a smooth edge), the light on it and the exact part map.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from course_utils.menagerie.polygons import Shape

__all__ = ["Canvas", "Colour", "clamp", "luminance", "ramp"]

Colour = tuple[float, float, float]
Window = tuple[int, int, int, int]  # first row, row after the last, first column, column after
_FAR = 1.0e3


class Canvas:
    """One picture, painted back to front.

    Attributes:
        size: Side in pixels.
        image: (channels, size, size) float32, 0 is black and 1 white; channels first, because
            NumPy is quickest along long rows.
        parts: (size, size) uint8, number of the topmost part of each pixel, 0 the background.

    Args:
        size: Side in pixels.
        grey: One channel in place of three.
        light: Direction from which the light comes, in radians, 0 to the right and growing
            anticlockwise.
    """

    def __init__(self, size: int, *, grey: bool, light: float) -> None:
        self.size = size
        self.channels = 1 if grey else 3
        self.image = np.zeros((self.channels, size, size), np.float32)
        self.parts = np.zeros((size, size), np.uint8)
        self._light = math.cos(light), -math.sin(light)

    def ink(self, colour: Colour) -> np.ndarray:
        """A colour as the canvas holds it: (channels, 1, 1) float32, the luminance when grey."""
        if self.channels == 1:
            colour = (luminance(colour),)
        return np.array(colour, np.float32).reshape(-1, 1, 1)

    def brightness(self) -> float:
        """Mean luminance of some 20 points around the middle, from 0 to 1.

        A few points and an exact sum: NumPy's sum of many float32 depends on the processor.
        """
        quarter, step = self.size // 4, max(self.size // 8, 1)
        some = self.image[:, quarter:-quarter:step, quarter:-quarter:step]
        means = [math.fsum(channel.ravel().tolist()) / channel.size for channel in some]
        return means[0] if self.channels == 1 else luminance(means)

    def paint(
        self,
        shapes: Sequence[Shape],
        colour: np.ndarray,
        parts: Sequence[int],
        *,
        tone: float = 1.0,
        blend: float = 0.0,
        depth: float = 4.0,
        bevel: float = 0.35,
        rim: float = 0.35,
    ) -> None:
        """Lay the union of some shapes over what is there.

        Args:
            shapes: Shapes in pixels.
            colour: (channels, 1, 1), one colour, or (channels, size, size), a coat.
            parts: For each shape, the number of its part. A pixel covered by more than one half
                becomes part of the shape in which it lies deepest.
            tone: Factor on the colour.
            blend: Pixels over which shapes melt into each other; 0 for a plain union.
            depth: Pixels from the outline to where its light and shadow have faded.
            bevel: How strongly the edge towards the light shines and the other darkens.
            rim: How much the outline itself is darkened.
        """
        found = self._measure(shapes, parts, blend)
        if found is None:
            return
        (top, bottom, left, right), d, owner = found
        inner = d[1:-1, 1:-1]
        patch = (slice(top, bottom), slice(left, right))
        cover = 0.5 - inner
        clamp(cover)
        if colour.shape[-1] > 1:
            colour = colour[:, patch[0], patch[1]]
        layer = colour * self._lit(d, depth, bevel, rim, tone) if bevel or rim else colour * tone
        below = self.image[:, patch[0], patch[1]]
        layer = layer - below
        layer *= cover
        below += layer
        inside = cover > 0.5
        np.copyto(self.parts[patch], owner, where=inside)

    def _lit(
        self, d: np.ndarray, depth: float, bevel: float, rim: float, tone: float
    ) -> np.ndarray:
        """Factor on the colour: the slope of d towards the light, strongest at the outline."""
        near = d[1:-1, 1:-1] * (1.0 / depth)
        near += 1.0
        clamp(near)
        near *= near
        lit = (d[1:-1, 2:] - d[1:-1, :-2]) * (0.5 * bevel * self._light[0] * tone)
        lit += (d[2:, 1:-1] - d[:-2, 1:-1]) * (0.5 * bevel * self._light[1] * tone)
        lit -= near * (rim * tone)
        lit *= near
        lit += tone
        return lit

    def _measure(
        self, shapes: Sequence[Shape], parts: Sequence[int], blend: float
    ) -> tuple[Window, np.ndarray, np.ndarray | int] | None:
        """Window, signed distance on it and one pixel around it, and part of its pixels.

        The pixel more lets slopes be taken up to the border of the window.
        """
        windows = [self._window(shape, blend) for shape in shapes]
        seen = [w for w in windows if w is not None]
        if not seen:
            return None
        x, y = _grid(self.size)
        top, left = min(w[0] for w in seen), min(w[2] for w in seen)
        bottom, right = max(w[1] for w in seen), max(w[3] for w in seen)
        whole = (top, bottom, left, right)
        if len(shapes) == 1:
            d = shapes[0].distance(x[left : right + 2], y[top : bottom + 2])
            return whole, d, parts[0]
        d = np.full((bottom - top + 2, right - left + 2), _FAR, np.float32)
        owner = np.zeros(d.shape, np.uint8) if len(set(parts)) > 1 else None
        for shape, part, window in zip(shapes, parts, windows, strict=True):
            if window is None:
                continue
            r0, r1, c0, c1 = window
            new = shape.distance(x[c0 : c1 + 2], y[r0 : r1 + 2])
            patch = (slice(r0 - top, r1 - top + 2), slice(c0 - left, c1 - left + 2))
            old = d[patch]
            if owner is not None:
                owner[patch][new < old] = part
            if blend:
                # Quilez's quadratic smooth minimum.
                gap = np.abs(old - new)
                np.subtract(blend, gap, out=gap)
                np.maximum(gap, 0.0, out=gap)
                gap *= gap
                gap *= 0.25 / blend
                np.minimum(old, new, out=old)
                old -= gap
            else:
                np.minimum(old, new, out=old)
        return whole, d, parts[0] if owner is None else owner[1:-1, 1:-1]

    def _window(self, shape: Shape, blend: float) -> Window | None:
        """Pixels that a shape can touch, or None if it lies outside the picture."""
        left, top, right, bottom = shape.bounds()
        spare = 1.0 + blend
        r0, r1 = max(math.floor(top - spare), 0), min(math.ceil(bottom + spare) + 1, self.size)
        c0, c1 = max(math.floor(left - spare), 0), min(math.ceil(right + spare) + 1, self.size)
        return (r0, r1, c0, c1) if r0 < r1 and c0 < c1 else None


def luminance(colour: Sequence[float]) -> float:
    """How bright red, green and blue together look, from 0 to 1."""
    red, green, blue = colour
    return 0.299 * red + 0.587 * green + 0.114 * blue  # ITU-R BT.601


def clamp(share: np.ndarray) -> None:
    """Limit an array to 0 … 1 in place."""
    np.maximum(share, 0.0, out=share)
    np.minimum(share, 1.0, out=share)


@lru_cache(maxsize=16)
def ramp(size: int) -> np.ndarray:
    """0 at the top or left, 1 at the bottom or right, (size,) float32."""
    line = np.linspace(0.0, 1.0, size, dtype=np.float32)
    line.setflags(write=False)
    return line


@lru_cache(maxsize=16)
def _grid(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixel coordinates, a row and a column, from -1 to size: one more on every side."""
    line = np.arange(-1, size + 1, dtype=np.float32)
    line.setflags(write=False)
    return line, line[:, None]
