"""Today's pipeline from the keyword arguments of the legacy `ImageDataGenerator`."""

from __future__ import annotations

import difflib
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from course_utils.augmentation.migration import MIGRATION
from course_utils.augmentation.pipeline import Pipeline
from course_utils.augmentation.policy import Policy
from course_utils.augmentation.standardising import Standardising
from course_utils.errors import InputError

__all__ = ["from_generator_arguments"]

_INTERPOLATIONS = {0: "nearest", 1: "bilinear"}


def from_generator_arguments(**arguments: Any) -> Pipeline:
    """Build today's steps from the keyword arguments of `ImageDataGenerator`.

    Amounts have the distributions that they had, and the same amounts give the same picture
    (`MIGRATION` says where not). Pictures go in as float32 in [0, 1] and come out as the legacy
    class would have given them: of 0 to 255, unless `rescale` says otherwise.

    Args:
        **arguments: as old code has them; those left out keep the legacy class's defaults, among
            them the fill mode "nearest".

    Returns:
        The steps. Where a mean, a spread or whitening is asked for, call `fitted` next.

    Raises:
        InputError: an unknown argument, a value that the legacy class would not take either, or
            one that has no equal today; the message says what to use instead.

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
    known = [one.argument for one in MIGRATION]
    for name in arguments:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
            raise InputError(
                f"expected an argument of ImageDataGenerator, received {name!r}: did you mean "
                f"{near!r}?"
            )
    given = {name: value for name, value in arguments.items() if value is not None}
    _check_without_equal(given)
    return Pipeline(
        policy=_policy(given),
        preprocessing=_function(given.get("preprocessing_function")),
        rescale=_number("rescale", given.get("rescale", 0)) or 1.0,
        standardising=_standardising(given),
    )


def _policy(given: dict[str, Any]) -> Policy:
    degrees = {}
    for name, most in (("rotation_range", 180), ("shear_range", 90)):
        value = abs(_number(name, given.get(name, 0)))
        if value > most or (name == "shear_range" and value == most):
            limit = f"at most {most}" if name == "rotation_range" else f"below {most}"
            raise InputError(f"expected {name} in degrees, {limit}, received {value:g}")
        degrees[name] = value
    fill_value = _number("cval", given.get("cval", 0))
    shift = _number("channel_shift_range", given.get("channel_shift_range", 0))
    for name, value in (("cval", fill_value), ("channel_shift_range", abs(shift))):
        if not 0 <= value <= 255:
            raise InputError(
                f"expected {name} from 0 to 255, the range of the legacy class's pictures, "
                f"received {value:g}"
            )
    return Policy(
        rotation=degrees["rotation_range"] / 360,
        shift=tuple(
            _shift(name, given.get(name, 0.0))
            for name in ("height_shift_range", "width_shift_range")
        ),
        shear=degrees["shear_range"] / 360,
        zoom=_zoom(given.get("zoom_range", 0.0)),
        zoom_keeps_proportions=False,
        flip_horizontal=bool(given.get("horizontal_flip", False)),
        flip_vertical=bool(given.get("vertical_flip", False)),
        brightness=abs(shift) / 255,
        exposure=_ends("brightness_range", given.get("brightness_range", (1, 1))),
        fill=given.get("fill_mode", "nearest"),
        fill_value=fill_value / 255,
        interpolation=_INTERPOLATIONS[given.get("interpolation_order", 1)],
    )


def _standardising(given: dict[str, Any]) -> Standardising:
    # As the legacy class has it: scaling centres as well, whitening replaces featurewise scaling.
    whitening = bool(given.get("zca_whitening", False))
    featurewise = bool(given.get("featurewise_std_normalization", False))
    samplewise = bool(given.get("samplewise_std_normalization", False))
    return Standardising(
        samplewise_center=bool(given.get("samplewise_center", False)) or samplewise,
        samplewise_scale=samplewise,
        featurewise_center=bool(given.get("featurewise_center", False)) or featurewise or whitening,
        featurewise_scale=featurewise and not whitening,
        whitening=whitening,
        whitening_epsilon=_number("zca_epsilon", given.get("zca_epsilon", 1e-6)),
    )


def _shift(name: str, value: Any) -> float | tuple[float, ...]:
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        # The legacy class chose from range(n), either way: 3 moved by at most 2 pixels.
        return tuple(range(value)) if value > 0 else 0.0
    if isinstance(value, Sequence | np.ndarray) and not isinstance(value, str) and len(value):
        numbers_ = [_number(name, one) for one in value]
        if max(numbers_) < 1:
            return tuple(numbers_)
        if all(one == int(one) for one in numbers_):
            return tuple(int(one) for one in numbers_)
        raise InputError(
            f"expected {name} as a list of whole pixels or of fractions below 1, received "
            f"{value!r}: parts of a pixel have no equal; round them"
        )
    value = abs(_number(name, value))
    if value >= 1:
        raise InputError(
            f"expected {name} as a fraction below 1 or a whole number of pixels, received "
            f"{value:g}: pixels drawn evenly have no equal; use {value:g} divided by the "
            "picture's size"
        )
    return value


def _zoom(value: Any) -> tuple[float, float]:
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        if not 0 <= value < 1:
            raise InputError(
                f"expected zoom_range of 0 or more and below 1, or (low, high), received {value:g}"
            )
        return (1 - float(value), 1 + float(value))
    return _ends("zoom_range", value)


def _ends(name: str, value: Any) -> tuple[float, float]:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        raise InputError(f"expected {name} as (low, high), received {value!r}")
    low, high = sorted(_number(name, end) for end in value)
    return low, high


def _number(name: str, value: Any) -> float:
    if not isinstance(value, numbers.Real) or not np.isfinite(value):
        raise InputError(f"expected {name} as a number, received {value!r}")
    return float(value)


def _function(value: Any) -> Any:
    if value is not None and not callable(value):
        raise InputError(f"expected preprocessing_function to be a function, received {value!r}")
    return value


def _check_without_equal(given: dict[str, Any]) -> None:
    order = given.get("interpolation_order", 1)
    if order not in _INTERPOLATIONS:
        raise InputError(
            f"expected interpolation_order 0 (nearest) or 1 (bilinear), received {order!r}: "
            "TensorFlow's operation has no other; 1 is what the legacy class did by default"
        )
    if given.get("validation_split", 0):
        raise InputError(
            f"expected no validation_split, received {given['validation_split']!r}: split before "
            "anything is random, by `datasets` or by image_dataset_from_directory("
            "validation_split=…, subset=…, seed=…), and augment the training part only"
        )
    if given.get("data_format", "channels_last") != "channels_last":
        raise InputError(
            f"expected data_format 'channels_last', received {given['data_format']!r}: transpose "
            "the pictures with keras.ops.transpose(images, (0, 2, 3, 1)) before the pipeline"
        )
    if np.dtype(given.get("dtype", "float32")) != np.float32:
        raise InputError(
            f"expected dtype 'float32', received {given['dtype']!r}: the precision belongs to the "
            'model, keras.mixed_precision.set_global_policy("mixed_float16")'
        )
