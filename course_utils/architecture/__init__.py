"""What a model is made of and costs, as numbers.

Shapes, parameters, multiply–adds, how far each layer sees, how long it takes. `layer_table` is the
short table of a model's own layers, `cost_table` the full one.
"""

from course_utils.architecture.cost_table import CostRow, CostTable, cost_table
from course_utils.architecture.latency import Latency, latencies, latency
from course_utils.architecture.profiler import profiled_flops
from course_utils.architecture.sight import receptive_field
from course_utils.architecture.table import LayerTable, Row, layer_table

__all__ = [
    "CostRow",
    "CostTable",
    "Latency",
    "LayerTable",
    "Row",
    "cost_table",
    "latencies",
    "latency",
    "layer_table",
    "profiled_flops",
    "receptive_field",
]
