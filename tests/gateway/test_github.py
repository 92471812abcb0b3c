"""GitHub by the gateway: jobs without a token in them, the quota, and messages that are signed and heard once."""

import hashlib
import hmac
import json

import pytest
from pydantic import SecretStr

from gateway.settings import GatewaySettings
from sluice.security.tokens import Role
from tests.gateway.conftest import serving
from tests.sources.github.fake import FakeGitHub, fake_github

SECRETS = {1: SecretStr("first"), 2: SecretStr("second")}


@pytest.fixture(scope="module")
def github():
    with fake_github(FakeGitHub(token="gh-token-1")) as found:
        yield found


@pytest.fixture(scope="module")
def gateway_settings(gateway_settings: GatewaySettings, github):
    more = {"private_addresses": True, "github_api_url": github.url, "github_webhook_secrets": SECRETS}
    return gateway_settings.model_copy(update={**more, "github_token": SecretStr("gh-token-1")})


def requests(warehouse, *job_ids):
    with warehouse.connect() as connection:
        query = """
SELECT details -> 'request', j.organization_id FROM sluice.ingestion_jobs j JOIN sluice.outbox o USING (job_id)
 WHERE job_id = ANY(%s) ORDER BY o.id
"""
        return connection.execute(query, [list(job_ids)]).fetchall()


@pytest.mark.parametrize(
    ("path", "body", "place"),
    [
        ("sync", {"owner": "acme"}, {"owner": "acme", "repository": ""}),
        ("sync-repo", {"repository": "acme/site"}, {"owner": "", "repository": "acme/site"}),
    ],
)
@pytest.mark.parametrize("incremental", [True, False])
def test_a_sync_is_two_jobs(client, module_warehouse, github, path, body, place, incremental):
    reply = client().post(f"/api/github/{path}", json={**body, "incremental": incremental})
    assert reply.status_code == 202
    found = requests(module_warehouse, *reply.json()["data"]["job_ids"])
    assert [one["dataset"] for one, _ in found] == ["projects", "bugs"]
    for one, _ in found:
        (source,) = one["sources"]
        assert one["force"] is not incremental
        assert source["api_url"] == github.url
        assert place.items() <= source.items()
        assert "gh-token-1" not in json.dumps(one)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"owner": "acme", "token": "x"}, "A token is not taken from requests"),
        ({"owner": "acme/site"}, "owner"),
        ({"owner": "acme", "api_url": "https://evil.example"}, "api_url"),
        ({}, "owner"),
    ],
)
def test_what_is_no_owner_is_refused(client, body, said):
    reply = client().post("/api/github/sync", json=body)
    assert reply.status_code == 422
    assert said in reply.json()["message"]


def test_who_may_not_use_the_services_token_is_told(client):
    other = client(organization_id=2)
    assert other.post("/api/github/sync", json={"owner": "acme"}).status_code == 403
    assert other.get("/api/github/rate-limit").status_code == 403
    viewer = client(role=Role.viewer)
    assert viewer.post("/api/github/sync", json={"owner": "acme"}).status_code == 403


def test_the_quota_is_told_and_costs_nothing(client, github):
    spent = github.spent
    reply = client(role=Role.viewer).get("/api/github/rate-limit")
    assert reply.json()["data"]["remaining"] == 5000 - spent
    assert github.spent == spent


def sent(client, event, body, delivery="d-1", secret="first", **more):
    """A message as GitHub sends it."""
    text = json.dumps(body).encode()
    mark = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
    headers = {
        "X-Hub-Signature-256": f"sha256={mark}",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": delivery,
    }
    http = client()
    del http.headers["Authorization"]
    return http.post("/api/github/webhook", content=text, headers={**headers, **more})


ISSUE = {
    "action": "edited",
    "repository": {"full_name": "acme/site"},
    "issue": {"number": 7},
}


def test_an_issue_that_changed_is_a_job_of_one_record_once(client, module_warehouse):
    first = sent(client, "issues", ISSUE).json()["data"]["job_ids"]
    assert sent(client, "issues", ISSUE).json()["data"]["job_ids"] == first
    ((asked, organization_id),) = requests(module_warehouse, *first)
    (source,) = asked["sources"]
    assert (source["what"], source["repository"], source["number"]) == ("bugs", "acme/site", 7)
    assert (asked["dataset"], organization_id) == ("bugs", 1)


@pytest.mark.parametrize(
    ("event", "more", "repository"),
    [
        ("push", {}, "acme/site"),
        ("repository", {"action": "archived"}, "acme/site"),
        (
            "repository",
            {"action": "renamed", "changes": {"repository": {"name": {"from": "old"}}}},
            "acme/old",
        ),
        (
            "repository",
            {"action": "transferred", "changes": {"owner": {"from": {"user": {"login": "ann"}}}}},
            "ann/site",
        ),
    ],
)
def test_a_repository_that_changed_is_fetched_by_the_name_it_had(
    client, module_warehouse, event, more, repository
):
    body = {"repository": {"full_name": "acme/site"}, **more}
    reply = sent(client, event, body, f"{event} {more}", "second")
    ((asked, organization_id),) = requests(module_warehouse, *reply.json()["data"]["job_ids"])
    assert (asked["sources"][0]["what"], asked["sources"][0]["repository"]) == ("projects", repository)
    assert organization_id == 2


@pytest.mark.parametrize(
    ("secret", "body", "status"),
    [("wrong", ISSUE, 401), ("first", {}, 422), ("first", [], 422), ("first", {"repository": {}}, 422)],
)
def test_a_message_that_is_not_githubs_is_refused(client, secret, body, status):
    assert sent(client, "issues", body, "d-2", secret).status_code == status


def test_other_messages_are_of_no_concern(client):
    reply = sent(client, "ping", {"zen": "Keep it logically awesome."}, "d-3")
    assert (reply.status_code, reply.json()["data"]["job_ids"]) == (202, [])


def test_without_a_secret_nobody_can_sign(client, gateway_settings):
    with serving(gateway_settings.model_copy(update={"github_webhook_secrets": {}})) as url:
        headers = {"X-Hub-Signature-256": "sha256=", "X-GitHub-Event": "issues", "X-GitHub-Delivery": "d"}
        assert client().post(f"{url}/api/github/webhook", json=ISSUE, headers=headers).status_code == 401
