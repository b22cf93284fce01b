import errno
import json
import multiprocessing
import os
import time
from pathlib import Path

import numpy as np
import pytest

from course_utils import cache
from course_utils.errors import InputError, WorldError


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    """Every test in a folder whose name has a space and another script."""
    home = tmp_path / "홍 길동"
    monkeypatch.setenv("COURSE_CACHE_DIR", str(home))
    return home


def write(text):
    return lambda new: (new / "a.txt").write_text(text)


def never(new):
    raise AssertionError("made again")


def leftovers(folder):
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def test_it_is_made_once():
    first = cache.prepared("set", "v1", write("one"))
    assert cache.prepared("set", "v1", never) == first
    assert (first / "a.txt").read_text() == "one"


def test_another_key_is_another_folder():
    assert cache.prepared("set", "v1", write("one")) != cache.prepared("set", "v2", write("two"))


@pytest.mark.parametrize(
    "damage",
    [
        lambda made: (made / "a.txt").write_text("on"),
        lambda made: (made / "a.txt").write_text("eno"),
        lambda made: (made / "a.txt").unlink(),
        lambda made: (made / "manifest.json").unlink(),
        lambda made: (made / "manifest.json").write_text("{"),
        lambda made: (made / "manifest.json").write_text("[]"),
    ],
)
def test_what_is_damaged_is_made_anew(damage):
    made = cache.prepared("set", "v1", write("one"))
    damage(made)
    cache.prepared("set", "v1", write("one"))
    assert (made / "a.txt").read_text() == "one"
    cache.prepared("set", "v1", never)


def test_a_cache_of_an_older_version_is_made_anew():
    made = cache.prepared("set", "v1", write("old"))
    manifest = json.loads((made / "manifest.json").read_text())
    (made / "manifest.json").write_text(json.dumps(manifest | {"format": 0}))
    cache.prepared("set", "v1", write("new"))
    assert (made / "a.txt").read_text() == "new"


def test_a_failure_leaves_nothing_behind_and_the_old_one_usable(folder):
    def fail(new):
        (new / "half.txt").write_text("half")
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        cache.prepared("set", "v1", fail)
    assert leftovers(folder) == []
    assert not [path for path in folder.iterdir() if path.is_dir()]


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, r"the disk of .* is full \(\d+ MB free\): free some space, or name another"),
        (errno.EACCES, "permission was refused: name a folder of your own in COURSE_CACHE_DIR"),
        (errno.EIO, "received from the system"),
    ],
)
def test_what_the_system_refuses_is_one_clear_line(folder, number, message):
    def fail(new):
        (new / "half.txt").write_text("half")
        raise OSError(number, os.strerror(number))

    with pytest.raises(WorldError, match=message):
        cache.prepared("set", "v1", fail)
    assert leftovers(folder) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_a_disk_that_really_fills_up(folder):
    def fill(new):
        (new / "big.bin").symlink_to("/dev/full")
        with (new / "big.bin").open("wb") as file:
            file.write(bytes(1 << 20))

    with pytest.raises(WorldError, match="is full"):
        cache.prepared("set", "v1", fill)
    assert leftovers(folder) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_a_disk_that_fills_up_under_an_array(folder):
    """NumPy tells of it in words of its own, without the system's number."""

    def fill(new):
        (new / "big.npy").symlink_to("/dev/full")
        with (new / "big.npy").open("wb", buffering=0) as file:
            np.ones(1 << 20).tofile(file)

    with pytest.raises(WorldError, match="is full"):
        cache.prepared("set", "v1", fill)
    short = OSError("235200 requested and 167808 written")
    assert "is full" in str(cache.refusal(short, folder))
    assert "is full" not in str(cache.refusal(OSError("another reason"), folder))
    assert leftovers(folder) == []


def test_a_file_where_the_folder_should_be(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("COURSE_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(InputError, match="expected COURSE_CACHE_DIR to name a folder"):
        cache.prepared("set", "v1", write("one"))


def test_a_name_stays_inside_the_cache():
    with pytest.raises(InputError, match="expected a name of letters"):
        cache.prepared("../set", "v1", write("one"))


def ask(log):
    def slow(new):
        with log.open("a") as file:
            file.write("made\n")
        time.sleep(0.5)
        (new / "a.txt").write_text("one")

    return cache.prepared("set", "v1", slow)


def test_two_that_ask_at_once_make_it_once(tmp_path):
    log = tmp_path / "log"
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        first, second = pool.map(ask, [log, log])
    assert first == second
    assert log.read_text() == "made\n"
