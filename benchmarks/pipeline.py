"""Reading JPEG files as batches: the course, Keras' reader, the legacy generator, the ceiling.

All read the same files (cats against dogs, the first pictures of the set over and over) at the
same size, and nothing is cached but by the system. The ceiling is decoding and resizing alone, in
parallel: no labels, no shuffling, no scaling.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
import warnings
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from benchmarks.turns import Candidate, Job

BATCH, COUNT, SET = 32, 600, "cats_vs_dogs"
DIFFERENT = 300  # of them; each is read twice


def ceiling(size: int) -> Callable[[], object]:
    """Reading, decoding and resizing.

    One number of each picture is passed on, or the loop over single pictures would cost as much
    as decoding them.
    """
    import tensorflow as tf

    def decode(path: tf.Tensor) -> tf.Tensor:
        image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        return tf.image.resize(image, (size, size))[0, 0, 0]

    paths, _ = _files()
    files = tf.data.Dataset.from_tensor_slices([str(path) for path in paths])
    pixels = files.map(decode, num_parallel_calls=tf.data.AUTOTUNE)
    return _epoch(pixels.batch(BATCH).prefetch(tf.data.AUTOTUNE))


def course(size: int) -> Callable[[], object]:
    """As `fit` gets it: shuffled, labelled, in batches, scaled to [0, 1]."""
    from course_utils import datasets

    paths, labels = _files()
    part = datasets.StreamedPart("train", paths, np.array(labels, np.int32), size=size)
    return _epoch(part.batches(BATCH, shuffle_seed=0))


def keras_reader(size: int) -> Callable[[], object]:
    """`image_dataset_from_directory`, with the scaling that training needs and prefetched."""
    import tensorflow as tf

    with contextlib.redirect_stdout(io.StringIO()):
        pictures = tf.keras.utils.image_dataset_from_directory(
            _folder(), image_size=(size, size), batch_size=BATCH, shuffle=True, seed=0
        )
    scaled = pictures.map(lambda images, labels: (images / 255.0, labels), tf.data.AUTOTUNE)
    return _epoch(scaled.prefetch(tf.data.AUTOTUNE))


def legacy(size: int) -> Callable[[], object]:
    """`ImageDataGenerator.flow_from_directory`, one epoch."""
    import tensorflow as tf

    warnings.simplefilter("ignore", DeprecationWarning)
    generator = tf.keras.preprocessing.image.ImageDataGenerator(rescale=1 / 255)
    with contextlib.redirect_stdout(io.StringIO()):
        flow = generator.flow_from_directory(
            _folder(), target_size=(size, size), batch_size=BATCH, class_mode="binary", seed=0
        )
    return lambda: [flow[index] for index in range(len(flow))] and None


def _files() -> tuple[list[Path], list[int]]:
    """The paths that are read in an epoch, each with its label."""
    from course_utils import datasets

    data = datasets.open(SET)
    rows = [
        (path, int(label))
        for part in (data.train, data.validation, data.test)
        for path, label in zip(part.paths, part.labels, strict=True)
    ]
    paths, labels = zip(*islice(cycle(rows[:DIFFERENT]), COUNT), strict=True)
    return list(paths), list(labels)


def _folder() -> str:
    """The same files as a folder for each class, as the readers of folders want them."""
    # It lives as long as the process, which has nothing else to do.
    folder = Path(tempfile.mkdtemp(prefix="course-benchmark-"))
    for number, (path, label) in enumerate(zip(*_files(), strict=True)):
        link = folder / str(label) / f"{number}-{path.name}"
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(path)
    return str(folder)


def _epoch(dataset) -> Callable[[], object]:
    def run() -> None:
        for _ in dataset:
            pass

    return run


def _job(size: int) -> Job:
    return Job(
        f"reading {COUNT} JPEG files at {size}×{size}",
        Candidate("`Part.batches`", course, (size,), needs=SET),
        (
            Candidate("decoding and resizing alone", ceiling, (size,)),
            Candidate("`image_dataset_from_directory`", keras_reader, (size,)),
            Candidate("legacy `flow_from_directory`", legacy, (size,)),
        ),
        rounds=9,
        core=True,
        # Within a tenth of the ceiling.
        goal=(("decoding and resizing alone", 0.9),),
    )


JOBS = [_job(150), _job(96)]
