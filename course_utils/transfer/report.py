"""What learns: layer by layer, as data and as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from course_utils.transfer.recompiling import is_stale
from course_utils.transfer.walking import walk

if TYPE_CHECKING:
    import keras

__all__ = ["Report", "Row", "report"]


@dataclass(frozen=True)
class Row:
    """One layer.

    Attributes:
        path: its name, with the networks it is nested in before it: "base/block1_conv".
        kind: its class.
        tensors: how many weight tensors it has.
        trainable: how many of them learn.
        parameters: how many numbers are in its tensors.
        trainable_parameters: how many of those learn.
    """

    path: str
    kind: str
    tensors: int
    trainable: int
    parameters: int
    trainable_parameters: int

    @property
    def learns(self) -> str:
        """ "yes", "no", "in part" (batch normalisation: its moving averages never learn) or "–"."""
        if not self.tensors:
            return "–"
        if not self.trainable:
            return "no"
        return "yes" if self.trainable == self.tensors else "in part"


@dataclass(frozen=True)
class Report:
    """What learns in a network. Printed, it is a table; in a notebook, it shows itself.

    Attributes:
        rows: one for each layer with weights, from input to output.
        trainable_tensors: "path/weight" of each tensor that learns.
        stale: whether the model was compiled before `trainable` was last changed.
    """

    rows: tuple[Row, ...]
    trainable_tensors: tuple[str, ...]
    stale: bool = False

    @property
    def tensors(self) -> int:
        """Number of all weight tensors."""
        return sum(row.tensors for row in self.rows)

    @property
    def parameters(self) -> int:
        """Number of all weights."""
        return sum(row.parameters for row in self.rows)

    @property
    def trainable_parameters(self) -> int:
        """Number of weights that learn."""
        return sum(row.trainable_parameters for row in self.rows)

    @property
    def summary(self) -> str:
        """One line: how many tensors and parameters learn."""
        return (
            f"trainable: {len(self.trainable_tensors)} of {self.tensors} tensors, "
            f"{self.trainable_parameters:,} of {self.parameters:,} parameters"
        )

    def __str__(self) -> str:
        cells = [("layer", "kind", "learns", "tensors", "parameters")]
        cells += [
            (row.path, row.kind, row.learns, str(row.tensors), f"{row.parameters:,}")
            for row in self.rows
        ]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  ".join(
                cell.ljust(width) if column < 3 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(line, widths, strict=True))
            )
            for line in cells
        ]
        lines.append(self.summary)
        if self.stale:
            lines.append("compile the model again before fit: it was compiled before this change")
        return "\n".join(lines)

    __repr__ = __str__


def report(network: keras.Model) -> Report:
    """Say what learns.

    Args:
        network: a built model, or a base that is nested in one.

    Returns:
        Rows and sums, by what Keras itself will update: a layer that is trainable in a network
        that is not, does not learn.

    Raises:
        InputError: no network.

    Example:
        >>> import keras
        >>> head = keras.Sequential([keras.Input((8,)), keras.layers.Dense(2)])
        >>> report(head).summary
        'trainable: 2 of 2 tensors, 18 of 18 parameters'
    """
    places = walk(network)
    learning = {id(weight) for weight in network.trainable_weights}
    rows, tensors = [], []
    for path, layer in places:
        learns = [weight for weight in layer.weights if id(weight) in learning]
        if layer.weights:
            rows.append(
                Row(
                    path,
                    type(layer).__name__,
                    len(layer.weights),
                    len(learns),
                    sum(_size(weight) for weight in layer.weights),
                    sum(_size(weight) for weight in learns),
                )
            )
        tensors += [f"{path}/{weight.name}" for weight in learns]
    return Report(tuple(rows), tuple(tensors), is_stale(network))


def _size(weight: keras.Variable) -> int:
    size = 1
    for extent in weight.shape:
        size *= extent
    return size
