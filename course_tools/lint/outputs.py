"""Stored outputs: none but those of contract cells, and those complete."""

import ast

from course_tools.lint.page import Cell, Complaints, Page, rule
from course_tools.notebooks.volatile import output_faults

CONTRACT_TAGS = {"contract", "nbval-check-output", "keep_output"}

# Names that give another value in another run, profile, or on another device.
_CHANGING = {
    "random", "rng", "default_rng", "shuffle", "SEED", "PROFILE", "DATA",
    "fit", "train_on_batch", "evaluate", "predict", "seed",
    "time", "perf_counter", "monotonic", "datetime", "timeit", "uuid4", "getpid",
}  # fmt: skip


@rule
def no_stored_output(page: Page) -> Complaints:
    """Only contract cells keep an output or a count; a stored picture would only grow the file."""
    for cell in page.code:
        if cell.tags & CONTRACT_TAGS:
            continue
        if cell.node.outputs or cell.node.execution_count is not None:
            yield cell, "expected neither output nor count, received some: clean the notebook"


@rule
def contract_tags(page: Page) -> Complaints:
    """A contract cell carries contract, nbval-check-output and keep_output together."""
    for cell in page.cells:
        received = cell.tags & CONTRACT_TAGS
        if received and (received != CONTRACT_TAGS or not cell.is_code):
            missing = ", ".join(sorted(CONTRACT_TAGS - received)) or "a code cell"
            yield cell, f"expected {', '.join(sorted(CONTRACT_TAGS))} together, missing {missing}"


@rule
def contract_output(page: Page) -> Complaints:
    """A contract cell keeps output and count: nbval passes over a cell that lost them."""
    for cell in page.tagged("contract"):
        if not cell.node.outputs or cell.node.execution_count is None:
            yield (
                cell,
                "expected a stored output and its count, received none: refresh the notebook",
            )


@rule
def contract_text(page: Page) -> Complaints:
    """A contract is plain text without errors, addresses or timings."""
    for cell in page.tagged("contract"):
        for fault in output_faults(cell.node.outputs):
            yield cell, fault


@rule
def contract_fixed(page: Page) -> Complaints:
    """A contract trains nothing, draws nothing at random and asks for no profile."""
    for cell in page.tagged("contract"):
        for name in sorted(_names(cell) & _CHANGING):
            yield cell, f"expected what is the same in every run, received {name}"


def _names(cell: Cell) -> set[str]:
    found = set()
    for node in ast.walk(cell.tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
    return found
