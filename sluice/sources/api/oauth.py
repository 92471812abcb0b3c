"""OAuth 2.0 for machines: an access token by client credentials or a refresh token, got anew when it has run out."""

import re
import threading
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from sluice.errors import SourceError
from sluice.sources import http_errors

RENEWALS = 2  # of the token that one request gets itself; one that others got may be used up by others
MOST = 10  # tries of one request
EARLY = 30.0  # seconds before its end a token counts as run out
# By what the server calls its refusal (RFC 6749, section 5.2).
HINTS = {
    "invalid_client": "Check the client's id and secret, and whether they go in the form (secret_in_body).",
    "invalid_grant": "The refresh token was used up, has ended or was withdrawn: give the block a new one.",
    "invalid_scope": "Correct the block's scope.",
    "unauthorized_client": "Have the server's owner allow the client this way to get a token.",
    "unsupported_grant_type": "The server gives no token this way; see whether it wants a refresh token.",
}
_NAME = re.compile(r"[a-z_]{1,40}")


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token is asked for with. ``refresh_token``: empty for client credentials. ``in_body``: where the client's
    id and secret stand; else they are a basic login.
    """

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = ""
    audience: str = ""
    refresh_token: str = field(default="", repr=False)
    in_body: bool = False

    def request(self) -> httpx.Request:
        """The request for a token."""
        form = {"grant_type": "refresh_token" if self.refresh_token else "client_credentials"}
        form |= {"refresh_token": self.refresh_token, "scope": self.scope, "audience": self.audience}
        if self.in_body:
            form |= {"client_id": self.client_id, "client_secret": self.client_secret}
        request = httpx.Request(
            "POST", self.token_url, data={name: text for name, text in form.items() if text}
        )
        if not self.in_body:
            next(httpx.BasicAuth(self.client_id, self.client_secret).auth_flow(request))
        return request


class OAuth2(httpx.Auth):
    """Signs what goes to ``origin``; several threads may use it, one of them gets the token. A refresh token that the
    server replaces is used from then on; ``keep`` gets it, for other processes.
    """

    def __init__(self, grant: Grant, origin: str, keep: Callable[[str], object] = lambda _: None) -> None:
        self._grant, self._origin, self._keep = grant, httpx.URL(origin), keep
        self._token, self._ends = "", 0.0
        self._lock = threading.Lock()

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Get a token if there is none, send the request; where it is refused, again with a new one."""
        home = (request.url.scheme, request.url.host, request.url.port)
        if home != (self._origin.scheme, self._origin.host, self._origin.port):
            yield request
            return
        renewals = 0
        for _ in range(MOST):
            token, own = yield from self._current()
            renewals += own
            request.headers["Authorization"] = f"Bearer {token}"
            response = yield request
            if response.status_code != httpx.codes.UNAUTHORIZED or renewals > RENEWALS:
                return
            with self._lock:
                if self._token == token:
                    self._token = ""

    def _current(self) -> Generator[httpx.Request, httpx.Response, tuple[str, bool]]:
        """The token, and whether it was got just now."""
        with self._lock:
            own = not self._token or time.monotonic() > self._ends
            if own:
                response = yield self._grant.request()
                response.read()
                self._take(response)
            return self._token, own

    def _take(self, response: httpx.Response) -> None:
        if response.status_code in http_errors.RETRY_STATUS:
            raise http_errors.refusal(response.status_code, self._grant.token_url)
        told = _json(response)
        try:
            response.raise_for_status()
            token, seconds = str(told["access_token"]), float(told.get("expires_in") or 300)
        except (ValueError, KeyError, TypeError, httpx.HTTPStatusError):
            raise self._none(response.status_code, told) from None
        self._token, self._ends = token, time.monotonic() + max(seconds - EARLY, 1.0)
        renewed = str(told.get("refresh_token") or "")
        if self._grant.refresh_token and renewed not in ("", self._grant.refresh_token):
            self._grant = replace(self._grant, refresh_token=renewed)
            self._keep(renewed)

    def _none(self, status: int, told: Mapping[str, Any]) -> SourceError:
        """The error for an answer without a token; what the server calls it is told, but no other text of its."""
        url, name = self._grant.token_url, str(told.get("error"))
        known = f", {name}" if _NAME.fullmatch(name) and "error" in told else ""
        hint = HINTS.get(name, "Check the client's id, its secret and the scope.")
        return SourceError(f"{url} gave no access token (status {status}{known}).", hint=hint, url=url)


def _json(response: httpx.Response) -> Mapping[str, Any]:
    try:
        told = response.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
