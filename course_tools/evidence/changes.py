"""Claims that came out otherwise than the evidence says: a table that can stand in a comment."""

from collections.abc import Iterable, Mapping

__all__ = ["table"]


def table(rows: Iterable[Mapping[str, object]], evidence: Mapping) -> str:
    """Name the claims outside their expected range, or outside of what the kept seeds gave.

    Args:
        rows: of `claims.json`.
        evidence: from `lessons.read_evidence`.

    Returns:
        Markdown; one sentence where nothing changed.

    Example:
        >>> row = {"chapter": "00", "id": "a-b", "profile": "full", "data": "real",
        ...        "observed": 0.7, "low": None, "high": None, "judged": False, "held": None}
        >>> kept = {"full/real": {"seeds": {"0": 0.8, "1": 0.9}}}
        >>> seeds = {"00": {"claims": {"a-b": kept}}}
        >>> print(table([row], seeds).splitlines()[-1])
        | 00 a-b | full/real | 0.7 | 0.8 to 0.9 (2) | – | outside of the seeds |
        >>> table([], {})
        'No claim changed.'
    """
    lines = []
    unknown = 0
    for row in rows:
        case = f"{row['profile']}/{row['data']}"
        claim = evidence.get(row["chapter"], {}).get("claims", {}).get(row["id"], {})
        seeds = claim.get(case, {}).get("seeds", {}).values()
        seeds = [value for value in seeds if value is not None]
        observed = row["observed"]
        if row["judged"] and not row["held"]:
            what = "**outside the expected range**"
        elif not seeds:
            unknown += 1
            continue
        elif observed is None or not min(seeds) <= observed <= max(seeds):
            what = "outside of the seeds"
        else:
            continue
        before = f"{min(seeds):.4g} to {max(seeds):.4g} ({len(seeds)})" if seeds else "–"
        now = "not a number" if observed is None else f"{observed:.4g}"
        name = f"{row['chapter']} {row['id']}"
        lines.append(f"| {name} | {case} | {now} | {before} | {_band(row)} | {what} |")
    parts = []
    if lines:
        head = [
            "| claim | case | now | seeds before | expected | what |",
            "|---|---|---|---|---|---|",
        ]
        parts.append("\n".join([*head, *lines]))
    if unknown:
        parts.append(f"Not measured before with this profile and data: {unknown} claims.")
    return "\n\n".join(parts) or "No claim changed."


def _band(row: Mapping[str, object]) -> str:
    if not row["judged"]:
        return "–"
    low, high = row["low"], row["high"]
    ends = [] if low is None else [f"from {low:.4g}"]
    return " ".join(ends + ([] if high is None else [f"to {high:.4g}"]))
