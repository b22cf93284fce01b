import pytest

from course_utils import exercises, session, showing
from course_utils.errors import InputError


@pytest.fixture
def chapter(monkeypatch, tmp_path):
    monkeypatch.setattr(exercises, "_checks", {})
    monkeypatch.setenv("COURSE_LESSONS", str(tmp_path))
    (tmp_path / "97.toml").touch()
    session.begin("97", {"PROFILE": "quick", "DATA": "embedded", "SEED": 0}, tensorflow=False)

    @exercises.exercise("97", "half")
    def half(answer):
        value = answer(4)
        return None if value == 2 else f"half of 4 is 2, yours is {value}"


@pytest.fixture
def shown(monkeypatch):
    records = []
    monkeypatch.setattr(showing, "show", lambda bundle: records.append(bundle[exercises.MIME]))
    return records


def test_a_right_answer_passes(chapter, shown):
    exercises.check("half", lambda number: number / 2)
    assert shown == [{"chapter": "97", "name": "half", "passed": True, "message": "right"}]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda number: number, "half of 4 is 2, yours is 4"),
        (..., "nothing here yet"),
        (None, "nothing here yet"),
        (lambda number: number / 0, "your answer raised ZeroDivisionError: division by zero"),
        (lambda: 2, "your answer raised TypeError"),
        (3, "your answer raised TypeError: 'int' object is not callable"),
    ],
)
def test_a_wrong_answer_is_told_what_is_wrong(chapter, shown, answer, message):
    exercises.check("half", answer)
    assert shown[0]["passed"] is False
    assert message in shown[0]["message"]


def test_an_unknown_exercise_names_the_nearest(chapter):
    with pytest.raises(InputError, match="received 'halve': did you mean 'half'"):
        exercises.check("halve", 1)


def test_a_chapter_without_checks_is_named(monkeypatch):
    monkeypatch.setattr(exercises, "_checks", {})
    with pytest.raises(InputError, match="received '96': there is no module"):
        exercises.names("96")


def test_a_broken_check_module_is_not_taken_for_a_missing_one(monkeypatch, tmp_path):
    monkeypatch.setattr(exercises, "_checks", {})
    monkeypatch.setattr(exercises, "__path__", [str(tmp_path)])
    (tmp_path / "chapter_95.py").write_text("import not_there_at_all\n")
    with pytest.raises(ModuleNotFoundError, match="not_there_at_all"):
        exercises.names("95")
