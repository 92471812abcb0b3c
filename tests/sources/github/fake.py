"""A fake of GitHub's REST API on this machine: repositories and issues that change, pages, tags, quotas and faults.

It keeps to what GitHub documents: Link headers, ETags, 304 without cost, primary and secondary limits, redirects of
what was renamed or moved, 404 for what is gone, 410 where issues are closed.
"""

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.sources.api.server import running

WEB = "https://github.com"


@dataclass
class FakeGitHub:
    """``faults``: answers to come before the right ones; ``asked``: each request's path; ``limit``: of the quota, 0:
    there is none. ``web``: where its pages are; ``base``: what the API's paths begin with.
    """

    url: str = ""
    web: str = WEB
    base: str = ""
    token: str = ""
    limit: int = 5000
    spent: int = 0
    reset: float = 0.0
    latency: float = 0.0
    searchable: bool = True
    at_once: int = 0
    most_at_once: int = 0
    faults: list[Response | None] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    repositories: dict[int, dict[str, Any]] = field(default_factory=dict)
    issues: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    _ids: int = 1_000_000

    def repository(self, name: str, **more: Any) -> dict[str, Any]:
        """A new repository, as owner/name."""
        self._ids += 1
        made = {"id": self._ids, "private": False, "fork": False, "description": f"All about {name}."}
        made |= {
            "language": "Python",
            "topics": ["etl"],
            "homepage": "",
            "archived": False,
            "disabled": False,
        }
        made |= {"stargazers_count": 3, "forks_count": 1, "open_issues_count": 0, "has_issues": True}
        made |= {"created_at": "2024-01-01T00:00:00Z", "updated_at": "2025-01-01T00:00:00Z"}
        made |= {"pushed_at": "2025-01-02T00:00:00Z", **more}
        self.repositories[made["id"]] = made
        self.issues[made["id"]] = []
        self.rename(made["id"], name)
        return made

    def rename(self, number: int, name: str) -> None:
        """Give the repository another name or owner; its old one leads to it."""
        owner, _, own = name.partition("/")
        self.repositories[number] |= {
            "name": own,
            "full_name": name,
            "html_url": f"{self.web}/{name}",
            "owner": {"login": owner},
        }
        self.names[name.lower()] = number
        self.kinds.setdefault(owner.lower(), "orgs")
        for issue in self.issues[number]:
            self._place(issue, name)

    def delete(self, number: int) -> None:
        """Remove the repository."""
        del self.repositories[number], self.issues[number]

    def issue(self, repository: dict[str, Any], **more: Any) -> dict[str, Any]:
        """A new issue of the repository."""
        self._ids += 1
        there = self.issues[repository["id"]]
        number = max((one["number"] for one in there), default=0) + 1
        made = {"id": self._ids, "number": number, "title": f"Issue {number}", "body": "It breaks."}
        made |= {"state": "open", "state_reason": None, "labels": [], "comments": 0, "assignees": []}
        made |= {"user": {"login": "finder"}, "created_at": "2025-03-01T00:00:00Z", "closed_at": None}
        made |= {"updated_at": f"2025-03-01T00:{number // 60 % 60:02d}:{number % 60:02d}Z", **more}
        self._place(made, repository["full_name"])
        there.append(made)
        if made["state"] == "open":
            repository["open_issues_count"] += 1
        return made

    def fill(self, owner: str, repositories: int, issues: int) -> list[dict[str, Any]]:
        """That many repositories, each with that many issues."""
        made = [self.repository(f"{owner}/repo-{number:03d}") for number in range(repositories)]
        for one in made:
            for _ in range(issues):
                self.issue(one)
        return made

    def edit(self, repository: dict[str, Any], number: int, **more: Any) -> None:
        """Change an issue, now."""
        (issue,) = [one for one in self.issues[repository["id"]] if one["number"] == number]
        before = issue["state"]
        issue |= {"updated_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), **more}
        repository["open_issues_count"] += (issue["state"] == "open") - (before == "open")

    def since(self) -> int:
        """How many requests came since this was asked last, those for the quota included."""
        count = len(self.asked)
        self.asked.clear()
        return count

    def _place(self, issue: dict[str, Any], name: str) -> None:
        issue["html_url"] = f"{self.web}/{name}/issues/{issue['number']}"
        issue["repository_url"] = f"{self.url}{self.base}/repos/{name}"

    async def answer(self, request: Request) -> Response:
        """Any request: limits and faults first, then what is asked for, with its tag."""
        self.asked.append(f"{request.url.path}?{request.url.query}".rstrip("?"))
        self.times.append(time.monotonic())
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if self.latency:
                await asyncio.sleep(self.latency)
            found = self._limited(request)
        finally:
            self.at_once -= 1
        self.statuses[found.status_code] += 1
        return found

    def _limited(self, request: Request) -> Response:
        if self.reset and time.time() >= self.reset:
            self.spent, self.reset = 0, 0.0
        about_quota = request.url.path == f"{self.base}/rate_limit"
        if self.faults and not about_quota and (fault := self.faults.pop(0)):
            return fault
        if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
            return JSONResponse({"message": "Bad credentials"}, 401)
        if self.limit and self.spent >= self.limit and not about_quota:
            return self._told(JSONResponse({"message": "API rate limit exceeded"}, 403))
        found = self._find(request)
        if found.status_code == 200 and not about_quota:
            found.headers["etag"] = f'W/"{hashlib.sha256(bytes(found.body)).hexdigest()}"'
            if request.headers.get("if-none-match") == found.headers["etag"]:
                found = Response(status_code=304, headers={"etag": found.headers["etag"]})
        searched = request.url.path.startswith(f"{self.base}/search")
        if found.status_code != 304 and not about_quota and not searched:
            self.spent += 1
        return found if searched else self._told(found)

    def _told(self, found: Response) -> Response:
        if not self.limit:
            return found
        found.headers["x-ratelimit-limit"] = str(self.limit)
        found.headers["x-ratelimit-remaining"] = str(max(self.limit - self.spent, 0))
        found.headers["x-ratelimit-reset"] = str(int(self.reset or time.time() + 3600))
        found.headers["x-ratelimit-resource"] = "core"
        return found

    def _find(self, request: Request) -> Response:
        match request.url.path.removeprefix(self.base).strip("/").split("/"):
            case ["rate_limit"] if self.limit:
                core = {"limit": self.limit, "remaining": self.limit - self.spent, "reset": int(self.reset)}
                return JSONResponse({"resources": {"core": core}})
            case ["orgs" | "users" as kind, owner, "repos"]:
                if kind == "orgs" and self.kinds.get(owner.lower()) != "orgs":
                    return _missing()
                mine = [one for one in self.repositories.values() if one["owner"]["login"] == owner]
                return self._page(request, mine)
            case ["repos", owner, name, *rest]:
                number = self.names.get(f"{owner}/{name}".lower())
                if number not in self.repositories:
                    return _missing()
                if self.repositories[number]["full_name"].lower() != f"{owner}/{name}".lower():
                    query = f"?{request.url.query}" if request.url.query else ""
                    return RedirectResponse(
                        "/".join([f"{self.base}/repositories", str(number), *rest]) + query, 301
                    )
                return self._repository(request, number, rest)
            case ["repositories", number, *rest] if int(number) in self.repositories:
                return self._repository(request, int(number), rest)
            case ["search", "issues"]:
                return self._search(request)
        return _missing()

    def _repository(self, request: Request, number: int, rest: list[str]) -> Response:
        match rest:
            case []:
                return JSONResponse(self.repositories[number])
            case ["issues"]:
                if not self.repositories[number]["has_issues"]:
                    return JSONResponse({"message": "Issues are disabled for this repo"}, 410)
                since = request.query_params.get("since", "")
                assert request.query_params["state"] == "all"
                return self._page(request, [one for one in self.issues[number] if one["updated_at"] >= since])
            case ["issues", issue]:
                for one in self.issues[number]:
                    if one["number"] == int(issue):
                        return JSONResponse(one)
        return _missing()

    def _page(self, request: Request, items: list[dict[str, Any]]) -> Response:
        given = request.query_params
        size, page = min(int(given.get("per_page", 30)), 100), int(given.get("page", 1))
        found = JSONResponse(items[(page - 1) * size : page * size])
        if page * size < len(items):
            following = str(request.url.include_query_params(page=page + 1))
            found.headers["link"] = f'<{following}>; rel="next"'
        return found

    def _search(self, request: Request) -> Response:
        if not self.searchable:
            return JSONResponse({"message": "Validation Failed"}, 422)
        words = dict(one.split(":", 1) for one in request.query_params["q"].split())
        since = words["updated"].removeprefix(">=")
        found = [
            issue
            for number, one in self.repositories.items()
            if one["owner"]["login"].lower() == words["user"].lower()
            for issue in self.issues[number]
            if issue["updated_at"] >= since
        ]
        told = {"total_count": len(found), "incomplete_results": False, "items": found[:100]}
        return JSONResponse(told)


def _missing() -> Response:
    return JSONResponse({"message": "Not Found"}, 404)


@contextmanager
def fake_github(github: FakeGitHub | None = None) -> Iterator[FakeGitHub]:
    """The fake at a port of its own, for the block."""
    github = github or FakeGitHub()
    app = Starlette(routes=[Route("/{rest:path}", github.answer, methods=["GET"])])
    with running(app) as github.url:
        yield github
