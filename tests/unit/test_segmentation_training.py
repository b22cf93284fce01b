"""Losses and the metric for training, against Keras, NumPy, and what Keras' own get wrong."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from course_utils import segmentation
from course_utils.errors import InputError

CLASSES, VOID = 3, 255
MAKERS = (segmentation.cross_entropy_loss, segmentation.focal_loss, segmentation.dice_loss)


def batch(seed=0, void=True):
    dice = np.random.default_rng(seed)
    truth = dice.integers(0, CLASSES, (2, 6, 5)).astype(np.uint8)
    if void:
        truth[dice.random(truth.shape) < 0.2] = VOID
    return truth, dice.normal(0, 2, (2, 6, 5, CLASSES)).astype(np.float32)


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def by_numpy(truth, logits, weights=(1, 1, 1), gamma=0):
    kept = truth != VOID
    p = softmax(logits.astype(float))[kept][np.arange(kept.sum()), truth[kept]]
    w = np.asarray(weights, float)[truth[kept]]
    return (w * (1 - p) ** gamma * -np.log(p)).sum() / w.sum()


@pytest.mark.parametrize("weights", [None, (1, 5, 0.5)])
@pytest.mark.parametrize("gamma", [None, 0.0, 2.0])
def test_pixel_losses_equal_numpy(weights, gamma):
    truth, logits = batch()
    options = {"void": VOID, "class_weights": weights}
    maker = segmentation.cross_entropy_loss
    if gamma is not None:
        maker, options = segmentation.focal_loss, options | {"gamma": gamma}
    wanted = by_numpy(truth, logits, weights or (1, 1, 1), gamma or 0)
    from_logits = maker(CLASSES, from_logits=True, **options)(truth, logits)
    probabilities = softmax(logits)
    from_probabilities = maker(CLASSES, from_logits=False, **options)(truth, probabilities)
    assert float(from_logits) == pytest.approx(wanted, rel=1e-4)
    assert float(from_probabilities) == pytest.approx(wanted, rel=1e-4)


def test_cross_entropy_is_keras_own_where_keras_has_it():
    truth, logits = batch()
    theirs = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=VOID)
    ours = segmentation.cross_entropy_loss(CLASSES, from_logits=True, void=VOID)
    assert float(ours(truth, logits)) == pytest.approx(float(theirs(truth, logits)), rel=1e-5)


def test_dice_loss_equals_numpy_and_leaves_absent_classes_out():
    truth, logits = batch()
    truth[truth == 2] = 0
    p, kept = softmax(logits.astype(float)), truth != VOID
    each = [
        2 * p[..., k][kept & (truth == k)].sum() / (p[..., k][kept].sum() + (truth == k).sum())
        for k in (0, 1)
    ]
    for from_logits, outputs in ((True, logits), (False, softmax(logits))):
        loss = segmentation.dice_loss(CLASSES, from_logits=from_logits, void=VOID)
        assert float(loss(truth, outputs)) == pytest.approx(1 - np.mean(each), rel=1e-4)


def test_keras_dice_is_ruled_by_the_background_and_ours_is_not():
    truth = np.zeros((1, 10, 10), int)
    truth[0, 0, :5] = 1
    nothing_found = np.zeros((1, 10, 10, 2), np.float32)
    nothing_found[..., 0] = 1
    theirs = keras.losses.Dice()(keras.ops.one_hot(truth, 2), nothing_found)
    ours = segmentation.dice_loss(2, from_logits=False)(truth, nothing_found)
    assert float(theirs) == pytest.approx(0.05, abs=1e-3)
    assert float(ours) > 0.5


@pytest.mark.parametrize("maker", MAKERS)
def test_void_pixels_have_no_gradient_and_all_void_is_zero(maker):
    truth, logits = batch()
    loss, outputs = maker(CLASSES, from_logits=True, void=VOID), tf.Variable(logits)
    with tf.GradientTape() as tape:
        value = loss(truth, outputs)
    gradient = tape.gradient(value, outputs).numpy()
    assert np.abs(gradient[truth == VOID]).max() == 0
    assert np.abs(gradient[truth != VOID]).max() > 0
    assert float(loss(np.full_like(truth, VOID), logits)) == 0


@pytest.mark.parametrize("maker", MAKERS)
def test_a_label_outside_stops_the_loss(maker):
    truth, logits = batch()
    truth[0, 0, 0] = CLASSES
    loss = maker(CLASSES, from_logits=True, void=VOID)
    with pytest.raises(InputError, match="from 0 to 2 or 255 for void, received others"):
        loss(truth, logits)
    with pytest.raises(tf.errors.InvalidArgumentError, match="from 0 to 2 or 255 for void"):
        tf.function(loss)(truth, logits)


@pytest.mark.parametrize("weights", [(1, 1), (1, -1, 1), (0, 0, 0), (1, np.nan, 1)])
def test_weights_that_do_not_fit_are_refused(weights):
    with pytest.raises(InputError, match="expected 3 class weights"):
        segmentation.cross_entropy_loss(CLASSES, from_logits=True, class_weights=weights)


def test_gamma_and_void_are_checked():
    with pytest.raises(InputError, match="gamma of 0 or more"):
        segmentation.focal_loss(CLASSES, from_logits=True, gamma=-1)
    with pytest.raises(InputError, match="a void label outside the classes"):
        segmentation.dice_loss(CLASSES, from_logits=True, void=1)


@pytest.mark.parametrize("background", [None, 0])
@pytest.mark.parametrize("void", [None, VOID])
def test_the_metric_equals_the_matrix(void, background):
    options = {"void": void, "background": background}
    metric = segmentation.mean_iou_metric(CLASSES, given="logits", **options)
    counted = segmentation.Confusion(CLASSES, void=void)
    for seed in range(3):
        truth, logits = batch(seed, void=void is not None)
        metric.update_state(truth, logits)
        counted.add(truth, logits, given="logits")
    np.testing.assert_array_equal(metric.counts.numpy(), counted.counts)
    wanted = segmentation.mean_iou(counted.counts, background=background)
    assert float(metric.result()) == pytest.approx(float(wanted), rel=1e-6)
    if void is None and background is None:
        theirs = keras.metrics.MeanIoU(CLASSES, sparse_y_pred=False)
        for seed in range(3):
            theirs.update_state(*batch(seed, void=False))
        assert float(theirs.result()) == pytest.approx(float(wanted), rel=1e-6)
    metric.reset_state()
    assert metric.counts.numpy().sum() == 0


@pytest.mark.parametrize("classes", [2, 21])
def test_the_metric_counts_alike_when_xla_compiles_it(classes):
    dice = np.random.default_rng(0)
    truth = dice.integers(0, classes, (2, 16, 16)).astype(np.uint8)
    truth[dice.random(truth.shape) < 0.2] = VOID
    logits = dice.normal(size=(*truth.shape, classes)).astype(np.float32)
    metric = segmentation.mean_iou_metric(classes, given="logits", void=VOID)
    tf.function(metric.update_state, jit_compile=True)(tf.constant(truth), tf.constant(logits))
    wanted = segmentation.Confusion(classes, void=VOID).add(truth, logits, given="logits")
    np.testing.assert_array_equal(metric.counts.numpy(), wanted.counts)


def test_the_metric_knows_a_single_channel():
    truth, single = np.array([[[1, 0]]]), np.array([[[[0.3], [-0.2]]]], np.float32)
    for given, wanted in (("logits", 1.0), ("probabilities", 0.25)):
        metric = segmentation.mean_iou_metric(2, given=given)
        metric.update_state(truth, single)
        assert float(metric.result()) == wanted


def test_a_network_trains_with_loss_and_metric_and_stops_at_a_strange_label():
    keras.utils.set_random_seed(0)
    network = keras.Sequential(
        [keras.layers.Input((6, 5, 1)), keras.layers.Conv2D(CLASSES, 3, padding="same")]
    )
    network.compile(
        optimizer=keras.optimizers.Adam(0.1),
        jit_compile=False,  # which would leave out the check of the labels
        loss=segmentation.dice_loss(CLASSES, from_logits=True, void=VOID),
        metrics=[segmentation.mean_iou_metric(CLASSES, given="logits", void=VOID)],
    )
    truth, _ = batch()
    pictures = (np.where(truth == VOID, 0, truth)[..., None] / 2).astype(np.float32)
    history = network.fit(pictures, truth, epochs=30, verbose=0).history
    assert history["mean_iou"][-1] > history["mean_iou"][0] + 0.2
    assert history["loss"][-1] < history["loss"][0]
    truth[0, 0, 0] = 7
    with pytest.raises(tf.errors.InvalidArgumentError, match="received others"):
        network.fit(pictures, truth, verbose=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"given": "labels"}, "'logits' or 'probabilities', received 'labels'"),
        ({"given": "logits", "void": 1}, "outside the classes"),
        ({"given": "logits", "background": 3}, "a class from 0 to 2, received 3"),
    ],
)
def test_the_metric_refuses_what_does_not_fit(options, message):
    with pytest.raises(InputError, match=message):
        segmentation.mean_iou_metric(CLASSES, **options)


def test_the_metric_refuses_weights_and_other_channels():
    metric = segmentation.mean_iou_metric(CLASSES, given="logits")
    truth, logits = batch(void=False)
    with pytest.raises(InputError, match="outputs of 3 channels, received 2"):
        metric.update_state(truth, logits[..., :2])
    with pytest.raises(InputError, match="mark pixels as void"):
        metric.update_state(truth, logits, sample_weight=truth)


class TestReadyMadeMetricsMislead:
    """If one of these fails after an upgrade, Keras has mended it: tell so in chapter 06."""

    def test_an_absent_class_is_zero(self):
        truth = np.zeros((1, 4, 4), int)
        theirs = keras.metrics.IoU(3, target_class_ids=[2])
        theirs.update_state(truth, truth)
        assert float(theirs.result()) == 0
        counts = segmentation.Confusion(3).add(truth, truth).counts
        assert np.isnan(segmentation.iou(counts)[2])
        right = keras.metrics.MeanIoU(3)
        right.update_state(truth, truth)
        assert float(right.result()) == pytest.approx(1)
        assert segmentation.mean_iou(counts) == 1

    def test_an_ignored_class_within_range_stays_in_the_mean(self):
        truth, answers = np.array([[0, 0, 1, 2, 2]]), np.array([[0, 0, 1, 1, 0]])
        theirs = keras.metrics.MeanIoU(3, ignore_class=2)
        theirs.update_state(truth, answers)
        assert float(theirs.result()) == pytest.approx(1.0)
        answers = np.array([[0, 2, 1, 1, 0]])
        theirs.reset_state()
        theirs.update_state(truth, answers)
        # Class 2 is never the truth any more, and yet it counts as a class, with IoU 0.
        assert float(theirs.result()) == pytest.approx((1 / 2 + 1 + 0) / 3)
        with pytest.raises(InputError, match="a void label outside the classes"):
            segmentation.Confusion(3, void=2)

    def test_trimaps_from_one_lose_a_class(self):
        truth = np.array([[1, 2, 3]])
        theirs = keras.metrics.MeanIoU(3)
        theirs.update_state(truth, np.array([[1, 2, 1]]))
        assert float(theirs.result()) == pytest.approx(1)  # the wrong third pixel is not seen
        with pytest.raises(InputError, match="trimaps count from 1"):
            segmentation.Confusion(3).add(truth[None], truth[None])

    def test_probabilities_are_cut_off(self):
        truth, probabilities = np.array([[1, 1, 0]]), np.array([[0.99, 0.9, 0.1]])
        theirs = keras.metrics.MeanIoU(2)
        theirs.update_state(truth, probabilities)
        assert float(theirs.result()) == pytest.approx((1 / 3 + 0) / 2)
        ours = segmentation.Confusion(2).add(
            truth[None], probabilities[None, ..., None], given="probabilities"
        )
        assert segmentation.mean_iou(ours.counts) == 1

    def test_logits_are_cut_at_a_half(self):
        truth, logits = np.array([[1, 1, 0]]), np.array([[0.4, 2.0, -1.0]])
        theirs = keras.metrics.BinaryIoU(target_class_ids=[1], threshold=0.5)
        theirs.update_state(truth, logits)
        assert float(theirs.result()) == pytest.approx(0.5)
        ours = segmentation.Confusion(2).add(truth[None], logits[None, ..., None], given="logits")
        assert segmentation.iou(ours.counts)[1] == 1
