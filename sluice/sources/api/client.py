"""The client of all web sources: connections kept and guarded, requests in time, tried again as the server wishes."""

import io
import logging
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.request import getproxies

import httpx

from sluice import deadline
from sluice.errors import RetryError, SluiceError, SourceError
from sluice.sources.api.pace import PATIENCE, Pace, none_left, sleep, wanted
from sluice.sources.guard import Guard
from sluice.sources.http_errors import explained, refusal
from sluice.sources.urls import without_secrets

TRIES = 8  # of one request
MONTH = 30  # days
LARGEST = 256_000_000  # bytes of one page
TIMEOUT = httpx.Timeout(30.0, connect=10.0)  # seconds for a connection, and between two pieces of an answer
GRACE, SLOWEST = 60.0, 1_000  # seconds and bytes a second: a body that has come slower since then is a drip
PROGRESS = 1_000_000  # bytes after which a download that broke off has all its tries again
SECONDARY = 60.0  # seconds of pause at least that a limit wants which tells none
_log = logging.getLogger(__name__)
_SECONDARY = b"secondary rate limit"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said. ``url``: where redirects led; ``links``: URLs by their relation; ``body``: unpacked, empty
    for 304.
    """

    url: str
    status: int
    headers: httpx.Headers
    links: dict[str, str]
    body: bytes


class Body(Protocol):
    """Where a body goes: a file, or what stands for one."""

    def write(self, chunk: bytes, /) -> object: ...
    def tell(self) -> int: ...
    def seek(self, place: int, /) -> object: ...
    def truncate(self) -> object: ...


class Client:
    """Asks one server. ``secrets``: arguments for httpx.Client that log in; may be used by several threads.

    ``tries``: of one request. ``reserve``: requests of the server's quota that are left to others, at most half of it.
    ``http2``: where the server speaks it; one large file comes faster without.
    """

    def __init__(
        self,
        guard: Guard,
        secrets: Mapping[str, Any] | None = None,
        *,
        rate: float = 0.0,
        concurrency: int = 1,
        tries: int = TRIES,
        reserve: int = 0,
        http2: bool = True,
    ) -> None:
        self._guard, self._pace, self._most_tries = guard, Pace(rate, reserve), tries
        self._certified = dict[str, datetime]()
        self._proxied = bool(getproxies())
        limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
        self._http = httpx.Client(
            timeout=TIMEOUT,
            follow_redirects=True,
            http2=http2,
            limits=limits,
            **{**(secrets or {}), "event_hooks": self._hooks(secrets or {})},
        )

    def _hooks(self, secrets: Mapping[str, Any]) -> dict[str, list[Callable[..., Any]]]:
        given: Mapping[str, list[Callable[..., Any]]] = secrets.get("event_hooks", {})
        # httpx calls it for each redirect too.
        return {
            **given,
            "request": [lambda request: self._guard.check(str(request.url)), *given.get("request", [])],
        }

    @contextmanager
    def opened(self) -> Iterator["Client"]:
        """Itself; its connections are closed at the end."""
        with self._http:
            yield self

    def get(self, url: str, params: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        """The answer for a page, with its body. Raises SourceError, RetryError, InputError (address)."""
        body = io.BytesIO()
        answer = self.download(url, params, headers, body, most=LARGEST)
        return replace(answer, body=body.getvalue())

    def look(self, url: str) -> Answer:
        """The answer without its body. Raises as ``get`` does."""
        return self.download(url, {}, {}, io.BytesIO(), most=0)

    def download(
        self,
        url: str,
        params: Mapping[str, str],
        headers: Mapping[str, str],
        file: Body,
        *,
        most: int | None = None,
        earlier: Mapping[str, str] | None = None,
        note: Callable[[Answer], object] = lambda _: None,
    ) -> Answer:
        """The answer, its body at the end of ``file``. One that breaks off is gone on with where the server allows it,
        and so is what ``file`` has of an answer with the headers ``earlier``.

        ``most``: bytes that a body may have; 0: none of it is asked for. ``note`` hears of the answer before the body
        comes. Raises as ``get`` does; then the file has what came.
        """
        began, tries, told, begun = time.monotonic(), 0, httpx.Headers(), httpx.Headers(dict(earlier or {}))

        def heard(answer: Answer) -> None:
            nonlocal told, begun
            told = answer.headers
            if answer.status < 300:
                begun = told
                note(answer)

        while True:
            tries += 1
            self._pace.wait()
            size, told = file.tell(), httpx.Headers()
            given = {**headers, **_going_on(begun, size)}
            try:
                answer = self._once(url, params, given, file, most, heard)
            except RetryError as trouble:
                tries = 1 if file.tell() > size + PROGRESS else tries
                pause = wanted(told, tries)
                if trouble.facts.get("secondary"):
                    pause = max(pause, SECONDARY)
                left = deadline.remaining()
                left = PATIENCE - (time.monotonic() - began) if left is None else left
                if tries >= self._most_tries or pause > left:
                    raise
                if trouble.facts.get("status") == httpx.codes.TOO_MANY_REQUESTS:
                    self._pace.hold(pause)  # it is meant for all of our requests
                _log.info("%s Next try in %.1f s.", trouble.message, pause)
                sleep(pause)
            else:
                self._pace.heed(answer.headers)
                return answer

    def _once(
        self,
        url: str,
        params: Mapping[str, str],
        headers: Mapping[str, str],
        file: Body,
        most: int | None,
        heard: Callable[[Answer], object],
    ) -> Answer:
        shown = without_secrets(url)
        with explained(shown):
            request = self._http.build_request("GET", url, params=params or None, headers=dict(headers))
            request.extensions["trace"] = self._trace
            response = self._http.send(request, stream=True)
            try:
                answer = _answer(response)
                if not response.is_success and response.status_code != httpx.codes.NOT_MODIFIED:
                    heard(answer)
                    raise _refusal(response, file, shown)
                if response.status_code != httpx.codes.PARTIAL_CONTENT:
                    _empty(file)  # the server begins anew, maybe with other content
                elif not response.headers.get("content-range", "").startswith(f"bytes {file.tell()}-"):
                    raise _refusal(response, file, shown)
                heard(answer)
                if most != 0:
                    _save(response, file, most, shown)
            finally:
                response.close()
        return answer

    @property
    def certificates(self) -> dict[str, datetime]:
        """Until when the certificate of each server that was asked is good; none without TLS."""
        return dict(self._certified)

    @property
    def warnings(self) -> list[str]:
        """What somebody should see to before long: certificates that end within a month."""
        days = {host: (until - datetime.now(UTC)).days for host, until in self._certified.items()}
        return [
            f"The certificate of {host} ends on {self._certified[host]:%Y-%m-%d}, in {left} days."
            for host, left in days.items()
            if left < MONTH
        ]

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        if not self._proxied:  # what a proxy asks, it decides
            self._guard.trace(event, info)
        hang_up_in_time(event, info)
        if event == "connection.start_tls.complete":
            line = info["return_value"].get_extra_info("ssl_object")
            if ends := (line.getpeercert() or {}).get("notAfter"):
                until = datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC)
                self._certified[str(line.server_hostname)] = until


def hang_up_in_time(event: str, info: Mapping[str, Any]) -> None:
    """httpx tells each step of its work: have each connection that it makes hung up at the step's deadline."""
    if event.endswith(("connect_tcp.complete", "start_tls.complete")):
        line = info["return_value"].get_extra_info("socket")
        deadline.at_end(lambda: deadline.hang_up(line.fileno()))


def _refusal(response: httpx.Response, file: Body, shown: str) -> SluiceError:
    """As of 429 where a server says it in other words; ``secondary`` where only the text does."""
    status = response.status_code
    if status in (httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE, httpx.codes.PARTIAL_CONTENT):
        _empty(file)
        return RetryError(f"{shown} does not go on with what was begun.", hint="It begins anew.", url=shown)
    if status not in (httpx.codes.FORBIDDEN, httpx.codes.TOO_MANY_REQUESTS):
        return refusal(status, shown)
    if "retry-after" in response.headers or none_left(response.headers):
        return refusal(429, shown)
    said = io.BytesIO()
    _save(response, said, LARGEST, shown)
    secondary = _SECONDARY in said.getvalue()
    error = refusal(429 if secondary else status, shown)
    error.facts["secondary"] = secondary
    return error


def _empty(file: Body) -> None:
    file.seek(0)
    file.truncate()


def _answer(response: httpx.Response) -> Answer:
    links = {name: str(response.url.join(one["url"])) for name, one in response.links.items() if name}
    return Answer(str(response.url), response.status_code, response.headers, links, b"")


def _save(response: httpx.Response, file: Body, most: int | None, shown: str) -> None:
    began, came = time.monotonic(), 0
    # A size would make it wait until that much has come, however slowly, and nobody could look at the clock.
    for chunk in deadline.checked(response.iter_bytes()):
        file.write(chunk)
        came += len(chunk)
        if time.monotonic() - began > GRACE + came / SLOWEST:
            raise RetryError(
                f"{shown} sends too slowly.", hint="The server has trouble; try later.", url=shown
            )
        if most and file.tell() > most:
            raise SourceError(
                f"{shown}: a page of more than {most // 1_000_000} MB.",
                hint="Ask for smaller pages.",
                url=shown,
            )
    deadline.check()  # an answer that tells no length seems whole where we hung up


def _going_on(headers: Mapping[str, str], size: int) -> dict[str, str]:
    """The headers that ask for what comes after ``size`` bytes of an answer that had ``headers``; none where that could
    be the rest of something else.
    """
    tag = headers.get("etag", "")
    strong = tag if tag and not tag.startswith("W/") else headers.get("last-modified", "")
    packed = headers.get("content-encoding", "identity") != "identity"
    if not size or not strong or packed or headers.get("accept-ranges") != "bytes":
        return {}
    return {"range": f"bytes={size}-", "if-range": strong}
