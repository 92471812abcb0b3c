"""In which of an owner's repositories issues have changed: one question to GitHub's search, instead of one to each."""

from typing import Any
from urllib.parse import urlencode

import httpx

from sluice.sources.github.known import Known
from sluice.sources.github.pages import GONE, Pages
from sluice.sources.model import GitHubSource

MOST = 1000  # hits that the search shows
# The search may be closed to the token, or not know the owner.
_REFUSED = GONE | {401, 403, 422}


def changed(source: GitHubSource, pages: Pages, known: Known) -> set[str] | None:
    """The repositories, as owner/name in lower case, with changes since ``known.until``; None where it can't tell.

    It is no more than a hint where to look: what is new is then asked of the repository itself, whose answer is never
    behind.
    """
    if not known.until:
        return None
    query = {
        "q": f"is:issue user:{source.owner} updated:>={known.until}",
        "sort": "updated",
        "per_page": "100",
    }
    found: set[str] = set()
    for page in pages.all(
        f"{source.api_url.rstrip('/')}/search/issues?{urlencode(query)}", _take, allowed=_REFUSED
    ):
        if page.status != httpx.codes.OK or page.note is None:
            return None
        found |= set(page.note)
    return found


def _take(told: dict[str, Any]) -> tuple[list[Any], list[str] | None]:
    if told.get("incomplete_results") or told.get("total_count", 0) > MOST:
        return [], None
    return [], sorted(
        {"/".join(one["repository_url"].split("/")[-2:]).lower() for one in told.get("items", [])}
    )
