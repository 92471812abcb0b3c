"""Issues as bugs: of the repositories in which any has changed, what is new in each, several at once."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from datetime import datetime
from typing import Any

from sluice.sources.api.spool import Spool
from sluice.sources.github.changed import changed
from sluice.sources.github.known import Known, Repository, Table, place
from sluice.sources.github.listing import listing, nothing
from sluice.sources.github.mapping import KEPT, Record, bug
from sluice.sources.github.pages import Pages
from sluice.sources.model import GitHubSource

# By the time they were reported: an issue that changes meanwhile stays on its page.
_ORDER = "state=all&sort=created&direction=asc&per_page=100"


def bugs(source: GitHubSource, pages: Pages, spool: Spool, known: Known, table: Table, whole: bool) -> Known:
    """Fetch the issues that changed, or all; those that are gone get the status ``deleted``, where all are fetched."""
    found = listing(source, pages, known, whole, lambda told: [])
    hits = None if whole or source.repository else changed(source, pages, known)
    issues = _Issues(source, pages, known, table, whole)
    there = list(found.now.repositories.values())
    asked = issues.all([one for one in there if issues.wanted(one, hits)])
    found.now.repositories = {one.id: one for one in (*map(issues.as_before, there), *asked)}
    list(issues.all(found.moved))
    if not spool.at.done:
        gone = {place(one.url) or f"/{one.name.lower()}" for one in found.deleted}
        if source.repository and gone and not _heard_of(source.repository, known, table):
            raise nothing(source)
        spool.add(_deleted(spool, table, issues.complete, gone, found.now.until), done=True)
    return found.now


class _Issues:
    """Asks for the issues of one repository after the other. ``complete``: those whose issues all came."""

    def __init__(self, source: GitHubSource, pages: Pages, known: Known, table: Table, whole: bool) -> None:
        self._source, self._pages, self._known, self._whole = source, pages, known.repositories, whole
        self._records = Records(source, table, known)
        self.complete: set[str] = set()

    def wanted(self, one: Repository, hits: set[str] | None) -> bool:
        """Whether any issue may have changed: ``hits`` names repositories with changes, None where nobody can tell."""
        before = self._known.get(one.id)
        new = before is None or not before.high or (before.name, before.open) != (one.name, one.open)
        return one.issues and (hits is None or new or one.name.lower() in hits)

    def as_before(self, one: Repository) -> Repository:
        """The repository, with what was known of its issues."""
        before = self._known.get(one.id)
        return replace(one, high=before.high, asked=before.asked, etag=before.etag) if before else one

    def all(self, repositories: Iterable[Repository]) -> Iterator[Repository]:
        """Fetch the issues of each, and give it as it is to be known from now on."""
        with ThreadPoolExecutor(self._source.requests_at_once) as pool:
            # In a copy of the context, so that the step's deadline ends it too.
            coming = [pool.submit(copy_context().run, self._of, one) for one in repositories]
            try:
                for one in coming:
                    yield one.result()
            finally:
                pool.shutdown(cancel_futures=True)

    def _of(self, one: Repository) -> Repository:
        before = self._known.get(one.id)
        # The addresses of a renamed one's issues are new, but they don't count as changed.
        known = before.high if before and before.name == one.name and not self._whole else ""
        api = self._source.api_url.rstrip("/")
        url = f"{api}/repos/{one.name}/issues?{_ORDER}{f'&since={known}' if known else ''}"
        tag = before.etag if before and before.asked == url else ""
        got = list(self._pages.all(url, lambda told: self._records.of(told, one), etag=tag))
        first = got[0]
        if not first.there:  # it went, or its issues were closed, since it was listed
            return self.as_before(one)
        if not known:
            self.complete.add(place(one.url))
        newest = max((page.note or "" for page in got), default="")
        # What changed while the later pages were read may have been on an earlier one.
        high = max(known, min(newest, first.date or newest)) or first.date
        again = url if known and high == known and len(got) == 1 else ""
        return replace(one, high=high, asked=again, etag=first.etag if again else "")


class Records:
    """Makes records of issues."""

    def __init__(self, source: GitHubSource, table: Table, known: Known) -> None:
        place = f"/{source.owner}/" if source.owner else f"/{source.repository}/issues/"
        self._kept = {
            row["bug_number"]: {name: row.get(name) for name in KEPT}
            for row in table.rows([place.lower()], KEPT)
        }
        self._projects = {url.rstrip("/"): name for name, url in table.projects().items() if url}
        self._before = {one.id: one.url for one in known.repositories.values()}

    def of(self, told: list[dict[str, Any]], one: Repository) -> tuple[list[Record], str]:
        """The records of a page of issues, and when the newest of them changed."""
        urls = (one.url.lower(), self._before.get(one.id, "").lower())
        name = next(
            (self._projects[url] for url in urls if url in self._projects), one.name.partition("/")[2]
        )
        records = [self.record(issue, name) for issue in told if "pull_request" not in issue]
        return records, max((str(issue["updated_at"]) for issue in told), default="")

    def record(self, issue: dict[str, Any], project: str) -> Record:
        """The record of an issue."""
        found = bug(issue, project)
        return self._kept.get(found["bug_number"], {}) | found


def _deleted(spool: Spool, table: Table, complete: set[str], gone: set[str], until: str) -> Iterator[Record]:
    """The rows of issues that are no longer there: of repositories that are ``gone``, or whose issues all came.

    Not of those that were reported after ``until``: a webhook may have brought them while the pages came.
    """
    if not complete and not gone:
        return
    seen = {text for one in spool.records() for text in (one["github_url"].lower(), one["bug_number"])}
    places = complete | gone
    for row in table.rows(sorted({f"{one.rpartition('/')[0]}/" for one in places})):
        url = row["github_url"].lower()
        repository, issue, _ = place(url).partition("/issues/")
        anywhere = f"/{repository.partition('/')[2]}"  # of one whose page nobody knows any more
        ours = bool(issue) and not places.isdisjoint({repository, anywhere})
        missed = ours and url not in seen and row["bug_number"] not in seen
        if missed and row["status"] != "deleted" and _before(row["created_at"], until):
            yield row | {"status": "deleted"}


def _heard_of(name: str, known: Known, table: Table) -> bool:
    """Whether the repository was there once, as far as anything here tells."""
    place = f"/{name.lower()}"
    if known.repositories or any(url.endswith(place) for url in table.projects().values()):
        return True
    return next(table.rows([f"{place}/issues/"]), None) is not None


def _before(created: str | None, until: str) -> bool:
    return not created or not until or datetime.fromisoformat(created) < datetime.fromisoformat(until)
