"""The workflows of `.github`: least privileges, nothing from strangers, and commands that exist."""

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from course_tools.cli import cli

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / ".github" / "workflows"
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.yml"))}
# All that a job may be granted beyond reading the repository.
GRANTED = {("unpinned.yml", "tell"): {"issues": "write"}}
# What these triggers run has rights that a stranger's pull request must not get.
FORBIDDEN = {"pull_request_target", "workflow_run", "issue_comment", "issues", "discussion"}
PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+$")


def triggers(workflow):
    # YAML 1.1 reads the word `on` as true.
    found = workflow.get("on", workflow.get(True))
    return set(found) if isinstance(found, dict | list) else {found}


def problems(name, text):
    """What is wrong with a workflow, one line each."""
    workflow = yaml.safe_load(text)
    found = []
    if workflow.get("permissions") != {"contents": "read"}:
        found.append("more rights than reading")
    if triggers(workflow) & FORBIDDEN:
        found.append("a trigger with rights for strangers")
    if re.search(r"\bsecrets\b", text):
        found.append("a secret")
    for line in filter(lambda line: "uses:" in line, text.splitlines()):
        if not PINNED.search(line):
            found.append(f"not pinned by digest, with its version: {line.strip()}")
    for title, job in workflow["jobs"].items():
        if job.get("permissions", {}) != GRANTED.get((name, title), {}):
            found.append(f"{title}: rights that it needs not")
        if not isinstance(job.get("timeout-minutes"), int):
            found.append(f"{title}: no limit of time")
        own = "self-hosted" in str(job["runs-on"])
        guards = ("!github.event.repository.fork", "head.repo.full_name == github.repository")
        if own and not all(guard in str(job.get("if")) for guard in guards):
            found.append(f"{title}: a fork could run on a machine of our own")
        for step in job["steps"]:
            if "${{" in step.get("run", ""):
                found.append(f"{title}: a template inside a script")
            checkout = "actions/checkout@" in step.get("uses", "")
            if checkout and step.get("with", {}).get("persist-credentials") is not False:
                found.append(f"{title}: the checkout keeps its token")
    return found


def scripts(name):
    jobs = yaml.safe_load(TEXTS[name])["jobs"].values()
    return "\n".join(step.get("run", "") for job in jobs for step in job["steps"])


def test_there_is_one_for_each_purpose():
    assert set(TEXTS) >= {"test.yml", "test-all.yml", "gpu.yml", "unpinned.yml"}


@pytest.mark.parametrize("name", TEXTS)
def test_nothing_is_wrong(name):
    assert problems(name, TEXTS[name]) == []


@pytest.mark.parametrize(
    ("name", "good", "bad", "problem"),
    [
        ("test.yml", "contents: read", "contents: write", "more rights than reading"),
        ("test.yml", "permissions:\n  contents: read\n", "", "more rights than reading"),
        ("test.yml", "  pull_request:", "  pull_request_target:", "rights for strangers"),
        ("test.yml", "run: python", "run: echo ${{ secrets.TOKEN }}; python", "a secret"),
        ("test.yml", "run: python", "run: echo ${{ github.head_ref }}; python", "a template"),
        ("test.yml", "timeout-minutes: 60", "continue-on-error: true", "no limit of time"),
        ("test.yml", "persist-credentials: false", "fetch-depth: 1", "keeps its token"),
        ("test-all.yml", "python@a309ff8b426b58ec0e2a45f0f869d46889d02405", "python@v6", "pinned"),
        ("test-all.yml", "  # v6.2.0", "", "not pinned by digest, with its version"),
        ("unpinned.yml", "issues: write", "contents: write", "rights that it needs not"),
        ("gpu.yml", "!github.event.repository.fork", "true", "a fork could run"),
        ("gpu.yml", "full_name == github.repository", "full_name != ''", "a fork could run"),
    ],
)
def test_each_fault_is_found(name, good, bad, problem):
    assert good in TEXTS[name]
    assert any(problem in found for found in problems(name, TEXTS[name].replace(good, bad)))


def test_what_they_call_exists():
    for name in TEXTS:
        for words in re.findall(r"(?:-m course_tools|bin/course) ([^\n]*)", scripts(name)):
            command, *options = shlex.split(words)
            known = {option for p in cli.commands[command].params for option in p.opts}
            assert {word for word in options if word.startswith("-")} <= known
        for target in re.findall(r"\bmake ([\w-]+)", scripts(name)):
            assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), flags=re.M)


def test_each_push_runs_what_make_test_runs():
    target = re.search(r"^test: +; \$\(COURSE\) (.*)$", (ROOT / "Makefile").read_text(), flags=re.M)
    assert f"python -m course_tools {target[1]}\n" in scripts("test.yml") + "\n"
    systems = [row["system"] for row in matrix()]
    assert {system.partition("-")[0] for system in systems} == {"ubuntu", "windows", "macos"}
    # GitHub withdrew macos-14 on 2 November 2026; older ones are Intel's.
    assert all(int(s.partition("-")[2]) >= 15 for s in systems if s.startswith("macos"))


def test_no_action_runs_on_node_20():
    """The first major of each that runs on Node 24; GitHub's runners have lost Node 20."""
    oldest = {"actions/checkout": 5, "actions/setup-python": 6, "actions/upload-artifact": 6}
    for name, text in TEXTS.items():
        for action, major in re.findall(r"uses: ([\w./-]+)@\w+  # v(\d+)\.", text):
            assert int(major) >= oldest[action], (name, action)


def test_a_weekly_run_that_hits_its_limit_is_told_too():
    """Such a job's result is "cancelled", for which `failure()` is false."""
    jobs = yaml.safe_load(TEXTS["unpinned.yml"])["jobs"]
    condition = jobs["tell"]["if"].replace("&&", "and").replace("||", "or")

    def told(result, event):
        stated = condition.replace("needs.newest.result", repr(result))
        stated = stated.replace("github.event_name", repr(event)).replace("always()", "True")
        return eval(stated, {})

    assert told("failure", "schedule") and told("failure", "workflow_dispatch")
    assert told("cancelled", "schedule")
    assert not told("success", "schedule")
    assert not told("cancelled", "workflow_dispatch")


def test_each_supported_python_is_tested():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    oldest, newest = map(int, re.findall(r"3\.(\d+)", project["requires-python"]))
    assert {row["python"] for row in matrix()} == {f"3.{v}" for v in range(oldest, newest)}


def test_the_weekly_run_installs_every_extra_but_the_gpus_and_the_peers_of_the_benchmarks():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = re.search(r"-e '\.\[(.*)\]'", scripts("unpinned.yml"))[1].split(",")
    assert set(project["optional-dependencies"]) - {"gpu", "bench"} <= set(named)


def test_the_documentation_names_each_and_the_label():
    text = (ROOT / "docs" / "machines.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([\w-]+\.yml)` \|", text, flags=re.M)) == set(TEXTS)
    labels = yaml.safe_load(TEXTS["gpu.yml"])["jobs"]["gpu"]["runs-on"]
    assert all(f"`{label}`" in text for label in labels if label != "self-hosted")


def test_what_the_documentation_types_exists():
    text = (ROOT / "docs" / "machines.md").read_text(encoding="utf-8")
    for command in ("run", "gpu", "data", "test"):
        assert f"course {command}" in text.replace("-m course_tools", "course")
        assert command in cli.commands
    known = {option for p in cli.commands["run"].params for option in p.opts}
    assert {"--seeds", "--cluster", "--profile", "--jobs", "--out"} <= known


def matrix():
    return yaml.safe_load(TEXTS["test.yml"])["jobs"]["test"]["strategy"]["matrix"]["include"]


@pytest.mark.parametrize(
    "linter",
    [
        ("zizmor", "--offline", "--no-progress", "--quiet"),
        ("check-jsonschema", "--builtin-schema", "vendor.github-workflows"),
    ],
    ids=lambda linter: linter[0],
)
def test_a_linter_agrees(linter):
    program = shutil.which(linter[0], path=Path(sys.executable).parent)
    command = [program, *linter[1:], *map(str, sorted(FOLDER.glob("*.yml")))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
