"""Syncs of a fake GitHub into a spool: few requests, none lost, in time with its limits."""

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from sluice.deadline import deadline
from sluice.errors import RetryError, SourceError
from sluice.sources.api import client as api_client
from sluice.sources.api.client import Client
from sluice.sources.api.spool import spooled
from sluice.sources.github.sync import sync
from sluice.sources.guard import Guard
from sluice.sources.model import GitHubSource
from tests.sources.github.fake import FakeGitHub


class Rows:
    """Rows that stand, in memory."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, Any]] = {}
        self.names: dict[str, str] = {}

    def rows(self, parts: Sequence[str], having: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
        for one in list(self.found.values()):
            valued = not having or any(one.get(name) is not None for name in having)
            if valued and any(part in one["github_url"].lower() for part in parts):
                yield one

    def projects(self) -> dict[str, str]:
        return self.names

    def publish(self, records: list[dict[str, Any]]) -> None:
        """As an upsert does, by number or name."""
        self.found |= {one.get("bug_number", one.get("name")): one for one in records}
        self.names |= {one["name"]: one["github_url"].lower() for one in records if "name" in one}


class Syncs:
    """One source after another, each with what the last sync of it knew."""

    def __init__(self, github: FakeGitHub, folder: Path) -> None:
        self.github, self.folder, self.rows = github, folder, Rows()
        self.seen: dict[str, dict[str, Any]] = {}

    def __call__(self, what: str = "bugs", *, whole: bool = False, **more: Any) -> list[dict[str, Any]]:
        """The records of a sync."""
        place = {"owner": "acme"} if "repository" not in more else {}
        source = GitHubSource(what=what, api_url=self.github.url, **place, **more)
        client = Client(Guard(anywhere=True), concurrency=source.requests_at_once, reserve=source.reserve)
        with spooled(self.folder / what) as spool, client.opened() as client:
            seen = sync(
                source,
                client,
                spool,
                seen=self.seen.get(source.identity, {}),
                table=self.rows,
                whole=whole,
            )
            found = list(spool.records())
            assert spool.at.done
            spool.move(self.folder / f"landed-{len(list(self.folder.iterdir()))}")
        self.seen[source.identity] = json.loads(json.dumps(seen))
        self.rows.publish(found)
        return found


@pytest.fixture
def syncs(github: FakeGitHub, tmp_path: Path) -> Syncs:
    return Syncs(github, tmp_path)


def names(records: list[dict[str, Any]]) -> list[str]:
    return sorted(one["github_url"].removeprefix("https://github.com/") for one in records)


def test_nothing_new_among_a_hundred_repositories_is_a_handful_of_requests(github, syncs):
    github.fill("acme", 100, 2)
    assert len(syncs("projects")) == 100
    assert len(syncs("bugs")) == 200
    full, spent = github.since(), github.spent
    assert full == 2 + 102
    assert syncs("projects") == []
    assert syncs("bugs") == []
    incremental = github.since()
    assert incremental <= 7
    assert incremental * 10 <= full
    assert github.spent - spent <= 2  # the page after a hundred, twice; 304 and the search cost nothing


def test_an_issue_that_changed_is_all_that_comes(github, syncs):
    made = github.fill("acme", 30, 3)
    syncs()
    github.since()
    github.edit(made[7], 2, title="Other")
    found = syncs()
    assert "Other" in {one["title"] for one in found}
    assert {one["project"] for one in found} == {"repo-007"}
    assert github.since() <= 5


def test_where_github_can_not_search_each_repository_is_asked_and_tags_make_it_free(github, syncs):
    github.fill("acme", 20, 3)
    syncs()
    github.searchable = False
    assert len(syncs()) == 20  # the newest of each, once more
    spent = github.spent
    assert syncs() == []
    assert github.spent - spent <= 1


def test_a_repository_of_many_pages_comes_whole_without_pull_requests(github, syncs):
    (one,) = github.fill("acme", 1, 349)
    github.issue(one, pull_request={"url": "x"})
    assert len(syncs()) == 349
    assert github.since() == 1 + 1 + 4


def test_new_pages_of_a_list_are_found_behind_full_ones(github, syncs):
    github.fill("acme", 100, 0)
    syncs("projects")
    github.repository("acme/late")
    assert names(syncs("projects")) == ["acme/late"]


def test_a_user_has_repositories_too_and_nobody_has_none(github, syncs):
    github.fill("acme", 2, 1)
    github.kinds["acme"] = "users"
    assert len(syncs("projects")) == 2
    github.repositories.clear()
    github.kinds.clear()
    with pytest.raises(SourceError, match="no none/such"):
        syncs("projects", repository="none/such")


def test_no_more_requests_at_once_than_allowed(github, syncs):
    github.fill("acme", 12, 1)
    github.latency = 0.02
    syncs(requests_at_once=3)
    assert github.most_at_once == 3


def test_a_deleted_repository_and_its_bugs_are_marked_once(github, syncs):
    made = github.fill("acme", 3, 2)
    syncs("projects")
    syncs("bugs")
    github.delete(made[1]["id"])
    marked = [one["name"] for one in syncs("projects") if one["status"] == "deleted"]
    assert marked == ["repo-001"]
    assert {(one["project"], one["status"]) for one in syncs("bugs")} == {("repo-001", "deleted")}
    assert syncs("projects") == []
    assert syncs("bugs") == []


def test_a_deleted_issue_is_noticed_by_a_whole_sync(github, syncs):
    (one,) = github.fill("acme", 1, 3)
    syncs()
    gone = github.issues[one["id"]].pop(0)
    found = syncs(whole=True)
    assert [each["status"] for each in found if each["github_url"] == gone["html_url"]] == ["deleted"]
    assert len(found) == 3


def test_a_renamed_repository_keeps_its_row_and_its_bugs(github, syncs):
    (one,) = github.fill("acme", 1, 2)
    syncs("projects")
    syncs("bugs")
    github.rename(one["id"], "acme/fresh")
    (project,) = syncs("projects")
    assert (project["name"], project["github_url"]) == ("repo-000", "https://github.com/acme/fresh")
    assert names(syncs("bugs")) == ["acme/fresh/issues/1", "acme/fresh/issues/2"]
    assert {row["status"] for row in syncs.rows.found.values()} == {"active", "open"}


def test_a_repository_that_went_to_another_owner_is_followed(github, syncs):
    made = github.fill("acme", 2, 1)
    syncs("projects")
    syncs("bugs")
    github.rename(made[0]["id"], "other/thing")
    assert ("repo-000", "other") in {(one["name"], one["owner"]) for one in syncs("projects")}
    assert names(syncs("bugs")) == ["other/thing/issues/1"]
    assert syncs("projects") == []


def test_one_repository_is_followed_by_its_old_name(github, syncs):
    (one,) = github.fill("acme", 1, 2)
    syncs("projects", repository="acme/repo-000")
    syncs("bugs", repository="acme/repo-000")
    github.rename(one["id"], "other/thing")
    (project,) = syncs("projects", repository="acme/repo-000")
    assert (project["name"], project["github_url"]) == ("repo-000", "https://github.com/other/thing")
    assert names(syncs("bugs", repository="acme/repo-000")) == [
        "other/thing/issues/1",
        "other/thing/issues/2",
    ]


def test_a_repository_that_was_there_may_be_gone_and_one_that_never_was_is_an_error(github, syncs):
    (one,) = github.fill("acme", 1, 0)
    syncs("projects", repository="acme/repo-000")
    syncs("bugs", repository="acme/repo-000")
    github.delete(one["id"])
    for _ in range(2):
        assert syncs("bugs", repository="acme/repo-000") == []
        (project,) = syncs("projects", repository="acme/repo-000")
        assert project["status"] == "deleted"
    for what in ("projects", "bugs"):
        with pytest.raises(SourceError, match="no acme/other"):
            syncs(what, repository="acme/other")


def test_one_issue_is_one_request_and_marked_where_it_is_gone(github, syncs):
    (one,) = github.fill("acme", 1, 2)
    found = syncs("bugs", repository="acme/repo-000", number=2)
    assert names(found) == ["acme/repo-000/issues/2"]
    assert github.since() == 2
    github.issues[one["id"]].pop()
    (gone,) = syncs("bugs", repository="acme/repo-000", number=2)
    assert (gone["bug_number"], gone["status"]) == (found[0]["bug_number"], "deleted")


def test_two_repositories_of_one_name_are_two_projects(github, syncs):
    github.repository("other/site")
    syncs("projects", repository="other/site")
    github.repository("acme/site")
    assert [one["name"] for one in syncs("projects")] == ["acme/site"]


def test_what_people_wrote_into_a_row_stays(github, syncs):
    (one,) = github.fill("acme", 1, 1)
    syncs("projects")
    syncs("bugs")
    rows = list(syncs.rows.found.values())
    rows[0] |= {"name": "repo-000", "budget": 5, "status": "planning"}
    rows[1] |= {"sla_hours": 8}
    (project,), (bug,) = syncs("projects", whole=True), syncs("bugs", whole=True)
    assert (project["budget"], project["status"], bug["sla_hours"]) == (5, "planning", 8)
    assert one["full_name"] == "acme/repo-000"


@pytest.mark.parametrize("status", [502, 503])
def test_trouble_of_the_server_passes(github, syncs, status):
    github.fill("acme", 3, 1)
    github.faults = [Response(status_code=status), None, Response(status_code=status)]
    assert len(syncs()) == 3


@pytest.mark.parametrize("told", ["by a header", "by its text"])
@pytest.mark.parametrize("status", [403, 429])
def test_a_secondary_limit_holds_all_requests(github, syncs, status, told, monkeypatch):
    monkeypatch.setattr(api_client, "SECONDARY", 1.0)
    github.fill("acme", 9, 1)
    text = {"message": "You have exceeded a secondary rate limit."}
    headers = {"retry-after": "1"} if told == "by a header" else {}
    github.faults = [None, None, JSONResponse(text, status, headers)]
    assert len(syncs()) == 9
    assert len(github.asked) == 1 + 1 + 9 + 1
    refused = github.times[2]
    held = [
        one for one in github.times if refused + 0.3 < one < refused + 0.9
    ]  # before that, some are on their way
    assert not held
    assert github.times[-1] > refused + 0.9


def test_the_reserve_of_the_quota_is_left_to_others(github, syncs):
    github.fill("acme", 20, 1)
    github.limit, github.reset = 1000, time.time() + 3600
    github.spent = 1000 - 110
    with deadline("collect data", 60), pytest.raises(RetryError, match="takes no more"):
        syncs(reserve=100)
    assert 1000 - 100 <= github.spent <= 1000 - 100 + 2  # those on their way
    github.since()
    with deadline("collect data", 60), pytest.raises(RetryError, match="takes no more"):
        syncs(reserve=100)
    assert github.asked == ["/rate_limit"]
    github.reset = time.time()
    assert len(syncs(reserve=100)) == 20
    assert github.since() <= 2 + 20 - 7  # those of the first try are not asked again


def test_a_short_wait_for_the_quota_is_waited(github, syncs):
    github.fill("acme", 5, 1)
    github.limit, github.spent, github.reset = 100, 48, time.time() + 2
    assert len(syncs(reserve=100)) == 5  # at most half of it is kept
    assert github.statuses[403] == 0


def test_a_token_that_is_not_good_is_told(github, syncs):
    github.token = "right"
    with pytest.raises(SourceError, match="401"):
        syncs()
