"""A shorter way for the requests that come most: one in good order is answered without the framework's routing and
dependencies, most of what it costs. Any other takes the usual way, which knows what is wrong with it.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import Request, Response
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.access import admit
from gateway.problems import respond
from gateway.state import Service, service
from sluice.errors import SluiceError
from sluice.security.tokens import Caller, Role

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Way:
    """How a route's requests are answered, whose callers need ``role``.

    ``take`` returns what the request asks for, or None for the usual way; ``quick`` returns the answer to that.
    """

    role: Role
    take: Callable[[Request], Awaitable[Any]]
    quick: Callable[[Request, Service, Caller, Any], Awaitable[BaseModel]]
    status: int = 200


class Direct:
    """``ways`` by method and path; a path that ends with a slash stands for those with one more part."""

    def __init__(self, app: ASGIApp, ways: Mapping[tuple[str, str], Way]) -> None:
        self._app, self._ways = app, ways

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        way = self._way(scope) if scope["type"] == "http" else None
        if way is None:
            await self._app(scope, receive, send)
            return
        taken, again = _kept(receive)
        request = Request(scope, taken)
        try:
            answer = await _answer(request, way)
        except (SluiceError, HTTPException) as error:
            answer = await respond(request, error)
        if answer is None:
            await self._app(scope, again, send)
        else:
            await answer(scope, receive, send)

    def _way(self, scope: Scope) -> Way | None:
        method, path = scope["method"], scope["path"]
        return self._ways.get((method, path)) or self._ways.get((method, path.rpartition("/")[0] + "/"))


async def _answer(request: Request, way: Way) -> Response | None:
    who = _caller(request)
    asked = None if who is None or who.role < way.role else await way.take(request)
    if who is None or asked is None:
        return None
    served = admit(request, who)
    found = await way.quick(request, served, who, asked)
    return Response(found.__pydantic_serializer__.to_json(found), way.status, media_type="application/json")


def _caller(request: Request) -> Caller | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer":
        return None
    try:
        return service(request).keys.caller(token)
    except SluiceError:
        return None


def _kept(receive: Receive) -> tuple[Receive, Receive]:
    """Two ears for what comes: all that the first has heard, the second hears again."""
    heard: list[Message] = []

    async def first() -> Message:
        heard.append(await receive())
        return heard[-1]

    async def second() -> Message:
        return heard.pop(0) if heard else await receive()

    return first, second


async def body_of(request: Request, model: type[M]) -> M | None:
    """The JSON of the body, if it is one of the model's."""
    if request.headers.get("content-type") != "application/json":
        return None
    try:
        return model.model_validate_json(await request.body())
    except (ValidationError, ClientDisconnect):
        return None
