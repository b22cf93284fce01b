"""Start TensorFlow quietly, on the best device there is."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

__all__ = ["quiet_standard_error", "start"]

# Read when TensorFlow is imported. At level 2, deterministic operations still log an error about
# an attribute of their own at every `fit`; what really fails reaches Python as an exception.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
# What TensorFlow logs of a GPU that it does not use.
_REASONS = (
    r"failed call to cuInit: (.+)",
    r"(Cannot dlopen some GPU libraries)",
    r"(Ignoring visible gpu device .+)",
    r"(Could not find cuda drivers on your machine)",
)


def start(seed: int) -> tuple[str, dict[str, str]]:
    """Load TensorFlow and Keras without a word, seed them; return the device, and the versions."""
    with quiet_standard_error():
        import keras
        import tensorflow

        devices = tensorflow.config.list_physical_devices("GPU")
        for gpu in devices:
            # A device that is in use already keeps its setting.
            with contextlib.suppress(RuntimeError):
                tensorflow.config.experimental.set_memory_growth(gpu, True)
        keras.utils.set_random_seed(seed)
        if devices:
            details = tensorflow.config.experimental.get_device_details(devices[0])
            device = f"GPU {details.get('device_name', devices[0].name)}"
        else:
            # The same bits from run to run; on a GPU some operations have no such version.
            tensorflow.config.experimental.enable_op_determinism()
            device = f"CPU, {os.cpu_count()} cores"
            if _has_driver():
                reason = _why_no_gpu(tensorflow.test.is_built_with_cuda())
                device += f" (an NVIDIA driver is there, and TensorFlow shows no GPU: {reason})"
        # Keras 3.15 warns at every `fit` on a tf.data set, though nobody passed `shuffle`.
        warnings.filterwarnings("ignore", message="`shuffle=True` was passed, but will be ignored")
        logging.getLogger("tensorflow").addFilter(_worth_saying)
        # Start the runtime here, where what it says about itself can be kept quiet.
        tensorflow.zeros(1)
    return device, {"TensorFlow": tensorflow.__version__, "Keras": keras.__version__}


def _has_driver() -> bool:
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def _why_no_gpu(with_cuda: bool) -> str:
    """Why TensorFlow shows no GPU, where a driver is."""
    if not with_cuda:
        return "it is built for the CPU alone"
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible in ("", "-1"):
        return f"CUDA_VISIBLE_DEVICES={visible} hides it"
    # The reason is logged below the level that this process has begun with: look in another.
    look = "import tensorflow; tensorflow.config.list_physical_devices('GPU')"
    loud = {"TF_CPP_MIN_LOG_LEVEL": "0", "TF_CPP_VMODULE": "dso_loader=3"}
    try:
        process = subprocess.run(
            [sys.executable, "-c", look], env=os.environ | loud, capture_output=True, timeout=120
        )
    except (OSError, subprocess.SubprocessError) as error:
        return f"its log could not be read ({type(error).__name__})"
    return _logged_reason(process.stderr.decode(errors="replace"))


def _logged_reason(log: str) -> str:
    for pattern in _REASONS:
        if match := re.search(pattern, log):
            # Of the libraries that TensorFlow asks for, these are not there.
            missing = re.findall(r"Could not load dynamic library '([^']+)'", log)
            listed = f": {', '.join(sorted(set(missing)))}" if "dlopen" in match[1] else ""
            return match[1] + (listed if missing else "")
    return "its log gives no reason"


def _worth_saying(record: logging.LogRecord) -> bool:
    """Whether a log record of TensorFlow is for a reader of a notebook.

    TensorFlow counts how often functions of one name are traced. A chapter that predicts with
    several models has one such function for each, and none of them is traced twice: the warning
    is wrong there, and longer than the results around it.
    """
    return "triggered tf.function retracing" not in record.getMessage()


@contextlib.contextmanager
def quiet_standard_error() -> Iterator[None]:
    """Hold back what C libraries write to file descriptor 2; give it back if the body fails.

    `contextlib.redirect_stderr` cannot: it replaces Python's object, and the C side writes past it.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(kept, 2)
            held.seek(0)
            sys.stderr.write(held.read().decode(errors="replace"))
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
