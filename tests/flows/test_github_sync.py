"""GitHub through the whole ingestion: projects and bugs in their tables, with few requests, whatever happens."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from blocks import GitHubSource
from flows.github_sync import GitHubSync, github_sync
from flows.runner import run_here
from sluice.errors import SourceError
from sluice.settings import settings
from sluice.warehouse.connection import Warehouse
from tests.sources.github.fake import FakeGitHub, fake_github

ALONE = """
import json, sys
from sluice.jobs import steps, whole
from sluice.jobs.lease import lease
from sluice.sources.model import GitHubSource
from sluice.warehouse.connection import Warehouse

request = json.loads(sys.argv[1])
warehouse = Warehouse.from_settings().prepare()
job = steps.open_job(warehouse, request)
with lease(warehouse, job.job_id):
    whole.ingest(warehouse, job, [GitHubSource(**one) for one in request["sources"]], lambda source: None)
"""


@pytest.fixture
def github(project: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGitHub]:
    """A fake GitHub that is the project's, and wants a token, which the environment has."""
    with fake_github(FakeGitHub(token="gh-token-1")) as found:
        monkeypatch.setenv("SLUICE_ALLOWED_ADDRESSES", "127.0.0.0/8")
        monkeypatch.setenv("SLUICE_GITHUB_API_URL", found.url)
        monkeypatch.setenv("SLUICE_GITHUB_TOKEN", "gh-token-1")
        settings.cache_clear()
        yield found


def synced(**more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The outcomes of a sync: projects, bugs."""
    more = more if "repository" in more else {"owner": "acme", **more}
    found = github_sync(GitHubSync(**more))
    return found["projects"], found["bugs"]


def rows(warehouse: Warehouse, query: str) -> list[Any]:
    with warehouse.connect() as connection:
        return connection.execute(query.encode()).fetchall()


def test_a_sync_fills_both_tables_and_the_next_one_asks_next_to_nothing(
    project: Warehouse, github: FakeGitHub
) -> None:
    made = github.fill("acme", 100, 3)
    github.issue(made[0], pull_request={"url": "x"})
    projects, bugs = synced()
    assert (projects["published"], projects["rejected"]) == (100, 0)
    assert (bugs["published"], bugs["rejected"]) == (300, 0)
    assert github.since() == 104
    spent = github.spent
    projects, bugs = synced()
    assert (projects["read"], bugs["read"]) == (0, 0)
    assert (github.since(), github.spent - spent) == (7, 2)
    assert rows(project, "SELECT count(DISTINCT project), min(severity) FROM data.bugs") == [(100, "medium")]
    assert github.most_at_once <= 3


def test_what_changed_is_published_and_nothing_else(project: Warehouse, github: FakeGitHub) -> None:
    made = github.fill("acme", 5, 3)
    synced()
    made[2] |= {"archived": True, "stargazers_count": 40}
    github.edit(made[2], 1, state="closed", state_reason="completed", closed_at="2025-06-01T00:00:00Z")
    projects, bugs = synced()
    assert (projects["published"], projects["unchanged"]) == (1, 4)
    assert (bugs["published"], bugs["unchanged"]) == (1, 1)  # the newest that was known comes again
    assert rows(project, "SELECT name, stars FROM data.projects WHERE status = 'archived'") == [
        ("repo-002", 40)
    ]
    assert rows(project, "SELECT project, resolution FROM data.bugs WHERE status = 'resolved'") == [
        ("repo-002", "completed")
    ]


def test_what_people_wrote_stays_and_what_is_gone_is_marked(project: Warehouse, github: FakeGitHub) -> None:
    made = github.fill("acme", 3, 2)
    synced()
    with project.connect() as connection:
        connection.execute(
            "UPDATE data.projects SET budget = 12.5, client_name = 'ACME', status = 'planning'"
        )
        connection.execute("UPDATE data.bugs SET sla_hours = 8")
    github.delete(made[0]["id"])
    github.rename(made[1]["id"], "other/renamed")
    github.issues[made[2]["id"]].pop()
    synced(incremental=False)
    assert rows(
        project, "SELECT name, github_url, status, budget::text, client_name FROM data.projects ORDER BY name"
    ) == [
        ("repo-000", "https://github.com/acme/repo-000", "deleted", "12.50", "ACME"),
        ("repo-001", "https://github.com/other/renamed", "planning", "12.50", "ACME"),
        ("repo-002", "https://github.com/acme/repo-002", "planning", "12.50", "ACME"),
    ]
    found = rows(project, "SELECT project, github_url, status, sla_hours FROM data.bugs ORDER BY bug_number")
    assert found == [
        ("repo-000", "https://github.com/acme/repo-000/issues/1", "deleted", 8),
        ("repo-000", "https://github.com/acme/repo-000/issues/2", "deleted", 8),
        ("repo-001", "https://github.com/other/renamed/issues/1", "open", 8),
        ("repo-001", "https://github.com/other/renamed/issues/2", "open", 8),
        ("repo-002", "https://github.com/acme/repo-002/issues/1", "open", 8),
        ("repo-002", "https://github.com/acme/repo-002/issues/2", "deleted", 8),
    ]


def test_a_killed_sync_is_gone_on_with(project: Warehouse, github: FakeGitHub) -> None:
    github.token = ""
    github.fill("acme", 40, 2)
    source = {"kind": "github", "what": "bugs", "owner": "acme", "api_url": github.url}
    request = {"dataset": "bugs", "sources": [source], "mode": "upsert", "force": False, "warehouse": ""}
    request |= {"organization_id": 1, "user_id": 1, "priority": "normal", "job_id": ""}
    github.latency = 0.1
    alone = subprocess.Popen([sys.executable, "-c", ALONE, json.dumps(request)])
    until = time.monotonic() + 60
    while len(github.asked) < 20 and alone.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    os.kill(alone.pid, signal.SIGKILL)
    alone.wait()
    github.latency = 0.0
    before = github.since()
    assert 20 <= before < 40
    assert run_here({"dataset": "bugs", "sources": [source]})["published"] == 80
    assert len(github.asked) <= 1 + 42 - (before - 1) + 3  # the quota again, and what was on its way
    assert rows(project, "SELECT count(*) FROM data.bugs") == [(80,)]
    assert not list((settings().root / "fetch").glob("*/*.ndjson"))


@pytest.mark.parametrize(
    "web", ["https://ghe.example.org", "https://github.acme.co.uk:8443", "https://acme.ghe.com"]
)
def test_a_github_enterprise_server_is_synchronized_as_github_is(
    project: Warehouse, monkeypatch: pytest.MonkeyPatch, web: str
) -> None:
    monkeypatch.setenv("SLUICE_ALLOWED_ADDRESSES", "127.0.0.0/8")
    settings.cache_clear()
    with fake_github(FakeGitHub(token="ghe-token", web=web, base="/api/v3", limit=0)) as server:
        api_url = f"{server.url}/api/v3"
        GitHubSource(base_url=api_url, token="ghe-token").save("ghe", overwrite=True)  # type: ignore[arg-type]
        made = server.fill("acme", 3, 2)
        here = {"api_url": api_url, "block": "ghe"}
        projects, bugs = synced(**here)
        assert (projects["published"], projects["rejected"]) == (3, 0)
        assert (bugs["published"], bugs["rejected"]) == (6, 0)
        server.rename(made[0]["id"], "acme_team/renamed")
        server.edit(made[1], 1, title="Changed")
        synced(**here)
        assert rows(project, "SELECT github_url FROM data.projects WHERE name = 'repo-000'") == [
            (f"{web}/acme_team/renamed",)
        ]
        assert rows(project, "SELECT github_url FROM data.bugs WHERE title = 'Changed'") == [
            (f"{web}/acme/repo-001/issues/1",)
        ]
        assert {path.split("/")[2] for path in server.asked} == {"v3"}


def test_an_owner_of_the_same_name_on_two_servers_is_two_owners(
    project: Warehouse, github: FakeGitHub
) -> None:
    github.fill("acme", 3, 1)
    with fake_github(FakeGitHub(web="https://ghe.example.org", base="/api/v3", _ids=9_000_000)) as server:
        server.fill("acme", 2, 1)
        there = {"api_url": f"{server.url}/api/v3"}
        synced()
        synced(**there)
        for more in ({}, there):
            synced(incremental=False, **more)
        server.delete(next(iter(server.repositories)))
        synced(**there)
        synced()
    found = rows(project, "SELECT github_url, status FROM data.projects ORDER BY github_url")
    assert found == [
        ("https://ghe.example.org/acme/repo-000", "deleted"),
        ("https://ghe.example.org/acme/repo-001", "active"),
        *((f"https://github.com/acme/repo-00{number}", "active") for number in range(3)),
    ]
    gone = rows(project, "SELECT github_url FROM data.bugs WHERE status = 'deleted'")
    assert gone == [("https://ghe.example.org/acme/repo-000/issues/1",)]


def together(*sources: dict[str, Any]) -> list[subprocess.Popen[bytes]]:
    """A job each, in processes of their own, all at once; ended."""
    request = {"dataset": "bugs", "mode": "upsert", "force": False, "warehouse": "", "job_id": ""}
    request |= {"organization_id": 1, "user_id": 1, "priority": "normal"}
    made = [
        subprocess.Popen(
            [sys.executable, "-c", ALONE, json.dumps(request | {"sources": [one]})], stderr=subprocess.PIPE
        )
        for one in sources
    ]
    for one in made:
        one.wait(120)
    return made


@pytest.mark.parametrize("other", [{"owner": "acme"}, {"repository": "acme/repo-007"}])
def test_jobs_side_by_side_bring_each_bug_once(
    project: Warehouse, github: FakeGitHub, other: dict[str, str]
) -> None:
    github.token, github.latency = "", 0.05
    made = github.fill("acme", 15, 4)
    base = {"kind": "github", "what": "bugs", "api_url": github.url}
    jobs = together(base | {"owner": "acme"}, base | other)
    assert [(job.returncode, job.stderr and job.stderr.read()[-600:]) for job in jobs] == [(0, b"")] * 2
    assert rows(project, "SELECT count(*), count(DISTINCT bug_number), count(*) FILTER (WHERE status = 'open')"
                " FROM data.bugs") == [(60, 60, 60)]  # fmt: skip
    assert rows(project, "SELECT DISTINCT status FROM sluice.ingestion_jobs") == [("completed",)]
    github.edit(made[7], 2, title="Changed later")
    assert run_here({"dataset": "bugs", "sources": [base | {"owner": "acme"}]})["published"] == 1
    assert rows(project, "SELECT github_url FROM data.bugs WHERE title = 'Changed later'") == [
        ("https://github.com/acme/repo-007/issues/2",)
    ]


def test_a_job_of_one_issue_needs_no_run_of_its_own(project: Warehouse, github: FakeGitHub) -> None:
    github.token = ""
    (made,) = github.fill("acme", 1, 2)
    source = {"kind": "github", "what": "bugs", "repository": "acme/repo-000", "number": 2}
    request = {"dataset": "bugs", "sources": [source | {"api_url": github.url}], "mode": "upsert"}
    request |= {"force": False, "warehouse": "", "organization_id": 1, "user_id": 1, "priority": "high"}
    for title in ("Issue 2", "Other"):
        github.edit(made, 2, title=title)
        subprocess.run([sys.executable, "-c", ALONE, json.dumps(request | {"job_id": ""})], check=True)
        assert rows(project, "SELECT title, project FROM data.bugs") == [(title, "repo-000")]
    assert rows(project, "SELECT count(*) FROM sluice.source_states") == [(0,)]


def test_the_token_comes_from_block_or_environment_and_stays_out_of_sight(
    project: Warehouse, github: FakeGitHub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    github.fill("acme", 1, 1)
    synced()
    monkeypatch.delenv("SLUICE_GITHUB_TOKEN")
    settings.cache_clear()
    with pytest.raises(SourceError, match="401"):
        synced()
    GitHubSource(base_url=github.url, token="gh-token-1").save("github")  # type: ignore[arg-type]
    assert synced(block="github")[0]["status"] == "completed"
    kept = str(rows(project, "SELECT j::text FROM sluice.ingestion_jobs j")) + caplog.text
    assert "gh-token-1" not in kept


def test_the_environments_token_is_not_sent_elsewhere(
    project: Warehouse, github: FakeGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLUICE_GITHUB_API_URL", "https://api.github.com")
    settings.cache_clear()
    github.fill("acme", 1, 1)
    with pytest.raises(SourceError, match="401"):
        synced(api_url=github.url)


def test_one_repository_may_be_asked_for(project: Warehouse, github: FakeGitHub, tmp_path: Path) -> None:
    github.fill("acme", 3, 2)
    projects, bugs = synced(repository="acme/repo-001")
    assert (projects["published"], bugs["published"]) == (1, 2)
    github.since()
    synced(repository="acme/repo-001")
    assert github.since() == 2 + 3
