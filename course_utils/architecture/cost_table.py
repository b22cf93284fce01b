"""The full table of a model: every use of every layer, nested ones too, with what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from course_utils.architecture.costs import multiply_adds
from course_utils.architecture.latency import Latency, latency
from course_utils.architecture.sight import ALL, Sight, sights
from course_utils.architecture.walk import Use, walk

if TYPE_CHECKING:
    import keras

__all__ = ["CostRow", "CostTable", "cost_table"]


@dataclass(frozen=True)
class CostRow:
    """One use of one layer.

    Attributes:
        path: its name; "base/conv" for the layer "conv" of the nested model "base".
        kind: its class.
        output_shape: without the batch; None where a side is not fixed.
        parameters: what it holds, trained or not; 0 where it is used again.
        multiply_adds: for one picture; None where no rule tells.
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
class CostTable:
    """What a model costs; printing it writes the table.

    Attributes:
        rows: one a use of a layer, in the order of computing; nested models are taken apart.
        parameters: of the model as a whole.
        latency: as measured; None where it was not asked for.
    """

    rows: tuple[CostRow, ...]
    parameters: int
    latency: Latency | None = None

    def __iter__(self) -> Iterator[CostRow]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def multiply_adds(self) -> int:
        """For one picture, of all layers that a rule tells of; see `unknown`."""
        return sum(row.multiply_adds or 0 for row in self.rows)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Paths of the layers of which no rule tells: the model costs more by what they do."""
        return tuple(row.path for row in self.rows if row.multiply_adds is None)

    @property
    def sees(self) -> tuple[int, int] | None:
        """(height, width) of the largest field that is not yet the whole input."""
        fields = [row.sees for row in self.rows if isinstance(row.sees, tuple)]
        return max(fields, default=None)

    def summary(self) -> str:
        """The last lines: layers, parameters, multiply–adds, latency."""
        known = "" if not self.unknown else f" or more (no rule for {', '.join(self.unknown)})"
        lines = [
            f"{len(self.rows):,} uses of layers, {self.parameters:,} parameters, "
            f"{self.multiply_adds:,} multiply–adds{known}"
        ]
        if self.latency is not None:
            lines.append(str(self.latency))
        return "\n".join(lines)

    def __str__(self) -> str:
        head = ("layer", "kind", "output", "parameters", "multiply–adds", "sees", "step", "from")
        cells = [head, *(_cells(row) for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  ".join(
                f"{cell:<{width}}" if place < 3 else f"{cell:>{width}}"
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in cells
        ]
        return "\n".join([*lines, self.summary()])


def cost_table(
    model: keras.Model, *, latency_batch: int | None = None, runs: int = 30
) -> CostTable:
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
        latency_batch: measure the whole model too, with so many pictures in a batch.
        runs: timed runs of that measurement.

    Returns:
        The table; its summary sums up.

    Raises:
        InputError: no such model, several inputs or outputs, or a latency asked for without an
            input of fixed size.

    Example:
        >>> import keras
        >>> layers = keras.layers
        >>> conv = layers.Conv2D(8, 3, strides=2, name="conv")
        >>> base = keras.Sequential([keras.Input((None, None, 3)), conv], name="base")
        >>> model = keras.Sequential(
        ...     [keras.Input((9, 9, 3)), base, layers.Flatten(name="flat"),
        ...      layers.Dense(2, name="logits")]
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
            rows.append(_row(use, sight, again=id(use.layer) in met))
            met.add(id(use.layer))
    taken = None
    if latency_batch is not None:
        taken = latency(model, batch_size=latency_batch, runs=runs)
    return CostTable(tuple(rows), model.count_params(), taken)


def _row(use: Use, sight: Sight, *, again: bool) -> CostRow:
    placed = isinstance(sight, tuple)
    counted = hasattr(use.layer, "count_params") and not again
    return CostRow(
        path=use.path,
        kind=use.kind,
        output_shape=use.output_shape,
        parameters=use.layer.count_params() if counted else 0,
        multiply_adds=multiply_adds(use),
        sees=(sight[0].size, sight[1].size) if placed else sight,
        step=(sight[0].step, sight[1].step) if placed else None,
        start=(sight[0].start, sight[1].start) if placed else None,
    )


def _cells(row: CostRow) -> tuple[str, ...]:
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
