"""The checks of chapter 06 accept other right answers and name each usual mistake."""

import keras
import numpy as np
import pytest

from course_utils.exercises import chapter_06


def iou_by_loops(confusion):
    found = []
    for k in range(len(confusion)):
        hits = confusion[k, k]
        union = confusion[k].sum() + confusion[:, k].sum() - hits
        found.append(hits / union if union else np.nan)
    return found


def share(part):
    """An IoU with something else below or above the line."""

    def answer(confusion):
        hits, row, column = np.diag(confusion), confusion.sum(1), confusion.sum(0)
        with np.errstate(invalid="ignore"):
            return part(hits, row, column)

    return answer


def test_iou_accepts_loops():
    assert chapter_06.iou_of(iou_by_loops) is None


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda confusion: ..., "returns nothing yet"),
        (lambda confusion: 0.5, "one IoU for each of 2 classes"),
        (lambda confusion: np.nan_to_num(iou_by_loops(confusion)), "expected nan, yours is 0"),
        (share(lambda hits, row, column: hits / (row + column)), "subtract them once"),
        (share(lambda hits, row, column: 2 * hits / (row + column)), "that is Dice"),
        (share(lambda hits, row, column: hits / row), "that is the recall"),
        (share(lambda hits, row, column: hits / column), "that is the precision"),
        (share(lambda hits, row, column: hits / hits.sum()), "the sets of pixels give"),
    ],
)
def test_iou_names_the_mistake(answer, message):
    assert message in chapter_06.iou_of(answer)


def mask_by_conditions(trimap):
    return np.where(trimap == 3, 255, trimap == 1).astype(np.uint8)


def overwritten(trimap):
    mask = trimap.copy()
    mask[mask == 2], mask[mask == 3] = 0, 255
    mask[mask == 1] = 0
    return mask


def in_place(trimap):
    trimap[trimap == 2], trimap[trimap == 3] = 0, 255
    return trimap


def test_mask_accepts_conditions():
    assert chapter_06.mask_of(mask_by_conditions) is None


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda trimap: None, "returns nothing yet"),
        (in_place, "the trimap itself has changed"),
        (lambda trimap: trimap[0], "the trimap's shape"),
        (lambda trimap: trimap - 1, "you subtracted 1"),
        (overwritten, r"1 (the pet), expected 1, yours has 0"),
        (lambda trimap: mask_by_conditions(trimap).astype(int), "expected dtype uint8"),
    ],
)
def test_mask_names_the_mistake(answer, message):
    assert message in chapter_06.mask_of(answer)


def crop(rows=0, apart=False, fixed=False):
    def answer(picture, mask, side, generator):
        def place():
            top = 0 if fixed else generator.integers(picture.shape[0] - side + rows)
            left = 0 if fixed else generator.integers(picture.shape[1] - side + 1)
            return slice(top, top + side), slice(left, left + side)

        first = place()
        return picture[first], mask[place() if apart else first]

    return answer


def test_crop_accepts_cutting_what_is_stacked():
    def answer(picture, mask, side, generator):
        stacked = np.dstack([picture, mask])
        top, left = (int(generator.integers(n - side + 1)) for n in mask.shape)
        cut = stacked[top : top + side, left : left + side]
        return cut[..., :-1], cut[..., -1]

    assert chapter_06.cropped_pair(answer) is None


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda *given: ..., "returns nothing yet"),
        (lambda picture, *rest: picture, "as two values"),
        (lambda picture, mask, side, generator: (picture, mask), "expected shapes (3, 3, 3)"),
        (crop(rows=1, apart=True), "different places"),
        (crop(fixed=True), "always the same"),
        (crop(rows=0), "never came: there are 3 rows and 5 columns"),
        (
            lambda picture, mask, side, generator: (picture[::2, ::3], mask[::2, ::3]),
            "not a square of neighbouring pixels",
        ),
    ],
)
def test_crop_names_the_mistake(answer, message):
    assert message in chapter_06.cropped_pair(answer)


def net(head=None, from_logits=True, filters=8, classes_out=None, compiled=True):
    def answer(image_shape, classes):
        network = keras.Sequential(
            [
                keras.layers.Input(image_shape),
                keras.layers.Conv2D(filters, 3, padding="same", activation="relu"),
                keras.layers.Conv2D(classes_out or classes, 1, activation=head),
            ]
        )
        if compiled:
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits)
            network.compile(optimizer="adam", loss=loss)
        return network

    return answer


def test_pixel_net_accepts_both_ways():
    assert chapter_06.pixel_net(net()) is None
    assert chapter_06.pixel_net(net(head="softmax", from_logits=False)) is None


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda *given: ..., "returns nothing yet"),
        (lambda *given: 3, "yours is a int"),
        (net(classes_out=1), "one number for each class at each pixel"),
        (net(filters=4), "the convolution with 8 filters is gone"),
        (net(compiled=False), "not compiled"),
        (net(head="softmax"), "leave one of the two out"),
        (net(head="sigmoid", from_logits=False), "the head is still a sigmoid"),
        (net(from_logits=False), "does the loss know whether it gets logits"),
    ],
)
def test_pixel_net_names_the_mistake(answer, message):
    assert message in chapter_06.pixel_net(answer)


def written(pattern, **options):
    def answer(folder, names):
        options.setdefault("save_best_only", True)
        return {
            name: keras.callbacks.ModelCheckpoint(
                pattern.format(folder=folder, name=name, epoch="{epoch}"), **options
            )
            for name in names
        }

    return answer


def test_checkpoints_accept_a_folder_for_each():
    assert chapter_06.checkpoints(written("{folder}/{name}/best.keras")) is None


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda *given: ..., "returns nothing yet"),
        (lambda *given: [], "expected a dictionary"),
        (lambda folder, names: dict.fromkeys(names, 1), "expected a ModelCheckpoint"),
        (written("{folder}/{name}.keras", save_best_only=False), "save_best_only is off"),
        (written("{folder}/best.keras"), "3 nets write to 1 file(s), such as best.keras"),
        (written("elsewhere/{name}.keras"), "in the folder it was given"),
        (written("{folder}/{name}-{epoch}.keras"), "one file a net"),
        (
            written("{folder}/{name}.weights.h5", save_weights_only=True),
            "expected a file that ends in .keras",
        ),
    ],
)
def test_checkpoints_name_the_mistake(answer, message):
    assert message in chapter_06.checkpoints(answer)


def skipping(sizes=(64,), levels=5, classes_out=2, activation=None):
    def answer(image_shape, classes):
        inputs = x = keras.Input(image_shape)
        kept = []
        for level in range(levels):
            x = keras.layers.MaxPooling2D(2)(x) if level else x
            x = keras.layers.Conv2D(2, 3, padding="same")(x)
            kept.append(x)
        for skipped in kept[-2::-1]:
            x = keras.layers.UpSampling2D(2)(x)
            x = keras.layers.Concatenate()([x, skipped]) if x.shape[1] in sizes else x
            x = keras.layers.Conv2D(2, 3, padding="same")(x)
        return keras.Model(inputs, keras.layers.Conv2D(classes_out, 1, activation=activation)(x))

    return answer


def test_one_skip_accepts_another_net_of_the_form():
    assert chapter_06.one_skip(skipping()) is None


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda *given: ..., "returns nothing yet"),
        (lambda *given: 3, "yours is a int"),
        (skipping(classes_out=1), "(None, 64, 64, 2) out"),
        (skipping(activation="softmax"), "expected logits"),
        (skipping(levels=4), "expected five levels"),
        (skipping(sizes=()), "expected one skip, yours has 0"),
        (skipping(sizes=(64, 32)), "expected one skip, yours has 2"),
        (skipping(sizes=(16,)), "joins maps of 16×16"),
    ],
)
def test_one_skip_names_the_mistake(answer, message):
    assert message in chapter_06.one_skip(answer)
