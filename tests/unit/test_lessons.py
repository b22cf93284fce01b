"""Sheets and evidence: what is read from them, and that everything malformed is refused by name."""

import json

import pytest

from course_utils import lessons
from course_utils.errors import InputError

SHEET = """\
[parameters]
EPOCHS = { quick = 15, smoke = 1, "quick/real" = 3 }
RATE = { quick = 1, full = 0.5 }
SIZES = { quick = { train = 30 }, "full/real" = {} }

[claims.beats-guessing]
sentence = "The network beats guessing."
unit = "%"
above = 0.5
real = { within = [0.2, 1] }
test_set = true
resolution = 0.01
mutant = { cell = "train", replace = "fit(x,\\n y)", with = "fit(x, 0)" }

[claims.loss-is-small]
sentence = "The loss is small."
below = 1
timing = true
only = "real"
mutant = { parameter = "EPOCHS", value = 0 }
"""


@pytest.fixture
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_LESSONS", str(tmp_path))
    return tmp_path


@pytest.fixture
def read(folder):
    """Write a sheet with one text of it replaced by another, and read it."""

    def with_change(before="", after=""):
        assert before in SHEET
        (folder / "42.toml").write_text(SHEET.replace(before, after, 1), encoding="utf-8")
        return lessons.sheet("42")

    return with_change


@pytest.fixture
def keep(folder):
    """Write a file of evidence, and return it."""

    def write(content):
        file = folder / "evidence.json"
        file.write_text(content if isinstance(content, str) else json.dumps(content))
        return file

    return write


@pytest.mark.parametrize(
    ("profile", "data", "epochs", "rate", "sizes"),
    [
        ("quick", "embedded", 15, 1, {"train": 30}),
        ("smoke", "embedded", 1, 1, {"train": 30}),
        ("smoke", "real", 1, 1, {"train": 30}),
        ("quick", "real", 3, 1, {"train": 30}),
        ("full", "embedded", 15, 0.5, {"train": 30}),
        ("full", "real", 15, 0.5, {}),
    ],
)
def test_the_nearest_value_is_the_one_of_a_run(read, profile, data, epochs, rate, sizes):
    expected = {"EPOCHS": epochs, "RATE": rate, "SIZES": sizes}
    assert read().values(profile, data) == expected


def test_a_claim_is_read_as_it_is_written(read):
    claims = read().claims
    first, second = claims["beats-guessing"], claims["loss-is-small"]
    assert (first.sentence, first.unit) == ("The network beats guessing.", "%")
    assert (first.test_set, first.timing, first.resolution) == (True, False, 0.01)
    assert first.threshold("embedded") == (0.5, None)
    assert first.threshold("real") == (0.2, 1.0)
    assert (second.test_set, second.timing, second.resolution) == (False, True, 0.0)
    assert second.unit == ""
    assert second.threshold("embedded") is None
    assert second.threshold("real") == (None, 1.0)


def test_without_a_threshold_for_real_data_the_usual_one_holds(read):
    claim = read("real = { within = [0.2, 1] }\n").claims["beats-guessing"]
    assert claim.threshold("real") == claim.threshold("embedded") == (0.5, None)


def test_a_mutant_changes_a_cell_or_a_parameter_and_says_so_in_one_line(read):
    code, parameter = (claim.mutant for claim in read().claims.values())
    assert (code.cell, code.replace, code.by) == ("train", "fit(x,\n y)", "fit(x, 0)")
    assert (parameter.parameter, parameter.value) == ("EPOCHS", 0)
    assert str(code) == "`fit(x, y)` becomes `fit(x, 0)`"
    assert str(parameter) == "EPOCHS = 0"


@pytest.mark.parametrize("number", ["0.5", "1"])
def test_a_whole_number_may_stand_among_fractions(read, number):
    assert read("RATE = { quick = 1, full = 0.5 }", f"RATE = {{ quick = 2, full = {number} }}")


def test_an_empty_sheet_has_neither_parameters_nor_claims(folder):
    (folder / "42.toml").touch()
    sheet = lessons.sheet("42")
    assert (sheet.chapter, sheet.parameters, sheet.claims) == ("42", {}, {})


@pytest.mark.parametrize(
    ("before", "after", "where", "received"),
    [
        ("[parameters]", "[parameter]", "42.toml", "'parameter'"),
        ("[parameters]", "parameters = 3\n[claims.a]", "parameters", "3"),
        ("EPOCHS = {", "epochs = {", "parameter epochs", ""),
        ("EPOCHS = {", "SEED = {", "parameter SEED", ""),
        ("EPOCHS = {", "PROFILE = {", "parameter PROFILE", ""),
        ("EPOCHS = {", "'A-B' = {", "parameter A-B", ""),
        ('{ quick = 15, smoke = 1, "quick/real" = 3 }', "15", "parameter EPOCHS", "15"),
        ("quick = 15, smoke = 1", "smoke = 1", "parameter EPOCHS", "smoke, quick/real"),
        ("smoke = 1", "fast = 1", "parameter EPOCHS", "'fast'"),
        ('"quick/real"', '"quick/imagenet"', "parameter EPOCHS", "'quick/imagenet'"),
        ("smoke = 1", 'smoke = "one"', "parameter EPOCHS", "'one'"),
        ("quick = 15", 'quick = "many"', "parameter EPOCHS", "'many'"),
        ("quick = 15", "quick = true", "parameter EPOCHS", "True"),
        ('"full/real" = {}', '"full/real" = 0', "parameter SIZES", "0"),
        ("claims.beats-guessing", 'claims."Beats Guessing"', "claim Beats Guessing", ""),
        ("claims.beats-guessing", "claims.beats_guessing", "claim beats_guessing", ""),
        ('unit = "%"', 'units = "%"', "claim beats-guessing", "'units'"),
        ('unit = "%"', "unit = 3", "claim beats-guessing", "unit, received 3"),
        ('sentence = "The network beats guessing."', "", "claim beats-guessing", "None"),
        ("beats guessing.", "beats guessing", "claim beats-guessing", "'The network beats guess"),
        ("The network beats", "the network beats", "claim beats-guessing", "'the network beats"),
        ("test_set = true", "test_set = 1", "claim beats-guessing", "test_set, received 1"),
        ("timing = true", "timing = 1", "claim loss-is-small", "timing, received 1"),
        ("resolution = 0.01", "resolution = -1", "claim beats-guessing", "resolution, received -1"),
        ("resolution = 0.01", "resolution = true", "claim beats-guessing", "resolution, rec"),
        ('only = "real"', 'only = "drawn"', "claim loss-is-small", "only, received 'drawn'"),
        ('only = "real"', 'only = ["real"]', "claim loss-is-small", r"only, received \['real'\]"),
        ("above = 0.5\n", "", "claim beats-guessing", "none"),
        ("above = 0.5", "above = 0.5\nbelow = 0.9", "claim beats-guessing", "above, below"),
        ("above = 0.5", "at_least = 0.5", "claim beats-guessing", "'at_least'"),
        ("above = 0.5", 'above = "half"', "claim beats-guessing", "'half'"),
        ("above = 0.5", "above = true", "claim beats-guessing", "True"),
        ("above = 0.5", "above = nan", "claim beats-guessing", "nan"),
        ("above = 0.5", "above = [0, 1]", "claim beats-guessing", r"\[0, 1\]"),
        ("above = 0.5", "within = 0.5", "claim beats-guessing", "0.5"),
        ("above = 0.5", "within = [1, 0]", "claim beats-guessing", r"\[1, 0\]"),
        ("above = 0.5", "within = [0, 1, 2]", "claim beats-guessing", r"\[0, 1, 2\]"),
        ("above = 0.5", "within = [0, inf]", "claim beats-guessing", r"\[0, inf\]"),
        ("{ within = [0.2, 1] }", "0.2", "claim beats-guessing, real", "0.2"),
        ("{ within = [0.2, 1] }", "{}", "claim beats-guessing, real", "none"),
        ("within = [0.2, 1]", "near = 1", "claim beats-guessing, real", "'near'"),
        ("within = [0.2, 1]", "above = 0, below = 1", "beats-guessing, real", "above, below"),
    ],
)
def test_what_no_sheet_has_is_refused_where_it_stands(read, before, after, where, received):
    with pytest.raises(InputError, match=f"42.toml.*{received}") as caught:
        read(before, after)
    assert where in str(caught.value)


CODE = 'mutant = { cell = "train", replace = "fit(x,\\n y)", with = "fit(x, 0)" }'


@pytest.mark.parametrize(
    ("mutant", "received"),
    [
        ("", "none"),
        ('mutant = "shuffle"', "'shuffle'"),
        ("mutant = {}", ""),
        ('mutant = { cell = "train" }', "cell"),
        ('mutant = { cell = "train", replace = "a" }', "cell, replace"),
        ('mutant = { cell = "train", replace = "a", by = "b" }', "'by'"),
        ('mutant = { cell = "train", replace = "a", with = 3 }', "with"),
        ('mutant = { cell = "train", replace = "a", with = "a" }', "'a'"),
        ('mutant = { cell = "train", replace = "", with = "a" }', "''"),
        ('mutant = { cell = "", replace = "a", with = "b" }', "'a'"),
        ('mutant = { parameter = "EPOCHS" }', "parameter"),
        ("mutant = { value = 3 }", "value"),
        ("mutant = { parameter = 3, value = 3 }", "parameter, value"),
        ('mutant = { parameter = "EPOCHS", value = 3, cell = "a" }', "parameter, value, cell"),
    ],
)
def test_a_mutant_of_another_form_is_refused(read, mutant, received):
    with pytest.raises(InputError, match=f"claim beats-guessing.* received .*{received}"):
        read(CODE, mutant)


def test_a_sheet_that_is_no_toml_is_named(read):
    with pytest.raises(InputError, match=r"42\.toml.*line 2"):
        read("EPOCHS = {", "EPOCHS = {{")


def test_a_sheet_that_cannot_be_read_is_named(folder):
    (folder / "42.toml").write_bytes(b'[claims.a]\nsentence = "\xff"\n')
    with pytest.raises(InputError, match=r"42\.toml"):
        lessons.sheet("42")
    (folder / "43.toml").mkdir()
    with pytest.raises(InputError, match=r"43\.toml"):
        lessons.sheet("43")


def test_a_missing_sheet_is_named_with_its_folder(folder):
    with pytest.raises(InputError, match=r"chapter 42.*42\.toml") as caught:
        lessons.sheet("42")
    assert str(folder) in str(caught.value)


def test_sheets_are_looked_for_where_the_environment_says_then_beside_the_chapters(
    monkeypatch, tmp_path
):
    monkeypatch.delenv("COURSE_LESSONS", raising=False)
    own = lessons.folder()
    assert (own / "00.toml").is_file()
    assert lessons.folder(tmp_path) == own
    (tmp_path / "lessons").mkdir()
    assert lessons.folder(tmp_path) == tmp_path / "lessons"
    monkeypatch.setenv("COURSE_LESSONS", str(tmp_path / "홍 길동"))
    assert lessons.folder() == lessons.folder(tmp_path) == tmp_path / "홍 길동"


def test_kept_seeds_are_read_by_chapter_claim_and_case(keep):
    facts = {
        "seeds": {"0": 0.5, "1": None, "12": 0.7},
        "standard_error": 0.01,
        "mutant": {"0": 0.1, "1": None},
    }
    claims = {"beats-guessing": {"quick/real": facts}}
    keep({"format": 2, "chapters": {"42": {"digest": {}, "claims": claims}}})
    kept = lessons.kept("42", "beats-guessing", "quick/real")
    assert kept == lessons.Kept({0: 0.5, 12: 0.7}, 0.01, {0: 0.1, 1: None})
    for where in [
        ("43", "beats-guessing", "quick/real"),
        ("42", "beats-everyone", "quick/real"),
        ("42", "beats-guessing", "full/real"),
    ]:
        assert lessons.kept(*where) is None


def test_without_a_file_nothing_is_kept(folder):
    assert lessons.evidence() == {}
    assert lessons.kept("42", "beats-guessing", "quick/real") is None


@pytest.mark.parametrize(
    ("content", "version"),
    [
        ({"format": 1, "chapters": {}}, 1),
        ({"format": 3, "chapters": {}}, 3),
        ({"format": "2", "chapters": {}}, 2),
        ({"42": {"beats-guessing": {"quick/embedded": [0.5]}}}, "none"),
        ({"format": 2}, 2),
        ({"format": 2, "chapters": []}, 2),
        ([], "none"),
        ("", "none"),
        ("{", "none"),
    ],
)
def test_evidence_of_another_format_is_refused(keep, content, version):
    file = keep(content)
    with pytest.raises(InputError, match=f"received format {version}") as caught:
        lessons.evidence()
    assert str(file) in str(caught.value)
