"""Repositories as projects."""

from typing import Any

from sluice.sources.api.spool import Spool
from sluice.sources.github.known import Known, Table, place
from sluice.sources.github.listing import listing, nothing
from sluice.sources.github.mapping import Record, project
from sluice.sources.github.pages import Pages
from sluice.sources.model import GitHubSource


def projects(
    source: GitHubSource, pages: Pages, spool: Spool, known: Known, table: Table, whole: bool
) -> Known:
    """Fetch the repositories that changed, or all; those that are gone get the status ``deleted``."""
    names = _Names(source, known, table)
    found = listing(source, pages, known, whole, lambda told: [names.record(told)])
    if not spool.at.done:
        rows = [
            row for one in found.deleted if (row := names.row(one.url) or names.called(one.name, one.url))
        ]
        if source.repository and found.deleted and not rows:
            raise nothing(source)
        spool.add([row | {"status": "deleted"} for row in rows], done=True)
    return found.now


class _Names:
    """Which row is a repository's, and the name that it has or gets there."""

    def __init__(self, source: GitHubSource, known: Known, table: Table) -> None:
        places = {f"/{source.owner}/"} if source.owner else {f"/{source.repository}"}
        places |= {f"/{one.name}" for one in known.repositories.values()} if source.repository else set()
        self._asked = source.repository
        self._rows = {_key(row["github_url"]): row for row in table.rows([one.lower() for one in places])}
        self._taken = {name: _key(url) for name, url in table.projects().items()}
        self._before = {one.id: one.url for one in known.repositories.values()}

    def row(self, url: str) -> Record | None:
        """The row at this address."""
        return self._rows.get(_key(url))

    def called(self, name: str, beside: str) -> Record | None:
        """The row of the repository of this name, as owner/name; on the server of the page ``beside``, if any."""
        wanted = f"{place(beside).partition('/')[0]}/{name.lower()}"
        return next((row for url, row in self._rows.items() if place(url).endswith(wanted)), None)

    def record(self, told: dict[str, Any]) -> Record:
        """The repository's record. One that was renamed or moved keeps its row, by the name that it has there."""
        url = told["html_url"]
        row = self.row(url) or self.row(self._before.get(int(told["id"]), ""))
        if row is None and self._asked:  # GitHub led on from there
            row = self.called(self._asked, url)
        row = row or {}
        return project(told, row.get("name") or self._new(told), row)

    def _new(self, told: dict[str, Any]) -> str:
        """Its own name, unless another repository's project has that."""
        name = str(told["name"])
        free = self._taken.get(name, "") in ("", _key(told["html_url"]))
        return name if free else str(told["full_name"])


def _key(url: str | None) -> str:
    return (url or "").lower().rstrip("/").replace("://www.", "://")
