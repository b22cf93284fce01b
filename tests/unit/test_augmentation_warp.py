"""One matrix and one resampling, against SciPy, the legacy generator and Keras' own layers."""

import warnings
from itertools import product

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from course_utils.augmentation import Policy, compiling, keras_layers, resampling
from course_utils.augmentation.affine import Geometry, flip, matrices
from course_utils.augmentation.resampling import warp

STILL = {
    "angle": 0.0,
    "shift_y": 0.0,
    "shift_x": 0.0,
    "shear": 0.0,
    "zoom_y": 1.0,
    "zoom_x": 1.0,
    "flip_horizontal": False,
    "flip_vertical": False,
}
SEVERAL = [
    {},
    {"angle": 0.3},
    {"angle": -2.0},
    {"shift_y": 3.5, "shift_x": -2.25},
    {"shear": 0.4},
    {"zoom_y": 0.7, "zoom_x": 1.3},
    {"flip_horizontal": True},
    {"flip_vertical": True},
    {"angle": 0.5, "shift_y": 1.5, "shift_x": 2.0, "shear": -0.2, "zoom_y": 0.9, "zoom_x": 1.2},
    {"angle": 0.5, "shift_y": -1.5, "shear": 0.3, "zoom_x": 0.8, "flip_horizontal": True},
]


def geometry(**amounts):
    return Geometry(*(tf.constant([value]) for value in (STILL | amounts).values()))


def noise(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, np.float32)


def by_hand(height, width, amounts):
    """The product of 3×3 matrices, each written from its definition, about the centre."""
    a = STILL | amounts
    x, y = (width - 1) / 2, (height - 1) / 2
    turn = [
        [np.cos(a["angle"]), -np.sin(a["angle"]), 0],
        [np.sin(a["angle"]), np.cos(a["angle"]), 0],
        [0, 0, 1],
    ]
    shift = [[1, 0, a["shift_x"]], [0, 1, a["shift_y"]], [0, 0, 1]]
    shear = [[1, -np.sin(a["shear"]), 0], [0, np.cos(a["shear"]), 0], [0, 0, 1]]
    zoom = np.diag([a["zoom_x"], a["zoom_y"], 1])
    mirror = np.diag([1 - 2 * a["flip_horizontal"], 1 - 2 * a["flip_vertical"], 1])
    there, back = [[1, 0, x], [0, 1, y], [0, 0, 1]], [[1, 0, -x], [0, 1, -y], [0, 0, 1]]
    return np.linalg.multi_dot([there, turn, shift, shear, zoom, mirror, back])


def inside(height, width, matrix):
    """Which pixels are read from within the picture."""
    y, x = np.mgrid[:height, :width]
    source = np.einsum("ij,jhw->ihw", matrix, np.stack([x, y, np.ones_like(x)]))
    return (
        (source[0] >= 0) & (source[0] <= width - 1) & (source[1] >= 0) & (source[1] <= height - 1)
    )


def legacy(picture, **amounts):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return tf.keras.preprocessing.image.apply_affine_transform(
            picture, row_axis=0, col_axis=1, channel_axis=2, **amounts
        )


@pytest.mark.parametrize("amounts", SEVERAL)
@pytest.mark.parametrize(("height", "width"), [(21, 21), (15, 24)])
def test_matrix_is_the_product_of_its_parts(height, width, amounts):
    ours = matrices(geometry(**amounts), height, width).numpy()[0]
    wanted = by_hand(height, width, amounts)
    np.testing.assert_allclose(ours[:6], wanted[:2].ravel(), atol=1e-5)
    assert not ours[6:].any()


@pytest.mark.parametrize("amounts", SEVERAL)
@pytest.mark.parametrize("order", [0, 1])
def test_picture_is_scipys(amounts, order):
    picture = noise(15, 24, 3)
    matrix = by_hand(15, 24, amounts)
    # SciPy counts rows first.
    turned = matrix[[1, 0, 2]][:, [1, 0, 2]]
    wanted = np.stack(
        [
            ndimage.affine_transform(picture[..., c], turned, order=order, mode="reflect")
            for c in range(3)
        ],
        axis=-1,
    )
    ours = warp(
        picture[None],
        matrices(geometry(**amounts), 15, 24),
        interpolation=("nearest", "bilinear")[order],
    )[0].numpy()
    if order == 1:
        np.testing.assert_allclose(ours, wanted, atol=1e-4)
    else:
        # Halfway between two pixels either may be taken.
        assert (np.abs(ours - wanted).max(axis=-1) < 1e-6).mean() > 0.98


@pytest.mark.parametrize("fill", ["nearest", "reflect", "wrap", "constant"])
@pytest.mark.parametrize(
    "amounts", [one for one in SEVERAL if not {"flip_horizontal", "flip_vertical"} & set(one)]
)
def test_picture_is_that_of_the_legacy_generator(fill, amounts):
    picture = noise(21, 21, 2)
    a = STILL | amounts
    theirs = legacy(
        picture,
        theta=np.degrees(a["angle"]),
        tx=a["shift_x"],
        ty=a["shift_y"],
        shear=np.degrees(a["shear"]),
        zx=a["zoom_x"],
        zy=a["zoom_y"],
        fill_mode=fill,
        cval=0.25,
    )
    transforms = matrices(geometry(**amounts), 21, 21)
    ours = warp(picture[None], transforms, fill=fill, fill_value=0.25)[0].numpy()
    within = inside(21, 21, by_hand(21, 21, amounts))
    assert within.sum() > 150
    np.testing.assert_allclose(ours[within], theirs[within], atol=1e-4)
    if fill in ("nearest", "reflect"):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
    if fill == "constant":
        # Beyond the rim of a pixel, in which only TensorFlow mixes picture and constant.
        far = ndimage.binary_erosion(~within, np.ones((5, 5)), border_value=1)
        np.testing.assert_allclose(ours[far], theirs[far], atol=1e-4)


def test_the_comparison_sees_a_wrong_sign():
    picture = noise(21, 21, 1)
    theirs = legacy(picture, theta=20.0, fill_mode="reflect")
    ours = warp(picture[None], matrices(geometry(angle=float(-np.radians(20.0))), 21, 21))[
        0
    ].numpy()
    assert np.abs(ours - theirs).max() > 0.3


def test_directions_are_as_documented():
    dot = np.zeros((1, 9, 9, 1), np.float32)
    dot[0, 4, 6] = 1

    def lands(**amounts):
        place = warp(dot, matrices(geometry(**amounts), 9, 9), fill="constant").numpy()[0, ..., 0]
        return tuple(int(index) for index in np.unravel_index(place.argmax(), place.shape))

    assert lands(angle=np.pi / 2) == (2, 4)  # right to top: counter-clockwise
    assert lands(shift_y=2.0) == (2, 6)
    assert lands(shift_x=2.0) == (4, 4)
    assert lands(zoom_x=2.0, zoom_y=2.0) == (4, 5)
    assert lands(flip_horizontal=True) == (4, 2)
    dot[:] = 0
    dot[0, 2, 4] = 1
    assert lands(shear=0.5)[1] == 3  # the upper part leans to the left
    assert lands(flip_vertical=True) == (6, 4)


def test_legacy_class_moves_columns_where_the_height_is_meant():
    dot = np.zeros((9, 9, 1), np.float32)
    dot[4, 4] = 1
    assert legacy(dot, tx=2.0)[4, 2, 0] == 1


def test_warped_picture_is_that_of_a_stack_of_keras_layers():
    # A smooth picture: four resamplings blur noise, and differ from one.
    y, x = np.mgrid[:48, :48] / 48
    picture = (0.5 + 0.3 * np.sin(5 * x + 3 * y) + 0.2 * np.cos(4 * y))[None, ..., None]
    picture = picture.astype(np.float32)
    stack = [
        keras.layers.RandomRotation((0.06, 0.06)),
        keras.layers.RandomTranslation((-0.05, -0.05), (0.1, 0.1), fill_mode="reflect"),
        keras.layers.RandomZoom((-0.1, -0.1), (0.05, 0.05)),
    ]
    theirs = picture
    for layer in stack:
        theirs = layer(theirs, training=True)
    amounts = {
        "angle": 0.06 * 2 * np.pi,
        "shift_y": 0.05 * 48,
        "shift_x": -0.1 * 48,
        "zoom_y": 0.9,
        "zoom_x": 1.05,
    }
    ours = warp(picture, matrices(geometry(**amounts), 48, 48))
    within = inside(48, 48, by_hand(48, 48, amounts))
    within[:8] = within[-8:] = within[:, :8] = within[:, -8:] = False
    assert within.sum() > 900
    np.testing.assert_allclose(ours[0].numpy()[within], theirs[0].numpy()[within], atol=4e-3)
    backwards = warp(picture, matrices(geometry(**(amounts | {"zoom_y": 1.1})), 48, 48))
    assert np.abs(backwards[0].numpy() - theirs[0].numpy())[within].max() > 0.02


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64", "float32"])
def test_dtype_is_kept(dtype):
    whole = np.arange(2 * 6 * 5).reshape(2, 6, 5, 1).astype(dtype)
    quarter = Geometry(*(tf.repeat(part, 2) for part in geometry(angle=0.4)))
    warped = warp(whole, matrices(quarter, 6, 5), interpolation="nearest")
    assert warped.dtype.name == dtype
    assert set(np.unique(warped)) <= set(np.unique(whole))


@pytest.mark.parametrize(("horizontal", "vertical"), list(product([False, True], repeat=2)))
def test_flip_is_numpys_and_the_matrixs(horizontal, vertical):
    picture = noise(1, 7, 4, 3)
    wanted = picture[:, ::-1] if vertical else picture
    wanted = wanted[:, :, ::-1] if horizontal else wanted
    ours = flip(picture, horizontal=[horizontal], vertical=[vertical])
    np.testing.assert_array_equal(ours, wanted)
    amounts = {"flip_horizontal": horizontal, "flip_vertical": vertical}
    np.testing.assert_allclose(warp(picture, matrices(geometry(**amounts), 7, 4)), wanted)


def test_layers_are_in_the_order_of_the_matrix():
    everything = Policy(
        rotation=0.1,
        shift=0.1,
        shear=0.02,
        zoom=0.2,
        flip_horizontal=True,
        flip_vertical=True,
        brightness=0.1,
        contrast=0.1,
    )
    stack = keras_layers(everything, seed=3)
    assert [type(layer).__name__.removeprefix("Random") for layer in stack] == [
        *("Rotation", "Translation", "Shear", "Zoom", "Flip", "Flip", "Brightness", "Contrast")
    ]
    assert [layer.seed for layer in stack] == [3, 4, 5, 6, 7, 8, 9, 10]
    assert keras_layers(Policy(), seed=0) == []


def test_layers_are_the_identity_at_inference():
    pictures = noise(2, 8, 8, 3)
    still = keras.Sequential(keras_layers(Policy(rotation=0.2, brightness=0.3), seed=0))
    np.testing.assert_array_equal(still(pictures, training=False), pictures)
    assert np.abs(still(pictures, training=True) - pictures).max() > 0.05


@pytest.mark.parametrize("amounts", SEVERAL)
@pytest.mark.parametrize("fill", ["reflect", "nearest", "constant"])
@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
def test_compiled_is_tensorflows_operation(amounts, fill, interpolation):
    picture = tf.constant(noise(1, 14, 17, 3))
    transforms = matrices(geometry(**amounts), 14, 17)
    how = {"interpolation": interpolation, "fill": fill, "fill_value": 0.5}
    ours = compiling.compiled(lambda *given: warp(*given, **how))(picture, transforms)
    theirs = resampling._by_operation(picture, transforms, *how.values())
    apart = np.abs(ours - theirs).max(axis=-1)
    # Halfway between two pixels, or on the rim of the picture, either may be taken.
    assert (apart < 1e-4).mean() > (0.999 if interpolation == "bilinear" else 0.97)


@pytest.mark.parametrize("amounts", SEVERAL)
def test_wrapped_picture_is_scipys(amounts):
    picture, matrix = noise(14, 17), by_hand(14, 17, amounts)[[1, 0, 2]][:, [1, 0, 2]]
    wanted = ndimage.affine_transform(picture, matrix, order=1, mode="grid-wrap")
    ours = warp(picture[None, ..., None], matrices(geometry(**amounts), 14, 17), fill="wrap")
    np.testing.assert_allclose(ours[0, ..., 0], wanted, atol=1e-4)


@pytest.mark.parametrize("fill", resampling.FILLS)
@pytest.mark.parametrize("interpolation", resampling.INTERPOLATIONS)
def test_far_outside_there_is_no_surprise(fill, interpolation):
    picture = noise(1, 5, 4, 1)
    far = matrices(geometry(shift_x=1e7, shift_y=-1e12, zoom_x=50.0), 5, 4)
    there = warp(picture, far, fill=fill, fill_value=0.25, interpolation=interpolation).numpy()
    assert np.isfinite(there).all() and there.min() >= 0 and there.max() <= 1
    if fill == "constant":
        assert (there == 0.25).all()


def test_without_a_compiler_the_picture_is_the_same(monkeypatch):
    picture = noise(1, 9, 9, 3)
    transforms = matrices(geometry(angle=0.4, shift_x=1.5), 9, 9)
    ours = warp(picture, transforms)
    monkeypatch.setattr(compiling, "available", lambda: False)
    np.testing.assert_allclose(warp(picture, transforms), ours, atol=1e-5)
    assert float(compiling.compiled(lambda x: 2 * x)(tf.constant(1.5))) == 3


def test_this_tensorflow_compiles():
    assert compiling.available()
