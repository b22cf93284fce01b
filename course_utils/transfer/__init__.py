"""Transfer: freeze and unfreeze, keep features, see what learns, what moved, what was forgotten.

Example:
    >>> import keras
    >>> from course_utils import transfer
    >>> keep, learn = (keras.layers.Dense(2, name=name) for name in ("keep", "learn"))
    >>> network = keras.Sequential([keras.Input((3,)), keep, learn])
    >>> print(transfer.unfreeze(network, start="learn"))
    layer  kind   learns  tensors  parameters
    keep   Dense  no            2           8
    learn  Dense  yes           2           6
    trainable: 2 of 4 tensors, 6 of 14 parameters
"""

from course_utils.transfer.drift import Drift, drift, snapshot
from course_utils.transfer.features import cached_features, features
from course_utils.transfer.freezing import freeze, hold_batch_norm, unfreeze
from course_utils.transfer.heads import check_labels
from course_utils.transfer.recompiling import check_compiled, is_stale, recompile_guard
from course_utils.transfer.report import Report, Row, report

__all__ = [
    "Drift",
    "Report",
    "Row",
    "cached_features",
    "check_compiled",
    "check_labels",
    "drift",
    "features",
    "freeze",
    "hold_batch_norm",
    "is_stale",
    "recompile_guard",
    "report",
    "snapshot",
    "unfreeze",
]
