"""What every cell has: an id, a slide type, known tags, clean metadata."""

from collections import Counter

from course_tools.lint.page import Complaints, Page, rule

SLIDE_TYPES = ("slide", "subslide", "fragment", "skip", "notes", "-")

TAGS = {
    "course": {"parameters", "setup", "contract", "instructor"},
    "exercises": {"exercise-text", "exercise", "debug"},
    "nbval and nbstripout": {"nbval-check-output", "keep_output"},
    "pages": {
        "hide-input",
        "hide-output",
        "hide-cell",
        "remove-input",
        "remove-output",
        "remove-cell",
        "scroll-output",
        "full-width",
        "margin",
    },
}

# A cell's metadata besides these changes with each editor and each run.
CELL_METADATA = {"tags", "slideshow", "editable", "deletable", "jupyter"}
NOTEBOOK_METADATA = {"kernelspec", "language_info", "title", "authors", "colab"}


@rule
def slide_types(page: Page) -> Complaints:
    """Every cell has a slide type."""
    for cell in page.cells:
        received = cell.node.metadata.get("slideshow", {}).get("slide_type")
        if received not in SLIDE_TYPES:
            yield cell, f"expected a slide type of {', '.join(SLIDE_TYPES)}, received {received}"


@rule
def cell_ids(page: Page) -> Complaints:
    """No two cells share an id."""
    counts = Counter(cell.node.id for cell in page.cells)
    for cell in page.cells:
        if counts[cell.node.id] > 1:
            yield cell, f"expected an id of its own, received one that {counts[cell.node.id]} share"


@rule
def cells_filled(page: Page) -> Complaints:
    """No cell is empty."""
    for cell in page.cells:
        if not cell.source.strip():
            yield cell, "expected a cell with a text or code, received an empty one"


@rule
def known_tags(page: Page) -> Complaints:
    """Every tag is one that the course knows: a misspelt one would silently do nothing."""
    known = set().union(*TAGS.values())
    for cell in page.cells:
        for tag in sorted(cell.tags - known):
            yield cell, f"expected tags of {', '.join(sorted(known))}, received {tag}"


@rule
def kernel(page: Page) -> Complaints:
    """The notebook names the kernel python3, which every machine has."""
    received = page.notebook.metadata.get("kernelspec", {}).get("name")
    if received != "python3":
        yield None, f"expected the kernel python3, received {received}"


@rule
def clean_metadata(page: Page) -> Complaints:
    """Neither notebook nor cell keeps what an editor or a run wrote into its metadata."""
    for key in sorted(set(page.notebook.metadata) - NOTEBOOK_METADATA):
        yield None, f"expected metadata of {sorted(NOTEBOOK_METADATA)}, received {key}"
    for cell in page.cells:
        for key in sorted(set(cell.node.metadata) - CELL_METADATA):
            yield cell, f"expected metadata of {sorted(CELL_METADATA)}, received {key}"
