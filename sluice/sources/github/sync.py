"""A sync: the quota looked at, then projects or bugs fetched into a spool, from where an earlier one was stopped."""

from collections.abc import Callable, Mapping
from typing import Any

from sluice.errors import SourceError
from sluice.sources.api.client import Answer, Client
from sluice.sources.api.spool import Spool
from sluice.sources.github.bugs import bugs
from sluice.sources.github.issue import issue
from sluice.sources.github.known import Known, Table
from sluice.sources.github.pages import GONE, HEADERS, Pages
from sluice.sources.github.projects import projects
from sluice.sources.model import GitHubSource


def sync(
    source: GitHubSource,
    client: Client,
    spool: Spool,
    *,
    seen: Mapping[str, Any],
    table: Table,
    whole: bool,
    report: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Fill the spool; ``seen``: what the last sync returned. Returns what the next one is to know.

    Raises SourceError, RetryError, InputError (address); then the spool holds the pages up to there.
    """
    pages, known = Pages(client, spool, report), Known.of(seen)
    quota(client, source.api_url)
    if source.number:
        issue(source, pages, spool, table)
        return dict(seen)
    work = projects if source.what == "projects" else bugs
    return work(source, pages, spool, known, table, whole).as_dict()


def quota(client: Client, api_url: str) -> Answer | None:
    """The answer that tells the quota, which costs none of it; the client heeds it. None of a server without."""
    try:
        return client.get(f"{api_url.rstrip('/')}/rate_limit", {}, HEADERS)
    except SourceError as error:
        if error.facts.get("status") in GONE:
            return None
        raise
