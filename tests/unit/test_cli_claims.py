"""`course claims`: several runs in one table, judged, and kept as evidence."""

import json
import statistics

import pytest
import small_chapters as small

from course_utils import cli
from course_utils.notebooks import evidence

ROW = {
    "chapter": "02",
    "id": "beats-guessing",
    "statement": "It beats guessing.",
    "observed": 0.8,
    "low": 0.6,
    "high": 0.9,
    "judged": True,
    "held": True,
    "profile": "quick",
    "data": "embedded",
    "seed": 0,
    "device": "CPU",
    "sabotage": "labels shuffled",
    "standard_error": 0.01,
    "mean_low": None,
    "mean_high": None,
    "seconds": 9.5,
    "sabotaged": "",
}
VALUES = [0.80, 0.82, 0.78, 0.81, 0.79]


def write(folder, *rows):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "claims.json").write_text(json.dumps([ROW | row for row in rows]))
    return folder


@pytest.fixture
def five(tmp_path):
    folder = tmp_path / "홍 길동"
    for seed, value in enumerate(VALUES):
        write(folder / f"seed-{seed}", {"seed": seed, "observed": value})
    return folder


def summary(*rows):
    (found,) = evidence.summarise([ROW | row for row in rows])
    return found


def claims(*arguments):
    return cli.main(["claims", *map(str, arguments)])


def test_the_spread_over_seeds(five, capsys):
    assert claims(five) == 0
    header, line = capsys.readouterr().out.splitlines()
    assert header.split()[:8] == [
        "claim",
        "profile/data",
        "n",
        "min",
        "median",
        "max",
        "mean",
        "sd",
    ]
    assert line.split() == [
        *("02:beats-guessing", "quick/embedded", "5", "0.78", "0.8", "0.82", "0.8", "0.01581"),
        *("0.6..0.9", "5/5", "0.7368..0.8632", "yes", "-", "-"),
    ]


def test_the_numbers_are_those_of_the_standard_library():
    found = summary(*({"seed": s, "observed": v} for s, v in enumerate(VALUES)))
    assert found.sd == statistics.stdev(VALUES)
    assert found.justified[1] == statistics.fmean(VALUES) + 4 * statistics.stdev(VALUES)


def test_three_standard_errors_where_seeds_agree():
    found = summary(*({"seed": seed} for seed in range(5)))
    assert found.sd == 0
    assert found.justified == pytest.approx((0.77, 0.83))


def test_four_seeds_justify_nothing():
    found = summary(*({"seed": seed} for seed in range(4)))
    assert (found.seeds, found.justified, found.justified_inside) == (4, None, None)


def test_one_seed_run_twice_counts_once_and_the_later_counts():
    found = summary({"observed": 0.7}, {"observed": 0.75})
    assert (found.seeds, found.mean, found.sd) == (1, 0.75, None)


@pytest.mark.parametrize(("low", "high"), [(0.75, 0.9), (None, 0.85)])
def test_a_band_narrower_than_the_seeds_justify_is_named(low, high):
    rows = ({"seed": s, "observed": v, "low": low, "high": high} for s, v in enumerate(VALUES))
    assert summary(*rows).justified_inside is False


def test_an_open_band_contains_what_it_must():
    rows = ({"seed": s, "observed": v, "high": None} for s, v in enumerate(VALUES))
    assert summary(*rows).justified_inside is True


def test_a_missed_claim_is_red(five, capsys):
    write(five / "seed-4", {"seed": 4, "observed": 0.5, "held": False})
    assert claims(five) == 1
    assert " 4/5 MISSED " in capsys.readouterr().out


def test_what_is_not_judged_is_not_missed(tmp_path, capsys):
    unjudged = {"judged": False, "held": None, "low": None, "high": None, "profile": "full"}
    assert claims(write(tmp_path / "a", unjudged)) == 0
    assert " not judged  0/0 " in capsys.readouterr().out


@pytest.mark.parametrize(("low", "expected"), [(0.79, 0), (0.81, 1)])
def test_the_mean_is_judged_by_a_band_of_its_own(five, capsys, low, expected):
    for seed, value in enumerate(VALUES):
        row = {"seed": seed, "observed": value, "mean_low": low}
        write(five / f"seed-{seed}", row)
    assert claims(five) == expected
    assert (" MISSED " in capsys.readouterr().out) is bool(expected)


def test_the_mean_of_four_is_not_judged(five):
    rows = [{"seed": seed, "mean_low": 0.99} for seed in range(4)]
    assert summary(*rows).mean_held is None


def test_a_sabotaged_run_stands_beside_the_seeds(five, tmp_path, capsys):
    broken = {"sabotaged": "beats-guessing", "observed": 0.48, "held": False}
    other = {"id": "steady", "sabotaged": "beats-guessing", "observed": 0.1, "held": False}
    write(tmp_path / "sabotage" / "02-beats-guessing", broken, other)
    assert claims(five, tmp_path / "sabotage") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[1].split()[2:4] == ["5", "0.78"]
    assert lines[1].endswith("0.48 missed")


def test_a_sabotage_that_shows_nothing_is_named(five, tmp_path, capsys):
    write(tmp_path / "sabotage", {"sabotaged": "beats-guessing"})
    claims(five, tmp_path / "sabotage")
    assert capsys.readouterr().out.rstrip().endswith("0.8 STILL HELD")


def test_a_number_that_is_none_is_counted_and_not_averaged():
    found = summary({"observed": None, "held": False}, {"seed": 1})
    assert (found.seeds, found.mean, found.held, found.judged) == (1, 0.8, 1, 2)


def test_profiles_and_data_are_kept_apart():
    rows = [{}, {"data": "real"}, {"profile": "full"}]
    assert len(evidence.summarise([ROW | row for row in rows])) == 3


def test_json_for_other_programs(five, tmp_path):
    file = tmp_path / "claims of 한국.json"
    assert claims(five, "--json", file) == 0
    (found,) = json.loads(file.read_text())
    assert (found["seeds"], found["held"], found["justified_inside"]) == (5, 5, True)


def test_evidence_is_merged(five, tmp_path):
    file = tmp_path / "evidence.json"
    claims(five, "--update", file)
    broken = {"sabotaged": "beats-guessing", "observed": 0.48, "held": False}
    later = write(tmp_path / "later", {"seed": 11, "observed": 0.77}, {"seed": 2, "observed": 0.76})
    claims(later, write(tmp_path / "sabotage", broken), "--update", file)
    assert json.loads(file.read_text()) == {
        "02": {
            "beats-guessing": {
                "quick/embedded": {
                    "seeds": {"0": 0.8, "1": 0.82, "2": 0.76, "3": 0.81, "4": 0.79, "11": 0.77},
                    "standard_error": 0.01,
                    "sabotaged": 0.48,
                }
            }
        }
    }
    before = file.read_bytes()
    claims(five / "seed-0", "--update", file)
    assert file.read_bytes() == before


def test_smoke_is_no_evidence(tmp_path):
    file = tmp_path / "evidence.json"
    claims(write(tmp_path / "smoke", {"profile": "smoke", "judged": False}), "--update", file)
    assert json.loads(file.read_text()) == {}


def test_a_sabotage_alone_is_kept_as_such(tmp_path):
    file = tmp_path / "evidence.json"
    claims(write(tmp_path / "a", {"sabotaged": "beats-guessing"}), "--update", file)
    assert json.loads(file.read_text())["02"]["beats-guessing"]["quick/embedded"] == {
        "seeds": {},
        "standard_error": None,
        "sabotaged": 0.8,
    }


@pytest.mark.parametrize("text", ["[]", "no JSON"])
def test_evidence_is_not_written_over_something_else(five, tmp_path, capsys, text):
    file = tmp_path / "notes.txt"
    file.write_text(text)
    assert claims(five, "--update", file) == 2
    assert "to be a file of evidence as" in capsys.readouterr().err
    assert file.read_text() == text


def test_a_folder_without_a_run(tmp_path, capsys):
    assert claims(tmp_path) == 2
    said = capsys.readouterr().err
    assert said.startswith("course: expected the folder of a run, with claims.json or seed-*/cla")


# What is kept as evidence, without any run


@pytest.fixture
def kept(tmp_path):
    banded = small.CLAIM.replace(
        '{"quick/embedded": (0.6, 0.9)}', '{"quick/embedded": (0.76, None)}'
    )
    small.write(tmp_path / "홍 길동", n00_small=small.chapter("00", claim=banded))
    seeds = {str(seed): value for seed, value in enumerate(VALUES)}
    facts = {"seeds": seeds, "standard_error": None, "sabotaged": 0.1}
    (tmp_path / "홍 길동" / "claims_measured.json").write_text(
        json.dumps({"00": {"beats-guessing": {"quick/embedded": facts}}})
    )
    return tmp_path / "홍 길동"


def test_without_folders_the_evidence_is_summed_up_and_judged_by_today_s_bands(kept, capsys):
    assert claims("--notebooks", kept) == 0
    _, line = capsys.readouterr().out.splitlines()
    assert line.split()[:3] == ["00:beats-guessing", "quick/embedded", "5"]
    assert line.split()[8:] == ["0.76..", "5/5", "0.7368..0.8632", "NO", "held", "0.1", "missed"]


def test_a_seed_that_a_band_leaves_out_is_red(kept, capsys):
    file = kept / "claims_measured.json"
    file.write_text(file.read_text().replace("0.78", "0.7"))
    assert claims("--notebooks", kept) == 1
    assert " 4/5 MISSED " in capsys.readouterr().out


def test_the_page_of_the_spread(kept, tmp_path):
    assert claims("--notebooks", kept, "--markdown", tmp_path / "spread.md") == 0
    text = (tmp_path / "spread.md").read_text(encoding="utf-8")
    assert "executed with 5 seeds." in text
    # (0.8 - 0.76) / 0.0158 = 2.5 standard deviations
    assert text.splitlines()[-1] == (
        "| `beats-guessing` | 5 | 0.78 | 0.8 | 0.82 | 0.0158 | from 0.76; mean from 0.7 to 0.9 "
        "| 2.5 | 0.1 |"
    )


def test_a_claim_without_evidence_has_no_row(kept, tmp_path):
    (kept / "claims_measured.json").unlink()
    assert claims("--notebooks", kept, "--markdown", tmp_path / "spread.md") == 0
    assert "executed with no seeds." in (tmp_path / "spread.md").read_text(encoding="utf-8")
