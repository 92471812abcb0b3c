"""Limits of request bodies, before they cost memory or disk: how many bytes, and how long a client may be silent."""

import asyncio
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.problems import answer
from gateway.settings import GatewaySettings

SMALL: Final = 1_000_000  # bytes of a JSON body, and of what stands around files
PATIENCE: Final = 30.0  # seconds without a byte
UPLOADS: Final = "/api/uploads/"


class Limits:
    """Refuses a body that announces too many bytes at once, and one that announces none as soon as it has too many."""

    def __init__(self, app: ASGIApp, settings: GatewaySettings, patience: float = PATIENCE) -> None:
        self._app, self._patience = app, patience
        self._file = settings.upload_limit_mb * 1_000_000
        self._files = settings.upload_files * self._file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        limit = self.limit(request)
        announced = request.headers.get("content-length", "0")
        if announced.isdigit() and int(announced) > limit:
            refused = answer(request, 413, "Content Too Large", _too_large(limit))
            refused.headers["Connection"] = "close"  # the body is never read
            await refused(scope, receive, send)
            return
        await self._app(scope, self._counted(receive, limit), send)

    def limit(self, request: Request) -> int:
        """The most bytes of the request's body."""
        if request.scope["path"].startswith(UPLOADS):  # the route knows the upload's own limit
            return self._file + SMALL
        kind = request.headers.get("content-type", "")
        return SMALL + (self._files if kind.lower().startswith("multipart/form-data") else 0)

    def _counted(self, receive: Receive, limit: int) -> Receive:
        left, more = limit, True

        async def counted() -> Message:
            nonlocal left, more
            if not more:  # what comes now is the client's end, whenever that is
                return await receive()
            try:
                async with asyncio.timeout(self._patience):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, "The rest of the body did not come.") from None
            left -= len(message.get("body", b""))
            more = message.get("more_body", False)
            if left < 0:
                raise HTTPException(413, _too_large(limit))
            return message

        return counted


def _too_large(limit: int) -> str:
    return f"The body has more than the {limit:,} bytes that are allowed here."
