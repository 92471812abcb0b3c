"""Servers that break off, drip, or say something else than they send: on a plain socket, byte by byte as it is told."""

import gzip
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from sluice.deadline import deadline
from sluice.errors import RetryError, SourceError
from sluice.sources.api.client import Client
from sluice.sources.api.fetch import fetch
from sluice.sources.api.spool import spooled
from sluice.sources.guard import Guard
from sluice.sources.model import ApiSource

Act = Callable[[socket.socket], None]
BODY = json.dumps([{"name": f"item-{number}"} for number in range(50)]).encode()


def sent(*parts: bytes) -> Act:
    """Send these and hang up."""
    return lambda line: line.sendall(b"".join(parts))


def head(length: int, *more: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", "Content-Type: application/json", f"Content-Length: {length}", *more]
    return "\r\n".join([*lines, "", ""]).encode()


def reset(line: socket.socket) -> None:
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def reset_in_the_body(line: socket.socket) -> None:
    line.sendall(head(len(BODY)) + BODY[:200])
    time.sleep(0.1)
    reset(line)


def drip(line: socket.socket) -> None:
    line.sendall(head(len(BODY)))
    with suppress(OSError):
        for byte in BODY:
            line.sendall(bytes([byte]))
            time.sleep(0.05)


GOOD = sent(head(len(BODY), "Connection: close"), BODY)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@contextmanager
def listening(act: Callable[[socket.socket, bytes], None]) -> Iterator[str]:
    """A server that does this with each connection and what it asks; its URL."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                line, _ = listener.accept()
                with closing(line), suppress(OSError):
                    request = b""
                    while b"\r\n\r\n" not in request:
                        request += line.recv(65536)
                    act(line, request)

    threading.Thread(target=serve, daemon=True).start()
    with closing(listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/items"


@contextmanager
def speaking(*acts: Act) -> Iterator[tuple[str, list[int]]]:
    """A server that does one of the acts at each connection, and the last for ever; its URL and what it has done."""
    done = list[int]()

    def act(line: socket.socket, _: bytes) -> None:
        done.append(len(done))
        acts[min(len(done), len(acts)) - 1](line)

    with listening(act) as url:
        yield url, done


def count(folder: Path, url: str) -> int:
    with spooled(folder) as spool, Client(Guard(anywhere=True)).opened() as client:
        fetch(ApiSource(url=url), client, spool)
        return spool.at.records


@pytest.mark.parametrize(
    "fault",
    [
        reset,
        reset_in_the_body,
        sent(),
        sent(head(len(BODY)), BODY[:100]),
        sent(CHUNKED, b"40\r\n", BODY[:64], b"\r\n"),
        sent(b"HTTP/1.1 2"),
        sent(b"SSH-2.0-OpenSSH_9.6\r\n"),
    ],
    ids=["reset", "reset in the body", "silence", "truncated", "cut chunks", "cut head", "another protocol"],
)
def test_a_line_that_breaks_is_asked_again(tmp_path: Path, fault: Act) -> None:
    with speaking(fault, fault, GOOD) as (url, done):
        assert count(tmp_path, url) == 50
        assert len(done) == 3


def test_what_is_cut_by_a_length_that_is_too_short_is_not_taken(tmp_path: Path) -> None:
    with speaking(sent(head(100), BODY)) as (url, _), pytest.raises(SourceError, match="no JSON"):
        count(tmp_path, url)


def test_a_packed_body_that_is_damaged_is_told(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(BODY))
    packed[20:40] = bytes(20)
    answer = sent(head(len(packed), "Content-Encoding: gzip"), bytes(packed))
    with speaking(answer) as (url, _), pytest.raises(SourceError, match="items"):
        count(tmp_path, url)


def test_a_packed_body_is_unpacked(tmp_path: Path) -> None:
    packed = gzip.compress(BODY)
    with speaking(sent(head(len(packed), "Content-Encoding: gzip"), packed)) as (url, _):
        assert count(tmp_path, url) == 50


def test_a_drip_ends_with_the_steps_time(tmp_path: Path) -> None:
    began = time.monotonic()
    with (
        speaking(drip) as (url, _),
        pytest.raises(RetryError, match="not done after"),
        deadline("collect", 2),
    ):
        count(tmp_path, url)
    assert time.monotonic() - began < 5


def test_redirects_that_go_round_are_told(tmp_path: Path) -> None:
    answer = sent(b"HTTP/1.1 302 Found\r\nLocation: /items\r\nContent-Length: 0\r\n\r\n")
    with speaking(answer) as (url, _), pytest.raises(SourceError, match="redirects"):
        count(tmp_path, url)


def test_a_server_that_never_answers_well_is_given_up_in_time(tmp_path: Path) -> None:
    began = time.monotonic()
    with speaking(reset) as (url, _), pytest.raises(RetryError), deadline("collect", 3):
        count(tmp_path, url)
    assert time.monotonic() - began < 5


WHOLE = json.dumps([{"name": f"item-{number}", "text": "x" * 1000} for number in range(6000)]).encode()


class Ranges:
    """A server of one large answer that breaks off at each of ``cuts``, and knows ranges."""

    def __init__(self, *cuts: int, tag: str = '"one"') -> None:
        self.cuts, self.tag, self.asked = list(cuts), tag, list[str]()

    def act(self, line: socket.socket, request: bytes) -> None:
        told = dict(one.lower().split(b": ", 1) for one in request.split(b"\r\n")[1:] if b": " in one)
        begin = int(told[b"range"][6:-1]) if told.get(b"if-range", b"").decode() == self.tag else 0
        self.asked.append(told.get(b"range", b"").decode())
        status = b"206 Partial Content" if begin else b"200 OK"
        rest = WHOLE[begin:]
        cut = self.cuts.pop(0) - begin if self.cuts else len(rest)
        line.sendall(
            b"HTTP/1.1 "
            + status
            + b"\r\nConnection: close\r\nAccept-Ranges: bytes\r\nETag: "
            + self.tag.encode()
            + b"\r\nContent-Range: bytes %d-%d/%d" % (begin, len(WHOLE) - 1, len(WHOLE))
            + b"\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(rest)
            + rest[:cut]
        )


def test_a_large_answer_is_gone_on_with_where_it_broke_off_and_kept_as_it_came(tmp_path: Path) -> None:
    server = Ranges(1_500_000, 4_000_000)
    with listening(server.act) as url, spooled(tmp_path) as spool:
        with Client(Guard(anywhere=True)).opened() as client:
            fetch(ApiSource(url=url), client, spool)
        assert (tmp_path / "000000.ndjson").read_bytes() == WHOLE
        assert (spool.at.done, spool.at.raw, spool.at.validators) == (True, True, {"etag": '"one"'})
    assert server.asked == ["", "bytes=1500000-", "bytes=4000000-"]


def test_another_process_goes_on_with_a_large_answer(tmp_path: Path) -> None:
    server = Ranges(2_000_000)
    with listening(server.act) as url:
        with pytest.raises(RetryError), deadline("collect", 0.4):
            count(tmp_path, url)
        count(tmp_path, url)
        assert (tmp_path / "000000.ndjson").read_bytes() == WHOLE
    assert server.asked == ["", "bytes=2000000-"]


def test_an_answer_that_has_changed_meanwhile_begins_anew(tmp_path: Path) -> None:
    server = Ranges(3_000_000)

    def act(line: socket.socket, request: bytes) -> None:
        server.act(line, request)
        server.tag = '"two"'

    with listening(act) as url, spooled(tmp_path) as spool:
        with Client(Guard(anywhere=True)).opened() as client:
            fetch(ApiSource(url=url), client, spool)
        assert (tmp_path / "000000.ndjson").read_bytes() == WHOLE
        assert spool.at.validators == {"etag": '"two"'}
