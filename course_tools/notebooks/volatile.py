"""What of an output is another in each run or on each machine, and so cannot be compared."""

import re

# What cannot be compared, and how it is recognised.
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
    """Find what another run would print differently.

    Args:
        text: an output, as plain text.

    Returns:
        For each kind found, one line with its first occurrence.

    Example:
        >>> volatile_text("<Dense object at 0x7f2a90b1c0d0>")
        ['expected text that is the same in every run, received an address in memory: \
0x7f2a90b1c0d0']
        >>> volatile_text("(None, 148, 148, 32) 896")
        []
    """
    return [
        f"expected text that is the same in every run, received {kind}: {match.group()}"
        for kind, pattern in _PATTERNS.items()
        if (match := pattern.search(text))
    ]


def output_faults(outputs: list) -> list[str]:
    """Say what makes outputs unfit to be kept and compared.

    Args:
        outputs: the outputs of one cell, as stored.

    Returns:
        The faults, each in one line; empty for good ones.

    Example:
        >>> output_faults([{"output_type": "stream", "name": "stderr", "text": "W0000"}])
        ['expected nothing on stderr, received W0000']
    """
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
