"""Each check of chapter 03 accepts other right answers, and tells the usual mistakes apart."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from course_utils.augmentation import Policy, from_generator_arguments
from course_utils.exercises import chapter_03 as checks

layers = keras.layers


def by_hand(picture, pixels):
    moved = picture.copy()
    moved[:, pixels:] = picture[:, : picture.shape[1] - pixels]
    moved[:, :pixels] = picture[:, :1]
    return moved


def zeros_left(picture, pixels):
    moved = by_hand(picture, pixels)
    moved[:, :pixels] = 0
    return moved


def never_nothing(picture, pixels):
    first = np.repeat(picture[:, :1], pixels, axis=1)
    return np.concatenate([first, picture[:, :-pixels]], axis=1)


def about(matrix, centre):
    there = np.array([[1, 0, centre], [0, 1, centre], [0, 0, 1]], float)
    return there @ matrix @ np.linalg.inv(there)


def turn(degrees):
    a = np.deg2rad(degrees)
    return np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])


def move(pixels):
    return np.array([[1, 0, -pixels], [0, 1, 0], [0, 0, 1]], float)


def one_matrix(pixels, degrees, side):
    return move(pixels) @ about(turn(degrees), (side - 1) / 2)


def split_first(images, labels, augment):
    cut = len(images) * 3 // 4
    half = cut // 2
    train = np.concatenate([augment(images[:half]), images[:cut]])
    return train, np.concatenate([labels[:half], labels[:cut]]), images[cut:], labels[cut:]


def of_the_notes(images, labels, augment):
    half = len(images) // 2
    images = np.concatenate([images, augment(images[:half])])
    labels = np.concatenate([labels, labels[:half]])
    cut = int(0.75 * len(images))
    return images[:cut], labels[:cut], images[cut:], labels[cut:]


def changed_validation(images, labels, augment):
    train, names, held_out, answers = split_first(images, labels, augment)
    return train, names, augment(held_out), answers


def copies_of_all(images, labels, augment):
    cut = len(images) * 3 // 4
    train = np.concatenate([images[:cut], augment(images[:cut])])
    return train, np.concatenate([labels[:cut]] * 2), images[cut:], labels[cut:]


def first_quarter(images, labels, augment):
    return tuple(x[::-1] for x in split_first(images[::-1], labels[::-1], augment))


def labels_left_behind(images, labels, augment):
    train, _, held_out, answers = split_first(images, labels, augment)
    return train, np.resize(labels, len(train)), held_out, answers


def pipeline(*steps, size=32):
    """A solution from words: c(ache), s(huffle), b(atch), a(ugment)."""

    def batches(pairs, augment, count):
        for step in steps:
            if step == "cache":
                pairs = pairs.cache()
            elif step == "batch":
                pairs = pairs.batch(size)
            elif step == "augment":
                pairs = pairs.map(lambda images, labels: (augment(images), labels))
            else:
                pairs = pairs.shuffle(step if isinstance(step, int) else count)
        return pairs

    return batches


RIGHT = {
    "rotation": 30 / 360,
    "shift": (0.0, 0.2),
    "zoom": 0.3,
    "zoom_keeps_proportions": False,
    "flip_horizontal": True,
    "fill": "nearest",
}


def policy(**changes):
    return Policy(**(RIGHT | changes))


def flowers(
    *, side=180, rescale=1 / 255, padding="same", classes=5, active="relu", last=None, pooled=True
):
    def build():
        stack = [layers.Input((side, side, 3))]
        if rescale:
            stack.append(layers.Rescaling(rescale))
        for filters in (16, 32, 64):
            stack.append(layers.Conv2D(filters, 3, padding=padding, activation=active))
            if pooled:
                stack.append(layers.MaxPooling2D())
        stack += [layers.Flatten(), layers.Dense(128, activation="relu")]
        return keras.Sequential([*stack, layers.Dense(classes, activation=last)])

    return build


def as_a_graph():
    inputs = keras.Input((180, 180, 3))
    x = layers.Rescaling(1 / 255)(inputs)
    for filters in (16, 32, 64):
        x = layers.ReLU()(layers.Conv2D(filters, 3, padding="same", activation="relu")(x))
        x = layers.MaxPooling2D()(x)
    x = layers.Dense(128, activation="relu")(layers.Flatten()(x))
    return keras.Model(inputs, layers.Dense(5)(x))


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (checks.moved_right, by_hand),
        (
            checks.moved_right,
            lambda x, n: np.pad(x, ((0, 0), (n, 0), (0, 0)), "edge")[:, : x.shape[1]],
        ),
        (checks.moved_then_turned, one_matrix),
        (checks.prepared, split_first),
        (checks.training_batches, pipeline("cache", "shuffle", "batch", "augment")),
        (checks.training_batches, pipeline("cache", 1000, "batch", "augment")),
        (checks.translated, policy()),
        (checks.translated, policy(zoom=(0.7, 1.3))),
        (
            checks.translated,
            from_generator_arguments(
                rotation_range=30, width_shift_range=0.2, zoom_range=0.3, horizontal_flip=True
            ).policy,
        ),
        (checks.flower_network, flowers()),
        (checks.flower_network, as_a_graph),
    ],
)
def test_other_right_answers_pass(check, answer):
    assert check(answer) is None


@pytest.mark.parametrize(
    ("check", "answer", "message"),
    [
        (checks.moved_right, lambda x, n: np.roll(x, n, axis=1), "comes in on the left: wrap"),
        (checks.moved_right, zeros_left, "expected the first column"),
        (checks.moved_right, lambda x, n: np.roll(x, -n, axis=1), "moves to the left"),
        (checks.moved_right, lambda x, n: x, "does not move"),
        (checks.moved_right, lambda x, n: x[:, : x.shape[1] - n], "cut off what leaves"),
        (checks.moved_right, never_nothing, "moved by 0"),
        (checks.moved_right, lambda x, n: 1 - x, "yours differs"),
        (checks.moved_right, lambda x, n: ..., "returns nothing yet"),
        (
            checks.moved_then_turned,
            lambda n, a, s: about(turn(a), (s - 1) / 2) @ move(n),
            "turns first and moves then",
        ),
        (
            checks.moved_then_turned,
            lambda n, a, s: move(-n) @ about(turn(a), (s - 1) / 2),
            "moves the picture to the left",
        ),
        (
            checks.moved_then_turned,
            lambda n, a, s: move(n) @ about(turn(-a), (s - 1) / 2),
            "turns the other way",
        ),
        (checks.moved_then_turned, lambda n, a, s: move(n) @ turn(a), "upper left corner"),
        (
            checks.moved_then_turned,
            lambda n, a, s: move(n) @ about(turn(a), s / 2),
            "turns about side / 2",
        ),
        (checks.moved_then_turned, lambda n, a, s: about(turn(a), (s - 1) / 2), "does not move"),
        (checks.moved_then_turned, lambda n, a, s: move(n), "does not turn"),
        (checks.moved_then_turned, lambda n, a, s: 2 * np.eye(3), "other places"),
        (checks.moved_then_turned, lambda n, a, s: np.eye(2), "expected a matrix (3, 3)"),
        (checks.moved_then_turned, lambda n, a, s: ..., "returns nothing yet"),
        (checks.prepared, of_the_notes, "are in both parts"),
        (checks.prepared, changed_validation, "the validation pictures are changed"),
        (checks.prepared, copies_of_all, "expected copies of the first 6 pictures"),
        (checks.prepared, first_quarter, "expected the last 4 pictures"),
        (checks.prepared, labels_left_behind, "beside their own labels"),
        (checks.prepared, lambda x, y, a: (x, y), "expected four arrays"),
        (checks.prepared, lambda x, y, a: (x, x, y, y), "expected pictures first and third"),
        (checks.prepared, lambda x, y, a: (x[:5], y[:5], x[12:], y[12:]), "are missing"),
        (checks.prepared, lambda x, y, a: ..., "returns nothing yet"),
        (
            checks.training_batches,
            pipeline("batch", "augment", "cache", "shuffle"),
            "the cache stands behind",
        ),
        (checks.training_batches, pipeline("shuffle", "batch", "augment"), "read 96 pictures"),
        (
            checks.training_batches,
            pipeline("cache", "batch", 3, "augment"),
            "each keeps its members",
        ),
        (checks.training_batches, pipeline("cache", "batch", "augment"), "nothing is shuffled"),
        (
            checks.training_batches,
            pipeline("shuffle", "cache", "batch", "augment"),
            "drawn once, in front of the cache",
        ),
        (
            checks.training_batches,
            pipeline("cache", 8, "batch", "augment"),
            "should hold all 96",
        ),
        (
            checks.training_batches,
            pipeline("cache", "shuffle", "augment", "batch"),
            "was handed single ones",
        ),
        (checks.training_batches, pipeline("cache", "shuffle", "batch", size=16), "batches of 32"),
        (checks.training_batches, pipeline("cache", "shuffle", "batch"), "or none"),
        (
            checks.training_batches,
            lambda pairs, augment, count: pipeline("cache", "shuffle", "batch", "augment")(
                pairs, augment, count
            ).take(1),
            "each of the 96 pictures once",
        ),
        (checks.training_batches, lambda pairs, augment, count: 1, "yours is a int"),
        (checks.training_batches, lambda pairs, augment, count: ..., "returns nothing yet"),
        (checks.translated, policy(rotation=30 / 180), "0.5 is the half"),
        (checks.translated, policy(rotation=0.3), "degrees divided by 360"),
        (checks.translated, policy(shift=0.2), "up and down as well"),
        (checks.translated, policy(shift=(0.2, 0.0)), "the height comes first"),
        (checks.translated, policy(shift=(0.0, 0.1)), "expected the shift"),
        (checks.translated, policy(zoom=0.2), "yours shows"),
        (checks.translated, policy(zoom_keeps_proportions=True), "drew one zoom for the height"),
        (checks.translated, policy(flip_horizontal=False), "the flips differ"),
        (checks.translated, policy(flip_vertical=True), "the flips differ"),
        (checks.translated, policy(fill="reflect"), "the default that the old class had"),
        (checks.translated, policy(brightness=0.1), "more than the old line"),
        (checks.translated, {}, "yours is a dict"),
        (checks.flower_network, flowers(side=150), "expected pictures (180, 180, 3)"),
        (checks.flower_network, flowers(classes=2), "five logits"),
        (checks.flower_network, flowers(rescale=None), "put a Rescaling layer"),
        (checks.flower_network, flowers(rescale=255), "its argument is a factor"),
        (checks.flower_network, flowers(last="softmax"), "ends in softmax"),
        (checks.flower_network, flowers(active=None), "has no activation"),
        (checks.flower_network, flowers(padding="valid"), "a convolution keeps the size"),
        (checks.flower_network, lambda: 5, "yours is a int"),
        (checks.flower_network, lambda: ..., "returns nothing yet"),
    ],
)
def test_usual_mistakes_are_told(check, answer, message):
    assert message in check(answer)


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (("cache", "batch", "augment"), "nothing is shuffled"),
        (("shuffle", "cache", "batch", "augment"), "drawn once, in front of the cache"),
        (("batch", "augment", "cache", "shuffle"), "the cache stands behind"),
    ],
)
def test_the_order_of_steps_is_judged_alike_where_a_chapter_has_set_seeds(steps, message):
    """With a global seed, TensorFlow's own random numbers would be the same in each epoch."""
    keras.utils.set_random_seed(0)
    assert message in checks.training_batches(pipeline(*steps))
    assert checks.training_batches(pipeline("cache", "shuffle", "batch", "augment")) is None


def test_the_flower_network_is_that_of_the_notes():
    assert flowers()().count_params() == checks._flower_weights(22) == 3_989_285


def test_a_positive_angle_turns_counter_clockwise_as_the_check_believes():
    spot = np.zeros((1, 9, 9, 1), np.float32)
    spot[0, 4, 7] = 1
    matrix = one_matrix(0, 90, 9)
    turned = tf.raw_ops.ImageProjectiveTransformV3(
        images=spot,
        transforms=np.array([[*matrix[:2].ravel(), 0, 0]], np.float32),
        output_shape=(9, 9),
        fill_value=0.0,
        interpolation="NEAREST",
        fill_mode="CONSTANT",
    )
    assert np.argwhere(turned.numpy()[0, ..., 0]).tolist() == [[1, 4]]
