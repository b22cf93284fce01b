"""Self-checks of chapter 03."""

from __future__ import annotations

import math

import numpy as np

from course_utils.exercises import exercise

_NOTHING = "the function returns nothing yet: replace the three dots"


@exercise("03", "moved-right")
def moved_right(answer):
    """A function of (picture, pixels); the oracle pads with NumPy and cuts off."""
    picture = np.random.default_rng(0).random((5, 7, 3), np.float32)
    for pixels in (2, 6, 0):
        yours = answer(picture.copy(), pixels)
        if yours is ... or yours is None:
            return _NOTHING
        yours = np.asarray(yours)
        if yours.shape != picture.shape:
            hint = ": `[:, :-0]` is empty" if pixels == 0 else ": cut off what leaves the picture"
            return (
                f"moved by {pixels}: expected the shape {picture.shape}, yours is {yours.shape}"
                + hint
            )
        right = np.pad(picture, ((0, 0), (pixels, 0), (0, 0)), mode="edge")[:, : picture.shape[1]]
        if np.allclose(yours, right):
            continue
        return f"moved by {pixels}: {_how_moved(picture, pixels, yours)}"
    return None


def _how_moved(picture, pixels, yours):
    width = picture.shape[1]
    empty = ((0, 0), (pixels, 0), (0, 0))
    left = np.pad(picture, ((0, 0), (0, pixels), (0, 0)), mode="edge")[:, pixels:]
    down = np.pad(picture, ((pixels, 0), (0, 0), (0, 0)), mode="edge")[: picture.shape[0]]
    mistakes = (
        (np.roll(picture, pixels, axis=1), "what leaves on the right comes in on the left: wrap"),
        (np.pad(picture, empty)[:, :width], "zeros stand on the left; expected the first column"),
        (np.pad(picture, empty, mode="symmetric")[:, :width], "a mirror image stands on the left"),
        (left, "yours moves to the left"),
        (np.roll(picture, -pixels, axis=1), "yours moves to the left"),
        (down, "yours moves down: the width is the second axis"),
        (picture, "yours does not move"),
    )
    for wrong, message in mistakes:
        if np.allclose(yours, wrong):
            return message
    return "expected the columns moved, and the first one drawn out on the left; yours differs"


@exercise("03", "moved-then-turned")
def moved_then_turned(answer):
    """A function of (pixels, degrees, side); the oracle follows single points, step by step."""
    for pixels, degrees, side in ((3, 90, 11), (-2, 20, 8), (5, 0, 9)):
        yours = answer(pixels, degrees, side)
        if yours is ... or yours is None:
            return _NOTHING
        yours = np.asarray(yours, float)
        if yours.shape != (3, 3):
            return f"expected a matrix (3, 3), yours is {yours.shape}"
        new = np.array([[0, 0, 1], [2, 1, 1], [side - 1, 3, 1]], float).T
        moved, turned = _shift(pixels), _turn(degrees, (side - 1) / 2)
        if np.allclose(yours @ new, moved(turned(new)), atol=1e-6):
            continue
        called = f"moved_then_turned({pixels}, {degrees}, {side})"
        mistakes = (
            (turned(moved(new)), "turns first and moves then: what is done first stands left"),
            (_shift(-pixels)(turned(new)), "moves the picture to the left"),
            (moved(_turn(-degrees, (side - 1) / 2)(new)), "turns the other way"),
            (moved(_turn(degrees, 0)(new)), "turns about the upper left corner"),
            (moved(_turn(degrees, side / 2)(new)), "turns about side / 2: the middle of 0 … side"),
            (turned(new), "does not move"),
            (moved(new), "does not turn"),
        )
        for places, message in mistakes:
            if np.allclose(yours @ new, places, atol=1e-6):
                return f"{called} {message}"
        return f"{called} reads from other places than moving, then turning, does"
    return None


def _shift(pixels):
    """Where the pixels of a picture come from that was moved to the right."""
    return lambda places: places - np.array([[pixels], [0], [0]])


def _turn(degrees, centre):
    """Where the pixels of a picture come from that was turned counter-clockwise."""

    def turned(places):
        # As complex numbers, in which a turn is a product.
        numbers = (places[0] - centre) + 1j * (places[1] - centre)
        numbers = numbers * np.exp(1j * math.radians(degrees))
        return np.stack([numbers.real + centre, numbers.imag + centre, places[2]])

    return turned


@exercise("03", "prepared")
def prepared(answer):
    """A function of (images, labels, augment); each picture carries its own number."""
    for count in (16, 24):
        numbers = np.arange(count)
        images = np.broadcast_to(numbers[:, None, None, None], (count, 2, 2, 1)).astype(np.float32)
        yours = answer(images.copy(), numbers.copy(), lambda pictures: pictures + 0.5)
        if yours is ... or yours is None:
            return _NOTHING
        if not isinstance(yours, tuple | list) or len(yours) != 4:
            return "expected four arrays: training pictures and labels, validation pictures, labels"
        fault = _fault_of_split(count, *(np.asarray(one) for one in yours))
        if fault:
            return f"of {count} pictures: {fault}"
    return None


def _fault_of_split(count, train, train_labels, validation, validation_labels):
    if train.ndim != 4 or validation.ndim != 4:
        return "expected pictures first and third, labels second and fourth"
    ids = train[:, 0, 0, 0], validation[:, 0, 0, 0]
    for part, values, labels in (
        ("training", ids[0], train_labels),
        ("validation", ids[1], validation_labels),
    ):
        if len(values) != len(labels) or (np.floor(values) != labels).any():
            return f"the {part} pictures do not stand beside their own labels"
    originals, copies = (ids[0][ids[0] % 1 == rest] for rest in (0, 0.5))
    known = np.intersect1d(np.floor(ids[0]), np.floor(ids[1]))
    if len(known):
        return (
            f"{len(known)} pictures are in both parts, as they are or as copies: split before "
            "anything is copied"
        )
    if (ids[1] % 1 != 0).any():
        return "the validation pictures are changed; they must stay as they came"
    last = np.arange(count - count // 4, count)
    if not np.array_equal(np.sort(ids[1]), last):
        return f"expected the last {len(last)} pictures for validation, yours are others"
    if not np.array_equal(np.sort(originals), np.arange(count - count // 4)):
        return "pictures are missing from the training part, or are there twice"
    half = (count - count // 4) // 2
    if not np.array_equal(np.sort(np.floor(copies)), np.arange(half)):
        return (
            f"expected copies of the first {half} pictures, half of the training part; yours has "
            f"{len(copies)} copies"
        )
    return None


@exercise("03", "training-batches")
def training_batches(answer):
    """A function of (pairs, augment, count); run for two epochs, and watched while it reads.

    An order that comes twice may be chance (of three batches one time in six), so the second epoch
    is drawn anew until its order differs, eleven times at most.
    """
    import tensorflow as tf

    count, read = 96, []

    def slow(number):
        read.append(int(number))
        return np.full((2, 2, 1), number, np.float32)

    def load(number):
        image = tf.numpy_function(slow, [number], tf.float32)
        return tf.ensure_shape(image, (2, 2, 1)), number

    ranks, dice = [], np.random.default_rng(0)

    def noise(shape):
        # Not TensorFlow's: where a global seed is set, its numbers begin anew in each epoch.
        return dice.uniform(0.1, 0.9, shape).astype(np.float32)

    def augment(images):
        ranks.append(images.shape.rank)
        added = tf.numpy_function(noise, [tf.shape(images)], tf.float32)
        return images + tf.ensure_shape(added, images.shape)

    batches = answer(tf.data.Dataset.range(count).map(load), augment, count)
    if batches is ... or batches is None:
        return _NOTHING
    if not isinstance(batches, tf.data.Dataset):
        return f"expected a dataset, yours is a {type(batches).__name__}"
    first = [(images.numpy(), labels.numpy()) for images, labels in batches]
    for _ in range(11):
        before = len(read)
        second = [(images.numpy(), labels.numpy()) for images, labels in batches]
        if any(not np.array_equal(a, b) for (_, a), (_, b) in zip(first, second, strict=False)):
            break
    return _fault_of_epochs([first, second], len(read) - before, ranks, count)


def _fault_of_epochs(epochs, read_again, ranks, count):
    if any(images.ndim != 4 for images, _ in epochs[0]) or len(epochs[0][0][1]) != 32:
        return f"expected batches of 32, your first has the shape {epochs[0][0][0].shape}"
    if 4 not in ranks:
        return "`augment` wants a batch of pictures, and was handed single ones, or none"
    labels = [np.concatenate([labels for _, labels in epoch]) for epoch in epochs]
    if any(len(one) != count or len(np.unique(one)) != count for one in labels):
        return f"an epoch should show each of the {count} pictures once; yours does not"
    images = [np.concatenate([images for images, _ in epoch]) for epoch in epochs]
    if any((np.floor(x[:, 0, 0, 0]) != y).any() for x, y in zip(images, labels, strict=True)):
        return "pictures and labels have come apart"
    by_label = [x[np.argsort(y)] for x, y in zip(images, labels, strict=True)]
    if np.array_equal(*by_label):
        return (
            "the second epoch shows exactly the pictures of the first: the cache stands behind "
            "the augmentation, which is then drawn once"
        )
    if read_again:
        return f"the second epoch read {read_again} pictures again: cache before anything random"
    members = [[frozenset(labels) for _, labels in epoch] for epoch in epochs]
    if set(members[0]) == set(members[1]) and not np.array_equal(*labels):
        return "the batches are shuffled, and each keeps its members: shuffle pictures, then batch"
    if np.array_equal(labels[0], np.arange(count)) and np.array_equal(*labels):
        return "nothing is shuffled: the pictures come in their old order in both epochs"
    if np.array_equal(*labels):
        return "both epochs have the same order: it was drawn once, in front of the cache"
    if max(epoch[0][1].max() for epoch in epochs) < 3 * count // 4:
        return (
            "the first batches hold only pictures from the beginning: the buffer of `shuffle` "
            f"should hold all {count}"
        )
    return None


@exercise("03", "translated")
def translated(answer):
    """A policy; the oracle is what the legacy class itself keeps of its arguments."""
    import tensorflow as tf

    if type(answer).__name__ != "Policy":
        return f"expected a Policy(…), yours is a {type(answer).__name__}"
    old = tf.keras.preprocessing.image.ImageDataGenerator(
        rotation_range=30, width_shift_range=0.2, zoom_range=0.3, horizontal_flip=True
    )
    turn = old.rotation_range / 360
    if not math.isclose(answer.rotation, turn):
        hint = (
            "the unit is the full turn, and 0.5 is the half"
            if math.isclose(answer.rotation, 2 * turn)
            else "degrees divided by 360"
        )
        return f"rotation={answer.rotation:.4g} turns by up to {360 * answer.rotation:.4g}°: {hint}"
    height, width = answer.shifts
    if (height, width) != (old.height_shift_range, old.width_shift_range):
        if height == width == old.width_shift_range:
            return "yours moves up and down as well: the old line names the width only"
        if (width, height) == (old.height_shift_range, old.width_shift_range):
            return "yours moves up and down instead of left and right: the height comes first"
        return f"expected the shift of the old line, yours is {answer.shifts} (height, width)"
    if not np.allclose(answer.zoom_range, old.zoom_range):
        return f"yours shows {answer.zoom_range} of the side, the old line {tuple(old.zoom_range)}"
    if answer.zoom_keeps_proportions:
        return "the old class drew one zoom for the height and another for the width; yours one"
    if answer.flip_horizontal != old.horizontal_flip or answer.flip_vertical != old.vertical_flip:
        return "the flips differ: the old line mirrors left and right, and nothing else"
    if answer.fill != old.fill_mode:
        return f"yours fills by {answer.fill!r}; look up the default that the old class had"
    still = (answer.shear, answer.brightness, answer.contrast, answer.channel_shift)
    if any(still):
        return "yours does more than the old line: something beside the four is changed"
    return None


@exercise("03", "flower-network")
def flower_network(answer):
    """A function without arguments that builds; the oracle counts by the sizes of the maps."""
    import keras

    network = answer()
    if network is ... or network is None:
        return _NOTHING
    if not isinstance(network, keras.Model):
        return f"expected a network, yours is a {type(network).__name__}: return it"
    if network.input_shape != (None, 180, 180, 3) or network.output_shape != (None, 5):
        return (
            "expected pictures (180, 180, 3) in and five logits out, yours takes "
            f"{network.input_shape} and gives {network.output_shape}"
        )
    kinds = [type(layer).__name__ for layer in network.layers]
    if "Rescaling" not in kinds:
        return "the pictures are 0 to 255: put a Rescaling layer in front"
    scaled = network.layers[kinds.index("Rescaling")]
    if not math.isclose(float(scaled(np.float32(255))), 1, abs_tol=1e-4):
        return "Rescaling should make 255 to 1: its argument is a factor, 1 / 255"
    last = getattr(network.layers[-1], "activation", keras.activations.linear)
    if last is not keras.activations.linear:
        return f"expected logits, your last layer ends in {last.__name__}"
    silent = [
        layer.name
        for layer in network.layers[:-1]
        if getattr(layer, "activation", None) is keras.activations.linear
    ]
    if silent:
        return f"{silent[0]} has no activation: give it ReLU"
    right = _flower_weights(180 // 2 // 2 // 2)
    if network.count_params() == right:
        return None
    valid = _flower_weights(((((180 - 2) // 2) - 2) // 2 - 2) // 2)
    hint = {
        valid: ': with padding="same" a convolution keeps the size',
        _flower_weights(180): ": each convolution is followed by a pooling",
    }.get(network.count_params(), ": compare layer by layer with the text")
    return f"counted by hand it has {right:,} weights, yours has {network.count_params():,}{hint}"


def _flower_weights(side):
    """Of the network if its last maps are side×side."""
    weights, channels = 0, 3
    for filters in (16, 32, 64):
        weights += filters * (9 * channels + 1)
        channels = filters
    return weights + 128 * (side * side * channels + 1) + 5 * (128 + 1)
