"""Counting how well pixels were labelled: the confusion matrix, and what it costs an evaluation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.turns import Candidate, Job

COUNT, SIDE, CLASSES, BATCH = 512, 96, 3, 32
EVALUATED = 320


def _batches():
    pairs = _maps()
    parts = [slice(start, start + BATCH) for start in range(0, COUNT, BATCH)]
    return [tuple(one[part] for one in pairs) for part in parts]


def _maps() -> tuple[np.ndarray, np.ndarray]:
    dice = np.random.default_rng(0)
    truth, answers = dice.integers(0, CLASSES, (2, COUNT, SIDE, SIDE))
    return truth.astype(np.uint8), answers.astype(np.uint8)


def course() -> Callable[[], object]:
    """`Confusion`, a batch at a time, with every label looked at."""
    from course_utils import segmentation

    batches = _batches()

    def run() -> None:
        counted = segmentation.Confusion(CLASSES)
        for truth, answers in batches:
            counted.add(truth, answers)
        segmentation.iou(counted.counts)

    return run


def sklearn() -> Callable[[], object]:
    """scikit-learn's confusion matrix of each batch, added up."""
    from sklearn.metrics import confusion_matrix

    batches, labels = _batches(), range(CLASSES)
    return lambda: sum(
        confusion_matrix(truth.ravel(), answers.ravel(), labels=labels)
        for truth, answers in batches
    )


def keras_metric() -> Callable[[], object]:
    """`keras.metrics.MeanIoU`, a batch at a time, on labels."""
    import keras

    batches = _batches()

    def run() -> None:
        metric = keras.metrics.MeanIoU(CLASSES, sparse_y_pred=True)
        for truth, answers in batches:
            metric.update_state(truth, answers)
        metric.result()

    return run


def each_class() -> Callable[[], object]:
    """As tutorials have it: for each picture and class, an intersection and a union."""
    truth, answers = _maps()

    def run() -> None:
        for one, other in zip(truth, answers, strict=True):
            for k in range(CLASSES):
                ((one == k) & (other == k)).sum() / max(1, ((one == k) | (other == k)).sum())

    return run


def evaluation(counting: bool) -> Callable[[], object]:
    """A U-Net of chapter 06 on pictures, with or without the streaming mean IoU."""
    import keras

    from course_utils import convnets, segmentation

    network = convnets.unet((SIDE, SIDE, 3), CLASSES)
    metric = segmentation.mean_iou_metric(CLASSES, given="logits")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(loss=loss, metrics=[metric] if counting else [])
    pictures = np.random.default_rng(0).random((EVALUATED, SIDE, SIDE, 3), np.float32)
    truth = _maps()[0][:EVALUATED]
    return lambda: network.evaluate(pictures, truth, verbose=0, batch_size=BATCH) and None


JOBS = [
    Job(
        f"confusion matrix of {COUNT} masks of {SIDE}×{SIDE}",
        Candidate("`Confusion`", course),
        (
            Candidate("scikit-learn", sklearn),
            Candidate("`keras.metrics.MeanIoU`", keras_metric),
            Candidate("picture by picture, class by class", each_class),
        ),
    ),
    Job(
        f"evaluating a U-Net on {EVALUATED} pictures",
        Candidate("with the streaming mean IoU", evaluation, (True,)),
        (Candidate("loss only", evaluation, (False,)),),
        rounds=9,
        core=True,
        # The metric may cost a twentieth.
        goal=(("loss only", 0.95),),
    ),
]
