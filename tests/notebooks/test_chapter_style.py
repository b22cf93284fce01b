"""Every chapter keeps to the rules of style; each rule is broken on purpose in test_lint."""

from pathlib import Path

import pytest

from course_tools import lint as style
from course_tools.notebooks import chapters
from course_utils import exercises

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
PATHS = sorted(path for path in NOTEBOOKS.glob("*.ipynb") if not path.name.startswith("."))


def test_there_are_chapters_numbered_without_a_gap():
    numbers = [path.name[:2] for path in PATHS]
    assert numbers
    assert numbers == [f"{place:02d}" for place in range(len(PATHS))]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_chapter_keeps_to_the_rules(path):
    assert [str(finding) for finding in style.check(path)] == []


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_the_checks_of_a_chapter_are_those_of_its_exercises(path):
    """A check that no exercise asks for would be dead; an exercise without one would raise."""
    chapter = chapters.read(path)
    assert sorted(exercises.names(chapter.number)) == sorted(chapter.exercises)
