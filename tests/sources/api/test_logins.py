"""Logins: OAuth 2.0 with tokens that end, second factors, client certificates. The servers are real, and strict."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyotp
import pytest
import trustme
from pydantic import SecretStr
from starlette.responses import Response

from blocks import ApiSource as Block
from sluice.errors import RetryError, SourceError
from sluice.sources.api.client import Client
from sluice.sources.api.fetch import fetch
from sluice.sources.api.oauth import Grant
from sluice.sources.api.spool import spooled
from sluice.sources.guard import Guard
from sluice.sources.model import ApiSource
from tests.sources.api.server import Api, served

PAGES = {"style": "page", "size": 10, "size_param": "size"}


def count(folder: Path, api: Api, block: Block, name: str = "guarded", **more: Any) -> int:
    """How many records come with the block's login."""
    source = ApiSource.model_validate({"url": f"{api.url}/{name}", "paging": PAGES, **more})
    secrets = block.secrets_for(source.url)
    client = Client(Guard(anywhere=True), secrets, concurrency=source.concurrency, tries=3)
    with spooled(folder) as spool, client.opened():
        fetch(source, client, spool)
        return spool.at.records


def block(api: Api, **more: Any) -> Block:
    named = {"token_url": f"{api.url}/token", "client_id": "me", "client_secret": "client-secret"}
    return Block.model_validate({"base_url": api.url, **named, **more})


@pytest.mark.parametrize("in_body", [False, True])
def test_one_token_is_enough_for_all_pages(api, tmp_path, in_body):
    api.fill(95)
    assert count(tmp_path, api, block(api, secret_in_body=in_body)) == 95
    assert len(api.tokens) == 1


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_token_that_ends_between_two_pages_is_had_anew(api, tmp_path, concurrency):
    api.good_for = 3
    api.fill(95)
    assert count(tmp_path, api, block(api), concurrency=concurrency) == 95
    assert len(api.tokens) >= 4
    assert api.refused >= 3


def test_a_refresh_token_that_the_server_replaces_is_the_next_one(api, tmp_path):
    api.good_for = 4
    api.fill(95)
    assert count(tmp_path, api, block(api, refresh_token="refresh-0"), concurrency=1) == 95
    assert len(api.tokens) >= 3


def test_a_wrong_secret_is_told_without_it(api, tmp_path):
    with pytest.raises(SourceError, match="gave no access token \\(status 401, invalid_client\\)") as told:
        count(tmp_path, api, block(api, client_secret="wr0ng-secret"))
    assert "wr0ng" not in str(told.value) + repr(told.value.facts) + repr(
        Grant("https://h", "me", "wr0ng-secret")
    )


def test_a_token_server_in_trouble_is_asked_again(api, tmp_path):
    api.fill(5)
    api.faults = [Response(status_code=503)]
    assert count(tmp_path, api, block(api)) == 5
    assert api.paths.count("/token") == 2


def test_the_token_goes_to_its_own_server_only(api, tmp_path):
    with served(Api()) as other:
        other.fill(3)
        with pytest.raises(SourceError, match="401"):
            count(tmp_path, api, block(api), "elsewhere", params={"to": f"{other.url}/guarded"}, paging={})
        assert set(other.logins) == {""}


def test_the_second_factor_is_sent_with_each_request(api, tmp_path):
    api.otp = pyotp.random_base32()
    api.fill(35)
    assert count(tmp_path / "1", api, block(api, totp_secret=api.otp)) == 35
    with pytest.raises(SourceError, match="401"):
        count(tmp_path / "2", api, block(api))


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def test_a_client_certificate_opens_what_wants_one(authority, tmp_path):
    files = {}
    for name, made in {
        "server": authority.issue_cert("127.0.0.1"),
        "client": authority.issue_cert("me@here"),
    }.items():
        made.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / f"{name}.pem"))
        files[name] = str(tmp_path / f"{name}.pem")
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    ca = str(tmp_path / "ca.pem")
    tls = {"ssl_certfile": files["server"], "ssl_ca_certs": ca, "ssl_cert_reqs": ssl.CERT_REQUIRED}
    with served(Api(), **tls) as api:
        api.fill(25)
        trusted = {"base_url": api.url, "ca_file": ca}
        assert count(tmp_path / "1", api, Block(**trusted, cert_file=files["client"]), "listing") == 25
        with pytest.raises((RetryError, SourceError)):
            count(tmp_path / "2", api, Block(**trusted), "listing")
        with pytest.raises(SourceError, match="not trusted"):
            count(tmp_path / "3", api, Block(base_url=api.url, cert_file=files["client"]), "listing")


def test_a_certificate_that_ends_soon_is_a_warning(authority: trustme.CA, tmp_path: Path) -> None:
    soon = datetime.now(UTC) + timedelta(days=10, hours=1)
    made = authority.issue_cert("127.0.0.1", not_after=soon)
    made.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with served(Api(), ssl_certfile=str(tmp_path / "server.pem")) as api:
        api.fill(3)
        trusted = Block(base_url=api.url, ca_file=str(tmp_path / "ca.pem"))
        with Client(Guard(anywhere=True), trusted.secrets_for(api.url)).opened() as client:
            client.get(f"{api.url}/listing", {}, {})
            (told,) = client.warnings
    assert told == f"The certificate of 127.0.0.1 ends on {soon:%Y-%m-%d}, in 10 days."


def test_the_block_takes_one_login_only():
    with pytest.raises(ValueError, match="either OAuth"):
        Block(base_url="https://h", token=SecretStr("t"), token_url="https://h/token")
    with pytest.raises(ValueError, match="needs a client id"):
        Block(base_url="https://h", token_url="https://h/token")
