"""Whether a model was compiled after `trainable` was last changed.

A compiled model goes on updating the tensors that it knew. Keras warns once, then trains as before:
an hour may go into a "fine-tuning" that moves the head only, or into a base that was to be frozen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from course_utils.errors import InputError

if TYPE_CHECKING:
    import keras

__all__ = ["check_compiled", "is_stale", "recompile_guard"]


def is_stale(model: keras.Model) -> bool:
    """Whether a model was compiled, and what is trainable changed afterwards.

    Args:
        model: the one that is trained, not a base nested in it: only it was compiled.

    Example:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> model.layers[0].trainable = False
        >>> is_stale(model)
        True
    """
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None or not getattr(model, "compiled", False):
        return False
    if optimizer.built:
        # What it updates is known from its first step on. Keras keeps this list to itself.
        return _ids(optimizer._trainable_variables) != _ids(model.trainable_variables)
    # Before the first step: what Keras noted when it compiled (3.15; older versions do not).
    noted = getattr(model, "_compiled_trainable_state", None) or {}
    return any(layer.trainable != before for layer, before in noted.items())


def check_compiled(model: keras.Model) -> None:
    """Refuse to train a model that was compiled before `trainable` was last changed.

    Args:
        model: the one that is trained.

    Raises:
        InputError: it was.

    Example:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> check_compiled(model)
    """
    if not is_stale(model):
        return
    known = getattr(model.optimizer, "_trainable_variables", ())
    now = model.trainable_variables
    new = [weight.path for weight in now if id(weight) not in _ids(known)]
    gone = [weight.path for weight in known if id(weight) not in _ids(now)]
    detail = ""
    if model.optimizer.built and new:
        detail = f": {len(new)} tensors would not learn, the first is {new[0]}"
    elif model.optimizer.built and gone:
        detail = f": {len(gone)} frozen tensors would go on learning, the first is {gone[0]}"
    raise InputError(
        "expected a model that was compiled after `trainable` was last changed, received one "
        f"compiled before{detail}. Call model.compile again, with a new optimizer, then fit"
    )


def recompile_guard() -> keras.callbacks.Callback:
    """A callback for `fit` that stops a model that should have been compiled again.

    Returns:
        Give it in `callbacks`; before the first batch it calls `check_compiled`.

    Example:
        >>> import keras
        >>> isinstance(recompile_guard(), keras.callbacks.Callback)
        True
    """
    import keras

    class RecompileGuard(keras.callbacks.Callback):
        def on_train_begin(self, logs: dict | None = None) -> None:
            check_compiled(self.model)

    return RecompileGuard()


def _ids(variables: object) -> set[int]:
    return {id(variable) for variable in variables}
