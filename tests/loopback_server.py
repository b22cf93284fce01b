"""A real HTTP server on the loopback, which misbehaves as it is told."""

import contextlib
import http.server
import re
import threading
import time
from dataclasses import dataclass, field


@dataclass
class Behaviour:
    """How one address answers.

    Attributes:
        content: of the file.
        ranges: whether parts are served; else every answer is the whole.
        cuts: after so many bytes of the body the connection is cut; one number for each answer,
            taken from the front.
        status: of the answer.
        headers: on top of the usual ones.
        kind: the Content-Type.
        length: whether the Content-Length is told.
        early: parts begin so many bytes before the one that was asked for.
        pause: seconds before the body, and `chunk` bytes at a time with as long between them.
        chunk: bytes at a time.
    """

    content: bytes = b""
    ranges: bool = True
    cuts: list = field(default_factory=list)
    status: int = 200
    headers: dict = field(default_factory=dict)
    kind: str = "application/octet-stream"
    length: bool = True
    early: int = 0
    pause: float = 0.0
    chunk: int = 1 << 16


class Server:
    """What is served, and what was asked."""

    def __init__(self, address):
        self.base = f"http://{address[0]}:{address[1]}"
        self.paths = {}
        self.asked = []  # (path, Range header or "")
        self.sent = 0  # bytes of bodies

    def serve(self, path, content=b"", **behaviour):
        self.paths[path] = Behaviour(content, **behaviour)
        return f"{self.base}{path}"


@contextlib.contextmanager
def running(folder=None, *, pause=0.0):
    """A server on a free port: of what `serve` is told, and of the files of a folder, if given."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"  # one answer for each connection

        def log_message(self, *_):
            pass

        def do_GET(self):
            with contextlib.suppress(ConnectionError):
                self.answer()

        def answer(self):
            asked = self.headers.get("Range", "")
            server.asked.append((self.path, asked))
            told = server.paths.get(self.path)
            file = None if folder is None else folder / self.path.lstrip("/")
            if told is None and file is not None and file.is_file():
                told = Behaviour(file.read_bytes(), pause=pause, chunk=1 << 18)
            if told is None:
                self.send_error(404)
                return
            content, status, headers = told.content, told.status, dict(told.headers)
            found = re.fullmatch(r"bytes=(\d+)-", asked)
            if found and told.ranges and status == 200:
                start = max(0, int(found[1]) - told.early)
                if start >= len(content):
                    status = 416
                    headers["Content-Range"] = f"bytes */{len(content)}"
                    content = b""
                else:
                    status = 206
                    headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
                    content = content[start:]
            self.send_response(status)
            self.send_header("Content-Type", told.kind)
            if told.length:
                self.send_header("Content-Length", str(len(content)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            until = told.cuts.pop(0) if told.cuts else len(content)
            for place in range(0, min(until, len(content)), told.chunk):
                time.sleep(told.pause)
                piece = content[place : min(place + told.chunk, until)]
                self.wfile.write(piece)
                server.sent += len(piece)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http_server:
        server = Server(http_server.server_address)
        thread = threading.Thread(target=http_server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            http_server.shutdown()
            thread.join()
