"""OAuth 2.0 against a server that is not ours: Authlib's, which judges client, secret, scope and tokens itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from blocks import ApiSource as Block
from sluice.errors import SourceError
from sluice.sources.api.client import Client
from sluice.sources.api.fetch import fetch
from sluice.sources.api.spool import spooled
from sluice.sources.guard import Guard
from sluice.sources.model import ApiSource
from tests.foreign import running

PACKAGES = ["authlib==1.6.5", "flask==3.1.2"]
SERVER = Path(__file__).with_name("authlib_server.py")
SECRET = "s3cret-of-the-client"
COUNT = 95  # records that it has


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Its URL."""
    with running(PACKAGES, "authlib, flask", str(SERVER), ready="/seen") as url:
        yield url


def block(url: str, client: str, **more: Any) -> Block:
    login = {"token_url": f"{url}/token", "client_id": client, "client_secret": SECRET, "scope": "read"}
    return Block.model_validate({"base_url": url, **login, **more})


def fetched(folder: Path, url: str, login: Block, concurrency: int = 1) -> int:
    """How many records come, page by page, with the block's login."""
    told = {"url": f"{url}/records", "paging": {"style": "page", "size": 10}, "concurrency": concurrency}
    client = Client(Guard(anywhere=True), login.secrets_for(url), concurrency=concurrency, tries=2)
    with spooled(folder) as spool, client.opened():
        fetch(ApiSource.model_validate(told), client, spool)
        return spool.at.records


def seen(url: str) -> dict[str, int]:
    """How many tokens the server has given, and refused."""
    found: dict[str, int] = httpx.get(f"{url}/seen", trust_env=False).json()
    return found


def first_of(url: str, client: str) -> str:
    """A refresh token for the client."""
    return httpx.post(f"{url}/first/{client}", trust_env=False).text


@pytest.mark.parametrize(("client", "in_body"), [("basic", False), ("post", True)])
def test_a_client_logs_in_the_way_that_the_server_knows_it_by(server, tmp_path, client, in_body):
    before = seen(server)
    assert fetched(tmp_path, server, block(server, client, secret_in_body=in_body), concurrency=3) == COUNT
    assert (seen(server)["tokens"], seen(server)["refused"]) == (before["tokens"] + 1, before["refused"])


@pytest.mark.parametrize(
    ("client", "given", "said", "advice"),
    [
        ("basic", {"client_secret": "wr0ng"}, "status 401, invalid_client", "id and secret"),
        ("post", {"client_secret": "wr0ng", "secret_in_body": True}, "invalid_client", "id and secret"),
        ("basic", {"secret_in_body": True}, "invalid_client", "secret_in_body"),
        ("post", {"secret_in_body": False}, "invalid_client", "secret_in_body"),
        ("nobody", {}, "status 401, invalid_client", "id and secret"),
        ("basic", {"scope": "everything"}, "status 400, invalid_scope", "scope"),
        ("basic", {"refresh_token": "made-up"}, "status 400, invalid_grant", "a new one"),
    ],
)
def test_a_login_that_is_refused_says_why_and_keeps_its_secrets(
    server, tmp_path, client, given, said, advice
):
    with pytest.raises(SourceError, match=said) as told:
        fetched(tmp_path, server, block(server, client, **given))
    assert advice in str(told.value.hint)
    text = f"{told.value} {told.value.hint} {told.value.facts}"
    assert not [secret for secret in (SECRET, "wr0ng", "made-up") if secret in text]


def test_tokens_that_end_among_the_pages_are_had_anew(server, tmp_path):
    before = seen(server)["tokens"]
    assert fetched(tmp_path, server, block(server, "brief")) == COUNT
    assert seen(server)["tokens"] > before + 1


@pytest.mark.parametrize("concurrency", [1, 3])
def test_tokens_that_end_before_the_time_that_was_told_are_had_anew(server, tmp_path, concurrency):
    before = seen(server)
    assert fetched(tmp_path, server, block(server, "hasty"), concurrency) == COUNT
    after = seen(server)
    assert after["refused"] > before["refused"]
    assert after["tokens"] > before["tokens"] + 1


def test_a_refresh_token_is_used_once_and_its_successor_from_then_on(server, tmp_path):
    first, before = first_of(server, "hasty"), seen(server)["tokens"]
    login = block(server, "hasty", refresh_token=first)
    assert fetched(tmp_path / "1", server, login) == COUNT
    assert seen(server)["tokens"] > before + 2
    assert (
        fetched(tmp_path / "2", server, login) == COUNT
    )  # whoever has the same block goes on with its login
    with pytest.raises(SourceError, match="invalid_grant"):
        fetched(tmp_path / "3", server, block(server, "hasty", refresh_token=first))


def test_a_saved_block_keeps_the_refresh_token_that_the_server_gave_for_the_next_run(
    server, tmp_path, prefect_server
):
    first = first_of(server, "basic")
    block(server, "basic", refresh_token=first).save("rotating", overwrite=True)
    for run in ("1", "2", "3"):
        assert fetched(tmp_path / run, server, Block.load("rotating"), concurrency=3) == COUNT
    kept = Block.load("rotating")
    assert kept.refresh_token.get_secret_value() != first
    assert kept.client_secret.get_secret_value() == SECRET
