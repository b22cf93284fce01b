"""Where the small real archives are, and a registry that names them at any address."""

import os
from pathlib import Path

import pytest

_REGISTRY = Path(__file__).with_name("small_registry.toml")
_ADDRESS = "http://127.0.0.1:8765"
# Read when the tests begin: most of them point the variable elsewhere.
_FOLDER = os.environ.get("COURSE_DATA_DIR")


def folder():
    """The folder with the archives; the test is skipped where there is none."""
    archive = "cats_vs_dogs/kagglecatsanddogs_subset.zip"
    if not _FOLDER or not Path(_FOLDER, archive).is_file():
        pytest.skip(f"no small real archives: COURSE_DATA_DIR names no folder with {archive}")
    return Path(_FOLDER)


def registry(base, file):
    """Write a registry of the archives, to be had at `base`, and return its path."""
    text = _REGISTRY.read_text(encoding="utf-8")
    assert _ADDRESS in text
    file.write_text(text.replace(_ADDRESS, base), encoding="utf-8")
    return file
