"""Pictures a second: the course's pipeline against bare decoding and against what Keras offers.

    COURSE_REGISTRY=… python benchmarks/pipeline.py --rounds 7

All read the same JPEG files (cats against dogs, every picture of the prepared set) and nothing is
cached but by the system. The candidates take turns, so that whatever else the machine does
befalls all of them. Shown are pictures a second of processor time, summed over threads: what one
core does, which other work slows far less than the clock (median of the rounds); and pictures a
second by the clock, with all cores, in the best round, which means something on a quiet machine
only. The table goes into `results.md`.
"""

import argparse
import contextlib
import io
import os
import tempfile
import time
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from course_utils import datasets

BATCH = 32
RESIZING, COURSE, KERAS = (
    "decoding and resizing",
    "the course: `Part.batches`",
    "`image_dataset_from_directory`",
)


def bare(paths, size):
    """Reading and decoding, and resizing if there is a size; nothing else.

    One number of each picture is passed on, or the loop over single pictures would cost as much
    as decoding them.
    """

    def decode(path):
        image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        return (image if size is None else tf.image.resize(image, (size, size)))[0, 0, 0]

    files = tf.data.Dataset.from_tensor_slices([str(path) for path in paths])
    pixels = files.map(decode, num_parallel_calls=tf.data.AUTOTUNE)
    return pixels.batch(BATCH).prefetch(tf.data.AUTOTUNE)


def course(paths, labels, size):
    """The course's own, as `fit` gets it: shuffled, labelled, in batches, scaled to [0, 1]."""
    part = datasets.StreamedPart("train", paths, labels, size=size)
    return part.batches(BATCH, shuffle_seed=0)


def keras_reader(folder, size):
    """`image_dataset_from_directory`, with the scaling that training needs and prefetched."""
    pictures = tf.keras.utils.image_dataset_from_directory(
        folder, image_size=(size, size), batch_size=BATCH, shuffle=True, seed=0, verbose=False
    )
    scaled = pictures.map(lambda images, labels: (images / 255.0, labels), tf.data.AUTOTUNE)
    return scaled.prefetch(tf.data.AUTOTUNE)


class Legacy:
    """`ImageDataGenerator.flow_from_directory`, one epoch at a time."""

    def __init__(self, folder, size):
        generator = tf.keras.preprocessing.image.ImageDataGenerator(rescale=1 / 255)
        with contextlib.redirect_stdout(io.StringIO()):
            self._flow = generator.flow_from_directory(
                folder, target_size=(size, size), batch_size=BATCH, class_mode="binary", seed=0
            )

    def __iter__(self):
        return (self._flow[k] for k in range(len(self._flow)))


def epoch(pipeline):
    """Seconds of one epoch: by the clock, and of all threads of this process."""
    began, worked = time.perf_counter(), time.process_time()
    for _ in pipeline:
        pass
    return time.perf_counter() - began, time.process_time() - worked


def measure(candidates, rounds):
    """Epochs of each candidate in turn: name to array (rounds, 2) of seconds."""
    for pipeline in candidates.values():
        epoch(pipeline)  # traces, and fills the system's cache
    seconds = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, pipeline in candidates.items():
            seconds[name].append(epoch(pipeline))
    return {name: np.array(rows) for name, rows in seconds.items()}


def main():
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--sizes", type=int, nargs="+", default=[150, 96])
    parser.add_argument("--repeat", type=int, default=2, help="times each file in an epoch")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    data = datasets.open("cats_vs_dogs")
    rows = [
        (path, label)
        for part in (data.train, data.validation, data.test)
        for path, label in zip(part.paths, part.labels, strict=True)
    ]
    with tempfile.TemporaryDirectory() as temporary:
        paths, labels = [], []
        for k in range(options.repeat):
            for path, label in rows:
                copy = Path(temporary, data.classes[label], f"{k}-{path.parts[-3]}-{path.name}")
                copy.parent.mkdir(exist_ok=True)
                copy.symlink_to(path)
                paths.append(copy)
                labels.append(label)
        kilobytes = np.mean([path.stat().st_size for path in paths]) / 1e3
        print(
            f"{len(rows)} pictures of {kilobytes:.1f} KB on average, {os.cpu_count()} cores, "
            f"TensorFlow {tf.__version__}, batches of {BATCH}, {options.rounds} rounds "
            f"of {len(paths):,} pictures\n"
        )
        header = [f"{n}×{n}, {what}" for n in options.sizes for what in ("a core", "by the clock")]
        print("| pictures a second | " + " | ".join(header) + " |\n|---|" + "---|" * len(header))
        results = [_candidates(paths, labels, temporary, size) for size in options.sizes]
        results = [measure(candidates, options.rounds) for candidates in results]
        for name in results[0]:
            cells = []
            for seconds in results:
                clock, work = seconds[name][:, 0].min(), np.median(seconds[name][:, 1])
                cells += [f"{len(paths) / work:,.0f}", f"{len(paths) / clock:,.0f}"]
            print(f"| {name} | " + " | ".join(cells) + " |")
        load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "not known"
        for base in (RESIZING, KERAS):
            cells = []
            for seconds in results:
                best = seconds[base][:, 0].min() / seconds[COURSE][:, 0].min()
                work = np.median(seconds[base][:, 1]) / np.median(seconds[COURSE][:, 1])
                cells += [f"{work:.2f}", f"{best:.2f}"]
            print(f"| the course, in shares of {base} | " + " | ".join(cells) + " |")
        print(f"\nLoad of the machine at the end: {load}.")


def _candidates(paths, labels, folder, size):
    return {
        "decoding alone": bare(paths, None),
        RESIZING: bare(paths, size),
        COURSE: course(paths, np.array(labels, np.int32), size),
        KERAS: keras_reader(folder, size),
        "legacy `flow_from_directory`": Legacy(folder, size),
    }


if __name__ == "__main__":
    main()
