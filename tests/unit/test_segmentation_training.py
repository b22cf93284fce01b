"""Losses and the metric for training, against Keras, NumPy, and what Keras' own get wrong."""

import subprocess
import sys

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


@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_pixel_losses_equal_numpy(gamma):
    truth, logits = batch()
    kept, probabilities = truth != VOID, softmax(logits.astype(float))
    p = probabilities[kept][np.arange(kept.sum()), truth[kept]]
    wanted = ((1 - p) ** gamma * -np.log(p)).mean()
    for from_logits, outputs in ((True, logits), (False, probabilities.astype(np.float32))):
        loss = segmentation.focal_loss(CLASSES, from_logits=from_logits, void=VOID, gamma=gamma)
        assert float(loss(truth, outputs)) == pytest.approx(wanted, rel=1e-4)


def test_cross_entropy_is_keras_own_where_keras_has_it():
    truth, logits = batch()
    for from_logits, outputs in ((True, logits), (False, softmax(logits))):
        theirs = keras.losses.SparseCategoricalCrossentropy(from_logits, ignore_class=VOID)
        ours = segmentation.cross_entropy_loss(CLASSES, from_logits=from_logits, void=VOID)
        wanted = float(theirs(truth, outputs))
        assert float(ours(truth, outputs)) == pytest.approx(wanted, rel=1e-5)


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


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_of_a_whole_photograph_is_added_up_in_float32(maker, dtype):
    # 90,000 pixels alike, whose sum float16 cannot hold.
    truth, logits = np.zeros((1, 300, 300), np.uint8), np.zeros((1, 300, 300, 2))
    logits[..., 0] = 1.0
    p = 1 / (1 + np.exp(-1))
    wanted = {
        segmentation.cross_entropy_loss: -np.log(p),
        segmentation.focal_loss: (1 - p) ** 2 * -np.log(p),
        segmentation.dice_loss: 1 - 2 * p / (p + 1),
    }[maker]
    loss = maker(2, from_logits=True)
    # Keras' Dice adds its rows one by one, which costs float32 a thousandth.
    assert float(loss(truth, tf.cast(logits, dtype))) == pytest.approx(wanted, rel=4e-3)


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
def test_labels_and_outputs_that_do_not_fit_stop_the_loss(maker):
    truth, logits = batch()
    loss = maker(CLASSES, from_logits=True, void=VOID)
    halves = truth + 0.5
    outside = truth.copy()
    outside[0, 0, 0] = CLASSES
    for labels in (outside, halves):
        with pytest.raises(InputError, match="from 0 to 2 or 255 for void"):
            loss(labels, logits)
        with pytest.raises(tf.errors.InvalidArgumentError, match="from 0 to 2 or 255 for void"):
            tf.function(loss)(labels, logits)
    for outputs in (logits[..., :1], logits[..., 0], np.concatenate([logits, logits], axis=-1)):
        with pytest.raises(InputError, match=f"received shape .*{outputs.shape[-1]}"):
            loss(truth, outputs)
    with pytest.raises(InputError, match=r"masks \(2, 5, 5\) and outputs \(2, 6, 5, 3\)"):
        loss(truth[:, 1:], logits)
    with pytest.raises(InputError, match="sample weights"):
        loss(truth, logits, np.ones(2))


def test_options_that_do_not_fit_are_refused():
    for received, call in (
        ("-1", lambda: segmentation.focal_loss(CLASSES, from_logits=True, gamma=-1)),
        ("1", lambda: segmentation.dice_loss(CLASSES, from_logits=True, void=1)),
        ("'labels'", lambda: segmentation.mean_iou_metric(CLASSES, given="labels")),
        ("1", lambda: segmentation.mean_iou_metric(CLASSES, given="logits", void=1)),
        ("3", lambda: segmentation.mean_iou_metric(CLASSES, given="logits", background=3)),
    ):
        with pytest.raises(InputError, match=f"received {received}"):
            call()


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
    network = small_network()
    network.compile(
        optimizer=keras.optimizers.Adam(0.1),
        jit_compile=False,  # which would leave out the check of the labels
        loss=segmentation.dice_loss(CLASSES, from_logits=True, void=VOID),
        metrics=[segmentation.mean_iou_metric(CLASSES, given="logits", void=VOID)],
    )
    truth, _ = batch()
    images = (np.where(truth == VOID, 0, truth)[..., None] / 2).astype(np.float32)
    history = network.fit(images, truth, epochs=30, verbose=0).history
    assert history["mean_iou"][-1] > history["mean_iou"][0] + 0.2
    assert history["loss"][-1] < history["loss"][0]
    truth[0, 0, 0] = 7
    with pytest.raises(tf.errors.InvalidArgumentError, match="received others"):
        network.fit(images, truth, verbose=0)


def small_network():
    return keras.Sequential(
        [keras.layers.Input((6, 5, 1)), keras.layers.Conv2D(CLASSES, 3, padding="same")]
    )


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_saved_networks_are_loaded_with_loss_and_metric_in_another_process(tmp_path):
    truth, _ = batch()
    images = truth[..., None].astype(np.float32) / 255
    np.savez(tmp_path / "data.npz", images=images, truth=truth)
    wanted = []
    for number, maker in enumerate(MAKERS):
        network = small_network()
        network.compile(
            loss=maker(CLASSES, from_logits=True, void=VOID),
            metrics=[segmentation.mean_iou_metric(CLASSES, given="logits", void=VOID)],
        )
        wanted += network.evaluate(images, truth, verbose=0)
        network.save(tmp_path / f"{number}.keras")
    code = (
        "import keras, numpy as np\n"
        "from course_utils import segmentation\n"
        "data = np.load('data.npz')\n"
        "for number in range(3):\n"
        "    network = keras.models.load_model(f'{number}.keras')\n"
        "    print(*network.evaluate(data['images'], data['truth'], verbose=0))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert [float(word) for word in run.stdout.split()] == pytest.approx(wanted, rel=1e-5)


def test_the_metric_refuses_weights_and_other_channels():
    metric = segmentation.mean_iou_metric(CLASSES, given="logits")
    truth, logits = batch(void=False)
    with pytest.raises(InputError, match=r"\(2, 6, 5, 2\)"):
        metric.update_state(truth, logits[..., :2])
    with pytest.raises(InputError, match="sample weights"):
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
