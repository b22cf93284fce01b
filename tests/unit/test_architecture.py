"""Receptive fields by hand and by gradient, and the table of a model's layers."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from course_utils.architecture import cost_table, layer_table, receptive_field
from course_utils.errors import InputError

layers = keras.layers


def chain(*stack, size=(40, 40), channels=1):
    return keras.Sequential([keras.Input((*size, channels)), *stack])


def touched(model, row, column):
    """First and last row and column of the pixels with a gradient, under one unit.

    Weights are set to one, and pooling must be the average: then no path can vanish or cancel.
    """
    model.set_weights([np.ones_like(weight) for weight in model.get_weights()])
    image = tf.ones((1, *model.inputs[0].shape[1:]))
    with tf.GradientTape() as tape:
        tape.watch(image)
        unit = model(image)[0, row, column, 0]
    moved = np.abs(tape.gradient(unit, image).numpy()[0]).sum(axis=-1) > 0
    lines = [np.flatnonzero(moved.any(axis=other)) for other in (1, 0)]
    return [(int(line[0]), int(line[-1])) for line in lines]


def residual():
    image = keras.Input((40, 40, 2))
    x = layers.Conv2D(4, 3, padding="same", strides=2)(image)
    y = layers.Conv2D(4, 3, padding="same")(layers.ReLU()(x))
    y = layers.Conv2D(4, 3, padding="same")(y)
    z = layers.Conv2D(4, 1)(x)
    return keras.Model(image, layers.Add()([y, z]))


def lopsided():
    """Two branches that look past each other: their union is wider than either."""
    image = keras.Input((40, 40, 1))
    left = layers.Cropping2D(((0, 6), (0, 6)))(layers.Conv2D(1, 3)(image))
    right = layers.Cropping2D(((6, 0), (6, 0)))(layers.Conv2D(1, 3)(image))
    return keras.Model(image, layers.Add()([left, right]))


def operations():
    image = keras.Input((40, 40, 1))
    x = layers.Conv2D(1, 3, padding="same")(image)
    return keras.Model(image, keras.ops.relu(2.0 * x + image) / 3.0)


def nested():
    inner = chain(layers.Conv2D(2, 3), layers.AveragePooling2D(2), size=(38, 38), channels=2)
    return chain(layers.Conv2D(2, 3), inner, layers.Conv2D(2, 3))


def two_sided(inputs=1, outputs=1):
    """A model with several inputs or outputs."""
    images = [keras.Input((9, 9, 1)) for _ in range(inputs)]
    x = layers.Add()(images) if inputs > 1 else images[0]
    answers = [layers.Conv2D(1, 3, padding="same")(x) for _ in range(outputs)]
    return keras.Model(images, answers)


STACKS = {
    "two convolutions": (lambda: chain(layers.Conv2D(1, 3), layers.Conv2D(1, 3)), (5, 5)),
    "oblong": (lambda: chain(layers.Conv2D(1, (1, 5)), layers.Conv2D(1, (3, 1))), (3, 5)),
    "one by one": (lambda: chain(layers.Conv2D(3, 1), layers.Dense(2)), (1, 1)),
    "stride": (lambda: chain(layers.Conv2D(1, 3, strides=2), layers.Conv2D(1, 3)), (7, 7)),
    "dilated": (
        lambda: chain(*[layers.Conv2D(1, 3, dilation_rate=d) for d in (1, 2, 4)]),
        (15, 15),
    ),
    "pooled": (
        lambda: chain(
            layers.Conv2D(2, 3), layers.AveragePooling2D(2), layers.Conv2D(2, 3),
            layers.AveragePooling2D(2), layers.Conv2D(2, 3),
        ),
        (18, 18),
    ),
    "gaps": (lambda: chain(layers.Conv2D(1, 2, strides=4), layers.Conv2D(1, 2)), (6, 6)),
    "same": (
        lambda: chain(
            layers.Conv2D(2, 5, padding="same", strides=2),
            layers.AveragePooling2D(3, strides=2, padding="same"),
            size=(41, 38),
        ),
        (9, 9),
    ),
    "separable": (
        lambda: chain(
            layers.SeparableConv2D(2, 3), layers.DepthwiseConv2D(3), layers.BatchNormalization(),
            layers.ReLU(), layers.ZeroPadding2D(2), layers.Conv2D(1, 3),
        ),
        (7, 7),
    ),
    "residual": (residual, (11, 11)),
    "lopsided": (lopsided, (9, 9)),
    "operations": (operations, (3, 3)),
    "nested": (nested, (10, 10)),
}  # fmt: skip


@pytest.mark.parametrize("name", STACKS)
def test_by_hand_and_by_gradient(name):
    """The field of two units: its size, its step from one to the next, where it begins."""
    build, by_hand = STACKS[name]
    model = build()
    assert receptive_field(model) == by_hand
    last = cost_table(model).rows[-1]
    assert last.sees == by_hand
    _, height, width, _ = model.output_shape
    for row, column in ((height // 2, width // 2), (height // 2 - 1, width // 2)):
        for unit, (first, end), start, step, sees in zip(
            (row, column), touched(model, row, column), last.start, last.step, last.sees,
            strict=True,
        ):  # fmt: skip
            assert (first, end) == (start + unit * step, start + unit * step + sees - 1)


def test_the_gradient_would_see_a_wrong_formula():
    # Forgetting that a stride makes every later kernel wider gives 5 here.
    model = STACKS["stride"][0]()
    (first, last), _ = touched(model, 8, 8)
    assert last - first + 1 != 5


def test_the_layer_can_be_named():
    model = STACKS["pooled"][0]()
    assert [receptive_field(model, layer.name)[0] for layer in model.layers] == [3, 4, 8, 10, 18]
    model = nested()
    base = model.layers[1]
    assert receptive_field(model, f"{base.name}/{base.layers[0].name}") == (5, 5)
    assert receptive_field(model, base.layers[0].name) == (5, 5)
    assert receptive_field(model, base.name) == (6, 6)


@pytest.mark.parametrize(
    "last", [layers.Flatten, layers.GlobalMaxPooling2D, layers.GlobalAveragePooling2D]
)
def test_flattening_and_global_pooling_see_everything(last):
    model = chain(layers.Conv2D(1, 3), last(), layers.Dense(2), size=(20, 30))
    assert receptive_field(model) == (20, 30)


def test_an_input_of_no_fixed_size():
    model = chain(layers.Conv2D(1, 3, strides=2, padding="same"), size=(None, None))
    assert receptive_field(model) == (3, 3)
    model = chain(layers.Conv2D(1, 3), layers.GlobalMaxPooling2D(), size=(None, None))
    with pytest.raises(InputError, match=r"\(None, None\)"):
        receptive_field(model)


def along_rows(image):
    return layers.Softmax(axis=1)(image)


def stacked(image):
    return layers.Concatenate(axis=1)([image, image])


def averaged(image):
    return keras.ops.mean(image, axis=1, keepdims=True)


def stretched(image):
    return image + layers.AveragePooling2D((9, 1), strides=1)(image)


def attended(image, axes=None, **call):
    return layers.MultiHeadAttention(1, 2, attention_axes=axes)(image, image, **call)


@pytest.mark.parametrize(
    ("step", "sees"),
    [
        (layers.Resizing(8, 8), None),
        (along_rows, None),
        (layers.Softmax(axis=-1), (1, 1)),
        (layers.Softmax(axis=3), (1, 1)),
        (stacked, None),
        (averaged, None),
        (stretched, None),
        (attended, "all"),
        (lambda image: attended(image, axes=(1,)), None),
        (lambda image: attended(image, use_causal_mask=True), None),
    ],
)
def test_what_no_rule_tells_is_said_and_not_guessed(step, sees):
    image = keras.Input((9, 9, 1))
    model = keras.Model(image, layers.ReLU()(step(image)))
    assert layer_table(model).rows[-1].sees == sees
    if sees is None:
        with pytest.raises(InputError, match=model.layers[-1].name):
            receptive_field(model)


def test_branches_that_step_differently_are_not_joined():
    image = keras.Input((9, 9, 1))
    coarse = layers.Conv2D(1, 3, strides=2)(image)
    fine = layers.Cropping2D(((5, 0), (5, 0)))(image)
    model = keras.Model(image, layers.Add()([coarse, fine]))
    assert layer_table(model).rows[-1].sees is None


def test_a_layer_first_used_elsewhere_is_read_where_it_stands():
    first, second = keras.Input((9, 9, 1)), keras.Input((40, 40, 1))
    shared = layers.Conv2D(1, 3, padding="same", strides=2)
    shared(first)
    (row,) = layer_table(keras.Model(second, shared(second)))
    assert (row.output_shape, row.sees) == ((20, 20, 1), (3, 3))


def test_a_layer_that_is_used_twice():
    image = keras.Input((9, 9, 1))
    shared = layers.Conv2D(1, 3, padding="same", name="shared")
    model = keras.Model(image, shared(shared(image)))
    assert layer_table(model).parameters == 10
    assert receptive_field(model) == (5, 5)
    with pytest.raises(InputError, match="shared"):
        receptive_field(model, "shared")


@pytest.mark.parametrize(
    ("model", "value"),
    [
        (lambda: keras.Sequential([layers.Conv2D(1, 3)]), "Sequential"),
        (lambda: layers.Conv2D(1, 3), "Conv2D"),
        (lambda: keras.Sequential([keras.Input((5,)), layers.Dense(1)]), "(None, 5)"),
        (lambda: two_sided(inputs=2), "(None, 9, 9, 1), (None, 9, 9, 1)"),
        (lambda: two_sided(outputs=2), "received 2"),
        (
            lambda: keras.Sequential(
                [
                    keras.Input((3, 9, 9)),
                    layers.MaxPooling2D(2, data_format="channels_first", name="first"),
                ]
            ),
            "first",
        ),
    ],
)
@pytest.mark.parametrize("table", [layer_table, receptive_field, cost_table])
def test_what_is_no_such_model_is_refused(table, model, value):
    with pytest.raises(InputError) as error:
        table(model())
    assert value in str(error.value)


def test_an_unknown_layer_is_refused_with_the_known_ones():
    model = chain(layers.Conv2D(1, 3, name="first"))
    with pytest.raises(InputError, match=r"first.*'second'"):
        receptive_field(model, "second")


def test_table_of_a_net_worked_out_by_hand():
    table = layer_table(
        chain(
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(10),
            size=(32, 32),
            channels=3,
        )
    )
    assert [(row.kind, row.output_shape, row.parameters, row.sees) for row in table] == [
        ("Conv2D", (30, 30, 32), 32 * (3 * 3 * 3 + 1), (3, 3)),
        ("MaxPooling2D", (15, 15, 32), 0, (4, 4)),
        ("Conv2D", (13, 13, 64), 64 * (3 * 3 * 32 + 1), (8, 8)),
        ("Flatten", (13 * 13 * 64,), 0, "all"),
        ("Dense", (10,), 10 * (13 * 13 * 64 + 1), "all"),
    ]
    assert len(table) == 5
    assert table.parameters == 32 * 28 + 64 * 289 + 10 * 10817


def test_a_model_as_a_layer_is_one_row():
    rows = layer_table(nested()).rows
    assert [(row.kind, row.output_shape, row.sees) for row in rows] == [
        ("Conv2D", (38, 38, 2), (3, 3)),
        ("Sequential", (18, 18, 2), (6, 6)),
        ("Conv2D", (16, 16, 2), (10, 10)),
    ]
    assert rows[1].parameters == 2 * (3 * 3 * 2 + 1)


def test_sides_that_are_not_fixed_are_written_as_such():
    text = str(layer_table(chain(layers.Conv2D(4, 3), size=(None, 20))))
    assert text.splitlines()[1].split() == ["Conv2D", "(?,", "18,", "4)", "40", "3×3"]
