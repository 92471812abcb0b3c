"""Files behind URLs on the one client: gone on with, guarded where they lead, and no slower than a server may be."""

import hashlib
import socket
from pathlib import Path
from typing import Any

import pytest

from sluice.errors import InputError, RetryError
from sluice.settings import settings
from sluice.sources import acquire
from sluice.sources.acquire import Landed
from sluice.sources.api import client as web
from sluice.sources.model import HttpSource
from tests.sources.api.test_broken_lines import WHOLE, Ranges, drip, head, listening, sent, speaking


@pytest.fixture(autouse=True)
def fresh_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    yield
    settings.cache_clear()


def landed(folder: Path, url: str, **more: Any) -> Landed:
    source = HttpSource(url=url, **more)
    (item,) = acquire.validate(source)
    return acquire.acquire(item, folder)


def test_a_download_that_breaks_off_is_gone_on_with_and_its_hash_is_of_the_whole(tmp_path: Path) -> None:
    server = Ranges(len(WHOLE), 1_500_000, 4_000_000)
    with listening(server.act) as url:
        found = landed(tmp_path, url)
    assert found.path.read_bytes() == WHOLE
    assert (found.size, found.sha256) == (len(WHOLE), hashlib.sha256(WHOLE).hexdigest())
    assert server.asked == ["", "", "bytes=1500000-", "bytes=4000000-"]


def test_a_download_that_begins_anew_is_hashed_anew(tmp_path: Path) -> None:
    body = b"id,name\n1,a\n"
    cut = sent(head(len(body)), body[:5])
    with speaking(sent(head(len(body)), body), cut, sent(head(len(body)), body)) as (url, done):
        found = landed(tmp_path, url)
    assert found.path.read_bytes() == body
    assert found.sha256 == hashlib.sha256(body).hexdigest()
    assert len(done) == 3


def test_a_server_says_when_to_come_again(tmp_path: Path) -> None:
    busy = sent(b"HTTP/1.1 429 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    good = sent(head(3, "Connection: close"), b"a\n1")
    with speaking(busy, good, busy, good) as (url, done):
        assert landed(tmp_path, url).size == 3
    assert len(done) == 4


def test_a_drip_is_broken_off_though_no_step_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "GRACE", 0.3)
    monkeypatch.setattr(acquire.http, "TRIES", 1)
    with speaking(drip) as (url, _), pytest.raises(RetryError, match="sends too slowly"):
        landed(tmp_path, url)


def test_a_url_of_this_machine_is_its_users_choice_unless_it_is_said_to_be_public(tmp_path: Path) -> None:
    with speaking(sent(head(3, "Connection: close"), b"a\n1")) as (url, done):
        assert landed(tmp_path, url).size == 3
        with pytest.raises(InputError, match="no public address"):
            landed(tmp_path, url, public=True)
    assert len(done) == 2


def resolved(names: dict[str, list[str]]) -> Any:
    """A resolver that knows these names, each with an address for each time it is asked, the last for ever."""
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *more: Any, **named: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name in names:
            host = names[name].pop(0) if len(names[name]) > 1 else names[name][0]
        return real(host, port, *more, **named)

    return getaddrinfo


@pytest.mark.parametrize("public", [True, False])
def test_a_name_that_is_rebound_to_this_machine_is_not_spoken_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, public: bool
) -> None:
    """Each look finds a public address, the connection another."""
    with speaking(sent(head(3), b"a\n1")) as (url, done):
        looks = ["93.184.216.34"] * (1 if public else 2)
        rebound = {"rebound.example": [*looks, "127.0.0.1"]}
        monkeypatch.setattr(socket, "getaddrinfo", resolved(rebound))
        with pytest.raises(InputError, match="no public address"):
            landed(tmp_path, url.replace("127.0.0.1", "rebound.example"), public=public)
        assert done == []


@pytest.mark.parametrize("target", ["169.254.169.254", "10.0.0.1", "[::1]"])
def test_a_public_url_may_not_lead_to_a_private_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    answer = f"HTTP/1.1 302 Found\r\nLocation: http://{target}/x\r\nContent-Length: 0\r\n\r\n".encode()
    with speaking(sent(answer)) as (url, done):
        # This machine stands for a public one here.
        monkeypatch.setenv("SLUICE_ALLOWED_ADDRESSES", "127.0.0.1")
        settings.cache_clear()
        with pytest.raises(InputError, match="no public address"):
            landed(tmp_path, url)
        assert len(done) == 1
