"""Self-checks of chapter 02."""

from __future__ import annotations

import warnings

import numpy as np

from course_utils.exercises import exercise

_NOTHING = "the function returns nothing yet: replace the three dots"


@exercise("02", "weights-of-max-pool-net")
def weights_of_max_pool_net(answer):
    """A function of six sizes; the oracle is a network that Keras builds and counts."""
    for sizes in ((28, 1, 32, 64, 100, 10), (32, 3, 8, 16, 20, 5), (30, 1, 4, 6, 7, 3)):
        yours = answer(*sizes)
        if yours is ... or yours is None:
            return _NOTHING
        right, mistakes = _counted(*sizes)
        if yours == right:
            continue
        called = "weights_of_max_pool_net({}, {}, {}, {}, {}, {})".format(*sizes)
        reason = mistakes.get(yours, "count each layer of your own network with count_params()")
        return f"{called}: Keras counts {right:,}, yours gives {yours:,}: {reason}"
    return None


def _counted(side, channels, first, second, units, classes):
    """What Keras counts, and what usual mistakes would give, with what to say of each."""
    import keras

    layers = keras.layers
    network = keras.Sequential(
        [
            layers.Input((side, side, channels)),
            layers.Conv2D(first, 3, padding="same"),
            layers.MaxPooling2D(2),
            layers.Conv2D(second, 3, padding="same"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(units),
            layers.Dense(classes),
        ]
    )
    right = network.count_params()
    by_layer = [layer.count_params() for layer in network.layers if layer.count_params()]

    def flattened(left):
        """The count if that side were left of the picture before it is flattened."""
        return right + (left**2 - (side // 4) ** 2) * second * units

    mistakes = {
        right - (first + second + units + classes): "each filter and each unit has a bias, too",
        right - first - second: "each filter of a convolution has a bias, too",
        right - units - classes: "each unit of a dense layer has a bias, too",
        right - by_layer[0] - by_layer[1]: "the convolutions have weights as well",
        **{
            right - by_layer[1] + (9 * read + 1) * second: (
                "each filter of the second convolution reads all maps of the first: they are its "
                "input channels"
            )
            for read in (1, channels)
        },
        flattened(side): "the picture is halved by each pooling before it is flattened",
        flattened(side // 2): "there are two poolings, and each halves the picture",
        flattened(((side - 2) // 2 - 2) // 2): (
            'with padding="same" a convolution keeps the size; nothing is lost at the edge'
        ),
    }
    mistakes.pop(right, None)
    return right, mistakes


@exercise("02", "standardise")
def standardise(answer):
    """A function of (train, other); the oracle is Keras' Normalization layer, adapted to train."""
    import keras

    rng = np.random.default_rng(0)
    spread = np.array([20, 60, 5])
    train = np.clip(rng.normal((60, 120, 200), spread, (40, 6, 5, 3)), 0, 255).astype(np.uint8)
    other = np.clip(rng.normal((90, 100, 180), spread, (7, 6, 5, 3)), 0, 255).astype(np.uint8)
    yours = answer(train.copy(), other.copy())
    if yours is ... or yours is None:
        return _NOTHING
    yours = np.asarray(yours)
    if yours.shape != other.shape:
        return f"expected the shape of `other`, {other.shape}, yours is {yours.shape}"

    def oracle(adapted_to, axis):
        layer = keras.layers.Normalization(axis=axis)
        layer.adapt(adapted_to.astype(np.float32))
        return np.asarray(layer(other.astype(np.float32)))

    def same(right):
        return np.allclose(yours, right, atol=1e-3)

    if not same(oracle(train, -1)):
        if same(oracle(other, -1)):
            return (
                "you used the mean and deviation of `other`: those pictures may be the test "
                "pictures, so the numbers must come from `train`"
            )
        if same(oracle(train, None)):
            return "you used one mean for all channels; expected one for each channel"
        if same(oracle(np.concatenate([train, other]), -1)):
            return "you computed mean and deviation over both sets; only `train` may be used"
        if same((other - train.mean(axis=(0, 1, 2))) / train.var(axis=(0, 1, 2))):
            return "you divided by the variance; expected the standard deviation, its root"
        if same(other - train.mean(axis=(0, 1, 2))):
            return "the mean is subtracted; the division by the standard deviation is missing"
        difference = np.abs(yours - oracle(train, -1)).max()
        return (
            "Keras' Normalization layer, adapted to `train`, gives something else "
            f"(up to {difference:.3g} apart): is the mean that of `train`, one for each channel?"
        )
    if yours.dtype != np.float32:
        return f"the values are right; expected dtype float32, yours is {yours.dtype}"
    return None


@exercise("02", "answers")
def answers(answer):
    """A function of (probabilities, threshold); the oracle compares one number at a time."""
    probabilities = np.array([[0.0], [0.02], [0.3], [0.5], [0.51], [0.7], [0.98], [1.0]])
    for thresholds in ((), (0.7,), (0.3,)):
        threshold = thresholds[0] if thresholds else 0.5
        right = [1 if row[0] >= threshold else 0 for row in probabilities.tolist()]
        yours = answer(probabilities.copy(), *thresholds)
        if yours is ... or yours is None:
            return _NOTHING
        yours = np.asarray(yours)
        if yours.shape == probabilities.shape:
            return (
                f"expected the shape ({len(right)},), yours is {yours.shape}: take the only column"
            )
        if yours.shape != (len(right),):
            return f"expected the shape ({len(right)},), yours is {yours.shape}"
        if yours.dtype.kind not in "iu":
            return f"expected the integers 0 and 1, yours are {yours.dtype}"
        if yours.tolist() == right:
            continue
        if yours.tolist() == [int(row[0]) for row in probabilities]:
            return "the answer is 1 only where the probability is exactly 1: astype(int) cuts off"
        if yours.tolist() == [1 if row[0] > threshold else 0 for row in probabilities]:
            return (
                f"at a threshold of {threshold} the probability {threshold} itself counts as "
                "yes: the threshold is the smallest probability that does"
            )
        if thresholds and yours.tolist() == [1 if row[0] >= 0.5 else 0 for row in probabilities]:
            return f"your function does not use the threshold it was given, {threshold}"
        return (
            f"probabilities {probabilities.ravel().tolist()} at a threshold of {threshold}: "
            f"expected {right}, yours gives {yours.tolist()}"
        )
    return None


@exercise("02", "ready-network")
def ready_network(answer):
    """A function of the training pictures; judged by what the compiled network then does."""
    import keras

    rng = np.random.default_rng(0)
    for shape in ((12, 8, 8, 1), (12, 5, 6, 3)):
        pictures, labels = rng.random(shape, np.float32), np.arange(12) % 10
        network = answer(pictures)
        if network is ... or network is None:
            return _NOTHING
        if not isinstance(network, keras.Model):
            return f"expected a network, yours is a {type(network).__name__}: return it"
        if network.output_shape != (None, 10):
            return f"expected ten outputs, the network gives {network.output_shape}"
        if not network.compiled:
            return "the network is not compiled: call its `compile`"
        # Pushed far apart, so that logits taken for probabilities cannot look right by chance.
        kernel, bias = network.layers[-1].get_weights()
        network.layers[-1].set_weights([kernel * 5, bias + np.linspace(-2, 2, 10)])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            measured = network.evaluate(pictures, labels, verbose=0, return_dict=True)
        if any("from_logits=True" in str(warning.message) for warning in caught):
            return (
                "the loss is told that it gets logits, and the last layer already makes "
                "probabilities: leave one of the two out"
            )
        outputs = network.predict(pictures, verbose=0).astype(float)
        if network.layers[-1].activation is keras.activations.softmax:
            chances = outputs
        else:
            chances = np.exp(outputs - outputs.max(axis=1, keepdims=True))
            chances /= chances.sum(axis=1, keepdims=True)
        right = -np.log(chances[np.arange(12), labels]).mean()
        if not np.isclose(measured["loss"], right, rtol=1e-3):
            return (
                f"the loss is {measured['loss']:.3f}, and the cross-entropy of what the network "
                f"gives is {right:.3f}: does the loss know whether it gets logits or "
                "probabilities?"
            )
        share = float((outputs.argmax(axis=1) == labels).mean())
        if not np.isclose(measured.get("accuracy", measured.get("acc", -1)), share):
            return f"expected the metric accuracy to be reported, received {list(measured)}"
    return None


@exercise("02", "maps-of-layer")
def maps_of_layer(answer):
    """A function of (network, name); the oracle runs the network's layers one by one."""
    import keras

    layers = keras.layers
    network = keras.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(3, 3, activation="relu", name="first"),
            layers.MaxPooling2D(2, name="pooled"),
            layers.Conv2D(5, 3, name="second"),
            layers.Flatten(name="flat"),
            layers.Dense(2, name="logits"),
        ]
    )
    pictures = np.random.default_rng(0).random((2, 8, 8, 1), np.float32)
    right, maps = {}, pictures
    for layer in network.layers:
        right[layer.name] = maps = np.asarray(layer(maps))
    for name in ("second", "first", "pooled"):
        model = answer(network, name)
        if model is ... or model is None:
            return _NOTHING
        if not isinstance(model, keras.Model):
            return f"expected a model, yours is a {type(model).__name__}: return keras.Model(…)"
        with warnings.catch_warnings():
            # A model on the list `network.inputs` wants a list of one, and says so at each call.
            warnings.filterwarnings("ignore", message="The structure of `inputs`")
            yours = model(pictures)
        if isinstance(yours, list | tuple) and len(yours) == 1:
            yours = yours[0]
        if isinstance(yours, list | tuple | dict):
            return f"expected the maps of one layer, your model gives {len(yours)} outputs"
        yours = np.asarray(yours)
        if yours.shape == right["logits"].shape:
            return (
                f"expected the maps of layer {name!r}, {right[name].shape}, yours gives "
                f"{yours.shape}, the output of the whole network: take the output of that layer"
            )
        if yours.shape != right[name].shape:
            return f"expected the shape {right[name].shape} for {name!r}, yours is {yours.shape}"
        if not np.allclose(yours, right[name], atol=1e-5):
            return (
                f"the maps of {name!r} have the right shape and other values: "
                "use the layers of the network itself, not new ones"
            )
    return None


_MOST_WEIGHTS = 20_000


@exercise("02", "small-network")
def small_network(answer):
    """A function of (image_shape, classes) that builds; judged by form and size, not untrained."""
    import keras

    network = answer((28, 28, 1), 10)
    if network is ... or network is None:
        return _NOTHING
    if not isinstance(network, keras.Model):
        return f"expected a network, yours is a {type(network).__name__}: return it"
    if network.input_shape != (None, 28, 28, 1) or network.output_shape != (None, 10):
        return (
            "expected pictures (28, 28, 1) in and ten logits out, yours takes "
            f"{network.input_shape} and gives {network.output_shape}"
        )
    convolutions = [x for x in network.layers if isinstance(x, keras.layers.Conv2D)]
    if len(convolutions) < 2:
        return f"expected two convolutions or more, yours has {len(convolutions)}"
    last = getattr(network.layers[-1], "activation", keras.activations.linear)
    if last is not keras.activations.linear:
        return (
            f"expected logits, your last layer ends in {last.__name__}: "
            "`trained_net` uses a loss from logits"
        )
    if network.count_params() > _MOST_WEIGHTS:
        heaviest = max(network.layers, key=lambda layer: layer.count_params())
        return (
            f"expected at most {_MOST_WEIGHTS:,} weights, yours has "
            f"{network.count_params():,}, of which {heaviest.count_params():,} are in "
            f"{heaviest.name}: save there first"
        )
    silent = [
        i
        for i, layer in enumerate(network.layers[:-1])
        if isinstance(layer, keras.layers.Conv2D)
        and layer.activation is keras.activations.linear
        and isinstance(network.layers[i + 1], keras.layers.Conv2D)
    ]
    if silent:
        return (
            f"{network.layers[silent[0]].name} has no activation and a convolution follows: "
            "two convolutions in a row collapse into one (chapter 01)"
        )
    return None
