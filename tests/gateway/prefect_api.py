"""A client of the Prefect server that tests share."""

import time
from contextlib import suppress
from typing import Any

import httpx


class Api(httpx.Client):
    """Asks again where the server is busy, or just gave an idle connection up: its database is SQLite here."""

    def request(self, *values: Any, **named: Any) -> httpx.Response:
        while True:
            with suppress(httpx.NetworkError, httpx.RemoteProtocolError):
                reply = super().request(*values, **named)
                if reply.status_code != 503:
                    return reply
            time.sleep(0.1)
