"""Class activation maps: where the maps of a layer speak for a class.

All add up a layer's maps A_k, of k = 1 … K channels, and differ in the weights. With y the logit
of the class, g_k = ∂y/∂A_k, and Z places in a map:

    CAM         w_k = the last layer's weight from channel k to the class
    Grad-CAM    w_k = 1/Z Σ g_k                       ReLU(Σ_k w_k A_k)
    Grad-CAM++  w_k = Σ α_k ReLU(g_k),  α_k = g_k² / (2 g_k² + g_k³ Σ A_k)
    Layer-CAM   a weight for each place: ReLU(g_k)    ReLU(Σ_k ReLU(g_k) A_k)

The sum Σ A_k in the denominator of α runs over the places of map k (Chattopadhyay et al. 2018,
equation 19). It is a sum and no average.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.errors import InputError
from course_utils.explain.explanations import Explanation
from course_utils.explain.passes import map_pass, run
from course_utils.explain.scoring import Output
from course_utils.explain.tracing import check_pictures

if TYPE_CHECKING:
    import keras

__all__ = ["cam", "grad_cam", "grad_cam_plus_plus", "layer_cam"]

Targets = Any


def grad_cam(
    network: keras.Model,
    pictures: np.ndarray,
    targets: Targets = None,
    *,
    layer: str | None = None,
    output: Output = None,
    batch_size: int = 64,
) -> Explanation:
    """Grad-CAM: maps weighted by the mean gradient of the class (Selvaraju et al. 2017, eq. 1–2).

    Cost: one forward and one backward pass. Misleads where several objects are in the picture (one
    weight for a whole map), and in early layers, whose maps mean different things at each place.

    Args:
        network: Sequential, functional, subclassed, or with others nested in it; one input.
        pictures: float (count, height, width, channels), as the network takes them.
        targets: the class to explain, one for all or one for each picture; None is what the
            network itself answers. With one sigmoid unit the classes are 0 and 1.
        layer: name or path ("base/block5_relu") of a layer with maps; None is the last that finds
            something: no pooling, no dropout.
        output: name or number of the output, where there are several.
        batch_size: pictures at a time.

    Returns:
        `values` (count, h, w) at the layer's size, before the ReLU; `maps` in [0, 1] at the
        pictures'.

    Raises:
        InputError: no such layer (lists the candidates), target or output; pictures that the
            network cannot take.

    Example:
        >>> import keras
        >>> keras.utils.set_random_seed(0)
        >>> network = keras.Sequential([
        ...     keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3, name="conv"),
        ...     keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)])
        >>> grad_cam(network, np.random.default_rng(0).random((3, 8, 8, 1)), 1)
        Grad-CAM at conv: 3 maps of 8×8
    """

    def combine(maps: Any, gradients: Any, _: Any) -> Any:
        import tensorflow as tf

        weights = tf.reduce_mean(gradients, axis=(1, 2), keepdims=True)
        return tf.reduce_sum(weights * maps, axis=-1)

    return _explain("Grad-CAM", combine, network, pictures, targets, layer, output, batch_size)


def grad_cam_plus_plus(
    network: keras.Model,
    pictures: np.ndarray,
    targets: Targets = None,
    *,
    layer: str | None = None,
    output: Output = None,
    batch_size: int = 64,
) -> Explanation:
    """Grad-CAM++: places count by how much they raise the class (Chattopadhyay et al. 2018).

    Made for several objects of a class in one picture. Cost as Grad-CAM. Takes only positive
    gradients, so it shows what raises a score even where the whole map lowers it.

    Args:
        network: as for `grad_cam`, and so are the others.
        pictures: likewise.
        targets: likewise.
        layer: likewise.
        output: likewise.
        batch_size: likewise.

    Returns:
        As `grad_cam`.

    Raises:
        InputError: as `grad_cam`.

    Example:
        >>> import keras
        >>> keras.utils.set_random_seed(0)
        >>> network = keras.Sequential([
        ...     keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3, name="conv"),
        ...     keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)])
        >>> grad_cam_plus_plus(network, np.random.default_rng(0).random((3, 8, 8, 1))).layer
        'conv'
    """

    def combine(maps: Any, gradients: Any, _: Any) -> Any:
        import tensorflow as tf

        # The gradients are those of exp(y), whose common factor exp(y) leaves the map's form as it
        # is and is left out: it would overflow.
        square = gradients**2
        total = tf.reduce_sum(maps, axis=(1, 2), keepdims=True)
        alpha = tf.math.divide_no_nan(square, 2 * square + square * gradients * total)
        weights = tf.reduce_sum(alpha * tf.nn.relu(gradients), axis=(1, 2), keepdims=True)
        return tf.reduce_sum(weights * maps, axis=-1)

    return _explain("Grad-CAM++", combine, network, pictures, targets, layer, output, batch_size)


def layer_cam(
    network: keras.Model,
    pictures: np.ndarray,
    targets: Targets = None,
    *,
    layer: str | None = None,
    output: Output = None,
    batch_size: int = 64,
) -> Explanation:
    """Layer-CAM: each place has its own weight (Jiang et al. 2021, equation 5 and 6).

    The one of this family that may be asked of early layers too. Cost as Grad-CAM.

    Args:
        network: as for `grad_cam`, and so are the others.
        pictures: likewise.
        targets: likewise.
        layer: likewise.
        output: likewise.
        batch_size: likewise.

    Returns:
        As `grad_cam`.

    Raises:
        InputError: as `grad_cam`.

    Example:
        >>> import keras
        >>> keras.utils.set_random_seed(0)
        >>> network = keras.Sequential([
        ...     keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3, name="conv"),
        ...     keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)])
        >>> layer_cam(network, np.random.default_rng(0).random((3, 8, 8, 1))).values.shape
        (3, 6, 6)
    """

    def combine(maps: Any, gradients: Any, _: Any) -> Any:
        import tensorflow as tf

        return tf.reduce_sum(tf.nn.relu(gradients) * maps, axis=-1)

    return _explain("Layer-CAM", combine, network, pictures, targets, layer, output, batch_size)


def cam(
    network: keras.Model,
    pictures: np.ndarray,
    targets: Targets = None,
    *,
    layer: str | None = None,
    output: Output = None,
    batch_size: int = 64,
) -> Explanation:
    """CAM: maps weighted by the last layer's own weights (Zhou et al. 2016, equation 2).

    Exact and needs no gradient, but only for networks that end in global average pooling and one
    dense layer (or 1×1 convolution). Whether this one does is tried out on the pictures: the mean
    of the map is the logit, up to the bias.

    Args:
        network: as for `grad_cam`, and so are the others.
        pictures: likewise.
        targets: likewise.
        layer: likewise.
        output: likewise.
        batch_size: likewise.

    Returns:
        As `grad_cam`.

    Raises:
        InputError: as `grad_cam`, or a network that does not end so.

    Example:
        >>> import keras
        >>> keras.utils.set_random_seed(0)
        >>> network = keras.Sequential([
        ...     keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3, name="conv"),
        ...     keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)])
        >>> found = cam(network, np.random.default_rng(0).random((3, 8, 8, 1)), 0)
        >>> np.allclose(found.values.mean(axis=(1, 2)), found.scores, atol=1e-5)  # the bias is 0
        True
    """

    def combine(maps: Any, gradients: Any, columns: Callable[[], Any]) -> Any:
        import tensorflow as tf

        weights = columns()
        if weights is None or weights.shape[-1] != maps.shape[-1]:
            raise _no_cam()
        # Where pooling and one linear layer follow, each place of map k has the gradient w_k / Z.
        places = tf.cast(tf.reduce_prod(tf.shape(maps)[1:3]), tf.float32)
        error = tf.reduce_max(
            tf.abs(gradients * places - weights[:, None, None, :]), axis=(1, 2, 3)
        )
        size = tf.reduce_max(tf.abs(weights), axis=-1)
        summed = tf.einsum("bhwk,bk->bhw", maps, weights)
        # Marked where it does not hold, so that the check needs no pass of its own.
        return tf.where((error <= 0.02 * size + 1e-6)[:, None, None], summed, float("nan"))

    found = _explain("CAM", combine, network, pictures, targets, layer, output, batch_size)
    if np.isnan(found.values).any():
        raise _no_cam()
    return found


def _no_cam() -> InputError:
    return InputError(
        "expected a network that ends in global average pooling of the layer's maps and one dense "
        "layer, received another: use grad_cam, which is the same where CAM is possible"
    )


def _explain(
    method: str,
    combine: Callable,
    network: keras.Model,
    pictures: Any,
    targets: Targets,
    layer: str | None,
    output: Output,
    batch_size: int,
) -> Explanation:
    checked = check_pictures(network, pictures)
    shape = checked.shape[1:]
    traced = map_pass(network, shape, layer=layer, output=output, name=method, combine=combine)
    chosen, scores, values = run(traced, checked, targets, batch_size=batch_size)
    return Explanation(method, values, chosen, scores, shape[:2], traced.notes["layer"])
