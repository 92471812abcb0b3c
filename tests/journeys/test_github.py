"""From a request, a deployment and a message of GitHub's to the rows, on a platform of its own."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from gateway.settings import GatewaySettings
from sluice.security.tokens import Caller, Role, mint
from tests.conftest import temporary_home
from tests.deployments.conftest import Running, started
from tests.sources.github.fake import FakeGitHub, fake_github

TOKEN, SECRET = "gh-token-of-the-journey", "hook-secret-of-the-journey"


@dataclass
class Journey:
    running: Running
    github: FakeGitHub
    http: httpx.Client

    def done(self, job_ids: list[str]) -> list[tuple[int, int]]:
        """Records read and published by each of the jobs, at its end."""
        return [self._one(job_id) for job_id in job_ids]

    def _one(self, job_id: str) -> tuple[int, int]:
        until = time.monotonic() + 90
        while time.monotonic() < until:
            told: dict[str, Any] = self.http.get(f"/api/data/status/{job_id}").json()["data"]
            assert told["error"] is None
            if told["status"] == "complete":
                return told["result"]["read"], told["result"]["published"]
            time.sleep(0.2)
        raise AssertionError(told)


@pytest.fixture(scope="module")
def journey() -> Iterator[Journey]:
    with fake_github(FakeGitHub(token=TOKEN)) as github, temporary_home() as home:
        given = {
            "SLUICE_PRIVATE_ADDRESSES": "true",
            "SLUICE_GITHUB_API_URL": github.url,
            "SLUICE_GITHUB_TOKEN": TOKEN,
            "SLUICE_GITHUB_WEBHOOK_SECRETS": json.dumps({"1": SECRET}),
        }
        with started(home, **given) as running:
            token = mint(GatewaySettings(home=home), Caller(1, 1, Role.admin), 600)
            headers = {"Authorization": f"Bearer {token}"}
            url = running.state.gateway_url
            with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=30) as http:
                yield Journey(running, github, http)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_an_owner_is_synchronized_and_kept_up_by_webhooks_and_the_deployment(journey: Journey) -> None:
    github = journey.github
    made = github.fill("acme", 5, 4)
    reply = journey.http.post("/api/github/sync", json={"owner": "acme"})
    assert sorted(journey.done(reply.json()["data"]["job_ids"])) == [(5, 5), (20, 20)]

    github.edit(made[2], 3, title="Heard of by a webhook")
    github.since()
    body = json.dumps({"repository": {"full_name": "acme/repo-002"}, "issue": {"number": 3}})
    mark = hmac.new(SECRET.encode(), body.encode(), hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": f"sha256={mark}", "X-GitHub-Event": "issues", "X-GitHub-Delivery": "1"}
    heard = httpx.post(
        f"{journey.http.base_url}/api/github/webhook", content=body, headers=headers, trust_env=False
    )
    assert journey.done(heard.json()["data"]["job_ids"]) == [(1, 1)]
    assert github.asked == ["/rate_limit", "/repos/acme/repo-002/issues/3"]

    github.since()
    deployment = journey.running.get("/deployments/name/github-sync/github-sync-manual")["id"]
    run = journey.running.post(
        f"/deployments/{deployment}/create_flow_run", parameters={"request": {"owner": "acme"}}
    )
    journey.running.run_in(run["id"], {"COMPLETED"})
    assert len(github.asked) <= 6

    logs = [path for path in journey.running.home.rglob("*.log") if TOKEN in path.read_text(errors="replace")]
    assert not logs
