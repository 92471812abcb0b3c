"""What a repository and an issue become."""

import re
from pathlib import Path

import pytest

from sluice.sources.github import labels
from sluice.sources.github.mapping import bug, project

REPOSITORY = {
    "id": 1,
    "name": "site",
    "full_name": "acme/site",
    "html_url": "https://github.com/acme/site",
    "description": "Our site",
    "language": "Python",
    "topics": ["etl", "web"],
    "homepage": "acme.example.org",
    "owner": {"login": "acme"},
    "stargazers_count": 5,
    "forks_count": 2,
    "open_issues_count": 7,
    "private": True,
    "archived": False,
    "created_at": "2024-01-01T00:00:00Z",
    "updated_at": "2025-01-01T00:00:00Z",
    "pushed_at": "2025-01-02T00:00:00Z",
}
ISSUE = {
    "id": 2_345_678_901,
    "number": 7,
    "title": "It breaks",
    "body": "When I look.",
    "state": "open",
    "labels": [],
    "comments": 3,
    "assignees": [{"login": "ann"}, {"login": "ben"}],
    "user": {"login": "cid"},
    "html_url": "https://github.com/acme/site/issues/7",
    "created_at": "2025-11-30T00:00:00Z",
    "updated_at": "2025-12-01T00:00:00Z",
    "closed_at": None,
}


def test_a_repository_fills_every_column_that_github_knows():
    assert project(REPOSITORY, "site") == {
        "name": "site",
        "description": "Our site",
        "github_url": "https://github.com/acme/site",
        "language": "Python",
        "tech_stack": "Python, etl, web",
        "status": "active",
        "owner": "acme",
        "demo_url": "https://acme.example.org",
        "stars": 5,
        "forks": 2,
        "open_issues": 7,
        "is_private": True,
        "created_at": "2024-01-01T00:00:00Z",
        "updated_at": "2025-01-01T00:00:00Z",
        "last_commit_at": "2025-01-02T00:00:00Z",
    }


@pytest.mark.parametrize(
    ("told", "stood", "status"),
    [
        ({}, None, "active"),
        ({}, "planning", "planning"),
        ({}, "archived", "active"),
        ({}, "deleted", "active"),
        ({"archived": True}, "planning", "archived"),
        ({"disabled": True}, None, "on_hold"),
    ],
)
def test_the_status_is_githubs_where_it_says_one_and_else_peoples(told, stood, status):
    assert project(REPOSITORY | told, "site", {"status": stood})["status"] == status


@pytest.mark.parametrize(
    ("homepage", "page"),
    [
        ("", None),
        (None, None),
        ("https://a.example/x", "https://a.example/x"),
        ("a.example/x?y", "https://a.example/x?y"),
        ("coming soon", None),
        ("javascript:alert(1)", None),
        ("https://", None),
        ("https://" + "a" * 600, None),
    ],
)
def test_a_homepage_is_kept_where_it_is_an_address(homepage, page):
    assert project(REPOSITORY | {"homepage": homepage}, "site")["demo_url"] == page


def test_an_issue_fills_every_column_that_github_knows():
    labels = [{"name": "Severity: High"}, {"name": "p1"}, {"name": "ui"}]
    assert bug(ISSUE | {"labels": labels}, "site") == {
        "bug_number": "BUG-202511-2345678901",
        "title": "It breaks",
        "description": "When I look.",
        "project": "site",
        "severity": "high",
        "priority": "high",
        "status": "open",
        "assigned_to": "ann, ben",
        "reported_by": "cid",
        "comments_count": 3,
        "labels": "Severity: High, p1, ui",
        "github_url": "https://github.com/acme/site/issues/7",
        "resolution": None,
        "created_at": "2025-11-30T00:00:00Z",
        "updated_at": "2025-12-01T00:00:00Z",
        "resolved_at": None,
    }


@pytest.mark.parametrize(
    ("labels", "severity", "priority"),
    [
        ([], "medium", None),
        (["bug"], "medium", None),
        (["critical"], "critical", None),
        (["severity/critical", "priority/low"], "critical", "low"),
        (["minor", "Severity: Major"], "high", None),
        (["S2", "P0"], "high", "critical"),
        (["sev:4"], "low", None),
        (["urgent"], "medium", "critical"),
        (["Priority: Medium 🙂"], "medium", "medium"),
        (["high"], "medium", None),  # of what?
    ],
)
def test_labels_tell_severity_and_priority(labels, severity, priority):
    found = bug(ISSUE | {"labels": [{"name": one} for one in labels]}, "site")
    assert (found["severity"], found["priority"]) == (severity, priority)


@pytest.mark.parametrize(
    ("told", "labels", "status", "resolution"),
    [
        ({}, [], "open", None),
        ({}, ["status: in progress"], "in_progress", None),
        ({}, ["WIP", "blocked"], "blocked", None),
        ({"state_reason": "reopened"}, [], "reopened", None),
        ({"state": "closed", "state_reason": "completed"}, ["blocked"], "resolved", "completed"),
        ({"state": "closed", "state_reason": "not_planned"}, [], "closed", "not planned"),
        ({"state": "closed", "state_reason": "duplicate"}, [], "closed", "duplicate"),
        ({"state": "closed", "state_reason": None}, [], "closed", None),
    ],
)
def test_state_and_labels_tell_the_status(told, labels, status, resolution):
    found = bug(ISSUE | told | {"labels": labels}, "site")
    assert (found["status"], found["resolution"]) == (status, resolution)


def test_what_is_too_long_is_cut_and_what_is_missing_is_empty():
    long = bug(ISSUE | {"body": "x" * 60_000, "labels": [{"name": "y" * 50}] * 100}, "site")
    assert len(long["description"]) == 50_000
    assert len(long["labels"]) <= 2000
    bare = bug(ISSUE | {"body": None, "user": None, "assignees": None}, "site")
    assert (bare["description"], bare["reported_by"], bare["assigned_to"]) == (None, None, None)


@pytest.mark.parametrize("grades", [labels._SEVERITY, labels._PRIORITY], ids=["severity", "priority"])
def test_the_guide_shows_what_labels_are_read_as(grades):
    text = (Path(__file__).parents[3] / "docs" / "github.md").read_text().lower()
    table = re.findall(r"^\| (`.*) \| (`.*) \| (\w+) \|$", text, re.M)
    shown = {(grade, *(frozenset(re.findall("`(.+?)`", cell)) for cell in cells)) for *cells, grade in table}
    assert {(grade, frozenset(own), frozenset(more)) for grade, (own, more) in grades.items()} <= shown
