"""From what GitHub says of a repository or an issue to a record of the datasets ``projects`` and ``bugs``."""

import re
from collections.abc import Mapping
from typing import Any

from sluice.sources.github import labels as grades

Record = dict[str, Any]
KEPT = ("sla_hours", "engineering_hours")  # of a bug; GitHub does not know them, so its row keeps them
_ENDED = ("archived", "deleted")
_HOST = re.compile(r"^[\w-]+(\.[\w-]+)+([/?#]\S*)?$")
_REASONS = {"completed": "completed", "not_planned": "not planned", "duplicate": "duplicate"}


def project(repository: Mapping[str, Any], name: str, standing: Mapping[str, Any] | None = None) -> Record:
    """The record of a repository; ``standing``: its row, which keeps what GitHub does not know."""
    known = dict(standing or {})
    topics = [one for one in (repository.get("language"), *(repository.get("topics") or [])) if one]
    return known | {
        "name": name,
        "description": _cut(repository.get("description"), 10_000),
        "github_url": repository["html_url"],
        "language": repository.get("language"),
        "tech_stack": _listed(topics),
        "status": _standing_status(repository, known.get("status")),
        "owner": (repository.get("owner") or {}).get("login"),
        "demo_url": _page(repository.get("homepage")),
        "stars": repository.get("stargazers_count"),
        "forks": repository.get("forks_count"),
        "open_issues": repository.get("open_issues_count"),
        "is_private": repository.get("private"),
        "created_at": repository.get("created_at"),
        "updated_at": repository.get("updated_at"),
        "last_commit_at": repository.get("pushed_at"),
    }


def bug(issue: Mapping[str, Any], project_name: str) -> Record:
    """The record of an issue."""
    names = [one if isinstance(one, str) else str(one.get("name") or "") for one in issue.get("labels") or []]
    closed = issue.get("state") == "closed"
    return {
        "bug_number": bug_number(issue),
        "title": _cut(issue.get("title"), 500),
        "description": _cut(issue.get("body"), 50_000),
        "project": project_name,
        "severity": grades.severity(names),
        "priority": grades.priority(names),
        "status": _bug_status(issue, names),
        "assigned_to": _listed([one["login"] for one in issue.get("assignees") or []], 255),
        "reported_by": (issue.get("user") or {}).get("login"),
        "comments_count": issue.get("comments"),
        "labels": _listed(names),
        "github_url": issue["html_url"],
        "resolution": _REASONS.get(str(issue.get("state_reason"))) if closed else None,
        "created_at": issue.get("created_at"),
        "updated_at": issue.get("updated_at"),
        "resolved_at": issue.get("closed_at") if closed else None,
    }


def bug_number(issue: Mapping[str, Any]) -> str:
    """BUG, the month in which it was reported, and GitHub's own number for it, which is the same wherever it moves."""
    created = str(issue["created_at"])
    return f"BUG-{created[:4]}{created[5:7]}-{int(issue['id']):04d}"


def _bug_status(issue: Mapping[str, Any], names: list[str]) -> str:
    reason = issue.get("state_reason")
    if issue.get("state") == "closed":
        return "resolved" if reason == "completed" else "closed"
    return grades.at_work(names) or ("reopened" if reason == "reopened" else "open")


def _standing_status(repository: Mapping[str, Any], known: Any) -> str:
    if repository.get("archived"):
        return "archived"
    if repository.get("disabled"):
        return "on_hold"
    # What people say of a project that is at work is theirs to say.
    return str(known) if known and known not in _ENDED else "active"


def _page(homepage: Any) -> str | None:
    """An address, where the repository's own page is one."""
    text = str(homepage or "").strip()
    if len(text) > 490 or any(one.isspace() for one in text):
        return None
    if re.match(r"^https?://[^/\s]", text):
        return text
    return f"https://{text}" if _HOST.match(text) else None


def _cut(text: Any, most: int) -> str | None:
    """At most so many characters: a long text is no reason to lose the record."""
    if not text:
        return None
    found = str(text).replace("\0", "")
    return found if len(found) <= most else f"{found[: most - 1]}…"


def _listed(names: list[str], most: int = 2000) -> str | None:
    """The names, separated by commas: as many as there is room for."""
    found = ""
    for name in names:
        more = f"{found}, {name}" if found else name
        if len(more) > most:
            break
        found = more
    return found or None
