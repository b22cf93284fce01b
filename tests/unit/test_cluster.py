"""What a worker does with a job, and what is said where there is no cluster. Without Dask."""

import importlib.util
import os
import socket
from concurrent.futures import Future
from dataclasses import replace

import pytest
import small_chapters as small

from course_tools import cli
from course_tools.notebooks import documents
from course_tools.run import cluster, fingerprint, plan
from course_tools.run.plan import Outcome


@pytest.fixture
def job(tmp_path):
    notebooks = small.write(tmp_path / "홍 길동" / "notebooks", n00_small=small.chapter())
    (job,) = plan.jobs(plan.Request(notebooks=notebooks, out=tmp_path / "out"))
    return job


def files(job):
    """What `Cluster.execute` sends along with a job."""
    place = job.chapter.path.parent
    names = ("00_small.ipynb", "lessons/00.toml", "lessons/evidence.json")
    return {name: documents.path_bytes(place / name) for name in names}


def gone(job):
    """The job as a machine sees it that has none of the files it names."""
    place = job.chapter.path.parent / "gone"
    chapter = replace(job.chapter, path=place / "00_small.ipynb", lessons=place / "lessons")
    return replace(job, chapter=chapter, key="a key")


def test_a_job_needs_no_file_of_the_machine_that_sent_it(job, monkeypatch):
    monkeypatch.setenv("TF_NUM_INTEROP_THREADS", "5")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")  # as Dask's nanny does
    sent, job = files(job), gone(job)
    variables = {"OMP_NUM_THREADS": "3"}
    outcome, notebook = cluster.work(job, sent, fingerprint.installation(), variables)
    assert outcome.ok, outcome.reasons
    assert outcome.job == job
    # Judged by the evidence that came along, and not by the worker's own.
    assert [(claim["held"], claim["seeds"]) for claim in outcome.claims] == [(True, 12)]
    executed = documents.parse(notebook, "executed")
    assert executed.metadata["course"]["key"] == "a key"
    assert not job.folder.exists()
    # As it was where the job came from; but a device is the worker's own.
    assert os.environ["OMP_NUM_THREADS"] == "3" and "TF_NUM_INTEROP_THREADS" not in os.environ
    assert "OPENBLAS_NUM_THREADS" not in os.environ
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "7"


def test_another_course_on_the_worker_is_red(job):
    outcome, notebook = cluster.work(job, files(job), "of another state", {})
    assert notebook is None and outcome.executed == 0
    assert "this worker" in str(outcome.reasons[0])


def test_all_that_a_worker_needs_is_sent(job):
    """A stand-in for Dask's client takes the job as a worker would."""
    taken = []

    class Client:
        dashboard_link = None

        def submit(self, work, *arguments, key, pure):
            taken.append(arguments)
            done = Future()
            done.set_result((Outcome(arguments[0]), b"executed"))
            return done

    job.folder.mkdir()
    (job.chapter.lessons / "01.toml").write_text("of another chapter")
    cluster.Cluster(Client(), "installed").execute(job)
    ((_, sent, *_),) = taken
    assert sent == files(job)
    assert job.notebook.read_bytes() == b"executed"


def test_without_dask_the_error_says_how_to_get_it(job, monkeypatch, capsys):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "distributed" else find(name)
    )
    notebooks = str(job.chapter.path.parent)
    code = cli.main(["run", "--notebooks", notebooks, "--cluster", "tcp://127.0.0.1:1"])
    assert code == 2
    line = capsys.readouterr().err.removesuffix("\n")
    assert "\n" not in line
    assert "distributed" in line and "--cluster" in line


@pytest.mark.parametrize(
    ("address", "code", "message"),
    [
        ("nonsense://here", 2, "nonsense://here"),
        ("nonsense://here:1", 2, "nonsense://here:1"),
        ("tcp://", 2, "tcp://"),
        ("127.0.0.1", 2, "127.0.0.1"),
        ("tcp://127.0.0.1:99999", 2, "99999"),
        ("tcp://127.0.0.1:{free}", 1, "within 1 s"),
    ],
)
def test_no_scheduler_there(job, monkeypatch, capsys, address, code, message):
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "_ANSWER_SECONDS", 1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = address.format(free=taken.getsockname()[1])
        notebooks = str(job.chapter.path.parent)
        assert cli.main(["run", "--notebooks", notebooks, "--cluster", address]) == code
    line = capsys.readouterr().err.removesuffix("\n")
    assert message in line
    assert "\n" not in line
