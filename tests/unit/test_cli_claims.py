"""`course claims`: several runs in one table, judged, kept as evidence, compared, renewed."""

import json
import statistics

import pytest
import small_chapters as small

from course_tools import cli, evidence
from course_tools.notebooks import chapters
from course_tools.run import fingerprint
from course_utils import lessons

ROW = {
    "chapter": "00",
    "id": "beats-guessing",
    "statement": "It beats guessing.",
    "unit": "",
    "observed": 0.8,
    "low": 0.6,
    "high": 0.9,
    "judged": True,
    "held": True,
    "threshold": [0.5, None],
    "true_here": True,
    "seeds": 12,
    "share": 1.0,
    "resolution": 0.0,
    "standard_error": 0.01,
    "profile": "quick",
    "data": "embedded",
    "seed": 0,
    "device": "CPU",
    "seconds": 9.5,
    "mutant": "",
}
BROKEN = {"mutant": "beats-guessing", "observed": 0.1}
VALUES = [0.80, 0.82, 0.78, 0.81, 0.79]
CASE = "quick/embedded"


def write(folder, *rows):
    """What a run of the chapter leaves."""
    (chapter,) = chapters.find("홍 길동")
    rows = [ROW | row for row in rows]
    digests = [fingerprint.digest(chapter, f"{row['profile']}/{row['data']}") for row in rows]
    folder.mkdir(parents=True, exist_ok=True)
    content = [{"digest": one} | row for one, row in zip(digests, rows, strict=True)]
    (folder / "claims.json").write_text(json.dumps(content))
    return folder


@pytest.fixture(autouse=True)
def course(tmp_path, monkeypatch):
    """A course of one small chapter, whose evidence is empty, in the folder that is at hand."""
    monkeypatch.delenv("COURSE_LESSONS", raising=False)
    monkeypatch.chdir(tmp_path)
    nothing = {"digest": {}, "claims": {}}
    return small.write(tmp_path / "홍 길동", evidence=nothing, n00_small=small.chapter())


@pytest.fixture
def five(tmp_path, course):
    folder = tmp_path / "five seeds"
    for seed, value in enumerate(VALUES):
        write(folder / f"seed-{seed}", {"seed": seed, "observed": value})
    return folder


def summary(*rows):
    (found,) = evidence.summarize([ROW | row for row in rows])
    return found


def claims(*arguments):
    return cli.main(["claims", "--notebooks", "홍 길동", *map(str, arguments)])


def refused(capsys, *arguments):
    """What `course claims` answers to a mistake: one line, exit code 2."""
    assert claims(*arguments) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    return said.err


def kept(course):
    found = lessons.read_evidence(course / "lessons" / lessons.EVIDENCE)
    return found["00"]["claims"].get("beats-guessing", {})


def stale(course):
    (chapter,) = chapters.find(course)
    return evidence.stale(chapter)


# Summed up


def test_the_spread_over_seeds(five, capsys):
    assert claims(five) == 0
    _, line = capsys.readouterr().out.splitlines()
    # 0.8 ± 8.610 · 0.01581 · √1.2
    assert line.split() == [
        *("00:beats-guessing", CASE, "5", "0.78", "0.8", "0.82", "0.8", "0.007071"),
        *("above", "0.5", "5", "of", "5", "true", "0.6509..0.9491", "-", "-"),
    ]


def test_the_numbers_are_those_of_the_standard_library():
    found = summary(*({"seed": s, "observed": v} for s, v in enumerate(VALUES)))
    assert found.sd == statistics.stdev(VALUES)
    assert found.standard_error == pytest.approx(statistics.stdev(VALUES) / 5**0.5)
    # 8.610 is t(0.9995, 4) as tables print it.
    half = 8.610 * statistics.stdev(VALUES) * (6 / 5) ** 0.5
    assert (found.low, found.high) == pytest.approx((0.8 - half, 0.8 + half), abs=1e-5)


@pytest.mark.parametrize(("resolution", "half"), [(0.0, 0.03), (0.02, 0.03), (0.05, 0.05)])
def test_three_standard_errors_or_the_resolution_where_seeds_agree(resolution, half):
    found = summary(*({"seed": seed, "resolution": resolution} for seed in range(5)))
    assert found.sd == 0
    assert (found.low, found.high) == pytest.approx((0.8 - half, 0.8 + half))


def test_one_seed_says_nothing():
    found = summary({})
    assert (found.seeds, found.true, found.low, found.contradicted) == (1, None, None, None)
    assert found.ok


def test_a_number_that_is_none_is_not_averaged():
    found = summary({"observed": None, "held": False}, {"seed": 1})
    assert (found.seeds, found.mean) == (1, 0.8)


def test_profiles_and_data_are_kept_apart():
    rows = [{}, {"data": "real"}, {"profile": "full"}]
    assert len(evidence.summarize([ROW | row for row in rows])) == 3


def test_a_claim_that_does_not_speak_of_the_data_is_not_judged():
    found = summary(*({"seed": seed, "threshold": None} for seed in range(5)))
    assert (found.threshold, found.true, found.ok) == (None, None, True)


# Judged


@pytest.mark.parametrize(
    ("threshold", "code", "said"),
    [
        ([0.77, None], 0, " true "),
        ([None, 0.83], 0, " true "),
        ([0.79, None], 1, " NOT TRUE "),
        ([0.7, 0.81], 1, " NOT TRUE "),
        ([0.9, None], 1, " NOT TRUE "),
    ],
)
def test_a_sentence_that_the_seeds_do_not_bear_out_is_red(five, capsys, threshold, code, said):
    for seed, value in enumerate(VALUES):
        row = {"seed": seed, "observed": value, "threshold": threshold}
        write(five / f"seed-{seed}", row)
    assert claims(five) == code
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"held": False}, 1),
        ({"held": False, "seeds": lessons.ENOUGH}, 1),
        ({"held": False, "seeds": lessons.ENOUGH - 1}, 0),
        ({"held": True, "true_here": False}, 0),
        ({"judged": False, "held": None, "low": None, "high": None}, 0),
    ],
)
def test_a_run_outside_its_range_is_red_from_ten_kept_seeds_on(five, capsys, change, code):
    write(five / "seed-4", {"seed": 4, "observed": 0.79} | change)
    assert claims(five) == code
    assert ("1 OUTSIDE" in capsys.readouterr().out) is bool(code)


def test_a_mutated_run_stands_beside_the_seeds(five, tmp_path, capsys):
    other = {"id": "steady", "mutant": "beats-guessing", "observed": 0.1, "held": False}
    write(tmp_path / "mutants" / "00-beats-guessing", BROKEN | {"held": False}, other)
    assert claims(five, tmp_path / "mutants") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[1].split()[2:4] == ["5", "0.78"]
    assert lines[1].split()[-2:] == ["0.1", "yes"]


def test_a_mutant_that_contradicts_nothing_is_red(five, tmp_path, capsys):
    write(tmp_path / "mutants", BROKEN | {"observed": 0.8})
    assert claims(five, tmp_path / "mutants") == 1
    assert capsys.readouterr().out.split()[-2:] == ["0.8", "NO"]


def test_five_seeds_of_a_mutant_are_found_in_their_folders(five, tmp_path, capsys):
    for seed in range(5):
        folder = tmp_path / "mutants" / "00-beats-guessing" / f"seed-{seed}"
        write(folder, BROKEN | {"seed": seed, "threshold": [0.7, None], "observed": 0.1 + seed})
    claims(five, tmp_path / "mutants")
    assert "0.1, 1.1, 2.1, 3.1, 4.1" in capsys.readouterr().out


# Written


def test_json_for_other_programs(five, tmp_path):
    file = tmp_path / "claims of 한국.json"
    assert claims(five, "--json", file) == 0
    (found,) = json.loads(file.read_text())
    assert (found["seeds"], found["true"], found["threshold"]) == (5, True, [0.5, None])


def test_runs_are_kept_as_evidence(five, tmp_path, course):
    assert claims(five, write(tmp_path / "mutants", BROKEN), "--update") == 0
    facts = kept(course)[CASE]
    assert facts["seeds"] == {str(seed): value for seed, value in enumerate(VALUES)}
    assert (facts["standard_error"], facts["mutant"]) == (0.01, {"0": 0.1})
    assert stale(course) == []


def test_evidence_is_written_where_the_lessons_are_named(five, course, tmp_path, monkeypatch):
    place = (course / "lessons").rename(tmp_path / "elsewhere")
    monkeypatch.setenv("COURSE_LESSONS", str(place))
    claims(five, "--update")
    assert len(lessons.read_evidence(place / lessons.EVIDENCE)["00"]["claims"]) == 1


def test_kept_evidence_is_never_merged_into_itself(five, course, capsys):
    """It would be stale no longer, and nothing measured."""
    claims(five, "--update")
    small.write(course, evidence=small.EVIDENCE, n00_small=small.chapter(exact="x = 3"))
    capsys.readouterr()
    assert "--update" in refused(capsys, "--update")
    assert stale(course) == [CASE]


@pytest.mark.parametrize("options", [[], ["--update"], ["--markdown", "spread.md"]])
def test_a_folder_without_a_run(tmp_path, capsys, options):
    empty = tmp_path / "empty"
    empty.mkdir()
    assert str(empty) in refused(capsys, empty, *options)


def test_an_older_run_is_no_run_of_today(tmp_path, capsys):
    folder = write(tmp_path / "a", {})
    rows = [{k: v for k, v in ROW.items() if k != "mutant"} | {"sabotaged": ""}]
    (folder / "claims.json").write_text(json.dumps(rows))
    assert "claims.json" in refused(capsys, folder)


# Before and after a change


@pytest.fixture
def before(tmp_path, course):
    return write(tmp_path / "before", {}, {"seed": 1, "observed": 0.82})


@pytest.mark.parametrize(
    ("after", "code"), [([{}, {"seed": 1, "observed": 0.82}], 0), ([{"observed": 0.81}], 1)]
)
def test_two_runs_are_compared(before, tmp_path, capsys, after, code):
    assert claims(before, write(tmp_path / "after", *after), "--compare") == code
    assert ("0.81" in capsys.readouterr().out) is bool(code)


@pytest.mark.parametrize("option", ["--compare", "--renew"])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_two_runs_are_needed_to_compare(before, capsys, option, count):
    assert f"received {count}" in refused(capsys, *[before] * count, option)


@pytest.mark.parametrize(("observed", "code"), [(0.82, 0), (0.83, 1)])
def test_evidence_is_renewed_if_no_number_changed(before, tmp_path, course, capsys, observed, code):
    claims(before, "--update")
    file = course / "lessons" / lessons.EVIDENCE
    evidence_before = file.read_bytes()
    small.write(course, n00_small=small.chapter(exact="assert 3 * 3 == 9"))
    file.write_bytes(evidence_before)
    assert stale(course) == [CASE]
    after = write(tmp_path / "after", {}, {"seed": 1, "observed": observed})
    assert claims(before, after, "--renew") == code
    assert f"00 {CASE}" in capsys.readouterr().out
    assert stale(course) == [CASE] * code


# What is kept as evidence, without any run


@pytest.fixture
def measured(five, tmp_path, course):
    claims(five, write(tmp_path / "mutants", BROKEN), "--update")
    return course


def sheet(course, threshold):
    file = course / "lessons" / "00.toml"
    file.write_text(small.SHEET.replace("above = 0.5", f"above = {threshold}"))


def test_without_folders_the_evidence_is_judged_by_today_s_sheet(measured, capsys):
    capsys.readouterr()
    assert claims() == 0
    _, line = capsys.readouterr().out.splitlines()
    assert line.split()[:3] == ["00:beats-guessing", CASE, "5"]
    assert " ".join(line.split()[8:]) == "above 0.5 5 of 5 true 0.6509..0.9491 0.1 yes"
    sheet(measured, 0.79)
    assert claims() == 1
    assert " NOT TRUE " in capsys.readouterr().out


def test_a_mutant_on_the_right_side_of_today_s_threshold_is_red(measured, capsys):
    sheet(measured, 0.05)
    assert claims() == 1
    assert capsys.readouterr().out.split()[-2:] == ["0.1", "NO"]


def test_the_page_of_the_spread(measured, tmp_path):
    assert claims("--markdown", tmp_path / "spread.md") == 0
    text = (tmp_path / "spread.md").read_text(encoding="utf-8")
    assert "5 seeds" in text
    assert text.splitlines()[-1] == (
        "| `beats-guessing` | 5 | 0.78 | 0.8 | 0.82 | above 0.5: 5 of 5 | 0.6509 to 0.9491 | 0.1 |"
    )


def test_the_page_is_of_quick_alone(measured, tmp_path):
    rows = [{"profile": "full", "seed": seed, "observed": 0.7531} for seed in range(3)]
    claims(write(tmp_path / "full", *rows), "--update")
    assert set(kept(measured)) == {CASE, "full/embedded"}
    claims("--markdown", tmp_path / "spread.md")
    assert "0.7531" not in (tmp_path / "spread.md").read_text(encoding="utf-8")
