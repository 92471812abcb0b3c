"""Bodies: refused by what they announce, else as soon as there is too much of them, and never kept."""

import http.client
import socket
from urllib.parse import urlsplit

import pytest
from starlette.exceptions import HTTPException

from gateway.limits import Limits

LIMIT = 2_000_000  # bytes of a file: see gateway_settings
BOUNDARY = "x-boundary"
HEAD = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="projects-big.csv"\r\n\r\n'.encode()
FORM = f"multipart/form-data; boundary={BOUNDARY}"


def begun(url, path, token, kind, length=None):
    """A POST whose headers are sent, and not a byte of its body."""
    line = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    line.putrequest("POST", path)
    line.putheader("Authorization", token)
    line.putheader("Content-Type", kind)
    line.putheader(*(("Content-Length", str(length)) if length else ("Transfer-Encoding", "chunked")))
    line.endheaders()
    return line


@pytest.mark.parametrize(
    ("path", "kind", "length"),
    [
        ("/api/ingest/init", "application/json", 1_000_001),
        ("/api/pipeline/callback", "application/json", 10**12),
        ("/api/ingest/csv", FORM, 20 * LIMIT + 1_000_001),
        ("/api/ingest/csv", "application/x-www-form-urlencoded", 1_000_001),
        ("/api/uploads/up_1_0?expires=1&signature=0", "application/octet-stream", 10**9),
        ("/docs", "text/plain", 10**9),
    ],
)
def test_what_announces_too_much_is_refused_before_it_is_sent(gateway, client, path, kind, length):
    reply = begun(gateway, path, client().headers["authorization"], kind, length).getresponse()
    assert reply.status == 413
    assert '"success": false' in reply.read().decode()


@pytest.mark.parametrize(
    ("path", "kind", "head", "most"),
    [
        ("/api/ingest/init", "application/json", b'{"filename": "', 1_000_000),
        ("/api/pipeline/callback", "application/json", b'{"job_id": "', 1_000_000),
        ("/api/ingest/csv", FORM, HEAD, LIMIT),
    ],
)
def test_what_announces_nothing_is_refused_as_soon_as_it_is_too_much(
    gateway, client, gateway_settings, path, kind, head, most
):
    line = begun(gateway, path, client().headers["authorization"], kind)
    for chunk in (head, *[b"x" * 50_000] * (most // 50_000 + 2)):
        line.send(b"%x\r\n%s\r\n" % (len(chunk), chunk))
    reply = line.getresponse()  # the body has not ended
    assert reply.status == 413
    assert '"success": false' in reply.read().decode()
    assert not list((gateway_settings.root / "spool").glob("*"))


def test_a_form_is_not_read_from_who_has_no_token(gateway):
    reply = begun(gateway, "/api/ingest/csv", "Bearer none", FORM, 1_000_000).getresponse()
    assert reply.status == 401
    assert begun(gateway, "/api/ingest/csv", "none", FORM, 1_000_000).getresponse().status == 401


def test_more_files_than_allowed_are_refused(client):
    files = [("file", (f"projects-{n}.csv", b"id\n1\n")) for n in range(21)]
    reply = client().post("/api/ingest/csv", files=files)
    assert reply.status_code == 413
    assert "20 files" in reply.json()["message"]


def test_a_client_that_falls_silent_is_left(gateway_settings):
    import anyio

    async def silent():
        await anyio.sleep_forever()

    async def app(scope, receive, send):
        await receive()

    async def ask():
        scope = {"type": "http", "path": "/", "headers": [], "method": "POST"}
        await Limits(app, gateway_settings, patience=0.05)(scope, silent, silent)

    with pytest.raises(HTTPException) as caught:
        anyio.run(ask)
    assert caught.value.status_code == 408


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 1e3\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip\r\n",
        b"X: " + b"x" * 200_000 + b"\r\n",
    ],
)
def test_headers_that_contradict_themselves_are_refused(gateway, client, headers):
    address = urlsplit(gateway)
    token = client().headers["authorization"].encode()
    with socket.create_connection((address.hostname, address.port), timeout=10) as line:
        line.sendall(
            b"POST /api/ingest/init HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Authorization: " + token + b"\r\n" + headers + b"\r\n{}\r\n0\r\n\r\n"
        )
        assert line.recv(100).startswith((b"HTTP/1.1 4", b"HTTP/1.1 501"))
