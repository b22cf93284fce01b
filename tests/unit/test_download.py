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
import small_archives
from filelock import FileLock

from course_tools.datasets import command, download
from course_tools.datasets.download import fetch
from course_utils import cache, datasets
from course_utils.datasets import imagenet, registry
from course_utils.datasets.embedded import open_embedded
from course_utils.errors import CourseError, InputError, WorldError

BLOCK = 1 << 15
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
    monkeypatch.setattr(download, "_PAUSES", (0.01, 0.01))
    monkeypatch.setenv("COURSE_CACHE_DIR", str(tmp_path / "홍 길동"))
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "given"))
    (tmp_path / "given").mkdir()
    return tmp_path / "홍 길동" / "downloads" / "toys"


@pytest.fixture
def known(monkeypatch, tmp_path):
    """Write a registry of one set of one file."""

    def write(*urls, content=CONTENT, size=True):
        text = small_archives.entry("toys", {"toys.bin": content}, urls=urls, sizes=size)
        (tmp_path / "registry.toml").write_text(text, encoding="utf-8")
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
    assert {path.name for path in home.iterdir()} <= {"toys.bin", "toys.bin.lock"}


@pytest.mark.parametrize(
    ("behaviour", "size", "asked", "again"),
    [
        ({"cuts": [9 * BLOCK, 6 * BLOCK + 5]}, True, ["", 9 * BLOCK, 15 * BLOCK + 5], 0),
        ({"cuts": [9 * BLOCK]}, False, ["", 9 * BLOCK], 0),
        ({"cuts": [9 * BLOCK], "length": False}, True, ["", 9 * BLOCK], 0),
        ({"cuts": [9 * BLOCK], "ranges": False}, True, ["", 9 * BLOCK], 9 * BLOCK),
        ({"cuts": [9 * BLOCK], "early": 1000}, True, ["", 9 * BLOCK], 1000),
    ],
    ids=["twice", "no size published", "no length told", "no ranges", "from before"],
)
def test_a_cut_transfer_goes_on_where_it_was_cut(server, known, behaviour, size, asked, again):
    known(server.serve("/a", CONTENT, **behaviour), size=size)
    assert brought() == CONTENT
    assert ranges(server) == [f"bytes={start}-" if start else "" for start in asked]
    assert server.sent == len(CONTENT) + again


def part(home, content):
    home.mkdir(parents=True)
    (home / "toys.bin.part").write_bytes(content)


@pytest.mark.parametrize(
    ("came", "asked"),
    [(CONTENT[:123_456], ["bytes=123456-"]), (CONTENT, [])],
    ids=["a part", "all, only not renamed"],
)
def test_an_earlier_call_that_was_killed_is_continued(server, known, home, came, asked):
    part(home, came)
    known(server.serve("/a", CONTENT))
    assert brought() == CONTENT
    assert ranges(server) == asked


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
    assert all(word in told for word in ("no connection", "404", "503", "13 bytes"))


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Length": "many"},
        {"Content-Length": "²"},
        {"Content-Length": "-1"},
        {"Content-Length": "9" * 5000},
        {"Content-Range": "bytes 5-"},
        {"Location": "http://[::1/"},
        {"Location": "http://" + "a" * 70 + ".example/"},
        {"Content-Encoding": "gzip, br"},
    ],
)
@pytest.mark.parametrize("status", [200, 206, 302])
def test_a_server_that_answers_oddly_does_not_keep_the_good_mirror_from_being_asked(
    server, known, headers, status
):
    odd = server.serve("/odd", b"odd", status=status, headers=headers, length=False)
    known(odd, server.serve("/good", CONTENT))
    assert brought() == CONTENT


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
    for content in (CONTENT, other):
        assert hashlib.sha256(content).hexdigest()[:12] in str(caught.value)
    assert {path.name for path in home.iterdir()} <= {"toys.bin.lock"}


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/octet-stream"])
@pytest.mark.parametrize("size", [True, False])
def test_an_html_page_is_called_one_and_costs_nothing_of_what_came_before(
    server, known, home, kind, size
):
    page = b"<!DOCTYPE html><html>please log in</html>"
    known(server.serve("/a", page, kind=kind, ranges=False), size=size)
    with pytest.raises(WorldError, match=r"HTML page|41 bytes"):
        fetch("toys")
    if size or kind.startswith("text"):
        (home / "toys.bin.part").write_bytes(CONTENT[:123_456])
        with pytest.raises(WorldError, match="what came is kept"):
            fetch("toys")
        assert (home / "toys.bin.part").read_bytes() == CONTENT[:123_456]


def test_an_endless_answer_is_stopped(server, known):
    known(server.serve("/a", CONTENT + b"x" * 500_000, length=False))
    with pytest.raises(WorldError, match="more than the 700,000 bytes"):
        fetch("toys")


def test_an_archive_is_stored_as_published_whatever_encoding_is_declared(server, known):
    zipped = gzip.compress(CONTENT[:5000])
    known(server.serve("/a", zipped, headers={"Content-Encoding": "x-gzip"}), content=zipped)
    assert brought() == zipped


def test_a_server_that_stalls_is_given_up(server, known, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.2)
    monkeypatch.setattr(download, "_PAUSES", ())
    known(server.serve("/a", CONTENT, pause=1.0))
    with pytest.raises(WorldError, match=r"no answer within 0\.2 s"):
        fetch("toys")


def test_no_network(known):
    known(f"http://127.0.0.1:{closed_port()}/a", "http://no-such-host.invalid/a")
    with pytest.raises(WorldError, match=r"no-such-host\.invalid no connection") as caught:
        fetch("toys")
    assert "\n" not in str(caught.value) and "COURSE_DATA_DIR" in str(caught.value)


def test_certificates_that_are_gone(known, monkeypatch, tmp_path):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "gone.pem"))
    known(f"https://127.0.0.1:{closed_port()}/a")
    with pytest.raises(InputError, match=r"gone\.pem.*REQUESTS_CA_BUNDLE"):
        fetch("toys")


def test_another_scheme(known):
    known("ftp://example.org/a")
    with pytest.raises(WorldError, match=r"ftp://example\.org/a"):
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
    given = tmp_path / "given" / "toys" / "toys.bin"
    known(server.serve("/a", CONTENT))
    fetch("toys")
    assert list((tmp_path / "given").iterdir()) == []
    given.parent.mkdir()
    given.write_bytes(b"altered")
    assert fetch("toys") == registry.verified("toys") == {"toys.bin": home / "toys.bin"}
    assert given.read_bytes() == b"altered" and len(server.asked) == 1
    given.write_bytes(CONTENT)
    shutil.rmtree(home)
    assert fetch("toys") == {"toys.bin": given} and len(server.asked) == 1


def test_downloads_go_to_the_systems_place_when_no_folder_is_given(monkeypatch):
    monkeypatch.delenv("COURSE_DATA_DIR")
    assert registry.download_folder("toys") == cache.data_folder() / "toys"
    assert registry.folders("toys") == (cache.data_folder() / "toys",)


def test_no_room_is_said_before_anything_is_transferred(server, known, monkeypatch):
    known(server.serve("/a", CONTENT))
    usage = shutil._ntuple_diskusage(10**9, 10**9 - 100, 100)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(WorldError, match=r"0\.7 MB of room for toys\.bin"):
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
@pytest.mark.parametrize("variable", ["COURSE_CACHE_DIR", "COURSE_DATA_DIR"])
@pytest.mark.parametrize("place", ["", "new", "secret", "secret/deeper"])
def test_a_user_without_permission_reads_one_line(monkeypatch, unprivileged, variable, place):
    monkeypatch.setenv("COURSE_CACHE_DIR", str(unprivileged / "cache"))
    monkeypatch.setenv("COURSE_DATA_DIR", str(unprivileged))
    monkeypatch.setenv(variable, str(unprivileged / place))
    monkeypatch.delenv("COURSE_REGISTRY", raising=False)
    few = {"train": 1, "validation": 1, "test": 1}
    calls = {
        "list": command.listing,
        "prepare": lambda: command.prepare_all(["cifar10"]),
        "bring": lambda: command.bring(["images"]),
        "draw": lambda: open_embedded("things", few, seed=0, size=None),
        "open": lambda: datasets.open("cifar10"),
        "photograph": lambda: datasets.photograph("elephant"),
        "weights": imagenet.class_names,
    }
    for name, call in calls.items():
        try:
            call()
        except CourseError as error:
            assert "\n" not in str(error)
        else:
            assert name in ("list", "weights")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, r"toys\.bin, the disk of .* is full"),
        (errno.EROFS, "permission was refused"),
        (errno.EIO, r"\[Errno 5\]"),
    ],
)
def test_what_the_disk_refuses_is_said_and_what_came_is_kept(
    server, known, monkeypatch, number, words
):
    known(server.serve("/a", CONTENT))

    def fail(*_):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(WorldError, match=words):
            fetch("toys")
    assert brought() == CONTENT
    assert len(server.asked) == 1


def test_the_bar_shows_size_and_speed_and_begins_where_the_transfer_does(
    server, known, home, monkeypatch
):
    import tqdm

    shown = io.StringIO()
    monkeypatch.setattr(
        download, "_bar", lambda title, progress: tqdm.tqdm(desc=title, unit="B", file=shown)
    )
    part(home, CONTENT[:350_000])
    known(server.serve("/a", CONTENT))
    fetch("toys", progress=True)
    text = shown.getvalue()
    assert "toys.bin:  50%" in text and "350000/700000" in text
    last = text.split("\r")[-1]
    assert "toys.bin: 100%" in last and "700000/700000" in last and "B/s" in last


def ask(_):
    return brought() == CONTENT


def test_two_calls_at_once_transfer_once(server, known):
    known(server.serve("/a", CONTENT, pause=0.05))
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(ask, [0, 1]) == [True, True]
    assert len(server.asked) == 1


def test_a_call_that_waits_says_so(server, known, home):
    known(server.serve("/a", CONTENT))
    home.mkdir(parents=True)
    lock, lines = FileLock(f"{home / 'toys.bin'}.lock"), []

    def say(line):
        lines.append(line)
        lock.release()

    # Held by this thread through another object: the lock knows only files.
    lock.acquire()
    fetch("toys", say=say)
    assert "waiting" in lines[0]


@pytest.mark.parametrize(
    ("line", "received"),
    [
        ('name = "../toys.bin"', r"'\.\./toys\.bin'"),
        ("name = 3", "3"),
        ('sha256 = "none"', "'none'"),
        ("urls = []", r"\[\]"),
        ('bytes = "many"', "'many'"),
    ],
)
def test_a_registry_must_be_complete(known, tmp_path, line, received):
    known("http://example.org/a")
    file = tmp_path / "registry.toml"
    lines = [old for old in file.read_text().split("\n") if old.split()[0] != line.split()[0]]
    file.write_text("\n".join([*lines, line]))
    with pytest.raises(InputError, match=f"`{line.split()[0]}`.*{received}"):
        fetch("toys")


@pytest.mark.parametrize("split", ["{ trial = 3 }", "{ train = 0 }", "3"])
def test_a_split_is_numbers_of_images(known, tmp_path, split):
    known("http://example.org/a")
    file = tmp_path / "registry.toml"
    file.write_text(file.read_text().replace("[toys]", f"[toys]\nsplit = {split}"))
    with pytest.raises(InputError, match="`split` of toys"):
        fetch("toys")


def test_a_registry_that_is_none(known, tmp_path, monkeypatch):
    known("http://example.org/a")
    file = tmp_path / "registry.toml"
    for content, words in (
        (b"[toys]\n", r"\[\[toys\.files\]\]"),
        (b"x = ", "bad TOML|TOML in UTF-8"),
        ("[toys]".encode("utf-16"), "TOML in UTF-8"),
    ):
        file.write_bytes(content)
        with pytest.raises(InputError, match=words):
            registry.entry("toys")
    monkeypatch.setenv("COURSE_REGISTRY", str(tmp_path / "none.toml"))
    with pytest.raises(InputError, match=r"none\.toml"):
        registry.entry("toys")


def test_a_registry_with_the_mark_of_windows_editor(known, tmp_path):
    known("http://example.org/a")
    file = tmp_path / "registry.toml"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert registry.entry("toys")["files"][0]["name"] == "toys.bin"


def script(*arguments):
    command = [sys.executable, str(ROOT / "data_scripts" / "fetch.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_script_lists_and_fetches_and_tells_the_users_mistakes_from_the_worlds(server, known):
    known(server.serve("/a", CONTENT, cuts=[1000]))
    listed, fetched = script(), script("toys")
    assert "toys" in listed.stdout and "not here" in listed.stdout
    assert "toys: verified in" in fetched.stdout
    known(f"http://127.0.0.1:{closed_port()}/a", content=b"another")
    mistake, world = script("toy", "--registry", os.environ["COURSE_REGISTRY"]), script("toys")
    assert [done.returncode for done in (listed, fetched, mistake, world)] == [0, 0, 2, 1]
    for done in (mistake, world):
        assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("course: expected")
