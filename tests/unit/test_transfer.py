"""Freezing, the report, the guard and drift: counts by hand, arithmetic, Keras' own behavior."""

import warnings

import keras
import numpy as np
import pytest
from keras import layers

from course_utils import transfer
from course_utils.errors import InputError

IMAGES = np.random.default_rng(0).random((16, 8, 8, 3), dtype=np.float32)
LABELS = np.arange(16, dtype=np.int32) % 2


def small_base(name="base"):
    return keras.Sequential(
        [
            layers.Input((8, 8, 3)),
            layers.Conv2D(4, 3, use_bias=False, name="conv1"),
            layers.BatchNormalization(momentum=0.5, name="norm1"),
            layers.Conv2D(4, 3, name="conv2"),
            layers.BatchNormalization(momentum=0.5, name="norm2"),
            layers.ReLU(name="relu2"),
        ],
        name=name,
    )


def with_head(base, **call):
    inputs = layers.Input((8, 8, 3))
    pooled = layers.GlobalAveragePooling2D()(base(inputs, **call))
    return keras.Model(inputs, layers.Dense(2, name="head")(pooled))


def compiled(model):
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def fit(model, **options):
    with warnings.catch_warnings():
        # Keras warns once of what the guard refuses.
        warnings.simplefilter("ignore")
        return model.fit(IMAGES, LABELS, verbose=0, **options)


def learning(model):
    return set(transfer.report(model).trainable_tensors)


HEAD = {"head/kernel", "head/bias"}


def test_unfreezing_is_exact_whatever_was_before():
    base = small_base()
    wanted = {"conv2/kernel", "conv2/bias"}
    for before in (True, False):
        base.trainable = before
        transfer.unfreeze(base, start="conv2")
        assert learning(base) == wanted
        assert {w.path for w in base.trainable_weights} == {f"base/{name}" for name in wanted}


def test_a_nested_base_is_walked_in_its_place():
    base = small_base()
    model = with_head(base)
    transfer.freeze(base)
    assert learning(model) == HEAD
    for name in ("conv2", "base/conv2"):
        transfer.freeze(base)
        transfer.unfreeze(model, start=name)
        assert learning(model) == {"base/conv2/kernel", "base/conv2/bias"} | HEAD
    transfer.unfreeze(model, start="base")
    assert "base/conv1/kernel" in learning(model)
    transfer.unfreeze(model, start="head")
    assert learning(model) == HEAD


def test_freezing_up_to_a_layer_leaves_what_is_behind():
    base = small_base()
    transfer.freeze(base, up_to="norm1")
    assert learning(base) == {"conv2/kernel", "conv2/bias", "norm2/gamma", "norm2/beta"}
    transfer.unfreeze(base)
    assert not any("norm" in name for name in learning(base)), "only if asked"
    transfer.freeze(base)
    transfer.freeze(base, up_to="conv1")
    assert learning(base) == set()


def test_freezing_up_to_a_nested_model_freezes_its_end_too():
    base = small_base()
    model = with_head(base)
    transfer.freeze(model, up_to="base")
    assert learning(model) == HEAD
    assert not any(layer.trainable for layer in base.layers)


def test_freezing_reaches_a_layer_that_was_thawed_inside_a_frozen_model():
    base = small_base()
    transfer.freeze(base)
    norm = base.get_layer("norm1")
    norm.trainable = True
    before = norm.moving_mean.numpy()
    transfer.freeze(base)
    fit(compiled(with_head(base)))
    np.testing.assert_array_equal(norm.moving_mean.numpy(), before)


def moving(base):
    return {name: array for name, array in transfer.snapshot(base).items() if "moving" in name}


@pytest.mark.parametrize("call", [{}, {"training": False}])
def test_only_holding_keeps_the_statistics_still_under_fit(call):
    """In a functional model `training=False` at building does not: fit's own value wins."""
    base = small_base()
    base.trainable = False
    model = with_head(base, **call)
    transfer.unfreeze(base, batch_norm=True)
    before = moving(base)
    fit(compiled(model))
    assert len(transfer.drift(before, moving(base)).moved) == 4

    assert transfer.hold_batch_norm(model) == ("base/norm1", "base/norm2")
    before = moving(base)
    kernel = np.array(base.get_layer("conv1").kernel.numpy())
    fit(compiled(model))
    assert transfer.drift(before, moving(base)).moved == ()
    assert not np.array_equal(kernel, base.get_layer("conv1").kernel.numpy())


class Block(keras.layers.Layer):
    """A layer built of layers, as blocks of larger networks are, with a weight of its own."""

    def __init__(self, **options):
        super().__init__(**options)
        self.norm = layers.BatchNormalization(name="norm")
        self.scale = self.add_weight(shape=(3,), initializer="ones", name="scale")

    def call(self, images, training=None):
        return self.scale * self.norm(images, training=training)


class Tokened(keras.Model):
    """A model with a weight of its own."""

    def __init__(self):
        super().__init__()
        self.token = self.add_weight(shape=(3,), name="token")
        self.block, self.head = Block(name="block"), layers.Dense(2, name="head")

    def call(self, images, training=None):
        x = self.block(images + self.token, training=training)
        return self.head(keras.ops.mean(x, axis=(1, 2)))


def test_weights_that_belong_to_no_leaf_layer_are_counted_frozen_and_watched():
    model = Tokened()
    model(IMAGES[:1])
    seen = transfer.unfreeze(model)
    assert (seen.parameters, seen.tensors) == (model.count_params(), len(model.weights))
    assert learning(model) == {"block/scale", "(own)/token"} | HEAD
    assert transfer.hold_batch_norm(model) == ("block/norm",)
    before = transfer.snapshot(model)
    for weight in (model.token, model.block.scale):
        weight.assign(weight + 1)
    assert transfer.drift(before, transfer.snapshot(model)).moved == ("block/scale", "(own)/token")
    assert not model.block.norm.trainable
    transfer.freeze(model, up_to="block")
    assert learning(model) == {"(own)/token"} | HEAD
    transfer.freeze(model)
    assert learning(model) == set() == {weight.path for weight in model.trainable_weights}


def test_counts_of_vgg16_by_hand():
    base = keras.applications.VGG16(weights=None, include_top=False, input_shape=(150, 150, 3))
    model = keras.Sequential(
        [
            layers.Input((150, 150, 3)),
            base,
            layers.Flatten(),
            layers.Dense(256, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    head = 8192 * 256 + 256 + 256 + 1
    whole = transfer.report(model)
    assert (len(whole.trainable_tensors), whole.tensors) == (30, 30)
    assert whole.parameters == 14_714_688 + head == 16_812_353
    transfer.freeze(base)
    assert len(transfer.report(model).trainable_tensors) == 4
    top = transfer.unfreeze(model, start="block5_conv1")
    assert len(top.trainable_tensors) == 10
    assert top.trainable_parameters == 3 * (512 * 512 * 9 + 512) + head == 9_177_089
    assert top.trainable_tensors[0] == "vgg16/block5_conv1/kernel"


def test_the_report_agrees_with_keras_and_prints():
    model = with_head(small_base())
    transfer.unfreeze(model, start="conv2", batch_norm=True)
    seen = transfer.report(model)
    assert seen.parameters == model.count_params()
    assert len(seen.trainable_tensors) == len(model.trainable_weights)
    assert [row.learns for row in seen.rows] == ["no", "no", "yes", "in part", "yes"]
    text = str(seen).splitlines()
    assert len({len(line) for line in text[:-1]}) == 1, "columns line up"
    assert text[-1] == seen.summary == "trainable: 6 of 13 tensors, 166 of 298 parameters"
    model.trainable = False
    assert learning(model) == set(), "what a frozen model hides does not count"


def test_a_name_of_two_layers_is_refused_with_both_paths():
    inputs = layers.Input((8, 8, 3))
    both = [small_base(name)(inputs) for name in ("left", "right")]
    model = keras.Model(inputs, layers.Concatenate()(both))
    with pytest.raises(InputError, match="left/conv2, right/conv2"):
        transfer.unfreeze(model, start="conv2")
    transfer.unfreeze(model, start="right/conv2")
    assert "right/conv2/kernel" in learning(model)


def test_the_guard_stops_unfreezing_without_compiling():
    base = small_base()
    transfer.freeze(base)
    model = compiled(with_head(base))
    fit(model, callbacks=[transfer.recompile_guard()])
    told = transfer.unfreeze(model, start="conv2")
    assert told.stale and "compile the model again" in str(told)
    before = transfer.snapshot(base)
    with pytest.raises(InputError, match=r"2 tensors.*conv2/kernel"):
        fit(model, callbacks=[transfer.recompile_guard()])
    # What it saves from: Keras trains on, and the unfrozen layer does not move.
    fit(model)
    assert "conv2/kernel" in transfer.drift(before, transfer.snapshot(base)).unmoved
    with pytest.raises(InputError, match="conv2/kernel"):
        transfer.check_compiled(model)
    fit(compiled(model), callbacks=[transfer.recompile_guard()])
    assert "conv2/kernel" in transfer.drift(before, transfer.snapshot(base)).moved


def test_the_guard_stops_freezing_without_compiling():
    base = small_base()
    model = compiled(with_head(base))
    fit(model)
    transfer.freeze(base)
    before = transfer.snapshot(base)
    with pytest.raises(InputError, match="7 frozen tensors"):
        fit(model, callbacks=[transfer.recompile_guard()])
    fit(model)
    assert "conv1/kernel" in transfer.drift(before, transfer.snapshot(base)).moved


def test_the_guard_sees_a_frozen_normalization_without_weights_that_learn():
    """Its moving averages go on moving, though no tensor of the optimizer says so."""
    norm = layers.BatchNormalization(center=False, scale=False)
    model = keras.Sequential([layers.Input((4,)), norm, layers.Dense(1)])
    features, answers = IMAGES[:, 0, 0, :1].repeat(4, axis=1) + 5, np.zeros(16)
    model.compile("sgd", "mse")
    model.fit(features, answers, verbose=0)
    transfer.hold_batch_norm(model)
    with pytest.raises(InputError):
        model.fit(features, answers, verbose=0, callbacks=[transfer.recompile_guard()])
    model.compile("sgd", "mse")
    before = norm.moving_mean.numpy()
    model.fit(features, answers, verbose=0, callbacks=[transfer.recompile_guard()])
    np.testing.assert_array_equal(norm.moving_mean.numpy(), before)


def test_a_change_before_the_first_fit_is_told_too():
    base = small_base()
    model = with_head(base)
    transfer.check_compiled(model)
    transfer.check_compiled(compiled(model))
    base.get_layer("relu2").trainable = False  # no weight feels it
    transfer.check_compiled(model)
    transfer.freeze(base)
    with pytest.raises(InputError):
        fit(model, callbacks=[transfer.recompile_guard()])
    transfer.check_compiled(compiled(model))


def test_the_optimizer_of_before_is_told():
    base = small_base()
    transfer.freeze(base)
    model = compiled(with_head(base))
    fit(model)
    transfer.unfreeze(model)
    model.compile(model.optimizer, model.loss)
    with pytest.raises(InputError, match="conv1/kernel"):
        transfer.check_compiled(model)


def test_drift_by_hand():
    before = {"a/kernel": np.array([3.0, 0.0]), "a/bias": np.array([4.0]), "b/w": np.zeros(2)}
    after = {"a/kernel": np.array([3.0, 5.0]), "a/bias": np.array([4.0]), "b/w": np.ones(2)}
    change = transfer.drift(before, after)
    assert change.layers == {"a": 1.0, "b": float("inf")}
    assert change.tensors["a/kernel"] == pytest.approx(5 / 3)
    assert (change.moved, change.unmoved) == (("a/kernel", "b/w"), ("a/bias",))


def test_one_bit_is_a_move():
    one = np.ones(3, np.float32)
    nudged = one.copy()
    nudged[1] = np.nextafter(np.float32(1), np.float32(2))
    for before, after, moved in [(one, nudged, True), (one * 0, one * -0.0, True),
                                 (one * np.nan, one * np.nan, False)]:  # fmt: skip
        assert (transfer.drift({"a/w": before}, {"a/w": after}).moved == ("a/w",)) is moved


def test_weights_of_one_name_are_told_apart():
    """Attention has four kernels and four biases."""
    tokens = keras.Input((4, 8))
    attended = layers.MultiHeadAttention(2, 4, name="attention")(tokens, tokens)
    model = keras.Model(tokens, layers.Dense(2, name="head")(attended))
    before = transfer.snapshot(model)
    assert len(before) == len(model.weights) == 10
    for weight in model.weights:
        early = transfer.snapshot(model)
        weight.assign(weight + 1)
        (moved,) = transfer.drift(early, transfer.snapshot(model)).moved
        np.testing.assert_array_equal(transfer.snapshot(model)[moved], weight.numpy())
    assert len(transfer.drift(before, transfer.snapshot(model)).moved) == 10


@pytest.mark.parametrize("after", [{"a/w": np.zeros(3)}, {"b/w": np.zeros(2)}, {}])
def test_snapshots_of_two_models_are_refused(after):
    with pytest.raises(InputError, match="a/w"):
        transfer.drift({"a/w": np.zeros(2)}, after)


def head(units, loss=None):
    model = keras.Sequential([layers.Input((4,)), layers.Dense(units)])
    if loss:
        model.compile("sgd", loss)
    return model


SPARSE, ONE_HOT = "sparse_categorical_crossentropy", "categorical_crossentropy"


@pytest.mark.parametrize(
    ("units", "loss", "labels"),
    [
        (3, SPARSE, [0, 2, 1]),
        (3, keras.losses.SparseCategoricalCrossentropy(), [[0], [2]]),
        (3, ONE_HOT, np.eye(3)),
        (1, "binary_crossentropy", [0, 1]),
        (1, None, [[0.0], [1.0]]),
    ],
)
def test_labels_that_fit_pass(units, loss, labels):
    transfer.check_labels(head(units, loss), np.array(labels))


@pytest.mark.parametrize(
    ("units", "loss", "labels", "value"),
    [
        (2, SPARSE, [0, 1, 2], "received 2"),
        (2, SPARSE, [-1, 0], "received -1"),
        (1, "binary_crossentropy", [0, 2], "received 2"),
        (2, None, [0.0, 0.5], "received 0.5"),
        (2, None, [0.0, np.nan], "received nan"),
        (2, None, ["cat", "dog"], "'cat'"),
        (2, SPARSE, np.eye(2), SPARSE),
        (2, ONE_HOT, [0, 1], ONE_HOT),
        (2, keras.losses.CategoricalCrossentropy(), [0, 1], ONE_HOT),
        (2, ONE_HOT, np.eye(3), r"\(3, 3\)"),
        (2, None, np.zeros((2, 2, 2)), r"\(2, 2, 2\)"),
        (2, None, [], r"\(0,\)"),
    ],
)
def test_labels_that_do_not_fit_are_refused(units, loss, labels, value):
    with pytest.raises(InputError, match=value):
        transfer.check_labels(head(units, loss), np.array(labels))


def test_labels_of_a_model_with_two_outputs_are_refused():
    inputs = keras.Input((4,))
    model = keras.Model(inputs, [layers.Dense(3)(inputs), layers.Dense(2)(inputs)])
    with pytest.raises(InputError, match="with 2"):
        transfer.check_labels(model, np.array([0, 1]))
