"""Augmentation: policies that keep labels and masks true, and the way from the legacy generator.

A `Policy` says how far training images may be changed; `Policy.apply` changes the batches of a
training set, `Policy.apply_to_pairs` those of images and masks. Whatever moves pixels is
multiplied into one matrix, so that an image is resampled once.

What mixes or searches comes from Keras as it is. Each takes batches of {"images", "labels"} with
one-hot labels, inside `dataset.map`, with `training=True`:

- `keras.layers.MixUp(alpha=0.2, seed=…)` blends two images and their labels;
- `keras.layers.CutMix(factor=1.0, seed=…)` pastes a box of one image into another;
- `keras.layers.RandAugment(value_range=(0, 1), seed=…)` draws a few transforms for each image,
  and wants images alone.

Their random state counts calls: without `num_parallel_calls` they repeat from run to run.
"""

from course_utils.augmentation.generator import from_generator_arguments, migration_table
from course_utils.augmentation.layers import keras_layers
from course_utils.augmentation.policy import Policy, averaged_over_views

__all__ = [
    "Policy",
    "averaged_over_views",
    "from_generator_arguments",
    "keras_layers",
    "migration_table",
]
