"""JupyterLab opens a student's notebook, runs it, and a self-check answers."""

import os
import re
import subprocess
import sys
import urllib.request

import pytest
import small_chapters as small

from course_tools.notebooks import documents
from course_tools.publish.student import write_student_copies


@pytest.fixture
def lab(tmp_path):
    """JupyterLab on the loopback with the students' copies of small chapters; its address."""
    source = small.write(tmp_path / "notebooks", **small.published())
    # The check stands in the notebook here, and its answer is for a student to give.
    write_student_copies(source, tmp_path / "홍 길동")
    options = ["--no-browser", "--ip=127.0.0.1", "--port=0", "--IdentityProvider.token=secret"]
    options += [f"--ServerApp.root_dir={tmp_path / '홍 길동'}", "--allow-root"]
    environment = os.environ | {"JUPYTER_CONFIG_DIR": str(tmp_path / "config")}
    environment |= {name: str(tmp_path / name) for name in ("JUPYTER_DATA_DIR", "IPYTHONDIR")}
    environment["COURSE_LESSONS"] = str(source / "lessons")
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options],
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        for line in server.stderr:
            found = re.search(r"(http://127\.0\.0\.1:\d+)/lab\?token=", line)
            if found:
                break
        else:
            pytest.fail("JupyterLab did not start")
        # What it still has to say must not fill the pipe.
        subprocess_reader = _drain(server.stderr)
        yield found[1]
    finally:
        server.terminate()
        server.wait(20)
        subprocess_reader.join(5)
        server.stderr.close()


def _drain(stream):
    import threading

    thread = threading.Thread(target=stream.read, daemon=True)
    thread.start()
    return thread


def wait_for_kernel(page, lab):
    """Before its kernel is there, JupyterLab says "Idle" as well, and runs nothing."""
    for _ in range(90):
        sessions = page.request.get(f"{lab}/api/sessions?token=secret").json()
        if any(session["kernel"]["execution_state"] == "idle" for session in sessions):
            return
        page.wait_for_timeout(1000)
        if page.locator(".jp-Dialog .jp-mod-accept").count():
            page.locator(".jp-Dialog .jp-mod-accept").click()
    pytest.fail("no kernel became idle")


def test_a_student_s_notebook_runs_and_its_self_check_answers(browser, lab):
    page = browser.new_context(viewport={"width": 1280, "height": 1000}).new_page()
    page.goto(f"{lab}/lab/tree/00_start_here.ipynb?token=secret")
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=90_000)
    wait_for_kernel(page, lab)
    answer = page.locator(".jp-CodeCell", has_text="exercises.check").locator(".cm-content")
    assert "your code here" in answer.inner_text()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name=re.compile("^Run All Cells")).first.click()
    page.get_by_text("nothing here yet: replace the three dots").wait_for(timeout=60_000)
    page.locator(".jp-OutputArea img[alt*='white diagonal']").wait_for(timeout=60_000)
    # The strip of a claim's card is drawn here, too.
    page.locator(".jp-OutputArea svg[role=img] circle").first.wait_for(timeout=60_000)
    # The explorer runs here as it does on a page.
    stride = page.locator(".course-explorer [name=stride]")
    stride.wait_for(timeout=60_000)
    size = "document.querySelector('.course-explorer').convolution().output.map(r => r.length)"
    assert page.evaluate(size) == [4] * 4
    stride.fill("2")
    assert page.evaluate(size) == [2] * 2
    answer.click()
    page.keyboard.press("Control+A")
    page.keyboard.type('exercises.check("half", 4)')
    page.keyboard.press("Control+Enter")
    page.get_by_text("half: right").wait_for(timeout=30_000)
    page.context.close()


def test_the_copy_that_it_opens_has_no_solution(tmp_path):
    source = small.write(tmp_path / "notebooks", **small.published())
    write_student_copies(source, tmp_path / "work")
    text = (tmp_path / "work" / "00_start_here.ipynb").read_text("utf-8")
    assert "answer = 4" not in text and documents.read(tmp_path / "work" / "00_start_here.ipynb")


def test_the_server_of_the_site_is_on_the_loopback_only(address):
    assert address.startswith("http://127.0.0.1:")
    with urllib.request.urlopen(address) as answer:
        assert answer.status == 200
