"""Explanations against what follows by pencil: closed forms, NumPy, finite differences."""

import keras
import numpy as np
import pytest
from explain_networks import IMAGES, SHAPE, functional, one_sigmoid, refused, sequential
from keras import layers

from course_utils import explain
from course_utils.backend import tf


@pytest.fixture(scope="module")
def model():
    return sequential()


def linear():
    return keras.Sequential([layers.Input(SHAPE), layers.Flatten(), layers.Dense(2)])


def maps_and_gradients(model, target):
    """Maps of "second" and the score's gradients by them, the way a tutorial takes them."""
    maps = model.layers[1](model.layers[0](IMAGES))
    with tf.GradientTape() as tape:
        tape.watch(maps)
        score = model.layers[3](model.layers[2](maps))[:, target]
    return maps.numpy(), tape.gradient(score, maps).numpy()


# The CAM family


def test_cam_sums_up_to_the_score_and_is_grad_cam_up_to_scale(model):
    found = explain.cam(model, IMAGES, 1)
    bias = model.layers[-1].bias.numpy()[1]
    np.testing.assert_allclose(found.values.mean(axis=(1, 2)) + bias, found.scores, rtol=1e-4)
    positions = 10 * 8
    grad = explain.grad_cam(model, IMAGES, 1).values
    np.testing.assert_allclose(grad * positions, found.values, rtol=1e-4, atol=1e-4)


def test_cam_of_a_1x1_convolution_as_head():
    made = sequential()
    pool, head = layers.GlobalAveragePooling2D(keepdims=True), layers.Conv2D(3, 1)
    flat = keras.Sequential([layers.Input(SHAPE), *made.layers[:2], pool, head, layers.Flatten()])
    head.set_weights([w[None, None] if w.ndim == 2 else w for w in made.layers[-1].get_weights()])
    np.testing.assert_allclose(
        explain.cam(flat, IMAGES, 1).values, explain.cam(made, IMAGES, 1).values, rtol=1e-4
    )


def test_cam_of_each_of_two_heads():
    inputs = layers.Input(SHAPE)
    maps = layers.Conv2D(4, 3)(inputs)
    pooled = layers.GlobalAveragePooling2D()(maps)
    dense = [layers.Dense(3), layers.Dense(5)]
    ends = [layers.Softmax(name=name)(one(pooled)) for name, one in zip("ab", dense, strict=True)]
    model = keras.Model(inputs, ends)
    given = keras.Model(inputs, maps).predict(IMAGES, verbose=0)
    for name, one in zip("ab", dense, strict=True):
        found = explain.cam(model, IMAGES, 1, output=name).values
        np.testing.assert_allclose(found, given @ one.get_weights()[0][:, 1], atol=1e-4)


@pytest.mark.parametrize("between", ["flat", "hidden"])
def test_cam_is_refused_where_it_does_not_hold(between):
    inner = {
        "flat": [layers.Flatten()],
        "hidden": [layers.GlobalAveragePooling2D(), layers.Dense(5, activation="relu")],
    }[between]
    other = keras.Sequential([layers.Input(SHAPE), layers.Conv2D(5, 3), *inner, layers.Dense(2)])
    with refused("grad_cam"):
        explain.cam(other, IMAGES)


def uneven():
    """Flattened, so that each position has its own gradient."""
    keras.utils.set_random_seed(2)
    first = layers.Conv2D(6, 3, activation="relu", name="second")
    return keras.Sequential([layers.Input(SHAPE), first, layers.Flatten(), layers.Dense(3)])


@pytest.mark.parametrize("method", ["Grad-CAM", "Layer-CAM", "Grad-CAM++", "Grad-CAM++ of means"])
def test_the_family_follows_its_formulas(method):
    # Gradients that differ from position to position tell the methods apart.
    model = uneven()
    maps = np.asarray(model.layers[0](IMAGES), np.float64)
    slope = model.layers[-1].kernel.numpy()[:, 0].reshape(1, *maps.shape[1:]).astype(np.float64)
    total = maps.sum(axis=(1, 2), keepdims=True)
    if method.endswith("of means"):  # a known fault of other implementations: must not pass here
        total = maps.mean(axis=(1, 2), keepdims=True)
    below = 2 * slope**2 + slope**3 * total
    alpha = np.divide(slope**2, below, out=np.zeros_like(below), where=below != 0)
    positive = np.maximum(slope, 0)
    explained, weights = {
        "Grad-CAM": (explain.grad_cam, slope.mean(axis=(1, 2), keepdims=True)),
        "Layer-CAM": (explain.layer_cam, positive),
        "Grad-CAM++": (
            explain.grad_cam_plus_plus,
            (alpha * positive).sum(axis=(1, 2), keepdims=True),
        ),
    }[method.removesuffix(" of means")]
    found = explained(model, IMAGES, 0).values
    close = np.allclose(found, (weights * maps).sum(-1), rtol=1e-3, atol=1e-5)
    assert close is not method.endswith("of means")


def test_score_cam_one_image_at_a_time_by_hand(model):
    maps, _ = maps_and_gradients(model, 1)
    found = explain.score_cam(model, IMAGES, 1).values
    nothing = np.asarray(model(np.zeros_like(IMAGES[:1])))[0, 1]
    for image, map_, values in zip(IMAGES, maps, found, strict=True):
        gains, living = [], []
        for k in range(map_.shape[-1]):
            one = map_[..., k]
            if np.ptp(one) == 0:  # says nothing
                continue
            living.append(k)
            mask = (one - one.min()) / (one.max() - one.min())
            mask = tf.image.resize(mask[..., None], SHAPE[:2]).numpy()
            gains.append(np.asarray(model((image * mask)[None]))[0, 1] - nothing)
        weights = np.exp(gains) / np.exp(gains).sum()
        np.testing.assert_allclose(values, map_[..., living] @ weights, rtol=1e-3, atol=1e-5)


# Gradients by pixel


def test_gradients_are_finite_differences(model):
    found = explain.gradients(model, IMAGES, 0).values
    rng = np.random.default_rng(3)
    for _ in range(5):
        step = np.zeros_like(IMAGES)
        at = tuple(rng.integers(0, size) for size in IMAGES.shape)
        step[at] = 1e-2
        up, down = (
            explain.answers(model, IMAGES + sign * step, 0).scores[at[0]] for sign in (1, -1)
        )
        assert found[at] == pytest.approx((up - down) / 2e-2, abs=3e-3)


def test_integrated_gradients_of_a_linear_model_are_exact():
    model = linear()
    weights = model.layers[-1].kernel.numpy()[:, 1].reshape(SHAPE)
    baseline = np.random.default_rng(5).random(SHAPE, dtype=np.float32)
    for steps in (1, 7):
        found = explain.integrated_gradients(model, IMAGES, 1, baseline=baseline, steps=steps)
        np.testing.assert_allclose(found.values, weights * (IMAGES - baseline), atol=1e-5)


@pytest.mark.parametrize("batch_size", [3, 64])
def test_integrated_gradients_are_complete(model, batch_size):
    found = explain.integrated_gradients(
        model, IMAGES, 2, baseline=0.3, steps=200, batch_size=batch_size
    )
    start = explain.answers(model, np.full_like(IMAGES, 0.3), 2).scores
    np.testing.assert_allclose(
        found.values.sum(axis=(1, 2, 3)), found.scores - start, rtol=0.02, atol=0.01
    )


def test_smooth_grad_of_a_linear_model_is_its_gradient():
    model = linear()
    found = explain.smooth_grad(model, IMAGES, 0, samples=5)
    plain = explain.gradients(model, IMAGES, 0)
    np.testing.assert_allclose(found.values, plain.values, atol=1e-6)


def test_smooth_grad_follows_its_seed_whatever_the_batch(model):
    one, other, third = (
        explain.smooth_grad(model, IMAGES, 0, samples=6, seed=seed, batch_size=size).values
        for seed, size in ((1, 4), (1, 64), (2, 64))
    )
    np.testing.assert_allclose(one, other, atol=1e-5)
    assert np.abs(one - third).max() > 1e-4


# Occlusion


def test_occlusion_finds_the_one_patch_that_counts():
    truth = np.zeros((*SHAPE, 1), np.float32)
    truth[4:8, 2:6] = 1
    model = keras.Sequential([layers.Input(SHAPE), layers.Flatten(), layers.Dense(1)])
    model.layers[-1].set_weights([truth.reshape(-1, 1), np.zeros(1)])
    found = explain.occlusion(model, IMAGES, 1, patch=2, stride=2, fill=0.0)
    assert (found.values[:, truth[..., 0, 0] == 0] == 0).all()
    for row, column in ((4, 2), (6, 4)):
        square = slice(None), slice(row, row + 2), slice(column, column + 2)
        fall = IMAGES[square].sum(axis=(1, 2, 3))[:, None, None] * np.ones((1, 2, 2))
        np.testing.assert_allclose(found.values[square], fall, rtol=1e-4)


def test_occlusion_covers_every_pixel_and_follows_its_definition(model):
    found = explain.occlusion(model, IMAGES[:2], 0, patch=5, stride=3, fill=0.5)
    whole = np.asarray(model(IMAGES[:2]))[:, 0]
    falls, times = np.zeros((2, *SHAPE[:2])), np.zeros(SHAPE[:2])
    for top in (0, 3, 6, 7):
        for left in (0, 3, 5):
            copy = IMAGES[:2].copy()
            copy[:, top : top + 5, left : left + 5] = 0.5
            fall = whole - np.asarray(model(copy))[:, 0]
            falls[:, top : top + 5, left : left + 5] += fall[:, None, None]
            times[top : top + 5, left : left + 5] += 1
    np.testing.assert_allclose(found.values, falls / times, atol=1e-5)


# All of them


METHODS = [
    explain.cam,
    explain.grad_cam,
    explain.grad_cam_plus_plus,
    explain.layer_cam,
    explain.score_cam,
    explain.gradients,
    explain.smooth_grad,
    explain.integrated_gradients,
    explain.occlusion,
]


@pytest.mark.parametrize("method", METHODS)
def test_a_batch_is_one_image_after_the_other(method, model):
    options = {"samples": 1, "noise": 1e-6} if method is explain.smooth_grad else {}
    whole = method(model, IMAGES, None, **options)
    for i, image in enumerate(IMAGES[:4]):
        alone = method(model, image[None], None, **options)
        assert alone.targets[0] == whole.targets[i]
        size = np.abs(whole.values[i]).max()
        np.testing.assert_allclose(alone.values[0], whole.values[i], atol=1e-4 * size)


def test_the_models_own_answer_is_explained_by_default(model):
    found = explain.grad_cam(model, IMAGES)
    own = np.asarray(model(IMAGES))
    np.testing.assert_array_equal(found.targets, own.argmax(axis=1))
    np.testing.assert_allclose(found.scores, own.max(axis=1), rtol=1e-5)


def test_one_unit_has_two_classes():
    model = one_sigmoid()
    yes, no = (explain.answers(model, IMAGES, k) for k in (1, 0))
    own = np.asarray(model(IMAGES))[:, 0]
    np.testing.assert_allclose(yes.scores, -no.scores)
    np.testing.assert_allclose(yes.probabilities, own, rtol=1e-5)
    np.testing.assert_allclose(yes.probabilities + no.probabilities, 1, rtol=1e-5)
    np.testing.assert_array_equal(explain.answers(model, IMAGES).targets, own > 0.5)


def test_where_nothing_speaks_for_a_class_the_map_is_zero_and_says_so():
    model = sequential()
    kernel, bias = model.layers[-1].get_weights()
    model.layers[-1].set_weights([-np.abs(kernel), bias])
    for method in (explain.grad_cam, explain.grad_cam_plus_plus, explain.layer_cam, explain.cam):
        found = method(model, IMAGES, 0)
        assert not found.maps.any()
        assert found.empty == tuple(range(7))
        assert "7 with nothing" in repr(found)


def test_black_images_and_dead_models_give_no_nan():
    model = functional()
    for weight in model.weights:
        weight.assign(np.zeros(weight.shape))
    for method in (explain.grad_cam_plus_plus, explain.score_cam, explain.smooth_grad):
        found = method(model, np.zeros_like(IMAGES), 0)
        assert np.isfinite(found.values).all()
        assert found.empty == tuple(range(7))


@pytest.mark.parametrize(
    ("method", "options", "offending"),
    [
        (explain.smooth_grad, {"samples": 0}, 0),
        (explain.smooth_grad, {"noise": 0}, 0),
        (explain.smooth_grad, {"seed": -1}, -1),
        (explain.integrated_gradients, {"steps": 0}, 0),
        (explain.integrated_gradients, {"baseline": np.zeros((4, 4))}, (4, 4)),
        (explain.integrated_gradients, {"baseline": np.nan}, "NaN"),
        (explain.occlusion, {"patch": 11}, 11),
        (explain.occlusion, {"fill": np.full(3, 255, np.uint8)}, "uint8"),
        (explain.occlusion, {"fill": True}, "bool"),
        (explain.score_cam, {"fill": [0.5, np.inf, 0.5]}, "infinite"),
        (explain.score_cam, {"fill": "mean"}, "<U4"),
    ],
)
def test_options_out_of_range_are_refused(method, options, offending, model):
    with refused(offending):
        method(model, IMAGES, **options)


def test_tf_keras_vis_agrees():
    peer = pytest.importorskip(
        "tf_keras_vis.gradcam", reason="tf-keras-vis is not installed: a cross-check, no need"
    )
    # It finds layers by their first use; in a copy that is the model itself.
    model = keras.models.clone_model(functional())
    model.set_weights(functional().get_weights())
    theirs = peer.Gradcam(model, clone=False)(
        lambda output: output[:, 1],
        IMAGES,
        penultimate_layer="second",
        seek_penultimate_conv_layer=False,
        expand_cam=False,
        normalize_cam=False,
    )
    ours = np.maximum(explain.grad_cam(model, IMAGES, 1).values, 0)
    np.testing.assert_allclose(np.asarray(theirs), ours, rtol=1e-3, atol=1e-5)
