"""What an epoch costs besides its steps, where the pictures are few and the epochs many."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.turns import Candidate, Job

COUNT, SIDE, EPOCHS = 256, 8, 40


def _network():
    import keras

    keras.utils.set_random_seed(0)
    layers = keras.layers
    network = keras.Sequential([layers.Input((SIDE, SIDE, 1)), layers.Conv2D(4, 3)])
    network.add(layers.GlobalAveragePooling2D())
    network.add(layers.Dense(2))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(optimizer="adam", loss=loss)
    return network


def _pairs() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    return generator.random((COUNT, SIDE, SIDE, 1), np.float32), generator.integers(0, 2, COUNT)


def arrays() -> Callable[[], object]:
    """`fit(x, y)`: Keras slices and shuffles."""
    network, (x, y) = _network(), _pairs()
    return lambda: network.fit(x, y, batch_size=32, epochs=EPOCHS, verbose=0) and None


def dataset(lean: bool) -> Callable[[], object]:
    """`fit(dataset)`, as `tf.data` sets it up by itself, or without tuning and rewriting it."""
    import tensorflow as tf

    network = _network()
    batches = tf.data.Dataset.from_tensor_slices(_pairs()).shuffle(COUNT, seed=0).batch(32)
    if lean:
        options = tf.data.Options()
        options.autotune.enabled = False
        options.experimental_optimization.apply_default_optimizations = False
        batches = batches.with_options(options)
    return lambda: network.fit(batches, epochs=EPOCHS, verbose=0) and None


def by_hand() -> Callable[[], object]:
    """A loop of one's own over batches of that size, with `train_on_batch`."""
    network, (x, y) = _network(), _pairs()
    generator = np.random.default_rng(0)

    def run() -> None:
        for _ in range(EPOCHS):
            for batch in generator.permutation(COUNT).reshape(-1, 32):
                network.train_on_batch(x[batch], y[batch])

    return run


JOBS = [
    Job(
        f"{EPOCHS} epochs of 8 small batches",
        Candidate("`fit(x, y)`", arrays),
        (
            Candidate("`fit(dataset)`", dataset, (False,)),
            Candidate("`fit(dataset)`, not tuned", dataset, (True,)),
            Candidate("`train_on_batch`", by_hand),
        ),
    )
]
