"""A web API on this machine: a list of records in every kind of pages, and faults when told to."""

import asyncio
import csv
import io
import json
import threading
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import pyotp
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

Fault = Any  # what a handler answers instead, once


@dataclass
class Api:
    """``items``: what there is; ``faults``: answers to come before the right ones; ``asked``: each request's query."""

    url: str = ""
    items: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Response] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    latency: float = 0.0
    tokens: dict[str, int] = field(default_factory=dict)
    good_for: int = 1000
    refused: int = 0
    otp: str = ""
    logins: list[str] = field(default_factory=list)
    ignored: tuple[str, ...] = ()  # parameters
    begins: int = 1  # what `page` and `start` call the first
    clamps: bool = False  # beyond the last page it shows that
    totals: bool = False  # it says how many there are
    changes: dict[int, Callable[[], object]] = field(
        default_factory=dict
    )  # by the number of the request before
    content_type: str = "text/csv; charset=utf-8"
    delimiter: str = ","
    rest: str = ""  # at the end of each page of CSV

    def fill(self, count: int) -> list[dict[str, Any]]:
        """That many records."""
        self.items = [
            {
                "name": f"item-{number:06d}",
                "stars": number,
                "updated": f"2026-01-{1 + number % 28:02d}T00:00:00Z",
            }
            for number in range(count)
        ]
        return self.items

    @property
    def times(self) -> Counter[str]:
        """How often each query was asked."""
        return Counter(json.dumps(one, sort_keys=True) for one in self.asked)

    async def _before(self, request: Request) -> Response | None:
        self.asked.append(dict(request.query_params))
        self.paths.append(request.url.path)
        self.changes.pop(len(self.asked) - 1, lambda: None)()
        if self.latency:
            await asyncio.sleep(self.latency)
        return self.faults.pop(0) if self.faults else None

    async def listing(self, request: Request) -> Response:
        """By page or offset, or all; ``since`` leaves out what has not changed."""
        if fault := await self._before(request):
            return fault
        items, total = self._counted(request)
        told = {"x-total-count": str(total)} if self.totals else {}
        return JSONResponse(items, headers=self.headers | told)

    async def table(self, request: Request) -> Response:
        """The same as CSV, each page with its header."""
        if fault := await self._before(request):
            return fault
        items, _ = self._counted(request)
        text = io.StringIO()
        writer = csv.DictWriter(text, ["name", "stars", "updated"], delimiter=self.delimiter)
        writer.writeheader()
        writer.writerows(items)
        encoding = self.content_type.partition("charset=")[2] or "utf-8-sig"
        return Response(
            (text.getvalue() + self.rest).encode(encoding), headers={"content-type": self.content_type}
        )

    def _counted(self, request: Request) -> tuple[list[dict[str, Any]], int]:
        """The items of the page that is asked for, and how many there are on all."""
        given = {name: value for name, value in request.query_params.items() if name not in self.ignored}
        items = [one for one in self.items if one["updated"] >= given.get("since", "")]
        size = int(given.get("size", len(items) or 1))
        if "page" in given:
            begin = (int(given["page"]) - self.begins) * size
        else:
            begin = int(given.get("offset", 0)) + int(given.get("start", self.begins)) - self.begins
        begin = min(begin, len(items) - size) if self.clamps else begin
        return items[begin : begin + size], len(items)

    async def linked(self, request: Request) -> Response:
        """By a Link header, ten at a time."""
        if fault := await self._before(request):
            return fault
        begin = int(request.query_params.get("from", 0))
        there = begin + 10 < len(self.items)
        link = {"link": f'<{request.url.path}?from={begin + 10}>; rel="next"'} if there else {}
        return JSONResponse({"data": {"rows": self.items[begin : begin + 10]}}, headers=link)

    async def cursored(self, request: Request) -> Response:
        """By a cursor in the body, and the URL with it."""
        if fault := await self._before(request):
            return fault
        begin = int(request.query_params.get("cursor", "c0")[1:])
        following = f"c{begin + 10}" if begin + 10 < len(self.items) else None
        meta = {"cursor": following, "url": f"/cursored?cursor={following}" if following else None}
        return JSONResponse({"items": self.items[begin : begin + 10], "meta": meta})

    async def in_body(self, request: Request) -> Response:
        """The links to other pages, the last before the next, in the body: as HAL, FHIR and OData have them."""
        await self._before(request)
        at, last = int(request.query_params.get("at", 0)), (len(self.items) - 1) // 10 * 10
        links = {"last": f"?at={last}"} | ({"next": f"?at={at + 10}"} if at < last else {})
        styles = {
            "hal": {"_links": {name: {"href": url} for name, url in links.items()}},
            "fhir": {"link": [{"relation": name, "url": url} for name, url in links.items()]},
            "odata": {"@odata.nextLink": links.get("next")},
        }
        return JSONResponse(
            {**styles[request.path_params["style"]], "value": {"items": self.items[at : at + 10]}}
        )

    async def same(self, request: Request) -> Response:
        """Whatever is asked for, the first page."""
        await self._before(request)
        return JSONResponse(self.items[:10])

    async def elsewhere(self, request: Request) -> Response:
        """To the address that is asked for."""
        await self._before(request)
        return RedirectResponse(request.query_params["to"])

    async def known(self, request: Request) -> Response:
        """With an ETag."""
        await self._before(request)
        tag = f'"{len(self.items)}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304)
        return JSONResponse(self.items, headers={"etag": tag})

    async def secret(self, request: Request) -> Response:
        """For who has the token, the key and the parameter."""
        await self._before(request)
        given = (
            request.headers.get("authorization"),
            request.headers.get("x-key"),
            request.query_params.get("api_key"),
        )
        if given != ("Bearer tok-1", "key-2", "par-3"):
            return JSONResponse({"error": "who are you?"}, 401)
        return JSONResponse(self.items)

    async def token(self, request: Request) -> Response:
        """An access token that is good for ``good_for`` requests, for who has the client's secret."""
        if fault := await self._before(request):
            return fault
        form = dict(parse_qsl((await request.body()).decode()))
        basic = "Basic " + b64encode(b"me:client-secret").decode()
        known = request.headers.get("authorization") == basic or form.get("client_secret") == "client-secret"
        renewed = form["grant_type"] == "refresh_token"
        if not known or (renewed and form["refresh_token"] != f"refresh-{len(self.tokens)}"):
            return JSONResponse({"error": "invalid_client"}, 401)
        self.tokens[f"token-{len(self.tokens)}"] = self.good_for
        told = {"access_token": f"token-{len(self.tokens) - 1}", "expires_in": 3600, "token_type": "Bearer"}
        return JSONResponse(told | ({"refresh_token": f"refresh-{len(self.tokens)}"} if renewed else {}))

    async def guarded(self, request: Request) -> Response:
        """By pages, for who has a token that is still good, and the second factor if there is one."""
        name = request.headers.get("authorization", "").removeprefix("Bearer ")
        self.logins.append(name)
        if self.otp and not pyotp.TOTP(self.otp).verify(request.headers.get("x-otp", ""), valid_window=1):
            return JSONResponse({"error": "no second factor"}, 401)
        if self.tokens.get(name, 0) < 1:
            self.refused += 1
            return JSONResponse({"error": "invalid_token"}, 401)
        self.tokens[name] -= 1
        return await self.listing(request)

    async def text(self, request: Request) -> Response:
        """No JSON."""
        await self._before(request)
        return Response("<html>Welcome</html>", media_type="text/html")

    async def lines(self, request: Request) -> Response:
        """A record a line."""
        await self._before(request)
        return Response("\n".join(map(json.dumps, self.items)), media_type="application/x-ndjson")


@contextmanager
def served(api: Api, **tls: Any) -> Iterator[Api]:
    """The API at a port of its own, for the block. ``tls``: uvicorn's options."""
    names = (
        "token", "guarded", "listing", "linked", "cursored", "same", "elsewhere", "known", "secret", "text", "lines",
        "table",
    )  # fmt: skip
    routes = [Route(f"/{name}", getattr(api, name), methods=["GET", "POST"]) for name in names]
    routes.append(Route("/in_body/{style}", api.in_body))
    with running(Starlette(routes=routes), **tls) as api.url:
        yield api


@contextmanager
def running(app: Starlette, **tls: Any) -> Iterator[str]:
    """The URL of the application, at a port of its own, for the block. ``tls``: uvicorn's options."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="off", **tls)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        threading.Event().wait(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
