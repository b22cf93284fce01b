"""Pictures a second: the legacy generator, Keras' layers, and one composed warp.

    python benchmarks/augmentation.py [--sizes 64 150] [--rounds 2] [--pictures 256]

All do the same to pictures in memory: rotation, shift, zoom and a horizontal flip, in batches of
32. The contenders take turns, and the best round of each counts, so that what else runs on the
machine disturbs all of them alike; the load is printed with the table. Rates are pictures a
second of processor time, summed over threads: what one core does, which another program on the
machine slows far less than the clock on the wall (`--clock wall`, for a quiet machine, counts
what all cores do together). OpenCV is timed where it is installed. Takes a minute on two cores.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import time
import warnings
from collections.abc import Callable, Iterable

import numpy as np

from course_utils import tensorflow_device
from course_utils.augmentation import Policy, keras_layers

BATCH = 32
# Over the same pictures, so that starting a pipeline does not count for much.
PASSES = 4
CLOCKS = {"core": time.process_time, "wall": time.perf_counter}
POLICY = Policy(
    rotation=20 / 360, shift=0.1, zoom=0.2, zoom_keeps_proportions=False, flip_horizontal=True
)
LIGHT = Policy(brightness=0.2, contrast=0.2)


def legacy(pictures: np.ndarray) -> Callable[[], Iterable]:
    """`ImageDataGenerator.flow`, a picture at a time, in Python."""
    import tensorflow as tf

    generator = tf.keras.preprocessing.image.ImageDataGenerator(
        rotation_range=20,
        width_shift_range=0.1,
        height_shift_range=0.1,
        zoom_range=0.2,
        horizontal_flip=True,
    )
    flow = generator.flow(pictures, batch_size=BATCH, seed=0)
    return lambda: (flow[index] for _ in range(PASSES) for index in range(len(flow)))


def layers_in_dataset(pictures: np.ndarray, policy: Policy = POLICY) -> Callable[[], Iterable]:
    """Keras' layers, one resampling after another, in a parallel map."""
    import keras
    import tensorflow as tf

    stack = keras.Sequential(keras_layers(policy, seed=0))
    dataset = _batches(pictures).map(
        lambda images: stack(images, training=True), num_parallel_calls=tf.data.AUTOTUNE
    )
    return lambda: dataset.prefetch(tf.data.AUTOTUNE)


def layers_in_model(pictures: np.ndarray) -> Callable[[], Iterable]:
    """Keras' layers as the first of a model: a compiled call for each batch."""
    import keras
    import tensorflow as tf

    stack = keras.Sequential(keras_layers(POLICY, seed=0))
    call = tf.function(lambda images: stack(images, training=True), reduce_retracing=True)
    dataset = _batches(pictures).prefetch(tf.data.AUTOTUNE)
    return lambda: (call(images) for images in dataset)


def composed(pictures: np.ndarray, policy: Policy = POLICY) -> Callable[[], Iterable]:
    """The course's policy: one matrix, one resampling, in a parallel map."""
    dataset = policy.apply(_batches(pictures), seed=0)
    return lambda: dataset


def open_cv(pictures: np.ndarray) -> Callable[[], Iterable]:
    """One matrix and `cv2.warpAffine`, a picture at a time, on one thread."""
    import cv2
    import tensorflow as tf

    from course_utils.augmentation import affine, draws

    size = pictures.shape[1:3][::-1]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP

    def warped() -> Iterable:
        for start in range(0, PASSES * len(pictures), BATCH):
            place = start % len(pictures)
            batch = pictures[place : place + BATCH]
            amounts = draws.draw(POLICY, tf.constant(batch), tf.constant([start, 0], tf.int64))
            matrices = affine.matrices(amounts.geometry, *size[::-1]).numpy()
            yield np.stack(
                [
                    cv2.warpAffine(
                        one, m[:6].reshape(2, 3), size, flags=flags, borderMode=cv2.BORDER_REFLECT
                    )
                    for one, m in zip(batch, matrices, strict=True)
                ]
            )

    return warped


def contenders(pictures: np.ndarray) -> dict[str, Callable[[], Iterable]]:
    """Name to a function that gives all batches once."""
    made = {
        "legacy generator": legacy(pictures),
        "Keras layers in the dataset": layers_in_dataset(pictures),
        "Keras layers in the model": layers_in_model(pictures),
        "policy, one warp": composed(pictures),
        "nothing": composed(pictures, Policy()),
        "policy, flip only": composed(pictures, Policy(flip_horizontal=True)),
        "Keras brightness + contrast": layers_in_dataset(pictures, LIGHT),
        "policy, brightness + contrast": composed(pictures, LIGHT),
    }
    # Not among the course's dependencies.
    with contextlib.suppress(ImportError):
        made["OpenCV, one warp"] = open_cv(pictures)
    return made


def rates(size: int, count: int, rounds: int, clock: Callable[[], float]) -> dict[str, float]:
    """Pictures a second of each contender: the best of some rounds after one to warm up."""
    pictures = np.random.default_rng(0).random((count, size, size, 3), np.float32)
    made = contenders(pictures)
    least = dict.fromkeys(made, float("inf"))
    for turn in range(rounds + 1):
        for name, batches in made.items():
            start = clock()
            seen = sum(len(batch) for batch in batches())
            took = clock() - start
            if seen != count * PASSES:
                raise RuntimeError(f"{name} gave {seen} of {count * PASSES} pictures")
            if turn:
                least[name] = min(least[name], took)
    return {name: count * PASSES / took for name, took in least.items()}


def _batches(pictures: np.ndarray):
    import tensorflow as tf

    # Batched beforehand, as the legacy class slices them: only the augmentation is to be timed.
    return tf.data.Dataset.from_tensor_slices(
        pictures.reshape(-1, BATCH, *pictures.shape[1:])
    ).repeat(PASSES)


def main() -> None:
    """Time, and print the table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 150], help="in pixels")
    parser.add_argument("--rounds", type=int, default=2, help="of which the best counts")
    parser.add_argument(
        "--pictures", type=int, default=256, help=f"in each round, a multiple of {BATCH}"
    )
    parser.add_argument("--clock", choices=sorted(CLOCKS), default="core", help="what is counted")
    arguments = parser.parse_args()
    # The legacy class calls SciPy by a name that is going away.
    warnings.simplefilter("ignore", DeprecationWarning)
    device, versions = tensorflow_device.start(0)
    written = ", ".join(f"{name} {version}" for name, version in versions.items())
    print(f"{device}; {written}; load {_load()}")
    table = {
        size: rates(size, arguments.pictures, arguments.rounds, CLOCKS[arguments.clock])
        for size in arguments.sizes
    }
    first = table[arguments.sizes[0]]
    heads = [f"{size}×{size} | × legacy | × layers" for size in arguments.sizes]
    unit = {"core": "pictures a second of a core", "wall": "pictures a second"}[arguments.clock]
    print(f"| {unit} | " + " | ".join(heads) + " |")
    print("|---|" + "--:|--:|--:|" * len(heads))
    for name in first:
        cells = []
        for size in arguments.sizes:
            rate = table[size][name]
            old, stacked = (
                rate / table[size][base]
                for base in ("legacy generator", "Keras layers in the dataset")
            )
            cells.append(f"{rate:,.0f} | {old:.1f} | {stacked:.1f}")
        print(f"| {name} | " + " | ".join(cells) + " |")
    print(f"load {_load()} when done")


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


if __name__ == "__main__":
    main()
