"""Bringing bytes to disk ends with the step's time, however slowly or seldom they come."""

import hashlib
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sluice.deadline import deadline
from sluice.errors import RetryError
from sluice.sources.acquire import Item, acquire
from sluice.sources.files import hashed
from sluice.sources.model import HttpSource
from tests.errors.conftest import self_signed


class Slow(BaseHTTPRequestHandler):
    """/trickle sends a byte at a time, /stuck stops after some, /mute sends nothing at all.

    /endless stops as /stuck does and told no length, so that its end is the end of the connection.
    """

    def do_GET(self) -> None:
        with suppress(OSError):
            if self.path != "/mute":
                self.send_response(200)
                if self.path != "/endless":
                    self.send_header("Content-Length", "1000000")
                self.end_headers()
                self.wfile.write(b"x" * 1000)
            while not self.server.over.wait(0.05):  # type: ignore[attr-defined]
                if self.path == "/trickle":
                    self.wfile.write(b"x")

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture(scope="module", params=["http", "https"])
def slow_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    if request.param == "https":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self_signed(tmp_path_factory.mktemp("tls") / "server.pem"))
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.over = threading.Event()  # type: ignore[attr-defined]
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"{request.param}://127.0.0.1:{server.server_port}"
    server.over.set()  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("how", ["trickle", "stuck", "mute", "endless"])
def test_a_slow_download_is_stopped(slow_server: str, tmp_path: Path, how: str) -> None:
    url = f"{slow_server}/{how}"
    item = Item(url, "slow.csv", None, HttpSource(url=url))
    began = time.monotonic()
    with pytest.raises(RetryError, match="'collect data' was stopped"), deadline("collect data", 1):
        acquire(item, tmp_path, {"verify": False})
    assert 1 <= time.monotonic() - began < 1.5


def test_without_a_deadline_a_file_is_hashed_and_after_it_not(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    content = b"a,b\n" * 1_000_000
    path.write_bytes(content)
    assert hashed(path) == hashlib.sha256(content).hexdigest()
    with pytest.raises(RetryError), deadline("collect data", 0):
        hashed(path)
