"""One issue as a bug."""

from typing import Any

from sluice.sources.api.spool import Spool
from sluice.sources.github.bugs import Records
from sluice.sources.github.known import Known, Repository, Table
from sluice.sources.github.mapping import Record
from sluice.sources.github.pages import Pages
from sluice.sources.model import GitHubSource


def issue(source: GitHubSource, pages: Pages, spool: Spool, table: Table) -> None:
    """Fetch it; where it is gone, or went to another repository, its row gets the status ``deleted``."""
    place = f"/{source.repository}/issues/{source.number}".lower()
    records = Records(source, table, Known())

    def take(told: dict[str, Any]) -> tuple[list[Record], Any]:
        url = str(told["html_url"]).rpartition("/issues/")[0]
        name = "/".join(url.split("/")[-2:])
        return records.of([told], Repository(0, name, url))[0], told["html_url"]

    page = pages.get(f"{source.api_url.rstrip('/')}/repos/{source.repository}/issues/{source.number}", take)
    if not spool.at.done:
        there = {page.note.lower(), *(one["bug_number"] for one in spool.records())} if page.there else set()
        rows = [row for row in table.rows([place]) if row["github_url"].lower().endswith(place)]
        left = [row for row in rows if not there & {row["github_url"].lower(), row["bug_number"]}]
        spool.add([row | {"status": "deleted"} for row in left], done=True)
