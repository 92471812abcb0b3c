"""Uploads: announced, sent at once or in parts, and never more or other than was signed for."""

import hashlib
import secrets

import httpx
import pytest

from sluice.queue import outbox

TUS = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}


@pytest.fixture
def content():
    return f"id,name\n{secrets.token_hex(8)},x\n".encode()


def announce(client, size=None, **more):
    told = {"filename": "projects.csv", "file_size": size, **more}
    reply = client.post("/api/ingest/init", json=told)
    assert reply.status_code == 201, reply.text
    return reply.json()["data"]


def status(client, job_id):
    return client.get(f"/api/ingest/status/{job_id}").json()["data"]["job"]


def waiting(warehouse):
    with warehouse.connect() as connection:
        return [one.job_id for one in outbox.claim(connection, 1000)]


def test_a_file_is_announced_sent_and_waits_for_its_run(client, content, module_warehouse):
    one = client()
    told = announce(one, len(content))
    assert status(one, told["job_id"])["status"] == "pending"
    assert told["job_id"] not in waiting(module_warehouse)
    reply = httpx.put(told["upload_url"], content=content, trust_env=False)
    assert reply.json() == {
        "success": True,
        "message": "Received",
        "data": {
            "job_id": told["job_id"],
            "received": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        },
    }
    job = status(one, told["job_id"])
    assert (job["status"], job["file_size"], job["dataset"]) == ("pending", len(content), "projects")
    assert told["job_id"] in waiting(module_warehouse)


def test_an_upload_goes_on_where_it_ended(client, content, module_warehouse):
    told = announce(client(), len(content))
    with httpx.Client(trust_env=False) as http:
        first = http.patch(told["upload_url"], content=content[:9], headers={**TUS, "Upload-Offset": "0"})
        assert (first.status_code, first.headers["upload-offset"]) == (204, "9")
        asked = http.head(told["upload_url"])
        assert (asked.headers["upload-offset"], asked.headers["upload-length"]) == ("9", str(len(content)))
        wrong = http.patch(told["upload_url"], content=b"x", headers={**TUS, "Upload-Offset": "5"})
        assert wrong.status_code == 409
        assert told["job_id"] not in waiting(module_warehouse)
        last = http.patch(told["upload_url"], content=content[9:], headers={**TUS, "Upload-Offset": "9"})
        assert last.status_code == 204
    assert told["job_id"] in waiting(module_warehouse)
    assert status(client(), told["job_id"])["content_sha256"] == hashlib.sha256(content).hexdigest()


def test_the_same_content_is_not_loaded_twice_unless_forced(client, content):
    first, second, third = (announce(client(), force=force) for force in (False, False, True))
    assert httpx.put(first["upload_url"], content=content, trust_env=False).status_code == 200
    reply = httpx.put(second["upload_url"], content=content, trust_env=False)
    assert reply.status_code == 409
    assert reply.json()["error"]["facts"]["job_id"] == first["job_id"]
    assert status(client(), second["job_id"])["status"] == "cancelled"
    assert httpx.put(third["upload_url"], content=content, trust_env=False).status_code == 200


@pytest.mark.parametrize("change", ["signature=0", "expires=1", "upload"])
def test_a_changed_upload_url_is_refused(client, content, change):
    url = announce(client())["upload_url"]
    if change == "upload":
        other = announce(client())["upload_url"].partition("?")[0]
        url = f"{other}?{url.partition('?')[2]}"
    else:
        name, value = change.split("=")
        url = str(httpx.URL(url).copy_set_param(name, value))
    for send in (httpx.put, httpx.patch):
        headers = {**TUS, "Upload-Offset": "0"}
        reply = send(url, content=content, headers=headers, trust_env=False)
        assert (reply.status_code, reply.json()["success"]) == (403, False)


@pytest.mark.parametrize("size", [2_000_001, 5_000_000])
def test_a_file_over_the_limit_is_refused_and_not_kept(client, gateway_settings, size):
    assert (
        client().post("/api/ingest/init", json={"filename": "projects.csv", "file_size": size}).status_code
        == 413
    )
    told = announce(client())
    reply = httpx.put(
        told["upload_url"], content=(b"x" * 1000 for _ in range(size // 1000 + 1)), trust_env=False
    )
    assert reply.status_code == 413
    assert status(client(), told["job_id"])["status"] == "cancelled"
    assert not list((gateway_settings.root / "landing").glob(f"*/{told['job_id']}*"))


def test_fewer_bytes_than_announced_start_nothing(client, content, module_warehouse):
    told = announce(client(), len(content) + 1)
    reply = httpx.put(told["upload_url"], content=content, trust_env=False)
    assert reply.status_code == 400
    assert told["job_id"] not in waiting(module_warehouse)
    rest = httpx.patch(
        told["upload_url"],
        content=b"\n",
        headers={**TUS, "Upload-Offset": str(len(content))},
        trust_env=False,
    )
    assert rest.status_code == 204
    assert told["job_id"] in waiting(module_warehouse)


@pytest.mark.parametrize(
    "name", ["../../etc/projects.csv", "projects/../x.csv", "C:\\projects.csv", "projects" + "x" * 400]
)
def test_a_file_name_is_never_a_path(client, content, gateway_settings, name):
    told = announce(client(), filename=name, dataset="projects")
    assert httpx.put(told["upload_url"], content=content, trust_env=False).status_code == 200
    upload = told["upload_url"].partition("?")[0].rpartition("/")[2]
    (file,) = (gateway_settings.root / "landing" / upload).iterdir()
    assert file.read_bytes() == content


def test_a_file_name_with_a_zero_byte_is_refused(client):
    reply = client().post("/api/ingest/init", json={"filename": "projects\0.csv", "dataset": "projects"})
    assert reply.status_code == 422
    assert "zero byte" in reply.json()["message"]


def test_another_organization_sees_nothing_of_it(client, content):
    told = announce(client(1))
    for method, path in (("GET", "status/"), ("DELETE", "")):
        reply = client(2).request(method, f"/api/ingest/{path}{told['job_id']}")
        assert reply.status_code == 404
    assert told["job_id"] not in client(2).get("/api/ingest/jobs").text
    assert status(client(1), told["job_id"])["status"] == "pending"
