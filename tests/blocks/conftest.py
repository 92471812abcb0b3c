"""Real servers for the blocks: one that redirects and repeats what it was sent, one that speaks S3."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests import stores


class Echo(BaseHTTPRequestHandler):
    """Answers with the request's headers; ``/to?URL`` redirects."""

    def do_GET(self) -> None:
        if self.path.startswith("/to?"):
            self.send_response(302)
            self.send_header("Location", self.path[4:])
            self.end_headers()
            return
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", stores.MODIFIED)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Tests print nothing."""


@pytest.fixture
def echo() -> Iterator[str]:
    """URL of a server that repeats the headers it gets."""
    yield from _echo()


@pytest.fixture
def other_echo() -> Iterator[str]:
    """URL of another such server."""
    yield from _echo()


def _echo() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def s3() -> Iterator[str]:
    """Endpoint of a server that speaks S3, with the object ``exports/daily/a.csv``."""
    with stores.speaking_s3("exports", {"daily/a.csv": b"id\n1\n"}) as endpoint:
        yield endpoint
