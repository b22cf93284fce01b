"""What every method of explanation returns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

__all__ = ["Explanation"]


@dataclass(frozen=True, eq=False)
class Explanation:
    """One explanation for each picture.

    Attributes:
        method: by which it was made.
        values: float32, as the method defines them, positive for what speaks for the class:
            (count, h, w) at the size of the layer or picture explained, or (count, height, width,
            channels) where each pixel's each value has its own.
        targets: int32 (count,), the class that is explained in each picture.
        scores: float32 (count,), the network's number for it: the logit.
        size: (height, width) of the pictures.
        layer: path of the layer explained; None where a method looks at pixels alone.
    """

    method: str
    values: np.ndarray
    targets: np.ndarray
    scores: np.ndarray
    size: tuple[int, int]
    layer: str | None = None

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def heat(self) -> np.ndarray:
        """Before stretching: (count, h, w) in [0, 1], each picture's largest 1.

        Of single values what speaks for the class, the negative cut off; of values for each
        channel their size, summed over the channels, whatever the sign. Zeros where there is
        nothing (`empty`); never NaN.
        """
        if self.values.ndim == 4:
            heat = np.abs(self.values).sum(axis=-1)
        else:
            heat = np.maximum(self.values, 0)
        peaks = heat.max(axis=(1, 2), keepdims=True)
        return np.divide(heat, peaks, out=np.zeros_like(heat), where=peaks > 0)

    @cached_property
    def maps(self) -> np.ndarray:
        """`heat` stretched over the pictures (bilinear): float32 (count, height, width)."""
        if self.heat.shape[1:] == self.size:
            return self.heat
        import tensorflow as tf

        return tf.image.resize(self.heat[..., None], self.size).numpy()[..., 0]

    @property
    def empty(self) -> tuple[int, ...]:
        """Numbers of the pictures whose map is 0 everywhere: nothing speaks for the class."""
        return tuple(int(i) for i in np.flatnonzero(~self.heat.any(axis=(1, 2))))

    def __repr__(self) -> str:
        where = f" at {self.layer}" if self.layer else ""
        nothing = f", {len(self.empty)} with nothing to show" if self.empty else ""
        return f"{self.method}{where}: {len(self)} maps of {self.size[0]}×{self.size[1]}{nothing}"
