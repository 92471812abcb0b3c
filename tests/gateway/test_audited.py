"""What callers do beside moving jobs stands in the audit log: who asked, for what, and what was refused."""

import pytest

from sluice.audit import log
from sluice.jobs import ledger
from sluice.security.tokens import Role


@pytest.fixture
def noted(module_warehouse):
    """The organization's newest entry of an event: who, which job, details."""

    def find(event, organization_id=1):
        with module_warehouse.connect() as connection:
            (entry,) = log.newest(connection, organization_id, event=event, limit=1)
        return entry["user_id"], entry["job_id"], entry["details"]

    return find


@pytest.fixture
def job(module_warehouse):
    with module_warehouse.connect(autocommit=True) as connection, connection.transaction():
        made = ledger.create(connection, dataset="projects", filename="p.csv", file_type="csv")
        ledger.start(connection, made)
        ledger.complete(connection, made, {})
    return made


def test_a_refused_role_is_noted_with_what_was_asked_for(client, noted, job):
    reply = client(role=Role.viewer).delete(f"/api/ingest/{job}")
    assert reply.status_code == 403
    asked = {"method": "DELETE", "path": f"/api/ingest/{job}", "role": "viewer", "needs": "admin"}
    assert noted("access.refused") == (7, None, asked)


def test_a_refused_announcement_is_noted_too(client, noted):
    told = {"filename": "a.csv", "dataset": "projects"}
    assert client(2, Role.viewer).post("/api/ingest/init", json=told).status_code == 403
    user, _, details = noted("access.refused", 2)
    assert (user, details["path"], details["needs"]) == (7, "/api/ingest/init", "operator")


@pytest.mark.parametrize("what", ["result", "rejects"])
def test_a_download_is_noted(client, noted, job, what):
    reply = client().get(f"/api/ingest/{job}/{what}", params={"format": "json"})
    assert reply.status_code == 200
    assert noted(f"{what}.downloaded") == (7, job, {"format": "json", "rows": 0})


def test_a_deleted_job_is_noted(client, noted, job):
    assert client().delete(f"/api/ingest/{job}").status_code == 200
    assert noted("job.deleted")[:2] == (7, job)


def test_a_pause_and_its_end_are_noted(client, noted):
    for way, event in (("pause", "organization.paused"), ("resume", "organization.resumed")):
        assert client(2).post(f"/api/pipeline/{way}").status_code == 200
        assert noted(event, 2)[0] == 7


def test_a_webhook_is_noted_without_what_its_url_may_hold(client, noted):
    url = "https://user:hunter2@8.8.8.8/hook?key=hunter2"
    assert client(2).put("/api/pipeline/webhook", json={"url": url}).status_code == 200
    assert noted("webhook.set", 2) == (7, None, {"host": "8.8.8.8"})
    assert client(2).delete("/api/pipeline/webhook").status_code == 200
    assert noted("webhook.removed", 2)[0] == 7
