"""Probe: asks an endpoint a few times and proposes how to declare it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any
from urllib.parse import urlsplit

from sluice.errors import SluiceError, SourceError
from sluice.sources.api.client import Answer, Client
from sluice.sources.api.declaration import NUMBERED, Incremental, Paging
from sluice.sources.api.fetch import highest
from sluice.sources.api.page import values_of
from sluice.sources.api.paging import Ask, first, following, parsed, records
from sluice.sources.model import ApiSource
from sluice.sources.urls import without_secrets

_NEXT_URL = ("next", "next_url", "nexturl", "next_page_url", "nextlink")
_CURSORS = {  # names in a body, and the parameter that usually takes the value
    "next_cursor": "cursor", "nextcursor": "cursor", "cursor": "cursor", "next": "cursor", "end_cursor": "after",
    "endcursor": "after", "after": "after", "next_page_token": "page_token", "nextpagetoken": "pageToken",
    "continuation": "continuation", "continuation_token": "continuation_token", "next_token": "next_token",
    "starting_after": "starting_after",
}  # fmt: skip
_COUNTED = (  # style, parameter, and from where it usually counts
    ("page", "page", 1), ("page", "page", 0), ("page", "page[number]", 1), ("page", "pageNumber", 1),
    ("offset", "offset", 0), ("offset", "skip", 0), ("offset", "start", 0), ("offset", "start", 1),
    ("offset", "startAt", 0),
)  # fmt: skip
_SINCE = (
    "updated_since",
    "since",
    "modified_since",
    "updated_after",
    "updated_at_gte",
    "updated_at[gte]",
    "from",
)
_CHANGED = ("updated_at", "updatedat", "updated", "modified_at", "modifiedat", "modified", "last_modified",
            "lastmodified", "changed_at", "systemmodstamp", "date_modified")  # fmt: skip
_DEEP = 5  # levels of a body that are looked into


@dataclass(slots=True)
class Found:
    """A proposed source, the records that were seen, and what speaks for it, in words."""

    source: ApiSource
    records: list[Any]
    evidence: list[str] = field(default_factory=list)
    requests: int = 0


def probe(source: ApiSource, client: Client) -> Found:
    """What the endpoint seems to be, as a source to declare. Raises SourceError, RetryError, InputError (address)."""
    asked = first(source, None)
    answer = client.get(asked.url, asked.params, source.headers)
    content, _ = parsed(answer, source)
    where, page = _records(content)
    if not page:
        shown = without_secrets(source.url)
        raise SourceError(
            f"{shown}: no records are in the answer.", hint="Ask for a list that is not empty.", url=shown
        )
    found = Found(source.model_copy(update={"records": where}), page, requests=1)
    found.evidence.append(f"{len(page):,} records at {where}")
    _page(found, client, asked, answer, content)
    _new(found, client)
    return found


def _records(content: Any) -> tuple[str, list[Any]]:
    """The JSONPath of the longest list of objects, and the list; the whole, where there is none."""
    lists = [(where, value) for where, value in _walk(content) if _is_table(value)]
    if lists:
        return max(lists, key=lambda one: (len(one[1]), -one[0].count(".")))
    return "$", [content] if isinstance(content, dict) else list(content or [])


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _walk(content: Any, where: str = "$", deep: int = 0) -> Iterator[tuple[str, Any]]:
    """Each value outside of lists, with its JSONPath."""
    yield where, content
    if isinstance(content, dict) and deep < _DEEP:
        for name, value in content.items():
            step = f".{name}" if name.isidentifier() else f"['{name}']"
            yield from _walk(value, f"{where}{step}", deep + 1)


def _page(found: Found, client: Client, asked: Ask, answer: Answer, content: Any) -> None:
    """How pages follow each other: the first way whose second page has other records."""
    for paging, why in _ways(found, answer, content):
        source = found.source.model_copy(update={"paging": paging})
        begin = first(source, None) if paging.style in NUMBERED else asked
        ask = following(source, begin, answer, content, len(found.records))
        if not ask or not (more := _other(found, client, source, ask)):
            continue
        if begin is asked or _is_first(found, client, source, begin):
            found.source = source
            found.evidence.append(f"pages: {why}; the second has {more:,} other records")
            return
    found.evidence.append("pages: no second one was found")


def _ways(found: Found, answer: Answer, content: Any) -> Iterator[tuple[Paging, str]]:
    if "next" in answer.links:
        yield Paging(style="link"), "the Link header names the next"
    outside = [(where, value) for where, value in _walk(content) if value and where != found.source.records]
    for where in _next_urls(outside):
        yield Paging(style="next", next=where), f"{where} is the URL of the next"
    for where, value in outside:
        name = where.rpartition(".")[2].strip("[]'").lower()
        if isinstance(value, str | int) and not isinstance(value, bool) and name in _CURSORS:
            param = _CURSORS[name]
            yield (
                Paging(style="cursor", next=where, param=param),
                f"{where} is the cursor of the next, for `{param}`",
            )
    size = len(found.records)
    for style, param, start in _COUNTED:
        usual = start == (style == "page")
        paging = Paging(style=style, param=param, start=None if usual else start, size=size)  # type: ignore[arg-type]
        counted = "pages" if style == "page" else "records"
        yield paging, f"`{param}` counts {counted}" + ("" if usual else f" from {start}")


def _next_urls(values: list[tuple[str, Any]]) -> Iterator[str]:
    """Where a body has the URL of its next page: by that name, or in a link of that name or relation."""
    for where, value in values:
        if isinstance(value, str) and value.startswith(("http://", "https://", "/", "?")):
            link = where.lower().removesuffix(".href").removesuffix(".url")
            if link.rpartition(".")[2].strip("[]'") in _NEXT_URL:
                yield where
        elif isinstance(value, list):
            links = [one for one in value if isinstance(one, dict)]
            for rel, url in product(("rel", "relation"), ("href", "url")):
                if any(one.get(rel) == "next" and one.get(url) for one in links):
                    yield f"{where}[?@.{rel} == 'next'].{url}"


def _other(found: Found, client: Client, source: ApiSource, ask: Ask) -> int:
    """How many records the page has, if they are others."""
    seen = _seen(found, client, source, ask)
    return 0 if _known(found, seen) else seen.total()


def _is_first(found: Found, client: Client, source: ApiSource, ask: Ask) -> bool:
    """Whether the page that the counting begins with came without it, too: else its records would be lost."""
    return _known(found, _seen(found, client, source, ask))


def _known(found: Found, seen: Counter[str]) -> bool:
    """Whether these records are of the first page. Where its own repeat, one of them may be another: then all count."""
    known = Counter(map(repr, found.records))
    return known == seen if max(known.values()) > 1 else bool(known & seen)


def _seen(found: Found, client: Client, source: ApiSource, ask: Ask) -> Counter[str]:
    """The records of the page; none where the server refuses it."""
    found.requests += 1
    try:
        return Counter(
            map(repr, records(parsed(client.get(ask.url, ask.params, source.headers), source)[0], source))
        )
    except SluiceError:
        return Counter()


def _new(found: Found, client: Client) -> None:
    """How to ask for what has changed: a parameter that leaves out what changed before the latest of the first page."""
    names = {name.lower(): name for one in found.records if isinstance(one, dict) for name in one}
    for name in (names[low] for low in _CHANGED if low in names):
        latest = highest(
            _asking(found.source, name, "since"), None, lambda field: values_of(found.records, field)
        )
        values = {str(one.get(name)) for one in found.records}
        if not latest or len(values) < 2:
            continue
        for param in _SINCE:
            source = _asking(found.source, name, param)
            if _leaves_out(found, client, source, latest, name):
                found.source = source
                found.evidence.append(
                    f"changes: `{param}` with the highest `{name}` leaves out what is older"
                )
                return
    found.evidence.append("changes: no parameter was found that asks for them; everything comes each time")


def _asking(source: ApiSource, name: str, param: str) -> ApiSource:
    return source.model_copy(update={"incremental": Incremental(field=name, param=param)})


def _leaves_out(found: Found, client: Client, source: ApiSource, latest: str, name: str) -> bool:
    """Whether nothing that changed before ``latest`` comes, and something else does."""
    newest = _since(found, client, source, latest)
    if newest is None or any(str(one.get(name)) < latest for one in newest if isinstance(one, dict)):
        return False
    earliest = min(str(one[name]) for one in found.records if isinstance(one, dict) and one.get(name))
    return bool(newest) or bool(_since(found, client, source, earliest))


def _since(found: Found, client: Client, source: ApiSource, value: str) -> list[Any] | None:
    """The records that changed since then; None if the server does not take it."""
    found.requests += 1
    ask = first(source, value)
    try:
        return records(parsed(client.get(ask.url, ask.params, source.headers), source)[0], source)
    except SluiceError:
        return None


def declaration(found: Found, dataset: str) -> dict[str, Any]:
    """The proposal as the content of a ``NAME.source.yaml``."""
    parts = urlsplit(found.source.url)
    own = found.source.model_dump(exclude_defaults=True, exclude={"kind", "url", "block"})
    for name in ("paging", "incremental"):
        if name in own:
            own[name] = {key: value for key, value in own[name].items() if value not in ("", None)}
    told: dict[str, Any] = {"base_url": f"{parts.scheme}://{parts.netloc}"}
    if found.source.block:
        told["block"] = found.source.block
    return {**told, "endpoints": {dataset: {"path": parts.path, **own}}}
