"""What of an output is another in each run or on each machine, and so cannot be compared."""

import re

# What cannot be compared, and how it is recognized.
_PATTERNS = {
    "an address in memory": re.compile(r"\b0x[0-9a-fA-F]{6,}\b"),
    "a time that was measured": re.compile(
        r"(?<![\w.])\d+(?:\.\d+)? ?(?:[mµn]?s|sec|seconds?|minutes?)(?:/(?:step|epoch))?(?!\w)"
        r"|\b[Ww]all time\b|\bCPU times\b"
    ),
    "a date or an hour": re.compile(r"\b\d{4}-\d\d-\d\d\b|\b\d\d:\d\d:\d\d\b"),
    "a path of this machine": re.compile(r"(?<![\w.:/])/(?:home|Users|tmp|root|work|mnt)/"),
}


def volatile_text(text: str) -> list[str]:
    """Find what another run would print differently: one line for each kind found."""
    return [
        f"expected text that is the same in every run, received {kind}: {match.group()}"
        for kind, pattern in _PATTERNS.items()
        if (match := pattern.search(text))
    ]


def output_faults(outputs: list) -> list[str]:
    """What makes the stored outputs of a cell unfit to be kept and compared, one line each."""
    faults = []
    for output in outputs:
        kind = output["output_type"]
        if kind == "error":
            faults.append(f"expected no error, received {output['ename']}: {output['evalue']}")
        elif kind == "stream" and output["name"] == "stderr":
            line = output["text"].strip().partition("\n")[0][:80]
            faults.append(f"expected nothing on stderr, received {line}")
        elif kind == "stream":
            faults += volatile_text(output["text"])
        else:
            faults += _bundle_faults(output["data"])
    return faults


def _bundle_faults(data: dict) -> list[str]:
    faults = []
    for kind in sorted(set(data) - {"text/plain", "text/html"}):
        faults.append(f"expected text, received {kind}, which is not compared")
    if "text/plain" in data:
        faults += volatile_text(data["text/plain"])
    return faults
