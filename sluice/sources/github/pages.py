"""Pages of GitHub's API: each asked for once a sync, by its tag where it is known, and told to the journal."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import orjson

from sluice.errors import SourceError
from sluice.sources.api.client import Answer, Client
from sluice.sources.api.spool import Spool
from sluice.sources.urls import without_secrets

HEADERS = {
    "accept": "application/vnd.github+json",
    "x-github-api-version": "2022-11-28",
    "user-agent": "sluice",
}
GONE = frozenset({404, 410, 451})
Taken = tuple[list[dict[str, Any]], Any]  # records, and what the sync has to know of the page


@dataclass(frozen=True, slots=True)
class Page:
    """What an answer said, but for its records. ``date``: the server's, in ISO; ``note``: what the taker noted."""

    url: str
    status: int
    etag: str = ""
    next: str = ""
    date: str = ""
    note: Any = None

    @property
    def there(self) -> bool:
        """Whether there is such a thing."""
        return self.status not in GONE

    @property
    def unchanged(self) -> bool:
        """Whether it is as it was when its tag was given."""
        return self.status == httpx.codes.NOT_MODIFIED


class Pages:
    """The pages of one sync. Those of an earlier process of it are in the journal, and not asked for again."""

    def __init__(self, client: Client, spool: Spool, report: Callable[[int], None] | None = None) -> None:
        self._client, self._spool, self._report = client, spool, report
        self._told = {one["url"]: Page(**one) for one in spool.journal()}
        self._adding = threading.Lock()

    def get(
        self, url: str, take: Callable[[Any], Taken], *, etag: str = "", allowed: frozenset[int] = GONE
    ) -> Page:
        """The page; ``take`` makes records of its content. ``allowed``: statuses that are no error.

        Raises SourceError, RetryError. May be called by several threads, each with URLs of its own.
        """
        if url in self._told:
            return self._told[url]
        try:
            answer = self._client.get(url, {}, HEADERS | ({"if-none-match": etag} if etag else {}))
        except SourceError as error:
            if (status := error.facts.get("status")) not in allowed:
                raise
            page = Page(url, int(status))
            self._add(page, [])
            return page
        records, note = (
            ([], None) if answer.status == httpx.codes.NOT_MODIFIED else take(content(answer, url))
        )
        page = Page(
            url,
            answer.status,
            answer.headers.get("etag", etag),
            answer.links.get("next", ""),
            _date(answer.headers),
            note,
        )
        self._add(page, records)
        return page

    def all(self, url: str, take: Callable[[Any], Taken], **more: Any) -> Iterator[Page]:
        """The page and those that follow it. Raises SourceError where they go round."""
        seen = set()
        while url:
            seen.add(url)
            page = self.get(url, take, **more)
            yield page
            url, more = page.next, {}
            if url in seen:
                raise SourceError("GitHub's pages lead back to one that was read.", url=without_secrets(url))

    def _add(self, page: Page, records: list[dict[str, Any]]) -> None:
        with self._adding:
            self._spool.add(records, told=asdict(page))
            self._told[page.url] = page
            if self._report:
                self._report(self._spool.at.records)


def content(answer: Answer, url: str) -> Any:
    """The body's value. Raises SourceError."""
    try:
        return orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        raise SourceError(
            f"{without_secrets(url)}: the answer is no JSON.",
            hint="Is this the address of GitHub's API? That of GitHub Enterprise is https://HOST/api/v3.",
            url=without_secrets(url),
        ) from None


def _date(headers: Mapping[str, str]) -> str:
    try:
        return parsedate_to_datetime(headers.get("date", "")).strftime("%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        return ""
