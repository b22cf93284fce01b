"""What a model is made of, as numbers: shapes, parameters, and how far each layer sees."""

from course_utils.architecture.sight import receptive_field
from course_utils.architecture.table import LayerTable, Row, layer_table

__all__ = ["LayerTable", "Row", "layer_table", "receptive_field"]
