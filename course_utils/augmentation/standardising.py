"""Centring, scaling and whitening of pictures, by what was measured on the training set."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from course_utils.errors import InputError

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["Standardising"]

# As in the legacy class: keeps a division by the spread of a plain picture finite.
_EPSILON = 1e-6
# A matrix of this many columns squared is 64 MB of float32.
_MOST_WHITENED = 4096


@dataclass(frozen=True, kw_only=True, eq=False)
class Standardising:
    """What is done to every picture alike, in training and after; the default does nothing.

    "Samplewise" uses a picture's own mean and spread, over all its pixels and channels;
    "featurewise" those of each channel over the training set, as `keras.layers.Normalization`
    does after `adapt`. Whitening (ZCA) mixes pixels so that no two of them go together any more;
    its matrix is (values of a picture)², which is why nobody uses it on photographs.

    Attributes:
        samplewise_center: subtract the picture's mean.
        samplewise_scale: divide by the picture's spread, after centring.
        featurewise_center: subtract the training set's mean of each channel.
        featurewise_scale: divide by the training set's spread of each channel, after centring.
        whitening: ZCA, after featurewise centring.
        whitening_epsilon: added to the singular values.
        mean, spread, whitener: as measured by `fitted`; None before.

    Example:
        >>> pictures = np.array([0.0, 2.0], np.float32).reshape(2, 1, 1, 1)
        >>> standardising = Standardising(featurewise_center=True).fitted(pictures)
        >>> standardising(pictures).numpy().ravel().tolist()
        [-1.0, 1.0]
    """

    samplewise_center: bool = False
    samplewise_scale: bool = False
    featurewise_center: bool = False
    featurewise_scale: bool = False
    whitening: bool = False
    whitening_epsilon: float = 1e-6
    mean: np.ndarray | None = None
    spread: np.ndarray | None = None
    whitener: np.ndarray | None = None

    @property
    def needs_fitting(self) -> bool:
        """Whether something must be measured that has not been."""
        wants = self.featurewise_center or self.featurewise_scale or self.whitening
        return wants and self.mean is None

    def fitted(self, images: np.ndarray) -> Standardising:
        """The same with mean, spread and whitening measured on these pictures.

        Args:
            images: float32 (count, height, width, channels), of the training set only: measured
                on others too, they tell the network about pictures it should never have seen.

        Raises:
            InputError: not such pictures, or too large to whiten.
        """
        images = np.asarray(images, np.float32)
        if images.ndim != 4 or not len(images):
            raise InputError(
                "expected training pictures (count, height, width, channels) to measure, "
                f"received shape {images.shape}"
            )
        mean = images.mean(axis=(0, 1, 2))
        spread = images.std(axis=(0, 1, 2))
        whitener = self._whitener(images - mean) if self.whitening else None
        return replace(self, mean=mean, spread=spread, whitener=whitener)

    def _whitener(self, centred: np.ndarray) -> np.ndarray:
        values = int(np.prod(centred.shape[1:]))
        if values > _MOST_WHITENED:
            raise InputError(
                f"expected pictures of at most {_MOST_WHITENED:,} values to whiten, received "
                f"{values:,}, whose matrix takes {values**2 * 4 / 1e9:.1f} GB: use featurewise "
                "centring and scaling, or batch normalisation in the model"
            )
        flat = centred.reshape(len(centred), values)
        directions, lengths, _ = np.linalg.svd(flat.T, full_matrices=False)
        scales = np.sqrt(len(flat)) / (lengths + self.whitening_epsilon)
        return ((directions * scales) @ directions.T).astype(np.float32)

    def __call__(self, images: tf.Tensor) -> tf.Tensor:
        """Standardise a batch, float32 (batch, height, width, channels).

        Raises:
            InputError: nothing was measured yet, or on pictures of another size.
        """
        import tensorflow as tf

        if self.needs_fitting:
            raise InputError(
                "expected the training set to be measured first, received pictures: call "
                "`fitted(training_pictures)` and use what it returns"
            )
        images = tf.convert_to_tensor(images)
        if self.samplewise_center:
            images -= tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True)
        if self.samplewise_scale:
            images /= tf.math.reduce_std(images, axis=(1, 2, 3), keepdims=True) + _EPSILON
        if self.featurewise_center:
            images -= tf.constant(self.mean)
        if self.featurewise_scale:
            images /= tf.constant(self.spread) + _EPSILON
        if self.whitening:
            if images.shape[1:].num_elements() != len(self.whitener):
                raise InputError(
                    f"expected pictures of {len(self.whitener)} values, as were measured, "
                    f"received shape {images.shape}"
                )
            flat = tf.reshape(images, (-1, len(self.whitener)))
            images = tf.reshape(flat @ tf.constant(self.whitener), tf.shape(images))
        return images
