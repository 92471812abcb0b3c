"""Jobs of URLs and objects: by whose credentials they may be loaded."""

import pytest

from tests.gateway.conftest import serving

URL = "https://93.184.215.14/projects.csv"


@pytest.mark.parametrize(
    "source",
    [
        {"kind": "http", "url": URL, "block": "partner"},
        {"kind": "object", "url": "s3://bucket/projects.csv"},
        {"kind": "object", "url": "s3://bucket/projects.csv", "block": "partner"},
    ],
)
def test_the_workers_credentials_are_not_lent(client, module_warehouse, source):
    before = waiting(module_warehouse)
    reply = client().post("/api/pipeline/jobs", json={"dataset": "projects", "sources": [source]})
    assert reply.status_code == 403
    assert "SLUICE_SHARED_CREDENTIALS" in reply.json()["message"]
    assert waiting(module_warehouse) == before


def waiting(warehouse):
    with warehouse.connect() as connection:
        return connection.execute("SELECT count(*) FROM sluice.outbox").fetchone()


def test_a_service_may_lend_them(client, gateway_settings):
    lending = gateway_settings.model_copy(update={"shared_credentials": True})
    wanted = {"dataset": "projects", "sources": [{"kind": "object", "url": "s3://bucket/projects.csv"}]}
    with serving(lending) as url:
        reply = client().post(f"{url}/api/pipeline/jobs", json=wanted)
    assert reply.status_code == 202
    assert reply.json()["data"]["status"] == "queued"
