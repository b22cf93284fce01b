"""What a run keeps, takes over and writes; a stand-in stores what a kernel would have left."""

import io
import json
import os
import signal
import threading
import time

import pytest
import small_chapters as small
from nbformat.v4 import new_code_cell, new_markdown_cell
from test_judge import executed, shown

from course_tools import environment
from course_tools.notebooks import chapters, documents, mutants
from course_tools.publish import executed as executed_chapters
from course_tools.run import execution, fingerprint, judge, kernels, plan, runs
from course_tools.run.plan import Outcome, Progress
from course_tools.run.progress import Lines, Moving, report
from course_utils import lessons
from course_utils.errors import InputError, WorldError


@pytest.fixture
def course(tmp_path, monkeypatch):
    """Two chapters in a folder with a space and Korean in its name.

    Nothing else is to change meanwhile, whoever may be editing the package.
    """
    monkeypatch.setattr(fingerprint, "surroundings", lambda **_: "the same")
    chapters = {f"n{number}_small": small.chapter(number) for number in ("00", "01")}
    return small.write(tmp_path / "홍 길동" / "notebooks", **chapters)


class StandIn:
    """Executes nothing; stores a notebook with the records that the job asks for."""

    def __init__(self, observed=0.8):
        self.observed = observed
        self.done = []

    def __call__(self, job, *, on_progress=None):
        self.done.append(job.label)
        notebook = executed(
            job.chapter.path, job.parameters, observed=self.observed, mutated=job.mutants
        )
        on_progress(Progress(job, 1, 6, "x = 1"))
        source = documents.read(job.chapter.path)
        found = judge.verdict(job, mutants.apply(source, job.chapter.sheet, job.mutants), notebook)
        outcome = execution._outcome(job, found, seconds=2.0, peak_mb=90.0)
        execution._keep(outcome, notebook)
        return outcome


def run(course, *names, execute, force=False, at_a_time=1, **request):
    out = request.pop("out", course.parent / "out")
    jobs = plan.jobs(plan.Request(notebooks=course, names=names, out=out, **request))
    stream = io.StringIO()
    with Lines(stream) as display:
        done = runs.run(jobs, at_a_time=at_a_time, display=display, force=force, execute=execute)
    return done, stream.getvalue()


def rows(folder):
    return json.loads((folder / "claims.json").read_text())


def test_claims_json_holds_what_was_asked_for(course):
    done, _ = run(course, execute=StandIn())
    assert done.ok
    found = rows(course.parent / "out")
    assert [(row["chapter"], row["id"]) for row in found] == [
        ("00", "beats-guessing"),
        ("01", "beats-guessing"),
    ]
    claim = shown(course / "00_small.ipynb")["claim"]
    (chapter, _) = chapters.find(course)
    digest = fingerprint.digest(chapter, "quick/embedded")
    facts = {"seconds": 2.0, "mutant": "", "digest": digest, "overridden": {}}
    assert found[0] == claim | facts


def test_what_is_done_is_not_done_again(course):
    first = StandIn()
    run(course, execute=first)
    again = StandIn()
    done, said = run(course, execute=again)
    assert (len(first.done), again.done) == (2, [])
    assert done.ok and [outcome.cached for outcome in done.outcomes] == [True, True]
    assert [outcome.seconds for outcome in done.outcomes] == [2.0, 2.0]
    assert said.count("\n") == 2
    assert len(rows(course.parent / "out")) == 2


def test_force_does_all_again(course):
    run(course, execute=StandIn())
    again = StandIn()
    run(course, execute=again, force=True)
    assert again.done == ["00 small", "01 small"]


def change_evidence(course, change):
    """Change what is kept of the claim of chapter 00."""
    path = course / "lessons" / lessons.EVIDENCE
    content = json.loads(path.read_text())
    change(content["chapters"]["00"]["claims"]["beats-guessing"])
    path.write_text(json.dumps(content))


def change_prose(course, monkeypatch):
    """Words, slides, and what a cell is for: nothing that a kernel is given."""
    notebook = documents.read(course / "00_small.ipynb")
    notebook.cells[0].source += "\n\nA word more."
    notebook.cells.insert(3, new_markdown_cell("A remark.", id="remark"))
    small.cell(notebook, "claim").metadata["slideshow"] = {"slide_type": "fragment"}
    documents.write(course / "00_small.ipynb", notebook)


def change_notebook(course, monkeypatch):
    documents.write(course / "00_small.ipynb", small.chapter("00", contract="print(148)"))


def change_sheet(course, monkeypatch):
    """Another sentence changes no number, but the card that shows it."""
    sheet = course / "lessons" / "00.toml"
    sheet.write_text(sheet.read_text().replace("The convnet beats", "A convnet beats"))


def change_package(course, monkeypatch):
    around = fingerprint.surroundings
    monkeypatch.setattr(fingerprint, "surroundings", lambda **given: around(**given) + "changed")


def change_result(course, monkeypatch):
    """Somebody edits the executed notebook: its mark still says that all is well."""
    path = course.parent / "out" / "00_small.ipynb"
    path.write_text(path.read_text().replace('"observed": 0.8', '"observed": 0.5'))


def change_seeds_of_the_claim(course, monkeypatch):
    """What was stored is judged by a range that is no longer the one to judge by."""
    change_evidence(course, lambda claims: claims["quick/embedded"]["seeds"].update({"12": 0.83}))


def forget_seeds_of_the_claim(course, monkeypatch):
    change_evidence(course, lambda claims: claims.pop("quick/embedded"))


def change_number_of_cells_done(course, monkeypatch):
    path = course.parent / "out" / "00_small.ipynb"
    notebook = documents.read(path)
    small.cell(notebook, "exact").execution_count = None
    documents.write(path, notebook)


@pytest.mark.parametrize(
    ("change", "redone"),
    [
        (change_prose, []),
        (change_notebook, ["00 small"]),
        (change_sheet, ["00 small"]),
        (change_package, ["00 small", "01 small"]),
        (change_result, ["00 small"]),
        (change_number_of_cells_done, ["00 small"]),
        (change_seeds_of_the_claim, ["00 small"]),
        (forget_seeds_of_the_claim, ["00 small"]),
    ],
)
def test_whatever_a_result_follows_from_makes_it_new(course, monkeypatch, change, redone):
    run(course, execute=StandIn())
    change(course, monkeypatch)
    again = StandIn()
    done, _ = run(course, execute=again)
    assert again.done == redone and done.ok


def test_what_is_taken_over_has_the_prose_of_today(course, monkeypatch):
    run(course, execute=StandIn())
    path = course.parent / "out" / "00_small.ipynb"
    before = documents.read(path)
    before.cells.insert(2, new_code_cell("SEED = 0", metadata={"tags": ["injected-parameters"]}))
    documents.write(path, before)
    change_prose(course, monkeypatch)
    run(course, execute=StandIn())
    (found, _) = executed_chapters.read(course, [course.parent / "out"])
    source = documents.read(course / "00_small.ipynb")
    assert [cell.source for cell in found.notebook.cells] == [cell.source for cell in source.cells]
    assert small.cell(found.notebook, "claim").outputs == small.cell(before, "claim").outputs
    after = documents.read(path)
    assert after.cells[2].source == "SEED = 0" and after.metadata.course == before.metadata.course
    # And once more there is nothing to write.
    time_before = path.stat().st_mtime_ns
    run(course, execute=StandIn())
    assert path.stat().st_mtime_ns == time_before


def add_seeds_of_other_data(claims):
    claims["quick/real"] = claims["quick/embedded"] | {"seeds": {"0": 0.1, "1": 0.2}}


def add_a_mutant(claims):
    claims["quick/embedded"]["mutant"] = {"0": 0.2, "1": 0.1}


@pytest.mark.parametrize("change", [add_seeds_of_other_data, add_a_mutant])
def test_evidence_that_judges_alike_executes_nothing_again(course, change):
    run(course, execute=StandIn())
    change_evidence(course, change)
    again = StandIn()
    done, _ = run(course, execute=again)
    assert again.done == [] and done.ok


def test_in_smoke_evidence_changes_nothing(course, monkeypatch):
    run(course, execute=StandIn(), profile="smoke")
    change_seeds_of_the_claim(course, monkeypatch)
    again = StandIn()
    run(course, execute=again, profile="smoke")
    assert again.done == []


def test_evidence_can_make_a_stored_green_result_red(course):
    """The run is as it was; that it is outside the expected range now, nobody should miss."""
    run(course, "00", execute=StandIn(0.8))
    change_evidence(
        course,
        lambda claims: claims["quick/embedded"].update(
            seeds={str(seed): 0.6 + 0.001 * (seed % 3) for seed in range(12)}
        ),
    )
    again = StandIn(0.8)
    done, _ = run(course, "00", execute=again)
    assert again.done == ["00 small"] and not done.ok


def test_another_seed_is_another_result(course):
    run(course, "00", execute=StandIn())
    again = StandIn()
    run(course, "00", execute=again, seed=1)
    assert again.done == ["00 small"]


def test_red_is_kept_and_never_counts_as_done(course):
    done, said = run(course, "00", execute=StandIn(0.5))
    assert not done.ok
    assert "RED, 2 s: cell 5 (id claim): claim beats-guessing " in said
    assert (course.parent / "out" / "00_small.ipynb").is_file()
    assert rows(course.parent / "out")[0]["held"] is False
    again = StandIn()
    done, _ = run(course, "00", execute=again)
    assert again.done == ["00 small"] and done.ok
    assert rows(course.parent / "out")[0]["held"] is True


def test_an_up_to_date_chapter_that_was_not_asked_for_stays_in_claims_json(course):
    run(course, "00", execute=StandIn())
    run(course, "01", execute=StandIn())
    assert [row["chapter"] for row in rows(course.parent / "out")] == ["00", "01"]


@pytest.mark.parametrize("change", [change_notebook, change_sheet, change_seeds_of_the_claim])
def test_an_outdated_one_does_not(course, monkeypatch, change):
    run(course, "00", execute=StandIn())
    change(course, monkeypatch)
    run(course, "01", execute=StandIn())
    assert [row["chapter"] for row in rows(course.parent / "out")] == ["01"]


def test_where_the_evidence_cannot_be_read_nothing_stays(course):
    run(course, "00", execute=StandIn())
    (course / "lessons" / lessons.EVIDENCE).write_text("[]")
    done, said = run(course, "01", execute=StandIn())
    assert not done.ok and lessons.EVIDENCE in said
    assert rows(course.parent / "out") == []


@pytest.mark.parametrize("outdated", [False, True])
@pytest.mark.parametrize("at", ["00", "01"])
@pytest.mark.parametrize("stop", [SystemExit, KeyboardInterrupt])
def test_a_run_that_is_stopped_keeps_numbers_of_today_s_code_alone(course, outdated, at, stop):
    """What it had no time to do again still holds, unless it is of an older chapter."""
    run(course, execute=StandIn())
    if outdated:
        for number in ("00", "01"):
            notebook = small.chapter(number, exact="assert 3 * 3 == 9")
            documents.write(course / f"{number}_small.ipynb", notebook)

    def stopped(job, *, on_progress):
        if job.chapter.number == at:
            raise stop
        return StandIn(0.79)(job, on_progress=on_progress)

    if stop is KeyboardInterrupt:
        # It comes to the main thread, and the chapters that run are ended.
        def stopped(job, *, on_progress, inner=stopped):
            try:
                return inner(job, on_progress=on_progress)
            except KeyboardInterrupt:
                signal.raise_signal(signal.SIGINT)
                raise kernels.Interrupted from None

        done, _ = run(course, execute=stopped, force=True)
        assert done.interrupted
    else:
        with pytest.raises(stop):
            run(course, execute=stopped, force=True)
    left = {"00": 0.8, "01": 0.8} if not outdated else {}
    left |= {"00": 0.79} if at == "01" else {}
    assert {r["chapter"]: r["observed"] for r in rows(course.parent / "out")} == left


@pytest.mark.parametrize("error", [ValueError, OSError, UnicodeError])
def test_an_error_of_one_chapter_is_its_own_red(course, error):
    def breaks(job, *, on_progress):
        if job.chapter.number == "00":
            raise error("no such thing")
        return StandIn()(job, on_progress=on_progress)

    done, _ = run(course, execute=breaks)
    first, second = done.outcomes
    assert error.__name__ in str(first.reasons[0]) and second.ok


def test_a_terminal_that_is_gone_ends_no_run(course):
    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    jobs = plan.jobs(plan.Request(notebooks=course, out=course.parent / "out"))
    for display in (Lines, Moving):
        with display(Gone(), interval=0.01) as shown:
            assert runs.run(jobs, at_a_time=1, display=shown, execute=StandIn(), force=True).ok


def test_a_kernel_that_died_at_its_very_end_is_not_forgotten(course):
    """Every cell had replied, so the outputs alone look well; only the mark says otherwise."""
    run(course, "00", execute=StandIn())
    path = course.parent / "out" / "00_small.ipynb"
    path.write_text(path.read_text().replace('"state": "ok"', '"state": "red"'))
    again = StandIn()
    run(course, "00", execute=again)
    assert again.done == ["00 small"]


def test_seeds_have_folders_of_their_own(course):
    done, said = run(course, "00", execute=StandIn(), seeds=[0, 3])
    assert done.ok
    for seed in (0, 3):
        (first,) = rows(course.parent / "out" / f"seed-{seed}")
        assert first["seed"] == seed
    assert "00 small seed 3: ok" in said


def test_a_mutated_run_has_a_folder_of_its_own(course):
    run(course, "00", execute=StandIn())
    done, _ = run(course, "00", execute=StandIn(0.1), mutants=["beats-guessing"])
    assert done.ok
    out = course.parent / "out"
    assert [(row["observed"], row["mutant"]) for row in rows(out)] == [(0.8, "")]
    mutated = rows(out / "00-beats-guessing")
    assert [(row["observed"], row["mutant"]) for row in mutated] == [(0.1, "beats-guessing")]
    again = StandIn()
    run(course, "00", execute=again)
    run(course, "00", execute=again, mutants=["beats-guessing"])
    assert again.done == []


def test_where_one_mutated_run_cannot_decide_five_are_made(course):
    sheet = course / "lessons" / "00.toml"
    sheet.write_text(sheet.read_text().replace("above = 0.5", "above = 0.79"))
    each = StandIn(0.1)
    done, _ = run(course, "00", execute=each, mutants=["beats-guessing"])
    assert done.ok and len(each.done) == 5
    folder = course.parent / "out" / "00-beats-guessing"
    assert [rows(folder / f"seed-{seed}")[0]["seed"] for seed in range(5)] == [0, 1, 2, 3, 4]


def test_a_seed_that_was_asked_for_is_the_only_one(course):
    sheet = course / "lessons" / "00.toml"
    sheet.write_text(sheet.read_text().replace("above = 0.5", "above = 0.79"))
    each = StandIn(0.1)
    run(course, "00", execute=each, mutants=["beats-guessing"], seed=3)
    (row,) = rows(course.parent / "out" / "00-beats-guessing")
    assert (len(each.done), row["seed"]) == (1, 3)


def test_as_many_at_a_time_as_asked_for(course):
    together = threading.Barrier(2, timeout=10)

    def meets(job, *, on_progress):
        together.wait()
        return StandIn()(job, on_progress=on_progress)

    done, _ = run(course, execute=meets, at_a_time=2)
    assert done.ok


def test_machines_that_join_later_get_chapters_too(course):
    together = threading.Barrier(2, timeout=30)
    counts = iter([1])

    def meets(job, *, on_progress):
        together.wait()
        return StandIn()(job, on_progress=on_progress)

    done, _ = run(course, execute=meets, at_a_time=lambda: next(counts, 2))
    assert done.ok


def test_where_no_machine_is_left_one_chapter_waits_and_no_more(course):
    alone = threading.Lock()

    def waits(job, *, on_progress):
        assert alone.acquire(blocking=False)
        outcome = StandIn()(job, on_progress=on_progress)
        alone.release()
        return outcome

    done, _ = run(course, execute=waits, at_a_time=lambda: 0)
    assert done.ok


def test_a_second_run_in_the_same_folder_is_refused(course):
    out = course.parent / "out"
    with runs.alone(out), pytest.raises(WorldError, match="out"):
        run(course, execute=StandIn())
    assert run(course, execute=StandIn())[0].ok


@pytest.mark.parametrize("below", ["", "deeper/still"])
def test_a_file_is_no_folder(course, below):
    file = course.parent / "taken"
    file.touch()
    with pytest.raises(InputError, match="taken"):
        run(course, execute=StandIn(), out=file / below)


def test_a_folder_that_cannot_be_written(course, monkeypatch):
    def refuse(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(runs.Path, "touch", refuse)
    with pytest.raises(InputError, match=r"out .*Permission denied"):
        run(course, execute=StandIn())


def test_a_full_disk_is_red_and_no_stack_trace(course, monkeypatch):
    def full(path, notebook):
        raise WorldError(f"cannot write {path.name}: no space left on device")

    monkeypatch.setattr(execution.engine, "attempt", lambda *_: executed(course / "00_small.ipynb"))
    monkeypatch.setattr(execution.documents, "write", full)
    (job,) = plan.jobs(plan.Request(notebooks=course, names=["00"], out=course.parent / "out"))
    outcome = execution.execute(job)
    assert [str(reason) for reason in outcome.reasons] == [
        "cannot write 00_small.ipynb: no space left on device"
    ]


@pytest.mark.parametrize("own", [".venv", ".venv-gpu"])
@pytest.mark.parametrize("changed", ["a.py", "weights/base.npz", "../requirements{}.lock"])
def test_the_key_follows_package_and_the_lock_in_use(tmp_path, monkeypatch, changed, own):
    package = tmp_path / "홍 길동" / "package"
    locks = ("requirements.lock", "requirements-gpu.lock")
    for name in ("a.py", "weights/base.npz", "__pycache__/a.pyc", *(f"../{n}" for n in locks)):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text("before")
    monkeypatch.setattr(environment, "LOCK", package.parent / "requirements.lock")
    monkeypatch.setattr(environment.sys, "prefix", str(tmp_path / own))
    suffix, other = ("-gpu", "") if own.endswith("-gpu") else ("", "-gpu")

    def around():
        return fingerprint.surroundings(data="embedded", package=package)

    before = around()
    (package / "__pycache__/a.pyc").write_text("after")
    assert around() == before
    (package / f"../requirements{other}.lock").write_text("after")
    assert around() == before
    (package / changed.format(suffix)).write_text("after")
    assert around() != before


def test_the_key_follows_the_libraries_and_the_device(monkeypatch):
    before = fingerprint.surroundings(data="embedded")
    with monkeypatch.context() as patch:
        patch.setattr(fingerprint, "_version", lambda name: "9" * (name == "scipy"))
        assert fingerprint.surroundings(data="embedded") != before
    monkeypatch.setattr(fingerprint, "_devices", lambda: ["NVIDIA H200"])
    assert fingerprint.surroundings(data="embedded") != before


def test_a_folder_that_cannot_be_read_stops_no_run(tmp_path, monkeypatch):
    (tmp_path / "lost+found").mkdir()
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path))
    scan = os.scandir

    def refusing(place):
        if str(place).endswith("lost+found"):
            raise PermissionError(13, "Permission denied", str(place))
        return scan(place)

    monkeypatch.setattr(fingerprint.os, "scandir", refusing)
    assert len(fingerprint.surroundings(data="real")) == 64


def test_the_key_follows_real_data_and_only_where_it_is_used(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path))
    (tmp_path / "cats").mkdir()
    (tmp_path / "cats" / "circle").symlink_to(tmp_path)
    before = {data: fingerprint.surroundings(data=data) for data in ("embedded", "real")}
    assert fingerprint.surroundings(data="real") == before["real"]
    (tmp_path / "cats" / "1.jpg").touch()
    assert fingerprint.surroundings(data="embedded") == before["embedded"]
    assert fingerprint.surroundings(data="real") != before["real"]


def test_the_key_follows_what_tensorflow_reads_from_the_environment(monkeypatch):
    before = fingerprint.surroundings(data="embedded")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert fingerprint.surroundings(data="embedded") != before


def test_workers_follow_cores_and_memory(monkeypatch):
    monkeypatch.setattr(runs.os, "sched_getaffinity", lambda _: set(range(8)), raising=False)

    def free(gigabytes):
        memory = type("Memory", (), {"available": gigabytes * 1e9})
        monkeypatch.setattr(runs.psutil, "virtual_memory", lambda: memory)

    free(100)
    assert runs.workers(3) == 3
    assert runs.workers(20) == 8
    free(5.1)
    assert runs.workers(20) == 2
    free(1)
    assert runs.workers(20) == 1


def test_signs_of_life_where_there_is_no_terminal(course):
    def slow(job, *, on_progress):
        on_progress(Progress(job, 2, 6, "model.fit(x)"))
        time.sleep(0.5)
        return StandIn()(job, on_progress=on_progress)

    jobs = plan.jobs(plan.Request(notebooks=course, names=["00"], out=course.parent / "out"))
    stream = io.StringIO()
    with Lines(stream, interval=0.2) as display:
        runs.run(jobs, at_a_time=1, display=display, execute=slow)
    first, *between, last = stream.getvalue().splitlines()
    assert (first, last) == ("00 small: begins", "00 small: ok, 2 s")
    assert between[0] == "00 small: 0 s, cell 3 of 6, model.fit(x)"


def test_a_sign_of_life_names_no_cell_where_none_is_known(course):
    (job, _) = plan.jobs(plan.Request(notebooks=course, out=course.parent / "out"))
    stream = io.StringIO()
    with Lines(stream, interval=0.05) as display:
        display.began(job)
        display.moved(Progress(job, 0, 0, "handed to the cluster"))
        deadline = time.monotonic() + 30
        while "handed" not in stream.getvalue() and time.monotonic() < deadline:
            time.sleep(0.05)
    assert stream.getvalue().splitlines()[-1].endswith(" s, handed to the cluster")


def test_a_line_that_moves_on_a_terminal(course):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    jobs = plan.jobs(plan.Request(notebooks=course, out=course.parent / "out"))
    with Moving(stream, interval=0.05) as display:
        runs.run(jobs, at_a_time=2, display=display, execute=StandIn())
    said = stream.getvalue()
    assert "00 small  1/6 cells  00:00, x = 1" in said
    assert "01 small: ok, 2 s\n" in said


def test_the_report_says_where_to_look(course):
    done, _ = run(course, execute=StandIn(0.5))
    text = report(done).splitlines()
    assert text[0] == "chapter   seconds  peak MB  cells  claims   exercises  state"
    assert text[1].startswith("00 small      2.0       90    6/6  0/1 (1)  1/1        RED cell 5")
    assert any(line.startswith("  01 small, cell 5 (id claim): ") for line in text)
    assert text[-1] == f"  {course.parent / 'out'}"


def test_the_report_counts_as_held_what_is_true_here_too(course):
    sheet = course / "lessons" / "00.toml"
    sheet.write_text(sheet.read_text().replace("above = 0.5", "above = 0.8"))
    done, _ = run(course, execute=StandIn(0.79))
    assert done.ok
    text = report(done).splitlines()
    assert [line.split()[5] for line in text[1:3]] == ["0/1", "1/1"]
    (note,) = [line for line in text if line.startswith("  00 small: ")]
    assert "beats-guessing" in note


def test_an_outcome_and_a_job_can_be_sent_elsewhere(course):
    import pickle

    (job,) = plan.jobs(plan.Request(notebooks=course, names=["00"]))
    assert pickle.loads(pickle.dumps(job)) == job
    outcome = Outcome(job, seconds=1.0)
    assert pickle.loads(pickle.dumps(outcome)) == outcome


def test_another_registry_makes_real_results_new(tmp_path, monkeypatch):
    registry = tmp_path / "registry.toml"
    registry.write_text("a = 1")
    monkeypatch.setenv("COURSE_REGISTRY", str(registry))
    before = fingerprint.surroundings(data="real")
    registry.write_text("a = 2")
    assert fingerprint.surroundings(data="real") != before


def test_of_the_environment_what_is_listed_reaches_a_kernel(tmp_path):
    given = {
        **{"PATH": "/bin", "HOME": "/h", "LC_ALL": "C", "https_proxy": "p", "OMP_NUM_THREADS": "2"},
        **{"PIP_USER": "1", "TF_XLA_FLAGS": "x", "KERAS_BACKEND": "jax", "MPLBACKEND": "agg"},
        **{"PYTHONSTARTUP": "a.py", "PYTHONWARNINGS": "error", "KERAS_HOME": str(tmp_path / "k")},
    }
    kept = kernels.environment(tmp_path / "private", given=given)
    passed = ("PATH", "HOME", "LC_ALL", "https_proxy", "OMP_NUM_THREADS")
    assert {name: kept.pop(name) for name in passed} == {name: given[name] for name in passed}
    own = {name for name, value in kept.items() if str(tmp_path / "private") in value}
    assert own == {"IPYTHONDIR", "JUPYTER_CONFIG_DIR", "MPLCONFIGDIR", "KERAS_HOME"}
    assert kept["KERAS_BACKEND"] == "tensorflow"
    assert not {"PIP_USER", "TF_XLA_FLAGS", "MPLBACKEND", "PYTHONSTARTUP"} & set(kept)


def test_folders_named_by_a_relative_path_are_meant_from_where_the_command_is_called(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    given = {"COURSE_REGISTRY": "own.toml", "COURSE_DATA_DIR": "data", "COURSE_CACHE_DIR": ""}
    kept = kernels.environment(tmp_path, given=given)
    assert kept["COURSE_REGISTRY"] == str(tmp_path / "own.toml")
    assert kept["COURSE_DATA_DIR"] == str(tmp_path / "data")
    assert kept["COURSE_CACHE_DIR"] == ""
