"""Access, on every route of the OpenAPI document: who has no right gets nothing, and learns nothing."""

import json

import httpx
import pytest

from gateway.app import create_app
from gateway.settings import GatewaySettings
from sluice.queue import dead_letters
from sluice.security.tokens import Role
from tests.gateway.test_uploads import announce

OPEN = {"/healthz", "/readyz", "/metrics"}
SIGNED = {"/api/uploads/{upload_id}", "/api/pipeline/callback", "/api/github/webhook"}
ROUTES = [
    (method.upper(), path)
    for path, methods in create_app(GatewaySettings()).openapi()["paths"].items()
    for method in methods
]
GUARDED = [(m, p) for m, p in ROUTES if p not in OPEN | SIGNED and (m, p) != ("OPTIONS", "/api/uploads")]
SECRET_NAME = "projects-secret-of-organization-one.csv"


@pytest.fixture(scope="module")
def foreign(gateway_settings, module_warehouse, gateway):
    """A job of organization 1, told of in every table."""
    from sluice.security.tokens import Caller, mint

    token = mint(gateway_settings, Caller(1, 1, Role.admin), 600)
    with httpx.Client(base_url=gateway, headers={"Authorization": f"Bearer {token}"}, trust_env=False) as one:
        told = announce(one, filename=SECRET_NAME)
        httpx.put(told["upload_url"], content=b"id\n1\n", trust_env=False)
    with module_warehouse.connect(autocommit=True) as connection:
        dead_letters.add(connection, told["job_id"], "DataRefused", SECRET_NAME)
    return told["job_id"]


def ask(http, method, path, job):
    """The route with the job's id wherever one fits. An endless answer is read for a moment."""
    url = path.replace("{job_id}", job).replace("{upload_id}", f"up_1_{'0' * 32}")
    body = {"job_ids": [job]} if method == "POST" and path.endswith("retry") else None
    headers = {"Last-Event-ID": "0"}
    with http.stream(method, url, json=body, params={"before": job}, headers=headers, timeout=2) as reply:
        text = b""
        try:
            for chunk in reply.iter_raw():
                text += chunk
        except httpx.ReadTimeout:
            pass
    return reply.status_code, text.decode()


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_without_a_token_nothing_is_told(gateway, foreign, method, path):
    with httpx.Client(base_url=gateway, trust_env=False) as http:
        code, text = ask(http, method, path, foreign)
    assert code == 401
    assert json.loads(text)["success"] is False


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_another_organization_learns_and_changes_nothing(client, foreign, module_warehouse, method, path):
    before = state(module_warehouse)
    code, text = ask(client(2, Role.admin), method, path, foreign)
    assert code < 500 or path == "/readyz"
    assert SECRET_NAME not in text
    if path not in OPEN:
        assert '"total":0' in text or code != 200 or foreign not in text
    if "{" in path:
        assert code in (403, 404, 405, 409, 422)
    assert state(module_warehouse) == before


def state(warehouse):
    """All that organization 1 has."""
    with warehouse.connect() as connection:
        return [
            connection.execute(
                f"SELECT to_jsonb(t) FROM sluice.{table} t WHERE organization_id = 1 ORDER BY 1"
            ).fetchall()
            for table in ("ingestion_jobs", "uploads", "outbox", "dead_letters", "pauses", "answers")
        ]


@pytest.mark.parametrize(("method", "path"), [one for one in GUARDED if one[0] != "GET"])
def test_who_may_only_look_changes_nothing(client, foreign, module_warehouse, method, path):
    before = state(module_warehouse)
    code, _ = ask(client(1, Role.viewer), method, path, foreign)
    assert code == 403
    assert state(module_warehouse) == before


def test_only_so_many_requests_are_taken(gateway_settings):
    from gateway.rates import Rates

    rates = Rates(60)
    assert [rates.allow(1) for _ in range(12)].count(True) == 10
    assert rates.allow(2)
    assert all(Rates(0).allow(1) for _ in range(1000))
