"""Object stores to test against: a real server that speaks S3, and one that refuses or breaks off by bucket."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer

KEY, SECRET = "ann", "hunter2"
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
REGION = "us-east-1"


@contextmanager
def speaking_s3(bucket: str, objects: dict[str, bytes]) -> Iterator[str]:
    """Endpoint of a server with one bucket. It takes any key until ``asking_for_keys``."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        client = client_of(f"http://{host}:{port}")
        client.create_bucket(Bucket=bucket)
        for key, body in objects.items():
            client.put_object(Bucket=bucket, Key=key, Body=body)
        yield f"http://{host}:{port}"
    finally:
        httpx.post(f"http://{host}:{port}/moto-api/reset")
        server.stop()


def client_of(endpoint: str) -> Any:
    """A client of another make, to put objects there."""
    return boto3.client(
        "s3", endpoint_url=endpoint, aws_access_key_id="a", aws_secret_access_key="b", region_name=REGION
    )


@contextmanager
def asking_for_keys(endpoint: str) -> Iterator[None]:
    """The server knows no key any more, and refuses them all."""
    url = f"{endpoint}/moto-api/reset-auth"
    httpx.post(url, content="0")
    try:
        yield
    finally:
        httpx.post(url, content="inf")


def use(patch: pytest.MonkeyPatch, endpoint: str) -> None:
    """Name the endpoint and the keys as a user of the command line does."""
    patch.setenv("NO_PROXY", "127.0.0.1")
    for name, value in environment(endpoint).items():
        patch.setenv(name, value)


def environment(endpoint: str) -> dict[str, str]:
    """What to set for an S3-compatible server."""
    return {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": REGION, **dict(zip(KEYS, (KEY, SECRET), strict=True))}


class Refusing(BaseHTTPRequestHandler):
    """Answers by bucket: ``403-CODE`` refuses, ``cut`` breaks off in the body, any other is a website."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        bucket = self.path.strip("/").partition("/")[0].partition("?")[0]
        status, _, code = bucket.partition("-")
        if status.isdigit():
            self._answer(
                int(status), f"<Error><Code>{code}</Code><Message>{SECRET}</Message></Error>".encode()
            )
        elif bucket == "cut":
            self._break_off()
        else:
            self._answer(200, b"Welcome to our site.")

    def do_HEAD(self) -> None:
        self.do_GET()

    def _break_off(self) -> None:
        """Three bytes, wherever the rest is asked for from."""
        self.close_connection = True
        begin = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
        headers = {"ETag": '"1"', "Last-Modified": MODIFIED, "Content-Range": f"bytes {begin}-99/100"}
        self._answer(206 if begin else 200, b"id\n", length=100 - begin, **headers)

    def _answer(self, status: int, body: bytes, length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        with suppress(ConnectionError):
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


MODIFIED = "Wed, 21 Oct 2015 07:28:00 GMT"


@contextmanager
def refusing() -> Iterator[str]:
    """Endpoint of a server that never delivers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
