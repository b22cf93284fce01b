"""Each check of chapter 08 accepts other right answers, and tells the usual mistakes apart."""

import keras
import numpy as np
import pytest

from course_utils.exercises import chapter_08 as checks


def by_einsum(maps, gradients):
    weights = np.einsum("nhwk->nk", gradients) / (maps.shape[1] * maps.shape[2])
    return np.clip(np.einsum("nhwk,nk->nhw", maps, weights), 0, None)


def means(gradients, **options):
    return gradients.mean(axis=(1, 2), keepdims=True)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (by_einsum, None),
        (lambda maps, g: None, "nothing yet"),
        (lambda maps, g: (means(g) * maps).sum(-1), "the ReLU is missing"),
        (lambda maps, g: np.maximum((g * maps).sum(-1), 0), "Layer-CAM"),
        (lambda maps, g: np.maximum((20 * means(g) * maps).sum(-1), 0), "not their sum"),
        (lambda maps, g: np.maximum((g.mean((0, 1, 2)) * maps).sum(-1), 0), "its own weights"),
        (lambda maps, g: np.maximum((means(g) * maps).mean(-1), 0), "not averaged"),
        (lambda maps, g: by_einsum(maps, g) / by_einsum(maps, g).max(), "and scaled"),
        (lambda maps, g: means(g) * maps, "one map for each picture"),
        (lambda maps, g: by_einsum(maps, g) + 1, "something else"),
    ],
)
def test_grad_cam_maps(answer, message):
    told(checks.grad_cam_maps(answer), message)


def clipped(values):
    top = values.max()
    return (np.clip(values, 0, None) / top * 255 if top > 0 else 0 * values).astype(np.uint8)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (clipped, None),
        (lambda v: np.floor(255 * np.maximum(v, 0) / max(v.max(), 1e-12)).astype(np.uint8), None),
        (lambda v: None, "nothing yet"),
        (lambda v: np.maximum(v, 0), "dtype uint8"),
        (lambda v: (255 * (v - v.min()) / max(np.ptp(v), 1e-9)).astype(np.uint8), "stretched"),
        (lambda v: (255 * np.abs(v) / max(v.max(), 4)).astype(np.uint8), "should stay dark"),
        (lambda v: (100 * np.maximum(v, 0) / max(v.max(), 1e-9)).astype(np.uint8), "become 255"),
        (lambda v: clipped(v).ravel(), "the shape of the map"),
        (lambda v: clipped(v) if v.max() > 0 else clipped(v) + np.uint8(9), "all should be 0"),
    ],
)
def test_heat_as_bytes(answer, message):
    told(checks.heat_as_bytes(answer), message)


def changes_its_map(values):
    np.maximum(values, 0, out=values)
    return clipped(values)


def test_heat_as_bytes_leaves_the_map_alone():
    told(checks.heat_as_bytes(changes_its_map), "work on a copy")


def both(network, name):
    return keras.Model(network.input, (network.get_layer(name).output, network.output))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (both, None),
        (lambda n, name: None, "nothing yet"),
        (lambda n, name: "model", "expected a model"),
        (lambda n, name: keras.Model(n.inputs, [n.output, n.output]), "not the network's"),
        (lambda n, name: keras.Model(n.inputs, n.get_layer(name).output), "two outputs"),
        (
            lambda n, name: keras.Model(n.inputs, [n.output, n.get_layer(name).output]),
            "wrong order",
        ),
        (lambda n, name: both(n, "first"), "look it up by its name"),
        (
            lambda n, name: keras.Model(n.inputs, [n.get_layer(name).output] * 2),
            "network.output",
        ),
    ],
)
def test_extractor(answer, message):
    told(checks.extractor(answer), message)


def one_by_one(maps, masks):
    hits = [
        bool(mask.flat[one.argmax()]) if one.any() else False
        for one, mask in zip(maps, masks, strict=True)
    ]
    middle = masks.shape[1] // 2, masks.shape[2] // 2
    return [np.mean(hits), np.mean([mask[middle] for mask in masks]), np.mean(masks)]


def blank_hits(maps, masks):
    peaks = maps.reshape(len(maps), -1).argmax(axis=1)
    hits = masks.reshape(len(masks), -1)[np.arange(len(maps)), peaks]
    return (hits.mean(), *one_by_one(maps, masks)[1:])


def by_energy(maps, masks):
    sums = maps.sum(axis=(1, 2))
    shares = np.divide((maps * masks).sum(axis=(1, 2)), sums, out=np.zeros(9), where=sums > 0)
    return (shares.mean(), *one_by_one(maps, masks)[1:])


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (one_by_one, None),
        (lambda maps, masks: None, "nothing yet"),
        (lambda maps, masks: 0.5, "three numbers"),
        (blank_hits, "points nowhere"),
        (by_energy, "only the peak counts"),
        (lambda maps, masks: (0.0, 0.5, 0.5), "have their peak inside"),
        (
            lambda maps, masks: (one_by_one(maps, masks)[0], masks[:, 4, 2].mean(), masks.mean()),
            "exchanged the two",
        ),
        (
            lambda maps, masks: (one_by_one(maps, masks)[0], 0.123, masks.mean()),
            r"place \(2, 4\)",
        ),
        (lambda maps, masks: (*one_by_one(maps, masks)[:2], 0.5), "a random place"),
    ],
)
def test_pointing(answer, message):
    told(checks.pointing(answer), message)


def along(shares):
    def answer(gradient, x, baseline, steps):
        points = [baseline + s * (x - baseline) for s in shares(steps)]
        return (x - baseline) * np.mean([gradient(p) for p in points], axis=0)

    return answer


def middles(steps):
    return (np.arange(steps) + 0.5) / steps


def step_by_step(gradient, x, baseline, steps):
    total, piece = np.zeros(x.shape), (x - baseline) / steps
    for k in range(steps):
        total += gradient(baseline + (k + 0.5) * piece) * piece
    return total


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (along(middles), None),
        (step_by_step, None),
        (lambda g, x, b, steps: None, "nothing yet"),
        (lambda g, x, b, steps: 0.0, "a share for each value"),
        (along(lambda steps: np.arange(steps) / steps), "beginning of each piece"),
        (along(lambda steps: (np.arange(steps) + 1) / steps), "end of each piece"),
        (lambda g, x, b, steps: along(middles)(g, x, b, steps) / (x - b), "by the way"),
        (lambda g, x, b, steps: steps * along(middles)(g, x, b, steps), "mean is wanted"),
        (lambda g, x, b, steps: along(middles)(g, x, b, steps) / (x - b) * x, "not by x"),
        (lambda g, x, b, steps: -along(middles)(g, x, b, steps), "turned round"),
        (lambda g, x, b, steps: along(middles)(g, x, b, steps) + 1, "by pencil"),
    ],
)
def test_integrated(answer, message):
    told(checks.integrated(answer), message)


def painted(pictures, masks, colour):
    return np.where(masks[..., None], colour, pictures)


def covered(shift=-1, paint=painted):
    def answer(answers, pictures, labels, hidden, colour):
        return [
            (answers(paint(pictures, masks, colour)).argmax(1) == labels).mean()
            for masks in (hidden, np.roll(hidden, shift, axis=0))
        ]

    return answer


def one_picture_at_a_time(answers, pictures, labels, hidden, colour):
    counts = [0, 0]
    for n, picture in enumerate(pictures):
        for which, mask in enumerate((hidden[n], hidden[(n + 1) % len(hidden)])):
            copy = picture.copy()
            copy[mask] = colour
            counts[which] += answers(copy[None])[0].argmax() == labels[n]
    return counts[0] / len(pictures), counts[1] / len(pictures)


def paints_what_it_was_given(answers, pictures, labels, hidden, colour):
    pictures[hidden] = colour
    return covered()(answers, pictures, labels, hidden, colour)


def without_control(answers, pictures, labels, hidden, colour):
    first = covered()(answers, pictures, labels, hidden, colour)[0]
    return first, (answers(pictures).argmax(1) == labels).mean()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (covered(), None),
        (one_picture_at_a_time, None),
        (lambda *given: None, "nothing yet"),
        (lambda *given: 0.5, "two accuracies"),
        (paints_what_it_was_given, "paint a copy"),
        (covered(paint=lambda p, m, c: painted(p, ~m, c)), "everything but"),
        (covered(paint=lambda p, m, c: p), "nothing was painted"),
        (covered(paint=lambda p, m, c: painted(p, m, 0.0)), "not `colour`"),
        (lambda *given: 1 - np.array(covered()(*given)), "share of wrong answers"),
        (lambda *given: (0.123, 0.5), "pixel by pixel"),
        (without_control, "by another's mask"),
        (covered(shift=0), "the same masks"),
        (covered(shift=1), "the one before"),
        (lambda *given: (covered()(*given)[0], 0.123), "the last by the first's"),
    ],
)
def test_cover(answer, message):
    told(checks.cover(answer), message)


def told(received, message):
    if message is None:
        assert received is None
    else:
        import re

        assert received is not None
        assert re.search(message, received)
