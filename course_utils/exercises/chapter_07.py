"""Self-checks of chapter 07."""

from __future__ import annotations

import numpy as np

from course_utils.exercises import exercise

_NOTHING = "the function returns nothing yet: replace the three dots"


@exercise("07", "separable-weights")
def separable_weights(answer):
    """A function of (kernel, channels, filters); the oracle is a layer that Keras counts."""
    import keras

    for kernel, channels, filters in ((3, 64, 32), (5, 7, 11), (1, 4, 6)):
        yours = answer(kernel, channels, filters)
        if yours is ... or yours is None:
            return _NOTHING
        layer = keras.layers.SeparableConv2D(filters, kernel, use_bias=False)
        layer.build((None, 9, 9, channels))
        right, area = layer.count_params(), kernel * kernel
        if yours == right:
            continue
        reason = {
            area * channels * filters: "that is a standard convolution",
            right + filters: "the biases are not asked for",
            right + filters + channels: "the biases are not asked for",
            area * channels: "the pointwise half is missing: it mixes the channels",
            channels * filters: "the depthwise half is missing: it has one kernel a channel",
            area * filters + channels * filters: (
                "the depthwise half has one kernel for each channel that arrives, not for each "
                "filter"
            ),
            kernel * channels + channels * filters: "a kernel has kernel · kernel weights",
            area * channels * channels * filters: "the two halves are added, not multiplied",
        }.get(yours, "count the two halves apart, and add")
        return (
            f"separable_weights({kernel}, {channels}, {filters}): Keras counts {right:,}, yours "
            f"gives {yours:,}: {reason}"
        )
    return None


@exercise("07", "convolution-multiply-adds")
def convolution_multiply_adds(answer):
    """A function of five sizes; the oracle is TensorFlow's profiler, halved."""
    import keras

    from course_utils.architecture import profiled_flops

    for sizes in ((32, 3, 3, 24, 2), (15, 4, 5, 6, 2), (8, 2, 3, 5, 1)):
        side, channels, kernel, filters, stride = sizes
        yours = answer(*sizes)
        if yours is ... or yours is None:
            return _NOTHING
        layer = keras.layers.Conv2D(filters, kernel, strides=stride, padding="same", use_bias=False)
        flops = profiled_flops(keras.Sequential([keras.Input((side, side, channels)), layer]))
        right, one = flops["Conv2D"] // 2, filters * kernel * kernel * channels
        if yours == right:
            continue
        valid = (side - kernel) // stride + 1
        reason = {
            2 * right: "those are FLOPs: a product and the sum after it count as one multiply–add",
            one: "those are the weights: each of them is used at every place of the output",
            side * side * one: "with a stride the output has fewer places than the picture",
            (side // stride) ** 2 * one: (
                'with padding="same" the side is rounded up: 15 becomes 8 by a stride of 2'
            ),
            valid * valid * one: 'with padding="same" nothing is lost at the edge',
            right // channels: "each kernel is as deep as its input",
            right // filters: "each filter does it anew",
        }.get(yours, "places of the output, times filters, times weights of one kernel")
        called = "convolution_multiply_adds({}, {}, {}, {}, {})".format(*sizes)
        return f"{called}: expected {right:,}, yours gives {yours:,}: {reason}"
    return None


@exercise("07", "moving-mean")
def moving_mean(answer):
    """A function of (means, momentum); the oracle is a layer that sees such batches."""
    import keras

    for means, momentum in (([1.0, 3.0, -2.0], 0.9), ([4.0], 0.9), ([2.0, 5.0], 0.3)):
        yours = answer(list(means), momentum)
        if yours is ... or yours is None:
            return _NOTHING
        layer = keras.layers.BatchNormalization(momentum=momentum)
        for mean in means:
            layer(np.full((2, 1), mean, np.float32), training=True)
        right = layer.moving_mean.numpy().item()
        if np.isclose(yours, right, atol=1e-4):
            continue
        turned, begun = 0.0, means[0]
        for mean in means:
            turned = (1 - momentum) * turned + momentum * mean
        for mean in means[1:]:
            begun = momentum * begun + (1 - momentum) * mean
        usual = [
            (turned, "the momentum is the share of the old value that is kept, not of the new"),
            (np.mean(means), "that is the plain mean: older values should fade"),
            (begun, "the layer begins with 0, not with the first mean"),
        ]
        reason = next(
            (said for value, said in usual if np.isclose(yours, value, atol=1e-4)),
            "new average = momentum · old average + (1 − momentum) · mean of the batch",
        )
        return (
            f"moving_mean({means}, {momentum}): the layer has {right:.4f}, yours gives "
            f"{float(yours):.4f}: {reason}"
        )
    return None


@exercise("07", "folded-normalisation")
def folded_normalisation(answer):
    """A function of a kernel and five more; the oracle is Keras' two layers, one after another."""
    import keras

    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(3, 3, 4, 5)).astype(np.float32)
    gamma, beta, mean = (rng.normal(size=5).astype(np.float32) for _ in range(3))
    variance, epsilon = rng.uniform(0.05, 2, 5).astype(np.float32), 0.1
    yours = answer(kernel.copy(), gamma, beta, mean, variance, epsilon)
    if yours is ... or yours is None:
        return _NOTHING
    if not isinstance(yours, tuple | list) or len(yours) != 2:
        return f"expected two results, kernel and bias, yours is {type(yours).__name__}"
    shapes = tuple(np.shape(part) for part in yours)
    if shapes != (kernel.shape, (5,)):
        return f"expected shapes {kernel.shape} and (5,), yours are {shapes[0]} and {shapes[1]}"
    maps = rng.normal(size=(2, 6, 6, 4)).astype(np.float32)

    def convolved(weights):
        return np.asarray(keras.ops.conv(maps, np.asarray(weights, np.float32), padding="valid"))

    layer = keras.layers.BatchNormalization(epsilon=epsilon)
    layer.build((None, 4, 4, 5))
    layer.set_weights([gamma, beta, mean, variance])
    right = np.asarray(layer(convolved(kernel), training=False))
    if np.allclose(convolved(yours[0]) + np.asarray(yours[1]), right, atol=1e-3):
        return None
    scale = gamma / np.sqrt(variance + epsilon)
    if np.allclose(yours[0], kernel * scale, atol=1e-4):
        usual = {
            "the mean is subtracted before scaling, so it is scaled, too": beta - mean,
            "the mean is missing: what is subtracted goes into the bias": beta,
            "the mean is subtracted, not added": beta + mean * scale,
        }
        for said, bias in usual.items():
            if np.allclose(yours[1], bias, atol=1e-4):
                return f"the kernel is right, the bias is not: {said}"
        return "the kernel is right, the bias is not: what does a value of 0 become?"
    usual = {
        "the deviation is the root of the variance": gamma / (variance + epsilon),
        "epsilon is missing under the root": gamma / np.sqrt(variance),
        "epsilon stands under the root": gamma / (np.sqrt(variance) + epsilon),
        "gamma is missing": 1 / np.sqrt(variance + epsilon),
    }
    for said, wrong in usual.items():
        if np.allclose(yours[0], kernel * wrong, atol=1e-4):
            return f"the kernel is not right: {said}"
    return "one convolution by your kernel and bias gives other maps than the two layers"


@exercise("07", "halving-block")
def halving_block(answer):
    """A function of (maps, filters); judged by the graph that it builds, on several sizes."""
    import keras

    for side, channels, filters in ((8, 16, 16), (8, 4, 12), (7, 4, 12)):
        image = keras.Input((side, side, channels))
        try:
            given = answer(image, filters)
        except ValueError as error:
            if side % 2:
                return (
                    f"on maps of {side}×{side} the two do not fit: a stride of 2 keeps "
                    f"{(side + 1) // 2} places, a pooling without padding {side // 2}"
                )
            return f"on maps of {side}×{side}×{channels}: {str(error).splitlines()[0]}"
        if given is ... or given is None:
            return _NOTHING
        half = (side + 1) // 2
        if tuple(given.shape[1:]) != (half, half, filters):
            return (
                f"from maps of {side}×{side}×{channels} expected {half}×{half}×{filters}, yours "
                f"gives {'×'.join(str(size) for size in given.shape[1:])}"
            )
        model = keras.Model(image, given)
        kinds = [type(layer).__name__ for layer in model.layers]
        if "Add" not in kinds:
            return "there is no Add: the way around has gone"
        convolutions = [layer for layer in model.layers if type(layer).__name__ == "Conv2D"]
        sizes = sorted(layer.kernel_size[0] for layer in convolutions)
        if sizes != [1, 3]:
            return f"expected the two convolutions, 3×3 and 1×1, of the block, yours has {sizes}"
        if "MaxPooling2D" not in kinds:
            return "expected the pooling to be mended, not taken out"
    return None


_PARAMETERS, _MULTIPLY_ADDS = 40_000, 2_500_000


@exercise("07", "your-own-architecture")
def your_own_architecture(answer):
    """A function of (image_shape, classes) that builds; judged by form and cost, not untrained."""
    import keras

    from course_utils.architecture import cost_table

    net = answer((32, 32, 3), 10)
    if net is ... or net is None:
        return _NOTHING
    if not isinstance(net, keras.Model):
        return f"expected a network, yours is a {type(net).__name__}: return it"
    if net.input_shape != (None, 32, 32, 3) or net.output_shape != (None, 10):
        return (
            f"expected pictures (32, 32, 3) in and ten logits out, yours takes {net.input_shape} "
            f"and gives {net.output_shape}"
        )
    table = cost_table(net)
    if table.unknown:
        return f"expected layers that the table can count, yours has {', '.join(table.unknown)}"
    for name, received, allowed in (
        ("parameters", table.parameters, _PARAMETERS),
        ("multiply–adds", table.multiply_adds, _MULTIPLY_ADDS),
    ):
        if received > allowed:
            of = "parameters" if name == "parameters" else "multiply_adds"
            most = max(table, key=lambda row: getattr(row, of))
            return (
                f"expected at most {allowed:,} {name}, yours has {received:,}, of which "
                f"{getattr(most, of):,} are in {most.path}: save there first"
            )
    if "Add" not in [row.kind for row in table]:
        return "expected a way around (layers.Add), yours has none"
    for layer in net.layers:
        follows = [node.operation for node in layer._outbound_nodes]
        normalised = any(type(each).__name__ == "BatchNormalization" for each in follows)
        if normalised and getattr(layer, "use_bias", False):
            return (
                f"{layer.name} has a bias, and a normalisation follows that takes it away again: "
                "use_bias=False"
            )
    last = getattr(net.layers[-1], "activation", keras.activations.linear)
    if last is not keras.activations.linear:
        return f"expected logits, your last layer ends in {last.__name__}"
    return None
