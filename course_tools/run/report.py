"""What a run says at its end: a table, every reason of every red chapter, and where to look."""

from collections.abc import Sequence

from course_tools.run.jobs import Outcome
from course_tools.run.runs import Run
from course_tools.tables import aligned
from course_utils import card

__all__ = ["text"]

_HEADER = ("chapter", "seconds", "peak MB", "cells", "claims", "exercises", "state")
_REASON_WIDTH = 90


def text(run: Run) -> str:
    """Write the report of a run.

    Args:
        run: the run.

    Returns:
        Several lines. In the column of claims stands: held and true here / judged (recorded).

    Example:
        >>> print(text(Run(())))
        nothing was executed
    """
    if not run.outcomes:
        return (
            "interrupted before any chapter was done"
            if run.interrupted
            else ("nothing was executed")
        )
    parts = [aligned(_HEADER, [_row(outcome) for outcome in run.outcomes], right=(1, 2, 3))]
    red = [outcome for outcome in run.outcomes if not outcome.ok]
    reasons = [f"  {o.job.label}, {reason}" for o in red for reason in o.reasons]
    if reasons:
        parts.append("\n".join(["What is red:", *reasons]))
    notes = [f"  {o.job.label}: {note}" for o in run.outcomes for note in o.notes]
    if notes:
        parts.append("\n".join(["Also:", *notes]))
    if run.interrupted:
        parts.append("Interrupted: what is listed above is done and will not be executed again.")
    folders = dict.fromkeys(str(outcome.job.folder) for outcome in run.outcomes)
    parts.append("\n".join(["Executed notebooks and claims.json:", *(f"  {f}" for f in folders)]))
    return "\n\n".join(parts)


def _row(outcome: Outcome) -> Sequence[str]:
    judged = [claim for claim in outcome.claims if claim["judged"]]
    held = sum(card.status(claim) == "held" for claim in judged)
    passed = sum(exercise["passed"] is True for exercise in outcome.exercises)
    return (
        outcome.job.label,
        f"{outcome.seconds:.1f}",
        f"{outcome.peak_mb:.0f}",
        f"{outcome.executed}/{outcome.cells}",
        f"{held}/{len(judged)} ({len(outcome.claims)})",
        f"{passed}/{len(outcome.exercises)}",
        _state(outcome),
    )


def _state(outcome: Outcome) -> str:
    if outcome.ok:
        return "cached" if outcome.cached else "ok"
    first = str(outcome.reasons[0])
    if len(first) > _REASON_WIDTH:
        first = first[: _REASON_WIDTH - 1] + "…"
    return f"RED {first}"
