"""Freezing and unfreezing, the report and the guard: counts by hand, Keras' own behaviour."""

import warnings

import keras
import numpy as np
import pytest
from keras import layers

from course_utils import transfer
from course_utils.errors import InputError

PICTURES = np.random.default_rng(0).random((16, 8, 8, 3), dtype=np.float32)
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
        return model.fit(PICTURES, LABELS, verbose=0, **options)


def learning(network):
    return set(transfer.report(network).trainable_tensors)


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
    assert learning(model) == {"head/kernel", "head/bias"}
    for name in ("conv2", "base/conv2"):
        transfer.freeze(base)
        transfer.unfreeze(model, start=name)
        assert learning(model) == {
            "base/conv2/kernel", "base/conv2/bias", "head/kernel", "head/bias",
        }  # fmt: skip
    transfer.unfreeze(model, start="base")
    assert "base/conv1/kernel" in learning(model)
    transfer.unfreeze(model, start="head")
    assert learning(model) == {"head/kernel", "head/bias"}


def test_freezing_up_to_a_layer_leaves_what_is_behind():
    base = small_base()
    transfer.freeze(base, up_to="norm1")
    assert learning(base) == {
        "conv2/kernel", "conv2/bias", "norm2/gamma", "norm2/beta",
    }  # fmt: skip
    transfer.freeze(base)
    transfer.freeze(base, up_to="conv1")
    assert learning(base) == set()


def test_batch_normalisation_learns_only_if_asked():
    base = small_base()
    transfer.unfreeze(base)
    assert not any("norm" in name for name in learning(base))
    transfer.unfreeze(base, batch_norm=True)
    assert {"norm1/gamma", "norm2/beta"} <= learning(base)


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


@keras.saving.register_keras_serializable("tests")
class Block(layers.Layer):
    """A layer built of layers, as blocks of larger networks are."""

    def __init__(self, **options):
        super().__init__(**options)
        self.norm = layers.BatchNormalization()

    def call(self, pictures, training=None):
        return self.norm(pictures, training=training)


def test_batch_normalisation_inside_a_block_is_held_too():
    block = Block(name="block")
    model = keras.Sequential([layers.Input((8, 8, 3)), block, layers.Conv2D(1, 3)])
    transfer.unfreeze(model)
    assert not block.norm.trainable
    assert transfer.hold_batch_norm(model) == ("block",)


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


def test_what_a_frozen_network_hides_does_not_count():
    model = with_head(small_base())
    model.trainable = False
    assert learning(model) == set()


@pytest.mark.parametrize("change", [transfer.freeze, transfer.unfreeze])
def test_an_unknown_name_is_refused_by_the_nearest(change):
    option = "up_to" if change is transfer.freeze else "start"
    with pytest.raises(InputError, match="received 'convv2': did you mean 'conv2'"):
        change(with_head(small_base()), **{option: "convv2"})


def test_a_name_of_two_layers_is_refused_with_both_paths():
    inputs = layers.Input((8, 8, 3))
    both = [small_base(name)(inputs) for name in ("left", "right")]
    model = keras.Model(inputs, layers.Concatenate()(both))
    with pytest.raises(InputError, match="left/conv2, right/conv2"):
        transfer.unfreeze(model, start="conv2")
    transfer.unfreeze(model, start="right/conv2")
    assert "right/conv2/kernel" in learning(model)


def test_what_is_no_network_is_refused():
    with pytest.raises(InputError, match="received Dense: give the model itself"):
        transfer.freeze(layers.Dense(2))


def test_the_guard_stops_unfreezing_without_compiling():
    base = small_base()
    transfer.freeze(base)
    model = compiled(with_head(base))
    fit(model, callbacks=[transfer.recompile_guard()])
    told = transfer.unfreeze(model, start="conv2")
    assert told.stale and "compile the model again" in str(told)
    before = transfer.snapshot(base)
    with pytest.raises(InputError, match=r"2 tensors would not learn.*conv2/kernel.*compile again"):
        fit(model, callbacks=[transfer.recompile_guard()])
    # What it saves from: Keras trains on, and the unfrozen layer does not move.
    fit(model)
    assert "conv2/kernel" in transfer.drift(before, transfer.snapshot(base)).unmoved
    with pytest.raises(InputError, match="compile again"):
        transfer.check_compiled(model)
    fit(compiled(model), callbacks=[transfer.recompile_guard()])
    assert "conv2/kernel" in transfer.drift(before, transfer.snapshot(base)).moved


def test_the_guard_stops_freezing_without_compiling():
    base = small_base()
    model = compiled(with_head(base))
    fit(model)
    transfer.freeze(base)
    before = transfer.snapshot(base)
    with pytest.raises(InputError, match="7 frozen tensors would go on learning"):
        fit(model, callbacks=[transfer.recompile_guard()])
    fit(model)
    assert "conv1/kernel" in transfer.drift(before, transfer.snapshot(base)).moved


def test_a_change_before_the_first_fit_is_told_too():
    base = small_base()
    model = compiled(with_head(base))
    assert not transfer.is_stale(model)
    transfer.freeze(base)
    with pytest.raises(InputError, match="Call model"):
        fit(model, callbacks=[transfer.recompile_guard()])
    transfer.check_compiled(compiled(model))


def test_the_optimizer_of_before_is_told():
    base = small_base()
    transfer.freeze(base)
    model = compiled(with_head(base))
    fit(model)
    transfer.unfreeze(model)
    model.compile(model.optimizer, model.loss)
    with pytest.raises(InputError, match="with a new optimizer"):
        transfer.check_compiled(model)


def test_a_model_that_was_not_compiled_is_not_stale():
    transfer.check_compiled(with_head(small_base()))
