"""Self-checks of chapter 08."""

from __future__ import annotations

import numpy as np

from course_utils.exercises import exercise

_NOTHING = "the function returns nothing yet: replace the three dots"


@exercise("08", "grad-cam-maps")
def grad_cam_maps(answer):
    """A function of (maps, gradients); the oracle adds up map by map."""
    dice = np.random.default_rng(0)
    maps, gradients = dice.normal(size=(2, 3, 4, 5, 6))
    yours = answer(maps.copy(), gradients.copy())
    if yours is ... or yours is None:
        return _NOTHING
    yours = np.asarray(yours, dtype=float)
    if yours.shape != maps.shape[:3]:
        return (
            f"expected one map for each picture, {maps.shape[:3]}, yours is {yours.shape}: "
            "the sum runs over the channels, the last axis"
        )
    signed = np.zeros(maps.shape[:3])
    for n in range(3):
        for k in range(6):
            signed[n] += gradients[n, :, :, k].mean() * maps[n, :, :, k]
    right = np.maximum(signed, 0)
    if np.allclose(yours, right):
        return None
    total = gradients.sum(axis=(1, 2), keepdims=True)
    shared = gradients.mean(axis=(0, 1, 2))
    for value, message in (
        (signed, "what speaks against the class is still there: the ReLU is missing"),
        (
            (gradients * maps).sum(axis=-1),
            "each place has its own weight here (that is near Layer-CAM): Grad-CAM has one weight "
            "for a whole map, the mean over its places",
        ),
        ((total * maps).sum(axis=-1), "the weight is the mean of the gradients, not their sum"),
        (
            (shared * maps).sum(axis=-1),
            "the mean runs over the pictures too: each picture has its own weights",
        ),
        (
            (gradients.mean(axis=(1, 2), keepdims=True) * maps).mean(axis=-1),
            "the weighted maps are added up over the channels, not averaged",
        ),
    ):
        if np.allclose(yours, value) or np.allclose(yours, np.maximum(value, 0)):
            return message
    peaks = right.max(axis=(1, 2), keepdims=True)
    if np.allclose(yours, right / peaks) or np.allclose(yours, right / right.max()):
        return "the maps are right and scaled; here they are wanted as they come from the ReLU"
    return (
        "adding the maps up one by one gives something else (up to "
        f"{np.abs(yours - right).max():.3g} apart): one mean gradient for each picture and channel"
    )


@exercise("08", "heat-as-bytes")
def heat_as_bytes(answer):
    """A function of a signed map; the oracle goes from number to number."""
    for values in (
        np.array([[-3.0, 0.5], [1.0, 2.0]]),
        np.array([[0.1, 0.4], [0.2, 0.0]]),
        np.array([[-1.0, -2.0], [-3.0, -4.0]]),
        np.zeros((2, 2)),
    ):
        given = values.copy()
        with np.errstate(all="ignore"):
            yours = answer(given)
        if yours is ... or yours is None:
            return _NOTHING
        yours = np.asarray(yours)
        if yours.dtype != np.uint8:
            return f"expected bytes, dtype uint8, yours is {yours.dtype}"
        if yours.shape != values.shape:
            return f"expected the shape of the map, {values.shape}, yours is {yours.shape}"
        if not np.array_equal(given, values):
            return "your function changes the map it was given: work on a copy"
        top = max(max(row) for row in values.tolist())
        right = [
            [255 * v / top if top > 0 and v > 0 else 0 for v in row] for row in values.tolist()
        ]
        # Rounding down is as good as rounding to the nearest.
        if np.abs(yours.astype(float) - np.array(right)).max() <= 1:
            continue
        shown = f"{values.tolist()} gives {yours.tolist()}"
        if top <= 0:
            return f"{shown}: nothing speaks for the class, so all should be 0"
        spread = values - values.min()
        if np.abs(yours - 255 * spread / spread.max()).max() <= 1:
            return (
                f"{shown}: you stretched from the lowest value to the highest, so what speaks "
                "against the class still shines; cut it off at 0 first"
            )
        if yours[values < 0].any():
            return f"{shown}: where the map is negative, the picture should stay dark (0)"
        if yours.max() < 254:
            return f"{shown}: the largest value should become 255: divide by it before 255 ·"
        return f"{shown}: expected about {[[round(v) for v in row] for row in right]}"
    return None


@exercise("08", "extractor")
def extractor(answer):
    """A function of (network, name); the oracle runs the layers one by one."""
    import keras

    layers = keras.layers
    inputs = keras.Input((8, 8, 1))
    made = [
        layers.Conv2D(3, 3, name="first"),
        layers.Conv2D(4, 3, name="second"),
        layers.GlobalAveragePooling2D(name="pooled"),
        layers.Dense(2, name="logits"),
    ]
    flow = inputs
    for layer in made:
        flow = layer(flow)
    network = keras.Model(inputs, flow)
    pictures = np.random.default_rng(0).random((2, 8, 8, 1), np.float32)
    right, flow = {}, pictures
    for layer in made:
        right[layer.name] = flow = np.asarray(layer(flow))
    for name in ("second", "first"):
        model = answer(network, name)
        if model is ... or model is None:
            return _NOTHING
        if not isinstance(model, keras.Model):
            return f"expected a model, yours is a {type(model).__name__}: return keras.Model(…)"
        given = model([pictures] if isinstance(model.input, list) else pictures)
        if not isinstance(given, list | tuple) or len(given) != 2:
            return (
                "expected two outputs, the maps and the answer: give keras.Model a list of both, "
                "[maps, answer]"
            )
        maps, logits = (np.asarray(one) for one in given)
        if maps.shape == right["logits"].shape and logits.shape == right[name].shape:
            return "both are there, in the wrong order: the maps come first, then the answer"
        if maps.shape == right["logits"].shape:
            return (
                f"expected the maps of layer {name!r}, {right[name].shape}, yours gives the "
                f"network's answer, {maps.shape}: take that layer's output, not the network's"
            )
        if maps.shape != right[name].shape or not np.allclose(maps, right[name], atol=1e-5):
            return f"the first output is not what layer {name!r} gives: look it up by its name"
        if logits.shape != right["logits"].shape or not np.allclose(
            logits, right["logits"], atol=1e-5
        ):
            return "the second output should be the network's answer, network.output"
    return None


@exercise("08", "pointing")
def pointing(answer):
    """A function of (maps, masks); the oracle looks at one picture after the other."""
    dice = np.random.default_rng(1)
    maps = dice.random((9, 5, 8))
    masks = np.zeros((9, 5, 8), bool)
    masks[:, 1:4, 2:6] = dice.random((9, 3, 4)) < 0.7
    for n in range(5):  # most peaks inside, one of them where the mask has a hole
        maps[n, 2, 3] = 2
    maps[7] = 0
    masks[7] = True
    hits = []
    for one, mask in zip(maps, masks, strict=True):
        peak = np.unravel_index(np.argmax(one), one.shape)
        hits.append(bool(mask[peak]) and one.max() > 0)
    right = (sum(hits) / 9, masks[:, 2, 4].sum() / 9, masks.sum() / masks.size)
    yours = answer(maps.copy(), masks.copy())
    if yours is ... or yours is None:
        return _NOTHING
    if not isinstance(yours, tuple | list | np.ndarray) or len(yours) != 3:
        return "expected three numbers: the share of hits, that of the centre, that of chance"
    hit, centre, chance = (float(value) for value in yours)
    if not np.isclose(hit, right[0]):
        blank = (sum(hits) + 1) / 9
        if np.isclose(hit, blank):
            return (
                "one map here is 0 everywhere, and yours lets it hit: argmax of zeros is the first "
                "place, but such a map points nowhere"
            )
        energy = np.mean(
            [(m * k).sum() / max(m.sum(), 1e-9) for m, k in zip(maps, masks, strict=True)]
        )
        if np.isclose(hit, energy):
            return "that is the share of the map's sum inside the mask; only the peak counts here"
        return (
            f"of these nine maps {sum(hits)} have their peak inside: {right[0]:.3f}, not {hit:.3f}"
        )
    if not np.isclose(centre, right[1]):
        if np.isclose(centre, masks[:, 4, 2].mean()):
            return "the centre is masks[:, height // 2, width // 2]: you exchanged the two"
        return f"the place (2, 4) of 5×8 lies inside {right[1]:.3f} of the masks, not {centre:.3f}"
    if not np.isclose(chance, right[2]):
        return (
            f"a random place hits as often as the masks cover pixels, {right[2]:.3f}; yours says "
            f"{chance:.3f}"
        )
    return None


@exercise("08", "integrated")
def integrated(answer):
    """A function of (gradient, x, baseline, steps); the oracle is a cubic, integrated by pencil."""
    dice = np.random.default_rng(2)
    x, baseline = dice.normal(size=(2, 3, 4))

    def gradient(point):
        return 3 * np.asarray(point) ** 2

    def by_pencil(steps):
        # The gradient's mean over the middles of k equal pieces misses the integral of t² by
        # 1/(12 k²); all else is exact.
        way = x - baseline
        mean = baseline**2 + baseline * way + way**2 * (1 / 3 - 1 / (12 * steps**2))
        return 3 * way * mean

    for steps in (1, 2, 5):
        yours = answer(gradient, x.copy(), baseline.copy(), steps)
        if yours is ... or yours is None:
            return _NOTHING
        yours = np.asarray(yours, dtype=float)
        if yours.shape != x.shape:
            return f"expected a share for each value of x, {x.shape}, yours is {yours.shape}"
        right = by_pencil(steps)
        if np.allclose(yours, right):
            continue
        way = x - baseline
        if np.allclose(yours * way, right):
            return (
                "the mean gradient is right; it is still to be multiplied by the way, x - baseline"
            )
        if np.allclose(yours, right * steps) and steps > 1:
            return "you added the gradients up; their mean is wanted"
        if np.allclose(yours * way, right * x):
            return "multiply by the whole way, x - baseline, not by x"
        for shares, place in (
            (np.arange(steps) / steps, "beginning"),
            ((np.arange(steps) + 1) / steps, "end"),
            (
                np.linspace(0, 1, steps),
                "first to the last point, ends included, and not in the middle",
            ),
        ):
            other = way * np.mean([gradient(baseline + s * way) for s in shares], axis=0)
            if np.allclose(yours, other):
                return (
                    f"your points lie at the {place} of each piece: (k + 0.5) / steps is its middle"
                )
        if np.allclose(yours, -right):
            return "the sign is turned round: the way goes from the baseline to x"
        return (
            f"for a cubic and {steps} steps the shares follow by pencil; yours are up to "
            f"{np.abs(yours - right).max():.3g} apart"
        )
    return None


@exercise("08", "cover")
def cover(answer):
    """A function of (answers, pictures, labels, hidden, colour); the oracle goes pixel by pixel."""
    dice = np.random.default_rng(4)
    pictures = dice.random((24, 4, 6, 3))
    hidden = np.zeros((24, 4, 6), bool)
    for n in range(24):  # a square each, at places of their own
        top, left = dice.integers(0, 3), dice.integers(0, 5)
        hidden[n, top : top + 2, left : left + 2] = True
    colour = np.array([0.1, 0.9, 0.4])

    def answers(given):
        given = np.asarray(given)
        left, right = given[:, :, :3], given[:, :, 3:]
        return np.stack([left[..., 0].sum((1, 2)), right[..., 0].sum((1, 2))], axis=1)

    labels = answers(pictures).argmax(axis=1)
    labels[:3] = 1 - labels[:3]
    given, masks = pictures.copy(), hidden.copy()
    yours = answer(answers, given, labels.copy(), masks, colour.copy())
    if yours is ... or yours is None:
        return _NOTHING
    if not (np.array_equal(given, pictures) and np.array_equal(masks, hidden)):
        return "your function changes what it was given: paint a copy of the pictures"
    if not isinstance(yours, tuple | list | np.ndarray) or len(yours) != 2:
        return "expected two accuracies: with the hidden places covered, and that of the control"
    first, control = (float(value) for value in yours)

    def share_right(masks, paint=colour):
        painted = pictures.copy()
        for n, row, column in zip(*np.nonzero(masks), strict=True):
            painted[n, row, column] = paint
        return float((answers(painted).argmax(axis=1) == labels).mean())

    right = share_right(hidden)
    if not np.isclose(first, right):
        for value, message in (
            (share_right(~hidden), "you painted everything but what is to be hidden"),
            (share_right(np.zeros_like(hidden)), "nothing was painted: answers(the painted copy)"),
            (share_right(hidden, 0.0), "you painted black, not `colour`"),
            (1 - right, "that is the share of wrong answers; the accuracy is wanted"),
        ):
            if np.isclose(first, value):
                return message
        return f"painted pixel by pixel the accuracy is {right:.3f}, yours is {first:.3f}"
    if np.isclose(control, share_right(np.roll(hidden, -1, axis=0))):
        return None
    for value, message in (
        (share_right(np.zeros_like(hidden)), "the control is painted too, by another's mask"),
        (right, "the control has the same masks; each picture takes that of the next one"),
        (share_right(np.roll(hidden, 1, axis=0)), "the control takes the mask of the one before"),
    ):
        if np.isclose(control, value):
            return message
    return "in the control each picture is painted by the next one's mask, the last by the first's"
