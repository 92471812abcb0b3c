"""Digest logins (RFC 7616): the password stays here, the server gets a hash of it with its nonce."""

import threading
from collections.abc import Generator

import httpx

from sluice.errors import SourceError
from sluice.sources.urls import without_secrets


class Digest(httpx.Auth):
    """Answers what the server at ``origin`` asks, and no other.

    Several threads may use it: each has a nonce of its own, so that no count of one is sent twice.
    """

    def __init__(self, username: str, password: str, origin: str) -> None:
        self._name, self._password, self._origin = username, password, httpx.URL(origin)
        self._own = threading.local()

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send the request; where the server asks for it, again with the answer to its nonce. Raises SourceError."""
        home = (request.url.scheme, request.url.host, request.url.port)
        if home != (self._origin.scheme, self._origin.host, self._origin.port):
            yield request
            return
        try:
            flow = self._login().auth_flow(request)
            asked = next(flow)
            while True:
                response = yield asked
                asked = flow.send(response)
                _take_cookies(asked, response)
        except StopIteration:
            return
        except (KeyError, NotImplementedError, httpx.ProtocolError):  # of httpx's, about what it can't do
            url = without_secrets(str(request.url))
            raise SourceError(
                f"{url} asks for a digest login of a kind that is not known here.",
                hint="Have the server offer qop=auth with MD5, SHA-256 or SHA-512, or use another login.",
                url=url,
            ) from None

    def _login(self) -> httpx.DigestAuth:
        found: httpx.DigestAuth | None = getattr(self._own, "login", None)
        if found is None:
            found = self._own.login = httpx.DigestAuth(self._name, self._password)
        return found


def _take_cookies(request: httpx.Request, response: httpx.Response) -> None:
    """Send the cookies that came with the challenge; httpx keeps the older ones of the same names."""
    if response.cookies and "Cookie" in request.headers:
        sent = dict(
            part.strip().split("=", 1) for part in request.headers["Cookie"].split(";") if "=" in part
        )
        sent |= dict(response.cookies)
        request.headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in sent.items())
