"""Explanations against what follows by pencil: closed forms, NumPy, finite differences."""

import keras
import numpy as np
import pytest
from explain_networks import PICTURES, SHAPE, functional, nested_twice, one_sigmoid, sequential
from keras import layers

from course_utils import explain
from course_utils.errors import InputError


@pytest.fixture(scope="module")
def network():
    return sequential()


def linear_network():
    return keras.Sequential([layers.Input(SHAPE), layers.Flatten(), layers.Dense(2)])


def maps_and_gradients(network, target):
    """Maps of "second" and the score's gradients by them, the way a tutorial takes them."""
    import tensorflow as tf

    maps = network.layers[1](network.layers[0](PICTURES))
    with tf.GradientTape() as tape:
        tape.watch(maps)
        score = network.layers[3](network.layers[2](maps))[:, target]
    return maps.numpy(), tape.gradient(score, maps).numpy()


def test_grad_cam_is_cam_up_to_scale(network):
    places = 10 * 8
    np.testing.assert_allclose(
        explain.grad_cam(network, PICTURES, 2).values * places,
        explain.cam(network, PICTURES, 2).values,
        rtol=1e-4,
        atol=1e-4,
    )


def test_cam_sums_up_to_the_score(network):
    found = explain.cam(network, PICTURES, 1)
    bias = network.layers[-1].bias.numpy()[1]
    np.testing.assert_allclose(found.values.mean(axis=(1, 2)) + bias, found.scores, rtol=1e-4)


def test_cam_of_a_1x1_convolution_as_head():
    made = sequential()
    body = made.layers[:2]
    pool = layers.GlobalAveragePooling2D(keepdims=True)
    head = layers.Conv2D(3, 1)
    flat = keras.Sequential([layers.Input(SHAPE), *body, pool, head, layers.Flatten()])
    head.set_weights([w[None, None] if w.ndim == 2 else w for w in made.layers[-1].get_weights()])
    np.testing.assert_allclose(
        explain.cam(flat, PICTURES, 1).values, explain.cam(made, PICTURES, 1).values, rtol=1e-4
    )


@pytest.mark.parametrize("between", ["flat", "hidden"])
def test_cam_is_refused_where_it_does_not_hold(between):
    inner = {
        "flat": [layers.Flatten()],
        "hidden": [layers.GlobalAveragePooling2D(), layers.Dense(5, activation="relu")],
    }[between]
    other = keras.Sequential([layers.Input(SHAPE), layers.Conv2D(5, 3), *inner, layers.Dense(2)])
    with pytest.raises(InputError, match="use grad_cam"):
        explain.cam(other, PICTURES)


def test_the_family_follows_its_formulas(network):
    maps, slope = maps_and_gradients(network, 0)
    # Grad-CAM needs gradients that differ from place to place to be told from Grad-CAM++.
    weights = slope.mean(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(
        explain.grad_cam(network, PICTURES, 0).values,
        (weights * maps).sum(-1),
        rtol=1e-4,
        atol=1e-6,
    )
    np.testing.assert_allclose(
        explain.layer_cam(network, PICTURES, 0).values,
        (np.maximum(slope, 0) * maps).sum(-1),
        rtol=1e-4,
        atol=1e-6,
    )


def uneven_network():
    """Flattened, so that each place has its own gradient."""
    keras.utils.set_random_seed(2)
    first = layers.Conv2D(6, 3, activation="relu", name="second")
    return keras.Sequential([layers.Input(SHAPE), first, layers.Flatten(), layers.Dense(3)])


@pytest.mark.parametrize("wrong", [False, True])
def test_grad_cam_plus_plus_sums_in_its_denominator(wrong):
    network = uneven_network()
    maps = np.asarray(network.layers[0](PICTURES), np.float64)
    slope = network.layers[-1].kernel.numpy()[:, 0].reshape(1, *maps.shape[1:]).astype(np.float64)
    total = maps.sum(axis=(1, 2), keepdims=True)
    if wrong:  # a known fault of other implementations, which must not pass here
        total = maps.mean(axis=(1, 2), keepdims=True)
    below = 2 * slope**2 + slope**3 * total
    alpha = np.divide(slope**2, below, out=np.zeros_like(below), where=below != 0)
    weights = (alpha * np.maximum(slope, 0)).sum(axis=(1, 2), keepdims=True)
    right = (weights * maps).sum(-1)
    found = explain.grad_cam_plus_plus(network, PICTURES, 0).values
    assert np.allclose(found, right, rtol=1e-3, atol=1e-5) is not wrong


def test_score_cam_one_picture_at_a_time_by_hand(network):
    import tensorflow as tf

    maps, _ = maps_and_gradients(network, 1)
    found = explain.score_cam(network, PICTURES, 1).values
    nothing = np.asarray(network(np.zeros_like(PICTURES[:1])))[0, 1]
    for picture, map_, values in zip(PICTURES, maps, found, strict=True):
        gains, living = [], []
        for k in range(map_.shape[-1]):
            one = map_[..., k]
            if np.ptp(one) == 0:  # says nothing
                continue
            living.append(k)
            mask = (one - one.min()) / (one.max() - one.min())
            mask = tf.image.resize(mask[..., None], SHAPE[:2]).numpy()
            gains.append(np.asarray(network((picture * mask)[None]))[0, 1] - nothing)
        weights = np.exp(gains) / np.exp(gains).sum()
        np.testing.assert_allclose(values, map_[..., living] @ weights, rtol=1e-3, atol=1e-5)


def test_gradients_are_finite_differences(network):
    found = explain.gradients(network, PICTURES, 0).values
    dice = np.random.default_rng(3)
    for _ in range(5):
        step = np.zeros_like(PICTURES)
        place = tuple(dice.integers(0, size) for size in PICTURES.shape)
        step[place] = 1e-2
        up, down = (
            explain.answers(network, PICTURES + sign * step, 0).scores[place[0]] for sign in (1, -1)
        )
        assert found[place] == pytest.approx((up - down) / 2e-2, abs=3e-3)


def test_integrated_gradients_of_a_linear_network_are_exact():
    network = linear_network()
    weights = network.layers[-1].kernel.numpy()[:, 1].reshape(SHAPE)
    baseline = np.random.default_rng(5).random(SHAPE, dtype=np.float32)
    for steps in (1, 7):
        found = explain.integrated_gradients(network, PICTURES, 1, baseline=baseline, steps=steps)
        np.testing.assert_allclose(found.values, weights * (PICTURES - baseline), atol=1e-5)


@pytest.mark.parametrize("batch_size", [3, 64])
def test_integrated_gradients_are_complete(network, batch_size):
    found = explain.integrated_gradients(
        network, PICTURES, 2, baseline=0.3, steps=200, batch_size=batch_size
    )
    start = explain.answers(network, np.full_like(PICTURES, 0.3), 2).scores
    np.testing.assert_allclose(
        found.values.sum(axis=(1, 2, 3)), found.scores - start, rtol=0.02, atol=0.01
    )


def test_smooth_grad_of_a_linear_network_is_its_gradient():
    network = linear_network()
    found = explain.smooth_grad(network, PICTURES, 0, samples=5)
    np.testing.assert_allclose(
        found.values, explain.gradients(network, PICTURES, 0).values, atol=1e-6
    )


def test_smooth_grad_follows_its_seed_whatever_the_batch(network):
    one, other, third = (
        explain.smooth_grad(network, PICTURES, 0, samples=6, seed=seed, batch_size=size).values
        for seed, size in ((1, 4), (1, 64), (2, 64))
    )
    np.testing.assert_allclose(one, other, atol=1e-5)
    assert np.abs(one - third).max() > 1e-4


def patch_network(top=4, left=2):
    """Looks at one square of 4 pixels alone, and adds it up."""
    mask = np.zeros((*SHAPE, 1), np.float32)
    mask[top : top + 4, left : left + 4] = 1
    network = keras.Sequential([layers.Input(SHAPE), layers.Flatten(), layers.Dense(1)])
    network.layers[-1].set_weights([mask.reshape(-1, 1), np.zeros(1)])
    return network, mask[..., 0, 0] > 0


def test_occlusion_finds_the_one_patch_that_counts():
    network, truth = patch_network()
    found = explain.occlusion(network, PICTURES, 1, patch=2, stride=2, fill=0.0)
    assert (found.values[:, ~truth] == 0).all()
    for row, column in ((4, 2), (6, 4)):
        square = slice(row, row + 2), slice(column, column + 2)
        fall = PICTURES[(slice(None), *square)].sum(axis=(1, 2, 3))
        np.testing.assert_allclose(
            found.values[(slice(None), *square)],
            fall[:, None, None] * np.ones((1, 2, 2)),
            rtol=1e-4,
        )


def test_occlusion_covers_every_pixel_and_follows_its_definition(network):
    found = explain.occlusion(network, PICTURES[:2], 0, patch=5, stride=3, fill=0.5)
    whole = np.asarray(network(PICTURES[:2]))[:, 0]
    falls, times = np.zeros((2, *SHAPE[:2])), np.zeros(SHAPE[:2])
    for top in (0, 3, 6, 7):
        for left in (0, 3, 5):
            copy = PICTURES[:2].copy()
            copy[:, top : top + 5, left : left + 5] = 0.5
            fall = whole - np.asarray(network(copy))[:, 0]
            falls[:, top : top + 5, left : left + 5] += fall[:, None, None]
            times[top : top + 5, left : left + 5] += 1
    np.testing.assert_allclose(found.values, falls / times, atol=1e-5)


@pytest.mark.parametrize(
    "method",
    [
        explain.cam,
        explain.grad_cam,
        explain.grad_cam_plus_plus,
        explain.layer_cam,
        explain.score_cam,
        explain.gradients,
        explain.smooth_grad,
        explain.integrated_gradients,
        explain.occlusion,
    ],
)
def test_a_batch_is_one_picture_after_the_other(method, network):
    options = {} if method is not explain.smooth_grad else {"samples": 1, "noise": 1e-6}
    whole = method(network, PICTURES, None, **options)
    for i, picture in enumerate(PICTURES):
        alone = method(network, picture[None], None, **options)
        assert alone.targets[0] == whole.targets[i]
        size = np.abs(whole.values[i]).max()
        np.testing.assert_allclose(alone.values[0], whole.values[i], atol=1e-4 * size)


def test_the_networks_own_answer_is_explained_by_default(network):
    found = explain.grad_cam(network, PICTURES)
    own = np.asarray(network(PICTURES))
    np.testing.assert_array_equal(found.targets, own.argmax(axis=1))
    np.testing.assert_allclose(found.scores, own.max(axis=1), rtol=1e-5)


def test_one_unit_has_two_classes():
    network = one_sigmoid()
    yes, no = (explain.answers(network, PICTURES, k) for k in (1, 0))
    np.testing.assert_allclose(yes.scores, -no.scores)
    np.testing.assert_allclose(yes.probabilities, np.asarray(network(PICTURES))[:, 0], rtol=1e-5)
    np.testing.assert_allclose(yes.probabilities + no.probabilities, 1, rtol=1e-5)
    own = explain.answers(network, PICTURES).targets
    np.testing.assert_array_equal(own, np.asarray(network(PICTURES))[:, 0] > 0.5)


def test_logits_are_explained_where_a_softmax_is_sure():
    sure, logits = sequential(activation="softmax"), sequential()
    for network in (sure, logits):
        kernel, bias = network.layers[-1].get_weights()
        network.layers[-1].set_weights([kernel * 300, bias])
    assert np.asarray(sure(PICTURES)).max(axis=1) == pytest.approx(1)
    np.testing.assert_allclose(
        explain.grad_cam(sure, PICTURES).values,
        explain.grad_cam(logits, PICTURES).values,
        rtol=1e-4,
    )
    assert np.abs(explain.grad_cam(sure, PICTURES).values).max() > 1


def test_softmax_as_a_layer_of_its_own_is_looked_behind():
    made = sequential()
    network = keras.Sequential([*made.layers, layers.Softmax()])
    np.testing.assert_allclose(
        explain.answers(network, PICTURES, 0).scores, np.asarray(made(PICTURES))[:, 0], rtol=1e-5
    )


def test_where_nothing_speaks_for_a_class_the_map_is_zero_and_says_so():
    network = sequential()
    kernel, bias = network.layers[-1].get_weights()
    network.layers[-1].set_weights([-np.abs(kernel), bias])
    for method in (explain.grad_cam, explain.grad_cam_plus_plus, explain.layer_cam, explain.cam):
        found = method(network, PICTURES, 0)
        assert not found.maps.any()
        assert found.empty == tuple(range(7))
        assert "7 with nothing to show" in repr(found)


def test_black_pictures_and_dead_networks_give_no_nan():
    network = functional()
    for weight in network.weights:
        weight.assign(np.zeros(weight.shape))
    for method in (explain.grad_cam_plus_plus, explain.score_cam, explain.smooth_grad):
        found = method(network, np.zeros_like(PICTURES), 0)
        assert np.isfinite(found.values).all()
        assert found.empty == tuple(range(7))


def test_activations_of_all_layers_in_the_order_of_the_pass():
    network = nested_twice()
    given = explain.activations(network, PICTURES, batch_size=3)
    assert list(given) == ["middle/base/first", "middle/base/second", "pool", "head"]
    flow = PICTURES
    for array, layer in zip(given.values(), sequential().layers, strict=True):
        flow = np.asarray(layer(flow))
        np.testing.assert_allclose(array, flow, atol=1e-5)
    assert list(explain.activations(network, PICTURES, layers=["pool", "first"])) == [
        "pool",
        "middle/base/first",
    ]
    with pytest.raises(InputError, match="did you mean 'pool'"):
        explain.activations(network, PICTURES, layers=["pol"])
    with pytest.raises(InputError, match="a list of names"):
        explain.activations(network, PICTURES, layers="pool")


def test_silent_channels_by_hand():
    conv = layers.Conv2D(4, 1, activation="relu", name="conv")
    network = keras.Sequential([layers.Input(SHAPE), conv])
    # Always on, never on, on in the brightest pictures alone, always the same.
    bright = PICTURES * np.linspace(0.1, 1, 7, dtype=np.float32)[:, None, None, None]
    kernel = np.zeros((1, 1, 3, 4))
    kernel[0, 0, 0] = [1, -1, 1, 0]
    conv.set_weights([kernel, np.array([0, 0, -0.5, 1.0])])
    silence = explain.silent_channels(network, bright, batch_size=2)["conv"]
    assert silence.dead == (1, 3)
    assert silence.share_dead == 0.5
    maps = np.asarray(network(bright))
    same = (maps == maps[:, :1, :1]).all(axis=(1, 2)).mean()
    assert silence.empty == pytest.approx(same)
    assert 0.5 < silence.empty < 0.75


def test_ranges_are_checked(network):
    with pytest.raises(InputError, match="samples"):
        explain.smooth_grad(network, PICTURES, samples=0)
    with pytest.raises(InputError, match="noise above 0"):
        explain.smooth_grad(network, PICTURES, noise=0)
    with pytest.raises(InputError, match="steps"):
        explain.integrated_gradients(network, PICTURES, steps=0)
    with pytest.raises(InputError, match="baseline"):
        explain.integrated_gradients(network, PICTURES, baseline=np.zeros((4, 4)))
    with pytest.raises(InputError, match="at most 10"):
        explain.occlusion(network, PICTURES, patch=11)


def test_tf_keras_vis_agrees():
    peer = pytest.importorskip(
        "tf_keras_vis.gradcam", reason="tf-keras-vis is not installed: a cross-check, no need"
    )
    # It finds layers by their first use; in a copy that is the network itself.
    network = keras.models.clone_model(functional())
    network.set_weights(functional().get_weights())
    theirs = peer.Gradcam(network, clone=False)(
        lambda output: output[:, 1],
        PICTURES,
        penultimate_layer="second",
        seek_penultimate_conv_layer=False,
        expand_cam=False,
        normalize_cam=False,
    )
    ours = np.maximum(explain.grad_cam(network, PICTURES, 1).values, 0)
    np.testing.assert_allclose(np.asarray(theirs), ours, rtol=1e-3, atol=1e-5)
