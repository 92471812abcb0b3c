"""The repositories of a source: those that are listed, and what became of those that no longer are."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sluice.errors import SourceError
from sluice.sources.github.known import Known, Listed, Repository
from sluice.sources.github.mapping import Record
from sluice.sources.github.pages import GONE, Page, Pages
from sluice.sources.model import GitHubSource

FULL = 100  # repositories of a page
OVERLAP = timedelta(hours=1)  # that GitHub's search may be behind
Take = Callable[[dict[str, Any]], list[Record]]  # the records of a repository


@dataclass(frozen=True, slots=True)
class Listing:
    """``now``: what is to be known from here on. ``moved``: repositories that went to another owner, as they are there.
    ``deleted``: those that are gone, or closed to us.
    """

    now: Known
    moved: list[Repository]
    deleted: list[Repository]


def listing(source: GitHubSource, pages: Pages, known: Known, whole: bool, take: Take) -> Listing:
    """Ask for the list; pages that are as they were cost nothing, unless ``whole``, which asks for all.

    Raises SourceError where there is no such owner.
    """
    api = source.api_url.rstrip("/")
    now = Known(kind=known.kind)

    def taken(content: Any) -> tuple[list[Record], Any]:
        told = content if isinstance(content, list) else [content]
        return [record for one in told for record in take(one)], [asdict(Repository.of(one)) for one in told]

    for page in _walk(source, pages, known, now, whole, taken):
        now.until = now.until or _earlier(page.date)
    missing = [one for number, one in known.repositories.items() if number not in now.repositories]
    if source.repository and not now.repositories and not missing:
        missing = [Repository(0, source.repository, "")]
    moved, deleted = [], []
    for one in missing:
        page = pages.get(f"{api}/repos/{one.name}", taken)
        found = Repository(**page.note[0]) if page.there else None
        if found is None or found.id != one.id:
            deleted.append(one)
        elif source.owner and found.name.partition("/")[0] != one.name.partition("/")[0]:
            moved.append(found)
        else:  # not listed to us, but there
            now.repositories[one.id] = found
    return Listing(now, moved, deleted)


def _walk(
    source: GitHubSource, pages: Pages, known: Known, now: Known, whole: bool, taken: Callable[..., Any]
) -> Iterator[Page]:
    """The pages of the list, noted in ``now``."""
    url, kind = _first(source, pages, known, whole, taken)
    now.kind = kind
    seen: set[str] = set()
    while url and url not in seen:
        seen.add(url)
        before = _before(known, len(now.pages), url, whole)
        allowed = GONE if source.repository else frozenset()
        page = pages.get(url, taken, etag=before.etag if before else "", allowed=allowed)
        if not page.there:
            return
        if page.unchanged and before:
            found = [known.repositories[number] for number in before.ids]
        else:
            found = [Repository(**one) for one in page.note]
        now.repositories |= {one.id: one for one in found}
        now.pages.append(Listed(url, page.etag, [one.id for one in found]))
        yield page
        url = page.next
        if page.unchanged and not url and len(found) >= FULL:
            # The tag is that of this page: others may have come after it.
            url = _numbered(now.pages[0].url, len(now.pages) + 1)


def _first(
    source: GitHubSource, pages: Pages, known: Known, whole: bool, taken: Callable[..., Any]
) -> tuple[str, str]:
    """The first page's URL, and whether it is of ``orgs`` or ``users``."""
    api = source.api_url.rstrip("/")
    if source.repository:
        return f"{api}/repos/{source.repository}", ""
    # By the time they were made: the pages of the older ones stay as they are.
    order = f"per_page={FULL}&sort=created&direction=asc"
    urls = {
        "orgs": f"{api}/orgs/{source.owner}/repos?type=all&{order}",
        "users": f"{api}/users/{source.owner}/repos?type=owner&{order}",
    }
    if known.kind:
        return urls[known.kind], known.kind
    for kind, url in urls.items():
        if pages.get(url, taken).there:
            return url, kind
    raise nothing(source)


def _before(known: Known, number: int, url: str, whole: bool) -> Listed | None:
    """The page as it was, where all that stood on it is known."""
    if whole or number >= len(known.pages):
        return None
    found = known.pages[number]
    return found if found.url == url and known.repositories.keys() >= set(found.ids) else None


def _numbered(url: str, number: int) -> str:
    return f"{url}&page={number}"


def _earlier(date: str) -> str:
    if not date:
        return ""
    return (datetime.strptime(date, "%Y-%m-%dT%H:%M:%SZ") - OVERLAP).strftime("%Y-%m-%dT%H:%M:%SZ")


def nothing(source: GitHubSource) -> SourceError:
    """That there is no such owner or repository."""
    return SourceError(
        f"GitHub has no {source.owner or source.repository}, or the token may not see it.",
        hint="Check the name, and the token of the block or of SLUICE_GITHUB_TOKEN.",
        source=source.label,
    )
