"""One matrix and one resampling, against SciPy, TensorFlow, the legacy generator and Keras."""

import warnings
from itertools import product

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from course_utils.augmentation import geometry
from course_utils.augmentation.geometry import FILLS, Amounts, compiled, flip, matrices, warp

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


def moved(count=1, **amounts):
    """Amounts for one image, or for several alike; colors are not looked at."""
    values = [tf.repeat(tf.constant([value]), count) for value in (STILL | amounts).values()]
    return Amounts(*values, brightness=None, contrast=None, channels=None)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, np.float32)


def by_hand(height, width, amounts):
    """The product of 3×3 matrices, each written from its definition, about the center."""
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
    """Which pixels are read from within the image."""
    y, x = np.mgrid[:height, :width]
    source = np.einsum("ij,jhw->ihw", matrix, np.stack([x, y, np.ones_like(x)]))
    return (
        (source[0] >= 0) & (source[0] <= width - 1) & (source[1] >= 0) & (source[1] <= height - 1)
    )


def legacy(image, **amounts):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return tf.keras.preprocessing.image.apply_affine_transform(
            image, row_axis=0, col_axis=1, channel_axis=2, **amounts
        )


@pytest.mark.parametrize("amounts", SEVERAL)
@pytest.mark.parametrize(("height", "width"), [(21, 21), (15, 24)])
def test_matrix_is_the_product_of_its_parts(height, width, amounts):
    ours = matrices(moved(**amounts), height, width).numpy()[0]
    wanted = by_hand(height, width, amounts)
    np.testing.assert_allclose(ours[:6], wanted[:2].ravel(), atol=1e-5)
    assert not ours[6:].any()


@pytest.mark.parametrize("amounts", SEVERAL)
def test_image_is_scipys(amounts):
    image = noise(15, 24, 3)
    # SciPy counts rows first.
    matrix = by_hand(15, 24, amounts)[[1, 0, 2]][:, [1, 0, 2]]
    transforms = matrices(moved(**amounts), 15, 24)

    def scipys(**options):
        channels = [ndimage.affine_transform(image[..., c], matrix, **options) for c in range(3)]
        return np.stack(channels, axis=-1)

    bilinear = warp(image[None], transforms)[0].numpy()
    np.testing.assert_allclose(bilinear, scipys(order=1, mode="reflect"), atol=1e-4)
    wrapped = warp(image[None], transforms, fill="wrap")[0].numpy()
    np.testing.assert_allclose(wrapped, scipys(order=1, mode="grid-wrap"), atol=1e-4)
    nearest = warp(image[None], transforms, interpolation="nearest")[0].numpy()
    # Halfway between two pixels either may be taken.
    differ = np.abs(nearest - scipys(order=0, mode="reflect")).max(axis=-1)
    assert (differ < 1e-6).mean() > 0.98


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize(
    "amounts", [one for one in SEVERAL if not {"flip_horizontal", "flip_vertical"} & set(one)]
)
def test_image_is_that_of_the_legacy_generator(fill, amounts):
    image = noise(21, 21, 2)
    a = STILL | amounts
    theirs = legacy(
        image,
        theta=np.degrees(a["angle"]),
        tx=a["shift_x"],
        ty=a["shift_y"],
        shear=np.degrees(a["shear"]),
        zx=a["zoom_x"],
        zy=a["zoom_y"],
        fill_mode=fill,
        cval=0.25,
    )
    transforms = matrices(moved(**amounts), 21, 21)
    ours = warp(image[None], transforms, fill=fill, fill_value=0.25)[0].numpy()
    within = inside(21, 21, by_hand(21, 21, amounts))
    assert within.sum() > 150
    np.testing.assert_allclose(ours[within], theirs[within], atol=1e-4)
    if fill in ("nearest", "reflect"):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
    if fill == "constant":
        # Beyond the rim of a pixel, in which only TensorFlow mixes image and constant.
        far = ndimage.binary_erosion(~within, np.ones((5, 5)), border_value=1)
        np.testing.assert_allclose(ours[far], theirs[far], atol=1e-4)


def test_the_comparison_sees_a_wrong_sign():
    image = noise(21, 21, 1)
    theirs = legacy(image, theta=20.0, fill_mode="reflect")
    ours = warp(image[None], matrices(moved(angle=float(-np.radians(20.0))), 21, 21))[0].numpy()
    assert np.abs(ours - theirs).max() > 0.3


def test_directions_are_as_documented():
    dot = np.zeros((1, 9, 9, 1), np.float32)
    dot[0, 4, 6] = 1

    def lands(**amounts):
        image = warp(dot, matrices(moved(**amounts), 9, 9), fill="constant").numpy()[0, ..., 0]
        return tuple(int(index) for index in np.unravel_index(image.argmax(), image.shape))

    assert lands(angle=np.pi / 2) == (2, 4)  # right to top: counter-clockwise
    assert lands(shift_y=2.0) == (2, 6)
    assert lands(shift_x=2.0) == (4, 4)
    assert lands(zoom_x=2.0, zoom_y=2.0) == (4, 5)
    assert lands(flip_horizontal=True) == (4, 2)
    dot[:] = 0
    dot[0, 2, 4] = 1
    assert lands(shear=0.5)[1] == 3  # the upper part leans to the left
    assert lands(flip_vertical=True) == (6, 4)


def test_warped_image_is_that_of_a_stack_of_keras_layers():
    # A smooth image: four resamplings blur noise, and differ from one.
    y, x = np.mgrid[:48, :48] / 48
    image = (0.5 + 0.3 * np.sin(5 * x + 3 * y) + 0.2 * np.cos(4 * y))[None, ..., None]
    image = image.astype(np.float32)
    stack = [
        keras.layers.RandomRotation((0.06, 0.06)),
        keras.layers.RandomTranslation((-0.05, -0.05), (0.1, 0.1), fill_mode="reflect"),
        keras.layers.RandomZoom((-0.1, -0.1), (0.05, 0.05)),
    ]
    theirs = image
    for layer in stack:
        theirs = layer(theirs, training=True)
    amounts = {
        "angle": 0.06 * 2 * np.pi,
        "shift_y": 0.05 * 48,
        "shift_x": -0.1 * 48,
        "zoom_y": 0.9,
        "zoom_x": 1.05,
    }
    ours = warp(image, matrices(moved(**amounts), 48, 48))
    within = inside(48, 48, by_hand(48, 48, amounts))
    within[:8] = within[-8:] = within[:, :8] = within[:, -8:] = False
    assert within.sum() > 900
    np.testing.assert_allclose(ours[0].numpy()[within], theirs[0].numpy()[within], atol=4e-3)
    backwards = warp(image, matrices(moved(**(amounts | {"zoom_y": 1.1})), 48, 48))
    assert np.abs(backwards[0].numpy() - theirs[0].numpy())[within].max() > 0.02


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64", "bool", "float32"])
def test_dtype_is_kept(dtype):
    whole = np.arange(2 * 6 * 5).reshape(2, 6, 5, 1).astype(dtype)
    warped = warp(whole, matrices(moved(2, angle=0.4), 6, 5), interpolation="nearest")
    assert warped.dtype.name == dtype
    assert set(np.unique(warped)) <= set(np.unique(whole))


@pytest.mark.parametrize(("horizontal", "vertical"), list(product([False, True], repeat=2)))
def test_flip_is_numpys_and_the_matrixs(horizontal, vertical):
    image = noise(1, 7, 4, 3)
    wanted = image[:, ::-1] if vertical else image
    wanted = wanted[:, :, ::-1] if horizontal else wanted
    amounts = moved(flip_horizontal=horizontal, flip_vertical=vertical)
    np.testing.assert_array_equal(flip(image, amounts), wanted)
    np.testing.assert_allclose(warp(image, matrices(amounts, 7, 4)), wanted)


@pytest.mark.parametrize("fill", ["reflect", "nearest", "constant"])
@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
def test_compiled_is_tensorflows_operation(fill, interpolation):
    fast = compiled(
        lambda *given: warp(*given, interpolation=interpolation, fill=fill, fill_value=0.5)
    )
    image = tf.constant(noise(1, 14, 17, 3))
    for amounts in SEVERAL:
        transforms = matrices(moved(**amounts), 14, 17)
        theirs = tf.raw_ops.ImageProjectiveTransformV3(
            images=image,
            transforms=transforms,
            output_shape=(14, 17),
            fill_value=0.5,
            interpolation=interpolation.upper(),
            fill_mode=fill.upper(),
        )
        differ = np.abs(fast(image, transforms) - theirs).max(axis=-1)
        # Halfway between two pixels, or on the rim of the image, either may be taken.
        assert (differ < 1e-4).mean() > (0.999 if interpolation == "bilinear" else 0.97)


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
def test_far_outside_there_is_no_surprise(fill, interpolation):
    image = noise(1, 5, 4, 1)
    far = matrices(moved(shift_x=1e7, shift_y=-1e12, zoom_x=50.0), 5, 4)
    there = warp(image, far, fill=fill, fill_value=0.25, interpolation=interpolation).numpy()
    assert np.isfinite(there).all() and there.min() >= 0 and there.max() <= 1
    if fill == "constant":
        assert (there == 0.25).all()


def test_this_tensorflow_compiles_and_one_that_does_not_gives_the_same(monkeypatch):
    assert geometry._compiles()
    image, transforms = noise(1, 9, 9, 3), matrices(moved(angle=0.4, shift_x=1.5), 9, 9)
    fast = compiled(warp)(image, transforms)
    monkeypatch.setattr(geometry, "_compiles", lambda: False)
    np.testing.assert_allclose(compiled(warp)(image, transforms), fast, atol=1e-5)
