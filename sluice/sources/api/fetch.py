"""Fetch: all pages of an endpoint into a spool, in their order, several on their way at once where they are counted."""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from datetime import datetime
from typing import Any

import httpx

from sluice.errors import SourceError
from sluice.sources.api.client import Answer, Client
from sluice.sources.api.csv_page import is_csv
from sluice.sources.api.declaration import NUMBERED
from sluice.sources.api.lines import Page, lines_of, written
from sluice.sources.api.page import Pages
from sluice.sources.api.paging import Ask, first, following, numbered, parsed, plain, records
from sluice.sources.api.shifts import Shifts, hash_of
from sluice.sources.api.spool import Spool
from sluice.sources.model import ApiSource
from sluice.sources.urls import without_secrets

_READY = 2  # pages that may have come while the one before them is looked at
SMALL = 4_000_000  # bytes of an answer that is read at once
_ACCEPT = {
    "csv": {"accept": "text/csv, */*;q=0.1"},
    "": {"accept": "application/json, application/x-ndjson;q=0.9, text/csv;q=0.8, */*;q=0.1"},
}
_VALIDATORS = {"etag": "if-none-match", "last-modified": "if-modified-since"}


def fetch(
    source: ApiSource,
    client: Client,
    spool: Spool,
    *,
    since: str | None = None,
    validators: dict[str, str] | None = None,
    report: Callable[[int], None] | None = None,
) -> None:
    """Fill the spool from where it is to the last page; ``report`` hears the number of records so far.

    ``since``: the highest value of the incremental field seen before. ``validators``: what the only page was known by.
    Raises SourceError, RetryError, SetupError; then the spool holds the pages up to there.
    """
    known = dict(validators or {}) if source.paging.style == "none" else {}
    accept = _ACCEPT.get(source.options.get("format", ""), _ACCEPT[""])
    headers = {**accept, **source.headers, **{_VALIDATORS[name]: value for name, value in known.items()}}
    if spool.at.done:
        return
    if source.paging.style == "none" and not source.incremental and plain(source.records) is not None:
        _one(source, client, spool, headers, known)
        return
    begin = first(source, since)
    shifts, pages = Shifts(source, spool, begin, whole=not since), Pages(source)
    ask: Ask | None = spool.at.next or begin
    if last := shifts.last:
        answer = client.get(last.url, last.params, headers)
        shifts.look_back(pages.of(answer).lines)
    while ask:
        ask = _pass(source, client, spool, shifts, pages, ask, headers, known, report)


def _pass(
    source: ApiSource,
    client: Client,
    spool: Spool,
    shifts: Shifts,
    pages: Pages,
    ask: Ask,
    headers: dict[str, str],
    known: dict[str, str],
    report: Callable[[int], None] | None,
) -> Ask | None:
    """Fetch the pages from ``ask`` on. Returns where to begin again, where they have shifted meanwhile."""
    seen, number = set[str](), shifts.passes
    answers = _answers(source, client, ask, headers)
    try:
        ask, answer = next(answers)
        while True:
            if answer.status == httpx.codes.NOT_MODIFIED:
                spool.add([], done=True, validators=known)
                return None
            then = _take(source, spool, shifts, pages.of(answer), ask, answer, seen)
            if report:
                report(spool.at.records)
            if then is None or shifts.passes != number:
                return then
            ask, answer = answers.send(then)
    finally:
        answers.close()


def _one(
    source: ApiSource, client: Client, spool: Spool, headers: dict[str, str], known: dict[str, str]
) -> None:
    """The only answer as it comes, however large, gone on with where it was broken off; a small one as records."""
    ask = first(source, None)
    kept = ("etag", "last-modified", "accept-ranges", "content-encoding", "content-type")

    def note(answer: Answer) -> None:
        spool.note(headers={name: answer.headers[name] for name in kept if name in answer.headers})

    answer = client.download(ask.url, ask.params, headers, spool.file, earlier=spool.at.headers, note=note)
    if answer.status == httpx.codes.NOT_MODIFIED:
        spool.note(done=True, validators=known)
        return
    validators = {name: answer.headers[name] for name in _VALIDATORS if name in answer.headers}
    if spool.file.tell() > SMALL:
        spool.note(done=True, raw=True, validators=validators)
        return
    spool.file.seek(0)
    content, body = parsed(replace(answer, body=spool.file.read()), source)
    page = records(content, source)
    if page and is_csv(answer.headers, source.options):  # its reader knows more of CSV than pages do
        spool.note(done=True, raw=True, validators=validators)
        return
    found = lines_of(page, content, body, plain(source.records))
    spool.file.seek(0)
    spool.note(headers={})  # from here on the file is no beginning of the answer
    spool.file.truncate()
    spool.add_lines(found, done=True, last=hash_of(found), validators=validators)


def _take(
    source: ApiSource, spool: Spool, shifts: Shifts, page: Page, ask: Ask, answer: Answer, seen: set[str]
) -> Ask | None:
    """Add a page to the spool. Returns the request that comes next."""
    lines, digest = page.lines, hash_of(page.lines)
    if lines.count and digest == spool.at.last:
        if source.paging.style not in NUMBERED or spool.at.pages < 2:
            raise _round(source, "sends the same page again")
        lines = written([])  # it has no more, and shows the last again
    then = following(source, ask, answer, page.content, lines.count)
    seen.add(ask.key)
    if then and then.key in seen:
        raise _round(source, "leads back to a page that was read")
    fresh = shifts.see(answer.headers, page.content, lines)
    then = then or shifts.again(fresh.count)
    spool.add_lines(
        fresh,
        next=then,
        done=then is None,
        last=digest if lines.count else "",
        shifts=dict(shifts.told),
        high=highest(source, spool.at.high, page.values if lines.count else lambda _: []),
        validators={name: answer.headers[name] for name in _VALIDATORS if name in answer.headers},
    )
    return then


def _answers(
    source: ApiSource, client: Client, begin: Ask, headers: dict[str, str]
) -> Generator[tuple[Ask, Answer], Ask | None, None]:
    """Each page with its request; whoever reads it sends back the request that comes next."""
    paging = source.paging
    if paging.style in NUMBERED and source.concurrency > 1 and (paging.style == "page" or paging.size):
        yield from _ahead(source, client, begin, headers)
        return
    ask: Ask | None = begin
    while ask:
        ask = yield ask, client.get(ask.url, ask.params, headers)


def _ahead(
    source: ApiSource, client: Client, begin: Ask, headers: dict[str, str]
) -> Generator[tuple[Ask, Answer], Ask | None, None]:
    """As many on their way as the source may be asked for at once; those beyond the last page come in vain."""
    waiting: deque[tuple[Ask, Future[Answer]]] = deque()
    most = source.concurrency + _READY
    with ThreadPoolExecutor(source.concurrency) as pool:
        try:
            ask = begin
            while True:
                while len(waiting) < most:
                    # In a copy of the context, so that the step's deadline ends it too.
                    work = copy_context().run
                    waiting.append((ask, pool.submit(work, client.get, ask.url, ask.params, headers)))
                    ask = numbered(source.paging, ask, 1, 0)
                asked, coming = waiting.popleft()
                yield asked, coming.result()
        finally:
            for _, coming in waiting:
                coming.cancel()


def highest(source: ApiSource, known: str | None, values: Callable[[str], Sequence[Any]]) -> str | None:
    """The highest value of the incremental field among ``known`` and those of a page; None if there is none."""
    if source.incremental is None:
        return None
    found = values(source.incremental.field)
    return higher(known, *(str(value) for value in found if value not in (None, "")))


def higher(*texts: str | None) -> str | None:
    """The highest of them; None if there is none."""
    return max((text for text in texts if text), key=_rank, default=None)


def _rank(text: str) -> tuple[int, float, str]:
    """Numbers by their size, moments by their time, everything else by its letters."""
    try:
        return 0, float(text), ""
    except ValueError:
        pass
    try:
        return 1, datetime.fromisoformat(text).timestamp(), ""
    except ValueError:
        return 2, 0.0, text


def _round(source: ApiSource, what: str) -> SourceError:
    shown = without_secrets(source.url)
    return SourceError(
        f"{shown} {what}.",
        hint="Correct `paging`: does the server know this parameter?",
        url=shown,
    )
