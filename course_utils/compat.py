"""What the course uses of Keras that Keras does not promise to keep. Tried with Keras 3.15."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from course_utils.backend import keras


def inner_layers(layer: keras.Layer) -> list[keras.Layer]:
    """The layers right inside a layer or model, inputs left out; a model's in its own order."""
    ordered = layer.layers if isinstance(layer, keras.Model) else []
    # There is no public way to the layers in a layer, or to those that a model holds aside.
    every = [*ordered, *layer._flatten_layers(include_self=False, recursive=False)]
    graph = getattr(layer, "_functional", None)  # a Sequential model's own, of the same layers
    unique = {id(inner): inner for inner in every if inner is not graph}
    return [inner for inner in unique.values() if not isinstance(inner, keras.layers.InputLayer)]


def graph_of(layer: Any) -> Any:
    """The graph of a Sequential or functional model; None for all else.

    A class that computes by a `call` of its own may do something else than its graph.
    """
    graph = getattr(layer, "_functional", None) or layer
    own = type(graph).call.__qualname__ if hasattr(type(graph), "call") else ""
    return graph if own == "Functional.call" else None


def run_through_graph(
    graph: Any, tensors: list[Any], operation_fn: Callable[[Any], Callable[..., Any]]
) -> Any:
    """Run tensors through a graph of `graph_of`, each layer replaced by what the function gives.

    Keras clones models by this walk.
    """
    return graph._run_through_graph(tensors, operation_fn=operation_fn)


def updated_variables(optimizer: keras.Optimizer) -> list[keras.Variable]:
    """What an optimizer updates, known from its first step on."""
    return list(optimizer._trainable_variables)


def trainable_when_compiled(model: keras.Model) -> dict[keras.Layer, bool]:
    """Which layers learnt when a model was compiled; empty if Keras has not noted it."""
    return getattr(model, "_compiled_trainable_state", None) or {}
