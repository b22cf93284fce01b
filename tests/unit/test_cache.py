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
    ("number", "words"),
    [
        (errno.ENOSPC, r"is full \(\d+ MB free\)"),
        (errno.EACCES, "permission was refused.*COURSE_CACHE_DIR"),
        (errno.EIO, r"\[Errno 5\]"),
        (None, "is full"),  # NumPy tells of it in words of its own, without the system's number
    ],
)
def test_what_the_system_refuses_is_one_clear_line(folder, number, words):
    def fail(new):
        (new / "half.txt").write_text("half")
        raise (
            OSError(number, os.strerror(number))
            if number
            else OSError("235 requested and 1 written")
        )

    with pytest.raises(WorldError, match=words):
        cache.prepared("set", "v1", fail)
    assert leftovers(folder) == []
    assert "is full" not in str(cache.refusal(OSError("another reason"), folder))


def fill_bytes(new):
    (new / "big.bin").symlink_to("/dev/full")
    with (new / "big.bin").open("wb") as file:
        file.write(bytes(1 << 20))


def fill_array(new):
    (new / "big.npy").symlink_to("/dev/full")
    with (new / "big.npy").open("wb", buffering=0) as file:
        np.ones(1 << 20).tofile(file)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
@pytest.mark.parametrize("fill", [fill_bytes, fill_array])
def test_a_disk_that_really_fills_up(folder, fill):
    with pytest.raises(WorldError, match="is full"):
        cache.prepared("set", "v1", fill)
    assert leftovers(folder) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize("umask", [0o022, 0o002, 0o077])
def test_a_shared_cache_is_for_whom_its_maker_s_umask_allows(folder, umask):
    folder.mkdir()
    folder.chmod(0o2777)  # of a group, whose folders belong to it as well
    before = os.umask(umask)
    try:
        made = cache.prepared("set", "v1", write("one"))
    finally:
        os.umask(before)
    assert made.stat().st_mode & 0o7777 == 0o2777 & ~umask
    assert (made / "a.txt").stat().st_mode & 0o777 == 0o666 & ~umask


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_finished_set_wants_nothing_to_be_written(folder):
    made = cache.prepared("set", "v1", write("one"))
    for path in folder.glob("*.lock"):
        path.unlink()
    folder.chmod(0o555)
    try:
        assert cache.prepared("set", "v1", never) == made
    finally:
        folder.chmod(0o755)
    assert list(folder.iterdir()) == [made]


def test_what_a_killed_call_left_is_cleared_away():
    final = cache.place("set", "v1")
    abandoned = final.with_name(f".{final.name}-abandoned")
    (abandoned / "unpacked").mkdir(parents=True)
    cache.prepared("set", "v1", write("one"))
    assert not abandoned.exists()


@pytest.mark.parametrize("value", ["~nobody-of-this-name/x", "{file}"])
@pytest.mark.parametrize("variable", ["COURSE_CACHE_DIR", "COURSE_DATA_DIR"])
def test_a_variable_that_names_no_folder(monkeypatch, tmp_path, variable, value):
    (tmp_path / "file").touch()
    monkeypatch.setenv(variable, value.format(file=tmp_path / "file"))
    with pytest.raises(InputError, match=variable):
        cache.prepared("set", "v1", lambda new: cache.data_folder())


def test_a_name_stays_inside_the_cache():
    with pytest.raises(InputError, match=r"'\.\./set'"):
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
