"""Which request comes next, and the records of an answer."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import orjson
from jsonpath import JSONPathError
from jsonpath import compile as compiled

from sluice.errors import SetupError, SourceError
from sluice.sources.api.client import Answer
from sluice.sources.api.csv_page import csv_records, is_csv
from sluice.sources.api.declaration import NUMBERED, Paging
from sluice.sources.api.text import in_utf8
from sluice.sources.model import ApiSource
from sluice.sources.urls import without_secrets


@dataclass(frozen=True, slots=True)
class Ask:
    """A request for one page."""

    url: str
    params: dict[str, str]

    @property
    def key(self) -> str:
        """The same for the same request."""
        return f"{self.url} {sorted(self.params.items())}"


def first(source: ApiSource, since: str | None) -> Ask:
    """The request for the first page; ``since``: the highest value seen before."""
    parts = urlsplit(source.url)
    params = {**dict(parse_qsl(parts.query, keep_blank_values=True)), **source.params}
    if source.incremental and since:
        params[source.incremental.param] = since
    paging = source.paging
    if paging.size_param:
        params[paging.size_param] = str(paging.size)
    if paging.style in NUMBERED:
        params[paging.parameter] = str(paging.first)
    return Ask(parts._replace(query="", fragment="").geturl(), params)


def following(source: ApiSource, ask: Ask, answer: Answer, content: Any, count: int) -> Ask | None:
    """The request for the page after this one of ``count`` records; None after the last."""
    paging = source.paging
    if paging.style == "link":
        found = answer.links.get("next")
        return Ask(found, {}) if found else None
    if paging.style == "next":
        found = _value(content, paging.next, source)
        return Ask(urljoin(ask.url, str(found)), {}) if found else None
    if paging.style == "cursor":
        found = _value(content, paging.next, source)
        return (
            Ask(ask.url, {**ask.params, paging.parameter: str(found)})
            if found not in (None, "", False)
            else None
        )
    if paging.style in NUMBERED and count and not (paging.size and count < paging.size):
        return numbered(paging, ask, 1, count)
    return None


def numbered(paging: Paging, ask: Ask, steps: int, count: int) -> Ask:
    """The request ``steps`` pages after this one, each of ``count`` records."""
    step = 1 if paging.style == "page" else paging.size or count
    number = int(ask.params[paging.parameter]) + steps * step
    return Ask(ask.url, {**ask.params, paging.parameter: str(number)})


def parsed(answer: Answer, source: ApiSource) -> tuple[Any, bytes]:
    """The body as JSON, or a list of the values of its lines or of the records of its CSV; and the body, JSON in UTF-8.

    Raises SourceError, SetupError for an encoding that there is not.
    """
    body = answer.body
    if is_csv(answer.headers, source.options):
        return csv_records(body, answer.headers, source.options, source.url), body
    body = in_utf8(answer, source)
    try:
        if "ndjson" in answer.headers.get("content-type", "") or "jsonl" in answer.headers.get(
            "content-type", ""
        ):
            return [orjson.loads(line) for line in body.splitlines() if line.strip()], body
        return orjson.loads(body) if body.strip() else [], body
    except orjson.JSONDecodeError as cause:
        shown = without_secrets(source.url)
        begin = body[:80].decode("utf-8", "replace").strip()
        raise SourceError(
            f"{shown}: the answer is no JSON ({cause}); it begins: {begin!r}.",
            hint="Check the URL; a file that is no JSON is loaded as an HTTP source.",
            url=shown,
        ) from None


def records(content: Any, source: ApiSource) -> list[Any]:
    """The records of a page. Raises SourceError where there is no place for them."""
    found = path(source.records)(content)
    if len(found) == 1 and isinstance(found[0], list):
        return list(found[0])
    if not found and not isinstance(content, list):
        shown = without_secrets(source.url)
        names = ", ".join(sorted(content)[:10]) if isinstance(content, dict) else type(content).__name__
        raise SourceError(
            f"{shown}: nothing at {source.records}; the answer has {names}.",
            hint="Correct the JSONPath of the records.",
            url=shown,
        )
    return found


def plain(text: str) -> str | None:
    """The JSONPath as names joined by dots, as the reader of JSON files takes it; None if it is more than that."""
    found = re.fullmatch(r"\$?\.?([\w-]+(\.[\w-]+)*)?", text)
    return (found[1] or "") if found else None


@lru_cache(maxsize=64)
def path(text: str) -> Callable[[Any], list[Any]]:
    """A function that finds what the JSONPath means. Raises SetupError."""
    try:
        return compiled(text if text.startswith("$") else f"$.{text}").findall
    except JSONPathError as cause:
        raise SetupError(f"{text!r} is no JSONPath: {cause}.", hint="Such as $.items.") from None


def _value(content: Any, text: str, source: ApiSource) -> Any:
    found = path(text)(content)
    if len(found) > 1 or (found and isinstance(found[0], dict | list)):
        shown = without_secrets(source.url)
        raise SourceError(f"{shown}: {text} is not one value.", hint="Correct `paging.next`.", url=shown)
    return found[0] if found else None
