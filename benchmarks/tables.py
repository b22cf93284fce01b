"""What was measured, as JSON and as the table of `results.md`; every row knows its date."""

from __future__ import annotations

import datetime
import json
import os
import platform
import re
from importlib import metadata
from pathlib import Path

from benchmarks.turns import Job, Measured
from course_tools.notebooks.documents import write_bytes

__all__ = ["FOLDER", "known", "machine", "page", "render", "rows", "store"]

FOLDER = Path(__file__).resolve().parent
_BEGIN, _END = "<!-- begin: written by make bench -->", "<!-- end: written by make bench -->"
_PACKAGES = ("keras", "matplotlib", "numpy", "opencv-python-headless", "tensorflow")
_PACKAGES += ("tensorflow-cpu", "tf-keras-vis")


def machine() -> dict[str, str | float | None]:
    """The date, the load, and on what is measured: processor, cores, versions that matter."""
    model = re.search(r"model name\s*:\s*(.*)", _read("/proc/cpuinfo"))
    processor = model[1] if model else platform.processor() or platform.machine()
    versions = [f"python {platform.python_version()}"]
    for name in _PACKAGES:
        try:
            versions.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    cores = f"{processor}, {os.cpu_count() or 1} cores, {platform.system()}"
    return {
        "date": datetime.date.today().isoformat(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "on": f"{cores}; {', '.join(sorted(versions))}",
    }


def rows(job: Job, found: list[Measured], on: dict, before: dict | None = None) -> dict:
    """What is kept of a job: a row measured now, else the earlier one, else why there is none."""
    earlier = {way["name"]: way for way in (before or {}).get("ways", ()) if "seconds" in way}
    ways = []
    for one in found:
        if one.why or one.needs:
            # Never the error itself, which may name folders and addresses.
            why = f"needs {one.needs}" if one.needs else "failed"
            ways.append(earlier.get(one.name, {"name": one.name, "why": why}))
            continue
        numbers = {"seconds": one.seconds, "ratio": one.ratio, "first": one.first}
        numbers |= {} if one.memory is None else {"memory": one.memory}
        ways.append({"name": one.name, **numbers, **on})
    return {"counted": "core" if job.core else "clock", "goal": dict(job.goal), "ways": ways}


def known() -> dict[str, dict]:
    """All that was measured before."""
    return json.loads(_read(FOLDER / "results.json") or "{}")


def store(results: dict[str, dict], order: list[str]) -> None:
    """Merge jobs into results.json and results.md, each replaced as a whole; others stay."""
    merged = known() | results
    words = page(merged, order)
    text = json.dumps(merged, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    write_bytes(FOLDER / "results.json", text.encode())
    write_bytes(FOLDER / "results.md", words.encode())


def page(results: dict[str, dict], order: list[str]) -> str:
    """results.md with the table between its two marks.

    Raises:
        ValueError: the page has not both marks.
    """
    text = _read(FOLDER / "results.md")
    if _BEGIN not in text or _END not in text:
        raise ValueError(f"expected the two marks in results.md: {_BEGIN} and {_END}")
    before, _, rest = text.partition(_BEGIN)
    return f"{before}{_BEGIN}\n{render(results, order)}{_END}{rest.partition(_END)[2]}"


def render(results: dict[str, dict], order: list[str]) -> str:
    """The table, a row for each way to do a job, the course's first."""
    lines = [
        "| job | way | seconds | × the course | memory, MiB | goal | measured |",
        "|---|---|--:|--:|--:|---|---|",
    ]
    machines: dict[str, list[float]] = {}
    notes = []
    for name in [name for name in order if name in results]:
        job = results[name]
        clock = ", of a core" if job["counted"] == "core" else ""
        for index, way in enumerate(job["ways"]):
            cells = [f"{name}{clock}" if index == 0 else "", way["name"]]
            if "why" in way:
                cells += [way["why"], "", "", "", ""]
            else:
                memory = f"{way['memory']:.0f}" if "memory" in way else ""
                cells += [f"{way['seconds']:.3g}", _ratio(way["ratio"], index), memory]
                cells += [_goal(job, way), way["date"]]
                loads = machines.setdefault(f"- {way['date']}: {way['on']}; ", [])
                loads += [] if way["load"] is None else [way["load"]]
            lines.append(f"| {' | '.join(cells)} |")
    for where, loads in sorted(machines.items()):
        load = f"load before a job {min(loads)} to {max(loads)}" if loads else "load not known"
        notes.append(where + load)
    return "\n".join([*lines, "", *notes]) + "\n"


def _ratio(ratio: float, index: int) -> str:
    if index == 0:
        return "1"
    return f"**{ratio:.2f}**" if ratio < 3 else f"**{ratio:.1f}**"


def _goal(job: dict, way: dict) -> str:
    least = job["goal"].get(way["name"])
    if least is None:
        return ""
    return f"{least:g}: {'reached' if way['ratio'] >= least else 'missed'}"


def _read(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
