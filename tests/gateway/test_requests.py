"""Jobs of URLs and objects: by whose credentials they may be loaded."""

import pytest

from sluice.settings import settings
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


def test_a_client_names_no_file_of_the_worker(client, module_warehouse):
    before = waiting(module_warehouse)
    source = {"kind": "api", "url": URL, "security": {"tls_min": "1.3", "ca": "/etc/hostname"}}
    wanted = {"dataset": "projects", "sources": [source]}
    reply = client().post("/api/pipeline/jobs", json=wanted)
    assert reply.status_code == 403
    assert "fingerprints" in reply.json()["message"]
    assert waiting(module_warehouse) == before
    source["security"] = {"fingerprints": ["0" * 64]}
    assert client().post("/api/pipeline/jobs", json=wanted).status_code == 202


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


DECLARED = """
base_url: https://93.184.215.14/v1
endpoints:
  projects: {path: repos, records: $.items, paging: {style: link}}
"""


@pytest.fixture
def declaring(tmp_path, monkeypatch):
    (tmp_path / "catalogue.source.yaml").write_text(DECLARED)
    monkeypatch.setenv("SLUICE_CONTRACTS", str(tmp_path))
    settings.cache_clear()
    yield
    settings.cache_clear()


def test_a_policy_that_is_declared_goes_with_its_endpoint(tmp_path, declaring, client, module_warehouse):
    (tmp_path / "catalogue.source.yaml").write_text(DECLARED + "security: {ca: ca.pem, mfa: true}\n")
    reply = client().post("/api/data/ingest", json={"endpoint": "https://93.184.215.14/v1/repos"})
    assert reply.status_code == 202, reply.text
    query = "SELECT details #> '{request,sources,0,security}' FROM sluice.ingestion_jobs WHERE job_id = %s"
    with module_warehouse.connect() as connection:
        (policy,) = connection.execute(query, [reply.json()["data"]["job_id"]]).fetchone()
    assert (policy["mfa"], policy["ca"]) == (True, str(tmp_path / "ca.pem"))


def test_an_endpoint_that_is_declared_is_read_as_declared(declaring, client, module_warehouse):
    reply = client().post("/api/data/ingest", json={"endpoint": "https://93.184.215.14/v1/repos"})
    assert reply.status_code == 202, reply.text
    query = (
        "SELECT dataset, details -> 'request' -> 'sources' -> 0 FROM sluice.ingestion_jobs WHERE job_id = %s"
    )
    with module_warehouse.connect() as connection:
        dataset, source = connection.execute(query, [reply.json()["data"]["job_id"]]).fetchone()
    assert dataset == "projects"
    assert (source["kind"], source["records"], source["paging"]["style"]) == ("api", "$.items", "link")


@pytest.mark.parametrize(
    "secret", [{"headers": {"Authorization": "x"}}, {"params": {"api_key": "x"}}, {"block": "crm"}]
)
def test_no_secret_of_an_api_is_taken_from_a_request(client, module_warehouse, secret):
    before = waiting(module_warehouse)
    source = {"kind": "api", "url": "https://93.184.215.14/v1/repos", **secret}
    reply = client().post("/api/pipeline/jobs", json={"dataset": "projects", "sources": [source]})
    assert reply.status_code == (403 if "block" in secret else 422)
    assert waiting(module_warehouse) == before


def test_a_clients_url_must_stay_public_wherever_it_leads(client, module_warehouse):
    wanted = {"dataset": "projects", "sources": [{"kind": "http", "url": URL}]}
    reply = client().post("/api/pipeline/jobs", json=wanted)
    assert reply.status_code == 202, reply.text
    query = "SELECT details #>> '{request,sources,0,public}' FROM sluice.ingestion_jobs WHERE job_id = %s"
    with module_warehouse.connect() as connection:
        assert connection.execute(query, [reply.json()["data"]["job_id"]]).fetchone() == ("true",)
    wanted["sources"][0]["public"] = False
    assert client().post("/api/pipeline/jobs", json=wanted).status_code == 422
