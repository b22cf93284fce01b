"""A model as a table, one row a layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from course_utils.architecture.sight import Sight, sights
from course_utils.architecture.walk import Use, walk

if TYPE_CHECKING:
    import keras

__all__ = ["LayerTable", "Row", "layer_table"]


@dataclass(frozen=True)
class Row:
    """One layer of a model.

    Attributes:
        name: as Keras calls it; another in each session.
        kind: its class.
        output_shape: without the batch; None where a side is not fixed.
        parameters: what it holds, trained or not.
        sees: (height, width) of its receptive field in pixels; "all" once every unit can depend
            on the whole input; None where no rule tells.
    """

    name: str
    kind: str
    output_shape: tuple[int | None, ...]
    parameters: int
    sees: tuple[int, int] | str | None


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
            shape = ", ".join("?" if side is None else str(side) for side in row.output_shape)
            sees = f"{row.sees[0]}×{row.sees[1]}" if isinstance(row.sees, tuple) else row.sees
            cells.append((row.kind, f"({shape})", f"{row.parameters:,}", sees or "–"))
        cells.append(("all", "", f"{self.parameters:,}", ""))
        a, b, c, d = (max(map(len, column)) for column in zip(*cells, strict=True))
        return "\n".join(
            f"{kind:{a}}  {shape:{b}}  {count:>{c}}  {sees:>{d}}".rstrip()
            for kind, shape, count, sees in cells
        )


def layer_table(model: keras.Model) -> LayerTable:
    """List the layers of a model: output shape, parameters, receptive field.

    Args:
        model: built Sequential or functional model with one input and one output.

    Returns:
        The table. A model that stands in it as a layer (a pretrained base) is one row, and so is a
        layer that is used several times; `cost_table` has a row for each use and each inner layer.

    Raises:
        InputError: no such model.

    Example:
        >>> import keras
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
        if use.depth == 0
    }
    return LayerTable(tuple(rows.values()), model.count_params())


def _row(use: Use, sight: Sight) -> Row:
    return Row(
        name=use.layer.name,
        kind=use.kind,
        output_shape=use.output_shape,
        # An operation such as keras.ops.add stands among the layers and holds nothing.
        parameters=use.layer.count_params() if hasattr(use.layer, "count_params") else 0,
        sees=(sight[0].size, sight[1].size) if isinstance(sight, tuple) else sight,
    )
