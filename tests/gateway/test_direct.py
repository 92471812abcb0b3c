"""The shorter way of the requests that come most: it answers what the usual way would, and no more than that."""

import json
from typing import Any

import httpx
import pytest

from gateway.settings import GatewaySettings
from sluice.security.tokens import Caller, Role, mint
from tests.gateway.conftest import serving

INIT = "/api/ingest/init"
FILE = {"filename": "bugs-1.csv", "dataset": "bugs", "file_size": 10}


def announced(client: httpx.Client, body: Any = FILE, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(INIT, content=content, headers={"Content-Type": "application/json", **headers})


def shape(answer: httpx.Response) -> tuple[int, list[str], list[str], list[str]]:
    told = answer.json()
    return answer.status_code, sorted(answer.headers), list(told), list(told["data"])


def test_both_ways_answer_an_announcement_alike(client):
    short = announced(client())
    usual = announced(client(), **{"Content-Type": "application/json; charset=utf-8"})
    assert shape(short) == shape(usual)
    assert short.status_code == 201


def test_both_ways_answer_a_status_alike(client, gateway_settings):
    job_id = announced(client()).json()["data"]["job_id"]
    token = mint(gateway_settings, Caller(7, 1, Role.viewer), 600)
    short, usual = (
        client().get(f"/api/ingest/status/{job_id}", headers={"Authorization": f"{scheme} {token}"})
        for scheme in ("Bearer", "bearer")
    )
    assert short.content == usual.content
    assert dict(short.headers).keys() == dict(usual.headers).keys()
    assert short.json()["data"]["job"]["job_id"] == job_id


@pytest.mark.parametrize("host", ["data.example.org", "127.0.0.1:9", "DATA.example:80", "[::1]:8300"])
def test_the_file_goes_where_the_announcement_went(client, host):
    url = announced(client(), FILE, Host=host).json()["data"]["upload_url"]
    assert url.startswith(f"http://{host}/api/uploads/up_1_")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 422),
        (b"", 422),
        (b"[]", 422),
        (b'{"filename": "\\ud800", "dataset": "bugs"}', 422),
        ({**FILE, "file_size": "10"}, 422),
        ({**FILE, "more": 1}, 422),
        ({**FILE, "mode": "other"}, 422),
        ({**FILE, "file_size": 10**9}, 413),
        ({**FILE, "filename": "a\0b"}, 422),
        ({**FILE, "dataset": "none"}, 404),
    ],
)
def test_what_is_wrong_with_an_announcement_is_told_as_ever(client, body, status):
    short = announced(client(), body)
    usual = announced(client(), body, **{"Content-Type": "application/json; charset=utf-8"})
    assert short.status_code == usual.status_code == status
    assert short.json() == usual.json()


def test_another_type_of_body_is_no_announcement(client):
    assert announced(client(), FILE, **{"Content-Type": "text/plain"}).status_code == 422


def test_an_idempotency_key_is_kept(client):
    first, again = (announced(client(), FILE, **{"Idempotency-Key": "direct-1"}) for _ in range(2))
    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"


def test_a_viewer_may_not_announce(client):
    assert announced(client(role=Role.viewer)).status_code == 403


def test_another_organizations_job_is_not_there(client):
    job_id = announced(client(1)).json()["data"]["job_id"]
    assert client(2).get(f"/api/ingest/status/{job_id}").status_code == 404


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Basic x"])
def test_nobody_is_let_in_without_a_token(gateway, header):
    with httpx.Client(base_url=gateway, headers={"Authorization": header}, trust_env=False) as nobody:
        assert announced(nobody).status_code == 401
        assert nobody.get("/api/ingest/status/job_1").status_code == 401


def test_an_expired_token_is_refused(client, gateway_settings):
    token = mint(gateway_settings, Caller(7, 1, Role.admin), -60)
    answer = announced(client(), FILE, Authorization=f"Bearer {token}")
    assert answer.status_code == 401
    assert "expired" in answer.json()["message"]


def test_each_request_counts_once(gateway_settings: GatewaySettings):
    settings = gateway_settings.model_copy(update={"requests_a_minute": 30})  # holds five
    token = mint(settings, Caller(7, 1, Role.viewer), 600)
    headers = {"Authorization": f"Bearer {token}"}
    with serving(settings) as url, httpx.Client(base_url=url, headers=headers, trust_env=False) as client:
        found = [client.get("/api/ingest/status/job_1") for _ in range(7)]
    assert [one.status_code for one in found][:6] == [404] * 5 + [429]
    assert found[5].headers["Retry-After"] == "1"
