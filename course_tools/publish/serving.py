"""A folder of pages shown on this machine alone, as a web server would show it."""

import contextlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from course_utils.errors import WorldError

__all__ = ["server", "wait"]


class _Quiet(SimpleHTTPRequestHandler):
    """Files of a folder, without a line for each request."""

    def log_message(self, *parts: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def server(folder: Path, *, port: int = 0) -> Iterator[str]:
    """Serve a folder on the loopback address, as long as the block runs.

    Args:
        folder: the folder.
        port: 0 takes any that is free.

    Returns:
        The address of the first page.

    Raises:
        WorldError: the port is taken.

    Example:
        >>> import tempfile, urllib.request
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "index.html").write_text("hello")
        >>> with server(folder) as address, urllib.request.urlopen(address) as page:
        ...     page.read()
        b'hello'
    """
    handler = partial(_Quiet, directory=str(folder))
    try:
        httpd = ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        raise WorldError(
            f"expected port {port} to be free, it is not ({error.strerror}): "
            "choose another with --port"
        ) from error
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_port}/"
    finally:
        httpd.shutdown()
        httpd.server_close()


def wait() -> None:
    """Wait until somebody presses Ctrl-C."""
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()
