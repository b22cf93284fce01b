"""What candidates need besides the course, looked up before anything is timed."""

import importlib.util
from collections.abc import Callable, Iterable

from benchmarks.turns import Job
from course_tools.datasets import command
from course_utils.errors import InputError, WorldError

__all__ = ["PEERS", "lacking"]

# A name for the table, and the module; the extra `bench` of pyproject.toml installs them.
PEERS = {"opencv": "cv2", "tf-keras-vis": "tf_keras_vis"}


def lacking(jobs: Iterable[Job], say: Callable[[str], None]) -> set[str]:
    """What jobs need and is not here; real data that are downloaded are prepared now."""
    wanted = {one.needs for job in jobs for one in (job.course, *job.others)} - {""}
    return {name for name in sorted(wanted) if not _here(name, say)}


def _here(name: str, say: Callable[[str], None]) -> bool:
    if name in PEERS:
        if found := importlib.util.find_spec(PEERS[name]) is not None:
            return found
        say(f"{name} is not installed: `uv pip install -e '.[bench]'`")
        return False
    try:
        if command.state(name) in ("prepared", "downloaded"):
            command.prepare_all([name], say=say)
            return True
        say(f"{name} is not here: `course data {name}`")
    except (InputError, WorldError) as error:
        say(str(error))
    return False
