"""What chapters need of real data, looked up before anything runs."""

from collections.abc import Callable, Iterable

from course_tools.datasets import command
from course_utils.datasets import registry
from course_utils.errors import InputError

__all__ = ["missing", "prepare", "used"]


def used(chapter: str) -> tuple[str, ...]:
    """What the registry names for a chapter, but for what the chapter goes on without.

    Example:
        >>> used("02")
        ('fashion_mnist', 'cifar10')
    """
    return tuple(
        name
        for name, facts in registry.entries().items()
        if chapter in facts.get("chapters", ()) and chapter not in facts.get("optional", ())
    )


def missing(chapters: Iterable[str]) -> list[str]:
    """The sets and weights of some chapters that are not on this machine."""
    wanted = dict.fromkeys(name for chapter in chapters for name in used(chapter))
    return [name for name in wanted if command.state(name) not in ("prepared", "downloaded")]


def prepare(chapters: Iterable[str], *, say: Callable[[str], None]) -> None:
    """Prepare what chapters need and is downloaded; name all that is missing, download nothing."""
    chapters = list(dict.fromkeys(chapters))
    if absent := missing(chapters):
        raise InputError(
            f"expected the real data of chapter {', '.join(chapters)} on this machine, "
            f"{', '.join(absent)} {'is' if len(absent) == 1 else 'are'} not here: run "
            f"`course data {' '.join(absent)}`, or name the folder that holds the downloads in "
            "COURSE_DATA_DIR"
        )
    command.prepare_all(dict.fromkeys(name for one in chapters for name in used(one)), say=say)
