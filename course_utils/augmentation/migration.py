"""From the legacy `ImageDataGenerator` to what replaced it, argument by argument."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["MIGRATION", "Replacement", "migration_table"]


class Replacement(NamedTuple):
    """What became of one argument.

    Attributes:
        argument: of `ImageDataGenerator`.
        meaning: what the legacy class does with it.
        policy: what `from_generator_arguments` makes of it.
        layer: the Keras layer, or the setting, that does it today; "none" where there is none.
        difference: what a reader of old code must know.
    """

    argument: str
    meaning: str
    policy: str
    layer: str
    difference: str = ""


MIGRATION: tuple[Replacement, ...] = (
    Replacement(
        "featurewise_center",
        "subtracts the training set's mean of each channel; `fit` first",
        "Standardising(featurewise_center=True), then `fitted`",
        "Normalization, then `adapt`",
        "unfitted, the legacy class only warned",
    ),
    Replacement(
        "samplewise_center",
        "subtracts the picture's own mean",
        "Standardising(samplewise_center=True)",
        "none",
    ),
    Replacement(
        "featurewise_std_normalization",
        "divides by the training set's spread of each channel; centres too",
        "Standardising(featurewise_center=True, featurewise_scale=True), then `fitted`",
        "Normalization, then `adapt`",
    ),
    Replacement(
        "samplewise_std_normalization",
        "divides by the picture's own spread; centres too",
        "Standardising(samplewise_center=True, samplewise_scale=True)",
        "none",
    ),
    Replacement(
        "zca_whitening",
        "makes pixels uncorrelated; `fit` first; replaces featurewise scaling",
        "Standardising(featurewise_center=True, whitening=True), then `fitted`",
        "none",
        "its matrix is (values of a picture)²: 18 GB at 150×150×3, so for tiny pictures only",
    ),
    Replacement(
        "zca_epsilon",
        "added to the singular values",
        "Standardising(whitening_epsilon=…)",
        "none",
    ),
    Replacement(
        "rotation_range",
        "degrees, up to this much either way",
        "Policy(rotation=degrees / 360)",
        "RandomRotation(degrees / 360)",
        "today's unit is the full turn",
    ),
    Replacement(
        "width_shift_range",
        "below 1 a fraction; a whole number n chooses among 0 … n − 1 pixels; a list is chosen "
        "from; all either way",
        "Policy(shift=(…, fraction)) or Policy(shift=(…, (0, 1, …)))",
        "RandomTranslation(0.0, fraction)",
        "the legacy class moved rows where the width was meant, and columns where the height was; "
        "a whole number 1 moved nothing",
    ),
    Replacement(
        "height_shift_range",
        "as width_shift_range",
        "Policy(shift=(fraction, …)) or Policy(shift=((0, 1, …), …))",
        "RandomTranslation(fraction, 0.0)",
        "as width_shift_range",
    ),
    Replacement(
        "brightness_range",
        "(low, high) of a factor on the light",
        "Policy(exposure=(low, high))",
        "none",
        "RandomBrightness adds light instead; the legacy class rounded to whole grey levels, and "
        "turned pictures already in [0, 1] black",
    ),
    Replacement(
        "shear_range",
        "degrees, up to this much either way",
        "Policy(shear=degrees / 360)",
        "RandomShear(x_factor=sin(degrees))",
        "RandomShear wants the slope, and leans about a corner instead of the centre",
    ),
    Replacement(
        "zoom_range",
        "z for (1 − z, 1 + z), or (low, high); one zoom for each axis; above 1 shrinks",
        "Policy(zoom=…, zoom_keeps_proportions=False)",
        "RandomZoom((low − 1, high − 1), (low − 1, high − 1))",
        "RandomZoom with one argument keeps the proportions",
    ),
    Replacement(
        "channel_shift_range",
        "adds one amount to all channels alike, up to this much of 255 either way",
        "Policy(brightness=range / 255)",
        "RandomBrightness(range / 255)",
        "it never shifted one channel against another, as Policy(channel_shift=…) does; it kept "
        "within the picture's own darkest and lightest value, today's keep within [0, 1]",
    ),
    Replacement(
        "fill_mode",
        '"nearest", "constant", "reflect" or "wrap"',
        "Policy(fill=…)",
        "fill_mode=… of each layer",
        'the default is now "reflect"; "wrap" and "constant" differ by a pixel at the border',
    ),
    Replacement(
        "cval",
        'the value outside with fill_mode="constant", of 255',
        "Policy(fill_value=cval / 255)",
        "fill_value=… of each layer",
    ),
    Replacement(
        "horizontal_flip",
        "half of the pictures",
        "Policy(flip_horizontal=True)",
        'RandomFlip("horizontal")',
    ),
    Replacement(
        "vertical_flip",
        "half of the pictures, whether flipped horizontally or not",
        "Policy(flip_vertical=True)",
        'RandomFlip("vertical")',
        'RandomFlip("horizontal_and_vertical") turns both ways or neither: use two layers',
    ),
    Replacement(
        "rescale",
        "factor on values of 0 to 255, after all that is random",
        "Pipeline(rescale=…)",
        "Rescaling(…)",
        "the course's sets are scaled to [0, 1] already: nothing to do for 1 / 255",
    ),
    Replacement(
        "preprocessing_function",
        "called with each picture alone, as an array, before rescaling",
        "Pipeline(preprocessing=function)",
        "none: `dataset.map`, or the layers of the pretrained network",
        "now called with batches, and in TensorFlow operations: NumPy has no place in a graph",
    ),
    Replacement(
        "data_format",
        '"channels_last" or "channels_first"',
        'accepted: None, "channels_last"',
        "none",
        "channels first: transpose in the model, on the device that wants it",
    ),
    Replacement(
        "validation_split",
        "share of the pictures that `subset` takes for validation",
        "accepted: 0",
        "image_dataset_from_directory(validation_split=…, subset=…, seed=…)",
        "split before anything is random: the legacy class augmented its validation pictures",
    ),
    Replacement(
        "interpolation_order",
        "of the spline: 0 nearest, 1 bilinear, up to 5",
        "Policy(interpolation=…)",
        "interpolation=… of each layer",
        "0 and 1 only",
    ),
    Replacement(
        "dtype",
        "of the pictures",
        'accepted: None, "float32"',
        'keras.mixed_precision.set_global_policy("mixed_float16")',
        "the precision belongs to the model",
    ),
)


def migration_table() -> str:
    """The table in Markdown, one line for each argument.

    Example:
        >>> print(migration_table().splitlines()[8])
        | `rotation_range` | degrees, up to this much either way | Policy(rotation=degrees ...
    """
    head = ("argument", "what it did", "here", "Keras today", "what differs")
    rows = [head, ("---",) * len(head)]
    rows += [(f"`{one.argument}`", *one[1:]) for one in MIGRATION]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
