"""Transfers over a server that cuts, lies and stalls: nothing is trusted before its hash agrees."""

import errno
import gzip
import hashlib
import io
import multiprocessing
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import loopback_server
import pytest

from course_tools.datasets import fetch as module
from course_tools.datasets.fetch import fetch
from course_utils.datasets import registry
from course_utils.errors import InputError, WorldError

BLOCK = 1 << 15  # what is less than a block when the connection is cut comes again
CONTENT = random.Random(0).randbytes(700_000)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    with loopback_server.running() as running:
        yield running


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    """Downloads go into a cache whose name has a space and another script."""
    monkeypatch.setattr(module, "_PAUSES", (0.01, 0.01))
    monkeypatch.setenv("COURSE_CACHE_DIR", str(tmp_path / "홍 길동"))
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "given"))
    (tmp_path / "given").mkdir()
    return tmp_path / "홍 길동" / "downloads" / "toys"


@pytest.fixture
def known(monkeypatch, tmp_path):
    """Write a registry of one set of one file."""

    def write(*urls, content=CONTENT, size=True, digest=None, name="toys.bin"):
        lines = ["[toys]", "[[toys.files]]", f'name = "{name}"', f"urls = {list(urls)}"]
        lines.append(f'sha256 = "{digest or hashlib.sha256(content).hexdigest()}"')
        if size:
            lines.append(f"bytes = {len(content)}")
        (tmp_path / "registry.toml").write_text("\n".join(lines))
        monkeypatch.setenv("COURSE_REGISTRY", str(tmp_path / "registry.toml"))

    return write


def brought():
    return fetch("toys")["toys.bin"].read_bytes()


def ranges(server):
    return [asked for _, asked in server.asked]


def closed_port():
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        return busy.getsockname()[1]


@pytest.mark.parametrize("size", [True, False])
@pytest.mark.parametrize("length", [True, False])
def test_a_file_comes_once(server, known, home, size, length):
    known(server.serve("/a", CONTENT, length=length), size=size)
    assert brought() == CONTENT
    assert brought() == CONTENT
    assert len(server.asked) == 1
    assert [path.name for path in home.iterdir()] in (
        ["toys.bin"],
        ["toys.bin", "toys.bin.lock"],
        ["toys.bin.lock", "toys.bin"],
    )


def test_a_cut_transfer_goes_on_where_it_was_cut(server, known):
    known(server.serve("/a", CONTENT, cuts=[9 * BLOCK, 6 * BLOCK + 5]))
    assert brought() == CONTENT
    assert ranges(server) == ["", f"bytes={9 * BLOCK}-", f"bytes={15 * BLOCK}-"]
    assert server.sent == len(CONTENT) + 5


def test_a_cut_is_seen_though_no_size_is_published(server, known):
    known(server.serve("/a", CONTENT, cuts=[9 * BLOCK]), size=False)
    assert brought() == CONTENT
    assert ranges(server) == ["", f"bytes={9 * BLOCK}-"]


def test_a_cut_is_seen_though_the_server_tells_no_length(server, known):
    known(server.serve("/a", CONTENT, cuts=[9 * BLOCK], length=False))
    assert brought() == CONTENT
    assert ranges(server) == ["", f"bytes={9 * BLOCK}-"]


def test_a_server_without_ranges_sends_all_again(server, known):
    known(server.serve("/a", CONTENT, cuts=[300_000], ranges=False))
    assert brought() == CONTENT
    assert server.sent == 300_000 + len(CONTENT)


def test_a_part_that_begins_earlier_than_asked_is_put_where_it_belongs(server, known):
    known(server.serve("/a", CONTENT, cuts=[300_000], early=1000))
    assert brought() == CONTENT


def part(home, content):
    home.mkdir(parents=True)
    (home / "toys.bin.part").write_bytes(content)


def test_an_earlier_call_that_was_killed_is_continued(server, known, home):
    part(home, CONTENT[:123_456])
    known(server.serve("/a", CONTENT))
    assert brought() == CONTENT
    assert ranges(server) == ["bytes=123456-"]


@pytest.mark.parametrize("size", [True, False])
@pytest.mark.parametrize(
    "left",
    [b"x" * 1000, b"x" * len(CONTENT), CONTENT + b"more"],
    ids=["other bytes", "as many other bytes", "too many"],
)
def test_what_was_left_and_is_wrong_is_fetched_anew(server, known, home, left, size):
    part(home, left)
    known(server.serve("/a", CONTENT), size=size)
    assert brought() == CONTENT


def test_a_whole_file_that_was_only_not_renamed_needs_no_transfer(server, known, home):
    part(home, CONTENT)
    known(server.serve("/a", CONTENT))
    assert brought() == CONTENT
    assert server.asked == []


def test_mirrors_are_tried_in_turn(server, known):
    lines = []
    known(
        f"http://127.0.0.1:{closed_port()}/a",
        server.serve("/gone", status=404),
        server.serve("/ill", b"ill", status=503),
        server.serve("/other", b"other content"),
        server.serve("/good", CONTENT),
    )
    fetch("toys", say=lines.append)
    told = "\n".join(lines)
    assert "no connection (" in told and "the answer 404" in told and "the answer 503" in told
    assert "13 bytes instead of 700,000" in told


def test_one_mirror_goes_on_where_another_broke_off(server, known):
    known(
        server.serve("/weak", CONTENT, cuts=[12 * BLOCK, 0, 0, 0, 0]),
        server.serve("/good", CONTENT),
    )
    assert brought() == CONTENT
    assert server.asked[-1] == ("/good", f"bytes={12 * BLOCK}-")


def test_a_wrong_hash_is_never_trusted(server, known, home):
    other = bytes([CONTENT[0] ^ 1]) + CONTENT[1:]
    known(server.serve("/a", other))
    with pytest.raises(WorldError) as caught:
        fetch("toys")
    expected = hashlib.sha256(CONTENT).hexdigest()[:12]
    received = hashlib.sha256(other).hexdigest()[:12]
    assert f"SHA-256 {expected}…" in str(caught.value)
    assert f"SHA-256 {received}…" in str(caught.value)
    assert "check the network and call again" in str(caught.value)
    assert [path.name for path in home.iterdir()] in ([], ["toys.bin.lock"])


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/octet-stream"])
@pytest.mark.parametrize("size", [True, False])
def test_an_html_page_is_called_one(server, known, kind, size):
    page = b"<!DOCTYPE html><html>please log in</html>"
    known(server.serve("/a", page, kind=kind), size=size)
    with pytest.raises(WorldError, match=r"an HTML page|41 bytes instead of 700,000"):
        fetch("toys")


@pytest.mark.parametrize("size", [True, False])
def test_an_html_page_costs_nothing_of_what_came_before(server, known, home, size):
    part(home, CONTENT[:123_456])
    known(server.serve("/a", b"<html>", kind="text/html", ranges=False), size=size)
    with pytest.raises(WorldError, match="what came is kept"):
        fetch("toys")
    assert (home / "toys.bin.part").read_bytes() == CONTENT[:123_456]


def test_an_endless_answer_is_stopped(server, known):
    known(server.serve("/a", CONTENT + b"x" * 500_000, length=False))
    with pytest.raises(WorldError, match="more than the 700,000 bytes that it should have"):
        fetch("toys")


def test_an_archive_is_stored_as_published_whatever_encoding_is_declared(server, known):
    zipped = gzip.compress(CONTENT[:5000])
    known(server.serve("/a", zipped, headers={"Content-Encoding": "x-gzip"}), content=zipped)
    assert brought() == zipped


def test_a_server_that_stalls_is_given_up(server, known, monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT", 0.2)
    monkeypatch.setattr(module, "_PAUSES", ())
    known(server.serve("/a", CONTENT, pause=1.0))
    with pytest.raises(WorldError, match=r"no answer within 0.2 s|no connection \(Read timed out"):
        fetch("toys")


def test_no_network(known):
    known(f"http://127.0.0.1:{closed_port()}/a", "http://no-such-host.invalid/a")
    with pytest.raises(WorldError) as caught:
        fetch("toys")
    text = str(caught.value)
    assert caught.value.exit_code == 1 and "\n" not in text
    assert "from no-such-host.invalid no connection" in text and "COURSE_DATA_DIR" in text


def test_pooch_is_missed_only_where_it_is_needed(known, home, monkeypatch):
    known("http://example.org/a")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"expected the package pooch, .* `pip install pooch`"):
        fetch("toys")
    home.mkdir(parents=True)
    (home / "toys.bin").write_bytes(CONTENT)
    assert brought() == CONTENT


@pytest.mark.parametrize("scheme", ["ftp", "gopher"])
def test_another_scheme(known, scheme):
    known(f"{scheme}://example.org/a")
    with pytest.raises(WorldError, match="neither http, https nor file"):
        fetch("toys")


def test_files_beside_the_registry(known, tmp_path):
    (tmp_path / "학교 1").mkdir()
    (tmp_path / "학교 1" / "toys.bin").write_bytes(CONTENT)
    known("학교 1/toys.bin")
    assert brought() == CONTENT
    known("학교 1/none.bin", (tmp_path / "학교 1" / "toys.bin").as_uri(), content=b"other")
    with pytest.raises(WorldError, match="no file that can be read"):
        fetch("toys")


def test_a_given_folder_is_only_read(server, known, home, tmp_path):
    given = tmp_path / "given" / "toys"
    known(server.serve("/a", CONTENT))
    fetch("toys")
    assert list((tmp_path / "given").iterdir()) == []
    given.mkdir()
    (given / "toys.bin").write_bytes(CONTENT)
    shutil.rmtree(home)
    assert fetch("toys")["toys.bin"] == given / "toys.bin"
    assert len(server.asked) == 1


def test_a_wrong_file_in_a_given_folder_is_left_there_and_a_right_one_fetched(
    server, known, home, tmp_path
):
    given = tmp_path / "given" / "toys"
    given.mkdir()
    (given / "toys.bin").write_bytes(b"altered")
    known(server.serve("/a", CONTENT))
    assert fetch("toys")["toys.bin"] == home / "toys.bin"
    assert registry.verified("toys")["toys.bin"] == home / "toys.bin"
    assert (given / "toys.bin").read_bytes() == b"altered"


def test_downloads_go_to_the_systems_place_when_no_folder_is_given(monkeypatch, tmp_path):
    monkeypatch.delenv("COURSE_DATA_DIR")
    assert registry.download_folder("toys") == registry.data_folder() / "toys"
    assert registry.folders("toys") == (registry.data_folder() / "toys",)


def test_no_room_is_said_before_anything_is_transferred(server, known, home, monkeypatch):
    known(server.serve("/a", CONTENT))
    usage = shutil._ntuple_diskusage(10**9, 10**9 - 100, 100)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(WorldError, match=r"expected 0.7 MB of room for toys.bin .* 0.1 MB are fre"):
        fetch("toys")
    assert server.asked == []


@pytest.fixture
def unprivileged():
    """A folder that may be read and not written, also where the tests run as root."""
    folder = Path(tempfile.mkdtemp())
    (folder / "secret").mkdir(mode=0)
    folder.chmod(0o555)
    root = os.name != "nt" and os.geteuid() == 0
    if root:
        os.seteuid(65534)
    yield folder
    if root:
        os.seteuid(0)
    folder.chmod(0o755)
    (folder / "secret").chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_no_permission(server, monkeypatch, unprivileged):
    monkeypatch.setenv("COURSE_CACHE_DIR", str(unprivileged / "cache"))
    monkeypatch.setenv("COURSE_DATA_DIR", str(unprivileged))
    content = hashlib.sha256(CONTENT).hexdigest()
    facts = {"files": [{"name": "a", "urls": [server.serve("/a", CONTENT)], "sha256": content}]}
    monkeypatch.setattr(registry, "entry", lambda name: facts)
    with pytest.raises(WorldError, match=r"permission was refused: free some space, or name a"):
        fetch("toys")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_given_file_that_may_not_be_read(monkeypatch, unprivileged):
    monkeypatch.setenv("COURSE_DATA_DIR", str(unprivileged))
    monkeypatch.setenv("COURSE_CACHE_DIR", str(unprivileged / "cache"))
    with pytest.raises(WorldError, match=r"expected to read .* permission was refused: ask whoev"):
        registry.find("secret", {"name": "toys.bin", "sha256": "0" * 64})


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, r"expected room for toys.bin, the disk of .* is full \(\d+ MB free\): free"),
        (errno.EROFS, r"expected to write into .*, permission was refused: free some space, or na"),
        (errno.EIO, r"expected to write toys.bin into .*, received from the system: \[Errno 5\]"),
    ],
)
def test_what_the_disk_refuses_is_said_and_what_came_is_kept(
    server, known, home, monkeypatch, number, message
):
    known(server.serve("/a", CONTENT))

    def fail(*_):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(WorldError, match=message):
            fetch("toys")
    assert brought() == CONTENT
    assert len(server.asked) == 1


def test_the_bar_shows_size_and_speed_and_begins_where_the_transfer_does(
    server, known, home, monkeypatch
):
    import tqdm

    shown = io.StringIO()
    monkeypatch.setattr(
        module, "_bar", lambda title, progress: tqdm.tqdm(desc=title, unit="B", file=shown)
    )
    part(home, CONTENT[:350_000])
    known(server.serve("/a", CONTENT))
    fetch("toys", progress=True)
    text = shown.getvalue()
    assert "toys.bin:  50%" in text and "350000/700000" in text
    last = text.split("\r")[-1]
    assert "toys.bin: 100%" in last and "700000/700000" in last and "B/s" in last


def ask(_):
    return fetch("toys")["toys.bin"].read_bytes() == CONTENT


def test_two_calls_at_once_transfer_once(server, known):
    known(server.serve("/a", CONTENT, pause=0.05))
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(ask, [0, 1]) == [True, True]
    assert len(server.asked) == 1


def test_a_call_that_waits_says_so(server, known, home):
    from filelock import FileLock

    known(server.serve("/a", CONTENT))
    home.mkdir(parents=True)
    lock, lines = FileLock(f"{home / 'toys.bin'}.lock"), []

    def say(line):
        lines.append(line)
        lock.release()

    # Held by this thread through another object: the lock knows only files.
    lock.acquire()
    fetch("toys", say=say)
    assert lines[0] == "toys.bin: another call is bringing it; waiting for that"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('name = "../toys.bin"', r"expected a plain file name as `name`.*received '../toys.bin'"),
        ("name = 3", "expected a plain file name"),
        ('sha256 = "none"', r"expected 64 hexadecimal digits .*what has no hash cannot be trusted"),
        ("urls = []", "expected a list of addresses as `urls`"),
        ('bytes = "many"', "expected a whole number as `bytes`"),
    ],
)
def test_a_registry_must_be_complete(known, tmp_path, line, message):
    known("http://example.org/a")
    file = tmp_path / "registry.toml"
    lines = [old for old in file.read_text().split("\n") if old.split()[0] != line.split()[0]]
    file.write_text("\n".join([*lines, line]))
    with pytest.raises(InputError, match=message):
        fetch("toys")


@pytest.mark.parametrize("line", ["split = { trial = 3 }", "split = { train = 0 }", "split = 3"])
def test_a_split_is_numbers_of_pictures(known, tmp_path, line):
    known("http://example.org/a")
    file = tmp_path / "registry.toml"
    file.write_text(file.read_text().replace("[toys]", f"[toys]\n{line}"))
    with pytest.raises(InputError, match="expected numbers of pictures for train, validation, te"):
        fetch("toys")


def test_a_set_without_files(known, tmp_path):
    known("http://example.org/a")
    (tmp_path / "registry.toml").write_text("[toys]\n")
    with pytest.raises(InputError, match=r"expected \[\[toys.files\]\] in the registry"):
        fetch("toys")


def script(*arguments):
    command = [sys.executable, str(ROOT / "data_scripts" / "fetch.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_script_tells_the_users_mistakes_from_the_worlds(known):
    known(f"http://127.0.0.1:{closed_port()}/a")
    mistake, world = script("toy"), script("toys")
    assert (mistake.returncode, world.returncode) == (2, 1)
    assert "did you mean 'toys'?" in mistake.stderr
    for done in (mistake, world):
        assert len(done.stderr.strip().splitlines()) == 1 and done.stderr.startswith(
            "course: expec"
        )
    assert script("--registry", "none.toml").returncode == 2


def test_the_script_lists_and_fetches(server, known):
    known(server.serve("/a", CONTENT, cuts=[1000]))
    assert "toys" in script().stdout and "not here" in script().stdout
    first, second = script("toys"), script("toys")
    assert "toys: verified in" in first.stdout
    assert "nothing to do" in second.stdout and "downloaded" in script().stdout
    assert (first.returncode, second.returncode) == (0, 0)
