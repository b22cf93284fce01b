"""The full table: by hand, against TensorFlow's profiler, against published numbers."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from course_utils import convnets
from course_utils.architecture import cost_table, latencies, profiled_flops, rules
from course_utils.errors import InputError

layers = keras.layers


def chain(*stack, size=(20, 16), channels=3):
    return keras.Sequential([keras.Input((*size, channels)), *stack])


def residual_in(shape, name=None):
    image = keras.Input(shape)
    x = layers.Conv2D(8, 3, padding="same", use_bias=False, name="first")(image)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    y = layers.Conv2D(8, 1, name="side")(image)
    return keras.Model(image, layers.Add()([x, y]), name=name)


def everything():
    return chain(
        layers.Conv2D(8, (3, 5), padding="same", activation="relu"),
        layers.Conv2D(12, 3, strides=2),
        layers.BatchNormalization(),
        layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same"),
        layers.SeparableConv2D(10, 3, depth_multiplier=3),
        layers.MaxPooling2D(2),
        layers.Conv2DTranspose(6, 3, strides=2, padding="same"),
        layers.Dense(5, activation="gelu"),
        layers.GlobalAveragePooling2D(),
        layers.Dropout(0.5),
        layers.Dense(7),
    )


def test_every_kind_by_hand():
    found = [(row.kind, row.output_shape, row.multiply_adds) for row in cost_table(everything())]
    assert found == [
        ("Conv2D", (20, 16, 8), 20 * 16 * 8 * 15 * 3),
        ("Conv2D", (9, 7, 12), 9 * 7 * 12 * 9 * 8),
        ("BatchNormalization", (9, 7, 12), 0),
        ("DepthwiseConv2D", (9, 7, 24), 9 * 7 * 24 * 9),
        ("SeparableConv2D", (7, 5, 10), 7 * 5 * (72 * 9 + 72 * 10)),
        ("MaxPooling2D", (3, 2, 10), 0),
        ("Conv2DTranspose", (6, 4, 6), 3 * 2 * 10 * 9 * 6),
        ("Dense", (6, 4, 5), 6 * 4 * 6 * 5),
        ("GlobalAveragePooling2D", (5,), 0),
        ("Dropout", (5,), 0),
        ("Dense", (7,), 5 * 7),
    ]


def test_groups_read_their_own_channels():
    (row,) = cost_table(chain(layers.Conv2D(12, 3, groups=4), channels=8))
    assert row.multiply_adds == 18 * 14 * 12 * 9 * (8 // 4)
    assert row.parameters == 12 * 9 * 2 + 12


MODELS = {
    "everything": everything,
    "residual": lambda: residual_in((12, 10, 3)),
    "nested": lambda: chain(layers.Conv2D(4, 3), residual_in((None, None, 4))),
    **{
        name: functools.partial(convnets.family_net, name)
        for name in ("Inception", "DenseNet", "Xception", "MobileNet", "EfficientNet")
    },
}
# Two separable convolutions at 16×16, 8×8 and 4×4, of so many maps.
XCEPTION = 9 * (16 * 16 * (32 + 48) + 8 * 8 * (48 + 64) + 4 * 4 * (64 + 96))
PROFILED = {
    "Conv2D": ("Conv2D", "SeparableConv2D"),
    "DepthwiseConv2dNative": ("DepthwiseConv2D",),
    "Conv2DBackpropInput": ("Conv2DTranspose",),
    "MatMul": ("Dense",),
}


def of_kinds(table, kinds):
    return sum(row.multiply_adds for row in table if row.kind in kinds)


@pytest.mark.parametrize("name", MODELS)
def test_twice_the_multiply_adds_is_what_tensorflow_counts(name):
    model = MODELS[name]()
    table, flops = cost_table(model), profiled_flops(model)
    ours = {kind: 2 * of_kinds(table, kinds) for kind, kinds in PROFILED.items()}
    # TensorFlow counts the depthwise half of a separable convolution with the depthwise ones.
    depthwise = {"everything": 7 * 5 * 72 * 9, "Xception": XCEPTION}.get(name, 0)
    ours["Conv2D"] -= 2 * depthwise
    ours["DepthwiseConv2dNative"] += 2 * depthwise
    assert ours == {kind: flops.get(kind, 0) for kind in PROFILED}
    assert sum(ours.values()) == 2 * table.multiply_adds
    assert table.unknown == ()


def test_the_profiler_would_see_a_wrong_formula(monkeypatch):
    monkeypatch.setitem(rules._RULES, "DepthwiseConv2D", rules._RULES["Conv2D"])
    monkeypatch.setattr(layers.DepthwiseConv2D, "groups", 1, raising=False)
    model = chain(layers.DepthwiseConv2D(3))
    assert 2 * cost_table(model).multiply_adds != profiled_flops(model)["DepthwiseConv2dNative"]


@pytest.mark.parametrize(
    ("build", "parameters", "millions"),
    [
        # Howard and others, MobileNets (2017), table 8; Sandler and others, MobileNetV2 (2018),
        # table 4. Both in "million mult-adds".
        (lambda: keras.applications.MobileNet(weights=None), 4_253_864, 569),
        (lambda: keras.applications.MobileNetV2(weights=None), 3_538_984, 300),
    ],
)
def test_published_counts(build, parameters, millions):
    table = cost_table(build())
    assert table.parameters == parameters == sum(row.parameters for row in table)
    assert table.multiply_adds == pytest.approx(1e6 * millions, rel=0.003)


def test_attention_by_hand():
    tokens, width, heads, key = 16, 12, 3, 5
    image = keras.Input((4, 4, width))
    x = layers.Reshape((tokens, width))(image)
    x = layers.MultiHeadAttention(heads, key, value_dim=7)(layers.LayerNormalization()(x), x)
    *_, row = cost_table(keras.Model(image, x))
    into = tokens * width * heads * (key + key + 7)
    mixed = tokens * tokens * heads * (key + 7)
    assert row.multiply_adds == into + mixed + tokens * heads * 7 * width
    assert row.sees == "all"


@pytest.mark.parametrize(
    ("options", "call"), [({"attention_axes": 1}, {}), ({}, {"use_causal_mask": True})]
)
def test_attention_of_another_kind_is_not_guessed(options, call):
    image = keras.Input((4, 6, 8))
    x = layers.MultiHeadAttention(2, 4, name="attention", **options)(image, image, **call)
    assert cost_table(keras.Model(image, x)).unknown == ("attention",)


def test_tokens_see_their_own_patch_until_attention_mixes_them():
    image = keras.Input((16, 16, 3))
    x = layers.Reshape((16, 8))(layers.Conv2D(8, 4, strides=4)(image))
    x = layers.Dense(8)(layers.LayerNormalization()(x))
    x = layers.MultiHeadAttention(2, 4)(query=x, value=x)
    x = layers.GlobalAveragePooling1D()(x)
    seen = [row.sees for row in cost_table(keras.Model(image, x))]
    assert seen == [(4, 4)] * 4 + ["all"] * 2


def test_nested_models_are_taken_apart_at_any_depth():
    block = residual_in((None, None, 4), name="block")
    base = keras.Sequential(
        [keras.Input((None, None, 3)), layers.Conv2D(4, 3, strides=2, name="stem"), block],
        name="base",
    )
    model = chain(base, layers.Flatten(name="flat"), layers.Dense(2, name="logits"))
    table = cost_table(model)
    paths = [row.path for row in table if row.multiply_adds]
    assert paths == ["base/stem", "base/block/first", "base/block/side", "logits"]
    by_path = {row.path: row for row in table}
    # Built for pictures of any size, shown with the size that they have here.
    assert by_path["base/block/first"].output_shape == (9, 7, 8)
    assert by_path["base/block/first"].multiply_adds == 9 * 7 * 8 * 9 * 4
    assert (by_path["base/block/first"].sees, by_path["base/block/first"].step) == ((7, 7), (2, 2))
    assert by_path["base/block/first"].start == (-2, -2)
    assert table.parameters == model.count_params() == sum(row.parameters for row in table)


def test_what_is_used_twice_computes_twice_and_is_held_once():
    block = residual_in((None, None, 8))
    image = keras.Input((6, 6, 3))
    x = layers.Conv2D(8, 1)(image)
    table = cost_table(keras.Model(image, block(block(x))))
    convolutions = [row for row in table if row.kind == "Conv2D"]
    assert [row.parameters for row in convolutions] == [32, 576, 72, 0, 0]
    assert convolutions[1].multiply_adds == convolutions[3].multiply_adds == 36 * 8 * 72
    assert [row.sees[0] for row in convolutions] == [1, 3, 1, 5, 3]


def test_operations_stand_in_the_table():
    image = keras.Input((6, 6, 3))
    x = layers.Conv2D(3, 3, padding="same")(image)
    table = cost_table(keras.Model(image, keras.ops.relu(x + image)))
    assert [row.multiply_adds for row in table] == [6 * 6 * 27 * 3, 0, 0]


ops = keras.ops
KERNEL = np.ones((2, 2, 4, 3), np.float32)


@pytest.mark.parametrize(
    "step",
    [
        lambda x: ops.matmul(x, ops.transpose(x, (0, 1, 3, 2))),
        lambda x: ops.inner(x, np.ones((5, 3), np.float32)),
        lambda x: ops.conv_transpose(x, KERNEL, strides=2),
        lambda x: ops.dot_product_attention(*[ops.reshape(x, (-1, 36, 1, 3))] * 3),
        layers.EinsumDense("abcd,de->abce", (6, 6, 5)),
        layers.Dot(axes=-1),
    ],
)
def test_a_product_that_no_rule_counts_is_named_and_not_free(step):
    image = keras.Input((6, 6, 3))
    given = [layers.Flatten()(image)] * 2 if isinstance(step, layers.Dot) else image
    table = cost_table(keras.Model(image, step(given)))
    assert table.unknown == (table.rows[-1].path,)


class Own(keras.layers.Layer):
    """A layer of which no rule tells."""

    def __init__(self, **options):
        super().__init__(**options)
        self.dense = layers.Dense(4)

    def build(self, shape):
        self.dense.build(shape)

    def call(self, x):
        return self.dense(x)


class Add(Own):
    """Called as one of Keras' layers, and none of them."""


class Subclassed(keras.Model):
    """A model with a call of its own: it may do anything."""

    def __init__(self, **options):
        super().__init__(**options)
        self.dense = layers.Dense(4)

    def call(self, x):
        return self.dense(self.dense(x))


@pytest.mark.parametrize("make", [Own, Add, Subclassed])
def test_what_no_rule_tells_is_said_and_not_guessed(make):
    layer = make(name="own")
    image = keras.Input((6, 6, 4))
    table = cost_table(keras.Model(image, layer(layers.Conv2D(4, 1)(image))))
    row = table.rows[-1]
    assert (row.parameters, row.multiply_adds, row.sees) == (20, None, None)
    assert table.unknown == ("own",)
    assert "576 multiply–adds or more (no rule for own)" in table.summary()
    assert str(table).splitlines()[2].split()[-4:] == ["?", "–", "–", "–"]


def test_a_side_without_a_fixed_size_is_not_counted():
    table = cost_table(chain(layers.Conv2D(4, 3), size=(None, None)))
    assert (table.rows[0].multiply_adds, table.rows[0].sees) == (None, (3, 3))
    with pytest.raises(InputError, match=r"\(None, None, 8, 3\)"):
        profiled_flops(chain(layers.Conv2D(4, 3), size=(None, 8)))


def test_a_subclassed_model_is_refused():
    model = Subclassed()
    model(np.zeros((1, 6, 6, 4), np.float32))
    with pytest.raises(InputError, match="Subclassed"):
        cost_table(model)


def test_a_model_built_by_its_first_call():
    model = keras.Sequential([layers.Conv2D(4, 3)])
    model(np.zeros((1, 6, 6, 2), np.float32))
    assert cost_table(model).multiply_adds == 16 * 4 * 18


def test_the_profiler_does_not_chatter(capfd):
    profiled_flops(chain(layers.Conv2D(4, 3)))
    said = capfd.readouterr()
    assert said.out == ""
    assert "deprecated" not in said.err and "no flops" not in said.err


def test_what_the_profiler_would_pass_over_is_refused():
    # Keras compiles a convolution in groups apart, and TensorFlow loses all shapes behind it.
    with pytest.raises(InputError, match="conv2d"):
        profiled_flops(chain(layers.Conv2D(12, 3, groups=4), layers.Conv2D(4, 3), channels=8))


def test_latencies_are_measured_warm_and_in_turns():
    calls = []

    class Told(keras.layers.Layer):
        def call(self, x):
            tf.py_function(lambda: calls.append(self.name), [], [])
            return x + 1

    image = keras.Input((4, 4, 1))
    models = {name: keras.Model(image, Told(name=name)(image)) for name in ("a", "b")}
    calls.clear()
    taken = latencies(models, batch_size=2, runs=6)
    assert calls == ["a", "b"] * (6 + 3)
    assert list(taken) == ["a", "b"]
    for each in taken.values():
        assert (each.batch_size, each.runs) == (2, 6)
        assert 0 < each.low <= each.median <= each.high
        assert "batch of 2 (median of 6" in str(each)


def test_more_work_takes_longer():
    small = chain(layers.Conv2D(4, 3), size=(32, 32))
    large = chain(*[layers.Conv2D(64, 3) for _ in range(4)], size=(64, 64))
    taken = latencies({"small": small, "large": large}, runs=5)
    assert taken["large"].median > taken["small"].median


@pytest.mark.parametrize(
    ("options", "value"),
    [
        ({"models": {}}, "none"),
        ({"batch_size": 0}, "batch_size.*0"),
        ({"batch_size": 1.0}, "batch_size.*1.0"),
        ({"runs": 4}, "runs.*4"),
        ({"runs": True}, "runs.*True"),
        ({"models": {"a": chain(layers.Conv2D(4, 3), size=(None, 8))}}, "None, 8, 3"),
    ],
)
def test_no_such_measurement(options, value):
    with pytest.raises(InputError, match=value):
        latencies(**{"models": {"a": chain(layers.Conv2D(4, 3))}, **options})
