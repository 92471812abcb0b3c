"""Forms with files: spooled under home, and refused as soon as a file is too large or one too many."""

import math
from collections.abc import AsyncGenerator, Callable, Coroutine
from tempfile import SpooledTemporaryFile
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.datastructures import FormData, Headers
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser

from gateway.settings import GatewaySettings
from gateway.state import service

FIELDS = 20
FIELD = 10_000  # bytes


class FormRoute(APIRoute):
    """A route whose form may hold files. Nothing is read from who has no token."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            scheme, _, token = request.headers.get("authorization", "").partition(" ")
            if request.method == "POST":
                service(request).keys.caller(token if scheme.lower() == "bearer" else "")
            return await handle(_FormRequest(request.scope, request.receive))

        return handler


class _FormRequest(Request):
    async def form(self, **_: Any) -> FormData:  # type: ignore[override]  # all that the framework does is await it
        if not self.headers.get("content-type", "").lower().startswith("multipart/form-data"):
            return await super().form(max_fields=FIELDS)
        parser = _Parser(self.headers, self.stream(), service(self).settings)
        try:
            return await parser.parse()
        except MultiPartException as error:
            raise HTTPException(400, error.message) from None


class _Parser(MultiPartParser):
    def __init__(
        self, headers: Headers, stream: AsyncGenerator[bytes, None], settings: GatewaySettings
    ) -> None:
        super().__init__(headers, stream, max_files=math.inf, max_fields=FIELDS, max_part_size=FIELD)
        self._most, self._limit = settings.upload_files, settings.upload_limit_mb * 1_000_000
        self._folder = settings.root / "spool"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def on_headers_finished(self) -> None:
        super().on_headers_finished()
        if (part := self._current_part.file) is None:
            return
        if self._current_files > self._most:
            raise HTTPException(413, f"More than {self._most} files in one request.")
        # The system's own temporary folder may be memory. The file has no name there: it ends with the request.
        part.file = SpooledTemporaryFile(self.spool_max_size, dir=self._folder)  # type: ignore[call-overload]  # noqa: SIM115
        self._files_to_close_on_error.append(part.file)  # type: ignore[arg-type]

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        super().on_part_data(data, start, end)
        part = self._current_part.file
        if part is not None and (part.size or 0) + end - start > self._limit:
            name = (part.filename or "file")[:200]
            raise HTTPException(413, f"{name}: the file has more than {self._limit:,} bytes.")
