"""Self-checks of chapter 06."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from course_utils.exercises import exercise

_NOTHING = "the function returns nothing yet: replace the three dots"


@exercise("06", "iou-of")
def iou_of(answer):
    """A function of a confusion matrix; the oracle compares sets of pixels, class by class."""
    dice = np.random.default_rng(0)
    for classes in (2, 4):
        truth = dice.integers(0, classes, 200)
        answers = np.where(dice.random(200) < 0.6, truth, dice.integers(0, classes, 200))
        if classes == 4:  # class 3 occurs nowhere, class 2 is never found
            truth[truth == 3], answers[answers == 3] = 0, 0
            answers[truth == 2] = 1
        confusion = np.zeros((classes, classes), int)
        np.add.at(confusion, (truth, answers), 1)
        yours = answer(confusion.copy())
        if yours is ... or yours is None:
            return _NOTHING
        wrong = _wrong_iou(np.asarray(yours, float), confusion, truth, answers)
        if wrong:
            return wrong
    return None


def _wrong_iou(yours, confusion, truth, answers):
    classes = len(confusion)
    if yours.shape != (classes,):
        return f"expected one IoU for each of {classes} classes, yours has the shape {yours.shape}"
    right = np.full(classes, np.nan)
    for k in range(classes):
        one, other = (set(np.flatnonzero(labels == k).tolist()) for labels in (truth, answers))
        if one | other:
            right[k] = len(one & other) / len(one | other)
    if np.allclose(yours, right, equal_nan=True):
        return None
    absent = np.isnan(right)
    if np.allclose(yours[~absent], right[~absent]):
        return (
            f"class {int(np.flatnonzero(absent)[0])} occurs neither in the truth nor in the "
            f"answers: expected nan, yours is {yours[absent][0]:g}; it was neither found nor missed"
        )
    hits, row, column = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    with np.errstate(invalid="ignore"):
        mistakes = {
            "the hits are in the row and in the column: subtract them once from their sum": hits
            / (row + column),
            "that is Dice; IoU does not count the hits twice": 2 * hits / (row + column),
            "that is the recall: what was answered wrongly as the class is missing below": hits
            / row,
            "that is the precision: what was missed of the class is missing below": hits / column,
        }
    for reason, values in mistakes.items():
        if np.allclose(yours[~absent], values[~absent], equal_nan=True):
            return reason
    return (
        f"for the confusion matrix {confusion.tolist()} the sets of pixels give "
        f"{right.round(3).tolist()}, yours gives {yours.round(3).tolist()}"
    )


@exercise("06", "mask-of")
def mask_of(answer):
    """A function of a trimap; the oracle looks at each pixel by itself."""
    dice = np.random.default_rng(0)
    for shape in ((5, 7), (2, 4, 3)):
        trimap = dice.integers(1, 4, shape).astype(np.uint8)
        given = trimap.copy()
        yours = answer(given)
        if yours is ... or yours is None:
            return _NOTHING
        if (given != trimap).any():
            return "the trimap itself has changed: make a new array instead"
        yours = np.asarray(yours)
        if yours.shape != trimap.shape:
            return f"expected the trimap's shape {trimap.shape}, yours is {yours.shape}"
        for value, name, right in ((1, "the pet", 1), (2, "the background", 0), (3, "border", 255)):
            got = np.unique(yours[trimap == value]).tolist()
            if got == [right]:
                continue
            if np.array_equal(yours, trimap - 1):
                return "you subtracted 1: the pet became 0 and the border a class, 2"
            return (
                f"where the trimap is {value} ({name}), expected {right}, yours has "
                f"{', '.join(map(str, got))}"
                + (": a mask that is filled step by step may overwrite itself" if len(got) else "")
            )
        if yours.dtype != np.uint8:
            return f"the values are right; expected dtype uint8, yours is {yours.dtype}"
    return None


@exercise("06", "cropped-pair")
def cropped_pair(answer):
    """A function of (picture, mask, side, generator); every pixel knows where it came from."""
    height, width, side = 5, 7, 3
    mask = np.arange(height * width).reshape(height, width)
    picture = np.stack([mask, mask + 100, mask + 200], axis=-1)
    seen = set()
    generator = np.random.default_rng(0)
    for _ in range(400):
        pair = answer(picture.copy(), mask.copy(), side, generator)
        if pair is ... or pair is None:
            return _NOTHING
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            return "expected a picture and its mask, as two values"
        one, other = np.asarray(pair[0]), np.asarray(pair[1])
        if one.shape != (side, side, 3) or other.shape != (side, side):
            return (
                f"expected shapes {(side, side, 3)} and {(side, side)} for a side of {side}, "
                f"yours are {one.shape} and {other.shape}"
            )
        if (one[..., 0] != other).any():
            return "picture and mask come from different places: draw once, cut both"
        top, left = divmod(int(other[0, 0]), width)
        if not np.array_equal(other, mask[top : top + side, left : left + side]):
            return "what you cut out is not a square of neighbouring pixels"
        seen.add((top, left))
    places = {(t, k) for t in range(height - side + 1) for k in range(width - side + 1)}
    if len(seen) == 1:
        return "the place is always the same: draw it from the generator you are given"
    if seen != places:
        missing = sorted(places - seen)
        return (
            f"in 400 crops of {side} from {height}×{width} the place {missing[0]} (top, left) "
            f"never came: there are {height - side + 1} rows and {width - side + 1} columns to "
            "begin in"
        )
    return None


@exercise("06", "pixel-net")
def pixel_net(answer):
    """A function of (image_shape, classes); judged by the loss that the compiled net reports."""
    import keras

    dice = np.random.default_rng(0)
    for shape, classes in (((6, 5, 3), 3), ((4, 4, 1), 2)):
        network = answer(shape, classes)
        if network is ... or network is None:
            return _NOTHING
        if not isinstance(network, keras.Model):
            return f"expected a network, yours is a {type(network).__name__}: return it"
        if network.output_shape != (None, *shape[:2], classes):
            return (
                f"expected an output (None, {shape[0]}, {shape[1]}, {classes}), one number for "
                f"each class at each pixel, the network gives {network.output_shape}"
            )
        if not any(isinstance(x, keras.layers.Conv2D) and x.filters == 8 for x in network.layers):
            return "the convolution with 8 filters is gone: only head and loss are wrong"
        if not network.compiled:
            return "the network is not compiled: call its `compile`"
        pictures = dice.random((4, *shape), np.float32)
        labels = dice.integers(0, classes, (4, *shape[:2]))
        # Pushed far apart, so that a wrong pairing cannot look right by chance.
        head = [x for x in network.layers if x.weights][-1]
        kernel, bias = head.get_weights()
        head.set_weights([kernel * 5, bias + np.linspace(-2, 2, classes)])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            reported = float(
                network.evaluate(pictures, labels, verbose=0, return_dict=True)["loss"]
            )
        if any("from_logits=True" in str(warning.message) for warning in caught):
            return (
                "the loss is told that it gets logits, and the last layer already makes "
                "probabilities: leave one of the two out"
            )
        outputs = np.asarray(network(pictures), float)
        sums = outputs.sum(axis=-1)
        if np.allclose(sums, 1, atol=1e-4):
            chances = outputs
        elif getattr(head, "activation", None) is keras.activations.sigmoid:
            return (
                "the head is still a sigmoid: the probabilities of one pixel add up to "
                f"{sums.min():.2f} to {sums.max():.2f}, not to 1"
            )
        else:
            powers = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
            chances = powers / powers.sum(axis=-1, keepdims=True)
        right = -np.log(np.take_along_axis(chances, labels[..., None], axis=-1)).mean()
        if not np.isclose(reported, right, rtol=1e-3):
            return (
                f"the loss is {reported:.3f}, and the cross-entropy of what the network gives is "
                f"{right:.3f}: does the loss know whether it gets logits or probabilities?"
            )
    return None


@exercise("06", "checkpoints")
def checkpoints(answer):
    """A function of (folder, names); judged by the files that the callbacks would write."""
    import keras

    names = ("unet", "no-skips", "strided")
    for folder in (Path("first"), Path("second")):
        callbacks = answer(folder, names)
        if callbacks is ... or callbacks is None:
            return _NOTHING
        if not isinstance(callbacks, dict) or set(callbacks) != set(names):
            return f"expected a dictionary with the keys {', '.join(names)}"
        for name, callback in callbacks.items():
            if not isinstance(callback, keras.callbacks.ModelCheckpoint):
                return f"expected a ModelCheckpoint for {name}, yours is {type(callback).__name__}"
            if not callback.save_best_only:
                return f"{name}: save_best_only is off, so the last epoch is kept, not the best"
            path = Path(str(callback.filepath))
            if path.suffix != ".keras":
                return f"{name}: expected a file that ends in .keras, yours is {path.name}"
            if folder not in path.parents:
                return f"{name}: expected a file in the folder it was given, yours is {path}"
        paths = [str(callback.filepath) for callback in callbacks.values()]
        if len(set(paths)) < len(paths):
            return (
                f"{len(paths)} nets write to {len(set(paths))} file(s), such as "
                f"{Path(paths[0]).name}: each overwrites the one before"
            )
        if any("{" in path for path in paths):
            return (
                "a path with {epoch} or the like keeps many files for each net, and which was the "
                "best is not to be seen: one file a net"
            )
    return None


@exercise("06", "one-skip")
def one_skip(answer):
    """A function of (image_shape, classes); judged by its form."""
    import keras

    network = answer((64, 64, 3), 2)
    if network is ... or network is None:
        return _NOTHING
    if not isinstance(network, keras.Model):
        return f"expected a network, yours is a {type(network).__name__}: return it"
    if network.input_shape != (None, 64, 64, 3) or network.output_shape != (None, 64, 64, 2):
        return (
            "expected (None, 64, 64, 3) in and (None, 64, 64, 2) out, the network has "
            f"{network.input_shape} and {network.output_shape}"
        )
    if isinstance(network.layers[-1], keras.layers.Softmax) or (
        getattr(network.layers[-1], "activation", None)
        in (keras.activations.softmax, keras.activations.sigmoid)
    ):
        return "expected logits: no softmax or sigmoid at the end"
    if min(layer.output.shape[1] for layer in network.layers) != 4:
        return "expected five levels, down to maps of 4×4"
    joins = [layer for layer in network.layers if isinstance(layer, keras.layers.Concatenate)]
    if len(joins) != 1:
        return f"expected one skip, yours has {len(joins)}: count the Concatenate layers"
    if joins[0].output.shape[1:3] != (64, 64):
        return (
            f"the skip that is left joins maps of {joins[0].output.shape[1]}×"
            f"{joins[0].output.shape[2]}: expected the one at full size, 64×64"
        )
    return None
