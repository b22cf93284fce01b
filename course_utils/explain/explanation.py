"""What every method of explanation returns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from course_utils import checks
from course_utils.backend import tf
from course_utils.errors import InputError

__all__ = ["Explanation", "check_maps"]


@dataclass(frozen=True, eq=False)
class Explanation:
    """One explanation for each image.

    Attributes:
        method: by which it was made.
        values: float32, as the method defines them, positive for what speaks for the class:
            (count, h, w) at the size of the layer or image explained, or (count, height, width,
            channels) where each pixel's each value has its own.
        targets: int32 (count,), the class that is explained in each image.
        scores: float32 (count,), the model's number for it: the logit, as `answers` gives it.
        size: (height, width) of the images.
        layer: path of the layer explained; None where a method looks at pixels alone.
    """

    method: str
    values: np.ndarray
    targets: np.ndarray
    scores: np.ndarray
    size: tuple[int, int]
    layer: str | None = None

    def __post_init__(self) -> None:
        finite = np.isfinite(self.values).reshape(len(self.values), -1).all(axis=1)
        if not finite.all():
            raise InputError(
                f"expected finite values from {self.method}, received NaN or infinity for "
                f"{int((~finite).sum())} of {len(self)} images: its gradients overflow; in half "
                "precision, build the model in float32 and give it the same weights"
            )

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def heat(self) -> np.ndarray:
        """Before stretching: (count, h, w) in [0, 1], each image's largest 1.

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
        """`heat` stretched over the images (bilinear): float32 (count, height, width)."""
        if self.heat.shape[1:] == self.size:
            return self.heat
        return tf.image.resize(self.heat[..., None], self.size).numpy()[..., 0]

    @property
    def empty(self) -> tuple[int, ...]:
        """Numbers of the images whose map is 0 everywhere: nothing speaks for the class."""
        return tuple(int(i) for i in np.flatnonzero(~self.heat.any(axis=(1, 2))))

    def __repr__(self) -> str:
        where = f" at {self.layer}" if self.layer else ""
        nothing = f", {len(self.empty)} with nothing to show" if self.empty else ""
        return f"{self.method}{where}: {len(self)} maps of {self.size[0]}×{self.size[1]}{nothing}"


def check_maps(maps: Any, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """Maps (count, height, width) as finite floats; whole numbers, as bytes of a heatmap, will do.

    Bytes stay no bytes: −200 of them would be 56.
    """
    array = np.asarray(getattr(maps, "maps", maps))
    if array.dtype.kind in "biu":
        array = array.astype(np.float64)
    array = checks.finite_floats("maps", array)
    if array.ndim != 3 or (shape is not None and array.shape != shape):
        raise InputError(
            f"expected maps {shape or '(count, height, width)'}, one for each image and of its "
            f"size, received {array.shape}: give an explanation's `maps`"
        )
    return array
