"""A model as a table: shapes, parameters, multiply–adds and receptive fields of its layers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from course_utils import layers
from course_utils.architecture.rules import ALL, Sight, Use, multiply_adds, sights, walk
from course_utils.backend import keras
from course_utils.errors import InputError
from course_utils.formatting import aligned

__all__ = ["CostTable", "LayerTable", "Row", "cost_table", "layer_table", "receptive_field"]


@dataclass(frozen=True)
class Row:
    """One layer of a model, or one use of it.

    Attributes:
        path: its name; "base/conv" for the layer "conv" of the nested model "base".
        kind: its class.
        output_shape: without the batch; None where a side is not fixed.
        parameters: what it holds, trained or not; 0 where `cost_table` meets it again.
        multiply_adds: for one image; None where no rule tells, and of a model as one row.
        sees: (height, width) of its receptive field in pixels; "all" once every unit can depend
            on the whole input; None where no rule tells.
        step: pixels, down and across, from one unit's field to the next one's; None where `sees`
            is no pair.
        start: row and column in which the field of the first unit begins; negative by as much as
            it begins in the padding; None where `sees` is no pair.
    """

    path: str
    kind: str
    output_shape: tuple[int | None, ...]
    parameters: int
    multiply_adds: int | None
    sees: tuple[int, int] | str | None
    step: tuple[int, int] | None
    start: tuple[int, int] | None


@dataclass(frozen=True)
class LayerTable:
    """The layers of a model in order; printing it writes the table.

    Attributes:
        rows: one a layer, the input left out.
        parameters: of the model as a whole; a layer that is used twice counts once.
    """

    rows: tuple[Row, ...]
    parameters: int

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __str__(self) -> str:
        cells = [("layer", "output", "parameters", "sees")]
        for row in self.rows:
            _, kind, shape, parameters, _, sees, *_ = _cells(row)
            cells.append((kind, shape, parameters, sees))
        return "\n".join(aligned([*cells, ("all", "", f"{self.parameters:,}", "")], left=2))


@dataclass(frozen=True)
class CostTable(LayerTable):
    """What a model costs; printing it writes the table.

    Attributes:
        rows: one a use of a layer, in the order of computing; nested models are taken apart.
        parameters: of the model as a whole.
    """

    @property
    def multiply_adds(self) -> int:
        """For one image, of all layers that a rule tells of; see `unknown`."""
        return sum(row.multiply_adds or 0 for row in self.rows)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Paths of the layers of which no rule tells: the model costs more by what they do."""
        return tuple(row.path for row in self.rows if row.multiply_adds is None)

    @property
    def sees(self) -> tuple[int, int] | None:
        """(height, width) of the largest field that is not yet the whole input."""
        return max((row.sees for row in self.rows if isinstance(row.sees, tuple)), default=None)

    def summary(self) -> str:
        """The last line: layers, parameters, multiply–adds."""
        known = "" if not self.unknown else f" or more (no rule for {', '.join(self.unknown)})"
        return (
            f"{len(self.rows):,} uses of layers, {self.parameters:,} parameters, "
            f"{self.multiply_adds:,} multiply–adds{known}"
        )

    def __str__(self) -> str:
        head = ("layer", "kind", "output", "parameters", "multiply–adds", "sees", "step", "from")
        return "\n".join([*aligned([head, *map(_cells, self.rows)], left=3), self.summary()])


def layer_table(model: keras.Model) -> LayerTable:
    """List the layers of a model: output shape, parameters, receptive field.

    Args:
        model: built Sequential or functional model with one input and one output.

    Returns:
        The table. A model that stands in it as a layer (a pretrained base) is one row, and so is a
        layer that is used several times, as its last use; `cost_table` has a row for each use and
        each inner layer.

    Raises:
        InputError: no such model.

    Example:
        >>> model = keras.Sequential(
        ...     [keras.Input((28, 28, 1)), keras.layers.Conv2D(16, 3), keras.layers.MaxPooling2D()]
        ... )
        >>> print(layer_table(model))
        layer         output        parameters  sees
        Conv2D        (26, 26, 16)         160   3×3
        MaxPooling2D  (13, 13, 16)           0   4×4
        all                                160
    """
    entering, uses = walk(model)
    rows = {
        use.path: _row(use, sight)
        for use, sight in zip(uses, sights(entering, uses), strict=True)
        if "/" not in use.path
    }
    return LayerTable(tuple(rows.values()), model.count_params())


def cost_table(model: keras.Model) -> CostTable:
    """Take a model apart: output shape, parameters, multiply–adds and receptive field of each use.

    A model that stands in it as a layer is replaced by its own layers, at any depth, with the
    shapes that they have here. A layer that is used twice has two rows: it computes twice, and
    holds its parameters once.

    The receptive field follows Araujo, Norris and Sim: Computing Receptive Fields of Convolutional
    Neural Networks (2019): the unit in row i and column j of a map sees the pixels from
    start + (i, j) · step on, `sees` many.

    Args:
        model: built Sequential or functional model with one input (batch, height, width,
            channels) and one output.

    Returns:
        The table; its summary sums up.

    Raises:
        InputError: no such model, or several inputs or outputs.

    Example:
        >>> conv = keras.layers.Conv2D(8, 3, strides=2, name="conv")
        >>> base = keras.Sequential([keras.Input((None, None, 3)), conv], name="base")
        >>> model = keras.Sequential(
        ...     [keras.Input((9, 9, 3)), base, keras.layers.Flatten(name="flat"),
        ...      keras.layers.Dense(2, name="logits")]
        ... )
        >>> print(cost_table(model))
        layer      kind     output     parameters  multiply–adds  sees  step  from
        base/conv  Conv2D   (4, 4, 8)         224          3,456   3×3   2×2   0,0
        flat       Flatten  (128)               0              0   all     –     –
        logits     Dense    (2)               258            256   all     –     –
        3 uses of layers, 482 parameters, 3,712 multiply–adds
    """
    entering, uses = walk(model)
    met: set[int] = set()
    rows = []
    for use, sight in zip(uses, sights(entering, uses), strict=True):
        if not use.is_model:
            rows.append(_row(use, sight, is_again=id(use.layer) in met))
            met.add(id(use.layer))
    return CostTable(tuple(rows), model.count_params())


def receptive_field(model: keras.Model, layer: str | None = None) -> tuple[int, int]:
    """How many pixels of the input one unit of a layer can depend on.

    Every convolution and pooling of kernel k, stride s and dilation d adds (k − 1) · d times the
    product of all strides before it. The border of the image is left out of account: a unit near
    it sees padding where others see pixels.

    Args:
        model: built Sequential or functional model with one input and one output.
        layer: name or path ("base/conv") of one of its layers; its last one without.

    Returns:
        (height, width) in pixels; those of the whole input after flattening or global pooling.

    Raises:
        InputError: no such model or layer; a layer that is used twice and sees more the second
            time; a layer on the way of which no rule tells how far it sees, such as resizing; the
            whole of an input that has no fixed size.

    Example:
        >>> convolutions = [keras.layers.Conv2D(8, 3) for _ in range(3)]
        >>> receptive_field(keras.Sequential([keras.Input((64, 64, 3)), *convolutions]))
        (7, 7)
    """
    entering, uses = walk(model)
    seen: dict[str, list[Sight]] = {}
    for use, sight in zip(uses, sights(entering, uses), strict=True):
        seen.setdefault(use.path, []).append(sight)
    name = uses[-1].path if layer is None else layers.find(list(seen), layer)
    if layer is not None and len(set(seen[name])) > 1:
        raise InputError(
            f"expected a layer with one receptive field, received {name}, which is used "
            f"{len(seen[name])} times: cost_table shows each use"
        )
    sight = seen[name][-1]
    if isinstance(sight, tuple):
        return sight[0].size, sight[1].size
    whole = tuple(entering.shape[1:3])
    if sight is None or None in whole:
        raise InputError(
            f"expected layers of known reach and an input of fixed size, received for {name} one "
            f"that cannot be told (input {whole}): measure it by a gradient"
        )
    return whole


def _row(use: Use, sight: Sight, *, is_again: bool = False) -> Row:
    rows, columns = sight if isinstance(sight, tuple) else (None, None)
    # An operation such as keras.ops.add stands among the layers and holds nothing.
    holds = isinstance(use.layer, keras.Layer) and not is_again
    return Row(
        path=use.path,
        kind=use.kind,
        output_shape=use.output_shape,
        parameters=use.layer.count_params() if holds else 0,
        multiply_adds=None if use.is_model else multiply_adds(use),
        sees=sight if rows is None else (rows.size, columns.size),
        step=None if rows is None else (rows.step, columns.step),
        start=None if rows is None else (rows.start, columns.start),
    )


def _cells(row: Row) -> tuple[str, ...]:
    def pair(values: Any, between: str) -> str:
        return "–" if values is None else between.join(str(v) for v in values).replace("-", "−")

    shape = ", ".join("?" if side is None else str(side) for side in row.output_shape)
    return (
        row.path,
        row.kind,
        f"({shape})",
        f"{row.parameters:,}",
        "?" if row.multiply_adds is None else f"{row.multiply_adds:,}",
        ALL if row.sees == ALL else pair(row.sees, "×"),
        pair(row.step, "×"),
        pair(row.start, ","),
    )
