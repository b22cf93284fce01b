"""A policy, and what is done to every picture alike: all that the legacy generator did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from course_utils.augmentation import batches
from course_utils.augmentation.policy import Policy
from course_utils.augmentation.standardising import Standardising
from course_utils.errors import InputError

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["Pipeline"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Pipeline:
    """The steps from pictures in [0, 1] to what a network is fed, in the legacy class's order.

    Training pictures pass through the policy first; then all pictures, of every part, pass
    through the same steps: values as in the file (0 to 255), `preprocessing`, times `rescale`,
    `standardising`.

    Attributes:
        policy: what is done at random, in training only.
        preprocessing: from a batch float32 (batch, height, width, channels) of 0 to 255 to a
            batch of the same shape, in TensorFlow operations, such as the `preprocess_input` of a
            pretrained network; None for no such step.
        rescale: factor on values of 0 to 255.
        standardising: centring, scaling, whitening.

    Example:
        >>> import tensorflow as tf
        >>> pictures = tf.data.Dataset.from_tensor_slices(tf.ones((2, 4, 4, 1))).batch(2)
        >>> steps = Pipeline(policy=Policy(flip_horizontal=True), rescale=1 / 127.5)
        >>> [float(batch.numpy().max()) for batch in steps.training(pictures, seed=0)]
        [2.0]
    """

    policy: Policy
    preprocessing: Callable[[tf.Tensor], tf.Tensor] | None = None
    rescale: float = 1.0
    standardising: Standardising = field(default_factory=Standardising)

    def fitted(self, images: np.ndarray) -> Pipeline:
        """The same with the training set's mean, spread and whitening measured.

        Args:
            images: float32 (count, height, width, channels) in [0, 1], of the training set.

        Raises:
            InputError: as for `Standardising.fitted`.
        """
        scaled = np.asarray(images, np.float32) * np.float32(255 * self.rescale)
        return replace(self, standardising=self.standardising.fitted(scaled))

    def training(self, dataset: tf.data.Dataset, *, seed: int) -> tf.data.Dataset:
        """Augment and prepare the training set; see `Policy.apply`."""
        return self._prepared(self.policy.apply(dataset, seed=seed))

    def evaluation(self, dataset: tf.data.Dataset) -> tf.data.Dataset:
        """Prepare validation or test pictures: nothing is done at random.

        Raises:
            InputError: as for `Policy.apply`.
        """
        return self._prepared(dataset)

    def _prepared(self, dataset: tf.data.Dataset) -> tf.data.Dataset:
        import tensorflow as tf

        batches.check_dataset(dataset)
        is_tuple = isinstance(dataset.element_spec, tuple)

        def prepare(*parts: tf.Tensor) -> tf.Tensor | tuple:
            images = self._standard(batches.require(batches.in_range(parts[0]), parts[0]))
            return (images, *parts[1:]) if is_tuple else images

        # As it is written: what a wrong preprocessing function raises stays readable.
        prepare = tf.autograph.experimental.do_not_convert(prepare)
        return dataset.map(prepare, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)

    def _standard(self, images: tf.Tensor) -> tf.Tensor:
        import tensorflow as tf

        if self.preprocessing is None:
            return self.standardising(images * (255.0 * self.rescale))
        prepared = self.preprocessing(images * 255.0)
        if not tf.is_tensor(prepared) or not prepared.shape.is_compatible_with(images.shape):
            raise InputError(
                "expected the preprocessing function to give a batch of the shape that it was "
                f"handed, {images.shape}, received {type(prepared).__name__} "
                f"{getattr(prepared, 'shape', '')}: write it with TensorFlow operations, for "
                "batches instead of single pictures"
            )
        return self.standardising(prepared * self.rescale)
