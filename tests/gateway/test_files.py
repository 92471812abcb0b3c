"""Files in one request, and requests that are sent twice."""

import secrets

import pytest

from tests.gateway.test_uploads import status, waiting


def content():
    return f"id,name\n{secrets.token_hex(8)},x\n".encode()


def send(client, *files, headers=None, **form):
    parts = [("file", file) for file in files]
    return client.post("/api/ingest/csv", files=parts, data=form, headers=headers)


def test_several_files_become_a_job_each(client, module_warehouse):
    names = ["projects-1.csv", "projects-2.json", "projects-3.csv"]
    reply = send(client(), *((name, content()) for name in names))
    assert reply.status_code == 202, reply.text
    data = reply.json()["data"]
    assert [one["filename"] for one in data["jobs"]] == names
    assert data["job_id"] == data["jobs"][0]["job_id"]
    assert {one["job_id"] for one in data["jobs"]} <= set(waiting(module_warehouse))


def test_the_seeds_name_for_the_dataset_is_taken(client):
    reply = send(client(), ("a.csv", content()), type="bugs")
    assert status(client(), reply.json()["data"]["job_id"])["dataset"] == "bugs"


@pytest.mark.parametrize(
    ("form", "code"), [({"dataset": "none"}, 404), ({}, 422), ({"dataset": "bugs", "mode": "x"}, 422)]
)
def test_a_wrong_request_makes_no_job(client, form, code):
    before = client().get("/api/ingest/stats").json()["data"]["stats"]["total"]
    reply = send(client(), ("a.csv", content()), **form)
    assert (reply.status_code, reply.json()["success"]) == (code, False)
    assert client().get("/api/ingest/stats").json()["data"]["stats"]["total"] == before


def test_of_several_files_the_repeated_one_names_the_job_before(client):
    same = content()
    first = send(client(), ("projects.csv", same)).json()["data"]["job_id"]
    assert send(client(), ("projects.csv", same)).status_code == 409
    data = send(client(), ("projects.csv", same), ("projects.csv", content())).json()["data"]
    assert [(one["repeated"], one["job_id"] == first) for one in data["jobs"]] == [
        (True, True),
        (False, False),
    ]


def test_a_file_over_the_limit_is_named_and_not_kept(client, gateway_settings):
    reply = send(client(), ("projects-large.csv", b"x" * 2_000_001))
    assert reply.status_code == 413
    assert "projects-large.csv" in reply.json()["message"]
    assert not list((gateway_settings.root / "landing").glob("*/projects-large.csv"))


def test_a_request_with_a_key_is_done_once(client):
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    file = ("projects.csv", content())
    first, second = (send(client(), file, headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"
    other = send(client(), ("projects-other.csv", content()), headers=headers)
    assert other.status_code == 422
    assert send(client(2), file, headers=headers).json()["data"]["job_id"] != first.json()["data"]["job_id"]


def test_a_request_that_failed_may_be_sent_again_with_its_key(client):
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    file = ("a.csv", content())
    assert send(client(), file, headers=headers, dataset="none").status_code == 404
    assert send(client(), file, headers=headers, dataset="bugs").status_code == 202


def test_history_and_progress_tell_of_the_job(client):
    job = send(client(), ("projects.csv", content())).json()["data"]["job_id"]
    one = client()
    assert one.get(f"/api/ingest/csv/progress/{job}").json()["data"]["job"]["job_id"] == job
    assert one.get("/api/ingest/csv/history?limit=1").json()["data"]["jobs"][0]["job_id"] == job


def test_pages_hold_each_job_once(client):
    one = client(2)
    made = [send(one, ("projects.csv", content())).json()["data"]["job_id"] for _ in range(7)]
    found, before = [], None
    while True:
        page = one.get(
            "/api/ingest/jobs", params={"limit": 3, "before": before} if before else {"limit": 3}
        ).json()["data"]
        found += [job["job_id"] for job in page["jobs"]]
        if (before := page["next"]) is None:
            break
    assert [job for job in found if job in made] == made[::-1]
    assert len(found) == len(set(found))
