"""Explanations: the course's against what a reader would write or install instead.

On a MobileNet (alpha 0.25, 96×96): every layer's activations of 64 pictures, Grad-CAM of 64
pictures, pictures for 64 filters in 30 steps each, 64 channels as one figure. What a slow loop does
for a few filters is scaled up to all.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.turns import Candidate, Job

COUNT, FILTERS, STEPS, SIDE = 64, 64, 30, 96
CAM_LAYER, FILTER_LAYER = "conv_pw_13_relu", "conv_pw_5_relu"
SLOW_FILTERS = 4  # of 64, for the eager loop


def network():
    """MobileNet with its head, with real weights where they are at hand; speed is the same."""
    import keras

    from course_utils.datasets import imagenet

    weights = imagenet.weights("mobilenet_2_5_224_tf.h5")
    return keras.applications.MobileNet(
        input_shape=(SIDE, SIDE, 3),
        alpha=0.25,
        weights=None if weights == "imagenet" else weights,
        classifier_activation=None,
    )


def pictures():
    """Noise will do: no candidate is faster for some pictures than for others."""
    return np.random.default_rng(0).uniform(-1, 1, (COUNT, SIDE, SIDE, 3)).astype(np.float32)


def cam_course():
    """All pictures in one compiled pass."""
    from course_utils import explain

    model, given = network(), pictures()
    return lambda: explain.grad_cam(model, given, layer=CAM_LAYER).maps


def cam_keras_example():
    """Keras' own example, one picture after the other, as it is taught (keras.io, grad_cam)."""
    import keras
    import tensorflow as tf

    model, given = network(), pictures()

    def heatmap(picture):
        both = keras.Model(model.input, [model.get_layer(CAM_LAYER).output, model.output])
        with tf.GradientTape() as tape:
            maps, answers = both(picture)
            best = tf.argmax(answers[0])
            score = answers[:, best]
        slope = tape.gradient(score, maps)
        weights = tf.reduce_mean(slope, axis=(0, 1, 2))
        heat = tf.squeeze(maps[0] @ weights[..., tf.newaxis])
        return (tf.maximum(heat, 0) / tf.math.reduce_max(heat)).numpy()

    return lambda: [heatmap(given[i : i + 1]) for i in range(COUNT)]


def cam_tf_keras_vis():
    """tf-keras-vis, all pictures as one batch, told to explain the layer that was named."""
    from tf_keras_vis.gradcam import Gradcam

    model, given = network(), pictures()
    best = model.predict(given, verbose=0).argmax(axis=1)
    explain = Gradcam(model, clone=False)
    return lambda: explain(
        lambda output: [output[i, k] for i, k in enumerate(best)],
        given,
        penultimate_layer=CAM_LAYER,
        seek_penultimate_conv_layer=False,
    )


def filters_course():
    """All filters climb in one compiled loop."""
    from course_utils import explain

    model = network()
    return lambda: (
        explain.filter_pictures(
            model, FILTER_LAYER, filters=range(FILTERS), bounds=(-1, 1), steps=STEPS
        ).pictures
    )


def filters_climbing(count, compiled):
    """The loop of the textbook, one filter after the other, each step compiled or not."""
    import keras
    import tensorflow as tf

    model = network()
    maps_of = keras.Model(model.inputs, model.get_layer(FILTER_LAYER).output)

    def step(picture, k):
        with tf.GradientTape() as tape:
            tape.watch(picture)
            response = tf.reduce_mean(tf.gather(maps_of(picture)[:, 2:-2, 2:-2], k, axis=-1))
        return picture + 10.0 * tf.math.l2_normalize(tape.gradient(response, picture))

    step = tf.function(step) if compiled else step
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, (1, SIDE, SIDE, 3)).astype(np.float32)

    def climb():
        for k in range(count):
            picture = tf.constant(noise)
            for _ in range(STEPS):
                picture = step(picture, tf.constant(k))

    return climb


def filters_tf_keras_vis():
    """tf-keras-vis' activation maximisation, all filters as one batch."""
    from tf_keras_vis.activation_maximization import ActivationMaximization
    from tf_keras_vis.utils.model_modifiers import ExtractIntermediateLayer

    climb = ActivationMaximization(
        network(), model_modifier=ExtractIntermediateLayer(FILTER_LAYER), clone=True
    )
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, (FILTERS, SIDE, SIDE, 3))
    return lambda: climb(
        lambda output: [output[i, ..., i] for i in range(FILTERS)],
        seed_input=noise.astype(np.float32),
        steps=STEPS,
        input_range=(-1, 1),
    )


def _channels():
    return np.random.default_rng(0).random((24, 24, 64), np.float32)


def tiles_course():
    """All channels as one picture, drawn and encoded."""
    from course_utils import plots

    maps = _channels()
    return lambda: _saved(plots.tile_figure(maps, columns=8))


def tiles_axes():
    """A panel for each channel, as in most tutorials."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    maps = _channels()

    def draw():
        figure, panels = plt.subplots(8, 8, figsize=(10, 10))
        for k, axes in enumerate(panels.flat):
            axes.imshow(maps[..., k], cmap="viridis")
            axes.set_title(k)
            axes.axis("off")
        _saved(figure)
        plt.close(figure)

    return draw


def _saved(figure):
    import io

    # Cut to what is drawn, as a notebook shows its figures.
    figure.savefig(io.BytesIO(), format="png", bbox_inches="tight")


def activations_course() -> Callable[[], object]:
    """All layers in one compiled pass."""
    from course_utils import explain

    model, given = network(), pictures()
    return lambda: explain.activations(model, given) and None


def activations_each() -> Callable[[], object]:
    """A model for each layer, as in most tutorials, and `predict` of each."""
    import keras

    model, given = network(), pictures()
    cut = [keras.Model(model.inputs, layer.output) for layer in model.layers]
    return lambda: [one.predict(given, verbose=0) for one in cut] and None


JOBS = [
    Job(
        f"activations of every layer, {COUNT} pictures",
        Candidate("the course, one pass", activations_course),
        (Candidate("a model for each layer", activations_each),),
    ),
    Job(
        f"Grad-CAM, {COUNT} pictures",
        Candidate("the course, batched", cam_course),
        (
            Candidate("Keras' example, picture by picture", cam_keras_example),
            Candidate("tf-keras-vis, batched", cam_tf_keras_vis, needs="tf-keras-vis"),
        ),
        goal=(("Keras' example, picture by picture", 10.0), ("tf-keras-vis, batched", 1.0)),
    ),
    Job(
        f"pictures for {FILTERS} filters, {STEPS} steps",
        Candidate("the course, batched", filters_course),
        (
            Candidate(
                "eager loop", filters_climbing, (SLOW_FILTERS, False), FILTERS / SLOW_FILTERS
            ),
            Candidate("compiled step, filter by filter", filters_climbing, (FILTERS, True)),
            Candidate("tf-keras-vis, batched", filters_tf_keras_vis, needs="tf-keras-vis"),
        ),
        goal=(("eager loop", 10.0), ("compiled step, filter by filter", 1.0)),
    ),
    Job(
        "64 channels as one figure",
        Candidate("the course, tiles", tiles_course),
        (Candidate("64 axes", tiles_axes),),
        goal=(("64 axes", 10.0),),
    ),
]
