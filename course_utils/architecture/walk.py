"""A model step by step: each use of a layer, with the shapes that reach and leave it.

Layers of nested models are reached at any depth, and a layer that is used twice is met twice.
Nothing is computed: only shapes run through the graph, so a base that was built for pictures of
any size shows the sizes that it has here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from course_utils.errors import InputError

if TYPE_CHECKING:
    import keras

__all__ = ["Use", "walk"]


@dataclass(frozen=True, eq=False)
class Use:
    """One use of one layer.

    Attributes:
        path: its name; "base/conv" for the layer "conv" of the nested model "base".
        layer: the layer, or an operation such as `keras.ops.add`, which holds nothing.
        args: what it is called on: symbolic tensors, and settings among them.
        kwargs: likewise, by name.
        arrives: the symbolic tensors among them, in order.
        leaves: the symbolic tensors that it gives.
        is_model: whether the layer is a model whose own layers were met just before.
    """

    path: str
    layer: Any
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    arrives: tuple[Any, ...]
    leaves: tuple[Any, ...]
    is_model: bool

    @property
    def kind(self) -> str:
        """The class of the layer."""
        return type(self.layer).__name__

    @property
    def depth(self) -> int:
        """In how many nested models it stands."""
        return self.path.count("/")

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        """Of what it gives first, without the batch."""
        return tuple(self.leaves[0].shape[1:])


def walk(model: keras.Model) -> tuple[Any, list[Use]]:
    """Run shapes through a model of one picture in and one answer out.

    Args:
        model: built Sequential or functional model.

    Returns:
        The symbolic tensor that enters, of shape (batch, height, width, channels), and every use
        of a layer, in the order of computing.

    Raises:
        InputError: it is no such model, or has several inputs or outputs.

    Example:
        >>> import keras
        >>> base = keras.Sequential(
        ...     [keras.Input((None, None, 3)), keras.layers.Conv2D(4, 3, name="conv")], name="base"
        ... )
        >>> _, uses = walk(keras.Sequential([keras.Input((9, 9, 3)), base]))
        >>> [(use.path, use.output_shape) for use in uses]
        [('base/conv', (7, 7, 4)), ('base', (7, 7, 4))]
    """
    import keras

    graph = _graph(model)
    if graph is None:
        raise InputError(
            "expected a built Sequential or functional Keras model, received "
            f"{type(model).__name__}: begin it with keras.Input(shape)"
        )
    if len(graph.inputs) != 1 or len(graph.inputs[0].shape) != 4:
        raise InputError(
            "expected a model with one input of shape (batch, height, width, channels), received "
            f"{', '.join(str(each.shape) for each in graph.inputs)}"
        )
    if len(graph.outputs) != 1:
        raise InputError(
            f"expected a model with one output, received {len(graph.outputs)} of shapes "
            f"{', '.join(str(each.shape) for each in graph.outputs)}: take one at a time, as "
            "keras.Model(model.inputs, model.outputs[0])"
        )
    entering = keras.KerasTensor(graph.inputs[0].shape, dtype=graph.inputs[0].dtype)
    uses: list[Use] = []
    _through(graph, [entering], "", uses)
    return entering, uses


def _through(graph: Any, tensors: list[Any], prefix: str, uses: list[Use]) -> Any:
    """Run symbolic tensors through a graph, and note each use of a layer."""

    def followed(layer: Any) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            path = prefix + layer.name
            arrives = _tensors((args, kwargs))
            inner = _graph(layer)
            if inner is None:
                given = layer.compute_output_spec(*args, **kwargs)
            else:
                given = _through(inner, list(arrives), f"{path}/", uses)
            leaves = _tensors(given)
            uses.append(Use(path, layer, args, kwargs, arrives, leaves, inner is not None))
            return given

        return call

    # Keras' own walk through a graph, by which it also clones models; there is no public one.
    return graph._run_through_graph(tensors, operation_fn=followed)


def _graph(layer: Any) -> Any:
    """The graph of a Sequential or functional model; None for all else.

    A class that computes by a `call` of its own may do something else than its graph.
    """
    graph = getattr(layer, "_functional", None) or layer
    own = type(graph).call.__qualname__ if hasattr(type(graph), "call") else ""
    return graph if own == "Functional.call" else None


def _tensors(nested: Any) -> tuple[Any, ...]:
    import keras

    return tuple(each for each in keras.tree.flatten(nested) if isinstance(each, keras.KerasTensor))
