"""Augmenting pictures: the legacy generator, Keras' layers, and one composed warp.

All do the same to 256 pictures in memory: rotation, shift, zoom and a horizontal flip, in batches
of 32, four times over, so that starting a pipeline does not count for much.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from benchmarks.turns import Candidate, Job
from course_utils.augmentation import Policy, keras_layers

BATCH, PASSES, COUNT = 32, 4, 256
WARP = Policy(
    rotation=20 / 360, shift=0.1, zoom=0.2, zoom_keeps_proportions=False, flip_horizontal=True
)


def legacy(size: int) -> Callable[[], object]:
    """`ImageDataGenerator.flow`, a picture at a time, in Python."""
    import tensorflow as tf

    # The legacy class calls SciPy by a name that is going away.
    warnings.simplefilter("ignore", DeprecationWarning)
    generator = tf.keras.preprocessing.image.ImageDataGenerator(
        rotation_range=20,
        width_shift_range=0.1,
        height_shift_range=0.1,
        zoom_range=0.2,
        horizontal_flip=True,
    )
    flow = generator.flow(_pictures(size), batch_size=BATCH, seed=0)
    return _all(lambda: (flow[index] for _ in range(PASSES) for index in range(len(flow))))


def layers(size: int, in_model: bool) -> Callable[[], object]:
    """Keras' layers in a parallel map, or first in a model: a compiled call for each batch."""
    import keras
    import tensorflow as tf

    stack = keras.Sequential(keras_layers(WARP, seed=0))
    if in_model:
        call = tf.function(lambda images: stack(images, training=True), reduce_retracing=True)
        dataset = _batches(size).prefetch(tf.data.AUTOTUNE)
        return _all(lambda: (call(images) for images in dataset))
    augmented = _batches(size).map(
        lambda images: stack(images, training=True), num_parallel_calls=tf.data.AUTOTUNE
    )
    return _all(lambda: augmented.prefetch(tf.data.AUTOTUNE))


def course(size: int, policy: Policy = WARP) -> Callable[[], object]:
    """The course's policy: one matrix, one resampling, in a parallel map; or the batches alone."""
    dataset = policy.apply(_batches(size), seed=0)
    return _all(lambda: dataset)


def open_cv(size: int) -> Callable[[], object]:
    """One matrix and `cv2.warpAffine`, a picture at a time, on one thread."""
    import cv2
    import tensorflow as tf

    from course_utils.augmentation.geometry import matrices
    from course_utils.augmentation.policy import draw

    pictures, flags = _pictures(size), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP

    def warped():
        for start in range(0, PASSES * COUNT, BATCH):
            place = start % COUNT
            batch = pictures[place : place + BATCH]
            amounts = draw(WARP, tf.constant(batch), tf.constant([start, 0], tf.int64))
            transforms = matrices(amounts, size, size).numpy()
            yield np.stack(
                [
                    cv2.warpAffine(
                        one,
                        m[:6].reshape(2, 3),
                        (size, size),
                        flags=flags,
                        borderMode=cv2.BORDER_REFLECT,
                    )
                    for one, m in zip(batch, transforms, strict=True)
                ]
            )

    return _all(warped)


def _pictures(size: int) -> np.ndarray:
    return np.random.default_rng(0).random((COUNT, size, size, 3), np.float32)


def _batches(size: int):
    import tensorflow as tf

    # Batched beforehand, as the legacy class slices them: only the augmentation is to be timed.
    return tf.data.Dataset.from_tensor_slices(
        _pictures(size).reshape(-1, BATCH, size, size, 3)
    ).repeat(PASSES)


def _all(batches: Callable[[], object]) -> Callable[[], object]:
    def run() -> None:
        seen = sum(len(batch) for batch in batches())
        if seen != COUNT * PASSES:
            raise RuntimeError(f"gave {seen} of {COUNT * PASSES} pictures")

    return run


def _job(size: int) -> Job:
    return Job(
        f"augmenting {COUNT * PASSES:,} pictures of {size}×{size}",
        Candidate("policy, one warp", course, (size,)),
        (
            Candidate("legacy generator", legacy, (size,)),
            Candidate("Keras layers in the dataset", layers, (size, False)),
            Candidate("Keras layers in the model", layers, (size, True)),
            Candidate("OpenCV, one warp", open_cv, (size,), needs="opencv"),
            Candidate("no augmentation", course, (size, Policy())),
        ),
        rounds=3,
        core=True,
        goal=(("legacy generator", 5.0),),
    )


JOBS = [_job(64), _job(150)]
