"""What a model is made of and costs, as numbers.

Shapes, parameters, multiply–adds, how far each layer sees, how long it takes. `layer_table` is the
short table of a model's own layers, `cost_table` the full one.
"""

from course_utils.architecture.measuring import Latency, latencies, profiled_flops
from course_utils.architecture.tables import (
    CostTable,
    LayerTable,
    Row,
    cost_table,
    layer_table,
    receptive_field,
)

__all__ = [
    "CostTable",
    "Latency",
    "LayerTable",
    "Row",
    "cost_table",
    "latencies",
    "layer_table",
    "profiled_flops",
    "receptive_field",
]
