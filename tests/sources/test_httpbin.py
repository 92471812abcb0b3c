"""The client against httpbin, a server that others wrote to try clients with.

It runs here, in an environment of its own, for its dependencies do not go with ours.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from blocks import ApiSource as ApiBlock
from blocks import HttpSource as Block
from sluice.errors import RetryError, SourceError
from sluice.sources import acquire
from sluice.sources.api.client import Client
from sluice.sources.api.fetch import fetch
from sluice.sources.api.spool import spooled
from sluice.sources.guard import Guard
from sluice.sources.model import ApiSource, HttpSource
from tests.foreign import running

PACKAGE = "httpbin==0.10.2"
SERVE = "import sys, httpbin; httpbin.app.run('127.0.0.1', int(sys.argv[1]), threaded=True)"


@pytest.fixture(scope="module")
def httpbin() -> Iterator[str]:
    """Its URL."""
    with running([PACKAGE], "httpbin", "-c", SERVE, ready="/get") as url:
        yield url


def answer(url: str, secrets: dict[str, Any] | None = None, **headers: str) -> Any:
    """The body of a page, as JSON."""
    with Client(Guard(anywhere=True), secrets, tries=1).opened() as client:
        return httpx.Response(200, content=client.get(url, {}, headers).body).json()


@pytest.mark.parametrize(
    ("path", "sign"), [("gzip", "gzipped"), ("deflate", "deflated"), ("brotli", "brotli")]
)
def test_packed_answers_are_unpacked(httpbin: str, path: str, sign: str) -> None:
    assert answer(f"{httpbin}/{path}")[sign] is True


@pytest.mark.parametrize("path", ["redirect/5", "relative-redirect/5", "absolute-redirect/5"])
def test_redirects_are_followed(httpbin: str, path: str) -> None:
    assert answer(f"{httpbin}/{path}")["url"].endswith("/get")


def test_redirects_without_end_are_told(httpbin: str) -> None:
    with pytest.raises(SourceError, match="redirects"):
        answer(f"{httpbin}/redirect/30")


@pytest.mark.parametrize(
    ("path", "login"),
    [
        ("basic-auth/me/pass", {"username": "me", "password": "pass"}),
        ("bearer", {"token": "abc"}),
    ],
)
def test_a_blocks_login_opens_what_wants_one(httpbin: str, path: str, login: dict[str, str]) -> None:
    block = Block.model_validate({"base_url": httpbin, **login})
    assert answer(f"{httpbin}/{path}", block.secrets_for(f"{httpbin}/{path}"))["authenticated"] is True
    with pytest.raises(SourceError, match=r"401.*login"):
        answer(f"{httpbin}/{path}")


DIGEST = {"username": "me", "password": "pa:ss", "digest": True}


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "SHA-512"])
def test_a_digest_login_opens_what_wants_one(httpbin: str, algorithm: str) -> None:
    url = f"{httpbin}/digest-auth/auth/me/pa:ss/{algorithm}"
    login = ApiBlock.model_validate({"base_url": httpbin, **DIGEST})
    assert answer(url, login.secrets_for(url))["authenticated"] is True
    wrong = ApiBlock.model_validate({"base_url": httpbin, **DIGEST, "password": "wr0ng"})
    basic = ApiBlock.model_validate({"base_url": httpbin, **DIGEST, "digest": False})
    for other in (wrong, basic):
        with pytest.raises(SourceError, match="401") as told:
            answer(url, other.secrets_for(url))
        assert "wr0ng" not in f"{told.value} {told.value.facts}"


def test_a_digest_login_goes_on_when_its_nonce_has_run_out(httpbin: str) -> None:
    url = f"{httpbin}/digest-auth/auth/me/pa:ss/MD5/2"
    login = ApiBlock.model_validate({"base_url": httpbin, **DIGEST}).secrets_for(url)
    with Client(Guard(anywhere=True), login, tries=1).opened() as client:
        assert [client.get(url, {}, {}).status for _ in range(6)] == [200] * 6


def test_a_digest_login_is_for_its_own_server_only(httpbin: str) -> None:
    login = ApiBlock.model_validate({"base_url": httpbin, **DIGEST}).secrets_for(httpbin)
    other = httpbin.replace("127.0.0.1", "localhost")
    with pytest.raises(SourceError, match="401"):
        answer(f"{other}/digest-auth/auth/me/pa:ss", login)
    assert answer(f"{httpbin}/headers", login)["headers"].keys().isdisjoint({"Authorization"})


def test_a_digest_login_that_is_not_known_is_told(httpbin: str) -> None:
    url = f"{httpbin}/digest-auth/auth-int/me/pa:ss"
    login = ApiBlock.model_validate({"base_url": httpbin, **DIGEST}).secrets_for(url)
    with pytest.raises(SourceError, match="of a kind that is not known"):
        answer(url, login)


def test_a_digest_login_is_a_factor_and_needs_a_name(httpbin: str) -> None:
    login = ApiBlock.model_validate({"base_url": httpbin, **DIGEST}).secrets_for(httpbin)
    assert (login.factors, "auth" in login) == (("digest login",), True)
    assert "auth" not in login.without(["digest login"])
    with pytest.raises(ValueError, match="needs a username"):
        ApiBlock(base_url=httpbin, digest=True)


@pytest.mark.parametrize("status", [400, 404, 409, 418, 429, 500, 502, 503, 504])
def test_a_status_says_whether_to_try_again(httpbin: str, status: int) -> None:
    with pytest.raises(RetryError if status == 429 or status >= 500 else SourceError, match=str(status)):
        answer(f"{httpbin}/status/{status}")


def test_an_answer_that_takes_its_time_comes(httpbin: str) -> None:
    assert answer(f"{httpbin}/delay/1")["url"].endswith("/delay/1")


def test_what_has_not_changed_is_not_sent_again(httpbin: str, tmp_path: Path) -> None:
    records, validators = [], dict[str, str]()
    for name in ("first", "second"):
        with spooled(tmp_path / name) as spool, Client(Guard(anywhere=True)).opened() as client:
            fetch(ApiSource(url=f"{httpbin}/cache"), client, spool, validators=validators)
            assert spool.at.done
            records.append(spool.at.records)
            validators = spool.at.validators
    assert records == [1, 0]


@pytest.mark.parametrize(
    ("path", "size"),
    [
        ("range/5000?chunk_size=100", 5000),
        ("drip?numbytes=50&duration=1&delay=0", 50),
        ("stream-bytes/3000?seed=1&chunk_size=10", 3000),
    ],
)
def test_files_come_whole_however_they_are_sent(httpbin: str, tmp_path: Path, path: str, size: int) -> None:
    (item,) = acquire.validate(HttpSource(url=f"{httpbin}/{path}"))
    found = acquire.acquire(item, tmp_path)
    assert found.path.stat().st_size == found.size == size
