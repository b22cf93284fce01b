"""What was measured, as JSON and as the table of `results.md`."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import platform
import re
from importlib import metadata
from pathlib import Path

from benchmarks.turns import Job, Measured

__all__ = ["FOLDER", "machine", "render", "rows", "store", "written"]

FOLDER = Path(__file__).resolve().parent
_BEGIN, _END = "<!-- begin: written by make bench -->", "<!-- end: written by make bench -->"


def machine() -> dict[str, str | int | float | None]:
    """Processor, cores, load, and the versions that matter."""
    model = re.search(r"model name\s*:\s*(.*)", _read("/proc/cpuinfo"))
    versions = {}
    for name in ("numpy", "keras", "tensorflow-cpu", "tensorflow", "matplotlib", "tf-keras-vis"):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "date": datetime.date.today().isoformat(),
        "processor": model[1] if model else platform.processor() or platform.machine(),
        "cores": os.cpu_count() or 1,
        "system": platform.system(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        **versions,
    }


def rows(job: Job, found: list[Measured]) -> dict:
    """What is kept of a job."""
    kept = []
    for one in found:
        row = dataclasses.asdict(one)
        numbers = {k: v for k, v in row.items() if isinstance(v, float) and v == v}
        kept.append({"name": one.name, **numbers, **({"why": one.why} if one.why else {})})
    return {"counted": "core" if job.core else "clock", "goal": dict(job.goal), "ways": kept}


def store(path: Path, results: dict[str, dict]) -> dict[str, dict]:
    """Merge jobs into the file, each with the machine it ran on; returns all that is there now."""
    known = json.loads(path.read_text()) if path.exists() else {}
    known.update(results)
    text = json.dumps(known, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    path.write_text(text, encoding="utf-8")
    return known


def render(results: dict[str, dict], order: list[str]) -> str:
    """The table, a row for each way to do a job, the course's first."""
    lines = [
        "| job | way | seconds | × the course | memory, MiB | goal |",
        "|---|---|--:|--:|--:|---|",
    ]
    for name in [name for name in order if name in results]:
        job = results[name]
        clock = ", of a core" if job["counted"] == "core" else ""
        for index, way in enumerate(job["ways"]):
            head = f"{name}{clock}" if index == 0 else ""
            if "why" in way:
                lines.append(f"| {head} | {way['name']} | {way['why']} | | | |")
                continue
            memory = f"{way['memory']:.0f}" if "memory" in way else ""
            lines.append(
                f"| {head} | {way['name']} | {way['seconds']:.3g} | {_ratio(way['ratio'], index)} "
                f"| {memory} | {_goal(job, way)} |"
            )
    machines: dict[str, list[float]] = {}
    for name in [name for name in order if name in results]:
        found = results[name]["machine"]
        machines.setdefault(_where(found), []).append(found["load"])
    notes = [f"- {where}; {_loads(loads)}" for where, loads in sorted(machines.items())]
    return "\n".join(lines) + "\n\n" + "\n".join(notes) + "\n"


def written(path: Path, table: str) -> None:
    """Put the table between its two marks.

    Raises:
        ValueError: the page has not both marks.
    """
    text = path.read_text(encoding="utf-8")
    if _BEGIN not in text or _END not in text:
        raise ValueError(f"expected the two marks in {path.name}: {_BEGIN} and {_END}")
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    path.write_text(f"{before}{_BEGIN}\n{table}{_END}{after}", encoding="utf-8")


def _ratio(ratio: float, index: int) -> str:
    if index == 0:
        return "1"
    return f"**{ratio:.2f}**" if ratio < 3 else f"**{ratio:.1f}**"


def _goal(job: dict, way: dict) -> str:
    least = job["goal"].get(way["name"])
    if least is None:
        return ""
    return f"{least:g}: {'reached' if way['ratio'] >= least else 'missed'}"


def _where(found: dict) -> str:
    versions = ", ".join(
        f"{name} {value}"
        for name, value in sorted(found.items())
        if name not in ("date", "processor", "cores", "system", "load")
    )
    machine = f"{found['processor']}, {found['cores']} cores, {found['system']}"
    return f"{found['date']}: {machine}; {versions}"


def _loads(loads: list[float]) -> str:
    known = [load for load in loads if load is not None]
    return f"load before a job {min(known)} to {max(known)}" if known else "load not known"


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
