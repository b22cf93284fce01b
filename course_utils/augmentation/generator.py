"""From the legacy `ImageDataGenerator` to today: its arguments as a policy, and a table of all.

What a `Policy` does, and whitening, which no Keras layer does, is built here; every other argument
is refused with what does it today.
"""

from __future__ import annotations

import difflib
import math
import numbers
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from course_utils import checks
from course_utils.augmentation.policy import Policy
from course_utils.backend import tf
from course_utils.errors import InputError

__all__ = ["Pipeline", "from_generator_arguments", "migration_table"]

# Arguments that are refused, and the value with which each does nothing.
_REFUSED = {
    "featurewise_center": False,
    "samplewise_center": False,
    "featurewise_std_normalization": False,
    "samplewise_std_normalization": False,
    "brightness_range": None,
    "preprocessing_function": None,
    "data_format": "channels_last",
    "validation_split": 0,
    "interpolation_order": 1,
    "dtype": "float32",
}
_TABLE = Path(__file__).with_name("migration.md")
# A matrix of this many columns squared is 64 MB of float32.
_MOST_WHITENED = 4096


@dataclass(frozen=True, eq=False)
class Pipeline:
    """Today's steps for the arguments of a legacy generator.

    Training images pass through the policy first; then the images of every part are multiplied by
    `rescale` as values of 0 to 255, and whitened (ZCA) if that was asked for.
    """

    policy: Policy
    rescale: float = 1.0  # factor on values of 0 to 255
    epsilon: float | None = None  # added to the singular values; None whitens nothing
    mean: np.ndarray | None = None  # as `fitted` measures it, of each channel
    whitener: np.ndarray | None = None  # likewise, (values of an image) squared

    def fitted(self, images: np.ndarray) -> Pipeline:
        """The same with mean and whitening measured on the training images.

        Measured on other images too, they would tell the network about what it must not know.

        Raises:
            InputError: not images (count, height, width, channels), or too large to whiten.
        """
        images = checks.finite_floats("images", images, advice="divide by 255")
        checks.image_batch(images)
        if self.epsilon is None:
            return self
        scaled = images.astype(np.float32) * np.float32(255 * self.rescale)
        mean = scaled.mean(axis=(0, 1, 2))
        values = scaled[0].size
        if values > _MOST_WHITENED:
            raise InputError(
                f"expected images of at most {_MOST_WHITENED:,} values to whiten, received "
                f"{values:,}, whose matrix takes {values**2 * 4 / 1e9:.1f} GB: normalize each "
                "channel, or use batch normalization in the model"
            )
        flat = (scaled - mean).reshape(len(scaled), values)
        directions, lengths, _ = np.linalg.svd(flat.T, full_matrices=False)
        scales = np.sqrt(len(flat)) / (lengths + self.epsilon)
        whitener = ((directions * scales) @ directions.T).astype(np.float32)
        return replace(self, mean=mean, whitener=whitener)

    def training(self, dataset: tf.data.Dataset, *, seed: int) -> tf.data.Dataset:
        """Augment and prepare the training set; see `Policy.apply`."""
        return self.evaluation(self.policy.apply(dataset, seed=seed))

    def evaluation(self, dataset: tf.data.Dataset) -> tf.data.Dataset:
        """Prepare validation or test images: nothing is done at random."""
        if self.epsilon is not None and self.whitener is None:
            raise InputError(
                "expected the training set to be measured first, received images: call "
                "`fitted(training_images)` and use what it returns"
            )
        # It does nothing, and checks what comes in.
        dataset = Policy().apply(dataset, seed=0)

        def prepare(*parts: tf.Tensor) -> tf.Tensor | tuple:
            images = self._scaled(parts[0])
            return (images, *parts[1:]) if len(parts) > 1 else images

        return dataset.map(prepare, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)

    def _scaled(self, images: tf.Tensor) -> tf.Tensor:
        images = images * (255.0 * self.rescale)
        if self.whitener is None:
            return images
        if images.shape[1:].num_elements() != len(self.whitener):
            raise InputError(
                f"expected images of {len(self.whitener)} values, as were measured, received "
                f"shape {images.shape}"
            )
        flat = tf.reshape(images - tf.constant(self.mean), (-1, len(self.whitener)))
        return tf.reshape(flat @ tf.constant(self.whitener), tf.shape(images))


def from_generator_arguments(**arguments: Any) -> Pipeline:
    """Build today's steps from the keyword arguments of `ImageDataGenerator`.

    Amounts have the distributions that they had, and the same amounts give the same image
    (`migration_table` says where not). Images go in as float32 in [0, 1] and come out as the
    legacy class would have given them: of 0 to 255, unless `rescale` says otherwise.

    Args:
        **arguments: as old code has them; those left out keep the legacy class's defaults, among
            them the fill mode "nearest".

    Returns:
        The steps: `policy`, and `training` and `evaluation` for datasets. With `zca_whitening`,
        call `fitted(training_images)` first.

    Raises:
        InputError: an unknown argument, a value that the legacy class would not take either, or
            one that has no equal here; the message says what to use instead.

    Example:
        >>> steps = from_generator_arguments(
        ...     rescale=1 / 255, rotation_range=36, width_shift_range=0.2, horizontal_flip=True
        ... )
        >>> steps.policy.rotation, steps.policy.shift, steps.policy.flip_horizontal
        (0.1, (0.0, 0.2), True)
        >>> from_generator_arguments(validation_split=0.25)
        Traceback (most recent call last):
            ...
        course_utils.errors.InputError: expected no validation_split, received 0.25: ...
    """
    table = {row[0].strip("`"): row[1:] for row in _rows()}
    for name in arguments:
        if name not in table:
            near = difflib.get_close_matches(name, table, n=1, cutoff=0.0)[0]
            raise InputError(
                f"expected an argument of ImageDataGenerator, received {name!r}: did you mean "
                f"{near!r}?"
            )
    given = {name: value for name, value in arguments.items() if value is not None}
    for name, harmless in _REFUSED.items():
        if name in given and np.any(given[name] != harmless):
            _, _, today, difference = table[name]
            advice = "; ".join(part for part in (f"today {today}", difference) if part)
            raise InputError(f"expected no {name}, received {given[name]!r}: {advice}")
    levels = "gray levels, at most 255"
    epsilon = _number({"zca_epsilon": 1e-6} | given, "zca_epsilon", "above 0", lambda x: x > 0)
    turn = _number(given, "rotation_range", "degrees, at most 180", lambda x: abs(x) <= 180)
    lean = _number(given, "shear_range", "degrees, below 90", lambda x: abs(x) < 90)
    light = _number(given, "channel_shift_range", levels, lambda x: abs(x) <= 255)
    return Pipeline(
        policy=Policy(
            rotation=abs(turn) / 360,
            shift=(_shift(given, "height_shift_range"), _shift(given, "width_shift_range")),
            shear=abs(lean) / 360,
            zoom=_zoom(given.get("zoom_range", 0.0)),
            zoom_keeps_proportions=False,
            flip_horizontal=bool(given.get("horizontal_flip", False)),
            flip_vertical=bool(given.get("vertical_flip", False)),
            brightness=abs(light) / 255,
            fill=given.get("fill_mode", "nearest"),
            fill_value=_number(given, "cval", levels, lambda x: 0 <= x <= 255) / 255,
        ),
        rescale=_number(given, "rescale", "a number", math.isfinite) or 1.0,
        epsilon=epsilon if given.get("zca_whitening") else None,
    )


def _number(
    given: dict[str, Any], name: str, expected: str, is_good: Callable[[float], bool]
) -> float:
    value = given.get(name, 0)
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not real or not is_good(value):
        raise InputError(f"expected {name} as {expected}, received {value!r}")
    return float(value)


def _shift(given: dict[str, Any], name: str) -> float:
    expected = "a fraction of the size, below 1 (divide pixels by the image's size)"
    return abs(_number(given, name, expected, lambda x: abs(x) < 1))


def _zoom(value: Any) -> tuple[float, float]:
    expected = "0 or more and below 1, or (low, high)"
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 2:
        ends = [
            _number({"zoom_range": one}, "zoom_range", expected, lambda x: x > 0) for one in value
        ]
        return min(ends), max(ends)
    value = _number({"zoom_range": value}, "zoom_range", expected, lambda x: 0 <= x < 1)
    return 1 - value, 1 + value


def migration_table() -> str:
    """The table in Markdown, one line for each argument of `ImageDataGenerator`.

    Example:
        >>> print(migration_table().splitlines()[8])
        | `rotation_range` | degrees, up to this much either way | Policy(rotation=degrees ...
    """
    return _TABLE.read_text(encoding="utf-8").rstrip("\n")


def _rows() -> list[list[str]]:
    """The cells of the table below its head."""
    lines = migration_table().splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
