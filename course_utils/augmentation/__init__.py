"""Augmentation: policies that keep labels and masks true, and the way from the legacy generator.

A `Policy` says how far training pictures may be changed; `Policy.apply` changes the batches of a
training set, `Policy.apply_to_pairs` those of pictures and masks. Whatever moves pixels is
multiplied into one matrix, so that a picture is resampled once. `from_generator_arguments` builds
the same from the keyword arguments of the legacy `ImageDataGenerator`, and `MIGRATION` says what
became of each.

What mixes or searches comes from Keras as it is. Each takes batches of {"images", "labels"} with
one-hot labels, inside `dataset.map`, with `training=True`:

- `keras.layers.MixUp(alpha=0.2, seed=…)` blends two pictures and their labels;
- `keras.layers.CutMix(factor=1.0, seed=…)` pastes a box of one picture into another;
- `keras.layers.RandAugment(value_range=(0, 1), seed=…)` draws a few transforms for each picture,
  and wants pictures alone.

Their random state counts calls: without `num_parallel_calls` they repeat from run to run.
"""

from course_utils.augmentation.generator import from_generator_arguments
from course_utils.augmentation.layers import keras_layers
from course_utils.augmentation.migration import MIGRATION, Replacement, migration_table
from course_utils.augmentation.pipeline import Pipeline
from course_utils.augmentation.policy import Policy
from course_utils.augmentation.standardising import Standardising
from course_utils.augmentation.views import averaged_over_views

__all__ = [
    "MIGRATION",
    "Pipeline",
    "Policy",
    "Replacement",
    "Standardising",
    "averaged_over_views",
    "from_generator_arguments",
    "keras_layers",
    "migration_table",
]
