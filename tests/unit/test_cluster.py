"""What a worker does with a job, and what is said where there is no cluster. Without Dask."""

import importlib.util
import os
import socket
from dataclasses import replace

import pytest
import small_chapters as small

from course_utils import cli
from course_utils.notebooks import cluster, documents, fingerprint, plan


@pytest.fixture
def job(tmp_path):
    notebooks = small.write(tmp_path / "홍 길동" / "notebooks", n00_small=small.chapter())
    (job,) = plan.jobs(plan.Request(notebooks=notebooks, out=tmp_path / "out"))
    return job


def test_a_job_needs_no_file_of_the_machine_that_sent_it(job, monkeypatch):
    monkeypatch.setenv("TF_ANSWER", "the worker's")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")  # as Dask's nanny does
    source = documents.path_bytes(job.chapter.path)
    elsewhere = replace(job.chapter, path=job.chapter.path.parent / "gone" / "00_small.ipynb")
    job = replace(job, chapter=elsewhere, key="a key")
    variables = {"OMP_NUM_THREADS": "3"}
    outcome, notebook = cluster.work(job, source, fingerprint.installation(), variables)
    assert outcome.ok, outcome.reasons
    assert outcome.job == job
    executed = documents.parse(notebook, "executed")
    assert executed.metadata["course"]["key"] == "a key"
    assert not job.folder.exists()
    # As it was where the job came from; but a device is the worker's own.
    assert os.environ["OMP_NUM_THREADS"] == "3" and "TF_ANSWER" not in os.environ
    assert "OPENBLAS_NUM_THREADS" not in os.environ
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "7"


def test_another_course_on_the_worker_is_red(job):
    source = documents.path_bytes(job.chapter.path)
    outcome, notebook = cluster.work(job, source, "of another state", {})
    assert notebook is None and outcome.executed == 0
    assert "expected this worker to have the same course" in str(outcome.reasons[0])


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
    assert "expected the package distributed for --cluster" in line
    assert "pip install -e '.[cluster]'" in line


@pytest.mark.parametrize(
    ("address", "code", "message"),
    [
        ("nonsense://here", 2, "expected the address of a Dask scheduler such as tcp://"),
        ("tcp://127.0.0.1:{free}", 1, "received no answer within 10 s"),
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
    assert message.replace("10 s", "1 s") in line
    assert "\n" not in line
