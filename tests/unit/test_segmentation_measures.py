"""The pixels' confusion matrix and its measures, against scikit-learn, sets, and by hand."""

import numpy as np
import pytest
import tensorflow as tf
from sklearn import metrics

from course_utils import segmentation
from course_utils.errors import InputError
from course_utils.segmentation import Confusion

CLASSES = 4


def maps(seed=0, pictures=5, classes=CLASSES, size=(9, 7)):
    dice = np.random.default_rng(seed)
    truth = dice.integers(0, classes, (pictures, *size))
    answers = np.where(
        dice.random(truth.shape) < 0.6, truth, dice.integers(0, classes, truth.shape)
    )
    return truth, answers


def counted(truth, answers, classes=CLASSES, **options):
    return Confusion(classes, **options).add(truth, answers)


def test_it_agrees_with_scikit_learn():
    truth, answers = maps()
    counts, flat = counted(truth, answers).counts, (truth.ravel(), answers.ravel())
    labels = range(CLASSES)
    np.testing.assert_array_equal(counts, metrics.confusion_matrix(*flat, labels=labels))
    np.testing.assert_allclose(
        segmentation.iou(counts), metrics.jaccard_score(*flat, labels=labels, average=None)
    )
    np.testing.assert_allclose(
        segmentation.dice(counts), metrics.f1_score(*flat, labels=labels, average=None)
    )
    assert segmentation.mean_iou(counts) == pytest.approx(
        metrics.jaccard_score(*flat, average="macro")
    )
    assert segmentation.pixel_accuracy(counts) == pytest.approx(metrics.accuracy_score(*flat))


def test_batches_in_any_order_give_the_same_whole_numbers():
    truth, answers = maps(pictures=7)
    whole = counted(truth, answers)
    pieces = Confusion(CLASSES)
    for cut in (slice(4, 7), slice(0, 1), slice(1, 4)):
        pieces.add(truth[cut], answers[cut][..., None])
    np.testing.assert_array_equal(pieces.counts, whole.counts)
    np.testing.assert_array_equal(pieces.by_picture[[3, 4, 5, 6, 0, 1, 2]], whole.by_picture)
    assert whole.counts.dtype.kind == "i" and whole.counts.sum() == truth.size


def test_small_types_do_not_overflow():
    truth, answers = maps(classes=200, pictures=2)
    small = counted(truth.astype(np.uint8), answers.astype(np.uint8), classes=200)
    np.testing.assert_array_equal(small.counts, counted(truth, answers, classes=200).counts)


def test_an_absent_class_is_absent_and_a_missed_one_is_zero():
    truth, answers = np.array([[[0, 0, 1]]]), np.array([[[0, 0, 2]]])
    counts = counted(truth, answers).counts
    np.testing.assert_array_equal(segmentation.iou(counts), [1, 0, 0, np.nan])
    np.testing.assert_array_equal(segmentation.dice(counts), [1, 0, 0, np.nan])
    assert segmentation.mean_iou(counts) == pytest.approx(1 / 3)
    assert segmentation.mean_iou(counts, background=0) == 0


def test_the_mean_over_pictures_is_not_the_measure_of_all_pixels():
    truth = np.zeros((2, 10, 10), int)
    truth[0, :8], truth[1, 0, :2] = 1, 1
    answers = truth.copy()
    answers[1, 0, 1] = 0  # half of a small thing is missed: IoU 1 and 1/2
    both = counted(truth, answers, classes=2)
    assert segmentation.iou(both.counts)[1] == pytest.approx(81 / 82)
    assert segmentation.iou(both.by_picture)[:, 1].mean() == 0.75
    assert segmentation.mean_iou(both.by_picture, background=0).tolist() == [1, 0.5]


def test_void_pixels_count_for_nothing():
    truth, answers = maps()
    hidden = np.random.default_rng(1).random(truth.shape) < 0.3
    counts = counted(np.where(hidden, 255, truth), answers, void=255).counts
    seen = metrics.confusion_matrix(truth[~hidden], answers[~hidden], labels=range(CLASSES))
    np.testing.assert_array_equal(counts, seen)
    nothing = counted(np.full_like(truth, -1), answers, void=-1)
    assert nothing.by_picture.shape == (len(truth), CLASSES, CLASSES)
    assert np.isnan(segmentation.mean_iou(nothing.counts))
    assert np.isnan(segmentation.pixel_accuracy(nothing.counts))


def test_nothing_counted_is_no_images():
    assert Confusion(3).counts.tolist() == np.zeros((3, 3)).tolist()
    assert Confusion(3).by_picture.shape == (0, 3, 3)
    for given in ("logits", "probabilities"):
        nothing = np.zeros((0, 4, 4, 3), np.float32)
        assert segmentation.label_maps(nothing, given=given, classes=3).shape == (0, 4, 4)


def test_logits_and_probabilities_are_told_apart():
    truth = np.array([[[1, 0]]])
    single = np.array([[[[0.3], [-0.2]]]])
    assert Confusion(2).add(truth, single, given="logits").counts.tolist() == [[1, 0], [0, 1]]
    unsure = np.array([[[[0.3], [0.2]]]])
    assert Confusion(2).add(truth, unsure, given="probabilities").counts.tolist() == [
        [1, 0],
        [1, 0],
    ]
    for classes in (2, 5):
        outputs = np.random.default_rng(0).normal(size=(2, 3, 4, classes))
        got = segmentation.label_maps(outputs, given="logits", classes=classes)
        np.testing.assert_array_equal(got, outputs.argmax(axis=-1))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_counted_as_float32_is(dtype):
    outputs = np.random.default_rng(0).normal(size=(2, 9, 7, CLASSES)).astype(np.float32)
    outputs = tf.nn.softmax(tf.cast(outputs, dtype))
    wanted = np.argmax(tf.cast(outputs, tf.float64), axis=-1)
    for given in ("logits", "probabilities"):
        got = segmentation.label_maps(outputs.numpy(), given=given, classes=CLASSES)
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize(
    ("outputs", "given", "received"),
    [
        (np.zeros((1, 2, 2)), "labels", "float64"),
        (np.zeros((1, 2, 2, 3)), "labels", "float64: .*given='logits'"),
        (np.zeros((2, 2), int), "labels", r"\(2, 2\)"),
        (np.zeros((1, 2, 2, 3), int), "labels", r"\(1, 2, 2, 3\).*argmax"),
        (np.zeros((1, 2, 2), int), "logits", r"int64 of shape \(1, 2, 2\)"),
        (np.zeros((1, 2, 2, 4)), "logits", "received 4 "),
        (np.zeros((1, 2, 2, 1)), "logits", "received 1 "),
        (np.full((1, 2, 2, 3), np.nan), "logits", "not-a-number"),
        (np.full((1, 2, 2, 3), 1.5), "probabilities", "1.5 to 1.5: these are logits"),
        (np.full((1, 2, 2, 3), 0.5), "probabilities", "sums from 1.5 to 1.5"),
        (np.zeros((1, 2, 2), int), "softmax", "'softmax'"),
    ],
)
def test_outputs_that_are_something_else_are_refused(outputs, given, received):
    with pytest.raises(InputError, match=received):
        Confusion(3).add(np.zeros((1, 2, 2), int), outputs, given=given)


@pytest.mark.parametrize(
    ("truth", "answers", "void", "received"),
    [
        ([[[0, 3]]], [[[0, 0]]], None, r"3 \(1 of 2 pixels\)"),
        ([[[1, 3]]], [[[0, 0]]], None, "3 .*subtract 1"),
        ([[[0, -1]]], [[[0, 0]]], None, "-1"),
        ([[[0, 254]]], [[[0, 0]]], 255, "254"),
        ([[[0, 0]]], [[[0, 255]]], 255, "255"),
        ([[[0, 0]]], [[[0], [0]]], None, r"\(1, 1, 2\) and predictions \(1, 2, 1\)"),
    ],
)
def test_labels_outside_the_classes_stop_the_count(truth, answers, void, received):
    confusion = Confusion(3, void=void)
    with pytest.raises(InputError, match=f"received .*{received}"):
        confusion.add(np.array(truth), np.array(answers))
    assert confusion.counts.sum() == 0


@pytest.mark.parametrize(
    ("call", "received"),
    [
        (lambda: Confusion(1), "1"),
        (lambda: Confusion(True), "True"),
        (lambda: Confusion(3, void=2), "2"),
        (lambda: Confusion(3, void=2.5), "2.5"),
        (lambda: segmentation.iou([[1.0, 0], [0, 1]]), "float64"),
        (lambda: segmentation.iou([1, 2]), r"int64 of shape \(2,\)"),
        (lambda: segmentation.iou([[1]]), r"int64 of shape \(1, 1\)"),
        (lambda: segmentation.iou([[1, -1], [0, 0]]), r"int64 of shape \(2, 2\)"),
        (lambda: segmentation.mean_iou([[1, 0], [0, 1]], background=2), "2"),
        (lambda: segmentation.boundary_f(square(4), square(4, size=17)), r"masks \(1, 16, 16\)"),
        (lambda: segmentation.boundary_f(square(4), square(4), tolerance=-1), "-1"),
        (lambda: segmentation.at_quantiles([], (0,)), r"shape \(0,\)"),
        (lambda: segmentation.at_quantiles([np.nan], (0,)), r"shape \(1,\), all of them"),
        (lambda: segmentation.at_quantiles([0.5], (1.5,)), r"\[1.5\]"),
    ],
)
def test_what_does_not_fit_is_refused(call, received):
    with pytest.raises(InputError, match=f"received {received}"):
        call()


@pytest.mark.parametrize(
    ("images", "masks", "received"),
    [
        ((3, 8, 6, 3), (2, 8, 6), "3 images and 2 masks"),
        ((2, 8, 6, 3), (2, 6, 8), "images of 8×6 and masks of 6×8"),
        ((8, 6, 3), (2, 8, 6), r"shape \(8, 6, 3\)"),
        ((2, 8, 6, 3), (2, 8, 6, 2), r"shape \(2, 8, 6, 2\)"),
    ],
)
def test_pairs_that_do_not_belong_together_are_refused(images, masks, received):
    with pytest.raises(InputError, match=f"received {received}"):
        segmentation.check_pairs(np.zeros(images), np.zeros(masks, int), classes=2)


def test_pairs_with_labels_outside_are_refused_and_good_ones_pass():
    images, trimaps = np.zeros((2, 4, 4, 3)), np.full((2, 4, 4), 3)
    with pytest.raises(InputError, match="received 3"):
        segmentation.check_pairs(images, trimaps, classes=3)
    with pytest.raises(InputError, match="received float64"):
        segmentation.check_pairs(images, trimaps / 2, classes=3)
    segmentation.check_pairs(images, trimaps - 1, classes=3)
    segmentation.check_pairs(images, np.full((2, 4, 4, 1), 255), classes=3, void=255)


def square(left, size=16, pictures=1):
    mask = np.zeros((pictures, size, size), int)
    mask[:, 4:12, left : left + 8] = 1
    return mask


def brute_force(truth, answer, tolerance):
    """Boundary F of one picture of class 1 by comparing all pairs of outline pixels."""

    def outline(mask):
        rows = []
        for i, j in np.argwhere(mask == 1):
            sides = [(i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)]
            inside = [s for s in sides if 0 <= s[0] < mask.shape[0] and 0 <= s[1] < mask.shape[1]]
            if any(mask[s] != 1 for s in inside):
                rows.append((i, j))
        return np.array(rows)

    one, other = outline(truth), outline(answer)
    near = np.linalg.norm(one[:, None] - other[None], axis=-1) <= tolerance
    precision, recall = near.any(axis=0).mean(), near.any(axis=1).mean()
    return 2 * precision * recall / (precision + recall)


@pytest.mark.parametrize("tolerance", [0, 1, 1.5, 3])
def test_boundary_f_agrees_with_comparing_all_pairs(tolerance):
    truth, answers = maps(seed=3, classes=2, size=(12, 11))
    got = segmentation.boundary_f(truth, answers, tolerance=tolerance)
    wanted = [brute_force(*pair, tolerance) for pair in zip(truth, answers, strict=True)]
    np.testing.assert_allclose(got, wanted)


def test_boundary_f_falls_with_distance_and_sees_what_is_absent():
    values = [segmentation.boundary_f(square(4), square(4 + by))[0] for by in (0, 1, 2, 4)]
    assert values[0] == values[1] == 1 and values[1] > values[2] > values[3] > 0
    empty = np.zeros_like(square(4))
    assert segmentation.boundary_f(square(4), empty).tolist() == [0]
    assert np.isnan(segmentation.boundary_f(empty, empty)).all()
    # A class that fills the picture has no outline.
    assert np.isnan(segmentation.boundary_f(empty, empty, label=0)).all()


def test_quantiles_go_from_worst_to_best():
    values = np.random.default_rng(0).permutation(101) / 100
    chosen = segmentation.at_quantiles(values)
    np.testing.assert_allclose(values[chosen], [0, 0.1, 0.25, 0.5, 0.75, 0.9, 1])
