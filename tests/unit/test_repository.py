"""What the repository promises about itself: dependencies, the lock, imports, the README."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = (ROOT / "requirements.lock").read_text()


def without_comment(requirement):
    return " ".join(re.sub(r"\s+#.*", "", requirement).split())


def declared():
    """Every requirement of pyproject.toml that `environment.yml` must name too."""
    extras = PROJECT["project"]["optional-dependencies"]
    # Instead of the extra `cpu` there is `gpu`, with an environment and a lock of its own; what the
    # course is only timed against, `bench`, nobody gets unasked.
    return PROJECT["project"]["dependencies"] + [
        line for name, extra in extras.items() if name not in ("gpu", "bench") for line in extra
    ]


def problems_of_a_lock(text):
    found = []
    if re.search(r"https?://|--(extra-)?index-url|--find-links| @ ", text):
        found.append("an address")
    blocks = re.split(r"^(?=[A-Za-z0-9])", re.sub(r"^\s*#.*\n", "", text, flags=re.M), flags=re.M)
    found += [block for block in blocks if block.strip() and "--hash=sha256:" not in block]
    return found


def test_the_lock_has_hashes_and_no_address():
    assert problems_of_a_lock(LOCK) == []


@pytest.mark.parametrize(
    "spoilt",
    [
        "--index-url https://example.org/simple\n" + LOCK,
        LOCK + "\nsix @ https://example.org/six.whl --hash=sha256:00\n",
        LOCK + "\nsix==1.17.0\n",
    ],
)
def test_a_lock_with_an_address_or_without_a_hash_is_found(spoilt):
    assert problems_of_a_lock(spoilt)


def test_the_lock_covers_every_dependency():
    locked = {name.lower() for name in re.findall(r"^([A-Za-z0-9._-]+)==", LOCK, flags=re.M)}
    names = {re.match(r"[A-Za-z0-9._-]+", line).group().lower() for line in declared()}
    assert names <= locked


def test_conda_users_get_the_same_packages():
    text = (ROOT / "environment.yml").read_text()
    lines = re.findall(r"^      - (.*)$", text, flags=re.M)
    assert all("#" in line for line in lines), "each line says which chapter needs it"
    stated = {without_comment(line).replace(" ;", ";") for line in lines} - {"-e ."}
    assert stated == {without_comment(line) for line in declared()}


def test_versions_agree():
    import course_utils

    assert PROJECT["project"]["version"] == course_utils.__version__
    assert f"version: {course_utils.__version__}" in (ROOT / "CITATION.cff").read_text()


def test_what_chapters_import_knows_nothing_of_the_tools():
    wrong = [
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "course_utils").rglob("*.py"))
        if re.search(r"^\s*(from|import) course_tools\b", path.read_text("utf-8"), flags=re.M)
    ]
    assert wrong == []


def test_what_chapters_may_import_declares_its_public_names():
    package = ROOT / "course_utils"
    doors = [
        path for path in package.glob("*.py") if path.stem not in {"__init__", "compat", "errors"}
    ]
    names = ("datasets", "explorer", "lessons", "menagerie", "plots")
    doors += [package / name / "__init__.py" for name in names]
    undeclared = [
        path.name
        for path in doors
        if path.stem != "__main__" and "\n__all__ = [" not in path.read_text(encoding="utf-8")
    ]
    assert undeclared == []


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "TEACHING.md"])
def test_links_to_files_of_the_repository_exist(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", text)
    assert [target for target in targets if not (ROOT / target).exists()] == []


GUIDES = ("README.md", "CONTRIBUTING.md", "TEACHING.md", "docs/machines.md")


def unknown(text):
    """Commands and options that a guide names and `course` does not have."""
    from course_tools.cli import cli

    found = set()
    for name, rest in re.findall(r"(?:^|[`(]|-m )course(?:_tools)? ([a-z]+)([^\n`]*)", text, re.M):
        if name not in cli.commands:
            found.add(name)
            continue
        options = {option for p in cli.commands[name].params for option in (*p.opts, "--help")}
        # Two blanks or more part a command from the words about it.
        words = re.split(r" {2,}", rest.strip())[0].split()
        found |= {f"{name} {word}" for word in words if re.match(r"--?[a-z]", word)} - {
            f"{name} {option}" for option in options
        }
    return found


@pytest.mark.parametrize("name", GUIDES)
def test_every_command_and_option_that_a_guide_names_is_there(name):
    assert unknown((ROOT / name).read_text(encoding="utf-8")) == set()


def test_a_command_or_option_that_is_gone_is_found():
    text = "`course hosted`\n```\ncourse run 00 --mutated a -p A 1   runs --it\n```\n"
    assert unknown(text) == {"hosted", "run --mutated"}


def test_the_claims_that_guides_name_are_claims():
    from course_tools.notebooks import chapters

    known = {
        chapter.number: set(chapter.sheet.claims) for chapter in chapters.find(ROOT / "notebooks")
    }
    for name in ("README.md", "TEACHING.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        named = re.findall(r"course run (\d\d) --mutant ([a-z-]+)", text)
        assert named and all(claim in known[number] for number, claim in named)


def test_every_make_target_that_teaching_names_is_there():
    text = (ROOT / "TEACHING.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.M))
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= targets
