"""The signed challenge: a nonce of the server's, signed with our key, for a token that opens a session."""

import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable, Generator
from typing import Any

import httpx
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from sluice.errors import SetupError, SourceError
from sluice.sources import http_errors
from sluice.sources.api.policy import Challenge

Flow = Generator[httpx.Request, httpx.Response, httpx.Response]


def signer(pem: str) -> Callable[[bytes], bytes]:
    """What signs with the private key: Ed25519, or ECDSA with SHA-256 (as DER). Raises SetupError."""
    try:
        key = load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None  # what the library says may quote the key
    if isinstance(key, Ed25519PrivateKey):
        return key.sign
    if isinstance(key, EllipticCurvePrivateKey):
        return lambda text: key.sign(text, ECDSA(SHA256()))
    raise SetupError(
        "The challenge key is no private key that Sluice can sign with.",
        hint="Give the block an Ed25519 or ECDSA key as PEM, without a password.",
    )


class SignedChallenge(httpx.Auth):
    """Opens a session and signs what goes to ``origin`` with its token; ``first`` is the login beside it.

    A session that the server no longer takes is opened anew, once a request. Several threads may use it.
    """

    def __init__(
        self, declared: Challenge, sign: Callable[[bytes], bytes], origin: httpx.URL, first: httpx.Auth | None
    ) -> None:
        self._declared, self._sign, self._origin, self._first = declared, sign, _of(origin), first
        self._token = ""
        self._lock = threading.Lock()

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Open a session if there is none, send the request; where it is refused, once more in a new one."""
        if _of(request.url) != self._origin:
            request.headers.pop(self._declared.header, None)
            yield from self._through(request)
            return
        token = yield from self._session("")
        request.headers[self._declared.header] = token
        response = yield from self._through(request)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            response.read()  # it gives its connection back, which whoever opens the session may need
            request.headers[self._declared.header] = yield from self._session(token)
            yield from self._through(request)

    def _through(self, request: httpx.Request) -> Flow:
        """Send it by the first login; returns the answer."""
        if self._first is None:
            return (yield request)
        flow = self._first.auth_flow(request)
        asked = next(flow)
        while True:
            response = yield asked
            if asked is not request:
                response.read()
            try:
                asked = flow.send(response)
            except StopIteration:
                return response

    def _session(self, refused: str) -> Generator[httpx.Request, httpx.Response, str]:
        """The token of the session; of a new one where it is the one that was ``refused``."""
        with self._lock:
            if not self._token or self._token == refused:
                self._token = yield from self._open()
            return self._token

    def _open(self) -> Generator[httpx.Request, httpx.Response, str]:
        given = self._declared
        named = {"key_id": given.key_id} if given.key_id else {}
        nonce = yield from self._post(given.url, named, given.nonce)
        signed = urlsafe_b64encode(self._sign(nonce.encode())).decode().rstrip("=")
        answer = {**named, given.nonce: nonce, given.signature: signed}
        return (yield from self._post(given.answer_url or given.url, answer, given.session))

    def _post(
        self, url: str, body: dict[str, str], wanted: str
    ) -> Generator[httpx.Request, httpx.Response, str]:
        """The field ``wanted`` of the answer. Raises SourceError, RetryError."""
        response = yield from self._through(httpx.Request("POST", url, json=body))
        response.read()
        status = response.status_code
        if status in http_errors.RETRY_STATUS:
            raise http_errors.refusal(status, url)
        try:
            told: Any = response.json()[wanted] if response.is_success else None
        except (ValueError, KeyError, TypeError):
            told = None
        if not isinstance(told, str) or not told:
            raise SourceError(
                f"{url} gave no `{wanted}` (status {status}).",
                hint="Check the block's challenge key, `key_id` and the fields of `challenge`.",
                url=url,
                status=status,
            )
        return told


def _of(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
